import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { SendResult } from '../../alerts/channel.ts';
import { createSlackChannel } from '../../alerts/channels/slack.ts';
import { closedPort, type LoopbackHttp, listenHttp } from './loopback.ts';
import { notificationWith } from './making.ts';

const TOKEN = 'xoxb-1-very-secret';
let server: LoopbackHttp;

beforeEach(async () => {
  server = await listenHttp();
});
afterEach(() => server.close());

const send = (apiUrl = server.url, timeoutMs = 50_000): Promise<SendResult> =>
  createSlackChannel({ token: TOKEN, channel: '#security', apiUrl, timeoutMs }).send(notificationWith());

describe('the Slack channel', () => {
  it('posts one message with blocks, by the token, and does so once', async () => {
    expect(await send()).toEqual({ kind: 'sent' });
    expect(server.requests).toHaveLength(1);
    const [request] = server.requests;
    expect(request).toMatchObject({ method: 'POST', path: '/chat.postMessage' });
    expect(request?.headers['authorization']).toBe(`Bearer ${TOKEN}`);
    const form = new URLSearchParams(request?.body);
    expect(form.get('channel')).toBe('#security');
    expect(form.get('text')).toBe('[HIGH] apache2 spawned bash on web-1');
    expect(JSON.parse(form.get('blocks') ?? '')).toMatchObject([
      { type: 'header' },
      { type: 'rich_text' },
      { type: 'context' },
    ]);
    expect(JSON.parse(form.get('metadata') ?? '')).toMatchObject({
      event_payload: { notification_id: '0notification' },
    });
  });

  it('answers in the thread of a message, by the name that Slack gave it', async () => {
    server.answer({ body: '{"ok":true,"ts":"1795300000.000200"}' });
    expect(await send()).toEqual({ kind: 'sent', reference: '1795300000.000200' });
    const channel = createSlackChannel({ token: TOKEN, channel: '#security', apiUrl: server.url });
    await channel.send(notificationWith(), '1795300000.000200');
    await channel.send(notificationWith(), 'x&channel=#general');
    const threads = server.requests.map(({ body }) => new URLSearchParams(body).get('thread_ts'));
    expect(threads).toEqual([null, '1795300000.000200', null]);
  });

  it('an API root without a slash at its end is the same', async () => {
    expect(await send(server.url.slice(0, -1))).toEqual({ kind: 'sent' });
  });

  it.each([
    [
      'a wrong token is final',
      { body: '{"ok":false,"error":"invalid_auth"}' },
      'permanent',
      'Slack refused: invalid_auth',
    ],
    [
      'an unknown channel is final',
      { body: '{"ok":false,"error":"channel_not_found"}' },
      'permanent',
      'Slack refused: channel_not_found',
    ],
    [
      'its own trouble is not',
      { body: '{"ok":false,"error":"internal_error"}' },
      'retryable',
      'Slack refused: internal_error',
    ],
    ['a 503 is not', { status: 503 }, 'retryable', 'Slack answered with status 503'],
    ['a 404 is final', { status: 404 }, 'permanent', 'Slack answered with status 404'],
    ['a proxy’s page is not Slack', { body: `<html>${TOKEN}` }, 'retryable', 'what answered is not Slack'],
    [
      'a hostile word is not repeated',
      { body: '{"ok":false,"error":"a\\u001b[2J"}' },
      'retryable',
      'what answered is not Slack',
    ],
  ] as const)('%s', async (_claim, answer, kind, error) => {
    server.answer(answer);
    expect(await send()).toEqual({ kind, error });
    expect(server.requests).toHaveLength(1);
  });

  it('asks the outbox to wait as long as Slack says, and does not wait itself', async () => {
    server.answer({ status: 429, headers: { 'retry-after': '30' } });
    expect(await send()).toEqual({ kind: 'retryable', error: 'Slack asks to wait', afterMs: 30_000 });
  });

  it('a 429 that does not say how long is tried again', async () => {
    server.answer({ status: 429 });
    expect(await send()).toMatchObject({ kind: 'retryable' });
  });

  it('nobody there, or no answer in time, is tried again; no error holds the token', async () => {
    const absent = await send(`http://127.0.0.1:${await closedPort()}/`);
    server.answer({ hangs: true });
    const late = await send(server.url, 50);
    expect(absent).toEqual({ kind: 'retryable', error: 'Slack cannot be reached: ECONNREFUSED' });
    expect(late).toEqual({ kind: 'retryable', error: 'Slack cannot be reached: TimeoutError' });
  });

  it('a redirect is not followed with the token', async () => {
    server.answer({ status: 307, headers: { location: `${server.url}elsewhere` } });
    expect(await send()).toMatchObject({ kind: 'retryable' });
    expect(server.requests).toHaveLength(1);
  });
});
