// CPU of the way from received frames to the document's JSON, µs per event, by kind of event: parse, reassemble, checksum, map.
// The records are the recorded samples with fresh serials and pids, so that memories meet what they would meet on a host.
//
//   node bench/audit.ts [EVENTS=100000]
import { readFileSync } from 'node:fs';
import { createEcsMapper } from '../audit/ecs.ts';
import type { HostKnowledge, ProcessInfo } from '../audit/event.ts';
import { createReassembler } from '../audit/reassembler.ts';
import { parseLine, parsePayload } from '../audit/record.ts';

const SAMPLES = new URL('../test/data/audit-samples/', import.meta.url);
const RING_EVENTS = 2000;
const ROUNDS = 10;

const shell: ProcessInfo = {
  pid: 1,
  entityId: 'h.1.1',
  name: 'systemd',
  executable: '/usr/lib/systemd/systemd',
  args: ['/sbin/init'],
};
const ancestors = [shell];
const knowledge: HostKnowledge = {
  userName: (uid) => (uid === 0 ? 'root' : undefined),
  groupName: (gid) => (gid === 0 ? 'root' : undefined),
  lineage: (pid, ppid) => ({
    process: { pid, entityId: `h.${pid}.1`, name: 'x', executable: undefined, args: undefined },
    ancestors: (ppid ?? -1) >= 0 ? ancestors : [],
    isComplete: true,
  }),
};
const host = {
  id: 'bench',
  name: 'bench',
  bootId: '0f0f0f0f-0000',
  host: { os: { type: 'linux' } },
  agent: { type: 'vedette' },
};

interface Frame {
  readonly type: number;
  readonly bytes: Buffer;
}

/** The records of the events in a sample that have `marker`, many times over, each time with other serials and pids. */
function framesOf(file: string, marker: string): readonly (readonly Frame[])[] {
  const bySerial = new Map<string, { type: number; text: string }[]>();
  for (const line of readFileSync(new URL(file, SAMPLES), 'latin1').split('\n')) {
    const record = parseLine(line);
    if (record === undefined) continue;
    const key = String(record.serial);
    bySerial.set(key, [...(bySerial.get(key) ?? []), { type: record.type, text: record.text }]);
  }
  const sources = [...bySerial.entries()].filter(([, records]) => records.some(({ text }) => text.includes(marker)));
  return Array.from({ length: RING_EVENTS }, (_, index) => {
    const [serial, records] = sources[index % sources.length] ?? ['', []];
    return records.map(({ type, text }) => ({
      type,
      bytes: Buffer.from(
        text.replace(`:${serial})`, `:${3_000_000 + index})`).replace(/ pid=\d+/, ` pid=${10_000 + index}`),
        'latin1',
      ),
    }));
  });
}

function measure(name: string, events: number, ring: readonly (readonly Frame[])[]): void {
  const reassembler = createReassembler();
  const mapper = createEcsMapper(host, knowledge);
  let chars = 0;
  const run = (count: number): void => {
    for (let index = 0; index < count; index++) {
      for (const { type, bytes } of ring[index % ring.length] ?? []) {
        const record = parsePayload(type, bytes, 0, bytes.length);
        if (record === undefined) continue;
        for (const event of reassembler.push({ ...record, timeMs: record.timeMs + index }, index)) {
          chars += Buffer.byteLength(mapper.toJson(event, { createdMs: event.timeMs, position: index }));
        }
      }
    }
  };
  run(Math.min(events, 20_000));
  chars = 0;
  // The least of ten rounds: what the machine's other work adds is not ours.
  let least = Number.POSITIVE_INFINITY;
  for (let round = 0; round < ROUNDS; round++) {
    const before = process.cpuUsage();
    run(events / ROUNDS);
    const { user, system } = process.cpuUsage(before);
    least = Math.min(least, ((user + system) * ROUNDS) / events);
  }
  console.log(`${name.padEnd(8)} ${least.toFixed(2)} µs/event, ${Math.round(chars / events)} bytes/event`);
}

const events = Number(process.argv[2] ?? '100000');
measure('exec', events, framesOf('execve_root.log', 'syscall=59'));
measure('open', events, framesOf('files_syscalls.log', 'syscall=257'));
measure('connect', events, framesOf('connect_v4.log', 'syscall=42'));
measure('login', events, framesOf('user_sshd.log', 'op=PAM'));
