// A webhook: one JSON document by POST, signed. The URL may hold a secret, so no error repeats it.
//
//   vedette-timestamp: 1795300000            seconds since the epoch
//   vedette-signature: v1=HEX                HMAC-SHA256 with the secret over TIMESTAMP.BODY
//   idempotency-key: NOTIFICATION            the same for every attempt
import { createHmac } from 'node:crypto';
import http from 'node:http';
import https from 'node:https';
import type { Notification } from '../../event/detection.ts';
import type { Channel, SendResult } from '../channel.ts';
import { messageOf } from '../message.ts';

export interface WebhookOptions {
  readonly url: string;
  /** Requests are unsigned without one. */
  readonly secret?: string;
  readonly timeoutMs?: number;
  readonly now: () => number;
}

/** From the first byte to the last, ms. */
const TIMEOUT_MS = 10_000;
const FORMAT_VERSION = 1;
const RETRYABLE_STATUS: ReadonlySet<number> = new Set([408, 421, 425, 429]);

export function createWebhookChannel(options: WebhookOptions): Channel {
  const { url, secret, timeoutMs = TIMEOUT_MS, now } = options;
  return {
    name: 'webhook',
    send(notification) {
      const body = webhookBody(notification);
      const timestamp = String(Math.floor(now() / 1_000));
      const headers = {
        'content-type': 'application/json; charset=utf-8',
        'content-length': String(Buffer.byteLength(body)),
        'user-agent': 'vedette',
        'idempotency-key': notification.id,
        'vedette-timestamp': timestamp,
        ...(secret === undefined ? {} : { 'vedette-signature': webhookSignature(secret, timestamp, body) }),
      };
      return post(url, { headers, body, timeoutMs, nowMs: now() });
    },
    close: () => Promise.resolve(),
  };
}

/** What a receiver computes and compares, in constant time. */
export function webhookSignature(secret: string, timestamp: string, body: string): string {
  return `v1=${createHmac('sha256', secret).update(`${timestamp}.${body}`).digest('hex')}`;
}

export function webhookBody(notification: Notification): string {
  const { headline, command } = messageOf(notification);
  const { id, reason, alert, about } = notification;
  const told = about?.kind === 'group' ? about : { kind: 'alert', ...about, alert };
  return JSON.stringify({ version: FORMAT_VERSION, id, reason, headline, command, ...told });
}

interface Request {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly timeoutMs: number;
  readonly nowMs: number;
}

function post(url: string, { headers, body, timeoutMs, nowMs }: Request): Promise<SendResult> {
  if (!URL.canParse(url)) return Promise.resolve({ kind: 'permanent', error: 'the webhook’s URL is not a URL' });
  const target = new URL(url);
  if (target.protocol !== 'http:' && target.protocol !== 'https:') {
    return Promise.resolve({ kind: 'permanent', error: 'the webhook’s URL is neither http nor https' });
  }
  const send = target.protocol === 'https:' ? https.request : http.request;
  return new Promise((resolve) => {
    const request = send(target, { method: 'POST', headers, agent: false }, (response) => {
      clearTimeout(timer);
      const { statusCode = 0, headers: answered } = response;
      resolve(resultOf(statusCode, retryAfterMs(answered['retry-after'], nowMs)));
      response.on('error', () => undefined);
      response.destroy();
    });
    const timer = setTimeout(() => {
      resolve({ kind: 'retryable', error: 'the webhook does not answer in time' });
      request.destroy();
    }, timeoutMs);
    request.on('error', (error: NodeJS.ErrnoException) => {
      clearTimeout(timer);
      resolve({ kind: 'retryable', error: `the webhook cannot be reached: ${error.code ?? 'no answer'}` });
    });
    request.end(body);
  });
}

/** Redirects are not followed: the signed body is for the configured place only. */
function resultOf(status: number, afterMs: number | undefined): SendResult {
  if (status >= 200 && status < 300) return { kind: 'sent' };
  const error = `the webhook answered with status ${status}`;
  if (status < 500 && !RETRYABLE_STATUS.has(status)) return { kind: 'permanent', error };
  return afterMs === undefined ? { kind: 'retryable', error } : { kind: 'retryable', error, afterMs };
}

/** Seconds, or a date. */
function retryAfterMs(header: string | undefined, nowMs: number): number | undefined {
  if (header === undefined) return undefined;
  if (/^[0-9]{1,9}$/.test(header)) return Number(header) * 1_000;
  const date = Date.parse(header);
  return Number.isNaN(date) ? undefined : Math.max(0, date - nowMs);
}
