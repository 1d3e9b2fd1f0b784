// What repeats of an event and what does not. Events of one kind (a program opening files, connecting, being run) differ in a few
// places only: stamp, numbers, names, addresses, arguments. A shape is the rest. Two events of one shape have documents
// that differ in those places only, so that the document of the second need not be worked out (document-template.ts).
//
//   SYSCALL    exit (of a success) and the arguments of PASSED_ON, ppid, pid         all else is the shape's
//   PATH       a name that is absolute and plain, the inode
//   SOCKADDR   an IPv4 port and address        PROCTITLE  the title        EXECVE   plain arguments
//
// Whatever looks otherwise than the kernel writes it is left to the mapper. Longer than 300 lines: one walk over an event's bytes.
import type { AuditEvent, AuditRecord } from './event.ts';
import { createEventBytes, ENDS_MAX, type EventBytes, recordBytes, TYPE_BYTES } from './event-bytes.ts';
import { CWD, EXECVE, PATH, PROCTITLE, SOCKADDR, SYSCALL } from './tables/record-type.ts';
import { syscallName } from './tables/syscall.ts';

const PATHS_MAX = 6;
const ARGUMENTS_MAX = 24;
/** Events with more raw bytes are left to the mapper. */
const EVENT_BYTES_MAX = 8 * 1024;
export const NAME_BYTES_MAX = 256;
const TITLE_BYTES_MAX = 256;

/** Places whose text differs from event to event; each is a pair (start, end) in `holes`. */
export const HOLE = {
  stamp: 0,
  serial: 1,
  exit: 2,
  /** a0 to a3. */
  argument: 3,
  ppid: 7,
  pid: 8,
  titleHex: 9,
  title: 10,
  socketHex: 11,
  ip: 12,
  port: 13,
  /** For each PATH five: name, directory, base, extension, inode. */
  path: 14,
  /** For each argument of an exec two: as the record has it, and decoded. */
  exec: 14 + PATHS_MAX * 5,
} as const;
export const HOLES: number = HOLE.exec + ARGUMENTS_MAX * 2;
export const PATH_HOLES = 5;

/** The shape of the event that was read last; its buffers are used again for the next. */
export interface EventShape {
  /** The event's raw bytes, and after them what was decoded of them. */
  readonly bytes: Buffer;
  /** How many of `bytes` are used. */
  size: number;
  /** Start and end of each hole in `bytes`; -1 where the event has it not. */
  readonly holes: Int32Array;
  /** What all events of the shape have in common, unambiguously. */
  readonly key: Buffer;
  keyBytes: number;
  hash: number;
  pid: number;
  ppid: number;
  isExec: boolean;
  paths: number;
  arguments: number;
}

/** Arguments of a call that no document does more with than to repeat them: pointers, descriptors, registers that it does not use. */
export const PASSED_ON: ReadonlyMap<string, readonly number[]> = new Map<string, readonly number[]>([
  ...['unlink', 'rmdir', 'rename', 'link', 'symlink', 'execve'].map((name): [string, number[]] => [name, [0, 1, 2, 3]]),
  ...['unlinkat', 'renameat', 'renameat2', 'linkat', 'mkdirat', 'fchmodat'].map((name): [string, number[]] => [
    name,
    [1, 3],
  ]),
  ['open', [0, 3]],
  ['openat', [1]],
  ['openat2', [1, 2]],
  ['creat', [0, 2, 3]],
  ['execveat', [1, 2, 3]],
  ['symlinkat', [0, 2, 3]],
  ['mkdir', [0, 2, 3]],
  ['chmod', [0, 2, 3]],
  ['fchmod', [0, 2, 3]],
  ['truncate', [0, 2, 3]],
  ['connect', [0, 1, 3]],
  ['bind', [0, 1, 3]],
  ['accept', [0, 1, 2, 3]],
  ['accept4', [0, 1, 2]],
]);
const ARCHITECTURES = ['c000003e', '40000003', 'c00000b7'] as const;
const NUMBERS_MAX = 1024;

/** One bit for each argument that is passed on, by architecture and number. */
function masksOf(passedOn: ReadonlyMap<string, readonly number[]>): ReadonlyMap<string, Uint8Array> {
  return new Map(
    ARCHITECTURES.map((architecture) => [
      architecture,
      Uint8Array.from({ length: NUMBERS_MAX }, (_, number) =>
        (passedOn.get(syscallName(architecture, number) ?? '') ?? []).reduce(
          (mask, argument) => mask | (1 << argument),
          0,
        ),
      ),
    ]),
  );
}

const MASKS = masksOf(PASSED_ON);

const bytesOf = (text: string): Uint8Array => Uint8Array.from(text, (character) => character.charCodeAt(0));
const ARCH = bytesOf('arch=');
const NUMBER = bytesOf(' syscall=');
const SUCCESS = bytesOf(' success=');
const YES = bytesOf('yes');
const EXIT = bytesOf(' exit=');
const ARGUMENTS = [bytesOf(' a0='), bytesOf(' a1='), bytesOf(' a2='), bytesOf(' a3=')];
const ITEMS = bytesOf(' items=');
const PPID = bytesOf(' ppid=');
const PID = bytesOf(' pid=');
const AUID = bytesOf(' auid=');
const ITEM = bytesOf('item=');
const NAME = bytesOf(' name=');
const INODE = bytesOf(' inode=');
const CWD_IS = bytesOf('cwd="');
const TITLE = bytesOf('proctitle=');
const IPV4 = bytesOf('saddr=0200');
const IPV4_END = bytesOf('0000000000000000');
const ARGC = bytesOf('argc=');

const SPACE = 32;
const QUOTE = 34;
const SLASH = 47;
const BACKSLASH = 92;
const MINUS = 45;
/** In the key, where no text has such bytes: a hole, and the beginning of a record. */
const IS_HOLE = 0xff;
const IS_RECORD = 0xfe;
const DOT = 46;
const DIGIT_0 = 48;
const COLON = 58;
const PARENTHESIS = 41;

/** The value of an upper-case hexadecimal digit; -1 for all else. */
const NIBBLES: Int8Array = Int8Array.from({ length: 256 }, (_, code) =>
  code >= 48 && code <= 57 ? code - 48 : code >= 65 && code <= 70 ? code - 55 : -1,
);

export interface ShapeReader {
  /** True when the event has a shape; then `shape` tells it until the next call. */
  read(event: AuditEvent): boolean;
  readonly shape: EventShape;
}

/** `gathered`: where the reassembler leaves the records of an event. `passedOn`: {@link PASSED_ON}. */
export function createShapeReader({
  gathered = createEventBytes(),
  passedOn,
}: {
  readonly gathered?: EventBytes;
  readonly passedOn?: ReadonlyMap<string, readonly number[]>;
} = {}): ShapeReader {
  const masks = passedOn === undefined ? MASKS : masksOf(passedOn);
  const { bytes, ends } = gathered;
  const key = Buffer.allocUnsafeSlow(EVENT_BYTES_MAX * 2);
  const words = new Int32Array(key.buffer, key.byteOffset, key.length >> 2);
  const holes = new Int32Array(HOLES * 2);
  const shape: EventShape = {
    bytes,
    size: 0,
    holes,
    key,
    keyBytes: 0,
    hash: 0,
    pid: 0,
    ppid: 0,
    isExec: false,
    paths: 0,
    arguments: 0,
  };
  /** End of what is decoded behind the event's bytes, and of the key; all bits of the bytes that are the shape's. */
  let decodedEnd = 0;
  let keyEnd = 0;
  let bits = 0;
  /** The current directory's place; -1 before its record. */
  let cwdAt = -1;
  let cwdEnd = -1;

  const hole = (index: number, start: number, end: number): void => {
    holes[index * 2] = start;
    holes[index * 2 + 1] = end;
    key[keyEnd++] = IS_HOLE;
  };

  /** `bytes[from, to)` is the shape's. */
  const keep = (from: number, to: number): void => {
    let at = keyEnd;
    let seen = 0;
    for (let index = from; index < to; index++) {
      const byte = bytes[index] as number;
      key[at++] = byte;
      seen |= byte;
    }
    keyEnd = at;
    bits |= seen;
  };

  const isAt = (at: number, text: Uint8Array): boolean => {
    for (let index = 0; index < text.length; index++) if (bytes[at + index] !== text[index]) return false;
    return true;
  };

  const spaceFrom = (at: number, end: number): number => {
    let to = at;
    while (to < end && bytes[to] !== SPACE) to++;
    return to;
  };

  /** A number that is written as numbers are, without zeros before it; else -1. */
  const number = (from: number, to: number): number => {
    if (bytes[from] === DIGIT_0 && to - from > 1) return -1;
    let value = 0;
    for (let at = from; at < to; at++) {
      const digit = (bytes[at] as number) - 48;
      if (digit < 0 || digit > 9) return -1;
      value = value * 10 + digit;
    }
    return to > from && to - from <= 10 && value <= 0x7fffffff ? value : -1;
  };

  const readSyscall = (from: number, end: number): boolean => {
    if (!isAt(from, ARCH)) return false;
    let at = spaceFrom(from + ARCH.length, end);
    if (at - from !== ARCH.length + 8 || !isAt(at, NUMBER)) return false;
    const architecture = architectureAt(from + ARCH.length);
    const numberAt = at + NUMBER.length;
    at = spaceFrom(numberAt, end);
    const call = number(numberAt, at);
    const mask = call < 0 || call >= NUMBERS_MAX ? 0 : (architecture?.[call] ?? 0);
    if (!isAt(at, SUCCESS)) return false;
    const successAt = at + SUCCESS.length;
    at = spaceFrom(successAt, end);
    const isSuccess = at - successAt === YES.length && isAt(successAt, YES);
    if (!isAt(at, EXIT)) return false;
    const exitAt = at + EXIT.length;
    at = spaceFrom(exitAt, end);
    keep(from, exitAt);
    if (!isDigits(bytes[exitAt] === MINUS ? exitAt + 1 : exitAt, at)) return false;
    if (isSuccess && mask !== 0) hole(HOLE.exit, exitAt, at);
    else keep(exitAt, at);
    for (let index = 0; index < 4; index++) {
      if (!isAt(at, ARGUMENTS[index] as Uint8Array)) return false;
      const valueAt = at + 4;
      const valueEnd = spaceFrom(valueAt, end);
      for (let digit = valueAt; digit < valueEnd; digit++) {
        const code = bytes[digit] as number;
        if (!((code >= 48 && code <= 57) || (code >= 97 && code <= 102))) return false;
      }
      keep(at, valueAt);
      if ((mask & (1 << index)) !== 0) hole(HOLE.argument + index, valueAt, valueEnd);
      else keep(valueAt, valueEnd);
      at = valueEnd;
    }
    if (!isAt(at, ITEMS)) return false;
    const itemsAt = at;
    at = spaceFrom(at + ITEMS.length, end);
    if (!isAt(at, PPID)) return false;
    keep(itemsAt, at);
    const ppidAt = at + PPID.length;
    at = spaceFrom(ppidAt, end);
    shape.ppid = number(ppidAt, at);
    hole(HOLE.ppid, ppidAt, at);
    if (shape.ppid < 0 || !isAt(at, PID)) return false;
    const pidAt = at + PID.length;
    at = spaceFrom(pidAt, end);
    shape.pid = number(pidAt, at);
    hole(HOLE.pid, pidAt, at);
    if (shape.pid < 0 || !isAt(at, AUID)) return false;
    keep(at, end);
    return true;
  };

  const architectureAt = (at: number): Uint8Array | undefined => {
    for (const name of ARCHITECTURES) {
      let index = 0;
      while (index < 8 && bytes[at + index] === name.charCodeAt(index)) index++;
      if (index === 8) return masks.get(name);
    }
    return undefined;
  };

  /** True of a name that its document repeats as it is: absolute, plain, with nothing to normalise. */
  const isRepeated = (from: number, to: number): boolean => {
    if (to - from < 2 || to - from > NAME_BYTES_MAX || bytes[from] !== SLASH) return false;
    let before = 0;
    for (let at = from; at < to; at++) {
      const code = bytes[at] as number;
      if (code === BACKSLASH || code <= SPACE || code > 126) return false;
      if (before === SLASH && (code === SLASH || (code === DOT && isDots(at, to)))) return false;
      before = code;
    }
    return true;
  };

  /** True where a part of a name is `.` or `..`. */
  const isDots = (from: number, to: number): boolean => {
    const at = bytes[from + 1] === DOT && from + 1 < to ? from + 2 : from + 1;
    return at === to || bytes[at] === SLASH;
  };

  const readPath = (from: number, end: number): boolean => {
    const index = shape.paths++;
    if (index >= PATHS_MAX || !isAt(from, ITEM)) return false;
    const itemEnd = spaceFrom(from + ITEM.length, end);
    const nameAt = itemEnd + NAME.length;
    const isQuoted = bytes[nameAt] === QUOTE;
    let nameEnd = nameAt + 1;
    if (isQuoted) {
      while (nameEnd < end && bytes[nameEnd] !== QUOTE) nameEnd++;
      nameEnd++;
    } else nameEnd = spaceFrom(nameAt, end);
    const inodeAt = nameEnd + INODE.length;
    if (!isAt(itemEnd, NAME) || inodeAt > end || !isAt(nameEnd, INODE)) {
      keep(from, end);
      return !hasInode(from, end);
    }
    const inodeEnd = spaceFrom(inodeAt, end);
    const at = HOLE.path + index * PATH_HOLES;
    const isHeld = isQuoted && !shape.isExec && isRepeated(nameAt + 1, nameEnd - 1) && !isCwd(nameAt + 1, nameEnd - 1);
    if (isHeld) {
      keep(from, nameAt);
      holdName(at, nameAt + 1, nameEnd - 1);
    } else {
      keep(from, nameEnd);
      // Of names that are not plain the last inode counts.
      if (!(isQuoted && isPlain(nameAt + 1, nameEnd - 1)) && hasInode(inodeEnd, end)) return false;
    }
    keep(nameEnd, inodeAt);
    // Which of the files are the same one decides what a rename did.
    key[keyEnd++] = sameInode(index, inodeAt, inodeEnd);
    hole(at + 4, inodeAt, inodeEnd);
    if (!isDigits(inodeAt, inodeEnd)) return false;
    keep(inodeEnd, end);
    return true;
  };

  const isDigits = (from: number, to: number): boolean => {
    for (let at = from; at < to; at++) if ((bytes[at] as number) < 48 || (bytes[at] as number) > 57) return false;
    return to > from && to - from <= 20;
  };

  const hasInode = (from: number, end: number): boolean => {
    for (let at = from; at + INODE.length <= end; at++) if (isAt(at, INODE)) return true;
    return false;
  };

  const isPlain = (from: number, to: number): boolean => {
    for (let at = from; at < to; at++) {
      const code = bytes[at] as number;
      if (code === BACKSLASH || code < SPACE || code > 126) return false;
    }
    return true;
  };

  /** True of the current directory: a directory of that name says nothing of where a descriptor points. */
  const isCwd = (from: number, to: number): boolean => {
    if (to - from !== cwdEnd - cwdAt) return false;
    let at = 0;
    while (at < to - from && bytes[from + at] === bytes[cwdAt + at]) at++;
    return at === to - from;
  };

  const holdName = (at: number, nameAt: number, nameEnd: number): void => {
    // A directory may end with a slash, which its base name is without.
    const last = bytes[nameEnd - 1] === SLASH ? nameEnd - 1 : nameEnd;
    let slash = last - 1;
    while (slash > nameAt && bytes[slash] !== SLASH) slash--;
    let dot = last - 1;
    while (dot > slash && bytes[dot] !== DOT) dot--;
    const hasExtension = dot > slash + 1 && dot < last - 1;
    hole(at, nameAt, nameEnd);
    key[keyEnd++] = (hasExtension ? 1 : 0) | (slash === nameAt ? 2 : 0) | (last === nameEnd ? 0 : 4);
    if (slash > nameAt) hole(at + 1, nameAt, slash);
    hole(at + 2, slash + 1, last);
    if (hasExtension) hole(at + 3, dot + 1, last);
  };

  /** The first of the event's paths with these digits as its inode. */
  const sameInode = (index: number, from: number, to: number): number => {
    for (let other = 0; other < index; other++) {
      const start = holes[(HOLE.path + other * PATH_HOLES + 4) * 2] as number;
      const end = holes[(HOLE.path + other * PATH_HOLES + 4) * 2 + 1] as number;
      if (start < 0 || end - start !== to - from) continue;
      let at = 0;
      while (at < to - from && bytes[start + at] === bytes[from + at]) at++;
      if (at === to - from) return other;
    }
    return index;
  };

  const nibble = (code: number): number => NIBBLES[code] as number;

  /** Hex digits to plain text behind the event's bytes; its end, or -1 where it is not plain. NULs become spaces in a title. */
  const decodeHex = (from: number, to: number, isTitle: boolean): number => {
    if (((to - from) & 1) === 1 || to === from || to - from > TITLE_BYTES_MAX * 2) return -1;
    let at = decodedEnd;
    for (let index = from; index < to; index += 2) {
      const high = nibble(bytes[index] as number);
      const low = nibble(bytes[index + 1] as number);
      if (high < 0 || low < 0) return -1;
      let code = high * 16 + low;
      if (code === 0 && isTitle) code = SPACE;
      if (code < SPACE || code > 126 || code === QUOTE || code === BACKSLASH) return -1;
      bytes[at++] = code;
    }
    return at;
  };

  const readTitle = (from: number, end: number): boolean => {
    if (!isAt(from, TITLE) || (holes[HOLE.title * 2] as number) >= 0) return false;
    const hexAt = from + TITLE.length;
    // A title's final NULs are cut off: leave such a one to the mapper.
    const endsInNul = bytes[end - 1] === 48 && bytes[end - 2] === 48;
    const decoded = bytes[hexAt] === QUOTE || endsInNul ? -1 : decodeHex(hexAt, end, true);
    if (decoded < 0) {
      keep(from, end);
      return true;
    }
    keep(from, hexAt);
    hole(HOLE.titleHex, hexAt, end);
    hole(HOLE.title, decodedEnd, decoded);
    decodedEnd = decoded;
    return true;
  };

  const writeDecimal = (value: number): void => {
    if (value >= 10) writeDecimal(Math.floor(value / 10));
    bytes[decodedEnd++] = 48 + (value % 10);
  };

  const hexByte = (at: number): number => nibble(bytes[at] as number) * 16 + nibble(bytes[at + 1] as number);

  const readAddress = (from: number, end: number): boolean => {
    if ((holes[HOLE.socketHex * 2] as number) >= 0) return false;
    const hexAt = from + IPV4.length;
    if (end - hexAt !== 28 || !isAt(from, IPV4) || !isAt(hexAt + 12, IPV4_END)) {
      keep(from, end);
      return true;
    }
    for (let at = hexAt; at < hexAt + 12; at++) if (nibble(bytes[at] as number) < 0) return false;
    keep(from, hexAt);
    hole(HOLE.socketHex, hexAt, hexAt + 12);
    const portAt = decodedEnd;
    writeDecimal(hexByte(hexAt) * 256 + hexByte(hexAt + 2));
    hole(HOLE.port, portAt, decodedEnd);
    const ipAt = decodedEnd;
    for (let part = 0; part < 4; part++) {
      if (part > 0) bytes[decodedEnd++] = DOT;
      writeDecimal(hexByte(hexAt + 4 + part * 2));
    }
    hole(HOLE.ip, ipAt, decodedEnd);
    return true;
  };

  /** `argc=3 a0="ls" a1=2F612062 a2="-l"`, in one record. */
  const readExec = (from: number, end: number): boolean => {
    if (shape.isExec || shape.paths > 0 || !isAt(from, ARGC)) return false;
    shape.isExec = true;
    let at = spaceFrom(from, end);
    const count = number(from + ARGC.length, at);
    if (count < 1 || count > ARGUMENTS_MAX) return false;
    keep(from, at);
    for (let index = 0; index < count; index++) {
      const nameAt = at + 1;
      const equals = nameAt + (index < 10 ? 2 : 3);
      // The names follow each other; all that could stand there instead is longer.
      if (bytes[at] !== SPACE || bytes[nameAt] !== 97 || bytes[equals] !== 61) return false;
      if (number(nameAt + 1, equals) !== index) return false;
      const valueAt = equals + 1;
      const to =
        bytes[valueAt] === QUOTE ? readQuoted(index, nameAt, valueAt + 1, end) : readHex(index, nameAt, valueAt, end);
      if (to < 0) return false;
      at = to;
    }
    shape.arguments = count;
    return at === end;
  };

  const readQuoted = (index: number, nameAt: number, from: number, end: number): number => {
    let to = from;
    let isSafe = true;
    while (to < end && bytes[to] !== QUOTE) {
      const code = bytes[to++] as number;
      if (code === BACKSLASH || code < SPACE || code > 126) return -1;
      isSafe &&= isShellSafe(code);
    }
    if (to === from || bytes[to] !== QUOTE || !(isSafe || canBeQuoted(from, to))) return -1;
    keep(nameAt, from);
    const at = HOLE.exec + index * 2;
    key[keyEnd++] = isSafe ? 1 : 2;
    hole(at + 1, from, to);
    return to + 1;
  };

  const readHex = (index: number, nameAt: number, from: number, end: number): number => {
    const to = spaceFrom(from, end);
    const decoded = decodeHex(from, to, false);
    if (decoded < 0 || !canBeQuoted(decodedEnd, decoded)) return -1;
    let isSafe = true;
    for (let at = decodedEnd; at < decoded; at++) isSafe &&= isShellSafe(bytes[at] as number);
    keep(nameAt, from);
    const at = HOLE.exec + index * 2;
    key[keyEnd++] = isSafe ? 3 : 4;
    hole(at, from, to);
    hole(at + 1, decodedEnd, decoded);
    decodedEnd = decoded;
    return to;
  };

  /** True of text that a shell takes as it is between single quotes. */
  const canBeQuoted = (from: number, to: number): boolean => {
    for (let at = from; at < to; at++) if (bytes[at] === 39) return false;
    return true;
  };

  /** One record of it, before the paths, in plain text: names are compared with it. */
  const readCwd = (from: number, end: number): boolean => {
    if (cwdAt >= 0 || shape.paths > 0 || !isAt(from, CWD_IS) || bytes[end - 1] !== QUOTE) return false;
    cwdAt = from + CWD_IS.length;
    cwdEnd = end - 1;
    for (let at = cwdAt; at < cwdEnd; at++) {
      const code = bytes[at] as number;
      if (code < SPACE || code > 126 || code === QUOTE) return false;
    }
    keep(from, end);
    return true;
  };

  /** The records one after the other in `bytes`; false where they are too many or too long. */
  const gather = (records: readonly AuditRecord[]): boolean => {
    if (records.length > ENDS_MAX) return false;
    // Who looks at an event in the middle of its own reassembly has them there already.
    if (!gathered.holds(records)) {
      let size = 0;
      for (const record of records) size += recordBytes(record) + TYPE_BYTES;
      if (size > EVENT_BYTES_MAX) return false;
      gathered.gather(records);
    }
    return gathered.size <= EVENT_BYTES_MAX;
  };

  const isSameStamp = (start: number, stampEnd: number): boolean => {
    const by = start - TYPE_BYTES;
    for (let at = TYPE_BYTES; at < stampEnd; at++) if (bytes[by + at] !== bytes[at]) return false;
    return true;
  };

  const readRecord = (type: number, from: number, end: number): boolean => {
    switch (type) {
      case SYSCALL:
        return readSyscall(from, end);
      case PATH:
        return readPath(from, end);
      case CWD:
        return readCwd(from, end);
      case PROCTITLE:
        return readTitle(from, end);
      case SOCKADDR:
        return readAddress(from, end);
      case EXECVE:
        return readExec(from, end);
      default:
        return false;
    }
  };

  const read = (event: AuditEvent): boolean => {
    const { records } = event;
    if (event.isFragment || event.incomplete.length > 0 || records[0]?.type !== SYSCALL || !gather(records))
      return false;
    const { size } = gathered;
    decodedEnd = size;
    keyEnd = 0;
    bits = 0;
    cwdAt = -1;
    cwdEnd = -1;
    holes.fill(-1);
    shape.paths = 0;
    shape.arguments = 0;
    shape.isExec = false;
    let stampEnd = TYPE_BYTES;
    // `audit(` and `): ` around the stamp
    while (stampEnd < size && bytes[stampEnd] !== SPACE) stampEnd++;
    stampEnd++;
    holes[HOLE.stamp * 2] = TYPE_BYTES + 6;
    holes[HOLE.stamp * 2 + 1] = stampEnd - 3;
    let colon = stampEnd - 4;
    while (colon > TYPE_BYTES + 6 && bytes[colon] !== COLON) colon--;
    holes[HOLE.serial * 2] = colon + 1;
    holes[HOLE.serial * 2 + 1] = stampEnd - 3;
    // `1): `
    if (stampEnd > (ends[0] as number) || bytes[stampEnd - 2] !== COLON || bytes[stampEnd - 3] !== PARENTHESIS)
      return false;
    // A serial is told as a number: without zeros before it.
    if (bytes[colon + 1] === DIGIT_0) return false;
    for (let index = 0, start = TYPE_BYTES; index < records.length; index++) {
      const end = ends[index] as number;
      const { type, node } = records[index] as AuditRecord;
      if (node !== undefined || (index > 0 && !isSameStamp(start, stampEnd))) return false;
      key[keyEnd++] = IS_RECORD;
      key[keyEnd++] = type & 0xff;
      key[keyEnd++] = type >> 8;
      const from = start + stampEnd - TYPE_BYTES;
      if ((type === SYSCALL) !== (index === 0) || !readRecord(type, from, end)) return false;
      start = end + TYPE_BYTES;
    }
    return seal();
  };

  /** Pads the key and hashes it. False where a byte is more than ASCII: such a one marks a hole in the key. */
  const seal = (): boolean => {
    shape.size = decodedEnd;
    shape.keyBytes = keyEnd;
    while ((keyEnd & 3) !== 0) key[keyEnd++] = 0;
    let hash = keyEnd;
    for (let at = 0; at < keyEnd >> 2; at++) {
      hash = Math.imul(hash ^ (words[at] as number), 0x9e3779b1);
      hash ^= hash >>> 15;
    }
    shape.hash = hash;
    return bits < 0x80;
  };

  return { read, shape };
}

/** Letters, digits and `_@%+=:,./-`: what a shell takes without quotes. */
function isShellSafe(code: number): boolean {
  return (
    (code >= 97 && code <= 122) ||
    (code >= 64 && code <= 90) ||
    (code >= 43 && code <= 58) ||
    code === 37 ||
    code === 61 ||
    code === 95
  );
}
