// A host for the process table: processes that fork, exec and end, pids given out in a circle, and a /proc that shows the present
// while events tell of the past. The truth about each process stands beside it.
import type { ProcView } from '../../collector/lineage/proc.ts';
import type { Call } from '../../collector/lineage/sighting.ts';

export interface Truth {
  readonly number: number;
  readonly pid: number;
  readonly mother: Truth | undefined;
  parent: Truth | undefined;
  readonly startMs: number;
  session: number;
  name: string;
  args: readonly string[];
  cgroup: string;
  isAlive: boolean;
}

export interface SimulatedEvent {
  readonly timeMs: number;
  readonly call: Call;
  readonly actor: Truth;
  readonly parent: Truth | undefined;
}

export const BOOT_MS = 1_700_000_000_000;

export class SimulatedHost {
  nowMs: number = BOOT_MS + 1_000_000;
  lookups = 0;
  readonly pidMax: number;
  private cursor = 300;
  private count = 0;
  private readonly owners = new Map<number, Truth>();
  readonly init: Truth;

  constructor(pidMax = 32_768) {
    this.pidMax = pidMax;
    this.init = this.put(1, undefined, BOOT_MS);
    this.init.name = 'systemd';
  }

  private put(pid: number, parent: Truth | undefined, startMs: number): Truth {
    const truth: Truth = {
      number: this.count++,
      pid,
      mother: parent,
      parent,
      startMs,
      session: parent?.session ?? pid,
      name: parent?.name ?? 'init',
      args: parent?.args ?? [],
      cgroup: parent?.cgroup ?? '0::/init.scope\n',
      isAlive: true,
    };
    this.owners.set(pid, truth);
    return truth;
  }

  get living(): readonly Truth[] {
    return [...this.owners.values()];
  }

  /** A new child; `wanted` is the pid it is to get, if the circle can come by it. */
  fork(parent: Truth, wanted?: number): Truth {
    let pid = wanted ?? this.cursor + 1;
    while (pid >= this.pidMax || pid < 2 || this.owners.has(pid)) pid = pid >= this.pidMax ? 300 : pid + 1;
    this.cursor = pid;
    return this.put(pid, parent, this.nowMs);
  }

  exec(truth: Truth, name: string, args: readonly string[] = [name]): void {
    truth.name = name;
    truth.args = args;
  }

  exit(truth: Truth): void {
    truth.isAlive = false;
    this.owners.delete(truth.pid);
    for (const one of this.owners.values()) if (one.parent === truth) one.parent = this.init;
  }

  /** How far the circle is from giving out `pid`. */
  distance(pid: number): number {
    return (pid - this.cursor + this.pidMax) % this.pidMax || this.pidMax;
  }

  /** The circle goes on: other processes that nobody asks about. */
  spin(count: number): void {
    this.cursor = 300 + ((this.cursor - 300 + count) % (this.pidMax - 300));
  }

  event(actor: Truth, name: string, more: { exit?: number; a0?: string } = {}): SimulatedEvent {
    const call: Call = {
      name,
      pid: actor.pid,
      ppid: actor.parent?.pid ?? 0,
      success: true,
      exit: String(more.exit ?? 0),
      args: [more.a0],
      image: { comm: actor.name, exe: `/bin/${actor.name}` },
    };
    return { timeMs: this.nowMs, call, actor, parent: actor.parent };
  }

  proc(): ProcView {
    return {
      stat: (pid) => {
        this.lookups += 1;
        const found = this.owners.get(pid);
        if (found === undefined) return undefined;
        const startTicks = Math.floor((found.startMs - BOOT_MS) / 10);
        return { pid, ppid: found.parent?.pid ?? 0, name: found.name, startTicks, session: found.session };
      },
      executable: (pid) => {
        const found = this.owners.get(pid);
        return found === undefined ? undefined : `/bin/${found.name}`;
      },
      arguments: (pid) => this.owners.get(pid)?.args,
      cgroup: (pid) => this.owners.get(pid)?.cgroup,
      hasOtherPids: () => false,
      pids: (max) => [...this.owners.keys()].slice(0, max),
      lastPid: () => this.cursor,
      pidMax: () => this.pidMax,
      bootMs: () => BOOT_MS,
    };
  }
}
