// The columns of a packed chunk (chunk-reader.ts), a value at a time. Texts that many rows of it have are made once.
import { COLUMN_WORDS, FORMS, type PackedChunk, WORD } from './chunk-reader.ts';

/** What its form does not have is empty. */
export interface PackedColumn {
  readonly form: number;
  readonly numbers: Float64Array;
  /** Of lists: where each begins among the codes, and its length. */
  readonly lists: Int32Array;
  readonly codes: Int32Array;
  readonly ends: Uint32Array;
  readonly texts: Buffer;
  readonly isAscii: boolean;
  /** Texts that were made; undefined where few come again. */
  readonly known: (string | undefined)[] | undefined;
}

/** Of so many rows to a text, its texts are kept for as long as the chunk is. */
const SHARED_LEAST = 2;
const NO_NUMBERS = new Float64Array(0);
const NO_CODES = new Int32Array(0);
const NO_ENDS = new Uint32Array(0);
const NO_TEXTS = Buffer.alloc(0);

export function openColumn({ memory, rows }: PackedChunk, column: number): PackedColumn {
  const words = new Int32Array(memory, column * COLUMN_WORDS * 4, COLUMN_WORDS);
  const place = (at: number): number => words[at] ?? 0;
  const form = place(WORD.form);
  const values: PackedColumn = {
    form,
    numbers: NO_NUMBERS,
    lists: NO_CODES,
    codes: NO_CODES,
    ends: NO_ENDS,
    texts: NO_TEXTS,
    isAscii: place(WORD.isAscii) === 1,
    known: undefined,
  };
  if (form === FORMS.nulls) return values;
  if (form === FORMS.numbers) return { ...values, numbers: new Float64Array(memory, place(WORD.values), rows) };
  const different = place(WORD.different);
  const ends = new Uint32Array(memory, place(WORD.ends), different);
  const isList = form === FORMS.lists;
  return {
    ...values,
    lists: isList ? new Int32Array(memory, place(WORD.values), 2 * rows) : NO_CODES,
    codes: new Int32Array(memory, place(WORD.codes), isList ? (place(WORD.ends) - place(WORD.codes)) >> 2 : rows),
    ends,
    texts: Buffer.from(memory, place(WORD.texts), ends[different - 1] ?? 0),
    known: different * SHARED_LEAST <= rows ? new Array(different) : undefined,
  };
}

export function numberAt(column: PackedColumn | undefined, row: number): number | null {
  const value = column?.numbers[row] ?? Number.NaN;
  return Number.isNaN(value) ? null : value;
}

export function textAt(column: PackedColumn | undefined, row: number): string | null {
  const code = column?.codes[row] ?? -1;
  return column === undefined || code < 0 ? null : textOf(column, code);
}

export function listAt(column: PackedColumn, row: number): string[] | null {
  const { lists, codes } = column;
  const length = lists[2 * row + 1] ?? -1;
  if (length < 0) return null;
  const first = lists[2 * row] ?? 0;
  const list: string[] = [];
  for (let at = first; at < first + length; at++) list.push(textOf(column, codes[at] ?? 0));
  return list;
}

function textOf({ known, ends, texts, isAscii }: PackedColumn, code: number): string {
  const before = known?.[code];
  if (before !== undefined) return before;
  const text = texts.toString(isAscii ? 'latin1' : 'utf8', code === 0 ? 0 : ends[code - 1], ends[code]);
  if (known !== undefined) known[code] = text;
  return text;
}
