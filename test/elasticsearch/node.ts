// A real Elasticsearch for a test: the one of VEDETTE_TEST_ELASTICSEARCH, or a node of its own by start-es.sh on a free port.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { freePort } from '../harness/receivers.ts';

/** The first start fetches 132 MB and compiles. */
const START_TIMEOUT_MS = 800_000;
/** A node's port for other nodes, above the one for clients: start-es.sh. */
const TRANSPORT_ABOVE = 100;

export interface ElasticsearchNode {
  readonly url: string;
  stop(): Promise<void>;
}

/** A node that the test stops and starts again, with security on: the user `admin` has the password that was given. */
export interface OwnElasticsearchNode extends ElasticsearchNode {
  /** Ends the process; what is stored stays, and `resume` finds it under the same URL. */
  halt(): Promise<void>;
  resume(): Promise<void>;
}

export async function startElasticsearch(): Promise<ElasticsearchNode> {
  const given = process.env['VEDETTE_TEST_ELASTICSEARCH'];
  if (given !== undefined && given !== '') return { url: given, stop: async () => {} };
  const port = await freePort(TRANSPORT_ABOVE);
  return runNode(port, join(import.meta.dirname, 'target', `data-${port}`), {});
}

/** A node of the test's own, whatever VEDETTE_TEST_ELASTICSEARCH says. */
export async function startSecureElasticsearch(password: string): Promise<OwnElasticsearchNode> {
  const port = await freePort(TRANSPORT_ABOVE);
  const folder = join(import.meta.dirname, 'target', `data-${port}`);
  let running: RunningNode | undefined = await runNode(port, folder, { ES_PASSWORD: password });
  const halt = async (): Promise<void> => {
    await running?.end();
    running = undefined;
  };
  return {
    url: running.url,
    halt,
    async resume() {
      running ??= await runNode(port, folder, { ES_PASSWORD: password });
    },
    async stop() {
      await halt();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Several nodes, each of which the test may stop and start again; the first is the only one that can be master. */
export interface ElasticsearchCluster {
  readonly urls: readonly string[];
  halt(node: number): Promise<void>;
  resume(node: number): Promise<void>;
  stop(): Promise<void>;
}

/** A cluster of the test's own, without security. */
export async function startElasticsearchCluster(nodes: number): Promise<ElasticsearchCluster> {
  const first = await freePort(TRANSPORT_ABOVE);
  const members: {
    readonly start: () => Promise<RunningNode>;
    readonly folder: string;
    running?: RunningNode | undefined;
  }[] = [];
  const urls: string[] = [];
  for (let at = 0; at < nodes; at++) {
    const port = at === 0 ? first : await freePort(TRANSPORT_ABOVE);
    const folder = join(import.meta.dirname, 'target', `data-${port}`);
    const seed = at === 0 ? {} : { ES_SEED: `127.0.0.1:${first + TRANSPORT_ABOVE}` };
    const start = (): Promise<RunningNode> => runNode(port, folder, { ES_CLUSTER: `vedette-${first}`, ...seed });
    const running = await start();
    members.push({ start, folder, running });
    urls.push(running.url);
  }
  return {
    urls,
    async halt(node) {
      await members[node]?.running?.end();
      if (members[node] !== undefined) members[node].running = undefined;
    },
    async resume(node) {
      const member = members[node];
      if (member !== undefined) member.running ??= await member.start();
    },
    async stop() {
      for (const { running, folder } of members.reverse()) {
        await running?.end();
        rmSync(folder, { recursive: true, force: true });
      }
    },
  };
}

interface RunningNode extends ElasticsearchNode {
  /** Ends the process and keeps its data. */
  end(): Promise<void>;
}

async function runNode(
  port: number,
  folder: string,
  environment: Readonly<Record<string, string>>,
): Promise<RunningNode> {
  const child = spawn(join(import.meta.dirname, 'start-es.sh'), [String(port), folder], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      ...process.env,
      ES_JAVA_OPTS: process.env['ES_JAVA_OPTS'] ?? '-Xms512m -Xmx512m -XX:TieredStopAtLevel=1',
      ...environment,
    },
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
  const end = async (): Promise<void> => {
    const exited = once(child, 'exit');
    child.kill('SIGTERM');
    await exited;
  };
  return {
    url,
    end,
    async stop() {
      await end();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
