// The queues, which of them a step has to look at, and which matches it takes out of them: those that the watermark has passed, and
// the earliest of what is too much. A queue without anything new or due is not looked at; it wakes by time.
import type { Watermarks } from '../engine.ts';
import type { EngineLimits } from '../limits.ts';
import { createDueHeap } from './due-heap.ts';
import { emptyQueue, isEmpty, type Queue, queueName } from './fold-queue.ts';
import type { FoldedRule } from './folded-rule.ts';
import { compareRecords, type MatchRecord } from './match-record.ts';

export interface QueueBook {
  of(folded: FoldedRule, hostId: string): Queue;
  /** `known`: where its key stands. */
  enqueue(record: MatchRecord, folded: FoldedRule, known?: Queue): void;
  /** The next step looks at it. Not where the queue is a filling's own: that is no step's concern. */
  stir(queue: Queue): void;
  /** The queues of a level that a step has to look at. */
  stirred(level: number, latestMs: number): readonly Queue[];
  /** What is to be folded now, in reference order. */
  release(queue: Queue, watermarks: Watermarks): readonly MatchRecord[];
  /** After it was looked at: whether the next step has to look again, or when it wakes. */
  rest(queue: Queue, latestMs: number): void;
  /** Takes a match out that waits. */
  withdraw(record: MatchRecord, folded: FoldedRule): void;
  /** Takes all of a version out that wait. */
  withdrawAll(ruleVersion: string): readonly MatchRecord[];
  /** Matches that wait, and keys whose late ones are not computed yet. */
  waiting(): number;
  isEmpty(): boolean;
}

/** What is only forgotten or settled is in no hurry: a host's queue is looked at for that once in so long, of event time. */
const FORGET_MS = 60_000;
const NOTHING: readonly MatchRecord[] = [];

export function createQueueBook(limits: EngineLimits, onForced: (record: MatchRecord) => void): QueueBook {
  const queues = new Map<string, Queue>();
  /** What a step has to look at: queues with something new, or something that waits. All others wake by time. */
  const stirred = new Set<Queue>();
  const wakes = createDueHeap<Queue>(
    ({ name }) => name,
    (queue) => queues.get(queue.name) !== queue,
  );
  let waitingCount = 0;

  const queueOf = (folded: FoldedRule, hostId: string): Queue => {
    const name = queueName(folded, hostId);
    let queue = queues.get(name);
    if (queue === undefined) {
      queue = emptyQueue(folded, hostId);
      queues.set(name, queue);
    }
    return queue;
  };

  const stir = (queue: Queue): void => {
    if (queues.get(queue.name) === queue) stirred.add(queue);
  };

  return {
    of: queueOf,
    stir,
    enqueue(record, folded, known) {
      const isOpen = known !== undefined && queues.get(known.name) === known;
      const queue = isOpen ? known : queueOf(folded, folded.isHostBound ? record.order.hostId : '');
      const last = queue.waiting.at(-1);
      if (queue.isSorted && last !== undefined && compareRecords(last, record) > 0) queue.isSorted = false;
      queue.waiting.push(record);
      waitingCount += 1;
      stir(queue);
    },
    stirred(level, latestMs) {
      for (;;) {
        const atMs = wakes.firstMs();
        const queue = wakes.take(latestMs);
        if (queue === undefined) break;
        if (queue.wakeMs !== atMs) continue;
        queue.wakeMs = Number.POSITIVE_INFINITY;
        stir(queue);
      }
      const some: Queue[] = [];
      for (const queue of stirred) if (queue.level === level) some.push(queue);
      return some;
    },
    release(queue, watermarks) {
      const { waiting, hostId, latenessMs } = queue;
      if (waiting.length === 0) return NOTHING;
      if (!queue.isSorted) waiting.sort(compareRecords);
      queue.isSorted = true;
      let passed = waiting.length;
      const isPassed = ({ order }: MatchRecord): boolean =>
        hostId === '' ? watermarks.allPassed(order, latenessMs) : watermarks.hostPassed(order);
      while (passed > 0 && !isPassed(waiting[passed - 1] as MatchRecord)) passed -= 1;
      const share = waitingCount > limits.pendingMax ? Math.floor(limits.pendingMax / queues.size) : limits.pendingMax;
      const max = Math.min(share, hostId === '' ? limits.pendingAcrossHostsMax : limits.pendingPerHostMax);
      const taken = waiting.splice(0, Math.max(passed, waiting.length - max));
      waitingCount -= taken.length;
      for (let place = passed; place < taken.length; place += 1) onForced(taken[place] as MatchRecord);
      return taken;
    },
    rest(queue, latestMs) {
      const { name, hostId, waiting, late, dues, timeDues, settling } = queue;
      stirred.delete(queue);
      if (isEmpty(queue)) {
        queues.delete(name);
        return;
      }
      const timeMs = timeDues.firstMs();
      if (hostId === '' || waiting.length + late.size > 0 || timeMs <= latestMs) {
        stirred.add(queue);
        return;
      }
      // Nothing is found by these: a host that lags, or that nobody waits for, is not looked at in each step for them.
      const forgetMs = Math.max(Math.min(dues.firstMs(), settling.firstMs()), latestMs) + FORGET_MS;
      const atMs = Math.min(timeMs, forgetMs);
      if (atMs >= queue.wakeMs) return;
      queue.wakeMs = atMs;
      wakes.push(atMs, queue);
    },
    withdraw(record, folded) {
      const { waiting } = queueOf(folded, folded.isHostBound ? record.order.hostId : '');
      const place = waiting.indexOf(record);
      if (place === -1) return;
      waiting.splice(place, 1);
      waitingCount -= 1;
    },
    withdrawAll(ruleVersion) {
      const withdrawn: MatchRecord[] = [];
      for (const { waiting } of queues.values()) {
        const isOther = (record: MatchRecord): boolean => record.ruleVersion !== ruleVersion;
        if (waiting.every(isOther)) continue;
        withdrawn.push(...waiting.filter((record) => !isOther(record)));
        waiting.splice(0, waiting.length, ...waiting.filter(isOther));
      }
      waitingCount -= withdrawn.length;
      return withdrawn;
    },
    waiting() {
      let count = waitingCount;
      for (const { late } of queues.values()) count += late.size;
      return count;
    },
    isEmpty: () => queues.size === 0,
  };
}
