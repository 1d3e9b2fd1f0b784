// Which files an import reads, in which order, under whose name; and what hostile files cost.
import { randomBytes } from 'node:crypto';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { bootIdOfText, bootsOfText, createHostNaming, type GivenHost } from '../../cli/import/imported-host.ts';
import { type Expansion, readLines } from '../../cli/import/lines.ts';
import { expandFiles, inOrderOfTime, leftOutOf } from '../../cli/import/log-files.ts';
import { hostIdOf } from '../../collector/host-identity.ts';
import { makeFolder, type TestFolder } from './terminal.ts';

let folder: TestFolder;
beforeEach(() => {
  folder = makeFolder();
});
afterEach(() => folder.remove());

const at = (name: string): string => join(folder.path, name);
const write = (name: string, content: string | Buffer): string => {
  writeFileSync(at(name), content);
  return at(name);
};
const record = (second: number): string => `type=USER msg=audit(${second}.000:${second}): pid=1\n`;

async function linesOf(
  path: string,
  lineBytesMax: number,
  expansion?: Expansion,
): Promise<readonly (string | undefined)[]> {
  const lines: (string | undefined)[] = [];
  for await (const batch of readLines(path, lineBytesMax, expansion))
    for (const { bytes } of batch) lines.push(bytes?.toString('latin1'));
  return lines;
}

describe('files', () => {
  it('are found in folders and by patterns, each once', () => {
    mkdirSync(at('sub'));
    for (const name of [
      'audit.log',
      'audit.log.1',
      'audit.log.2.gz',
      'audit.log-20260301.zst',
      'laurel.json',
      'notes.md',
      '.hidden',
    ])
      write(name, record(1));
    symlinkSync(at('audit.log'), at('link.log'));
    const names = (paths: readonly string[]) => paths.map((path) => path.slice(folder.path.length + 1)).sort();
    const logs = ['audit.log', 'audit.log-20260301.zst', 'audit.log.1', 'audit.log.2.gz', 'laurel.json'];
    expect(names(expandFiles([folder.path]))).toEqual(logs);
    expect(names(expandFiles([at('audit.log*'), at('audit.log'), at('link.log')]))).toEqual(logs.slice(0, 4));
    expect(expandFiles(['-', at('audit.log'), '-'])).toEqual(['-', at('audit.log')]);
  });

  it('of a folder that are left out are told, for a rotated log in another packing would be missed unseen', () => {
    mkdirSync(at('sub'));
    for (const name of ['audit.log', 'audit.log.1.gz', 'audit.log.2.xz', 'notes.md', '.hidden']) write(name, record(1));
    expect(leftOutOf([folder.path, at('audit.log'), '-'])).toEqual([at('audit.log.2.xz'), at('notes.md'), at('sub')]);
  });

  it('that are not there are the system’s error; a folder without logs says so', () => {
    expect(() => expandFiles([at('gone.log')])).toThrow(/ENOENT/);
    expect(() => expandFiles([at('gone*.log')])).toThrow(/ENOENT/);
    mkdirSync(at('empty'));
    expect(() => expandFiles([at('empty')])).toThrow('holds no log');
  });

  it('are read oldest first by what they hold, whatever their names and packing; untimed ones stay behind', async () => {
    const files = [
      write('audit.log', record(40)),
      write('audit.log.1', gzipSync(`garbage\n\n${record(30)}`)),
      write('audit.log.2', zstdCompressSync(record(20))),
      write('audit.log.3', '{"sequence":1,"timestamp":"10.000","messages":[{"type":1300,"data":"pid=1"}]}\n'),
      write('ecs.ndjson', '{"@timestamp":"1970-01-01T00:00:25Z"}\n'),
      write('empty.log', ''),
      write('broken.gz', Buffer.from([0x1f, 0x8b, 8, 0, 1])),
    ];
    const order = (await inOrderOfTime(['-', ...files])).map(({ file }) => file.slice(file.lastIndexOf('/') + 1));
    expect(order).toEqual([
      'audit.log.3',
      'audit.log.2',
      'ecs.ndjson',
      'audit.log.1',
      'audit.log',
      '-',
      'empty.log',
      'broken.gz',
    ]);
  });
});

describe('packed files', () => {
  it('of zstd, of several gzip members and of several frames are read to their end', async () => {
    expect(await linesOf(write('a.zst', zstdCompressSync('a\nb\n')), 10)).toEqual(['a', 'b']);
    expect(await linesOf(write('a.gz', Buffer.concat([gzipSync('a\n'), gzipSync('b\n')])), 10)).toEqual(['a', 'b']);
    expect(
      await linesOf(write('b.zst', Buffer.concat([zstdCompressSync('a\n'), zstdCompressSync('b\n')])), 10),
    ).toEqual(['a', 'b']);
  });

  it('of xz and bzip2 are refused with the way to read them', async () => {
    await expect(linesOf(write('a.xz', Buffer.from('\xfd7zXZ\0\0', 'latin1')), 10)).rejects.toThrow('xz -dc');
    await expect(linesOf(write('a.bz2', 'BZh9x'), 10)).rejects.toThrow('bzip2 -dc');
  });

  it('that unpack to one line of a gigabyte cost no memory', async () => {
    const member = gzipSync(
      Buffer.concat([randomBytes(16_384).map((byte) => byte | 0x80), Buffer.alloc(16 * 1024 * 1024, 0x78)]),
    );
    const path = write('bomb.gz', Buffer.concat([...Array.from({ length: 64 }, () => member), gzipSync('\nnext\n')]));
    const before = process.memoryUsage.rss();
    let highest = 0;
    const lines: (string | undefined)[] = [];
    const timer = setInterval(() => {
      highest = Math.max(highest, process.memoryUsage.rss());
    }, 20);
    try {
      for await (const batch of readLines(path, 16 * 1024 * 1024))
        for (const { bytes } of batch) lines.push(bytes?.toString('latin1'));
    } finally {
      clearInterval(timer);
    }
    expect(lines).toEqual([undefined, 'next']);
    expect(highest - before).toBeLessThan(300 * 1024 * 1024);
  });

  it.each([
    ['gz', gzipSync],
    ['zst', zstdCompressSync],
  ] as const)('that unpack to more than any log would are refused (%s)', async (name, pack) => {
    const path = write(`bomb.${name}`, pack(Buffer.alloc(32 * 1024 * 1024)));
    const expansion = { timesMax: 100, bytesMin: 1024 * 1024 };
    await expect(linesOf(path, 1000, expansion)).rejects.toThrow('100 times its size');
    await expect(linesOf(write(`fine.${name}`, pack('a\nb\n'.repeat(1000))), 1000, expansion)).resolves.toHaveLength(
      2000,
    );
  });
});

describe('whose lines they are', () => {
  const BOOT = '0f1e2d3c-aaaa-bbbb-cccc-000000000000';
  const naming = (given: Partial<GivenHost> = {}) =>
    createHostNaming({ name: undefined, id: undefined, boots: [], ...given });

  it('what a line says comes first; what the person says is for the others', () => {
    const { hostOf, isHostMissing } = naming({ name: 'web-7', id: '1f0c', boots: [{ bootId: BOOT, fromMs: 100 }] });
    expect(hostOf({}, 200)).toEqual({ id: '1f0c', name: 'web-7', bootId: BOOT });
    expect(hostOf({ name: 'web-7' }, 50)).toEqual({ id: '1f0c', name: 'web-7', bootId: '' });
    expect(hostOf({ name: 'db-1' }, 200)).toEqual({ id: 'db-1', name: 'db-1', bootId: '' });
    expect(hostOf({ id: 'x y', name: 'db-1' }, 200)).toMatchObject({
      id: expect.stringMatching(/^x-y-[0-9a-f]{8}$/),
      name: 'db-1',
    });
    expect(isHostMissing()).toBe(false);
  });

  it('the journal’s machine and boot are those that its own collector has', () => {
    const machineId = '5f1e2d3caaaabbbbcccc000000000001';
    expect(naming().hostOf({ name: 'web-7', machineId, bootId: BOOT }, 1)).toEqual({
      id: hostIdOf(machineId),
      name: 'web-7',
      bootId: BOOT,
    });
  });

  it('a host that nobody names is missed', () => {
    const { hostOf, isHostMissing } = naming();
    hostOf({}, 1);
    expect(isHostMissing()).toBe(true);
  });

  it('boots are read as journalctl lists them, or not at all', () => {
    const list =
      '[{"index":0,"boot_id":"0f1e2d3caaaabbbbcccc000000000001","first_entry":2000000,"last_entry":3000000},{"index":-1,"boot_id":"0f1e2d3caaaabbbbcccc000000000000","first_entry":1000000,"last_entry":1500000}]';
    expect(bootsOfText(list)).toEqual([
      { bootId: BOOT, fromMs: 1000 },
      { bootId: '0f1e2d3c-aaaa-bbbb-cccc-000000000001', fromMs: 2000 },
    ]);
    for (const text of ['', '[]', '{}', '[1]', '[null]', '[{"boot_id":"x","first_entry":1}]'])
      expect(bootsOfText(text)).toBeUndefined();
    expect(bootIdOfText(' 0F1E2D3CAAAABBBBCCCC000000000000\n')).toBe(BOOT);
    expect(bootIdOfText('0f1e')).toBeUndefined();
  });
});
