// Scans: all events of a range of `event.created` in reference order. The range is walked in slices that hold a bounded number of
// events of each partition; the next slice is read while the consumer works on this one.
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { EventDocument, NewEvent } from '../../event/document.ts';
import { compareOrder, type OrderKey, orderKeyOf } from '../../event/order.ts';
import type { TimeRange } from '../port.ts';
import { matcherOf } from '../query/matches.ts';
import type { Query } from '../query/query.ts';
import { type Layout, narrowLayout } from './columns.ts';
import { type CompiledQuery, compileQuery } from './dialect.ts';
import { askedLayout } from './even-layout.ts';
import type { Partition, PartitionSession } from './partitions.ts';
import { createRowReader, type RowChunk, type RowReader } from './row-reading.ts';
import { handleColumn, type RowHandle, rowsIn } from './rows.ts';
import { finite, type Snapshot } from './snapshot.ts';

/** A slice takes at most so many events of each partition, except where more share one millisecond. */
export const SLICE_ROWS = 20_000;
/** A batch is what a scan has in memory as documents: of 1,000, every collection of young memory moved most of them. */
const BATCH_EVENTS = 250;
/** Rows that one statement names. */
const FETCHED_ROWS = 10_000;

/** An event of a slice; a row stays in its chunk until it is given out, or millions of values would grow old in memory. */
interface Entry {
  readonly createdMs: number;
  readonly from: Rows | { readonly order: OrderKey; readonly document: EventDocument };
  readonly row: number;
}

interface Rows {
  readonly chunk: RowChunk;
  /** True where SQL has decided that they are meant. */
  readonly isMeant: boolean;
}

/** A reader for each layout that a scan meets. */
type Readers = (layout: Layout) => RowReader;

interface ScanRequest {
  readonly query: Query;
  readonly range: TimeRange;
  readonly signal: AbortSignal | undefined;
  readonly progress: ((part: number) => void) | undefined;
  /** Documents need no other fields. */
  readonly fields: readonly string[] | undefined;
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
    .map(({ id, document }): Entry => {
      const order = orderKeyOf(id, document);
      return { createdMs: order.createdMs, from: { order, document }, row: 0 };
    })
    .filter(({ createdMs }) => createdMs >= range.fromMs && createdMs < range.untilMs);
  const readers = new Map<string, RowReader>();
  const readerOf: Readers = (layout) => {
    const reader = readers.get(layout.valuesSql) ?? createRowReader(layout);
    readers.set(layout.valuesSql, reader);
    return reader;
  };
  const cuts = await cutsOf(snapshot, partitions, request, sliceRows);
  const read = (at: number): Promise<Entry[]> | undefined => {
    const [fromMs, untilMs] = [cuts[at], cuts[at + 1]];
    if (fromMs === undefined || untilMs === undefined) return undefined;
    const slice = readSlice(snapshot, partitions, pending, { ...request, range: { fromMs, untilMs }, readerOf });
    // Who stops early never asks for it, and its failure is nobody's then.
    slice.catch(() => undefined);
    return slice;
  };
  let next = read(0);
  for (let at = 0; next !== undefined; at++) {
    signal?.throwIfAborted();
    const entries = await next;
    next = read(at + 1);
    let events: NewEvent[] = [];
    for (let from = 0; from < entries.length; ) {
      const createdMs = entries[from]?.createdMs;
      let until = from + 1;
      while (entries[until]?.createdMs === createdMs) until++;
      for (const { order, document, isMeant } of inOrder(entries.slice(from, until))) {
        if (isMeant || matches(document, order.id)) events.push({ id: order.id, document });
      }
      from = until;
      if (events.length < BATCH_EVENTS && from < entries.length) continue;
      signal?.throwIfAborted();
      if (events.length > 0) yield events;
      events = [];
      // What the database's thread answers is heard between two batches: or it would wait with the next slice until this one has been read.
      await nextTurn();
    }
    for (const chunk of chunksOf(entries)) chunk.close();
    progress?.((at + 1) / (cuts.length - 1));
  }
}

function chunksOf(entries: readonly Entry[]): ReadonlySet<RowChunk> {
  const chunks = new Set<RowChunk>();
  for (const { from } of entries) if ('chunk' in from) chunks.add(from.chunk);
  return chunks;
}

/** Events of one time. */
function inOrder(
  entries: readonly Entry[],
): readonly { readonly order: OrderKey; readonly document: EventDocument; readonly isMeant: boolean }[] {
  const events = entries.map(({ from, row }) => {
    if ('document' in from) return { ...from, isMeant: false };
    const { order, document } = from.chunk.read(row);
    return { order, document, isMeant: from.isMeant };
  });
  return events.length === 1 ? events : events.sort((a, b) => compareOrder(a.order, b.order));
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
        const { sql, values } = await conditionOf(session, partition, snapshot, { ...request, fields: undefined });
        return session.rows(
          `SELECT DISTINCT _created FROM (SELECT _created, row_number() OVER (ORDER BY _created) AS n FROM ${session.schema}.events WHERE ${sql[2]} AND ${sql[0]})
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
  request: ScanRequest & { readonly readerOf: Readers },
): Promise<Entry[]> {
  const { range, signal } = request;
  const entries = pending.filter(({ createdMs }) => createdMs >= range.fromMs && createdMs < range.untilMs);
  for (const partition of partitions) {
    const { span } = partition;
    if (span === undefined || span.maxCreated < range.fromMs || span.minCreated >= range.untilMs) continue;
    const found = await snapshot.partitions.read(
      partition,
      async (session) =>
        readRows(session, await conditionOf(session, partition, snapshot, request), {
          fields: request.fields,
          handle: handleColumn(partition),
          readerOf: request.readerOf,
        }),
      signal,
    );
    for (const entry of found ?? []) entries.push(entry);
  }
  return entries.sort((a, b) => a.createdMs - b.createdMs);
}

/** The rows of a condition's superset; where few fields are asked for and SQL decides, no more than their columns is read. */
async function readRows(
  session: PartitionSession,
  { sql, values, isDecided }: ScanCondition,
  {
    fields,
    handle,
    readerOf,
  }: { readonly fields: readonly string[] | undefined; readonly handle: RowHandle; readonly readerOf: Readers },
): Promise<readonly Entry[]> {
  const [superset = 'TRUE', subset = 'FALSE', bounds = 'TRUE'] = sql;
  const entries: Entry[] = [];
  const read = async (layout: Layout, condition: string, isMeant: boolean): Promise<void> => {
    const open = readerOf(layout);
    const from = `${session.schema}.events WHERE ${bounds} AND ${condition}`;
    // Under a condition, DuckDB reads all columns of a row before it looks whether it wants it: so first which rows.
    const handles = condition === 'TRUE' ? undefined : await session.rows(`SELECT ${handle} FROM ${from}`, values);
    for (let at = 0; at < (handles?.length ?? 1); at += FETCHED_ROWS) {
      const rows = handles === undefined ? from : rowsIn(session, handle, handles.slice(at, at + FETCHED_ROWS));
      const packed = await session.chunks(
        `SELECT ${layout.valuesSql} FROM ${rows}`,
        handles === undefined ? values : [],
        handles !== undefined,
      );
      for (const chunk of packed.map(open)) {
        const from = { chunk, isMeant };
        for (let row = 0; row < chunk.rows; row++) entries.push({ createdMs: chunk.createdMsAt(row), from, row });
      }
    }
  };
  const narrow = fields === undefined ? undefined : narrowLayout(session.layout, fields);
  if (narrow === undefined) {
    await read(session.layout, superset, false);
    return entries;
  }
  if (isDecided) {
    await read(narrow, superset, true);
    return entries;
  }
  const isWhole = `(${subset} AND _odd IS NULL)`;
  await read(narrow, isWhole, true);
  await read(session.layout, `${superset} AND NOT ${isWhole}`, false);
  return entries;
}

/** Superset, subset, and what of the partition is looked at. */
interface ScanCondition extends CompiledQuery {
  /** No row is odd, and the superset is what is meant. */
  readonly isDecided: boolean;
}

async function conditionOf(
  session: PartitionSession,
  partition: Partition,
  { loadedSeq }: Snapshot,
  { query, range, fields }: ScanRequest,
): Promise<ScanCondition> {
  const { span } = partition;
  const layout = await askedLayout(session, partition, loadedSeq);
  const [one, both] = [['superset'] as const, ['superset', 'subset'] as const];
  const judged = compileQuery(query, layout, { firstParameter: 1, sides: both });
  const isDecided = layout.isEven === true && judged.sql[0] === judged.sql[1];
  const { sql, values } =
    isDecided || fields === undefined
      ? compileQuery(query, layout, { firstParameter: 1, sides: one, isFilter: true })
      : judged;
  const bounds = [`_seq <= ${loadedSeq}`];
  const [from, until] = [finite(range.fromMs), finite(range.untilMs)];
  if (span === undefined || span.minCreated < from) bounds.push(`_created >= '${from}'::DOUBLE`);
  if (span === undefined || span.maxCreated >= until) bounds.push(`_created < '${until}'::DOUBLE`);
  return { sql: [sql[0] ?? 'TRUE', sql[1] ?? 'FALSE', bounds.join(' AND ')], values, isDecided };
}

/** The least greater double. */
function nextNumber(number: number): number {
  if (number === 0) return Number.MIN_VALUE;
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, number);
  view.setBigInt64(0, view.getBigInt64(0) + (number > 0 ? 1n : -1n));
  return view.getFloat64(0);
}
