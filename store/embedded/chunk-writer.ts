// Rows of a table into DuckDB's data chunks, a column at a time, as the vectors' own memory: what the binding does value by value
// costs more than reading the events. The texts of a load go to DuckDB as one text; that one's address, and where each text begins in it,
// make the others. The forms are those of duckdb.h: `duckdb_string_t` (up to 12 bytes within, longer ones as 4 bytes and an address),
// `duckdb_list_entry` (offset and length), a bit for each row that is not NULL.
import { BIGINT, DOUBLE, type DuckDBAppender, DuckDBDataChunk, type DuckDBType, LIST, VARCHAR } from '@duckdb/node-api';
import duckdb from '@duckdb/node-bindings';
import { type ColumnType, LAYOUT } from './columns.ts';
import { COLUMNS, NULL_LENGTH, type RowTable } from './row-table.ts';

/** Rows of one data chunk: DuckDB's own vector size. */
export const CHUNK_ROWS = 2_048;

const STRING_BYTES = 16;
const INLINE_MAX = 12;
const TWO_32 = 2 ** 32;

const TYPES: Readonly<Record<ColumnType, DuckDBType>> = { VARCHAR, 'VARCHAR[]': LIST(VARCHAR), BIGINT, DOUBLE };

/** The database's type of each column, in the order of LAYOUT. */
const COLUMN_TYPES: readonly DuckDBType[] = LAYOUT.columns.map((column) => TYPES[column.type]);

export interface ChunkWriter {
  /** Appends these rows of a table, `CHUNK_ROWS` at most. The table's texts are as they were since `hold`. */
  append(appender: DuckDBAppender, table: RowTable, rows: readonly number[]): void;
  /** Gives a table's texts to DuckDB; they are its own until `letGo`. */
  hold(table: RowTable): void;
  letGo(): void;
}

export function createChunkWriter(): ChunkWriter {
  const chunk = DuckDBDataChunk.create([...COLUMN_TYPES]);
  const heap = DuckDBDataChunk.create([VARCHAR]);
  const validity = new Uint8Array(CHUNK_ROWS / 8);
  const entries = new BigUint64Array(2 * CHUNK_ROWS);
  const entryWords = new Uint32Array(entries.buffer);
  const doubles = new Float64Array(CHUNK_ROWS);
  const wholes = new Uint32Array(2 * CHUNK_ROWS);
  let strings = new Uint8Array(STRING_BYTES * CHUNK_ROWS);
  let stringWords = new Uint32Array(strings.buffer);
  let heapAddress = 0;
  let heapLength = 0;

  /** Writes one `duckdb_string_t`. */
  const putString = (at: number, bytes: Uint8Array, start: number, length: number): void => {
    const word = at * 4;
    stringWords[word] = length;
    if (length > INLINE_MAX) {
      if (start < 0 || start + length > heapLength)
        throw new Error('a text lies outside of what was given to the database');
      const address = heapAddress + start;
      stringWords[word + 1] =
        (bytes[start] ?? 0) |
        ((bytes[start + 1] ?? 0) << 8) |
        ((bytes[start + 2] ?? 0) << 16) |
        ((bytes[start + 3] ?? 0) << 24);
      stringWords[word + 2] = address % TWO_32;
      stringWords[word + 3] = Math.floor(address / TWO_32);
      return;
    }
    stringWords[word + 1] = 0;
    stringWords[word + 2] = 0;
    stringWords[word + 3] = 0;
    const byte = at * STRING_BYTES + 4;
    for (let index = 0; index < length; index++) strings[byte + index] = bytes[start + index] ?? 0;
  };

  const strung = (vector: duckdb.Vector, count: number): void => {
    duckdb.copy_data_to_vector(vector, 0, strings.buffer, 0, count * STRING_BYTES);
  };

  const writeTexts = (vector: duckdb.Vector, table: RowTable, rows: readonly number[], column: number): void => {
    const { values, lengths, bytes } = table;
    for (let at = 0; at < rows.length; at++) {
      const place = (rows[at] ?? 0) * COLUMNS + column;
      const length = lengths[place] ?? NULL_LENGTH;
      putString(at, bytes, values[place] ?? 0, length < 0 ? 0 : length);
    }
    strung(vector, rows.length);
  };

  const writeNumbers = (vector: duckdb.Vector, table: RowTable, rows: readonly number[], column: number): void => {
    const { values } = table;
    const isDouble = LAYOUT.columns[column]?.type === 'DOUBLE';
    for (let at = 0; at < rows.length; at++) {
      const value = values[(rows[at] ?? 0) * COLUMNS + column] ?? 0;
      if (isDouble) doubles[at] = value;
      else {
        // Of a negative number too these are the halves of its two's complement.
        const high = Math.floor(value / TWO_32);
        wholes[2 * at] = value - high * TWO_32;
        wholes[2 * at + 1] = high;
      }
    }
    duckdb.copy_data_to_vector(vector, 0, isDouble ? doubles.buffer : wholes.buffer, 0, rows.length * 8);
  };

  const writeLists = (vector: duckdb.Vector, table: RowTable, rows: readonly number[], column: number): void => {
    const { values, lengths, memberStarts, memberLengths, bytes } = table;
    let members = 0;
    for (let at = 0; at < rows.length; at++) {
      const length = lengths[(rows[at] ?? 0) * COLUMNS + column] ?? NULL_LENGTH;
      entryWords[4 * at] = members;
      entryWords[4 * at + 1] = 0;
      entryWords[4 * at + 2] = length < 0 ? 0 : length;
      entryWords[4 * at + 3] = 0;
      if (length > 0) members += length;
    }
    duckdb.copy_data_to_vector(vector, 0, entries.buffer, 0, rows.length * 16);
    duckdb.list_vector_reserve(vector, members);
    duckdb.list_vector_set_size(vector, members);
    if (members === 0) return;
    reserveStrings(members);
    let put = 0;
    for (let at = 0; at < rows.length; at++) {
      const place = (rows[at] ?? 0) * COLUMNS + column;
      const first = values[place] ?? 0;
      const length = lengths[place] ?? NULL_LENGTH;
      for (let member = first; member < first + length; member++) {
        putString(put++, bytes, memberStarts[member] ?? 0, memberLengths[member] ?? 0);
      }
    }
    strung(duckdb.list_vector_get_child(vector), members);
  };

  const reserveStrings = (count: number): void => {
    if (strings.length >= count * STRING_BYTES) return;
    strings = new Uint8Array(2 * count * STRING_BYTES);
    stringWords = new Uint32Array(strings.buffer);
  };

  /** Which rows hold something, as bits in `validity`; answers how many do. */
  const markValid = ({ lengths }: RowTable, rows: readonly number[], column: number): number => {
    validity.fill(0);
    let filled = 0;
    for (let at = 0; at < rows.length; at++) {
      if ((lengths[(rows[at] ?? 0) * COLUMNS + column] ?? NULL_LENGTH) === NULL_LENGTH) continue;
      validity[at >>> 3] = (validity[at >>> 3] ?? 0) | (1 << (at & 7));
      filled++;
    }
    return filled;
  };

  const writeColumn = (table: RowTable, rows: readonly number[], column: number): void => {
    const vector = duckdb.data_chunk_get_vector(chunk.chunk, column);
    const filled = markValid(table, rows, column);
    const type = LAYOUT.columns[column]?.type;
    if (type === 'VARCHAR[]') writeLists(vector, table, rows, column);
    else if (filled > 0) (type === 'VARCHAR' ? writeTexts : writeNumbers)(vector, table, rows, column);
    if (filled === rows.length) return;
    duckdb.vector_ensure_validity_writable(vector);
    duckdb.copy_data_to_vector_validity(vector, 0, validity.buffer, 0, Math.ceil(rows.length / 64) * 8);
  };

  return {
    hold(table) {
      const { bytesUsed } = table;
      heapAddress = 0;
      heapLength = 0;
      if (bytesUsed <= INLINE_MAX) return;
      heap.rowCount = 1;
      const vector = duckdb.data_chunk_get_vector(heap.chunk, 0);
      duckdb.copy_data_to_vector(vector, 0, new ArrayBuffer(STRING_BYTES), 0, STRING_BYTES);
      duckdb.vector_assign_string_element_len(vector, 0, table.bytes.subarray(0, bytesUsed));
      const made = duckdb.vector_get_data(vector, STRING_BYTES);
      const words = new DataView(made.buffer, made.byteOffset, STRING_BYTES);
      // What is no UTF-8 is not taken, without a word.
      if (words.getUint32(0, true) !== bytesUsed) throw new Error('the database did not take the texts of a load');
      heapAddress = words.getUint32(8, true) + words.getUint32(12, true) * TWO_32;
      heapLength = bytesUsed;
    },
    letGo() {
      heap.reset();
      heapAddress = 0;
      heapLength = 0;
    },
    append(appender, table, rows) {
      chunk.reset();
      chunk.rowCount = rows.length;
      for (let column = 0; column < COLUMNS; column++) writeColumn(table, rows, column);
      appender.appendDataChunk(chunk);
    },
  };
}
