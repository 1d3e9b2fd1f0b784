// Who is whose parent: seeded from /proc, kept by what the events themselves say, checked against /proc where a pid may have
// been used again. A process is named by its start time, so the name stays the same over execs and differs for the next owner
// of the pid. Bounded in entries and in look-ups a second; where /proc has nothing any more, the event's time stands in, and
// the name that was given first is kept.
import type { HostKnowledge, ProcessInfo } from '../../audit/event.ts';
import type { ProcProcess } from './proc.ts';

const PROCESSES_MAX = 16_384;
export const ANCESTORS_MAX = 32;
/** Processes looked up in /proc in one second at the most; a flood of new pids gets names by time instead. */
export const LOOKUPS_PER_SECOND_MAX = 2_000;
/** A pid cannot come round again so fast: until then an entry is taken without asking /proc, ms. */
const TRUSTED_MS = 1_000;
/** An entry that /proc no longer has is believed so long after its last sign of life; then an exec under its pid is another process. */
const GONE_TRUSTED_MS = 10_000;

/** What /proc can be asked; absent where another host's records are played. */
export interface ProcView {
  stat(pid: number): ProcProcess | undefined;
  executable(pid: number): string | undefined;
  arguments(pid: number): readonly string[] | undefined;
  pids(max: number): readonly number[];
}

interface Chain {
  readonly info: ProcessInfo | undefined;
  readonly above: Chain | undefined;
  readonly ancestors: readonly ProcessInfo[];
  readonly isComplete: boolean;
}

const REACHED_TOP: Chain = { info: undefined, above: undefined, ancestors: [], isComplete: true };
const UNKNOWN_ABOVE: Chain = { info: undefined, above: undefined, ancestors: [], isComplete: false };

interface Entry {
  readonly pid: number;
  ppid: number | undefined;
  readonly startTicks: number | undefined;
  info: ProcessInfo;
  /** Last moment at which it certainly was this process, ms. */
  confirmedMs: number;
  wasUsed: boolean;
  chain?: Chain;
}

/** What an event tells of its own process, once it is decoded. */
interface Sighting {
  readonly pid: number;
  readonly ppid: number | undefined;
  readonly name: string | undefined;
  readonly executable: string | undefined;
  /** The new arguments; given for an exec that succeeded. */
  readonly args: readonly string[] | undefined;
}

export interface ProcessTable {
  /** The moment, and whether it is an exec, of the event whose lineage is asked for next. */
  begin(event: { readonly timeMs: number; readonly isExec: boolean }, nowMs: number): void;
  lineage(pid: number, ppid: number): ReturnType<HostKnowledge['lineage']>;
  /** What an event says of its process holds from now on; called after its lineage was asked for. */
  learn(sighting: Sighting): void;
  /** True when the process's program is not known, so that any event of it is worth learning from. */
  lacksProgram(pid: number): boolean;
  size(): number;
}

export function createProcessTable(options: {
  readonly hostId: string;
  readonly bootId: string;
  readonly proc: ProcView | undefined;
  readonly processesMax?: number;
}): ProcessTable {
  const { proc, processesMax = PROCESSES_MAX } = options;
  const prefix = `${options.hostId}.${options.bootId.replaceAll('-', '').slice(0, 8)}`;
  const entries = new Map<number, Entry>();
  let eventMs = 0;
  let isExec = false;
  let nowMs = 0;
  let lookupsLeft = LOOKUPS_PER_SECOND_MAX;
  let lookupsSince = Number.NEGATIVE_INFINITY;

  function stat(pid: number): ProcProcess | undefined | 'not-asked' {
    if (proc === undefined) return 'not-asked';
    if (nowMs - lookupsSince >= 1_000 || nowMs < lookupsSince) {
      lookupsSince = nowMs;
      lookupsLeft = LOOKUPS_PER_SECOND_MAX;
    }
    if (lookupsLeft <= 0) return 'not-asked';
    lookupsLeft -= 1;
    return proc.stat(pid);
  }

  function put(entry: Entry): Entry {
    entries.delete(entry.pid);
    while (entries.size >= processesMax) evictOne();
    entries.set(entry.pid, entry);
    return entry;
  }

  /** The oldest that was not used since it was last passed over. */
  function evictOne(): void {
    for (const [pid, entry] of entries) {
      entries.delete(pid);
      if (!entry.wasUsed) return;
      entry.wasUsed = false;
      entries.set(pid, entry);
    }
  }

  /** `willTell`: the event itself brings program and arguments, so /proc is spared. */
  function fromProc(found: ProcProcess, willTell: boolean): Entry {
    return put({
      pid: found.pid,
      ppid: found.ppid,
      startTicks: found.startTicks,
      info: {
        pid: found.pid,
        entityId: `${prefix}.${found.pid}.${found.startTicks}`,
        name: found.name,
        executable: willTell ? undefined : proc?.executable(found.pid),
        args: willTell ? undefined : proc?.arguments(found.pid),
      },
      confirmedMs: nowMs,
      wasUsed: false,
    });
  }

  /**
   * The entry of a living or remembered process, or undefined when nothing is known of the pid. `mayBeAnother`: an exec, which
   * may be the first that is heard of the next owner of a pid.
   */
  function known(pid: number, mayBeAnother: boolean): Entry | undefined {
    const entry = entries.get(pid);
    if (entry !== undefined && nowMs - entry.confirmedMs < TRUSTED_MS) {
      entry.wasUsed = true;
      return entry;
    }
    const found = stat(pid);
    if (entry === undefined)
      return found === undefined || found === 'not-asked' ? undefined : fromProc(found, mayBeAnother);
    entry.wasUsed = true;
    if (found === 'not-asked') return entry;
    if (found === undefined) {
      return mayBeAnother && nowMs - entry.confirmedMs > GONE_TRUSTED_MS ? undefined : entry;
    }
    // An entry named by time has no start to compare: it was seen, so it started before now; the first name is kept.
    if (entry.startTicks === undefined || entry.startTicks === found.startTicks) {
      entry.confirmedMs = nowMs;
      return entry;
    }
    return fromProc(found, mayBeAnother);
  }

  function actor(pid: number, ppid: number): Entry {
    const entry = known(pid, isExec);
    if (entry !== undefined) {
      entry.ppid = ppid;
      entry.confirmedMs = nowMs;
      return entry;
    }
    // It is gone, or /proc was not asked: the event itself is all there is. A fork has its parent's program until it execs.
    const parent = entries.get(ppid)?.info;
    return put({
      pid,
      ppid,
      startTicks: undefined,
      info: {
        pid,
        entityId: `${prefix}.${pid}.e${eventMs.toString(36)}`,
        name: parent?.name ?? '',
        executable: parent?.executable,
        args: parent?.args,
      },
      confirmedMs: nowMs,
      wasUsed: false,
    });
  }

  /** The chain from `pid` upwards. The same arrays come back while nothing changed: readers remember them by identity. */
  function chainFrom(pid: number | undefined, child: Entry, depth: number): Chain {
    if (pid === 0) return REACHED_TOP;
    const parent = pid === undefined || depth >= ANCESTORS_MAX ? undefined : known(pid, false);
    // A "parent" that started after its child is the next owner of the parent's pid.
    if (parent === undefined || parent === child || startedAfter(parent, child)) return UNKNOWN_ABOVE;
    const above = chainFrom(parent.ppid, parent, depth + 1);
    const { chain } = parent;
    if (chain !== undefined && chain.above === above && chain.info === parent.info) return chain;
    parent.chain = {
      info: parent.info,
      above,
      ancestors: [parent.info, ...above.ancestors].slice(0, ANCESTORS_MAX),
      isComplete: above.isComplete,
    };
    return parent.chain;
  }

  if (proc !== undefined) {
    for (const pid of proc.pids(processesMax)) {
      const found = proc.stat(pid);
      if (found !== undefined) fromProc(found, false);
    }
    // What was seeded is not yet "confirmed just now" for the first event, whose clock is the caller's.
    for (const entry of entries.values()) entry.confirmedMs = Number.NEGATIVE_INFINITY;
  }

  return {
    begin(event, atMs) {
      eventMs = event.timeMs;
      isExec = event.isExec;
      nowMs = atMs;
    },
    lineage(pid, ppid) {
      const process = actor(pid, ppid);
      const above = chainFrom(ppid, process, 0);
      return { process: process.info, ancestors: above.ancestors, isComplete: above.isComplete };
    },
    learn(sighting) {
      const entry = entries.get(sighting.pid);
      if (entry === undefined) return;
      const { name = entry.info.name, executable = entry.info.executable, args = entry.info.args } = sighting;
      const { info } = entry;
      if (name === info.name && executable === info.executable && args === info.args) return;
      entry.info = { pid: info.pid, entityId: info.entityId, name, executable, args };
    },
    lacksProgram: (pid) => entries.get(pid)?.info.name === '',
    size: () => entries.size,
  };
}

function startedAfter(parent: Entry, child: Entry): boolean {
  return parent.startTicks !== undefined && child.startTicks !== undefined && parent.startTicks > child.startTicks;
}
