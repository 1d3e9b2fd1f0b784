// Where keys stand and matches wait: a queue for each host, for rules whose keys belong to one host, and one for rules across hosts.
// All of a queue is folded in one reference order, and follows one watermark.
import { createDueHeap, type DueHeap } from './due-heap.ts';
import type { FoldedRule } from './folded-rule.ts';
import type { LiveKey } from './live-key.ts';
import type { MatchRecord } from './match-record.ts';

/** A key in its place. */
export interface Slot {
  readonly key: LiveKey;
  readonly folded: FoldedRule;
  /** Its rule version and host, for the quotas. */
  readonly owner: string;
  queue: Queue;
  /** When it stands in the queue's heap, epoch ms; Infinity: not at all. */
  dueMs: number;
  isSettling: boolean;
  isGone: boolean;
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
    dues: createDueHeap(isGone),
    timeDues: createDueHeap(isGone),
    settling: createDueHeap(isGone),
    late: new Set(),
    foldedMs: new Map(),
    wakeMs: Number.POSITIVE_INFINITY,
  };
}

export function isEmpty({ waiting, dues, timeDues, settling, late }: Queue): boolean {
  return waiting.length + dues.size() + timeDues.size() + settling.size() + late.size === 0;
}

export function newSlot(key: LiveKey, folded: FoldedRule, queue: Queue): Slot {
  return {
    key,
    folded,
    owner: `${key.ruleVersion} ${key.hostId}`,
    queue,
    dueMs: Number.POSITIVE_INFINITY,
    isSettling: false,
    isGone: false,
    lateSinceMs: undefined,
  };
}

function isGone(slot: Slot): boolean {
  return slot.isGone;
}
