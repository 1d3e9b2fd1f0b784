// SQL of people over the stored events (docs/sql.md): one statement at a time and one waiting, bounded in time, rows and bytes. What may
// run is the store's to say (store/embedded/sql/); a store without SQL says what to use instead.
import type { Diagnostic } from '../rules/diagnostic.ts';
import { type EventStore, StoreUnavailable } from '../store/port.ts';
import { SqlRefused } from '../store/sql-refusal.ts';
import type { SqlApiResponse } from './api.ts';
import { busy, ProblemError, problem } from './api-error.ts';
import { API_PREFIX, type Http, signalOf } from './http.ts';
import { fieldsOf, optionalTimeIn, optionalWholeIn, textIn } from './request-shape.ts';

const SQL_ROWS_MAX = 100_000;
const SQL_ROWS = 1_000;
const SQL_BYTES_MAX: number = 32 * 1024 * 1024;
const SQL_CHARS_MAX = 32_768;
const SQL_TIMEOUT_MS = 30_000;
const SQL_TIMEOUT_MS_MAX = 300_000;
/** One runs, the others wait for it. */
const STATEMENTS_MAX = 2;
/** A statement that is called off ends within a step; one that does not is left to end by itself. */
const GRACE_MS = 1_000;

export interface SqlContext {
  readonly store: EventStore;
  readonly now: () => number;
  readonly statementsMax?: number;
}

export function sqlRoutes({ app, needs, closing }: Http, context: SqlContext): void {
  const { store, now, statementsMax = STATEMENTS_MAX } = context;
  let running = 0;

  app.post(`${API_PREFIX}/sql`, needs('read'), async (request, reply): Promise<SqlApiResponse> => {
    const body = fieldsOf(request.body);
    const sql = textIn(body, 'sql', SQL_CHARS_MAX);
    const fromMs = optionalTimeIn(body, 'sinceMs') ?? 0;
    const untilMs = optionalTimeIn(body, 'untilMs') ?? Number.POSITIVE_INFINITY;
    const rowsMax = optionalWholeIn(body, 'limit', { min: 1, max: SQL_ROWS_MAX }) ?? SQL_ROWS;
    const timeoutMs = optionalWholeIn(body, 'timeoutMs', { min: 1, max: SQL_TIMEOUT_MS_MAX }) ?? SQL_TIMEOUT_MS;
    if (store.sql === undefined) {
      const remedy = 'Use `vedette search`, its counts and histograms; or ES|QL, which Elasticsearch itself answers.';
      throw problem(400, 'no-sql', 'this server’s event store has no SQL: only the embedded one does', remedy);
    }
    if (running >= statementsMax) throw busy(429, 'too-many-statements', 'other statements run already', 2);
    running += 1;
    const signal = AbortSignal.any([signalOf(reply, timeoutMs), closing]);
    const startedMs = now();
    const answer = store.sql({ sql, range: { fromMs, untilMs }, rowsMax, bytesMax: SQL_BYTES_MAX, signal });
    answer
      .catch(() => undefined)
      .finally(() => {
        running -= 1;
      });
    try {
      const { columns, rows, cut, missing, partitions } = await Promise.race([answer, abandoned(signal)]);
      return {
        columns,
        rows,
        ...(cut === undefined ? {} : { cut }),
        missing,
        partitions,
        durationMs: now() - startedMs,
      };
    } catch (error) {
      throw sqlProblem(error, { sql, signal, timeoutMs });
    }
  });
}

/** Rejects some time after the signal has aborted. */
function abandoned(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const wait = (): void => {
      setTimeout(() => reject(new Error('called off')), GRACE_MS).unref();
    };
    if (signal.aborted) wait();
    else signal.addEventListener('abort', wait, { once: true });
  });
}

function sqlProblem(
  error: unknown,
  asked: { readonly sql: string; readonly signal: AbortSignal; readonly timeoutMs: number },
): unknown {
  if (error instanceof SqlRefused) {
    const { code, message, remedy } = error;
    const diagnostics = error.at === undefined ? [] : [placed(error, asked.sql, error.at)];
    return new ProblemError({
      status: 400,
      code,
      message,
      remedy,
      ...(diagnostics.length === 0 ? {} : { diagnostics }),
    });
  }
  if (error instanceof StoreUnavailable) return busy(503, `store-${error.reason}`, 'the store cannot be read now');
  if (asked.signal.aborted) {
    const message = `it took longer than ${asked.timeoutMs / 1_000} s`;
    return problem(
      503,
      'timeout',
      message,
      'Ask for less: a shorter time (--since), columns instead of *. Or allow more (--timeout).',
    );
  }
  return error;
}

/** Where in the statement, as a line and a column; DuckDB counts bytes. */
function placed({ code, message, remedy }: SqlRefused, sql: string, at: number): Diagnostic {
  const before = Buffer.from(sql).subarray(0, at).toString('utf8');
  const line = before.split('\n').length;
  const column = before.length - before.lastIndexOf('\n');
  const sourceLine = sql.split('\n')[line - 1] ?? '';
  return { code, severity: 'error', message, remedy, file: 'statement', line, column, sourceLine };
}
