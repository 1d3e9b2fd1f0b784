import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cleanMappings } from '../../collector/resident-memory.ts';

const PROGRAM = '/usr/sbin/vedette-collector';
const RELEASE = fileURLToPath(new URL('../../collector/resident-memory.ts', import.meta.url));

/** A mapping as /proc/PID/smaps tells of it. */
function mapping(
  range: string,
  permissions: string,
  path: string,
  account: Readonly<Record<string, number>> = {},
): string {
  const lines = { Rss: 100, Private_Clean: 100, Private_Dirty: 0, Anonymous: 0, Swap: 0, ...account };
  const told = Object.entries(lines).map(([name, kb]) => `${name}:${String(kb).padStart(16)} kB`);
  return [`${range} ${permissions} 00000000 fe:00 123 ${path}`, ...told, 'VmFlags: rd ex mr mw me'].join('\n');
}

describe('the pages of the start', () => {
  it('are those of the program’s own file that nobody wrote to', () => {
    const smaps = [
      mapping('400000-500000', 'r--p', PROGRAM),
      mapping('500000-900000', 'r-xp', PROGRAM),
      mapping('900000-910000', 'r--p', PROGRAM, { Private_Dirty: 4, Anonymous: 4 }),
      mapping('910000-920000', 'r--p', PROGRAM, { Swap: 8 }),
      mapping('920000-930000', 'rw-p', PROGRAM),
      mapping('930000-940000', 'r--s', PROGRAM),
      mapping('940000-950000', 'r-xp', `${PROGRAM} (deleted)`),
      mapping('7f0000000000-7f0000010000', 'r-xp', '/usr/lib/libc.so.6'),
      mapping('7f0000010000-7f0000020000', 'rw-p', ''),
    ].join('\n');
    expect(cleanMappings(smaps, PROGRAM)).toEqual([
      { start: 0x400000, end: 0x500000 },
      { start: 0x500000, end: 0x900000 },
    ]);
  });

  it('are none where the account is cut short or makes no sense', () => {
    const whole = mapping('500000-900000', 'r-xp', PROGRAM);
    for (let length = 0; length < whole.indexOf('VmFlags:') + 'VmFlags'.length; length += 1) {
      expect(cleanMappings(whole.slice(0, length), PROGRAM)).toEqual([]);
    }
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(cleanMappings(text, PROGRAM)).toEqual([]);
      }),
    );
  });

  it('can be given back by a process that then goes on as before, smaller', () => {
    const script = `
      const rss = () => process.memoryUsage.rss();
      const { releaseStartPages } = await import(${JSON.stringify(RELEASE)});
      const before = rss();
      const released = releaseStartPages();
      const after = rss();
      let sum = 0;
      for (let i = 0; i < 1e6; i += 1) sum += i % 7;
      const text = new Intl.NumberFormat('en').format(sum);
      console.log(JSON.stringify({ before, released, after, text }));`;
    const said = execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' });
    const { before, released, after, text } = JSON.parse(said) as Record<string, number> & { text: string };
    expect(text).toBe('2,999,997');
    expect(released).toBeGreaterThan(10 * 1024 ** 2);
    expect(after).toBeLessThan((before ?? 0) - 5 * 1024 ** 2);
  });
});
