// The keys of every rule on many events, and the matches that wait for them. Matches wait in queues: one per host for rules whose
// keys belong to one host, one for rules across hosts. A queue folds what its watermark has passed, in reference order, and time
// passes in between; so what is found, and what a full quota forgets, is a function of the events.
//
// What comes behind a key's state is late: it is collected until its host has caught up, and then the key is computed again, once,
// from what was kept. New findings are raised and marked late; those that no longer hold are withdrawn; what could not be
// computed again is told as a gap.
//
// Long, because all of it changes the same books together: keys, queues, quotas, and what of them is to be stored.

import type { Gap } from '../../event/detection.ts';
import { compareOrder } from '../../event/order.ts';
import type { Rule } from '../../rules/rule.ts';
import type { Watermarks } from '../engine.ts';
import { foundDigestOf, windowDetectionIdOf } from '../identity.ts';
import type { EngineLimits } from '../limits.ts';
import { createDueHeap, type DueHeap } from './due-heap.ts';
import { emptyQueue, isEmpty, newSlot, type Queue, queueName, type Slot } from './fold-queue.ts';
import { type FoldedRule, isWithin } from './folded-rule.ts';
import { baseKey, baseText, matchKey, matchText, type RestoredKeys } from './folding-text.ts';
import {
  computeAgain,
  dueMs,
  emptyKey,
  type Finding,
  isBehind,
  isBeyond,
  type LiveKey,
  NOTHING_FOUND,
  NOTHING_REMOVED,
  pass,
  replay,
  see,
  settle,
} from './live-key.ts';
import { compareRecords, type MatchRecord } from './match-record.ts';
import { createRecomputeBudget } from './recompute-budget.ts';

/** A finding that is in force: a detection to be. */
export interface Raised {
  readonly folded: FoldedRule;
  readonly detectionId: string;
  readonly key: string;
  readonly finding: Finding;
  readonly isLate: boolean;
}

/** A detection that does not hold any more, or rests on other events, as some came late. */
export interface Amended {
  readonly detectionId: string;
  readonly rule: Rule;
  /** What it is now; undefined: it does not hold. */
  readonly finding: Finding | undefined;
  /** Events that came late, some of them. */
  readonly because: readonly string[];
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
  /** What changed since the last call, as state entries. */
  takeChanges(): ReadonlyMap<string, string | undefined>;
  /** Begins anew with the keys of a version; what is added of it waits until {@link Filling.finish}. */
  fill(ruleVersion: string): Filling;
  /** What is added of this version waits for a filling. */
  hold(ruleVersion: string): void;
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
/** What is only forgotten or settled is in no hurry: a host's queue is looked at for that once in so long, of event time. */
const FORGET_MS = 60_000;
/** Late matches of a host that catches up are collected so long at the most, of the queue's time. */
const GATHER_MS = 60_000;
/** The same of a host that tells no progress. */
const GATHER_UNTOLD_MS = 10_000;
/** Event ids that a withdrawal names. */
const BECAUSE_MAX = 10;

export function createKindBook(options: KindBookOptions): KindBook {
  const { limits, rules, restored, count } = options;
  const slots = new Map<string, Slot>();
  const queues = new Map<string, Queue>();
  /** What a step has to look at: queues with something new, or something that waits. All others wake by time. */
  const stirred = new Set<Queue>();
  const wakes = createDueHeap<Queue>((queue) => queues.get(queue.name) !== queue);
  const latenesses = new Set([undefined, ...[...rules.values()].map(({ latenessMs }) => latenessMs)]);
  /** Keys that have a state, by rule version and host, the longest unused first. */
  const groups = new Map<string, Map<string, Slot>>();
  /** The same of all keys, also of those without a state: who has most of them gives way first. */
  const owned = new Map<string, Set<Slot>>();
  const waitingIds = new Set<string>();
  const held = new Map<string, MatchRecord[]>();
  const budget = createRecomputeBudget(limits.recomputedPerRuleMax);
  const changedRecords = new Map<
    string,
    { readonly record: MatchRecord; readonly place: 'waits' | 'kept' | 'late' } | undefined
  >();
  const changedKeys = new Set<string>();
  let kept = 0;
  let raised: Raised[] = [];
  let amended: Amended[] = [];
  let gaps = new Map<string, Gap>();

  const queueOf = ({ folded, hostId }: { readonly folded: FoldedRule; readonly hostId: string }): Queue => {
    const name = queueName(folded, hostId);
    let queue = queues.get(name);
    if (queue === undefined) {
      queue = emptyQueue(folded, hostId);
      queues.set(name, queue);
    }
    return queue;
  };

  /** Not of a filling's own queues: these are no step's concern. */
  const stir = (queue: Queue): void => {
    if (queues.get(queue.name) === queue) stirred.add(queue);
  };

  const groupOf = ({ owner }: Slot): Map<string, Slot> => {
    let group = groups.get(owner);
    if (group === undefined) {
      group = new Map();
      groups.set(owner, group);
    }
    return group;
  };

  const drop = (slot: Slot): void => {
    const { key } = slot;
    slot.isGone = true;
    slots.delete(key.id);
    slot.queue.late.delete(slot);
    leaveGroup(slot);
    disown(slot);
    kept -= key.kept.length;
    for (const { id } of [...key.kept, ...key.late]) changedRecords.set(id, undefined);
    changedKeys.add(key.id);
  };

  const own = (slot: Slot): void => {
    const mine = owned.get(slot.owner) ?? new Set<Slot>();
    owned.set(slot.owner, mine.add(slot));
  };

  const disown = (slot: Slot): void => {
    const mine = owned.get(slot.owner);
    mine?.delete(slot);
    if (mine?.size === 0) owned.delete(slot.owner);
  };

  /** Of the one who asks for more; of whoever has most, where that one has none. */
  const firstToGo = (slot: Slot): Slot => {
    let { owner } = slot;
    if (!owned.has(owner)) {
      let most = 0;
      for (const [name, { size }] of owned) if (size > most) [owner, most] = [name, size];
    }
    const oldest = firstOf(owned.get(owner) ?? slots.values());
    return oldest.key.state === undefined ? oldest : firstOf(groups.get(owner)?.values() ?? [oldest]);
  };

  const leaveGroup = (slot: Slot): void => {
    const group = groups.get(slot.owner);
    group?.delete(slot.key.id);
    if (group?.size === 0) groups.delete(slot.owner);
  };

  const evict = (slot: Slot): void => {
    count(slot.folded.rule.id, 'evicted');
    drop(slot);
  };

  const makeRoom = (slot: Slot): void => {
    const group = groupOf(slot);
    const max = slot.folded.isHostBound ? limits.keysPerRuleAndHostMax : limits.keysPerRuleMax;
    while (group.size >= max) evict(firstOf(group.values()));
  };

  const slotOf = (record: MatchRecord, folded: FoldedRule, queue: Queue): Slot => {
    const known = slots.get(record.keyId);
    if (known !== undefined) return known;
    const { keyId: id, key, ruleVersion } = record;
    const slot = newSlot(emptyKey({ id, key, ruleVersion, hostId: queue.hostId }), folded, queue);
    while (slots.size >= limits.foldedKeysMax) evict(firstToGo(slot));
    slots.set(id, slot);
    own(slot);
    return slot;
  };

  /** After any change: where the key stands in its heap and in its group, and whether anything is left of it. */
  const settleDown = (slot: Slot, isSeen: boolean): void => {
    const { key, folded, queue } = slot;
    if (key.state === undefined) leaveGroup(slot);
    else {
      const group = groupOf(slot);
      if (isSeen) group.delete(key.id);
      group.set(key.id, slot);
    }
    if (key.state === undefined && key.kept.length === 0 && key.late.length === 0) {
      drop(slot);
      return;
    }
    stir(queue);
    const atMs = dueMs(key, folded.fold);
    if (atMs < slot.dueMs) {
      slot.dueMs = atMs;
      (folded.findsByTime && queue.hostId !== '' ? queue.timeDues : queue.dues).push({
        atMs,
        name: key.id,
        subject: slot,
      });
    }
    const [oldest] = key.kept;
    if (oldest === undefined || slot.isSettling) return;
    slot.isSettling = true;
    queue.settling.push({ atMs: oldest.match.order.createdMs + limits.keptMs * 1.25, name: key.id, subject: slot });
  };

  /** The findings that are in force and not known yet. */
  const taken = (slot: Slot, findings: readonly Finding[], isLate: boolean): readonly Raised[] => {
    const { key, folded } = slot;
    if (findings.length > 0) changedKeys.add(key.id);
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

  const settleFirst = (slot: Slot, upTo: number): void => {
    const { key, folded } = slot;
    const { records, findings } = settle(key, folded.fold, upTo);
    kept -= records.length;
    for (const { id } of records) changedRecords.set(id, undefined);
    const settled = new Set(findings.map((finding) => detectionIdIn(slot, finding)));
    const left = key.kept.length === 0 ? [] : [...key.found].filter(([id]) => !settled.has(id));
    key.found = left.length === 0 ? NOTHING_FOUND : new Map(left);
    if (!folded.findsByTime) key.lastRecord = undefined;
    changedKeys.add(key.id);
  };

  const foldOne = (record: MatchRecord, folded: FoldedRule, queue: Queue): void => {
    const foldedMs = queue.foldedMs.get(record.ruleVersion) ?? NEVER;
    const isOld = !slots.has(record.keyId) && record.match.order.createdMs < foldedMs - limits.keptMs;
    if (isOld && !folded.isHostBound) noteGap(folded, record, 'age');
    const slot = slotOf(record, folded, queue);
    const { key } = slot;
    if (isBehind(key, record)) {
      if (isKnown(key, record)) return;
      count(folded.rule.id, 'late');
      key.late.push(record);
      changedRecords.set(record.id, { record, place: 'late' });
      slot.queue.late.add(slot);
      return;
    }
    if (key.kept.at(-1)?.id === record.id) return;
    const isInPast = record.match.order.createdMs < foldedMs;
    queue.foldedMs.set(record.ruleVersion, Math.max(foldedMs, record.match.order.createdMs));
    const passedMs = key.passedMs;
    // A key that was forgotten is a new one, whether or not something of it is kept.
    if (key.state === undefined) makeRoom(slot);
    const findings = see(key, folded.fold, record);
    if (key.passedMs !== passedMs) changedKeys.add(key.id);
    kept += 1;
    changedRecords.set(record.id, { record, place: 'kept' });
    raised.push(...taken(slot, findings, isInPast));
    if (key.kept.length > limits.keptPerKeyMax) settleFirst(slot, Math.ceil(limits.keptPerKeyMax / 4));
    settleDown(slot, true);
  };

  const passOne = (slot: Slot, nowMs: number): void => {
    const { key, folded } = slot;
    const passedMs = key.passedMs;
    raised.push(...taken(slot, pass(key, folded.fold, nowMs), false));
    if (key.passedMs !== passedMs) changedKeys.add(key.id);
    settleDown(slot, false);
  };

  const passDue = (heap: DueHeap<Slot>, nowMs: number): void => {
    for (let due = heap.take(nowMs); due !== undefined; due = heap.take(nowMs)) {
      const { subject: slot, atMs } = due;
      if (slot.isGone || slot.dueMs !== atMs) continue;
      slot.dueMs = Number.POSITIVE_INFINITY;
      passOne(slot, atMs);
    }
  };

  const passAllDue = (queue: Queue, nowMs: number): void => {
    passDue(queue.dues, nowMs);
    passDue(queue.timeDues, nowMs);
  };

  const noteGap = ({ rule }: FoldedRule, record: MatchRecord, reason: Gap['reason']): void => {
    const { createdMs, id } = record.match.order;
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
    for (const record of beyond) {
      noteGap(folded, record, 'age');
      changedRecords.set(record.id, undefined);
    }
    if (!MORE_FINDS_MORE.has(folded.rule.kind.kind) || folded.findsByTime) return;
    const alone = emptyKey(key);
    const findings = replay(alone, folded.fold, { records: [...beyond].sort(compareRecords), untilMs: NEVER });
    raised.push(...taken(slot, findings, true));
  };

  const computeLate = (slot: Slot, nowMs: number): void => {
    const { key, folded } = slot;
    const { rule, fold } = folded;
    slot.lateSinceMs = undefined;
    slot.queue.late.delete(slot);
    changedKeys.add(key.id);
    const beyond = key.late.filter((record) => isBeyond(key, record));
    key.late = key.late.filter((record) => !isBeyond(key, record));
    if (beyond.length > 0) foldAlone(slot, beyond);
    if (key.late.length === 0 && key.removed.size === 0) {
      settleDown(slot, false);
      return;
    }
    if (!budget.take(rule.version, key.kept.length + key.late.length, nowMs)) {
      for (const record of key.late) {
        noteGap(folded, record, 'budget');
        changedRecords.set(record.id, undefined);
      }
      key.late = [];
      key.removed = NOTHING_REMOVED;
      settleDown(slot, false);
      return;
    }
    count(rule.id, 'recomputed');
    const because = [...new Set(key.late.map(({ match }) => match.order.id))].slice(0, BECAUSE_MAX);
    for (const { id } of key.kept) changedRecords.set(id, undefined);
    const before = key.found;
    kept -= key.kept.length;
    const findings = computeAgain(key, fold);
    kept += key.kept.length;
    for (const record of key.kept) changedRecords.set(record.id, { record, place: 'kept' });
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
    if (key.kept.length > limits.keptPerKeyMax) settleFirst(slot, key.kept.length - limits.keptPerKeyMax);
    settleDown(slot, false);
  };

  /** True when it was raised in this very step: then nobody has heard of it. */
  const takeBack = (detectionId: string): boolean => {
    const place = raised.findIndex((one) => one.detectionId === detectionId);
    if (place !== -1) raised.splice(place, 1);
    return place !== -1;
  };

  const isLateDue = (slot: Slot, watermarks: Watermarks): boolean => {
    const nowMs = watermarks.allTimeMs(slot.queue.latenessMs);
    slot.lateSinceMs ??= nowMs;
    const waitedMs = nowMs - slot.lateSinceMs;
    return slot.key.late.every(({ match }) => {
      const hostMs = watermarks.hostTimeMs(match.order.hostId);
      return hostMs >= nowMs || waitedMs >= (hostMs === NEVER ? GATHER_UNTOLD_MS : GATHER_MS);
    });
  };

  const advanceQueue = (queue: Queue, watermarks: Watermarks): void => {
    const { hostId, latenessMs } = queue;
    for (const record of release(queue, watermarks)) {
      const folded = rules.get(record.ruleVersion);
      if (folded === undefined) {
        changedRecords.set(record.id, undefined);
        continue;
      }
      passAllDue(queue, record.match.order.createdMs);
      foldOne(record, folded, queue);
    }
    const allMs = watermarks.allTimeMs(latenessMs);
    const ownMs = hostId === '' ? allMs : watermarks.hostTimeMs(hostId);
    for (const slot of [...queue.late]) if (isLateDue(slot, watermarks)) computeLate(slot, allMs);
    passDue(queue.dues, ownMs);
    passDue(queue.timeDues, Math.max(ownMs, allMs));
    settleOld(queue, Math.max(ownMs, allMs, ...queue.foldedMs.values()));
  };

  const settleOld = (queue: Queue, nowMs: number): void => {
    const untilMs = nowMs - limits.keptMs;
    for (let due = queue.settling.take(nowMs); due !== undefined; due = queue.settling.take(nowMs)) {
      const slot = due.subject;
      if (slot.isGone || slot.queue !== queue) continue;
      slot.isSettling = false;
      const old = slot.key.kept.findIndex(({ match }) => match.order.createdMs >= untilMs);
      const upTo = old === -1 ? slot.key.kept.length : old;
      if (upTo > 0) settleFirst(slot, upTo);
      settleDown(slot, false);
    }
  };

  /** After it was looked at: whether the next step has to look again, or when it wakes. */
  const rest = (queue: Queue, latestMs: number): void => {
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
    wakes.push({ atMs, name, subject: queue });
  };

  const release = (queue: Queue, watermarks: Watermarks): readonly MatchRecord[] => {
    const { waiting, hostId, latenessMs } = queue;
    if (!queue.isSorted) waiting.sort(compareRecords);
    queue.isSorted = true;
    let passed = waiting.length;
    const isPassed = (record: MatchRecord): boolean =>
      hostId === '' ? watermarks.allPassed(record.match.order, latenessMs) : watermarks.hostPassed(record.match.order);
    while (passed > 0 && !isPassed(waiting[passed - 1] as MatchRecord)) passed -= 1;
    const share = waitingIds.size > limits.pendingMax ? Math.floor(limits.pendingMax / queues.size) : limits.pendingMax;
    const max = Math.min(share, hostId === '' ? limits.pendingAcrossHostsMax : limits.pendingPerHostMax);
    const taken = waiting.splice(0, Math.max(passed, waiting.length - max));
    taken.forEach((record, place) => {
      waitingIds.delete(record.id);
      if (place >= passed) count(record.ruleId, 'forced');
    });
    return taken;
  };

  const enqueue = (record: MatchRecord, folded: FoldedRule): void => {
    const queue = queueOf({ folded, hostId: folded.isHostBound ? record.match.order.hostId : '' });
    queue.waiting.push(record);
    queue.isSorted = false;
    stir(queue);
  };

  const add = (record: MatchRecord): void => {
    const folded = rules.get(record.ruleVersion);
    if (folded === undefined || waitingIds.has(record.id)) return;
    // What is removed and comes again is what it was.
    const key = slots.get(record.keyId)?.key;
    if (key?.removed.has(record.id) === true) {
      key.removed = new Set([...key.removed].filter((id) => id !== record.id));
      changedKeys.add(key.id);
      return;
    }
    waitingIds.add(record.id);
    changedRecords.set(record.id, { record, place: 'waits' });
    const holding = held.get(record.ruleVersion);
    if (holding === undefined) enqueue(record, folded);
    else if (holding.length < limits.pendingMax) holding.push(record);
    else noteGap(folded, record, 'budget');
  };

  /** So many matches are kept that some keys have to settle before their time: then they cannot be computed again from so far back. */
  const relieve = (): void => {
    if (kept <= limits.keptMax) return;
    for (const slot of [...slots.values()]) {
      if (kept <= limits.keptMax * 0.75) return;
      if (slot.key.kept.length === 0) continue;
      settleFirst(slot, slot.key.kept.length);
      settleDown(slot, false);
    }
  };

  const restore = (): void => {
    const byLast: Slot[] = [];
    for (const { key: stored, records, late } of restored.keys) {
      const folded = rules.get(stored.ruleVersion);
      const key = folded?.isHostBound === true ? stored : { ...stored, hostId: '' };
      if (folded === undefined) {
        changedKeys.add(key.id);
        for (const { id } of [...records, ...late]) changedRecords.set(id, undefined);
        continue;
      }
      const slot = newSlot(key, folded, queueOf({ folded, hostId: key.hostId }));
      replay(key, folded.fold, { records: [...records].sort(compareRecords), untilMs: key.passedMs });
      key.late = [...late];
      if (late.length + key.removed.size > 0) slot.queue.late.add(slot);
      stir(slot.queue);
      kept += key.kept.length;
      slots.set(key.id, slot);
      own(slot);
      byLast.push(slot);
    }
    byLast.sort((a, b) => compareLast(a.key, b.key));
    for (const slot of byLast) {
      const { key, queue } = slot;
      const foldedMs = queue.foldedMs.get(key.ruleVersion) ?? NEVER;
      queue.foldedMs.set(key.ruleVersion, Math.max(foldedMs, key.last?.createdMs ?? NEVER));
      settleDown(slot, true);
    }
    for (const record of restored.waiting) {
      const folded = rules.get(record.ruleVersion);
      if (folded === undefined) changedRecords.set(record.id, undefined);
      else {
        waitingIds.add(record.id);
        enqueue(record, folded);
      }
    }
  };
  restore();

  const hold = (ruleVersion: string): void => {
    if (held.has(ruleVersion)) return;
    const holding: MatchRecord[] = [];
    held.set(ruleVersion, holding);
    for (const { waiting } of queues.values()) {
      for (let place = waiting.length - 1; place >= 0; place -= 1) {
        const record = waiting[place] as MatchRecord;
        if (record.ruleVersion !== ruleVersion) continue;
        waiting.splice(place, 1);
        holding.push(record);
      }
    }
  };

  return {
    add,
    hold,
    remove(detectionId) {
      for (const { waiting } of queues.values()) {
        const place = waiting.findIndex(({ id }) => id.endsWith(` ${detectionId}`));
        if (place === -1) continue;
        const [record] = waiting.splice(place, 1);
        if (record === undefined) continue;
        waitingIds.delete(record.id);
        changedRecords.set(record.id, undefined);
      }
      for (const slot of slots.values()) {
        if (slot.folded.level === 0) continue;
        const record = [...slot.key.kept, ...slot.key.late].find(({ id }) => id.endsWith(` ${detectionId}`));
        if (record === undefined) continue;
        slot.key.removed = new Set([...slot.key.removed, record.id]);
        changedKeys.add(slot.key.id);
        slot.queue.late.add(slot);
        stir(slot.queue);
      }
    },
    advance(level, watermarks) {
      raised = [];
      amended = [];
      gaps = new Map();
      const latestMs = Math.max(watermarks.latestMs(), ...[...latenesses].map((ms) => watermarks.allTimeMs(ms)));
      for (let wake = wakes.take(latestMs); wake !== undefined; wake = wakes.take(latestMs)) {
        const { subject: queue, atMs } = wake;
        if (queue.wakeMs !== atMs) continue;
        queue.wakeMs = Number.POSITIVE_INFINITY;
        stir(queue);
      }
      for (const queue of [...stirred]) {
        if (queue.level !== level) continue;
        advanceQueue(queue, watermarks);
        rest(queue, latestMs);
      }
      relieve();
      return { raised, amended, gaps: [...gaps.values()] };
    },
    takeChanges() {
      const changes = new Map<string, string | undefined>();
      for (const [id, change] of changedRecords) {
        changes.set(matchKey(id), change && matchText(change.record, change.place));
      }
      for (const id of changedKeys) {
        const slot = slots.get(id);
        if (slot !== undefined && held.has(slot.key.ruleVersion)) continue;
        changes.set(baseKey(id), slot && baseText(slot.key, slot.folded.findsByTime));
      }
      changedRecords.clear();
      changedKeys.clear();
      return changes;
    },
    fill(ruleVersion) {
      hold(ruleVersion);
      for (const slot of [...slots.values()]) if (slot.key.ruleVersion === ruleVersion) drop(slot);
      const filled = new Map<string, Queue>();
      return {
        see(record) {
          const folded = rules.get(ruleVersion);
          if (folded === undefined) return;
          const hostId = folded.isHostBound ? record.match.order.hostId : '';
          const queue = filled.get(hostId) ?? emptyQueue(folded, hostId);
          filled.set(hostId, queue);
          passAllDue(queue, record.match.order.createdMs);
          foldOne(record, folded, queue);
        },
        finish(fromMs) {
          for (const queue of filled.values()) passAllDue(queue, fromMs - 1);
          const holding = held.get(ruleVersion) ?? [];
          held.delete(ruleVersion);
          for (const slot of [...slots.values()]) {
            if (slot.key.ruleVersion !== ruleVersion) continue;
            slot.queue = queueOf({ folded: slot.folded, hostId: slot.key.hostId });
            slot.dueMs = Number.POSITIVE_INFINITY;
            slot.isSettling = false;
            changedKeys.add(slot.key.id);
            for (const record of slot.key.kept) changedRecords.set(record.id, { record, place: 'kept' });
            settleDown(slot, false);
          }
          const folded = rules.get(ruleVersion);
          for (const record of holding) if (folded !== undefined) enqueue(record, folded);
        },
      };
    },
    waiting: () => waitingIds.size + [...queues.values()].reduce((sum, { late }) => sum + late.size, 0),
    isIdle: () => queues.size === 0,
    counts: () => ({ keys: slots.size, kept }),
  };
}

/** Of these, more events never make a finding untrue. */
const MORE_FINDS_MORE: ReadonlySet<string> = new Set(['threshold', 'distinct', 'combination', 'together']);

function detectionIdIn({ key, folded }: Slot, { found }: Finding): string {
  const { id: ruleId, version: ruleVersion } = folded.rule;
  return windowDetectionIdOf({ ruleId, ruleVersion, key: key.key }, found.identity);
}

function isKnown(key: LiveKey, { id }: MatchRecord): boolean {
  return key.kept.some((record) => record.id === id) || key.late.some((record) => record.id === id);
}

/** As the keys were last seen: so the longest unused is the same after a restart. */
function compareLast({ last: a, id: one }: LiveKey, { last: b, id: other }: LiveKey): number {
  if (a === undefined || b === undefined) return a === b ? 0 : a === undefined ? -1 : 1;
  return compareOrder(a, b) || (one < other ? -1 : 1);
}

function firstOf(slots: Iterable<Slot>): Slot {
  for (const slot of slots) return slot;
  throw new Error('There is nothing to remove.');
}
