import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openAccounts, parseNames } from '../../collector/lineage/accounts.ts';
import { listPids, readArguments, readExecutable, readStat } from '../../collector/lineage/proc.ts';
import { ANCESTORS_MAX, createProcessTable, LOOKUPS_PER_SECOND_MAX } from '../../collector/lineage/process-table.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vedette-proc-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function process(pid: number, ppid: number, startTicks: number, name = `p${pid}`): void {
  const path = join(folder, String(pid));
  rmSync(path, { recursive: true, force: true });
  mkdirSync(path);
  const rest = `S ${ppid} 0 0 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 ${startTicks} 0 0`;
  writeFileSync(join(path, 'stat'), `${pid} (${name}) ${rest}\n`);
  writeFileSync(join(path, 'cmdline'), `/bin/${name}\0-x\0\0`);
  symlinkSync(`/bin/${name}`, join(path, 'exe'));
}

const gone = (pid: number): void => rmSync(join(folder, String(pid)), { recursive: true });

function table(options: { isRecording?: boolean; processesMax?: number } = {}) {
  let lookups = 0;
  const proc = {
    stat: (pid: number) => {
      lookups += 1;
      return readStat(pid, folder);
    },
    executable: (pid: number) => readExecutable(pid, folder),
    arguments: (pid: number) => readArguments(pid, folder),
    pids: (max: number) => listPids(max, folder),
  };
  const made = createProcessTable({
    hostId: 'host',
    bootId: 'aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee',
    proc: options.isRecording === true ? undefined : proc,
    ...(options.processesMax === undefined ? {} : { processesMax: options.processesMax }),
  });
  return { ...made, lookups: () => lookups };
}

describe('process table', () => {
  it('names a process by its start, and its ancestors up to init', () => {
    process(1, 0, 5, 'init');
    process(10, 1, 100, 'sshd');
    process(20, 10, 200, 'bash');
    const { begin, lineage } = table();
    begin({ timeMs: 1, isExec: false }, 5_000);
    const found = lineage(20, 10);
    expect(found?.process?.entityId).toBe('host.aaaaaaaa.20.200');
    expect(found?.ancestors.map(({ name }) => name)).toEqual(['sshd', 'init']);
    expect(found?.ancestors[0]).toMatchObject({ executable: '/bin/sshd', args: ['/bin/sshd', '-x', ''] });
    expect(found?.isComplete).toBe(true);
  });

  it('keeps the name that was given first when the process has gone', () => {
    const { begin, lineage } = table();
    begin({ timeMs: 36, isExec: true }, 5_000);
    const first = lineage(20, 10)?.process?.entityId;
    expect(first).toBe('host.aaaaaaaa.20.e10');
    begin({ timeMs: 99, isExec: false }, 9_000);
    expect(lineage(20, 10)?.process?.entityId).toBe(first);
  });

  it('sees that a pid was used again: by start time while it lives, by time when it is gone', () => {
    process(20, 1, 200);
    const { begin, lineage } = table();
    begin({ timeMs: 1, isExec: true }, 5_000);
    expect(lineage(20, 1)?.process?.entityId).toBe('host.aaaaaaaa.20.200');
    process(20, 1, 999);
    begin({ timeMs: 2, isExec: true }, 8_000);
    expect(lineage(20, 1)?.process?.entityId).toBe('host.aaaaaaaa.20.999');
    gone(20);
    begin({ timeMs: 3, isExec: true }, 60_000);
    expect(lineage(20, 1)?.process?.entityId).toBe('host.aaaaaaaa.20.e3');
  });

  it('never takes a process that started later for a parent', () => {
    process(20, 10, 200);
    process(10, 1, 900, 'impostor');
    const { begin, lineage } = table();
    begin({ timeMs: 1, isExec: false }, 5_000);
    expect(lineage(20, 10)).toMatchObject({ ancestors: [], isComplete: false });
  });

  it('lives from the recording’s own execs where there is no /proc', () => {
    const { begin, lineage, learn } = table({ isRecording: true });
    begin({ timeMs: 1, isExec: true }, 1);
    lineage(20, 1);
    learn({ pid: 20, ppid: 1, name: 'apache2', executable: '/usr/sbin/apache2', args: ['apache2', '-k', 'start'] });
    begin({ timeMs: 2, isExec: true }, 2);
    expect(lineage(30, 20)?.ancestors[0]).toMatchObject({ name: 'apache2', args: ['apache2', '-k', 'start'] });
  });

  it('gives back the same arrays while nothing changed, and new ones when a parent execs', () => {
    process(1, 0, 5, 'init');
    process(10, 1, 100, 'sh');
    process(20, 10, 200);
    const { begin, lineage, learn } = table();
    begin({ timeMs: 1, isExec: false }, 5_000);
    const first = lineage(20, 10)?.ancestors;
    begin({ timeMs: 2, isExec: false }, 5_001);
    expect(lineage(20, 10)?.ancestors).toBe(first);
    learn({ pid: 10, ppid: 1, name: 'python3', executable: '/usr/bin/python3', args: undefined });
    begin({ timeMs: 3, isExec: false }, 5_002);
    expect(lineage(20, 10)?.ancestors[0]?.name).toBe('python3');
    expect(first?.[0]?.name).toBe('sh');
  });

  it('bounds its entries, its chains and its look-ups', () => {
    for (let pid = 1; pid <= 40; pid += 1) process(pid, pid === 1 ? 0 : pid - 1, pid);
    const deep = table();
    deep.begin({ timeMs: 1, isExec: false }, 5_000);
    expect(deep.lineage(40, 39)?.ancestors.length).toBe(ANCESTORS_MAX);
    const small = table({ processesMax: 10 });
    const before = small.lookups();
    for (let pid = 100; pid < 100 + 2 * LOOKUPS_PER_SECOND_MAX; pid += 1) {
      small.begin({ timeMs: 1, isExec: true }, 5_000);
      small.lineage(pid, 0);
    }
    expect(small.size()).toBe(10);
    expect(small.lookups() - before).toBe(LOOKUPS_PER_SECOND_MAX);
  });

  it('does not run in circles when pids name each other as parents', () => {
    process(10, 20, 5);
    process(20, 10, 5);
    const { begin, lineage } = table();
    begin({ timeMs: 1, isExec: false }, 5_000);
    expect(lineage(10, 20)?.isComplete).toBe(false);
  });
});

describe('/proc', () => {
  it('reads a name with parentheses, spaces and newlines in it', () => {
    process(7, 3, 42, 'x');
    writeFileSync(join(folder, '7', 'stat'), `7 (a) b\n( c) S 3 0 0 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 42 0 0\n`);
    expect(readStat(7, folder)).toEqual({ pid: 7, ppid: 3, name: 'a) b\n( c', startTicks: 42 });
  });

  it('has nothing to say of what is gone or torn', () => {
    expect(readStat(99, folder)).toBeUndefined();
    mkdirSync(join(folder, '8'));
    writeFileSync(join(folder, '8', 'stat'), '8 (x');
    expect(readStat(8, folder)).toBeUndefined();
    expect(readArguments(8, folder)).toBeUndefined();
  });
});

describe('accounts', () => {
  it('follow the file when it changes, looking at most once a second', () => {
    writeFileSync(join(folder, 'passwd'), 'root:x:0:0::/root:/bin/sh\nbroken\n:x:5:\nanna:x:1000:1000::/:/\n');
    writeFileSync(join(folder, 'group'), 'root:x:0:\n');
    let nowMs = 0;
    const accounts = openAccounts(() => nowMs, folder);
    expect([accounts.userId?.('anna'), accounts.userId?.('nobody-here')]).toEqual([1000, undefined]);
    expect([accounts.userName(1000), accounts.userName(5), accounts.groupName(0)]).toEqual(['anna', undefined, 'root']);
    writeFileSync(join(folder, 'passwd'), 'root:x:0:0::/root:/bin/sh\nanna-maria:x:1000:1000::/:/\n');
    nowMs = 500;
    expect(accounts.userName(1000)).toBe('anna');
    nowMs = 1500;
    expect(accounts.userName(1000)).toBe('anna-maria');
  });

  it('take the first name of an id', () => {
    expect(parseNames('root:x:0:\ntoor:x:0:').get(0)).toBe('root');
  });
});
