// Elasticsearch's side of the server: `_bulk`, single documents, and what clients ask beside (elastic-probes.ts).
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { PROGRESS_HEADER, parseProgress } from '../event/progress.ts';
import { problemOf } from './api-error.ts';
import { ACCEPTED_ENCODINGS } from './bulk-stream.ts';
import { PROBES, type Probe } from './elastic-probes.ts';
import { filterOf } from './filter-path.ts';
import { accountIn, type Http } from './http.ts';
import type { Ingest } from './ingest.ts';

/** With the last request before a clean stop a collector sends `vedette-sign-off: 1`: its silence is then no news. */
const SIGN_OFF_HEADER = 'vedette-sign-off';
/** Elasticsearch's own media types, which answers repeat (its REST API compatibility). */
const COMPATIBLE = /application\/vnd\.elasticsearch\+json; ?compatible-with=([89])/;

export function elasticRoutes({ app, needs }: Http, ingest: Ingest, now: () => number): void {
  const requestOf = (request: FastifyRequest) => {
    const header = request.headers[PROGRESS_HEADER];
    const { index } = request.params as { readonly index?: string };
    return {
      account: accountIn(request),
      body: request.raw,
      index,
      progress: typeof header === 'string' ? parseProgress(header) : undefined,
      isSignOff: request.headers[SIGN_OFF_HEADER] === '1',
    };
  };
  const send = (request: FastifyRequest, reply: FastifyReply, answer: unknown) => {
    const keep = filterOf((request.query as { readonly filter_path?: unknown }).filter_path);
    return reply
      .header('content-type', mediaTypeOf(request))
      .send(JSON.stringify(keep === undefined ? answer : keep(answer)));
  };

  const bulk = async (request: FastifyRequest, reply: FastifyReply) => {
    const { pipeline } = request.query as { readonly pipeline?: unknown };
    if (pipeline !== undefined) warn(reply, 'no ingest pipeline is run here: documents are stored as they come');
    const answer = await ingest.bulk(requestOf(request));
    reply.header('accept-encoding', ACCEPTED_ENCODINGS);
    return send(request, reply, answer);
  };

  /** One document, without an action line: what rsyslog sends with `bulkmode="off"`. */
  const single = async (request: FastifyRequest, reply: FastifyReply) => {
    const { id } = request.params as { readonly id?: string };
    const action = JSON.stringify({ create: id === undefined ? {} : { _id: id } });
    const { items } = await ingest.bulk({ ...requestOf(request), action });
    const [item] = Object.values(items[0] ?? {});
    if (item === undefined) return reply.code(400).send({});
    const { error, status, ...named } = item;
    const told = error === undefined ? { ...named, _version: 1 } : { error: { root_cause: [error], ...error }, status };
    return send(request, reply.code(status), told);
  };

  const probe = ({ answer, permission }: Probe) => ({
    ...needs(permission),
    handler: async (request: FastifyRequest, reply: FastifyReply) => {
      const { status, body, warning } = answer({
        method: request.method,
        params: request.params as Readonly<Record<string, string>>,
        host: request.headers.host,
        account: accountIn(request),
        nowMs: now(),
        wantsJson:
          (request.query as { readonly format?: unknown }).format === 'json' ||
          /json/.test(request.headers.accept ?? ''),
      });
      if (warning !== undefined) warn(reply, warning);
      reply.code(status);
      if (typeof body === 'string') return reply.header('content-type', 'text/plain; charset=UTF-8').send(body);
      return send(request, reply, body);
    },
  });

  app.register(async (scope: FastifyInstance) => {
    scope.removeAllContentTypeParsers();
    // The body is read as a stream by ingest, under its own limits; what is put and not kept is not read at all.
    scope.addContentTypeParser('*', (_request, _payload, done) => done(null));
    const writing = { ...needs('write-events'), errorHandler: hangUpOnTheDeaf };
    for (const url of ['/_bulk', '/:index/_bulk', '/:index/_doc/_bulk']) {
      scope.route({ method: ['POST', 'PUT'], url, ...writing, handler: bulk });
    }
    for (const url of ['/:index/_doc/:id', '/:index/_create/:id']) {
      scope.route({ method: ['POST', 'PUT'], url, ...writing, handler: single });
    }
    scope.route({ method: 'POST', url: '/:index/_doc', ...writing, handler: single });
    for (const known of PROBES) {
      scope.route({ method: [...known.methods], url: known.url, exposeHeadRoute: true, ...probe(known) });
    }
  });
}

/** The type of answer that the client's `Accept` names; plain JSON for whoever names none. */
function mediaTypeOf(request: FastifyRequest): string {
  const version = COMPATIBLE.exec(request.headers.accept ?? '')?.[1];
  return version === undefined ? 'application/json' : `application/vnd.elasticsearch+json;compatible-with=${version}`;
}

function warn(reply: FastifyReply, text: string): void {
  reply.header('warning', `299 Elasticsearch-vedette "${text}"`);
}

/**
 * rsyslog's omelasticsearch (seen with 8.2302) reads no status: to a 429 or 503 it writes the batch to its error file and goes on. To a
 * connection that ends without an answer it waits and sends the batch again, which is what such an answer asks for.
 */
function hangUpOnTheDeaf(error: FastifyError, request: FastifyRequest, reply: FastifyReply): void {
  const { status } = problemOf(error);
  if (!isDeaf(request) || (status !== 429 && status < 500)) throw error;
  reply.hijack();
  request.raw.socket.destroy();
}

function isDeaf({ headers }: FastifyRequest): boolean {
  return headers['user-agent'] === undefined && headers['content-type'] === 'application/json; charset=utf-8';
}
