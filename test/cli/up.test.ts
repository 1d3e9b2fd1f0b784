// `vedette up` as a person runs it: real processes, a recorded host instead of the kernel, so that neither root nor audit is needed.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { childEnvironment, MAIN, makeFolder, runProcess, type TestFolder } from './terminal.ts';

const RECORDING = fileURLToPath(new URL('../data/audit-samples/execve_script.log', import.meta.url));
const RULE = `id: something-executed
name: Something was executed
severity: low
match: event.action = "executed"
alert:
  title: "{{process.name}} ran"
  suppress: { for: 1h, by: [host.id] }
tests:
  - { name: yes, events: [{ event.action: executed, process.name: x }], alerts: 1 }
  - { name: no, events: [{ event.action: ended }], alerts: 0 }
`;

let folder: TestFolder;
const running: Running[] = [];
beforeEach(() => {
  folder = makeFolder();
  mkdirSync(join(folder.path, 'rules'));
  writeFileSync(join(folder.path, 'rules', 'something-executed.yaml'), RULE);
});
afterEach(async () => {
  for (const one of running.splice(0)) {
    one.process.kill('SIGKILL');
    await one.ended;
    for (const pid of one.childPids()) await untilGone(pid);
  }
  folder.remove();
});

interface Running {
  readonly process: ChildProcess;
  readonly ended: Promise<number | null>;
  said(): string;
  /** Resolves when the text has been said, on either stream; fails when the process ends before. */
  until(text: string | RegExp): Promise<void>;
  /** Every child that it ever had. */
  childPids(): readonly number[];
}

function start(...words: readonly string[]): Running {
  const child = spawn(process.execPath, [MAIN, 'up', '--demo', '--port', '0', ...words], {
    cwd: folder.path,
    env: {
      ...childEnvironment(),
      VEDETTE_COLLECTOR_RECORDING_FILE: RECORDING,
      VEDETTE_RULES_FOLDERS: 'rules',
      VEDETTE_RULES_SHIPPED: 'false',
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  const pids = new Set<number>();
  const waiting = new Set<() => void>();
  const hear = (chunk: Buffer): void => {
    text += chunk.toString('utf8');
    for (const pid of childrenOf(child.pid ?? 0)) pids.add(pid);
    for (const wake of waiting) wake();
  };
  child.stdout.on('data', hear);
  child.stderr.on('data', hear);
  const ended = new Promise<number | null>((resolve) => child.on('close', (code) => resolve(code)));
  const one: Running = {
    process: child,
    ended,
    said: () => text,
    childPids: () => [...pids],
    until: (wanted) =>
      new Promise((resolve, reject) => {
        const wake = (): void => {
          if (!(typeof wanted === 'string' ? text.includes(wanted) : wanted.test(text))) return;
          waiting.delete(wake);
          resolve();
        };
        waiting.add(wake);
        wake();
        void ended.then(() => reject(new Error(`ended before it said ${wanted}:\n${text}`)));
      }),
  };
  running.push(one);
  return one;
}

function childrenOf(pid: number): readonly number[] {
  try {
    const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
    return text === '' ? [] : text.split(' ').map(Number);
  } catch {
    return [];
  }
}

function isAlive(pid: number): boolean {
  try {
    return !/^State:\tZ/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

/** Polls: the process is nobody's child here, so nothing tells when it ends. */
async function untilGone(pid: number): Promise<void> {
  while (isAlive(pid)) await new Promise((resolve) => setTimeout(resolve, 20));
}

function childNamed(up: Running, name: string): number {
  const pid = childrenOf(up.process.pid ?? 0).find((one) =>
    readFileSync(`/proc/${one}/cmdline`, 'utf8').includes(`vedette-${name}`),
  );
  if (pid === undefined) throw new Error(`no ${name} runs`);
  return pid;
}

describe('vedette up', () => {
  it('says what runs, prints alerts, keeps a second one out of its folder; Ctrl-C, pressed twice, stops it with 0', async () => {
    const up = start();
    await up.until('Alerts follow as they come.');
    await up.until(/(true|s\.sh) ran/);
    expect(up.said()).toContain('this machine is NOT watched');
    expect(up.said()).toMatch(/server +http:\/\/127\.0\.0\.1:\d+\n/);
    expect(up.said()).toContain('1 rule loaded');
    const pids = childrenOf(up.process.pid ?? 0);
    expect(pids).toHaveLength(2);

    const client = { cwd: folder.path };
    const found = await runProcess(['search', 'event.action:executed', '--json'], client);
    expect(JSON.parse(found.stdout).total).toBeGreaterThan(0);
    const { alerts } = JSON.parse((await runProcess(['alerts', 'list', '--json'], client)).stdout);
    expect(alerts).toHaveLength(1);
    expect((await runProcess(['alerts', 'ack', alerts[0].id], client)).code).toBe(0);
    const shown = await runProcess(['alerts', 'show', alerts[0].id], client);
    expect(shown.stdout).toMatch(/status +acknowledged/);
    expect(shown.stdout).toContain('type=SYSCALL msg=audit(');

    const second = await runProcess(['up', '--demo', '--port', '0'], client);
    expect(second.code).toBe(3);
    expect(second.stderr).toContain(`another \`vedette up\` (pid ${up.process.pid}) runs with the data folder`);

    up.process.kill('SIGINT');
    up.process.kill('SIGINT');
    expect(await up.ended).toBe(0);
    expect(pids.filter(isAlive)).toEqual([]);
    expect(readdirSync(join(folder.path, 'data'))).not.toContain('up.lock');
    expect(statSync(join(folder.path, 'data')).mode & 0o777).toBe(0o700);
    for (const name of readdirSync(join(folder.path, 'data', 'server'))) {
      expect(statSync(join(folder.path, 'data', 'server', name)).mode & 0o077, name).toBe(0);
    }
  });

  it('starts a killed server and a killed collector again, and killed itself leaves no child behind', async () => {
    const up = start();
    await up.until('Alerts follow as they come.');
    const url = /server +(http:\S+)/.exec(up.said())?.[1];
    const before = childNamed(up, 'server');
    process.kill(before, 'SIGKILL');
    await up.until(`server: runs again at ${url}`);
    expect(childNamed(up, 'server')).not.toBe(before);
    process.kill(childNamed(up, 'collector'), 'SIGKILL');
    await up.until('collector: runs again');
    expect(up.said()).toContain('died (SIGKILL); it is started again');
    const pids = childrenOf(up.process.pid ?? 0);
    expect(pids).toHaveLength(2);
    up.process.kill('SIGKILL');
    await up.ended;
    for (const pid of pids) await untilGone(pid);
  });
});

describe('a port that is taken', () => {
  let holder: Server;
  beforeEach(async () => {
    holder = createServer();
    await new Promise<void>((resolve) => holder.listen(0, '127.0.0.1', resolve));
  });
  afterEach(() => new Promise((resolve) => holder.close(resolve)));

  it('ends up with 3, and says by whom and what to do', async () => {
    const { port } = holder.address() as AddressInfo;
    const said = await runProcess(['up', '--demo', '--port', String(port)], { cwd: folder.path });
    expect(said.code).toBe(3);
    expect(said.stderr).toContain(`${port}`);
    expect(said.stderr).toContain(`(pid ${process.pid}) listens there`);
    expect(said.stderr).toContain('server/port-taken');
  });
});
