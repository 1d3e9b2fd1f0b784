// The keys of every rule on many events, and the matches that wait for them. Matches wait in queues: one per host for rules whose
// keys belong to one host, one for rules across hosts. A queue folds what its watermark has passed, in reference order, and time
// passes in between; so what is found, and what a full quota forgets, is a function of the events.
//
//   add ─▶ queue-book (waits) ─▶ here: live-key (folded, kept) ─▶ settled into the key's base, or dropped with the key
//                                   └ behind its key ─▶ late-matches (computed again)
//   key-shelf: which keys there are, and who gives way        fold-ledger: what of all this is written
import type { Gap } from '../../event/detection.ts';
import { compareOrder } from '../../event/order.ts';
import type { Watermarks } from '../engine.ts';
import { foundDigestOf, windowDetectionIdOf } from '../identity.ts';
import type { EngineLimits } from '../limits.ts';
import { createFoldLedger } from './fold-ledger.ts';
import { emptyQueue, noteFolded, type Queue, type Slot, takeDue } from './fold-queue.ts';
import { type FoldedRule, isWithin } from './folded-rule.ts';
import type { RestoredKeys } from './folding-text.ts';
import { createKeyShelf } from './key-shelf.ts';
import { type Amended, createLateMatches } from './late-matches.ts';
import {
  dueMs,
  type Finding,
  isBehind,
  keptTwin,
  type LiveKey,
  NOTHING_FOUND,
  pass,
  replay,
  see,
  settle,
  withRecord,
} from './live-key.ts';
import { compareRecords, isSameRecord, type MatchRecord, nameOfRecord } from './match-record.ts';
import { createQueueBook } from './queue-book.ts';

/** A finding that is in force: a detection to be. */
export interface Raised {
  readonly folded: FoldedRule;
  readonly detectionId: string;
  readonly key: string;
  readonly finding: Finding;
  readonly isLate: boolean;
}

interface Advanced {
  readonly raised: readonly Raised[];
  readonly amended: readonly Amended[];
  readonly gaps: readonly Gap[];
}

export interface KindBook {
  /** A match that waits; one that is known already changes nothing. */
  add(record: MatchRecord): void;
  /** The detection that these matches stood for does not hold any more. */
  remove(detectionId: string): void;
  /** Folds what the watermarks have passed, of the rules of one level. */
  advance(level: number, watermarks: Watermarks): Advanced;
  /** Puts what changed since the last call, as state entries, among the others. */
  takeChanges(into: Map<string, string | undefined>): void;
  /** Begins anew with the keys of a version; what is added of it waits until {@link Filling.finish}. */
  fill(ruleVersion: string): Filling;
  /** What is added of this version waits for a filling. */
  hold(ruleVersion: string): void;
  /** The keys of a version that have a state and are asked for, those seen last first, at most so many; and how many there are. */
  newestKeys(
    ruleVersion: string,
    isAsked: (key: string) => boolean,
    limit: number,
  ): { readonly keys: readonly LiveKey[]; readonly total: number };
  /** Matches that wait, and those that came late and are not computed yet. */
  waiting(): number;
  /** True when time alone changes nothing. */
  isIdle(): boolean;
  counts(): { readonly keys: number; readonly kept: number };
}

/** Folds the past of a rule that comes into force. Matches come in reference order. */
interface Filling {
  see(record: MatchRecord): void;
  /** Everything before `fromMs` was seen: the rule goes on live. */
  finish(fromMs: number): void;
}

export type KindCounter = 'evicted' | 'forced' | 'late' | 'recomputed' | 'amended' | 'gaps';

export interface KindBookOptions {
  readonly limits: EngineLimits;
  /** By version; a match of any other is dropped. */
  readonly rules: ReadonlyMap<string, FoldedRule>;
  readonly restored: RestoredKeys;
  readonly count: (ruleId: string, counter: KindCounter) => void;
}

const NEVER = Number.NEGATIVE_INFINITY;
const NOTHING_RAISED: readonly Raised[] = [];

export function createKindBook(options: KindBookOptions): KindBook {
  const { limits, rules, restored, count } = options;
  const ledger = createFoldLedger();
  const shelf = createKeyShelf({ limits, ledger, onEvicted: (ruleId) => count(ruleId, 'evicted') });
  const queues = createQueueBook(limits, ({ ruleVersion }) => {
    const folded = rules.get(ruleVersion);
    if (folded !== undefined) count(folded.rule.id, 'forced');
  });
  const latenesses = [...new Set([undefined, ...[...rules.values()].map(({ latenessMs }) => latenessMs)])];
  const held = new Map<string, MatchRecord[]>();
  const raised: Raised[] = [];

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

  /** After any change: where the key stands in its heap and among the others, and whether anything is left of it. */
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

  const advanceQueue = (queue: Queue, watermarks: Watermarks): void => {
    const { hostId, latenessMs } = queue;
    for (const record of queues.release(queue, watermarks)) {
      const folded = rules.get(record.ruleVersion);
      if (folded === undefined) {
        ledger.gone(record);
        continue;
      }
      passAllDue(queue, record.order.createdMs);
      foldOne(record, folded, queue);
    }
    const allMs = watermarks.allTimeMs(latenessMs);
    const ownMs = hostId === '' ? allMs : watermarks.hostTimeMs(hostId);
    for (const slot of queue.late.size === 0 ? [] : [...queue.late]) {
      if (late.isDue(slot, watermarks)) computeLate(slot, allMs);
    }
    takeDue(queue.dues, ownMs, passOne);
    takeDue(queue.timeDues, Math.max(ownMs, allMs), passOne);
    settleOld(queue, Math.max(ownMs, allMs, queue.newestMs));
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

  const enqueue = (record: MatchRecord, folded: FoldedRule, known?: Queue): void => {
    ledger.put(record, 'waits');
    queues.enqueue(record, folded, known);
  };

  /** So many matches are kept that some keys have to settle before their time: then they cannot be computed again from so far back. */
  const relieve = (): void => {
    if (shelf.kept() <= limits.keptMax) return;
    for (const slot of shelf.all()) {
      if (shelf.kept() <= limits.keptMax * 0.75) return;
      if (slot.key.kept.length === 0) continue;
      settleFirst(slot, slot.key.kept.length);
      settleDown(slot, false);
    }
  };

  const restore = (): void => {
    const byLast: Slot[] = [];
    for (const { key: stored, records, late: lateOnes, isStored } of restored.keys) {
      const folded = rules.get(stored.ruleVersion);
      for (const record of records) ledger.restored(record, 'kept');
      for (const record of lateOnes) ledger.restored(record, 'late');
      if (folded === undefined) {
        if (isStored) ledger.baseGone(stored.id);
        for (const record of [...records, ...lateOnes]) ledger.gone(record);
        continue;
      }
      const key = folded.isHostBound ? stored : { ...stored, hostId: '' };
      const slot = shelf.restore(key, { folded, queue: queues.of(folded, key.hostId), isStored });
      replay(key, folded.fold, { records: [...records].sort(compareRecords), untilMs: key.passedMs });
      key.late = [...lateOnes];
      if (lateOnes.length + key.removed.size > 0) slot.queue.late.add(slot);
      queues.stir(slot.queue);
      shelf.keeps(key.kept.length);
      byLast.push(slot);
    }
    byLast.sort((a, b) => compareLast(a.key, b.key));
    for (const slot of byLast) {
      noteFolded(slot.queue, slot.key.ruleVersion, slot.key.last?.createdMs ?? NEVER);
      settleDown(slot, true);
    }
    for (const record of restored.waiting) {
      const folded = rules.get(record.ruleVersion);
      ledger.restored(record, 'waits');
      if (folded === undefined) ledger.gone(record);
      else enqueue(record, folded);
    }
  };
  restore();

  const hold = (ruleVersion: string): void => {
    if (!held.has(ruleVersion)) held.set(ruleVersion, [...queues.withdrawAll(ruleVersion)]);
  };

  return {
    add(record) {
      const folded = rules.get(record.ruleVersion);
      if (folded === undefined) return;
      const slot = shelf.get(record.keyId);
      if (slot !== undefined && slot.key.removed.size > 0 && slot.key.removed.has(nameOfRecord(record))) {
        // What is removed and comes again is what it was.
        const again = nameOfRecord(record);
        slot.key.removed = new Set([...slot.key.removed].filter((name) => name !== again));
        ledger.keyChanged(slot);
        return;
      }
      if (slot !== undefined && isKept(slot.key, record)) return;
      const holding = held.get(record.ruleVersion);
      if (holding === undefined) enqueue(record, folded, slot?.queue);
      else if (holding.length >= limits.pendingMax) late.noteGap(folded, record, 'budget');
      else {
        ledger.put(record, 'waits');
        holding.push(record);
      }
    },
    hold,
    remove(detectionId) {
      for (const record of ledger.ofDetection(detectionId)) {
        const folded = rules.get(record.ruleVersion);
        const slot = shelf.get(record.keyId);
        if (slot !== undefined && (keptTwin(slot.key, record) === record || slot.key.late.includes(record))) {
          slot.key.removed = new Set([...slot.key.removed, nameOfRecord(record)]);
          ledger.keyChanged(slot);
          slot.queue.late.add(slot);
          queues.stir(slot.queue);
        } else if (folded !== undefined) {
          queues.withdraw(record, folded);
          ledger.gone(record);
        }
      }
    },
    advance(level, watermarks) {
      raised.length = 0;
      let latestMs = watermarks.latestMs();
      for (const ms of latenesses) latestMs = Math.max(latestMs, watermarks.allTimeMs(ms));
      for (const queue of queues.stirred(level, latestMs)) {
        advanceQueue(queue, watermarks);
        queues.rest(queue, latestMs);
      }
      relieve();
      return { raised: [...raised], ...late.take() };
    },
    takeChanges: (into) => ledger.takeChanges(into, ({ key }) => held.has(key.ruleVersion)),
    fill(ruleVersion) {
      hold(ruleVersion);
      const folded = rules.get(ruleVersion);
      for (const slot of shelf.all()) if (slot.key.ruleVersion === ruleVersion) shelf.drop(slot);
      const filled = new Map<string, Queue>();
      return {
        see(record) {
          if (folded === undefined) return;
          const hostId = folded.isHostBound ? record.order.hostId : '';
          const queue = filled.get(hostId) ?? emptyQueue(folded, hostId);
          filled.set(hostId, queue);
          passAllDue(queue, record.order.createdMs);
          foldOne(record, folded, queue);
        },
        finish(fromMs) {
          for (const queue of filled.values()) passAllDue(queue, fromMs - 1);
          const holding = held.get(ruleVersion) ?? [];
          held.delete(ruleVersion);
          if (folded === undefined) return;
          for (const slot of shelf.all()) {
            if (slot.key.ruleVersion !== ruleVersion) continue;
            slot.queue = queues.of(folded, slot.key.hostId);
            slot.dueMs = Number.POSITIVE_INFINITY;
            slot.isSettling = false;
            ledger.keyChanged(slot);
            settleDown(slot, false);
          }
          for (const record of holding) enqueue(record, folded);
        },
      };
    },
    newestKeys(ruleVersion, isAsked, limit) {
      const live = shelf
        .all()
        .map(({ key }) => key)
        .filter((key) => key.ruleVersion === ruleVersion && key.state !== undefined && isAsked(key.key));
      const times = Float64Array.from(live, ({ last }) => last?.createdMs ?? 0).sort();
      const sinceMs = times[Math.max(0, times.length - limit)] ?? 0;
      const newest = live.filter(({ last }) => (last?.createdMs ?? 0) >= sinceMs);
      return { keys: newest.sort((a, b) => compareLast(b, a)).slice(0, limit), total: live.length };
    },
    waiting: queues.waiting,
    isIdle: queues.isEmpty,
    counts: () => ({ keys: shelf.size(), kept: shelf.kept() }),
  };
}

function detectionIdIn({ key, folded }: Slot, { found }: Finding): string {
  const { id: ruleId, version: ruleVersion } = folded.rule;
  return windowDetectionIdOf({ ruleId, ruleVersion, key: key.key }, found.identity);
}

function isKept(key: LiveKey, record: MatchRecord): boolean {
  const { last } = key;
  return last !== undefined && record.order.createdMs <= last.createdMs && keptTwin(key, record) !== undefined;
}

function newestTwin({ kept }: LiveKey, record: MatchRecord): MatchRecord | undefined {
  const newest = kept.at(-1);
  return newest !== undefined && isSameRecord(newest, record) ? newest : undefined;
}

/** As the keys were last seen: so the longest unused is the same after a restart. */
function compareLast({ last: a, id: one }: LiveKey, { last: b, id: other }: LiveKey): number {
  if (a === undefined || b === undefined) return a === b ? 0 : a === undefined ? -1 : 1;
  return compareOrder(a, b) || (one < other ? -1 : 1);
}
