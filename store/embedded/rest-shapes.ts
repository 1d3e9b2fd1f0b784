// What no column holds of an event is JSON text, and most of it is the same from event to event: names, brackets, commas. Texts that differ
// in nothing but their strings and whole numbers are of one shape, and those of a shape that is known need no parsing: their values are cut
// out (decision 0056). A shape is learned from a text that JSON.parse has read, so what is found here is what JSON.parse would give;
// whatever is unusual is of no shape, and is parsed.
//
// Shapes are a tree: a node is what stands before a value, or behind the last; below it is what may follow that value. What is a value
// in a text is said by the text alone, so at most one way through the tree fits.

/** The way to a value in what JSON.parse gives. */
export type Path = readonly (string | number)[];

export interface RestShape {
  /** Where its values stand, in the order of the text. */
  readonly paths: readonly Path[];
}

export interface RestShapes {
  /** The shape of a text that stands in these bytes; undefined where it is of none that is known. */
  shapeOf(bytes: Buffer, from: number, to: number): RestShape | undefined;
  /** Puts the values of the text whose shape was asked for last into a list, from `first` on. */
  putValues(into: unknown[], first: number): void;
  /** Keeps the shape of a text that JSON.parse has read, if it is a usual one and there is room. */
  learn(text: string): void;
}

const KINDS = { end: 0, text: 1, integer: 2 } as const;

interface Node {
  readonly literal: Buffer;
  readonly kind: number;
  readonly next: Node[];
  readonly shape: RestShape | undefined;
}

interface Value {
  /** From its first character to behind its last; of a text, without the quotes. */
  readonly from: number;
  readonly to: number;
  readonly kind: number;
  readonly path: Path;
}

/** A longer text is parsed. */
export const REST_MAX = 16_384;
const VALUES_MAX = 256;
const DEPTH_MAX = 24;
const NODES_MAX = 16_384;
/** What may follow one value. */
const WAYS_MAX = 16;
const DIGITS_MAX = 15;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const MINUS = 0x2d;
const ZERO = 0x30;
/** Bytes that stand for themselves in a text: neither its end, nor an escape, nor forbidden, nor part of another letter. */
const IS_PLAIN: Uint8Array = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte >= 0x20 && byte < 0x7f && byte !== QUOTE && byte !== BACKSLASH ? 1 : 0,
);
/** What may follow a number. */
const ENDS_NUMBER: Uint8Array = Uint8Array.from({ length: 256 }, (_, byte) =>
  ',}]'.includes(String.fromCharCode(byte)) ? 1 : 0,
);

export function createRestShapes(): RestShapes {
  const first: Node[] = [];
  let nodes = 0;
  const froms = new Int32Array(VALUES_MAX);
  const tos = new Int32Array(VALUES_MAX);
  const kinds = new Uint8Array(VALUES_MAX);
  const hasEscapes = new Uint8Array(VALUES_MAX);
  let source: Buffer = Buffer.alloc(0);
  let begin = 0;
  let end = 0;
  let count = 0;

  /** Passes the value that begins at a place; answers where it ends, -1 where it is not of the usual form. */
  const passText = (bytes: Buffer, from: number, to: number): number => {
    let at = from;
    let escapes = 0;
    for (; at < to; at++) {
      const byte = bytes[at] ?? 0;
      if (IS_PLAIN[byte] === 1) continue;
      if (byte === QUOTE) break;
      if (byte !== BACKSLASH) return -1;
      escapes = 1;
      at++;
    }
    if (at >= to) return -1;
    hasEscapes[count] = escapes;
    return at;
  };

  return {
    shapeOf(bytes, from, to) {
      source = bytes;
      begin = from;
      end = to;
      count = 0;
      if (to - from > REST_MAX) return undefined;
      let ways = first;
      let at = from;
      next: for (;;) {
        for (let way = 0; way < ways.length; way++) {
          const node = ways[way];
          if (node === undefined) continue;
          const { literal, kind } = node;
          const { length } = literal;
          if (at + length > to) continue;
          let same = 0;
          while (same < length && bytes[at + same] === literal[same]) same++;
          if (same < length) continue;
          if (kind === KINDS.end) {
            if (at + length === to) return node.shape;
            continue;
          }
          const value = at + length;
          const until = kind === KINDS.text ? passText(bytes, value, to) : passInteger(bytes, value, to);
          if (until < 0) continue;
          froms[count] = value;
          tos[count] = until;
          kinds[count] = kind;
          count++;
          at = until;
          ways = node.next;
          continue next;
        }
        return undefined;
      }
    },
    putValues(into, at) {
      // One text that the values are parts of; it is no longer than the event's.
      const text = source.toString('latin1', begin, end);
      for (let value = 0; value < count; value++) {
        const [from, to] = [(froms[value] ?? 0) - begin, (tos[value] ?? 0) - begin];
        if (kinds[value] === KINDS.integer) into[at + value] = Number(text.substring(from, to));
        else if (hasEscapes[value] === 1) into[at + value] = JSON.parse(text.substring(from - 1, to + 1));
        else into[at + value] = text.substring(from, to);
      }
    },
    learn(text) {
      const values = text.length > REST_MAX ? undefined : valuesOf(text);
      if (values === undefined || nodes + values.length >= NODES_MAX) return;
      let ways = first;
      let at = 0;
      const step = (literal: Buffer, kind: number, shape: RestShape | undefined): Node | undefined => {
        const known = ways.find((node) => node.kind === kind && node.literal.equals(literal));
        if (known !== undefined || ways.length >= WAYS_MAX) return known;
        const node: Node = { literal, kind, next: [], shape };
        ways.push(node);
        nodes++;
        return node;
      };
      for (const { from, to, kind } of values) {
        const node = step(Buffer.from(text.slice(at, from), 'latin1'), kind, undefined);
        if (node === undefined) return;
        ways = node.next;
        at = to;
      }
      step(Buffer.from(text.slice(at), 'latin1'), KINDS.end, { paths: values.map(({ path }) => path) });
    },
  };
}

/** Where a whole number in its usual form ends; -1 where there is none. */
function passInteger(bytes: Buffer, from: number, to: number): number {
  const digits = bytes[from] === MINUS ? from + 1 : from;
  let at = digits;
  while (at < to && isDigit(bytes[at] ?? 0)) at++;
  if (at === digits || at - digits > DIGITS_MAX || at >= to || ENDS_NUMBER[bytes[at] ?? 0] === 0) return -1;
  // Neither -0 nor 01.
  return bytes[digits] === ZERO && (at - digits > 1 || digits > from) ? -1 : at;
}

function isDigit(byte: number): boolean {
  return byte >= ZERO && byte <= ZERO + 9;
}

/** The values of a text of JSON, in their order; undefined where it is none of the usual kind. */
function valuesOf(text: string): readonly Value[] | undefined {
  if (!/^[\x20-\x7e]*$/.test(text)) return undefined;
  const bytes = Buffer.from(text, 'latin1');
  const values: Value[] = [];
  let at = 0;
  const take = (literal: string): boolean => {
    if (!text.startsWith(literal, at)) return false;
    at += literal.length;
    return true;
  };
  const passText = (): boolean => {
    for (; at < text.length; at++) {
      if (text[at] === '"') return true;
      if (text[at] === '\\') at++;
    }
    return false;
  };
  const put = (from: number, kind: number, path: Path): boolean => {
    values.push({ from, to: at, kind, path });
    return values.length <= VALUES_MAX;
  };
  const pass = (path: Path): boolean => {
    if (path.length >= DEPTH_MAX) return false;
    if (take('"')) {
      const from = at;
      return passText() && put(from, KINDS.text, path) && take('"');
    }
    if (take('{')) {
      const names = new Set<string>();
      if (take('}')) return true;
      do {
        if (!take('"')) return false;
        const from = at;
        if (!passText()) return false;
        const name = text.slice(from, at);
        if (name === '__proto__' || name.includes('\\') || names.has(name)) return false;
        names.add(name);
        if (!take('":') || !pass([...path, name])) return false;
      } while (take(','));
      return take('}');
    }
    if (take('[')) {
      if (take(']')) return true;
      let member = 0;
      do if (!pass([...path, member++])) return false;
      while (take(','));
      return take(']');
    }
    if (take('true') || take('false') || take('null')) return true;
    const from = at;
    at = passInteger(bytes, from, bytes.length);
    return at > from && put(from, KINDS.integer, path);
  };
  return pass([]) && at === text.length ? values : undefined;
}
