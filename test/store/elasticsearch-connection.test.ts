// What is told when there is no connection to a cluster: what an administrator has to mend, not the name of a class.
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { asUnavailable, connect } from '../../store/elasticsearch/connection.ts';
import { selfSigned } from '../harness/self-signed.ts';

describe('a cluster that cannot be reached', () => {
  it('nobody listens, no TLS there, a certificate that nobody knows: which of them is said', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'vedette-connection-'));
    const { certFile, keyFile } = selfSigned(folder, 'es');
    const plain = createHttpServer((_, response) => response.end()).listen(0, '127.0.0.1');
    const tls = createHttpsServer({ cert: readFileSync(certFile), key: readFileSync(keyFile) }).listen(0, '127.0.0.1');
    try {
      await Promise.all([once(plain, 'listening'), once(tls, 'listening')]);
      expect(await failureOf('http://127.0.0.1:9')).toBe('connect ECONNREFUSED 127.0.0.1:9');
      expect(await failureOf(`https://127.0.0.1:${portOf(plain)}`)).toBe('TLS: wrong version number');
      expect(await failureOf(`https://127.0.0.1:${portOf(tls)}`)).toMatch(/^TLS: self-signed certificate/);
    } finally {
      plain.close();
      tls.close();
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

/** The words after “Elasticsearch did not answer”. */
async function failureOf(node: string): Promise<string> {
  const client = connect({ node });
  try {
    await client.info({}, { maxRetries: 0 });
  } catch (error) {
    const unavailable = asUnavailable(error);
    return unavailable instanceof Error ? unavailable.message.replace('Elasticsearch did not answer: ', '') : '';
  } finally {
    await client.close();
  }
  return 'it answered';
}

function portOf(server: { address(): unknown }): number {
  return (server.address() as AddressInfo).port;
}
