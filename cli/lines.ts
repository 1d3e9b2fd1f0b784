// Answers that come line by line (server/line-answer.ts): read as they arrive, no faster than they are used, ended by a result or
// an error. Calling them off closes the connection, which ends the server's work.
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Diagnostic } from '../rules/diagnostic.ts';
import { EXIT, fail, type Outcome, succeed } from './failure.ts';

/** A longer line is no event. */
const LINE_CHARS_MAX = 64 * 1024 * 1024;

export type Line = Readonly<Record<string, unknown>>;

export interface LinesRequest {
  readonly path: string;
  readonly body: unknown;
  readonly signal: AbortSignal;
  /** So long may nothing come at all. */
  readonly idleMs: number;
  /** Takes each line but the last; the next is read when it is done. */
  readonly onLine: (line: Line) => void | Promise<void>;
}

export interface LinesAnswer {
  readonly kind: 'result';
  readonly value: unknown;
}

/** The answer came in one piece: an error, or an older server's. */
export interface WholeAnswer {
  readonly kind: 'whole';
  readonly status: number;
  readonly text: string;
}

export async function askInLines(
  url: string,
  token: string,
  asked: LinesRequest,
): Promise<Outcome<LinesAnswer | WholeAnswer>> {
  try {
    const incoming = await connect(url, token, asked);
    if (incoming.headers['content-type']?.startsWith('application/x-ndjson') !== true) {
      let text = '';
      for await (const chunk of incoming.setEncoding('utf8')) text = bounded(text + String(chunk));
      return succeed({ kind: 'whole', status: incoming.statusCode ?? 0, text });
    }
    let rest = '';
    for await (const chunk of incoming.setEncoding('utf8')) {
      const lines = bounded(rest + String(chunk)).split('\n');
      rest = lines.pop() ?? '';
      for (const text of lines) {
        const line = JSON.parse(text) as Line;
        if ('result' in line) return succeed({ kind: 'result', value: line['result'] });
        if ('error' in line) return saidError(line['error']);
        await asked.onLine(line);
      }
    }
    return cut(url);
  } catch (error) {
    if (asked.signal.aborted) return interrupted();
    const code = (error as NodeJS.ErrnoException).code ?? '';
    if (code === 'ECONNREFUSED') {
      const remedy = 'Start one with `npm start` (or `vedette up`), or name another by --server URL.';
      return fail('client/unreachable', { message: `no server answers at ${url}`, remedy });
    }
    return cut(url, code);
  }
}

function connect(url: string, token: string, { path, body, signal, idleMs }: LinesRequest): Promise<IncomingMessage> {
  const target = new URL(url + path);
  const start = target.protocol === 'https:' ? httpsRequest : httpRequest;
  const text = JSON.stringify(body);
  const headers = {
    authorization: `Bearer ${token}`,
    'content-type': 'application/json',
    'content-length': String(Buffer.byteLength(text)),
    accept: 'application/x-ndjson',
  };
  return new Promise((resolve, reject) => {
    const outgoing = start(target, { method: 'POST', headers, agent: false, signal }, resolve);
    outgoing.setTimeout(idleMs, () => outgoing.destroy(new Error('nothing came')));
    outgoing.on('error', reject);
    outgoing.end(text);
  });
}

function bounded(text: string): string {
  if (text.length > LINE_CHARS_MAX) throw new Error('a line is too long');
  return text;
}

function cut(url: string, code = ''): ReturnType<typeof fail> {
  const message = `the answer of ${url} was cut off${code === '' ? '' : `: ${code}`}`;
  return fail('client/cut-off', {
    message,
    remedy: 'What was printed is not all. Try again; ask for less if it recurs.',
  });
}

function interrupted(): ReturnType<typeof fail> {
  const remedy = 'The server stops working on it too. What was printed is not all.';
  return fail('cli/interrupted', { message: 'called off', remedy });
}

/** What the server says is wrong, as its answers in one piece say it (client.ts). */
export function saidError(
  said: unknown,
  exitCode: typeof EXIT.usage | typeof EXIT.internal = EXIT.usage,
): ReturnType<typeof fail> {
  const { code, message, remedy, diagnostics } = (said ?? {}) as Record<string, unknown>;
  const told = fail(typeof code === 'string' ? code : 'server/error', {
    message: typeof message === 'string' ? message : 'the server failed',
    remedy: typeof remedy === 'string' && remedy !== '' ? remedy : 'See what the server printed.',
    exitCode,
  });
  return isDiagnostics(diagnostics) ? { ...told, failure: { ...told.failure, diagnostics } } : told;
}

function isDiagnostics(value: unknown): value is readonly Diagnostic[] {
  return (
    Array.isArray(value) &&
    value.every((one: Record<string, unknown> | null) => {
      const texts = [one?.['code'], one?.['message'], one?.['remedy'], one?.['file'], one?.['sourceLine']];
      const numbers = [one?.['line'], one?.['column']];
      return texts.every((text) => typeof text === 'string') && numbers.every((number) => typeof number === 'number');
    })
  );
}
