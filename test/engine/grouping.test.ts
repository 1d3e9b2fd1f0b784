// Promise 3 for groups: which alerts a message holds is a function of the events, whatever their arrival, the cuts and the kills.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createEngine } from '../../engine/create-engine.ts';
import {
  type GroupEntry,
  type GroupPlan,
  LATE_GATHERED_MS,
  leave,
  MEMBERS_MAX,
  place,
  TABLE_ROWS_MAX,
} from '../../engine/grouping.ts';
import { EVERYTHING_PASSED, passedUntil, watermarksOf } from '../../engine/watermark.ts';
import type { Alert, AlertGroup } from '../../event/detection.ts';
import { compareOrder, orderKeyOf } from '../../event/order.ts';
import type { Grouping, Rule } from '../../rules/rule.ts';
import { parseSchedule } from '../../rules/schedule.ts';
import { arrivalArbitrary, type Outcome, runBatch, runLive, trafficArbitrary } from './arrival.ts';
import { rulesArbitrary } from './folded-rules.ts';
import { committed, eventOf, ruleWith } from './making.ts';

const END_MS = 10_000;

function grouping(changes: Partial<Grouping> = {}): Grouping {
  return { span: { kind: 'for', forMs: 5 }, by: [], table: [], sendsFirst: false, ...changes };
}

const ruleArbitrary: fc.Arbitrary<Rule> = fc
  .record({
    forMs: fc.constantFrom(1, 3, 8, 30),
    by: fc.constantFrom([], ['host.id'], ['user.name'], ['user.name', 'host.id']),
    suppress: fc.constantFrom(undefined, ['host.id'], ['user.name']),
    counts: fc.boolean(),
    sendsFirst: fc.boolean(),
  })
  .map(({ forMs, by, suppress, counts, sendsFirst }) =>
    ruleWith({
      by: ['user.name'],
      ...(counts ? { kind: { kind: 'threshold', count: 2, withinMs: 12, mode: 'restart' } } : {}),
      alert: {
        group: grouping({ span: { kind: 'for', forMs }, by, sendsFirst, table: ['user.name'] }),
        suppress: suppress === undefined ? undefined : { forMs: 4, by: suppress, growMs: undefined },
      },
    }),
  );

function sorted({ alerts, grouped, groups, notified, pending }: Outcome): unknown {
  const byId = <Value>(map: ReadonlyMap<string, Value>) => [...map].sort(([a], [b]) => (a < b ? -1 : 1));
  return {
    alerts: byId(alerts),
    grouped: byId(grouped),
    groups: [...groups].sort((a, b) => (a.id < b.id ? -1 : 1)),
    notified: [...notified].sort(),
    pending,
  };
}

/** What grouping means, said plainly: which alerts are in a message, by those that open one. */
function plainly({ alerts, detections }: Outcome, rule: Rule): readonly (readonly string[])[] {
  const { group } = rule.alert;
  if (group === undefined || group.span.kind !== 'for') throw new Error('it groups by a span');
  const { by, span } = group;
  const opening = [...detections.values()]
    .filter(({ decision }) => decision === 'opened')
    .sort((a, b) => compareOrder(a.order, b.order));
  const spans: { readonly key: string; readonly untilMs: number; readonly ids: string[] }[] = [];
  for (const { order, alertId = '', key } of opening) {
    const [user] = JSON.parse(key) as [string];
    const values = JSON.stringify(by.map((field) => (field === 'host.id' ? order.hostId : user)));
    const open = spans.findLast((one) => one.key === values);
    if (open !== undefined && order.createdMs < open.untilMs) open.ids.push(alertId);
    else spans.push({ key: values, untilMs: order.createdMs + span.forMs, ids: [alertId] });
  }
  expect(opening.map(({ alertId }) => alertId).sort()).toEqual([...alerts.keys()].sort());
  return spans.map(({ ids }) => ids.slice(0, MEMBERS_MAX)).sort((a, b) => (String(a[0]) < String(b[0]) ? -1 : 1));
}

describe('groups', () => {
  it('any arrival, any cuts and any kills make what one batch run makes', () => {
    const check = fc.property(ruleArbitrary, trafficArbitrary, arrivalArbitrary, (rule, traffic, arrival) => {
      const options = { epochs: [{ fromMs: 0, rules: [rule] }], endMs: END_MS };
      expect(sorted(runLive(traffic, arrival, options))).toEqual(sorted(runBatch(traffic, options)));
    });
    fc.assert(check, { numRuns: 400 });
  });

  it('of rules on many events, by events, by time and by other detections, are the same too', () => {
    const words = fc.record({ forMs: fc.constantFrom(3, 20), by: fc.constantFrom([], ['host.id'], ['user.name']) });
    const grouped = fc.tuple(rulesArbitrary, words).map(([rules, { forMs, by }]) =>
      rules.map((rule) => ({
        ...rule,
        alert: { ...rule.alert, group: grouping({ span: { kind: 'for', forMs }, by, table: ['user.name'] }) },
      })),
    );
    let messages = 0;
    const check = fc.property(grouped, trafficArbitrary, arrivalArbitrary, (rules, traffic, arrival) => {
      const options = { epochs: [{ fromMs: 0, rules }], endMs: END_MS };
      const live = runLive(traffic, arrival, options);
      messages += live.groups.length;
      expect(sorted(live)).toEqual(sorted(runBatch(traffic, options)));
    });
    fc.assert(check, { numRuns: 150 });
    expect(messages).toBeGreaterThan(50);
  });

  it('hold what is said plainly', () => {
    const check = fc.property(ruleArbitrary, trafficArbitrary, (rule, traffic) => {
      const outcome = runBatch(traffic, { epochs: [{ fromMs: 0, rules: [rule] }], endMs: END_MS });
      const expected = plainly(outcome, rule);
      const { sendsFirst = false } = rule.alert.group ?? {};
      const firsts = expected.map(([first]) => first);
      expect([...outcome.notified].sort()).toEqual(sendsFirst ? firsts : []);
      const messages = outcome.groups.map(({ first, members }) => [
        ...(sendsFirst ? [first.id] : []),
        ...members.map(({ alertId }) => alertId),
      ]);
      const wanted = sendsFirst ? expected.filter(({ length }) => length > 1) : expected;
      expect(messages.sort((a, b) => (String(a[0]) < String(b[0]) ? -1 : 1))).toEqual(
        wanted.map((ids) => (sendsFirst ? ids.slice(0, MEMBERS_MAX + 1) : ids)),
      );
      const counts = outcome.groups.reduce((sum, { count }) => sum + count, 0);
      expect(counts + outcome.notified.length).toBe(outcome.alerts.size);
      for (const { table, count } of outcome.groups)
        expect(table?.rows.reduce((sum, row) => sum + row.count, table.others)).toBe(count);
    });
    fc.assert(check, { numRuns: 200 });
  });

  it('would differ if they went by arrival: the test can fail', () => {
    const check = fc.property(ruleArbitrary, trafficArbitrary, arrivalArbitrary, (rule, traffic, arrival) => {
      const options = { epochs: [{ fromMs: 0, rules: [rule] }], endMs: END_MS };
      const distorted = { ...options, distort: () => EVERYTHING_PASSED };
      expect(sorted(runLive(traffic, arrival, distorted))).toEqual(sorted(runBatch(traffic, options)));
    });
    expect(() => fc.assert(check, { numRuns: 400, seed: 1, endOnFailure: true })).toThrow();
  });

  it('of what a quota pushes out, the message leaves early, and no alert is lost', () => {
    const limits = { keysPerRuleAndHostMax: 1, keysPerRuleMax: 2, groupsMax: 2, groupingMax: 3 };
    const check = fc.property(ruleArbitrary, trafficArbitrary, arrivalArbitrary, (rule, traffic, arrival) => {
      const options = { epochs: [{ fromMs: 0, rules: [rule] }], endMs: END_MS + LATE_GATHERED_MS, limits };
      const { alerts, grouped, groups } = runLive(traffic, arrival, options);
      expect([...grouped.keys()].sort()).toEqual([...alerts.keys()].sort());
      for (const { id, count } of groups) {
        const own = [...grouped.values()].filter(({ groupId, isSentAlone }) => groupId === id && !isSentAlone);
        expect(own).toHaveLength(count);
      }
      // Late ones of the very end are gathered still.
      const left = new Set(groups.map(({ id }) => id));
      const gathered = [...grouped.values()].filter(({ groupId, isSentAlone }) => !left.has(groupId) && !isSentAlone);
      expect(gathered.every(({ isLate }) => isLate)).toBe(true);
      expect(new Set(groups.map(({ id }) => id)).size).toBe(groups.length);
    });
    fc.assert(check, { numRuns: 300 });
  });

  it('leave when the watermark has passed their span, a host that nobody waits for by the time of the others', () => {
    const rule = ruleWith({ alert: { group: grouping({ by: ['host.id'] }) } });
    const engine = createEngine({ epochs: [{ fromMs: 0, rules: [rule] }], state: new Map() });
    const at = (createdMs: number) => ({ bootId: 'b1', position: 9, createdMs });
    const marks = (progress: Readonly<Record<string, number>>) =>
      watermarksOf(new Map(Object.entries(progress).map(([host, ms]) => [host, at(ms)])));
    const opened = engine.step([eventOf({ createdMs: 1_000 })], marks({ h1: 1_000 }));
    expect([opened.opened.length, opened.notified.length, opened.groups.length]).toEqual([1, 0, 0]);
    expect(opened.alerts[0]?.group).toBe('waits');
    expect(engine.isIdle()).toBe(false);
    expect(engine.step([], marks({ h1: 1_004 })).groups).toEqual([]);
    expect(engine.openGroups()).toMatchObject([{ count: 1, fromMs: 1_000, untilMs: 1_005 }]);
    expect(engine.step([], marks({ h2: 1_005 })).groups).toMatchObject([{ count: 1, members: [{ hostId: 'h1' }] }]);
    expect(engine.isIdle()).toBe(true);
  });

  it('wait across a restart, and are refused when their state is of another version', () => {
    const rule = ruleWith({ alert: { group: grouping({ span: { kind: 'for', forMs: 60_000 } }) } });
    const epochs = [{ fromMs: 0, rules: [rule] }];
    const state = new Map<string, string>();
    committed(state, createEngine({ epochs, state }).step([eventOf({ createdMs: 1_000 })], passedUntil(2_000)).state);
    committed(
      state,
      createEngine({ epochs, state }).step(
        [eventOf({ createdMs: 3_000, position: 2 })],
        watermarksOf(new Map([['h1', { bootId: 'b1', position: 0, createdMs: 2_500 }]])),
      ).state,
    );
    expect([...state.keys()].map((key) => key.split(':')[0]).sort()).toEqual(['group', 'grouping']);
    // The rule is gone, and what it found is told all the same.
    const later = createEngine({ epochs: [], state }).step([], passedUntil(61_000));
    expect(later.groups).toMatchObject([{ count: 2, fromMs: 1_000, untilMs: 61_000 }]);
    const [key = ''] = state.keys();
    expect(() => createEngine({ epochs, state: new Map([[key, '{"v":2}']]) })).toThrow(/format 2/);
    expect(() => createEngine({ epochs, state: new Map([[key, 'x']]) })).toThrow(/not JSON/);
  });
});

const PLAN: GroupPlan = {
  span: { kind: 'for', forMs: 100 },
  sendsFirst: false,
  keyText: '[]',
  key: [],
  table: [],
  scope: 'host',
  latenessMs: 0,
};

function entryAt(createdMs: number, changes: Partial<GroupPlan> = {}): GroupEntry {
  const event = eventOf({ createdMs, position: createdMs });
  const rule = ruleWith({ alert: { group: grouping() } });
  const { opened } = createEngine({ epochs: [{ fromMs: 0, rules: [rule] }], state: new Map() }).step(
    [event],
    EVERYTHING_PASSED,
  );
  return { order: orderKeyOf(event.id, event.document), alert: opened[0] as Alert, plan: { ...PLAN, ...changes } };
}

/** Messages of entries that come in this order, and what is left at the end. */
function placed(entries: readonly GroupEntry[], nowMs = 0) {
  const left: AlertGroup[] = [];
  let state: Parameters<typeof place>[0];
  const grouped = entries.map((entry) => {
    const step = place(state, entry, nowMs);
    state = step.state;
    left.push(...step.left);
    return step.grouped;
  });
  if (state === undefined) throw new Error('nothing was placed');
  return { state, left, grouped };
}

describe('late alerts', () => {
  it('join the group of their time while it has not left, in their place', () => {
    const { state, grouped } = placed([entryAt(1_000), entryAt(1_050), entryAt(1_020)]);
    expect(state.open?.members.map(({ timestampMs }) => timestampMs)).toEqual([1_000, 1_020, 1_050]);
    expect(grouped.map(({ isLate }) => isLate)).toEqual([false, false, true]);
    expect(new Set(grouped.map(({ groupId }) => groupId)).size).toBe(1);
  });

  it('of a group that has left are gathered for a while, then told in a message of their own', () => {
    const { state, left, grouped } = placed([entryAt(1_000), entryAt(1_500), entryAt(1_010), entryAt(1_020)], 2_000);
    expect(left).toMatchObject([{ count: 1, untilMs: 1_100 }]);
    expect(state.late).toMatchObject([{ count: 2, lateFor: left[0]?.id, fromMs: 1_000, untilMs: 1_100 }]);
    expect(grouped[2]).toMatchObject({ isLate: true, groupId: grouped[3]?.groupId });
    const after = leave(state, 2_000 + LATE_GATHERED_MS);
    expect(after.left.map(({ count, lateFor }) => [count, lateFor])).toEqual([
      [2, left[0]?.id],
      [1, undefined],
    ]);
    expect(Object.keys(after.left[0] ?? {})).not.toContain('leavesMs');
    expect(leave(after.state, Number.POSITIVE_INFINITY).left).toEqual([]);
  });

  it('of no group open one that is late', () => {
    const { state, grouped } = placed([entryAt(5_000), entryAt(1_000)], 6_000);
    expect(state.late).toMatchObject([{ count: 1, fromMs: 1_000, untilMs: 1_100 }]);
    expect(grouped[1]?.isLate).toBe(true);
  });

  it('keep few groups waiting: the first leaves', () => {
    const times = [1_000, 2_000, 3_000, 4_000, 5_000];
    const { state, left } = placed([entryAt(9_000), ...times.map((time) => entryAt(time))], 9_500);
    expect(state.late).toHaveLength(4);
    expect(left).toMatchObject([{ fromMs: 1_000, count: 1 }]);
  });
});

describe('a message', () => {
  it('names the first and counts the rest', () => {
    const { state } = placed(Array.from({ length: MEMBERS_MAX + 7 }, (_, at) => entryAt(1_000 + at)));
    const [message] = leave(state, 2_000).left;
    expect([message?.members.length, message?.count]).toEqual([MEMBERS_MAX, MEMBERS_MAX + 7]);
    expect(message?.members[0]?.timestampMs).toBe(1_000);
  });

  it('counts values, and those of too many rows among the others', () => {
    const row = (value: string) => ({ table: [{ name: 'user.name', value }] });
    const entries = Array.from({ length: TABLE_ROWS_MAX + 3 }, (_, at) => entryAt(1_000 + at, row(`user ${at}`)));
    const again = [
      entryAt(1_090, row('user 1')),
      entryAt(1_091, { table: [{ name: 'process.name', value: 'user 1' }] }),
    ];
    const [message] = leave(placed([...entries, ...again]).state, 2_000).left;
    expect(message?.table?.rows).toHaveLength(TABLE_ROWS_MAX);
    expect(message?.table?.rows[1]).toEqual({ values: ['user 1'], count: 2 });
    expect(message?.table?.others).toBe(4);
  });

  it('leaves at the next time of a schedule', () => {
    const schedule = parseSchedule('*/10 * * * *');
    if (schedule === undefined) throw new Error('a schedule');
    const span = { kind: 'schedule', text: schedule.text } as const;
    const { left, state } = placed([entryAt(60_000, { span }), entryAt(599_999, { span }), entryAt(600_000, { span })]);
    expect(left).toMatchObject([{ count: 2, untilMs: 600_000 }]);
    expect(state.open).toMatchObject({ count: 1, untilMs: 1_200_000 });
  });
});
