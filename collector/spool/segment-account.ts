// What a segment holds, by owner, without reading it: kept while it is written, put into its footer when it is finished. From
// it follows who takes how much of a class, and where an eviction finds it.
import { OWN, sharedOwner } from './owner.ts';

/** Owners of one segment that are told apart; more share accounts. */
export const SEGMENT_OWNERS_MAX = 64;

export interface OwnerShare {
  bytes: number;
  count: number;
}

export interface SegmentAccount {
  readonly owners: Map<number, OwnerShare>;
  /** `event.created` of the first and last frame, epoch ms; 0 without one. */
  fromMs: number;
  toMs: number;
  lastPosition: number;
}

export function emptyAccount(): SegmentAccount {
  return { owners: new Map(), fromMs: 0, toMs: 0, lastPosition: 0 };
}

/** The account that an owner's frames of this segment stand under. */
export function accountKey(account: SegmentAccount, owner: number): number {
  if (account.owners.has(owner) || owner === OWN) return owner;
  return account.owners.size < SEGMENT_OWNERS_MAX ? owner : sharedOwner(owner);
}

/** Adds one frame; the account that it went to. */
export function addFrame(
  account: SegmentAccount,
  frame: { readonly owner: number; readonly createdMs: number; readonly position: number },
  bytes: number,
): number {
  const key = accountKey(account, frame.owner);
  const share = account.owners.get(key);
  if (share === undefined) account.owners.set(key, { bytes, count: 1 });
  else {
    share.bytes += bytes;
    share.count += 1;
  }
  if (account.fromMs === 0) account.fromMs = frame.createdMs;
  account.toMs = frame.createdMs;
  account.lastPosition = frame.position;
  return key;
}

/**
 * The level to which all are cut down so that together they take `room`: who takes less keeps everything. Infinity when there
 * is room for all.
 */
export function fairLevel(taken: Iterable<number>, room: number): number {
  const ascending = [...taken].sort((a, b) => a - b);
  let left = room;
  for (const [index, bytes] of ascending.entries()) {
    const equal = left / (ascending.length - index);
    if (bytes > equal) return Math.max(0, Math.floor(equal));
    left -= bytes;
  }
  return Number.POSITIVE_INFINITY;
}
