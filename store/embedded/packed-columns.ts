// Numbers and texts of a packed chunk (chunk-reader.ts), one at a time: for answers that are counted, not made into documents.
import { COLUMN_WORDS, FORMS, type PackedChunk, WORD } from './chunk-reader.ts';

export interface PackedColumns {
  readonly rows: number;
  /** NaN where it is NULL. */
  numberAt(column: number, row: number): number;
  /** Undefined where it is NULL. */
  textAt(column: number, row: number): string | undefined;
  /** Frees its memory at once. Nothing is read after. */
  close(): void;
}

export function openColumns({ rows, columns, memory }: PackedChunk): PackedColumns {
  const whole = memory.byteLength - (memory.byteLength % Float64Array.BYTES_PER_ELEMENT);
  const words = new Int32Array(memory, 0, whole / Int32Array.BYTES_PER_ELEMENT);
  const doubles = new Float64Array(memory, 0, whole / Float64Array.BYTES_PER_ELEMENT);
  const bytes = Buffer.from(memory);
  const directory = words.slice(0, columns * COLUMN_WORDS);
  const wordOf = (column: number, word: number): number => directory[column * COLUMN_WORDS + word] ?? 0;
  return {
    rows,
    numberAt(column, row) {
      if (wordOf(column, WORD.form) !== FORMS.numbers) return Number.NaN;
      return doubles[wordOf(column, WORD.values) / Float64Array.BYTES_PER_ELEMENT + row] ?? Number.NaN;
    },
    textAt(column, row) {
      if (wordOf(column, WORD.form) !== FORMS.texts) return undefined;
      const code = words[wordOf(column, WORD.codes) / Int32Array.BYTES_PER_ELEMENT + row] ?? -1;
      if (code < 0) return undefined;
      const ends = wordOf(column, WORD.ends) / Int32Array.BYTES_PER_ELEMENT;
      const texts = wordOf(column, WORD.texts);
      const [from, to] = [texts + (code === 0 ? 0 : (words[ends + code - 1] ?? 0)), texts + (words[ends + code] ?? 0)];
      return wordOf(column, WORD.isAscii) === 1 ? bytes.toString('latin1', from, to) : bytes.toString('utf8', from, to);
    },
    close() {
      memory.transfer(0);
    },
  };
}
