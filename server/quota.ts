// How much a host may send: events and bytes per second, with a burst. Pure: the time is passed in. What a request brought is charged
// when it was read, so a request may go into debt, and the next one waits until that is paid: the rate holds, and no request
// is too large to ever pass.
import type { Quota } from '../store/state/state-port.ts';

const DEFAULT_BURST_S = 10;
/** The longest that a sender is told to wait; it asks again then. */
const RETRY_AFTER_S_MAX = 300;

/** An empty body, however it is packed. */
const PROGRESS_BODY_BYTES_MAX = 64;

export interface Quotas {
  /** Seconds until the host may send again; undefined while it may. */
  waitS(hostId: string, nowMs: number): number | undefined;
  charge(hostId: string, used: { readonly events: number; readonly bytes: number }, nowMs: number): void;
}

interface Account {
  events: number;
  bytes: number;
  atMs: number;
}

export function createQuotas(quotaOf: (hostId: string) => Quota | undefined): Quotas {
  const accounts = new Map<string, Account>();

  const accountOf = (hostId: string, quota: Quota, nowMs: number): Account => {
    const most = (perSecond: number | undefined): number => (perSecond ?? 0) * (quota.burstS ?? DEFAULT_BURST_S);
    const known = accounts.get(hostId);
    if (known === undefined) {
      const full = { events: most(quota.eventsPerSecond), bytes: most(quota.bytesPerSecond), atMs: nowMs };
      accounts.set(hostId, full);
      return full;
    }
    // A clock that is set back gives nothing, and takes nothing.
    const passedS = Math.max(0, nowMs - known.atMs) / 1_000;
    known.events = Math.min(most(quota.eventsPerSecond), known.events + passedS * (quota.eventsPerSecond ?? 0));
    known.bytes = Math.min(most(quota.bytesPerSecond), known.bytes + passedS * (quota.bytesPerSecond ?? 0));
    known.atMs = nowMs;
    return known;
  };

  return {
    waitS(hostId, nowMs) {
      const quota = quotaOf(hostId);
      if (quota === undefined) return undefined;
      const { events, bytes } = accountOf(hostId, quota, nowMs);
      const waitS = Math.max(debtS(events, quota.eventsPerSecond), debtS(bytes, quota.bytesPerSecond));
      return waitS === 0 ? undefined : Math.min(RETRY_AFTER_S_MAX, Math.ceil(waitS));
    },
    charge(hostId, used, nowMs) {
      const quota = quotaOf(hostId);
      if (quota === undefined) {
        accounts.delete(hostId);
        return;
      }
      const account = accountOf(hostId, quota, nowMs);
      account.events -= used.events;
      account.bytes -= used.bytes;
    },
  };
}

/** A host that says no more than how far it is complete may always say so: the fold waits for it. */
export function isProgressAlone(contentLength: string | undefined): boolean {
  return Number(contentLength ?? Number.NaN) <= PROGRESS_BODY_BYTES_MAX;
}

/** How long until a debt is paid; nothing where there is none, or no limit. */
function debtS(level: number, perSecond: number | undefined): number {
  return perSecond === undefined || level > 0 ? 0 : Math.max(-level / perSecond, 0.001);
}
