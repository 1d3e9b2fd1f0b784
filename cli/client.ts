// A client of the server's API: who it talks to, with which token, and every failure in words that say what to do. Promises
// that a token is sent only to the configured server, appears in no message, and that no answer is read without bound.
import { type ClientRequest, request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { secretFilesOf } from '../server/options.ts';
import { type Invocation, type OptionTable, optionValue } from './command.ts';
import type { Config } from './config/settings.ts';
import { CONFIG_OPTIONS, loadConfig, readSecret, readText } from './config.ts';
import { EXIT, fail, type Outcome, succeed } from './failure.ts';
import { askInLines, type LinesRequest, saidError } from './lines.ts';
import { readServerAddress } from './server-address.ts';

/** Options of every command that asks a server. */
export const CLIENT_OPTIONS = {
  server: { value: 'URL', description: 'The server to ask, instead of the configured one.' },
  'token-file': { value: 'FILE', description: 'File with the token for it, instead of the one in the data folder.' },
  ...CONFIG_OPTIONS,
} as const satisfies OptionTable;

/** Who may do it: decides which of the data folder's tokens is sent. */
export type ClientRole = 'reader' | 'admin' | 'importer';

export interface Client {
  readonly url: string;
  get<T>(path: string): Promise<Outcome<T>>;
  post<T>(path: string, body: unknown, options?: { readonly timeoutMs?: number }): Promise<Outcome<T>>;
  /** An answer that comes line by line; `onLine` sees all but the result. */
  lines<T>(path: string, body: unknown, options: Omit<LinesRequest, 'path' | 'body'>): Promise<Outcome<T>>;
  /** Any request; answers of every status come back. */
  exchange(request: ExchangeRequest): Promise<Outcome<Exchange>>;
}

export interface ExchangeRequest {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly body?: Buffer | string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
}

export interface Exchange {
  readonly status: number;
  readonly text: string;
  /** `Retry-After`, ms, where the server said so. */
  readonly retryAfterMs: number | undefined;
}

const TIMEOUT_MS = 30_000;
const ANSWER_BYTES_MAX = 256 * 1024 * 1024;
const TOKEN_BYTES_MAX = 4096;

/** A client for the configured server. */
export async function openClient(invocation: Invocation, role: ClientRole): Promise<Outcome<Client>> {
  const config = await loadConfig(invocation, [
    { option: 'server', path: 'client.server' },
    { option: 'token-file', path: 'client.token_file' },
  ]);
  if (!config.isOk) return config;
  const token = await findToken(config.value, role);
  if (!token.isOk) return token;
  return succeed(makeClient(await serverUrlOf(config.value), token.value, role));
}

/** Where the server of this configuration answers: the configured URL, else where the running one says it is. */
export async function serverUrlOf(config: Config): Promise<string> {
  if (config.client.server !== undefined) return config.client.server;
  const running = await readServerAddress(config.dataFolder);
  // Without one the configured address is the best guess: the server may be another version's, or be started any moment.
  return running?.url ?? configuredUrl(config);
}

/** Where a server with this configuration listens. */
export function configuredUrl(config: Config): string {
  const host = config.server.host.includes(':') ? `[${config.server.host}]` : config.server.host;
  return `http://${host}:${config.server.port}`;
}

async function findToken(config: Config, role: ClientRole): Promise<Outcome<string>> {
  if (config.client.token !== undefined) return readSecret(config.client.token, 'client token');
  const files = secretFilesOf(config.dataFolder);
  const path = { reader: files.readerToken, admin: files.adminToken, importer: files.importerToken }[role];
  const text = await readText(path, TOKEN_BYTES_MAX);
  if (text.isOk) return succeed(text.value.trim());
  const remedy = [
    'A server makes its tokens at its first start: `npm start`, or `vedette up`, runs one.',
    'If it keeps its data elsewhere, say where (--data FOLDER), or name a token (--token-file FILE).',
    'Tokens can be read by the user who runs the server only.',
  ].join('\n');
  return fail('client/no-token', { message: `no token: ${text.failure.message}`, remedy });
}

function makeClient(url: string, token: string, role: ClientRole): Client {
  const exchange = (request: ExchangeRequest): Promise<Outcome<Exchange>> => send(url, token, request);
  const read = async <T>(request: ExchangeRequest): Promise<Outcome<T>> => {
    const answer = await exchange(request);
    return answer.isOk ? readAnswer<T>(answer.value, url, role) : answer;
  };
  return {
    url,
    exchange,
    async lines<T>(path: string, body: unknown, options: Omit<LinesRequest, 'path' | 'body'>) {
      const answer = await askInLines(url, token, { path, body, ...options });
      if (!answer.isOk) return answer;
      if (answer.value.kind === 'result') return succeed(answer.value.value as T);
      const { status, text } = answer.value;
      return readAnswer<T>({ status, text, retryAfterMs: undefined }, url, role);
    },
    get: (path) => read({ method: 'GET', path }),
    post: (path, body, options) =>
      read({
        method: 'POST',
        path,
        body: JSON.stringify(body),
        headers: { 'content-type': 'application/json' },
        ...options,
      }),
  };
}

/** The JSON of a 2xx answer; of any other, what the server said was wrong. */
export function readAnswer<T>(answer: Exchange, url: string, role: ClientRole): Outcome<T> {
  let body: unknown;
  try {
    body = answer.text === '' ? undefined : JSON.parse(answer.text);
  } catch {
    const message = `what answers at ${url} does not speak Vedette’s API (status ${answer.status})`;
    return fail('client/not-vedette', { message, remedy: 'Check the URL (--server), and what else uses that port.' });
  }
  if (answer.status >= 200 && answer.status < 300) return succeed(body as T);
  const isTheirs = [400, 404, 406, 409, 413, 422].includes(answer.status);
  const said = (body as { error?: unknown } | undefined)?.error;
  const told = saidError(
    { message: `status ${answer.status}`, code: `http/${answer.status}`, ...(said as object | undefined) },
    isTheirs ? EXIT.usage : EXIT.internal,
  );
  // The server speaks to programs, of headers; a person has a token in the wrong place.
  const remedy = `The ${role} token is not one that this server knows: check --data, --server and --token-file.`;
  return answer.status === 401 ? { ...told, failure: { ...told.failure, remedy } } : told;
}

function send(url: string, token: string, request: ExchangeRequest): Promise<Outcome<Exchange>> {
  const target = new URL(url + request.path);
  const timeoutMs = request.timeoutMs ?? TIMEOUT_MS;
  return new Promise((resolve) => {
    let outgoing: ClientRequest;
    const timer = setTimeout(() => {
      outgoing.destroy(Object.assign(new Error('timed out'), { code: 'ETIMEDOUT' }));
    }, timeoutMs);
    const settle = (outcome: Outcome<Exchange>): void => {
      clearTimeout(timer);
      resolve(outcome);
    };
    const headers = {
      authorization: `Bearer ${token}`,
      ...request.headers,
      ...(request.body === undefined ? {} : { 'content-length': String(Buffer.byteLength(request.body)) }),
    };
    const start = target.protocol === 'https:' ? httpsRequest : httpRequest;
    outgoing = start(target, { method: request.method, headers, agent: false }, (incoming) => {
      const chunks: Buffer[] = [];
      let bytes = 0;
      incoming.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes > ANSWER_BYTES_MAX) incoming.destroy(Object.assign(new Error('answer too large'), { code: 'EFBIG' }));
        else chunks.push(chunk);
      });
      incoming.on('error', (error) => settle(unreachable(url, error, timeoutMs)));
      incoming.on('end', () => {
        const seconds = Number(incoming.headers['retry-after']);
        const retryAfterMs = Number.isFinite(seconds) && seconds >= 0 ? seconds * 1000 : undefined;
        settle(
          succeed({ status: incoming.statusCode ?? 0, text: Buffer.concat(chunks).toString('utf8'), retryAfterMs }),
        );
      });
    });
    outgoing.on('error', (error) => settle(unreachable(url, error, timeoutMs)));
    outgoing.end(request.body);
  });
}

function unreachable(url: string, error: Error, timeoutMs: number): Outcome<never> {
  const code = (error as NodeJS.ErrnoException).code ?? '';
  if (code === 'ECONNREFUSED') {
    const remedy = 'Start one with `npm start` (or `vedette up`), or name another by --server URL.';
    return fail('client/unreachable', { message: `no server answers at ${url}`, remedy });
  }
  if (code === 'ETIMEDOUT') {
    const message = `the server at ${url} did not answer within ${timeoutMs / 1000} s`;
    return fail('client/timeout', {
      message,
      remedy: 'Ask for less (a shorter --since, a smaller --limit), or try again.',
    });
  }
  if (code === 'EFBIG') {
    const message = `the answer is larger than ${ANSWER_BYTES_MAX / 1024 / 1024} MiB`;
    return fail('client/answer-too-large', { message, remedy: 'Ask for less: a smaller --limit.' });
  }
  const message = `the server at ${url} cannot be reached: ${code || error.message}`;
  return fail('client/unreachable', { message, remedy: 'Check the URL (--server) and the network.' });
}

/** The text of an option that is a whole number, or a failure. */
export function wholeNumber(
  invocation: Invocation,
  name: string,
  bounds: { readonly least: number; readonly most: number; readonly otherwise: number },
): Outcome<number> {
  const text = optionValue(invocation, name);
  if (text === undefined) return succeed(bounds.otherwise);
  const number = /^[0-9]{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (number >= bounds.least && number <= bounds.most) return succeed(number);
  const remedy = `Write a whole number from ${bounds.least} to ${bounds.most}.`;
  return fail('cli/usage', { message: `--${name}: \`${text}\` is out of range`, remedy, exitCode: EXIT.usage });
}
