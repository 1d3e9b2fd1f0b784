// One key of one rule version: the kind's state, and what is needed to compute it again when an event comes late.
//
//   base ──▶ kept matches, in reference order ──▶ state            late: matches behind the state, waiting to be computed with
//   (a state; all before it is settled)                            found: the detections that `kept` brought about, id → digest
//
// `state` is always the fold of `base` over `kept`, so only base and matches are durable, and a restart folds them again. Time
// passes in steps from one moment at which something changes to the next: how the process was cut into steps changes nothing.
import { compareOrder } from '../../event/order.ts';
import type { Found, KindFold } from '../kinds/kind-fold.ts';
import { compareRecords, isSameRecord, type MatchPlace, type MatchRecord, nameOfRecord } from './match-record.ts';

/** What a key is made of besides its matches; stored as text. */
interface KeyBase {
  readonly state: unknown;
  /** Time has passed in `state` up to here. */
  readonly passedMs: number;
  /** The last match in `state`. */
  readonly last: MatchPlace | undefined;
}

export interface LiveKey {
  readonly id: string;
  readonly key: string;
  readonly ruleVersion: string;
  /** '' where the rule's keys span hosts. */
  readonly hostId: string;
  base: KeyBase;
  kept: readonly MatchRecord[];
  state: unknown;
  passedMs: number;
  last: MatchPlace | undefined;
  found: ReadonlyMap<string, string>;
  late: readonly MatchRecord[];
  /** Names of matches that no longer hold: of `together`, detections that were withdrawn. */
  removed: ReadonlySet<string>;
  /** The last match in time, where the rule finds by time: what it says then. */
  lastRecord: MatchRecord | undefined;
}

/** Something found, by the match that completed it; by time: the last one before. */
export interface Finding {
  readonly found: Found;
  readonly record: MatchRecord | undefined;
}

type Fold = KindFold<unknown>;

/** Shared: most keys have none, and there are many keys. */
export const NOTHING_FOUND: ReadonlyMap<string, string> = new Map();
export const NOTHING_REMOVED: ReadonlySet<string> = new Set();
const NO_RECORDS: readonly MatchRecord[] = [];
const NO_FINDINGS: readonly Finding[] = [];
/** Lists up to this are copied to grow, and take no more room than they need: most keys keep one match or two. */
const COPIED_MAX = 8;

const NEVER = Number.NEGATIVE_INFINITY;
const EMPTY_BASE: KeyBase = { state: undefined, passedMs: NEVER, last: undefined };

export function emptyKey(parts: Pick<LiveKey, 'id' | 'key' | 'ruleVersion' | 'hostId'>): LiveKey {
  const { id, key, ruleVersion, hostId } = parts;
  return {
    id,
    key,
    ruleVersion,
    hostId,
    base: EMPTY_BASE,
    kept: NO_RECORDS,
    state: undefined,
    passedMs: NEVER,
    last: undefined,
    found: NOTHING_FOUND,
    late: NO_RECORDS,
    removed: NOTHING_REMOVED,
    lastRecord: undefined,
  };
}

/** True when the match stands behind what the state was computed with: its place is in the past. */
export function isBehind(key: LiveKey, record: MatchRecord): boolean {
  const { order } = record;
  if (order.createdMs < key.passedMs) return true;
  const newest = key.kept.at(-1);
  if (newest !== undefined) return compareRecords(record, newest) < 0;
  return key.last !== undefined && compareOrder(order, key.last.order) < 0;
}

/** True when it stands behind the base too: what it would have changed can no longer be computed. */
export function isBeyond(key: LiveKey, { order }: MatchRecord): boolean {
  const { passedMs, last } = key.base;
  return order.createdMs < passedMs || (last !== undefined && compareOrder(order, last.order) <= 0);
}

export function see(key: LiveKey, fold: Fold, record: MatchRecord): readonly Finding[] {
  const findings = pass(key, fold, record.order.createdMs);
  const { state, found } = fold.see(key.state, record);
  key.state = state;
  key.last = { order: record.order, place: record.place, detectionId: record.detectionId };
  key.kept = withRecord(key.kept, record);
  return found.length === 0 ? findings : [...findings, ...found.map((one) => ({ found: one, record }))];
}

/** The same match among those that are kept. */
export function keptTwin({ kept }: LiveKey, record: MatchRecord): MatchRecord | undefined {
  let [low, high] = [0, kept.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (compareRecords(kept[middle] as MatchRecord, record) < 0) low = middle + 1;
    else high = middle;
  }
  const found = kept[low];
  return found !== undefined && isSameRecord(found, record) ? found : undefined;
}

export function withRecord(records: readonly MatchRecord[], record: MatchRecord): readonly MatchRecord[] {
  if (records.length < COPIED_MAX) return records.length === 0 ? [record] : [...records, record];
  (records as MatchRecord[]).push(record);
  return records;
}

/** Time passes for the key: every event before `nowMs` was seen. */
export function pass(key: LiveKey, fold: Fold, nowMs: number): readonly Finding[] {
  let findings = NO_FINDINGS;
  while (key.state !== undefined) {
    const dueMs = fold.dueMs(key.state);
    if (!(dueMs <= nowMs)) break;
    const { state, found } = fold.pass(key.state, dueMs);
    if (found.length > 0) {
      const record = key.kept.at(-1) ?? key.lastRecord;
      findings = [...findings, ...found.map((one) => ({ found: one, record }))];
    }
    key.state = state;
    key.passedMs = Math.max(key.passedMs, dueMs);
    // A kind that names the same moment again would never end.
    if (state !== undefined && fold.dueMs(state) <= dueMs) break;
  }
  return findings;
}

/** When time changes something next, epoch ms; Infinity: never. */
export function dueMs(key: LiveKey, fold: Fold): number {
  if (key.state === undefined) return Number.POSITIVE_INFINITY;
  const due = fold.dueMs(key.state);
  return due <= key.passedMs ? key.passedMs + 1 : due;
}

/** From the base again, over what is kept and what came late, up to where time had passed. */
export function computeAgain(key: LiveKey, fold: Fold): readonly Finding[] {
  const untilMs = key.passedMs;
  const records = [...key.kept, ...key.late]
    .filter((record) => key.removed.size === 0 || !key.removed.has(nameOfRecord(record)))
    .sort(compareRecords);
  key.late = NO_RECORDS;
  key.removed = NOTHING_REMOVED;
  return replay(key, fold, { records: withoutDoubles(records), untilMs });
}

/** Makes `state` anew from the base; what is found is what was found before, where nothing came late. */
export function replay(
  key: LiveKey,
  fold: Fold,
  { records, untilMs }: { readonly records: readonly MatchRecord[]; readonly untilMs: number },
): readonly Finding[] {
  key.state = key.base.state;
  key.passedMs = key.base.passedMs;
  key.last = key.base.last;
  key.kept = NO_RECORDS;
  const findings: Finding[] = [];
  for (const record of records) findings.push(...see(key, fold, record));
  findings.push(...pass(key, fold, untilMs));
  return findings;
}

/** Settles the first `count` of what is kept: the base takes them in. Answers them, and what they had brought about. */
export function settle(
  key: LiveKey,
  fold: Fold,
  count: number,
): { readonly records: readonly MatchRecord[]; readonly findings: readonly Finding[] } {
  const records = key.kept.slice(0, count);
  key.lastRecord = records.at(-1) ?? key.lastRecord;
  key.kept = key.kept.slice(count);
  if (key.kept.length === 0) {
    key.base = { state: key.state, passedMs: key.passedMs, last: key.last };
    return { records, findings: [] };
  }
  const settled = { ...emptyKey(key), base: key.base };
  const findings = replay(settled, fold, { records, untilMs: NEVER });
  key.base = { state: settled.state, passedMs: settled.passedMs, last: settled.last };
  return { records, findings };
}

export function withoutDoubles(sorted: readonly MatchRecord[]): readonly MatchRecord[] {
  return sorted.filter((record, place) => !isTwin(record, sorted[place - 1]));
}

function isTwin(record: MatchRecord, other: MatchRecord | undefined): boolean {
  return other !== undefined && isSameRecord(record, other);
}
