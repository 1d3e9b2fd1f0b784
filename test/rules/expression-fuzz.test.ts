// The whole language against the official engine, ten thousand cases each: the same values and error codes, and no event missed by
// the index. `npm run fuzz:expressions` does it a million times.
import { describe, expect, it } from 'vitest';
import { checkCandidates, compareOne, createTally, type Tally } from './fuzz/compare.ts';

const CASES = 10_000;
const SEED = 1_000_000;

async function run(check: (seed: number, tally: Tally) => Promise<void>): Promise<Tally> {
  const tally = createTally();
  for (let seed = SEED; tally.cases < CASES; seed += 1) await check(seed, tally);
  return tally;
}

describe('random expressions of the whole language', { timeout: 300_000 }, () => {
  it('have the official value or error code', async () => {
    const tally = await run(compareOne);
    expect(tally.differences).toEqual([]);
    expect(tally.values, 'too few values').toBeGreaterThan(CASES / 3);
    expect(tally.codes.size, 'too few kinds of errors').toBeGreaterThan(20);
    expect(tally.known, 'too many that are not compared').toBeLessThan(CASES / 20);
  });

  it('are never kept from an event on which they are true', async () => {
    const tally = await run(checkCandidates);
    expect(tally.differences).toEqual([]);
    expect(tally.values, 'the index passes over too few events').toBeGreaterThan(CASES / 3);
  });
});
