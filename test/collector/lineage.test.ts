import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Lineage } from '../../audit/event.ts';
import { openAccounts, parseNames } from '../../collector/lineage/accounts.ts';
import { createContainers } from '../../collector/lineage/containers.ts';
import { readArguments, readLastPid, readStat } from '../../collector/lineage/proc.ts';
import { ANCESTORS_MAX } from '../../collector/lineage/process-entry.ts';
import {
  ARGUMENT_CHARS_MAX,
  createProcessTable,
  LOOKUPS_PER_SECOND_MAX,
  type ProcessTable,
  type TableOptions,
} from '../../collector/lineage/process-table.ts';
import { BOOT_MS, type SimulatedEvent, SimulatedHost } from './simulated-host.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vedette-proc-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function made(
  options: Partial<TableOptions> & { readonly isRecording?: boolean; readonly hasOtherPids?: boolean } = {},
): {
  readonly host: SimulatedHost;
  readonly table: ProcessTable;
  /** What the table says of an event that is read now. */
  readonly lineage: (event: SimulatedEvent) => Lineage;
} {
  const host = new SimulatedHost();
  const { isRecording, hasOtherPids, ...more } = options;
  const proc = { ...host.proc(), ...(hasOtherPids === undefined ? {} : { hasOtherPids: () => hasOtherPids }) };
  const table = createProcessTable({
    hostId: 'host',
    bootId: 'aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee',
    proc: isRecording === true ? undefined : proc,
    ...more,
  });
  return {
    host,
    table,
    lineage: (event) => {
      table.see(event, event.call, host.nowMs);
      return table.lineage(event.call.pid ?? 0, event.call.ppid);
    },
  };
}

describe('process table', () => {
  it('names a process by its start, and its ancestors up to init', () => {
    const { host, table, lineage } = made();
    const sshd = host.fork(host.init);
    host.exec(sshd, 'sshd', ['/usr/sbin/sshd', '-D', '']);
    const shell = host.fork(sshd);
    host.nowMs += 5_000;
    const found = lineage(host.event(shell, 'connect'));
    expect(found.process?.entityId).toBe(`host.aaaaaaaa.${shell.pid}.100000`);
    expect(found.process?.startMs).toBe(BOOT_MS + 1_000_000);
    expect(found.ancestors.map(({ name }) => name)).toEqual(['sshd', 'systemd']);
    expect(found.ancestors[0]).toMatchObject({ executable: '/bin/sshd', args: ['/usr/sbin/sshd', '-D', ''] });
    expect(found.parent).toBe(found.ancestors[0]);
    expect(found.isComplete).toBe(true);
    expect(table.figures().lookups).toBe(3);
  });

  it('asks /proc once for a process, however many events it has', () => {
    const { host, table, lineage } = made();
    const one = host.fork(host.init);
    const first = lineage(host.event(one, 'connect'));
    for (let at = 0; at < 1_000; at += 1) {
      host.nowMs += 900;
      expect(lineage(host.event(one, 'connect'))).toBe(first);
    }
    expect(table.figures().lookups).toBe(2);
  });

  it('keeps the name that was given first when the process has gone', () => {
    const { host, lineage } = made();
    const one = host.fork(host.init);
    const exec = host.event(one, 'execve');
    const call = host.event(one, 'connect');
    host.exit(one);
    const first = lineage(exec).process?.entityId;
    expect(first).toBe(`host.aaaaaaaa.${one.pid}.e${exec.timeMs.toString(36)}`);
    expect(lineage(call).process?.entityId).toBe(first);
  });

  it('sees that a pid was used again: by start while it lives, by the pids given out when it is gone', () => {
    const { host, lineage } = made();
    const one = host.fork(host.init, 400);
    const first = lineage(host.event(one, 'execve')).process?.entityId;
    host.exit(one);
    host.nowMs += 60_000;
    const two = host.fork(host.init, 400);
    const second = lineage(host.event(two, 'execve')).process?.entityId;
    expect(second).not.toBe(first);
    host.nowMs += 60_000;
    host.exit(two);
    host.spin(32_700);
    const three = host.fork(host.init, 400);
    const exec = host.event(three, 'execve');
    host.exit(three);
    const third = lineage(exec).process?.entityId;
    expect(third).toBe(`host.aaaaaaaa.400.e${exec.timeMs.toString(36)}`);
  });

  it('never takes the next owner of a pid for a parent, and says that the chain is not known', () => {
    const { host, lineage } = made();
    const mother = host.fork(host.init, 400);
    const child = host.fork(mother);
    const call = host.event(child, 'connect');
    host.exit(mother);
    host.nowMs += 5_000;
    host.fork(host.init, 400);
    expect(lineage(call)).toMatchObject({ ancestors: [], parent: undefined, isComplete: false });
  });

  it('gives an event that comes late to the owner that the pid had then', () => {
    const { host, lineage } = made();
    const one = host.fork(host.init, 400);
    const first = lineage(host.event(one, 'connect')).process?.entityId;
    const late = host.event(one, 'unlink');
    host.exit(one);
    host.nowMs += 60_000;
    const two = host.fork(host.init, 400);
    lineage(host.event(two, 'execve'));
    expect(lineage(late).process?.entityId).toBe(first);
  });

  it('lives from the recording’s own events where there is no /proc', () => {
    const { host, table, lineage } = made({ isRecording: true });
    const apache = host.fork(host.init);
    host.exec(apache, 'apache2');
    lineage(host.event(apache, 'execve'));
    table.execed(['apache2', '-k', 'start'], undefined);
    const child = host.fork(apache);
    host.exec(child, 'sh');
    expect(lineage(host.event(child, 'execve')).ancestors[0]).toMatchObject({
      name: 'apache2',
      executable: '/bin/apache2',
      args: ['apache2', '-k', 'start'],
    });
  });

  it('gives back the same object while nothing changed, and another when a parent execs', () => {
    const { host, lineage } = made();
    const shell = host.fork(host.init);
    host.exec(shell, 'sh');
    const child = host.fork(shell);
    const first = lineage(host.event(child, 'connect'));
    expect(lineage(host.event(child, 'connect'))).toBe(first);
    host.exec(shell, 'python3');
    lineage(host.event(shell, 'execve'));
    expect(lineage(host.event(child, 'connect')).parent?.name).toBe('python3');
    expect(first.parent?.name).toBe('sh');
  });

  it('keeps the parent by birth among the ancestors of who was given another one', () => {
    const { host, lineage } = made();
    const apache = host.fork(host.init);
    host.exec(apache, 'apache2');
    const middle = host.fork(apache);
    const daemon = host.fork(middle);
    lineage(host.event(daemon, 'connect'));
    host.exit(middle);
    host.exec(daemon, 'nc');
    const found = lineage(host.event(daemon, 'execve'));
    expect(found.parent?.name).toBe('systemd');
    expect(found.ancestors.map(({ pid }) => pid)).toEqual([middle.pid, apache.pid, 1]);
    expect(found.previous?.map(({ name }) => name)).toEqual(['apache2']);
  });

  it('learns who was whose parent from a fork’s own event, though the parent ended before the child was heard of', () => {
    const { host, lineage } = made();
    const apache = host.fork(host.init);
    host.exec(apache, 'apache2');
    lineage(host.event(apache, 'connect'));
    const middle = host.fork(apache);
    const fork = host.event(apache, 'clone', { exit: middle.pid, a0: '1200011' });
    const daemon = host.fork(middle);
    const forkAgain = host.event(middle, 'fork', { exit: daemon.pid });
    host.exit(middle);
    host.exec(daemon, 'nc');
    const exec = host.event(daemon, 'execve');
    for (const event of [fork, forkAgain]) lineage(event);
    expect(lineage(exec).ancestors.map(({ pid }) => pid)).toEqual([middle.pid, apache.pid, 1]);
    expect(lineage(exec).parent?.name).toBe('systemd');
  });

  it('takes neither a thread nor a pid of another namespace for a child', () => {
    const { host, table, lineage } = made();
    const java = host.fork(host.init);
    lineage(host.event(java, 'clone', { exit: 9_001, a0: '3d0f00' }));
    expect(table.entryOf(9_001)).toBeUndefined();
    lineage(host.event(java, 'clone3', { exit: 9_002 }));
    expect(table.entryOf(9_002)).toBeUndefined();
    const nested = made({ hasOtherPids: true });
    const runc = nested.host.fork(nested.host.init);
    nested.lineage(nested.host.event(runc, 'fork', { exit: 2 }));
    expect(nested.table.entryOf(2)).toBeUndefined();
  });

  it('remembers what a process was before it execed in place, where its parent does not tell the same', () => {
    const { host, table, lineage } = made();
    const apache = host.fork(host.init);
    host.exec(apache, 'apache2');
    const worker = host.fork(apache);
    lineage(host.event(worker, 'connect'));
    host.exec(worker, 'sh');
    expect(lineage(host.event(worker, 'execve')).previous).toEqual([]);
    table.execed(['sh', '-c', 'exec bash'], undefined);
    host.exec(worker, 'bash');
    expect(lineage(host.event(worker, 'execve')).previous).toMatchObject([
      { name: 'sh', args: ['sh', '-c', 'exec bash'] },
    ]);
    host.exec(apache, 'bash');
    expect(lineage(host.event(apache, 'execve')).previous).toMatchObject([{ name: 'apache2' }]);
  });

  it('remembers it too of a process that ran two programs and was gone before it was looked up', () => {
    const { host, lineage } = made();
    const before = host.fork(host.init);
    lineage(host.event(before, 'connect'));
    host.nowMs += 1_000;
    const one = host.fork(before);
    host.exec(one, 'sh');
    const first = host.event(one, 'execve');
    host.nowMs += 1;
    host.exec(one, 'true');
    const second = host.event(one, 'execve');
    host.nowMs += 10;
    host.exit(one);
    host.fork(before);
    const id = lineage(first).process?.entityId;
    const found = lineage(second);
    expect(found.process?.entityId).toBe(id);
    expect(found.previous?.map(({ name }) => name)).toEqual(['sh']);
  });

  it('tells the leader of the session, from /proc and from setsid', () => {
    const { host, lineage } = made();
    const shell = host.fork(host.init);
    shell.session = shell.pid;
    host.exec(shell, 'bash');
    const child = host.fork(shell);
    expect(lineage(host.event(child, 'connect')).sessionLeader).toMatchObject({ pid: shell.pid, name: 'bash' });
    child.session = child.pid;
    expect(lineage(host.event(child, 'setsid')).sessionLeader?.pid).toBe(child.pid);
    const gone = host.fork(child);
    const exec = host.event(gone, 'execve');
    host.exit(gone);
    expect(lineage(exec).sessionLeader?.pid).toBe(child.pid);
  });

  it('gives a process that is gone the container of its parent, and looks for itself below a container runtime', () => {
    const { host, lineage } = made({ containers: createContainers(folder) });
    const shim = host.fork(host.init);
    host.exec(shim, 'containerd-shim');
    const first = host.fork(shim);
    first.cgroup = `0::/system.slice/docker-${'a'.repeat(64)}.scope\n`;
    host.exec(first, 'nginx');
    expect(lineage(host.event(first, 'execve')).container).toMatchObject({ id: 'a'.repeat(64), runtime: 'docker' });
    expect(lineage(host.event(shim, 'connect')).container).toBeUndefined();
    const gone = host.fork(first);
    const exec = host.event(gone, 'execve');
    host.exit(gone);
    expect(lineage(exec).container?.id).toBe('a'.repeat(64));
  });

  it('corrects a container that was taken from the parent by what the sweep sees', () => {
    const { host, table, lineage } = made({ containers: createContainers(folder) });
    const shell = host.fork(host.init);
    lineage(host.event(shell, 'connect'));
    const child = host.fork(shell);
    lineage(host.event(child, 'execve'));
    child.cgroup = '0::/lxc.payload.web1/init.scope\n';
    const entry = table.entryOf(child.pid);
    if (entry !== undefined) table.sweep(entry, host.nowMs);
    expect(lineage(host.event(child, 'connect')).container).toMatchObject({ id: 'web1', runtime: 'lxc' });
  });

  it('learns a program whose exec was not seen from the next event', () => {
    const { host, lineage } = made();
    const one = host.fork(host.init);
    host.exec(one, 'sh');
    lineage(host.event(one, 'connect'));
    host.exec(one, 'curl');
    lineage(host.event(one, 'connect'));
    const child = host.fork(one);
    expect(lineage(host.event(child, 'connect')).parent?.name).toBe('curl');
  });

  it('bounds its entries, its chains, its look-ups and its arguments', () => {
    const { host, lineage } = made();
    let last = host.init;
    for (let depth = 0; depth < 40; depth += 1) last = host.fork(last);
    const deep = lineage(host.event(last, 'connect'));
    expect(deep.ancestors).toHaveLength(ANCESTORS_MAX);
    expect(deep.isComplete).toBe(false);
    const small = made({ processesMax: 10 });
    for (let at = 0; at < 2 * LOOKUPS_PER_SECOND_MAX; at += 1) {
      const gone = small.host.fork(small.host.init);
      const exec = small.host.event(gone, 'execve');
      small.host.exit(gone);
      small.lineage(exec);
    }
    expect(small.table.size()).toBe(10);
    expect(small.host.lookups).toBe(LOOKUPS_PER_SECOND_MAX);
    expect(small.table.figures().lookups_left_out).toBeGreaterThan(0);
  });

  it('forgets the oldest arguments when all together are too long', () => {
    const { host, table, lineage } = made();
    const parents = Array.from({ length: 3_000 }, () => host.fork(host.init));
    for (const one of parents) {
      host.nowMs += 1;
      lineage(host.event(one, 'execve'));
      table.execed(['x'.repeat(1_000), 'y'.repeat(1_000), 'z'.repeat(1_000)], undefined);
    }
    const chars = parents.map((one) => (table.entryOf(one.pid)?.self.info.args ?? []).join('').length);
    expect(Math.max(...chars)).toBe(2_000);
    expect(chars.at(-1)).toBe(2_000);
    expect(chars[0]).toBe(0);
    expect(chars.reduce((sum, one) => sum + one)).toBeLessThanOrEqual(ARGUMENT_CHARS_MAX);
  });

  it('does not keep a line of processes that each start the next and end', () => {
    const { host, table, lineage } = made();
    let last = host.fork(host.init);
    for (let at = 0; at < 500; at += 1) {
      host.nowMs += 10;
      const next = host.fork(last);
      lineage(host.event(next, 'execve'));
      host.exit(last);
      last = next;
    }
    expect(table.entryOf(last.pid)?.above.selves).toHaveLength(ANCESTORS_MAX);
    expect(table.entryOf(last.pid)?.above.isComplete).toBe(false);
  });

  it('does not run in circles when pids name each other as parents', () => {
    const { host, lineage } = made();
    const one = host.fork(host.init);
    const two = host.fork(one);
    one.parent = two;
    expect(lineage(host.event(one, 'connect')).isComplete).toBe(false);
  });

  it('leaves /proc and containers alone while the budget is short', () => {
    const { host, table, lineage } = made({ budget: { allows: () => false } });
    const one = host.fork(host.init);
    expect(lineage(host.event(one, 'execve')).process?.entityId).toContain('.e');
    expect(host.lookups).toBe(0);
    expect(table.figures().lookups_left_out).toBeGreaterThan(0);
  });
});

describe('/proc', () => {
  it('reads a name with parentheses, spaces and newlines in it', () => {
    mkdirSync(join(folder, '7'));
    writeFileSync(join(folder, '7', 'stat'), `7 (a) b\n( c) S 3 0 0 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 42 0 0\n`);
    expect(readStat(7, folder)).toEqual({ pid: 7, ppid: 3, name: 'a) b\n( c', startTicks: 42, session: 0 });
  });

  it('tells the pid that was given out last', () => {
    writeFileSync(join(folder, 'loadavg'), '0.20 0.18 0.12 1/80 11206\n');
    expect(readLastPid(folder)).toBe(11_206);
    expect(readLastPid(join(folder, 'nowhere'))).toBeUndefined();
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
