// A released rule judges what it missed: the stored events of its quarantine, given to this one rule, in between the engine's other
// steps. What it finds there is decided late, as of any event that came late. How far it is, is committed with what it found, so a
// kill repeats nothing. Only then the quarantine is as if it had never been, also for whoever replays the control log.
//
// It waits until the engine has read everything up to the release: so all that comes later from that time is late, and the released
// rule judges that itself, once this is done.
//
// Rules on many events do not come here: for them the release is as if they came into force anew, with their windows filled.
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { candidateQuery } from '../backtest/candidate-query.ts';
import type { RuleEpoch, RuleVersion } from '../engine/engine.ts';
import type { NewEvent } from '../event/document.ts';
import { orderKeyOf } from '../event/order.ts';
import type { EventStore } from '../store/port.ts';
import type { ServerNotice } from './options.ts';
import type { QuarantineBook, QuarantineRecord } from './quarantine-book.ts';
import { type WokenWork, wokenWork } from './woken-work.ts';

/** Events of one step: the engine's own steps come in between. */
const STEP_EVENTS_MAX = 200;
const WAIT_MS = 1_000;

/** Wake it at the start, and after each release: it begins with what is released and has not caught up. */
export type RuleCatchUp = WokenWork;

/** The engine gives the events to this rule, and saves `doneMs` with what it found. False: the rule cost too much again. */
export type JudgeAgain = (
  events: readonly NewEvent[],
  rule: RuleVersion,
  progress: { readonly seq: number; readonly doneMs: number },
) => boolean;

export function createRuleCatchUp(options: {
  readonly store: Pick<EventStore, 'scan'>;
  readonly quarantines: Pick<QuarantineBook, 'list' | 'caughtUp'>;
  readonly epochsSince: (sinceMs: number) => readonly RuleEpoch[];
  readonly isEvaluated: (event: NewEvent) => boolean;
  /** Up to which `event.created` the engine has read and decided all. */
  readonly settledMs: () => number;
  readonly judgeAgain: JudgeAgain;
  /** Events with `event.created` up to this were judged again before, epoch ms. */
  readonly doneMs: (seq: number) => number | undefined;
  readonly onCaughtUp: () => void;
  readonly onNotice: (notice: ServerNotice) => void;
  readonly waitMs?: number;
}): RuleCatchUp {
  const { store, quarantines, judgeAgain, onNotice, waitMs = WAIT_MS } = options;
  /** Those that cannot be caught up with for now, by number: their rule is quarantined again, or cannot be made. */
  const given = new Set<number>();

  const next = (): QuarantineRecord | undefined =>
    quarantines.list().find(({ seq, untilMs, isCaughtUp }) => untilMs !== undefined && !isCaughtUp && !given.has(seq));

  /** The rule is quarantined again: it would be given the events, judge none, and count as done. */
  const isKeptAgain = ({ ruleId, ruleVersion, hostId }: QuarantineRecord): boolean =>
    quarantines
      .list()
      .some(
        (other) =>
          other.untilMs === undefined &&
          other.ruleId === ruleId &&
          other.ruleVersion === ruleVersion &&
          (other.hostId === undefined || hostId === undefined || other.hostId === hostId),
      );

  const epochsOf = ({ ruleId, ruleVersion, fromMs }: QuarantineRecord): readonly RuleEpoch[] =>
    options.epochsSince(fromMs).map((epoch) => ({
      fromMs: epoch.fromMs,
      rules: epoch.rules.filter(({ id, version }) => id === ruleId && version === ruleVersion),
    }));

  /** True when everything was judged. */
  const catchUp = async (record: QuarantineRecord, untilMs: number, signal: AbortSignal): Promise<boolean> => {
    const { seq, ruleId, ruleVersion, hostId } = record;
    const epochs = epochsOf(record);
    const rule = epochs.flatMap(({ rules }) => rules)[0];
    if (rule === undefined) return false;
    // Of one host's events its windows keep a hole, live and in every replay.
    if (rule.kind.kind !== 'single') return hostId === undefined;
    const judge = (events: readonly NewEvent[], doneMs: number): boolean =>
      !isKeptAgain(record) && judgeAgain(events, { ruleId, ruleVersion }, { seq, doneMs });
    while (options.settledMs() < untilMs) await sleep(waitMs, undefined, { signal });
    const fromMs = Math.max(record.fromMs, (options.doneMs(seq) ?? 0) + 1);
    if (fromMs >= untilMs) return true;
    const query = candidateQuery(epochs);
    let waiting: NewEvent[] = [];
    for await (const batch of store.scan({ fromMs, untilMs }, { signal, ...(query === undefined ? {} : { query }) })) {
      for (const event of batch) {
        const isOurs = hostId === undefined || orderKeyOf(event.id, event.document).hostId === hostId;
        if (!isOurs || !options.isEvaluated(event)) continue;
        // A step ends where a millisecond does: `doneMs` then says exactly which events were judged.
        if (waiting.length >= STEP_EVENTS_MAX && createdOf(event) > createdOf(waiting.at(-1))) {
          if (!judge(waiting, createdOf(waiting.at(-1)))) return false;
          waiting = [];
          await nextTurn();
        }
        waiting.push(event);
      }
    }
    return judge(waiting, untilMs - 1);
  };

  const work = wokenWork(async (signal) => {
    for (let record = next(); record !== undefined && !signal.aborted; record = next()) {
      const { seq, ruleId, untilMs = 0 } = record;
      try {
        if (await catchUp(record, untilMs, signal)) {
          quarantines.caughtUp(record);
          options.onCaughtUp();
          onNotice({ kind: 'rules', message: `the rule ${ruleId} has judged what it missed` });
        } else given.add(seq);
      } catch (error) {
        if (signal.aborted) return;
        const reason = error instanceof Error ? error.message : 'unknown failure';
        onNotice({ kind: 'error', message: `the rule ${ruleId} cannot catch up and tries again: ${reason}` });
        await sleep(10 * waitMs, undefined, { signal }).catch(() => undefined);
      }
    }
  });

  return {
    ...work,
    wake() {
      given.clear();
      work.wake();
    },
  };
}

function createdOf(event: NewEvent | undefined): number {
  return event === undefined ? 0 : orderKeyOf(event.id, event.document).createdMs;
}
