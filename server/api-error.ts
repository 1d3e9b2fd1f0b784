// Errors as answers: a status, a stable code, what happened and what to do about it; never a stack trace, never a secret.
import type { Diagnostic } from '../rules/diagnostic.ts';
import type { ApiError } from './api.ts';

export interface Problem {
  readonly status: number;
  readonly code: string;
  readonly message: string;
  readonly remedy: string;
  /** Sent as `Retry-After`, seconds. */
  readonly retryAfterS?: number;
  /** What is wrong with a text that the request holds, and where in it. */
  readonly diagnostics?: readonly Diagnostic[];
}

/** Thrown inside a route to answer with this problem. */
export class ProblemError extends Error {
  readonly problem: Problem;
  constructor(problem: Problem) {
    super(problem.message);
    this.name = 'ProblemError';
    this.problem = problem;
  }
}

export function problem(status: number, code: string, message: string, remedy: string): ProblemError {
  return new ProblemError({ status, code, message, remedy });
}

export function busy(status: 429 | 503, code: string, message: string, retryAfterS = 1): ProblemError {
  return new ProblemError({ status, code, message, remedy: 'Try again a little later.', retryAfterS });
}

export const UNAUTHORIZED: Problem = {
  status: 401,
  code: 'unauthorized',
  message: 'the token is missing, unknown or revoked',
  remedy: 'Send `Authorization: Bearer TOKEN` with a token from <data>/server/, or enrol the host again.',
};

export function apiErrorOf({ code, message, remedy, diagnostics }: Problem): ApiError {
  return { error: { code, message, remedy, ...(diagnostics === undefined ? {} : { diagnostics }) } };
}

/** The same in the form that Elasticsearch's clients read: `type` and `reason` beside our own words. */
export function elasticErrorOf(problem: Problem): unknown {
  const type = ELASTIC_TYPES[problem.status] ?? 'exception';
  const reason = problem.message;
  return {
    error: { root_cause: [{ type, reason }], type, reason, ...apiErrorOf(problem).error },
    status: problem.status,
  };
}

const ELASTIC_TYPES: Readonly<Record<number, string>> = {
  400: 'illegal_argument_exception',
  401: 'security_exception',
  403: 'security_exception',
  404: 'resource_not_found_exception',
  413: 'content_too_large_exception',
  429: 'es_rejected_execution_exception',
  503: 'unavailable_exception',
};

/** What to answer for anything that was thrown. A failure that nobody foresaw is told as such, and no more. */
export function problemOf(error: unknown): Problem {
  if (error instanceof ProblemError) return error.problem;
  if (isDiskFull(error)) return busy(503, 'disk-full', 'the disk of the data folder is full').problem;
  const status = statusOf(error);
  if (status === 413)
    return { status, code: 'too-large', message: 'the request is too large', remedy: 'Send less at once.' };
  if (status !== undefined && status >= 400 && status < 500) {
    return {
      status,
      code: 'bad-request',
      message: 'the request cannot be read',
      remedy: 'Send JSON as the API’s description says.',
    };
  }
  return { status: 500, code: 'internal', message: 'the server failed', remedy: 'See the server’s own messages.' };
}

/** SQLite's word for a full disk (`SQLITE_FULL`), and the file system's. */
function isDiskFull(error: unknown): boolean {
  const { code, errcode } = (typeof error === 'object' && error !== null ? error : {}) as {
    readonly code?: unknown;
    readonly errcode?: unknown;
  };
  return (code === 'ERR_SQLITE_ERROR' && errcode === 13) || code === 'ENOSPC' || code === 'EDQUOT';
}

/** What Fastify says of a request. Errors of Elasticsearch's client have a status as well: that of its answer, which is not ours. */
function statusOf(error: unknown): number | undefined {
  if (typeof error !== 'object' || error === null || 'meta' in error) return undefined;
  const { statusCode } = error as { readonly statusCode?: unknown };
  return typeof statusCode === 'number' ? statusCode : undefined;
}
