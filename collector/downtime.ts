// What a start tells of the time before it. Where the socket outlived the collector it kept everything while none read, and the
// gaps in the serials say what is missing; else nothing is known of that time but its length. A death without sign-off is told
// either way, and so is a spool that ends before what was surely in it.
import { type Loss, lossOfDowntime, lossOfSpool } from './loss-ledger.ts';
import type { Tamper } from './tamper.ts';

export interface Downtime {
  /** Until then everything that happened was read. */
  readonly fromMs: number;
  readonly toMs: number;
  readonly wasPlanned: boolean;
  readonly isNewBoot: boolean;
  readonly counter: number;
}

/** `keptWatching`: the socket took everything meanwhile. */
export function tellDowntime(
  downtime: Downtime,
  keptWatching: boolean,
): { readonly losses: readonly Loss[]; readonly tampers: readonly Tamper[] } {
  const { fromMs, toMs, wasPlanned, isNewBoot } = downtime;
  const losses = keptWatching ? [] : [lossOfDowntime(downtime)];
  if (wasPlanned || isNewBoot) return { losses, tampers: [] };
  const seconds = Math.max(0, Math.round((toMs - fromMs) / 100) / 10);
  const how = keptWatching ? 'its socket kept the records' : 'nobody kept the records';
  return {
    losses,
    tampers: [
      {
        action: 'collector-was-killed',
        reason: `The collector ended without signing off; it runs again after ${seconds} s, in which ${how}.`,
        facts: { seconds, socket_kept: keptWatching, watched_until: new Date(fromMs).toISOString() },
      },
    ],
  };
}

/**
 * The spool of this boot must reach the position that was saved after it was written: within a boot a file system forgets nothing,
 * so what is missing at its end was taken away. `savedPosition` 0 when nothing was saved in this boot.
 */
export function cutOfSpool(parts: {
  readonly savedPosition: number;
  readonly recovered: { readonly lastPosition: number };
  readonly nowMs: number;
}): { readonly losses: readonly Loss[]; readonly tampers: readonly Tamper[] } {
  const { savedPosition, recovered, nowMs } = parts;
  const missing = savedPosition - recovered.lastPosition;
  if (savedPosition === 0 || missing <= 0) return { losses: [], tampers: [] };
  const loss = lossOfSpool(
    {
      reason: 'damaged',
      atLeast: missing,
      atMost: missing,
      fromMs: undefined,
      toMs: nowMs,
      firstPosition: recovered.lastPosition + 1,
      lastPosition: savedPosition,
    },
    savedPosition,
  );
  return {
    losses: [loss],
    tampers: [
      {
        action: 'spool-cut-short',
        reason: `The spool ends ${missing} events before what was surely in it.`,
        facts: { events: missing, last_position: recovered.lastPosition, saved_position: savedPosition },
      },
    ],
  };
}
