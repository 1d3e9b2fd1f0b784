// The newest events in memory, as the bytes that the log holds: followers are served from here, searches see what no partition has
// yet. What does not fit waits in the log alone.
import type { EventDocument, StoredEvent, UnparsedDocument } from '../../event/document.ts';
import { timestampOf } from '../admission.ts';
import { documentFrom, idOfLine, parseLine, type RawLine } from './log-lines.ts';

export interface TailEntry {
  readonly seq: number;
  readonly id: string;
  /** Parsed when it is first asked for. */
  readonly document: EventDocument;
  readonly timestampMs: number;
}

interface KnownOfLine {
  readonly id: string;
  readonly timestampMs: number;
  readonly createdMs: number | undefined;
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
  /** `known`: what is known of each line without parsing it, in the same order. */
  push(lines: readonly RawLine[], known?: readonly KnownOfLine[]): void;
  /** The events after a number, as a follower reads them: once, so that nothing of them is kept. Like `after`. */
  follow(seq: number, limit: number): readonly StoredEvent[];
  /** The entries after a number, at most `limit`; only meant for numbers from `coveredFrom` on. */
  after(seq: number, limit: number): readonly TailEntry[];
  /** The entry of a number; undefined where it is not in memory. */
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

/** Parsed once, when it is asked for; nothing of that is kept in the tail. */
export class FollowedLine implements StoredEvent {
  readonly seq: number;
  readonly id: string;
  readonly unparsed: UnparsedDocument;
  readonly #line: RawLine;
  #document: EventDocument | undefined;

  constructor(line: RawLine, id: string, createdMs: number) {
    this.seq = line.seq;
    this.id = id;
    this.unparsed = { bytes: line.bytes, from: documentFrom(line, id), to: line.to - 1, createdMs };
    this.#line = line;
  }
  get document(): EventDocument {
    this.#document ??= parseLine(this.#line).document;
    return this.#document;
  }
}

class LineEntry implements TailEntry {
  readonly line: RawLine;
  #id: string | undefined;
  #timestampMs: number | undefined;
  readonly #createdMs: number | undefined;
  #document: EventDocument | undefined;

  constructor(line: RawLine, known: KnownOfLine | undefined) {
    this.line = line;
    this.#id = known?.id;
    this.#timestampMs = known?.timestampMs;
    this.#createdMs = known?.createdMs;
  }
  get seq(): number {
    return this.line.seq;
  }
  get id(): string {
    this.#id ??= idOfLine(this.line);
    return this.#id;
  }
  get document(): EventDocument {
    this.#document ??= parseLine(this.line).document;
    return this.#document;
  }
  event(): StoredEvent {
    if (this.#createdMs !== undefined) return new FollowedLine(this.line, this.id, this.#createdMs);
    const { id, document } =
      this.#document === undefined ? parseLine(this.line) : { id: this.id, document: this.#document };
    return { seq: this.line.seq, id, document };
  }
  get timestampMs(): number {
    this.#timestampMs ??= timestampOf(this.document) ?? 0;
    return this.#timestampMs;
  }
  /** Its document is seldom asked for again. */
  rest(): void {
    this.#document = undefined;
  }
}

export function createTail(startSeq: number, limits: TailLimits): Tail {
  let entries: LineEntry[] = [];
  let head = 0;
  let loadedSeq = startSeq;
  let coveredFrom = startSeq;
  let lastSeq = startSeq;
  let pendingEvents = 0;
  let pendingBytes = 0;
  let minTs = Number.POSITIVE_INFINITY;
  let maxTs = Number.NEGATIVE_INFINITY;
  /** Bytes in memory, and those of them that are loaded. */
  let heldBytes = 0;
  let loadedBytes = 0;

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

  const dropOldest = (): void => {
    const oldest = entries[head++];
    if (oldest === undefined) return;
    heldBytes -= oldest.line.length;
    if (oldest.seq <= loadedSeq) loadedBytes -= oldest.line.length;
    coveredFrom = oldest.seq;
  };

  const trim = (): void => {
    const firstPending = indexAfter(loadedSeq);
    while (head < firstPending && (firstPending - head > limits.recentEvents || loadedBytes > limits.recentBytes))
      dropOldest();
    while (head < entries.length - 1 && heldBytes - loadedBytes > limits.pendingBytes) dropOldest();
    if (head > 4_096 && head > entries.length / 2) {
      entries = entries.slice(head);
      head = 0;
    }
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
    push(lines, known) {
      for (const { timestampMs } of known ?? []) {
        minTs = Math.min(minTs, timestampMs);
        maxTs = Math.max(maxTs, timestampMs);
      }
      for (const [at, line] of lines.entries()) {
        entries.push(new LineEntry(line, known?.[at]));
        heldBytes += line.length;
        pendingBytes += line.length;
        pendingEvents++;
        lastSeq = line.seq;
      }
      trim();
    },
    follow(seq, limit) {
      const from = indexAfter(seq);
      return entries.slice(from, from + limit).map((entry) => entry.event());
    },
    after(seq, limit) {
      const from = indexAfter(seq);
      return entries.slice(from, from + limit);
    },
    at(seq) {
      const entry = entries[indexAfter(seq - 1)];
      return entry?.seq === seq ? entry : undefined;
    },
    markLoaded(seq, loaded) {
      const end = indexAfter(seq);
      for (let at = indexAfter(loadedSeq); at < end; at++) {
        loadedBytes += entries[at]?.line.length ?? 0;
        entries[at]?.rest();
      }
      pendingEvents -= loaded.events;
      pendingBytes -= loaded.bytes;
      if (pendingEvents === 0) {
        minTs = Number.POSITIVE_INFINITY;
        maxTs = Number.NEGATIVE_INFINITY;
      }
      loadedSeq = Math.max(loadedSeq, seq);
      coveredFrom = Math.max(coveredFrom, head === entries.length ? loadedSeq : 0);
      trim();
    },
  };
}
