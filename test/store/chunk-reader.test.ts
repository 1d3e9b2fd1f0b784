// Rows that leave DuckDB as they lie in its memory: each value whole and in its place, however short or long, wherever DuckDB put it.
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { COLUMN_WORDS, createChunkReader, FORMS, type PackedChunk, WORD } from '../../store/embedded/chunk-reader.ts';

let instance: DuckDBInstance;
let connection: DuckDBConnection;
beforeAll(async () => {
  instance = await DuckDBInstance.create(':memory:');
  connection = await instance.connect();
  await connection.run(
    `CREATE TABLE stored AS SELECT n::DOUBLE AS n, concat('value ', n % 50, repeat('x', (n % 1000)::INTEGER)) AS t,
      if(n % 5 = 0, NULL, concat('name of ', n % 7)) AS few, (n - 5000) * 1000000007 AS whole,
      CASE n % 4 WHEN 0 THEN NULL WHEN 1 THEN [] WHEN 2 THEN ['a', concat('a longer member ', n)] ELSE ['', 'ü€😀', 'a'] END AS list
      FROM range(10000) r(n)`,
  );
});
afterAll(() => {
  connection.closeSync();
  instance.closeSync();
});

it.each([
  // Made by the statement, one after another; stored, some of them shared by many rows; short and long in turn; few of many rows; none.
  [`SELECT repeat(chr(97 + (n % 26)::INTEGER), (n % 40)::INTEGER) AS t, n::DOUBLE AS n FROM range(5000) r(n)`],
  [`SELECT t, n, few, whole, list FROM stored`],
  [`SELECT CASE WHEN n % 3 = 0 THEN concat(t, 'ü€😀') ELSE t END, n, NULL::VARCHAR, list FROM stored WHERE n % 7 <> 0`],
  [`SELECT list, few, whole FROM stored WHERE n % 500 = 3`],
  [`SELECT DISTINCT few, NULL::BIGINT FROM stored ORDER BY few NULLS FIRST`],
  [`SELECT t, list FROM stored WHERE n < 0`],
])('gives the values of %s', async (sql) => {
  const whole = (await connection.runAndReadAll(sql)).getRowsJS();
  const result = await connection.stream(sql);
  const reader = createChunkReader(result);
  const rows: unknown[][] = [];
  for (let chunk = await result.fetchChunk(); chunk !== null && chunk.rowCount > 0; chunk = await result.fetchChunk()) {
    rows.push(...rowsOf(reader.pack(chunk)));
  }
  const texts = (all: readonly (readonly unknown[])[]): string[] =>
    all.map((row) => JSON.stringify(row.map((value) => (typeof value === 'bigint' ? Number(value) : value)))).sort();
  expect(texts(rows)).toEqual(texts(whole));
});

it('refuses a column of a type that it does not know', async () => {
  const result = await connection.run('SELECT 1::INTEGER');
  expect(() => createChunkReader(result)).toThrow('column 0 is of a type that is not read');
});

/** The values as the chunk's form says, read as plainly as can be. */
function rowsOf({ rows, columns, memory }: PackedChunk): unknown[][] {
  const view = new DataView(memory);
  const read = (column: number, row: number): unknown => {
    const word = (name: keyof typeof WORD): number => view.getInt32((column * COLUMN_WORDS + WORD[name]) * 4, true);
    const int = (part: keyof typeof WORD, at: number): number => view.getInt32(word(part) + 4 * at, true);
    const textOf = (code: number): string => {
      const bytes = Buffer.from(memory, word('texts') + (code === 0 ? 0 : int('ends', code - 1)));
      const length = int('ends', code) - (code === 0 ? 0 : int('ends', code - 1));
      const text = bytes.subarray(0, length).toString('utf8');
      if (word('isAscii') === 1) expect(text).toMatch(/^[\u0000-\u007f]*$/);
      return text;
    };
    switch (word('form')) {
      case FORMS.numbers: {
        const value = view.getFloat64(word('values') + 8 * row, true);
        return Number.isNaN(value) ? null : value;
      }
      case FORMS.texts: {
        const code = int('codes', row);
        return code < 0 ? null : textOf(code);
      }
      case FORMS.lists: {
        const [first, length] = [int('values', 2 * row), int('values', 2 * row + 1)];
        return length < 0 ? null : Array.from({ length }, (_, at) => textOf(int('codes', first + at)));
      }
      default:
        return null;
    }
  };
  return Array.from({ length: rows }, (_, row) => Array.from({ length: columns }, (__, column) => read(column, row)));
}
