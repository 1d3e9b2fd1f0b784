// Searches: newest first (or oldest first) over the tail and the partitions, partition by partition, until enough is found. Each
// partition is asked in two steps: which rows may match, on the narrow columns; then those rows, page by page.
import type { NewEvent } from '../../event/document.ts';
import type { SearchRequest, SearchResponse, TimeRange } from '../port.ts';
import { type Matcher, matcherOf } from '../query/matches.ts';
import { compileQuery } from './dialect.ts';
import type { Partition, Partitions } from './partitions.ts';
import { rowsOf } from './rows.ts';
import type { TailEntry } from './tail.ts';

/** The most events that one search gives. */
const SEARCH_LIMIT_MAX = 10_000;
/** Rows that are fetched at once. */
const PAGE_ROWS = 500;
/** A total is counted over at most so many partitions, and only where no long text has to be read for it. */
const COUNTED_PARTITIONS_MAX = 8;
const LONG_TEXT = /lower\("(_rest|event\.original)"\)/;

interface Place {
  readonly timestampMs: number;
  readonly seq: number;
}

interface Hit extends Place, NewEvent {}

/** Where hits come from, in the search's order. */
interface Source {
  /** No hit of this source comes before this place. */
  readonly first: Place;
  /** The next hit, or undefined at the end. */
  next(): Promise<Hit | undefined>;
}

/** The store's state at one moment: partitions up to a number, and every later event in memory. */
export interface Snapshot {
  readonly partitions: Partitions;
  readonly loadedSeq: number;
  readonly pending: readonly TailEntry[];
}

export async function search(snapshot: Snapshot, request: SearchRequest): Promise<SearchResponse> {
  const limit = Math.max(0, Math.min(Math.floor(request.limit), SEARCH_LIMIT_MAX));
  const matches = matcherOf(request.query);
  const direction = request.oldestFirst === true ? 1 : -1;
  const before = (a: Place, b: Place): number => direction * (a.timestampMs - b.timestampMs || a.seq - b.seq);
  const asked = partitionsIn(snapshot, request.range);
  const sources = [
    pendingSource(snapshot.pending, request, matches, before),
    ...asked.map((partition) => partitionSource(snapshot, partition, request, matches)),
  ].flatMap((source) => source ?? []);
  const events: NewEvent[] = [];
  let isExhausted = true;
  for await (const hit of merged(sources, before)) {
    if (events.length === limit) {
      isExhausted = false;
      break;
    }
    events.push({ id: hit.id, document: hit.document });
  }
  if (isExhausted) return { events, total: events.length, isTotalExact: true };
  const counted = await count(snapshot, asked, request, matches);
  return { events, total: Math.max(events.length + 1, counted.atLeast), isTotalExact: counted.isExact };
}

/** The partitions that hold events of a range of `@timestamp`. */
export function partitionsIn({ partitions }: Snapshot, range: TimeRange): readonly Partition[] {
  return partitions
    .all()
    .filter(({ span }) => span !== undefined && span.maxTs >= range.fromMs && span.minTs < range.untilMs);
}

/** Merges the sources in order, and starts one only when its first hit may be the next. */
async function* merged(sources: readonly Source[], before: (a: Place, b: Place) => number): AsyncGenerator<Hit> {
  const waiting = [...sources].sort((a, b) => before(a.first, b.first));
  const heads: { hit: Hit; source: Source }[] = [];
  for (;;) {
    heads.sort((a, b) => before(a.hit, b.hit));
    const head = heads[0];
    const next = waiting[0];
    if (next !== undefined && (head === undefined || before(next.first, head.hit) <= 0)) {
      waiting.shift();
      const hit = await next.next();
      if (hit !== undefined) heads.push({ hit, source: next });
      continue;
    }
    if (head === undefined) return;
    yield head.hit;
    const hit = await head.source.next();
    if (hit === undefined) heads.shift();
    else head.hit = hit;
  }
}

function pendingSource(
  pending: readonly TailEntry[],
  { range }: SearchRequest,
  matches: Matcher,
  before: (a: Place, b: Place) => number,
): Source | undefined {
  const hits = pending.filter(
    ({ timestampMs, document }) => timestampMs >= range.fromMs && timestampMs < range.untilMs && matches(document),
  );
  hits.sort(before);
  const [first] = hits;
  let at = 0;
  return first === undefined ? undefined : { first, next: async () => hits[at++] };
}

function partitionSource(
  snapshot: Snapshot,
  partition: Partition,
  request: SearchRequest,
  matches: Matcher,
): Source | undefined {
  const { range, oldestFirst, signal } = request;
  const span = partition.span;
  if (span === undefined) return undefined;
  const isForward = oldestFirst === true;
  const [sign, order] = isForward ? ['>', 'ASC'] : ['<', 'DESC'];
  const first: Place = isForward
    ? { timestampMs: Math.max(span.minTs, range.fromMs), seq: 0 }
    : { timestampMs: span.maxTs, seq: Number.MAX_SAFE_INTEGER };
  let page: Hit[] = [];
  let last: Place | undefined;
  let isAtEnd = false;

  const fetchPage = async (): Promise<void> => {
    signal?.throwIfAborted();
    const found = await snapshot.partitions.read(partition, async (session) => {
      const compiled = compileQuery(request.query, session.layout, { firstParameter: 6, sides: ['superset'] });
      const keys = await session.rows(
        `SELECT _ts, _seq FROM ${session.schema}.events
          WHERE _ts >= $1::DOUBLE AND _ts < $2::DOUBLE AND _seq <= $3::DOUBLE
            AND (_ts ${sign} $4::DOUBLE OR (_ts = $4::DOUBLE AND _seq ${sign} $5::DOUBLE)) AND ${compiled.sql[0]}
          ORDER BY _ts ${order}, _seq ${order} LIMIT ${PAGE_ROWS}`,
        [
          finite(range.fromMs),
          finite(range.untilMs),
          snapshot.loadedSeq,
          last?.timestampMs ?? (isForward ? -1 : Number.MAX_SAFE_INTEGER),
          last?.seq ?? (isForward ? -1 : Number.MAX_SAFE_INTEGER),
          ...compiled.values,
        ],
      );
      const places = keys.map(([timestampMs, seq]) => ({ timestampMs: Number(timestampMs), seq: Number(seq) }));
      const rows = await rowsOf(
        session,
        places.map((place) => place.seq),
      );
      return { places, rows };
    });
    isAtEnd = found === undefined || found.places.length < PAGE_ROWS;
    last = found?.places.at(-1);
    page = (found?.places ?? []).flatMap((place) => {
      const row = found?.rows.get(place.seq);
      return row !== undefined && matches(row.document) ? [{ ...place, id: row.id, document: row.document }] : [];
    });
    page.reverse();
  };

  return {
    first,
    async next() {
      while (page.length === 0 && !isAtEnd) await fetchPage();
      return page.pop();
    },
  };
}

/** How many events match: at least so many, and whether that is all. */
async function count(
  snapshot: Snapshot,
  partitions: readonly Partition[],
  { query, range, signal }: SearchRequest,
  matches: Matcher,
): Promise<{ atLeast: number; isExact: boolean }> {
  let atLeast = snapshot.pending.filter(
    ({ timestampMs, document }) => timestampMs >= range.fromMs && timestampMs < range.untilMs && matches(document),
  ).length;
  let isExact = partitions.length <= COUNTED_PARTITIONS_MAX;
  for (const partition of isExact ? partitions : []) {
    signal?.throwIfAborted();
    const counts = await snapshot.partitions.read(partition, async ({ schema, layout, rows }) => {
      const { sql, values } = compileQuery(query, layout, { firstParameter: 4, sides: ['subset', 'superset'] });
      if (LONG_TEXT.test(sql.join())) return undefined;
      return rows(
        `SELECT ${sql.map((condition) => `count(*) FILTER (${condition})`).join(', ')} FROM ${schema}.events
          WHERE _ts >= $1::DOUBLE AND _ts < $2::DOUBLE AND _seq <= $3::DOUBLE`,
        [finite(range.fromMs), finite(range.untilMs), snapshot.loadedSeq, ...values],
      );
    });
    if (counts === undefined) return { atLeast, isExact: false };
    const [least = 0, most = 0] = (counts[0] ?? []).map(Number);
    atLeast += least;
    if (least !== most) isExact = false;
  }
  return { atLeast, isExact };
}

/** An end of a range that the database can compare with. */
export function finite(ms: number): number {
  return Math.max(-Number.MAX_VALUE, Math.min(ms, Number.MAX_VALUE));
}
