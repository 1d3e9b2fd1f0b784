// The suppression windows of every rule and key, bounded. Keys share a quota per rule and host (per rule, where they span
// hosts), because only within one of these are detections folded in reference order: so what a full quota forgets, too, is a
// function of the events, and one host's flood does not push out another's windows.
import { compareOrder } from '../event/order.ts';
import type { SuppressedDetection } from './candidate-detection.ts';
import type { EngineLimits } from './limits.ts';
import { type KeyGroup, windowsKey, windowsText } from './state-text.ts';
import { type Folded, fold, forgottenFromMs, type Windows } from './suppression.ts';

export interface WindowsBook {
  fold(candidate: SuppressedDetection): Folded;
  /** Restores an entry; give them in the reference order of `windows.last`. */
  restore(id: string, group: KeyGroup, windows: Windows): void;
  /** What changed since the last call, as state entries. `nowMs`: the event time by which to tell whether a key is expired. */
  takeChanges(nowMs: number): ReadonlyMap<string, string | undefined>;
  size(): number;
}

interface Entry {
  readonly group: KeyGroup;
  windows: Windows;
  /** Of its state text, when it was last taken. */
  characters: number;
}

/** How long an expired key is still kept where there is room, so that its late detections are known to be late. */
export const LATE_MEMORY_MS = 3_600_000;

export function createWindowsBook(limits: EngineLimits, onEvicted: (ruleId: string) => void): WindowsBook {
  /** In the order of use. */
  const entries = new Map<string, Entry>();
  /** Ids by group, in the reference order of the last detection in time. */
  const groups = new Map<string, Set<string>>();
  const changed = new Set<string>();
  let characters = 0;

  function remove(id: string, nowMs: number): void {
    const entry = entries.get(id);
    if (entry === undefined) return;
    if (!isExpired(entry, nowMs)) onEvicted(entry.group.ruleId);
    entries.delete(id);
    characters -= entry.characters;
    const name = groupName(entry.group);
    const group = groups.get(name);
    group?.delete(id);
    if (group?.size === 0) groups.delete(name);
    changed.add(id);
  }

  /** Makes room for one more key of the group, and drops what is long over. */
  function makeRoom(group: KeyGroup, nowMs: number): void {
    const ids = groups.get(groupName(group));
    if (ids !== undefined) {
      for (const id of ids) {
        if (!isExpired(entries.get(id), nowMs - LATE_MEMORY_MS)) break;
        remove(id, nowMs);
      }
      const max = group.scope === 'host' ? limits.keysPerRuleAndHostMax : limits.keysPerRuleMax;
      if (ids.size >= max) for (const id of [...ids]) if (isExpired(entries.get(id), nowMs)) remove(id, nowMs);
      while (ids.size >= max) remove(firstOf(ids), nowMs);
    }
    while (entries.size >= limits.keysMax) remove(firstOf(entries.keys()), nowMs);
  }

  function place(id: string, entry: Entry): void {
    entries.delete(id);
    entries.set(id, entry);
    const name = groupName(entry.group);
    const ids = groups.get(name) ?? new Set<string>();
    ids.delete(id);
    ids.add(id);
    groups.set(name, ids);
  }

  return {
    fold(candidate) {
      const { detection, draft, suppressionId: id, forMs, growMs } = candidate;
      const known = entries.get(id);
      const group = known?.group ?? groupOf(candidate);
      const folded = fold(known?.windows, { order: detection.order, draft, forMs, growMs });
      if (known === undefined) makeRoom(group, detection.order.createdMs);
      if (known !== undefined && folded.isLate) known.windows = folded.windows;
      else place(id, { group, windows: folded.windows, characters: known?.characters ?? 0 });
      changed.add(id);
      return folded;
    },
    restore(id, group, windows) {
      const length = windowsText(group, windows).length;
      characters += length;
      place(id, { group, windows, characters: length });
    },
    takeChanges(nowMs) {
      const changes = new Map<string, string | undefined>();
      for (const id of changed) {
        const entry = entries.get(id);
        const text = entry && windowsText(entry.group, entry.windows);
        changes.set(windowsKey(id), text);
        if (entry === undefined || text === undefined) continue;
        characters += text.length - entry.characters;
        entry.characters = text.length;
      }
      while (characters > limits.keysCharactersMax) {
        const id = firstOf(entries.keys());
        remove(id, nowMs);
        changes.set(windowsKey(id), undefined);
      }
      changed.clear();
      return changes;
    },
    size: () => entries.size,
  };
}

function groupOf({ detection, scope }: SuppressedDetection): KeyGroup {
  return { ruleId: detection.ruleId, scope, hostId: scope === 'host' ? detection.order.hostId : '' };
}

function groupName(group: KeyGroup): string {
  return JSON.stringify([group.ruleId, group.scope, group.hostId]);
}

function isExpired(entry: Entry | undefined, nowMs: number): boolean {
  return entry !== undefined && forgottenFromMs(entry.windows) <= nowMs;
}

function firstOf(ids: Iterable<string>): string {
  for (const id of ids) return id;
  throw new Error('There is nothing to remove.');
}

/** The order in which to restore. */
export function byLastFolded(a: { readonly windows: Windows }, b: { readonly windows: Windows }): number {
  return compareOrder(a.windows.last, b.windows.last);
}
