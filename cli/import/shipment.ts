// Ships imported documents by `_bulk`, in bounded batches, and counts what became of each. A server that is busy or gone for a
// moment is asked again, with back-off; what was stored before is a duplicate then, so nothing is stored twice.
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { bulkLines } from '../../event/bulk.ts';
import { type Client, type Exchange, readAnswer } from '../client.ts';
import { fail, type Outcome, succeed } from '../failure.ts';

/** A batch is sent when it holds so much, bytes of `_bulk` body before compression. */
export const BATCH_BYTES = 2 * 1024 * 1024;
/** Tries of one batch, and the longest wait between two, ms. */
const TRIES_MAX = 8;
const WAIT_MAX_MS = 30_000;
const TIMEOUT_MS = 120_000;

/** Where a document came from: for messages about it. */
interface Origin {
  readonly file: string;
  readonly line: number;
}

export interface Rejection extends Origin {
  readonly reason: string;
}

interface ShipmentCounts {
  readonly stored: number;
  readonly duplicate: number;
  readonly rejected: number;
}

export interface Shipment {
  /** Adds a document; sends when a batch is full. */
  add(id: string, documentJson: string, origin: Origin): Promise<Outcome<undefined>>;
  /** Sends what is left. */
  finish(): Promise<Outcome<undefined>>;
  counts(): ShipmentCounts;
}

export interface ShipmentOptions {
  readonly client: Client;
  readonly onRejected: (rejection: Rejection) => void;
  /** Waits between tries; a test's is faster. */
  readonly wait?: (ms: number) => Promise<unknown>;
}

export function openShipment({ client, onRejected, wait = sleep }: ShipmentOptions): Shipment {
  let lines: string[] = [];
  let origins: Origin[] = [];
  let bytes = 0;
  const counts = { stored: 0, duplicate: 0, rejected: 0 };
  const send = async (): Promise<Outcome<undefined>> => {
    if (origins.length === 0) return succeed(undefined);
    const sent = origins;
    const body = gzipSync(lines.join(''), { level: 1 });
    [lines, origins, bytes] = [[], [], 0];
    const answer = await sendBody(client, body, wait);
    if (!answer.isOk) return answer;
    const items = readAnswer<BulkAnswer>(answer.value, client.url, 'importer');
    if (!items.isOk) return items;
    if (!Array.isArray(items.value?.items) || items.value.items.length !== sent.length) {
      const message = `the server at ${client.url} answered for ${items.value?.items?.length ?? 0} of ${sent.length} events`;
      return fail('import/answer', { message, remedy: 'Import again: what was stored is not stored twice.' });
    }
    sent.forEach((origin, index) => {
      const { status = 0, error } = items.value.items[index]?.create ?? {};
      if (status === 409) counts.duplicate += 1;
      else if (status >= 200 && status < 300) counts.stored += 1;
      else {
        counts.rejected += 1;
        onRejected({ ...origin, reason: error?.reason ?? `status ${status}` });
      }
    });
    return succeed(undefined);
  };
  return {
    async add(id, documentJson, origin) {
      const text = bulkLines(id, documentJson);
      lines.push(text);
      origins.push(origin);
      bytes += text.length;
      return bytes >= BATCH_BYTES ? send() : succeed(undefined);
    },
    finish: send,
    counts: () => ({ ...counts }),
  };
}

interface BulkAnswer {
  readonly items: readonly {
    readonly create?: { readonly status?: number; readonly error?: { readonly reason?: string } };
  }[];
}

async function sendBody(
  client: Client,
  body: Buffer,
  wait: (ms: number) => Promise<unknown>,
): Promise<Outcome<Exchange>> {
  for (let attempt = 1; ; attempt += 1) {
    const answer = await client.exchange({
      method: 'POST',
      path: '/_bulk',
      body,
      headers: { 'content-type': 'application/x-ndjson', 'content-encoding': 'gzip' },
      timeoutMs: TIMEOUT_MS,
    });
    const isBusy = answer.isOk && (answer.value.status === 429 || answer.value.status === 503);
    if ((answer.isOk && !isBusy) || attempt === TRIES_MAX) return answer;
    // Nobody there at all: the person should hear it soon, not after eight tries.
    if (!answer.isOk && attempt >= 3) return answer;
    const askedMs = answer.isOk ? answer.value.retryAfterMs : undefined;
    await wait(Math.min(askedMs ?? 250 * 2 ** attempt, WAIT_MAX_MS));
  }
}
