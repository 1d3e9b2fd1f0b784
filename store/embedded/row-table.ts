// The rows of one load, in flat memory: a place for each column of each row, and the bytes of all their texts one after another. An
// object for each event and a string for each of its values would cost more than all the rest of a load.
import type { ColumnValue } from './columns.ts';
import { LAYOUT } from './columns.ts';

/** Columns of a row. */
export const COLUMNS: number = LAYOUT.columns.length;
/** The length that says NULL. */
export const NULL_LENGTH = -1;

const ROWS_FIRST = 8_192;
const BYTES_FIRST: number = 4 * 1024 * 1024;
const MEMBERS_FIRST = 16_384;
/** Shorter texts are copied byte by byte: a call would cost more. */
const COPIED_BY_HAND = 24;
/** What is kept from load to load at most; a load that needed more gives it back. */
const BYTES_KEPT: number = 32 * 1024 * 1024;

const TYPES = LAYOUT.columns.map(({ type }) => type);

export class RowTable {
  /** By row and column: a number, where a text begins in `bytes`, or where a list begins among the members. */
  values: Float64Array = new Float64Array(ROWS_FIRST * COLUMNS);
  /** The length of a text in bytes or of a list in members; 0 of a number, {@link NULL_LENGTH} of NULL. */
  lengths: Int32Array = new Int32Array(ROWS_FIRST * COLUMNS);
  bytes: Buffer = Buffer.allocUnsafeSlow(BYTES_FIRST);
  bytesUsed = 0;
  memberStarts: Int32Array = new Int32Array(MEMBERS_FIRST);
  memberLengths: Int32Array = new Int32Array(MEMBERS_FIRST);
  members = 0;
  /** Rows that are whole. */
  rows = 0;
  readonly ids: string[] = [];
  readonly timestampsMs: number[] = [];
  #bytesBefore = 0;
  #membersBefore = 0;

  clear(): void {
    this.rows = 0;
    this.bytesUsed = this.#bytesBefore = 0;
    this.members = this.#membersBefore = 0;
    this.ids.length = 0;
    this.timestampsMs.length = 0;
    if (this.bytes.length > BYTES_KEPT) this.bytes = Buffer.allocUnsafeSlow(BYTES_FIRST);
  }

  /** Begins a row of NULLs; answers where its columns are. What was put since the last row was ended is forgotten. */
  begin(): number {
    const at = this.rows * COLUMNS;
    if (at + COLUMNS > this.lengths.length) this.#growRows();
    this.bytesUsed = this.#bytesBefore;
    this.members = this.#membersBefore;
    this.lengths.fill(NULL_LENGTH, at, at + COLUMNS);
    return at;
  }

  end(id: string, timestampMs: number): void {
    this.ids.push(id);
    this.timestampsMs.push(timestampMs);
    this.rows++;
    this.#bytesBefore = this.bytesUsed;
    this.#membersBefore = this.members;
  }

  setNumber(place: number, value: number): void {
    this.values[place] = value;
    this.lengths[place] = 0;
  }

  setText(place: number, start: number): void {
    this.values[place] = start;
    this.lengths[place] = this.bytesUsed - start;
  }

  /** A list of the members that were put since there were so many. */
  setList(place: number, first: number): void {
    this.values[place] = first;
    this.lengths[place] = this.members - first;
  }

  /** The text that was put since `start` is a list's next member. */
  putMember(start: number): void {
    if (this.members === this.memberStarts.length) this.#growMembers();
    this.memberStarts[this.members] = start;
    this.memberLengths[this.members] = this.bytesUsed - start;
    this.members++;
  }

  /** Makes room for so many bytes more. */
  reserve(length: number): void {
    if (this.bytesUsed + length <= this.bytes.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(2 * this.bytes.length, this.bytesUsed + length));
    this.bytes.copy(grown, 0, 0, this.bytesUsed);
    this.bytes = grown;
  }

  /** Puts bytes of a text; answers where they begin. */
  putBytes(source: Buffer, from: number, to: number): number {
    const length = to - from;
    this.reserve(length);
    const start = this.bytesUsed;
    if (length > COPIED_BY_HAND) source.copy(this.bytes, start, from, to);
    else {
      const { bytes } = this;
      for (let at = 0; at < length; at++) bytes[start + at] = source[from + at] ?? 0;
    }
    this.bytesUsed = start + length;
    return start;
  }

  putString(text: string): number {
    this.reserve(3 * text.length);
    const start = this.bytesUsed;
    this.bytesUsed += this.bytes.write(text, start);
    return start;
  }

  /** Adds a row of values, in the order of LAYOUT. */
  add(row: readonly ColumnValue[], id: string, timestampMs: number): void {
    const first = this.begin();
    for (let column = 0; column < COLUMNS; column++) {
      const value = row[column] ?? null;
      if (value === null) continue;
      const place = first + column;
      if (typeof value === 'number') this.setNumber(place, value);
      else if (typeof value === 'string') this.setText(place, this.putString(value));
      else {
        const firstMember = this.members;
        for (const member of value) this.putMember(this.putString(member));
        this.setList(place, firstMember);
      }
    }
    this.end(id, timestampMs);
  }

  /** A row as values again. */
  row(number: number): ColumnValue[] {
    return TYPES.map((type, column) => {
      const place = number * COLUMNS + column;
      const value = this.values[place] ?? 0;
      const length = this.lengths[place] ?? NULL_LENGTH;
      if (length === NULL_LENGTH) return null;
      if (type === 'VARCHAR') return this.bytes.toString('utf8', value, value + length);
      if (type !== 'VARCHAR[]') return value;
      return Array.from({ length }, (_, at) => {
        const start = this.memberStarts[value + at] ?? 0;
        return this.bytes.toString('utf8', start, start + (this.memberLengths[value + at] ?? 0));
      });
    });
  }

  #growRows(): void {
    const values = new Float64Array(2 * this.values.length);
    values.set(this.values);
    const lengths = new Int32Array(2 * this.lengths.length);
    lengths.set(this.lengths);
    this.values = values;
    this.lengths = lengths;
  }

  #growMembers(): void {
    const starts = new Int32Array(2 * this.memberStarts.length);
    starts.set(this.memberStarts);
    const lengths = new Int32Array(2 * this.memberLengths.length);
    lengths.set(this.memberLengths);
    this.memberStarts = starts;
    this.memberLengths = lengths;
  }
}
