// An attacker's program starts while the network is cut, then a flood fills the spool until it has to give events up: the start of the
// program is there afterwards, whatever the flood is made of, and what was given up is told.
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { compile } from '../harness/c-program.ts';
import {
  eventually,
  type Installation,
  makeInstallation,
  type RunningProcess,
  TEST_UID,
} from '../harness/installation.ts';
import { freePort } from '../harness/receivers.ts';
import { type Relay, startRelay } from '../harness/relay.ts';
import {
  atMost,
  drained,
  type LossRecord,
  lossRecords,
  missingFrom,
  repeated,
  searchEach,
  storedExecs,
  unexplained,
} from './account.ts';
import { runLoadgen, runNumbered, type Truth } from './numbered-workload.ts';

const SPOOL_MIB = 8;
const FLOOD_CALLS = Number(process.env['VEDETTE_FAULT_FLOOD'] ?? 15_000);
/** Another user, who shares the group by which the audit rules are limited. */
const OTHER_UID = TEST_UID + 1;
/** Events of other making that a full spool may count: the collector's own, the workload's beginning and end. */
const OTHER_EVENTS_MAX = 200;

const work = mkdtempSync(join(tmpdir(), 'vedette-fault-'));
const folder = join(work, 'load');
let installation: Installation;
let relay: Relay;
let server: RunningProcess | undefined;
let collector: RunningProcess | undefined;

beforeAll(() => {
  chmodSync(work, 0o755);
  mkdirSync(folder);
  chmodSync(folder, 0o777);
  compile('fault/child.c', join(work, 'child'), '-static');
});

beforeEach(async () => {
  const port = await freePort();
  relay = await startRelay(port);
  installation = makeInstallation({
    port,
    collectorServerUrl: `http://127.0.0.1:${relay.port}`,
    rulesScope: `gid=${TEST_UID}`,
    collectorYaml: `  spool: { max_bytes: ${SPOOL_MIB}MiB }`,
    shippedRules: false,
  });
  server = await installation.start('server');
  collector = await installation.start('collector');
  return async () => {
    await collector?.stop();
    await server?.stop();
    await relay.close();
    installation.remove();
  };
});

afterAll(() => rmSync(work, { recursive: true, force: true }));

/** The exploit, then the flood, both behind the cut; then the network comes back. Where the flood is numbered, its truth. */
async function underFlood(flood: () => Promise<Truth | undefined>) {
  // The host is known and its token there: only what comes now has to wait.
  await runNumbered({ work, name: 'before', first: 0, count: 1, rate: 0, gid: TEST_UID });
  await eventually('the first exec at the server', async () => {
    const found = await storedExecs(installation, 'before', { fromMs: fromMs - 10_000, untilMs: Date.now() + 1_000 });
    return found.length === 1 ? true : undefined;
  });
  relay.cut();
  await runNumbered({ work, name: 'exploit', first: 0, count: 1, rate: 0, gid: TEST_UID });
  const truth = await flood();
  relay.mend();
  await drained(installation);
  const span = { fromMs: fromMs - 10_000, untilMs: Date.now() + 1_000 };
  const losses = await lossRecords(installation, span);
  return { truth, span, losses, exploits: await storedExecs(installation, 'exploit', span) };
}

/** Those that say how much it was at the most: an unknown number would explain anything. */
const bounded = (losses: readonly LossRecord[]): readonly LossRecord[] =>
  losses.filter(({ atMost: most }) => most !== undefined);

const told = (losses: readonly LossRecord[]): string =>
  `all told: ${losses.map(({ source, atLeast, atMost: most }) => `${source} ${atLeast} to ${most}`).join(', ')}`;

let fromMs: number;
beforeEach(() => {
  fromMs = Date.now();
});

describe('a full spool', () => {
  it('keeps an exec through a flood of file events by the same user, and tells how many of them it gave up', async () => {
    const { span, losses, exploits } = await underFlood(async () => {
      await runLoadgen(work, '-m', 'unlink', '-n', FLOOD_CALLS, '-u', TEST_UID, '-d', folder);
      return undefined;
    });
    let stored = 0;
    await searchEach(installation, 'process.name:loadgen AND event.category:file', span, () => {
      stored += 1;
    });
    const evicted = losses.filter(({ source }) => source === 'spool');
    const happened = 2 * FLOOD_CALLS;
    console.log(`${happened} file events: ${stored} stored, ${atMost(evicted)} told as evicted, ${told(losses)}`);
    expect(exploits.map(({ number }) => number)).toEqual([0]);
    expect(evicted.length).toBeGreaterThan(0);
    expect(stored).toBeLessThan(happened);
    // On a machine that has others to run, the kernel's queue may have been full as well.
    expect(stored + atMost(bounded(losses))).toBeGreaterThanOrEqual(happened);
    expect(stored + losses.reduce((sum, loss) => sum + (loss.atLeast ?? 0), 0)).toBeLessThanOrEqual(
      happened + OTHER_EVENTS_MAX,
    );
  });

  it.each([
    { who: 'another user', uid: OTHER_UID },
    { who: 'the same user', uid: TEST_UID },
  ])('keeps an exec through a flood of execs by $who, and tells which of them it gave up', async ({ uid }) => {
    const flood = { work, name: 'flood', first: 0, count: FLOOD_CALLS, rate: 0, uid, gid: TEST_UID };
    const { truth = new Map(), span, losses, exploits } = await underFlood(() => runNumbered(flood));
    const stored = await storedExecs(installation, 'flood', span);
    const missing = missingFrom(truth, stored);
    const evicted = losses.filter(({ source }) => source === 'spool');
    console.log(`${truth.size} execs: ${stored.length} stored, ${atMost(evicted)} told as evicted, ${told(losses)}`);
    expect(evicted.length).toBeGreaterThan(0);
    expect(missing.length).toBeGreaterThan(0);
    expect(repeated(stored)).toEqual([]);
    expect(unexplained(truth, missing, losses)).toEqual([]);
    expect(atMost(bounded(losses))).toBeGreaterThanOrEqual(missing.length);
    expect(exploits.map(({ number }) => number)).toEqual([0]);
  });
});
