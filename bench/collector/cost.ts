// What a collector costs its host, beside its peers, in one run and in turns with the same audit rules, read back from the kernel: CPU of
// its cgroup for each event by rate, CPU when idle, memory, bytes written, and the time that an audited program start takes its user.
// "First" is the first load after the start, compiled by nobody yet; all else is measured after a warm-up.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { memoryMib } from '../process-cost.ts';
import { AUDITD_ENRICHED, AUDITD_RAW, LAUREL } from './auditd.ts';
import { type Cgroup, makeCgroup } from './cgroup.ts';
import { compileLoads, type Latency, type Loads } from './load.ts';
import type { Running, Subject } from './subject.ts';
import { inTurn } from './turn.ts';
import { packaged, TO_SERVER, TO_SERVER_TLS, TO_SPOOL } from './vedette.ts';

interface Plan {
  readonly rounds: number;
  readonly idleMs: number;
  readonly warmUpEvents: number;
  readonly starts: number;
  readonly loads: readonly { readonly name: string; readonly events: number; readonly rate: number }[];
}

const FIRST_EVENTS = 5_000;
const WARM_UP_RATE = 5_000;
const START_RATE = 1_000;
const SETTLE_MS = 1_500;
const POLL_MS = 250;

interface Cost {
  readonly microseconds: number;
  readonly events: number;
  readonly bytes: number;
}
interface Findings {
  readonly loads: Map<string, Cost>;
  readonly idleShare: number;
  readonly rssMib: number;
  readonly rssHighestMib: number;
  readonly latency: Latency;
  readonly note: string | undefined;
}

export async function run({ isShort }: { readonly isShort: boolean }): Promise<readonly string[]> {
  const plan = planOf(isShort);
  const subjects = [
    AUDITD_RAW,
    AUDITD_ENRICHED,
    ...(existsSync('/usr/sbin/laurel') ? [LAUREL] : []),
    TO_SPOOL,
    TO_SERVER,
    TO_SERVER_TLS,
    ...packaged(),
  ];
  const work = mkdtempSync(join(tmpdir(), 'vedette-bench-'));
  try {
    const loads = compileLoads(work);
    const rules = await inTurn(() => inCgroup(TO_SPOOL, [], async () => loadedRules()));
    const found = new Map<Subject, Findings[]>(subjects.map((subject) => [subject, []]));
    for (let round = 0; round < plan.rounds; round += 1) {
      for (const subject of round % 2 === 0 ? subjects : subjects.toReversed()) {
        const body = (running: Running, cgroup: Cgroup) => measured(running, cgroup, loads, plan, rules);
        found.get(subject)?.push(await inTurn(() => inCgroup(subject, rules, body)));
      }
    }
    const head = `${rules.length} audit rules, ${plan.rounds} round${plan.rounds === 1 ? '' : 's'}, medians`;
    return [head, ...report(plan, found)];
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function planOf(isShort: boolean): Plan {
  const [flood, slow, seconds] = isShort ? [10_000, 3, 3] : [100_000, 20, 15];
  return {
    rounds: isShort ? 1 : 3,
    idleMs: isShort ? 3_000 : 30_000,
    warmUpEvents: isShort ? 5_000 : 25_000,
    starts: isShort ? 1_000 : 5_000,
    loads: [
      { name: 'flood', events: flood, rate: 0 },
      { name: '200/s', events: 200 * slow, rate: 200 },
      { name: '1,000/s', events: 1_000 * seconds, rate: 1_000 },
      { name: '5,000/s', events: 5_000 * (seconds / 2), rate: 5_000 },
    ],
  };
}

async function inCgroup<T>(
  subject: Subject,
  rules: readonly string[],
  body: (running: Running, cgroup: Cgroup) => Promise<T>,
): Promise<T> {
  const cgroup = makeCgroup(`bench-${process.pid}`);
  const running = await subject.start(cgroup, rules).catch(async (error: unknown) => {
    // What failed is told, not that its cgroup may be gone already.
    await cgroup.remove().catch(() => undefined);
    throw error;
  });
  try {
    return await body(running, cgroup);
  } finally {
    await running.stop();
  }
}

/** The audit rules as auditctl prints them, without those that exclude processes, and without those whose list it has no word for. */
function loadedRules(): readonly string[] {
  const lines = execFileSync('auditctl', ['-l']).toString().split('\n');
  return lines.filter((line) => line.startsWith('-a always,exit') || line.startsWith('-w'));
}

async function measured(
  running: Running,
  cgroup: Cgroup,
  loads: Loads,
  plan: Plan,
  rules: readonly string[],
): Promise<Findings> {
  if (loadedRules().toSorted().join('\n') !== rules.toSorted().join('\n'))
    throw new Error('the kernel has other audit rules than those to compare with');
  await pause(SETTLE_MS);
  const idleFrom = cgroup.cpuMicroseconds();
  await pause(plan.idleMs);
  const idleShare = (cgroup.cpuMicroseconds() - idleFrom) / (plan.idleMs * 1_000);
  const costs = new Map<string, Cost>();
  costs.set('first', await costOf(running, cgroup, () => loads.mix(FIRST_EVENTS, WARM_UP_RATE)));
  await costOf(running, cgroup, () => loads.mix(plan.warmUpEvents, WARM_UP_RATE));
  for (const load of plan.loads)
    costs.set(load.name, await costOf(running, cgroup, () => loads.mix(load.events, load.rate)));
  const latency = await loads.starts(plan.starts, START_RATE);
  const memory = cgroup.pids().map(memoryMib);
  return {
    loads: costs,
    idleShare,
    latency,
    rssMib: memory.reduce((sum, { now }) => sum + now, 0),
    rssHighestMib: memory.reduce((sum, { highest }) => sum + highest, 0),
    note: await running.note?.(),
  };
}

/** CPU from before the load to the moment when its last event had come out. */
async function costOf(running: Running, cgroup: Cgroup, load: () => Promise<void>): Promise<Cost> {
  const [cpuBefore, eventsBefore, bytesBefore] = [
    cgroup.cpuMicroseconds(),
    await running.events(),
    await running.bytes(),
  ];
  await load();
  let events = -1;
  let cpu = 0;
  for (let same = 0; same < 3; ) {
    await pause(POLL_MS);
    const [cpuNow, eventsNow] = [cgroup.cpuMicroseconds(), await running.events()];
    if (eventsNow === events) {
      same += 1;
      continue;
    }
    [events, cpu, same] = [eventsNow, cpuNow, 0];
  }
  return { microseconds: cpu - cpuBefore, events: events - eventsBefore, bytes: (await running.bytes()) - bytesBefore };
}

function report(plan: Plan, found: ReadonlyMap<Subject, readonly Findings[]>): readonly string[] {
  const peer = found.get(AUDITD_RAW) ?? [];
  const perEvent = (findings: readonly Findings[], load: string): number =>
    median(findings.map(({ loads }) => (loads.get(load)?.microseconds ?? Number.NaN) / (loads.get(load)?.events ?? 0)));
  const lines: string[] = [];
  for (const load of ['first', ...plan.loads.map(({ name }) => name)]) {
    const eventsOf = (findings: readonly Findings[]) =>
      median(findings.map(({ loads }) => loads.get(load)?.events ?? 0));
    const most = Math.max(...[...found.values()].map(eventsOf));
    for (const [{ name }, findings] of found) {
      const own = perEvent(findings, load);
      const events = eventsOf(findings);
      const bytes = median(findings.map(({ loads }) => (loads.get(load)?.bytes ?? 0) / (loads.get(load)?.events ?? 0)));
      lines.push(
        `${load.padEnd(8)} ${name.padEnd(20)} ${own.toFixed(1).padStart(6)} µs/event  ` +
          `${(own / perEvent(peer, load)).toFixed(2)} × auditd RAW  ${events} events${events < most ? ` (${most - events} missing)` : ''}  ` +
          `${bytes.toFixed(0)} bytes/event`,
      );
    }
  }
  const p99 = (findings: readonly Findings[]) => median(findings.map(({ latency }) => latency.p99));
  for (const [{ name }, findings] of found) {
    const of = (value: (one: Findings) => number) => median(findings.map(value));
    const note = findings[0]?.note;
    lines.push(
      `idle     ${name.padEnd(20)} ${(of(({ idleShare }) => idleShare) * 100).toFixed(2)} % of a core  ` +
        `RSS ${of(({ rssMib }) => rssMib).toFixed(0)} MiB, at most ${of(({ rssHighestMib }) => rssHighestMib).toFixed(0)}  ` +
        `exec p50 ${of(({ latency }) => latency.p50).toFixed(0)} µs, p99 ${p99(findings).toFixed(0)} µs, ` +
        `${(p99(findings) / p99(peer)).toFixed(2)} × auditd RAW's${note === undefined ? '' : `  ${note}`}`,
    );
  }
  return lines;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}
