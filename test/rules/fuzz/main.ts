// `npm run fuzz:expressions -- [--cases N] [--seed N]`: the official engine and ours on a million cases; ends with 1 and the seeds
// where anything differs, or where the index would miss an event.
import { checkCandidates, compareOne, createTally, type Difference } from './compare.ts';

const DIFFERENCES_MAX = 20;

function tell({ seed: at, source, event, official, ours }: Difference): void {
  console.log(`seed ${at}\n  ${source}\n  on ${event}\n  official ${official}\n  ours     ${ours}`);
  process.exitCode = 1;
}

const argument = (name: string, otherwise: number): number => {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? otherwise : Number(process.argv[at + 1]);
};
const cases = argument('cases', 1_000_000);
const seed = argument('seed', Date.now() % 1_000_000_000);
console.log(`seed ${seed}, ${cases} cases of values and error codes, then as many of the candidate index`);

for (const [name, check] of Object.entries({ values: compareOne, candidates: checkCandidates })) {
  const tally = createTally();
  const begin = process.cpuUsage();
  let next = seed;
  let told = 0;
  while (tally.cases < cases && tally.differences.length < DIFFERENCES_MAX) {
    const before = tally.differences.length;
    await check(next, tally);
    next += 1;
    for (const difference of tally.differences.slice(before)) tell(difference);
    if (tally.cases - told < 100_000) continue;
    told = tally.cases;
    console.log(`${name}: ${told} cases, ${tally.differences.length} differences`);
  }
  const { user, system } = process.cpuUsage(begin);
  console.log(
    `${name}: ${tally.cases} cases, ${tally.values} ${name === 'values' ? 'values' : 'passed over'}, ${tally.errors} errors of ` +
      `${tally.codes.size} codes, ${tally.known} known differences, ${((user + system) / 1e6).toFixed(0)} s of CPU`,
  );
}
