// The sender of the ingest benchmark: makes events of samples, packs them as requests, keeps a pace. All is packed before the first is
// sent: senders are other machines, and cost the server's nothing.
import { Agent, request } from 'node:http';
import { parentPort, workerData } from 'node:worker_threads';
import { gzipSync } from 'node:zlib';
import { bulkLines } from '../event/bulk.ts';
import type { EventDocument } from '../event/document.ts';
import { auditEventId } from '../event/id.ts';
import { formatProgress, PROGRESS_HEADER } from '../event/progress.ts';
import { BOOT, HOST, type SendOrder, type SendReport } from './ingest-order.ts';

const BATCH = 2_000;
const CONNECTIONS = 4;

interface Body {
  readonly bytes: Buffer;
  readonly plainBytes: number;
  readonly progress: string;
}

const { samples } = workerData as { readonly samples: readonly EventDocument[] };

parentPort?.once('message', async (order: SendOrder) => {
  parentPort?.postMessage(await send(order));
});

async function send({ url, hosts, count, eventsPerSecond }: SendOrder): Promise<SendReport> {
  const startMs = Date.now() - 3_600_000;
  const agent = new Agent({ keepAlive: true, maxSockets: Math.max(CONNECTIONS, hosts.length) });
  const parseUs = parsing(startMs);
  const bodies: Body[] = [];
  for (let first = 0; first < count; first += BATCH) {
    const host = hosts[bodies.length % hosts.length]?.id ?? HOST;
    bodies.push(bodyOf({ first, count, host }, startMs));
  }
  const begin = performance.now();
  const cpuBefore = process.threadCpuUsage();
  let bytes = 0;
  let refusals = 0;
  const sendAll = async (host: SendOrder['hosts'][number], bodiesLeft: Iterator<number>): Promise<void> => {
    for (let one = bodiesLeft.next(); one.done !== true; one = bodiesLeft.next()) {
      const first = one.value * BATCH;
      if (eventsPerSecond !== undefined) {
        const dueMs = begin + (first * 1_000) / eventsPerSecond - performance.now();
        if (dueMs > 0) await new Promise((resolve) => setTimeout(resolve, dueMs));
      }
      const body = bodies[one.value];
      if (body === undefined) return;
      bytes += body.plainBytes;
      while (!(await post({ url, token: host.token, agent }, body))) {
        refusals++;
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    }
  };
  await Promise.all(
    hosts.flatMap((host, at) => {
      const mine = [...bodies.keys()].filter((body) => body % hosts.length === at).values();
      return Array.from({ length: hosts.length === 1 ? CONNECTIONS : 1 }, () => sendAll(host, mine));
    }),
  );
  agent.destroy();
  const ms = performance.now() - begin;
  const { user, system } = process.threadCpuUsage(cpuBefore);
  return { bytes, refusals, parseUs, ms, cpuUs: (user + system) / count };
}

function parsing(startMs: number): number {
  const lines = samples.map((_, index) => eventLines(index, HOST, startMs).split('\n')[1] ?? '');
  const run = (): void => {
    for (const line of lines) JSON.parse(line);
  };
  for (let round = 0; round < 10; round++) run();
  const before = process.cpuUsage();
  for (let round = 0; round < 20; round++) run();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / (20 * lines.length);
}

function bodyOf(
  { first, count, host }: { readonly first: number; readonly count: number; readonly host: string },
  startMs: number,
): Body {
  let text = '';
  const last = Math.min(count, first + BATCH) - 1;
  for (let index = first; index <= last; index++) text += eventLines(index, host, startMs);
  const createdMs = startMs + Math.floor(last / 50);
  return {
    bytes: gzipSync(text, { level: 1 }),
    plainBytes: Buffer.byteLength(text),
    progress: formatProgress({ bootId: BOOT, position: last + 1, createdMs }),
  };
}

function eventLines(index: number, host: string, startMs: number): string {
  const timeMs = startMs + Math.floor(index / 50);
  const time = new Date(timeMs).toISOString();
  const sample = samples[index % samples.length] ?? {};
  const document = {
    ...sample,
    '@timestamp': time,
    event: { ...(sample['event'] as object), created: time, sequence: index },
    host: { id: host, name: host, boot: { id: BOOT } },
    vedette: { position: index + 1 },
  };
  const id = auditEventId({ hostId: host, bootId: BOOT, timeMs, serial: index, crc: index * 2_654_435_761 });
  return bulkLines(id, JSON.stringify(document));
}

/** False when it was put off. */
function post(
  { url, token, agent }: { readonly url: string; readonly token: string; readonly agent: Agent },
  body: Body,
): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      `${url}/_bulk`,
      {
        method: 'POST',
        agent,
        headers: {
          authorization: `Bearer ${token}`,
          'content-type': 'application/x-ndjson',
          'content-encoding': 'gzip',
          [PROGRESS_HEADER]: body.progress,
        },
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () => {
          const text = Buffer.concat(chunks);
          if (response.statusCode === 200 && text.includes('"errors":false')) resolve(true);
          else if (response.statusCode === 429) resolve(false);
          else reject(new Error(`_bulk: ${response.statusCode} ${text.toString('utf8', 0, 500)}`));
        });
      },
    );
    outgoing.on('error', reject);
    outgoing.end(body.bytes);
  });
}
