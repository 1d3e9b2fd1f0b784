import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AuditEvent, AuditRecord } from '../../audit/event.ts';
import { parseLine } from '../../audit/record.ts';
import { createSyscallReader } from '../../audit/syscall-record.ts';
import { createEventSorter } from '../../collector/event-class.ts';
import { GROUP_LOSSES_MAX } from '../../collector/spool/loss-journal.ts';
import { OWN, ownerName, ownerOfIds } from '../../collector/spool/owner.ts';
import type { SpoolClass } from '../../collector/spool/segment.ts';
import { fairLevel } from '../../collector/spool/segment-account.ts';
import { SEGMENTS_MAX } from '../../collector/spool/spool-limits.ts';
import type { SpoolLoss } from '../../collector/spool/spool-loss.ts';
import { openSpoolReader, type SpoolReader } from '../../collector/spool/spool-reader.ts';
import { type SpoolShared, spoolShared } from '../../collector/spool/spool-shared.ts';
import { openSpoolWriter, type SpoolWriter } from '../../collector/spool/spool-writer.ts';
import { type MemoryDisk, memoryDisk } from './memory-disk.ts';

const BOOT = 'aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee';
const CAP = 1024 * 1024;
const [ALICE, ROOT, WWW] = [1000, 0, 33];
const EXEC = 59;
const OPEN = 257;

interface Given {
  readonly spoolClass?: SpoolClass;
  readonly owner?: number;
  readonly sort?: number;
  readonly createdMs?: number;
  readonly text?: string;
  readonly bytes?: number;
}

/** A spool on a disk of the test's, which evicts as it is filled. */
function spool(
  options: { disk?: MemoryDisk; shared?: SpoolShared; bytesMax?: number; ageMsMax?: number; segmentsMax?: number } = {},
) {
  const disk = options.disk ?? memoryDisk();
  const shared = options.shared ?? spoolShared();
  const writer = openSpoolWriter({ disk, shared, bootId: BOOT, bytesMax: CAP, ...options });
  let count = 0;
  const append = (given: Given): number | undefined => {
    count += 1;
    const { spoolClass = 'bulk', owner = WWW, sort = OPEN, createdMs = 1000 + count, text = '', bytes = 1000 } = given;
    const lines = (): string => `${owner} ${text} `.padEnd(bytes, 'x');
    return writer.append({
      spoolClass,
      createdMs,
      timeMs: createdMs,
      serial: 1,
      countsSerial: true,
      owner,
      sort,
      lines,
    });
  };
  return {
    disk,
    shared,
    writer,
    append,
    flood(events: number, given: Given): void {
      for (let number = 1; number <= events; number += 1) {
        append({ ...given, text: `${given.text ?? 'flood'} ${number}` });
        if (number % 100 === 0) writer.flush();
      }
      writer.flush();
    },
  };
}

function taken(writer: SpoolWriter): readonly SpoolLoss[] {
  const losses = writer.takeLosses(Number.POSITIVE_INFINITY);
  writer.lossesKept(true);
  return losses;
}

function read(disk: MemoryDisk, shared: SpoolShared): { readonly texts: string[]; readonly positions: number[] } {
  const reader = openSpoolReader({ disk, shared });
  const texts: string[] = [];
  const positions: number[] = [];
  for (let batch = reader.next(1 << 20); batch !== undefined; batch = reader.next(1 << 20)) {
    texts.push(...batch.payloads.map(String));
    positions.push(...batch.positions);
  }
  expect(reader.takeLosses()).toEqual([]);
  return { texts, positions };
}

/** Names of the files that say what was given up, oldest first. */
const journalsOf = (disk: MemoryDisk): readonly string[] =>
  [...disk.files.keys()]
    .filter((name) => name.startsWith('evicted-'))
    .sort((a, b) => Number(/[0-9]+/.exec(a)) - Number(/[0-9]+/.exec(b)));

const of = (texts: readonly string[], owner: number): number =>
  texts.filter((text) => text.startsWith(`${owner} `)).length;

describe('a full spool', () => {
  it('holds the cap and tells exactly how much of whom it gave up', () => {
    const { disk, shared, writer, flood } = spool();
    flood(5000, {});
    expect(writer.bytes()).toBeLessThanOrEqual(CAP);
    expect([...disk.files.values()].reduce((sum, { length }) => sum + length, 0)).toBeLessThanOrEqual(CAP + 4096);
    const losses = taken(writer);
    expect(losses).toMatchObject([{ reason: 'evicted', owner: WWW, spoolClass: 'bulk' }]);
    expect(losses[0]?.atLeast).toBe(losses[0]?.atMost);
    expect(read(disk, shared).texts.length + (losses[0]?.atMost ?? 0)).toBe(5000);
  });

  it('keeps the exec of an exploit through a flood of opens by the same user', () => {
    const { disk, shared, append, flood } = spool();
    flood(100, { spoolClass: 'keep', owner: ROOT, sort: EXEC });
    append({ spoolClass: 'keep', sort: EXEC, text: 'exploit' });
    flood(20_000, { bytes: 500 });
    const { texts } = read(disk, shared);
    expect(texts.some((text) => text.includes('exploit'))).toBe(true);
    expect(of(texts, ROOT)).toBe(100);
  });

  it('keeps what others executed through a flood of execs, and the first exec of the flooding user', () => {
    const { disk, shared, append, flood, writer } = spool();
    flood(100, { spoolClass: 'keep', owner: ROOT, sort: EXEC });
    append({ spoolClass: 'keep', sort: EXEC, text: 'exploit' });
    flood(100, { spoolClass: 'bulk', owner: ALICE });
    flood(10_000, { spoolClass: 'keep', sort: 60 });
    append({ spoolClass: 'keep', sort: EXEC, text: 'in the midst' });
    flood(10_000, { spoolClass: 'keep', sort: 60 });
    const { texts } = read(disk, shared);
    for (const text of ['exploit', 'in the midst', 'flood 1 ', 'flood 10000 ']) {
      expect(texts.some((one) => one.startsWith(`${WWW} `) && one.includes(text))).toBe(true);
    }
    expect([of(texts, ROOT), of(texts, ALICE)]).toEqual([100, 100]);
    expect(taken(writer).map(({ owner }) => owner)).toEqual([WWW]);
  });

  it('takes from nobody who has less than a fair share, whatever others do', () => {
    const user = fc.record({
      owner: fc.integer({ min: 2, max: 9 }),
      events: fc.integer({ min: 0, max: 1500 }),
      keep: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(user, { minLength: 1, maxLength: 12 }), fc.integer({ min: 1, max: 40 }), (users, events) => {
        const { disk, shared, flood, writer } = spool();
        flood(events, { owner: 1, spoolClass: 'bulk' });
        flood(events, { owner: 1, spoolClass: 'keep' });
        for (const { owner, events: many, keep } of users) flood(many, { owner, spoolClass: keep ? 'keep' : 'bulk' });
        expect(of(read(disk, shared).texts, 1)).toBe(events * 2);
        expect(writer.bytes()).toBeLessThanOrEqual(CAP);
      }),
      { numRuns: 30 },
    );
  });

  it('shares out fairly: two who flood alike keep alike', () => {
    const { disk, shared, append, writer } = spool();
    for (let number = 0; number < 8000; number += 1) {
      append({ owner: number % 2 === 0 ? ALICE : WWW });
      if (number % 100 === 0) writer.flush();
    }
    writer.flush();
    const { texts } = read(disk, shared);
    expect(Math.abs(of(texts, ALICE) - of(texts, WWW))).toBeLessThan(texts.length / 8);
  });

  it('keeps half of its room for each class', () => {
    const { disk, shared, flood } = spool();
    flood(400, { spoolClass: 'bulk', owner: ALICE });
    flood(5000, { spoolClass: 'keep' });
    expect(of(read(disk, shared).texts, ALICE)).toBe(400);
  });

  it('never gives up its own documents for a flood', () => {
    const { disk, shared, flood } = spool();
    flood(50, { spoolClass: 'keep', owner: OWN });
    flood(5000, { spoolClass: 'keep' });
    expect(of(read(disk, shared).texts, OWN)).toBe(50);
  });

  it('says "perhaps" of what the reader may have had', () => {
    const { disk, shared, writer, flood } = spool();
    flood(60, {});
    const reader = openSpoolReader({ disk, shared });
    expect(reader.next(5000)?.positions.length).toBeGreaterThan(0);
    shared.claim('bulk', 1_000_000);
    flood(5000, {});
    const [loss] = taken(writer);
    expect(loss).toMatchObject({ atLeast: 0 });
    expect(loss?.atMost).toBeGreaterThan(100);
  });

  it('forgets nothing in many lives that each end before they told', () => {
    const disk = memoryDisk();
    let shared = spoolShared();
    let appended = 0;
    for (let life = 0; life < 40; life += 1) {
      shared = spoolShared();
      spool({ disk, shared }).flood(600, {});
      appended += 600;
    }
    const { writer } = spool({ disk, shared });
    let lost = 0;
    for (let losses = taken(writer); losses.length > 0; losses = taken(writer)) {
      for (const { atMost } of losses) lost += atMost ?? 0;
    }
    expect(read(disk, shared).texts.length + lost).toBe(appended);
    expect(journalsOf(disk).length).toBeLessThanOrEqual(2);
  });

  it('tells of a frame that was damaged when its segment is thinned', () => {
    const { disk, writer, flood } = spool();
    flood(100, {});
    const [name, bytes] = [...disk.files.entries()][0] as [string, Buffer];
    const flipped = Buffer.from(bytes);
    flipped[3000] = (flipped[3000] as number) ^ 4;
    disk.files.set(name, flipped);
    flood(5000, {});
    expect(taken(writer)).toContainEqual(expect.objectContaining({ reason: 'damaged', atLeast: 0, firstPosition: 1 }));
  });

  it('does not count what was delivered', () => {
    const { shared, writer, append } = spool();
    for (let number = 0; number < 5000; number += 1) {
      append({});
      if (number % 100 !== 0) continue;
      writer.flush();
      shared.setAcknowledged(writer.lastPosition());
    }
    expect(taken(writer)).toEqual([]);
  });

  it('reads little for each byte that it frees, however many users there are', () => {
    const { disk, append, writer } = spool({ bytesMax: 4 * CAP });
    let bytesRead = 0;
    const { open } = disk;
    disk.open = (name, mode) => {
      const file = open(name, mode);
      return file === undefined
        ? undefined
        : {
            ...file,
            read: (buffer, offset, length, position) => {
              const count = file.read(buffer, offset, length, position);
              bytesRead += count;
              return count;
            },
          };
    };
    let appended = 0;
    for (let number = 0; number < 40_000; number += 1) {
      append({ owner: number % 500, sort: number % 7 });
      appended += 1048;
      if (number % 200 === 0) writer.flush();
    }
    writer.flush();
    expect(bytesRead / (appended - 4 * CAP)).toBeLessThan(4);
    expect(writer.bytes()).toBeLessThanOrEqual(4 * CAP);
  });

  it('holds a bounded number of files and of loss records, however long the flood', () => {
    const { disk, append, writer } = spool({ bytesMax: 64 * CAP });
    const told: SpoolLoss[] = [];
    for (let number = 0; number < 60_000; number += 1) {
      // Whoever floods changes, so that what stays of each lies in many thinned segments.
      append({ owner: Math.floor(number / 200), sort: number % 200, bytes: 4000 });
      if (number % 200 !== 0) continue;
      writer.flush();
      writer.trim(number * 5);
      const losses = writer.takeLosses(number * 5);
      if (losses.length > 0) writer.lossesKept(true);
      expect(losses.length).toBeLessThanOrEqual(GROUP_LOSSES_MAX);
      told.push(...losses);
    }
    expect(disk.files.size).toBeLessThanOrEqual(2 * SEGMENTS_MAX + 2);
    expect(told.length).toBeLessThanOrEqual((300 / 10 + 1) * GROUP_LOSSES_MAX);
    expect(new Set(told.map(({ counter }) => counter)).size).toBe(told.length);
  });
});

describe('the journal of what was given up', () => {
  /** A spool that gave much up and was killed before it told, and how much. */
  function killed(): { readonly disk: MemoryDisk; readonly lost: number; readonly newest: string } {
    const { disk, flood, shared } = spool();
    flood(3000, {});
    const newest = journalsOf(disk).at(-1) as string;
    return { disk, lost: 3000 - read(disk, shared).texts.length, newest };
  }
  function toldAfter(disk: MemoryDisk): readonly SpoolLoss[] {
    const { writer } = spool({ disk });
    return [...taken(writer), ...taken(writer)];
  }
  const sum = (losses: readonly SpoolLoss[]): number | undefined =>
    losses.reduce<number | undefined>(
      (total, { atMost }) => (total === undefined || atMost === undefined ? undefined : total + atMost),
      0,
    );

  it('forgets nothing by one damaged byte, wherever it is', () => {
    const { disk, lost, newest } = killed();
    const bytes = disk.files.get(newest) as Buffer;
    for (let at = 0; at < bytes.length; at += 7) {
      const copy = memoryDisk();
      for (const [name, content] of disk.files) copy.files.set(name, content);
      const damaged = Buffer.from(bytes);
      damaged[at] = (damaged[at] as number) ^ 1;
      copy.files.set(newest, damaged);
      expect(sum(toldAfter(copy))).toBe(lost);
    }
  });

  it('damaged beyond that says that it does not know, and all that the one before it knew', () => {
    const { disk, lost, newest } = killed();
    disk.files.set(newest, Buffer.alloc((disk.files.get(newest) as Buffer).length, 10));
    const told = toldAfter(disk);
    expect(told).toContainEqual(expect.objectContaining({ reason: 'evicted', atLeast: 0, atMost: undefined }));
    const known = told.filter(({ atMost }) => atMost !== undefined);
    expect(sum(known)).toBeGreaterThan(lost * 0.8);
    expect(sum(known)).toBeLessThanOrEqual(lost);
    expect(new Set(told.map(({ counter }) => counter)).size).toBe(told.length);
    expect(toldAfter(disk)).toEqual([]);
  });

  it('torn by a kill was never relied on: nothing is told to be unknown', () => {
    const { disk, lost, newest } = killed();
    const bytes = disk.files.get(newest) as Buffer;
    const line = bytes.length / 2;
    for (let length = 0; length < bytes.length; length += length % 2 === 0 ? 11 : 12) {
      const copy = memoryDisk();
      for (const [name, content] of disk.files) copy.files.set(name, content);
      copy.files.set(newest, bytes.subarray(0, length));
      const known = sum(toldAfter(copy));
      // From the end of its first line on it counts.
      if (length >= line) expect(known).toBe(lost);
      else expect(known).toBeGreaterThan(lost * 0.8);
    }
  });
});

describe('age', () => {
  it('gives up what is older, and tells whose it was', () => {
    const { disk, shared, writer, append } = spool({ ageMsMax: 60_000 });
    append({ createdMs: 1_000, text: 'old' });
    writer.flush();
    writer.trim(2_000);
    append({ createdMs: 50_000, text: 'younger' });
    writer.flush();
    writer.trim(60_500);
    expect(taken(writer)).toEqual([]);
    // One segment until all of it is too old.
    writer.trim(110_001);
    expect(taken(writer)).toMatchObject([
      { reason: 'aged', atLeast: 2, atMost: 2, owner: WWW, fromMs: 1_000, toMs: 50_000 },
    ]);
    expect(read(disk, shared).texts).toEqual([]);
  });

  it('is not hastened by a clock that jumps', () => {
    const { disk, shared, writer, append } = spool({ ageMsMax: 60_000 });
    append({ createdMs: 1_000, text: 'one' });
    writer.flush();
    writer.trim(2_000);
    writer.trim(2_000 + 86_400_000);
    expect(read(disk, shared).texts.length).toBe(1);
    writer.trim(2_000 + 86_400_000 + 61_000);
    expect(read(disk, shared).texts.length).toBe(0);
  });
});

describe('memory while the disk takes nothing', () => {
  it('leaves room for others when one user floods', () => {
    const { disk, shared, writer, append } = spool();
    disk.fails = (step) => (step === 'read' ? undefined : 'ENOSPC');
    const big = { spoolClass: 'keep', bytes: 100_000 } as const;
    let accepted = 0;
    for (let number = 0; number < 1000; number += 1) if (append(big) !== undefined) accepted += 1;
    expect(accepted).toBeLessThan(1000);
    for (let number = 0; number < 50; number += 1) expect(append({ ...big, owner: ALICE })).toBeDefined();
    expect(append({ ...big, owner: OWN })).toBeDefined();
    disk.fails = () => undefined;
    expect(writer.flush()).toBeUndefined();
    expect(taken(writer)).toContainEqual(
      expect.objectContaining({ reason: 'refused', owner: WWW, atLeast: 1000 - accepted, atMost: 1000 - accepted }),
    );
    expect(of(read(disk, shared).texts, ALICE)).toBeGreaterThan(0);
  });
});

describe('accounts', () => {
  it('cuts nobody below the level, and fills the room', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(10_000), { minLength: 1 }), fc.nat(100_000), (taken, room) => {
        const level = fairLevel(taken, room);
        const left = taken.reduce((sum, bytes) => sum + Math.min(bytes, level), 0);
        expect(left).toBeLessThanOrEqual(room);
        if (level !== Number.POSITIVE_INFINITY) expect(left).toBeGreaterThan(room - taken.length - 1);
      }),
    );
  });

  it('go by who logged in, whoever they became', () => {
    expect(ownerOfIds('1000', '0')).toBe(ownerOfIds('1000', '33'));
    expect(ownerOfIds('4294967295', '33')).toBe(33);
    expect(ownerOfIds('1000', '0')).not.toBe(1000);
    expect([ownerName(33), ownerName(ownerOfIds('1000', '0')), ownerName(ownerOfIds(undefined, undefined))]).toEqual([
      'uid=33',
      'auid=1000',
      'no user',
    ]);
  });
});

describe('whose an event is', () => {
  const HOST_ROOT = eventOf('uid=0');
  const known = new Set([0, 33]);
  let asked = 0;
  const container = { id: '3f2a9c01'.padEnd(64, 'e') };
  const sorter = createEventSorter({
    hasAccount: (uid) => known.has(uid),
    containerOf: (pid) => {
      asked += 1;
      return pid === 77 ? container : pid === 78 ? { id: 'build-machine' } : undefined;
    },
  });
  const syscalls = createSyscallReader();
  const ownerOf = (event: AuditEvent): number => sorter.ownerOf(event, syscalls.read(event.records[0] as AuditRecord));

  function eventOf(ids: string, pid = 5): AuditEvent {
    const text =
      'audit(1795290000.000:7): arch=c000003e syscall=59 success=yes exit=0 a0=0 a1=0 a2=0 a3=0 items=0 ' +
      `ppid=1 pid=${pid} ${ids.startsWith('auid') ? '' : 'auid=4294967295 '}${ids} gid=0 euid=0 suid=0 fsuid=0 egid=0 sgid=0 fsgid=0 ` +
      'tty=(none) ses=4294967295 comm="x" exe="/x" key=(null)';
    const record = parseLine(`type=SYSCALL msg=${text}`) as AuditRecord;
    return { records: [record] } as unknown as AuditEvent;
  }

  it('is the container’s where nobody logged in: its root is not the host’s', () => {
    expect(ownerName(ownerOf(HOST_ROOT))).toBe('uid=0');
    expect(ownerName(ownerOf(eventOf('uid=0', 77)))).toBe('container=3f2a9c01');
    // Whoever the container's processes become, they are one.
    expect(ownerOf(eventOf('uid=101001', 77))).toBe(ownerOf(eventOf('uid=0', 77)));
    expect(ownerName(ownerOf(eventOf('uid=0', 78)))).toBe('a container');
  });

  it('is the login’s wherever it goes: a user’s own cgroups make no owner, and are not asked for', () => {
    asked = 0;
    expect(ownerName(ownerOf(eventOf('auid=1000 uid=0', 77)))).toBe('auid=1000');
    expect(asked).toBe(0);
  });

  it('is one of a few for all user ids that are nobody’s: a loop of setuid gains no more shares', () => {
    const owners = new Set(Array.from({ length: 5_000 }, (_, at) => ownerOf(eventOf(`uid=${100_000 + at}`))));
    expect(owners.size).toBe(16);
    expect([...owners].map(ownerName)).toEqual(new Array(16).fill('several users'));
  });

  it('lets nobody push out others by taking on thousands of user ids', () => {
    const { disk, shared, flood } = spool({ bytesMax: 4 * CAP });
    flood(60, { spoolClass: 'keep', owner: ROOT, sort: EXEC });
    for (let uid = 0; uid < 4_000; uid += 1) {
      flood(4, {
        spoolClass: 'keep',
        owner: ownerOfIds(undefined, String(100_000 + uid), (id) => known.has(id)),
        sort: uid,
      });
    }
    flood(60, { spoolClass: 'keep', owner: WWW, sort: EXEC });
    const { texts } = read(disk, shared);
    expect([of(texts, ROOT), of(texts, WWW)]).toEqual([60, 60]);
  });
});

class Killed extends Error {}

describe('a spool that is killed between any two steps of the disk', () => {
  const action = fc.oneof(
    {
      weight: 8,
      arbitrary: fc.record({
        kind: fc.constant('flood' as const),
        owner: fc.integer({ min: 1, max: 4 }),
        keep: fc.boolean(),
        events: fc.integer({ min: 1, max: 400 }),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({ kind: fc.constant('ship' as const), bytes: fc.integer({ min: 1, max: 200_000 }) }),
    },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('tell' as const) }) },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant('kill' as const), after: fc.integer({ min: 1, max: 60 }) }) },
  );

  it('has every flushed event, has delivered it, or tells that it is lost; and tells of none that is there', () => {
    fc.assert(
      fc.property(fc.array(action, { maxLength: 30 }), fc.constantFrom(2, 5, SEGMENTS_MAX), (actions, segmentsMax) => {
        const disk = memoryDisk();
        let isDead = false;
        let stepsLeft = Number.POSITIVE_INFINITY;
        disk.onStep = () => {
          stepsLeft -= 1;
          if (isDead || stepsLeft <= 0) {
            isDead = true;
            throw new Killed();
          }
        };
        const flushed = new Set<number>();
        const perhaps = new Set<number>();
        const delivered = new Set<number>();
        const told = new Map<string, SpoolLoss>();
        let acknowledged = 0;
        let one = spool({ disk, segmentsMax });
        let reader: SpoolReader = openSpoolReader({ disk, shared: one.shared });

        const flush = (positions: number[]): void => {
          const error = one.writer.flush();
          for (const position of positions) (error === undefined ? flushed : perhaps).add(position);
        };
        const record = (losses: readonly SpoolLoss[]): void => {
          for (const loss of losses) {
            const id = `${loss.reason} ${loss.counter}`;
            // The store takes an id once.
            if (!told.has(id)) told.set(id, loss);
          }
        };
        const tell = (): void => {
          const losses = one.writer.takeLosses(Number.POSITIVE_INFINITY);
          // The telling is an event like any other: it counts when it is flushed.
          const position = one.append({ spoolClass: 'keep', owner: OWN, bytes: 300 });
          const error = one.writer.flush();
          // What a kill broke off may be on the disk all the same.
          if (position !== undefined) (error === undefined ? flushed : perhaps).add(position);
          if (error !== undefined || position === undefined) return;
          record(losses);
          one.writer.lossesKept(true);
        };
        const ship = (bytes: number): void => {
          const batch = reader.next(bytes);
          if (batch === undefined) return;
          for (const position of batch.positions) {
            expect(delivered.has(position)).toBe(false);
            delivered.add(position);
          }
          acknowledged = batch.lastPosition;
          one.shared.setAcknowledged(acknowledged);
        };
        const restart = (): void => {
          isDead = false;
          stepsLeft = Number.POSITIVE_INFINITY;
          const shared = spoolShared();
          shared.setAcknowledged(acknowledged);
          one = spool({ disk, shared, segmentsMax });
          reader = openSpoolReader({ disk, shared });
        };

        for (const step of actions) {
          if (step.kind === 'flood') {
            for (let left = step.events; left > 0 && !isDead; left -= 50) {
              const positions: number[] = [];
              for (let number = 0; number < Math.min(50, left); number += 1) {
                const position = one.append({
                  owner: step.owner,
                  spoolClass: step.keep ? 'keep' : 'bulk',
                  bytes: 2500,
                });
                if (position !== undefined) positions.push(position);
              }
              flush(positions);
            }
          } else if (step.kind === 'ship') ship(step.bytes);
          else if (step.kind === 'tell') tell();
          else stepsLeft = step.after;
          if (isDead) restart();
        }
        restart();
        tell();
        // Each kill left a group of its own, and telling may evict once more: what is still to be told counts as told.
        for (let losses = taken(one.writer); losses.length > 0; losses = taken(one.writer)) record(losses);
        for (let before = -1; before !== delivered.size; ) {
          before = delivered.size;
          ship(1 << 20);
        }
        const missing = [...flushed].filter((position) => !delivered.has(position)).length;
        const losses = [...told.values()];
        const sum = (of: (loss: SpoolLoss) => number): number => losses.reduce((total, loss) => total + of(loss), 0);
        expect(sum(({ atMost }) => atMost ?? Number.POSITIVE_INFINITY)).toBeGreaterThanOrEqual(missing);
        const missingAtMost = missing + [...perhaps].filter((position) => !delivered.has(position)).length;
        expect(sum(({ atLeast }) => atLeast)).toBeLessThanOrEqual(missingAtMost);
        expect([...delivered].every((position) => flushed.has(position) || perhaps.has(position))).toBe(true);
      }),
      { numRuns: 150 },
    );
  });
});
