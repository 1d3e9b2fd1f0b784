// Needs root, an audit socket that nobody owns, auditctl and setpriv. Every rule is scoped to a uid that nobody has.
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { restoreKernel } from '../../collector/kernel-state.ts';
import { type BulkServer, startBulkServer } from './bulk-server.ts';
import { until } from './kernel-stage.ts';

const UID = 4242;
const MAIN = fileURLToPath(new URL('./collector-process.ts', import.meta.url));

let folder: string;
let server: BulkServer;
let before: string;
const running = new Set<ChildProcess>();

const auditctl = (...args: string[]): string => execFileSync('auditctl', args, { encoding: 'utf8' });
/** Settings and rules; what the kernel only counts is left out. */
const kernelState = (): string =>
  auditctl('-s').replace(/^(lost|backlog|backlog_wait_time_actual|pid) .*\n/gm, '') + auditctl('-l');

function asUser(script: string, ...args: string[]): void {
  spawnSync('setpriv', ['--reuid', String(UID), '--clear-groups', '/bin/sh', '-c', script, 'sh', ...args]);
}

async function startProcess(source: { kind: string } = { kind: 'kernel' }, excludePids: readonly number[] = []) {
  const options = {
    dataFolder: folder,
    server: { url: server.url, enrollmentSecret: 'let-me-in' },
    source,
    rulesScope: `uid=${UID}`,
    excludePids,
  };
  const child = spawn(process.execPath, [MAIN, JSON.stringify(options)], { stdio: ['ignore', 'pipe', 'inherit'] });
  running.add(child);
  child.on('exit', () => running.delete(child));
  const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream });
  const said: Record<string, unknown>[] = [];
  const first = new Promise<Record<string, unknown>>((resolve, reject) => {
    child.once('close', (code) => reject(new Error(`the collector ended with ${code} before it began`)));
    lines.on('line', (line) => {
      const message = JSON.parse(line) as Record<string, unknown>;
      said.push(message);
      if (message['mode'] !== undefined || message['refused'] !== undefined) resolve(message);
    });
  });
  return { child, said, started: await first };
}

async function end(child: ChildProcess, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
  const exited = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
  });
  child.kill(signal);
  await exited;
}

// biome-ignore lint/suspicious/noExplicitAny: the documents are JSON, and each claim names the fields that it means
type Document = Record<string, any>;
const documents = (): Document[] => [...server.documents.values()];
const execs = (marker: string): Document[] =>
  documents().filter((one) => one['event'].action === 'executed' && one['process'].args?.includes(marker));

/** What is in the spool's files: documents as they are sent. */
const spooled = (): string =>
  globSync(join(folder, '**/*.spool'))
    .map((file) => readFileSync(file, 'latin1'))
    .join('');

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'vedette-collector-'));
  server = await startBulkServer();
  before = kernelState();
});

afterEach(async () => {
  for (const child of running) await end(child, 'SIGKILL');
  await restoreKernel(folder);
  await server.close();
  rmSync(folder, { recursive: true, force: true });
  expect(kernelState()).toBe(before);
});

describe('collector on the kernel', () => {
  it('brings an exec with its arguments and its parent to the server, byte-exact', async () => {
    await startProcess();
    asUser('/bin/true "two words" ""; exit 0');
    await until(() => execs('two words').length === 1);
    const [exec] = execs('two words');
    expect(exec?.['process']).toMatchObject({ args: ['/bin/true', 'two words', ''], executable: '/usr/bin/true' });
    expect(exec?.['process'].parent).toMatchObject({ name: 'sh' });
    expect(exec?.['process'].ancestors_complete).toBe(true);
    expect(exec?.['event'].original).toMatch(/^type=SYSCALL msg=audit\(/);
    expect(exec?.['tags']).toEqual(['vedette-exec']);
  });

  it('loads scoped rules with itself excluded first, and leaves nothing behind when stopped', async () => {
    const { child } = await startProcess();
    const rules = auditctl('-l').trim().split('\n');
    expect(rules[0]).toBe(
      `-a never,exit -S all -F pid=${child.pid} -F ppid=${process.pid} -F uid=0 -F key=vedette-exclude`,
    );
    expect(rules.slice(1).every((rule) => rule.includes(`-F uid=${UID}`) && rule.includes('-F key=vedette-'))).toBe(
      true,
    );
    expect(auditctl('-s')).toContain(`pid ${child.pid}`);
    expect(auditctl('-s')).toContain('backlog_wait_time 0');
    await end(child, 'SIGTERM');
    expect(kernelState()).toBe(before);
    expect(auditctl('-s')).toContain('pid 0');
    expect(server.requests.at(-1)?.headers['vedette-sign-off']).toBe('1');
  });

  it('does not overlook a program that gets the pid of an excluded process that ended', async () => {
    // Several: another process may fork in between, have a pid first, and keep it.
    const excluded = Array.from({ length: 5 }, () => spawn('sleep', ['1000']));
    const pids = excluded.map(({ pid = 0 }) => pid);
    await startProcess({ kind: 'kernel' }, pids);
    for (const pid of pids) expect(auditctl('-l')).toContain(`pid=${pid} `);
    for (const one of excluded) await end(one, 'SIGKILL');
    const took = (wanted: number): boolean => {
      const again = `echo ${wanted - 1} > /proc/sys/kernel/ns_last_pid; setpriv --reuid ${UID} --clear-groups sh -c 'echo $$; exec /bin/true pid-again'`;
      return Number(spawnSync('sh', ['-c', again], { encoding: 'utf8' }).stdout) === wanted;
    };
    let pid: number | undefined;
    for (let tries = 0; pid === undefined && tries < 40; tries += 1) pid = pids.find(took);
    expect(pid).toBeDefined();
    expect(auditctl('-l')).toContain(`pid=${pid} `);
    await until(() => execs('pid-again').some((one) => one['process'].pid === pid));
  });

  it('is put back by another process after a kill, to what it was before the first start', async () => {
    const first = await startProcess();
    await end(first.child, 'SIGKILL');
    expect(auditctl('-l')).toContain('vedette-exec');
    const second = await startProcess();
    await end(second.child, 'SIGKILL');
    expect(await restoreKernel(folder)).toBe(true);
    expect(kernelState()).toBe(before);
    expect(await restoreKernel(folder)).toBe(false);
  });

  it('keeps the rules that a killed collector left, and changes its exclusion alone: no moment goes unwatched', async () => {
    const changes = () => documents().filter((one) => one['auditd']?.message_type === 'config_change');
    const first = await startProcess();
    const rulesOf = () =>
      auditctl('-l')
        .split('\n')
        .filter((rule) => !rule.includes('vedette-exclude'));
    const rules = rulesOf();
    await end(first.child, 'SIGKILL');
    server.documents.clear();
    const second = await startProcess();
    expect(rulesOf()).toEqual(rules);
    expect(second.started['mode']).toEqual(first.started['mode']);
    expect(auditctl('-l').split('\n')[0]).toContain(`pid=${second.child.pid}`);
    expect(auditctl('-l').match(/vedette-exclude/g)).toHaveLength(1);
    asUser('/bin/true after; exit 0');
    await until(() => execs('after').length === 1);
    const count = (operation: string) => changes().filter((one) => one['auditd'].data.op === operation).length;
    await until(() => count('add_rule') > 0 && count('remove_rule') > 0);
    expect([count('add_rule'), count('remove_rule')]).toEqual([1, 1]);
  });

  it('does not put the kernel back under a collector that lives', async () => {
    await startProcess();
    expect(await restoreKernel(folder)).toBe(false);
    expect(auditctl('-l')).toContain('vedette-exec');
  });

  it('says who owns the socket, and reads beside it without changing anything', async () => {
    const owner = await startProcess();
    const rules = kernelState();
    const other = mkdtempSync(join(tmpdir(), 'vedette-collector-'));
    const mine = folder;
    try {
      folder = other;
      const refused = await startProcess();
      expect(refused.started).toMatchObject({ refused: { kind: 'owned-by', pid: owner.child.pid } });
      const beside = await startProcess({ kind: 'auto' });
      expect(beside.started).toMatchObject({ mode: { kind: 'multicast', owner: { pid: owner.child.pid } } });
      expect(kernelState()).toBe(rules);
      asUser('exec /bin/true seen-beside');
      await until(() => execs('seen-beside').length === 1);
      // Both saw it: stored twice is stored once.
      await until(() => server.duplicates >= 1);
      await end(beside.child, 'SIGTERM');
      expect(kernelState()).toBe(rules);
    } finally {
      folder = mine;
      rmSync(other, { recursive: true, force: true });
    }
  });

  it('refuses a second collector on the same folder', async () => {
    await startProcess();
    const second = await startProcess();
    expect(second.started).toEqual({ refused: { kind: 'folder-in-use' } });
  });

  it('loses nothing while the server is away, and nothing of what it had read when it is killed', async () => {
    const first = await startProcess();
    asUser('for i in 1 2 3; do /bin/true numbered $i; done');
    await until(() => execs('numbered').length === 3);
    server.answer = () => ({ status: 503 });
    asUser('for i in 4 5 6; do /bin/true numbered $i; done');
    await until(() => [4, 5, 6].every((number) => spooled().includes(`"numbered","${number}"]`)));
    await end(first.child, 'SIGKILL');
    asUser('for i in 7 8 9; do /bin/true numbered $i; done');
    const downMs = Date.now();
    server.answer = () => undefined;
    const second = await startProcess();
    asUser('for i in 10 11 12; do /bin/true numbered $i; done');
    const ofDowntime = () => documents().find((one) => one['vedette'].loss?.source === 'downtime');
    await until(() => execs('12').length === 1 && ofDowntime() !== undefined);
    await end(second.child, 'SIGTERM');
    const numbers = execs('numbered').map((one) => Number(one['process'].args[2]));
    expect(numbers.filter((number) => number <= 6 || number >= 10).sort((a, b) => a - b)).toEqual([
      1, 2, 3, 4, 5, 6, 10, 11, 12,
    ]);
    const downtime = ofDowntime();
    expect(Date.parse(downtime?.['vedette'].loss.from)).toBeLessThanOrEqual(downMs);
    expect(Date.parse(downtime?.['vedette'].loss.to)).toBeGreaterThanOrEqual(downMs);
    const positions = documents().map((one) => one['vedette'].position as number);
    expect(new Set(positions).size).toBe(positions.length);
    const created = documents()
      .sort((a, b) => a['vedette'].position - b['vedette'].position)
      .map((one) => Date.parse(one['event'].created));
    expect(created.every((ms, index) => index === 0 || ms >= (created[index - 1] as number))).toBe(true);
  });
});
