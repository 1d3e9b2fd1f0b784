// What a `_bulk` answer says of each event. Pure. 201 and 409 mean that the event is stored; 429 and 5xx, and what destination.ts
// knows to pass, that it is to be sent again; any other status that it never will be taken.
import { type Destination, isPassing } from './destination.ts';

interface Rejection {
  /** Index in the batch that was sent. */
  readonly index: number;
  readonly status: number;
  readonly reason: string;
}

export interface BulkVerdict {
  readonly stored: number;
  readonly duplicates: number;
  readonly retry: readonly Rejection[];
  readonly rejected: readonly Rejection[];
}

const REASON_CHARS_MAX = 500;

/**
 * The verdict on `count` events, or undefined when the body is no answer to them. `idAt`: an answer that names events in another
 * order than they were sent in would have the wrong one set aside.
 */
export function readBulkAnswer(
  body: string,
  sent: {
    readonly count: number;
    readonly destination?: Destination;
    readonly idAt?: (index: number) => string | undefined;
  },
): BulkVerdict | undefined {
  const { count, destination = 'vedette', idAt } = sent;
  const parsed = parseObject(body);
  if (parsed === undefined) return undefined;
  const items = parsed['items'];
  if (!Array.isArray(items) || items.length !== count) return undefined;
  let stored = 0;
  let duplicates = 0;
  const retry: Rejection[] = [];
  const rejected: Rejection[] = [];
  for (const [index, item] of items.entries()) {
    const result = asObject(asObject(item)?.['create']);
    const status = result?.['status'];
    if (result === undefined || typeof status !== 'number') return undefined;
    if (status >= 200 && status < 300) stored += 1;
    else if (status === 409) duplicates += 1;
    else {
      const id = result['_id'];
      if (typeof id === 'string' && idAt !== undefined && idAt(index) !== id) return undefined;
      const type = asObject(result['error'])?.['type'];
      const isOnlyNow = isPassing(destination, status, typeof type === 'string' ? type : undefined);
      (isOnlyNow ? retry : rejected).push({ index, status, reason: reasonOf(result['error']) });
    }
  }
  return { stored, duplicates, retry, rejected };
}

/** The reason in an error as Elasticsearch and our own API write it. */
export function reasonOf(error: unknown): string {
  if (typeof error === 'string') return error.slice(0, REASON_CHARS_MAX);
  const object = asObject(error);
  const parts = [object?.['type'] ?? object?.['code'], object?.['reason'] ?? object?.['message']];
  const text = parts.filter((part) => typeof part === 'string').join(': ');
  return (text === '' ? 'no reason given' : text).slice(0, REASON_CHARS_MAX);
}

export function parseObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    return asObject(JSON.parse(text));
  } catch {
    return undefined;
  }
}

function asObject(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : undefined;
}
