// A real server on loopback with a clock that tests move, and a small client: what each test of test/server starts from.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { bulkLines } from '../../event/bulk.ts';
import { formatProgress, PROGRESS_HEADER } from '../../event/progress.ts';
import type { EnrollRequest } from '../../server/api.ts';
import type { RunningServer, ServerNotice, ServerOptions } from '../../server/options.ts';
import { startServer } from '../../server/server.ts';

export const START_MS: number = Date.UTC(2026, 2, 1, 12);
export const BOOT_ID = '0c3f6a52-0000-4000-8000-000000000001';

/** A rule on one event, suppressed per host for ten minutes. */
export const SPAWN_RULE = `id: web-server-spawns-shell
name: Web server spawns a shell
description: A shell whose parent is a web server.
severity: high
match: process.parent.name = "apache2" and process.name = "bash"
by: [host.id, user.name]
alert:
  title: "{{process.parent.name}} spawned {{process.name}} on {{host.name}}"
  include: [process.command_line]
  suppress: { for: 10m }
tests:
  - name: matches
    events:
      - { process: { name: bash, parent: { name: apache2 } } }
    alerts: 1
  - name: near miss
    events:
      - { process: { name: bash, parent: { name: sshd } } }
    alerts: 0
`;

export interface Clock {
  ms: number;
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  // biome-ignore lint/suspicious/noExplicitAny: tests read answers of many shapes.
  readonly body: any;
}

export interface TestServer {
  readonly running: RunningServer;
  readonly options: ServerOptions;
  readonly clock: Clock;
  readonly notices: ServerNotice[];
  readonly rulesFolder: string;
  readonly tokens: {
    readonly admin: string;
    readonly reader: string;
    readonly importer: string;
    readonly enrollment: string;
  };
  call(method: string, path: string, options?: CallOptions): Promise<Answer>;
  /** Enrols a host and answers its token. */
  enrol(id: string, name?: string): Promise<string>;
  restart(changes?: Partial<ServerOptions>): Promise<TestServer>;
  /** Stops it and removes its folder. */
  end(): Promise<void>;
}

interface CallOptions {
  readonly token?: string | undefined;
  readonly body?: unknown;
  readonly raw?: Buffer | string;
  readonly headers?: Readonly<Record<string, string>>;
}

export async function startTestServer(
  changes: Partial<ServerOptions> = {},
  folder?: string,
  clock: Clock = { ms: START_MS },
): Promise<TestServer> {
  const dataFolder = folder ?? mkdtempSync(join(tmpdir(), 'vedette-server-'));
  const rulesFolder = join(dataFolder, 'rules');
  const notices: ServerNotice[] = [];
  if (folder === undefined) {
    mkdirSync(rulesFolder);
    writeFileSync(join(rulesFolder, 'web-server-spawns-shell.yaml'), SPAWN_RULE);
  }
  const options: ServerOptions = {
    version: '0.0.0-test',
    dataFolder,
    port: 0,
    store: { kind: 'memory' },
    ruleFolders: [{ path: rulesFolder, kind: 'own' }],
    channels: { terminal: { writable: new PassThrough().resume() } },
    now: () => clock.ms,
    onNotice: (notice) => notices.push(notice),
    ...changes,
  };
  const running = await startServer(options);
  const read = (file: string) => readFileSync(file, 'utf8').trim();
  const tokens = {
    admin: read(running.secretFiles.adminToken),
    reader: read(running.secretFiles.readerToken),
    importer: read(running.secretFiles.importerToken),
    enrollment: read(running.secretFiles.enrollmentSecret),
  };
  const call = (method: string, path: string, callOptions: CallOptions = {}) =>
    callUrl(`${running.url}${path}`, method, callOptions);
  return {
    running,
    options,
    clock,
    notices,
    rulesFolder,
    tokens,
    call,
    async enrol(id, name = id) {
      const body: EnrollRequest = { enrollment_secret: tokens.enrollment, host: { id, name } };
      const answer = await call('POST', '/api/v1/enroll', { body });
      if (answer.status !== 201) throw new Error(JSON.stringify(answer.body));
      return answer.body.token;
    },
    async restart(more = {}) {
      await running.close();
      return startTestServer({ ...changes, ...more }, dataFolder, clock);
    },
    async end() {
      await running.close();
      rmSync(dataFolder, { recursive: true, force: true });
    },
  };
}

function callUrl(url: string, method: string, { token, body, raw, headers = {} }: CallOptions): Promise<Answer> {
  const payload = raw ?? (body === undefined ? undefined : JSON.stringify(body));
  return new Promise((resolve, reject) => {
    const outgoing = request(url, {
      method,
      agent: false,
      headers: {
        ...(payload === undefined ? {} : { 'content-length': String(Buffer.byteLength(payload)) }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...headers,
      },
    });
    outgoing.on('error', reject);
    outgoing.on('response', (incoming) => {
      const parts: Buffer[] = [];
      incoming.on('data', (part: Buffer) => parts.push(part));
      incoming.on('end', () => {
        const text = Buffer.concat(parts).toString('utf8');
        let parsed: unknown = text;
        if (String(incoming.headers['content-type']).startsWith('application/json')) parsed = JSON.parse(text);
        resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, body: parsed });
      });
    });
    outgoing.end(payload);
  });
}

/** An exec of `name` under `parent`, as a collector sends it. */
export function execEvent(
  hostId: string,
  number: number,
  fields: {
    readonly name?: string;
    readonly parent?: string;
    readonly user?: string;
    readonly createdMs?: number;
  } = {},
): { readonly id: string; readonly document: Record<string, unknown> } {
  const { name = 'bash', parent = 'apache2', user = 'www-data', createdMs = START_MS - 1_000 + number } = fields;
  const iso = new Date(createdMs).toISOString();
  return {
    id: `${hostId}.0c3f6a52.exec.${number}`,
    document: {
      '@timestamp': iso,
      event: {
        kind: 'event',
        category: ['process'],
        type: ['start'],
        action: 'executed',
        created: iso,
        module: 'auditd',
      },
      host: { id: hostId, name: `${hostId}-name`, boot: { id: BOOT_ID } },
      process: { name, command_line: `${name} -c id`, parent: { name: parent } },
      user: { name: user },
      vedette: { position: number },
    },
  };
}

export function bulkOf(events: readonly { readonly id: string; readonly document: unknown }[]): string {
  return events.map(({ id, document }) => bulkLines(id, JSON.stringify(document))).join('');
}

/** Sends events with the progress up to the last of them, gzipped, as a collector does. */
export function ship(
  server: TestServer,
  token: string,
  events: readonly { readonly id: string; readonly document: Record<string, unknown> }[],
  progress?: { readonly position: number; readonly createdMs: number },
): Promise<Answer> {
  return server.call('POST', '/_bulk', {
    token,
    raw: gzipSync(bulkOf(events)),
    headers: {
      'content-type': 'application/x-ndjson',
      'content-encoding': 'gzip',
      ...(progress === undefined ? {} : { [PROGRESS_HEADER]: formatProgress({ bootId: BOOT_ID, ...progress }) }),
    },
  });
}

/** The status of each item of a `_bulk` answer. */
export function statusesOf(answer: Answer): readonly number[] {
  const items: Record<string, { status: number }>[] = answer.body.items;
  return items.flatMap((item) => Object.values(item).map(({ status }) => status));
}

/** Waits until `claim` gives something, turn by turn; fails just before a test's own limit, and says what for. */
export async function eventually<T>(claim: () => Promise<T | undefined> | T | undefined): Promise<T> {
  const giveUp = performance.now() + 280_000;
  for (;;) {
    const value = await claim();
    if (value !== undefined && value !== false) return value;
    if (performance.now() > giveUp) throw new Error(`never came true: ${claim}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
