// The tables of names: that they are what the installed headers say, and that every name of them leads somewhere.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { familyName } from '../../audit/tables/address-family.ts';
import { errnoName, signalName } from '../../audit/tables/errno.ts';
import { recordAction } from '../../audit/tables/record-action.ts';
import { isAccompanying, recordTypeName, recordTypeNumber } from '../../audit/tables/record-type.ts';
import { RECORD_TYPES } from '../../audit/tables/record-type-names.ts';
import { architectureName, syscallName, uringOpName } from '../../audit/tables/syscall.ts';

const TABLES = new URL('../../audit/tables/', import.meta.url).pathname;
const HEADERS = [
  '/usr/include/libaudit.h',
  '/usr/aarch64-linux-gnu/include/asm/unistd.h',
  '/usr/include/linux/version.h',
];
/** LINUX_VERSION_CODE of Debian 12's headers, without the last number: the supplement of generate.mjs begins after them. */
const HEADERS_OF = (6 << 16) + (1 << 8);

function whyNot(): string {
  const missing = HEADERS.find((path) => !existsSync(path));
  if (missing !== undefined) return `${missing} is not installed`;
  const code = Number(/LINUX_VERSION_CODE (\d+)/.exec(readFileSync('/usr/include/linux/version.h', 'utf8'))?.[1]);
  return (code & ~0xff) === HEADERS_OF ? '' : 'the kernel headers are not those of Linux 6.1';
}

const reason = whyNot();

describe('the generated tables', () => {
  it.skipIf(reason !== '')(
    `are what the headers say${reason === '' ? '' : ` (skipped: ${reason})`}`,
    () => {
      const folder = mkdtempSync(join(tmpdir(), 'tables-'));
      try {
        execFileSync(process.execPath, [join(TABLES, 'generate.mjs'), folder], { stdio: 'pipe' });
        const made = readdirSync(folder);
        expect(made.sort()).toEqual([
          'argument-names.ts',
          'errno-names.ts',
          'record-type-names.ts',
          'syscall-names.ts',
          'uring-op-names.ts',
        ]);
        for (const name of made) {
          expect(readFileSync(join(folder, name), 'utf8'), name).toBe(readFileSync(join(TABLES, name), 'utf8'));
        }
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    },
    300_000,
  );
});

describe('a syscall’s name', () => {
  it.each([
    ['c000003e', 59, 'execve'],
    ['c000003e', 335, 'uretprobe'],
    ['c000003e', 468, 'file_getattr'],
    ['c000003e', 0x40000000 + 59, 'execve'],
    ['c000003e', 0x40000000 + 520, 'execve'],
    ['c000003e', 0x40000000 + 547, 'pwritev2'],
    ['c000003e', 0x40000000 + 548, undefined],
    ['40000003', 11, 'execve'],
    ['40000003', 403, 'clock_gettime64'],
    ['c00000b7', 25, 'fcntl'],
    ['c00000b7', 79, 'newfstatat'],
    ['c00000b7', 84, 'sync_file_range'],
    ['c00000b7', 221, 'execve'],
    ['c00000b7', 403, undefined],
    ['c00000b7', 463, 'setxattrat'],
    ['deadbeef', 1, undefined],
    ['c000003e', -1, undefined],
    ['c000003e', Number.NaN, undefined],
  ])('on %s of %d is %s', (arch, number, name) => {
    expect(syscallName(arch, number)).toBe(name);
  });

  it('is there for every number up to the newest, but for the gaps that the kernel left', () => {
    const gaps = (arch: string, last: number) =>
      Array.from({ length: last + 1 }, (_, number) => number).filter(
        (number) => syscallName(arch, number) === undefined,
      );
    const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index);
    expect(gaps('c000003e', 470)).toEqual(range(337, 423));
    expect(gaps('40000003', 470)).toEqual([222, 223, 251, 285, ...range(387, 392), 415]);
    expect(gaps('c00000b7', 470)).toEqual([...range(244, 259), ...range(295, 423)]);
  });

  it('goes with a name for its architecture', () => {
    expect(['c000003e', '40000003', 'c00000b7', '12345678'].map(architectureName)).toEqual([
      'x86_64',
      'i386',
      'aarch64',
      '12345678',
    ]);
  });
});

describe('other names', () => {
  it('of io_uring operations, errnos, signals and address families', () => {
    expect([0, 18, 47, 62, 64, 65].map(uringOpName)).toEqual([
      'nop',
      'openat',
      'send_zc',
      'pipe',
      'uring_cmd128',
      undefined,
    ]);
    expect([1, 13, 133, 512, 0, 134].map(errnoName)).toEqual([
      'EPERM',
      'EACCES',
      'EHWPOISON',
      'ERESTARTSYS',
      undefined,
      undefined,
    ]);
    expect([1, 9, 31, 0, 34].map(signalName)).toEqual(['SIGHUP', 'SIGKILL', 'SIGSYS', undefined, undefined]);
    expect([1, 2, 10, 16, 17, 40, 45, 999].map(familyName)).toEqual([
      'unix',
      'ipv4',
      'ipv6',
      'netlink',
      'packet',
      'vsock',
      'mctp',
      '999',
    ]);
  });
});

describe('a record type', () => {
  it('has one name and one number', () => {
    expect(RECORD_TYPES.length).toBeGreaterThan(190);
    for (const [number, name] of RECORD_TYPES) {
      expect([recordTypeName(number), recordTypeNumber(name)]).toEqual([name, number]);
    }
    expect(recordTypeNumber('UNKNOWN[1999]')).toBe(1999);
    expect(recordTypeName(1999)).toBe('UNKNOWN[1999]');
  });

  it('that can lead an event says what happened', () => {
    const mute = RECORD_TYPES.filter(
      ([number]) =>
        number >= 1005 && !isAccompanying(number) && !IS_NO_EVENT(number) && recordAction(number) === undefined,
    );
    expect(mute.map(([, name]) => name)).toEqual([]);
  });
});

/** Commands to the kernel and their replies (1007 to 1099), the call itself and the end of its records. */
const IS_NO_EVENT = (number: number): boolean =>
  (number > 1006 && number < 1100) || number === 1300 || number === 1336 || number === 1320;
