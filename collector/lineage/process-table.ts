// Who is whose parent, immune to the reuse of pids. A process is named by its start; an entry is believed while its pid cannot have
// come round again (pid-clock.ts), else /proc is asked; and where nothing can be told any more the answer is "unknown", never
// the next owner of the pid. All times are the kernel's own, so that what is read late is judged by when it happened. Bounded in
// entries, in look-ups a second and in remembered text. Longer than 300 lines, because who owns a pid at a moment is one
// question that every function here asks or answers.
import type { Lineage, ProcessInfo } from '../../audit/event.ts';
import { type Budget, UNLIMITED_BUDGET } from '../budget.ts';
import type { Containers } from './containers.ts';
import { createPidClock } from './pid-clock.ts';
import { type ProcProcess, type ProcView, TICK_MS } from './proc.ts';
import {
  type Above,
  ANCESTORS_MAX,
  belowOf,
  type Entry,
  lineageOf,
  NOTHING_ABOVE,
  type Self,
  startedAfter,
  UNKNOWN_ABOVE,
} from './process-entry.ts';
import { birthOf, type Call, CHANGES } from './sighting.ts';

export const PROCESSES_MAX = 16_384;
/** Processes looked up in /proc in one second at the most; a flood of new pids gets names by time instead. */
export const LOOKUPS_PER_SECOND_MAX = 2_000;
/** What /proc says of a start and an audit stamp differ by less than that, ms: ticks, and the coarse clock of the stamps. */
const SLACK_MS = 50;
/** Other threads' calls may be stamped so much later than the call that ends them all, ms. */
const END_SLACK_MS = 10;
const LINEAGES_REMEMBERED_MAX = 4_096;
const PREVIOUS_MAX = 4;
const PREVIOUS_ARGUMENTS_MAX = 8;
/** Arguments that are remembered of a process, for its children's documents. */
const ARGUMENTS_KEPT_MAX = 64;
const ARGUMENT_CHARS_KEPT_MAX = 2_048;
/** Characters of arguments that are remembered of all processes together; past that the oldest are forgotten. */
export const ARGUMENT_CHARS_MAX = 4 * 1024 * 1024;

interface TableFigures {
  readonly processes: number;
  /** Look-ups in /proc that were made, and that were left out for want of budget. */
  readonly lookups: number;
  readonly lookups_left_out: number;
  readonly containers_left_out: number;
  /** Pids that were found to have another owner than before. */
  readonly pids_reused: number;
}

export interface TableOptions {
  readonly hostId: string;
  readonly bootId: string;
  readonly proc: ProcView | undefined;
  readonly containers?: Containers;
  readonly budget?: Budget;
  readonly processesMax?: number;
  /** Told of each exec, and of each process that was found running: the moment to look at its file. */
  readonly onProgram?: (self: Self, isInContainer: boolean) => void;
}

export interface ProcessTable {
  /** Takes in an event before its document is made: when it happened, and what its call does to processes. */
  see(event: { readonly timeMs: number }, call: Call | undefined, nowMs: number): void;
  /** The acting process of the event seen last, or another one at its moment. */
  lineage(pid: number, ppid: number | undefined): Lineage;
  /** The exec seen last has these arguments and runs this script. */
  execed(args: readonly string[], script: string | undefined): void;
  /** Replaces what is known of a process's program: its file's digest. */
  setDigest(self: Self, info: ProcessInfo, sha256: string): void;
  /** A process of /proc, taken in by its own pid; for seeding and the sweep. True when there is one. */
  lookAt(pid: number, nowMs: number): boolean;
  /** Whether the entry's process still runs; called from time to time for each. */
  sweep(entry: Entry, nowMs: number): void;
  entries(): IterableIterator<Entry>;
  entryOf(pid: number): Entry | undefined;
  /** Puts back what an earlier collector of this boot knew. */
  restore(entry: Entry): void;
  /** Entries that changed since the last call, for the journal. */
  takeChanged(): ReadonlySet<Entry>;
  prefix: string;
  figures(): TableFigures;
  size(): number;
}

/** comm of what sets containers up: its children, and itself after its next exec, may be in another container than it is. */
const RUNTIMES =
  /^(?:runc|crun|runsc|youki|kata|containerd-shi|conmon|lxc-|lxd|incus|systemd-nspawn|docker|podman|crio|nspawn|\(sd-|exe$)/;

export function createProcessTable(options: TableOptions): ProcessTable {
  const { proc, containers, budget = UNLIMITED_BUDGET, processesMax = PROCESSES_MAX, onProgram } = options;
  const prefix = `${options.hostId}.${options.bootId.replaceAll('-', '').slice(0, 8)}.`;
  const clock = proc === undefined ? undefined : createPidClock(proc);
  const table = new Map<number, Entry>();
  let changed = new Set<Entry>();
  const remembered: Entry[] = [];
  let rememberedAt = 0;
  const argued: { readonly self: Self; readonly chars: number }[] = [];
  let arguedAt = 0;
  let argumentChars = 0;
  let evicting: MapIterator<[number, Entry]> | undefined;
  let epoch = 0;
  let eventMs = 0;
  /** The process whose own exec is being seen: the event brings its program, so /proc is spared. */
  let toldPid = -1;
  let isExec = false;
  /** When the pid's owner of the event had certainly ended: /proc has it no more, or the next one. */
  let knownEndMs: number | undefined;
  let nowMs = 0;
  let bootMs: number | undefined;
  let current: Entry | undefined;
  let execing: Entry | undefined;
  let lookupsLeft = LOOKUPS_PER_SECOND_MAX;
  let lookupsSince = Number.NEGATIVE_INFINITY;
  let lookups = 0;
  let lookupsLeftOut = 0;
  let containersLeftOut = 0;
  let pidsReused = 0;

  /** Undefined: gone. `not-asked`: nothing can be said. */
  function stat(pid: number): ProcProcess | undefined | 'not-asked' {
    if (proc === undefined) return 'not-asked';
    if (nowMs - lookupsSince >= 1_000 || nowMs < lookupsSince) {
      lookupsSince = nowMs;
      lookupsLeft = LOOKUPS_PER_SECOND_MAX;
      bootMs = undefined;
    }
    if (lookupsLeft <= 0 || !budget.allows('proc')) {
      lookupsLeftOut += 1;
      return 'not-asked';
    }
    lookupsLeft -= 1;
    lookups += 1;
    return proc.stat(pid);
  }

  /** The clock is slewed and set: so the boot's time of day is asked for anew, not kept. */
  function startMsOf(startTicks: number): number {
    bootMs ??= proc?.bootMs() ?? 0;
    return Math.round(bootMs + startTicks * TICK_MS);
  }

  function put(entry: Entry): Entry {
    const before = table.get(entry.pid);
    table.delete(entry.pid);
    if (before !== undefined) {
      pidsReused += 1;
      entry.before = before;
      before.before = undefined;
      before.endedMs ??= Math.max(before.confirmedMs, entry.bornMs - 1);
    }
    while (table.size >= processesMax) evictOne();
    table.set(entry.pid, entry);
    changed.add(entry);
    return entry;
  }

  /** The oldest that was not used since it was last passed over; one that has ended goes in any case. */
  function evictOne(): void {
    for (;;) {
      // One walk that goes on: a new one would pass by all that was deleted before it, each time.
      evicting ??= table.entries();
      const next = evicting.next();
      if (next.done === true) {
        evicting = undefined;
        continue;
      }
      const [pid, entry] = next.value;
      table.delete(pid);
      if (!entry.wasUsed || entry.endedMs !== undefined) return;
      entry.wasUsed = false;
      table.set(pid, entry);
    }
  }

  function isAlive(entry: Entry): boolean {
    return entry.endedMs === undefined || eventMs <= entry.endedMs + END_SLACK_MS;
  }

  /** What /proc has is the owner of the pid at the event's moment, not one that came later. */
  function wasThere(found: ProcProcess): boolean {
    return startMsOf(found.startTicks) <= eventMs + SLACK_MS;
  }

  function mayBeReused(entry: Entry): boolean {
    return clock?.mayHaveReused(entry.pid, entry.position) ?? false;
  }

  /** The process that owned `pid` when the event happened, or undefined where that cannot be told. `call`: the event is its own. */
  function ownerOf(pid: number, call: Call | undefined, depth: number): Entry | undefined {
    const entry = table.get(pid);
    knownEndMs = undefined;
    if (entry !== undefined) {
      entry.wasUsed = true;
      if (eventMs < entry.bornMs - SLACK_MS) return earlierOwner(entry);
      // A next owner tells of itself by an exec first; an exec in place is rare enough to make sure.
      const isSure = !mayBeReused(entry) && (!isExec || call === undefined || proc === undefined);
      if (isSure && isAlive(entry) && mayHaveParent(entry, call?.ppid)) return confirmed(entry);
    }
    const found = stat(pid);
    const isLikely = entry !== undefined && isAlive(entry) && mayHaveParent(entry, call?.ppid);
    if (found === 'not-asked') return isLikely && (proc === undefined || isProbably(entry, call)) ? entry : undefined;
    if (found !== undefined && wasThere(found)) {
      if (entry !== undefined && isOf(entry, found)) return sameAs(entry, found);
      // It began about now, so that the event may be of one that ended just before: only the parent's pid can tell.
      const isUnclear = startMsOf(found.startTicks) > eventMs - SLACK_MS;
      if (isUnclear && isLikely && call === undefined) return undefined;
      if (!isUnclear || call?.ppid === undefined || call.ppid === found.ppid)
        return fromProc(found, { depth, ppid: call?.ppid });
    } else {
      knownEndMs = found === undefined ? nowMs : startMsOf(found.startTicks) - END_SLACK_MS - 1;
    }
    if (!isLikely) return undefined;
    if (knownEndMs !== undefined) entry.endedMs = Math.max(entry.confirmedMs, eventMs, knownEndMs);
    return mayBeReused(entry) && !isProbably(entry, call) ? undefined : confirmed(entry);
  }

  /** Another owner of the pid, by the same parent, would have told of itself by an exec. Orphans all have init for a parent. */
  function isProbably(entry: Entry, call: Call | undefined): boolean {
    if (call === undefined || isExec || entry.ppid === 1) return false;
    return call.ppid === entry.ppid && call.image.exe === entry.self.info.executable;
  }

  function sameAs(entry: Entry, found: ProcProcess): Entry {
    entry.endedMs = undefined;
    if (entry.session !== found.session) takeSession(entry, found.session);
    return confirmed(entry);
  }

  function isOf(entry: Entry, found: ProcProcess): boolean {
    if (entry.startTicks !== undefined) return entry.startTicks === found.startTicks;
    return isAlive(entry) && startsBy(found, entry);
  }

  /** An entry named by time was seen, so it had started by then; the name that was given first is kept. */
  function startsBy(found: ProcProcess, entry: Entry): boolean {
    return startMsOf(found.startTicks) <= entry.bornMs + SLACK_MS;
  }

  function earlierOwner(entry: Entry): Entry | undefined {
    const { before } = entry;
    return before !== undefined && before.bornMs - SLACK_MS <= eventMs ? before : undefined;
  }

  function confirmed(entry: Entry): Entry {
    if (eventMs >= entry.confirmedMs) {
      entry.confirmedMs = eventMs;
      entry.position = Math.max(entry.position, clock?.positionAt(eventMs) ?? 0);
    }
    return entry;
  }

  /** A process keeps its parent until that ends; then it gets init, or an ancestor that asked for orphans. */
  function mayHaveParent(entry: Entry, ppid: number | undefined): boolean {
    if (ppid === undefined || ppid === entry.ppid || ppid === 1 || entry.ppid === undefined) return true;
    return entry.above.selves.some((self) => self.info.pid === ppid);
  }

  function entryWith(
    of: Pick<Entry, 'pid' | 'startTicks' | 'bornMs' | 'ppid'> & { readonly info: ProcessInfo },
  ): Entry {
    return {
      pid: of.pid,
      self: { info: of.info, isShared: false },
      startTicks: of.startTicks,
      bornMs: of.bornMs,
      ppid: of.ppid,
      parent: undefined,
      above: UNKNOWN_ABOVE,
      below: undefined,
      session: 0,
      leader: undefined,
      container: undefined,
      isContainerSeen: false,
      previous: NONE,
      hasExeced: false,
      hasOtherPids: undefined,
      confirmedMs: Math.max(of.bornMs, eventMs),
      position: clock?.positionOfBirth(of.pid, of.bornMs, eventMs) ?? 0,
      endedMs: undefined,
      before: undefined,
      wasUsed: false,
      lineage: undefined,
      epoch: -1,
    };
  }

  /** `ppid`: as the event has it, which was there before anybody looked. `birthParent`: as its birth's own event has it. */
  function fromProc(
    found: ProcProcess,
    of: { readonly depth: number; readonly ppid: number | undefined; readonly birthParent?: Entry },
  ): Entry {
    const { depth, birthParent } = of;
    const ppid = birthParent?.pid ?? of.ppid ?? found.ppid;
    const startMs = startMsOf(found.startTicks);
    const mother = birthParent?.self.info;
    const isTold = found.pid === toldPid;
    // Born just now: until it execs it runs what its parent runs.
    const isCopy = mother !== undefined && mother.name === found.name;
    const entry = entryWith({
      pid: found.pid,
      ppid,
      startTicks: found.startTicks,
      bornMs: startMs,
      info: {
        pid: found.pid,
        entityId: `${prefix}${found.pid}.${found.startTicks}`,
        name: found.name,
        executable: isCopy ? mother.executable : isTold ? undefined : proc?.executable(found.pid),
        args: isCopy ? mother.args : isTold ? undefined : bounded(proc?.arguments(found.pid)),
        startMs,
      },
    });
    put(entry);
    const parent = birthParent ?? parentOf(entry, ppid, depth);
    beBornOf(entry, parent, ppid);
    if (entry.session !== found.session) takeSession(entry, found.session);
    if (parent === undefined || !parent.isContainerSeen || RUNTIMES.test(parent.self.info.name)) seeContainer(entry);
    if (!isTold && !isCopy) {
      countArguments(entry.self);
      onProgram?.(entry.self, entry.container !== undefined);
    }
    return entry;
  }

  /** It is gone, or /proc was not asked: the event itself is all there is. A fork has its parent's program until it execs. */
  function fromEvent(pid: number, ppid: number | undefined, birthParent?: Entry): Entry {
    const endMs = knownEndMs;
    const parent = birthParent ?? (ppid === undefined || ppid === 0 ? undefined : ownerOf(ppid, undefined, 1));
    const program = parent?.self.info;
    const entry = entryWith({
      pid,
      ppid,
      startTicks: undefined,
      bornMs: eventMs,
      info: {
        pid,
        entityId: `${prefix}${pid}.e${eventMs.toString(36)}`,
        name: program?.name ?? '',
        executable: program?.executable,
        args: program?.args,
        script: program?.script,
        startMs: birthParent === undefined ? undefined : eventMs,
      },
    });
    const owner = table.get(pid);
    if (owner !== undefined && eventMs < owner.bornMs - SLACK_MS) {
      // The event came late: the pid is another's already.
      entry.endedMs = owner.bornMs - 1;
      owner.before = entry;
    } else {
      put(entry);
      if (endMs !== undefined) entry.endedMs = Math.max(eventMs, endMs);
    }
    beBornOf(entry, parent, ppid);
    return entry;
  }

  function parentOf(child: Entry, ppid: number, depth: number): Entry | undefined {
    if (ppid === 0 || depth >= ANCESTORS_MAX) return undefined;
    const parent = ownerOf(ppid, undefined, depth + 1);
    if (parent === undefined || parent === child || startedAfter(parent, child)) return undefined;
    // It is still being looked up itself: pids that name each other as parents.
    return parent.above.selves.includes(child.self) ? undefined : parent;
  }

  function beBornOf(entry: Entry, parent: Entry | undefined, ppid: number | undefined): void {
    if (parent === undefined) {
      setAbove(entry, ppid === 0 ? NOTHING_ABOVE : UNKNOWN_ABOVE);
      return;
    }
    setAbove(entry, belowOf(parent));
    entry.parent = parent.self;
    entry.container = parent.container;
    entry.isContainerSeen = parent.isContainerSeen && !RUNTIMES.test(parent.self.info.name);
    entry.hasOtherPids = parent.hasOtherPids === true ? true : undefined;
    if (entry.session === 0) {
      entry.session = parent.session;
      entry.leader = parent.leader;
      if (entry.leader !== undefined) entry.leader.isShared = true;
    }
  }

  function setAbove(entry: Entry, above: Above): void {
    if (entry.above === above) return;
    entry.above = above;
    entry.below = undefined;
    entry.lineage = undefined;
  }

  function reparent(entry: Entry, ppid: number, depth: number): void {
    entry.ppid = ppid;
    const parent = ppid === 0 ? undefined : ownerOf(ppid, undefined, depth + 1);
    const isOne = parent !== undefined && parent !== entry && !startedAfter(parent, entry);
    entry.parent = isOne ? parent.self : undefined;
    if (isOne) parent.self.isShared = true;
    entry.lineage = undefined;
    changed.add(entry);
  }

  /** As long as a session lives, its number is nobody's pid but its leader's. */
  function takeSession(entry: Entry, session: number): void {
    entry.session = session;
    const leader = session === entry.pid ? entry : session <= 0 ? undefined : ownerOf(session, undefined, 1);
    const isOne = leader !== undefined && !startedAfter(leader, entry) && leader.bornMs <= entry.bornMs + SLACK_MS;
    entry.leader = isOne ? leader.self : undefined;
    if (isOne && leader !== entry) leader.self.isShared = true;
    entry.lineage = undefined;
    changed.add(entry);
  }

  function seeContainer(entry: Entry): void {
    if (containers === undefined || proc === undefined) return;
    if (!budget.allows('container')) {
      containersLeftOut += 1;
      return;
    }
    const text = proc.cgroup(entry.pid);
    if (text === undefined) return;
    entry.isContainerSeen = true;
    const container = containers.ofCgroup(text, nowMs);
    if (container === entry.container) return;
    entry.container = container;
    entry.lineage = undefined;
    changed.add(entry);
  }

  function setInfo(self: Self, info: ProcessInfo): void {
    self.info = info;
    if (self.isShared) epoch += 1;
  }

  function countArguments(self: Self): void {
    const chars = charsOf(self.info.args);
    if (chars === 0) return;
    argumentChars += chars;
    argued.push({ self, chars });
    while (argumentChars > ARGUMENT_CHARS_MAX) {
      const oldest = argued[arguedAt++];
      if (oldest === undefined) break;
      argumentChars -= oldest.chars;
      if (oldest.self !== self) setInfo(oldest.self, { ...oldest.self.info, args: undefined });
    }
    if (arguedAt > 1_024 && arguedAt * 2 > argued.length) {
      argued.splice(0, arguedAt);
      arguedAt = 0;
    }
  }

  function exec(entry: Entry, wasKnown: boolean, call: Call): void {
    const { self } = entry;
    const before = self.info;
    const parent = entry.parent?.info;
    const isOwn = entry.hasExeced || parent?.executable !== before.executable || parent?.name !== before.name;
    if (wasKnown && isOwn && before.name !== '')
      entry.previous = [
        ...entry.previous.slice(1 - PREVIOUS_MAX),
        { ...before, args: before.args?.slice(0, PREVIOUS_ARGUMENTS_MAX) },
      ];
    setInfo(self, {
      pid: before.pid,
      entityId: before.entityId,
      name: call.image.comm ?? before.name,
      executable: call.image.exe ?? before.executable,
      args: undefined,
      startMs: before.startMs,
      script: undefined,
      sha256: undefined,
    });
    entry.hasExeced = true;
    entry.lineage = undefined;
    changed.add(entry);
    if (RUNTIMES.test(before.name) || !entry.isContainerSeen) seeContainer(entry);
    onProgram?.(self, entry.container !== undefined);
    execing = entry;
  }

  function birth(parent: Entry, call: Call): void {
    const born = birthOf(call);
    if (born === undefined) return;
    parent.hasOtherPids ??= proc?.hasOtherPids(parent.pid) ?? false;
    if (parent.hasOtherPids) return;
    const mother = born.isSibling
      ? parent.ppid === undefined
        ? undefined
        : ownerOf(parent.ppid, undefined, 1)
      : parent;
    if (mother === undefined) return;
    const child = table.get(born.pid);
    if (child !== undefined && child.bornMs >= eventMs - SLACK_MS) {
      // Its own events came before the record of its birth: perhaps it had been given another parent by then.
      if (child.ppid !== mother.pid && child.above !== belowOf(mother)) {
        setAbove(child, belowOf(mother));
        changed.add(child);
      }
      return;
    }
    const found = stat(born.pid);
    if (found !== undefined && found !== 'not-asked') {
      if (born.mayBeThread && found.ppid !== mother.pid) return;
      if (startMsOf(found.startTicks) >= eventMs - SLACK_MS && wasThere(found)) {
        fromProc(found, { depth: 0, ppid: undefined, birthParent: mother });
        return;
      }
    }
    if (!born.mayBeThread) fromEvent(born.pid, mother.pid, mother);
  }

  function actorOf(pid: number, ppid: number | undefined, call: Call | undefined): Entry {
    const entry = ownerOf(pid, call, 0);
    if (entry === undefined) return fromEvent(pid, ppid);
    if (ppid !== undefined && ppid !== entry.ppid) {
      // First heard of by an event without a parent: that is its parent by birth, as far as anybody can tell.
      if (entry.ppid === undefined) beBornOf(entry, ownerOf(ppid, undefined, 1), ppid);
      reparent(entry, ppid, 0);
    }
    return entry;
  }

  function see(event: { readonly timeMs: number }, call: Call | undefined, atMs: number): void {
    eventMs = event.timeMs;
    nowMs = atMs;
    current = undefined;
    execing = undefined;
    isExec = false;
    toldPid = -1;
    clock?.look(eventMs, nowMs);
    const pid = call?.pid;
    if (call === undefined || pid === undefined) return;
    const change = CHANGES.get(call.name);
    isExec = change === 'exec' && call.success === true;
    if (isExec) toldPid = pid;
    const known = isExec ? table.get(pid) : undefined;
    const entry = actorOf(pid, call.ppid, call);
    current = entry;
    if (change === undefined) {
      if (call.image.exe !== undefined && call.image.exe !== entry.self.info.executable) learn(entry, call);
      return;
    }
    if (isExec) exec(entry, known === entry, call);
    else if (change === 'birth') birth(entry, call);
    else if (change === 'end') entry.endedMs = eventMs;
    // The last thread's end is the process's, and no record says which is the last: /proc is asked at the next event.
    else if (change === 'thread-end') entry.position = Number.NEGATIVE_INFINITY;
    else if (change === 'session' && call.success === true) takeSession(entry, entry.pid);
    isExec = false;
  }

  /** The exec was not seen: it came before the collector, or was lost. */
  function learn(entry: Entry, call: Call): void {
    const { info } = entry.self;
    const { pid, entityId, startMs } = info;
    const isNew = info.executable !== undefined;
    const args = isNew ? undefined : info.args;
    setInfo(entry.self, { pid, entityId, startMs, name: call.image.comm ?? '', executable: call.image.exe, args });
    entry.lineage = undefined;
    changed.add(entry);
  }

  return {
    see,
    lineage(pid, ppid) {
      const entry = current?.pid === pid ? current : actorOf(pid, ppid, undefined);
      if (entry.lineage === undefined) remember(entry);
      return lineageOf(entry, epoch);
    },
    execed(args, script) {
      if (execing === undefined) return;
      const { self } = execing;
      // Nobody has been told of this program yet: the info is still being made.
      Object.assign(self.info, { args: bounded(args), script });
      execing = undefined;
      countArguments(self);
    },
    setDigest(self, info, sha256) {
      if (self.info !== info) return;
      setInfo(self, { ...info, sha256 });
      const entry = table.get(info.pid);
      if (entry?.self === self) entry.lineage = undefined;
    },
    lookAt(pid, atMs) {
      see({ timeMs: atMs }, undefined, atMs);
      if (table.has(pid)) return true;
      const found = proc?.stat(pid);
      if (found === undefined) return false;
      fromProc(found, { depth: 0, ppid: undefined });
      return true;
    },
    sweep(entry, atMs) {
      see({ timeMs: atMs }, undefined, atMs);
      if (table.get(entry.pid) !== entry || entry.endedMs !== undefined) return;
      const found = stat(entry.pid);
      if (found === 'not-asked') return;
      if (found === undefined || !isOf(entry, found)) {
        entry.endedMs = Math.max(
          entry.confirmedMs,
          found === undefined ? atMs : startMsOf(found.startTicks) - END_SLACK_MS - 1,
        );
        changed.add(entry);
        return;
      }
      confirmed(entry);
      if (entry.session !== found.session) takeSession(entry, found.session);
      if (entry.ppid !== found.ppid) reparent(entry, found.ppid, 0);
      else if (entry.above === UNKNOWN_ABOVE) {
        beBornOf(entry, parentOf(entry, found.ppid, 0), found.ppid);
      }
      seeContainer(entry);
    },
    entries: () => table.values(),
    entryOf: (pid) => table.get(pid),
    restore(entry) {
      if (table.has(entry.pid)) return;
      while (table.size >= processesMax) evictOne();
      table.set(entry.pid, entry);
      countArguments(entry.self);
    },
    takeChanged() {
      const taken = changed;
      changed = new Set();
      return taken;
    },
    prefix,
    figures: () => ({
      processes: table.size,
      lookups,
      lookups_left_out: lookupsLeftOut,
      containers_left_out: containersLeftOut,
      pids_reused: pidsReused,
    }),
    size: () => table.size,
  };

  /** Lineages hold text: only so many are kept, the oldest is forgotten and made again if asked for. */
  function remember(entry: Entry): void {
    const forgotten = remembered[rememberedAt];
    if (forgotten !== undefined && forgotten !== entry) forgotten.lineage = undefined;
    remembered[rememberedAt] = entry;
    rememberedAt = (rememberedAt + 1) % LINEAGES_REMEMBERED_MAX;
  }
}

const NONE: readonly ProcessInfo[] = [];

function bounded(args: readonly string[] | undefined): readonly string[] | undefined {
  if (args === undefined || (args.length <= ARGUMENTS_KEPT_MAX && charsOf(args) <= ARGUMENT_CHARS_KEPT_MAX))
    return args;
  let chars = 0;
  const some: string[] = [];
  for (const argument of args) {
    chars += argument.length;
    if (some.length >= ARGUMENTS_KEPT_MAX || chars > ARGUMENT_CHARS_KEPT_MAX) break;
    some.push(argument);
  }
  return some;
}

function charsOf(args: readonly string[] | undefined): number {
  let chars = 0;
  if (args !== undefined) for (const argument of args) chars += argument.length;
  return chars;
}
