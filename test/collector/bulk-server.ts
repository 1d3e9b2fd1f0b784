// A server as the collector sees it: enrolment and `_bulk`, on loopback, over TLS where it is given keys. Its answers can be
// replaced, and it keeps what it took.
import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import { createServer as createTlsServer, type ServerOptions } from 'node:https';
import type { AddressInfo } from 'node:net';
import { gunzipSync, zstdDecompressSync } from 'node:zlib';

interface TakenRequest {
  readonly path: string;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly ids: readonly string[];
  readonly body: string;
}

interface Answer {
  readonly status: number;
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface BulkServer {
  readonly url: string;
  readonly requests: TakenRequest[];
  /** Every document by id, as first taken. */
  readonly documents: Map<string, Record<string, unknown>>;
  duplicates: number;
  /** Answers instead of taking; undefined lets the request be taken. */
  answer: (request: TakenRequest) => Answer | undefined;
  close(): Promise<void>;
}

export async function startBulkServer(port = 0, tls?: ServerOptions): Promise<BulkServer> {
  const requests: TakenRequest[] = [];
  const documents = new Map<string, Record<string, unknown>>();
  const listener: RequestListener = (incoming, response) => {
    void readBody(incoming).then(
      (body) => {
        const lines = body.split('\n').filter((line) => line !== '');
        const isBulk = /\/_bulk(\?|$)/.test(incoming.url ?? '');
        const ids = isBulk
          ? lines.filter((_, index) => index % 2 === 0).map((line) => JSON.parse(line).create._id)
          : [];
        const request: TakenRequest = {
          path: incoming.url ?? '',
          headers: incoming.headers as Record<string, string | undefined>,
          ids,
          body,
        };
        requests.push(request);
        const answer = server.answer(request) ?? take(request, lines);
        const type = { 'content-type': 'application/json', ...answer.headers };
        response.writeHead(answer.status, type).end(answer.body ?? '{}');
      },
      () => response.destroy(),
    );
  };
  const http = tls === undefined ? createServer(listener) : createTlsServer(tls, listener);

  function take(request: TakenRequest, lines: readonly string[]): Answer {
    if (request.path === '/api/v1/enroll') {
      return {
        status: 201,
        body: JSON.stringify({ host_id: JSON.parse(request.body).host.id, token: 'vdt_h_secret' }),
      };
    }
    const items = request.ids.map((id, index) => {
      if (documents.has(id)) {
        server.duplicates += 1;
        return { create: { _id: id, status: 409, error: { type: 'version_conflict', reason: 'exists' } } };
      }
      documents.set(id, JSON.parse(lines[index * 2 + 1] as string));
      return { create: { _id: id, status: 201, result: 'created' } };
    });
    return { status: 200, body: JSON.stringify({ took: 0, errors: false, items }) };
  }

  await new Promise<void>((resolve) => {
    http.listen(port, '127.0.0.1', resolve);
  });
  const server: BulkServer = {
    url: `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${(http.address() as AddressInfo).port}`,
    requests,
    documents,
    duplicates: 0,
    answer: () => undefined,
    close: () =>
      new Promise((resolve) => {
        http.closeAllConnections();
        http.close(() => resolve());
      }),
  };
  return server;
}

async function readBody(incoming: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of incoming) parts.push(part as Buffer);
  const bytes = Buffer.concat(parts);
  const encoding = incoming.headers['content-encoding'];
  if (encoding === 'zstd') return zstdDecompressSync(bytes).toString('utf8');
  return (encoding === 'gzip' ? gunzipSync(bytes) : bytes).toString('utf8');
}
