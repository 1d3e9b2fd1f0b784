// The embedded store's log under everything that a disk does to it: torn tails at every byte, flipped bits, full disks.
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { EventDocument } from '../../event/document.ts';
import { type FilePort, NODE_FILES } from '../../store/embedded/files.ts';
import { type EventLog, type OpenedLog, openLog } from '../../store/embedded/log.ts';
import { parseLine, type RawLine, readLines } from '../../store/embedded/log-lines.ts';
import { brokenFiles } from './broken-files.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vedette-log-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

interface Opened extends OpenedLog {
  readonly entries: readonly { readonly seq: number; readonly id: string; readonly document: EventDocument }[];
}
const open = async (files: FilePort = NODE_FILES, segmentBytesMax = 1_000_000): Promise<Opened> => {
  const entries: { seq: number; id: string; document: EventDocument }[] = [];
  const onLines = (lines: readonly RawLine[]): void => {
    for (const read of lines) entries.push({ seq: read.seq, ...parseLine(read) });
  };
  const opened = await openLog(folder, { files, segmentBytesMax, minNextSeq: 1, onLines });
  // What is read by number is what it was opened with.
  const lines = (await opened.log.read(0, { events: 1_000, bytes: 1_000_000 })) ?? [];
  expect(lines.map((read) => ({ seq: read.seq, ...parseLine(read) }))).toEqual(entries);
  return { ...opened, entries };
};
const append = async (log: EventLog, lines: readonly { id: string; json: string }[]): Promise<number | undefined> =>
  (await log.append(lines))[0]?.seq;
const line = (id: string) => ({ id, json: `{"message":"${id} é"}` });
const idsOf = (opened: Opened): string[] => opened.entries.map((entry) => `${entry.seq}:${entry.id}`);
const segments = (): string[] => readdirSync(folder).sort();

describe('lines that are read into the same memory again and again', () => {
  it('are those that are read into memory of their own, however long they are', async () => {
    const { log } = await open(NODE_FILES, 100_000_000);
    const lengths = [10, 3_000_000, 7, 1_500_000, 2_097_152, 90_000, 9_000_000, 1, 2_500_000];
    const lines = [...lengths, ...lengths].map((length, at) => ({
      id: `e${at}`,
      json: JSON.stringify('x'.repeat(length)),
    }));
    await log.append(lines);
    const { parts } = log.slice(0, { events: 100, bytes: 100_000_000 });
    const read = async (memory?: { bytes: Buffer }): Promise<readonly string[]> => {
      const texts: string[] = [];
      for (const part of [...parts, ...parts])
        for await (const placed of readLines(part, () => texts.push('bad'), memory))
          for (const {
            line: { seq, bytes, from, to },
          } of placed)
            texts.push(`${seq} ${bytes.toString('latin1', from, to)}`);
      return texts;
    };
    const memory = { bytes: Buffer.alloc(0) };
    const own = await read();
    expect(own).toHaveLength(4 * lengths.length);
    expect((await read(memory)).every((text, at) => text === own[at])).toBe(true);
    expect(memory.bytes.length).toBeLessThanOrEqual(8 * 1024 * 1024);
    await log.close();
  });
});

describe('the log', () => {
  it('knows event.created of the lines of which it was told, until it is opened again', async () => {
    const { log } = await open();
    const times = [1_000, undefined, 999, 1_000 + 2 ** 31, 1_000 - 2 ** 31, 2 ** 31, 0];
    await log.append(times.map((createdMs, at) => ({ ...line(`e${at}`), createdMs })));
    await log.rotate();
    await log.append(Array.from({ length: 300 }, (_, at) => ({ ...line(`f${at}`), createdMs: 5_000 + at })));
    expect(times.map((_, at) => log.createdMs(at + 1))).toEqual([
      1_000,
      undefined,
      999,
      undefined,
      undefined,
      2 ** 31,
      0,
    ]);
    expect([8, 307, 308].map((seq) => log.createdMs(seq))).toEqual([5_000, 5_299, undefined]);
    await log.close();
    expect((await open()).log.createdMs(1)).toBeUndefined();
  });

  it('numbers from 1, and goes on where it ended', async () => {
    const first = await open();
    expect(await append(first.log, [line('a'), line('b')])).toBe(1);
    await first.log.close();
    const second = await open();
    expect(idsOf(second)).toEqual(['1:a', '2:b']);
    expect(second.entries[0]?.document).toEqual({ message: 'a é' });
    expect(await append(second.log, [line('c')])).toBe(3);
    await second.log.close();
    expect(idsOf(await open())).toEqual(['1:a', '2:b', '3:c']);
  });

  it('keeps its numbers even when all its events are gone', async () => {
    const { log } = await open();
    await log.append([line('a'), line('b')]);
    await log.rotate();
    await log.removeUpTo(2);
    await log.close();
    expect(segments()).toHaveLength(1);
    const again = await open();
    expect(again.entries).toEqual([]);
    expect(await append(again.log, [line('c')])).toBe(3);
  });

  it('starts new segments by size and removes only those that are loaded whole', async () => {
    const { log } = await open(NODE_FILES, 150);
    for (const id of ['a', 'b', 'c', 'd', 'e']) await log.append([line(id)]);
    expect(segments().length).toBeGreaterThan(2);
    await log.removeUpTo(3);
    await log.close();
    const ids = idsOf(await open());
    expect(ids).toContain('4:d');
    expect(ids).toContain('5:e');
    expect(ids).not.toContain('1:a');
  });

  it('cuts a torn tail at any byte and loses nothing before it', async () => {
    const { log } = await open();
    await log.append([line('a')]);
    await log.close();
    const path = join(folder, segments()[0] ?? '');
    const whole = readFileSync(path);
    const { log: more } = await open();
    await more.append([line('b')]);
    await more.close();
    const torn = readFileSync(path);
    for (let length = whole.length; length < torn.length; length++) {
      writeFileSync(path, torn.subarray(0, length));
      const opened = await open();
      expect(idsOf(opened)).toEqual(['1:a']);
      expect(opened.damagedLines).toBe(0);
      expect(await append(opened.log, [line('c')])).toBe(2);
      await opened.log.close();
      expect(idsOf(await open())).toEqual(['1:a', '2:c']);
    }
  });

  it('survives a header that was never finished', async () => {
    const { log } = await open();
    await log.append([line('a')]);
    await log.close();
    writeFileSync(join(folder, 'log-000000000000002.ndjson'), '{"vedette":"ev');
    const opened = await open();
    expect(idsOf(opened)).toEqual(['1:a']);
    expect(await append(opened.log, [line('b')])).toBe(2);
    await opened.log.close();
  });

  it('never takes a flipped bit for an event: the line is gone and counted, the others are kept', async () => {
    const { log } = await open();
    await log.append([line('a'), line('b'), line('c')]);
    await log.close();
    const path = join(folder, segments()[0] ?? '');
    const good = readFileSync(path);
    const lineB = good.indexOf('2 {"id":"b"') - 9;
    const lineC = good.indexOf('3 {"id":"c"') - 9;
    for (let at = lineB; at < lineC - 1; at++) {
      const bad = Buffer.from(good);
      bad[at] = (bad[at] ?? 0) ^ (1 << (at % 8));
      writeFileSync(path, bad);
      const opened = await open();
      expect(idsOf(opened)).toEqual(['1:a', '3:c']);
      expect(opened.damagedLines).toBeGreaterThan(0);
      expect(opened.log.nextSeq).toBe(4);
      await opened.log.close();
    }
  });

  it('refuses a segment of another format', async () => {
    writeFileSync(join(folder, 'log-000000000000001.ndjson'), '{"vedette":"event-log","version":9,"firstSeq":1}\n');
    await expect(open()).rejects.toThrow(/format 9/);
  });

  it('refuses a newer format also when its header has another form, and removes nothing', async () => {
    const path = join(folder, 'log-000000000000001.ndjson');
    const text = '{"vedette":"event-log","version":2,"codec":"zstd"}\nbytes of another time\n';
    writeFileSync(path, text);
    await expect(open()).rejects.toThrow(/format 2/);
    expect(readFileSync(path, 'utf8')).toBe(text);
  });

  it('never removes a segment that holds events for its damaged header', async () => {
    const { log } = await open();
    await log.append([line('a')]);
    await log.close();
    const path = join(folder, segments()[0] ?? '');
    const bad = readFileSync(path);
    bad[3] = 0;
    writeFileSync(path, bad);
    await expect(open()).rejects.toThrow(/no readable header/);
    expect(readFileSync(path)).toEqual(bad);
  });

  it('leaves no half-written line behind: the file ends where its last stored line does', async () => {
    const broken = brokenFiles(NODE_FILES);
    const { log } = await open(broken);
    await log.append([line('a')]);
    const path = join(folder, segments()[0] ?? '');
    const good = readFileSync(path);
    broken.fail('write');
    await expect(log.append([line('b')])).rejects.toThrow();
    expect(readFileSync(path)).toEqual(good);
    await log.close();
  });

  it('goes on in a new file after a failed sync: what the kernel says of the old one is worth nothing', async () => {
    const broken = brokenFiles(NODE_FILES);
    const { log } = await open(broken);
    await log.append([line('a')]);
    broken.fail('sync');
    await expect(log.append([line('b')])).rejects.toThrow();
    broken.heal();
    await log.append([line('c')]);
    expect(segments()).toHaveLength(2);
    await log.close();
    expect(idsOf(await open())).toEqual(['1:a', '2:c']);
  });

  it('drops what a later segment numbers again: it was never acknowledged', async () => {
    const { log } = await open();
    await log.append([line('a'), line('never')]);
    await log.close();
    writeFileSync(join(folder, 'log-000000000000002.ndjson'), '{"vedette":"event-log","version":1,"firstSeq":2}\n');
    expect(idsOf(await open())).toEqual(['1:a']);
  });

  it.each(['write', 'sync', 'truncate after write', 'open'] as const)(
    'stores nothing of a batch whose %s fails, and goes on as soon as it works again',
    async (where) => {
      const broken = brokenFiles(NODE_FILES);
      const { log } = await open(broken, 300);
      for (let n = 0; n < 6; n++) {
        const before = log.nextSeq;
        broken.fail(where);
        await expect(log.append([line(`lost${n}`), line(`lost too${n}`)])).rejects.toMatchObject({ code: 'ENOSPC' });
        await expect(log.append([line(`lost again${n}`)])).rejects.toMatchObject({ code: 'ENOSPC' });
        broken.heal();
        expect(log.nextSeq).toBe(before);
        expect(await append(log, [line(`kept${n}`)])).toBe(before);
      }
      await log.close();
      const opened = await open();
      expect(idsOf(opened)).toEqual(Array.from({ length: 6 }, (_, n) => `${n + 1}:kept${n}`));
      expect(opened.damagedLines).toBe(0);
      expect(existsSync(folder)).toBe(true);
    },
  );
});
