// How benchmarks of one thread measure and tell: CPU of this thread, heap after a collection.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

export function heapBytes(): number {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  collect();
  return process.memoryUsage().heapUsed;
}

export function microsSince(begin: NodeJS.CpuUsage): number {
  const { user, system } = process.threadCpuUsage(begin);
  return user + system;
}

export function told(micros: number): string {
  const perSecond = 1_000_000 / micros;
  const rate = perSecond < 10_000 ? perSecond.toPrecision(3) : `${Math.round(perSecond / 1_000)}k`;
  return `${micros.toFixed(2)} µs an event (${rate}/s)`;
}
