// Promise 3: which detections and alerts there are depends on the events alone.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RuleEpoch } from '../../engine/engine.ts';
import { EVERYTHING_PASSED } from '../../engine/watermark.ts';
import { fieldOf } from '../../event/document.ts';
import {
  type Arrival,
  arrivalArbitrary,
  type Outcome,
  type RunOptions,
  runBatch,
  runLive,
  type Traffic,
  trafficArbitrary,
} from './arrival.ts';
import { ruleWith } from './making.ts';
import { referenceFold } from './reference-fold.ts';

const suppress = (by: readonly string[], forMs: number, growMs?: number) => ({ suppress: { by, forMs, growMs } });
const byUserOnHost = ruleWith({ id: 'by-user-on-host', alert: suppress(['host.id', 'user.name'], 5) });
const byUser = ruleWith({ id: 'by-user', alert: suppress(['user.name'], 4, 16) });
const single = ruleWith({ id: 'single', match: (event) => fieldOf(event, 'user.name') === 'a' });
const inTest = ruleWith({ id: 'in-test', status: 'test', alert: suppress(['user.name'], 4) });
const changingFirst = ruleWith({ id: 'changing', version: 'v1', alert: suppress(['host.id'], 3, 6) });
const changingLast = ruleWith({ id: 'changing', version: 'v2', alert: suppress(['user.name'], 7) });
const growing = ruleWith({ id: 'growing', alert: suppress(['host.id'], 2, 32) });

const EPOCHS: readonly RuleEpoch[] = [
  { fromMs: 1_000, rules: [byUserOnHost, byUser, single, inTest, changingFirst] },
  { fromMs: 1_015, rules: [byUserOnHost, byUser, inTest, changingLast, growing] },
];
const RUNS = 150;
/** A planted fault need only be found, not made small; and is found or not whenever this runs. */
const PLANTED = { numRuns: 400, seed: 1, endOnFailure: true };

function exact(options: RunOptions) {
  return fc.property(trafficArbitrary, arrivalArbitrary, (traffic: Traffic, arrival: Arrival) => {
    expect(sorted(runLive(traffic, arrival, options))).toEqual(sorted(runBatch(traffic, options)));
  });
}

/** `opened` may come in another order over hosts: a step notifies what it may, not what another host holds up. */
function sorted(outcome: Outcome): unknown {
  const byId = <Value>(map: ReadonlyMap<string, Value>) => [...map].sort(([a], [b]) => (a < b ? -1 : 1));
  const detections = byId(outcome.detections);
  return { detections, alerts: byId(outcome.alerts), opened: [...outcome.opened].sort(), pending: outcome.pending };
}

describe('exactness', () => {
  it('any arrival order that the progress is true of, any batch cuts and any kills make what one batch run makes', () => {
    fc.assert(exact({ epochs: EPOCHS }), { numRuns: RUNS });
  });

  it('what a full quota of keys forgets is a function of the events too', () => {
    fc.assert(exact({ epochs: EPOCHS, limits: { keysPerRuleAndHostMax: 2, keysPerRuleMax: 2 } }), { numRuns: RUNS });
  });

  it('an engine that folds in arrival order is caught by this property', () => {
    const result = fc.check(exact({ epochs: EPOCHS, distort: () => EVERYTHING_PASSED }), PLANTED);
    expect(result.failed).toBe(true);
  });

  it('an engine that follows each host but not the others across hosts is caught by this property', () => {
    const distort: NonNullable<RunOptions['distort']> = (marks) => ({ ...marks, allPassed: marks.hostPassed });
    expect(fc.check(exact({ epochs: EPOCHS, distort }), PLANTED).failed).toBe(true);
  });

  it('progress that is not true loses nothing: every detection is in one alert, and the counts add up', () => {
    const check = fc.property(trafficArbitrary, arrivalArbitrary, (traffic, arrival) => {
      const live = runLive(traffic, arrival, { epochs: EPOCHS, distort: () => EVERYTHING_PASSED });
      expect([...live.detections.keys()].sort()).toEqual(
        [...runBatch(traffic, { epochs: EPOCHS }).detections.keys()].sort(),
      );
      const counts = new Map<string, number>();
      for (const { alertId } of live.detections.values()) {
        if (alertId !== undefined) counts.set(alertId, (counts.get(alertId) ?? 0) + 1);
      }
      expect([...live.alerts.values()].map(({ id, count }) => [id, count]).sort()).toEqual([...counts].sort());
      expect([...live.opened].sort()).toEqual([...live.alerts.keys()].sort());
    });
    fc.assert(check, { numRuns: RUNS });
  });

  it('the batch run means what the plain fold over sorted events means', () => {
    const check = fc.property(trafficArbitrary, (traffic) => {
      const { detections, alerts } = runBatch(traffic, { epochs: EPOCHS });
      const nameOf = (part: { ruleId: string; ruleVersion: string }, eventId: string) =>
        `${part.ruleId}/${part.ruleVersion}/${eventId}`;
      const openings = new Map([...alerts.values()].map((alert) => [alert.id, nameOf(alert, alert.firstEventId)]));
      const decisions = [...detections.values()].map((detection) => [
        nameOf(detection, detection.eventId),
        detection.alertId === undefined ? 'test' : `${detection.decision} ${openings.get(detection.alertId)}`,
      ]);
      const counts = [...alerts.values()].map((alert) => [nameOf(alert, alert.firstEventId), alert.count]);
      const reference = referenceFold(traffic.hosts.flat(), EPOCHS);
      expect(decisions.sort()).toEqual([...reference.decisions].sort());
      expect(counts.sort()).toEqual([...reference.counts].sort());
    });
    fc.assert(check, { numRuns: RUNS });
  });
});
