// The thin shell around silence.ts: looks at the host book on a timer, stores what is to be said, once per silence. What a kill
// interrupts is said at the next look, under the same id.
import { type EventStore, StoreUnavailable } from '../store/port.ts';
import type { HostRecord } from '../store/state/state-port.ts';
import type { DeliveryFence, Standing } from './delivery-fence.ts';
import type { HostBook } from './host-book.ts';
import type { Lanes } from './lane.ts';
import type { ServerNotice } from './options.ts';
import { checkIntervalMs, newlySilent, silenceEvent } from './silence.ts';

export interface SilenceWatch {
  start(): void;
  /** One look; exposed so that tests need no waiting. */
  check(): Promise<void>;
  /** Says that a silent host is back, where it was silent. Runs within the host's lane. Throws {@link StoreUnavailable}. */
  hostCameBack(hostId: string): Promise<void>;
  close(): Promise<void>;
}

export function createSilenceWatch(options: {
  readonly store: EventStore;
  readonly hosts: HostBook;
  readonly fence: DeliveryFence;
  readonly lanes: Lanes;
  readonly isRevoked: (hostId: string) => boolean;
  readonly silenceAfterMs: number;
  readonly now: () => number;
  readonly onNotice: (notice: ServerNotice) => void;
}): SilenceWatch {
  const { store, hosts, fence, lanes, isRevoked, silenceAfterMs, now, onNotice } = options;
  const intervalMs = checkIntervalMs(silenceAfterMs);
  let graceMs = now();
  let lastCheckMs = graceMs;
  let timer: NodeJS.Timeout | undefined;
  let checking: Promise<void> | undefined;

  const say = async (
    action: 'host-went-silent' | 'host-came-back',
    host: HostRecord & { readonly sinceMs: number },
    standing: Standing | undefined,
  ): Promise<void> => {
    const nowMs = now();
    const event = silenceEvent(action, host, nowMs);
    const delivery = fence.begin(host.id, [event.id], { nowMs, ownCreatedMs: nowMs });
    let isStored = false;
    let isDone = false;
    try {
      const [result] = await store.append([event]);
      isStored = result?.kind === 'created';
      isDone = true;
    } finally {
      fence.settle(delivery, isStored ? [] : [event.id], isDone ? standing : undefined);
    }
  };

  const sayIfSilent = async (hostId: string): Promise<void> => {
    const [host] = newlySilent(hostsOf(hosts, hostId), { nowMs: now(), graceMs, silenceAfterMs });
    if (host === undefined || isRevoked(hostId)) return;
    // What the id is made of must be durable before the event is.
    hosts.flush();
    await say('host-went-silent', { ...host, sinceMs: host.lastSeenMs }, { kind: 'absent' });
    // It may have spoken meanwhile; then its next request says that it is back.
    hosts.setSilent(hostId, host.lastSeenMs);
    onNotice({ kind: 'host', message: `${host.name} (${hostId}) went silent` });
  };

  const look = async (): Promise<void> => {
    const nowMs = now();
    // A pause of our own (a suspended machine, a clock that was set): hosts get their time anew.
    if (nowMs - lastCheckMs > intervalMs * 3 + 1_000 || nowMs < lastCheckMs) graceMs = nowMs;
    lastCheckMs = nowMs;
    hosts.flush();
    for (const host of newlySilent(hosts.list(), { nowMs, graceMs, silenceAfterMs })) {
      if (isRevoked(host.id)) continue;
      await lanes.run(host.id, () => sayIfSilent(host.id));
    }
  };

  const check = async (): Promise<void> => {
    try {
      await look();
    } catch (error) {
      if (error instanceof StoreUnavailable) return; // Said at the next look, once the store takes it.
      onNotice({ kind: 'error', message: `looking for silent hosts failed: ${String(error)}` });
    }
  };

  return {
    start() {
      timer = setInterval(() => {
        checking ??= check().finally(() => {
          checking = undefined;
        });
      }, intervalMs);
      timer.unref();
    },
    check,
    async hostCameBack(hostId) {
      const host = hosts.get(hostId);
      if (host?.silentSinceMs === undefined) return;
      await say('host-came-back', { ...host, sinceMs: host.silentSinceMs }, undefined);
      hosts.setSilent(hostId, undefined);
      onNotice({ kind: 'host', message: `${host.name} (${hostId}) is back` });
    },
    async close() {
      clearInterval(timer);
      await checking;
      hosts.flush();
    },
  };
}

function hostsOf(hosts: HostBook, hostId: string): readonly HostRecord[] {
  const host = hosts.get(hostId);
  return host === undefined ? [] : [host];
}
