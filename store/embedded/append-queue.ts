// Appends that wait together share one look-up of ids and one fdatasync. Each batch is answered when its events are durable, or
// refused as a whole with nothing of it stored.
import type { EncodedDocument, NewEvent } from '../../event/document.ts';
import { admit, problemOfId } from '../admission.ts';
import { type AppendResult, StoreUnavailable } from '../port.ts';
import type { EventLog } from './log.ts';
import { headOfLine } from './log-lines.ts';
import type { PendingIds } from './pending-ids.ts';
import type { Tail } from './tail.ts';

export interface AppendLimits {
  /** Bytes, and events, that may wait in the log for partitions; more are refused as `overloaded`. */
  readonly backlogBytesMax: number;
  readonly backlogEventsMax: number;
  /** Batches, and bytes of them, that may wait for the log. */
  readonly waitingBatchesMax: number;
  readonly waitingBytesMax: number;
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
  readonly json: string | EncodedDocument;
  readonly timestampMs: number;
  /** `event.created` of a document that nobody has to parse to know it. */
  readonly createdMs: number | undefined;
}

interface Waiting {
  readonly admitted: readonly Admitted[];
  readonly results: (AppendResult | undefined)[];
  readonly bytes: number;
  readonly resolve: (results: readonly AppendResult[]) => void;
  readonly reject: (error: unknown) => void;
}

/** An event whose id may wait in the log already, under one of these numbers. */
interface Suspect {
  readonly batch: Waiting;
  readonly admitted: Admitted;
  readonly seqs: readonly number[];
}

/** Lines that are read at once to compare ids: repeated batches stand together in the log. */
const COMPARED_EVENTS = 512;
const COMPARED_BYTES: number = 1024 * 1024;

export function createAppendQueue(parts: {
  readonly log: EventLog;
  readonly tail: Tail;
  readonly pendingIds: PendingIds;
  readonly limits: AppendLimits;
  /** Which of these ids are in partitions. */
  readonly known: (
    events: readonly { readonly id: string; readonly timestampMs: number }[],
  ) => Promise<ReadonlySet<string>>;
  /** Throws where nothing may be written, as the disk is nearly full. */
  readonly assertRoom: () => Promise<void>;
  /** Called after events became durable. */
  readonly appended: () => void;
}): AppendQueue {
  const { log, tail, pendingIds, limits, known, assertRoom, appended } = parts;
  const waiting: Waiting[] = [];
  let waitingBytes = 0;
  let working: Promise<void> | undefined;
  let isClosed = false;

  const work = async (): Promise<void> => {
    while (waiting.length > 0) {
      const group = takeGroup();
      try {
        await store(group);
        for (const batch of group) batch.resolve(batch.results.map((result) => result ?? CREATED));
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
    const fresh = new Set<string>();
    const firstOf: { batch: Waiting; admitted: Admitted }[] = [];
    const suspects: Suspect[] = [];
    for (const batch of group) {
      for (const admitted of batch.admitted) {
        const size = fresh.size;
        if (fresh.add(admitted.id).size === size) {
          batch.results[admitted.at] = DUPLICATE;
          continue;
        }
        const seqs = pendingIds.candidates(admitted.id, tail.loadedSeq);
        if (seqs.length === 0) firstOf.push({ batch, admitted });
        else suspects.push({ batch, admitted, seqs });
      }
    }
    if (suspects.length > 0) {
      const waits = await waitingAmong(suspects);
      for (const suspect of suspects) {
        if (waits.has(suspect.admitted.id)) suspect.batch.results[suspect.admitted.at] = DUPLICATE;
        else firstOf.push(suspect);
      }
    }
    const stored = firstOf.length === 0 ? NOTHING : await known(firstOf.map(({ admitted }) => admitted));
    const lines: Admitted[] = [];
    for (const { batch, admitted } of firstOf) {
      if (stored.has(admitted.id)) batch.results[admitted.at] = DUPLICATE;
      else lines.push(admitted);
    }
    if (lines.length === 0) return;
    await assertRoom();
    const written = await log.append(lines);
    for (const [at, { seq }] of written.entries()) pendingIds.add(lines[at]?.id ?? '', seq);
    tail.push(written, lines);
    appended();
  };

  /** Which ids of these do wait; those that were loaded meanwhile are in partitions, where they are looked for next. */
  const waitingAmong = async (suspects: readonly Suspect[]): Promise<ReadonlySet<string>> => {
    const found = new Set<string>();
    const inLog: { seq: number; id: string }[] = [];
    for (const { admitted, seqs } of suspects) {
      for (const seq of seqs) {
        const entry = tail.at(seq);
        if (entry === undefined) inLog.push({ seq, id: admitted.id });
        else if (entry.id === admitted.id) found.add(admitted.id);
      }
    }
    inLog.sort((a, b) => a.seq - b.seq);
    let ids: ReadonlyMap<number, string> = new Map();
    for (const { seq, id } of inLog) {
      if (seq <= tail.loadedSeq) continue;
      if (!ids.has(seq)) {
        const read = await log.read(seq - 1, { events: COMPARED_EVENTS, bytes: COMPARED_BYTES });
        ids = new Map((read ?? []).map((line) => [line.seq, headOfLine(line).id]));
      }
      if (ids.get(seq) === id) found.add(id);
    }
    return found;
  };

  return {
    append(batch) {
      if (isClosed) return Promise.reject(new StoreUnavailable('closed', 'the store is closed'));
      const results: (AppendResult | undefined)[] = [];
      const admitted: Admitted[] = [];
      let bytes = 0;
      for (const [at, event] of batch.entries()) {
        const { id, encoded } = event;
        const admission = encoded === undefined ? admit(event) : admitEncoded(id, encoded);
        results.push(admission.kind === 'rejected' ? admission : undefined);
        if (admission.kind !== 'admitted') continue;
        const { json, timestampMs } = admission;
        admitted.push({ at, id, json, timestampMs, createdMs: encoded?.createdMs });
        bytes += typeof json === 'string' ? json.length : json.line.length;
      }
      if (admitted.length === 0) return Promise.resolve(results.flatMap((result) => result ?? []));
      // An empty backlog takes any batch, or one larger than the bound could never be stored.
      const backlog = tail.pendingBytes + waitingBytes;
      const isFull =
        waiting.length >= limits.waitingBatchesMax ||
        (waitingBytes > 0 && waitingBytes + bytes > limits.waitingBytesMax) ||
        (backlog > 0 && backlog + bytes > limits.backlogBytesMax) ||
        tail.pendingEvents + admitted.length > limits.backlogEventsMax;
      if (isFull) {
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

function admitEncoded(
  id: string,
  encoded: EncodedDocument,
):
  | { readonly kind: 'admitted'; readonly json: EncodedDocument; readonly timestampMs: number }
  | { readonly kind: 'rejected'; readonly reason: string } {
  const reason = problemOfId(id);
  if (reason !== undefined) return { kind: 'rejected', reason };
  return { kind: 'admitted', json: encoded, timestampMs: encoded.timestampMs };
}

const CREATED: AppendResult = { kind: 'created' };
const DUPLICATE: AppendResult = { kind: 'duplicate' };
const NOTHING: ReadonlySet<string> = new Set();

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
