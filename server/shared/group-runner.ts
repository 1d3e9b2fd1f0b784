// Runs one rule group that this process holds: its state from the journal, an engine that follows the store, a sender for what its alerts
// want sent. All of it ends when the group is given up, or when another process has taken it.

import type { RuleEpoch } from '../../engine/engine.ts';
import type { EventStore } from '../../store/port.ts';
import { type HeldGroup, readOutcomes } from '../../store/shared/group-journal.ts';
import { applyOutcome, type GroupFigures, unpackOutcome } from '../../store/shared/group-outcome.ts';
import { createJournaledState } from '../../store/shared/journaled-state.ts';
import type { SharedDocuments } from '../../store/shared/shared-documents.ts';
import { IN_MEMORY, openSqliteState, type SqliteState } from '../../store/state/sqlite-state.ts';
import type { EngineStatePort, OutboxPort } from '../../store/state/state-port.ts';
import { createAlertOutlet } from '../alert-outlet.ts';
import { createEngineRunner, type EngineRunner } from '../engine-runner.ts';
import { failureText } from '../failure-text.ts';
import { HEALTH_PREFIX } from '../health-ledger.ts';
import type { ChannelOptions, ServerNotice } from '../options.ts';
import { createRuleCatchUp } from '../rule-catch-up.ts';
import { isImported } from '../silence.ts';
import { createStepMessages } from '../step-messages.ts';
import type { ControlMirror } from './control-mirror.ts';
import { createGroupQuarantines } from './group-quarantines.ts';
import { epochsOfGroup, groupOfRule } from './group-rules.ts';
import type { Layout } from './layout.ts';
import { LEASE_PROVEN_MS } from './lease-plan.ts';
import type { SharedSettings } from './progress-snapshot.ts';
import { createRemoteFence, type LearntProgress } from './remote-fence.ts';
import type { SharedRules } from './shared-rules.ts';

/** So long a group that is given up may take to write what it has. */
const CLOSE_MS = 3_000;
/** A lease that was proven so long ago is renewed. */
const RENEW_AFTER_MS = 1_200;
/** So many generations that the server has shown are kept all the same. */
const SHOWN_KEPT = 500;
const READ_AT_ONCE = 50;
/** Alerts that are older than this are told of no more, ms of event time. */
const BOOK_MS = 2 * 3_600_000;
const PRUNE_EVERY_MS = 600_000;
const COUNT_EVERY_MS = 1_000;

export interface GroupRunner {
  readonly group: number;
  learn(learnt: LearntProgress): void;
  /** The control log has new entries. */
  controlChanged(): void;
  /** Renews the lease where nothing was written for a while. `shown`: the server has shown all generations before this one. */
  renew(shown: number): Promise<void>;
  /** Another process has the group: all that was not written is void. */
  isLost(): boolean;
  /** Writes what there is and gives the group up. */
  close(): Promise<void>;
}

/** A store that other processes write to. */
export type FollowedStore = Pick<EventStore, 'next' | 'scan' | 'close'> &
  Required<Pick<EventStore, 'horizon' | 'hasPassed'>>;

export interface GroupRunnerOptions {
  readonly held: HeldGroup;
  readonly documents: Pick<SharedDocuments, 'get'>;
  readonly layout: Layout;
  readonly store: Omit<FollowedStore, 'horizon' | 'close'>;
  readonly mirror: ControlMirror;
  readonly rules: SharedRules;
  readonly settings: SharedSettings;
  readonly channels: ChannelOptions;
  readonly now: () => number;
  readonly monotonicMs: () => number;
  readonly onLost: () => void;
  readonly onNotice: (notice: ServerNotice) => void;
}

export async function runGroup(options: GroupRunnerOptions): Promise<GroupRunner> {
  const [state, book] = [await options.held.load(), await bookOf(options)];
  try {
    return runOn(options, state, book);
  } catch (error) {
    book.close();
    throw error;
  }
}

function runOn(options: GroupRunnerOptions, state: ReadonlyMap<string, string>, book: SqliteState): GroupRunner {
  const { held, layout, store, mirror, rules, settings, channels, now, monotonicMs, onLost, onNotice } = options;
  const { group } = held;
  const { groups } = layout;
  const owns = (ruleId: string): boolean => groupOfRule(ruleId, groups) === group;
  const isProven = (): boolean => monotonicMs() - held.provenMs() < LEASE_PROVEN_MS;

  let [counted, countedMs] = [{ eventsFolded: 0, pending: 0 }, Number.NEGATIVE_INFINITY];
  const figures = (): GroupFigures => {
    // All rules' figures are added up for it.
    if (monotonicMs() - countedMs >= COUNT_EVERY_MS) {
      const { eventsFolded, pending } = runner.statistics();
      [counted, countedMs] = [{ eventsFolded, pending }, monotonicMs()];
    }
    return { ...counted, settledMs: fence.settledMs(now()), greatestCreatedMs: runner.greatestCreatedMs() };
  };
  const journaled = createJournaledState({
    held,
    state,
    firstCursor: layout.cursor,
    healthPrefix: HEALTH_PREFIX,
    figures,
    isProven,
    onOutbox: () => outlet.wake(),
    onLost,
    onTrouble: (error) =>
      onNotice({
        kind: 'error',
        message: `rule group ${group} cannot be written and is tried again: ${failureText(error)}`,
      }),
    sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
  });
  const epochs = (): readonly RuleEpoch[] => epochsOfGroup(rules.epochs(), group, groups);
  let inForce = namesOf(epochs());
  const outlet = createAlertOutlet({ options: channels, outbox: bothOf(journaled.outbox, book.outbox), now, onNotice });
  const messages = createStepMessages({ alerts: book.alerts, ...outlet });
  const fence = createRemoteFence({
    hasPassed: store.hasPassed,
    onAdvance: () => runner.advance(),
  });
  const quarantines = createGroupQuarantines({ mirror, journaled, owns, now });
  let forgotten = 0;
  /** How often the runner went back to what is committed: it reads again what it had read. */
  let returns = 0;
  const startRunner = (): EngineRunner =>
    createEngineRunner({
      store: {
        scan: store.scan,
        async next(cursor, asked) {
          await orAborted(journaled.room(), asked.signal);
          const before = returns;
          const batch = await store.next(cursor, asked);
          // What was stored after a change of the rules is read after it: so no event meets rules that no longer hold for it.
          if (batch.events.length > 0) await mirror.refresh();
          // All that was read so far is stepped: the runner asks for more only then.
          else if (before === returns) fence.reached(batch.cursor);
          return batch;
        },
      },
      state: ofGroup(bothEngines(journaled.engine, book.engine), owns),
      fence: {
        ...fence,
        holdAll(nowMs) {
          returns += 1;
          fence.holdAll(nowMs);
        },
      },
      epochs: epochs(),
      quarantines,
      alertOnImports: settings.alertOnImports,
      now,
      notificationsOf: (alert) => (owns(alert.ruleId) ? outlet.notificationsOf(alert) : []),
      messagesOf: (step) => messages.of({ ...step, groups: step.groups.filter(({ ruleId }) => owns(ruleId)) }),
      // What is queued is sent once it is written.
      onOutbox: () => undefined,
      onNotice,
    });
  let runner: EngineRunner;
  try {
    runner = startRunner();
  } catch (error) {
    void outlet.close();
    throw error;
  }
  const catchUp = createRuleCatchUp({
    ...{ store, quarantines, onNotice },
    epochsSince: rules.epochsSince,
    isEvaluated: ({ document }) => settings.alertOnImports || !isImported(document),
    settledMs: () => fence.settledMs(now()),
    judgeAgain: runner.judgeAgain,
    doneMs: runner.judgedAgainMs,
    onCaughtUp: runner.useQuarantines,
  });
  const pruning = setInterval(() => book.pruneBefore(runner.greatestCreatedMs() - BOOK_MS), PRUNE_EVERY_MS);
  pruning.unref();
  runner.start();
  catchUp.wake();
  outlet.wake();

  return {
    group,
    learn: fence.learn,
    controlChanged() {
      const next = epochs();
      const names = namesOf(next);
      if (names === inForce) runner.useQuarantines();
      else runner.useRules(next);
      inForce = names;
      catchUp.wake();
    },
    async renew(shown) {
      const obsolete = shown - SHOWN_KEPT;
      const isWorthIt = obsolete - forgotten >= SHOWN_KEPT;
      if (!isWorthIt && monotonicMs() - held.provenMs() < RENEW_AFTER_MS) return;
      await journaled.renew(isWorthIt ? obsolete : 0);
      if (isWorthIt) forgotten = obsolete;
    },
    isLost: journaled.isLost,
    async close() {
      await catchUp.close();
      await runner.close();
      await outlet.close();
      const timer = setTimeout(journaled.abandon, CLOSE_MS);
      await journaled.written();
      clearTimeout(timer);
      await journaled.release().catch(() => undefined);
      clearInterval(pruning);
      book.close();
    },
  };
}

/**
 * What the group found of late, for messages that speak of alerts that were told before. It is made again from the journal, which keeps the
 * newest generations; what is older is told of no more.
 */
async function bookOf({ held, documents }: GroupRunnerOptions): Promise<SqliteState> {
  const book = openSqliteState(IN_MEMORY);
  const record = held.record();
  for (let first = Math.max(record.outcomesFrom, record.generation - SHOWN_KEPT); first <= record.generation; ) {
    const outcomes = await readOutcomes(documents, held.group, { record, first, limit: READ_AT_ONCE });
    for (const { text } of outcomes) applyOutcome(book, unpackOutcome(text));
    first += READ_AT_ONCE;
  }
  return book;
}

function bothEngines(journaled: EngineStatePort, book: EngineStatePort): EngineStatePort {
  return {
    ...journaled,
    commit(commit) {
      journaled.commit(commit);
      book.commit({ ...commit, cursor: '', state: new Map() });
    },
  };
}

function bothOf(journaled: OutboxPort, book: OutboxPort): OutboxPort {
  return {
    ...journaled,
    record(id, outcome) {
      journaled.record(id, outcome);
      book.record(id, outcome);
    },
  };
}

/** Without what rules find that the group evaluates for others' sake only: their own group tells it. */
export function ofGroup(state: EngineStatePort, owns: (ruleId: string) => boolean): EngineStatePort {
  const own = <Told extends { readonly ruleId: string }>(told: readonly Told[] = []): readonly Told[] =>
    told.filter(({ ruleId }) => owns(ruleId));
  /** Alerts of others' rules that wait for their message. */
  const foreign = new Set<string>();
  return {
    ...state,
    commit(commit) {
      for (const { id, ruleId, group } of commit.alerts) if (group !== undefined && !owns(ruleId)) foreign.add(id);
      state.commit({
        ...commit,
        detections: own(commit.detections),
        alerts: own(commit.alerts),
        gaps: own(commit.gaps),
        grouped: (commit.grouped ?? []).filter(({ alertId }) => !foreign.has(alertId)),
        amended: (commit.amended ?? []).filter(({ ruleId }) => ruleId === undefined || owns(ruleId)),
      });
      for (const { alertId } of commit.grouped ?? []) foreign.delete(alertId);
    },
  };
}

function namesOf(epochs: readonly RuleEpoch[]): string {
  return JSON.stringify(epochs.map(({ fromMs, rules }) => [fromMs, ...rules.map(({ version }) => version)]));
}

async function orAborted(work: Promise<void>, signal: AbortSignal | undefined): Promise<void> {
  if (signal === undefined) return work;
  const { promise, resolve } = Promise.withResolvers<void>();
  const stop = (): void => resolve();
  signal.addEventListener('abort', stop, { once: true });
  await Promise.race([work, promise]);
  signal.removeEventListener('abort', stop);
  signal.throwIfAborted();
}
