// Who may search now: how many searches run at once, for how long, and what is said when one cannot be answered. All that read
// events for people come by here.
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Diagnostic } from '../rules/diagnostic.ts';
import { StoreUnavailable } from '../store/port.ts';
import { parseQuery, QUERY_CHARS_MAX } from '../store/query/parse.ts';
import type { Query } from '../store/query/query.ts';
import { busy, ProblemError, problem } from './api-error.ts';
import { signalOf } from './http.ts';
import { answerInLines, type Lines, wantsLines } from './line-answer.ts';
import { type Fields, textIn } from './request-shape.ts';

/** An answer in one piece takes at most so long. */
const SEARCH_TIMEOUT_MS = 30_000;
/** An answer in lines: its client sees that it goes on. */
const LINES_TIMEOUT_MS = 600_000;
export const SEARCHES_MAX = 8;

export interface SearchDesk {
  /** Runs one search and answers it: in one piece, or in lines where the client asked for them. */
  run<T>(asked: Asked, work: (tools: Tools) => Promise<T>): Promise<T | undefined>;
}

interface Asked {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
}

export interface Tools {
  readonly signal: AbortSignal;
  /** Where the answer goes in lines. */
  readonly lines: Lines | undefined;
  readonly progress: (part: number) => void;
}

/** `closing` aborts when the server stops. */
export function createSearchDesk(closing: AbortSignal, searchesMax = SEARCHES_MAX): SearchDesk {
  let running = 0;
  return {
    async run({ request, reply }, work) {
      if (running >= searchesMax) throw busy(429, 'too-many-searches', `${searchesMax} searches run already`);
      running += 1;
      const isInLines = wantsLines(request);
      const timeoutMs = isInLines ? LINES_TIMEOUT_MS : SEARCH_TIMEOUT_MS;
      const signal = AbortSignal.any([signalOf(reply, timeoutMs), closing]);
      const failureOf = (error: unknown): unknown =>
        closing.aborted ? busy(503, 'server-stopping', 'the server stops') : searchProblem(error, signal, timeoutMs);
      try {
        if (!isInLines) return await work({ signal, lines: undefined, progress: () => undefined });
        await answerInLines(reply, { signal, failureOf }, (lines) => work({ signal, lines, progress: lines.progress }));
        return undefined;
      } catch (error) {
        throw failureOf(error);
      } finally {
        running -= 1;
      }
    },
  };
}

/** What to answer when the store could not be read. */
export function searchProblem(error: unknown, signal: AbortSignal | undefined, timeoutMs = SEARCH_TIMEOUT_MS): unknown {
  if (error instanceof ProblemError) return error;
  if (error instanceof StoreUnavailable) return busy(503, `store-${error.reason}`, 'the store cannot be read now');
  if (signal?.aborted === true) {
    return problem(503, 'timeout', `it took longer than ${timeoutMs / 1_000} s`, 'Narrow the time range or the query.');
  }
  return error;
}

/** The query of a request; where it cannot be read, the answer says where and what to do. */
export function queryIn(
  body: Fields,
  nowMs: number,
): { readonly query: Query; readonly warnings: readonly Diagnostic[] } {
  const parsed = parseQuery(textIn(body, 'query', QUERY_CHARS_MAX), nowMs);
  if (parsed.ok) return parsed;
  const { code, message, remedy, column } = parsed.diagnostic;
  const said = column > 0 ? `${message} (column ${column})` : message;
  throw new ProblemError({ status: 400, code, message: said, remedy, diagnostics: [parsed.diagnostic] });
}
