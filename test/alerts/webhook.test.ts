import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { SendResult } from '../../alerts/channel.ts';
import { createWebhookChannel, webhookBody, webhookSignature } from '../../alerts/channels/webhook.ts';
import { closedPort, type LoopbackHttp, listenHttp } from './loopback.ts';
import { notificationWith } from './making.ts';

const SECRET = 'very-secret';
const NOW = 1_795_300_000_500;
let server: LoopbackHttp;

beforeEach(async () => {
  server = await listenHttp();
});
afterEach(() => server.close());

const send = (url = `${server.url}hook?key=${SECRET}`, timeoutMs = 50_000): Promise<SendResult> =>
  createWebhookChannel({ url, secret: SECRET, timeoutMs, now: () => NOW }).send(notificationWith());

describe('the webhook channel', () => {
  it('posts JSON that its receiver can check', async () => {
    expect(await send()).toEqual({ kind: 'sent' });
    const [request] = server.requests;
    expect(request).toMatchObject({
      method: 'POST',
      path: `/hook?key=${SECRET}`,
      body: webhookBody(notificationWith()),
    });
    expect(request?.headers).toMatchObject({
      'content-type': 'application/json; charset=utf-8',
      'idempotency-key': '0notification',
      'vedette-timestamp': '1795300000',
      'vedette-signature': webhookSignature(SECRET, '1795300000', request?.body ?? ''),
    });
  });

  it('the signature is HMAC-SHA256 over time and body', () => {
    // From: printf '1.x' | openssl dgst -sha256 -hmac key
    expect(webhookSignature('key', '1', 'x')).toBe(
      'v1=fc4913c41a7bf793267e2a384f3261c9436ec2cd097bd745e7b0d99113f510ec',
    );
    expect(webhookSignature('key', '1', 'x')).not.toBe(webhookSignature('key', '2', 'x'));
    expect(webhookSignature('key', '1', 'x')).not.toBe(webhookSignature('other', '1', 'x'));
  });

  it('is unsigned without a secret', async () => {
    await createWebhookChannel({ url: server.url, now: () => NOW }).send(notificationWith());
    expect(server.requests[0]?.headers).not.toHaveProperty('vedette-signature');
  });

  it.each([
    ['204 is sent', { status: 204, body: '' }, { kind: 'sent' }],
    ['400 is final', { status: 400 }, { kind: 'permanent', error: 'the webhook answered with status 400' }],
    ['500 is not', { status: 500 }, { kind: 'retryable', error: 'the webhook answered with status 500' }],
    [
      '429 says how long',
      { status: 429, headers: { 'retry-after': '7' } },
      { kind: 'retryable', error: 'the webhook answered with status 429', afterMs: 7_000 },
    ],
    [
      '503 says until when',
      { status: 503, headers: { 'retry-after': new Date(NOW - 500 + 9_000).toUTCString() } },
      { kind: 'retryable', error: 'the webhook answered with status 503', afterMs: 8_500 },
    ],
    [
      'a redirect is not followed',
      { status: 302, headers: { location: 'http://127.0.0.1:1/' } },
      { kind: 'permanent', error: 'the webhook answered with status 302' },
    ],
  ])('%s', async (_claim, answer, expected) => {
    server.answer(answer);
    expect(await send()).toEqual(expected);
  });

  it('nobody there, or no answer in time, is tried again; no error holds the URL', async () => {
    expect(await send(`http://127.0.0.1:${await closedPort()}/${SECRET}`)).toEqual({
      kind: 'retryable',
      error: 'the webhook cannot be reached: ECONNREFUSED',
    });
    server.answer({ hangs: true });
    expect(await send(undefined, 50)).toEqual({ kind: 'retryable', error: 'the webhook does not answer in time' });
  });

  it.each([
    ['very-secret', 'the webhook’s URL is not a URL'],
    ['file:///etc/very-secret', 'the webhook’s URL is neither http nor https'],
  ])('%s is refused without being repeated', async (url, error) => {
    expect(await send(url)).toEqual({ kind: 'permanent', error });
  });
});
