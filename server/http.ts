// The HTTP shell: limits, who is asking, and errors as answers. A route says what it asks for (`permission`); without the right
// token nothing of the request's body is read.
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import type { Account, AccountPort } from '../store/state/state-port.ts';
import { accountOf, mayDo, type Permission } from './accounts.ts';
import {
  apiErrorOf,
  elasticErrorOf,
  type Problem,
  ProblemError,
  problem,
  problemOf,
  UNAUTHORIZED,
} from './api-error.ts';

/** The largest JSON body of the API: a rule with its lists, a search. `_bulk` has limits of its own. */
const JSON_BODY_BYTES_MAX: number = 1024 * 1024;
/** A request must have arrived in whole within this. */
export const REQUEST_TIMEOUT_MS = 60_000;
/** An idle connection is kept for so long: longer than collectors pause. */
export const KEEP_ALIVE_MS = 75_000;
export const HEADERS_TIMEOUT_MS = 20_000;
export const CONNECTIONS_MAX = 10_000;

/** Every route but those of Elasticsearch's protocol. */
export const API_PREFIX = '/api/v1';

const NOT_FOUND: Problem = {
  status: 404,
  code: 'not-found',
  message: 'there is no such address here',
  remedy: `The API is under ${API_PREFIX}.`,
};

type RouteGuard = { readonly onRequest: (request: FastifyRequest) => Promise<void> };

type OnFailure = (error: unknown, route: string) => void;
const ON_FAILURE = 'onFailure';

export interface Http {
  readonly app: FastifyInstance;
  /** Options of a route that asks for a permission. */
  readonly needs: (permission: Permission) => RouteGuard;
  /** Aborts when the server begins to stop. */
  readonly closing: AbortSignal;
  /** Whom a request's token speaks for, in a route that asked for nothing. */
  readonly accountIfAny: (request: FastifyRequest) => Account | undefined;
}

export function createHttp(options: {
  readonly accounts: AccountPort;
  /** A failure that nobody foresaw; the answer says no more than that there was one. */
  readonly onFailure: OnFailure;
}): Http {
  const { accounts, onFailure } = options;
  const app = Fastify({
    logger: false,
    bodyLimit: JSON_BODY_BYTES_MAX,
    requestTimeout: REQUEST_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    forceCloseConnections: 'idle',
    routerOptions: { maxParamLength: 2_048 },
    frameworkErrors: (_error, request, reply) => {
      void answerProblem(reply, request, problemOf({ statusCode: 400 }));
    },
    http: { headersTimeout: HEADERS_TIMEOUT_MS, maxHeaderSize: 16_384 },
  });
  app.server.maxConnections = CONNECTIONS_MAX;
  const closing = new AbortController();
  app.addHook('preClose', async () => closing.abort());
  app.decorateRequest('account', undefined);
  app.decorate(ON_FAILURE, onFailure);
  app.addHook('onRequest', async (request, reply) => {
    reply.headers({
      'x-elastic-product': 'Elasticsearch',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
    });
    // Before the body of a request to nowhere is read: nobody asked who sends it.
    if (request.is404) throw new ProblemError(NOT_FOUND);
  });
  app.setErrorHandler((error, request, reply) => {
    const told = problemOf(error);
    tellIfUnforeseen(told, error, request);
    return answerProblem(reply, request, told);
  });
  app.setNotFoundHandler((request, reply) => answerProblem(reply, request, NOT_FOUND));

  return {
    app,
    closing: closing.signal,
    needs: (permission) => ({
      onRequest: async (request) => {
        const account = accountOf(accounts, request.headers.authorization);
        if (account === undefined) throw new ProblemError(UNAUTHORIZED);
        if (!mayDo(account.role, permission)) {
          throw problem(
            403,
            'forbidden',
            `a token of role ${account.role} may not do this`,
            'Use a token of another role.',
          );
        }
        request.setDecorator('account', account);
      },
    }),
    accountIfAny: (request) => accountOf(accounts, request.headers.authorization),
  };
}

/** Tells the server's operator of a failure that the answer does not explain. */
export function tellIfUnforeseen({ status }: Problem, error: unknown, request: FastifyRequest): void {
  if (status !== 500) return;
  request.server.getDecorator<OnFailure>(ON_FAILURE)(error, `${request.method} ${request.routeOptions.url ?? ''}`);
}

/** The account that {@link Http.needs} found. */
export function accountIn(request: FastifyRequest): Account {
  return request.getDecorator<Account>('account');
}

/** Aborts when the time is up or the client is gone. */
export function signalOf(reply: FastifyReply, timeoutMs: number): AbortSignal {
  const gone = new AbortController();
  // The answer's own end, not the connection's: a connection that is kept serves many requests.
  reply.raw.once('close', () => gone.abort());
  return AbortSignal.any([gone.signal, AbortSignal.timeout(timeoutMs)]);
}

function answerProblem(reply: FastifyReply, request: FastifyRequest, told: Problem): FastifyReply {
  if (told.retryAfterS !== undefined) reply.header('retry-after', String(told.retryAfterS));
  if (told.status === 401) reply.header('www-authenticate', 'Bearer realm="vedette", ApiKey, Basic realm="vedette"');
  // What is left of the body is not worth reading.
  if (told.status === 413) reply.header('connection', 'close');
  return reply.code(told.status).send(request.url.startsWith(API_PREFIX) ? apiErrorOf(told) : elasticErrorOf(told));
}
