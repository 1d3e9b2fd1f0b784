// Every key of vedette.yaml: the one table from which come the reading, the JSON Schema, the environment variables and the
// documentation. A key's environment variable is VEDETTE_ and its path in capitals: server.port is VEDETTE_SERVER_PORT.
// Secrets have no place in the file: a `secret` key is there to be refused, with the way to give it instead. Longer than 300 lines,
// because it is one table.
import { DEFAULT_HOST, DEFAULT_PORT, DEFAULT_RETENTION_DAYS, DEFAULT_SILENCE_AFTER_MS } from '../../server/options.ts';

type KeyKind =
  | 'text'
  /** A file or folder; relative to the folder of vedette.yaml, or, from elsewhere, to the current one. */
  | 'path'
  | 'paths'
  | 'texts'
  | 'port'
  | 'boolean'
  /** A whole number from 1. */
  | 'count'
  | 'duration'
  /** `512MiB`, `1GiB`, or a number of bytes. */
  | 'bytes'
  /** `25%`. */
  | 'percent'
  | 'url'
  | 'choice'
  /** Only from the environment; in the file it is refused. */
  | 'secret';

export interface ConfigKey {
  readonly path: string;
  readonly kind: KeyKind;
  /** As one would write it; absent when there is none. */
  readonly default?: string;
  readonly choices?: readonly string[];
  /** Of a secret: its environment variable, shorter than the rule makes it. */
  readonly variable?: string;
  readonly description: string;
}

export const CONFIG_KEYS: readonly ConfigKey[] = [
  {
    path: 'data',
    kind: 'path',
    default: './data',
    description: 'The data folder: events, state, tokens, the collector’s spool. Made with mode 0700 when missing.',
  },
  {
    path: 'server.host',
    kind: 'text',
    default: DEFAULT_HOST,
    description: 'Address to listen on. Keep the loopback unless something that speaks TLS stands in front.',
  },
  {
    path: 'server.port',
    kind: 'port',
    default: String(DEFAULT_PORT),
    description: 'Port to listen on; 0 takes any free one.',
  },
  {
    path: 'server.silence_after',
    kind: 'duration',
    default: `${DEFAULT_SILENCE_AFTER_MS / 1000}s`,
    description: 'A host that has said nothing for so long makes a “host went silent” event.',
  },
  {
    path: 'server.retention',
    kind: 'duration',
    default: `${DEFAULT_RETENTION_DAYS}d`,
    description: 'Events older than this are dropped, once a day; at least 1d.',
  },
  {
    path: 'server.quota.events_per_second',
    kind: 'count',
    description: 'How many events a second a host may send, over `server.quota.burst`; more is put off with 429.',
  },
  {
    path: 'server.quota.bytes_per_second',
    kind: 'bytes',
    description: 'The same in bytes, after decompression. `vedette hosts quota` gives one host a quota of its own.',
  },
  {
    path: 'server.quota.burst',
    kind: 'duration',
    default: '10s',
    description: 'So many seconds’ worth of the quota may come at once.',
  },
  {
    path: 'server.tls.host',
    kind: 'text',
    default: '0.0.0.0',
    description: 'Address of the listener that speaks TLS; there is one where a certificate is given.',
  },
  {
    path: 'server.tls.port',
    kind: 'port',
    default: '8687',
    description: 'Port of that listener.',
  },
  {
    path: 'server.tls.cert_file',
    kind: 'path',
    description: 'Certificate (PEM, with its chain) of the listener that speaks TLS; read again on SIGHUP.',
  },
  { path: 'server.tls.key_file', kind: 'path', description: 'The private key of that certificate.' },
  {
    path: 'server.alert_on_imports',
    kind: 'boolean',
    default: 'false',
    description: 'Whether events that `vedette import` wrote meet the live rules too.',
  },
  {
    path: 'engine.shared',
    kind: 'boolean',
    default: 'false',
    description:
      'Whether rules are evaluated by `vedette engine` processes, as many as you like, instead of by the server. Needs Elasticsearch.',
  },
  {
    path: 'engine.groups',
    kind: 'count',
    default: '4',
    description:
      'In how many groups the rules are shared out among them: as many processes can help. Holds from the first start on.',
  },
  {
    path: 'store.embedded.cold_after',
    kind: 'duration',
    default: '2d',
    description: 'So long after its day is over a partition is rewritten as Parquet, about half as large.',
  },
  {
    path: 'store.embedded.max_bytes',
    kind: 'bytes',
    description:
      'The most that stored events may take on disk; then the oldest are dropped. Without it, age alone decides.',
  },
  {
    path: 'store.embedded.low_disk',
    kind: 'bytes',
    default: '2GiB',
    description: 'With less room on the disk of the data folder this is told as an event, and `low_disk_keep` holds.',
  },
  {
    path: 'store.embedded.low_disk_keep',
    kind: 'duration',
    description: 'Events older than this may be dropped for want of room, the oldest first. Without it none are.',
  },
  {
    path: 'store.elasticsearch.node',
    kind: 'url',
    description:
      'URL of an Elasticsearch node. Without it (or with `store: { embedded: {} }`) events stay in the data folder.',
  },
  {
    path: 'store.elasticsearch.other_nodes',
    kind: 'texts',
    description: 'URLs of more nodes of that cluster, for when one does not answer.',
  },
  {
    path: 'store.elasticsearch.index_period',
    kind: 'choice',
    choices: ['day', 'hour'],
    default: 'day',
    description: 'An index for each day of `@timestamp`, or for each hour (from some 100 GB a day on).',
  },
  {
    path: 'store.elasticsearch.index_mode',
    kind: 'choice',
    choices: ['auto', 'logsdb', 'standard'],
    default: 'auto',
    description: 'How indices are stored. `auto`: logsdb, a quarter smaller, where the cluster has it.',
  },
  {
    path: 'store.elasticsearch.shards',
    kind: 'count',
    default: '1',
    description: 'Primary shards of a new index; one for some 30 to 50 GB of it.',
  },
  {
    path: 'store.elasticsearch.replicas',
    kind: 'choice',
    choices: ['0', '1', '2', '3'],
    default: '1',
    description: 'Copies of each shard of a new index.',
  },
  {
    path: 'store.elasticsearch.refresh',
    kind: 'duration',
    default: '5s',
    description:
      'How often a new index shows what was written to others than Vedette, which asks for it when it looks.',
  },
  {
    path: 'store.elasticsearch.api_key_file',
    kind: 'path',
    description: 'File with the API key (its base64 form).',
  },
  {
    path: 'store.elasticsearch.api_key',
    kind: 'secret',
    variable: 'VEDETTE_ELASTICSEARCH_API_KEY',
    description: 'The API key itself.',
  },
  { path: 'store.elasticsearch.username', kind: 'text', description: 'User name, where there is no API key.' },
  { path: 'store.elasticsearch.password_file', kind: 'path', description: 'File with that user’s password.' },
  {
    path: 'store.elasticsearch.password',
    kind: 'secret',
    variable: 'VEDETTE_ELASTICSEARCH_PASSWORD',
    description: 'The password itself.',
  },
  {
    path: 'store.elasticsearch.ca_file',
    kind: 'path',
    description: 'Certificate authority (PEM) of the node, where the system does not know it.',
  },
  {
    path: 'rules.folders',
    kind: 'paths',
    description: 'Folders of your own rules; `lists/` in them holds your lists.',
  },
  {
    path: 'rules.watch',
    kind: 'boolean',
    default: 'true',
    description: 'Whether your rules are read again as soon as their files change; else on SIGHUP.',
  },
  { path: 'rules.shipped', kind: 'boolean', default: 'true', description: 'Whether the shipped rules are loaded too.' },
  { path: 'alerts.slack.channel', kind: 'text', description: 'Slack channel id or name. Turns the channel on.' },
  { path: 'alerts.slack.token_file', kind: 'path', description: 'File with the bot token (xoxb-…, scope chat:write).' },
  { path: 'alerts.slack.token', kind: 'secret', variable: 'VEDETTE_SLACK_TOKEN', description: 'The bot token itself.' },
  { path: 'alerts.slack.api_url', kind: 'url', description: 'Another root of Slack’s API, for a proxy.' },
  { path: 'alerts.email.host', kind: 'text', description: 'SMTP server. Turns the channel on.' },
  { path: 'alerts.email.port', kind: 'port', default: '587', description: 'Its port.' },
  {
    path: 'alerts.email.secure',
    kind: 'boolean',
    default: 'false',
    description: 'TLS from the first byte (port 465); else STARTTLS where the server offers it.',
  },
  { path: 'alerts.email.user', kind: 'text', description: 'User name at the SMTP server.' },
  { path: 'alerts.email.password_file', kind: 'path', description: 'File with that user’s password.' },
  {
    path: 'alerts.email.password',
    kind: 'secret',
    variable: 'VEDETTE_EMAIL_PASSWORD',
    description: 'The password itself.',
  },
  { path: 'alerts.email.from', kind: 'text', description: 'Sender’s address.' },
  { path: 'alerts.email.to', kind: 'texts', description: 'Recipients’ addresses.' },
  { path: 'alerts.webhook.url', kind: 'url', description: 'Where each alert is sent by POST. Turns the channel on.' },
  {
    path: 'alerts.webhook.secret_file',
    kind: 'path',
    description: 'File with the secret that signs each request (HMAC-SHA256); unsigned without.',
  },
  {
    path: 'alerts.webhook.secret',
    kind: 'secret',
    variable: 'VEDETTE_WEBHOOK_SECRET',
    description: 'The secret itself.',
  },
  {
    path: 'collector.server',
    kind: 'url',
    description: 'The server to ship to; by default the one of this configuration.',
  },
  {
    path: 'collector.other_servers',
    kind: 'texts',
    description: 'URLs of more servers of the same store, for when `collector.server` fails.',
  },
  {
    path: 'collector.destination',
    kind: 'choice',
    choices: ['vedette', 'elasticsearch'],
    default: 'vedette',
    description: 'What `collector.server` is: a Vedette server, or a node of an Elasticsearch cluster.',
  },
  {
    path: 'collector.api_key_file',
    kind: 'path',
    description: 'File with the Elasticsearch API key (its base64 form), for `destination: elasticsearch`.',
  },
  {
    path: 'collector.api_key',
    kind: 'secret',
    variable: 'VEDETTE_COLLECTOR_API_KEY',
    description: 'That API key itself.',
  },
  {
    path: 'collector.compression',
    kind: 'choice',
    choices: ['auto', 'zstd', 'gzip', 'none'],
    default: 'auto',
    description:
      'How requests are packed. `auto`: not at all on the same host, zstd where the server takes it, else gzip.',
  },
  {
    path: 'collector.tls.ca_file',
    kind: 'path',
    description: 'Certificate authority (PEM) to trust besides the built-in ones.',
  },
  {
    path: 'collector.tls.cert_file',
    kind: 'path',
    description: 'Certificate (PEM, with its chain) by which this host shows who it is.',
  },
  { path: 'collector.tls.key_file', kind: 'path', description: 'The private key of that certificate.' },
  {
    path: 'collector.enrollment_secret_file',
    kind: 'path',
    description:
      'File with the secret by which this host gets its token, once; by default the server’s own, in the data folder.',
  },
  {
    path: 'collector.enrollment_secret',
    kind: 'secret',
    variable: 'VEDETTE_ENROLLMENT_SECRET',
    description: 'The enrolment secret itself.',
  },
  {
    path: 'collector.token_file',
    kind: 'path',
    description: 'File with this host’s token, where it was enrolled by other means.',
  },
  {
    path: 'collector.source',
    kind: 'choice',
    choices: ['auto', 'kernel', 'multicast', 'file', 'recording'],
    default: 'auto',
    description:
      'Where events come from. `auto`: the kernel’s audit socket, else its multicast group beside another daemon.',
  },
  {
    path: 'collector.files',
    kind: 'paths',
    description: 'What `source: file` follows: logs of auditd, go-audit or laurel; patterns of `*` and `?` too.',
  },
  {
    path: 'collector.files_host',
    kind: 'text',
    description: 'Whose logs those are: `this` for this machine, or the name of another host.',
  },
  {
    path: 'collector.files_start',
    kind: 'choice',
    choices: ['beginning', 'end'],
    default: 'beginning',
    description: 'Where a log is begun that was never read.',
  },
  {
    path: 'collector.recording_file',
    kind: 'path',
    description: 'What `source: recording` plays; by default the host that comes with Vedette.',
  },
  {
    path: 'collector.rules',
    kind: 'choice',
    choices: ['exec', 'default', 'everything', 'none'],
    default: 'default',
    description:
      'Which audit rules are loaded: `exec` (programs and identities), `default`, `everything` (all system calls) or `none`.',
  },
  {
    path: 'collector.rules_files',
    kind: 'paths',
    description:
      'Files of audit rules in auditctl’s words, and folders of them (`*.rules`); they come before those of `collector.rules`.',
  },
  {
    path: 'collector.mend_rules',
    kind: 'boolean',
    default: 'true',
    description:
      'Whether audit rules that somebody deletes, and settings that somebody changes, are put right again, ten times an hour at the most.',
  },
  {
    path: 'collector.rules_scope',
    kind: 'text',
    description: 'Limits every audit rule to one user or program (`uid=4242`, `exe=/usr/bin/x`). For tests.',
  },
  {
    path: 'collector.spool.max_bytes',
    kind: 'bytes',
    default: '1GiB',
    description: 'The most that the collector keeps on disk while the server cannot be reached.',
  },
  {
    path: 'collector.spool.max_age',
    kind: 'duration',
    default: '30d',
    description: 'Events that have waited longer are given up, with a loss record.',
  },
  {
    path: 'collector.hash_executables',
    kind: 'boolean',
    default: 'false',
    description: 'Whether events tell the SHA-256 of the executable (`process.hash.sha256`), within a budget.',
  },
  {
    path: 'collector.limits.cpu',
    kind: 'percent',
    description:
      'The most of one core that the collector may use; past it, it gives up hashes, containers, look-ups in /proc, then events, and says so. Without it there is no limit.',
  },
  {
    path: 'collector.limits.memory',
    kind: 'bytes',
    description:
      'The most memory that the collector may hold resident; past it for half a minute it ends in good order.',
  },
  {
    path: 'client.server',
    kind: 'url',
    description:
      'The server that `search`, `alerts`, `hosts`, `status` and `import` ask; by default the one of this configuration.',
  },
  {
    path: 'client.token_file',
    kind: 'path',
    description: 'File with the token for it; by default the server’s own, in the data folder.',
  },
  { path: 'client.token', kind: 'secret', variable: 'VEDETTE_TOKEN', description: 'The token itself.' },
];

/** The environment variable of a key. */
export function variableOf(key: ConfigKey): string {
  return key.variable ?? `VEDETTE_${key.path.replaceAll('.', '_').toUpperCase()}`;
}
