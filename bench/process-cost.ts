// What a process has cost so far, as the kernel counts it.
import { readdirSync, readFileSync } from 'node:fs';

const TICK_MS = 10;

/** CPU of all its threads, user and system, ms; from /proc/PID/stat (utime and stime in ticks of 1/100 s). */
export function cpuMs(pid: number): number {
  const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}

/** Resident memory now and at its highest, MiB. */
export function memoryMib(pid: number): { readonly now: number; readonly highest: number } {
  const text = readFileSync(`/proc/${pid}/status`, 'latin1');
  const kib = (name: string) => Number(new RegExp(`^${name}:\\s+([0-9]+) kB`, 'm').exec(text)?.[1] ?? Number.NaN);
  return { now: kib('VmRSS') / 1024, highest: kib('VmHWM') / 1024 };
}

/** CPU of each of its threads so far, ms, by the thread's name: Node names its pool and V8's, and threads of workers by number. */
export function threadCpuMs(pid: number): ReadonlyMap<string, number> {
  const threads = new Map<string, number>();
  for (const id of readdirSync(`/proc/${pid}/task`)) {
    try {
      const text = readFileSync(`/proc/${pid}/task/${id}/stat`, 'latin1');
      const name = Number(id) === pid ? 'main' : text.slice(text.indexOf('(') + 1, text.lastIndexOf(')'));
      const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
      threads.set(name, (threads.get(name) ?? 0) + (Number(fields[11]) + Number(fields[12])) * TICK_MS);
    } catch {
      // It ended meanwhile.
    }
  }
  return threads;
}
