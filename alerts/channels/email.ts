// E-mail over SMTP: text and HTML, addresses from the configuration only. The Message-ID comes from the notification, so that a
// mail that was sent twice is seen to be one. A password is never sent without TLS but on this very machine.
import { createTransport } from 'nodemailer';
import type { AlertGroup, Notification } from '../../event/detection.ts';
import type { Channel, SendResult } from '../channel.ts';
import { type MessageTable, membersTable, textTable, valuesTable } from '../group-message.ts';
import { messageOf } from '../message.ts';
import { escapeHtml, shorten, visible } from '../text.ts';

export interface EmailOptions {
  readonly host: string;
  readonly port: number;
  /** TLS from the first byte; else STARTTLS where the server offers it. */
  readonly secure: boolean;
  readonly user?: string;
  readonly password?: string;
  readonly from: string;
  readonly to: readonly string[];
  readonly timeoutMs?: number;
  readonly now: () => number;
}

const TIMEOUT_MS = 20_000;
export const SUBJECT_LENGTH_MAX = 200;
/** Of a group. */
const MEMBERS_SHOWN = 25;
const ROWS_SHOWN = 50;
const LOOPBACK: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '::1']);

export function createEmailChannel(options: EmailOptions): Channel {
  const { host, port, secure, user, password, from, to, timeoutMs = TIMEOUT_MS, now } = options;
  const hasPassword = user !== undefined && password !== undefined;
  const transport = createTransport({
    host,
    port,
    secure,
    // One connection is kept for what comes next: a mail server greets slowly, and alerts come in bursts.
    pool: true,
    maxConnections: 1,
    ...(hasPassword ? { auth: { user, pass: password } } : {}),
    requireTLS: hasPassword && !secure && !LOOPBACK.has(host),
    connectionTimeout: timeoutMs,
    greetingTimeout: timeoutMs,
    socketTimeout: timeoutMs,
    dnsTimeout: timeoutMs,
    disableFileAccess: true,
    disableUrlAccess: true,
    logger: false,
  });
  return {
    name: 'email',
    async send(notification) {
      const { subject, text, html } = emailText(notification);
      const { about } = notification;
      const answered = about?.kind === 'follow-up' ? messageIdOf(about.inReplyTo) : undefined;
      const mail = {
        from,
        to: [...to],
        subject,
        text,
        html,
        messageId: messageIdOf(notification.id),
        ...(answered === undefined ? {} : { inReplyTo: answered, references: [answered] }),
        date: new Date(now()),
        headers: {
          'Auto-Submitted': 'auto-generated',
          'X-Vedette-Alert': notification.alertId,
          'X-Vedette-Notification': notification.id,
        },
      };
      return withinTime(
        transport.sendMail(mail).then((): SendResult => ({ kind: 'sent' }), resultOf),
        timeoutMs,
      );
    },
    async close() {
      transport.close();
    },
  };
}

function messageIdOf(notificationId: string): string {
  return `<${notificationId}@vedette>`;
}

export interface EmailText {
  readonly subject: string;
  readonly text: string;
  readonly html: string;
}

export function emailText(notification: Notification): EmailText {
  const { headline, description, facts, command, runbookUrl, group, followUp } = messageOf(notification);
  const tables = group === undefined ? [] : tablesOf(group);
  const width = Math.max(...facts.map(({ label }) => label.length));
  const text = [
    headline,
    '',
    ...(description === '' ? [] : [description, '']),
    ...tables.flatMap((table) => [...textTable(table), ...(table.more === '' ? [] : [table.more]), '']),
    ...facts.map(({ label, value }) => `${`${label}:`.padEnd(width + 1)} ${value}`),
    '',
    `Show it: ${command}`,
    '',
  ].join('\n');
  const rows = facts.map(({ label, value, isCode }) => {
    const shown = label === 'Runbook' && runbookUrl !== undefined ? linkTo(runbookUrl) : escapeHtml(value);
    return `<tr><th align="left" valign="top">${escapeHtml(label)}</th><td>${isCode ? `<code>${shown}</code>` : shown}</td></tr>`;
  });
  const html = [
    '<!doctype html><html><body style="font-family: sans-serif">',
    `<h2>${escapeHtml(headline)}</h2>`,
    ...(description === '' ? [] : [`<p>${escapeHtml(description)}</p>`]),
    ...tables.map(htmlTable),
    `<table cellpadding="4">${rows.join('\n')}</table>`,
    `<p>Show it: <code>${escapeHtml(command)}</code></p>`,
    '</body></html>',
  ].join('\n');
  // A mail that answers another bears its subject, so that programs show the two together.
  const subject = followUp === undefined ? `Vedette ${headline}` : `Re: ${answeredSubject(notification.alert)}`;
  return { subject: shorten(subject, SUBJECT_LENGTH_MAX), text, html };
}

function answeredSubject({ severity, title }: Notification['alert']): string {
  return `Vedette [${severity.toUpperCase()}] ${visible(title)}`;
}

function tablesOf(group: AlertGroup): readonly MessageTable[] {
  const values = valuesTable(group, ROWS_SHOWN);
  return [membersTable(group, MEMBERS_SHOWN), ...(values === undefined ? [] : [values])];
}

function htmlTable({ caption, columns, rows, more }: MessageTable): string {
  const cells = (line: readonly string[], tag: 'th' | 'td'): string =>
    `<tr>${line.map((cell) => `<${tag} align="left" valign="top">${escapeHtml(cell)}</${tag}>`).join('')}</tr>`;
  const body = [cells(columns, 'th'), ...rows.map((row) => cells(row, 'td'))].join('\n');
  const rest = more === '' ? '' : `<p>${escapeHtml(more)}</p>`;
  return `<h3>${escapeHtml(caption)}</h3><table cellpadding="4">${body}</table>${rest}`;
}

function linkTo(url: string): string {
  return `<a href="${escapeHtml(url)}">${escapeHtml(url)}</a>`;
}

/** Nothing of the error but its code and the server's number: the rest may repeat what was sent. */
function resultOf(error: unknown): SendResult {
  const { code, responseCode, command } = (error ?? {}) as {
    readonly code?: string;
    readonly responseCode?: number;
    readonly command?: string;
  };
  const number = responseCode === undefined ? '' : ` (${responseCode}${command === undefined ? '' : ` to ${command}`})`;
  if (command === 'STARTTLS' || code === 'EREQUIRETLS') {
    return { kind: 'permanent', error: 'the mail server offers no TLS, and a password is not sent without it' };
  }
  if (code === 'EAUTH' || code === 'ENOAUTH') {
    const isFinal = responseCode === undefined || responseCode >= 500;
    return { kind: isFinal ? 'permanent' : 'retryable', error: `the mail server refused the login${number}` };
  }
  if (responseCode !== undefined) {
    const isFinal = responseCode >= 500 && responseCode !== 503;
    return { kind: isFinal ? 'permanent' : 'retryable', error: `the mail server refused the message${number}` };
  }
  if (code === 'EENVELOPE' || code === 'ECONFIG')
    return { kind: 'permanent', error: `the mail cannot be sent: ${code}` };
  return { kind: 'retryable', error: `the mail server cannot be used: ${code ?? 'no answer'}` };
}

/** The transport's own limits are per wait; this one is for the whole. */
function withinTime(result: Promise<SendResult>, timeoutMs: number): Promise<SendResult> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<SendResult>((resolve) => {
    timer = setTimeout(() => resolve({ kind: 'retryable', error: 'the mail server takes too long' }), timeoutMs);
  });
  return Promise.race([result, late]).finally(() => clearTimeout(timer));
}
