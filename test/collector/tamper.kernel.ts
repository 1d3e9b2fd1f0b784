// What is done to a collector on the real kernel, and what it tells of it. Needs root, an audit socket that nobody owns, auditctl,
// auditd and setpriv; every rule is scoped to a uid that nobody has.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { restoreKernel } from '../../collector/kernel-state.ts';
import { compile } from '../harness/c-program.ts';
import { type BulkServer, startBulkServer } from './bulk-server.ts';
import {
  asUser,
  auditctl,
  documentsOf,
  end,
  kernelState,
  numbersOf,
  type Running,
  serialsNamedLost,
  startCollectorProcess,
  tampersOf,
  until,
} from './kernel-stage.ts';

const UID = 64_245;

let folder: string;
let server: BulkServer;
let before: string;
const children: ChildProcess[] = [];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'vedette-tamper-'));
  server = await startBulkServer();
  before = kernelState();
});
afterEach(async () => {
  for (const child of children.splice(0)) await end(child, 'SIGKILL');
  await restoreKernel(folder);
  await server.close();
  rmSync(folder, { recursive: true, force: true });
  // A killed auditd stays registered in name until the kernel finds its socket closed.
  await until(() => kernelState() === before);
});

async function start(kind: 'kernel' | 'multicast'): Promise<Running> {
  const running = await startCollectorProcess({ dataFolder: folder, uid: UID, source: { kind } }, server);
  children.push(running.child);
  return running;
}

/** Debian's auditd with a configuration, a log and rules of the test's own. */
function startAuditd(): ChildProcess {
  const config = join(folder, 'audit');
  mkdirSync(join(config, 'plugins.d'), { recursive: true, mode: 0o700 });
  const lines = {
    log_file: join(config, 'log', 'audit.log'),
    log_format: 'RAW',
    write_logs: 'yes',
    local_events: 'yes',
    flush: 'INCREMENTAL_ASYNC',
    freq: 50,
    max_log_file: 200,
    max_log_file_action: 'IGNORE',
    space_left: 10,
    space_left_action: 'IGNORE',
    admin_space_left: 5,
    admin_space_left_action: 'IGNORE',
    disk_full_action: 'IGNORE',
    disk_error_action: 'IGNORE',
    name_format: 'NONE',
    plugin_dir: join(config, 'plugins.d'),
    q_depth: 2_000,
    overflow_action: 'SYSLOG',
  };
  mkdirSync(join(config, 'log'), { mode: 0o700 });
  const text = Object.entries(lines).map(([name, value]) => `${name} = ${value}\n`);
  writeFileSync(join(config, 'auditd.conf'), text.join(''), { mode: 0o600 });
  const child = spawn('/usr/sbin/auditd', ['-n', '-s', 'nochange', '-c', config], { stdio: 'ignore' });
  children.push(child);
  return child;
}

const seenExecs = (marker: string) =>
  documentsOf(server).filter((one) => one['event'].action === 'executed' && one['process'].args?.includes(marker));

describe('beside a real auditd', () => {
  it('reads what auditd reads, changes nothing of its set-up, and tells when it leaves', async () => {
    const auditd = startAuditd();
    await until(() => auditctl('-s').includes(`pid ${auditd.pid}\n`));
    auditctl('-e', '1');
    auditctl('-a', 'always,exit', '-F', 'arch=b64', '-S', 'execve', '-F', `uid=${UID}`, '-k', 'theirs');
    try {
      const theirs = kernelState();
      const running = await start('multicast');
      expect(running.said.find(({ mode }) => mode !== undefined)).toMatchObject({
        mode: { kind: 'multicast', owner: { pid: auditd.pid, name: 'auditd' } },
      });
      expect(kernelState()).toBe(theirs);
      asUser(UID, 'exec /bin/true beside-auditd');
      await until(() => seenExecs('beside-auditd').length === 1);
      await until(() => readFileSync(join(folder, 'audit', 'log', 'audit.log'), 'latin1').includes('beside-auditd'));
      expect(kernelState()).toBe(theirs);
      await end(auditd, 'SIGTERM');
      await until(() => tampersOf(server, 'audit-owner-left').length === 1);
      asUser(UID, 'exec /bin/true after-auditd');
      await until(() => seenExecs('after-auditd').length === 1);
      expect(auditctl('-s')).toContain('pid 0\n');
      await end(running.child, 'SIGTERM');
    } finally {
      auditctl('-d', 'always,exit', '-F', 'arch=b64', '-S', 'execve', '-F', `uid=${UID}`, '-k', 'theirs');
      auditctl('-e', /enabled (\d)/.exec(before)?.[1] ?? '0');
    }
  });

  it('keeps the stream when auditd starts after it, and tells the attempt', async () => {
    const running = await start('kernel');
    const auditd = startAuditd();
    await until(() => tampersOf(server, 'audit-socket-take-attempted').length > 0);
    expect(tampersOf(server, 'audit-socket-take-attempted')[0]?.['vedette'].tamper.pid).toBe(auditd.pid);
    expect(auditctl('-s')).toContain(`pid ${running.pid}\n`);
    asUser(UID, 'exec /bin/true still-ours');
    await until(() => seenExecs('still-ours').length === 1);
    await end(running.child, 'SIGTERM');
  });
});

describe('what is done to it', () => {
  it('is told when auditing is switched off or its settings change, and undone where they were its own', async () => {
    const running = await start('kernel');
    auditctl('-e', '0');
    await until(() => tampersOf(server, 'audit-disabled').length === 1);
    await until(() => auditctl('-s').includes('enabled 1'));
    expect(tampersOf(server, 'audit-disabled')[0]?.['vedette'].tamper).toMatchObject({ old: 1, new: 0, undone: true });
    const failure = /failure (\d)/.exec(before)?.[1] ?? '1';
    auditctl('-f', failure === '0' ? '1' : '0');
    await until(() => tampersOf(server, 'audit-settings-changed').length === 1);
    expect(auditctl('-s')).not.toContain(`failure ${failure}\n`);
    auditctl('-f', failure);
    await end(running.child, 'SIGTERM');
  });

  it('stands still without slowing the host: what came meanwhile queues, what did not fit is named', async () => {
    const programs = mkdtempSync(join(tmpdir(), 'vedette-programs-'));
    chmodSync(programs, 0o755);
    try {
      compile('fault/numbered-execs.c', join(programs, 'numbered-execs'));
      compile('fault/child.c', join(programs, 'child'), '-static');
      const load = (first: number, count: number): number => {
        const startMs = performance.now();
        const words = [join(programs, 'child'), first, count, 100_000, UID, join(folder, 'truth')].map(String);
        execFileSync(join(programs, 'numbered-execs'), words, { stdio: 'ignore' });
        return ((performance.now() - startMs) * 1_000) / count;
      };
      const alone = load(1, 2_000);
      const running = await start('kernel');
      expect(auditctl('-s')).toContain('backlog_wait_time 0\n');
      // Since the machine started: others may have made it wait.
      const waited = (): string | undefined => /^backlog_wait_time_actual .*$/m.exec(auditctl('-s'))?.[0];
      const waitedBefore = waited();
      const watched = load(10_001, 2_000);
      running.child.kill('SIGSTOP');
      const stopped = load(20_001, 4_000);
      await delay(4_000);
      running.child.kill('SIGCONT');
      await until(() => tampersOf(server, 'collector-was-stopped').length > 0 && numbersOf(server).has(24_000));
      process.stderr.write(
        `an exec takes ${alone.toFixed(0)} µs alone, ${watched.toFixed(0)} watched, ${stopped.toFixed(0)} with the collector stopped\n`,
      );
      expect(waitedBefore).toBeDefined();
      expect(waited()).toBe(waitedBefore);
      expect(tampersOf(server, 'collector-was-stopped')[0]?.['vedette'].tamper.seconds).toBeGreaterThanOrEqual(4);
      const missing = (): number => 6_000 - [...numbersOf(server)].filter((number) => number > 10_000).length;
      await until(() => serialsNamedLost(server) >= missing());
      await end(running.child, 'SIGTERM');
      expect(serialsNamedLost(server)).toBeGreaterThanOrEqual(missing());
    } finally {
      rmSync(programs, { recursive: true, force: true });
    }
  });
});
