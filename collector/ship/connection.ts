// The client that all requests of a collector go through: one server, or several of one store.
import type { CollectorOptions } from '../options.ts';
import { createHttpClient, type HttpClient } from './http-client.ts';
import { createServerPool } from './server-pool.ts';

/** Throws what is wrong with a URL or the TLS files. */
export function connect({ server, now, onNotice }: CollectorOptions): HttpClient {
  const { url, others = [], tls, compression } = server;
  const notify = (text: string): void => onNotice?.({ level: 'warning', code: 'server', text });
  const clients = [url, ...others].map((one) =>
    createHttpClient(one, {
      now,
      onProblem: notify,
      ...(tls === undefined ? {} : { tls }),
      ...(compression === undefined ? {} : { compression }),
    }),
  );
  const [only, ...more] = clients;
  if (only !== undefined && more.length === 0) return only;
  return createServerPool(clients, {
    now,
    onMove: (index) => notify(`Events go to server ${index} of ${clients.length} now.`),
  });
}
