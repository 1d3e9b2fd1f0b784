// A cgroup of one's own for what is measured: CPU of all its processes and threads as the kernel counts it, and a CPU quota. Version 2
// counts everywhere; where its controllers are still in version 1's hands, the quota is set there.
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from '../../test/harness/installation.ts';

const PERIOD_MICROSECONDS = 100_000;

export interface Cgroup {
  /** Command that enters the cgroup and becomes what its arguments say. */
  readonly wrapper: readonly string[];
  cpuMicroseconds(): number;
  pids(): readonly number[];
  /** Share of one core, 0 to 1. */
  setQuota(share: number): void;
  /** Waits until its processes have ended. */
  remove(): Promise<void>;
}

/** A new cgroup. Throws where there is none of version 2, or it may not be written. */
export function makeCgroup(name: string): Cgroup {
  const counting = join(mountOf('cgroup2') ?? missing('a mount of cgroup version 2'), `vedette-${name}`);
  mkdirSync(counting);
  const versionOne = existsSync(join(counting, 'cpu.max')) ? undefined : mountOf('cgroup', 'cpu');
  const limiting = versionOne === undefined ? counting : join(versionOne, `vedette-${name}`);
  if (limiting !== counting) mkdirSync(limiting);
  const enter = [...new Set([counting, limiting])].map((folder) => `echo $$ > ${folder}/cgroup.procs`).join(' && ');
  const pids = () => numbersIn(join(counting, 'cgroup.procs'));
  return {
    wrapper: ['/bin/sh', '-c', `${enter} && exec "$@"`, 'sh'],
    pids,
    cpuMicroseconds() {
      const text = readFileSync(join(counting, 'cpu.stat'), 'latin1');
      return Number(/^usage_usec (\d+)$/m.exec(text)?.[1] ?? Number.NaN);
    },
    setQuota(share) {
      const quota = Math.round(share * PERIOD_MICROSECONDS);
      if (existsSync(join(limiting, 'cpu.max'))) {
        writeFileSync(join(limiting, 'cpu.max'), `${quota} ${PERIOD_MICROSECONDS}`);
        return;
      }
      writeFileSync(join(limiting, 'cpu.cfs_period_us'), String(PERIOD_MICROSECONDS));
      writeFileSync(join(limiting, 'cpu.cfs_quota_us'), String(quota));
    },
    async remove() {
      await eventually('the cgroup to be empty', () => (pids().length === 0 ? true : undefined), 10_000);
      for (const folder of new Set([counting, limiting])) rmdirSync(folder);
    },
  };
}

function numbersIn(path: string): readonly number[] {
  return readFileSync(path, 'latin1').split('\n').filter(Boolean).map(Number);
}

function mountOf(type: 'cgroup' | 'cgroup2', controller?: string): string | undefined {
  for (const line of readFileSync('/proc/mounts', 'latin1').split('\n')) {
    const [, folder, kind, options = ''] = line.split(' ');
    if (kind === type && (controller === undefined || options.split(',').includes(controller))) return folder;
  }
  return undefined;
}

function missing(what: string): never {
  throw new Error(`there is no ${what} here`);
}
