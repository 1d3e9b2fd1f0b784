// The loads of the collector's benchmarks, made by C programs under one uid: a mix of exec, open, connect and unlink at a rate
// of events, and program starts whose time is taken.
import { spawn } from 'node:child_process';
import { chmodSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { compile } from '../../test/harness/c-program.ts';

/** nobody: an account that exists, since auditd ENRICHED looks up a uid without a name anew for each event. */
export const LOAD_UID = 65_534;
/** Of eight calls of the mix, three open a file for reading, which no rule asks for; one creates and deletes, which is two. */
const EVENTS_PER_CALL = 5 / 8;

export interface Latency {
  readonly p50: number;
  readonly p99: number;
}

export interface Loads {
  /** `rate`: events a second, 0 as fast as can be. */
  mix(events: number, rate: number): Promise<void>;
  /** Microseconds of `count` program starts. */
  starts(count: number, rate: number): Promise<Latency>;
}

export function compileLoads(work: string): Loads {
  chmodSync(work, 0o755);
  const folder = join(work, 'load');
  mkdirSync(folder);
  chmodSync(folder, 0o777);
  const [child, loadgen, latency] = [join(work, 'child'), join(work, 'loadgen'), join(work, 'exec-latency')];
  compile('fault/child.c', child, '-static');
  compile('../bench/loadgen.c', loadgen);
  compile('../bench/collector/exec-latency.c', latency);
  return {
    async mix(events, rate) {
      const [calls, callRate] = [events, rate].map((value) => Math.round(value / EVENTS_PER_CALL));
      await output(loadgen, ['-m', 'mix', '-n', calls, '-r', callRate, '-u', LOAD_UID, '-d', folder, '-x', child]);
    },
    async starts(count, rate) {
      const [p50, p99] = (await output(latency, [child, count, rate, LOAD_UID])).split(' ').map(Number);
      return { p50: p50 ?? Number.NaN, p99: p99 ?? Number.NaN };
    },
  };
}

function output(program: string, argv: readonly unknown[]): Promise<string> {
  const child = spawn(program, argv.map(String), { stdio: ['ignore', 'pipe', 'ignore'] });
  let text = '';
  child.stdout.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => (code === 0 ? resolve(text) : reject(new Error(`${program} ended with ${code}`))));
  });
}
