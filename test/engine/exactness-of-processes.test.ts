// Promise 3 for several engine processes: whoever holds which rule group, is killed or sleeps for how long, and however the cluster
// fails: what the groups' journals hold in the end is what one batch run finds, each thing once.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createEngine } from '../../engine/create-engine.ts';
import type { Engine } from '../../engine/engine.ts';
import { passedUntil, watermarksOf } from '../../engine/watermark.ts';
import { type Alert, amended, type Detection, type Notification } from '../../event/detection.ts';
import type { Rule } from '../../rules/rule.ts';
import { epochsOfGroup, groupOfRule } from '../../server/shared/group-rules.ts';
import { ofGroup } from '../../server/shared/group-runner.ts';
import { readOutcomes, seeGroups, takeGroup } from '../../store/shared/group-journal.ts';
import { unpackOutcome } from '../../store/shared/group-outcome.ts';
import { createJournaledState, type JournaledState } from '../../store/shared/journaled-state.ts';
import type { SharedDocuments } from '../../store/shared/shared-documents.ts';
import type { EngineStatePort } from '../../store/state/state-port.ts';
import { FATES, unreliableDocuments } from '../store/shared/unreliable-documents.ts';
import {
  type Arrival,
  arrivalArbitrary,
  arrivalLog,
  progressAt,
  runBatch,
  type Traffic,
  trafficArbitrary,
} from './arrival.ts';
import { rulesArbitrary } from './folded-rules.ts';

const END_MS = 10_000;
const GROUPS = 2;

interface Action {
  readonly process: number;
  readonly group: number;
  readonly take: number;
  readonly fate: 'waits for the journal' | 'goes on' | 'dies';
  readonly faults: readonly (typeof FATES)[number][];
  /** Writes that were on the way for long arrive now. */
  readonly settles: boolean;
}

const actionsArbitrary: fc.Arbitrary<readonly Action[]> = fc.array(
  fc.record({
    process: fc.nat(2),
    group: fc.nat(GROUPS - 1),
    take: fc.nat(12),
    fate: fc.constantFrom('waits for the journal' as const, 'goes on' as const, 'goes on' as const, 'dies' as const),
    faults: fc.array(fc.constantFrom(...FATES), { maxLength: 3 }),
    settles: fc.boolean(),
  }),
  { maxLength: 40 },
);

/** A process with a group that it took at some time; it may not know that it has lost it. */
interface Holder {
  readonly journaled: JournaledState;
  readonly state: EngineStatePort;
  readonly engine: Engine;
  readonly owns: (ruleId: string) => boolean;
}

interface Options {
  readonly rules: readonly Rule[];
  readonly traffic: Traffic;
  readonly arrival: Arrival;
  readonly actions: readonly Action[];
  readonly documents?: ReturnType<typeof unreliableDocuments>;
}

async function hold(documents: SharedDocuments, group: number, { rules }: Options): Promise<Holder | undefined> {
  const seen = (await seeGroups(documents, GROUPS)).get(group);
  const held = await takeGroup(documents, group, { seen, owner: 'somebody', monotonicMs: () => 0, snapshotAfter: 3 });
  if (held === undefined) return undefined;
  const journaled = createJournaledState({
    held,
    state: await held.load(),
    healthPrefix: 'runner:health:',
    isProven: () => true,
    onOutbox: () => undefined,
    onLost: () => undefined,
    onTrouble: () => undefined,
    sleep: () => Promise.resolve(),
  });
  const owns = (ruleId: string): boolean => groupOfRule(ruleId, GROUPS) === group;
  const state = ofGroup(journaled.engine, owns);
  const epochs = epochsOfGroup([{ fromMs: 0, rules }], group, GROUPS);
  return { journaled, state, owns, engine: createEngine({ epochs, state: state.loadState() }) };
}

function step(
  holder: Holder,
  options: Options,
  { take, endMs }: { readonly take: number; readonly endMs?: number },
): void {
  const { traffic, arrival } = options;
  const log = arrivalLog(traffic, arrival);
  const cursor = Number(holder.state.loadCursor() ?? 0);
  const read = Math.min(log.length, cursor + take);
  const marks =
    endMs === undefined
      ? watermarksOf(progressAt(traffic, log.slice(0, read), arrival.progressLag))
      : passedUntil(endMs);
  const { opened, ...result } = holder.engine.step(log.slice(cursor, read), marks);
  const outbox = opened
    .filter(({ ruleId }) => holder.owns(ruleId))
    .map((alert): Notification => ({ id: alert.id, alertId: alert.id, channel: 'c', reason: '', alert }));
  holder.state.commit({ ...result, cursor: String(read), outbox });
}

async function runProcesses(options: Options) {
  const { documents = unreliableDocuments() } = options;
  const holders = new Map<string, Holder>();
  for (const { process, group, take, fate, faults, settles } of options.actions) {
    const name = `${process} ${group}`;
    documents.plan(faults);
    let holder = holders.get(name);
    if (holder === undefined || holder.journaled.isLost()) {
      holder = await hold(documents, group, options).catch(() => undefined);
      if (holder === undefined) continue;
      holders.set(name, holder);
    }
    step(holder, options, { take });
    if (fate === 'waits for the journal') await holder.journaled.written();
    if (fate === 'dies') {
      holder.journaled.abandon();
      holders.delete(name);
    }
    if (settles) documents.settle();
  }
  documents.plan([]);
  for (let group = 0; group < GROUPS; group += 1) {
    // A write that is still under way may be first.
    let holder: Holder | undefined;
    while (holder === undefined) holder = await hold(documents, group, options);
    step(holder, options, { take: Number.POSITIVE_INFINITY });
    step(holder, options, { take: 0, endMs: END_MS });
    await holder.journaled.written();
    // Whoever slept all that time wakes up now, and what it wrote long ago arrives.
    for (const [name, sleeper] of holders) {
      if (!name.endsWith(` ${group}`)) continue;
      step(sleeper, options, { take: 5 });
      await sleeper.journaled.written();
    }
    documents.settle();
  }
  return shown(documents);
}

/** What a server shows of it. */
async function shown(documents: SharedDocuments) {
  const detections = new Map<string, Detection>();
  const alerts = new Map<string, Alert>();
  const opened: string[] = [];
  for (const [group, { record }] of await seeGroups(documents, GROUPS)) {
    for (const { text } of await readOutcomes(documents, group, { record, first: 1, limit: Number.MAX_SAFE_INTEGER })) {
      for (const one of unpackOutcome(text).steps) {
        for (const amendment of one.amended ?? []) {
          const detection = detections.get(amendment.detectionId);
          if (detection !== undefined) detections.set(detection.id, amended(detection, amendment));
        }
        for (const detection of one.detections) detections.set(detection.id, detection);
        for (const alert of one.alerts) alerts.set(alert.id, alert);
        opened.push(...one.outbox.map(({ id }) => id));
      }
    }
  }
  return sorted({ detections, alerts, opened });
}

function sorted({ detections, alerts, opened }: Pick<ReturnType<typeof runBatch>, 'detections' | 'alerts' | 'opened'>) {
  const byId = <Value>(map: ReadonlyMap<string, Value>) => [...map].sort(([a], [b]) => (a < b ? -1 : 1));
  // As JSON has it: what is undefined is not there.
  return JSON.parse(JSON.stringify({ detections: byId(detections), alerts: byId(alerts), opened: [...opened].sort() }));
}

const property = (documents: () => ReturnType<typeof unreliableDocuments>) =>
  fc.asyncProperty(
    rulesArbitrary,
    trafficArbitrary,
    arrivalArbitrary,
    actionsArbitrary,
    async (rules, traffic, arrival, actions) => {
      const found = await runProcesses({ rules, traffic, arrival, actions, documents: documents() });
      expect(found).toEqual(sorted(runBatch(traffic, { epochs: [{ fromMs: 0, rules }], endMs: END_MS })));
    },
  );

describe('several engine processes', () => {
  it('find what one batch run finds, whoever dies, sleeps or loses an answer', async () => {
    await fc.assert(property(unreliableDocuments), { numRuns: 150 });
  });

  it('a planted fault is caught: documents that do not compare', async () => {
    const planted = property(() => unreliableDocuments({ comparesNot: true }));
    expect((await fc.check(planted, { numRuns: 300, seed: 1, endOnFailure: true })).failed).toBe(true);
  });
});
