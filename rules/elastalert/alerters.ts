// ElastAlert's alerters → our channels, and the piece of configuration that they need. Secrets are never copied: neither into a rule nor into what is
// printed.
import { writeYaml } from '../foreign/yaml-writer.ts';
import type { YamlNode } from '../language/yaml-tree.ts';
import { entryOf, membersOf, onlyEntry, textOf } from './notes.ts';
import type { Options } from './options.ts';

/** What the rules together ask of the configuration (docs/configuration.md). */
export interface ChannelNeeds {
  readonly slack: ReadonlySet<string>;
  readonly email: ReadonlySet<string>;
  readonly mailServer: string | undefined;
  readonly mailFrom: string | undefined;
  readonly webhooks: ReadonlySet<string>;
  readonly channels: ReadonlySet<string>;
}

const CHANNELS: Readonly<Record<string, string>> = {
  email: 'email',
  slack: 'slack',
  post: 'webhook',
  post2: 'webhook',
  http_post: 'webhook',
  http_post2: 'webhook',
  debug: 'terminal',
};

export interface AlertersRead {
  /** For `alert.to`. */
  readonly to: readonly string[];
  readonly needs: ChannelNeeds;
}

/** `given`: channels for alerters that have none, by the alerter's name. Undefined after a problem. */
export function readAlerters(options: Options, given: ReadonlyMap<string, string>): AlertersRead | undefined {
  const option = options.option('alert');
  if (option === undefined) {
    return options.notes.problem(
      options.placeOf('type'),
      'the rule has no `alert`',
      'Name an alerter, `alert: [email]`.',
    );
  }
  const to = new Set<string>();
  const needs = { slack: new Set<string>(), email: new Set<string>(), webhooks: new Set<string>() };
  let [mailServer, mailFrom]: (string | undefined)[] = [];
  for (const member of membersOf(option.node)) {
    const nested = onlyEntry(member);
    const name = nested?.key ?? textOf(member) ?? '';
    const setting = (key: string): YamlNode | undefined => entryOf(nested?.value, key) ?? options.option(key)?.node;
    const channel = given.get(name) ?? (Object.hasOwn(CHANNELS, name) ? CHANNELS[name] : undefined);
    if (channel === undefined) {
      const word = /^[a-z0-9_]{1,40}$/i.test(name) ? name : 'NAME';
      const remedy = `Say which channel takes its alerts, here or in config.yaml: \`vedette_alerters: { ${word}: webhook }\`; also email, slack, terminal.`;
      return options.notes.problem(
        { source: option.source, at: member.at },
        `no channel here is like the alerter \`${name.slice(0, 60)}\``,
        remedy,
      );
    }
    to.add(channel);
    if (name === 'slack') for (const one of textsIn(setting('slack_channel_override'))) needs.slack.add(one);
    if (name === 'email') {
      for (const one of [...textsIn(setting('email')), ...textsIn(setting('cc')), ...textsIn(setting('bcc'))])
        needs.email.add(one);
      mailServer ??= textOf(setting('smtp_host'));
      mailFrom ??= textOf(setting('from_addr'));
      if (setting('email_from_field') !== undefined) {
        return options.notes.problem(
          options.placeOf('email_from_field'),
          'a recipient out of the event cannot be said',
          'Write the recipients into the configuration.',
        );
      }
    }
    if (channel === 'webhook')
      for (const one of textsIn(setting(name.endsWith('2') ? 'http_post2_url' : 'http_post_url')))
        needs.webhooks.add(one);
  }
  return { to: [...to], needs: { ...needs, mailServer, mailFrom, channels: to } };
}

function textsIn(node: YamlNode | undefined): readonly string[] {
  return node === undefined
    ? []
    : membersOf(node)
        .map(textOf)
        .filter((text) => text !== undefined);
}

export function mergedNeeds(all: readonly ChannelNeeds[]): ChannelNeeds {
  const union = (of: (needs: ChannelNeeds) => ReadonlySet<string>): ReadonlySet<string> =>
    new Set(all.flatMap((needs) => [...of(needs)]));
  return {
    slack: union(({ slack }) => slack),
    email: union(({ email }) => email),
    webhooks: union(({ webhooks }) => webhooks),
    channels: union(({ channels }) => channels),
    mailServer: all.find(({ mailServer }) => mailServer !== undefined)?.mailServer,
    mailFrom: all.find(({ mailFrom }) => mailFrom !== undefined)?.mailFrom,
  };
}

/** The `alerts` part of `vedette.yaml`, with comments on what is to be filled in; '' where no rule needs any. */
export function configurationText({ slack, email, mailServer, mailFrom, webhooks, channels }: ChannelNeeds): string {
  const remarks: string[] = [];
  const parts: Record<string, Record<string, string | readonly string[]>> = {};
  if (channels.has('slack')) {
    const [first, ...others] = [...slack];
    parts['slack'] = { channel: first ?? 'C0123456789', token_file: 'slack.token' };
    remarks.push(
      'Slack: a bot token (xoxb-…, scope chat:write) goes into slack.token; the incoming webhook of ElastAlert is not used.',
    );
    if (others.length > 0)
      remarks.push(`Slack: the rules name other channels too (${shown(others)}); here all of them share one.`);
  }
  if (channels.has('email')) {
    parts['email'] = {
      host: mailServer ?? 'localhost',
      from: mailFrom ?? 'ElastAlert',
      to: email.size > 0 ? [...email] : ['someone@example.org'],
    };
    remarks.push('E-mail: all rules that mail share these recipients. User and password: `user`, `password_file`.');
    if (mailFrom === undefined)
      remarks.push('E-mail: ElastAlert’s configuration has no `from_addr`; write the sender’s address.');
  }
  if (channels.has('webhook')) {
    const [first, ...others] = [...webhooks].map((url) => safeUrl(url));
    parts['webhook'] = { url: first ?? 'https://example.org/alerts' };
    remarks.push('Webhook: the JSON that is sent is ours (docs/operations.md), not the fields of `http_post_payload`.');
    if (others.length > 0) remarks.push('Webhook: the rules name several addresses; here all of them share one.');
  }
  if (Object.keys(parts).length === 0) return '';
  return `${remarks.map((remark) => `# ${remark}\n`).join('')}${writeYaml({ alerts: parts })}`;
}

function shown(names: readonly string[]): string {
  const few = names.slice(0, 5).map((name) => name.replace(/[^\w#@.-]/g, '?').slice(0, 80));
  return few.join(', ') + (names.length > few.length ? ', …' : '');
}

/** Without what may be a secret in it. */
function safeUrl(text: string): string {
  try {
    const url = new URL(text);
    const isOpen = url.username === '' && url.password === '' && url.search === '' && !/[\w-]{16}/.test(url.pathname);
    return isOpen ? url.href : `${url.protocol}//${url.host}/`;
  } catch {
    return 'https://example.org/alerts';
  }
}
