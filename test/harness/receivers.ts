// The other side of the channels: an HTTP server that answers as Slack's chat.postMessage does, and a real SMTP server, both on
// loopback; each keeps what it got and when.
import { randomInt } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SMTPServer } from 'smtp-server';

interface Received {
  readonly atMs: number;
  /** The request's body, or the whole message. */
  readonly text: string;
}

export interface Receiver {
  readonly port: number;
  readonly received: readonly Received[];
  close(): Promise<void>;
}

export async function startSlack(): Promise<Receiver> {
  const received: Received[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => {
      body += chunk.toString();
    });
    request.on('end', () => {
      received.push({ atMs: Date.now(), text: decodeBody(body, request.headers['content-type']) });
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ ok: true, channel: 'C1', ts: `${received.length}.0`, message: {} }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    received,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

/** The fields of a form, one a line, readable; anything else as it is. */
function decodeBody(body: string, contentType: string | undefined): string {
  if (contentType?.includes('application/x-www-form-urlencoded') !== true) return body;
  return [...new URLSearchParams(body)].map(([name, value]) => `${name}: ${value}`).join('\n');
}

export async function startSmtp(): Promise<Receiver> {
  const received: Received[] = [];
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS', 'AUTH'],
    logger: false,
    onData(stream, _session, done) {
      let text = '';
      stream.on('data', (chunk: Buffer) => {
        text += chunk.toString();
      });
      stream.on('end', () => {
        received.push({ atMs: Date.now(), text });
        done();
      });
    },
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.server.address() as AddressInfo).port,
    received,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

/**
 * A free port of the loopback, for a server that the test starts itself. None of those that the kernel gives to connections and to who
 * listens anywhere (from 32768 on): by the time that the server begins, another test's connection might have it. With `besides`, the port
 * so much above is free as well.
 */
export async function freePort(besides = 0): Promise<number> {
  for (;;) {
    const port = randomInt(20_000, 32_000);
    if ((await isFree(port)) && (besides === 0 || (await isFree(port + besides)))) return port;
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  const hasListened = await new Promise<boolean>((resolve) => {
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => resolve(true));
  });
  if (hasListened) await new Promise<void>((resolve) => server.close(() => resolve()));
  return hasListened;
}
