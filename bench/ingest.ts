// The ingest rate over HTTP with gzip, server and engine with the shipped rules running on the embedded store: events acknowledged a
// second, all the way to folded, the server's CPU and memory, and bytes an event on disk. The events are the tests' own captures,
// mapped once and given new times and serials.
import { readdirSync, readFileSync } from 'node:fs';
import { request } from 'node:http';
import { gzipSync } from 'node:zlib';
import { createImporter } from '../audit/import.ts';
import { bulkLines } from '../event/bulk.ts';
import type { EventDocument } from '../event/document.ts';
import { auditEventId } from '../event/id.ts';
import { formatProgress, PROGRESS_HEADER } from '../event/progress.ts';
import type { EnrollResponse, StatusResponse } from '../server/api.ts';
import { eventually, type Installation, makeInstallation } from '../test/harness/installation.ts';
import { freePort } from '../test/harness/receivers.ts';
import { cpuMs, memoryMib } from './process-cost.ts';

const BATCH = 2_000;
const CONNECTIONS = 2;
const HOST = 'bench-host';
const BOOT = 'bbbbbbbb-0000-0000-0000-000000000000';

export async function run({ isShort }: { readonly isShort: boolean }): Promise<readonly string[]> {
  const count = isShort ? 40_000 : 400_000;
  const bodies = makeBodies(sampleDocuments(), count);
  const installation = makeInstallation({ port: await freePort() });
  const server = await installation.start('server');
  try {
    const { token } = await enroll(installation);
    const cpuBefore = cpuMs(server.pid);
    const begin = performance.now();
    const next = bodies.entries();
    await Promise.all(
      Array.from({ length: CONNECTIONS }, async () => {
        for (const [, body] of next) await send(installation.url, token, body);
      }),
    );
    const acknowledgedMs = performance.now() - begin;
    const { store } = await eventually(
      'the engine to have read all',
      async () => {
        const status = await installation.api<StatusResponse>('/status');
        return status.store.events >= count && status.store.pending === 0 && status.engine.behind === 0
          ? status
          : undefined;
      },
      300_000,
    );
    const foldedMs = performance.now() - begin;
    const bytes = bodies.reduce((sum, { plainBytes }) => sum + plainBytes, 0);
    return [
      `${count} events of ${(bytes / count).toFixed(0)} bytes, ${CONNECTIONS} connections, batches of ${BATCH}`,
      `acknowledged ${perSecond(count, acknowledgedMs)}/s, stored and folded ${perSecond(count, foldedMs)}/s`,
      `server CPU ${(((cpuMs(server.pid) - cpuBefore) * 1_000) / count).toFixed(0)} µs/event, ` +
        `RSS at most ${memoryMib(server.pid).highest.toFixed(0)} MiB, ${(store.bytes / store.events).toFixed(0)} bytes/event on disk`,
    ];
  } finally {
    await server.stop();
    installation.remove();
  }
}

function perSecond(count: number, ms: number): string {
  return ((count / ms) * 1_000).toFixed(0);
}

function sampleDocuments(): readonly EventDocument[] {
  const folder = new URL('../test/data/audit-samples/', import.meta.url);
  return readdirSync(folder)
    .filter((name) => name.endsWith('.log') && name !== 'execve_longargs.log')
    .flatMap((name) => documentsOf(readFileSync(new URL(name, folder), 'latin1')));
}

function documentsOf(log: string): readonly EventDocument[] {
  const importer = createImporter({ hostOf: () => ({ id: HOST, name: HOST, bootId: BOOT }) });
  const imported = [...log.split('\n').flatMap((line) => importer.push(line)), ...importer.end()];
  return imported.flatMap((result) => (result.kind === 'document' ? [result.document] : []));
}

interface Body {
  readonly bytes: Buffer;
  readonly plainBytes: number;
  readonly progress: string;
}

function makeBodies(samples: readonly EventDocument[], count: number): readonly Body[] {
  const startMs = Date.now() - 600_000;
  const bodies: Body[] = [];
  for (let first = 0; first < count; first += BATCH) {
    let text = '';
    const last = Math.min(count, first + BATCH) - 1;
    for (let index = first; index <= last; index += 1) text += eventLines(samples, index, startMs);
    const createdMs = startMs + Math.floor(last / 10);
    bodies.push({
      bytes: gzipSync(text, { level: 1 }),
      plainBytes: Buffer.byteLength(text),
      progress: formatProgress({ bootId: BOOT, position: last + 1, createdMs }),
    });
  }
  return bodies;
}

function eventLines(samples: readonly EventDocument[], index: number, startMs: number): string {
  const timeMs = startMs + Math.floor(index / 10);
  const time = new Date(timeMs).toISOString();
  const sample = samples[index % samples.length] ?? {};
  const document = {
    ...sample,
    '@timestamp': time,
    event: { ...(sample['event'] as object), created: time, sequence: index },
    host: { id: HOST, name: HOST, boot: { id: BOOT } },
    vedette: { position: index + 1 },
  };
  const id = auditEventId({ hostId: HOST, bootId: BOOT, timeMs, serial: index, crc: index * 2_654_435_761 });
  return bulkLines(id, JSON.stringify(document));
}

async function enroll(installation: Installation): Promise<EnrollResponse> {
  const secret = readFileSync(`${installation.dataFolder}/server/enrollment.secret`, 'utf8').trim();
  return installation.api<EnrollResponse>('/enroll', { enrollment_secret: secret, host: { id: HOST, name: HOST } });
}

function send(url: string, token: string, body: Body): Promise<void> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      `${url}/_bulk`,
      {
        method: 'POST',
        headers: {
          authorization: `Bearer ${token}`,
          'content-type': 'application/x-ndjson',
          'content-encoding': 'gzip',
          [PROGRESS_HEADER]: body.progress,
        },
      },
      (response) => {
        let text = '';
        response.on('data', (chunk: Buffer) => {
          text += chunk.toString();
        });
        response.on('end', () => {
          if (response.statusCode === 200 && text.includes('"errors":false')) resolve();
          else if (response.statusCode === 429) setTimeout(() => send(url, token, body).then(resolve, reject), 100);
          else reject(new Error(`_bulk: ${response.statusCode} ${text.slice(0, 500)}`));
        });
      },
    );
    outgoing.on('error', reject);
    outgoing.end(body.bytes);
  });
}
