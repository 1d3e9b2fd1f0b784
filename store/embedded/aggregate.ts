// Counts over the tail and the partitions, exact: what SQL decides is counted there, partition by partition; the rows that it
// cannot decide (query/count.ts says what they mean) are read as documents.
import type { AggregateRequest, AggregateResponse } from '../port.ts';
import { type Count, createCount } from '../query/count.ts';
import { type Matcher, matcherOf } from '../query/matches.ts';
import { compileQuery } from './dialect.ts';
import { type AskedLayout, askedLayout } from './even-layout.ts';
import { type FieldPlace, fieldPlace, NEVER } from './field-place.ts';
import type { Partition, PartitionSession } from './partitions.ts';
import { eventsOf } from './rows.ts';
import { boundsOf, partitionsIn, type Snapshot } from './snapshot.ts';

/** Groups that one statement gives at most; what is left out makes the answer inexact. */
const GROUPS_READ_MAX = 1_000_000;
/** Undecided rows are read in windows that hold about so many of them. */
const WINDOW_ROWS = 4_000;
/** Combinations of lists' members are SQL's to make up to this many for an event. */
const COMBINATIONS_MAX = 1_000;

export async function aggregate(snapshot: Snapshot, request: AggregateRequest): Promise<AggregateResponse> {
  try {
    return await counted(snapshot, request, false);
  } catch (error) {
    // Conditions on many fields without columns take more memory than the database may have: those are read instead.
    if (!(error instanceof Error && error.message.startsWith('Out of Memory Error'))) throw error;
    return counted(snapshot, request, true);
  }
}

async function counted(snapshot: Snapshot, request: AggregateRequest, isFrugal: boolean): Promise<AggregateResponse> {
  const { query, range, signal } = request;
  const matches = matcherOf(query);
  const count = createCount(request);
  for (const { id, document, timestampMs } of snapshot.pending) {
    if (timestampMs >= range.fromMs && timestampMs < range.untilMs && matches(document, id))
      count.event(document, timestampMs);
  }
  const asked = partitionsIn(snapshot, range);
  let isExact = true;
  for (const [at, partition] of asked.entries()) {
    signal?.throwIfAborted();
    request.progress?.(at / asked.length);
    const found = await snapshot.partitions.read(
      partition,
      (session) => countPartition({ session, partition, snapshot, request, matches, count, isFrugal }),
      signal,
    );
    isExact &&= found ?? true;
  }
  signal?.throwIfAborted();
  request.progress?.(1);
  const result = count.result();
  return { ...result, isExact: result.isExact && isExact };
}

interface Tally {
  /** With lists, once for each combination. */
  readonly events: number;
  readonly isWhole: boolean;
}

interface Counting {
  readonly session: PartitionSession;
  readonly partition: Partition;
  readonly snapshot: Snapshot;
  readonly request: AggregateRequest;
  readonly matches: Matcher;
  readonly count: Count;
  /** Fields without columns are not asked for, but read. */
  readonly isFrugal: boolean;
}

/** False where there were too many groups. */
async function countPartition(counting: Counting): Promise<boolean> {
  const { session, partition, snapshot, request, count, isFrugal } = counting;
  const { schema, rows } = session;
  const layout = await askedLayout(session, partition, snapshot.loadedSeq);
  const keys = keysOf(request.groupBy, layout);
  const distinct = keysOf(request.distinct ?? [], layout);
  const bounds = boundsOf(partition, request.range, snapshot.loadedSeq);
  const judged = compileQuery(request.query, layout, { firstParameter: 1, sides: ['superset', 'subset'], isFrugal });
  const subset = judged.sql[1] ?? 'FALSE';
  const odd = [...keys.odd, ...distinct.odd];
  const inDoubt = odd.filter((condition) => condition !== NEVER);
  const isDecided = judged.sql[0] === subset && inDoubt.length === 0;
  const decided = isDecided ? 'TRUE' : `(${subset}${inDoubt.map((condition) => ` AND NOT ${condition}`).join('')})`;
  const compiled = isDecided
    ? compileQuery(request.query, layout, { firstParameter: 1, sides: ['superset'], isFilter: true, isFrugal })
    : judged;
  const from = `${schema}.events WHERE ${bounds} AND ${compiled.sql[0] ?? 'TRUE'}`;

  const tally = async (counted: Keys, isCount: boolean): Promise<Tally> => {
    const answer = await rows(
      tallySql({ keys: counted, from: `${from} AND ${decided}`, bucketMs: request.bucketMs }),
      compiled.values,
    );
    let events = 0;
    for (const [bucket, text, held] of answer.slice(0, GROUPS_READ_MAX)) {
      const texts = counted.read(JSON.parse(String(text)));
      const bucketMs = request.bucketMs === undefined ? undefined : Number(bucket);
      const group = texts.slice(0, keys.fields);
      events += Number(held);
      if (isCount) count.group(group, bucketMs, Number(held));
      if (counted.fields > keys.fields) count.seen(group, bucketMs, texts.slice(keys.fields));
    }
    return { events, isWhole: answer.length <= GROUPS_READ_MAX };
  };

  const both = joined(keys, distinct);
  // A list among the distinct fields would count an event once for each member.
  const isOne = distinct.lists === 0;
  const first = await tally(isOne ? both : keys, true);
  const isWhole = isOne || ((await tally(both, false)).isWhole && first.isWhole);
  if (keys.lists === 0 && first.isWhole) {
    count.matched(first.events);
  } else {
    const [total] = await rows(`SELECT count(*) FROM ${from} AND ${decided}`, compiled.values);
    count.matched(Number(total?.[0] ?? 0));
  }
  if (isDecided) return isWhole && first.isWhole;
  const open = `${from} AND NOT ${decided}`;
  const [undecided] = await rows(`SELECT count(*), min(_seq), max(_seq) FROM ${open}`, compiled.values);
  const events = Number(undecided?.[0] ?? 0);
  if (events > 0) {
    await readUndecided(counting, open, {
      values: compiled.values,
      events,
      least: Number(undecided?.[1]),
      greatest: Number(undecided?.[2]),
    });
  }
  return isWhole && first.isWhole;
}

/** The rows that SQL leaves open, a window of numbers at a time. */
async function readUndecided(
  { session, request, matches, count }: Counting,
  from: string,
  undecided: {
    readonly values: readonly (string | number)[];
    readonly events: number;
    readonly least: number;
    readonly greatest: number;
  },
): Promise<void> {
  const { values, events, least, greatest } = undecided;
  const width = Math.max(1, Math.ceil(((greatest - least + 1) * WINDOW_ROWS) / Math.max(events, WINDOW_ROWS)));
  for (let at = least; at <= greatest; at += width) {
    request.signal?.throwIfAborted();
    const window = `${from} AND _seq >= ${Math.floor(at)} AND _seq < ${Math.floor(at + width)}`;
    for (const { timestampMs, order, document } of await eventsOf(session, window, values)) {
      if (matches(document, order.id)) count.event(document, timestampMs);
    }
  }
}

interface Keys {
  readonly fields: number;
  readonly lists: number;
  /** SQL for each field, as scalar or as list. */
  readonly sql: readonly { readonly value: string; readonly isList: boolean }[];
  /** Conditions under which SQL does not tell the values. */
  readonly odd: readonly string[];
  /** The values as text, of what SQL gives for a row. */
  read(values: readonly (string | number | null)[]): (string | null)[];
}

function keysOf(fields: readonly string[], layout: AskedLayout): Keys {
  const places = fields.map((field) => fieldPlace(field, layout));
  const lists = places.filter((place) => place.kind === 'list').length;
  const membersMax = Math.floor(COMBINATIONS_MAX ** (1 / Math.max(1, lists)));
  return {
    fields: fields.length,
    lists,
    sql: places.map((place) => {
      if (place.kind === 'unknown') return { value: 'NULL', isList: false };
      return { value: place.sql, isList: place.kind === 'list' };
    }),
    odd: places.flatMap((place) => {
      if (place.kind === 'unknown') return ['TRUE'];
      if (place.kind !== 'list') return [place.odd];
      return [place.odd, `coalesce(len(${place.sql}) > ${membersMax}, FALSE)`];
    }),
    read: (values) => values.map((value, at) => textOf(value, places[at])),
  };
}

function joined(left: Keys, right: Keys): Keys {
  return {
    fields: left.fields + right.fields,
    lists: left.lists + right.lists,
    sql: [...left.sql, ...right.sql],
    odd: [...left.odd, ...right.odd],
    read: (values) => [...left.read(values.slice(0, left.fields)), ...right.read(values.slice(left.fields))],
  };
}

function textOf(value: string | number | null, place: FieldPlace | undefined): string | null {
  if (value === null) return null;
  return place?.kind === 'time' ? new Date(Number(value)).toISOString() : String(value);
}

/**
 * One row for each combination: its bucket, its values as JSON (a text that is read alone would lose a byte order mark), its
 * events.
 */
function tallySql({
  keys,
  from,
  bucketMs,
}: {
  readonly keys: Keys;
  readonly from: string;
  readonly bucketMs: number | undefined;
}): string {
  const names = keys.sql.map((_, at) => `k${at}`);
  // Times in a store are never before 1970 (admission.ts), so that `%` rounds down.
  const bucket = bucketMs === undefined ? '0' : `(_ts - _ts % ${bucketMs})`;
  let source = `SELECT ${[`${bucket} AS b`, ...keys.sql.map(({ value }, at) => `${value} AS k${at}`)].join(', ')} FROM ${from}`;
  for (const [at, { isList }] of keys.sql.entries()) {
    if (!isList) continue;
    const others = ['b', ...names.filter((name) => name !== `k${at}`)].join(', ');
    source = `SELECT ${others}, unnest(CASE WHEN len(k${at}) > 0 THEN list_distinct(k${at}) ELSE [NULL::VARCHAR] END) AS k${at} FROM (${source})`;
  }
  const grouped = `SELECT ${['b', ...names, 'count(*) AS n'].join(', ')} FROM (${source}) GROUP BY ${['b', ...names].join(', ')}`;
  return `SELECT b, json_array(${names.join(', ')})::VARCHAR, n FROM (${grouped}) LIMIT ${GROUPS_READ_MAX + 1}`;
}
