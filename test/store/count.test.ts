// What an aggregate means, case by case.
import { describe, expect, it } from 'vitest';
import { combinationsOf, createCount } from '../../store/query/count.ts';

const connection = (user: string | undefined, ip: string, port: number) => ({
  ...(user === undefined ? {} : { user: { name: user } }),
  destination: { ip, port },
});

describe('counting', () => {
  it('counts by values, those with most first, and distinct values within each and over all', () => {
    const count = createCount({ groupBy: ['user.name'], distinct: ['destination.ip', 'destination.port'], limit: 10 });
    count.event(connection('bob', '10.0.0.1', 443), 1);
    count.event(connection('ann', '10.0.0.1', 443), 2);
    count.event(connection('ann', '10.0.0.1', 443), 3);
    count.event(connection('ann', '10.0.0.2', 443), 4);
    count.event(connection(undefined, '10.0.0.9', 22), 5);
    count.event({ user: { name: 'eve' } }, 6);
    expect(count.result()).toEqual({
      groups: [
        { keys: ['ann'], count: 3, distinct: 2 },
        { keys: [null], count: 1, distinct: 1 },
        { keys: ['bob'], count: 1, distinct: 1 },
        { keys: ['eve'], count: 1, distinct: 0 },
      ],
      combinations: 4,
      events: 6,
      distinct: 3,
      isExact: true,
    });
  });

  it('counts in one group what it counts over all, past half a million different values too', () => {
    const count = createCount({ groupBy: [], distinct: ['destination.ip'], limit: 1 });
    const different = 600_000;
    count.group([], undefined, different);
    for (let n = 0; n < different; n++) count.seen([], undefined, [`10.${n}`]);
    count.matched(different);
    count.event(connection('ann', '10.7', 443), 1);
    expect(count.result()).toEqual({
      groups: [{ keys: [], count: different + 1, distinct: different }],
      combinations: 1,
      events: different + 1,
      distinct: different,
      isExact: true,
    });
  });

  it('parts by time, also before 1970, and leaves empty buckets out', () => {
    const count = createCount({ groupBy: [], bucketMs: 1_000, limit: 1 });
    for (const at of [-1, 0, 999, 3_000]) count.event({}, at);
    expect(count.result().groups).toEqual([
      { keys: [], bucketMs: -1_000, count: 1 },
      { keys: [], bucketMs: 0, count: 2 },
      { keys: [], bucketMs: 3_000, count: 1 },
    ]);
  });

  it('counts an event once for each of its values, numbers and texts alike', () => {
    expect(combinationsOf({ a: ['x', 'y', 'x'], b: 1 }, ['a', 'b', 'c'])).toEqual([
      ['x', '1', null],
      ['y', '1', null],
    ]);
  });

  it('is bounded by what one event may say', () => {
    const many = Array.from({ length: 5_000 }, (_, n) => `v${n}`);
    expect(combinationsOf({ a: many, b: many }, ['a', 'b'])).toHaveLength(1_000);
  });
});
