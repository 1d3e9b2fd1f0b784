// What clients of Elasticsearch ask before, and beside, what they send. Each answer is true of this server: there is one node, nothing
// is kept of templates, lifecycles and pipelines, and a client that puts one is told so by a `Warning` header, as Elasticsearch warns.
// Pure: requests in, answers out.
import type { Permission } from './accounts.ts';

/** The version whose protocol is spoken. */
const ELASTIC_VERSION = '9.5.3';

type Method = 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE';

interface ProbeRequest {
  readonly method: string;
  /** The parts of the path that its route names. */
  readonly params: Readonly<Record<string, string | undefined>>;
  /** The `Host` header: what the client calls this server. */
  readonly host: string | undefined;
  /** Who asks, as Elasticsearch would call him, and by what right. */
  readonly account: { readonly id: string; readonly role: string };
  readonly nowMs: number;
  readonly wantsJson: boolean;
}

interface ProbeAnswer {
  readonly status: number;
  /** Text is sent as text, everything else as JSON. */
  readonly body: unknown;
  readonly warning?: string;
}

export interface Probe {
  readonly methods: readonly Method[];
  readonly url: string;
  readonly permission: Permission;
  readonly answer: (request: ProbeRequest) => ProbeAnswer;
}

const READ: readonly Method[] = ['GET'];
const WRITE: readonly Method[] = ['PUT', 'POST'];
const ALL: readonly Method[] = ['GET', 'HEAD', 'PUT', 'POST', 'DELETE'];

/** By the first part of the path: what clients try to set up, as they call it, and what a list of none looks like. */
const SETUPS: readonly { readonly url: string; readonly what: string; readonly none: unknown }[] = [
  { url: '/_index_template', what: 'index template', none: { index_templates: [] } },
  { url: '/_component_template', what: 'component template', none: { component_templates: [] } },
  { url: '/_template', what: 'index template', none: {} },
  { url: '/_ilm/policy', what: 'lifecycle policy', none: {} },
  { url: '/_ingest/pipeline', what: 'ingest pipeline', none: {} },
  { url: '/_data_stream', what: 'data stream', none: { data_streams: [] } },
  { url: '/_alias', what: 'alias', none: {} },
];

export const PROBES: readonly Probe[] = [
  read('/', () => ({
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
  })),
  read('/_license', license),
  read('/_xpack/license', license),
  read('/_xpack', () => ({
    build: {},
    license: { ...license().license, mode: 'basic' },
    features: Object.fromEntries(
      ['ilm', 'security', 'ml', 'monitoring', 'graph', 'watcher'].map((name) => [
        name,
        { available: name === 'security', enabled: name === 'security' },
      ]),
    ),
    tagline: 'You know, for X',
  })),
  read('/_cluster/health', health),
  read('/_cluster/health/:index', health),
  read('/_cluster/settings', () => ({ persistent: {}, transient: {}, defaults: {} })),
  { methods: READ, url: '/_cat/health', permission: 'any', answer: catHealth },
  ...['/_cat/templates', '/_cat/templates/:name'].map(
    (url): Probe => ({
      methods: READ,
      url,
      permission: 'any',
      answer: ({ wantsJson }) => ({ status: 200, body: wantsJson ? [] : '' }),
    }),
  ),
  ...['/_nodes', '/_nodes/:node', '/_nodes/:node/:metric'].map((url) => read(url, nodes)),
  read('/_ilm/status', () => ({ operation_mode: 'STOPPED' })),
  read('/_security/_authenticate', ({ account }) => ({
    username: account.id,
    roles: [account.role],
    full_name: null,
    email: null,
    metadata: {},
    enabled: true,
    authentication_type: 'token',
  })),
  ...SETUPS.flatMap(({ url, what, none }): Probe[] => [
    read(url, () => none),
    { methods: ALL, url: `${url}/:name`, permission: 'write-events', answer: (request) => setup(what, request) },
  ]),
  write('/_aliases', () => kept('alias')),
  { methods: ['HEAD'], url: '/:index', permission: 'write-events', answer: () => ({ status: 200, body: '' }) },
  {
    methods: ['PUT'],
    url: '/:index',
    permission: 'write-events',
    answer: ({ params }) => ({
      status: 200,
      body: { acknowledged: true, shards_acknowledged: true, index: params['index'] },
      warning: 'settings and mappings of an index are not kept here',
    }),
  },
  read('/:index/_mapping', ({ params }) => Object.fromEntries([[params['index'] ?? '', { mappings: {} }]])),
  read('/:index/_settings', ({ params }) => Object.fromEntries([[params['index'] ?? '', { settings: {} }]])),
  ...['/:index/_mapping', '/:index/_settings'].map((url) => write(url, () => kept('mapping or setting'))),
  ...['/_refresh', '/:index/_refresh', '/_flush', '/:index/_flush'].map(
    (url): Probe => ({
      methods: ['GET', 'POST'],
      url,
      permission: 'write-events',
      answer: () => ({ status: 200, body: { _shards: { total: 1, successful: 1, failed: 0 } } }),
    }),
  ),
];

function read(url: string, body: (request: ProbeRequest) => unknown): Probe {
  return { methods: READ, url, permission: 'any', answer: (request) => ({ status: 200, body: body(request) }) };
}

function write(url: string, answer: (request: ProbeRequest) => ProbeAnswer): Probe {
  return { methods: WRITE, url, permission: 'write-events', answer };
}

function license() {
  return { license: { status: 'active', uid: '_na_', type: 'basic', issue_date_in_millis: 0 } };
}

function health() {
  return {
    cluster_name: 'vedette',
    status: 'green',
    timed_out: false,
    number_of_nodes: 1,
    number_of_data_nodes: 1,
    active_primary_shards: 1,
    active_shards: 1,
    relocating_shards: 0,
    initializing_shards: 0,
    unassigned_shards: 0,
    active_shards_percent_as_number: 100,
  };
}

function catHealth({ nowMs, wantsJson }: ProbeRequest): ProbeAnswer {
  const epoch = String(Math.floor(nowMs / 1000));
  const timestamp = new Date(nowMs).toISOString().slice(11, 19);
  const row = { epoch, timestamp, cluster: 'vedette', status: 'green', 'node.total': '1', 'node.data': '1' };
  return { status: 200, body: wantsJson ? [row] : `${Object.values(row).join(' ')}\n` };
}

/** Clients that look for further nodes forget those that are not told: so there is one, under the name that the client used. */
function nodes({ host }: ProbeRequest) {
  const address = host !== undefined && /^[A-Za-z0-9.:[\]_-]{1,255}$/.test(host) ? host : '127.0.0.1:8686';
  const node = {
    name: 'vedette',
    version: ELASTIC_VERSION,
    roles: ['data', 'ingest', 'master'],
    attributes: {},
    http: { bound_address: [address], publish_address: address, max_content_length_in_bytes: 67_108_864 },
    plugins: [],
    modules: [],
    ingest: { processors: [] },
  };
  return { _nodes: { total: 1, successful: 1, failed: 0 }, cluster_name: 'vedette', nodes: { vedette: node } };
}

function setup(what: string, { method, params }: ProbeRequest): ProbeAnswer {
  if (method === 'PUT' || method === 'POST') return kept(what);
  const name = params['name'] ?? '';
  if (method === 'GET' && name.includes('*')) return { status: 200, body: {} };
  const reason = `${what} [${name}] does not exist: none is kept here`;
  const type = 'resource_not_found_exception';
  return { status: 404, body: { error: { root_cause: [{ type, reason }], type, reason }, status: 404 } };
}

function kept(what: string): ProbeAnswer {
  return {
    status: 200,
    body: { acknowledged: true },
    warning: `no ${what} is kept or used here: documents are stored as they come`,
  };
}
