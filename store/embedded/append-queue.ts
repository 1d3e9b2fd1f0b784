// Appends that wait together share one look-up of ids and one fdatasync. Each batch is answered when its events are durable, or
// refused as a whole with nothing of it stored.
import type { NewEvent } from '../../event/document.ts';
import { admit } from '../admission.ts';
import { type AppendResult, StoreUnavailable } from '../port.ts';
import type { EventLog } from './log.ts';
import type { Tail, TailEntry } from './tail.ts';

export interface AppendLimits {
  /** Bytes that may wait to be loaded into partitions; more are refused as `overloaded`. */
  readonly backlogBytesMax: number;
  /** Batches that may wait for the log. */
  readonly waitingBatchesMax: number;
  /** Bytes of documents that one write takes, except that a single batch is never cut. */
  readonly groupBytesMax: number;
}

export interface AppendQueue {
  append(batch: readonly NewEvent[]): Promise<readonly AppendResult[]>;
  /** Refuses what comes from now on and resolves when nothing waits any more. */
  close(): Promise<void>;
}

interface Admitted {
  readonly at: number;
  readonly id: string;
  readonly json: string;
  readonly timestampMs: number;
  readonly event: NewEvent;
}

interface Waiting {
  readonly admitted: readonly Admitted[];
  readonly results: (AppendResult | undefined)[];
  readonly bytes: number;
  readonly resolve: (results: readonly AppendResult[]) => void;
  readonly reject: (error: unknown) => void;
}

export function createAppendQueue(parts: {
  readonly log: EventLog;
  readonly tail: Tail;
  readonly limits: AppendLimits;
  /** Which of these ids are in partitions. */
  readonly known: (events: readonly Admitted[]) => Promise<ReadonlySet<string>>;
  /** Called after events became durable. */
  readonly appended: () => void;
}): AppendQueue {
  const { log, tail, limits, known, appended } = parts;
  const waiting: Waiting[] = [];
  let waitingBytes = 0;
  let working: Promise<void> | undefined;
  let isClosed = false;

  const work = async (): Promise<void> => {
    while (waiting.length > 0) {
      const group = takeGroup();
      try {
        await store(group);
        for (const batch of group) batch.resolve(batch.results.map((result) => result ?? { kind: 'created' }));
      } catch (error) {
        const refusal = asUnavailable(error);
        for (const batch of group) batch.reject(refusal);
      }
    }
    working = undefined;
  };

  const takeGroup = (): Waiting[] => {
    const group: Waiting[] = [];
    let bytes = 0;
    while (waiting[0] !== undefined && (group.length === 0 || bytes + waiting[0].bytes <= limits.groupBytesMax)) {
      const batch = waiting.shift();
      if (batch === undefined) break;
      bytes += batch.bytes;
      waitingBytes -= batch.bytes;
      group.push(batch);
    }
    return group;
  };

  const store = async (group: readonly Waiting[]): Promise<void> => {
    const fresh = new Map<string, Admitted>();
    const firstOf: { batch: Waiting; admitted: Admitted }[] = [];
    for (const batch of group) {
      for (const admitted of batch.admitted) {
        if (fresh.has(admitted.id) || tail.pending(admitted.id) !== undefined) {
          batch.results[admitted.at] = { kind: 'duplicate' };
        } else {
          fresh.set(admitted.id, admitted);
          firstOf.push({ batch, admitted });
        }
      }
    }
    const stored = fresh.size === 0 ? new Set<string>() : await known([...fresh.values()]);
    const lines: Admitted[] = [];
    for (const { batch, admitted } of firstOf) {
      if (stored.has(admitted.id)) batch.results[admitted.at] = { kind: 'duplicate' };
      else lines.push(admitted);
    }
    if (lines.length === 0) return;
    const first = await log.append(lines);
    tail.push(
      lines.map(({ id, json, timestampMs, event }, at): TailEntry => {
        return { seq: first + at, id, document: event.document, timestampMs, bytes: json.length };
      }),
    );
    appended();
  };

  return {
    append(batch) {
      if (isClosed) return Promise.reject(new StoreUnavailable('closed', 'the store is closed'));
      const results: (AppendResult | undefined)[] = [];
      const admitted: Admitted[] = [];
      for (const [at, event] of batch.entries()) {
        const admission = admit(event);
        results.push(admission.kind === 'rejected' ? admission : undefined);
        if (admission.kind === 'admitted') admitted.push({ at, id: event.id, event, ...admission });
      }
      if (admitted.length === 0) return Promise.resolve(results.flatMap((result) => result ?? []));
      const bytes = admitted.reduce((sum, { json }) => sum + json.length, 0);
      // An empty backlog takes any batch, or one larger than the bound could never be stored.
      const backlog = tail.pendingBytes + waitingBytes;
      if (waiting.length >= limits.waitingBatchesMax || (backlog > 0 && backlog + bytes > limits.backlogBytesMax)) {
        return Promise.reject(
          new StoreUnavailable('overloaded', `${backlog} bytes wait to be filed; more are taken when they are`),
        );
      }
      return new Promise((resolve, reject) => {
        waiting.push({ admitted, results, bytes, resolve, reject });
        waitingBytes += bytes;
        working ??= work();
      });
    },
    async close() {
      isClosed = true;
      await working;
    },
  };
}

/** The port's words for a failed write. Errors that are not about writing stay what they are. */
function asUnavailable(error: unknown): unknown {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new StoreUnavailable('disk-full', 'the disk of the data folder is full: nothing of this batch was stored');
  }
  if (code === 'EIO' || code === 'EROFS') {
    return new StoreUnavailable(
      'unreachable',
      `the data folder cannot be written (${code}): nothing of this batch was stored`,
    );
  }
  return error;
}
