// The keys of every rule on many events, and the matches that wait for them. Matches wait in queues: one per host for rules whose
// keys belong to one host, one for rules across hosts. A queue folds what its watermark has passed, in reference order, and time
// passes in between; so what is found, and what a full quota forgets, is a function of the events.
//
//   add ─▶ queue-book (waits) ─▶ key-folding, live-key (folded, kept) ─▶ settled into the key's base, or dropped with the key
//                                   └ behind its key ─▶ late-matches (computed again)
//   key-shelf: which keys there are, and who gives way        fold-ledger: what of all this is written
import type { Gap } from '../../event/detection.ts';
import type { Watermarks } from '../engine.ts';
import type { EngineLimits } from '../limits.ts';
import { createFoldLedger } from './fold-ledger.ts';
import { emptyQueue, noteFolded, type Queue, type Slot, takeDue } from './fold-queue.ts';
import type { FoldedRule } from './folded-rule.ts';
import type { RestoredKeys } from './folding-text.ts';
import { createKeyFolding, type KindCounter, type Raised } from './key-folding.ts';
import { createKeyShelf } from './key-shelf.ts';
import type { Amended } from './late-matches.ts';
import { keptTwin, type LiveKey, replay } from './live-key.ts';
import { comparePlaces, compareRecords, type MatchRecord, nameOfRecord } from './match-record.ts';
import { createQueueBook } from './queue-book.ts';

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

export interface KindBookOptions {
  readonly limits: EngineLimits;
  /** By version; a match of any other is dropped. */
  readonly rules: ReadonlyMap<string, FoldedRule>;
  readonly restored: RestoredKeys;
  readonly count: (ruleId: string, counter: KindCounter) => void;
}

const NEVER = Number.NEGATIVE_INFINITY;

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
  const keys = createKeyFolding({ limits, ledger, shelf, queues, count, raised });
  const { late } = keys;

  const advanceQueue = (queue: Queue, watermarks: Watermarks): void => {
    const { hostId, latenessMs } = queue;
    for (const record of queues.release(queue, watermarks)) {
      const folded = rules.get(record.ruleVersion);
      if (folded === undefined) {
        ledger.gone(record);
        continue;
      }
      keys.passAllDue(queue, record.order.createdMs);
      keys.foldOne(record, folded, queue);
    }
    const allMs = watermarks.allTimeMs(latenessMs);
    const ownMs = hostId === '' ? allMs : watermarks.hostTimeMs(hostId);
    for (const slot of queue.late.size === 0 ? [] : [...queue.late]) {
      if (late.isDue(slot, watermarks)) keys.computeLate(slot, allMs);
    }
    takeDue(queue.dues, ownMs, keys.passOne);
    takeDue(queue.timeDues, Math.max(ownMs, allMs), keys.passOne);
    keys.settleOld(queue, Math.max(ownMs, allMs, queue.newestMs));
  };

  const enqueue = (record: MatchRecord, folded: FoldedRule, known?: Queue): void => {
    ledger.put(record, 'waits');
    queues.enqueue(record, folded, known);
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
      noteFolded(slot.queue, slot.key.ruleVersion, slot.key.last?.order.createdMs ?? NEVER);
      keys.settleDown(slot, true);
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
      keys.relieve();
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
          keys.passAllDue(queue, record.order.createdMs);
          keys.foldOne(record, folded, queue);
        },
        finish(fromMs) {
          for (const queue of filled.values()) keys.passAllDue(queue, fromMs - 1);
          const holding = held.get(ruleVersion) ?? [];
          held.delete(ruleVersion);
          if (folded === undefined) return;
          for (const slot of shelf.all()) {
            if (slot.key.ruleVersion !== ruleVersion) continue;
            slot.queue = queues.of(folded, slot.key.hostId);
            slot.dueMs = Number.POSITIVE_INFINITY;
            slot.isSettling = false;
            ledger.keyChanged(slot);
            keys.settleDown(slot, false);
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
      const times = Float64Array.from(live, ({ last }) => last?.order.createdMs ?? 0).sort();
      const sinceMs = times[Math.max(0, times.length - limit)] ?? 0;
      const newest = live.filter(({ last }) => (last?.order.createdMs ?? 0) >= sinceMs);
      return { keys: newest.sort((a, b) => compareLast(b, a)).slice(0, limit), total: live.length };
    },
    waiting: queues.waiting,
    isIdle: queues.isEmpty,
    counts: () => ({ keys: shelf.size(), kept: shelf.kept() }),
  };
}

function isKept(key: LiveKey, record: MatchRecord): boolean {
  const { last } = key;
  return last !== undefined && record.order.createdMs <= last.order.createdMs && keptTwin(key, record) !== undefined;
}

/** As the keys were last seen: so the longest unused is the same after a restart. */
function compareLast({ last: a, id: one }: LiveKey, { last: b, id: other }: LiveKey): number {
  if (a === undefined || b === undefined) return a === b ? 0 : a === undefined ? -1 : 1;
  return comparePlaces(a, b) || (one < other ? -1 : 1);
}
