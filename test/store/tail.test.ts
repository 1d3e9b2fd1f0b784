// The newest events in memory: which are there, and that memory which is used again is nobody's any more.
import { setImmediate as nextTurn } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { StoredEvent } from '../../event/document.ts';
import { createLineMemory, type LineMemory } from '../../store/embedded/line-memory.ts';
import { encodeLines, type RawLine } from '../../store/embedded/log-lines.ts';
import { createTail, type Tail, type TailLimits } from '../../store/embedded/tail.ts';

const FILLER = 'x'.repeat(1_000);

interface Known {
  readonly timestampMs: number;
  readonly createdMs: number;
}

/** Lines as the log answers an append with them. */
function linesOf(
  memory: LineMemory,
  first: number,
  count: number,
): { readonly lines: readonly RawLine[]; readonly known: readonly Known[] } {
  const events = Array.from({ length: count }, (_, at) => ({
    id: `e-${first + at}`,
    json: JSON.stringify({ number: first + at, filler: FILLER }),
  }));
  const { bytes, end, starts } = encodeLines(first, events, memory.take);
  const lines = starts.map((start, at): RawLine => {
    const next = starts[at + 1] ?? end;
    return { seq: first + at, bytes, from: bytes.indexOf(0x7b, start), to: next - 1, length: next - start };
  });
  return { lines, known: lines.map(({ seq }) => ({ timestampMs: seq, createdMs: seq })) };
}

function tailOf(limits: Partial<TailLimits> = {}) {
  const memory = createLineMemory();
  const tail = createTail(0, { pendingBytes: 1e9, recentEvents: 0, recentBytes: 0, ...limits }, memory);
  const push = (count: number): void => {
    const { lines, known } = linesOf(memory, tail.lastSeq + 1, count);
    tail.push(lines, known);
  };
  return { memory, tail, push };
}

function load(tail: Tail, seq: number): void {
  tail.markLoaded(seq, { events: seq - tail.loadedSeq, bytes: 0 });
}

describe('the tail', () => {
  it('gives followers each event once and in order, at once or lasting, whatever is appended, loaded and asked', async () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant('turn' as const) }),
      fc.record({ kind: fc.constant('push' as const), count: fc.integer({ min: 1, max: 150 }) }),
      fc.record({ kind: fc.constant('load' as const), count: fc.integer({ min: 1, max: 200 }) }),
      fc.record({
        kind: fc.constant('follow' as const),
        count: fc.integer({ min: 1, max: 90 }),
        isReadAtOnce: fc.boolean(),
      }),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 40 }),
        fc.integer({ min: 0, max: 120 }),
        async (steps, recentEvents) => {
          const { tail, push } = tailOf({ recentEvents, recentBytes: 1e9 });
          let place = 0;
          const lasting: StoredEvent[] = [];
          for (const one of steps) {
            if (one.kind === 'turn') await nextTurn();
            else if (one.kind === 'push') push(one.count);
            else if (one.kind === 'load') load(tail, Math.min(tail.lastSeq, tail.loadedSeq + one.count));
            else {
              // What was dropped is read elsewhere.
              place = Math.max(place, tail.coveredFrom);
              const read = tail.follow(place, one.count, one.isReadAtOnce);
              expect(read.map(({ seq }) => seq)).toEqual(
                Array.from({ length: Math.min(one.count, tail.lastSeq - place) }, (_, at) => place + 1 + at),
              );
              for (const { seq, id, document, unparsed } of read) {
                expect([id, document['number'], unparsed?.createdMs]).toEqual([`e-${seq}`, seq, seq]);
              }
              if (!one.isReadAtOnce) lasting.push(...tail.follow(place, one.count, false));
              place = read.at(-1)?.seq ?? place;
            }
            expect(tail.lastSeq - tail.coveredFrom).toBeGreaterThanOrEqual(tail.lastSeq - tail.loadedSeq);
            const { entries, release } = tail.after(tail.loadedSeq);
            expect(entries).toHaveLength(tail.lastSeq - tail.loadedSeq);
            release();
          }
          for (const { seq, document } of lasting) expect(document['number']).toBe(seq);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('uses memory again once its events are dropped, and not before the turn of the loop is over', async () => {
    const { memory, tail, push } = tailOf();
    push(200);
    load(tail, 200);
    expect(memory.freeBytes()).toBe(0);
    await nextTurn();
    const free = memory.freeBytes();
    expect(free).toBeGreaterThan(200_000);
    push(200);
    expect(memory.freeBytes()).toBe(0);
    load(tail, 400);
    await nextTurn();
    expect(memory.freeBytes()).toBe(free);
  });

  it('keeps memory that a search holds until it lets go', async () => {
    const { memory, tail, push } = tailOf();
    push(200);
    const { entries, release } = tail.after(0);
    load(tail, 200);
    await nextTurn();
    expect(memory.freeBytes()).toBe(0);
    expect(entries.map(({ document }) => document['number'])).toEqual(Array.from({ length: 200 }, (_, at) => at + 1));
    release();
    release();
    await nextTurn();
    expect(memory.freeBytes()).toBeGreaterThan(200_000);
  });

  it('never takes other lines for an event that was to be read at once, and says so; what was to last does', async () => {
    const { tail, push } = tailOf();
    push(200);
    const [early] = tail.follow(0, 1, true);
    const [lasting] = tail.follow(0, 1, false);
    load(tail, 200);
    await nextTurn();
    push(200);
    expect(() => early?.document).toThrow('was to be read at once');
    expect(() => early?.unparsed?.bytes).toThrow('was to be read at once');
    expect(lasting?.document['number']).toBe(1);
  });

  it('drops what waits and has no room, from the oldest on', () => {
    const { tail, push } = tailOf({ pendingBytes: 100_000 });
    push(200);
    expect(tail.coveredFrom).toBeGreaterThan(90);
    expect(tail.follow(tail.coveredFrom, 1_000, true)).toHaveLength(200 - tail.coveredFrom);
    expect([tail.pendingEvents, tail.at(tail.coveredFrom), tail.at(200)?.id]).toEqual([200, undefined, 'e-200']);
  });

  it('keeps apart lines that are no neighbours, as a damaged log leaves them', () => {
    const { memory, tail } = tailOf();
    const { lines } = linesOf(memory, 1, 5);
    tail.push(lines.filter(({ seq }) => seq !== 3));
    expect(tail.follow(0, 10, false).map(({ seq, id }) => `${seq} ${id}`)).toEqual([
      '1 e-1',
      '2 e-2',
      '4 e-4',
      '5 e-5',
    ]);
    expect([tail.at(3), tail.at(4)?.id, tail.lastSeq]).toEqual([undefined, 'e-4', 5]);
  });
});

describe('memory of lines', () => {
  it('keeps a bounded amount, and nothing that is not its own', async () => {
    const memory = createLineMemory();
    const taken = Array.from({ length: 50 }, () => memory.take(1_000_000));
    for (const one of taken) memory.giveBack(one.subarray(0, 10));
    for (const one of taken) memory.giveBack(one);
    memory.giveBack(Buffer.allocUnsafeSlow(1_000_000));
    await nextTurn();
    expect(memory.freeBytes()).toBeLessThanOrEqual(32 * 1024 * 1024);
    expect(memory.freeBytes()).toBeGreaterThan(30 * 1024 * 1024);
    expect(memory.take(999_000).length).toBeGreaterThanOrEqual(999_000);
    expect(memory.take(10_000_000).length).toBeGreaterThanOrEqual(10_000_000);
  });
});
