// Which ids wait in the log: a table of hashes, some 20 bytes an event, because millions may wait. It answers "perhaps, number
// N", never wrongly "no"; who asks compares the event itself. The hash has a secret of this process: nobody can make ids that
// collide.
import { randomBytes } from 'node:crypto';

export interface PendingIds {
  add(id: string, seq: number): void;
  /** Numbers after `loadedSeq` whose event may have this id; mostly none or one. */
  candidates(id: string, loadedSeq: number): readonly number[];
  /** Everything up to a number may be forgotten. */
  forgetUpTo(seq: number): void;
}

const SLOTS_LEAST = 4_096;
const NO_CANDIDATES: readonly number[] = [];

export function createPendingIds(): PendingIds {
  const seedA = randomBytes(4).readInt32LE();
  const seedB = randomBytes(4).readInt32LE();
  let mask = SLOTS_LEAST - 1;
  /** Second hash and number (minus `baseSeq`, plus 1; 0: free) of each slot, and the first hash, to find its place anew. */
  let firsts = new Int32Array(SLOTS_LEAST);
  let tags = new Int32Array(SLOTS_LEAST);
  let places = new Uint32Array(SLOTS_LEAST);
  let baseSeq = 0;
  let filled = 0;
  let forgottenSeq = 0;
  let first = 0;
  let tag = 0;

  /** Two 32-bit hashes, multiplied and mixed in turn (after MurmurHash's finalizer). */
  const hash = (id: string): void => {
    let a = seedA;
    let b = seedB;
    for (let at = 0; at < id.length; at++) {
      const unit = id.charCodeAt(at);
      a = Math.imul(a ^ unit, 0x9e3779b1);
      b = Math.imul(b ^ unit, 0x5f356495);
      a ^= b >>> 15;
    }
    a = Math.imul(a ^ (a >>> 16), 0x85ebca6b) ^ Math.imul(b ^ (b >>> 13), 0xc2b2ae35);
    b = Math.imul(b ^ (b >>> 16), 0x27d4eb2f) ^ Math.imul(a ^ (a >>> 13), 0x165667b1);
    first = a ^ (a >>> 16);
    tag = b ^ (b >>> 15);
  };

  const put = (slotFirst: number, slotTag: number, place: number): void => {
    let slot = slotFirst & mask;
    while (places[slot] !== 0) slot = (slot + 1) & mask;
    firsts[slot] = slotFirst;
    tags[slot] = slotTag;
    places[slot] = place;
    filled++;
  };

  /** Leaves out what is forgotten; larger or smaller, as what is left needs. */
  const rebuild = (): void => {
    const [oldFirsts, oldTags, oldPlaces] = [firsts, tags, places];
    const forgotten = Math.max(0, forgottenSeq - baseSeq) + 1;
    let kept = 0;
    for (const place of oldPlaces) if (place > forgotten) kept++;
    let slots = SLOTS_LEAST;
    while (slots < kept * 3) slots *= 2;
    mask = slots - 1;
    firsts = new Int32Array(slots);
    tags = new Int32Array(slots);
    places = new Uint32Array(slots);
    filled = 0;
    const shift = forgotten - 1;
    for (let slot = 0; slot < oldPlaces.length; slot++) {
      const place = oldPlaces[slot] ?? 0;
      if (place > forgotten) put(oldFirsts[slot] ?? 0, oldTags[slot] ?? 0, place - shift);
    }
    baseSeq += shift;
  };

  return {
    add(id, seq) {
      if (filled === 0) baseSeq = seq - 1;
      if ((filled + 1) * 3 > (mask + 1) * 2) rebuild();
      hash(id);
      put(first, tag, seq - baseSeq + 1);
    },
    candidates(id, loadedSeq) {
      if (filled === 0) return NO_CANDIDATES;
      hash(id);
      let found = NO_CANDIDATES;
      for (let slot = first & mask; places[slot] !== 0; slot = (slot + 1) & mask) {
        const seq = (places[slot] ?? 0) - 1 + baseSeq;
        if (tags[slot] === tag && firsts[slot] === first && seq > loadedSeq) found = [...found, seq];
      }
      return found;
    },
    forgetUpTo(seq) {
      forgottenSeq = Math.max(forgottenSeq, seq);
    },
  };
}
