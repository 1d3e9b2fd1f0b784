import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createDueHeap } from '../../engine/folding/due-heap.ts';

describe('what falls due', () => {
  it('comes the earliest first, equal times by name, whatever is over in between', () => {
    const dues = fc.array(fc.tuple(fc.nat(50), fc.nat(1e6), fc.boolean()), { maxLength: 3_000, size: 'max' });
    fc.assert(
      fc.property(dues, (given) => {
        const over = new Set<string>();
        const heap = createDueHeap<string>(
          (name) => name,
          (name) => over.has(name),
        );
        const left: string[] = [];
        for (const [at, [atMs, number, isOver]] of given.entries()) {
          const name = `${number} ${at}`;
          heap.push(atMs, name);
          if (isOver) over.add(name);
          else left.push(`${String(atMs).padStart(2)} ${name}`);
        }
        const taken: string[] = [];
        for (;;) {
          const atMs = heap.firstMs();
          const name = heap.take(50);
          if (name === undefined) break;
          if (!over.has(name)) taken.push(`${String(atMs).padStart(2)} ${name}`);
        }
        expect(taken).toEqual(left.sort());
        expect(heap.size()).toBe(0);
      }),
      { numRuns: 30 },
    );
  });

  it('keeps little of what is over: a flood of keys that come and go is not kept until it would have been due', () => {
    const gone = new Set<number>();
    const heap = createDueHeap<number>(String, (key) => gone.has(key));
    for (let key = 0; key < 50_000; key += 1) {
      heap.push(key, key);
      gone.add(key - 100);
    }
    expect(heap.size()).toBeLessThanOrEqual(1_024 + 100);
    expect(heap.take(50_000)).toBeGreaterThan(48_000);
  });
});
