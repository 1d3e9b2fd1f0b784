// The configuration as the commands use it: typed, defaults filled in, every path absolute. Secrets stay where they are (a
// file, or the environment) until a command needs one, so that `vedette search` never reads the Slack token.
import type { RulesProfile } from '../../collector/audit-rules/default-rules.ts';
import { CONFIG_KEYS, type ConfigKey } from './keys.ts';
import type { ConfigValue } from './value.ts';

/** Where a secret is: read by `readSecret` of cli/config.ts, by the command that needs it. */
export type SecretSource =
  | { readonly kind: 'text'; readonly text: string; readonly variable: string }
  | { readonly kind: 'file'; readonly path: string };

type StoreConfig =
  | { readonly kind: 'embedded' }
  | {
      readonly kind: 'elasticsearch';
      readonly nodes: readonly string[];
      readonly indexPeriod: 'day' | 'hour';
      readonly indexMode: 'auto' | 'logsdb' | 'standard';
      readonly shards: number;
      readonly replicas: number;
      readonly refreshMs: number;
      readonly apiKey: SecretSource | undefined;
      readonly username: string | undefined;
      readonly password: SecretSource | undefined;
      readonly caFile: string | undefined;
    };

type CollectorSource = 'auto' | 'kernel' | 'multicast' | 'file' | 'recording';

export interface Config {
  /** The file that was read, or undefined. */
  readonly file: string | undefined;
  readonly dataFolder: string;
  readonly server: {
    readonly host: string;
    readonly port: number;
    readonly silenceAfterMs: number;
    readonly retentionMs: number;
    readonly alertOnImports: boolean;
    readonly quota: {
      readonly eventsPerSecond: number | undefined;
      readonly bytesPerSecond: number | undefined;
      readonly burstMs: number;
    };
    readonly tls: ServerTls | undefined;
  };
  readonly engine: { readonly isShared: boolean; readonly groups: number };
  readonly store: StoreConfig;
  readonly embedded: {
    readonly coldAfterMs: number;
    readonly bytesMax: number | undefined;
    readonly lowDiskBytes: number;
    readonly lowDiskKeepMs: number | undefined;
  };
  readonly rules: { readonly folders: readonly string[]; readonly hasShipped: boolean; readonly isWatched: boolean };
  readonly alerts: {
    readonly slack:
      | { readonly channel: string; readonly token: SecretSource; readonly apiUrl: string | undefined }
      | undefined;
    readonly email:
      | {
          readonly host: string;
          readonly port: number;
          readonly isSecure: boolean;
          readonly user: string | undefined;
          readonly password: SecretSource | undefined;
          readonly from: string;
          readonly to: readonly string[];
        }
      | undefined;
    readonly webhook: { readonly url: string; readonly secret: SecretSource | undefined } | undefined;
  };
  readonly collector: {
    readonly server: string | undefined;
    readonly enrollmentSecret: SecretSource | undefined;
    readonly tokenFile: string | undefined;
    readonly source: CollectorSource;
    readonly recordingFile: string | undefined;
    readonly files: readonly string[];
    readonly filesHost: string | undefined;
    readonly filesStart: 'beginning' | 'end';
    readonly rulesProfile: RulesProfile;
    readonly rulesFiles: readonly string[];
    readonly mendsRules: boolean;
    readonly rulesScope: string | undefined;
    readonly spoolBytesMax: number;
    readonly spoolAgeMsMax: number;
    readonly otherServers: readonly string[];
    readonly destination: 'vedette' | 'elasticsearch';
    readonly apiKey: SecretSource | undefined;
    readonly compression: 'auto' | 'zstd' | 'gzip' | 'none';
    readonly tls: {
      readonly caFile: string | undefined;
      readonly certFile: string | undefined;
      readonly keyFile: string | undefined;
    };
    readonly hashesExecutables: boolean;
    /** Percent of one core, and bytes. */
    readonly limits: { readonly cpuPercent: number | undefined; readonly memoryBytes: number | undefined };
  };
  readonly client: { readonly server: string | undefined; readonly token: SecretSource | undefined };
}

interface ServerTls {
  readonly host: string;
  readonly port: number;
  readonly certFile: string;
  readonly keyFile: string;
}

/** Checked values by key path, and which of them somebody gave. */
export interface ConfigValues {
  readonly file: string | undefined;
  readonly values: ReadonlyMap<string, ConfigValue>;
  readonly secrets: ReadonlyMap<string, SecretSource>;
}

/** A key without which another one that was given means nothing. */
export interface MissingKey {
  readonly path: string;
  /** The key that asks for it. */
  readonly because: string;
}

/** What is missing: half a channel must not go unnoticed. */
export function missingKeys(given: ReadonlySet<string>): readonly MissingKey[] {
  const missing: MissingKey[] = [];
  for (const [section, needed] of Object.entries(NEEDED)) {
    const because = CONFIG_KEYS.find((key) => key.path.startsWith(`${section}.`) && given.has(key.path))?.path;
    if (because === undefined) continue;
    for (const alternatives of needed) {
      const paths = alternatives.map((name) => `${section}.${name}`);
      if (!paths.some((path) => given.has(path))) missing.push({ path: paths[0] ?? section, because });
    }
  }
  for (const { user, passwords } of LOGINS) {
    const password = passwords.find((path) => given.has(path));
    if (given.has(user) && password === undefined) missing.push({ path: passwords[0], because: user });
    if (!given.has(user) && password !== undefined) missing.push({ path: user, because: password });
  }
  return missing;
}

/** Half a login is none. */
const LOGINS = [
  {
    user: 'store.elasticsearch.username',
    passwords: ['store.elasticsearch.password_file', 'store.elasticsearch.password'],
  },
  { user: 'alerts.email.user', passwords: ['alerts.email.password_file', 'alerts.email.password'] },
  { user: 'server.tls.cert_file', passwords: ['server.tls.key_file'] },
  { user: 'collector.tls.cert_file', passwords: ['collector.tls.key_file'] },
] as const;

/** By section: the keys it needs, each as alternatives. */
const NEEDED: Readonly<Record<string, readonly (readonly string[])[]>> = {
  'store.elasticsearch': [['node']],
  'alerts.slack': [['channel'], ['token_file', 'token']],
  'alerts.email': [['host'], ['from'], ['to']],
  'alerts.webhook': [['url']],
};

/** Puts checked values together; those that have a default are all there. */
export function assembleConfig({ file, values, secrets }: ConfigValues): Config {
  const text = (path: string): string | undefined => values.get(path) as string | undefined;
  const number = (path: string): number => values.get(path) as number;
  const isOn = (path: string): boolean => values.get(path) === true;
  const texts = (path: string): readonly string[] => (values.get(path) as readonly string[] | undefined) ?? [];
  const [node, slackChannel, slackToken] = [
    text('store.elasticsearch.node'),
    text('alerts.slack.channel'),
    secrets.get('alerts.slack.token'),
  ];
  const [certFile, keyFile] = [text('server.tls.cert_file'), text('server.tls.key_file')];
  const [emailHost, webhookUrl] = [text('alerts.email.host'), text('alerts.webhook.url')];
  return {
    file,
    dataFolder: text('data') ?? '',
    server: {
      host: text('server.host') ?? '',
      port: number('server.port'),
      silenceAfterMs: number('server.silence_after'),
      retentionMs: number('server.retention'),
      alertOnImports: isOn('server.alert_on_imports'),
      quota: {
        eventsPerSecond: values.get('server.quota.events_per_second') as number | undefined,
        bytesPerSecond: values.get('server.quota.bytes_per_second') as number | undefined,
        burstMs: number('server.quota.burst'),
      },
      tls:
        certFile === undefined || keyFile === undefined
          ? undefined
          : { host: text('server.tls.host') ?? '', port: number('server.tls.port'), certFile, keyFile },
    },
    engine: { isShared: isOn('engine.shared'), groups: number('engine.groups') },
    store:
      node === undefined
        ? { kind: 'embedded' }
        : {
            kind: 'elasticsearch',
            nodes: [node, ...texts('store.elasticsearch.other_nodes')],
            indexPeriod: text('store.elasticsearch.index_period') === 'hour' ? 'hour' : 'day',
            indexMode: (text('store.elasticsearch.index_mode') ?? 'auto') as 'auto' | 'logsdb' | 'standard',
            shards: number('store.elasticsearch.shards'),
            replicas: Number(text('store.elasticsearch.replicas')),
            refreshMs: number('store.elasticsearch.refresh'),
            apiKey: secrets.get('store.elasticsearch.api_key'),
            username: text('store.elasticsearch.username'),
            password: secrets.get('store.elasticsearch.password'),
            caFile: text('store.elasticsearch.ca_file'),
          },
    embedded: {
      coldAfterMs: number('store.embedded.cold_after'),
      bytesMax: values.get('store.embedded.max_bytes') as number | undefined,
      lowDiskBytes: number('store.embedded.low_disk'),
      lowDiskKeepMs: values.get('store.embedded.low_disk_keep') as number | undefined,
    },
    rules: { folders: texts('rules.folders'), hasShipped: isOn('rules.shipped'), isWatched: isOn('rules.watch') },
    alerts: {
      slack:
        slackChannel === undefined || slackToken === undefined
          ? undefined
          : { channel: slackChannel, token: slackToken, apiUrl: text('alerts.slack.api_url') },
      email:
        emailHost === undefined
          ? undefined
          : {
              host: emailHost,
              port: number('alerts.email.port'),
              isSecure: isOn('alerts.email.secure'),
              user: text('alerts.email.user'),
              password: secrets.get('alerts.email.password'),
              from: text('alerts.email.from') ?? '',
              to: texts('alerts.email.to'),
            },
      webhook: webhookUrl === undefined ? undefined : { url: webhookUrl, secret: secrets.get('alerts.webhook.secret') },
    },
    collector: {
      server: text('collector.server'),
      enrollmentSecret: secrets.get('collector.enrollment_secret'),
      tokenFile: text('collector.token_file'),
      source: (text('collector.source') ?? 'auto') as CollectorSource,
      recordingFile: text('collector.recording_file'),
      files: texts('collector.files'),
      filesHost: text('collector.files_host'),
      filesStart: text('collector.files_start') === 'end' ? 'end' : 'beginning',
      rulesProfile: (text('collector.rules') ?? 'default') as RulesProfile,
      rulesFiles: texts('collector.rules_files'),
      mendsRules: isOn('collector.mend_rules'),
      rulesScope: text('collector.rules_scope'),
      spoolBytesMax: number('collector.spool.max_bytes'),
      spoolAgeMsMax: number('collector.spool.max_age'),
      otherServers: texts('collector.other_servers'),
      destination: text('collector.destination') === 'elasticsearch' ? 'elasticsearch' : 'vedette',
      apiKey: secrets.get('collector.api_key'),
      compression: (text('collector.compression') ?? 'auto') as Config['collector']['compression'],
      tls: {
        caFile: text('collector.tls.ca_file'),
        certFile: text('collector.tls.cert_file'),
        keyFile: text('collector.tls.key_file'),
      },
      hashesExecutables: values.get('collector.hash_executables') === true,
      limits: {
        cpuPercent: values.get('collector.limits.cpu') as number | undefined,
        memoryBytes: values.get('collector.limits.memory') as number | undefined,
      },
    },
    client: { server: text('client.server'), token: secrets.get('client.token') },
  };
}

/** The secret that `key` (a `…_file` key, or the secret's own) gives, as path of the secret: undefined for other keys. */
export function secretPathOf(key: ConfigKey): string | undefined {
  if (key.kind === 'secret') return key.path;
  const path = key.path.replace(/_file$/, '');
  return CONFIG_KEYS.some((other) => other.kind === 'secret' && other.path === path) ? path : undefined;
}
