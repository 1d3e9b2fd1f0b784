// A collector on the real kernel whose rules somebody changes: told, and put right. Needs root, an audit socket that nobody owns,
// and auditctl. Every rule is scoped to a uid that nobody has.
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { restoreKernel } from '../../collector/kernel-state.ts';
import { compile } from '../harness/c-program.ts';
import { type BulkServer, startBulkServer } from './bulk-server.ts';
import { until } from './kernel-stage.ts';

const UID = 64242;
const MAIN = fileURLToPath(new URL('./collector-process.ts', import.meta.url));
const auditctl = (...args: string[]): string => execFileSync('auditctl', args, { encoding: 'utf8' });
const rules = (): string[] => auditctl('-l').trim().split('\n');
const own = (): string[] => rules().filter((rule) => !rule.includes('vedette-exclude'));

let folder: string;
let server: BulkServer;
let before: string;
const running = new Set<ChildProcess>();

async function startProcess(options: Record<string, unknown> = {}): Promise<ChildProcess> {
  const all = {
    dataFolder: folder,
    server: { url: server.url, enrollmentSecret: 'let-me-in' },
    source: { kind: 'kernel' },
    rulesScope: `uid=${UID}`,
    rulesProfile: 'exec',
    ...options,
  };
  const child = spawn(process.execPath, [MAIN, JSON.stringify(all)], { stdio: ['ignore', 'pipe', 'inherit'] });
  running.add(child);
  child.on('exit', () => running.delete(child));
  const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream });
  await new Promise<void>((resolve, reject) => {
    child.once('close', (code) => reject(new Error(`the collector ended with ${code} before it began`)));
    lines.on('line', (line) => {
      if (/"mode"|"refused"/.test(line)) resolve();
    });
  });
  return child;
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
const tampers = (action: string): Document[] =>
  ([...server.documents.values()] as Document[]).filter(
    ({ event }) => event.dataset === 'vedette.tamper' && event.action === action,
  );

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'vedette-drift-'));
  server = await startBulkServer();
  before = auditctl('-l');
});

afterEach(async () => {
  for (const child of running) await end(child, 'SIGKILL');
  await restoreKernel(folder);
  await server.close();
  rmSync(folder, { recursive: true, force: true });
  expect(auditctl('-l')).toBe(before);
});

describe('audit rules of a running collector', () => {
  it('come back within seconds when somebody deletes them, and both are told', async () => {
    await startProcess();
    const loaded = own();
    expect(loaded).toHaveLength(4);
    for (const rule of loaded.slice(0, 2)) auditctl(...rule.replace(/^-a/, '-d').split(' '));
    const told = () => tampers('audit-rule-deleted').reduce((sum, one) => sum + one['vedette'].tamper.rules, 0);
    await until(() => own().length === 4 && tampers('audit-rules-mended').length > 0 && told() >= 2);
    expect([...own()].sort()).toEqual([...loaded].sort());
    expect(told()).toBe(2);
    const deleted = tampers('audit-rule-deleted').map((one) => one['vedette'].tamper);
    for (const one of deleted) expect(one).toMatchObject({ own: true, put_back: true });
    expect(deleted.some(({ rule }) => rule.includes('-S execve,execveat'))).toBe(true);
  });

  it('stay deleted where that is asked for, and it is told', async () => {
    await startProcess({ mendsRules: false });
    auditctl(...(own()[0] as string).replace(/^-a/, '-d').split(' '));
    await until(() => tampers('audit-rule-deleted').length > 0);
    expect(tampers('audit-rule-deleted')[0]?.['vedette'].tamper.put_back).toBe(false);
    await delay(1_500);
    expect(own()).toHaveLength(3);
    expect(tampers('audit-rules-mended')).toEqual([]);
  });

  it('of others are told when they hide something, and left as they are', async () => {
    const child = await startProcess();
    auditctl('-A', 'never,exit', '-S', 'all', '-F', `uid=${UID}`);
    try {
      await until(() => tampers('audit-exclusion-added').length > 0);
      expect(tampers('audit-exclusion-added')[0]?.['vedette'].tamper.rule).toBe(`-a never,exit -S all -F uid=${UID}`);
      await end(child, 'SIGTERM');
      expect(rules()).toEqual([`-a never,exit -S all -F uid=${UID}`]);
    } finally {
      auditctl('-d', 'never,exit', '-S', 'all', '-F', `uid=${UID}`);
    }
  });

  it('see what a program opens through io_uring, where it makes no call for it', async () => {
    const program = join(folder, 'io-uring-open');
    compile('collector/io-uring-open.c', program);
    chmodSync(folder, 0o711);
    const child = await startProcess({ rulesProfile: 'default' });
    const ran = spawnSync(program, ['/etc/hostname'], { uid: UID, gid: UID });
    expect(ran.status).toBe(0);
    const operations = (): Document[] =>
      ([...server.documents.values()] as Document[]).filter(({ event }) => event.original?.includes('type=URINGOP'));
    await until(() => operations().length > 0);
    expect(operations()[0]).toMatchObject({ file: { path: '/etc/hostname' }, tags: ['vedette-write'] });
    await end(child, 'SIGTERM');
  });

  it('from a file are loaded in their order, survive a kill, and go when the collector ends well', async () => {
    const file = join(folder, 'own.rules');
    writeFileSync(file, '-D\n-a never,exit -S all -F pid=4100001\n-w /etc/hostname -p wa -k own-key\n-f 2\n', {
      mode: 0o600,
    });
    const first = await startProcess({ rulesFiles: [file] });
    const loaded = own();
    expect(loaded.slice(0, 2)).toEqual([
      `-a never,exit -S all -F pid=4100001 -F uid=${UID}`,
      `-a always,exit -S all -F path=/etc/hostname -F perm=wa -F uid=${UID} -F key=own-key`,
    ]);
    expect(auditctl('-s')).toContain('failure 1');
    await end(first, 'SIGKILL');
    expect(own()).toEqual(loaded);
    const second = await startProcess({ rulesFiles: [file] });
    expect(own()).toEqual(loaded);
    await end(second, 'SIGTERM');
    expect(auditctl('-l')).toBe(before);
  });
});
