// The limits inside the reader: what is dropped is counted to the event, told, and never twice; what matters most is never dropped.
import { describe, expect, it } from 'vitest';
import type { AuditRecord } from '../../audit/event.ts';
import { parseLine } from '../../audit/record.ts';
import type { LimitChange } from '../../collector/limits.ts';
import { createLimits } from '../../collector/limits-keeper.ts';
import { createProcesses } from '../../collector/lineage/processes.ts';
import { createReader } from '../../collector/reader.ts';
import { CERTAIN_AFTER_MS } from '../../collector/serial-account.ts';
import { SPOOL_CLASSES } from '../../collector/spool/segment.ts';
import { openSpoolReader } from '../../collector/spool/spool-reader.ts';
import { spoolShared } from '../../collector/spool/spool-shared.ts';
import { openSpoolWriter } from '../../collector/spool/spool-writer.ts';
import { memoryDisk } from './memory-disk.ts';

const BOOT = 'aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee';
const START_MS = 1_795_290_000_000;
const EXECVE = 59;
const OPENAT = 257;
const MIB = 1024 ** 2;

interface Stored {
  readonly event: { readonly dataset: string; readonly action: string; readonly sequence?: number };
  readonly vedette: {
    readonly fragment_of?: string;
    readonly limits?: { readonly from: string; readonly to: string };
    readonly loss?: { readonly source: string; readonly at_least: number; readonly at_most: number };
  };
}

/** A collector with a limit of a fifth of a core, and a machine that is as slow and as full as the test says. */
function limitedCollector(memoryBytesMax?: number, comesLate: (serial: number) => boolean = () => false) {
  const disk = memoryDisk();
  const shared = spoolShared();
  const queue: AuditRecord[] = [];
  const machine = { nowMs: START_MS, cpuUs: 0, rssBytes: 50 * MIB };
  const asked: LimitChange[] = [];
  const now = (): number => machine.nowMs;
  const reader = createReader({
    source: {
      mode: { kind: 'kernel', rules: 1, isLocked: false },
      drain(onRecord) {
        const records = queue.splice(0);
        records.forEach(onRecord);
        return { records: records.length, overflows: 0, unreadable: 0, hasMore: false };
      },
      isEnded: () => false,
      check: () => ({ lost: 0, backlog: 0, isOwner: true }),
      excludePids() {},
      quiesce() {},
      close() {},
    },
    spool: openSpoolWriter({ disk, shared, bootId: BOOT, bytesMax: 16 * MIB }),
    host: { id: 'h1', name: 'web1', bootId: BOOT },
    accounts: { userName: () => undefined, groupName: () => undefined },
    processes: createProcesses({ hostId: 'h1', bootId: BOOT, proc: undefined }),
    now,
    previous: undefined,
    save() {},
    cost: () => ({}),
    onNotice() {},
    limits: createLimits({ options: { cpuShareMax: 0.2, memoryBytesMax }, cost: () => machine, now }),
    onLimit: (change) => asked.push(change),
  });
  let serial = 0;
  return {
    machine,
    asked,
    happened: () => serial,
    /** A second of the machine: so many calls of each kind, at such a share of a core. */
    second(calls: { readonly execs: number; readonly opens: number }, share: number) {
      const numbers = [...Array(calls.execs).fill(EXECVE), ...Array(calls.opens).fill(OPENAT)];
      for (const number of numbers) {
        serial += 1;
        const stamp = `audit(${(machine.nowMs / 1000).toFixed(3)}:${serial})`;
        const ids = 'auid=0 uid=0 gid=0 euid=0 suid=0 fsuid=0 egid=0 sgid=0 fsgid=0 tty=(none) ses=1';
        const call = `arch=c000003e syscall=${number} success=yes exit=0 a0=0 a1=0 a2=0 a3=0 items=0 ppid=1 pid=77`;
        // A socket that was full hands on what it had refused later than what came after it.
        for (const line of [
          `type=SYSCALL msg=${stamp}: ${call} ${ids} comm="x" exe="/bin/x" key=(null)`,
          `type=EOE msg=${stamp}: `,
          ...(comesLate(serial) ? [`type=CWD msg=${stamp}: cwd="/"`] : []),
        ]) {
          queue.push(parseLine(line) as AuditRecord);
        }
      }
      reader.step();
      machine.nowMs += 1_000;
      machine.cpuUs += share * 1_000_000;
      reader.step();
    },
    stored(): readonly Stored[] {
      const everything = spoolShared();
      everything.setSpooled(shared.spooled());
      for (const name of SPOOL_CLASSES) everything.setNewest(name, shared.newest(name));
      const spool = openSpoolReader({ disk, shared: everything });
      const documents: Stored[] = [];
      for (let batch = spool.next(1 << 24); batch !== undefined; batch = spool.next(1 << 24)) {
        for (const payload of batch.payloads) documents.push(JSON.parse(payload.toString().split('\n')[1] ?? ''));
      }
      return documents;
    },
  };
}

describe('a reader with limits', () => {
  it('drops what is bulk and nothing else, and accounts for each event of it once', () => {
    const collector = limitedCollector();
    const calls = { execs: 3, opens: 20 };
    for (let second = 0; second < 30; second += 1) collector.second(calls, 0.9);
    for (let second = 0; second < 400; second += 1) collector.second({ execs: 0, opens: 1 }, 0.01);
    for (let ms = 0; ms < CERTAIN_AFTER_MS + 2_000; ms += 1_000) collector.second({ execs: 0, opens: 0 }, 0.01);
    const stored = collector.stored();
    const events = stored.filter(({ event }) => event.dataset === 'auditd.log');
    const losses = stored.flatMap(({ vedette }) => vedette.loss ?? []).filter(({ source }) => source !== 'downtime');
    const dropped = losses.filter(({ source }) => source === 'limits');
    expect(dropped.length).toBeGreaterThan(5);
    // Nothing else was lost: the serials of what was dropped are not missing as well.
    expect(losses.length).toBe(dropped.length);
    for (const { at_least, at_most } of dropped) expect(at_least).toBe(at_most);
    const droppedCount = dropped.reduce((sum, { at_least }) => sum + at_least, 0);
    expect(droppedCount).toBeGreaterThan(200);
    expect(events.length + droppedCount).toBe(collector.happened());
    expect(events.filter(({ event }) => event.action === 'executed')).toHaveLength(30 * calls.execs);
  });

  it('counts an event once of which a part comes late, whether it is dropped or stored', () => {
    const collector = limitedCollector(undefined, (serial) => serial % 7 === 0);
    for (let second = 0; second < 30; second += 1) collector.second({ execs: 3, opens: 20 }, 0.9);
    const stored = collector.stored();
    const events = stored.filter(({ event }) => event.dataset === 'auditd.log');
    const fragments = events.filter(({ vedette }) => vedette.fragment_of !== undefined);
    const serials = new Set(events.map(({ event }) => event.sequence));
    const dropped = stored.flatMap(({ vedette }) => vedette.loss ?? []).filter(({ source }) => source === 'limits');
    const droppedCount = dropped.reduce((sum, { at_least }) => sum + at_least, 0);
    expect(droppedCount).toBeGreaterThan(200);
    expect(fragments.length).toBeGreaterThan(10);
    expect(serials.size + droppedCount).toBe(collector.happened());
    expect(events.length - fragments.length).toBe(serials.size);
  });

  it('stores each change of the level, all the way down and all the way back', () => {
    const collector = limitedCollector();
    for (let second = 0; second < 30; second += 1) collector.second({ execs: 1, opens: 1 }, 0.9);
    for (let second = 0; second < 400; second += 1) collector.second({ execs: 1, opens: 1 }, 0.01);
    const levels = collector
      .stored()
      .filter(({ event }) => event.dataset === 'vedette.limits')
      .map(({ vedette }) => vedette.limits?.to);
    expect(levels).toEqual([
      'no-hashes',
      'no-containers',
      'no-proc',
      'long-drains',
      'no-bulk',
      'pauses',
      'no-bulk',
      'long-drains',
      'no-proc',
      'no-containers',
      'no-hashes',
      'full',
    ]);
  });

  it('asks for less memory, then for a new start, and stores that it did', () => {
    const collector = limitedCollector(100 * MIB);
    collector.machine.rssBytes = 150 * MIB;
    for (let second = 0; second < 40; second += 1) collector.second({ execs: 1, opens: 0 }, 0.01);
    expect([...new Set(collector.asked.map(({ kind }) => kind))]).toEqual(['relieve', 'restart']);
    const actions = collector.stored().filter(({ event }) => event.dataset === 'vedette.limits');
    expect(actions[0]?.event.action).toBe('compacted-memory');
    expect(actions[1]?.event.action).toBe('restarted-for-memory');
  });
});
