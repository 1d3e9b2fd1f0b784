// What one `_bulk` request comes to: read, admitted event by event, stored durably, answered as Elasticsearch answers. The answer
// is given only after the store's durable write; a store that cannot take events puts off the whole request and loses nothing.
import type { IncomingMessage } from 'node:http';
import type { NewEvent } from '../event/document.ts';
import type { Progress } from '../event/progress.ts';
import { type AppendResult, type EventStore, StoreUnavailable } from '../store/port.ts';
import type { Account } from '../store/state/state-port.ts';
import { type Admission, type Admitted, admit } from './admission.ts';
import { busy, problem } from './api-error.ts';
import type { BodyDesk, Room } from './body-desk.ts';
import { answerOf, type ItemAnswer, nameOf } from './bulk-answer.ts';
import { BULK_LIMITS, type BulkDocument, type BulkItem, NoRoom, readBulk } from './bulk-reader.ts';
import { bulkStream, singleDocument } from './bulk-stream.ts';
import type { DeliveryFence, Standing } from './delivery-fence.ts';
import { type ForeignDocuments, settleOrDrop, type Taking } from './foreign-documents.ts';
import type { HostBook } from './host-book.ts';
import type { Lanes, Turn } from './lane.ts';
import { type QuickAdmission, quickAdmission } from './quick-admission.ts';
import { isProgressAlone, type Quotas } from './quota.ts';

/** Bytes of all requests that are being read or stored, decompressed: past that, senders are asked to wait. */
const INFLIGHT_BYTES_MAX: number = 128 * 1024 * 1024;
/** One sender's share of them: whoever begins large requests and never ends them leaves the others their room. */
const SENDER_BYTES_MAX: number = 96 * 1024 * 1024;
/** With more bytes than this under way, senders wait for this thread and not the other way round. */
const PRESSED_BYTES: number = 1024 * 1024;
/** Events that go to the store in one piece. */
const APPEND_EVENTS_MAX = 4_096;

export interface IngestContext {
  readonly store: EventStore;
  readonly hosts: HostBook;
  readonly fence: DeliveryFence;
  readonly lanes: Lanes;
  readonly now: () => number;
  /** Stores that a silent host is back; called before its next events are. */
  readonly hostCameBack: (hostId: string) => Promise<void>;
  /** Reads what other shippers send; where it is absent, only documents as they are taken. */
  readonly foreign?: ForeignDocuments;
  /** How much a host may send; without it, as much as there is room for. */
  readonly quotas?: Quotas;
  /** Reads what collectors send elsewhere; where it is absent, all is read here. */
  readonly bodies?: BodyDesk;
  readonly inflightBytesMax?: number;
  readonly senderBytesMax?: number;
}

interface BulkRequest {
  readonly account: Account;
  readonly body: IncomingMessage;
  /** The action line of a body that is one document and nothing else. */
  readonly action?: string;
  /** The index of the path, for items that name none. */
  readonly index: string | undefined;
  readonly progress: Progress | undefined;
  readonly isSignOff: boolean;
  /** True of the server's own: nobody sent it. */
  readonly isSweep?: boolean;
}

type TakenRequest = Omit<BulkRequest, 'body' | 'action'>;

interface ReadBody {
  readonly items: readonly BulkItem[];
  /** Called when nothing of them is used any more. */
  readonly release: () => void;
}

interface BulkAnswer {
  readonly took: number;
  readonly errors: boolean;
  readonly items: readonly { readonly [action: string]: ItemAnswer }[];
}

export interface Ingest {
  /** True while so much is being taken that what can wait should. */
  isPressed(): boolean;
  /** Throws the problem to answer with when the request as a whole cannot be taken. */
  bulk(request: BulkRequest): Promise<BulkAnswer>;
  /** Stores the events that have waited long enough for further records of another shipper. */
  sweep(): Promise<void>;
}

export function createIngest(context: IngestContext): Ingest {
  const { inflightBytesMax = INFLIGHT_BYTES_MAX, senderBytesMax = SENDER_BYTES_MAX } = context;
  let inflightBytes = 0;
  const inflightBySender = new Map<string, number>();
  /** The last `event.created` that was set here, by host: it never decreases. */
  const lastStampMs = new Map<string, number>();

  const read = async (request: BulkRequest, { reserve, giveBack }: Room): Promise<ReadBody> => {
    try {
      const taken =
        request.action === undefined ? await context.bodies?.take(request, { reserve, giveBack }) : undefined;
      if (taken?.kind === 'read') return { items: taken.documents, release: taken.release };
      const stream = bulkStream(taken?.body ?? request.body, BULK_LIMITS.bodyBytesMax);
      const chunks = request.action === undefined ? stream : singleDocument(request.action, stream);
      const result = await readBulk(chunks, { ...BULK_LIMITS, reserve });
      if (result.kind === 'read') return { items: result.items, release: () => undefined };
      throw problem(413, 'too-large', result.reason, 'Send fewer events at once.');
    } catch (error) {
      if (error instanceof NoRoom) throw busy(429, 'overloaded', 'too many events are under way');
      const code = (error as NodeJS.ErrnoException).code ?? '';
      if (/^Z(STD)?_/.test(code))
        throw problem(400, 'not-gzip', 'the body is not what its Content-Encoding says', 'Send it again.');
      throw error;
    }
  };

  const keepToQuota = ({ account, body, progress }: BulkRequest, nowMs: number): void => {
    const waitS = context.quotas?.waitS(account.id, nowMs);
    if (waitS === undefined || (progress !== undefined && isProgressAlone(body.headers['content-length']))) return;
    context.hosts.count(account.id, 'over_quota');
    context.foreign?.putOff(account.id, nowMs);
    throw busy(429, 'over-quota', 'this host has sent more than its quota allows', waitS);
  };

  const stampFor = (hostId: string, nowMs: number): number => {
    const stampMs = Math.max(nowMs, lastStampMs.get(hostId) ?? 0);
    lastStampMs.set(hostId, stampMs);
    return stampMs;
  };

  return {
    isPressed: () => inflightBytes > PRESSED_BYTES,
    async sweep() {
      for (const hostId of context.foreign?.waiting() ?? []) {
        const account: Account = { id: hostId, role: 'host', isRevoked: false, createdMs: 0 };
        const request = { account, index: undefined, progress: undefined, isSignOff: false, isSweep: true };
        try {
          await context.lanes.run(hostId, () => takeItems(context, request, { items: [], stampFor }));
        } catch (error) {
          // What is open stays kept; the next sweep tries again.
          if (!(error instanceof StoreUnavailable)) throw error;
        }
      }
    },
    async bulk(request) {
      const { account } = request;
      const startedMs = context.now();
      const isHost = account.role === 'host';
      if (isHost) {
        context.hosts.touch(account.id, startedMs);
        context.hosts.count(account.id, 'requests');
        keepToQuota(request, startedMs);
      }
      let reservedBytes = 0;
      const reserve = (bytes: number): boolean => {
        const ofSender = inflightBySender.get(account.id) ?? 0;
        if (inflightBytes + bytes > inflightBytesMax || ofSender + bytes > senderBytesMax) return false;
        inflightBytes += bytes;
        inflightBySender.set(account.id, ofSender + bytes);
        reservedBytes += bytes;
        return true;
      };
      const giveBack = (bytes: number): void => {
        inflightBytes -= bytes;
        reservedBytes -= bytes;
        inflightBySender.set(account.id, (inflightBySender.get(account.id) ?? 0) - bytes);
      };
      let eventsRead = 0;
      let release = (): void => undefined;
      try {
        const body = await read(request, { reserve, giveBack });
        const { items } = body;
        release = body.release;
        eventsRead = items.length;
        if (items.length === 0 && request.progress === undefined && !request.isSignOff) {
          throw problem(400, 'empty', 'request body is required', 'Send at least one event.');
        }
        const answers = await context.lanes.runPassing(account.id, (turn) =>
          takeItems(context, request, { items, stampFor, turn }),
        );
        if (answers === undefined) throw busy(429, 'overloaded', 'too many requests of this sender wait');
        return {
          took: Math.max(0, context.now() - startedMs),
          errors: answers.some((answer) => answer.answer.error !== undefined),
          items: answers.map(({ action, answer }) => ({ [action]: answer })),
        };
      } catch (error) {
        if (!(error instanceof StoreUnavailable)) throw error;
        if (isHost) context.hosts.count(account.id, 'unavailable');
        const status = error.reason === 'overloaded' ? 429 : 503;
        throw busy(status, `store-${error.reason}`, STORE_MESSAGES[error.reason]);
      } finally {
        release();
        if (isHost) context.quotas?.charge(account.id, { events: eventsRead, bytes: reservedBytes }, context.now());
        inflightBytes -= reservedBytes;
        const ofSender = (inflightBySender.get(account.id) ?? 0) - reservedBytes;
        if (ofSender > 0) inflightBySender.set(account.id, ofSender);
        else inflightBySender.delete(account.id);
      }
    },
  };
}

const STORE_MESSAGES: Readonly<Record<StoreUnavailable['reason'], string>> = {
  'disk-full': 'the store’s disk is full: nothing of this request is acknowledged',
  overloaded: 'the store cannot keep up',
  unreachable: 'the store cannot be reached',
  closed: 'the server is stopping',
};

interface ItemOutcome {
  readonly action: string;
  readonly answer: ItemAnswer;
}

interface TakenItems {
  readonly items: readonly BulkItem[];
  readonly stampFor: (hostId: string, nowMs: number) => number;
  readonly turn?: Turn;
}

/**
 * Admits and stores. Of the same host nothing is under way until the last of it is with the store: from then on its next request may be
 * admitted. How both went is told and answered in their order.
 */
async function takeItems(
  context: IngestContext,
  request: TakenRequest,
  { items, stampFor, turn }: TakenItems,
): Promise<readonly ItemOutcome[]> {
  const { account } = request;
  const isHost = account.role === 'host';
  const isSender = isHost && request.isSweep !== true;
  if (isSender && !request.isSignOff) await context.hostCameBack(account.id);
  const nowMs = context.now();
  const hostName = isHost ? context.hosts.get(account.id)?.name : undefined;
  const admission: Admission = {
    hostId: isHost ? account.id : undefined,
    hostName,
    nowMs,
    stampMs: isHost ? stampFor(account.id, nowMs) : nowMs,
  };
  const quick = quickAdmission(admission);
  const taking = isHost
    ? context.foreign?.take({ id: account.id, name: hostName ?? account.id }, items, nowMs)
    : undefined;
  const outcomes: (ItemOutcome | undefined)[] = [];
  const events: NewEvent[] = [];
  const places: number[] = [];
  /** Of the events that were made of records, in their order. */
  const made: AppendResult[] = [];
  let ahead = 0;
  const counts = { created: 0, duplicate: 0, rejected: 0, foreign: 0 };
  const refuse = (at: number, refusal: Refusal): void => {
    const item = items[at] as BulkItem;
    counts[refusal.status === 403 ? 'foreign' : 'rejected'] += 1;
    const error = { type: refusal.type, reason: refusal.reason };
    outcomes[at] = { action: item.action, answer: { ...nameOf(item, request), status: refusal.status, error } };
  };
  for (const [at, item] of items.entries()) if (item.kind === 'refused') refuse(at, item);
  for (const [at, reason] of taking?.refused ?? []) refuse(at, { status: 403, type: 'security_exception', reason });
  for (const { at, item } of taking?.documents ?? documentsOf(items)) {
    const admitted = admittedQuickly(item, quick) ?? admit(item, admission);
    if (admitted.kind === 'admitted') {
      if (admitted.isAhead) ahead += 1;
      events.push(admitted.event);
      places.push(at);
    } else if (at < items.length) refuse(at, admitted);
    else made[at - items.length] = { kind: 'rejected', reason: admitted.reason };
  }
  const results = await store(context, request, { events, nowMs, taking, turn });
  for (const [number, result] of results.entries()) {
    const at = places[number] ?? 0;
    const item = items[at];
    counts[result.kind] += 1;
    if (item === undefined) made[at - items.length] = result;
    else {
      const name = { _index: nameOf(item, request)._index, _id: events[number]?.id ?? null };
      outcomes[at] = { action: item.action, answer: answerOf(item, name, result) };
    }
  }
  for (const [at, { id, result }] of settleOrDrop(taking, made)) {
    const item = items[at] as BulkItem;
    const { _index, _id } = nameOf(item, request);
    outcomes[at] = { action: item.action, answer: answerOf(item, { _index, _id: id ?? _id ?? 'kept' }, result) };
  }
  if (isHost) {
    const { hosts } = context;
    hosts.count(account.id, 'events', counts.created);
    hosts.count(account.id, 'duplicates', counts.duplicate);
    hosts.count(account.id, 'rejected', counts.rejected);
    hosts.count(account.id, 'foreign_host', counts.foreign);
    hosts.count(account.id, 'clock_ahead', ahead);
    if (isSender) hosts.setSignedOff(account.id, request.isSignOff);
  }
  return outcomes.filter((outcome) => outcome !== undefined);
}

function admittedQuickly(
  { id, scanned }: BulkDocument,
  quick: QuickAdmission | undefined,
): Extract<Admitted, { readonly kind: 'admitted' }> | undefined {
  if (id === undefined || scanned === undefined) return undefined;
  const event = quick?.(id, scanned);
  return event === undefined ? undefined : { kind: 'admitted', event, hasOwnTime: true, isAhead: false };
}

type Refusal = Pick<Extract<BulkItem, { readonly kind: 'refused' }>, 'status' | 'type' | 'reason'>;

function* documentsOf(items: readonly BulkItem[]): Generator<{ readonly at: number; readonly item: BulkDocument }> {
  for (const [at, item] of items.entries()) if (item.kind === 'document') yield { at, item };
}

interface StoredPart {
  readonly events: readonly NewEvent[];
  readonly nowMs: number;
  readonly taking: Taking | undefined;
  readonly turn: Turn | undefined;
}

/** Appends in pieces, and says to the fence what was stored and what holds once it is read. */
async function store(
  { store, fence, hosts }: IngestContext,
  request: TakenRequest,
  { events, nowMs, taking, turn }: StoredPart,
): Promise<readonly AppendResult[]> {
  const { account } = request;
  const isHost = account.role === 'host';
  const ids = events.map(({ id }) => id);
  const delivery = isHost ? fence.begin(account.id, ids, { nowMs }) : undefined;
  const results: AppendResult[] = [];
  try {
    for (let at = 0; at < events.length; at += APPEND_EVENTS_MAX) {
      const appended = store.append(events.slice(at, at + APPEND_EVENTS_MAX));
      // Before the next request is looked at, what a shipper's records left open is settled, and a host that signs off is absent.
      const isLast = at + APPEND_EVENTS_MAX >= events.length;
      if (isLast && taking === undefined && !request.isSignOff) turn?.pass();
      results.push(...(await appended));
    }
    // Where nothing is waited for, nothing is: what holds of the host is best known when the engine reads its events.
    if (turn?.earlier !== undefined) await turn.earlier;
  } catch (error) {
    if (delivery !== undefined) fence.settle(delivery, notCreated(ids, results), undefined);
    taking?.drop();
    throw error;
  }
  if (delivery !== undefined) {
    // Capped as `event.created` is: what a clock ahead of ours promises, it promises of the time as it is stored.
    const { progress } = request;
    const capped = progress === undefined ? undefined : { ...progress, createdMs: Math.min(progress.createdMs, nowMs) };
    if (capped !== undefined) hosts.setProgress(account.id, capped);
    const standing: Standing | undefined = request.isSignOff
      ? { kind: 'absent' }
      : capped === undefined
        ? undefined
        : { kind: 'progress', progress: capped };
    fence.settle(delivery, notCreated(ids, results), standing);
  }
  return results;
}

/** Ids of which nothing was stored: one that a request names twice was stored once. */
function notCreated(ids: readonly string[], results: readonly AppendResult[]): readonly string[] {
  const isCreated = (at: number): boolean => results[at]?.kind === 'created';
  const missing = ids.filter((_, at) => !isCreated(at));
  if (missing.length === 0) return missing;
  const created = new Set(ids.filter((_, at) => isCreated(at)));
  return missing.filter((id) => !created.has(id));
}
