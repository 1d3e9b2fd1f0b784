// `vedette up` on the real kernel. Needs root, an audit socket that nobody owns, auditctl and setpriv; every rule is scoped to a
// uid that nobody has. One at a time.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { auditctl, kernelState } from '../collector/kernel-stage.ts';
import { MAIN, makeFolder, runProcess, type TestFolder } from './terminal.ts';

const UID = 64_243;

let folder: TestFolder;
let before: string;
let up: ChildProcess;
let said: string;
let ended: Promise<number | null>;

beforeEach(async () => {
  folder = makeFolder();
  before = kernelState();
  said = '';
  up = spawn(process.execPath, [MAIN, 'up', '--port', '0'], {
    cwd: folder.path,
    env: { PATH: process.env['PATH'], VEDETTE_COLLECTOR_RULES_SCOPE: `uid=${UID}` },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  ended = new Promise((resolve) => up.on('close', resolve));
  for (const stream of [up.stdout, up.stderr]) stream?.on('data', (chunk) => (said += String(chunk)));
  await until(() => said.includes('Alerts follow as they come.'));
});
afterEach(async () => {
  up.kill('SIGTERM');
  await ended;
  folder.remove();
  expect(kernelState()).toBe(before);
});

async function until(isTrue: () => boolean): Promise<void> {
  const deadline = Date.now() + 300_000;
  while (!isTrue()) {
    if (Date.now() > deadline || (up.exitCode !== null && !isTrue())) throw new Error(`never; it said:\n${said}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

function runningPidOf(name: string): number | undefined {
  const children = readFileSync(`/proc/${up.pid}/task/${up.pid}/children`, 'utf8').trim().split(' ').map(Number);
  return children.find((one) => commandOf(one).includes(`vedette-${name}`));
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    // It ended meanwhile.
    return '';
  }
}

function pidOf(name: string): number {
  const pid = runningPidOf(name);
  if (pid === undefined) throw new Error(`no ${name} runs`);
  return pid;
}

const exclusions = (): readonly number[] =>
  [...auditctl('-l').matchAll(/^-a never,exit .*-F pid=(\d+)/gm)].map(([, pid]) => Number(pid));

describe('vedette up on the kernel', () => {
  it('watches this host, stores what the user did, and leaves the kernel as it was', async () => {
    expect(said).toContain('by the kernel’s audit socket');
    expect(new Set(exclusions())).toEqual(new Set([pidOf('server'), pidOf('collector')]));
    execFileSync('setpriv', ['--reuid', String(UID), '--clear-groups', '/bin/true', 'from-up-kernel-test']);
    let total = 0;
    for (let attempt = 0; total === 0 && attempt < 50; attempt += 1) {
      const found = await runProcess(['search', 'process.args:from-up-kernel-test', '--json'], { cwd: folder.path });
      total = JSON.parse(found.stdout).total;
    }
    expect(total).toBe(1);
    up.kill('SIGINT');
    up.kill('SIGINT');
    expect(await ended).toBe(0);
    expect(kernelState()).toBe(before);
  });

  it('excludes the server’s new process after a kill, and the dead one no more', async () => {
    const old = pidOf('server');
    process.kill(old, 'SIGKILL');
    await until(() => said.includes('server: runs again'));
    await until(() => {
      const pid = runningPidOf('server');
      return pid !== undefined && exclusions().includes(pid) && !exclusions().includes(old);
    });
  });

  it('puts the kernel back itself when the collector is killed just before the end', async () => {
    process.kill(pidOf('collector'), 'SIGKILL');
    up.kill('SIGINT');
    expect(await ended).toBe(0);
    expect(kernelState()).toBe(before);
  });

  it('is killed with -9, and its collector puts the kernel back', async () => {
    up.kill('SIGKILL');
    await ended;
    await until(() => kernelState() === before);
  });
});
