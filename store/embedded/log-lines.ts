// The lines of the log: how one is written, checked and read. Both threads read them: the store's for followers and repeated ids,
// the database's for partitions.
//
//   CRC SEQ {"id":…,"document":…}     CRC-32 of the rest of the line after the space, 8 hex digits
import { type FileHandle, open } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import type { EncodedDocument, EventDocument } from '../../event/document.ts';

export interface LogLine {
  readonly id: string;
  /** The document as one line of JSON. */
  readonly json: string | EncodedDocument;
  /** `event.created` of a document that nobody has to parse to know it. */
  readonly createdMs?: number | undefined;
}

/** A line as it stands in some bytes, checked. */
export interface RawLine {
  readonly seq: number;
  readonly bytes: Buffer;
  /** Where its JSON begins and ends in `bytes`. */
  readonly from: number;
  readonly to: number;
  /** Of the whole line. */
  readonly length: number;
}

const NEWLINE = 0x0a;
const SPACE = 0x20;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const HEX = Buffer.from('0123456789abcdef', 'latin1');
const CRC_LENGTH = 8;
const DIGITS_MAX = 16;
const HEAD = '{"id":';
const MIDDLE = ',"document":';
/** Bytes of a line besides the id and the document. */
const FRAME_BYTES = CRC_LENGTH + DIGITS_MAX + HEAD.length + MIDDLE.length + 8;
/** Ids that are written as they are, between quotes. */
const PLAIN_ID = /^[A-Za-z0-9._:/+=-]*$/;

/** The lines one after another from the beginning of memory of so many bytes, up to `end`, and where each begins. */
export function encodeLines(
  first: number,
  lines: readonly LogLine[],
  memoryOf: (bytes: number) => Buffer = Buffer.allocUnsafeSlow,
): { readonly bytes: Buffer; readonly end: number; readonly starts: readonly number[] } {
  const sizes = lines.reduce((sum, { id, json }) => sum + idBytesAtMost(id) + bytesAtMost(json) + FRAME_BYTES, 0);
  const bytes = memoryOf(sizes);
  const starts: number[] = [];
  let at = 0;
  for (const [number, { id, json }] of lines.entries()) {
    const start = at;
    starts.push(start);
    at += CRC_LENGTH;
    if (PLAIN_ID.test(id)) at += bytes.write(` ${first + number} ${HEAD}"${id}"${MIDDLE}`, at, 'latin1');
    else at += bytes.write(` ${first + number} ${HEAD}${JSON.stringify(id)}${MIDDLE}`, at);
    if (typeof json === 'string') at += bytes.write(json, at);
    else at = writeEncoded(bytes, json, at);
    bytes[at++] = 0x7d;
    writeHex(bytes, start, crc32(bytes.subarray(start + CRC_LENGTH + 1, at)));
    bytes[at++] = NEWLINE;
  }
  return { bytes, end: at, starts };
}

function writeEncoded(bytes: Buffer, { line, insertAt, insert }: EncodedDocument, at: number): number {
  bytes.set(line, at);
  // The part after it makes room within the bytes that were just written.
  bytes.copyWithin(at + insertAt + insert.length, at + insertAt, at + line.length);
  bytes.set(insert, at + insertAt);
  return at + line.length + insert.length;
}

/** Nearly all ids are plain; six times their length for each would be a tenth of all memory that is written. */
function idBytesAtMost(id: string): number {
  return PLAIN_ID.test(id) ? id.length : 6 * id.length;
}

function bytesAtMost(json: string | EncodedDocument): number {
  return typeof json === 'string' ? 3 * json.length : json.line.length + json.insert.length;
}

function writeHex(bytes: Buffer, at: number, value: number): void {
  for (let digit = 0; digit < CRC_LENGTH; digit++) {
    bytes[at + digit] = HEX[(value >>> (4 * (CRC_LENGTH - 1 - digit))) & 15] ?? 0;
  }
}

function isHex(bytes: Buffer, at: number, value: number): boolean {
  for (let digit = 0; digit < CRC_LENGTH; digit++) {
    if (bytes[at + digit] !== HEX[(value >>> (4 * (CRC_LENGTH - 1 - digit))) & 15]) return false;
  }
  return true;
}

/** The line in `bytes` from `from` up to `to`, without its newline; undefined when it is not what was written. */
function checkLine(bytes: Buffer, from: number, to: number): RawLine | undefined {
  let at = from + CRC_LENGTH;
  if (to - from < CRC_LENGTH + 3 || bytes[at] !== SPACE) return undefined;
  at++;
  if (!isHex(bytes, from, crc32(bytes.subarray(at, to)))) return undefined;
  let seq = 0;
  for (; at < to && bytes[at] !== SPACE; at++) seq = seq * 10 + (bytes[at] ?? 0) - 0x30;
  return Number.isSafeInteger(seq) ? { seq, bytes, from: at + 1, to, length: to - from + 1 } : undefined;
}

export function parseLine({ bytes, from, to }: RawLine): { readonly id: string; readonly document: EventDocument } {
  return JSON.parse(bytes.toString('utf8', from, to));
}

/** The id, and where the document begins, which ends one byte before the line's own JSON does: a twentieth of the work. */
export function headOfLine({ bytes, from, to }: RawLine): { readonly id: string; readonly documentFrom: number } {
  const start = from + HEAD.length;
  let end = start + 1;
  let isPlain = true;
  for (let byte = bytes[end]; byte !== QUOTE && end < to; byte = bytes[end]) {
    if (byte === BACKSLASH) end++;
    isPlain &&= byte !== BACKSLASH && byte !== undefined && byte < 0x80;
    end++;
  }
  const id = isPlain ? bytes.toString('latin1', start + 1, end) : JSON.parse(bytes.toString('utf8', start, end + 1));
  return { id, documentFrom: end + 1 + MIDDLE.length };
}

/** Memory that is read into again and again: what was read before is gone then. */
export interface ReadMemory {
  bytes: Buffer;
}

/**
 * Reads the lines of a part of a file, `BLOCK` by block. `onBad` is told of each that cannot be read. With a `memory`, which must not be
 * used for anything else meanwhile, lines hold until the next are asked for.
 */
export async function* readLines(
  part: { readonly path: string; readonly from: number; readonly to: number },
  onBad: (isLast: boolean) => void,
  memory?: ReadMemory,
): AsyncGenerator<readonly PlacedLine[]> {
  const file = await open(part.path, 'r');
  try {
    yield* linesOf(file, part, { onBad, memory });
  } finally {
    await file.close();
  }
}

export interface PlacedLine {
  readonly line: RawLine;
  /** Where in the file it begins. */
  readonly at: number;
}

const BLOCK_BYTES = 2 * 1024 * 1024;

async function* linesOf(
  file: FileHandle,
  { from, to }: { readonly from: number; readonly to: number },
  { onBad, memory }: { readonly onBad: (isLast: boolean) => void; readonly memory: ReadMemory | undefined },
): AsyncGenerator<readonly PlacedLine[]> {
  let rest: Buffer = Buffer.alloc(0);
  let at = from;
  while (at < to) {
    const block = blockFor(rest, Math.min(BLOCK_BYTES, to - at), memory);
    const { bytesRead } = await file.read(block, rest.length, block.length - rest.length, at);
    const filled = block.subarray(0, rest.length + bytesRead);
    const begin = at - rest.length;
    at += bytesRead;
    const lines: PlacedLine[] = [];
    let start = 0;
    for (let end = filled.indexOf(NEWLINE, rest.length); end >= 0; end = filled.indexOf(NEWLINE, start)) {
      const line = checkLine(filled, start, end);
      if (line === undefined) onBad(false);
      else lines.push({ line, at: begin + start });
      start = end + 1;
    }
    rest = filled.subarray(start);
    if (lines.length > 0) yield lines;
    if (bytesRead === 0) break;
  }
  if (rest.length > 0) onBad(true);
}

/** Room for what is left of the block before, which stands at its beginning, and for so many bytes more. */
function blockFor(rest: Buffer, length: number, memory: ReadMemory | undefined): Buffer {
  const needed = rest.length + length;
  if (memory !== undefined && memory.bytes.length >= needed) {
    // `rest` may be of these bytes.
    memory.bytes.set(rest);
    return memory.bytes.subarray(0, needed);
  }
  const block = Buffer.allocUnsafeSlow(memory === undefined ? needed : Math.max(needed, BLOCK_BYTES + BLOCK_BYTES / 4));
  rest.copy(block);
  if (memory !== undefined && block.length <= MEMORY_KEPT_MAX) memory.bytes = block;
  return block.subarray(0, needed);
}

/** A line of many megabytes is read into memory of its own. */
const MEMORY_KEPT_MAX: number = 8 * 1024 * 1024;
