// Alerts where the server runs: one compact block each. Colour only for a terminal; hostile text cannot move the cursor.
//
//   [HIGH] apache2 spawned bash on web-1
//     Host          web-1 (h1)
//     Command line  bash -c id
//     vedette alerts show 0abc…
import type { Writable } from 'node:stream';
import type { Notification, Severity } from '../../event/detection.ts';
import type { Channel, SendResult } from '../channel.ts';
import { type MessageTable, membersTable, textTable, valuesTable } from '../group-message.ts';
import { messageOf } from '../message.ts';
import { TERMINAL } from '../route.ts';
import { visible } from '../text.ts';

export interface TerminalOptions {
  readonly writable: Writable;
  readonly isTty?: boolean;
  /** One line of JSON an alert, for programs, in place of the block. */
  readonly isJson?: boolean;
  /** How a person here shows an alert; `vedette alerts show ID` when absent. */
  readonly commandOf?: (alertId: string) => string;
  /** How long one block may take: a stopped terminal must not hold the sender. */
  readonly timeoutMs?: number;
}

const WRITE_TIMEOUT_MS = 5_000;
const INDENT = '  ';
const LABEL_WIDTH_MAX = 22;
/** Of a group. */
const MEMBERS_SHOWN = 10;
const ROWS_SHOWN = 10;
/** The headline says these already. */
const IN_HEADLINE: ReadonlySet<string> = new Set(['Severity']);

const COLOURS = {
  critical: '\u001b[1;97;41m',
  high: '\u001b[1;31m',
  medium: '\u001b[1;33m',
  low: '\u001b[1;36m',
  informational: '\u001b[1m',
} as const satisfies Record<Severity, string>;
/** What JSON leaves as it is: C1 controls, separators and marks of direction. */
const UNPRINTABLE = /[\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;
const DIM = '\u001b[2m';
const RESET = '\u001b[0m';

export function createTerminalChannel(options: TerminalOptions): Channel {
  const { writable, isTty = false, isJson = false, commandOf, timeoutMs = WRITE_TIMEOUT_MS } = options;
  const textOf = (notification: Notification): string =>
    isJson ? terminalJson(notification) : terminalText(notification, isTty, commandOf);
  return {
    name: TERMINAL,
    send: (notification) => write(writable, textOf(notification), timeoutMs),
    close: () => Promise.resolve(),
  };
}

/** `{"kind":"alert","alert":{…},"reason":…}` (`group`, `follow-up`) and a newline; no character of it moves a cursor. */
function terminalJson({ reason, alert, about }: Notification): string {
  const told = about?.kind === 'group' ? about : { kind: 'alert', ...about, alert };
  const json = JSON.stringify({ ...told, reason });
  const escaped = json.replace(
    UNPRINTABLE,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  return `${escaped}\n`;
}

/** The block, with the empty line after it. */
export function terminalText(
  notification: Notification,
  isColoured: boolean,
  commandOf?: TerminalOptions['commandOf'],
): string {
  const message = messageOf(notification);
  const coloured = (colour: string, text: string): string => (isColoured ? `${colour}${text}${RESET}` : text);
  const { group } = message;
  const facts = message.facts.filter(({ label }) => !IN_HEADLINE.has(label));
  const width = Math.min(LABEL_WIDTH_MAX, Math.max(...facts.map(({ label }) => label.length)));
  const tables = group === undefined ? [] : [membersTable(group, MEMBERS_SHOWN), valuesTable(group, ROWS_SHOWN)];
  const { id } = notification.alert;
  const shows = commandOf?.(id);
  // Whatever a person here writes before and after it.
  const command = group === undefined ? shows : shows?.replace(`show ${id}`, () => `list --group ${group.id}`);
  return [
    coloured(COLOURS[message.severity], message.headline),
    ...tables.flatMap((table) => (table === undefined ? [] : tableLines(table, (text) => coloured(DIM, text)))),
    ...facts.map(({ label, value }) => `${INDENT}${coloured(DIM, label.padEnd(width))}  ${value}`),
    `${INDENT}${coloured(DIM, 'More'.padEnd(width))}  ${visible(command ?? message.command)}`,
    '',
    '',
  ].join('\n');
}

function tableLines(table: MessageTable, dimmed: (text: string) => string): readonly string[] {
  const [head = '', ...rows] = textTable(table);
  const more = table.more === '' ? [] : [dimmed(table.more)];
  return [dimmed(head), ...rows, ...more].map((line) => `${INDENT}${line}`);
}

function write(writable: Writable, text: string, timeoutMs: number): Promise<SendResult> {
  if (writable.destroyed || writable.writableEnded) {
    return Promise.resolve({ kind: 'permanent', error: 'the terminal is closed' });
  }
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve({ kind: 'retryable', error: 'the terminal does not take text' }), timeoutMs);
    writable.write(text, (error) => {
      clearTimeout(timer);
      resolve(error ? { kind: 'retryable', error: 'writing to the terminal failed' } : { kind: 'sent' });
    });
  });
}
