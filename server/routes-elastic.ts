// Elasticsearch's side of the server: `_bulk`, and what its clients ask before they send. Other shippers (rsyslog, Beats, Vector,
// Fluent Bit) need no more than this, told to write with `create` and to leave templates and lifecycles alone.
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { PROGRESS_HEADER, parseProgress } from '../event/progress.ts';
import { ACCEPTED_ENCODINGS } from './bulk-stream.ts';
import { accountIn, type Http } from './http.ts';
import type { Ingest } from './ingest.ts';

/** The version whose protocol is spoken. */
const ELASTIC_VERSION = '9.5.3';
/** With the last request before a clean stop a collector sends `vedette-sign-off: 1`: its silence is then no news. */
const SIGN_OFF_HEADER = 'vedette-sign-off';

export function elasticRoutes({ app, needs }: Http, ingest: Ingest): void {
  const bulk = async (request: FastifyRequest, reply: FastifyReply) => {
    const header = request.headers[PROGRESS_HEADER];
    const { index } = request.params as { readonly index?: string };
    const answer = await ingest.bulk({
      account: accountIn(request),
      body: request.raw,
      index,
      progress: typeof header === 'string' ? parseProgress(header) : undefined,
      isSignOff: request.headers[SIGN_OFF_HEADER] === '1',
    });
    reply.header('accept-encoding', ACCEPTED_ENCODINGS);
    return reply.header('content-type', 'application/json').send(JSON.stringify(answer));
  };

  app.register(async (scope: FastifyInstance) => {
    scope.removeAllContentTypeParsers();
    // The body is read as a stream by ingest, under its own limits.
    scope.addContentTypeParser('*', (_request, _payload, done) => done(null));
    for (const url of ['/_bulk', '/:index/_bulk']) {
      scope.route({ method: ['POST', 'PUT'], url, ...needs('write-events'), handler: bulk });
    }
  });

  app.get('/', needs('any'), async () => ({
    name: 'vedette',
    cluster_name: 'vedette',
    cluster_uuid: '_na_',
    version: {
      number: ELASTIC_VERSION,
      build_flavor: 'default',
      build_type: 'zip',
      build_snapshot: false,
      minimum_wire_compatibility_version: '8.19.0',
      minimum_index_compatibility_version: '8.0.0',
    },
    tagline: 'You Know, for Search',
  }));
  app.get('/_cluster/health', needs('any'), async () => ({
    cluster_name: 'vedette',
    status: 'green',
    timed_out: false,
    number_of_nodes: 1,
    number_of_data_nodes: 1,
  }));
  app.get('/_license', needs('any'), async () => ({
    license: { status: 'active', uid: '_na_', type: 'basic', issue_date_in_millis: 0 },
  }));
}
