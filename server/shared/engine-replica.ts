// The engine as a server sees it whose engines are other processes: it applies what they committed, group by group and in order, to its
// own state, so that alerts, rules' health and quarantines are shown as ever. It holds a copy and decides nothing.
import type { GroupRecord } from '../../store/shared/group-journal.ts';
import { readOutcomes, seeGroups } from '../../store/shared/group-journal.ts';
import {
  applyOutcome,
  type GroupFigures,
  NO_FIGURES,
  type PackedOutcome,
  unpackOutcome,
} from '../../store/shared/group-outcome.ts';
import type { SharedDocuments } from '../../store/shared/shared-documents.ts';
import type { SqliteState } from '../../store/state/sqlite-state.ts';
import type { EngineRunner } from '../engine-runner.ts';
import { HEALTH_PREFIX, readHealth } from '../health-ledger.ts';
import type { ServerNotice } from '../options.ts';
import type { QuarantineBook } from '../quarantine-book.ts';
import { groupOfRule } from './group-rules.ts';
import { LEASE_EXPIRES_MS } from './lease-plan.ts';
import { writeShown } from './shown-places.ts';

const LOOK_EVERY_MS = 250;
/** Generations that are applied at once. */
const GENERATIONS_AT_ONCE = 50;
/** How often the engines are told what they need not keep for it. */
const SHOWN_EVERY_MS = 10_000;
const PLACE_PREFIX = 'runner:replica:';

export interface GroupStatus {
  readonly group: number;
  /** The process that evaluates it; null: none does. */
  readonly owner: string | null;
  /** For how long no sign of that process was seen, ms. */
  readonly quietMs: number;
  /** How many processes have owned it so far. */
  readonly token: number;
  readonly generation: number;
  readonly rules: number;
  readonly eventsFolded: number;
  readonly pending: number;
}

export interface EngineReplica extends EngineRunner {
  groups(): readonly GroupStatus[];
  settledMs(): number;
  /** For how long the group that is worst off has given no sign, ms; 0 while all do. */
  lagMs(): number;
  /** Applies what there is. */
  look(): Promise<void>;
}

export function createEngineReplica(options: {
  readonly documents: SharedDocuments;
  readonly groups: number;
  readonly state: Pick<SqliteState, 'engine' | 'outbox'>;
  readonly quarantines: () => Pick<QuarantineBook, 'list' | 'enter' | 'caughtUp'>;
  readonly ruleIds: () => readonly string[];
  /** The control log has a new entry. */
  readonly onControl: () => void;
  readonly monotonicMs: () => number;
  readonly onNotice: (notice: ServerNotice) => void;
}): EngineReplica {
  const { documents, groups, state, quarantines, ruleIds, onControl, monotonicMs, onNotice } = options;
  const places = new Map<number, number>();
  const records = new Map<number, GroupRecord>();
  const signs = new Map<number, { readonly version: string; readonly atMs: number }>();
  const figures = new Map<number, GroupFigures>();
  const health = new Map<string, string>();
  let looking: Promise<void> | undefined;
  let timer: NodeJS.Timeout | undefined;
  let isTroubled = false;
  let shownMs = Number.NEGATIVE_INFINITY;

  for (const [key, text] of state.engine.loadState()) {
    if (key.startsWith(PLACE_PREFIX)) places.set(Number(key.slice(PLACE_PREFIX.length)), Number(text));
    if (key.startsWith(HEALTH_PREFIX)) health.set(key, text);
  }

  const enter = (control: PackedOutcome['control']): void => {
    const book = quarantines();
    for (const change of control) {
      if (change.kind === 'quarantine') {
        const { ruleId, ruleVersion, fromMs, reason } = change;
        const hostId = change.hostId ?? undefined;
        // It was entered already, before this process was killed.
        const isKnown = book
          .list()
          .some((one) => one.ruleVersion === ruleVersion && one.hostId === hostId && one.fromMs === fromMs);
        if (!isKnown) book.enter([{ ruleId, ruleVersion, hostId, fromMs, untilMs: undefined, reason }]);
      }
      if (change.kind === 'caught-up') {
        const record = book.list().find(({ seq }) => seq === change.quarantine);
        if (record !== undefined && !record.isCaughtUp) book.caughtUp(record);
      }
    }
    if (control.length > 0) onControl();
  };

  const apply = (group: number, generation: number, outcome: PackedOutcome): void => {
    enter(outcome.control);
    const cursor = state.engine.loadCursor() ?? '';
    const changes = new Map<string, string>();
    for (const [key, text] of outcome.health) {
      if (groupOfRule(key.slice(HEALTH_PREFIX.length), groups) === group) changes.set(key, text);
    }
    // The place is saved after it: a kill in between applies it again.
    applyOutcome(state, outcome);
    const place = new Map([...changes, [PLACE_PREFIX + group, String(generation)] as const]);
    state.engine.commit({ cursor, state: place, detections: [], alerts: [], outbox: [] });
    for (const [key, text] of changes) health.set(key, text);
    places.set(group, generation);
  };

  const catchUp = async (group: number, record: GroupRecord): Promise<void> => {
    for (;;) {
      const done = places.get(group) ?? 0;
      if (done >= record.generation) return;
      const first = Math.max(done + 1, record.outcomesFrom);
      if (first > done + 1) {
        const message = `what rule group ${group} found in ${first - done - 1} steps is gone: this server was away for too long`;
        onNotice({ kind: 'error', message });
      }
      const outcomes = await readOutcomes(documents, group, { record, first, limit: GENERATIONS_AT_ONCE });
      for (const { generation, text } of outcomes) apply(group, generation, unpackOutcome(text));
      if (outcomes.length === 0) return;
    }
  };

  const lookOnce = async (): Promise<void> => {
    const nowMs = monotonicMs();
    for (const [group, { record, version }] of await seeGroups(documents, groups)) {
      records.set(group, record);
      if (signs.get(group)?.version !== version) signs.set(group, { version, atMs: nowMs });
      await catchUp(group, record);
      figures.set(group, record.figures);
    }
    if (nowMs - shownMs < SHOWN_EVERY_MS) return;
    shownMs = nowMs;
    await writeShown(documents, places);
  };

  const look = (): Promise<void> => {
    looking ??= lookOnce().finally(() => {
      looking = undefined;
    });
    return looking;
  };

  const quietMs = (group: number): number => Math.max(0, monotonicMs() - (signs.get(group)?.atMs ?? beganMs));
  const beganMs = monotonicMs();
  const all = Array.from({ length: groups }, (_, group) => group);
  const sum = (of: (one: GroupFigures) => number): number =>
    [...figures.values()].reduce((total, one) => total + of(one), 0);

  return {
    start() {
      timer = setInterval(() => {
        look().then(
          () => {
            isTroubled = false;
          },
          (error: unknown) => {
            const reason = error instanceof Error ? error.message : 'unknown failure';
            if (!isTroubled)
              onNotice({
                kind: 'error',
                message: `what the engines found cannot be read, it is tried again: ${reason}`,
              });
            isTroubled = true;
          },
        );
      }, LOOK_EVERY_MS);
      timer.unref();
    },
    look,
    useRules: onControl,
    useQuarantines: onControl,
    judgeAgain: () => false,
    judgedAgainMs: () => undefined,
    advance: () => undefined,
    greatestCreatedMs: () => Math.max(0, ...[...figures.values()].map(({ greatestCreatedMs }) => greatestCreatedMs)),
    statistics: () => ({
      pending: sum(({ pending }) => pending),
      eventsFolded: Math.max(0, ...[...figures.values()].map(({ eventsFolded }) => eventsFolded)),
      health: readHealth(health, ruleIds()),
      costliest: undefined,
    }),
    groups: () => {
      const ids = ruleIds();
      return all.map((group) => {
        const { owner = null, token = 0, generation = 0 } = records.get(group) ?? {};
        const { eventsFolded, pending } = figures.get(group) ?? NO_FIGURES;
        const rules = ids.filter((id) => groupOfRule(id, groups) === group).length;
        return { group, owner, quietMs: quietMs(group), token, generation, rules, eventsFolded, pending };
      });
    },
    settledMs: () => Math.min(...all.map((group) => figures.get(group)?.settledMs ?? 0)),
    lagMs: () => {
      const worst = Math.max(...all.map(quietMs));
      return worst > LEASE_EXPIRES_MS ? worst : 0;
    },
    async close() {
      clearInterval(timer);
      await looking?.catch(() => undefined);
    },
  };
}
