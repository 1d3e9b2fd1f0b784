// What the embedded store takes: events a second through append() until they are acknowledged and until they are in partitions,
// CPU for each, bytes on disk, and the usual questions afterwards.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { NewEvent } from '../event/document.ts';
import { openEmbeddedStore } from '../store/embedded/embedded-store.ts';
import { parseQuery } from '../store/query/parse.ts';

const BATCH = 500;
const CONCURRENT = 4;

/** A usual exec event, about 1.4 kB of JSON. */
function execEvent(n: number, startMs: number): NewEvent {
  const at = startMs + n;
  const iso = new Date(at).toISOString();
  const pid = 1_000 + (n % 30_000);
  const [name, ...rest] =
    [
      ['curl', '-sS', `https://example.org/${n % 997}`],
      ['ls', '-la', '/var/www'],
      ['sh', '-c', `echo ${n % 13}`],
    ][n % 3] ?? [];
  const args = [String(name), ...rest];
  const msg = `audit(${(at / 1000).toFixed(3)}:${n})`;
  return {
    id: `web-${n % 7}.0d1e2f3a.${at.toString(36)}.${n.toString(36)}.${((n * 2654435761) >>> 0).toString(36)}`,
    document: {
      '@timestamp': iso,
      ecs: { version: '9.0.0' },
      event: {
        kind: 'event',
        category: ['process'],
        type: ['start'],
        action: 'executed',
        outcome: 'success',
        sequence: n,
        created: iso,
        ingested: iso,
        module: 'auditd',
        dataset: 'auditd.log',
        original: `type=SYSCALL msg=${msg}: arch=c000003e syscall=59 success=yes exit=0 a0=55f1${n.toString(16)} a1=55f2 a2=55f3 a3=8 items=2 ppid=${pid - 1} pid=${pid} auid=1000 uid=33 gid=33 euid=33 suid=33 fsuid=33 egid=33 sgid=33 fsgid=33 tty=(none) ses=4 comm="${name}" exe="/usr/bin/${name}" key="exec"\ntype=EXECVE msg=${msg}: argc=${args.length} ${args.map((arg, i) => `a${i}="${arg}"`).join(' ')}\ntype=CWD msg=${msg}: cwd="/var/www"\ntype=PATH msg=${msg}: item=0 name="/usr/bin/${name}" inode=${1000 + (n % 50)} dev=fe:00 mode=0100755 ouid=0 ogid=0 rdev=00:00 nametype=NORMAL`,
      },
      host: {
        id: `web-${n % 7}`,
        name: `web-${n % 7}`,
        boot: { id: '0d1e2f3a-0000-4000-8000-000000000000' },
        os: { type: 'linux' },
      },
      process: {
        pid,
        entity_id: `e${pid}`,
        name,
        executable: `/usr/bin/${name}`,
        args,
        args_count: args.length,
        command_line: args.join(' '),
        working_directory: '/var/www',
        parent: {
          pid: pid - 1,
          entity_id: `e${pid - 1}`,
          name: 'apache2',
          executable: '/usr/sbin/apache2',
          command_line: '/usr/sbin/apache2 -k start',
        },
      },
      user: { id: '33', name: 'www-data', audit: { id: '1000', name: 'alice' } },
      auditd: { message_type: 'syscall', session: '4', result: 'success' },
      tags: ['exec'],
      vedette: { position: n },
    },
  };
}

export async function run({ isShort }: { readonly isShort: boolean }): Promise<readonly string[]> {
  const events = isShort ? 20_000 : 200_000;
  const lines: string[] = [];
  const folder = mkdtempSync(join(tmpdir(), 'vedette-bench-'));
  const say = (name: string, value: string): void => void lines.push(`${name.padEnd(52)} ${value}`);
  try {
    const startMs = Date.now() - 3_600_000;
    const store = await openEmbeddedStore({ folder, warn: (text) => say('warning', text) });
    let next = 0;
    let bytes = 0;
    let refusals = 0;
    const cpu = process.cpuUsage();
    const started = performance.now();
    const write = async (): Promise<void> => {
      while (next < events) {
        const first = next;
        next += BATCH;
        const batch = Array.from({ length: BATCH }, (_, at) => execEvent(first + at, startMs));
        bytes += JSON.stringify(batch[0]?.document).length * BATCH;
        for (;;) {
          try {
            await store.append(batch);
            break;
          } catch {
            refusals++;
            await new Promise((resolve) => setTimeout(resolve, 20));
          }
        }
      }
    };
    await Promise.all(Array.from({ length: CONCURRENT }, write));
    const acknowledgedMs = performance.now() - started;
    await store.flush();
    const loadedMs = performance.now() - started;
    const used = process.cpuUsage(cpu);
    say('events, JSON bytes each', `${events}, ${Math.round(bytes / events)}`);
    say('acknowledged', `${Math.round((events / acknowledgedMs) * 1_000)} events/s (${refusals} times told to wait)`);
    say('in partitions', `${Math.round((events / loadedMs) * 1_000)} events/s`);
    say('CPU, making the events included', `${Math.round((used.user + used.system) / events)} µs/event`);
    const latencies: number[] = [];
    for (let n = 0; n < 50; n++) {
      const at = performance.now();
      await store.append([execEvent(events + n, startMs)]);
      latencies.push(performance.now() - at);
    }
    latencies.sort((a, b) => a - b);
    say('append of one event, p50 / p95', `${latencies[25]?.toFixed(1)} / ${latencies[47]?.toFixed(1)} ms`);
    const range = { fromMs: startMs, untilMs: startMs + events + 1_000 };
    for (const text of [
      'process.name:curl',
      'process.command_line:*997*',
      'NOT process.name:ls AND destination.port:443',
      'auditd.session:4',
      'a0=55f1ff',
    ]) {
      const parsed = parseQuery(text, Date.now());
      if (!parsed.ok) throw new Error(parsed.diagnostic.message);
      const at = performance.now();
      const found = await store.search({ query: parsed.query, range, limit: 100 });
      say(
        `search ${text}`,
        `${(performance.now() - at).toFixed(0)} ms, ${found.events.length} of ${found.isTotalExact ? '' : '≥ '}${found.total}`,
      );
    }
    const scanAt = performance.now();
    let scanned = 0;
    for await (const batch of store.scan(range)) scanned += batch.length;
    say('scan in reference order', `${Math.round((scanned / (performance.now() - scanAt)) * 1_000)} events/s`);
    await store.close();
    const again = await openEmbeddedStore({ folder });
    const statistics = await again.statistics();
    say('on disk after a restart', `${Math.round(statistics.bytes / statistics.events)} bytes/event`);
    const followAt = performance.now();
    let followed = 0;
    let cursor: string | undefined;
    for (;;) {
      const batch = await again.next(cursor, { limit: 2_000, waitMs: 0 });
      if (batch.events.length === 0) break;
      followed += batch.events.length;
      cursor = batch.cursor;
    }
    say('follow from the first event', `${Math.round((followed / (performance.now() - followAt)) * 1_000)} events/s`);
    say('resident memory', `${Math.round(process.memoryUsage().rss / 1e6)} MB`);
    await again.close();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return lines;
}
