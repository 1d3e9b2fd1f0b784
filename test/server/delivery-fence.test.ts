import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { OrderKey } from '../../event/order.ts';
import { createDeliveryFence, type DeliveryFence, type Standing } from '../../server/delivery-fence.ts';

const LATENESS_MS = 10_000;
const STALE_MS = 90_000;
const NOW_MS = 1_000_000;

function fence(unreadIdsMax?: number): DeliveryFence & { advances: number } {
  const counted = {
    advances: 0,
    ...createDeliveryFence({
      latenessMs: LATENESS_MS,
      staleAfterMs: STALE_MS,
      onAdvance: () => {
        counted.advances += 1;
      },
      ...(unreadIdsMax === undefined ? {} : { unreadIdsMax }),
    }),
  };
  return counted;
}

/** One that follows from the start of an empty store. */
function caughtUp(): ReturnType<typeof fence> {
  const made = fence();
  made.caughtUp(made.mark());
  return made;
}

const upTo = (position: number, createdMs = NOW_MS): Standing => ({
  kind: 'progress',
  progress: { bootId: 'b', position, createdMs },
});
const order = (hostId: string, position: number, createdMs = NOW_MS): OrderKey => ({
  createdMs,
  hostId,
  bootId: 'b',
  position,
  id: `${hostId}.${position}`,
});
const at = { nowMs: NOW_MS };
const passed = (of: DeliveryFence, hostId: string, position: number, nowMs = NOW_MS) =>
  of.watermarks(nowMs).hostPassed(order(hostId, position));

function deliver(to: DeliveryFence, hostId: string, ids: readonly string[], standing?: Standing): void {
  to.settle(to.begin(hostId, ids, at), [], standing);
}

describe('a progress holds', () => {
  it('only once all events that came with it or before it are read', () => {
    const of = caughtUp();
    deliver(of, 'h', ['1'], upTo(1));
    of.read(['1']);
    expect(passed(of, 'h', 1)).toBe(true);
    deliver(of, 'h', ['2'], undefined);
    deliver(of, 'h', ['3', '4'], upTo(4));
    of.read(['3', '4']);
    expect(passed(of, 'h', 2)).toBe(false);
    of.read(['2']);
    expect([2, 4, 5].map((position) => passed(of, 'h', position))).toEqual([true, true, false]);
  });

  it('also where the follower reads an event before its append resolves', () => {
    const of = caughtUp();
    const delivery = of.begin('h', ['1'], at);
    of.read(['1']);
    of.settle(delivery, [], upTo(1));
    expect(passed(of, 'h', 1)).toBe(true);
    expect(of.unread()).toBe(0);
  });

  it('without waiting for what was not stored', () => {
    const of = caughtUp();
    of.settle(of.begin('h', ['1', '2'], at), ['1'], upTo(2));
    of.read(['2']);
    expect(passed(of, 'h', 2)).toBe(true);
  });

  it('but waits for the original of a duplicate', () => {
    const of = caughtUp();
    deliver(of, 'h', ['1'], undefined);
    of.settle(of.begin('h', ['1'], at), ['1'], upTo(1));
    expect(of.watermarks(NOW_MS).hostPassed(order('h', 1))).toBe(false);
    of.read(['1']);
    deliver(of, 'h', ['2'], undefined);
    of.settle(of.begin('h', ['2'], at), ['2'], upTo(2));
    expect(passed(of, 'h', 2)).toBe(false);
    of.read(['2']);
    expect(passed(of, 'h', 2)).toBe(true);
  });

  it('of hosts known before the start, once the follower came to the store’s end by a look begun after', () => {
    const of = fence();
    of.restore('h', { bootId: 'b', position: 5, createdMs: NOW_MS }, { nowMs: NOW_MS, isAbsent: false });
    of.holdAll(NOW_MS);
    expect(passed(of, 'h', 5)).toBe(false);
    const early = of.mark();
    deliver(of, 'h', ['6'], upTo(6));
    of.read(['6']);
    of.caughtUp(early);
    expect([5, 6].map((position) => passed(of, 'h', position))).toEqual([true, false]);
    expect(of.needsCatchUp()).toBe(true);
    of.caughtUp(of.mark());
    expect(passed(of, 'h', 6)).toBe(true);
    expect(of.needsCatchUp()).toBe(false);
  });

  it('of more unread events than are remembered, once the follower came to the end', () => {
    const of = fence(2);
    of.caughtUp(of.mark());
    deliver(of, 'h', ['1'], upTo(1));
    deliver(of, 'h', ['2', '3'], upTo(3));
    expect(of.unread()).toBe(1);
    of.read(['1', '2', '3']);
    expect([1, 3].map((position) => passed(of, 'h', position))).toEqual([true, false]);
    of.caughtUp(of.mark());
    expect(passed(of, 'h', 3)).toBe(true);
  });

  it('property: never before everything up to its position was read, whatever the order of reading', () => {
    const requests = fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(
        requests,
        fc.integer({ min: 1, max: 20 }),
        fc.infiniteStream(fc.nat()),
        (sizes, unreadIdsMax, draw) => {
          const of = fence(unreadIdsMax);
          of.restore('h', { bootId: 'b', position: 0, createdMs: 0 }, { nowMs: NOW_MS, isAbsent: false });
          of.caughtUp(of.mark());
          const unread: number[] = [];
          let position = 0;
          const check = (): void => {
            const least = unread.length === 0 ? position + 1 : Math.min(...unread);
            for (let behind = least; behind <= position; behind++) expect(passed(of, 'h', behind)).toBe(false);
          };
          const readOne = (): void => {
            const [read] = unread.splice((draw.next().value ?? 0) % unread.length, 1);
            of.read([String(read)]);
            check();
          };
          for (const size of sizes) {
            const positions = Array.from({ length: size }, () => ++position);
            const delivery = of.begin('h', positions.map(String), at);
            unread.push(...positions);
            if (unread.length > 0 && (draw.next().value ?? 0) % 2 === 0) readOne();
            of.settle(delivery, [], upTo(position));
            check();
            while (unread.length > 0 && (draw.next().value ?? 0) % 3 > 0) readOne();
          }
          while (unread.length > 0) readOne();
          of.caughtUp(of.mark());
          expect(passed(of, 'h', position)).toBe(true);
        },
      ),
    );
  });
});

describe('who is waited for', () => {
  it('nobody who is absent, until they speak again', () => {
    const of = caughtUp();
    deliver(of, 'h', ['1'], upTo(1));
    of.read(['1']);
    deliver(of, 'h', ['s'], { kind: 'absent' });
    expect(passed(of, 'h', 9)).toBe(false);
    of.read(['s']);
    expect(passed(of, 'h', 9)).toBe(true);
    of.begin('h', ['2'], at);
    expect(passed(of, 'h', 9)).toBe(false);
  });

  it('a host that was never heard of, until the first that it brings is read', () => {
    const of = caughtUp();
    const old = NOW_MS - 10 * LATENESS_MS;
    const first = of.begin('h', ['1', '2', '3'], at);
    of.read(['1', '2']);
    expect(of.watermarks(NOW_MS).hostPassed(order('h', 1, old))).toBe(false);
    expect(of.watermarks(NOW_MS).hostPassed(order('other', 1, old))).toBe(true);
    expect(of.settledMs(NOW_MS)).toBe(NOW_MS);
    of.settle(first, [], upTo(3, old));
    of.read(['3']);
    expect(of.watermarks(NOW_MS).hostPassed(order('h', 3, old))).toBe(true);
    expect(of.watermarks(NOW_MS).hostPassed(order('h', 4, old))).toBe(false);
  });

  it('one that tells no progress only for its first', () => {
    const of = caughtUp();
    const old = order('h', 1, NOW_MS - 10 * LATENESS_MS);
    const first = of.begin('h', ['1'], at);
    expect(of.watermarks(NOW_MS).hostPassed(old)).toBe(false);
    of.settle(first, [], undefined);
    of.read(['1']);
    expect(of.watermarks(NOW_MS).hostPassed(old)).toBe(true);
    of.begin('h', ['2'], at);
    expect(of.watermarks(NOW_MS).hostPassed(old)).toBe(true);
  });

  it('one that was never heard of, where a commit fails meanwhile, until all of it was read again', () => {
    const of = caughtUp();
    const old = order('h', 1, NOW_MS - 10 * LATENESS_MS);
    const first = of.begin('h', ['1', '2'], at);
    of.read(['1']);
    of.holdAll(NOW_MS);
    of.settle(first, [], upTo(2, NOW_MS - 10 * LATENESS_MS));
    of.read(['2']);
    expect(of.watermarks(NOW_MS).hostPassed(old)).toBe(false);
    of.caughtUp(of.mark());
    expect(of.watermarks(NOW_MS).hostPassed(old)).toBe(true);
  });

  it('one that signed off and spoke again before that was read, from where it stood', () => {
    const of = caughtUp();
    const stood = NOW_MS - 10 * LATENESS_MS;
    deliver(of, 'h', ['1'], upTo(1, stood));
    of.read(['1']);
    deliver(of, 'h', ['2'], { kind: 'absent' });
    const again = of.begin('h', ['3'], at);
    of.read(['2']);
    expect(of.watermarks(NOW_MS).hostPassed(order('h', 3, stood))).toBe(false);
    of.settle(again, [], upTo(3, stood));
    of.read(['3']);
    expect(of.watermarks(NOW_MS).hostPassed(order('h', 3, stood))).toBe(true);
  });

  it('across hosts the one furthest behind, but no longer than the lateness', () => {
    const of = caughtUp();
    deliver(of, 'a', [], upTo(1, NOW_MS));
    deliver(of, 'b', [], upTo(1, NOW_MS - 5_000));
    const all = (createdMs: number, nowMs: number) => of.watermarks(nowMs).allPassed(order('a', 0, createdMs));
    expect(all(NOW_MS - 1, NOW_MS)).toBe(false);
    expect(all(NOW_MS - 5_001, NOW_MS)).toBe(true);
    expect(all(NOW_MS - 1, NOW_MS + 5_001)).toBe(true);
    expect(of.settledMs(NOW_MS)).toBe(NOW_MS - 5_000);
  });

  it('while the engine has events to read, the lateness does not run', () => {
    const of = caughtUp();
    deliver(of, 'a', [], upTo(1, NOW_MS));
    deliver(of, 'b', [], upTo(1, NOW_MS - 5_000));
    deliver(of, 'b', ['2'], upTo(2, NOW_MS));
    const passedAt = (nowMs: number) => of.watermarks(nowMs).allPassed(order('a', 0, NOW_MS - 1));
    expect(passedAt(NOW_MS + 60_000)).toBe(false);
    of.read(['2']);
    expect(passedAt(NOW_MS + 60_000)).toBe(true);
  });

  it('nobody who speaks but sends no progress any more', () => {
    const of = caughtUp();
    deliver(of, 'h', [], upTo(1, NOW_MS - 1_000));
    expect(passed(of, 'h', 9, NOW_MS + STALE_MS)).toBe(false);
    expect(passed(of, 'h', 9, NOW_MS + STALE_MS + 1)).toBe(true);
  });

  it('the server itself, while an event of its own is on its way', () => {
    const of = caughtUp();
    deliver(of, 'a', [], upTo(1, NOW_MS + 10));
    const delivery = of.begin('silent', ['s'], { nowMs: NOW_MS, ownCreatedMs: NOW_MS });
    const all = () => of.watermarks(NOW_MS).allPassed(order('a', 0, NOW_MS + 1));
    expect(all()).toBe(false);
    of.settle(delivery, [], { kind: 'absent' });
    of.read(['s']);
    expect(all()).toBe(true);
  });

  it('after a commit that failed nothing holds until all was read again', () => {
    const of = caughtUp();
    deliver(of, 'h', ['1'], upTo(1));
    of.read(['1']);
    of.holdAll(NOW_MS);
    expect(passed(of, 'h', 1)).toBe(false);
    of.caughtUp(of.mark());
    expect(passed(of, 'h', 1)).toBe(true);
  });

  it('a host whose token was revoked is not', () => {
    const of = caughtUp();
    deliver(of, 'h', [], upTo(1));
    of.dismiss('h');
    expect(passed(of, 'h', 9)).toBe(true);
    expect(of.advances).toBeGreaterThan(0);
  });

  it('nor for what a revoked host had sent, whatever of it is still to be read', () => {
    const of = caughtUp();
    deliver(of, 'h', [], upTo(1));
    deliver(of, 'h', ['2'], undefined);
    deliver(of, 'h', ['3'], undefined);
    of.dismiss('h');
    of.read(['2']);
    expect(passed(of, 'h', 9)).toBe(true);
    of.read(['3']);
    expect(passed(of, 'h', 9)).toBe(true);
  });
});
