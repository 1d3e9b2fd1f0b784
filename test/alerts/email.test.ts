import type { SMTPServerOptions } from 'smtp-server';
import { afterEach, describe, expect, it } from 'vitest';
import type { SendResult } from '../../alerts/channel.ts';
import { createEmailChannel, type EmailOptions } from '../../alerts/channels/email.ts';
import type { Notification } from '../../event/detection.ts';
import { closedPort, type LoopbackHttp, type LoopbackSmtp, listenHttp, listenSmtp } from './loopback.ts';
import { hostileNotification, notificationWith } from './making.ts';

const PASSWORD = 'very-secret';
const open: (LoopbackSmtp | LoopbackHttp)[] = [];
afterEach(async () => {
  for (const server of open.splice(0)) await server.close();
});

async function smtp(...options: Parameters<typeof listenSmtp>): Promise<LoopbackSmtp> {
  const server = await listenSmtp(...options);
  open.push(server);
  return server;
}

async function send(
  port: number,
  notification: Notification = notificationWith(),
  more: Partial<Pick<EmailOptions, 'host' | 'user' | 'password' | 'timeoutMs'>> = {},
): Promise<SendResult> {
  const channel = createEmailChannel({
    host: '127.0.0.1',
    port,
    secure: false,
    from: 'Vedette <vedette@example.org>',
    to: ['soc@example.org', 'lead@example.org'],
    timeoutMs: 50_000,
    now: () => Date.UTC(2026, 10, 21),
    ...more,
  });
  const result = await channel.send(notification);
  await channel.close();
  return result;
}

/** SMTP's refusal with this number. */
function refusal(responseCode: number): Error {
  return Object.assign(new Error(`no, and your password is ${PASSWORD}`), { responseCode });
}

describe('the e-mail channel', () => {
  it('delivers text and HTML to everyone, with an id made of the notification’s', async () => {
    const server = await smtp();
    expect(await send(server.port)).toEqual({ kind: 'sent' });
    const [mail] = server.mails;
    expect(mail).toMatchObject({ from: 'vedette@example.org', to: ['soc@example.org', 'lead@example.org'] });
    expect(mail?.source).toMatch(/^Subject: Vedette \[HIGH\] apache2 spawned bash on web-1\r$/m);
    expect(mail?.source).toMatch(/^Message-ID: <0notification@vedette>\r$/m);
    expect(mail?.source).toMatch(/^Date: Sat, 21 Nov 2026 00:00:00 \+0000\r$/m);
    expect(mail?.source).toMatch(/^Auto-Submitted: auto-generated\r$/m);
    expect(mail?.source).toContain('Content-Type: text/plain');
    expect(mail?.source).toContain('Content-Type: text/html');
  });

  it('hostile text adds no header and no recipient', async () => {
    const server = await smtp();
    expect(await send(server.port, hostileNotification())).toEqual({ kind: 'sent' });
    const [head = ''] = server.mails[0]?.source.split('\r\n\r\n') ?? [];
    expect(head).not.toMatch(/^Bcc:/im);
    expect(server.mails[0]?.to).toEqual(['soc@example.org', 'lead@example.org']);
  });

  it('logs in where it has a password', async () => {
    const server = await smtp({
      authOptional: false,
      allowInsecureAuth: true,
      onAuth: ({ username, password }, _session, done) =>
        username === 'me' && password === PASSWORD ? done(null, { user: 'me' }) : done(refusal(535)),
    });
    expect(await send(server.port, notificationWith(), { user: 'me', password: PASSWORD })).toEqual({ kind: 'sent' });
    expect(await send(server.port, notificationWith(), { user: 'me', password: 'wrong' })).toEqual({
      kind: 'permanent',
      error: 'the mail server refused the login (535 to AUTH PLAIN)',
    });
  });

  it('never sends a password in clear to another machine', async () => {
    const seen: unknown[] = [];
    const another = '127.0.0.2';
    const options = {
      allowInsecureAuth: true,
      onAuth: (({ password }, _session, done) => {
        seen.push(password);
        done(null, { user: 'me' });
      }) satisfies SMTPServerOptions['onAuth'],
    };
    const server = await smtp(options, another);
    const to = (login: { readonly user?: string; readonly password?: string }) =>
      send(server.port, notificationWith(), { host: another, ...login });
    expect(await to({ user: 'me', password: PASSWORD })).toEqual({
      kind: 'permanent',
      error: 'the mail server offers no TLS, and a password is not sent without it',
    });
    expect([seen, server.mails]).toEqual([[], []]);
    expect(await to({})).toEqual({ kind: 'sent' });
  });

  it.each([
    ['an unknown recipient is final', 550, 'permanent'],
    ['grey-listing is not', 451, 'retryable'],
  ] as const)('%s', async (_claim, code, kind) => {
    const server = await smtp({ onRcptTo: (_address, _session, done) => done(refusal(code)) });
    const result = await send(server.port);
    expect(result).toEqual({ kind, error: `the mail server refused the message (${code} to RCPT TO)` });
  });

  it('nobody there, or no greeting in time, is tried again', async () => {
    expect(await send(await closedPort())).toEqual({
      kind: 'retryable',
      error: 'the mail server cannot be used: ESOCKET',
    });
    const silent = await listenHttp();
    open.push(silent);
    expect(await send(Number(new URL(silent.url).port), notificationWith(), { timeoutMs: 100 })).toMatchObject({
      kind: 'retryable',
    });
  });
});
