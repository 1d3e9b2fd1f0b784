import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Lineage } from '../../audit/event.ts';
import { createProcessTable } from '../../collector/lineage/process-table.ts';
import { type SimulatedEvent, SimulatedHost, type Truth } from './simulated-host.ts';

/** At most 20,000 pids a second are given out. */
const PIDS_PER_MS = 20;
/** Starts that lie further apart are told apart. */
const TELLABLE_MS = 300;

interface Step {
  readonly kind: 'fork' | 'reuse' | 'exec' | 'call' | 'exit' | 'setsid';
  readonly who: number;
  readonly gapMs: number;
  readonly isAudited: boolean;
}

const steps = fc.array(
  fc.record<Step>({
    kind: fc.constantFrom('fork', 'fork', 'reuse', 'reuse', 'exec', 'exec', 'call', 'call', 'exit', 'exit', 'setsid'),
    who: fc.nat(1_000),
    gapMs: fc.constantFrom(0, 1, 3, 20, 200, 2_000, 20_000),
    isAudited: fc.boolean(),
  }),
  { minLength: 40, maxLength: 200 },
);

/** Plays the steps; every few of them the table reads what has queued up. */
function play(
  history: readonly Step[],
  drainEvery: number,
  judge: (event: SimulatedEvent, lineage: Lineage) => void,
): void {
  const host = new SimulatedHost();
  const table = createProcessTable({ hostId: 'h', bootId: 'b', proc: host.proc() });
  const queue: SimulatedEvent[] = [];
  const dead: number[] = [];
  const others = (): readonly Truth[] => host.living.filter((one) => one !== host.init);
  const pick = (who: number): Truth => host.living[who % host.living.length] ?? host.init;
  const pickOther = (who: number): Truth | undefined => others()[who % Math.max(1, others().length)];
  for (const [at, { kind, who, gapMs, isAudited }] of history.entries()) {
    host.nowMs += gapMs;
    host.spin(Math.floor((gapMs * PIDS_PER_MS * (who % 100)) / 100));
    const actor = pick(who);
    const wanted = dead[who % Math.max(1, dead.length)];
    if (kind === 'fork' || kind === 'reuse') {
      // The pid of one that ended comes round if the circle can have got there.
      const canBe =
        kind === 'reuse' && wanted !== undefined && host.distance(wanted) <= Math.max(1, gapMs * PIDS_PER_MS);
      const child = host.fork(actor, canBe ? wanted : undefined);
      if (isAudited) queue.push(host.event(actor, 'fork', { exit: child.pid }));
      if (who % 3 === 0) {
        host.exec(child, `p${who}`);
        queue.push(host.event(child, 'execve'));
      }
    } else if (kind === 'exec') {
      const one = pickOther(who);
      if (one !== undefined) {
        host.exec(one, `p${who}`);
        queue.push(host.event(one, 'execve'));
      }
    } else if (kind === 'call') queue.push(host.event(actor, 'connect'));
    else if (kind === 'setsid') {
      const one = pickOther(who);
      if (one !== undefined) {
        one.session = one.pid;
        if (isAudited) queue.push(host.event(one, 'setsid'));
      }
    } else {
      const one = pickOther(who);
      if (one !== undefined) {
        if (isAudited) queue.push(host.event(one, 'exit_group'));
        host.exit(one);
        dead.push(one.pid);
      }
    }
    if (at % drainEvery !== 0) continue;
    for (const event of queue.splice(0)) {
      table.see(event, event.call, host.nowMs);
      judge(event, table.lineage(event.call.pid ?? 0, event.call.ppid));
    }
    if (who % 7 === 0) for (const entry of [...table.entries()]) table.sweep(entry, host.nowMs);
  }
}

/**
 * Which true process an entity id was given to. Two processes may share one where nothing tells them apart: forks of one parent
 * that ran one program and were gone before anybody looked, or that had the same pid within the clocks' precision.
 */
function naming() {
  const byId = new Map<string, { readonly truth: Truth; readonly name: string }>();
  return {
    isOf: (id: string, truth: Truth): boolean => {
      const known = byId.get(id);
      if (known === undefined) byId.set(id, { truth, name: truth.name });
      if (known === undefined || known.truth === truth) return true;
      const isTwin = known.truth.mother === truth.mother && !known.truth.isAlive;
      return isTwin && (known.name === truth.name || truth.startMs - known.truth.startMs < TELLABLE_MS);
    },
  };
}

describe('whatever pids are used again', () => {
  it('no parent, ancestor or session leader is ever another process than the true one', () => {
    let parents = 0;
    let unknown = 0;
    fc.assert(
      fc.property(steps, fc.integer({ min: 1, max: 12 }), (history, drainEvery) => {
        const names = naming();
        play(history, drainEvery, (event, lineage) => {
          if (lineage.process !== undefined) expect(names.isOf(lineage.process.entityId, event.actor)).toBe(true);
          if (lineage.parent === undefined) unknown += event.parent === undefined ? 0 : 1;
          else {
            parents += 1;
            expect(lineage.parent.pid).toBe(event.parent?.pid);
            expect(names.isOf(lineage.parent.entityId, event.parent as Truth)).toBe(true);
          }
          // Who was given a new parent before anybody looked shows that one: an ancestor, but not the next.
          let mother = event.actor.mother;
          for (const ancestor of lineage.ancestors) {
            while (mother !== undefined && mother.pid !== ancestor.pid) mother = mother.mother;
            expect(mother?.pid).toBe(ancestor.pid);
            expect(names.isOf(ancestor.entityId, mother as Truth)).toBe(true);
            mother = mother?.mother;
          }
        });
      }),
      { numRuns: 150 },
    );
    // The claim must not hold by knowing nothing.
    expect(parents).toBeGreaterThan(unknown * 2);
    expect(parents).toBeGreaterThan(500);
  });
});
