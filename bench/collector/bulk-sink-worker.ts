// A server that takes everything as cheaply as can be, in a process of its own: enrolment, `_bulk` with an answer for each item, and what
// it has counted at GET /. With a certificate and key it speaks TLS.
//   bulk-sink-worker.ts [CERTIFICATE KEY]     prints its port
import { readFileSync } from 'node:fs';
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import * as zlib from 'node:zlib';

export interface SinkCount {
  readonly events: number;
  /** Bytes of bodies as they came over the wire. */
  readonly bytes: number;
  readonly encoding: string;
  /** Sums over the loss records: missing serials, what never got a serial, what was dropped at a limit, what the spool gave up. */
  readonly namedAtLeast: number;
  readonly namedAtMost: number;
}

const EVENT = Buffer.from('type=SYSCALL msg=');
const LOSS = '"vedette.loss"';
let count: SinkCount = { events: 0, bytes: 0, encoding: 'none', namedAtLeast: 0, namedAtMost: 0 };

function handle(request: IncomingMessage, response: ServerResponse): void {
  const parts: Buffer[] = [];
  request.on('data', (part: Buffer) => parts.push(part));
  request.on('end', () => {
    const body = Buffer.concat(parts);
    if (request.method === 'GET') return answer(response, 200, count);
    if (request.url === '/api/v1/enroll') {
      return answer(response, 201, { host_id: JSON.parse(body.toString()).host.id, token: 'vdt_h_bench' });
    }
    if (request.url !== '/_bulk') return answer(response, 200, {});
    const encoding = request.headers['content-encoding'] ?? 'none';
    const text = decoded(body, encoding);
    const losses = lossesIn(text);
    count = {
      events: count.events + occurrencesIn(text),
      bytes: count.bytes + body.length,
      encoding,
      namedAtLeast: losses.reduce((sum, { at_least = 0 }) => sum + at_least, count.namedAtLeast),
      namedAtMost: losses.reduce((sum, { at_most = 0 }) => sum + at_most, count.namedAtMost),
    };
    const items = idsIn(text).map((_id) => ({ create: { _id, status: 201, result: 'created' } }));
    return answer(response, 200, { took: 0, errors: false, items });
  });
}

function decoded(body: Buffer, encoding: string): Buffer {
  if (encoding === 'gzip') return zlib.gunzipSync(body);
  if (encoding === 'zstd') return zlib.zstdDecompressSync(body);
  return body;
}

function occurrencesIn(text: Buffer): number {
  let found = 0;
  for (let at = text.indexOf(EVENT); at >= 0; at = text.indexOf(EVENT, at + EVENT.length)) found += 1;
  return found;
}

interface LossFigures {
  readonly source: string;
  readonly at_least?: number;
  readonly at_most?: number;
}

function lossesIn(text: Buffer): readonly LossFigures[] {
  if (text.indexOf(LOSS) < 0) return [];
  return text
    .toString('utf8')
    .split('\n')
    .filter((line) => line.includes(LOSS))
    .map((line) => JSON.parse(line).vedette.loss as LossFigures)
    .filter(({ source }) => source !== 'downtime');
}

/** Of the odd lines: `{"create":{…"_id":"…"…}}`. */
function idsIn(text: Buffer): readonly string[] {
  const ids: string[] = [];
  for (let at = 0; at < text.length; ) {
    const end = text.indexOf(10, at);
    if (end < 0) break;
    ids.push(String(JSON.parse(text.toString('utf8', at, end)).create._id));
    const next = text.indexOf(10, end + 1);
    if (next < 0) break;
    at = next + 1;
  }
  return ids;
}

function answer(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

const [certificate, key] = process.argv.slice(2);
const server =
  certificate === undefined || key === undefined
    ? createHttpServer(handle)
    : createHttpsServer({ cert: readFileSync(certificate), key: readFileSync(key) }, handle);
server.listen(0, '127.0.0.1', () => console.log((server.address() as AddressInfo).port));
