import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Lineage } from '../../audit/event.ts';
import { JOURNAL_GROWTH_BYTES, openLineageJournal } from '../../collector/lineage/journal.ts';
import { createProcesses, type Processes } from '../../collector/lineage/processes.ts';
import { type SimulatedEvent, SimulatedHost } from './simulated-host.ts';

const BOOT = 'aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee';
let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vedette-lineage-'));
  file = join(folder, 'lineage.log');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A collector's start on the host; a killed one is just not closed. */
function started(host: SimulatedHost, bootId = BOOT): Processes {
  const processes = createProcesses({
    hostId: 'host',
    bootId,
    proc: host.proc(),
    journal: openLineageJournal(folder, bootId),
  });
  processes.open();
  return processes;
}

function seen(processes: Processes, host: SimulatedHost, event: SimulatedEvent): Lineage | undefined {
  processes.see(event, event.call, host.nowMs);
  return processes.lineage(event.call.pid ?? 0, event.call.ppid);
}

describe('the first id of a process', () => {
  it('holds over a kill: of one that lives, of one that had gone before it was looked up, and of dead ancestors', () => {
    const host = new SimulatedHost();
    const first = started(host);
    const shell = host.fork(host.init);
    host.exec(shell, 'sh');
    const gone = host.fork(shell);
    const exec = host.event(gone, 'execve');
    const late = host.event(gone, 'connect');
    const orphan = host.fork(gone);
    const call = host.event(orphan, 'connect');
    host.exit(gone);
    const before = [exec, call].map((event) => seen(first, host, event));
    first.keep();
    // Killed here. The shell ends, and its pid is given to another.
    host.exit(shell);
    host.nowMs += 60_000;
    host.fork(host.init, shell.pid);
    const second = started(host);
    expect(second.figures()['processes_restored']).toBe(4);
    const after = [late, host.event(orphan, 'connect')].map((event) => seen(second, host, event));
    expect(after.map((one) => one?.process?.entityId)).toEqual(before.map((one) => one?.process?.entityId));
    expect(after[1]?.ancestors.map(({ entityId }) => entityId)).toEqual(
      before[1]?.ancestors.map(({ entityId }) => entityId),
    );
    expect(after[1]?.ancestors.map(({ name }) => name)).toEqual(['sh', 'sh', 'systemd']);
    expect(after[1]?.isComplete).toBe(true);
  });

  it('was kept before the event was spooled: of every process that was told of, none is named anew', () => {
    const host = new SimulatedHost();
    const ids = new Map<number, string | undefined>();
    const events: SimulatedEvent[] = [];
    for (let round = 0; round < 20; round += 1) {
      const processes = started(host);
      for (const event of events)
        expect(seen(processes, host, event)?.process?.entityId).toBe(ids.get(event.actor.number));
      for (let at = 0; at < 10; at += 1) {
        const one = host.fork(host.init);
        const event = host.event(one, 'execve');
        if (at % 3 !== 0) host.exit(one);
        else events.push(event);
        ids.set(one.number, seen(processes, host, event)?.process?.entityId);
        processes.keep();
      }
      host.nowMs += 1_000;
    }
    expect(ids.size).toBe(200);
    expect(events.length).toBe(80);
  });

  it('is not believed of another boot, nor of a pid that has another owner now', () => {
    const host = new SimulatedHost();
    const first = started(host);
    const one = host.fork(host.init);
    const id = seen(first, host, host.event(one, 'connect'))?.process?.entityId;
    first.keep();
    expect(started(host, BOOT.replace('a', 'f')).figures()['processes_restored']).toBe(0);
    host.exit(one);
    host.nowMs += 60_000;
    const two = host.fork(host.init, one.pid);
    const second = started(host);
    expect(second.figures()['processes_restored']).toBe(2);
    expect(seen(second, host, host.event(two, 'connect'))?.process?.entityId).not.toBe(id);
  });
});

describe('the journal', () => {
  it('reads what is whole of a torn file, whatever stands in it', () => {
    const host = new SimulatedHost();
    const first = started(host);
    const one = host.fork(host.init);
    seen(first, host, host.event(one, 'connect'));
    first.keep();
    const { size } = statSync(file);
    for (let bytes = 0; bytes < size; bytes += 1) {
      const text = readFileSync(file);
      truncateSync(file, bytes);
      expect(Number(started(host).figures()['processes_restored'])).toBeLessThanOrEqual(2);
      writeFileSync(file, text);
    }
    for (const line of [
      '["p"]',
      '["p","9.9",9,"x"]',
      '["p","9.9","9",1]',
      '[]',
      '{}',
      '"p"',
      '["p","1.0",1,"x",null,null,1,null,null,null,1,1,1,{},1,{"id":5}]',
    ])
      appendFileSync(file, `${line}\n`);
    expect(Number(started(host).figures()['processes_restored'])).toBeGreaterThanOrEqual(2);
  });

  it('of a newer format is refused, not written over', () => {
    writeFileSync(file, '{"formatVersion":2}\n');
    expect(() => started(new SimulatedHost())).toThrow(/format 2/);
    expect(readFileSync(file, 'utf8')).toBe('{"formatVersion":2}\n');
  });

  it('is written anew when it has grown, and then holds what it held', () => {
    const host = new SimulatedHost();
    const first = started(host);
    const shell = host.fork(host.init);
    host.exec(shell, 'sh');
    const child = host.fork(shell);
    const id = seen(first, host, host.event(child, 'connect'))?.process?.entityId;
    host.exit(shell);
    let largest = 0;
    for (let at = 0; at < 40_000; at += 1) {
      host.nowMs += 1;
      const one = host.fork(child);
      const exec = host.event(one, 'execve');
      host.exit(one);
      seen(first, host, exec);
      if (at % 50 !== 0) continue;
      first.keep();
      largest = Math.max(largest, statSync(file).size);
    }
    // 16,384 processes of some 100 bytes, and what may be appended.
    expect(largest).toBeLessThan(2 * JOURNAL_GROWTH_BYTES + 4 * 1024 * 1024);
    host.nowMs += 1_000;
    const second = started(host);
    const found = seen(second, host, host.event(child, 'connect'));
    expect(found?.process?.entityId).toBe(id);
    expect(found?.ancestors.map(({ name }) => name)).toEqual(['sh', 'systemd']);
  });

  it('that the disk does not take is counted, and written as a whole when it can be', () => {
    const host = new SimulatedHost();
    const processes = started(host);
    mkdirSync(file);
    const one = host.fork(host.init);
    const id = seen(processes, host, host.event(one, 'connect'))?.process?.entityId;
    processes.keep();
    expect(processes.figures()['processes_not_kept']).toBe(1);
    rmSync(file, { recursive: true });
    for (let calls = 0; calls < 300; calls += 1) processes.keep();
    expect(readFileSync(file, 'utf8')).toContain(id?.slice('host.aaaaaaaa.'.length));
  });
});

describe('the work between the drains', () => {
  it('seeds in slices, and after that looks at each process from time to time', () => {
    const host = new SimulatedHost();
    for (let at = 0; at < 500; at += 1) host.fork(host.init);
    const processes = started(host);
    processes.work(host.nowMs);
    expect(processes.size()).toBe(50);
    for (let at = 0; at < 20; at += 1) processes.work(host.nowMs);
    expect(processes.size()).toBe(501);
    const before = host.lookups;
    for (let second = 0; second < 120; second += 1) {
      host.nowMs += 1_000;
      for (let turn = 0; turn < 5; turn += 1) processes.work(host.nowMs);
    }
    expect(host.lookups - before).toBeGreaterThanOrEqual(500);
    expect(host.lookups - before).toBeLessThanOrEqual(120 * 6);
  });
});
