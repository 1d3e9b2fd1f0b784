// Texts out of DuckDB's data chunks as bytes, many at once: a JavaScript string for each, on its way through two threads, costs more than
// making the text. What DuckDB puts one after another in memory is copied by one call; each text's own address and length say where that is so.
import type { DuckDBDataChunk } from '@duckdb/node-api';
import duckdb from '@duckdb/node-bindings';

/** Texts in UTF-8, one after another, and a number for each. All memory is its own and may be given to another thread. */
export interface PackedTexts {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Where each text ends in `bytes`. */
  readonly ends: Uint32Array<ArrayBuffer>;
  readonly numbers: Float64Array<ArrayBuffer>;
}

const STRING_BYTES = 16;
const INLINE_MAX = 12;
const NUMBER_BYTES = 8;
const TWO_32 = 2 ** 32;

/** Of a chunk with a VARCHAR column and a DOUBLE one, neither with NULLs. */
export function packTexts({ chunk, rowCount }: DuckDBDataChunk): PackedTexts {
  const strings = duckdb.vector_get_data(duckdb.data_chunk_get_vector(chunk, 0), rowCount * STRING_BYTES);
  const words = new Uint32Array(strings.buffer, strings.byteOffset, (rowCount * STRING_BYTES) / 4);
  const lengthAt = (row: number): number => words[4 * row] ?? 0;
  const addressAt = (row: number): number => (words[4 * row + 2] ?? 0) + (words[4 * row + 3] ?? 0) * TWO_32;
  const ends = new Uint32Array(rowCount);
  let total = 0;
  for (let row = 0; row < rowCount; row++) {
    total += lengthAt(row);
    ends[row] = total;
  }
  const bytes = new Uint8Array(total);
  let used = 0;
  for (let row = 0; row < rowCount; ) {
    const first = row++;
    const place = strings.byteOffset + first * STRING_BYTES;
    let length = lengthAt(first);
    if (length <= INLINE_MAX) {
      bytes.set(new Uint8Array(strings.buffer, place + 4, length), used);
    } else {
      const address = addressAt(first);
      for (; row < rowCount && lengthAt(row) > INLINE_MAX && addressAt(row) === address + length; row++)
        length += lengthAt(row);
      bytes.set(duckdb.get_data_from_pointer(strings.buffer as ArrayBuffer, place + 8, length), used);
    }
    used += length;
  }
  const numbers = new Float64Array(rowCount);
  new Uint8Array(numbers.buffer).set(
    duckdb.vector_get_data(duckdb.data_chunk_get_vector(chunk, 1), rowCount * NUMBER_BYTES),
  );
  return { bytes, ends, numbers };
}
