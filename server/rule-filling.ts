// A rule on many events that comes into force begins with its windows filled: the stored events from before that time, as far back
// as it remembers, are given to this one rule, in reference order, and nothing is raised there. What it matches from then on waits
// in the engine until this is done; the other rules go on.
//
// It waits until the engine has read everything from before that time: so the store has it too, and all that comes later is late.
// Nothing is saved until the end: a kill, or rules that change again, begin anew.
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { candidateQuery } from '../backtest/candidate-query.ts';
import type { EngineFilling } from '../engine/engine.ts';
import type { Unfilled } from '../engine/folding/folding.ts';
import type { NewEvent } from '../event/document.ts';
import type { EventStore } from '../store/port.ts';
import type { ServerNotice } from './options.ts';
import { type WokenWork, wokenWork } from './woken-work.ts';

const WAIT_MS = 500;
/** How long to wait after a failure. */
const RETRY_MS = 5_000;
/** Events that are given at once: the engine's steps come in between. */
const EVENTS_MAX = 500;

/** Wake it at the start, and after each change of the rules: it begins with what is to be filled. */
export type RuleFilling = WokenWork;

/** A filling of the engine that is at work now. */
export interface CurrentFilling extends EngineFilling {
  /** False once another engine is at work: what was given is forgotten. */
  isCurrent(): boolean;
}

export function createRuleFilling(options: {
  readonly store: Pick<EventStore, 'scan'>;
  readonly unfilled: () => readonly Unfilled[];
  readonly fill: (rule: Unfilled['rule']) => CurrentFilling;
  readonly isEvaluated: (event: NewEvent) => boolean;
  /** Up to which `event.created` the engine has read all. */
  readonly settledMs: () => number;
  readonly onNotice: (notice: ServerNotice) => void;
  readonly waitMs?: number;
  readonly retryMs?: number;
}): RuleFilling {
  const { store, unfilled, fill, isEvaluated, settledMs, onNotice, waitMs = WAIT_MS, retryMs = RETRY_MS } = options;

  const fillOne = async ({ rule, sinceMs, fromMs }: Unfilled, signal: AbortSignal): Promise<void> => {
    while (settledMs() < fromMs) {
      await sleep(waitMs, undefined, { signal });
      if (!unfilled().some((other) => other.rule.version === rule.version && other.fromMs === fromMs)) return;
    }
    const filling = fill(rule);
    const query = candidateQuery([{ fromMs: 0, rules: [rule] }]);
    const asked = { signal, ...(query === undefined ? {} : { query }) };
    for await (const batch of store.scan({ fromMs: sinceMs, untilMs: fromMs }, asked)) {
      for (let place = 0; place < batch.length; place += EVENTS_MAX) {
        if (!filling.isCurrent()) return;
        filling.see(batch.slice(place, place + EVENTS_MAX).filter(isEvaluated));
        await nextTurn();
      }
    }
    signal.throwIfAborted();
    if (filling.isCurrent()) filling.finish();
  };

  return wokenWork(async (signal) => {
    for (let next = unfilled()[0]; next !== undefined && !signal.aborted; next = unfilled()[0]) {
      try {
        await fillOne(next, signal);
      } catch (error) {
        if (signal.aborted) return;
        const reason = error instanceof Error ? error.message : 'unknown failure';
        const message = `the windows of ${next.rule.id} cannot be filled yet, it is tried again: ${reason}`;
        onNotice({ kind: 'error', message });
        await sleep(retryMs, undefined, { signal }).catch(() => undefined);
      }
    }
  });
}
