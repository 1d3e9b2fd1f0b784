// What the server knows of each host: when it last spoke, how far it is complete, its counters. Kept in memory and saved in
// batches: a kill costs a few seconds of counters and of "last seen", never the fact of a silence.
import type { Progress } from '../event/progress.ts';
import type { HostBookPort, HostRecord, Quota } from '../store/state/state-port.ts';

/** The counters of a host, and what each counts. */
const HOST_COUNTERS = {
  requests: 'requests to _bulk',
  events: 'events stored',
  duplicates: 'events that were stored already',
  rejected: 'events refused as malformed',
  foreign_host: 'events refused because they named another host',
  clock_ahead: 'events whose event.created lay ahead of the server’s clock',
  unavailable: 'requests put off because the store could not take them',
  over_quota: 'requests put off because the host sent more than it may',
} as const;
type HostCounter = keyof typeof HOST_COUNTERS;

export interface HostBook {
  list(): readonly HostRecord[];
  get(id: string): HostRecord | undefined;
  /** Enters a host, or gives it its new name. */
  enter(id: string, name: string, nowMs: number): void;
  /** It spoke. */
  touch(id: string, nowMs: number): void;
  count(id: string, counter: HostCounter, by?: number): void;
  setProgress(id: string, progress: Progress): void;
  setSignedOff(id: string, isSignedOff: boolean): void;
  /** Saved at once. */
  setSilent(id: string, sinceMs: number | undefined): void;
  /** Saved at once; undefined: the configured one holds. */
  setQuota(id: string, quota: Quota | undefined): void;
  /** Saves what changed; answers how many hosts that were. */
  flush(): number;
}

export function createHostBook(port: HostBookPort): HostBook {
  const hosts = new Map<string, HostRecord>(port.list().map((host) => [host.id, host]));
  const changed = new Set<string>();

  const change = (id: string, change: Partial<HostRecord>): void => {
    const host = hosts.get(id);
    if (host === undefined) return;
    hosts.set(id, { ...host, ...change });
    changed.add(id);
  };

  const save = (id: string): void => {
    const host = hosts.get(id);
    if (host !== undefined) port.put(host);
    changed.delete(id);
  };

  return {
    list: () => [...hosts.values()],
    get: (id) => hosts.get(id),
    enter(id, name, nowMs) {
      const known = hosts.get(id);
      if (known === undefined) {
        hosts.set(id, {
          id,
          name,
          firstSeenMs: nowMs,
          lastSeenMs: nowMs,
          progress: undefined,
          silentSinceMs: undefined,
          isSignedOff: false,
          counters: {},
        });
      } else hosts.set(id, { ...known, name });
      save(id);
    },
    touch: (id, nowMs) => change(id, { lastSeenMs: Math.max(nowMs, hosts.get(id)?.lastSeenMs ?? 0) }),
    count(id, counter, by = 1) {
      const host = hosts.get(id);
      if (host === undefined || by === 0) return;
      change(id, { counters: { ...host.counters, [counter]: (host.counters[counter] ?? 0) + by } });
    },
    setProgress: (id, progress) => change(id, { progress }),
    setSignedOff: (id, isSignedOff) => change(id, { isSignedOff }),
    setSilent(id, sinceMs) {
      change(id, { silentSinceMs: sinceMs });
      save(id);
    },
    setQuota(id, quota) {
      const host = hosts.get(id);
      if (host === undefined) return;
      const { quota: _former, ...rest } = host;
      hosts.set(id, quota === undefined ? rest : { ...rest, quota });
      save(id);
    },
    flush() {
      const records = [...changed].flatMap((id) => hosts.get(id) ?? []);
      if (records.length > 0) port.putAll(records);
      changed.clear();
      return records.length;
    },
  };
}
