// The newest events in memory, as the bytes that the log holds: followers are served from here, searches see what no partition has
// yet. What does not fit waits in the log alone. Of each event some numbers are kept and no object (tail-block.ts): what lives so long,
// and is so many, would be most of what V8 has to collect.
import type { StoredEvent } from '../../event/document.ts';
import type { LineMemory } from './line-memory.ts';
import type { RawLine } from './log-lines.ts';
import { type BlockEntry, type KnownOfLine, TailBlock } from './tail-block.ts';

/** An event that was acknowledged, as searches see it. */
export type TailEntry = BlockEntry;

/** Entries that stand until they are released. */
interface HeldEntries {
  readonly entries: readonly TailEntry[];
  release(): void;
}

export interface Tail {
  /** All entries up to this number are in partitions. */
  readonly loadedSeq: number;
  /** Every event after this number is here. */
  readonly coveredFrom: number;
  readonly lastSeq: number;
  /** Acknowledged and in no partition, here or in the log alone. */
  readonly pendingEvents: number;
  readonly pendingBytes: number;
  /** The least and the greatest `@timestamp` of what came since nothing was pending; undefined where none is known. */
  readonly pendingSpan: { readonly minTs: number; readonly maxTs: number } | undefined;
  /**
   * `known`: what is known of each line without parsing it, in the same order. What the lines stand in is the tail's from now on, and given
   * back to its memory once they are dropped.
   */
  push(lines: readonly RawLine[], known?: readonly KnownOfLine[]): void;
  /**
   * The events after a number, as a follower reads them; only meant for numbers from `coveredFrom` on. `isReadAtOnce`: they need not
   * stand for longer than this turn of the loop.
   */
  follow(seq: number, limit: number, isReadAtOnce: boolean): readonly StoredEvent[];
  /** The entries after a number; only meant for numbers from `coveredFrom` on. */
  after(seq: number): HeldEntries;
  /** The entry of a number, to be read in this turn of the loop; undefined where it is not in memory. */
  at(seq: number): TailEntry | undefined;
  /** Says that everything up to `seq` is in partitions now: so many events and bytes more. */
  markLoaded(seq: number, loaded: { readonly events: number; readonly bytes: number }): void;
}

export interface TailLimits {
  /** Bytes that wait and are kept here all the same. */
  readonly pendingBytes: number;
  /** Events and bytes that stay after they were loaded. */
  readonly recentEvents: number;
  readonly recentBytes: number;
}

export function createTail(startSeq: number, limits: TailLimits, memory: LineMemory): Tail {
  const blocks: TailBlock[] = [];
  let loadedSeq = startSeq;
  let coveredFrom = startSeq;
  let lastSeq = startSeq;
  let pendingEvents = 0;
  let pendingBytes = 0;
  let minTs = Number.POSITIVE_INFINITY;
  let maxTs = Number.NEGATIVE_INFINITY;
  /** Events and bytes in memory, and those of them that are loaded. */
  let held = 0;
  let heldBytes = 0;
  let loaded = 0;
  let loadedBytes = 0;

  /** The lines after a number, as stretches of blocks, until one says that it was enough. */
  const visit = (seq: number, look: (block: TailBlock, from: number) => boolean): void => {
    let low = 0;
    let high = blocks.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((blocks[middle]?.endSeq ?? 0) > seq + 1) high = middle;
      else low = middle + 1;
    }
    for (let at = low; at < blocks.length; at++) {
      const block = blocks[at];
      if (block !== undefined && look(block, Math.max(block.dropped, seq + 1 - block.firstSeq))) return;
    }
  };

  const giveBackIfUnused = (block: TailBlock): void => {
    if (block.isGone || block.dropped < block.count || block.holders > 0) return;
    block.isGone = true;
    memory.giveBack(block.bytes);
  };

  const dropOldest = (): void => {
    const block = blocks[0];
    if (block === undefined) return;
    const seq = block.firstSeq + block.dropped;
    const length = block.lengthOf(block.dropped++);
    held--;
    heldBytes -= length;
    if (seq <= loadedSeq) {
      loaded--;
      loadedBytes -= length;
    }
    coveredFrom = seq;
    if (block.dropped < block.count) return;
    blocks.shift();
    giveBackIfUnused(block);
  };

  const trim = (): void => {
    while (loaded > 0 && (loaded > limits.recentEvents || loadedBytes > limits.recentBytes)) dropOldest();
    while (held > 1 && heldBytes - loadedBytes > limits.pendingBytes) dropOldest();
  };

  return {
    get loadedSeq() {
      return loadedSeq;
    },
    get coveredFrom() {
      return coveredFrom;
    },
    get lastSeq() {
      return lastSeq;
    },
    get pendingEvents() {
      return pendingEvents;
    },
    get pendingBytes() {
      return pendingBytes;
    },
    get pendingSpan() {
      return minTs <= maxTs ? { minTs, maxTs } : undefined;
    },
    push(lines, known = []) {
      for (const { timestampMs } of known) {
        minTs = Math.min(minTs, timestampMs);
        maxTs = Math.max(maxTs, timestampMs);
      }
      for (const { from, to } of stretches(lines)) {
        const block = new TailBlock(lines.slice(from, to), known.slice(from, to));
        blocks.push(block);
        held += block.count;
        pendingEvents += block.count;
        lastSeq = block.endSeq - 1;
        for (let at = 0; at < block.count; at++) {
          heldBytes += block.lengthOf(at);
          pendingBytes += block.lengthOf(at);
        }
      }
      trim();
    },
    follow(seq, limit, isReadAtOnce) {
      const events: StoredEvent[] = [];
      visit(seq, (block, from) => {
        const to = Math.min(block.count, from + limit - events.length);
        for (const event of block.followed(from, to, isReadAtOnce)) events.push(event);
        return events.length >= limit;
      });
      return events;
    },
    after(seq) {
      const entries: TailEntry[] = [];
      const of: TailBlock[] = [];
      visit(seq, (block, from) => {
        block.holders++;
        of.push(block);
        for (let at = from; at < block.count; at++) entries.push(block.entryOf(at));
        return false;
      });
      return {
        entries,
        release() {
          for (const block of of.splice(0)) {
            block.holders--;
            giveBackIfUnused(block);
          }
        },
      };
    },
    at(seq) {
      let found: TailEntry | undefined;
      visit(seq - 1, (block, from) => {
        if (block.firstSeq + from === seq) found = block.entryOf(from);
        return true;
      });
      return found;
    },
    markLoaded(seq, { events, bytes }) {
      visit(loadedSeq, (block, from) => {
        const to = Math.min(block.count, seq + 1 - block.firstSeq);
        for (let at = from; at < to; at++) {
          loaded++;
          loadedBytes += block.lengthOf(at);
          block.rest(at);
        }
        return block.endSeq > seq;
      });
      pendingEvents -= events;
      pendingBytes -= bytes;
      if (pendingEvents === 0) {
        minTs = Number.POSITIVE_INFINITY;
        maxTs = Number.NEGATIVE_INFINITY;
      }
      loadedSeq = Math.max(loadedSeq, seq);
      coveredFrom = Math.max(coveredFrom, held === 0 ? loadedSeq : 0);
      trim();
    },
  };
}

/** Lines that stand in the same bytes and whose numbers follow each other. */
function stretches(lines: readonly RawLine[]): readonly { readonly from: number; readonly to: number }[] {
  const found: { from: number; to: number }[] = [];
  for (let at = 0; at < lines.length; at++) {
    const [before, line] = [lines[at - 1], lines[at]];
    const last = found.at(-1);
    if (last !== undefined && before?.bytes === line?.bytes && (before?.seq ?? 0) + 1 === line?.seq) last.to = at + 1;
    else found.push({ from: at, to: at + 1 });
  }
  return found;
}
