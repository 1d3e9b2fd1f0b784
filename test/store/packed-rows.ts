// Rows as the database's thread hands them over (store/embedded/chunk-reader.ts), made here without a database.
import { isAscii } from 'node:buffer';
import { COLUMN_WORDS, FORMS, type PackedChunk, WORD } from '../../store/embedded/chunk-reader.ts';
import { LAYOUT, toldColumns } from '../../store/embedded/columns.ts';

/** Rows of LAYOUT, in its columns' order. */
export function packedRows(rows: readonly (readonly unknown[])[]): PackedChunk {
  const columns = toldColumns(LAYOUT).map((column) => ({ ...column, at: LAYOUT.columns.indexOf(column) }));
  const parts: Buffer[] = [];
  let used = columns.length * COLUMN_WORDS * 4;
  const put = (part: ArrayBuffer | Buffer): number => {
    const place = used;
    const bytes = Buffer.from(part as ArrayBuffer);
    parts.push(bytes, Buffer.alloc((8 - (bytes.length % 8)) % 8));
    used += Math.ceil(bytes.length / 8) * 8;
    return place;
  };
  const directory = new Int32Array(columns.length * COLUMN_WORDS);
  for (const [index, { type, at }] of columns.entries()) {
    const values = rows.map((row) => row[at] ?? null);
    const word = directory.subarray(index * COLUMN_WORDS, (index + 1) * COLUMN_WORDS);
    if (values.every((value) => value === null)) continue;
    if (type === 'BIGINT' || type === 'DOUBLE') {
      word[WORD.form] = FORMS.numbers;
      word[WORD.values] = put(
        Float64Array.from(values, (value) => (value === null ? Number.NaN : Number(value))).buffer,
      );
      continue;
    }
    const texts: string[] = [];
    const codeOf = (value: unknown): number => (value === null ? -1 : texts.push(String(value)) - 1);
    if (type === 'VARCHAR') {
      word[WORD.form] = FORMS.texts;
      word[WORD.codes] = put(Int32Array.from(values, codeOf).buffer);
    } else {
      word[WORD.form] = FORMS.lists;
      const lists = values as (readonly string[] | null)[];
      let first = 0;
      const places = lists.flatMap((list) => {
        const place = [first, list?.length ?? -1];
        first += list?.length ?? 0;
        return place;
      });
      word[WORD.values] = put(Int32Array.from(places).buffer);
      word[WORD.codes] = put(
        Int32Array.from(
          lists.flat().filter((member) => member !== null),
          codeOf,
        ).buffer,
      );
    }
    const bytes = texts.map((text) => Buffer.from(text));
    let end = 0;
    word[WORD.ends] = put(Uint32Array.from(bytes, ({ length }) => (end += length)).buffer);
    const all = Buffer.concat(bytes);
    word[WORD.texts] = put(all);
    word[WORD.different] = texts.length;
    word[WORD.isAscii] = isAscii(all) ? 1 : 0;
  }
  const memory = Buffer.concat([Buffer.from(directory.buffer), ...parts]);
  return {
    rows: rows.length,
    columns: columns.length,
    memory: memory.buffer.slice(memory.byteOffset, memory.byteOffset + memory.length),
  };
}
