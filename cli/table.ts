// Tables for people: aligned, cut to the terminal's width, safe to print whatever hosts and attackers wrote into the cells.
import { visible } from '../rules/diagnostic.ts';

export interface Column {
  readonly title: string;
  readonly align?: 'right';
  /** A cell is cut past this many characters. */
  readonly widthMax?: number;
}

/** Width where the output is not a terminal: a mail, a ticket, a pipe. */
const WIDTH_DEFAULT = 120;
const WIDTH_MIN = 60;
/** The last column always gets this much, however full the others are. */
const LAST_WIDTH_MIN = 16;
const GAP = '  ';

/** Lines, each ended by a newline; the last column takes what is left. `width` 0: not a terminal. */
export function renderTable(columns: readonly Column[], rows: readonly (readonly string[])[], width: number): string {
  const shown = rows.map((row) => row.map(visible));
  const widths = columns.map((column, index) => {
    const longest = Math.max(column.title.length, ...shown.map((row) => lengthOf(row[index] ?? '')));
    return Math.min(longest, column.widthMax ?? longest);
  });
  const total = Math.max(width || WIDTH_DEFAULT, WIDTH_MIN);
  const last = widths.length - 1;
  const used = widths.slice(0, last).reduce((sum, one) => sum + one + GAP.length, 0);
  widths[last] = Math.min(widths[last] ?? 0, Math.max(LAST_WIDTH_MIN, total - used));
  const line = (cells: readonly string[]): string =>
    `${columns
      .map((column, index) => pad(cells[index] ?? '', widths[index] ?? 0, column.align))
      .join(GAP)
      .trimEnd()}\n`;
  return line(columns.map((column) => column.title)) + shown.map(line).join('');
}

/** Two columns without titles: a name and what it is. */
export function renderPairs(pairs: readonly (readonly [string, string])[], indent: string): string {
  const width = Math.max(0, ...pairs.map(([name]) => name.length));
  return pairs.map(([name, text]) => `${indent}${name.padEnd(width)}${GAP}${visible(text)}`.trimEnd()).join('\n');
}

/** `2026-05-01T10:20:30.123Z`, or `-`. */
export function isoTime(ms: number | undefined): string {
  return ms === undefined || !Number.isFinite(ms) || Math.abs(ms) > 8.64e15 ? '-' : new Date(ms).toISOString();
}

/** `1.5 GiB`; three significant figures. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? value : Number(value.toPrecision(3))} ${units[unit]}`;
}

/** `1 rule`, `2 rules`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

function pad(text: string, width: number, align: Column['align']): string {
  const characters = [...text];
  const cut = characters.length > width ? `${characters.slice(0, Math.max(0, width - 1)).join('')}…` : text;
  const blank = ' '.repeat(Math.max(0, width - Math.min(characters.length, width)));
  return align === 'right' ? blank + cut : cut + blank;
}

function lengthOf(text: string): number {
  return [...text].length;
}
