// What was lost, and how much is known about it. Four accounts are put side by side: gaps in the serials, the kernel's own count
// of lost records, overflows of the socket, and the spool. Sums stay true: `at_least` counts an event once, `at_most` is
// absent where no bound is known. Each fact has an id of its own, so telling it again after a kill stores it once.
import {
  type Gap,
  gapCount,
  type Outstanding,
  type SerialAccount,
  type SerialState,
  serialAccount,
} from './serial-account.ts';
import type { KernelFigures } from './source.ts';
import { ownerName } from './spool/owner.ts';
import type { SpoolLoss } from './spool/spool-loss.ts';

/** Gaps told one by one in one go; more are told as one record that spans them. */
export const GAPS_TOLD_MAX = 16;

export interface Loss {
  readonly source: 'sequence' | 'kernel' | 'socket' | 'spool' | 'server' | 'downtime' | 'limits' | 'file';
  /** With `counter`, what makes the fact one of its own within host and boot. */
  readonly kind: string;
  readonly counter: number;
  readonly atLeast: number;
  readonly atMost: number | undefined;
  readonly fromMs: number | undefined;
  readonly toMs: number | undefined;
  readonly firstSequence?: number | undefined;
  readonly lastSequence?: number | undefined;
  readonly firstPosition?: number | undefined;
  readonly lastPosition?: number | undefined;
  /** Of the spool: whose events they were (`auid=1000`, `uid=33`), and of which class. */
  readonly owner?: string;
  readonly spoolClass?: string;
  readonly reason: string;
  /** True when the collector was stopped in good order: nobody watched, and nothing failed. */
  readonly isPlanned: boolean;
}

/** What survives the collector. */
export interface LedgerState {
  readonly serials: SerialState;
  readonly kernelLost: number | undefined;
  /** When the kernel was asked last, epoch ms. */
  readonly checkedMs: number | undefined;
}

export interface LossLedger {
  /** An event was stored. */
  see(serial: number, timeMs: number, nowMs: number): void;
  /** The kernel's figures, or that it could not be asked. */
  checked(figures: KernelFigures, nowMs: number): readonly Loss[];
  /** The socket overflowed. Behind the unicast socket stands the kernel's own count; behind the multicast one stands nothing. */
  overflowed(count: number, isMulticast: boolean, nowMs: number): readonly Loss[];
  /** What has become certain. */
  certain(nowMs: number, outstanding?: Outstanding): readonly Loss[];
  state(): LedgerState;
}

export const EMPTY_LEDGER: LedgerState = {
  serials: { highest: undefined, gaps: [] },
  kernelLost: undefined,
  checkedMs: undefined,
};

export function createLossLedger(start: LedgerState): LossLedger {
  const serials: SerialAccount = serialAccount(start.serials);
  let { kernelLost, checkedMs } = start;
  return {
    see: serials.see,
    checked(figures, nowMs) {
      const before = kernelLost;
      const sinceMs = checkedMs;
      kernelLost = figures.lost;
      checkedMs = nowMs;
      // A count that fell was set back by an administrator: what it had before that is not known.
      const lost = before === undefined ? 0 : figures.lost >= before ? figures.lost - before : figures.lost;
      if (lost === 0) return [];
      return [
        {
          source: 'kernel',
          kind: 'kernel',
          counter: figures.lost,
          atLeast: 0,
          atMost: lost,
          fromMs: sinceMs,
          toMs: nowMs,
          reason: `The kernel lost ${lost} audit record(s) before they could be read; a record is at most one event.`,
          isPlanned: false,
        },
      ];
    },
    overflowed(count, isMulticast, nowMs) {
      if (count === 0 || !isMulticast) return [];
      return [
        {
          source: 'socket',
          kind: 'socket',
          counter: nowMs,
          atLeast: 0,
          atMost: undefined,
          fromMs: serials.state().highest?.timeMs,
          toMs: nowMs,
          reason: `The multicast socket overflowed ${count} time(s); the kernel does not say how much was lost.`,
          isPlanned: false,
        },
      ];
    },
    certain: (nowMs, outstanding) => lossesOfGaps(serials.takeCertain(nowMs, outstanding)),
    state: () => ({ serials: serials.state(), kernelLost, checkedMs }),
  };
}

function lossesOfGaps(gaps: readonly Gap[]): readonly Loss[] {
  const first = gaps[0];
  const last = gaps.at(-1);
  if (first === undefined || last === undefined) return [];
  if (gaps.length <= GAPS_TOLD_MAX) return gaps.map((gap) => lossOfGap(gap, gap.last, gapCount(gap), gap.toMs));
  const count = gaps.reduce((sum, gap) => sum + gapCount(gap), 0);
  return [lossOfGap(first, last.last, count, last.toMs)];
}

function lossOfGap(first: Gap, lastSequence: number, count: number, toMs: number): Loss {
  return {
    source: 'sequence',
    kind: 'gap',
    counter: first.first,
    atLeast: count,
    atMost: count,
    fromMs: first.fromMs,
    toMs,
    firstSequence: first.first,
    lastSequence,
    reason: `${count} audit serial(s) between ${first.first} and ${lastSequence} never arrived.`,
    isPlanned: false,
  };
}

/** What the spool gave up, as a loss. `counter` is taken where the loss has no number of its own. */
export function lossOfSpool(loss: SpoolLoss, counter: number): Loss {
  const whose = loss.owner === undefined ? undefined : ownerName(loss.owner);
  const what = loss.spoolClass === 'bulk' ? 'file, socket and signal events' : 'events';
  const events = `${loss.atMost ?? 'an unknown number of'} ${what}${whose === undefined ? '' : ` of ${whose}`}`;
  const reasons = {
    evicted: `The spool was full and gave up ${events}, who took most of it.`,
    aged: `The spool gave up ${events}: they were older than it keeps them.`,
    torn: 'The spool ended in a torn write, which was cut off.',
    damaged: 'A part of the spool was damaged on disk.',
    refused: `The disk took nothing more and the memory for waiting events was full: ${events} were refused.`,
  } as const;
  return {
    source: 'spool',
    kind: loss.reason,
    counter: loss.counter ?? loss.firstPosition ?? counter,
    atLeast: loss.atLeast,
    atMost: loss.atMost,
    fromMs: loss.fromMs,
    toMs: loss.toMs,
    firstPosition: loss.firstPosition,
    lastPosition: loss.lastPosition,
    ...(whose === undefined ? {} : { owner: whose }),
    ...(loss.spoolClass === undefined ? {} : { spoolClass: loss.spoolClass }),
    reason: reasons[loss.reason],
    isPlanned: false,
  };
}

/** What happened while no collector read: how much is not known; gaps in the serials are told on their own. */
export function lossOfDowntime(options: {
  readonly fromMs: number;
  readonly toMs: number;
  readonly counter: number;
  readonly wasPlanned: boolean;
  readonly isNewBoot: boolean;
}): Loss {
  const { fromMs, toMs, counter, wasPlanned, isNewBoot } = options;
  const seconds = Math.max(0, Math.round((toMs - fromMs) / 1000));
  const cause = wasPlanned
    ? 'the collector was stopped'
    : isNewBoot
      ? 'the host went down'
      : 'the collector was killed';
  return {
    source: 'downtime',
    kind: 'downtime',
    counter,
    atLeast: 0,
    atMost: undefined,
    fromMs,
    toMs,
    reason: `Nobody watched for ${seconds} s, because ${cause}.`,
    isPlanned: wasPlanned,
  };
}
