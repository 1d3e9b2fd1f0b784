// Rows out of DuckDB's data chunks, column by column, as DuckDB holds them in memory: a JavaScript value for each, or a text made of a whole
// row, costs more than reading it from the disk. Of a column's texts those that are the same to DuckDB (by their address, where they are
// long) are one; a chunk goes to another thread as one piece of memory:
//
// Its rows are in the order of its first column of doubles, which of events is `_created`: they are read in that order, and a row's values
// would else be somewhere else in memory than those of the row before, column by column.
//
//   directory    for each column COLUMN_WORDS words of 32 bits: its form; where its parts begin; how many different texts it has; whether all are ASCII
//   NUMBERS      doubles, one for each row; NaN is NULL
//   TEXTS        codes: for each row the number of its text, -1 is NULL; ends: where each text ends; the texts in UTF-8, one after another
//   LISTS        for each row where its list begins among the codes, and its length, -1 is NULL; codes, for each member; ends and texts, as above
import { isAscii } from 'node:buffer';
import { type DuckDBDataChunk, type DuckDBResult, DuckDBTypeId } from '@duckdb/node-api';
import duckdb from '@duckdb/node-bindings';

/** All memory is its own and may be given to another thread. */
export interface PackedChunk {
  readonly rows: number;
  readonly columns: number;
  readonly memory: ArrayBuffer;
}

/** What a column of a chunk is. */
export const FORMS = { nulls: 0, numbers: 1, texts: 2, lists: 3 } as const;

/** Words of a column in the directory, by what they say; places are bytes from the beginning. */
export const COLUMN_WORDS = 8;
export const WORD = { form: 0, values: 1, codes: 2, ends: 3, texts: 4, different: 5, isAscii: 6 } as const;

type ColumnKind = 'text' | 'list' | 'whole' | 'double';

const KINDS: Readonly<Partial<Record<DuckDBTypeId, ColumnKind>>> = {
  [DuckDBTypeId.VARCHAR]: 'text',
  [DuckDBTypeId.LIST]: 'list',
  [DuckDBTypeId.BIGINT]: 'whole',
  [DuckDBTypeId.DOUBLE]: 'double',
};

const STRING_BYTES = 16;
const STRING_WORDS = 4;
const ENTRY_WORDS = 4;
const INLINE_MAX = 12;
const NUMBER_BYTES = 8;
const TWO_32 = 2 ** 32;
/** What of the memory around a text is there for certain: a page is mapped whole. */
const PAGE = 4_096;
/** Texts that are looked up among those that came before; a power of two. */
const SLOTS = 1_024;
const FIRST_BYTES: number = 1024 * 1024;
/** A larger piece of work is not kept for the next. */
const KEPT_BYTES: number = 32 * 1024 * 1024;

export interface ChunkReader {
  pack(chunk: DuckDBDataChunk): PackedChunk;
}

/** For the chunks of one result, whose columns are VARCHAR, VARCHAR[] without NULLs in them, BIGINT or DOUBLE. */
export function createChunkReader(result: Pick<DuckDBResult, 'columnCount' | 'columnTypeId'>): ChunkReader {
  const kinds = Array.from({ length: result.columnCount }, (_, column) => {
    const kind = KINDS[result.columnTypeId(column)];
    if (kind === undefined) throw new Error(`column ${column} is of a type that is not read`);
    return kind;
  });
  const slots = new Int32Array(SLOTS);
  const pointer = new BigUint64Array(1);
  const pointerWords = new Uint32Array(pointer.buffer);
  let memory = new ArrayBuffer(FIRST_BYTES);
  let bytes = new Uint8Array(memory);
  let words = new Int32Array(memory);
  let doubles = new Float64Array(memory);
  let used = 0;
  /** Each text that was met, as DuckDB's own four words. */
  let met = new Uint32Array(STRING_WORDS * SLOTS);
  let ends = new Uint32Array(SLOTS);
  let different = 0;
  /** Memory of DuckDB's that is at hand, and its address. */
  let window: Uint8Array = new Uint8Array(0);
  let windowFrom = 0;
  const orderColumn = kinds.indexOf('double');
  /** Where each row of DuckDB's goes. */
  let position = new Uint32Array(0);

  const orderRows = (chunk: duckdb.DataChunk, rows: number): void => {
    const order = Uint32Array.from({ length: rows }, (_, row) => row);
    if (orderColumn >= 0 && rows > 0) {
      const data = duckdb.vector_get_data(duckdb.data_chunk_get_vector(chunk, orderColumn), rows * NUMBER_BYTES);
      const keys = new Float64Array(data.buffer, data.byteOffset, rows);
      order.sort((a, b) => (keys[a] ?? 0) - (keys[b] ?? 0));
    }
    position = new Uint32Array(rows);
    for (let at = 0; at < rows; at++) position[order[at] ?? 0] = at;
  };
  const placeOf = (row: number): number => position[row] ?? 0;

  const reserve = (more: number): void => {
    if (used + more <= memory.byteLength) return;
    const larger = new ArrayBuffer(Math.ceil((used + more) * 1.5));
    new Uint8Array(larger).set(bytes.subarray(0, used));
    adopt(larger);
  };
  const adopt = (piece: ArrayBuffer): void => {
    const whole = piece.byteLength - (piece.byteLength % NUMBER_BYTES);
    memory = piece;
    bytes = new Uint8Array(memory);
    words = new Int32Array(memory, 0, whole / 4);
    doubles = new Float64Array(memory, 0, whole / NUMBER_BYTES);
  };
  /** A place for so many bytes. */
  const take = (length: number): number => {
    used = Math.ceil(used / NUMBER_BYTES) * NUMBER_BYTES;
    reserve(length + NUMBER_BYTES);
    const place = used;
    used += length;
    return place;
  };

  const validityOf = (vector: duckdb.Vector, rows: number): Uint8Array | undefined => {
    const length = Math.ceil(rows / 64) * 8;
    const validity: Uint8Array | null = duckdb.vector_get_validity(vector, length);
    if (validity === null || validity === undefined) return undefined;
    return validity;
  };
  const isAllNull = (validity: Uint8Array | undefined, rows: number): boolean => {
    if (validity === undefined) return false;
    const whole = rows >> 3;
    for (let at = 0; at < whole; at++) if (validity[at] !== 0) return false;
    for (let row = whole << 3; row < rows; row++) if (isValid(validity, row)) return false;
    return true;
  };

  const numbers = (vector: duckdb.Vector, rows: number, validity: Uint8Array | undefined, isWhole: boolean): number => {
    const place = take(rows * NUMBER_BYTES);
    const data = duckdb.vector_get_data(vector, rows * NUMBER_BYTES);
    const first = place / NUMBER_BYTES;
    if (!isWhole) {
      const values = new Float64Array(data.buffer, data.byteOffset, rows);
      for (let row = 0; row < rows; row++) doubles[first + placeOf(row)] = values[row] ?? Number.NaN;
    } else {
      const low = new Uint32Array(data.buffer, data.byteOffset, rows * 2);
      const high = new Int32Array(data.buffer, data.byteOffset, rows * 2);
      for (let row = 0; row < rows; row++)
        doubles[first + placeOf(row)] = (high[2 * row + 1] ?? 0) * TWO_32 + (low[2 * row] ?? 0);
    }
    if (validity !== undefined)
      for (let row = 0; row < rows; row++) if (!isValid(validity, row)) doubles[first + placeOf(row)] = Number.NaN;
    return place;
  };

  /** The number of a text, which may be one that was met. */
  const codeOf = (strings: Uint32Array, place: number): number => {
    const length = strings[place] ?? 0;
    const second = strings[place + 1] ?? 0;
    const third = strings[place + 2] ?? 0;
    const fourth = strings[place + 3] ?? 0;
    const mixed = Math.imul(Math.imul(second ^ length, 0x9e3779b1) ^ third, 0x85ebca6b) ^ Math.imul(fourth, 0xc2b2ae35);
    const slot = (mixed ^ (mixed >>> 15)) & (SLOTS - 1);
    const code = slots[slot] ?? -1;
    if (code >= 0) {
      const before = code * STRING_WORDS;
      if (
        met[before] === length &&
        met[before + 1] === second &&
        met[before + 2] === third &&
        met[before + 3] === fourth
      )
        return code;
    }
    if (different * STRING_WORDS === met.length) {
      const [longer, longerEnds] = [new Uint32Array(2 * met.length), new Uint32Array(2 * ends.length)];
      longer.set(met);
      longerEnds.set(ends);
      [met, ends] = [longer, longerEnds];
    }
    const put = different * STRING_WORDS;
    met[put] = length;
    met[put + 1] = second;
    met[put + 2] = third;
    met[put + 3] = fourth;
    slots[slot] = different;
    return different++;
  };

  /** Copies what was met, one text after another. */
  const copyTexts = (column: number): void => {
    const endsAt = take(different * 4);
    const textsAt = take(0);
    let total = 0;
    for (let code = 0; code < different; code++) {
      total += met[code * STRING_WORDS] ?? 0;
      ends[code] = total;
    }
    reserve(total);
    bytes.set(new Uint8Array(ends.buffer, 0, different * 4), endsAt);
    const metBytes = new Uint8Array(met.buffer);
    let to = textsAt;
    for (let code = 0; code < different; ) {
      const place = code++ * STRING_WORDS;
      let length = met[place] ?? 0;
      if (length <= INLINE_MAX) {
        const from = place * 4 + 4;
        for (let at = 0; at < length; at++) bytes[to + at] = metBytes[from + at] ?? 0;
      } else {
        const address = (met[place + 2] ?? 0) + (met[place + 3] ?? 0) * TWO_32;
        for (; code < different; code++) {
          const next = code * STRING_WORDS;
          const more = met[next] ?? 0;
          if (more <= INLINE_MAX || (met[next + 2] ?? 0) + (met[next + 3] ?? 0) * TWO_32 !== address + length) break;
          length += more;
        }
        const from = address - windowFrom;
        if (from < 0 || from + length > window.length) look(address, length);
        const begin = address - windowFrom;
        bytes.set(window.subarray(begin, begin + length), to);
      }
      to += length;
    }
    used = to;
    const at = column * COLUMN_WORDS;
    words[at + WORD.ends] = endsAt;
    words[at + WORD.texts] = textsAt;
    words[at + WORD.different] = different;
    words[at + WORD.isAscii] = isAscii(bytes.subarray(textsAt, to)) ? 1 : 0;
  };

  /** The pages that a text lies in. */
  const look = (address: number, length: number): void => {
    windowFrom = address - (address % PAGE);
    const until = Math.ceil((address + length) / PAGE) * PAGE;
    pointerWords[0] = windowFrom % TWO_32;
    pointerWords[1] = Math.floor(windowFrom / TWO_32);
    window = duckdb.get_data_from_pointer(pointer.buffer, 0, until - windowFrom);
  };

  const begin = (): void => {
    slots.fill(-1);
    different = 0;
    // What lay there may be no more.
    windowFrom = 0;
    window = new Uint8Array(0);
  };

  const texts = (vector: duckdb.Vector, rows: number, validity: Uint8Array | undefined, column: number): void => {
    begin();
    const place = take(rows * 4);
    const data = duckdb.vector_get_data(vector, rows * STRING_BYTES);
    const strings = new Uint32Array(data.buffer, data.byteOffset, rows * STRING_WORDS);
    const first = place / 4;
    for (let row = 0; row < rows; row++)
      words[first + placeOf(row)] =
        validity !== undefined && !isValid(validity, row) ? -1 : codeOf(strings, row * STRING_WORDS);
    words[column * COLUMN_WORDS + WORD.codes] = place;
    copyTexts(column);
  };

  const lists = (vector: duckdb.Vector, rows: number, validity: Uint8Array | undefined, column: number): void => {
    begin();
    const place = take(rows * 8);
    const data = duckdb.vector_get_data(vector, rows * STRING_BYTES);
    const entries = new Uint32Array(data.buffer, data.byteOffset, rows * ENTRY_WORDS);
    let members = 0;
    for (let row = 0; row < rows; row++) {
      const length = validity !== undefined && !isValid(validity, row) ? -1 : (entries[row * ENTRY_WORDS + 2] ?? 0);
      const at = place / 4 + 2 * placeOf(row);
      words[at] = members;
      words[at + 1] = length;
      if (length > 0) members += length;
    }
    const codesAt = take(members * 4);
    const child = duckdb.list_vector_get_child(vector);
    const held = duckdb.list_vector_get_size(vector);
    const childData = held === 0 ? new Uint8Array(0) : duckdb.vector_get_data(child, held * STRING_BYTES);
    const strings = new Uint32Array(childData.buffer, childData.byteOffset, held * STRING_WORDS);
    let put = codesAt / 4;
    for (let row = 0; row < rows; row++) {
      const from = entries[row * ENTRY_WORDS] ?? 0;
      const length = words[place / 4 + 2 * placeOf(row) + 1] ?? -1;
      for (let member = from; member < from + length; member++) words[put++] = codeOf(strings, member * STRING_WORDS);
    }
    words[column * COLUMN_WORDS + WORD.values] = place;
    words[column * COLUMN_WORDS + WORD.codes] = codesAt;
    copyTexts(column);
  };

  return {
    pack({ chunk, rowCount: rows }) {
      used = 0;
      orderRows(chunk, rows);
      take(kinds.length * COLUMN_WORDS * 4);
      words.fill(0, 0, kinds.length * COLUMN_WORDS);
      for (const [column, kind] of kinds.entries()) {
        const vector = duckdb.data_chunk_get_vector(chunk, column);
        const validity = validityOf(vector, rows);
        const at = column * COLUMN_WORDS;
        if (isAllNull(validity, rows)) {
          words[at + WORD.form] = FORMS.nulls;
        } else if (kind === 'text') {
          texts(vector, rows, validity, column);
          words[at + WORD.form] = FORMS.texts;
        } else if (kind === 'list') {
          lists(vector, rows, validity, column);
          words[at + WORD.form] = FORMS.lists;
        } else {
          const place = numbers(vector, rows, validity, kind === 'whole');
          words[at + WORD.values] = place;
          words[at + WORD.form] = FORMS.numbers;
        }
      }
      const packed = memory.slice(0, used);
      if (memory.byteLength > KEPT_BYTES) adopt(new ArrayBuffer(FIRST_BYTES));
      return { rows, columns: kinds.length, memory: packed };
    },
  };
}

function isValid(validity: Uint8Array, row: number): boolean {
  return ((validity[row >> 3] ?? 0) & (1 << (row & 7))) !== 0;
}
