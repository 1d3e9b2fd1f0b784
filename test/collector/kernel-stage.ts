// Collectors on the real kernel for the tests: started, killed, told what they say; every rule scoped to a uid that nobody has.
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { CollectorOptions } from '../../collector/options.ts';
import type { BulkServer } from './bulk-server.ts';

const MAIN = fileURLToPath(new URL('./collector-process.ts', import.meta.url));

// biome-ignore lint/suspicious/noExplicitAny: the documents are JSON, and each claim names the fields that it means
export type Document = Record<string, any>;

export interface Running {
  readonly child: ChildProcess;
  readonly pid: number;
  /** What it said, as JSON: its start, then notices. */
  readonly said: Document[];
}

export function auditctl(...args: string[]): string {
  return execFileSync('auditctl', args, { encoding: 'utf8' });
}

/** Settings, owner and rules; what the kernel only counts is left out, and an owner that is gone is none. */
export function kernelState(): string {
  const settings = auditctl('-s').replace(/^(lost|backlog|backlog_wait_time_actual) .*\n/gm, '');
  return (
    settings.replace(/^pid (\d+)$/m, (line, pid) => (existsSync(`/proc/${pid}`) ? line : 'pid 0')) + auditctl('-l')
  );
}

/** Starts a collector on the kernel; `socket` is a descriptor of ours that it gets as its own 3. */
export async function startCollectorProcess(
  options: Partial<CollectorOptions> & { readonly dataFolder: string; readonly uid: number },
  server: BulkServer,
  socket?: number,
): Promise<Running> {
  const { uid, ...more } = options;
  const given = {
    server: { url: server.url, enrollmentSecret: 'let-me-in' },
    source: { kind: 'kernel' },
    rulesScope: `uid=${uid}`,
    ...(socket === undefined ? {} : { inheritedDescriptors: [3] }),
    ...more,
  };
  const child = spawn(process.execPath, [MAIN, JSON.stringify(given)], {
    stdio: ['ignore', 'pipe', 'inherit', ...(socket === undefined ? [] : [socket])],
  });
  const said: Document[] = [];
  const started = new Promise<void>((resolve, reject) => {
    createInterface({ input: child.stdout as NodeJS.ReadableStream }).on('line', (line) => {
      const message = JSON.parse(line) as Document;
      said.push(message);
      if (message['mode'] !== undefined || message['refused'] !== undefined) resolve();
    });
    child.once('close', (code, signal) =>
      reject(new Error(`the collector ended with ${code ?? signal} before it began`)),
    );
  });
  await started;
  return { child, pid: child.pid as number, said };
}

export async function end(child: ChildProcess, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
  });
  child.kill('SIGCONT');
  child.kill(signal);
  await exited;
}

/** Less than the suite's limit, so that a hang is told by what did not come. */
const PATIENCE_MS = 300_000;

export async function until(claim: () => boolean): Promise<void> {
  const endMs = Date.now() + PATIENCE_MS;
  while (!claim()) {
    if (Date.now() > endMs) throw new Error(`it did not come to pass in time: ${claim}`);
    await delay(20);
  }
}

export function asUser(uid: number, script: string): void {
  spawnSync('setpriv', ['--reuid', String(uid), '--clear-groups', '/bin/sh', '-c', script]);
}

export function documentsOf(server: BulkServer): Document[] {
  return [...server.documents.values()] as Document[];
}

export function tampersOf(server: BulkServer, action?: string): Document[] {
  const tampers = documentsOf(server).filter((one) => one['event'].dataset === 'vedette.tamper');
  return action === undefined ? tampers : tampers.filter((one) => one['event'].action === action);
}

/** Serials that loss records name as certainly missing. */
export function serialsNamedLost(server: BulkServer): number {
  return documentsOf(server)
    .filter((one) => one['event'].dataset === 'vedette.loss' && one['vedette'].loss.source === 'sequence')
    .reduce((sum, one) => sum + one['vedette'].loss.at_least, 0);
}

/** The numbers of `numbered-execs` that arrived. */
export function numbersOf(server: BulkServer): Set<number> {
  const numbers = new Set<number>();
  for (const one of documentsOf(server)) {
    if (one['event'].action !== 'executed') continue;
    const number = /^--seq=(\d+)$/.exec(one['process'].args?.[1] ?? '')?.[1];
    if (number !== undefined) numbers.add(Number(number));
  }
  return numbers;
}
