// Real servers on loopback for the channels: an HTTP server that answers as it is told, and an SMTP server.
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';
import { freePort } from '../harness/receivers.ts';

interface HttpAnswer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** True: takes the request and never answers. */
  readonly hangs?: boolean;
}

interface HttpRequest {
  readonly method: string | undefined;
  readonly path: string | undefined;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: string;
}

export interface LoopbackHttp {
  readonly url: string;
  readonly requests: readonly HttpRequest[];
  /** What it says from now on. */
  answer(answer: HttpAnswer): void;
  close(): Promise<void>;
}

export async function listenHttp(): Promise<LoopbackHttp> {
  const requests: HttpRequest[] = [];
  let current: HttpAnswer = {};
  const server = http.createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { method, url: path, headers } = request;
      requests.push({ method, path, headers, body: Buffer.concat(chunks).toString() });
      if (current.hangs === true) return;
      response.writeHead(current.status ?? 200, { 'content-type': 'application/json', ...current.headers });
      response.end(current.body ?? '{"ok":true}');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    requests,
    answer(answer) {
      current = answer;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

export interface LoopbackSmtp {
  readonly port: number;
  readonly mails: readonly { readonly from: string; readonly to: readonly string[]; readonly source: string }[];
  close(): Promise<void>;
}

export async function listenSmtp(options: SMTPServerOptions = {}, host = '127.0.0.1'): Promise<LoopbackSmtp> {
  const mails: { from: string; to: readonly string[]; source: string }[] = [];
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    logger: false,
    onData(stream, session, done) {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        const { mailFrom, rcptTo } = session.envelope;
        const from = mailFrom === false ? '' : (mailFrom?.address ?? '');
        mails.push({ from, to: rcptTo.map(({ address }) => address), source: Buffer.concat(chunks).toString() });
        done();
      });
    },
    ...options,
  });
  server.on('error', () => undefined);
  await new Promise<void>((resolve) => server.listen(0, host, () => resolve()));
  return {
    port: (server.server.address() as AddressInfo).port,
    mails,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

/** A port on which nothing listens. */
export function closedPort(): Promise<number> {
  return freePort();
}
