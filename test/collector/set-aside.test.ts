import { mkdtempSync, readFileSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { REJECTED_BYTES_MAX, setAside } from '../../collector/ship/set-aside.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vedette-aside-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const refused = (position: number, lines: Buffer) => ({ position, status: 400, reason: 'no', lines });

describe('an event that is set aside', () => {
  it.each([
    ['letters', 'a', false],
    ['three-byte letters', '€', false],
    ['control characters, each six in JSON', '\x01', true],
  ])('of 7 MiB of %s is a line of JSON within the bound', (_, letter, isCut) => {
    const lines = Buffer.from(letter.repeat(Math.floor((7 * 1024 * 1024) / Buffer.byteLength(letter))));
    setAside(folder, [refused(1, lines), refused(2, lines), refused(3, lines)], 1000);
    for (const name of ['rejected.ndjson', 'rejected.1.ndjson']) {
      expect(statSync(join(folder, name)).size).toBeLessThanOrEqual(REJECTED_BYTES_MAX);
    }
    const kept = readFileSync(join(folder, 'rejected.ndjson'), 'utf8').trim().split('\n');
    for (const line of kept) {
      const parsed = JSON.parse(line) as { cut?: boolean; lines: string };
      expect(parsed.cut === true).toBe(isCut);
      expect(lines.toString().startsWith(parsed.lines)).toBe(true);
      expect(parsed.lines === lines.toString()).toBe(!isCut);
    }
  });

  it('says that it was cut when it is longer than the file may be', () => {
    setAside(folder, [refused(1, Buffer.alloc(17 * 1024 * 1024, 0x61))], 1000);
    const { cut, lines } = JSON.parse(readFileSync(join(folder, 'rejected.ndjson'), 'utf8')) as {
      cut: boolean;
      lines: string;
    };
    expect([cut, lines.length]).toEqual([true, REJECTED_BYTES_MAX / 2]);
  });

  it('on a full disk stops nobody: its loss is told in any case', () => {
    symlinkSync('/dev/full', join(folder, 'rejected.ndjson'));
    expect(() => setAside(folder, [refused(1, Buffer.from('x'))], 1000)).not.toThrow();
  });
});
