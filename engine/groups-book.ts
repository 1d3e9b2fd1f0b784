// The groups of every rule and key, bounded, and the alerts that wait for their watermark before they are grouped: per host where all
// that is grouped together comes from one, else all together. What must go before its time leaves as a message, and is counted.
import type { Alert, AlertGroup, Grouped } from '../event/detection.ts';
import { compareOrder } from '../event/order.ts';
import type { Watermarks } from './engine.ts';
import { type GroupEntry, type GroupState, leave, leaveAll, leavesMs, place } from './grouping.ts';
import { type ClockName, groupKey, groupText, readGroups, waitingKey, waitingText } from './groups-text.ts';
import { groupKeyIdOf } from './identity.ts';
import type { EngineLimits } from './limits.ts';

export interface GroupsBook {
  /** False when this very alert waits already. */
  add(entry: GroupEntry): boolean;
  /** Groups what the watermarks have passed; answers what was decided and which messages leave, in the order of their spans. */
  advance(watermarks: Watermarks): GroupsStep;
  /** What changed since the last call, as state entries. */
  takeChanges(): ReadonlyMap<string, string | undefined>;
  /** Alerts that wait. */
  waiting(): number;
  /** True when watermarks that move change nothing. */
  isIdle(): boolean;
  /** Groups whose message has not left. */
  open(): readonly AlertGroup[];
}

interface GroupsStep {
  readonly grouped: readonly Grouped[];
  /** First alerts of groups, to be sent by themselves. */
  readonly sentAlone: readonly Alert[];
  readonly left: readonly AlertGroup[];
}

interface Clock extends ClockName {
  readonly waiting: { readonly keyId: string; readonly entry: GroupEntry }[];
  isSorted: boolean;
  /** When the messages of its keys leave next, epoch ms. */
  readonly due: Map<string, number>;
  /** The least of these; it may be over. */
  firstMs: number;
}

interface Key {
  readonly ruleId: string;
  readonly clock: ClockName;
  state: GroupState;
  /** Of its state text, when it was last taken. */
  characters: number;
}

/** How long the last groups of a key are remembered, so that late alerts are told to belong to them, of event time, ms. */
const LATE_MEMORY_MS = 3_600_000;
const NOTHING: GroupsStep = { grouped: [], sentAlone: [], left: [] };

/** Throws {@link StateUnreadable}. `onForced`: a group's message left, or an alert was grouped, before its time. */
export function createGroupsBook(
  limits: EngineLimits,
  restored: ReadonlyMap<string, string>,
  onForced: (ruleId: string) => void,
): GroupsBook {
  const clocks = new Map<string, Clock>();
  /** In the order in which they were last changed. */
  const keys = new Map<string, Key>();
  /** Ids of keys with a group that has not left, by rule and host, in the order in which they were opened. */
  const openOf = new Map<string, Set<string>>();
  const waitingIds = new Set<string>();
  /** Those of them that the committed state holds; and those that it is to hold, unless they are grouped before. */
  const persisted = new Set<string>();
  const unwritten = new Map<string, Clock['waiting'][number]>();
  const changes = new Map<string, string | undefined>();
  const changed = new Set<string>();
  let [characters, openTotal] = [0, 0];

  const clockOf = ({ scope, hostId, latenessMs }: ClockName): Clock => {
    const name = scope === 'host' ? `host ${hostId}` : `all ${latenessMs}`;
    let clock = clocks.get(name);
    if (clock === undefined) {
      clock = {
        scope,
        hostId,
        latenessMs,
        waiting: [],
        isSorted: true,
        due: new Map(),
        firstMs: Number.POSITIVE_INFINITY,
      };
      clocks.set(name, clock);
    }
    return clock;
  };

  const wait = (keyId: string, entry: GroupEntry): boolean => {
    if (waitingIds.has(entry.alert.id)) return false;
    waitingIds.add(entry.alert.id);
    const clock = clockOf(clockNameOf(entry));
    clock.waiting.push({ keyId, entry });
    clock.isSorted = false;
    return true;
  };

  const noteOpen = (keyId: string, key: Key): void => {
    const quota = quotaName(key);
    const ids = openOf.get(quota) ?? new Set<string>();
    const isOpen = leavesMs(key.state) !== Number.POSITIVE_INFINITY;
    if (isOpen === ids.has(keyId)) return;
    openTotal += isOpen ? 1 : -1;
    if (isOpen) openOf.set(quota, ids.add(keyId));
    else if (ids.delete(keyId) && ids.size === 0) openOf.delete(quota);
  };

  const put = (keyId: string, key: Key, state: GroupState): void => {
    key.state = state;
    const clock = clockOf(key.clock);
    const dueMs = leavesMs(state);
    if (dueMs === Number.POSITIVE_INFINITY) clock.due.delete(keyId);
    else clock.due.set(keyId, dueMs);
    clock.firstMs = Math.min(clock.firstMs, dueMs);
    keys.delete(keyId);
    keys.set(keyId, key);
    noteOpen(keyId, key);
    changed.add(keyId);
  };

  const forget = (keyId: string, key: Key): void => {
    keys.delete(keyId);
    characters -= key.characters;
    changed.delete(keyId);
    changes.set(groupKey(keyId), undefined);
  };

  /** Everything of the key leaves before its time. */
  const force = (keyId: string): readonly AlertGroup[] => {
    const key = keys.get(keyId);
    if (key === undefined) return [];
    onForced(key.ruleId);
    const { state, left } = leaveAll(key.state);
    put(keyId, key, state);
    // Hardly anything of it is left; its text is measured when it is taken.
    characters -= key.characters;
    key.characters = 0;
    return left;
  };

  const group = ({ keyId, entry }: Clock['waiting'][number], nowMs: number, step: Step): void => {
    const known = keys.get(keyId);
    const { state, grouped, left } = place(known?.state, entry, nowMs);
    const key = known ?? newKey(entry.alert.ruleId, clockNameOf(entry), state);
    put(keyId, key, state);
    step.grouped.push(grouped);
    if (grouped.isSentAlone) {
      const { alertId: _, ...into } = grouped;
      step.sentAlone.push({ ...entry.alert, group: into });
    }
    step.left.push(...left);
    const ids = openOf.get(quotaName(key));
    const max = key.clock.scope === 'host' ? limits.keysPerRuleAndHostMax : limits.keysPerRuleMax;
    if (ids !== undefined && ids.size > max) step.left.push(...force(firstOf(ids)));
  };

  /** Takes out what the watermarks have passed, and the earliest of what is too much. */
  const release = (clock: Clock, watermarks: Watermarks): Clock['waiting'] => {
    const { waiting, latenessMs } = clock;
    if (!clock.isSorted) waiting.sort((a, b) => compareOrder(a.entry.order, b.entry.order));
    clock.isSorted = true;
    let passed = waiting.length;
    for (; passed > 0; passed -= 1) {
      const { order } = (waiting[passed - 1] as Clock['waiting'][number]).entry;
      if (clock.scope === 'host' ? watermarks.hostPassed(order) : isPassedByAll(watermarks, order, latenessMs)) break;
    }
    const most = Math.floor(limits.groupingMax / Math.max(1, clocks.size));
    const taken = waiting.splice(0, Math.max(passed, waitingIds.size > limits.groupingMax ? waiting.length - most : 0));
    taken.forEach(({ entry }, at) => {
      const { id } = entry.alert;
      waitingIds.delete(id);
      unwritten.delete(id);
      if (persisted.delete(id)) changes.set(waitingKey(id), undefined);
      if (at >= passed) onForced(entry.alert.ruleId);
    });
    return taken;
  };

  const sweep = (latestMs: number): void => {
    for (const [keyId, key] of keys) {
      const isOver = leavesMs(key.state) === Number.POSITIVE_INFINITY;
      const isForgotten = isOver && (key.state.left.at(-1)?.untilMs ?? 0) + LATE_MEMORY_MS <= latestMs;
      if (!isForgotten && keys.size <= limits.groupKeysMax) return;
      if (isOver) forget(keyId, key);
      else return;
    }
  };

  const stored = readGroups(restored);
  for (const { keyId, entry } of stored.waiting) {
    wait(keyId, entry);
    persisted.add(entry.alert.id);
  }
  for (const { keyId, ruleId, clock, state, length } of stored.groups) {
    put(keyId, { ...newKey(ruleId, clock, state), characters: length }, state);
    characters += length;
  }
  changed.clear();

  return {
    add(entry) {
      const keyId = keyIdOf(entry);
      if (!wait(keyId, entry)) return false;
      unwritten.set(entry.alert.id, { keyId, entry });
      return true;
    },
    advance(watermarks) {
      if (waitingIds.size === 0 && openTotal === 0) return NOTHING;
      const step: Step = { grouped: [], sentAlone: [], left: [] };
      for (const [name, clock] of clocks) {
        if (clock.waiting.length === 0 && clock.due.size === 0) {
          clocks.delete(name);
          continue;
        }
        const nowMs = timeOf(clock, watermarks);
        for (const waiting of clock.waiting.length === 0 ? [] : release(clock, watermarks)) group(waiting, nowMs, step);
        for (const keyId of dueKeys(clock, nowMs)) {
          const key = keys.get(keyId);
          if (key === undefined) continue;
          const { state, left } = leave(key.state, nowMs);
          put(keyId, key, state);
          step.left.push(...left);
        }
      }
      while (openTotal > 0 && (openTotal > limits.groupsMax || characters > limits.groupsCharactersMax)) {
        const oldest = firstOpen(keys);
        if (oldest === undefined) break;
        step.left.push(...force(oldest));
      }
      sweep(watermarks.latestMs());
      step.left.sort((a, b) => a.untilMs - b.untilMs || (a.id < b.id ? -1 : 1));
      return step;
    },
    takeChanges() {
      for (const keyId of changed) {
        const key = keys.get(keyId);
        if (key === undefined) continue;
        const { ruleId, clock, state } = key;
        const text = groupText({ ruleId, clock, state });
        characters += text.length - key.characters;
        key.characters = text.length;
        changes.set(groupKey(keyId), text);
      }
      changed.clear();
      for (const [id, waiting] of unwritten) {
        persisted.add(id);
        changes.set(waitingKey(id), waitingText(waiting));
      }
      unwritten.clear();
      const taken = new Map(changes);
      changes.clear();
      return taken;
    },
    waiting: () => waitingIds.size,
    isIdle: () => waitingIds.size === 0 && openTotal === 0,
    open: () => [...keys.values()].flatMap(({ state }) => leaveAll(state).left),
  };
}

interface Step {
  readonly grouped: Grouped[];
  readonly sentAlone: Alert[];
  readonly left: AlertGroup[];
}

function newKey(ruleId: string, { scope, hostId, latenessMs }: ClockName, state: GroupState): Key {
  return { ruleId, clock: { scope, hostId, latenessMs }, state, characters: 0 };
}

function clockNameOf({ order, plan }: GroupEntry): ClockName {
  return plan.scope === 'host'
    ? { scope: 'host', hostId: order.hostId, latenessMs: 0 }
    : { scope: 'all', hostId: '', latenessMs: plan.latenessMs };
}

function keyIdOf({ alert, plan }: GroupEntry): string {
  return groupKeyIdOf(
    alert.ruleId,
    plan.key.map(({ name }) => name),
    plan.keyText,
  );
}

/** A host that nobody waits for says nothing: then the others' time holds. */
function timeOf({ scope, hostId, latenessMs }: ClockName, watermarks: Watermarks): number {
  const hostMs = scope === 'host' ? watermarks.hostTimeMs(hostId) : Number.NEGATIVE_INFINITY;
  if (hostMs !== Number.NEGATIVE_INFINITY) return hostMs;
  return scope === 'host' ? watermarks.allTimeMs() : Math.min(watermarks.allTimeMs(), watermarks.allTimeMs(latenessMs));
}

/** Its detection waited for the rule's lateness, and suppression for the usual one. */
function isPassedByAll(watermarks: Watermarks, order: GroupEntry['order'], latenessMs: number): boolean {
  return watermarks.allPassed(order) && watermarks.allPassed(order, latenessMs);
}

function dueKeys(clock: Clock, nowMs: number): readonly string[] {
  if (clock.firstMs > nowMs) return [];
  const due: string[] = [];
  clock.firstMs = Number.POSITIVE_INFINITY;
  for (const [keyId, dueMs] of clock.due) {
    if (dueMs <= nowMs) due.push(keyId);
    else clock.firstMs = Math.min(clock.firstMs, dueMs);
  }
  return due;
}

/** The keys that share a quota: those of one rule on one host, or across hosts. */
function quotaName({ ruleId, clock }: Pick<Key, 'ruleId' | 'clock'>): string {
  return JSON.stringify([ruleId, clock.hostId]);
}

function firstOpen(keys: ReadonlyMap<string, Key>): string | undefined {
  for (const [keyId, { state }] of keys) if (leavesMs(state) !== Number.POSITIVE_INFINITY) return keyId;
  return undefined;
}

function firstOf(ids: Iterable<string>): string {
  for (const id of ids) return id;
  throw new Error('There is nothing to force.');
}
