// Slack by chat.postMessage with Block Kit. Hostile text stands only where Slack parses nothing (rich text) or escaped: it can
// neither mention people, nor link, nor format. The outbox retries, so the client does not.
import { type Block, ErrorCode, type KnownBlock, type Logger, LogLevel, WebClient } from '@slack/web-api';
import type { AlertGroup, Notification, Severity } from '../../event/detection.ts';
import type { Channel, SendResult } from '../channel.ts';
import { membersTable, textTable, valuesTable } from '../group-message.ts';
import { type Fact, type Message, messageOf } from '../message.ts';
import { shorten, visible } from '../text.ts';

export interface SlackOptions {
  readonly token: string;
  readonly channel: string;
  /** Another API root, for a proxy or a test. */
  readonly apiUrl?: string;
  readonly timeoutMs?: number;
}

const TIMEOUT_MS = 10_000;
/** Slack's limits, in characters after escaping. */
export const HEADER_LENGTH_MAX = 150;
export const FALLBACK_LENGTH_MAX = 1_000;
export const CONTEXT_LENGTH_MAX = 2_000;
/** Ours: the blocks of one message stay well below what Slack takes. */
export const RICH_FACTS_MAX = 20;
const RICH_VALUE_LENGTH_MAX = 700;
export const RICH_MEMBERS_MAX = 20;
const RICH_MEMBER_LENGTH_MAX = 160;
const RICH_ROWS_MAX = 20;
const RICH_TABLE_LENGTH_MAX = 2_500;

/** Slack's answers that mean "later"; every other refusal is final: a wrong token, an unknown channel. */
const RETRYABLE_ERRORS: ReadonlySet<string> = new Set([
  'ratelimited',
  'rate_limited',
  'message_limit_exceeded',
  'fatal_error',
  'internal_error',
  'service_unavailable',
  'request_timeout',
  'team_added_to_org',
]);

/** What Slack calls a message, and a thread. */
const TIMESTAMP = /^[0-9]{1,20}\.[0-9]{1,20}$/;

/** What a proxy's page is not. */
const SLACK_WORD = /^[a-z0-9_]{1,100}$/;

const MARKS = {
  critical: '\u{1f534}',
  high: '\u{1f7e0}',
  medium: '\u{1f7e1}',
  low: '\u{1f535}',
  informational: '\u26aa',
} as const satisfies Record<Severity, string>;

/** Facts that the header or the last line show. */
const NOT_LISTED: ReadonlySet<string> = new Set(['Alert', 'Group', 'Why you get this', 'Runbook']);

export function createSlackChannel(options: SlackOptions): Channel {
  const { token, channel, apiUrl, timeoutMs = TIMEOUT_MS } = options;
  const client = new WebClient(token, {
    ...(apiUrl === undefined ? {} : { slackApiUrl: apiUrl.endsWith('/') ? apiUrl : `${apiUrl}/` }),
    logger: SILENT,
    retryConfig: { retries: 0 },
    rejectRateLimitedCalls: true,
    allowAbsoluteUrls: false,
    timeout: timeoutMs,
  });
  return {
    name: 'slack',
    async send(notification, repliesTo) {
      const thread = repliesTo !== undefined && TIMESTAMP.test(repliesTo) ? { thread_ts: repliesTo } : {};
      try {
        const { ts } = await client.chat.postMessage({ channel, ...slackMessage(notification), ...thread });
        return { kind: 'sent', ...(ts !== undefined && TIMESTAMP.test(ts) ? { reference: ts } : {}) };
      } catch (error) {
        return resultOf(error);
      }
    },
    close: () => Promise.resolve(),
  };
}

export interface SlackMessage {
  /** What notifications on a phone show. */
  readonly text: string;
  readonly blocks: (KnownBlock | Block)[];
  readonly unfurl_links: false;
  readonly unfurl_media: false;
  readonly link_names: false;
  readonly parse: 'none';
  /** By which a repeated message is recognised. */
  readonly metadata: { readonly event_type: 'vedette_alert'; readonly event_payload: Record<string, string> };
}

export function slackMessage(notification: Notification): SlackMessage {
  const message = messageOf(notification);
  const header = escaped(`${MARKS[message.severity]} ${message.headline}`, HEADER_LENGTH_MAX);
  const context = escaped(`${visible(notification.reason)} · ${message.command}`, CONTEXT_LENGTH_MAX);
  return {
    text: escaped(message.headline, FALLBACK_LENGTH_MAX),
    blocks: [
      { type: 'header', text: { type: 'plain_text', text: header, emoji: false } },
      richText(message),
      { type: 'context', elements: [{ type: 'plain_text', text: context, emoji: false }] },
    ],
    unfurl_links: false,
    unfurl_media: false,
    link_names: false,
    parse: 'none',
    metadata: {
      event_type: 'vedette_alert',
      event_payload: { notification_id: notification.id, alert_id: notification.alertId },
    },
  };
}

/** Rich text is a tree: its text is shown as it is, whatever stands in it. */
function richText(message: Message): Block {
  const { group } = message;
  const facts = message.facts.filter(({ label }) => !NOT_LISTED.has(label)).slice(0, RICH_FACTS_MAX);
  const elements: unknown[] = [];
  if (message.description !== '') elements.push(section([{ type: 'text', text: `${message.description}\n` }]));
  if (group !== undefined) elements.push(...groupElements(group));
  for (const fact of facts) elements.push(...factElements(fact));
  if (message.runbookUrl !== undefined) {
    elements.push(section([bold('Runbook: '), { type: 'link', url: message.runbookUrl }]));
  }
  return { type: 'rich_text', elements } as Block;
}

/** The first alerts as a list, the values that occur as a table of fixed width. */
function groupElements(group: AlertGroup): unknown[] {
  const members = membersTable(group, RICH_MEMBERS_MAX);
  const list = members.rows.map(([time = '', host = '', title = '']) =>
    section([
      { type: 'text', text: `${time} ${host} ` },
      { type: 'text', text: shorten(title, RICH_MEMBER_LENGTH_MAX), style: { bold: true } },
    ]),
  );
  const elements: unknown[] = [{ type: 'rich_text_list', style: 'bullet', elements: list }];
  if (members.more !== '') elements.push(section([{ type: 'text', text: `${members.more}\n` }]));
  const values = valuesTable(group, RICH_ROWS_MAX);
  if (values === undefined || values.rows.length === 0) return elements;
  const lines = [...textTable(values), ...(values.more === '' ? [] : [values.more])];
  const text = shorten(lines.join('\n'), RICH_TABLE_LENGTH_MAX);
  return [...elements, { type: 'rich_text_preformatted', elements: [{ type: 'text', text }] }];
}

function factElements({ label, value, isCode }: Fact): unknown[] {
  const text = shorten(value, RICH_VALUE_LENGTH_MAX) || '-';
  if (label.toLowerCase().endsWith('command line')) {
    return [section([bold(`${label}:`)]), { type: 'rich_text_preformatted', elements: [{ type: 'text', text }] }];
  }
  return [
    section([bold(`${label}: `), { type: 'text', text, ...(isCode ? { style: { code: true } } : {}) }, NEW_LINE]),
  ];
}

const NEW_LINE = { type: 'text', text: '\n' } as const;

function section(elements: readonly unknown[]): unknown {
  return { type: 'rich_text_section', elements };
}

function bold(text: string): unknown {
  return { type: 'text', text, style: { bold: true } };
}

/** Slack's control characters as entities; cut so that no entity is cut. */
function escaped(text: string, lengthMax: number): string {
  const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' };
  let result = '';
  for (const character of text) {
    const next = entities[character] ?? character;
    if (result.length + next.length > lengthMax - 1) return `${result}…`;
    result += next;
  }
  return result;
}

/** Nothing of the error but its kind, its status and Slack's own word: the rest may hold the request. */
function resultOf(error: unknown): SendResult {
  const { code, data, statusCode, retryAfter, original } = (error ?? {}) as {
    readonly code?: string;
    readonly data?: { readonly error?: unknown };
    readonly statusCode?: number;
    readonly retryAfter?: number;
    readonly original?: { readonly name?: string; readonly cause?: { readonly code?: unknown } };
  };
  switch (code) {
    case ErrorCode.RateLimitedError:
      return { kind: 'retryable', error: 'Slack asks to wait', afterMs: Number(retryAfter ?? 1) * 1_000 };
    case ErrorCode.PlatformError: {
      const word = data?.error;
      if (typeof word !== 'string' || !SLACK_WORD.test(word)) {
        return { kind: 'retryable', error: 'what answered is not Slack' };
      }
      return { kind: RETRYABLE_ERRORS.has(word) ? 'retryable' : 'permanent', error: `Slack refused: ${word}` };
    }
    case ErrorCode.HTTPError: {
      const isFinal = statusCode !== undefined && statusCode >= 400 && statusCode < 500 && statusCode !== 408;
      return { kind: isFinal ? 'permanent' : 'retryable', error: `Slack answered with status ${statusCode}` };
    }
    default: {
      const cause = original?.cause?.code ?? original?.name;
      return {
        kind: 'retryable',
        error: `Slack cannot be reached: ${typeof cause === 'string' ? cause : 'no answer'}`,
      };
    }
  }
}

const SILENT: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  setLevel: () => undefined,
  getLevel: () => LogLevel.ERROR,
  setName: () => undefined,
};
