// The workload whose truth does not come from the collector: numbered execs, each with the time before and after it, as the program
// that made them wrote it down.
import { spawn } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { compile } from '../harness/c-program.ts';
import { TEST_UID } from '../harness/installation.ts';

interface Exec {
  readonly beforeMs: number;
  readonly afterMs: number;
}
export type Truth = ReadonlyMap<number, Exec>;

export interface Numbering {
  /** A folder that every user may search. */
  readonly work: string;
  /** The program's name: `process.name` of the events. */
  readonly name: string;
  readonly first: number;
  readonly count: number;
  /** Execs a second; 0 as fast as can be. */
  readonly rate: number;
  readonly uid?: number;
  readonly gid?: number;
}

/** Runs the execs, and `disturb` beside them until it returns by itself. */
export async function runNumbered(
  { work, name, first, count, rate, uid = TEST_UID, gid = uid }: Numbering,
  disturb: (isRunning: () => boolean) => Promise<void> = async () => {},
): Promise<Truth> {
  const [spawner, child, file] = [join(work, 'numbered-execs'), join(work, name), join(work, `truth-${name}-${first}`)];
  compile('fault/numbered-execs.c', spawner);
  compile('fault/child.c', child, '-static');
  writeFileSync(file, '');
  const argv = [child, first, count, rate, uid, file, gid].map(String);
  const process = spawn(spawner, argv, { stdio: ['ignore', 'inherit', 'inherit'] });
  let isRunning = true;
  const done = new Promise<void>((resolve, reject) => {
    process.on('exit', (code) => {
      isRunning = false;
      if (code === 0) resolve();
      else reject(new Error(`the workload ended with ${code}`));
    });
  });
  await Promise.all([done, disturb(() => isRunning)]);
  const lines = readFileSync(file, 'utf8').trim().split('\n');
  rmSync(file);
  const truth = new Map<number, Exec>();
  for (const line of lines) {
    const [number = -1, beforeMs = 0, afterMs = 0] = line.split(' ').map(Number);
    truth.set(number, { beforeMs, afterMs });
  }
  if (truth.size !== count) throw new Error(`${truth.size} execs of ${count} are written down`);
  return truth;
}

/** The time that each exec took its user, ms: the share `of` of them took no longer. */
export function quantile(truth: Truth, of: number): number {
  const took = [...truth.values()].map(({ beforeMs, afterMs }) => afterMs - beforeMs).toSorted((a, b) => a - b);
  return took[Math.min(took.length - 1, Math.floor(took.length * of))] ?? Number.NaN;
}

/** The loads of bench/loadgen.c, to their end. */
export async function runLoadgen(work: string, ...argv: readonly (string | number)[]): Promise<void> {
  const program = join(work, 'loadgen');
  compile('../bench/loadgen.c', program);
  const process = spawn(program, argv.map(String), { stdio: 'ignore' });
  await new Promise<void>((resolve, reject) => {
    process.on('exit', (code) => (code === 0 ? resolve() : reject(new Error(`loadgen ended with ${code}`))));
  });
}
