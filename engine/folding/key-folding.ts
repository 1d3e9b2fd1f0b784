// The folding of single keys: a match into its key, time into the keys that are due, what is old or too much into their bases. What is
// found goes into `raised`.
import { foundDigestOf, windowDetectionIdOf } from '../identity.ts';
import type { EngineLimits } from '../limits.ts';
import type { FoldLedger } from './fold-ledger.ts';
import { noteFolded, type Queue, type Slot, takeDue } from './fold-queue.ts';
import { type FoldedRule, isWithin } from './folded-rule.ts';
import type { KeyShelf } from './key-shelf.ts';
import { createLateMatches, type LateMatches } from './late-matches.ts';
import {
  dueMs,
  type Finding,
  isBehind,
  keptTwin,
  type LiveKey,
  NOTHING_FOUND,
  pass,
  see,
  settle,
  withRecord,
} from './live-key.ts';
import { isSameRecord, type MatchRecord } from './match-record.ts';
import type { QueueBook } from './queue-book.ts';

/** A finding that is in force: a detection to be. */
export interface Raised {
  readonly folded: FoldedRule;
  readonly detectionId: string;
  readonly key: string;
  readonly finding: Finding;
  readonly isLate: boolean;
}

export type KindCounter = 'evicted' | 'forced' | 'late' | 'recomputed' | 'amended' | 'gaps';

export interface KeyFolding {
  /** What came behind its key, and what becomes of it. */
  readonly late: LateMatches;
  /** The next match of a queue, in reference order. */
  foldOne(record: MatchRecord, folded: FoldedRule, queue: Queue): void;
  /** Everything before `nowMs` was seen: of a key, of all keys of a queue. */
  passOne(slot: Slot, nowMs: number): void;
  passAllDue(queue: Queue, nowMs: number): void;
  computeLate(slot: Slot, nowMs: number): void;
  /** What was kept long enough goes into the bases. */
  settleOld(queue: Queue, nowMs: number): void;
  /** After any change: where the key stands in its heap and among the others, and whether anything is left of it. */
  settleDown(slot: Slot, isSeen: boolean): void;
  /** Where too many matches are kept, some keys settle before their time: then they cannot be computed again from so far back. */
  relieve(): void;
}

const NEVER = Number.NEGATIVE_INFINITY;
const NOTHING_RAISED: readonly Raised[] = [];

export function createKeyFolding(options: {
  readonly limits: EngineLimits;
  readonly ledger: FoldLedger;
  readonly shelf: KeyShelf;
  readonly queues: Pick<QueueBook, 'stir'>;
  readonly count: (ruleId: string, counter: KindCounter) => void;
  /** Of this step. */
  readonly raised: Raised[];
}): KeyFolding {
  const { limits, ledger, shelf, queues, count, raised } = options;

  /** The findings that are in force and not known yet. */
  const taken = (slot: Slot, findings: readonly Finding[], isLate: boolean): readonly Raised[] => {
    if (findings.length === 0) return NOTHING_RAISED;
    const { key, folded } = slot;
    ledger.keyChanged(slot);
    const news: Raised[] = [];
    let foundNow: Map<string, string> | undefined;
    for (const finding of findings) {
      if (!isWithin(folded.inForce, finding.found.at.createdMs)) continue;
      const detectionId = detectionIdIn(slot, finding);
      if (key.found.has(detectionId)) continue;
      foundNow ??= new Map(key.found);
      foundNow.set(detectionId, foundDigestOf(finding.found));
      key.found = foundNow;
      news.push({ folded, detectionId, key: key.key, finding, isLate });
    }
    return news;
  };
  const late = createLateMatches({ limits, ledger, shelf, count, taken, raised });

  const settleDown = (slot: Slot, isSeen: boolean): void => {
    const { key, folded, queue } = slot;
    shelf.arrange(slot, isSeen);
    if (key.state === undefined && key.kept.length === 0 && key.late.length === 0) {
      shelf.drop(slot);
      return;
    }
    queues.stir(queue);
    const atMs = dueMs(key, folded.fold);
    if (atMs < slot.dueMs) {
      slot.dueMs = atMs;
      (folded.findsByTime && queue.hostId !== '' ? queue.timeDues : queue.dues).push(atMs, slot);
    }
    const [oldest] = key.kept;
    if (oldest === undefined || slot.isSettling) return;
    slot.isSettling = true;
    queue.settling.push(oldest.order.createdMs + limits.keptMs * 1.25, slot);
  };

  const settleFirst = (slot: Slot, upTo: number): void => {
    const { key, folded } = slot;
    const { records, findings } = settle(key, folded.fold, upTo);
    shelf.keeps(-records.length);
    for (const record of records) ledger.gone(record);
    if (key.found.size > 0) {
      const settled = new Set(findings.map((finding) => detectionIdIn(slot, finding)));
      const left = key.kept.length === 0 ? [] : [...key.found].filter(([id]) => !settled.has(id));
      key.found = left.length === 0 ? NOTHING_FOUND : new Map(left);
    }
    if (!folded.findsByTime) key.lastRecord = undefined;
    ledger.keyChanged(slot);
  };

  const foldOne = (record: MatchRecord, folded: FoldedRule, queue: Queue): void => {
    const foldedMs = queue.foldedMs.get(record.ruleVersion) ?? NEVER;
    const { createdMs } = record.order;
    const isOld = createdMs < foldedMs - limits.keptMs && shelf.get(record.keyId) === undefined;
    if (isOld && !folded.isHostBound) late.noteGap(folded, record, 'age');
    const slot = shelf.slotOf(record, folded, queue);
    const { key } = slot;
    const isLate = isBehind(key, record);
    const twin = isLate ? keptTwin(key, record) : newestTwin(key, record);
    if (twin !== undefined) {
      ledger.isTwinOf(record, twin, 'kept');
      return;
    }
    if (isLate) {
      count(folded.rule.id, 'late');
      key.late = withRecord(key.late, record);
      ledger.put(record, 'late');
      slot.queue.late.add(slot);
      queues.stir(slot.queue);
      return;
    }
    noteFolded(queue, record.ruleVersion, createdMs);
    const passedMs = key.passedMs;
    // A key that was forgotten is a new one, whether or not something of it is kept.
    if (key.state === undefined) shelf.makeRoom(slot);
    const findings = see(key, folded.fold, record);
    if (key.passedMs !== passedMs) ledger.keyChanged(slot);
    shelf.keeps(1);
    ledger.put(record, 'kept');
    raised.push(...taken(slot, findings, createdMs < foldedMs));
    if (key.kept.length > limits.keptPerKeyMax) settleFirst(slot, Math.ceil(limits.keptPerKeyMax / 4));
    settleDown(slot, true);
  };

  const passOne = (slot: Slot, nowMs: number): void => {
    const { key, folded } = slot;
    const passedMs = key.passedMs;
    raised.push(...taken(slot, pass(key, folded.fold, nowMs), false));
    if (key.passedMs !== passedMs) ledger.keyChanged(slot);
    settleDown(slot, false);
  };

  const passAllDue = (queue: Queue, nowMs: number): void => {
    takeDue(queue.dues, nowMs, passOne);
    takeDue(queue.timeDues, nowMs, passOne);
  };

  const computeLate = (slot: Slot, nowMs: number): void => {
    late.compute(slot, nowMs);
    const { key } = slot;
    if (key.kept.length > limits.keptPerKeyMax) settleFirst(slot, key.kept.length - limits.keptPerKeyMax);
    settleDown(slot, false);
  };

  const settleOld = (queue: Queue, nowMs: number): void => {
    const untilMs = nowMs - limits.keptMs;
    for (let slot = queue.settling.take(nowMs); slot !== undefined; slot = queue.settling.take(nowMs)) {
      if (slot.isGone || slot.queue !== queue) continue;
      slot.isSettling = false;
      const { kept } = slot.key;
      const old = kept.findIndex(({ order }) => order.createdMs >= untilMs);
      const upTo = old === -1 ? kept.length : old;
      if (upTo > 0) settleFirst(slot, upTo);
      settleDown(slot, false);
    }
  };

  const relieve = (): void => {
    if (shelf.kept() <= limits.keptMax) return;
    for (const slot of shelf.all()) {
      if (shelf.kept() <= limits.keptMax * 0.75) return;
      if (slot.key.kept.length === 0) continue;
      settleFirst(slot, slot.key.kept.length);
      settleDown(slot, false);
    }
  };

  return { late, foldOne, passOne, passAllDue, computeLate, settleOld, settleDown, relieve };
}

function detectionIdIn({ key, folded }: Slot, { found }: Finding): string {
  const { id: ruleId, version: ruleVersion } = folded.rule;
  return windowDetectionIdOf({ ruleId, ruleVersion, key: key.key }, found.identity);
}

function newestTwin({ kept }: LiveKey, record: MatchRecord): MatchRecord | undefined {
  const newest = kept.at(-1);
  return newest !== undefined && isSameRecord(newest, record) ? newest : undefined;
}
