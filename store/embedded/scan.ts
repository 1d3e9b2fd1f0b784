// Scans: all events of a range of `event.created` in reference order. The range is walked in slices that hold a bounded number of
// events each; a slice's order keys are sorted first, its documents fetched after, a batch at a time.
import type { EventDocument, NewEvent } from '../../event/document.ts';
import { compareOrder, type OrderKey, orderKeyOf } from '../../event/order.ts';
import type { TimeRange } from '../port.ts';
import { matcherOf } from '../query/matches.ts';
import type { Query } from '../query/query.ts';
import { compileQuery } from './dialect.ts';
import type { Partition } from './partitions.ts';
import { rowsOf } from './rows.ts';
import { finite, type Snapshot } from './search.ts';

/** A slice takes at most so many events of each partition, except where more share one millisecond. */
export const SLICE_ROWS = 20_000;
const BATCH_EVENTS = 1_000;

interface Key {
  readonly order: OrderKey;
  readonly from: { readonly partition: Partition; readonly seq: number } | { readonly document: EventDocument };
}

interface ScanRequest {
  readonly query: Query;
  readonly range: TimeRange;
  readonly signal: AbortSignal | undefined;
}

export async function* scan(
  snapshot: Snapshot,
  request: ScanRequest,
  sliceRows: number,
): AsyncGenerator<readonly NewEvent[]> {
  const { query, range, signal } = request;
  const matches = matcherOf(query);
  const partitions = snapshot.partitions
    .all()
    .filter(({ span }) => span !== undefined && span.maxCreated >= range.fromMs && span.minCreated < range.untilMs);
  const pending = snapshot.pending.map((entry) => ({ order: orderKeyOf(entry.id, entry.document), from: entry }));
  let fromMs = finite(range.fromMs);
  const untilMs = finite(range.untilMs);
  while (fromMs < untilMs) {
    signal?.throwIfAborted();
    const end = await endOfSlice(snapshot, partitions, { ...request, range: { fromMs, untilMs } }, sliceRows);
    const slice = { fromMs, untilMs: end };
    const keys: Key[] = pending.filter(({ order }) => order.createdMs >= fromMs && order.createdMs < end);
    for (const partition of partitions) {
      for (const key of await keysOf(snapshot, partition, { ...request, range: slice })) keys.push(key);
    }
    keys.sort((a, b) => compareOrder(a.order, b.order));
    for (let at = 0; at < keys.length; at += BATCH_EVENTS) {
      signal?.throwIfAborted();
      const events = await eventsOf(snapshot, keys.slice(at, at + BATCH_EVENTS));
      const meant = events.filter((event) => matches(event.document));
      if (meant.length > 0) yield meant;
    }
    fromMs = end;
  }
}

/** Where a slice that begins at `range.fromMs` has to end; always later than it begins. */
async function endOfSlice(
  snapshot: Snapshot,
  partitions: readonly Partition[],
  { query, range }: ScanRequest,
  sliceRows: number,
): Promise<number> {
  let end = range.untilMs;
  for (const partition of partitions) {
    const { span } = partition;
    if (span === undefined || span.rows < sliceRows || span.maxCreated < range.fromMs || span.minCreated >= end)
      continue;
    const rows = await snapshot.partitions.read(partition, ({ schema, layout, rows: read }) => {
      const compiled = compileQuery(query, layout, { firstParameter: 4, sides: ['superset'] });
      return read(
        `SELECT _created FROM ${schema}.events WHERE _created >= $1::DOUBLE AND _created < $2::DOUBLE AND _seq <= $3::DOUBLE
          AND ${compiled.sql[0]} ORDER BY _created LIMIT 1 OFFSET ${sliceRows}`,
        [range.fromMs, end, snapshot.loadedSeq, ...compiled.values],
      );
    });
    const boundary = rows?.[0]?.[0];
    if (typeof boundary === 'number') end = boundary > range.fromMs ? boundary : nextNumber(range.fromMs);
  }
  return end;
}

async function keysOf(
  snapshot: Snapshot,
  partition: Partition,
  { query, range }: ScanRequest,
): Promise<readonly Key[]> {
  const { span } = partition;
  if (span === undefined || span.maxCreated < range.fromMs || span.minCreated >= range.untilMs) return [];
  const rows = await snapshot.partitions.read(partition, ({ schema, layout, rows: read }) => {
    const compiled = compileQuery(query, layout, { firstParameter: 4, sides: ['superset'] });
    return read(
      `SELECT _created, _host, _boot, _position, _id, _seq FROM ${schema}.events
        WHERE _created >= $1::DOUBLE AND _created < $2::DOUBLE AND _seq <= $3::DOUBLE AND ${compiled.sql[0]}`,
      [range.fromMs, range.untilMs, snapshot.loadedSeq, ...compiled.values],
    );
  });
  return (rows ?? []).map(([created, host, boot, position, id, seq]) => ({
    order: {
      createdMs: Number(created),
      hostId: String(host),
      bootId: String(boot),
      position: Number(position),
      id: String(id),
    },
    from: { partition, seq: Number(seq) },
  }));
}

async function eventsOf(snapshot: Snapshot, keys: readonly Key[]): Promise<readonly NewEvent[]> {
  const seqs = new Map<Partition, number[]>();
  for (const { from } of keys) {
    if (!('partition' in from)) continue;
    const own = seqs.get(from.partition);
    if (own === undefined) seqs.set(from.partition, [from.seq]);
    else own.push(from.seq);
  }
  const documents = new Map<number, EventDocument>();
  for (const [partition, wanted] of seqs) {
    const rows = await snapshot.partitions.read(partition, (session) => rowsOf(session, wanted));
    for (const row of rows?.values() ?? []) documents.set(row.seq, row.document);
  }
  return keys.flatMap(({ order, from }) => {
    const document = 'document' in from ? from.document : documents.get(from.seq);
    return document === undefined ? [] : [{ id: order.id, document }];
  });
}

/** The least greater double. */
function nextNumber(number: number): number {
  if (number === 0) return Number.MIN_VALUE;
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, number);
  view.setBigInt64(0, view.getBigInt64(0) + (number > 0 ? 1n : -1n));
  return view.getFloat64(0);
}
