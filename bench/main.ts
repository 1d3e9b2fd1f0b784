// Runs the benchmarks and prints their figures: `npm run bench -- [--short] [--part=WORD] [NAME…]`; of `ingest` the parts
// that a word names may be run alone. Each compares in one run, as ratios, because
// machines are noisy; bench/results/ keeps runs with the description of their machine. One that cannot run here fails.
import { readFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';

const BENCHES = {
  collector: () => import('./collector/cost.ts'),
  'collector-quota': () => import('./collector/quota.ts'),
  import: () => import('./import.ts'),
  'audit-rules': () => import('./audit-rules.ts'),
  ingest: () => import('./ingest.ts'),
  store: () => import('./store.ts'),
  engine: () => import('./engine.ts'),
  engines: () => import('./engines.ts'),
  sigma: () => import('./sigma.ts'),
  hostile: () => import('./hostile.ts'),
  expressions: () => import('./expressions.ts'),
  'alert-latency': () => import('./alert-latency.ts'),
} as const;

const argv = process.argv.slice(2);
const isShort = argv.includes('--short');
const options = { isShort, part: argv.find((argument) => argument.startsWith('--part='))?.slice('--part='.length) };
const asked = argv.filter((argument) => !argument.startsWith('-'));
const unknown = asked.filter((name) => !Object.hasOwn(BENCHES, name));
if (unknown.length > 0) {
  console.error(`no benchmark is called ${unknown.join(', ')}; there are: ${Object.keys(BENCHES).join(', ')}`);
  process.exit(2);
}

const distribution = /^PRETTY_NAME="?([^"\n]*)/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? 'Linux';
console.log(
  `${cpus().length} × ${cpus()[0]?.model.trim()}, ${(totalmem() / 2 ** 30).toFixed(0)} GiB, Linux ${release()}, ` +
    `${distribution}, Node ${process.versions.node}${isShort ? ', short' : ''}`,
);
for (const [name, load] of Object.entries(BENCHES)) {
  if (asked.length > 0 && !asked.includes(name)) continue;
  console.log(`\n## ${name}`);
  const { run } = await load();
  for (const line of await run(options)) console.log(line);
}
