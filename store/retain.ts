// Decides which partitions go: pure, so that every store keeps the same promise. By age first, then by bytes, the oldest first; a hold,
// and a follower that has not read them yet, win over both. What a store calls a partition (a file, an index, in memory one event) and how it removes one is its own affair.
import type { Hold, RetainedPartition, RetainRequest, RetainResponse } from './port.ts';

export interface Droppable {
  readonly name: string;
  readonly events: number;
  readonly bytes: number;
  /** The least and the greatest `@timestamp`. */
  readonly fromMs: number;
  readonly toMs: number;
  /** By what it grows old: no event in it is younger. */
  readonly ageMs: number;
  /** True where the follower that was named has not read all of it. */
  readonly isUnread?: boolean;
}

export interface RetainPlan<T extends Droppable> {
  readonly drop: readonly { readonly partition: T; readonly why: RetainedPartition['why'] }[];
  readonly held: readonly RetainedPartition[];
  readonly unread: readonly RetainedPartition[];
  readonly excessBytes: number;
}

/** `storeBytes`: what the whole store takes, with what is in no partition. */
export async function planRetention<T extends Droppable>(
  partitions: readonly T[],
  storeBytes: number,
  request: RetainRequest & { readonly isHeld: (partition: T, hold: Hold) => boolean | Promise<boolean> },
): Promise<RetainPlan<T>> {
  const {
    beforeMs = Number.NEGATIVE_INFINITY,
    bytesMax = Number.POSITIVE_INFINITY,
    keepFromMs = Number.POSITIVE_INFINITY,
    holds = [],
    isHeld,
  } = request;
  const drop: { partition: T; why: RetainedPartition['why'] }[] = [];
  const held: RetainedPartition[] = [];
  const unread: RetainedPartition[] = [];
  let bytes = storeBytes;
  for (const partition of [...partitions].sort((a, b) => a.ageMs - b.ageMs || (a.name < b.name ? -1 : 1))) {
    const isOld = partition.ageMs < beforeMs;
    if (!isOld && (bytes <= bytesMax || partition.ageMs >= keepFromMs)) continue;
    const why = isOld ? 'age' : 'bytes';
    if (await isHeldByAny(partition, holds, isHeld)) {
      held.push(retained(partition, why));
      continue;
    }
    if (partition.isUnread === true) {
      unread.push(retained(partition, why));
      continue;
    }
    drop.push({ partition, why });
    bytes -= partition.bytes;
  }
  return { drop, held, unread, excessBytes: Math.max(0, bytes - bytesMax) };
}

/** Carries a plan out, one partition after another. `remove` answers false where it changed meanwhile and stays for the next time. */
export async function carryOut<T extends Droppable>(
  plan: RetainPlan<T>,
  request: RetainRequest,
  remove: (partition: T) => Promise<boolean>,
): Promise<RetainResponse> {
  const dropped: RetainedPartition[] = [];
  let { excessBytes } = plan;
  for (const { partition, why } of plan.drop) {
    const told = retained(partition, why);
    await request.dropping?.(told);
    if (await remove(partition)) dropped.push(told);
    else if (request.bytesMax !== undefined) excessBytes += partition.bytes;
  }
  const { held, unread } = plan;
  return { dropped, held, excessBytes, ...(unread.length === 0 ? {} : { unread }) };
}

async function isHeldByAny<T>(
  partition: T,
  holds: readonly Hold[],
  isHeld: (partition: T, hold: Hold) => boolean | Promise<boolean>,
): Promise<boolean> {
  for (const hold of holds) if (await isHeld(partition, hold)) return true;
  return false;
}

function retained({ name, events, bytes, fromMs, toMs }: Droppable, why: RetainedPartition['why']): RetainedPartition {
  return { name, events, bytes, fromMs, toMs, why };
}
