// Which groups a process takes and gives up, as a table; and how its plan and those of others come to rest.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LEASE_EXPIRES_MS, LEASE_PROVEN_MS, planLeases } from '../../server/shared/lease-plan.ts';

const lease = (group: number, owner: string | null, unchangedMs = 0) => ({ group, owner, unchangedMs });
const member = (name: string, held: number, unchangedMs = 0) => ({ name, held, unchangedMs });
const DEAD_MS = LEASE_EXPIRES_MS + 1;

describe('a process alone', () => {
  it('takes all that nobody holds', () => {
    const leases = [lease(0, null), lease(1, null)];
    expect(planLeases({ me: 'a', held: [], leases, members: [] })).toEqual({ take: [0, 1], release: [] });
  });

  it('takes what it held in the eyes of others and does not run', () => {
    const leases = [lease(0, 'a'), lease(1, 'a')];
    expect(planLeases({ me: 'a', held: [1], leases, members: [] })).toEqual({ take: [0], release: [] });
  });
});

describe('beside others', () => {
  it('a lease is left alone until this process has seen it unchanged for long enough', () => {
    const plan = (unchangedMs: number) =>
      planLeases({ me: 'a', held: [], leases: [lease(0, 'b', unchangedMs)], members: [member('b', 1, 60_000)] });
    expect(plan(LEASE_EXPIRES_MS - 1).take).toEqual([]);
    expect(plan(LEASE_EXPIRES_MS).take).toEqual([0]);
  });

  it('an owner stops believing in its lease before others do', () => {
    expect(LEASE_PROVEN_MS).toBeLessThan(LEASE_EXPIRES_MS);
  });

  it('gives up what is more than its share, one at a time', () => {
    const leases = [0, 1, 2, 3].map((group) => lease(group, 'a'));
    const members = [member('a', 4), member('b', 0)];
    expect(planLeases({ me: 'a', held: [0, 1, 2, 3], leases, members })).toEqual({ take: [], release: [3] });
    expect(planLeases({ me: 'b', held: [], leases, members })).toEqual({ take: [], release: [] });
  });

  it('property: each group comes to one process, all to those that live, evenly, and then nothing moves', () => {
    const names = ['a', 'b', 'c', 'd', 'e'];
    const check = fc.property(
      fc.integer({ min: 1, max: 12 }),
      fc.subarray(names, { minLength: 1 }),
      fc.array(fc.option(fc.constantFrom(...names), { nil: null }), { minLength: 12, maxLength: 12 }),
      (groups, alive, owners) => {
        const held = new Map(
          names.map((name) => [name, owners.slice(0, groups).flatMap((owner, at) => (owner === name ? [at] : []))]),
        );
        const look = (me: string) => {
          const owner = (group: number) => names.find((name) => held.get(name)?.includes(group)) ?? null;
          const leases = Array.from({ length: groups }, (_, group) => {
            const by = owner(group);
            return lease(group, by, by === null || alive.includes(by) ? 0 : DEAD_MS);
          });
          const members = names.map((name) =>
            member(name, held.get(name)?.length ?? 0, alive.includes(name) ? 0 : DEAD_MS),
          );
          return planLeases({ me, held: held.get(me) ?? [], leases, members });
        };
        for (let round = 0; round < 30; round += 1) {
          for (const me of alive) {
            const { take, release } = look(me);
            for (const [name, own] of held)
              held.set(
                name,
                own.filter((group) => !take.includes(group) && !(name === me && release.includes(group))),
              );
            held.set(
              me,
              [...(held.get(me) ?? []), ...take].sort((a, b) => a - b),
            );
          }
        }
        const counts = alive.map((name) => held.get(name)?.length ?? 0);
        expect(counts.reduce((sum, count) => sum + count, 0)).toBe(groups);
        expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
        for (const me of alive) expect(look(me)).toEqual({ take: [], release: [] });
      },
    );
    fc.assert(check);
  });
});
