// Counts over the tail and the partitions, exact: what SQL decides is counted there, partition by partition; the rows that it
// cannot decide (query/count.ts says what they mean) are read as documents.
import type { AggregateRequest, AggregateResponse } from '../port.ts';
import { type Count, createCount } from '../query/count.ts';
import { type Matcher, matcherOf } from '../query/matches.ts';
import { compileQuery } from './dialect.ts';
import { type AskedLayout, askedLayout } from './even-layout.ts';
import { type FieldPlace, fieldPlace, NEVER } from './field-place.ts';
import { numberAt, openColumn, textAt } from './packed-columns.ts';
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

  const tally = async (combined: Keys | undefined, isCount: boolean): Promise<Tally> => {
    const sql = tallySql({ keys, combined, from: `${from} AND ${decided}`, bucketMs: request.bucketMs });
    const known = new Map<string, (string | null)[]>();
    const keysAt = (text: string): readonly (string | null)[] => {
      const before = known.get(text);
      if (before !== undefined) return before;
      const texts = keys.read(JSON.parse(text));
      if (combined !== undefined) known.set(text, texts);
      return texts;
    };
    let [events, groups] = [0, 0];
    for (const packed of await session.chunks(sql, compiled.values, true)) {
      const [buckets, counts, groupKeys] = [0, 1, 2].map((column) => openColumn(packed, column));
      const combinations = combined && openColumn(packed, 3);
      for (let row = 0; row < packed.rows && ++groups <= GROUPS_READ_MAX; row++) {
        const held = numberAt(counts, row) ?? 0;
        const bucketMs = request.bucketMs === undefined ? undefined : (numberAt(buckets, row) ?? undefined);
        const group = keysAt(textAt(groupKeys, row) ?? '[]');
        events += held;
        if (isCount) count.group(group, bucketMs, held);
        const name = combined?.name(textAt(combinations, row) ?? '[]');
        if (name !== undefined) count.seenNamed(group, bucketMs, name);
      }
      packed.memory.transfer(0);
    }
    return { events, isWhole: groups <= GROUPS_READ_MAX };
  };

  const combined = distinct.fields === 0 ? undefined : distinct;
  // A list among the distinct fields would count an event once for each member.
  const isOne = distinct.lists === 0;
  const first = await tally(isOne ? combined : undefined, true);
  const isWhole = isOne || ((await tally(combined, false)).isWhole && first.isWhole);
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
  /** SQL for each field, as scalar or as list, and how a value is written in JSON. */
  readonly sql: readonly { readonly value: string; readonly isList: boolean; readonly isNumber: boolean }[];
  /** Conditions under which SQL does not tell the values. */
  readonly odd: readonly string[];
  /** The values as text, of what SQL gives for a row. */
  read(values: readonly (string | number | null)[]): (string | null)[];
  /** The same of their JSON, written as `JSON.stringify` does; undefined where all are null. */
  name(json: string): string | undefined;
}

function keysOf(fields: readonly string[], layout: AskedLayout): Keys {
  const places = fields.map((field) => fieldPlace(field, layout));
  const lists = places.filter((place) => place.kind === 'list').length;
  const membersMax = Math.floor(COMBINATIONS_MAX ** (1 / Math.max(1, lists)));
  const areTexts = places.every((place) => place.kind !== 'time' && place.kind !== 'double');
  const nothing = JSON.stringify(places.map(() => null));
  const read: Keys['read'] = (values) => values.map((value, at) => textOf(value, places[at]));
  return {
    fields: fields.length,
    lists,
    sql: places.map((place) => {
      if (place.kind === 'unknown') return { value: 'NULL', isList: false, isNumber: false };
      return { value: place.sql, isList: place.kind === 'list', isNumber: place.kind === 'number' };
    }),
    odd: places.flatMap((place) => {
      if (place.kind === 'unknown') return ['TRUE'];
      if (place.kind !== 'list') return [place.odd];
      return [place.odd, `coalesce(len(${place.sql}) > ${membersMax}, FALSE)`];
    }),
    read,
    name(json) {
      // The database and JavaScript write the same JSON, but for how they escape.
      const name = areTexts && !json.includes('\\') ? json : JSON.stringify(read(JSON.parse(json)));
      return name === nothing ? undefined : name;
    },
  };
}

function textOf(value: string | number | null, place: FieldPlace | undefined): string | null {
  if (value === null) return null;
  return place?.kind === 'time' ? new Date(Number(value)).toISOString() : String(value);
}

/**
 * One row for each combination: its bucket, how many events it has, the group's values as JSON and those that are combined (a text that
 * is read alone would lose a byte order mark).
 */
function tallySql({
  keys,
  combined,
  from,
  bucketMs,
}: {
  readonly keys: Keys;
  readonly combined: Keys | undefined;
  readonly from: string;
  readonly bucketMs: number | undefined;
}): string {
  const values = [...keys.sql, ...(combined?.sql ?? [])];
  const names = values.map((_, at) => `k${at}`);
  // Times in a store are never before 1970 (admission.ts), so that `%` rounds down.
  const bucket = bucketMs === undefined ? '0::BIGINT' : `(_ts - _ts % ${bucketMs})::BIGINT`;
  let source = `SELECT ${[`${bucket} AS b`, ...values.map(({ value }, at) => `${value} AS k${at}`)].join(', ')} FROM ${from}`;
  for (const [at, { isList }] of values.entries()) {
    if (!isList) continue;
    const others = ['b', ...names.filter((name) => name !== `k${at}`)].join(', ');
    source = `SELECT ${others}, unnest(CASE WHEN len(k${at}) > 0 THEN list_distinct(k${at}) ELSE [NULL::VARCHAR] END) AS k${at} FROM (${source})`;
  }
  const grouped = `SELECT ${['b', ...names, 'count(*) AS n'].join(', ')} FROM (${source}) GROUP BY ${['b', ...names].join(', ')}`;
  const texts = values.map(({ isNumber }, at) => (isNumber ? `k${at}::VARCHAR` : `k${at}`));
  const json = (of: readonly string[]): string => (of.length === 0 ? "'[]'" : `json_array(${of.join(', ')})::VARCHAR`);
  const written = [
    json(texts.slice(0, keys.fields)),
    ...(combined === undefined ? [] : [json(texts.slice(keys.fields))]),
  ];
  return `SELECT b, n, ${written.join(', ')} FROM (${grouped}) LIMIT ${GROUPS_READ_MAX + 1}`;
}
