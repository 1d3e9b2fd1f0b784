// CPU per event of the collector beside auditd (Debian's, RAW to file), in turns on the same load with the same audit rules: those
// that the collector loads, read back with auditctl. The load is bench/loadgen.c under a uid of its own: exec, open, connect, unlink.
import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { StatusResponse } from '../server/api.ts';
import { compile } from '../test/harness/c-program.ts';
import { eventually, makeInstallation, type RunningProcess, TEST_UID } from '../test/harness/installation.ts';
import { freePort } from '../test/harness/receivers.ts';
import { cpuMs, memoryMib } from './process-cost.ts';

interface Load {
  readonly name: string;
  readonly calls: number;
  /** Calls a second; 0 as fast as can be. */
  readonly rate: number;
}
interface Cost {
  readonly microsecondsPerEvent: number;
  readonly events: number;
  readonly rssMib: number;
}

const SUBJECTS = ['auditd', 'collector to spool', 'collector to server'] as const;
type Subject = (typeof SUBJECTS)[number];

export async function run({ isShort }: { readonly isShort: boolean }): Promise<readonly string[]> {
  const loads: readonly Load[] = [
    { name: 'flood', calls: isShort ? 30_000 : 200_000, rate: 0 },
    { name: '1,000/s', calls: isShort ? 8_000 : 30_000, rate: 1_000 },
  ];
  const rounds = isShort ? 1 : 3;
  const work = mkdtempSync(join(tmpdir(), 'vedette-bench-'));
  chmodSync(work, 0o755);
  const loadgen = join(work, 'loadgen');
  compile('../bench/loadgen.c', loadgen);
  mkdirSync(join(work, 'load'));
  chmodSync(join(work, 'load'), 0o777);
  try {
    const lines: string[] = [];
    for (const load of loads) {
      const costs: Record<Subject, Cost[]> = { auditd: [], 'collector to spool': [], 'collector to server': [] };
      const rules = await collectorRules();
      for (let round = 0; round < rounds; round += 1) {
        const order = round % 2 === 0 ? SUBJECTS : SUBJECTS.toReversed();
        for (const subject of order) {
          const run =
            subject === 'auditd' ? underAuditd(rules, work) : underCollector(subject === 'collector to server');
          costs[subject].push(await measured(await run, () => generate(loadgen, load, join(work, 'load'))));
        }
      }
      lines.push(...report(load, costs));
    }
    return lines;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

interface Running {
  readonly pid: number;
  /** Events taken so far, and whether there may be more to come. */
  events(): Promise<number>;
  stop(): Promise<void>;
}

async function measured(running: Running, load: () => Promise<void>): Promise<Cost> {
  try {
    await pause(1_500);
    const cpuBefore = cpuMs(running.pid);
    const eventsBefore = await running.events();
    await load();
    let last = -1;
    for (let events = await running.events(); events !== last; events = await running.events()) {
      last = events;
      await pause(700);
    }
    const events = last - eventsBefore;
    const microseconds = (cpuMs(running.pid) - cpuBefore) * 1_000;
    return { microsecondsPerEvent: microseconds / events, events, rssMib: memoryMib(running.pid).highest };
  } finally {
    await running.stop();
  }
}

/** The audit rules of the collector in auditctl's words, without those that exclude processes. */
async function collectorRules(): Promise<readonly string[]> {
  const installation = makeInstallation({ port: await freePort() });
  const collector = await installation.start('collector');
  try {
    return execFileSync('auditctl', ['-l'])
      .toString()
      .split('\n')
      .filter((line) => line.startsWith('-a always') || line.startsWith('-w'));
  } finally {
    await collector.stop();
    installation.remove();
  }
}

async function underCollector(withServer: boolean): Promise<Running> {
  const installation = makeInstallation({ port: await freePort() });
  const server: RunningProcess | undefined = withServer ? await installation.start('server') : undefined;
  const collector = await installation.start('collector');
  const spool = join(installation.dataFolder, 'collector', 'spool');
  return {
    pid: collector.pid,
    events: async () => {
      if (server !== undefined) return (await installation.api<StatusResponse>('/status')).store.events;
      return eventsInFiles(spool);
    },
    async stop() {
      await collector.stop();
      await server?.stop();
      installation.remove();
    },
  };
}

/** Events are counted from outside, by their raw text, the same way for both: each has one `SYSCALL msg=` of the test's uid. */
function eventsInFiles(path: string): number {
  const text = execFileSync('sh', ['-c', `cat "$1"/* 2>/dev/null | grep -ao 'type=SYSCALL msg=' | wc -l`, 'sh', path]);
  return Number(text.toString());
}

async function underAuditd(rules: readonly string[], work: string): Promise<Running> {
  const folder = mkdtempSync(join(work, 'auditd-'));
  const before = statusNumbers();
  writeFileSync(
    join(folder, 'auditd.conf'),
    [
      `log_file = ${folder}/log/audit.log`,
      'log_format = RAW',
      'write_logs = yes',
      'local_events = yes',
      'flush = INCREMENTAL_ASYNC',
      'freq = 50',
      'max_log_file = 2000',
      'max_log_file_action = IGNORE',
      'space_left = 10',
      'space_left_action = IGNORE',
      'admin_space_left = 5',
      'admin_space_left_action = IGNORE',
      'disk_full_action = IGNORE',
      'disk_error_action = IGNORE',
      'name_format = NONE',
      '',
    ].join('\n'),
    { mode: 0o640 },
  );
  mkdirSync(join(folder, 'log'), { mode: 0o700 });
  const child = spawn('auditd', ['-n', '-c', folder, '-s', 'enable'], { stdio: ['ignore', 'ignore', 'inherit'] });
  const gone = new Promise((resolve) => child.on('exit', resolve));
  await eventually('auditd', () => (statusNumbers()['pid'] === child.pid ? true : undefined), 10_000);
  execFileSync('auditctl', ['--backlog_wait_time', '0'], { stdio: 'ignore' });
  execFileSync('auditctl', ['-b', '65536'], { stdio: 'ignore' });
  for (const rule of rules) execFileSync('auditctl', wordsOf(rule), { stdio: ['ignore', 'ignore', 'inherit'] });
  return {
    pid: child.pid ?? 0,
    events: async () => eventsInFiles(join(folder, 'log')),
    async stop() {
      execFileSync('auditctl', ['-D'], { stdio: 'ignore' });
      child.kill('SIGTERM');
      await gone;
      for (const [flag, name] of [
        ['-b', 'backlog_limit'],
        ['--backlog_wait_time', 'backlog_wait_time'],
        ['-e', 'enabled'],
      ] as const) {
        execFileSync('auditctl', [flag, String(before[name])], { stdio: 'ignore' });
      }
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** A rule as auditctl prints it, as arguments: it never quotes. */
function wordsOf(rule: string): readonly string[] {
  return rule.trim().split(/\s+/);
}

function statusNumbers(): Readonly<Record<string, number>> {
  const lines = execFileSync('auditctl', ['-s']).toString().split('\n');
  return Object.fromEntries(lines.map((line) => [line.split(' ')[0] ?? '', Number(line.split(' ')[1])]));
}

function generate(loadgen: string, load: Load, folder: string): Promise<void> {
  const argv = ['-m', 'mix', '-n', load.calls, '-r', load.rate, '-u', TEST_UID, '-d', folder].map(String);
  const child = spawn(loadgen, argv, { stdio: 'ignore' });
  return new Promise((resolve, reject) => {
    child.on('exit', (code) => (code === 0 ? resolve() : reject(new Error(`loadgen ended with ${code}`))));
  });
}

function report(load: Load, costs: Readonly<Record<Subject, readonly Cost[]>>): readonly string[] {
  const peer = median(costs.auditd.map(({ microsecondsPerEvent }) => microsecondsPerEvent));
  return SUBJECTS.map((subject) => {
    const own = median(costs[subject].map(({ microsecondsPerEvent }) => microsecondsPerEvent));
    const events = median(costs[subject].map((cost) => cost.events));
    const rss = Math.max(...costs[subject].map(({ rssMib }) => rssMib));
    return (
      `${load.name.padEnd(8)} ${subject.padEnd(20)} ${own.toFixed(1).padStart(6)} µs/event  ` +
      `${(own / peer).toFixed(2)} × auditd RAW  ${events} events  RSS at most ${rss.toFixed(0)} MiB`
    );
  });
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}
