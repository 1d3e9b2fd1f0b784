import { describe, expect, it } from 'vitest';
import type { AuditRecord } from '../../audit/event.ts';
import { parseLine } from '../../audit/record.ts';
import { createdClock, STEP_BACK_LEAST_MS } from '../../collector/created-clock.ts';
import { createProcesses } from '../../collector/lineage/processes.ts';
import type { Notice } from '../../collector/options.ts';
import { createReader, PROMPT_AFTER_RECORDS, STATUS_MS } from '../../collector/reader.ts';
import type { ReaderState } from '../../collector/reader-state.ts';
import { CERTAIN_AFTER_MS } from '../../collector/serial-account.ts';
import type { Drained, KernelFigures, RecordSource } from '../../collector/source.ts';
import { SPOOL_CLASSES } from '../../collector/spool/segment.ts';
import { openSpoolReader } from '../../collector/spool/spool-reader.ts';
import { spoolShared } from '../../collector/spool/spool-shared.ts';
import { openSpoolWriter } from '../../collector/spool/spool-writer.ts';
import { type MemoryDisk, memoryDisk } from './memory-disk.ts';

const BOOT = 'aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee';
const START_MS = 1_795_290_000_000;

/** A host whose disk, clock and kernel are the test's; `start` starts a collector on it, as often as one likes. */
function host() {
  const disk: MemoryDisk = memoryDisk();
  const queue: AuditRecord[] = [];
  const notices: Notice[] = [];
  const clock = { nowMs: START_MS };
  let saved: ReaderState | undefined;
  let kernel: KernelFigures = { lost: 0, backlog: 0, isOwner: true };
  let overflows = 0;
  let isBehind = false;
  let prompts = 0;
  const shared = spoolShared();

  function source(kind: 'kernel' | 'multicast'): RecordSource {
    return {
      mode: kind === 'kernel' ? { kind, rules: 1, isLocked: false } : { kind, owner: undefined },
      drain(onRecord): Drained {
        const records = queue.splice(0);
        records.forEach(onRecord);
        const drained = { records: records.length, overflows, unreadable: 0, hasMore: isBehind };
        overflows = 0;
        return drained;
      },
      isEnded: () => false,
      check: () => kernel,
      prompt() {
        prompts += 1;
      },
      excludePids() {},
      quiesce() {},
      close() {},
    };
  }

  return {
    disk,
    notices,
    clock,
    lose(count: number) {
      kernel = { ...kernel, lost: kernel.lost + count };
    },
    overflow() {
      overflows += 1;
    },
    /** How often the kernel was asked to write a record of its own. */
    prompts: () => prompts,
    /** All that is spooled has reached the server. */
    deliver() {
      shared.setAcknowledged(shared.spooled());
    },
    /** More is always waiting than one drain takes. */
    fallBehind(does: boolean) {
      isBehind = does;
    },
    /** The record that came last did not. */
    loseEnd() {
      queue.pop();
    },
    /** A syscall of this serial, complete. */
    happen(serial: number, options: { number?: number; timeMs?: number } = {}) {
      const timeMs = options.timeMs ?? clock.nowMs;
      const stamp = `audit(${(timeMs / 1000).toFixed(3)}:${serial})`;
      const ids = 'auid=0 uid=0 gid=0 euid=0 suid=0 fsuid=0 egid=0 sgid=0 fsgid=0 tty=(none) ses=1';
      const call = `arch=c000003e syscall=${options.number ?? 59} success=yes exit=0 a0=0 a1=0 a2=0 a3=0 items=0 ppid=1 pid=77`;
      const lines = [
        `type=SYSCALL msg=${stamp}: ${call} ${ids} comm="x" exe="/bin/x" key=(null)`,
        `type=EOE msg=${stamp}: `,
      ];
      queue.push(...(lines.map(parseLine) as AuditRecord[]));
    },
    start(kind: 'kernel' | 'multicast' = 'kernel') {
      return createReader({
        source: source(kind),
        spool: openSpoolWriter({ disk, shared, bootId: BOOT, bytesMax: 16 * 1024 * 1024 }),
        host: { id: 'h1', name: 'web1', bootId: BOOT },
        accounts: { userName: () => undefined, groupName: () => undefined },
        processes: createProcesses({ hostId: 'h1', bootId: BOOT, proc: undefined }),
        now: () => clock.nowMs,
        previous: saved,
        save: (state) => {
          saved = JSON.parse(JSON.stringify(state)) as ReaderState;
        },
        cost: () => ({ rss_bytes: 1 }),
        onNotice: (notice) => notices.push(notice),
      });
    },
    /** Everything that is in the spool's files. */
    stored() {
      const everything = spoolShared();
      everything.setSpooled(shared.spooled());
      for (const name of SPOOL_CLASSES) everything.setNewest(name, shared.newest(name));
      const reader = openSpoolReader({ disk, shared: everything });
      const documents: Record<string, never>[] = [];
      const ids: string[] = [];
      for (let batch = reader.next(1 << 24); batch !== undefined; batch = reader.next(1 << 24)) {
        for (const payload of batch.payloads) {
          const [head, document] = payload.toString().split('\n') as [string, string];
          ids.push(JSON.parse(head).create._id);
          documents.push(JSON.parse(document));
        }
      }
      return { documents: documents as unknown as StoredDocument[], ids };
    },
  };
}

interface StoredDocument {
  readonly event: {
    readonly created: string;
    readonly sequence?: number;
    readonly dataset: string;
    readonly action: string;
  };
  readonly host: { readonly id: string; readonly boot: { readonly id: string } };
  readonly vedette: {
    readonly position: number;
    readonly loss?: Record<string, unknown>;
    readonly status?: Record<string, unknown>;
  };
}

const losses = (documents: readonly StoredDocument[]) =>
  documents.filter(({ event }) => event.dataset === 'vedette.loss').map(({ vedette }) => vedette.loss);

describe('reader', () => {
  it('stores what happened, numbered without a gap', () => {
    const { start, happen, stored } = host();
    const reader = start();
    for (const serial of [1, 2, 3]) happen(serial);
    expect(reader.step()).toMatchObject({ records: 6, isNews: true });
    const { documents, ids } = stored();
    expect(documents.map(({ event }) => event.sequence)).toEqual([1, 2, 3]);
    expect(documents.map(({ vedette }) => vedette.position)).toEqual([1, 2, 3]);
    expect(ids.every((id) => id.startsWith('h1.aaaaaaaa.'))).toBe(true);
    expect(reader.promise()).toMatchObject({ position: 3, bootId: BOOT });
  });

  it('never lets event.created go back: not when the clock does, not over a restart; and tells of the step', () => {
    const { start, happen, stored, clock } = host();
    const first = start();
    happen(1);
    first.step();
    clock.nowMs -= 60_000;
    happen(2);
    first.step();
    first.step();
    const second = start();
    happen(3);
    second.step();
    const { documents } = stored();
    const created = documents.map(({ event }) => Date.parse(event.created));
    expect([...created].sort((a, b) => a - b)).toEqual(created);
    expect(created[0]).toBe(START_MS);
    expect(documents.some(({ event }) => event.action === 'clock-stepped-back')).toBe(true);
  });

  it('tells a gap in the serials when it is certain', () => {
    const { start, happen, stored, clock } = host();
    const reader = start();
    happen(1);
    happen(5);
    reader.step();
    clock.nowMs += CERTAIN_AFTER_MS + 1_000;
    reader.step();
    expect(losses(stored().documents)).toMatchObject([
      { source: 'sequence', at_least: 3, at_most: 3, first_sequence: 2, last_sequence: 4 },
    ]);
  });

  it('tells no event as lost that has lost its end, however far the reader is behind', () => {
    const { start, happen, stored, clock, fallBehind, loseEnd } = host();
    const reader = start();
    happen(1);
    happen(2);
    loseEnd();
    happen(3);
    fallBehind(true);
    for (let second = 0; second < 20; second += 1) {
      reader.step();
      clock.nowMs += 1_000;
    }
    fallBehind(false);
    for (let second = 0; second < 12; second += 1) {
      reader.step();
      clock.nowMs += 1_000;
    }
    const { documents } = stored();
    expect(losses(documents)).toEqual([]);
    expect(documents.flatMap(({ event }) => event.sequence ?? []).toSorted()).toEqual([1, 2, 3]);
  });

  it('accounts over a kill: the serials that went missing, and the time that nobody watched', () => {
    const { start, happen, stored, clock } = host();
    const first = start();
    happen(1);
    first.step();
    happen(2);
    first.step();
    // Killed here, without a word; events 3 to 6 are read by nobody.
    clock.nowMs += 30_000;
    const second = start();
    happen(7);
    second.step();
    clock.nowMs += CERTAIN_AFTER_MS + 1_000;
    second.step();
    const told = losses(stored().documents);
    expect(told).toMatchObject([
      {
        source: 'downtime',
        at_least: 0,
        from: new Date(START_MS).toISOString(),
        to: new Date(START_MS + 30_000).toISOString(),
      },
      { source: 'sequence', at_least: 4, first_sequence: 3, last_sequence: 6 },
    ]);
    expect(told[0]).not.toHaveProperty('at_most');
    const positions = stored().documents.map(({ vedette }) => vedette.position);
    expect(new Set(positions).size).toBe(positions.length);
  });

  it('calls nothing lost that was delivered and removed before the kill', () => {
    const { start, happen, stored, clock, deliver, disk } = host();
    const reader = start();
    let serial = 0;
    let files = 0;
    for (let second = 0; second < 8; second += 1) {
      for (let event = 0; event < 600; event += 1) {
        serial += 1;
        happen(serial);
      }
      reader.step();
      deliver();
      clock.nowMs += 1_000;
      files = Math.max(files, disk.list().length);
      reader.step();
    }
    expect(files).toBeGreaterThan(disk.list().length);
    const next = start();
    happen(serial + 1);
    for (let second = 0; second < 8; second += 1) {
      next.step();
      clock.nowMs += 1_000;
    }
    expect(losses(stored().documents).filter((loss) => loss?.['source'] === 'sequence')).toEqual([]);
  });

  it('tells what a full spool gave up before the kill once: not again as missing serials', () => {
    const { start, happen, stored, clock, disk } = host();
    const reader = start();
    let serial = 0;
    // No second goes by, so nothing but giving up itself saves how far the serials were seen.
    for (let drain = 0; drain < 60; drain += 1) {
      for (let event = 0; event < 400; event += 1) {
        serial += 1;
        happen(serial);
      }
      reader.step();
    }
    expect(disk.list().some((name) => name.startsWith('evicted'))).toBe(true);
    const next = start();
    happen(serial + 1);
    for (let second = 0; second < 15; second += 1) {
      next.step();
      clock.nowMs += 1_000;
    }
    const told = losses(stored().documents);
    expect(told.filter((loss) => loss?.['source'] === 'sequence')).toEqual([]);
    expect(told.filter((loss) => loss?.['source'] === 'spool').length).toBeGreaterThan(0);
  });

  it('has the kernel write a record when a full queue has been emptied and nothing more comes: a tail that is missing shows', () => {
    const { start, happen, stored, clock, fallBehind, prompts } = host();
    const reader = start();
    happen(1);
    fallBehind(true);
    for (let serial = 2; serial <= PROMPT_AFTER_RECORDS / 2; serial += 1) {
      happen(serial);
      reader.step();
    }
    fallBehind(false);
    happen(PROMPT_AFTER_RECORDS / 2 + 1);
    reader.step();
    expect(prompts()).toBe(0);
    // What the kernel dropped at the end of its queue was the last to happen.
    clock.nowMs += 200;
    reader.step();
    expect(prompts()).toBe(1);
    happen(PROMPT_AFTER_RECORDS / 2 + 102);
    for (let second = 0; second < 12; second += 1) {
      reader.step();
      clock.nowMs += 1_000;
    }
    expect(losses(stored().documents)).toMatchObject([{ source: 'sequence', at_least: 100 }]);
    expect(prompts()).toBe(1);
  });

  it('asks for no record after a load that never filled a queue', () => {
    const { start, happen, clock, prompts } = host();
    const reader = start();
    for (let serial = 1; serial <= PROMPT_AFTER_RECORDS; serial += 1) {
      happen(serial);
      reader.step();
    }
    clock.nowMs += 200;
    reader.step();
    expect(prompts()).toBe(0);
  });

  it('does not call a planned pause a loss', () => {
    const { start, happen, stored, clock, notices } = host();
    const first = start();
    happen(1);
    first.step();
    first.quiesce();
    first.close();
    clock.nowMs += 30_000;
    start();
    const { documents } = stored();
    expect(documents.at(-1)?.event.action).toBe('was-not-watching');
    expect(notices).toEqual([]);
  });

  it('tells what the kernel lost, and overflows of the multicast socket', () => {
    const { start, stored, clock, lose, overflow } = host();
    const reader = start('multicast');
    lose(9);
    overflow();
    reader.step();
    clock.nowMs += 10_000;
    reader.step();
    expect(losses(stored().documents)).toMatchObject([
      { source: 'socket', at_least: 0 },
      { source: 'kernel', at_least: 0, at_most: 9 },
    ]);
  });

  it('reports its own figures every 30 s', () => {
    const { start, stored, clock } = host();
    const reader = start();
    clock.nowMs += STATUS_MS;
    reader.step();
    const status = stored().documents.find(({ event }) => event.dataset === 'vedette.status');
    expect(status?.vedette.status).toMatchObject({ rss_bytes: 1, mode: 'kernel', events: 0 });
  });

  it('goes on while the disk is full, and loses nothing when there is room again', () => {
    const { start, happen, stored, disk, clock, notices } = host();
    const reader = start();
    happen(1);
    reader.step();
    disk.room = 0;
    happen(2);
    reader.step();
    expect(notices).toMatchObject([{ code: 'disk-failed' }]);
    disk.room = Number.POSITIVE_INFINITY;
    happen(3);
    clock.nowMs += 1_000;
    reader.step();
    expect(stored().documents.map(({ event }) => event.sequence)).toEqual([1, 2, 3]);
    expect(notices.at(-1)).toMatchObject({ code: 'disk-works' });
  });

  it('misses what a full disk had not taken when the collector was killed, and tells of it', () => {
    const { start, happen, stored, disk, clock } = host();
    const first = start();
    happen(1);
    first.step();
    disk.room = 0;
    happen(2);
    clock.nowMs += 1_000;
    first.step();
    disk.room = Number.POSITIVE_INFINITY;
    const second = start();
    happen(3);
    second.step();
    clock.nowMs += CERTAIN_AFTER_MS + 1_000;
    second.step();
    const { documents } = stored();
    expect(documents.map(({ event }) => event.sequence).filter((serial) => serial !== undefined)).toEqual([1, 3]);
    expect(losses(documents)).toContainEqual(
      expect.objectContaining({ source: 'sequence', at_least: 1, first_sequence: 2 }),
    );
  });

  it('hands over losses of the shipping side only once they are in the files', () => {
    const { start, stored, disk } = host();
    const reader = start();
    const loss = {
      source: 'server',
      kind: 'rejected',
      counter: 4,
      atLeast: 2,
      atMost: 2,
      fromMs: undefined,
      toMs: 5,
    } as const;
    disk.room = 0;
    expect(reader.keepLosses([{ ...loss, reason: 'refused', isPlanned: false }])).toBe(false);
    disk.room = Number.POSITIVE_INFINITY;
    expect(reader.keepLosses([{ ...loss, reason: 'refused', isPlanned: false }])).toBe(true);
    const { ids } = stored();
    // Told twice, but under one id: the server stores it once.
    expect(ids).toEqual(['h1.aaaaaaaa.loss-rejected-4', 'h1.aaaaaaaa.loss-rejected-4']);
  });
});

describe('clock of event.created', () => {
  it('passes small steps back in silence', () => {
    let nowMs = 10_000;
    const clock = createdClock(() => nowMs, 0);
    clock.stamp();
    nowMs -= STEP_BACK_LEAST_MS;
    expect(clock.stamp()).toBe(10_000);
    expect(clock.takeStepBack()).toBe(0);
    nowMs -= STEP_BACK_LEAST_MS + 1;
    expect(clock.stamp()).toBe(10_000);
    expect(clock.takeStepBack()).toBe(STEP_BACK_LEAST_MS + 1);
    expect(clock.takeStepBack()).toBe(0);
  });
});
