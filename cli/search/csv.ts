// Comma-separated values as RFC 4180 has them, and safe for what opens them: a spreadsheet takes a cell that begins with `=` for a
// formula, and a terminal takes an escape for a command, also behind a pipe (`| head`) or out of a file (`cat`). Both are what attackers
// write. Whoever needs each byte takes JSON.
import { visible } from '../../rules/diagnostic.ts';

const FORMULA = /^[=+\-@]/;
const NUMBER = /^-?[0-9]+(\.[0-9]+)?$/;

/** One record, on one line: control characters are shown, not sent. */
export function csvLine(cells: readonly unknown[]): string {
  return `${cells.map(csvCell).join(',')}\r\n`;
}

/** The first record: names, which programs look for as they are. */
export function csvHead(names: readonly string[]): string {
  return `${names.map((name) => quoted(visible(name))).join(',')}\r\n`;
}

function csvCell(value: unknown): string {
  const text = visible(typeof value === 'object' && value !== null ? JSON.stringify(value) : String(value ?? ''));
  // A quote in front makes it text to every spreadsheet; numbers are numbers.
  const tame = FORMULA.test(text) && !NUMBER.test(text) ? `'${text}` : text;
  return quoted(tame);
}

function quoted(text: string): string {
  return /[",]/.test(text) || text !== text.trim() ? `"${text.replaceAll('"', '""')}"` : text;
}
