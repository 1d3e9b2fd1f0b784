// The durable form of groups: small entries of text, each with its format version.
//
//   grouping:ALERT   {"v":1,"keyId":…,"entry":{…}}                      an alert that waits
//   group:KEY        {"v":1,"ruleId":…,"clock":{…},"state":{…}}         the groups of one rule and key
import { compareOrder } from '../event/order.ts';
import type { GroupEntry, GroupState } from './grouping.ts';
import { StateUnreadable } from './state-unreadable.ts';

const STATE_FORMAT = 1;
const [WAITING, GROUP] = ['grouping:', 'group:'];

/** What time a group goes by. */
export interface ClockName {
  readonly scope: 'host' | 'all';
  /** '' across hosts. */
  readonly hostId: string;
  readonly latenessMs: number;
}

interface StoredGroups {
  readonly waiting: readonly { readonly keyId: string; readonly entry: GroupEntry }[];
  readonly groups: readonly {
    readonly keyId: string;
    readonly ruleId: string;
    readonly clock: ClockName;
    readonly state: GroupState;
    /** Of the text. */
    readonly length: number;
  }[];
}

/** Throws {@link StateUnreadable}. Groups in the reference order of the last alert. */
export function readGroups(state: ReadonlyMap<string, string>): StoredGroups {
  const waiting: { keyId: string; entry: GroupEntry }[] = [];
  const groups: StoredGroups['groups'][number][] = [];
  for (const [stateKey, text] of state) {
    if (!isOfGroups(stateKey)) continue;
    const entry = readEntry(stateKey, text);
    if (stateKey.startsWith(WAITING)) waiting.push(entry as unknown as StoredGroups['waiting'][number]);
    else {
      const keyId = stateKey.slice(GROUP.length);
      groups.push({ ...(entry as unknown as StoredGroups['groups'][number]), keyId, length: text.length });
    }
  }
  return { waiting, groups: groups.sort((a, b) => compareOrder(a.state.last, b.state.last)) };
}

export function isOfGroups(stateKey: string): boolean {
  return stateKey.startsWith(WAITING) || stateKey.startsWith(GROUP);
}

export function waitingKey(alertId: string): string {
  return `${WAITING}${alertId}`;
}

export function groupKey(keyId: string): string {
  return `${GROUP}${keyId}`;
}

export function waitingText(waiting: StoredGroups['waiting'][number]): string {
  return JSON.stringify({ v: STATE_FORMAT, ...waiting });
}

export function groupText(group: Pick<StoredGroups['groups'][number], 'ruleId' | 'clock' | 'state'>): string {
  return JSON.stringify({ v: STATE_FORMAT, ...group });
}

function readEntry(stateKey: string, text: string): Record<string, unknown> {
  let entry: unknown;
  try {
    entry = JSON.parse(text);
  } catch {
    throw new StateUnreadable(stateKey, 'it is not JSON');
  }
  const version = typeof entry === 'object' && entry !== null && 'v' in entry ? entry.v : undefined;
  if (version !== STATE_FORMAT) {
    throw new StateUnreadable(stateKey, `it has format ${String(version)}, this version reads ${STATE_FORMAT}`);
  }
  return entry as Record<string, unknown>;
}
