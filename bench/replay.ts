// CPU of the collector by stage without the kernel: real records, captured once, go through parse → reassembly → mapping → lineage →
// spool in one process. Each stage is run with all before it; its cost is the difference. The capture is made anew when it is not
// there: root, and the audit socket, are needed only then.
//
//   node bench/replay.ts [--rounds=8] [--drain=500] [--only=whole] [--capture-only]
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AuditEvent } from '../audit/event.ts';
import { createReassembler } from '../audit/reassembler.ts';
import { createFrameReader } from '../audit/record.ts';
import { createEventWriter } from '../collector/event-writer.ts';
import { hostIdentity } from '../collector/host-identity.ts';
import { openAccounts } from '../collector/lineage/accounts.ts';
import { createContainers } from '../collector/lineage/containers.ts';
import { openLineageJournal } from '../collector/lineage/journal.ts';
import { bootIdOf, procView } from '../collector/lineage/proc.ts';
import { createProcesses, type Processes } from '../collector/lineage/processes.ts';
import { createReader } from '../collector/reader.ts';
import type { RecordSource } from '../collector/source.ts';
import { folderDisk } from '../collector/spool/disk.ts';
import { spoolShared } from '../collector/spool/spool-shared.ts';
import { openSpoolWriter, type SpoolWriter } from '../collector/spool/spool-writer.ts';
import { type Capture, captured, framesOf, shifted } from './replay-capture.ts';

const SPOOL_BYTES_MAX = 1024 * 1024 * 1024;
/** Events at the start of the first round that are told apart: what a collector costs that has just begun. */
const FIRST_EVENTS = 5_000;

interface Pass {
  /** Takes the frames `[from, to)` of the capture, as one drain would; the number of events that this made, records for `parse`. */
  drain(capture: Capture, from: number, to: number): number;
  close(): void;
}
type Stage = (work: string, capture: Capture) => Pass;

const STAGES: Readonly<Record<string, Stage>> = {
  parse: () => {
    let serials = 0;
    return {
      drain(capture, from, to) {
        for (let index = from; index < to; index += 1) serials ^= recordAt(capture, index)?.serial ?? 0;
        return to - from;
      },
      close: () => void serials,
    };
  },
  reassembly: () => reassembled(() => {}),
  mapping: (work) => {
    const events = createEventWriter({ ...hostParts(work), processes: NO_PROCESSES, spool: nullSpool(work) });
    return reassembled((event) => void events.write(event, event.timeMs, false));
  },
  lineage: (work) => {
    const events = createEventWriter({ ...hostParts(work), processes: processTable(work), spool: nullSpool(work) });
    return reassembled((event) => void events.write(event, event.timeMs, false));
  },
  spool: (work) => {
    const spool = folderSpool(work);
    const events = createEventWriter({ ...hostParts(work), processes: processTable(work), spool });
    const pass = reassembled((event) => void events.write(event, event.timeMs, false));
    return {
      drain(capture, from, to) {
        const count = pass.drain(capture, from, to);
        spool.flush();
        return count;
      },
      close: () => spool.close(),
    };
  },
  whole: (work, first) => {
    let range = { capture: first, from: 0, to: 0 };
    let nowMs = timeAt(first, 0);
    const source: RecordSource = {
      mode: { kind: 'kernel', rules: 0, isLocked: false },
      drain(onRecord) {
        const { capture, from, to } = range;
        for (let index = from; index < to; index += 1) {
          const record = recordAt(capture, index);
          if (record !== undefined) onRecord(record);
        }
        range = { capture, from: to, to };
        return { records: to - from, overflows: 0, unreadable: 0, hasMore: false };
      },
      isEnded: () => false,
      check: () => ({ lost: 0, backlog: 0, isOwner: true }),
      excludePids() {},
      quiesce() {},
      close() {},
    };
    const reader = createReader({
      ...hostParts(work),
      source,
      spool: folderSpool(work),
      processes: processTable(work),
      now: () => nowMs,
      previous: undefined,
      save() {},
      cost: () => ({}),
      onNotice: ({ code, text }) => console.error(`${code}: ${text}`),
    });
    let events = 0;
    return {
      drain(capture, from, to) {
        range = { capture, from, to };
        nowMs = timeAt(capture, to - 1) + 1;
        reader.step();
        const made = reader.figures().events - events;
        events += made;
        return made;
      },
      close: () => reader.close(),
    };
  },
};

const NO_LINEAGE = { process: undefined, ancestors: [], isComplete: false };
const NO_PROCESSES: Processes = {
  see() {},
  lineage: () => NO_LINEAGE,
  execed() {},
  open() {},
  keep() {},
  work() {},
  figures: () => ({}),
  size: () => 0,
  close() {},
};

const readFrame = createFrameReader();

function recordAt({ bytes, ends }: Capture, index: number) {
  return readFrame(bytes, index === 0 ? 0 : (ends[index - 1] ?? 0), ends[index] ?? 0);
}

function timeAt(capture: Capture, index: number): number {
  return recordAt(capture, index)?.timeMs ?? 0;
}

function reassembled(onEvent: (event: AuditEvent) => void): Pass {
  const reassembler = createReassembler();
  return {
    drain(capture, from, to) {
      let events = 0;
      const nowMs = timeAt(capture, to - 1) + 1;
      for (let index = from; index < to; index += 1) {
        const record = recordAt(capture, index);
        if (record === undefined) continue;
        for (const event of reassembler.push(record, nowMs)) {
          events += 1;
          onEvent(event);
        }
      }
      return events;
    },
    close() {},
  };
}

function hostParts(work: string) {
  return { host: hostIdentity(work, bootIdOf()), accounts: openAccounts(Date.now) };
}

function processTable(work: string): Processes {
  const { id, bootId } = hostIdentity(work, bootIdOf());
  return createProcesses({
    hostId: id,
    bootId,
    proc: procView(Date.now),
    containers: createContainers(),
    journal: openLineageJournal(work, bootId),
  });
}

/** Makes each event's lines and drops them. */
function nullSpool(work: string): SpoolWriter {
  let position = 0;
  return {
    ...folderSpool(work),
    append(entry) {
      position += 1;
      entry.lines(position);
      return position;
    },
  };
}

function folderSpool(work: string): SpoolWriter {
  return openSpoolWriter({
    disk: folderDisk(mkdtempSync(join(work, 'spool-'))),
    shared: spoolShared(),
    bootId: bootIdOf(),
    bytesMax: SPOOL_BYTES_MAX,
  });
}

interface Measured {
  readonly first: number;
  readonly rounds: readonly number[];
}

/** µs of CPU per event: of the first events, and of each further round. A pass lives through all rounds, as a collector does. */
function measure(stage: Stage, capture: Capture, rounds: number, drainRecords: number): Measured {
  const work = mkdtempSync(join(tmpdir(), 'vedette-replay-'));
  const pass = stage(work, capture);
  const eventsOfRound = framesOf(capture).events;
  const costs: number[] = [];
  let first = Number.NaN;
  let made = 0;
  try {
    for (let round = 0; round <= rounds; round += 1) {
      const moved = shifted(capture, round);
      const before = process.cpuUsage();
      for (let from = 0; from < moved.ends.length; from += drainRecords) {
        const to = Math.min(from + drainRecords, moved.ends.length);
        made += pass.drain(moved, from, to);
        const done = (eventsOfRound * to) / moved.ends.length;
        if (round === 0 && Number.isNaN(first) && done >= FIRST_EVENTS) first = microsecondsSince(before) / done;
      }
      if (round > 0) costs.push(microsecondsSince(before) / eventsOfRound);
    }
    pass.close();
    // The last event may still be open; a stage that drops events would look cheap.
    if (made < eventsOfRound * (rounds + 1) - 1) throw new Error(`only ${made} events came out`);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return { first, rounds: costs };
}

function microsecondsSince(before: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(before);
  return user + system;
}

async function main(): Promise<void> {
  const option = (name: string) =>
    process.argv.find((argument) => argument.startsWith(`--${name}=`))?.slice(name.length + 3);
  const rounds = Number(option('rounds') ?? 8);
  const drainRecords = Number(option('drain') ?? 500);
  const capture = await captured();
  const { records, events } = framesOf(capture);
  console.log(`${records} records, ${events} events, ${capture.bytes.length} bytes; drains of ${drainRecords} records`);
  if (process.argv.includes('--capture-only')) return;
  console.log('stage (with all before it)   first     least    median   added by it, µs/event');
  let before = 0;
  for (const [name, stage] of Object.entries(STAGES)) {
    if (option('only') !== undefined && option('only') !== name) continue;
    const { first, rounds: costs } = measure(stage, capture, rounds, drainRecords);
    const least = Math.min(...costs);
    const median = costs.toSorted((a, b) => a - b)[Math.floor(costs.length / 2)] ?? Number.NaN;
    const columns = [first, least, median, least - before].map((value) => value.toFixed(2).padStart(9));
    console.log(`${name.padEnd(24)}${columns.join(' ')}`);
    before = least;
  }
}

await main();
