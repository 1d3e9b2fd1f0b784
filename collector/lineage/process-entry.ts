// One process in the table, and its ancestors by birth. A chain holds who its members are (Self), not their entries: so a line of
// processes that each start the next and end costs the memory of its last 32, however long it grows.
//
//   Entry ── self ─ info          who it is and what it runs now; the info is replaced when it execs
//     └──── above ─ selves[]      parent, grandparent, … shared by all children of one parent
import type { ContainerInfo, Lineage, ProcessInfo } from '../../audit/event.ts';

export const ANCESTORS_MAX = 32;

/** Who a process is; what it runs changes. */
export interface Self {
  info: ProcessInfo;
  /** True when others' lineages tell of it: then a change of `info` is theirs too. */
  isShared: boolean;
}

export interface Above {
  readonly selves: readonly Self[];
  /** The chain reaches pid 1 or the kernel. */
  readonly isComplete: boolean;
  /** The selves' infos, as of `epoch`. */
  infos: readonly ProcessInfo[];
  epoch: number;
}

export interface Entry {
  readonly pid: number;
  readonly self: Self;
  /** Undefined where /proc had it no more: then the id is made of the time of the first event. */
  readonly startTicks: number | undefined;
  /** By then it had been born: its start, or its first event. */
  readonly bornMs: number;
  /** The parent's pid now: another than at birth when the parent ended. */
  ppid: number | undefined;
  parent: Self | undefined;
  above: Above;
  /** The chain of its children, made once. */
  below: Above | undefined;
  /** The pid that leads its session; 0 where that is not known. */
  session: number;
  leader: Self | undefined;
  container: ContainerInfo | undefined;
  /** Whether the container was looked up for this very process, or taken from the parent's. */
  isContainerSeen: boolean;
  /** What it ran before, the oldest first. */
  previous: readonly ProcessInfo[];
  /** True when it is known to run a program of its own: before its first exec it has its parent's. */
  hasExeced: boolean;
  /** Whether its calls return pids of another namespace; undefined where that was not asked for. */
  hasOtherPids: boolean | undefined;
  /** Last moment at which it certainly was this process: kernel time, ms. */
  confirmedMs: number;
  /** Where the pids' circle stood then (pid-clock.ts). */
  position: number;
  /** After that it certainly was no more. */
  endedMs: number | undefined;
  /** The owner of the pid before this one, for events that come late. */
  before: Entry | undefined;
  wasUsed: boolean;
  lineage: Lineage | undefined;
  epoch: number;
}

export const NOTHING_ABOVE: Above = { selves: [], isComplete: true, infos: [], epoch: 0 };
export const UNKNOWN_ABOVE: Above = { selves: [], isComplete: false, infos: [], epoch: 0 };

/** The chain of a process that `parent` gave birth to. */
export function belowOf(parent: Entry): Above {
  if (parent.below !== undefined) return parent.below;
  const { above } = parent;
  parent.self.isShared = true;
  parent.below = {
    selves: [parent.self, ...above.selves.slice(0, ANCESTORS_MAX - 1)],
    isComplete: above.isComplete && above.selves.length < ANCESTORS_MAX,
    infos: [],
    epoch: -1,
  };
  return parent.below;
}

/** The ancestors as they are in `epoch`; the same array as long as none of them changed. */
function infosOf(above: Above, epoch: number): readonly ProcessInfo[] {
  if (above.epoch === epoch || above.selves.length === 0) return above.infos;
  const { selves, infos } = above;
  above.epoch = epoch;
  if (infos.length !== selves.length || selves.some((self, at) => self.info !== infos[at]))
    above.infos = selves.map((self) => self.info);
  return above.infos;
}

/** What an entry's events say; the same object as long as nothing of it changed. */
export function lineageOf(entry: Entry, epoch: number): Lineage {
  const { lineage, above } = entry;
  if (lineage !== undefined && entry.epoch === epoch) return lineage;
  const process = entry.self.info;
  const ancestors = infosOf(above, epoch);
  const parent = entry.parent?.info;
  const sessionLeader = entry.leader?.info;
  entry.epoch = epoch;
  if (
    lineage === undefined ||
    lineage.process !== process ||
    lineage.ancestors !== ancestors ||
    lineage.isComplete !== above.isComplete ||
    lineage.parent !== parent ||
    lineage.sessionLeader !== sessionLeader ||
    lineage.container !== entry.container ||
    lineage.previous !== entry.previous
  ) {
    entry.lineage = {
      process,
      parent,
      ancestors,
      isComplete: above.isComplete,
      sessionLeader,
      previous: entry.previous,
      container: entry.container,
    };
  }
  return entry.lineage as Lineage;
}

/** A "parent" that started after its child is the next owner of the parent's pid. */
export function startedAfter(parent: Entry, child: Entry): boolean {
  return parent.startTicks !== undefined && child.startTicks !== undefined && parent.startTicks > child.startTicks;
}
