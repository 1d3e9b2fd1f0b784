// Loss against CPU quota: how much of a load of a given rate is stored by a collector whose cgroup may use so much of a core, and how much
// of the rest its loss records name. Serials that are missing are counted exactly; what the kernel dropped before it had a serial is in the
// kernel's own count, which also has records of events that are stored as incomplete: stored and named must cover all that
// happened. The quota holds from the moment when the
// collector is ready until the load has ended; then it is lifted, so that what the kernel still held can come.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { type Cgroup, makeCgroup } from './cgroup.ts';
import { compileLoads, type Loads } from './load.ts';
import type { Running } from './subject.ts';
import { inTurn } from './turn.ts';
import { TO_SERVER } from './vedette.ts';

const QUOTAS = [0.05, 0.1, 0.2, 0.5];
const RATES = [200, 1_000, 5_000];
const WARM_UP_EVENTS = 10_000;
const WARM_UP_RATE = 5_000;
/** Serials are told as missing 5 s after the socket was seen empty, or a minute after they should have come; then they are shipped. */
const NAMED_WITHIN_MS = 90_000;
const POLL_MS = 500;
/** Events that the load's own beginning and end may differ by. */
const SLACK_EVENTS = 10;

interface Cell {
  readonly quota: number;
  readonly rate: number;
  readonly happened: number;
  readonly stored: number;
  readonly namedAtLeast: number;
  readonly namedAtMost: number;
  readonly cpuShare: number;
}

export async function run({ isShort }: { readonly isShort: boolean }): Promise<readonly string[]> {
  const seconds = isShort ? 8 : 15;
  const cells = QUOTAS.flatMap((quota) => RATES.map((rate) => ({ quota, rate })));
  const asked = isShort ? cells.filter(({ quota, rate }) => rate === 5_000 && quota === 0.05) : cells;
  const work = mkdtempSync(join(tmpdir(), 'vedette-bench-'));
  try {
    const loads = compileLoads(work);
    const measured: Cell[] = [];
    for (const { quota, rate } of asked) {
      const happened = rate * seconds;
      const cgroup = makeCgroup(`quota-${process.pid}`);
      const body = async (): Promise<Cell> => {
        const running = await TO_SERVER.start(cgroup, []);
        try {
          return { quota, rate, ...(await measure(running, cgroup, loads, { quota, rate, happened })) };
        } finally {
          await running.stop();
        }
      };
      const cell = await inTurn(body);
      console.error(row(cell));
      measured.push(cell);
    }
    for (const cell of measured) {
      const { happened, stored, namedAtLeast, namedAtMost } = cell;
      const told = `${happened} events happened, ${stored} are stored, ${namedAtLeast} to ${namedAtMost} named as lost`;
      if (stored + namedAtMost < happened - SLACK_EVENTS) throw new Error(`losses without a name: ${told}`);
      if (stored + namedAtLeast > happened + SLACK_EVENTS) throw new Error(`losses that did not happen: ${told}`);
    }
    const head = [
      '| CPU quota | events/s | stored | named as lost | CPU used while it lasted |',
      '|---|---|---|---|---|',
    ];
    return [`${seconds} s of load in each cell, events shipped to a server on loopback`, ...head, ...measured.map(row)];
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

async function measure(
  running: Running,
  cgroup: Cgroup,
  loads: Loads,
  plan: { readonly quota: number; readonly rate: number; readonly happened: number },
): Promise<Omit<Cell, 'quota' | 'rate'>> {
  await loads.mix(WARM_UP_EVENTS, WARM_UP_RATE);
  const storedBefore = await settled(running);
  const namedBefore = await named(running);
  const [cpuBefore, fromMs] = [cgroup.cpuMicroseconds(), performance.now()];
  cgroup.setQuota(plan.quota);
  await loads.mix(plan.happened, plan.rate);
  const cpuShare = (cgroup.cpuMicroseconds() - cpuBefore) / ((performance.now() - fromMs) * 1_000);
  cgroup.setQuota(2);
  // The load's own beginning and end are three events more than what was asked for.
  const happened = plan.happened + 3;
  for (const liftedMs = performance.now(); ; ) {
    const stored = (await settled(running)) - storedBefore;
    const now = await named(running);
    const namedAtLeast = now.namedAtLeast - namedBefore.namedAtLeast;
    const namedAtMost = now.namedAtMost - namedBefore.namedAtMost;
    if (stored + namedAtMost >= happened - SLACK_EVENTS || performance.now() - liftedMs > NAMED_WITHIN_MS)
      return { happened, stored, namedAtLeast, namedAtMost, cpuShare };
  }
}

/** The count of events when it stands still. */
async function settled(running: Running): Promise<number> {
  let last = -1;
  for (let same = 0; same < 4; ) {
    const now = await running.events();
    same = now === last ? same + 1 : 0;
    last = now;
    await pause(POLL_MS);
  }
  return last;
}

async function named(running: Running): Promise<{ readonly namedAtLeast: number; readonly namedAtMost: number }> {
  const told = await running.named?.();
  if (told === undefined) throw new Error('the subject does not say what it lost');
  return told;
}

function row({ quota, rate, happened, stored, namedAtLeast, namedAtMost, cpuShare }: Cell): string {
  const share = (value: number) => ((value / happened) * 100).toFixed(1);
  const named = namedAtMost === 0 ? '0' : `${share(namedAtLeast)} to ${share(namedAtMost)} %`;
  return `| ${quota * 100} % | ${rate.toLocaleString('en')} | ${share(stored)} % | ${named} | ${(cpuShare * 100).toFixed(0)} % |`;
}
