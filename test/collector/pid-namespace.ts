// Runs as the first process of a pid namespace of its own, where pids come round after a few hundred: makes the kernel use them
// again, and tells what the process table says of each event as a line of JSON.
import { type ChildProcess, spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { procView, readStat } from '../../collector/lineage/proc.ts';
import { createProcessTable } from '../../collector/lineage/process-table.ts';

writeFileSync('/proc/sys/kernel/pid_max', '400');
// Below 300 a pid is given out once only.
writeFileSync('/proc/sys/kernel/ns_last_pid', '310');
const table = createProcessTable({ hostId: 'h', bootId: 'b', proc: procView(Date.now) });

function tell(what: string, pid: number, ppid: number, name = 'connect'): void {
  const nowMs = Date.now();
  const image = { comm: 'sleep', exe: '/usr/bin/sleep' };
  table.see({ timeMs: nowMs }, { name, pid, ppid, success: true, exit: '0', args: [], image }, nowMs);
  const { process: one, parent, ancestors, isComplete } = table.lineage(pid, ppid);
  const ids = { id: one?.entityId, parent: parent?.entityId, ancestors: ancestors.map(({ entityId }) => entityId) };
  console.log(JSON.stringify({ what, pid, ...ids, isComplete, startTicks: readStat(pid)?.startTicks }));
}

/** A child that gets `wanted`: children are born until the circle comes by. */
async function born(script: string, wanted?: number): Promise<ChildProcess & { readonly pid: number }> {
  for (let tries = 0; tries < 5_000; tries += 1) {
    const child = spawn('/bin/sh', ['-c', script], { stdio: 'ignore' });
    if (wanted === undefined || child.pid === wanted) {
      await delay(100);
      return child as ChildProcess & { readonly pid: number };
    }
    await killed(child);
  }
  throw new Error(`pid ${wanted} did not come round`);
}

async function killed(child: ChildProcess): Promise<void> {
  const exited = new Promise((resolve) => {
    child.once('exit', resolve);
  });
  child.kill('SIGKILL');
  await exited;
}

// A pid that has another owner: alive, then gone before anybody looks.
const first = await born('exec sleep 100');
tell('first owner', first.pid, 1);
await killed(first);
const second = await born('exec sleep 100', first.pid);
tell('second owner', second.pid, 1);
await killed(second);
const third = await born('exec sleep 100', first.pid);
await killed(third);
tell('third owner, gone', third.pid, 1, 'execve');

// A parent whose pid is another's by the time that its child's event is read.
const mother = await born('sleep 100 & wait');
const childPid = mother.pid + 1;
await killed(mother);
const impostor = await born('exec sleep 100', mother.pid);
await delay(60);
const lateMs = Date.now();
table.see(
  { timeMs: lateMs - 100 },
  {
    name: 'connect',
    pid: childPid,
    ppid: mother.pid,
    success: true,
    exit: '0',
    args: [],
    image: { comm: 'sleep', exe: '/usr/bin/sleep' },
  },
  lateMs,
);
const late = table.lineage(childPid, mother.pid);
console.log(
  JSON.stringify({ what: 'late', pid: childPid, parent: late.parent?.entityId ?? null, isComplete: late.isComplete }),
);
console.log(
  JSON.stringify({
    what: 'pids',
    first: first.pid,
    second: second.pid,
    third: third.pid,
    mother: mother.pid,
    impostor: impostor.pid,
  }),
);
process.exit(0);
