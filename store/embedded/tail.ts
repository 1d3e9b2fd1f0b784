// The newest events in memory: those that the log holds and no partition yet, and some that both followers and partitions have.
// Followers are served from here, searches see what is not loaded, and a repeated id is recognised.
import type { EventDocument } from '../../event/document.ts';

export interface TailEntry {
  readonly seq: number;
  readonly id: string;
  readonly document: EventDocument;
  readonly timestampMs: number;
  readonly bytes: number;
}

export interface Tail {
  /** All entries up to this number are in partitions. */
  readonly loadedSeq: number;
  /** Every event after this number is here. */
  readonly coveredFrom: number;
  readonly lastSeq: number;
  readonly pendingEvents: number;
  readonly pendingBytes: number;
  push(entries: readonly TailEntry[]): void;
  /** The entries after a number, at most `limit`; only meant for numbers from `coveredFrom` on. */
  after(seq: number, limit: number): readonly TailEntry[];
  /** The entry of an id that is not loaded yet. */
  pending(id: string): TailEntry | undefined;
  /** Says that everything up to `seq` is in partitions now. */
  markLoaded(seq: number): void;
}

export function createTail(startSeq: number, keep: { readonly events: number; readonly bytes: number }): Tail {
  let entries: TailEntry[] = [];
  let head = 0;
  let loadedSeq = startSeq;
  let coveredFrom = startSeq;
  let lastSeq = startSeq;
  let pendingBytes = 0;
  let loadedBytes = 0;
  const pendingById = new Map<string, TailEntry>();

  const indexAfter = (seq: number): number => {
    let low = head;
    let high = entries.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((entries[middle]?.seq ?? 0) > seq) high = middle;
      else low = middle + 1;
    }
    return low;
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
      return pendingById.size;
    },
    get pendingBytes() {
      return pendingBytes;
    },
    push(added) {
      for (const entry of added) {
        entries.push(entry);
        pendingById.set(entry.id, entry);
        pendingBytes += entry.bytes;
        lastSeq = entry.seq;
      }
    },
    after(seq, limit) {
      const from = indexAfter(seq);
      return entries.slice(from, from + limit);
    },
    pending: (id) => pendingById.get(id),
    markLoaded(seq) {
      const end = indexAfter(seq);
      for (let at = indexAfter(loadedSeq); at < end; at++) {
        const entry = entries[at];
        if (entry === undefined) continue;
        pendingById.delete(entry.id);
        pendingBytes -= entry.bytes;
        loadedBytes += entry.bytes;
      }
      loadedSeq = Math.max(loadedSeq, seq);
      while (head < end && (end - head > keep.events || loadedBytes > keep.bytes)) {
        const oldest = entries[head++];
        loadedBytes -= oldest?.bytes ?? 0;
        coveredFrom = oldest?.seq ?? coveredFrom;
      }
      if (head > 4_096 && head > entries.length / 2) {
        entries = entries.slice(head);
        head = 0;
      }
    },
  };
}
