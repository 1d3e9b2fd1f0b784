// A real Elasticsearch for a test: the one of VEDETTE_TEST_ELASTICSEARCH, or a node of its own by start-es.sh on a free port.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** The first start fetches 132 MB and compiles. */
const START_TIMEOUT_MS = 280_000;

export interface ElasticsearchNode {
  readonly url: string;
  stop(): Promise<void>;
}

export async function startElasticsearch(): Promise<ElasticsearchNode> {
  const given = process.env['VEDETTE_TEST_ELASTICSEARCH'];
  if (given !== undefined && given !== '') return { url: given, stop: async () => {} };
  const port = await freePort();
  const folder = join(import.meta.dirname, 'target', `data-${port}`);
  const child = spawn(join(import.meta.dirname, 'start-es.sh'), [String(port), folder], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ES_JAVA_OPTS: process.env['ES_JAVA_OPTS'] ?? '-Xms512m -Xmx512m -XX:TieredStopAtLevel=1' },
  });
  const url = await new Promise<string>((resolve, reject) => {
    const timer = setTimeout(() => {
      child.kill('SIGTERM');
      reject(new Error(`Elasticsearch was not ready after ${START_TIMEOUT_MS / 1_000} s: see ${folder}/logs`));
    }, START_TIMEOUT_MS);
    child.once('exit', (code) => reject(new Error(`start-es.sh ended with ${code}`)));
    createInterface({ input: child.stdout }).on('line', (line) => {
      const ready = /ready (http:\S+) /.exec(line)?.[1];
      if (ready === undefined) return;
      clearTimeout(timer);
      resolve(ready);
    });
  });
  return {
    url,
    async stop() {
      const exited = once(child, 'exit');
      child.kill('SIGTERM');
      await exited;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** A port whose neighbour a hundred above, which the node's transport takes, can be bound as well. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return port + 100 < 65_536 ? port : freePort();
}
