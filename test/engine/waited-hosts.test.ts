// Watermarks kept in order say what watermarks made anew say.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createWaitedHosts } from '../../engine/waited-hosts.ts';
import type { Progress } from '../../event/progress.ts';
import { watermarksAt } from '../../server/delivery-fence.ts';

const STALE_MS = 30;
const hostId = fc.constantFrom('h0', 'h1', 'h2', 'h3', 'h4');
const bootId = fc.constantFrom('b1', 'b2');
const createdMs = fc.integer({ min: 950, max: 1_050 });
const position = fc.integer({ min: -1, max: 3 });
const change = fc.oneof(
  fc.record({
    kind: fc.constant('set' as const),
    hostId,
    progress: fc.record({ bootId, position, createdMs }),
    agoMs: fc.nat(40),
  }),
  fc.record({ kind: fc.constant('delete' as const), hostId }),
  fc.record({ kind: fc.constant('passes' as const), ms: fc.nat(15) }),
);
const order = fc.record({
  createdMs,
  hostId: fc.constantFrom('h0', 'h2', 'h4', 'other', ''),
  bootId,
  position,
  id: fc.constant('e'),
});

describe('hosts that are waited for, kept in order', () => {
  it('say what all of them say when they are asked one by one', () => {
    const check = fc.property(
      fc.array(change, { maxLength: 40 }),
      fc.array(order, { minLength: 5, maxLength: 12 }),
      fc.option(createdMs, { nil: undefined }),
      (changes, orders, ownMs) => {
        const waited = createWaitedHosts(STALE_MS);
        const plain = new Map<string, { readonly progress: Progress; readonly arrivedMs: number }>();
        let readUntilMs = 1_000;
        for (const one of changes) {
          if (one.kind === 'passes') readUntilMs += one.ms;
          else if (one.kind === 'delete') {
            waited.delete(one.hostId);
            plain.delete(one.hostId);
          } else {
            const arrivedMs = readUntilMs - one.agoMs;
            waited.set(one.hostId, one.progress, arrivedMs);
            plain.set(one.hostId, { progress: one.progress, arrivedMs });
          }
          const marks = waited.watermarks({ readUntilMs, latenessMs: 10, ownMs });
          const fresh = [...plain].filter(([, { arrivedMs }]) => readUntilMs - arrivedMs <= STALE_MS);
          const progress = new Map(fresh.map(([host, { progress: own }]) => [host, own]));
          const expected = watermarksAt(progress, { readUntilMs, latenessMs: 10, ownMs });
          for (const latenessMs of [undefined, 0, 25]) {
            expect(marks.allTimeMs(latenessMs)).toBe(expected.allTimeMs(latenessMs));
            for (const at of orders) expect(marks.allPassed(at, latenessMs)).toBe(expected.allPassed(at, latenessMs));
          }
          for (const at of orders) {
            expect(marks.hostPassed(at)).toBe(expected.hostPassed(at));
            expect(marks.hostTimeMs(at.hostId)).toBe(expected.hostTimeMs(at.hostId));
          }
          expect(marks.latestMs()).toBe(expected.latestMs());
        }
      },
    );
    fc.assert(check, { numRuns: 200 });
  });
});
