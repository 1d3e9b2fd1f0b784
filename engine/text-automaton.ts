// Finds many parts in a text in one pass (Aho and Corasick's automaton as a table). Case is folded for all parts alike, and other
// characters share a few signs: so it may say too much, and parts that mind case are looked at again. It never says too little.

/** A part that is looked for, and what it stands for. */
export interface SoughtPart {
  readonly part: string;
  readonly place: 'anywhere' | 'start' | 'end';
  readonly isFolded: boolean;
  /** Handed to `found`. */
  readonly rules: Int32Array;
}

export interface TextAutomaton {
  /** Calls `found` with the rules of every part that the text has, of a part perhaps several times. */
  search(text: string, found: (rules: Int32Array) => void): void;
  /** The same of a text in ASCII: whether it has any of the parts. */
  isIn(bytes: Uint8Array, from: number, to: number): boolean;
}

/** Of a longer part so much is looked for, then the whole where case counts. */
const SOUGHT_LENGTH_MAX = 24;
/** States of one automaton; a table takes up to 400 bytes for each. */
const STATES_MAX = 100_000;

const FIRST_OTHER = 128;
const OTHERS_MASK = 31;
const SIGNS = FIRST_OTHER + OTHERS_MASK + 1;

/** The sign of a character: ASCII without its case, all others by their last bits. What folds to an ASCII letter has that letter's. */
export function signOf(code: number): number {
  if (code >= 0x41 && code <= 0x5a) return code + 32;
  if (code < FIRST_OTHER) return code;
  // Kelvin sign, long s, and I with a dot, which is an i and a dot in lower case.
  if (code === 0x212a) return 0x6b;
  if (code === 0x17f) return 0x73;
  if (code === 0x130) return 0x69;
  return FIRST_OTHER + (code & OTHERS_MASK);
}

interface Node {
  readonly next: Map<number, Node>;
  fail: Node | undefined;
  /** Own parts, then those of the longest proper suffix that has some. */
  parts: SoughtPart[];
  state: number;
}

/** The automaton, and the parts that found no room in it. */
export function buildAutomaton(parts: readonly SoughtPart[]): {
  readonly automaton: TextAutomaton | undefined;
  readonly left: readonly SoughtPart[];
} {
  const root = newNode();
  const nodes = [root];
  const left: SoughtPart[] = [];
  for (const part of parts) {
    if (nodes.length + SOUGHT_LENGTH_MAX > STATES_MAX) {
      left.push(part);
      continue;
    }
    let node = root;
    for (const sign of signsOf(soughtOf(part))) {
      const next = node.next.get(sign) ?? newNode();
      if (!node.next.has(sign)) {
        node.next.set(sign, next);
        nodes.push(next);
      }
      node = next;
    }
    node.parts.push(part);
  }
  return { automaton: nodes.length === 1 ? undefined : tableOf(root, nodes), left };
}

function newNode(): Node {
  return { next: new Map(), fail: undefined, parts: [], state: 0 };
}

/** What the automaton looks for of a part: its end where its end matters, else its beginning. */
function soughtOf({ part, place }: SoughtPart): string {
  return place === 'end' ? part.slice(-SOUGHT_LENGTH_MAX) : part.slice(0, SOUGHT_LENGTH_MAX);
}

function signsOf(text: string): readonly number[] {
  return Array.from({ length: text.length }, (_, index) => signOf(text.charCodeAt(index)));
}

function tableOf(root: Node, nodes: readonly Node[]): TextAutomaton {
  const inOrder = linked(root);
  // States that end a part come last, so that one comparison tells them.
  const numbered = [
    ...inOrder.filter((node) => node.parts.length === 0),
    ...inOrder.filter((node) => node.parts.length > 0),
  ];
  const firstEnd = inOrder.filter((node) => node.parts.length === 0).length;
  const columns = new Uint8Array(SIGNS);
  let width = 1;
  for (const node of nodes) {
    for (const sign of node.next.keys()) {
      if (columns[sign] !== 0) continue;
      columns[sign] = width;
      width += 1;
    }
  }
  for (let upper = 0x41; upper <= 0x5a; upper += 1) columns[upper] = columns[upper + 32] ?? 0;
  for (const [index, node] of numbered.entries()) node.state = index * width;
  const table = new Int32Array(numbered.length * width).fill(root.state);
  for (const node of inOrder) {
    if (node.fail !== undefined) table.copyWithin(node.state, node.fail.state, node.fail.state + width);
    for (const [sign, next] of node.next) table[node.state + (columns[sign] ?? 0)] = next.state;
  }
  const ends = numbered.slice(firstEnd).map(({ parts }) => parts);
  const all: Table = { table, columns, width, begin: root.state, firstEnd: firstEnd * width, ends };
  return { search: searchOf(all), isIn: isInOf(all) };
}

/** All nodes, shorter ones first, each with its suffix's node and parts. */
function linked(root: Node): readonly Node[] {
  const queue = [root];
  for (const node of queue) {
    for (const [sign, next] of node.next) {
      let fail = node.fail;
      while (fail !== undefined && !fail.next.has(sign)) fail = fail.fail;
      next.fail = fail?.next.get(sign) ?? root;
      if (next.fail.parts.length > 0) next.parts = [...next.parts, ...next.fail.parts];
      queue.push(next);
    }
  }
  return queue;
}

interface Table {
  readonly table: Int32Array;
  readonly columns: Uint8Array;
  readonly width: number;
  readonly begin: number;
  readonly firstEnd: number;
  readonly ends: readonly (readonly SoughtPart[])[];
}

function searchOf({ table, columns, width, begin, firstEnd, ends }: Table): TextAutomaton['search'] {
  return (text, found) => {
    const { length } = text;
    let state = begin;
    for (let index = 0; index < length; index += 1) {
      const code = text.charCodeAt(index);
      const sign = code < FIRST_OTHER ? code : signOf(code);
      state = table[state + (columns[sign] as number)] as number;
      if (state < firstEnd) continue;
      for (const part of ends[(state - firstEnd) / width] ?? []) if (isThere(part, text, index + 1)) found(part.rules);
    }
  };
}

/** True when the part may be where the automaton says it is: for what minds case, when it is. */
function isThere({ part, place, isFolded }: SoughtPart, text: string, end: number): boolean {
  const sought = Math.min(part.length, SOUGHT_LENGTH_MAX);
  const start = place === 'end' ? end - part.length : end - sought;
  if (place === 'start' && start !== 0) return false;
  if (place === 'end' && end !== text.length) return false;
  return isFolded || text.startsWith(part, start);
}

function isInOf({ table, columns, width, begin, firstEnd, ends }: Table): TextAutomaton['isIn'] {
  return (bytes, from, to) => {
    let state = begin;
    for (let at = from; at < to; at += 1) {
      state = table[state + (columns[bytes[at] as number] as number)] as number;
      if (state < firstEnd) continue;
      for (const part of ends[(state - firstEnd) / width] ?? []) {
        if (isThereInBytes(part, bytes, { from, end: at + 1, to })) return true;
      }
    }
    return false;
  };
}

function isThereInBytes(
  { part, place, isFolded }: SoughtPart,
  bytes: Uint8Array,
  { from, end, to }: { readonly from: number; readonly end: number; readonly to: number },
): boolean {
  const start = place === 'end' ? end - part.length : end - Math.min(part.length, SOUGHT_LENGTH_MAX);
  if (start < from || start + part.length > to) return false;
  if (place === 'start' && start !== from) return false;
  if (place === 'end' && end !== to) return false;
  if (isFolded) return true;
  for (let index = 0; index < part.length; index += 1) {
    if (bytes[start + index] !== part.charCodeAt(index)) return false;
  }
  return true;
}
