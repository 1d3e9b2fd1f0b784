import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FRAME_HEAD_BYTES } from '../../collector/spool/frame.ts';
import {
  encodeSegmentHead,
  parseSegmentName,
  SEGMENT_HEAD_BYTES,
  type SpoolClass,
} from '../../collector/spool/segment.ts';
import { SET_ASIDE_MAX } from '../../collector/spool/segment-scan.ts';
import { PENDING_BYTES_MAX } from '../../collector/spool/spool-limits.ts';
import { openSpoolReader } from '../../collector/spool/spool-reader.ts';
import { type SpoolShared, spoolShared } from '../../collector/spool/spool-shared.ts';
import { openSpoolWriter, type SpoolWriter } from '../../collector/spool/spool-writer.ts';
import { type MemoryDisk, memoryDisk } from './memory-disk.ts';

const BOOT = 'aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee';
const NEXT_BOOT = 'ffffffff-bbbb-cccc-dddd-eeeeeeeeeeee';
const CAP = 4 * 1024 * 1024;

function open(disk: MemoryDisk, options: { shared?: SpoolShared; bytesMax?: number; bootId?: string } = {}) {
  const shared = options.shared ?? spoolShared();
  const writer = openSpoolWriter({ disk, shared, bootId: options.bootId ?? BOOT, bytesMax: options.bytesMax ?? CAP });
  return { shared, writer };
}

function append(writer: SpoolWriter, spoolClass: SpoolClass, text: string, createdMs = 1000): number | undefined {
  return writer.append({ spoolClass, createdMs, timeMs: createdMs, serial: 7, countsSerial: true, lines: () => text });
}

function readAll(disk: MemoryDisk, shared: SpoolShared) {
  const reader = openSpoolReader({ disk, shared });
  const texts: string[] = [];
  const positions: number[] = [];
  for (let batch = reader.next(1 << 20); batch !== undefined; batch = reader.next(1 << 20)) {
    texts.push(...batch.payloads.map(String));
    positions.push(...batch.positions);
  }
  return { texts, positions, losses: reader.takeLosses(), reader };
}

describe('spool', () => {
  it('gives back what was appended, both classes merged by position', () => {
    const disk = memoryDisk();
    const { shared, writer } = open(disk);
    for (let number = 1; number <= 9; number += 1)
      append(writer, number % 3 === 0 ? 'keep' : 'bulk', `event ${number}`);
    expect(writer.flush()).toBeUndefined();
    expect(readAll(disk, shared).texts).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9].map((number) => `event ${number}`));
  });

  it('takes text and bytes alike', () => {
    const disk = memoryDisk();
    const { shared, writer } = open(disk);
    const head = { spoolClass: 'keep', createdMs: 1, timeMs: 1, serial: 1, countsSerial: true } as const;
    writer.append({ ...head, lines: () => 'ein Stück Text – 𝄞' });
    writer.append({ ...head, lines: () => Buffer.from('ein Stück Text – 𝄞') });
    writer.flush();
    expect(readAll(disk, shared).texts).toEqual(['ein Stück Text – 𝄞', 'ein Stück Text – 𝄞']);
  });

  it('says since when the oldest event waits', () => {
    const { shared, writer } = open(memoryDisk());
    expect(writer.oldestMs()).toBeUndefined();
    append(writer, 'bulk', 'one', 2000);
    append(writer, 'keep', 'two', 3000);
    writer.flush();
    expect(writer.oldestMs()).toBe(2000);
    shared.setAcknowledged(1);
    expect(writer.oldestMs()).toBe(3000);
    shared.setAcknowledged(2);
    expect(writer.oldestMs()).toBeUndefined();
  });

  it('hands out nothing that was not flushed', () => {
    const disk = memoryDisk();
    const { shared, writer } = open(disk);
    append(writer, 'keep', 'one');
    expect(readAll(disk, shared).texts).toEqual([]);
  });

  it('never repeats a position after a kill, also when everything was delivered', () => {
    const disk = memoryDisk();
    const first = open(disk);
    append(first.writer, 'keep', 'one');
    append(first.writer, 'bulk', 'two');
    first.writer.flush();
    const second = open(disk);
    expect(append(second.writer, 'keep', 'three')).toBe(3);
    second.writer.flush();
    second.shared.setAcknowledged(3);
    second.writer.trim(0);
    expect(append(open(disk).writer, 'keep', 'four')).toBe(4);
  });

  it('cuts a torn tail off, tells of it and goes on behind it', () => {
    const disk = memoryDisk();
    const { writer } = open(disk);
    append(writer, 'keep', 'whole');
    append(writer, 'keep', 'torn away');
    writer.flush();
    const name = [...disk.files.keys()][0] as string;
    disk.files.set(name, (disk.files.get(name) as Buffer).subarray(0, -3));
    const again = open(disk);
    expect(again.writer.recovery.losses).toMatchObject([{ reason: 'torn', atLeast: 0, firstPosition: 2 }]);
    expect(open(disk).writer.recovery.losses).toEqual([]);
    append(again.writer, 'keep', 'after');
    again.writer.flush();
    expect(readAll(disk, again.shared).texts).toEqual(['whole', 'after']);
  });

  it('loses one event to one flipped bit, wherever the bit is, and says so', () => {
    fc.assert(
      fc.property(fc.nat(), fc.integer({ min: 0, max: 7 }), fc.boolean(), (place, bit, isFinished) => {
        const disk = memoryDisk();
        const { shared, writer } = open(disk);
        const texts = ['first', 'second event', 'third', 'the fourth of five', 'fifth'];
        for (const text of texts) append(writer, 'keep', text);
        writer.flush();
        const [name, bytes] = [...disk.files.entries()][0] as [string, Buffer];
        if (isFinished) {
          const later = open(disk, { shared });
          append(later.writer, 'keep', 'later');
          later.writer.flush();
        }
        const at = SEGMENT_HEAD_BYTES + (place % (bytes.length - SEGMENT_HEAD_BYTES));
        const flipped = Buffer.from(bytes);
        flipped[at] = (flipped[at] as number) ^ (1 << bit);
        disk.files.set(name, flipped);
        const read = readAll(disk, shared);
        const survivors = isFinished ? [...texts, 'later'] : texts;
        const missing = survivors.filter((text) => !read.texts.includes(text));
        expect(read.texts.every((text) => survivors.includes(text))).toBe(true);
        expect(missing.length).toBe(1);
        // Damage in the last frame of a segment that is still written looks unfinished until the next start cuts it off.
        const told = read.losses.length + open(disk).writer.recovery.losses.length;
        expect(told).toBeGreaterThan(0);
      }),
      { numRuns: 300 },
    );
  });

  it('keeps what a full disk does not take, and writes it when there is room again', () => {
    const disk = memoryDisk();
    const { shared, writer } = open(disk);
    append(writer, 'keep', 'one');
    writer.flush();
    disk.room = 10;
    append(writer, 'keep', 'two');
    expect((writer.flush() as NodeJS.ErrnoException).code).toBe('ENOSPC');
    append(writer, 'bulk', 'three');
    expect(writer.flush()).toBeDefined();
    expect(readAll(disk, shared).texts).toEqual(['one']);
    disk.room = Number.POSITIVE_INFINITY;
    expect(writer.flush()).toBeUndefined();
    expect(readAll(disk, shared).texts).toEqual(['one', 'two', 'three']);
  });

  it('refuses bulk before keep when memory fills as well', () => {
    const disk = memoryDisk();
    const { writer } = open(disk);
    disk.room = 0;
    const text = 'x'.repeat(1024 * 1024);
    let bulk = 0;
    while (append(writer, 'bulk', text) !== undefined) bulk += 1;
    expect(bulk).toBeLessThanOrEqual(PENDING_BYTES_MAX.bulk / text.length + 1);
    expect(append(writer, 'keep', text)).toBeDefined();
  });

  it('a batch holds the events of one boot', () => {
    const disk = memoryDisk();
    const first = open(disk);
    append(first.writer, 'keep', 'before');
    first.writer.flush();
    const second = open(disk, { bootId: NEXT_BOOT });
    append(second.writer, 'bulk', 'after');
    second.writer.flush();
    const reader = openSpoolReader({ disk, shared: second.shared });
    expect(reader.next(1 << 20)).toMatchObject({ bootId: BOOT, lastPosition: 1 });
    expect(reader.next(1 << 20)).toMatchObject({ bootId: NEXT_BOOT, lastPosition: 2 });
  });

  it('is a queue: random appends, reads, acknowledgements, kills and torn writes lose nothing that was flushed', () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant('append' as const), keep: fc.boolean(), size: fc.integer({ min: 1, max: 9000 }) }),
      fc.record({ kind: fc.constant('flush' as const) }),
      fc.record({ kind: fc.constant('ship' as const), bytes: fc.integer({ min: 1, max: 20_000 }) }),
      fc.record({ kind: fc.constant('kill' as const), torn: fc.nat({ max: 500 }) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const disk = memoryDisk();
        let { shared, writer } = open(disk);
        let reader = openSpoolReader({ disk, shared });
        let acknowledged = 0;
        const appended = new Map<number, string>();
        let flushed: number[] = [];
        let unflushed: number[] = [];
        const delivered: number[] = [];
        for (const action of steps) {
          if (action.kind === 'append') {
            const text = `${appended.size} ${'z'.repeat(action.size)}`;
            const position = append(writer, action.keep ? 'keep' : 'bulk', text) as number;
            appended.set(position, text);
            unflushed.push(position);
          } else if (action.kind === 'flush') {
            writer.flush();
            flushed = [...flushed, ...unflushed];
            unflushed = [];
          } else if (action.kind === 'ship') {
            const batch = reader.next(action.bytes);
            if (batch === undefined) continue;
            for (const [index, position] of batch.positions.entries()) {
              expect(String(batch.payloads[index])).toBe(appended.get(position));
              delivered.push(position);
            }
            acknowledged = batch.lastPosition;
            shared.setAcknowledged(acknowledged);
            writer.trim(0);
          } else {
            // A kill: what was not flushed is gone, except for a torn piece of it at the end of a file.
            const tearing = [...disk.files.keys()].at(-1);
            if (tearing !== undefined && action.torn > 0) {
              const bytes = disk.files.get(tearing) as Buffer;
              disk.files.set(tearing, Buffer.concat([bytes, Buffer.alloc(action.torn, 0x5a)]));
            }
            unflushed = [];
            shared = spoolShared();
            shared.setAcknowledged(acknowledged);
            writer = open(disk, { shared }).writer;
            reader = openSpoolReader({ disk, shared });
          }
        }
        writer.flush();
        flushed = [...flushed, ...unflushed];
        for (let batch = reader.next(1 << 20); batch !== undefined; batch = reader.next(1 << 20)) {
          delivered.push(...batch.positions);
        }
        expect(delivered).toEqual(flushed);
      }),
      { numRuns: 200 },
    );
  });

  it('refuses segments of a newer format, and removes none', () => {
    const disk = memoryDisk();
    const name = 'keep-00000001.spool';
    const head = encodeSegmentHead({ class: 'keep', base: 1, bootId: BOOT, generation: 0 });
    head.writeUInt16LE(3, 8);
    head.writeUInt32LE(crc32(head.subarray(16), crc32(head.subarray(0, 12))), 12);
    const bytes = Buffer.concat([head, Buffer.alloc(100)]);
    disk.files.set(name, bytes);
    expect(() => open(disk)).toThrow(`${name} has format 3, and this version of Vedette reads format 2`);
    expect(disk.files.get(name)).toEqual(bytes);
  });

  it('mends a head with any flipped bit from the footer: no event is lost', () => {
    const disk = memoryDisk();
    const { writer } = open(disk);
    for (const text of ['one', 'two']) append(writer, 'keep', text);
    writer.flush();
    writer.close();
    const [name, bytes] = [...disk.files.entries()][0] as [string, Buffer];
    for (let bit = 0; bit < SEGMENT_HEAD_BYTES * 8; bit += 1) {
      const flipped = Buffer.from(bytes);
      flipped[bit >> 3] = (flipped[bit >> 3] as number) ^ (1 << (bit & 7));
      const damaged = memoryDisk();
      damaged.files.set(name, flipped);
      const again = open(damaged);
      expect(again.writer.recovery).toMatchObject({ lastPosition: 2, losses: [] });
      expect(readAll(damaged, again.shared).texts).toEqual(['one', 'two']);
      expect(damaged.files.get(name)).toEqual(bytes);
    }
  });

  it('sets a segment aside whose head is damaged and which has no footer, says how much it may be, and goes on', () => {
    const disk = memoryDisk();
    const { writer } = open(disk);
    for (const text of ['one', 'two']) append(writer, 'keep', text);
    writer.flush();
    const [name, bytes] = [...disk.files.entries()][0] as [string, Buffer];
    for (let bit = 0; bit < SEGMENT_HEAD_BYTES * 8; bit += 1) {
      const flipped = Buffer.from(bytes);
      flipped[bit >> 3] = (flipped[bit >> 3] as number) ^ (1 << (bit & 7));
      const damaged = memoryDisk();
      damaged.files.set(name, flipped);
      const again = open(damaged);
      expect(again.writer.recovery.losses).toMatchObject([{ reason: 'damaged', atLeast: 0 }]);
      expect(again.writer.recovery.losses[0]?.atMost).toBeGreaterThanOrEqual(2);
      expect(damaged.files.get('keep-00000001.damaged')).toEqual(flipped);
      append(again.writer, 'keep', 'three');
      again.writer.flush();
      expect(readAll(damaged, again.shared).texts).toEqual(['three']);
    }
  });

  it('keeps the last few segments that it set aside', () => {
    const disk = memoryDisk();
    for (let number = 1; number <= SET_ASIDE_MAX + 3; number += 1) {
      disk.files.set(`bulk-${String(number).padStart(8, '0')}.spool`, Buffer.alloc(1000, number));
    }
    open(disk);
    open(disk);
    const aside = [...disk.files.keys()].filter((name) => name.endsWith('.damaged'));
    expect(aside.sort()).toEqual([4, 5, 6, 7].map((number) => `bulk-0000000${number}.damaged`));
  });

  it('loses nothing to a flipped bit of a footer, and counts nothing for certain', () => {
    const whole = memoryDisk();
    const { writer } = open(whole);
    for (const text of ['one', 'two']) append(writer, 'keep', text);
    writer.flush();
    const end = [...whole.files.values()][0]?.length ?? 0;
    writer.close();
    const [name, bytes] = [...whole.files.entries()][0] as [string, Buffer];
    for (let bit = end * 8; bit < bytes.length * 8; bit += 1) {
      const flipped = Buffer.from(bytes);
      flipped[bit >> 3] = (flipped[bit >> 3] as number) ^ (1 << (bit & 7));
      const disk = memoryDisk();
      disk.files.set(name, flipped);
      const again = open(disk);
      append(again.writer, 'keep', 'three');
      again.writer.flush();
      const read = readAll(disk, again.shared);
      expect(read.texts).toEqual(['one', 'two', 'three']);
      expect([...again.writer.recovery.losses, ...read.losses].every(({ atLeast }) => atLeast === 0)).toBe(true);
    }
  });

  it('goes on where the disk cannot read a segment, and tells it', () => {
    const disk = memoryDisk();
    const { writer } = open(disk);
    append(writer, 'keep', 'one');
    writer.flush();
    writer.close();
    disk.fails = (step) => (step === 'read' ? 'EIO' : undefined);
    const again = open(disk);
    expect(again.writer.recovery.losses).toMatchObject([{ reason: 'damaged', atLeast: 0 }]);
    expect(readAll(disk, again.shared).texts).toEqual([]);
    disk.fails = () => undefined;
    append(again.writer, 'keep', 'two');
    again.writer.flush();
    expect(readAll(disk, again.shared).texts).toContain('two');
  });

  it('passes a segment over that fails while it is read, and reads the next one', () => {
    const disk = memoryDisk();
    const first = open(disk);
    append(first.writer, 'keep', 'one');
    first.writer.flush();
    first.writer.close();
    const { shared, writer } = open(disk);
    append(writer, 'keep', 'two');
    writer.flush();
    const reader = openSpoolReader({ disk, shared });
    let reads = 0;
    disk.fails = (step) => {
      if (step === 'read') reads += 1;
      return step === 'read' && reads === 2 ? 'EIO' : undefined;
    };
    expect(reader.next(1000)?.payloads.map(String)).toEqual(['two']);
    expect(reader.takeLosses()).toMatchObject([{ reason: 'damaged', atLeast: 0 }]);
  });

  it('does not know how many events a segment held that cannot be opened', () => {
    const disk = memoryDisk();
    const first = open(disk);
    for (let number = 0; number < 50; number += 1) append(first.writer, 'keep', 'one');
    first.writer.flush();
    first.writer.close();
    const { shared, writer } = open(disk);
    append(writer, 'keep', 'two');
    writer.flush();
    const reader = openSpoolReader({ disk, shared });
    let reads = 0;
    disk.fails = (step) => (step === 'read' && ++reads === 1 ? 'EIO' : undefined);
    expect(reader.next(1000)?.payloads.map(String)).toEqual(['two']);
    expect(reader.takeLosses()).toMatchObject([{ reason: 'damaged', atLeast: 0, atMost: undefined }]);
  });

  it('takes a shortage of the machine for no damage: nothing is passed over', () => {
    const disk = memoryDisk();
    const { shared, writer } = open(disk);
    append(writer, 'keep', 'one');
    writer.flush();
    const reader = openSpoolReader({ disk, shared });
    disk.fails = (step) => (step === 'read' ? 'EMFILE' : undefined);
    expect(() => reader.next(1000)).toThrow('EMFILE');
    disk.fails = () => undefined;
    expect(readAll(disk, shared)).toMatchObject({ texts: ['one'], losses: [] });
  });

  it('starts on a read-only disk, and keeps what comes in memory', () => {
    const disk = memoryDisk();
    const first = open(disk);
    append(first.writer, 'keep', 'one');
    first.writer.flush();
    disk.fails = (step) => (step === 'read' ? undefined : 'EROFS');
    const { shared, writer } = open(disk);
    append(writer, 'keep', 'two');
    expect((writer.flush() as NodeJS.ErrnoException).code).toBe('EROFS');
    writer.trim(0);
    expect(readAll(disk, shared).texts).toEqual(['one']);
    disk.fails = () => undefined;
    expect(writer.flush()).toBeUndefined();
    expect(readAll(disk, shared).texts).toEqual(['one', 'two']);
  });

  it('writes again, and once, what a disk broke off with an error', () => {
    const disk = memoryDisk();
    const { shared, writer } = open(disk);
    append(writer, 'keep', 'one');
    writer.flush();
    append(writer, 'keep', 'two');
    disk.room = 20;
    disk.fails = (step) => (step === 'truncate' ? 'EIO' : undefined);
    expect(writer.flush()).toBeDefined();
    disk.room = Number.POSITIVE_INFINITY;
    disk.fails = () => undefined;
    expect(writer.flush()).toBeUndefined();
    const read = readAll(disk, shared);
    expect(read.texts).toEqual(['one', 'two']);
    expect(read.losses.every(({ atLeast }) => atLeast === 0)).toBe(true);
  });

  it('ignores files that are none of its own', () => {
    const disk = memoryDisk();
    disk.files.set('notes.txt', Buffer.from('hello'));
    disk.files.set('keep-00000001.spool', Buffer.from('not a segment, but longer than its head'.repeat(4)));
    const { shared, writer } = open(disk);
    expect(writer.recovery.losses).toMatchObject([{ reason: 'damaged' }]);
    append(writer, 'keep', 'fine');
    writer.flush();
    expect(readAll(disk, shared).texts).toEqual(['fine']);
    expect(parseSegmentName('keep-1.spool')).toBeUndefined();
    expect(FRAME_HEAD_BYTES).toBe(48);
  });
});
