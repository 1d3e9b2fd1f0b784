// What comes behind a key's state is late: it is collected until its host has caught up, and then the key is computed again, once,
// from what was kept. New findings are raised and marked late; those that no longer hold are withdrawn; what could not be
// computed again is told as a gap.
import type { Gap } from '../../event/detection.ts';
import type { Rule } from '../../rules/rule.ts';
import type { Watermarks } from '../engine.ts';
import type { EngineLimits } from '../limits.ts';
import type { FoldLedger } from './fold-ledger.ts';
import type { Slot } from './fold-queue.ts';
import type { FoldedRule } from './folded-rule.ts';
import type { KindCounter, Raised } from './key-folding.ts';
import type { KeyShelf } from './key-shelf.ts';
import {
  computeAgain,
  emptyKey,
  type Finding,
  isBeyond,
  keptTwin,
  NOTHING_FOUND,
  NOTHING_REMOVED,
  replay,
  withoutDoubles,
} from './live-key.ts';
import { compareRecords, type MatchRecord } from './match-record.ts';
import { createRecomputeBudget } from './recompute-budget.ts';

/** A detection that does not hold any more, or rests on other events, as some came late. */
export interface Amended {
  readonly detectionId: string;
  readonly rule: Rule;
  /** What it is now; undefined: it does not hold. */
  readonly finding: Finding | undefined;
  /** Events that came late, some of them. */
  readonly because: readonly string[];
}

export interface LateMatches {
  /** True where what came late under the key is to be computed now. */
  isDue(slot: Slot, watermarks: Watermarks): boolean;
  /** Computes the key again. What is left to do with it (settling, its place) is the caller's. */
  compute(slot: Slot, nowMs: number): void;
  noteGap(folded: FoldedRule, record: MatchRecord, reason: Gap['reason']): void;
  /** What was amended, and the gaps, since the last call. */
  take(): { readonly amended: readonly Amended[]; readonly gaps: readonly Gap[] };
}

const NEVER = Number.NEGATIVE_INFINITY;
/** Late matches of a host that catches up are collected so long at the most, of the queue's time. */
const GATHER_MS = 60_000;
/** The same of a host that tells no progress. */
const GATHER_UNTOLD_MS = 10_000;
/** Event ids that a withdrawal names. */
const BECAUSE_MAX = 10;
/** Of these, more events never make a finding untrue. */
const MORE_FINDS_MORE: ReadonlySet<string> = new Set(['threshold', 'distinct', 'combination', 'together']);

export function createLateMatches(options: {
  readonly limits: EngineLimits;
  readonly ledger: FoldLedger;
  readonly shelf: KeyShelf;
  readonly count: (ruleId: string, counter: KindCounter) => void;
  /** Findings in force that are not known yet become known. */
  readonly taken: (slot: Slot, findings: readonly Finding[], isLate: boolean) => readonly Raised[];
  /** What was raised in this step. */
  readonly raised: Raised[];
}): LateMatches {
  const { limits, ledger, shelf, count, taken, raised } = options;
  const budget = createRecomputeBudget(limits.recomputedPerRuleMax);
  let amended: Amended[] = [];
  let gaps = new Map<string, Gap>();

  const noteGap: LateMatches['noteGap'] = ({ rule }, record, reason) => {
    const { createdMs, id } = record.order;
    const known = gaps.get(record.keyId);
    count(rule.id, 'gaps');
    gaps.set(record.keyId, {
      ruleId: rule.id,
      ruleVersion: rule.version,
      key: record.key,
      matches: (known?.matches ?? 0) + 1,
      fromMs: Math.min(known?.fromMs ?? createdMs, createdMs),
      toMs: Math.max(known?.toMs ?? createdMs, createdMs),
      eventId: known?.eventId ?? id,
      reason,
    });
  };

  /** Late matches behind the base: what they show among themselves is raised where more events can only find more. */
  const foldAlone = (slot: Slot, beyond: readonly MatchRecord[]): void => {
    const { key, folded } = slot;
    const records = withoutDoubles([...beyond].sort(compareRecords));
    for (const record of records) noteGap(folded, record, 'age');
    for (const record of beyond) ledger.gone(record);
    if (!MORE_FINDS_MORE.has(folded.rule.kind.kind) || folded.findsByTime) return;
    const alone = emptyKey(key);
    const findings = replay(alone, folded.fold, { records, untilMs: NEVER });
    raised.push(...taken(slot, findings, true));
  };

  /** True when it was raised in this very step: then nobody has heard of it. */
  const takeBack = (detectionId: string): boolean => {
    const place = raised.findIndex((one) => one.detectionId === detectionId);
    if (place !== -1) raised.splice(place, 1);
    return place !== -1;
  };

  const computeAll = (slot: Slot): void => {
    const { key, folded } = slot;
    const { rule, fold } = folded;
    count(rule.id, 'recomputed');
    const because = [...new Set(key.late.map(({ order }) => order.id))].slice(0, BECAUSE_MAX);
    const involved = [...key.kept, ...key.late];
    const before = key.found;
    shelf.keeps(-key.kept.length);
    const findings = computeAgain(key, fold);
    shelf.keeps(key.kept.length);
    for (const record of key.kept) ledger.put(record, 'kept');
    for (const record of involved) {
      const twin = keptTwin(key, record);
      if (twin === undefined) ledger.gone(record);
      else if (twin !== record) ledger.isTwinOf(record, twin, 'kept');
    }
    key.found = NOTHING_FOUND;
    for (const one of taken(slot, findings, true)) {
      const { detectionId, finding } = one;
      const digest = before.get(detectionId);
      if (digest === key.found.get(detectionId)) continue;
      count(rule.id, 'amended');
      const isNew = digest === undefined || takeBack(detectionId);
      if (isNew) raised.push(one);
      else amended.push({ detectionId, rule, finding, because });
    }
    for (const detectionId of before.keys()) {
      if (key.found.has(detectionId)) continue;
      count(rule.id, 'amended');
      if (!takeBack(detectionId)) amended.push({ detectionId, rule, finding: undefined, because });
    }
  };

  return {
    noteGap,
    isDue(slot, watermarks) {
      const nowMs = watermarks.allTimeMs(slot.queue.latenessMs);
      slot.lateSinceMs ??= nowMs;
      const waitedMs = nowMs - slot.lateSinceMs;
      return slot.key.late.every(({ order }) => {
        const hostMs = watermarks.hostTimeMs(order.hostId);
        return hostMs >= nowMs || waitedMs >= (hostMs === NEVER ? GATHER_UNTOLD_MS : GATHER_MS);
      });
    },
    compute(slot, nowMs) {
      const { key, folded } = slot;
      slot.lateSinceMs = undefined;
      slot.queue.late.delete(slot);
      ledger.keyChanged(slot);
      const beyond = key.late.filter((record) => isBeyond(key, record));
      key.late = key.late.filter((record) => !isBeyond(key, record));
      if (beyond.length > 0) foldAlone(slot, beyond);
      if (key.late.length === 0 && key.removed.size === 0) return;
      if (budget.take(folded.rule.version, key.kept.length + key.late.length, nowMs)) {
        computeAll(slot);
        return;
      }
      for (const record of key.late) {
        noteGap(folded, record, 'budget');
        ledger.gone(record);
      }
      key.late = [];
      key.removed = NOTHING_REMOVED;
    },
    take() {
      const some = { amended, gaps: [...gaps.values()] };
      amended = [];
      gaps = new Map();
      return some;
    },
  };
}
