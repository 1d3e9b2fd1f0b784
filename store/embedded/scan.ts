// Scans: all events of a range of `event.created` in reference order. The range is walked in slices that hold a bounded number of
// events of each partition; the next slice is read while the consumer works on this one.
import type { EventDocument, NewEvent } from '../../event/document.ts';
import { compareOrder, type OrderKey, orderKeyOf } from '../../event/order.ts';
import type { TimeRange } from '../port.ts';
import { matcherOf } from '../query/matches.ts';
import type { Query } from '../query/query.ts';
import { type ColumnValue, type Layout, toDocument } from './columns.ts';
import { type CompiledQuery, compileQuery } from './dialect.ts';
import type { Partition, PartitionSession } from './partitions.ts';
import { orderOfRow, parseRow } from './rows.ts';
import { finite, type Snapshot } from './search.ts';

/** A slice takes at most so many events of each partition, except where more share one millisecond. */
export const SLICE_ROWS = 10_000;
const BATCH_EVENTS = 1_000;

interface Entry {
  readonly order: OrderKey;
  readonly from:
    | { readonly row: readonly ColumnValue[]; readonly layout: Layout }
    | { readonly document: EventDocument };
}

interface ScanRequest {
  readonly query: Query;
  readonly range: TimeRange;
  readonly signal: AbortSignal | undefined;
  readonly progress: ((part: number) => void) | undefined;
}

export async function* scan(
  snapshot: Snapshot,
  request: ScanRequest,
  sliceRows: number,
): AsyncGenerator<readonly NewEvent[]> {
  const { query, range, signal, progress } = request;
  const matches = matcherOf(query);
  const partitions = snapshot.partitions
    .all()
    .filter(({ span }) => span !== undefined && span.maxCreated >= range.fromMs && span.minCreated < range.untilMs);
  const pending = snapshot.pending
    .map((entry): Entry => ({ order: orderKeyOf(entry.id, entry.document), from: entry }))
    .filter(({ order }) => order.createdMs >= range.fromMs && order.createdMs < range.untilMs);
  const cuts = await cutsOf(snapshot, partitions, request, sliceRows);
  const read = (at: number): Promise<Entry[]> | undefined => {
    const [fromMs, untilMs] = [cuts[at], cuts[at + 1]];
    if (fromMs === undefined || untilMs === undefined) return undefined;
    const slice = readSlice(snapshot, partitions, pending, { ...request, range: { fromMs, untilMs } });
    // Who stops early never asks for it, and its failure is nobody's then.
    slice.catch(() => undefined);
    return slice;
  };
  let next = read(0);
  for (let at = 0; next !== undefined; at++) {
    signal?.throwIfAborted();
    const entries = await next;
    next = read(at + 1);
    for (let from = 0; from < entries.length; from += BATCH_EVENTS) {
      signal?.throwIfAborted();
      const events: NewEvent[] = [];
      for (const { order, from: held } of entries.slice(from, from + BATCH_EVENTS)) {
        const document = 'document' in held ? held.document : toDocument(held.row, held.layout);
        if (matches(document)) events.push({ id: order.id, document });
      }
      if (events.length > 0) yield events;
    }
    progress?.((at + 1) / (cuts.length - 1));
  }
}

/** Where slices begin and end: no partition has more than `sliceRows` rows between two, but for those of one time. */
async function cutsOf(
  snapshot: Snapshot,
  partitions: readonly Partition[],
  request: ScanRequest,
  sliceRows: number,
): Promise<readonly number[]> {
  const { range, signal } = request;
  const [first, end] = [finite(range.fromMs), finite(range.untilMs)];
  const cuts = new Set<number>();
  for (const partition of partitions) {
    signal?.throwIfAborted();
    if ((partition.span?.rows ?? 0) < sliceRows) continue;
    const rows = await snapshot.partitions.read(
      partition,
      async (session) => {
        const { sql, values } = conditionOf(session, partition, snapshot, request);
        return session.rows(
          `SELECT DISTINCT _created FROM (SELECT _created, row_number() OVER (ORDER BY _created) AS n FROM ${session.schema}.events WHERE ${sql[0]})
            WHERE n % ${sliceRows} = 0 ORDER BY 1`,
          values,
        );
      },
      signal,
    );
    // A slice begins with its first time: the events of the cut's own time belong to the slice before it.
    for (const [created] of rows ?? []) cuts.add(nextNumber(Number(created)));
  }
  const inner = [...cuts].filter((cut) => cut > first && cut < end).sort((a, b) => a - b);
  return first < end ? [first, ...inner, end] : [];
}

async function readSlice(
  snapshot: Snapshot,
  partitions: readonly Partition[],
  pending: readonly Entry[],
  request: ScanRequest,
): Promise<Entry[]> {
  const { range, signal } = request;
  const entries = pending.filter(({ order }) => order.createdMs >= range.fromMs && order.createdMs < range.untilMs);
  for (const partition of partitions) {
    const { span } = partition;
    if (span === undefined || span.maxCreated < range.fromMs || span.minCreated >= range.untilMs) continue;
    const found = await snapshot.partitions.read(
      partition,
      async (session) => {
        const { sql, values } = conditionOf(session, partition, snapshot, request);
        const texts = await session.rows(
          `SELECT ${session.layout.rowSql} FROM ${session.schema}.events WHERE ${sql[0]}`,
          values,
        );
        return texts.map((text): Entry => {
          const row = parseRow(text);
          return { order: orderOfRow(row), from: { row, layout: session.layout } };
        });
      },
      signal,
    );
    for (const entry of found ?? []) entries.push(entry);
  }
  return entries.sort((a, b) => compareOrder(a.order, b.order));
}

function conditionOf(
  { layout }: PartitionSession,
  { span }: Partition,
  { loadedSeq }: Snapshot,
  { query, range }: ScanRequest,
): CompiledQuery {
  const { sql, values } = compileQuery(query, layout, { firstParameter: 1, sides: ['superset'] });
  const bounds = [`_seq <= ${loadedSeq}`];
  const [from, until] = [finite(range.fromMs), finite(range.untilMs)];
  if (span === undefined || span.minCreated < from) bounds.push(`_created >= '${from}'::DOUBLE`);
  if (span === undefined || span.maxCreated >= until) bounds.push(`_created < '${until}'::DOUBLE`);
  return { sql: [`${bounds.join(' AND ')} AND ${sql[0]}`], values };
}

/** The least greater double. */
function nextNumber(number: number): number {
  if (number === 0) return Number.MIN_VALUE;
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, number);
  view.setBigInt64(0, view.getBigInt64(0) + (number > 0 ? 1n : -1n));
  return view.getFloat64(0);
}
