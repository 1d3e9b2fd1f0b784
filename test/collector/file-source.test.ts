// Following logs: nothing twice in one life, nothing lost over rotation, absence and kills; whose lines are believed; what is bounded.
import {
  appendFileSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FOLLOWED_MAX, openFileSource } from '../../collector/file-source.ts';
import { createLineSplitter } from '../../collector/file-source-lines.ts';
import { createLearntNames } from '../../collector/file-source-names.ts';
import { createProcesses } from '../../collector/lineage/processes.ts';
import type { Loss } from '../../collector/loss-ledger.ts';
import type { Notice } from '../../collector/options.ts';
import { createReader, type Reader } from '../../collector/reader.ts';
import type { ReaderState } from '../../collector/reader-state.ts';
import type { RecordSource } from '../../collector/source.ts';
import { SPOOL_CLASSES } from '../../collector/spool/segment.ts';
import { openSpoolReader } from '../../collector/spool/spool-reader.ts';
import { spoolShared } from '../../collector/spool/spool-shared.ts';
import { openSpoolWriter } from '../../collector/spool/spool-writer.ts';
import { type EventDocument, fieldOf } from '../../event/document.ts';
import { memoryDisk } from './memory-disk.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vedette-files-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const line = (serial: number, more = ''): string =>
  `${more}type=USER msg=audit(1795290000.000:${serial}): pid=1 uid=0 msg='text of ${serial}'\n`;
const lines = (from: number, to: number): string =>
  Array.from({ length: to - from + 1 }, (_, index) => line(from + index)).join('');
const range = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, index) => from + index);

/** In two members, or frames: what is packed bit by bit is read to its end. */
function packed(pack: 'gz' | 'zst', bytes: Buffer): Buffer {
  const half = bytes.length >> 1;
  return Buffer.concat(
    [bytes.subarray(0, half), bytes.subarray(half)].map((each) => (pack === 'gz' ? gzipSync : zstdCompressSync)(each)),
  );
}

/** A machine with one log, and a collector that comes and goes. */
function machine(options: { readonly start?: 'beginning' | 'end'; readonly files?: readonly string[] } = {}) {
  const log = join(folder, 'audit.log');
  const clock = { nowMs: 1_795_290_000_000 };
  const seen: number[] = [];
  const notices: Notice[] = [];
  const losses: Loss[] = [];
  let rotations = 0;
  let source: RecordSource | undefined;
  let isHeldBack = false;
  let unreadable = 0;
  let records = 0;

  return {
    log,
    clock,
    seen,
    notices,
    losses,
    names: createLearntNames(undefined),
    unreadable: () => unreadable,
    holdBack(is: boolean) {
      isHeldBack = is;
    },
    start() {
      const opened = openFileSource({
        files: options.files ?? [log],
        start: options.start ?? 'beginning',
        folder,
        nodes: ['web-7.example.org'],
        names: this.names,
        isHeldBack: () => isHeldBack,
        onNotice: (notice) => notices.push(notice),
        now: () => clock.nowMs,
      });
      if (opened.kind !== 'open') throw new Error('refused');
      notices.push(...opened.notices);
      source = opened.source;
      records = 0;
    },
    /** Reads until nothing comes, over the time that a rotation takes to be believed. */
    async drain() {
      for (let quiet = 0; quiet < 12; ) {
        const drained = source?.drain(({ serial }) => {
          seen.push(serial);
        });
        records += drained?.records ?? 0;
        unreadable += drained?.unreadable ?? 0;
        losses.push(...(source?.takeLosses?.() ?? []));
        quiet = drained?.hasMore === true ? 0 : quiet + 1;
        if (drained?.hasMore !== true) clock.nowMs += 300;
        await nextTurn();
      }
    },
    keep() {
      source?.keep?.(records);
    },
    /** Ends without a word. */
    kill() {
      source?.close();
      source = undefined;
    },
    append: (text: string) => appendFileSync(log, text),
    /** As auditd and logrotate: renamed, and made anew. */
    rotate(pack?: 'gz' | 'zst') {
      for (const name of readdirSync(folder).sort().reverse()) {
        const match = /^audit\.log\.(\d+)(\.gz|\.zst)?$/.exec(name);
        if (match !== null)
          renameSync(join(folder, name), join(folder, `audit.log.${Number(match[1]) + 1}${match[2] ?? ''}`));
      }
      rotations += 1;
      const atS = clock.nowMs / 1000 + rotations;
      utimesSync(log, atS, atS);
      if (pack === undefined) renameSync(log, `${log}.1`);
      else {
        const sibling = `${log}.1.${pack}`;
        writeFileSync(sibling, packed(pack, readFileSync(log)));
        utimesSync(sibling, atS, atS);
        rmSync(log);
      }
      writeFileSync(log, '');
    },
    /** As logrotate's copytruncate. */
    copyTruncate() {
      rotations += 1;
      copyFileSync(log, `${log}.copy${rotations}`);
      truncateSync(log);
    },
  };
}

describe('a log', () => {
  it('is read from its beginning, then as it grows; a line counts when it is whole', async () => {
    const host = machine();
    host.append(lines(1, 3));
    host.start();
    await host.drain();
    host.append(line(4).slice(0, 40));
    await host.drain();
    expect(host.seen).toEqual([1, 2, 3]);
    host.append(line(4).slice(40) + line(5));
    await host.drain();
    expect(host.seen).toEqual([1, 2, 3, 4, 5]);
    expect([host.losses, host.notices, host.unreadable()]).toEqual([[], [], 0]);
  });

  it('is read from its end where that is configured, and never from the middle of a line', async () => {
    const host = machine({ start: 'end' });
    host.append(lines(1, 3) + line(4).slice(0, 20));
    host.start();
    await host.drain();
    host.append(line(4).slice(20) + line(5));
    await host.drain();
    expect(host.seen).toEqual([5]);
    host.keep();
    host.kill();
    host.append(line(6));
    host.start();
    await host.drain();
    expect(host.seen).toEqual([5, 6]);
  });

  it('that is not there yet is waited for', async () => {
    const host = machine();
    host.start();
    await host.drain();
    expect(host.notices.map(({ code }) => code)).toEqual(['no-file']);
    host.append(lines(1, 2));
    await host.drain();
    expect(host.seen).toEqual([1, 2]);
  });

  it('is taken up where it was left, and what was not kept is read again', async () => {
    const host = machine();
    host.append(lines(1, 3));
    host.start();
    await host.drain();
    host.keep();
    host.append(lines(4, 5));
    await host.drain();
    host.kill();
    host.append(line(6));
    host.start();
    await host.drain();
    expect(host.seen).toEqual([1, 2, 3, 4, 5, 4, 5, 6]);
  });

  it.each([undefined, 'gz', 'zst'] as const)(
    'is followed over rotations, also while nobody read (packed: %s)',
    async (pack) => {
      const host = machine();
      host.append(lines(1, 40));
      host.start();
      await host.drain();
      host.append(lines(41, 45));
      host.rotate();
      host.append(lines(46, 50));
      await host.drain();
      expect(host.seen).toEqual(range(1, 50));
      host.keep();
      host.kill();
      host.append(lines(51, 60));
      host.rotate(pack);
      host.append(lines(61, 70));
      host.rotate(pack);
      host.append(lines(71, 80));
      host.start();
      await host.drain();
      expect(host.seen).toEqual(range(1, 80));
      expect(host.losses).toEqual([]);
    },
  );

  it('is followed by its old name until the writer has opened the new one', async () => {
    const host = machine();
    host.append(lines(1, 2));
    host.start();
    await host.drain();
    host.rotate();
    appendFileSync(`${host.log}.1`, line(3));
    host.append(line(4));
    await host.drain();
    expect(host.seen).toEqual([1, 2, 3, 4]);
  });

  it('is followed over copytruncate: what was not read by then is in the copy', async () => {
    const host = machine();
    host.append(lines(1, 30));
    host.start();
    await host.drain();
    host.append(lines(31, 35) + line(36).slice(0, 30));
    host.copyTruncate();
    host.append(line(36).slice(30) + lines(37, 40));
    await host.drain();
    expect(host.seen).toEqual(range(1, 40));
    host.keep();
    host.kill();
    host.append(lines(41, 42));
    host.copyTruncate();
    host.append(lines(43, 90));
    host.start();
    await host.drain();
    expect(host.seen).toEqual(range(1, 90));
    expect(host.losses).toEqual([]);
  });

  it('that went away unread is a loss record, and the new one is read', async () => {
    const host = machine();
    host.append(lines(1, 3));
    host.start();
    await host.drain();
    host.keep();
    host.kill();
    host.append(lines(4, 5));
    host.rotate();
    rmSync(`${host.log}.1`);
    host.append(line(6));
    host.start();
    await host.drain();
    expect(host.seen).toEqual([1, 2, 3, 6]);
    expect(host.losses).toMatchObject([
      { source: 'file', atLeast: 0, atMost: undefined, reason: expect.stringContaining('rotated') },
    ]);
  });

  it('that was truncated without a copy is a loss record', async () => {
    const host = machine();
    host.append(lines(1, 30));
    host.start();
    await host.drain();
    truncateSync(host.log);
    host.append(line(31));
    await host.drain();
    expect(host.seen).toEqual(range(1, 31));
    expect(host.losses).toMatchObject([{ source: 'file', reason: expect.stringContaining('truncated') }]);
  });

  it('whose packed part is damaged is told, and the rest is read', async () => {
    const host = machine();
    host.append(lines(1, 3));
    host.start();
    await host.drain();
    host.keep();
    host.kill();
    host.append(
      Array.from({ length: 20_000 }, (_, index) => line(4, '').replace('text', `${Math.sin(index)}`)).join(''),
    );
    host.rotate('gz');
    const packed = `${host.log}.1.gz`;
    truncateSync(packed, 60_000);
    host.append(line(9));
    host.start();
    await host.drain();
    expect(host.seen.at(-1)).toBe(9);
    expect(host.losses.length).toBeGreaterThan(0);
  });

  it('waits while the spool is too full, and is not lost', async () => {
    const host = machine();
    host.append(lines(1, 3));
    host.holdBack(true);
    host.start();
    await host.drain();
    expect(host.seen).toEqual([]);
    host.holdBack(false);
    await host.drain();
    expect(host.seen).toEqual([1, 2, 3]);
  });
});

describe('patterns', () => {
  it('mean logs, not what was rotated, and what appears later', async () => {
    const host = machine({ files: [join(folder, '*.log*')] });
    host.append(line(1));
    for (const name of ['audit.log.1', 'audit.log-20260101', 'audit.log.2.gz'])
      writeFileSync(join(folder, name), line(90));
    host.start();
    await host.drain();
    writeFileSync(join(folder, 'other.log'), line(2));
    host.clock.nowMs += 10_000;
    await host.drain();
    expect(host.seen).toEqual([1, 2]);
  });

  it(`mean ${FOLLOWED_MAX} logs at the most`, async () => {
    const host = machine({ files: [join(folder, '*.log')] });
    for (let at = 1; at <= FOLLOWED_MAX + 3; at++) writeFileSync(join(folder, `${at}.log`), line(at));
    host.start();
    await host.drain();
    expect(host.seen).toHaveLength(FOLLOWED_MAX);
    expect(host.notices.map(({ code }) => code)).toEqual(['too-many-files']);
  });
});

describe('whose lines', () => {
  it('those of another node are refused and counted; the host’s own are read', async () => {
    const host = machine();
    host.append(line(1, 'node=web-7 ') + line(2, 'node=web-7.example.org ') + line(3, 'node=evil ') + line(4));
    host.start();
    await host.drain();
    expect(host.seen).toEqual([1, 2, 4]);
    expect(host.unreadable()).toBe(1);
    expect(host.notices[0]?.text).toContain('evil');
  });

  it('go-audit’s and laurel’s events are read; syslog, journal and ECS are not believed', async () => {
    const host = machine();
    host.append(
      `${[
        '{"sequence":1,"timestamp":"1795290000.000","messages":[{"type":1300,"data":"arch=c000003e syscall=39 pid=1"}],"uid_map":{}}',
        '{"ID":"1795290000.000:2","NODE":"web-7","SYSCALL":{"arch":"0xc000003e","syscall":39,"pid":1}}',
        '{"ID":"1795290000.000:3","NODE":"evil","SYSCALL":{"arch":"0xc000003e","syscall":39,"pid":1}}',
        `Nov 22 10:00:00 web-7 audispd: ${line(4).trim()}`,
        '{"@timestamp":"2026-01-01T00:00:00Z","host":{"id":"x"}}',
        '{"__REALTIME_TIMESTAMP":"1","_BOOT_ID":"x","_MACHINE_ID":"5f1e2d3caaaabbbbcccc000000000001","_AUDIT_TYPE":"1005","_AUDIT_ID":"5","_SOURCE_REALTIME_TIMESTAMP":"1000000","MESSAGE":"USER pid=1"}',
        '',
        '\0\xff',
      ].join('\n')}\n`,
    );
    host.start();
    await host.drain();
    expect([...new Set(host.seen)]).toEqual([1, 2]);
    expect(host.unreadable()).toBe(5);
  });

  it('names are learnt from enriched lines, and asked of nobody else', async () => {
    const host = machine();
    host.append(`${line(1).trim()}\x1dUID="alice"\n`);
    host.start();
    await host.drain();
    expect(host.names.userName(0)).toBe('alice');
    expect(host.names.userName(1)).toBeUndefined();
    const version = host.names.version?.();
    host.append(`${line(1).trim()}\x1dUID="alice"\n${line(2).trim()}\x1dUID="bob"\n`);
    await host.drain();
    expect(host.names.userName(0)).toBe('bob');
    expect(host.names.version?.()).not.toBe(version);
  });
});

describe('the splitting of lines', () => {
  it('is the same however the bytes are cut, and bounded', () => {
    const text = fc.array(
      fc.string({ maxLength: 12 }).map((each) => each.replaceAll('\n', '')),
      { maxLength: 8 },
    );
    fc.assert(
      fc.property(text, fc.array(fc.nat({ max: 40 }), { maxLength: 8 }), (given, cuts) => {
        const bytes = Buffer.from(given.map((each) => `${each}\n`).join(''), 'utf8');
        const splitter = createLineSplitter(16);
        const made: (string | undefined)[] = [];
        const ends: number[] = [];
        let from = 0;
        for (const cut of [...cuts, bytes.length].map((each) => Math.min(each, bytes.length)).sort((a, b) => a - b)) {
          splitter.push(bytes.subarray(from, cut), cut, (each, end) => {
            made.push(each);
            ends.push(end);
          });
          from = cut;
          expect(splitter.heldBytes).toBeLessThanOrEqual(bytes.length);
        }
        const expected = given
          .map((each) => Buffer.from(each, 'utf8'))
          .map((each) => (each.length > 16 ? undefined : each.toString('latin1')));
        expect(made).toEqual(expected);
        expect(ends.at(-1) ?? 0).toBe(bytes.length);
      }),
    );
  });

  it('never holds a line that is too long', () => {
    const splitter = createLineSplitter(1000);
    const made: (string | undefined)[] = [];
    const before = process.memoryUsage().arrayBuffers;
    const chunk = Buffer.alloc(1024 * 1024, 0x78);
    for (let at = 1; at <= 1024; at++) splitter.push(chunk, at * chunk.length, (each) => made.push(each));
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(64 * 1024 * 1024);
    splitter.push(Buffer.from('\nnext\n'), 2 ** 30 + 6, (each) => made.push(each));
    expect(made).toEqual([undefined, 'next']);
  });
});

describe('through the reader and the spool', () => {
  const syscall = (serial: number): string => {
    const stamp = `audit(1795290000.000:${serial})`;
    const ids = 'auid=0 uid=0 gid=0 euid=0 suid=0 fsuid=0 egid=0 sgid=0 fsgid=0 tty=(none) ses=1';
    return [
      `type=SYSCALL msg=${stamp}: arch=c000003e syscall=59 success=yes exit=0 a0=0 a1=0 a2=0 a3=0 items=0 ppid=1 pid=77 ${ids} comm="x" exe="/bin/x" key=(null)`,
      `type=EXECVE msg=${stamp}: argc=1 a0="${serial}"`,
      `type=PROCTITLE msg=${stamp}: proctitle="x"`,
    ]
      .map((each) => `${each}\n`)
      .join('');
  };
  const BOOT = 'aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee';

  /** A collector on a machine whose log, spool and kills are the test's. */
  function collecting(logFolder: string) {
    const log = join(logFolder, 'audit.log');
    const disk = memoryDisk();
    const shared = spoolShared();
    const clock = { nowMs: 1_795_290_000_000 };
    let saved: ReaderState | undefined;
    let reader: Reader | undefined;
    let source: RecordSource | undefined;
    let rotations = 0;
    writeFileSync(log, '');
    return {
      log,
      start() {
        const names = createLearntNames(undefined);
        const opened = openFileSource({
          files: [log],
          start: 'beginning',
          folder: logFolder,
          nodes: ['web-7'],
          names,
          isHeldBack: () => false,
          onNotice: () => {},
          now: () => clock.nowMs,
        });
        if (opened.kind !== 'open') throw new Error('refused');
        source = opened.source;
        reader = createReader({
          source,
          spool: openSpoolWriter({ disk, shared, bootId: BOOT, bytesMax: 64 * 1024 * 1024 }),
          host: { id: 'h1', name: 'web-7', bootId: BOOT },
          accounts: names,
          processes: createProcesses({ hostId: 'h1', bootId: BOOT, proc: undefined }),
          now: () => clock.nowMs,
          previous: saved,
          save: (state) => {
            saved = state;
          },
          cost: () => ({}),
          onNotice: () => {},
        });
      },
      async step(count: number) {
        for (let at = 0; at < count; at++) {
          reader?.step();
          clock.nowMs += 300;
          await nextTurn();
        }
      },
      kill() {
        source?.close();
        reader = undefined;
      },
      stop() {
        reader?.quiesce();
        reader?.close();
        reader = undefined;
      },
      isRunning: () => reader !== undefined,
      rotate() {
        rotations += 1;
        const atS = clock.nowMs / 1000 + rotations;
        utimesSync(log, atS, atS);
        renameSync(log, `${log}.${1000 - rotations}`);
        writeFileSync(log, '');
      },
      stored() {
        const everything = spoolShared();
        everything.setSpooled(shared.spooled());
        for (const name of SPOOL_CLASSES) everything.setNewest(name, shared.newest(name));
        const spool = openSpoolReader({ disk, shared: everything });
        const events = new Map<string, { sequence: number; args: unknown; incomplete: unknown }>();
        const kinds: string[] = [];
        let documents = 0;
        for (let batch = spool.next(1 << 24); batch !== undefined; batch = spool.next(1 << 24)) {
          for (const payload of batch.payloads) {
            const [head = '', text = ''] = payload.toString().split('\n');
            const document = JSON.parse(text) as EventDocument;
            const dataset = String(fieldOf(document, 'event.dataset'));
            if (dataset !== 'auditd.log') {
              kinds.push(dataset);
              continue;
            }
            documents += 1;
            events.set((JSON.parse(head) as { create: { _id: string } }).create._id, {
              sequence: Number(fieldOf(document, 'event.sequence')),
              args: fieldOf(document, 'process.args'),
              incomplete: fieldOf(document, 'vedette.incomplete') ?? fieldOf(document, 'vedette.fragment_of'),
            });
          }
        }
        spool.close();
        return { events: [...events.values()].sort((a, b) => a.sequence - b.sequence), documents, kinds };
      },
    };
  }

  const whole = (to: number) =>
    range(1, to).map((sequence) => ({ sequence, args: [String(sequence)], incomplete: undefined }));

  it('a clean stop in the middle of an event leaves it to the next start, whole', async () => {
    const host = collecting(folder);
    host.start();
    appendFileSync(host.log, syscall(1) + syscall(2).slice(0, 300));
    await host.step(4);
    host.stop();
    appendFileSync(host.log, syscall(2).slice(300) + syscall(3));
    host.start();
    await host.step(20);
    host.stop();
    host.start();
    await host.step(20);
    const { events, documents, kinds } = host.stored();
    expect(events).toEqual(whole(3));
    expect(documents).toBe(3);
    // No gap in the serials and no pause is a loss: the file kept what happened.
    expect(kinds.filter((kind) => kind === 'vedette.loss')).toEqual([]);
  });

  it('whatever happens to log and collector, each event is stored whole, under one id', async () => {
    const step = fc.oneof(
      {
        weight: 6,
        arbitrary: fc.record({
          do: fc.constant('write' as const),
          events: fc.integer({ min: 1, max: 6 }),
          cut: fc.nat({ max: 500 }),
        }),
      },
      { weight: 4, arbitrary: fc.record({ do: fc.constant('read' as const), steps: fc.integer({ min: 1, max: 9 }) }) },
      { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('kill' as const, 'stop' as const, 'rotate' as const) }) },
    );
    let run = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
        const logFolder = join(folder, String(++run));
        mkdirSync(logFolder);
        const host = collecting(logFolder);
        let serial = 0;
        let rest = '';
        let waitedMs = 0;
        host.start();
        for (const each of steps) {
          if (each.do === 'write') {
            const text =
              rest +
              range(serial + 1, serial + each.events)
                .map(syscall)
                .join('');
            serial += each.events;
            const cut = Math.min(each.cut, text.length);
            appendFileSync(host.log, text.slice(0, text.length - cut));
            rest = text.slice(text.length - cut);
            waitedMs = 0;
          } else if (each.do === 'read') {
            if (!host.isRunning()) host.start();
            // Who writes a log does not stop for two seconds inside an event: that would make it two.
            if (waitedMs + each.steps * 300 > 1_500) {
              appendFileSync(host.log, rest);
              rest = '';
            }
            waitedMs = rest === '' ? 0 : waitedMs + each.steps * 300;
            await host.step(each.steps);
          } else if (each.do === 'rotate') {
            // auditd finishes its line first, not its event.
            const end = rest.indexOf('\n') + 1;
            appendFileSync(host.log, rest.slice(0, end));
            rest = rest.slice(end);
            host.rotate();
          } else if (host.isRunning()) host[each.do]();
        }
        appendFileSync(host.log, rest);
        if (!host.isRunning()) host.start();
        await host.step(40);
        host.stop();
        const { events, kinds } = host.stored();
        expect(events.filter(({ incomplete }) => incomplete === undefined)).toEqual(whole(serial));
        expect(kinds.filter((kind) => kind === 'vedette.loss')).toEqual([]);
      }),
      { numRuns: 40 },
    );
  });
});
