// Comma-separated values as RFC 4180 has them, and safe for what opens them: a spreadsheet takes a cell that begins with `=` for a
// formula, and a terminal takes an escape for a command. Both are what attackers write.
import { visible } from '../../rules/diagnostic.ts';

const FORMULA = /^[=+\-@\t\r]/;
const NUMBER = /^-?[0-9]+(\.[0-9]+)?$/;

/** One record. `isTTY`: control characters are shown, not sent. */
export function csvLine(cells: readonly unknown[], isTTY: boolean): string {
  return `${cells.map((cell) => csvCell(cell, isTTY)).join(',')}\r\n`;
}

/** The first record: names, which programs look for as they are. */
export function csvHead(names: readonly string[]): string {
  return `${names.map((name) => quoted(visible(name))).join(',')}\r\n`;
}

function csvCell(value: unknown, isTTY: boolean): string {
  const plain = typeof value === 'object' && value !== null ? JSON.stringify(value) : String(value ?? '');
  const text = isTTY ? visible(plain) : plain;
  // A quote in front makes it text to every spreadsheet; numbers are numbers.
  const tame = FORMULA.test(text) && !NUMBER.test(text) ? `'${text}` : text;
  return quoted(tame);
}

function quoted(text: string): string {
  return /[",\r\n]/.test(text) || text !== text.trim() ? `"${text.replaceAll('"', '""')}"` : text;
}
