// What is told of the time in which no collector read. Where the socket outlived the collector it kept everything, and the gaps in
// the serials say what is missing; else nothing is known of that time but its length. A death without sign-off is told either way.
import { type Loss, lossOfDowntime } from './loss-ledger.ts';
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
