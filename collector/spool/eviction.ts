// What is given up when the spool is full: pure decisions over accounts and heads. Of the class that goes first, everybody is
// cut down to the same level, so whoever takes less than that loses nothing; of those above it, what came thickest goes first,
// and of each segment the first few of every sort stay: a flood is thinned, its beginning and what is unlike it is kept.
import type { FrameHead } from './frame.ts';
import { OWN } from './owner.ts';
import type { SpoolClass } from './segment.ts';
import { accountKey, fairLevel, type OwnerShare, type SegmentAccount } from './segment-account.ts';
import type { SpoolLoss } from './spool-loss.ts';

/** Of one owner and sort this many stay when a segment is thinned for the first time. */
const FIRST_OF_SORT = 4;
/** What stays for that reason is at most this share of what could go. */
const STAY_SHARE = 0.25;

export interface Candidate {
  readonly number: number;
  readonly account: SegmentAccount;
  readonly isClaimed: boolean;
}

/** By owner, the bytes that they have above the level at which `room` is shared out fairly. */
export function excessOf(
  owners: ReadonlyMap<number, number>,
  room: number,
  ownBytesMax: number,
): ReadonlyMap<number, number> {
  const counted = [...owners].filter(([owner, bytes]) => owner !== OWN || bytes > ownBytesMax);
  const exempt = (owners.get(OWN) ?? 0) <= ownBytesMax ? (owners.get(OWN) ?? 0) : 0;
  const level = fairLevel(
    counted.map(([, bytes]) => bytes),
    Math.max(0, room - exempt),
  );
  return new Map(counted.filter(([, bytes]) => bytes > level).map(([owner, bytes]) => [owner, bytes - level]));
}

/**
 * The segment that gives most in the densest way, or undefined when none gives anything. Each choice gives at least half of what
 * the richest would, which bounds the bytes that are read for each byte that is freed.
 */
export function chooseSegment<Segment extends Candidate>(
  segments: readonly Segment[],
  excess: ReadonlyMap<number, number>,
): Segment | undefined {
  const unread = segments.filter((segment) => !segment.isClaimed);
  for (const choice of [unread, segments]) {
    const gains = choice.map((segment) => gainOf(segment.account.owners, excess));
    const most = Math.max(0, ...gains);
    if (most === 0) continue;
    let best: Segment | undefined;
    let bestRate = -1;
    for (const [index, segment] of choice.entries()) {
      const gain = gains[index] as number;
      if (gain < most / 2) continue;
      const rate = gain / (1 + Math.max(0, segment.account.toMs - segment.account.fromMs));
      if (rate <= bestRate) continue;
      best = segment;
      bestRate = rate;
    }
    return best;
  }
  return undefined;
}

function gainOf(owners: ReadonlyMap<number, OwnerShare>, excess: ReadonlyMap<number, number>): number {
  let gain = 0;
  for (const [owner, { bytes }] of owners) gain += Math.min(bytes, excess.get(owner) ?? 0);
  return gain;
}

/** What of a segment stays, and what its going means. */
export interface Thinning {
  /** True for a frame that stays. Called once for each frame, in order. */
  readonly stays: (head: FrameHead, bytes: number) => boolean;
  readonly losses: () => readonly SpoolLoss[];
}

export function thin(options: {
  readonly spoolClass: SpoolClass;
  readonly account: SegmentAccount;
  /** By account; undefined: everything goes. */
  readonly excess: ReadonlyMap<number, number> | undefined;
  readonly reason: 'evicted' | 'aged';
  readonly acknowledged: number;
  readonly sparesFirst: boolean;
}): Thinning {
  const { account, excess, acknowledged, spoolClass, reason } = options;
  const left = new Map(excess);
  const seen = new Map<number, number>();
  const lost = new Map<number, Lost>();
  let spareable = options.sparesFirst && excess !== undefined ? gainOf(account.owners, excess) * STAY_SHARE : 0;
  return {
    stays(head, bytes) {
      // It was delivered: nobody misses it.
      if (head.position <= acknowledged) return false;
      const key = accountKey(account, head.owner);
      if (excess !== undefined) {
        const over = left.get(key) ?? 0;
        if (over <= 0) return true;
        const sort = key * 65_536 + head.sort;
        const count = (seen.get(sort) ?? 0) + 1;
        seen.set(sort, count);
        if (count <= FIRST_OF_SORT && bytes <= spareable) {
          spareable -= bytes;
          return true;
        }
        left.set(key, over - bytes);
      }
      const known = lost.get(key);
      if (known === undefined) lost.set(key, { count: 1, first: head, last: head });
      else {
        known.count += 1;
        known.last = head;
      }
      return false;
    },
    losses: () => [...lost].map(([owner, one]) => lossOf(one, owner, spoolClass, reason)),
  };
}

interface Lost {
  count: number;
  readonly first: FrameHead;
  last: FrameHead;
}

function lossOf(
  { count, first, last }: Lost,
  owner: number,
  spoolClass: SpoolClass,
  reason: 'evicted' | 'aged',
): SpoolLoss {
  return {
    reason,
    atLeast: count,
    atMost: count,
    fromMs: first.createdMs,
    toMs: last.createdMs,
    firstPosition: first.position,
    lastPosition: last.position,
    owner,
    spoolClass,
  };
}
