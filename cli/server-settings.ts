// From the configuration to what server/server.ts is started with: secrets are read here, and only here.
import { fileURLToPath } from 'node:url';
import type { ChannelOptions, RuleFolder, ServerOptions, StoreOptions } from '../server/options.ts';
import type { Config, SecretSource } from './config/settings.ts';
import { readSecret } from './config.ts';
import { type Outcome, succeed } from './failure.ts';

const DAY_MS = 86_400_000;
/** Each group is an engine of its own, which looks at every event. */
const GROUPS_MAX = 64;

/** Where the shipped rules are. */
export const SHIPPED_RULES: string = fileURLToPath(new URL('../rules/library', import.meta.url));

/** Folders in the order in which they are read: a later one's lists win. */
export function ruleFoldersOf(config: Config): readonly RuleFolder[] {
  const own = config.rules.folders.map((path) => ({ path, kind: 'own' as const }));
  return config.rules.hasShipped ? [{ path: SHIPPED_RULES, kind: 'shipped' }, ...own] : own;
}

export type Surroundings = Pick<ServerOptions, 'version' | 'now' | 'onNotice'> & {
  readonly terminal: ChannelOptions['terminal'];
};

/** Everything that a server is started with, or the secret that cannot be had. */
export async function serverOptionsOf(config: Config, surroundings: Surroundings): Promise<Outcome<ServerOptions>> {
  const { terminal, ...rest } = surroundings;
  const store = await storeOptions(config);
  if (!store.isOk) return store;
  const channels = await channelOptions(config, terminal);
  if (!channels.isOk) return channels;
  return succeed({
    ...rest,
    dataFolder: config.dataFolder,
    host: config.server.host,
    port: config.server.port,
    store: store.value,
    ruleFolders: ruleFoldersOf(config),
    watchesRules: config.rules.isWatched,
    channels: channels.value,
    retention: {
      days: Math.max(1, Math.floor(config.server.retentionMs / DAY_MS)),
      lowDiskBytes: config.embedded.lowDiskBytes,
      ...given('bytesMax', config.embedded.bytesMax),
      ...given('lowDiskKeepMs', config.embedded.lowDiskKeepMs),
    },
    coldAfterMs: config.embedded.coldAfterMs,
    silenceAfterMs: config.server.silenceAfterMs,
    alertOnImports: config.server.alertOnImports,
    ...given('quota', quotaOf(config)),
    ...given('tls', config.server.tls),
    ...(config.engine.isShared ? { sharing: { groups: Math.min(GROUPS_MAX, config.engine.groups) } } : {}),
  });
}

function quotaOf({ server: { quota } }: Config): ServerOptions['quota'] {
  const { eventsPerSecond, bytesPerSecond, burstMs } = quota;
  if (eventsPerSecond === undefined && bytesPerSecond === undefined) return undefined;
  return {
    ...given('eventsPerSecond', eventsPerSecond),
    ...given('bytesPerSecond', bytesPerSecond),
    burstS: Math.max(1, burstMs / 1_000),
  };
}

/** What the store is opened with, or the secret that cannot be had. */
export async function storeOptions(config: Config): Promise<Outcome<StoreOptions>> {
  const { store } = config;
  if (store.kind === 'embedded') return succeed({ kind: 'embedded' });
  const apiKey = await optionalSecret(store.apiKey, 'Elasticsearch API key');
  if (!apiKey.isOk) return apiKey;
  const password = await optionalSecret(store.password, 'Elasticsearch password');
  if (!password.isOk) return password;
  return succeed({
    kind: 'elasticsearch',
    node: store.nodes,
    period: store.indexPeriod,
    settings: { mode: store.indexMode, shards: store.shards, replicas: store.replicas, refreshMs: store.refreshMs },
    ...given('apiKey', apiKey.value),
    ...given('username', store.username),
    ...given('password', password.value),
    ...given('caFile', store.caFile),
  });
}

export async function channelOptions(
  config: Config,
  terminal: ChannelOptions['terminal'],
): Promise<Outcome<ChannelOptions>> {
  const { slack, email, webhook } = config.alerts;
  const token = await optionalSecret(slack?.token, 'Slack token');
  if (!token.isOk) return token;
  const password = await optionalSecret(email?.password, 'e-mail password');
  if (!password.isOk) return password;
  const secret = await optionalSecret(webhook?.secret, 'webhook secret');
  if (!secret.isOk) return secret;
  return succeed({
    ...given('terminal', terminal),
    ...(slack === undefined || token.value === undefined
      ? {}
      : { slack: { channel: slack.channel, token: token.value, ...given('apiUrl', slack.apiUrl) } }),
    ...(email === undefined
      ? {}
      : {
          email: {
            host: email.host,
            port: email.port,
            secure: email.isSecure,
            from: email.from,
            to: email.to,
            ...given('user', email.user),
            ...given('password', password.value),
          },
        }),
    ...(webhook === undefined ? {} : { webhook: { url: webhook.url, ...given('secret', secret.value) } }),
  });
}

async function optionalSecret(source: SecretSource | undefined, what: string): Promise<Outcome<string | undefined>> {
  return source === undefined ? succeed(undefined) : readSecret(source, what);
}

/** `{name: value}`, or nothing where there is no value. */
function given<Name extends string, Value>(name: Name, value: Value | undefined): { readonly [key in Name]?: Value } {
  return value === undefined ? {} : ({ [name]: value } as { [key in Name]: Value });
}
