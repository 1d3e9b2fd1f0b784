// The sink as the benchmarks use it: started, asked, stopped; with a certificate made for it where it shall speak TLS.
import { execFileSync, spawn } from 'node:child_process';
import { lookup } from 'node:dns/promises';
import { readFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { SinkCount } from './bulk-sink-worker.ts';

const WORKER = fileURLToPath(new URL('./bulk-sink-worker.ts', import.meta.url));

export interface Sink {
  readonly url: string;
  /** PEM file to trust; undefined without TLS. */
  readonly authorityFile: string | undefined;
  count(): Promise<SinkCount>;
  stop(): Promise<void>;
}

export async function startSink(folder: string, withTls: boolean): Promise<Sink> {
  // By name where that name is this machine: shippers compress nothing for an address that says "loopback".
  const host = withTls ? await ownName() : '127.0.0.1';
  const files = withTls ? certificateFor(host, folder) : [];
  const child = spawn(process.execPath, [WORKER, ...files], { stdio: ['ignore', 'pipe', 'inherit'] });
  const gone = new Promise((resolve) => child.on('exit', resolve));
  const port = await new Promise<string>((resolve, reject) => {
    child.stdout.once('data', (chunk: Buffer) => resolve(chunk.toString().trim()));
    child.once('exit', (code) => reject(new Error(`the sink ended with ${code}`)));
  });
  const url = `${withTls ? 'https' : 'http'}://${host}:${port}`;
  const ca = files[0] === undefined ? undefined : readFileSync(files[0]);
  return {
    url,
    authorityFile: files[0],
    count: () =>
      new Promise((resolve, reject) => {
        const send = withTls ? httpsRequest : httpRequest;
        send(`${url}/`, { ...(ca === undefined ? {} : { ca }), agent: false }, (response) => {
          let text = '';
          response.on('data', (chunk: Buffer) => {
            text += chunk.toString();
          });
          response.on('end', () => resolve(JSON.parse(text) as SinkCount));
        })
          .on('error', reject)
          .end();
      }),
    async stop() {
      child.kill('SIGTERM');
      await gone;
    },
  };
}

async function ownName(): Promise<string> {
  const found = await lookup(hostname(), { family: 4 }).catch(() => undefined);
  return found?.address.startsWith('127.') === true ? hostname() : 'localhost';
}

function certificateFor(host: string, folder: string): readonly [string, string] {
  const [certificate, key] = [join(folder, 'sink.pem'), join(folder, 'sink.key')];
  const request = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  const names = ['-subj', `/CN=${host}`, '-addext', `subjectAltName=DNS:${host}`];
  execFileSync('openssl', [...request, ...names, '-keyout', key, '-out', certificate], { stdio: 'ignore' });
  return [certificate, key];
}
