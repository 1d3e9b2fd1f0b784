// Texts that leave DuckDB as bytes: each whole and in its place, however short or long, wherever DuckDB put it.
import { DuckDBInstance } from '@duckdb/node-api';
import { expect, it } from 'vitest';
import { packTexts } from '../../store/embedded/chunk-reader.ts';

it.each([
  // Made by the statement, one after another; stored, compressed, some of them shared by many rows; short and long in turn.
  [`SELECT repeat(chr(97 + (n % 26)::INTEGER), (n % 40)::INTEGER) AS t, n::DOUBLE AS n FROM range(5000) r(n)`],
  [`SELECT t, n FROM stored`],
  [`SELECT CASE WHEN n % 3 = 0 THEN concat(t, 'ü€😀') ELSE t END, n FROM stored WHERE n % 7 <> 0`],
])('gives the texts of %s', async (sql) => {
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  try {
    await connection.run(
      `CREATE TABLE stored AS SELECT n::DOUBLE AS n, concat('value ', n % 50, repeat('x', (n % 1000)::INTEGER)) AS t FROM range(10000) r(n)`,
    );
    const expected = new Map((await connection.runAndReadAll(sql)).getRows().map(([text, n]) => [Number(n), text]));
    const result = await connection.stream(sql);
    let rows = 0;
    for (;;) {
      const chunk = await result.fetchChunk();
      if (chunk === null || chunk.rowCount === 0) break;
      const { bytes, ends, numbers } = packTexts(chunk);
      let from = 0;
      for (const [row, end] of ends.entries()) {
        expect(Buffer.from(bytes.buffer).toString('utf8', from, end)).toBe(expected.get(numbers[row] ?? -1));
        from = end;
        rows++;
      }
      expect(from).toBe(bytes.length);
    }
    expect(rows).toBe(expected.size);
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
});
