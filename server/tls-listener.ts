// A second listener that speaks TLS, beside the plain one on the loopback: shippers on other hosts need it, and not all of them want
// something in front. The same routes, the same limits of time. Certificate and key are read again when asked (SIGHUP), so that
// a renewed certificate needs no restart.
import { readFileSync } from 'node:fs';
import type { RequestListener } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { CONNECTIONS_MAX, HEADERS_TIMEOUT_MS, KEEP_ALIVE_MS, REQUEST_TIMEOUT_MS } from './http.ts';
import { ServerStartError, type TlsOptions } from './options.ts';

const DRAIN_MS = 1_500;

export interface TlsListener {
  readonly port: number;
  /** Takes certificate and key anew; throws, and keeps the former ones, where they do not fit. */
  reload(): void;
  close(): Promise<void>;
}

export async function openTlsListener(tls: TlsOptions, onRequest: RequestListener): Promise<TlsListener> {
  const context = () => ({
    cert: readFileSync(tls.certFile),
    key: readFileSync(tls.keyFile),
    minVersion: 'TLSv1.2' as const,
  });
  const server = orUnusable(tls, () =>
    createServer(
      {
        ...context(),
        requestTimeout: REQUEST_TIMEOUT_MS,
        headersTimeout: HEADERS_TIMEOUT_MS,
        keepAliveTimeout: KEEP_ALIVE_MS,
        maxHeaderSize: 16_384,
        handshakeTimeout: HEADERS_TIMEOUT_MS,
      },
      onRequest,
    ),
  );
  server.maxConnections = CONNECTIONS_MAX;
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EADDRINUSE') return reject(error);
      const remedy = 'Stop what listens there, or choose another port.';
      return reject(new ServerStartError('port-taken', `port ${tls.port} on ${tls.host} is taken`, remedy));
    });
    server.listen(tls.port, tls.host, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    reload: () => server.setSecureContext(context()),
    close: () =>
      new Promise((resolve) => {
        // Requests under way have as long as on the plain listener; then nobody waits for them.
        const timer = setTimeout(() => server.closeAllConnections(), DRAIN_MS);
        server.close(() => {
          clearTimeout(timer);
          resolve();
        });
        server.closeIdleConnections();
      }),
  };
}

function orUnusable<T>({ certFile, keyFile }: TlsOptions, open: () => T): T {
  try {
    return open();
  } catch (error) {
    const reason = error instanceof Error ? error.message : 'unknown failure';
    throw new ServerStartError(
      'tls-unusable',
      `${certFile} and ${keyFile} cannot be used for TLS: ${reason}`,
      'Give a certificate with its chain and its private key, both PEM, that the server’s user can read.',
    );
  }
}
