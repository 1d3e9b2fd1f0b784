// Where keys stand and matches wait: a queue for each host, for rules whose keys belong to one host, and one for rules across hosts.
// All of a queue is folded in one reference order, and follows one watermark.
import { createDueHeap, type DueHeap } from './due-heap.ts';
import type { FoldedRule } from './folded-rule.ts';
import type { LiveKey } from './live-key.ts';
import type { MatchRecord } from './match-record.ts';

/** Who shares a quota of keys: a rule version on one host, or across hosts. */
export interface Owner {
  readonly name: string;
  /** Keys that have a state, the longest unused first. */
  readonly live: Set<Slot>;
  /** Keys without one, of which something is kept for what may come late. */
  readonly bare: Set<Slot>;
}

/** A key in its place. */
export interface Slot {
  readonly key: LiveKey;
  readonly folded: FoldedRule;
  readonly owner: Owner;
  queue: Queue;
  /** When it stands in the queue's heap, epoch ms; Infinity: not at all. */
  dueMs: number;
  isSettling: boolean;
  isGone: boolean;
  /** True while the state has an entry of its base. */
  isStored: boolean;
  /** Time of the queue when the first late match came that is not computed yet. */
  lateSinceMs: number | undefined;
}

export interface Queue {
  readonly name: string;
  /** '' across hosts. */
  readonly hostId: string;
  readonly level: number;
  readonly latenessMs: number | undefined;
  readonly waiting: MatchRecord[];
  isSorted: boolean;
  readonly dues: DueHeap<Slot>;
  /** Of rules that find by time: these need not wait for a host that lags. */
  readonly timeDues: DueHeap<Slot>;
  /** When to settle what was kept long enough. */
  readonly settling: DueHeap<Slot>;
  readonly late: Set<Slot>;
  /** The greatest `event.created` that was folded, of each rule version: one that was just filled has its own. */
  readonly foldedMs: Map<string, number>;
  /** The greatest of them all. */
  newestMs: number;
  /** When it is looked at though nothing was added, epoch ms; Infinity: not at all. */
  wakeMs: number;
}

export function queueName({ isHostBound, level, latenessMs }: FoldedRule, hostId: string): string {
  return isHostBound ? `host ${level} ${hostId}` : `all ${level} ${latenessMs ?? ''}`;
}

export function emptyQueue(folded: FoldedRule, hostId: string): Queue {
  const { level, latenessMs } = folded;
  return {
    name: queueName(folded, hostId),
    hostId,
    level,
    latenessMs: folded.isHostBound ? undefined : latenessMs,
    waiting: [],
    isSorted: true,
    dues: createDueHeap(nameOf, isGone),
    timeDues: createDueHeap(nameOf, isGone),
    settling: createDueHeap(nameOf, isGone),
    late: new Set(),
    foldedMs: new Map(),
    newestMs: Number.NEGATIVE_INFINITY,
    wakeMs: Number.POSITIVE_INFINITY,
  };
}

export function isEmpty({ waiting, dues, timeDues, settling, late }: Queue): boolean {
  return waiting.length + dues.size() + timeDues.size() + settling.size() + late.size === 0;
}

/** That a queue has folded so far, of one rule version. */
export function noteFolded(queue: Queue, ruleVersion: string, createdMs: number): void {
  const before = queue.foldedMs.get(ruleVersion) ?? Number.NEGATIVE_INFINITY;
  if (createdMs <= before) return;
  queue.foldedMs.set(ruleVersion, createdMs);
  if (createdMs > queue.newestMs) queue.newestMs = createdMs;
}

/** Gives `visit` each key that is due, at the moment when it is: time passes from one to the next. */
export function takeDue(heap: DueHeap<Slot>, nowMs: number, visit: (slot: Slot, atMs: number) => void): void {
  for (;;) {
    const atMs = heap.firstMs();
    const slot = heap.take(nowMs);
    if (slot === undefined) return;
    if (slot.isGone || slot.dueMs !== atMs) continue;
    slot.dueMs = Number.POSITIVE_INFINITY;
    visit(slot, atMs);
  }
}

function nameOf({ key }: Slot): string {
  return key.id;
}

function isGone(slot: Slot): boolean {
  return slot.isGone;
}
