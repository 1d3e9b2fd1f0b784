// One request with events and what it came to: everything taken, some of it put off, or too much of it or of one event in it.

import type { SpoolBatch } from '../spool/spool-reader.ts';
import { parseObject, readBulkAnswer, reasonOf } from './bulk-answer.ts';
import { bulkPath, type Destination } from './destination.ts';
import { CONNECTION_LOST, type HttpAnswer } from './http-client.ts';

/** No server has a limit this small, bytes: who answers 413 to such an event is set up wrongly, which is waited out. */
export const SMALL_EVENT_BYTES: number = 64 * 1024;
/** An event that the server will never take. */
export interface SetAside {
  readonly position: number;
  readonly status: number;
  readonly reason: string;
  readonly lines: Buffer;
}

export type Sent =
  | { readonly kind: 'done' }
  | {
      readonly kind: 'again';
      readonly indices: readonly number[];
      readonly afterMs: number | undefined;
      readonly reason: string;
      /** Another server is ready at once. */
      readonly hasOther: boolean;
      /** Those of `indices` that the server answered 500 for, each by itself. */
      readonly failed: readonly number[];
      /** Of the others that were sent with them, some are decided. */
      readonly isMixed: boolean;
      readonly isConnectionLost: boolean;
    }
  | { readonly kind: 'split'; readonly status: number; readonly reason: string };

/** Sends those of a batch; what the server refuses for good is set aside before it returns. */
export async function attempt(
  batch: SpoolBatch,
  indices: readonly number[],
  way: {
    readonly destination: Destination;
    readonly post: (path: string, body: Buffer) => Promise<HttpAnswer>;
    readonly onSetAside: (events: readonly SetAside[]) => void;
    readonly onRefusedToken: (reason: string) => void;
  },
): Promise<Sent> {
  const { destination } = way;
  const isWhole = indices.length === batch.payloads.length;
  const body = isWhole ? batch.body : Buffer.concat(indices.map((index) => batch.payloads[index] as Buffer));
  const answer = await way.post(bulkPath(destination, batch.firstTimeMs), body);
  const again = {
    kind: 'again',
    indices,
    afterMs: undefined,
    hasOther: answer.hasOther === true,
    failed: [],
    isMixed: false,
    isConnectionLost: false,
  } as const;
  if (answer.kind === 'unreachable')
    return { ...again, reason: answer.reason, isConnectionLost: CONNECTION_LOST.has(answer.reason) };
  const error = parseObject(answer.body)?.['error'];
  const reason = `status ${answer.status}: ${reasonOf(error)}`;
  const isTooLarge = answer.status === 413 && (indices.length > 1 || body.length > SMALL_EVENT_BYTES);
  // Whatever stands in front of the server, or in its place, answers 400 in words of its own: that says nothing of an event.
  const isRefused = answer.status === 400 && error !== undefined;
  if (isTooLarge || isRefused) return { kind: 'split', status: answer.status, reason };
  if (answer.status < 200 || answer.status >= 300) {
    if (answer.status === 401 || answer.status === 403) way.onRefusedToken(reason);
    return { ...again, afterMs: answer.retryAfterMs, reason };
  }
  const verdict = readBulkAnswer(answer.body, {
    count: indices.length,
    destination,
    idAt: (index) => idOf(batch.payloads[indices[index] as number] as Buffer),
  });
  if (verdict === undefined) return { ...again, reason: 'the answer is not that of _bulk' };
  if (verdict.rejected.length > 0) {
    way.onSetAside(
      verdict.rejected.map(({ index, status, reason: why }) => asideOf(batch, indices[index] as number, status, why)),
    );
  }
  const [first] = verdict.retry;
  if (first === undefined) return { kind: 'done' };
  const own = ({ index }: { readonly index: number }): number => indices[index] as number;
  return {
    ...again,
    indices: verdict.retry.map(own),
    failed: verdict.retry.filter(({ status }) => status === 500).map(own),
    isMixed: verdict.retry.length < indices.length,
    afterMs: answer.retryAfterMs,
    reason: `the server put ${verdict.retry.length} event(s) off (${first.status}: ${first.reason})`,
  };
}

export function asideOf(batch: SpoolBatch, index: number, status: number, reason: string): SetAside {
  return {
    position: batch.positions[index] as number,
    lines: batch.payloads[index] as Buffer,
    status,
    reason,
  };
}

/** The id in the first of an event's two lines. */
function idOf(lines: Buffer): string | undefined {
  const create = parseObject(lines.toString('utf8', 0, lines.indexOf(0x0a)))?.['create'] as
    | { _id?: unknown }
    | undefined;
  return typeof create?._id === 'string' ? create._id : undefined;
}
