// Searches: newest first (or oldest first) over the tail and the partitions, partition by partition, until enough is found. Each
// partition is asked in two steps: which rows may match, on the narrow columns; then those rows, page by page.
import type { NewEvent } from '../../event/document.ts';
import type { SearchRequest, SearchResponse, TimeRange } from '../port.ts';
import { type Matcher, matcherOf } from '../query/matches.ts';
import type { Query } from '../query/query.ts';
import { compileQuery } from './dialect.ts';
import { type AskedLayout, askedLayout } from './even-layout.ts';
import type { Partition, PartitionSession, Partitions } from './partitions.ts';
import { handleColumn, rowsOf } from './rows.ts';
import type { TailEntry } from './tail.ts';

/** The most events that one search gives. */
const SEARCH_LIMIT_MAX = 10_000;
/** Rows that are fetched at once: what the search wants, within these. */
const PAGE_ROWS_MIN = 20;
const PAGE_ROWS_MAX = 500;
/** Where few of the rows that may match do, the next page is so many times as large, up to this many. */
const PAGE_GROWTH = 4;
const DOUBTFUL_PAGE_ROWS_MAX = 4_000;
/** A window is no shorter than what holds about so many events, or gaps between bursts would be crossed in many steps. */
const WINDOW_ROWS_MIN = 3_000;
/** A partition is looked through in windows of time: the first with about so many events, each further one longer. */
const FIRST_WINDOW_ROWS = 30_000;
const WINDOW_GROWTH = 8;
/** A total is counted over so many rows at most; a row whose long text has to be read is as many. */
const COUNT_ROWS_MAX = 50_000_000;
/** Of a search's progress, what is told while events are looked for; the rest is the total. */
const FOUND_PART = 0.5;
const LONG_TEXT = /"(_rest|event\.original|message)"/;
const LONG_TEXT_ROWS = 100;

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

/** A total that takes longer than `countMs` is a lower bound: nobody waits for it. */
export async function search(snapshot: Snapshot, request: SearchRequest, countMs: number): Promise<SearchResponse> {
  const limit = Math.max(0, Math.min(Math.floor(request.limit), SEARCH_LIMIT_MAX));
  const matches = matcherOf(request.query);
  const direction = request.oldestFirst === true ? 1 : -1;
  const before = (a: Place, b: Place): number => direction * (a.timestampMs - b.timestampMs || a.seq - b.seq);
  const asked = partitionsIn(snapshot, request.range);
  const looked = new Map<Partition, number>();
  const told = (partition: Partition, part: number): void => {
    looked.set(partition, part);
    request.progress?.(FOUND_PART * partOf(asked, looked));
  };
  const sources = [
    pendingSource(snapshot.pending, request, matches, before),
    ...asked.map((partition) => partitionSource(snapshot, partition, { request, matches, told })),
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
  const counted = isExhausted
    ? { atLeast: events.length, isExact: true }
    : await count(snapshot, asked, { request, matches, countMs });
  request.progress?.(1);
  return {
    events,
    total: isExhausted ? events.length : Math.max(events.length + 1, counted.atLeast),
    isTotalExact: counted.isExact,
  };
}

/** How much of the partitions' events was looked at, where each says its part. */
function partOf(partitions: readonly Partition[], looked: ReadonlyMap<Partition, number>): number {
  const rowsOfAll = partitions.reduce((sum, { span }) => sum + (span?.rows ?? 0), 0);
  const rows = partitions.reduce((sum, one) => sum + (one.span?.rows ?? 0) * (looked.get(one) ?? 0), 0);
  return rowsOfAll === 0 ? 1 : rows / rowsOfAll;
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
    ({ timestampMs, document, id }) =>
      timestampMs >= range.fromMs && timestampMs < range.untilMs && matches(document, id),
  );
  hits.sort(before);
  const [first] = hits;
  let at = 0;
  return first === undefined ? undefined : { first, next: async () => hits[at++] };
}

/** What a search has seen of a partition: hits of its windows of time, nearest first. */
function partitionSource(
  snapshot: Snapshot,
  partition: Partition,
  {
    request,
    matches,
    told,
  }: {
    readonly request: SearchRequest;
    readonly matches: Matcher;
    readonly told: (partition: Partition, part: number) => void;
  },
): Source | undefined {
  const { range, oldestFirst, signal } = request;
  const span = partition.span;
  if (span === undefined) return undefined;
  const isForward = oldestFirst === true;
  const [sign, order] = isForward ? ['>', 'ASC'] : ['<', 'DESC'];
  const from = Math.max(span.minTs, Math.ceil(finite(range.fromMs)));
  const until = Math.min(span.maxTs + 1, Math.ceil(finite(range.untilMs)));
  const first: Place = isForward ? { timestampMs: from, seq: 0 } : { timestampMs: until, seq: Number.MAX_SAFE_INTEGER };
  const handle = handleColumn(partition);
  let pageRows = Math.max(PAGE_ROWS_MIN, Math.min(request.limit + 1, PAGE_ROWS_MAX));
  let page: Hit[] = [];
  let last: Place | undefined;
  /** How far was looked already: where the next window begins (or, backwards, ends). */
  let edge = isForward ? from : until;
  const widthOf = (rows: number): number => Math.max(1, Math.ceil(((span.maxTs - span.minTs + 1) * rows) / span.rows));
  let widthMs = widthOf(FIRST_WINDOW_ROWS);

  const fetchPage = async (): Promise<void> => {
    signal?.throwIfAborted();
    const [low, high] = isForward ? [edge, Math.min(until, edge + widthMs)] : [Math.max(from, edge - widthMs), edge];
    const found = await snapshot.partitions.read(
      partition,
      async (session) => {
        const layout = await askedLayout(session, partition, snapshot.loadedSeq);
        const compiled = compileQuery(request.query, layout, {
          firstParameter: 1,
          sides: ['superset'],
          isFilter: true,
        });
        const after =
          last === undefined
            ? ''
            : `AND (_ts ${sign} ${last.timestampMs} OR (_ts = ${last.timestampMs} AND _seq ${sign} ${last.seq}))`;
        const keys = await session.rows(
          `SELECT _ts, _seq, ${handle} FROM ${session.schema}.events
            WHERE _ts >= ${low} AND _ts < ${high} AND _seq <= ${snapshot.loadedSeq} ${after} AND ${compiled.sql[0]}
            ORDER BY _ts ${order}, _seq ${order} LIMIT ${pageRows}`,
          compiled.values,
        );
        const places = keys.map(([timestampMs, seq]) => ({ timestampMs: Number(timestampMs), seq: Number(seq) }));
        const rows = await rowsOf(
          session,
          handle,
          keys.map((key) => key.slice(2)),
        );
        return { places, rows };
      },
      signal,
    );
    const places = found?.places ?? [];
    page = places.flatMap((place) => {
      const row = found?.rows.get(place.seq);
      return row !== undefined && matches(row.document, row.id)
        ? [{ ...place, id: row.id, document: row.document }]
        : [];
    });
    const end = places.at(-1);
    if (places.length < pageRows || end === undefined) {
      edge = found === undefined ? (isForward ? until : from) : isForward ? high : low;
      last = undefined;
      widthMs *= WINDOW_GROWTH;
    } else {
      // The window held more than a page: the next is of about two.
      const grown =
        page.length < places.length / 2 ? Math.min(pageRows * PAGE_GROWTH, DOUBTFUL_PAGE_ROWS_MAX) : pageRows;
      const reached = isForward ? end.timestampMs : end.timestampMs + 1;
      const twoPagesMs = Math.ceil((2 * Math.abs(reached - edge) * grown) / pageRows);
      widthMs = Math.max(widthOf(WINDOW_ROWS_MIN), Math.min(widthMs, twoPagesMs));
      [last, edge, pageRows] = [end, reached, Math.max(pageRows, grown)];
    }
    told(partition, Math.min(1, (isForward ? edge - from : until - edge) / Math.max(1, until - from)));
    page.reverse();
  };

  return {
    first,
    async next() {
      while (page.length === 0 && (isForward ? edge < until : edge > from)) await fetchPage();
      return page.pop();
    },
  };
}

/** How many events match: at least so many, and whether that is all. The newest are counted first. */
async function count(
  snapshot: Snapshot,
  partitions: readonly Partition[],
  {
    request,
    matches,
    countMs,
  }: { readonly request: SearchRequest; readonly matches: Matcher; readonly countMs: number },
): Promise<{ atLeast: number; isExact: boolean }> {
  const { query, range, signal, progress } = request;
  let atLeast = snapshot.pending.filter(
    ({ timestampMs, document, id }) =>
      timestampMs >= range.fromMs && timestampMs < range.untilMs && matches(document, id),
  ).length;
  let isExact = true;
  let budget = COUNT_ROWS_MAX;
  const timeout = new AbortController();
  const timer = Number.isFinite(countMs) ? setTimeout(() => timeout.abort(), countMs) : undefined;
  const until = signal === undefined ? timeout.signal : AbortSignal.any([signal, timeout.signal]);
  const counted = new Map<Partition, number>();
  try {
    for (const partition of [...partitions].sort((a, b) => (b.span?.maxTs ?? 0) - (a.span?.maxTs ?? 0))) {
      signal?.throwIfAborted();
      const span = partition.span;
      if (span === undefined) continue;
      const counts = await snapshot.partitions.read(
        partition,
        async (session) => {
          const plans = await countsOf(session, partition, { query, range, loadedSeq: snapshot.loadedSeq });
          budget -= span.rows * (plans.some(({ sql }) => LONG_TEXT.test(sql)) ? LONG_TEXT_ROWS : 1);
          if (budget < 0) return undefined;
          let [most, least] = [0, 0];
          for (const { sql, values } of plans) {
            const [superset = 0, subset = superset] = ((await session.rows(sql, values))[0] ?? []).map(Number);
            most += superset;
            least += subset;
          }
          return { most, least };
        },
        until,
      );
      if (counts === undefined) return { atLeast, isExact: false };
      atLeast += counts.least;
      if (counts.least !== counts.most) isExact = false;
      counted.set(partition, 1);
      progress?.(FOUND_PART + (1 - FOUND_PART) * partOf(partitions, counted));
    }
    return { atLeast, isExact };
  } catch (error) {
    signal?.throwIfAborted();
    if (timeout.signal.aborted) return { atLeast, isExact: false };
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

/** Statements that count what may match and what does (one figure where that is the same): of rows that are not odd, then of those that are. */
async function countsOf(
  session: PartitionSession,
  partition: Partition,
  { query, range, loadedSeq }: { readonly query: Query; readonly range: TimeRange; readonly loadedSeq: number },
): Promise<readonly { readonly sql: string; readonly values: readonly (string | number)[] }[]> {
  const layout = await askedLayout(session, partition, loadedSeq);
  const bounds = boundsOf(partition, range, loadedSeq);
  const plan = (asked: AskedLayout, rows: string) => {
    const { sql, values } = compileQuery(query, asked, {
      firstParameter: 1,
      sides: ['superset', 'subset'],
      isFilter: true,
    });
    const [most = 'TRUE', least = 'FALSE'] = sql;
    const certain = most === least ? '' : `, count(*) FILTER (${least})`;
    return {
      sql: `SELECT count(*)${certain} FROM ${session.schema}.events WHERE ${bounds}${rows} AND ${most}`,
      values,
    };
  };
  if (layout.isEven === true) return [plan(layout, '')];
  return [plan({ ...layout, isEven: true }, ' AND "_odd" IS NULL'), plan(layout, ' AND "_odd" IS NOT NULL')];
}

/** What of a partition is looked at; only what its span does not say already. */
export function boundsOf({ span }: Partition, range: TimeRange, loadedSeq: number): string {
  const bounds: string[] = [];
  if (span === undefined || span.minTs < range.fromMs) bounds.push(`_ts >= ${wholeSql(range.fromMs)}`);
  if (span === undefined || span.maxTs >= range.untilMs) bounds.push(`_ts < ${wholeSql(range.untilMs)}`);
  // More may have been loaded meanwhile.
  if (span === undefined || span.maxSeq > loadedSeq) bounds.push(`_seq <= ${loadedSeq}`);
  return bounds.join(' AND ') || 'TRUE';
}

/** An end of a range of `@timestamp`, which are whole: as a number of the column's own type, that no row need be cast. */
function wholeSql(ms: number): string {
  return String(Math.max(-1, Math.min(Math.ceil(ms), Number.MAX_SAFE_INTEGER)));
}

/** An end of a range that the database can compare with. */
export function finite(ms: number): number {
  return Math.max(-Number.MAX_VALUE, Math.min(ms, Number.MAX_VALUE));
}
