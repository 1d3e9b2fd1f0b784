import { describe, expect, it } from 'vitest';
import type { NewEvent } from '../../event/document.ts';
import { readRuleText } from '../../rules/rule-files.ts';
import type { QuarantineRecord } from '../../server/quarantine-book.ts';
import { createRuleCatchUp, type JudgeAgain } from '../../server/rule-catch-up.ts';
import { openMemoryStore } from '../../store/memory/memory-store.ts';
import { execEvent, START_MS } from './server-under-test.ts';

const RULE = 'id: shells\nname: Shells\nseverity: low\nmatch: process.name = "bash"\n';
const KINDS = { single: '', folded: 'threshold: { count: 2, within: 1m }\nby: [host.id]\n' };
const fromMs = START_MS + 1_000;
const untilMs = START_MS + 5_000;

interface Setting {
  readonly kind?: keyof typeof KINDS;
  readonly hostId?: string;
  readonly doneMs?: number;
  readonly mayJudge?: (call: number) => boolean;
  readonly settledMs?: () => number;
  /** Quarantined again, for this host (undefined: for all), once so many steps were judged. */
  readonly again?: { readonly hostId: string | undefined; readonly afterSteps: number };
}

/** 3 events in each second of ten, of two hosts, some of them in the same millisecond. */
async function stage(setting: Setting) {
  const { kind = 'single', hostId, mayJudge = () => true, settledMs = () => untilMs } = setting;
  const { rules } = readRuleText('shells.yaml', RULE + KINDS[kind], new Map());
  const store = openMemoryStore();
  const events = Array.from({ length: 3_000 }, (_, at) =>
    execEvent(at % 2 === 0 ? 'h1' : 'h2', at + 1, { createdMs: START_MS + Math.floor(at / 9) * 30 }),
  );
  await store.append(events);
  const record: QuarantineRecord = {
    ...{ seq: 7, ruleId: 'shells', ruleVersion: rules[0]?.version ?? '', hostId, fromMs, untilMs, reason: '' },
    ...{ atMs: 0, released: { by: 'maria', atMs: 0 }, isCaughtUp: false },
  };
  let list = [record];
  const keepAgain = (): void => {
    const { released: _, ...kept } = record;
    const again = { seq: 8, hostId: setting.again?.hostId, fromMs: untilMs, untilMs: undefined, released: undefined };
    list = [...list, { ...kept, ...again }];
  };
  if (setting.again?.afterSteps === 0) keepAgain();
  const judged: string[] = [];
  const steps: { readonly events: readonly NewEvent[]; readonly doneMs: number }[] = [];
  const judgeAgain: JudgeAgain = (given, _rule, { doneMs }) => {
    if (!mayJudge(steps.length)) return false;
    steps.push({ events: given, doneMs });
    if (steps.length === setting.again?.afterSteps) keepAgain();
    judged.push(...given.map(({ id }) => id));
    return true;
  };
  const catchUp = createRuleCatchUp({
    store,
    quarantines: {
      list: () => list,
      caughtUp: () => {
        list = list.map((one) => (one.seq === record.seq ? { ...one, isCaughtUp: true } : one));
      },
    },
    epochsSince: () => [{ fromMs: 0, rules }],
    isEvaluated: () => true,
    settledMs,
    judgeAgain,
    doneMs: () => setting.doneMs,
    onCaughtUp: () => undefined,
    onNotice: () => undefined,
    waitMs: 1,
  });
  const missed = events.filter(({ document }) => {
    const createdMs = Date.parse(String((document['event'] as { readonly created: string }).created));
    const host = (document['host'] as { readonly id: string }).id;
    return createdMs >= fromMs && createdMs < untilMs && (hostId === undefined || host === hostId);
  });
  const idsOf = (some: readonly NewEvent[]) => some.map(({ id }) => id).sort();
  const release = (): void => {
    list = list.filter(({ seq }) => seq === record.seq);
  };
  return { catchUp, judged, steps, missed: idsOf(missed), isCaughtUp: () => list[0]?.isCaughtUp === true, release };
}

describe('a released rule', () => {
  it.each([
    ['every host', {}],
    ['one host', { hostId: 'h2' }],
  ] as const)('judges each event of its quarantine of %s once', async (_name, setting) => {
    const { catchUp, judged, missed, isCaughtUp } = await stage(setting);
    catchUp.wake();
    await catchUp.idle();
    expect([...judged].sort()).toEqual(missed);
    expect(missed.length).toBeGreaterThan(500);
    expect(isCaughtUp()).toBe(true);
  });

  it('goes on after a kill where what it found was committed', async () => {
    const whole = await stage({});
    whole.catchUp.wake();
    await whole.catchUp.idle();
    expect(whole.steps.length).toBeGreaterThan(3);
    for (const cut of [1, 2, 3]) {
      const rest = await stage({ doneMs: whole.steps[cut - 1]?.doneMs ?? 0 });
      rest.catchUp.wake();
      await rest.catchUp.idle();
      const before = whole.steps.slice(0, cut).flatMap(({ events }) => events.map(({ id }) => id));
      expect([...before, ...rest.judged].sort()).toEqual(whole.missed);
    }
  });

  it('stops where it costs too much again, and is not caught up', async () => {
    const { catchUp, steps, isCaughtUp } = await stage({ mayJudge: (call) => call < 2 });
    catchUp.wake();
    await catchUp.idle();
    expect([steps.length, isCaughtUp()]).toEqual([2, false]);
  });

  it.each([
    ['before it began', { hostId: 'h2', again: { hostId: 'h2', afterSteps: 0 } }, 0],
    ['for every host', { hostId: 'h2', again: { hostId: undefined, afterSteps: 1 } }, 1],
    ['for one of its hosts', { again: { hostId: 'h1', afterSteps: 2 } }, 2],
  ] as const)(
    'that is quarantined again %s is given nothing until it is released again',
    async (_name, setting, before) => {
      const { catchUp, judged, steps, missed, isCaughtUp, release } = await stage(setting);
      for (let wakes = 0; wakes < 2; wakes += 1) {
        catchUp.wake();
        await catchUp.idle();
        expect([steps.length, isCaughtUp()]).toEqual([before, false]);
      }
      release();
      judged.length = 0;
      catchUp.wake();
      await catchUp.idle();
      expect([judged.sort(), isCaughtUp()]).toEqual([missed, true]);
    },
  );

  it('of one host goes on though another host’s events keep it', async () => {
    const { catchUp, judged, missed } = await stage({ hostId: 'h2', again: { hostId: 'h1', afterSteps: 0 } });
    catchUp.wake();
    await catchUp.idle();
    expect(judged).toHaveLength(missed.length);
  });

  it('waits until everything up to its release was read', async () => {
    let settledMs = 0;
    const { catchUp, judged, missed } = await stage({ settledMs: () => (settledMs += untilMs / 5) });
    catchUp.wake();
    expect(judged).toEqual([]);
    await catchUp.idle();
    expect(settledMs).toBeGreaterThanOrEqual(untilMs);
    expect(judged).toHaveLength(missed.length);
  });

  it('on many events does not catch up: it comes into force anew', async () => {
    const whole = await stage({ kind: 'folded' });
    whole.catchUp.wake();
    await whole.catchUp.idle();
    expect([whole.judged, whole.isCaughtUp()]).toEqual([[], true]);
    const ofHost = await stage({ kind: 'folded', hostId: 'h1' });
    ofHost.catchUp.wake();
    await ofHost.catchUp.idle();
    expect([ofHost.judged, ofHost.isCaughtUp()]).toEqual([[], false]);
  });
});
