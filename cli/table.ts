// Tables for people: aligned, cut to the terminal's width, safe to print whatever hosts and attackers wrote into the cells.
import { visible } from '../rules/diagnostic.ts';
import { cutToWidth, textWidth } from './text-width.ts';

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
/** A time with its day. */
const FIRST_WIDTH_MIN = 24;
/** A column that gives way keeps this much. */
const COLUMN_WIDTH_MIN = 8;
const GAP = '  ';

/** Lines, each ended by a newline; the last column takes what is left. `width` 0: not a terminal. */
export function renderTable(columns: readonly Column[], rows: readonly (readonly string[])[], width: number): string {
  const shown = rows.map((row) => row.map(visible));
  const wanted = columns.map((column, index) => {
    const longest = shown.reduce((most, row) => Math.max(most, textWidth(row[index] ?? '')), column.title.length);
    return Math.min(longest, column.widthMax ?? longest);
  });
  const widths = fitted(wanted, width);
  return tableLine(columns, widths, titlesOf(columns)) + shown.map((row) => tableLine(columns, widths, row)).join('');
}

/** A table whose rows come one by one: the widths are set before they are known. */
export function growingTable(
  columns: readonly Column[],
  width: number,
): { readonly head: string; readonly line: (row: readonly string[]) => string } {
  const total = Math.max(width || WIDTH_DEFAULT, WIDTH_MIN);
  // The first is what tells the rows apart: a time, an id.
  const share = (at: number): number => Math.max(Math.floor(total / columns.length), at === 0 ? FIRST_WIDTH_MIN : 0);
  const widths = fitted(
    columns.map(({ title, widthMax = total }, at) =>
      at === columns.length - 1 ? total : Math.max(title.length, Math.min(widthMax, share(at))),
    ),
    total,
  );
  return {
    head: tableLine(columns, widths, titlesOf(columns)),
    line: (row) => tableLine(columns, widths, row.map(visible)),
  };
}

function titlesOf(columns: readonly Column[]): readonly string[] {
  return columns.map(({ title }) => visible(title));
}

function tableLine(columns: readonly Column[], widths: readonly number[], cells: readonly string[]): string {
  const padded = columns.map((column, index) => pad(cells[index] ?? '', widths[index] ?? 0, column.align));
  return `${padded.join(GAP).trimEnd()}\n`;
}

/** Widths that the terminal has room for: the widest columns give way first, the first one (a time, a count) never. */
function fitted(wanted: readonly number[], width: number): number[] {
  const widths = [...wanted];
  const total = Math.max(width || WIDTH_DEFAULT, WIDTH_MIN);
  const last = widths.length - 1;
  const used = (): number => widths.slice(0, last).reduce((sum, one) => sum + one + GAP.length, 0);
  const lastLeast = Math.min(widths[last] ?? 0, LAST_WIDTH_MIN);
  // A file or a pipe has room; only its last column is kept short.
  while (width > 0 && used() + lastLeast > total) {
    const widest = widths.reduce(
      (best, one, at) => (at > 0 && at < last && one > (widths[best] ?? 0) ? at : best),
      last,
    );
    if (widest === last || (widths[widest] ?? 0) <= COLUMN_WIDTH_MIN) {
      const other = widths.findIndex((one, at) => at > 0 && at < last && one > COLUMN_WIDTH_MIN);
      if (other < 0) break;
      widths[other] = (widths[other] ?? 0) - 1;
    } else {
      widths[widest] = (widths[widest] ?? 0) - 1;
    }
  }
  widths[last] = Math.min(widths[last] ?? 0, Math.max(LAST_WIDTH_MIN, total - used()));
  return widths;
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
  const cut = cutToWidth(text, width);
  const blank = ' '.repeat(Math.max(0, width - textWidth(cut)));
  return align === 'right' ? blank + cut : cut + blank;
}
