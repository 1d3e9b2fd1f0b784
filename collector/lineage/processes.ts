// The processes of this host as the reader uses them: the table, what is kept of it on disk, and the work between the drains:
// seeding from /proc in slices, a slow sweep that sees processes end, digests of executables. Nothing of it delays the socket.
import type { HostKnowledge } from '../../audit/event.ts';
import type { Budget } from '../budget.ts';
import type { Containers } from './containers.ts';
import type { ExecutableDigests } from './executable-digest.ts';
import { createExecutableDigests } from './executable-digest.ts';
import type { LineageJournal } from './journal.ts';
import type { ProcView } from './proc.ts';
import type { Entry } from './process-entry.ts';
import { createProcessTable, PROCESSES_MAX, type ProcessTable } from './process-table.ts';
import type { Call } from './sighting.ts';

/** Processes that are taken in between two drains while seeding: about 2 ms. */
const SEED_SLICE = 50;
/** Every process is looked at once in so many seconds … */
const SWEEP_SECONDS = 120;
/** … but no more than so many in one of them. */
const SWEEP_PER_SECOND_MAX = 64;

export interface Processes {
  /** See ProcessTable. */
  see(event: { readonly timeMs: number }, call: Call | undefined, nowMs: number): void;
  readonly lineage: HostKnowledge['lineage'];
  readonly execed: NonNullable<HostKnowledge['execed']>;
  /** Takes in what an earlier collector knew. Called when the socket is open. */
  open(): void;
  /** Writes down what is new: before the events that tell of it are spooled. */
  keep(): void;
  /** A slice of the work that waits, some milliseconds at the most. Called when there are no records to read. */
  work(nowMs: number): void;
  figures(): Readonly<Record<string, number>>;
  size(): number;
  close(): void;
}

export interface ProcessesOptions {
  readonly hostId: string;
  readonly bootId: string;
  /** Absent where another host's records are played. */
  readonly proc: ProcView | undefined;
  readonly journal?: LineageJournal;
  readonly containers?: Containers;
  readonly budget?: Budget;
  readonly hashesExecutables?: boolean;
}

export function createProcesses(options: ProcessesOptions): Processes {
  const { proc, journal, budget } = options;
  let eventMs = 0;
  let digests: ExecutableDigests | undefined;
  const table: ProcessTable = createProcessTable({
    ...options,
    onProgram: (self, isInContainer) => digests?.ask({ self, isInContainer, eventMs }),
  });
  if (options.hashesExecutables === true && proc !== undefined)
    digests = createExecutableDigests({ done: table.setDigest, ...(budget === undefined ? {} : { budget }) });
  let seeds: readonly number[] | undefined;
  let seeded = 0;
  let sweepMs = 0;
  let sweeping: IterableIterator<Entry> | undefined;
  let restored = 0;
  let keepFailures = 0;

  function seed(nowMs: number): void {
    if (proc === undefined) return;
    seeds ??= proc.pids(PROCESSES_MAX);
    const end = Math.min(seeds.length, seeded + SEED_SLICE);
    for (; seeded < end; seeded++) table.lookAt(seeds[seeded] ?? 0, nowMs);
  }

  function sweep(nowMs: number): void {
    if (proc === undefined || (nowMs - sweepMs < 1_000 && nowMs >= sweepMs)) return;
    sweepMs = nowMs;
    const count = Math.min(SWEEP_PER_SECOND_MAX, Math.ceil(table.size() / SWEEP_SECONDS));
    for (let done = 0; done < count; done++) {
      sweeping ??= table.entries();
      const { value, done: isOver } = sweeping.next();
      if (isOver === true) {
        sweeping = undefined;
        return;
      }
      table.sweep(value, nowMs);
    }
  }

  return {
    see(event, call, nowMs) {
      eventMs = event.timeMs;
      table.see(event, call, nowMs);
    },
    lineage: table.lineage,
    execed: table.execed,
    open() {
      restored = journal?.restore(table, options.bootId) ?? 0;
    },
    keep() {
      if (journal?.keep(table) === false) keepFailures += 1;
    },
    work(nowMs) {
      eventMs = nowMs;
      if (seeds === undefined || seeded < seeds.length) seed(nowMs);
      else {
        sweep(nowMs);
        digests?.work(nowMs);
      }
    },
    figures: () => ({
      ...table.figures(),
      processes_restored: restored,
      processes_not_kept: keepFailures,
      ...digests?.figures(),
    }),
    size: table.size,
    close() {
      digests?.close();
      journal?.close();
    },
  };
}
