// The audit socket outlives the collector. Needs root, an audit socket that nobody owns, auditctl and cc; every rule is scoped to a
// uid that nobody has.
import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type HeldSocket, holdAuditSocket } from '../../cli/up/held-socket.ts';
import { restoreKernel } from '../../collector/kernel-state.ts';
import { MAIN } from '../cli/terminal.ts';
import { compile } from '../harness/c-program.ts';
import { type BulkServer, startBulkServer } from './bulk-server.ts';
import {
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

const UID = 64_244;
const RATE = 1_000;

let folder: string;
/** Programs, where any user may execute them. */
let programs: string;
let server: BulkServer;
let before: string;
let held: HeldSocket;
const children: ChildProcess[] = [];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'vedette-kept-'));
  programs = mkdtempSync(join(tmpdir(), 'vedette-programs-'));
  chmodSync(programs, 0o755);
  server = await startBulkServer();
  before = kernelState();
  // A collector that was killed before may still be named, with the port that this process's next audit socket gets: the kernel
  // finds out when it has something to send.
  await until(() => {
    if (auditctl('-s').includes('pid 0\n')) return true;
    auditctl('-m', 'vedette-test');
    return false;
  });
  held = (await holdAuditSocket()) as HeldSocket;
  compile('fault/numbered-execs.c', join(programs, 'numbered-execs'));
  compile('fault/child.c', join(programs, 'child'), '-static');
});
afterEach(async () => {
  for (const child of children.splice(0)) await end(child, 'SIGKILL');
  held.release();
  await restoreKernel(folder);
  await server.close();
  for (const one of [folder, programs]) rmSync(one, { recursive: true, force: true });
  expect(kernelState()).toBe(before);
});

/** Serials told as lost, and execs that a kill cut in two: those are stored without their arguments, and say so. */
function namedBy(bulk: BulkServer): number {
  return serialsNamedLost(bulk) + documentsOf(bulk).filter((one) => one['vedette'].incomplete).length;
}

/** Runs `count` numbered execs at {@link RATE}, from `first` on. */
function runExecs(count: number, first = 1): { readonly done: Promise<void> } {
  const words = [join(programs, 'child'), first, count, RATE, UID, join(folder, 'truth')].map(String);
  const child = spawn(join(programs, 'numbered-execs'), words, { stdio: ['ignore', 'ignore', 'inherit'] });
  children.push(child);
  const done = new Promise<void>((resolve, reject) => {
    child.once('exit', (code) => (code === 0 ? resolve() : reject(new Error(`numbered-execs ended with ${code}`))));
  });
  return { done };
}

/** Numbers of 1 to `count` that have not arrived. */
function missingOf(count: number): number {
  return count - [...numbersOf(server)].filter((number) => number <= count).length;
}

/** What happened so far was read: one more exec, which no kill meets, has arrived. */
async function arrived(number: number): Promise<void> {
  await runExecs(1, number).done;
  await until(() => numbersOf(server).has(number));
}

async function start(): Promise<Running> {
  const running = await startCollectorProcess({ dataFolder: folder, uid: UID }, server, held.fd);
  children.push(running.child);
  return running;
}

describe('a socket that is held over the death of the collector', () => {
  it('loses to each kill -9 at most what one drain had read: everything else queued, and the rest is named', async () => {
    const count = 8_000;
    const kills = 4;
    let running = await start();
    const first = running.pid;
    const execs = runExecs(count);
    for (let kill = 0; kill < kills; kill += 1) {
      await delay(1_200);
      await until(() => tampersOf(server, 'collector-was-killed').length === kill);
      await end(running.child, 'SIGKILL');
      running = await start();
      expect(auditctl('-s')).toContain(`pid ${first}`);
    }
    await execs.done;
    await arrived(count + 1);
    // A missing serial is told when it has stayed away for seconds.
    await until(() => namedBy(server) >= missingOf(count));
    await until(() => tampersOf(server, 'collector-was-killed').length === kills);
    await end(running.child, 'SIGTERM');
    const missing = missingOf(count);
    const named = namedBy(server);
    process.stderr.write(
      `kept socket: ${kills} kills at ${RATE}/s, ${missing} of ${count} missing, ${named} named, ${serialsNamedLost(server)} of them as serials\n`,
    );
    // What was read is in the files at once: a kill costs what it meets between the two.
    expect(missing).toBeLessThanOrEqual(kills * 0.15 * RATE);
    expect(named).toBeGreaterThanOrEqual(missing);
    const killed = tampersOf(server, 'collector-was-killed');
    expect(killed).toHaveLength(kills);
    expect(killed.every((one) => one['vedette'].tamper.socket_kept === true)).toBe(true);
    const losses = documentsOf(server).filter((one) => one['event'].dataset === 'vedette.loss');
    expect(losses.filter((one) => one['vedette'].loss.source === 'downtime')).toEqual([]);
    held.release();
    expect(auditctl('-s')).toContain('pid 0\n');
  });

  it('brings everything that happened while there was no collector for seconds', async () => {
    const first = await start();
    // Its own start is an event as well, and none of it is left in its hands.
    await arrived(2_001);
    await end(first.child, 'SIGKILL');
    await runExecs(2_000).done;
    const second = await start();
    await until(() => missingOf(2_000) === 0);
    await end(second.child, 'SIGTERM');
    expect(serialsNamedLost(server)).toBe(0);
  });

  it('is asked for anew where nobody was registered any more, and then the time between is a loss', async () => {
    const first = await start();
    await end(first.child, 'SIGTERM');
    const second = await start();
    expect(auditctl('-s')).toContain(`pid ${second.pid}`);
    await until(() => documentsOf(server).some((one) => one['vedette'].loss?.source === 'downtime'));
    expect(tampersOf(server)).toEqual([]);
    await end(second.child, 'SIGTERM');
  });
});

describe('a socket in systemd’s descriptor store', () => {
  it('comes back after a kill with what happened meanwhile, and is taken out when the collector ends well', async () => {
    held.release();
    compile('collector/service-manager.c', join(programs, 'service-manager'));
    const manager = spawn(
      join(programs, 'service-manager'),
      [join(folder, 'notify'), process.execPath, MAIN, 'collector', '--data', folder, '--source', 'kernel'],
      {
        cwd: folder,
        stdio: ['ignore', 'pipe', 'inherit'],
        env: {
          PATH: process.env['PATH'],
          VEDETTE_COLLECTOR_SERVER: server.url,
          VEDETTE_ENROLLMENT_SECRET: 'let-me-in',
          VEDETTE_COLLECTOR_RULES_SCOPE: `uid=${UID}`,
        },
      },
    );
    children.push(manager);
    const said: string[] = [];
    createInterface({ input: manager.stdout as NodeJS.ReadableStream }).on('line', (line) => said.push(line));
    await until(() => said.includes('stored') && auditctl('-l').includes('vedette-exec'));
    // Auditing is switched on last: what happens before it is nobody's to see.
    await until(() => auditctl('-s').includes('enabled 1\n'));
    await delay(300);
    const pid = Number(/^started (\d+) 0$/.exec(said[0] ?? '')?.[1]);
    const execs = runExecs(1_500);
    await delay(500);
    process.kill(pid, 'SIGKILL');
    await execs.done;
    await until(() => said.some((line) => line.endsWith(' 1')) && auditctl('-l').includes('vedette-exec'));
    await arrived(1_501);
    await until(() => tampersOf(server, 'collector-was-killed').length === 1);
    expect(tampersOf(server, 'collector-was-killed')[0]?.['vedette'].tamper.socket_kept).toBe(true);
    await until(() => namedBy(server) >= missingOf(1_500));
    expect(missingOf(1_500)).toBeLessThanOrEqual(0.15 * RATE);
    await end(manager, 'SIGTERM');
    await until(() => said.at(-1) === 'removed');
    expect(auditctl('-s')).toContain('pid 0\n');
  });
});
