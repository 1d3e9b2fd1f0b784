// From the log into partitions: each event once and in order, the next ones read while others are stored, whatever fails.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createLineMemory } from '../../store/embedded/line-memory.ts';
import { createLoader } from '../../store/embedded/loader.ts';
import type { EventLog } from '../../store/embedded/log.ts';
import type { LoadInMemory, Partitions } from '../../store/embedded/partitions.ts';
import { createTail } from '../../store/embedded/tail.ts';

const FULL_LOAD = 8_192;
const BYTES = Buffer.from('{}');

interface Filing {
  /** What is to happen to each reading and each storing, in turn; then all go well. */
  readonly fates: readonly boolean[];
  readonly events: number;
}

function filing({ fates, events }: Filing) {
  const left = [...fates];
  const steps: string[] = [];
  const stored: number[] = [];
  const tail = createTail(0, { pendingBytes: 1e9, recentEvents: 10, recentBytes: 1e9 }, createLineMemory());
  tail.push(Array.from({ length: events }, (_, at) => ({ seq: at + 1, bytes: BYTES, from: 0, to: 2, length: 3 })));
  const slices = new Map<unknown, readonly [after: number, last: number]>();
  const slice: EventLog['slice'] = (after, { events: most }) => {
    const lastSeq = Math.min(events, after + most);
    const parts = [{ path: 'log', from: after, to: lastSeq }];
    slices.set(parts, [after, lastSeq]);
    return { parts, lastSeq, events: lastSeq - after, bytes: 3 * (lastSeq - after) };
  };
  const fate = (): void => {
    if (left.shift() === false) throw new Error('it was not to be');
  };
  const partitions: Pick<Partitions, 'prepare' | 'load'> = {
    async prepare({ parts, nowMs }) {
      const [after, last] = slices.get(parts) ?? [0, 0];
      steps.push(`read ${after}`);
      await Promise.resolve();
      fate();
      return { number: last, nowMs, prepared: { periods: [String(after)], ids: [], damagedLines: 0 } };
    },
    async load(load) {
      const { number: last, prepared } = load as LoadInMemory;
      const after = Number(prepared.periods[0]);
      steps.push(`store ${after}`);
      await Promise.resolve();
      fate();
      for (let seq = after + 1; seq <= last; seq++) stored.push(seq);
      steps.push(`stored ${last}`);
    },
  };
  const loader = createLoader({
    log: { slice, removeUpTo: async () => undefined } as unknown as EventLog,
    tail,
    partitions: partitions as Partitions,
    nowMs: () => 0,
    delayMs: 0,
    doubtfulSeq: 0,
    loaded: () => undefined,
    warn: () => undefined,
  });
  return { loader, tail, steps, stored };
}

describe('filing', () => {
  it('reads the next events while those before are stored, where many wait', async () => {
    const { loader, steps } = filing({ fates: [], events: 2 * FULL_LOAD + 5 });
    await loader.flush();
    expect(steps).toEqual([
      'read 0',
      `read ${FULL_LOAD}`,
      'store 0',
      `stored ${FULL_LOAD}`,
      `store ${FULL_LOAD}`,
      `stored ${2 * FULL_LOAD}`,
      `read ${2 * FULL_LOAD}`,
      `store ${2 * FULL_LOAD}`,
      `stored ${2 * FULL_LOAD + 5}`,
    ]);
  });

  it('stores each event once and in order, whatever fails in between', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.boolean(), { maxLength: 12 }),
        fc.integer({ min: 1, max: 4 * FULL_LOAD }),
        async (fates, events) => {
          const { loader, tail, stored } = filing({ fates, events });
          // A failure ends a flush; each takes one of the fates.
          for (let attempt = 0; attempt <= fates.length; attempt++) await loader.flush().catch(() => undefined);
          expect(stored).toEqual(Array.from({ length: events }, (_, at) => at + 1));
          expect([tail.loadedSeq, tail.pendingEvents]).toEqual([events, 0]);
          await loader.stop();
        },
      ),
      { numRuns: 30 },
    );
  });
});
