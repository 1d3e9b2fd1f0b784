// Searches: newest first (or oldest first) over the tail and the partitions, partition by partition (partition-hits.ts), until enough is
// found; and how many there are in all.
import type { NewEvent } from '../../event/document.ts';
import type { SearchRequest, SearchResponse, TimeRange } from '../port.ts';
import { type Matcher, matcherOf } from '../query/matches.ts';
import type { Query } from '../query/query.ts';
import { compileQuery } from './dialect.ts';
import { type AskedLayout, askedLayout } from './even-layout.ts';
import { createPace, type Hit, type Pace, type Place, partitionSource, type Source } from './partition-hits.ts';
import type { Partition, PartitionSession } from './partitions.ts';
import { boundsOf, partitionsIn, type Snapshot } from './snapshot.ts';
import type { TailEntry } from './tail.ts';

/** The most events that one search gives. */
const SEARCH_LIMIT_MAX = 10_000;
/** A total is counted over so many rows at most; a row whose long text has to be read is as many. */
const COUNT_ROWS_MAX = 50_000_000;
/** Of a search's progress, what is told while events are looked for; the rest is the total. */
const FOUND_PART = 0.5;
const LONG_TEXT = /"(_rest|event\.original|message)"/;
const LONG_TEXT_ROWS = 100;

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
  const ended = new AbortController();
  const signal = request.signal === undefined ? ended.signal : AbortSignal.any([request.signal, ended.signal]);
  const pace = createPace(limit + 1);
  const sources = [
    pendingSource(snapshot.pending, request, matches, before),
    ...asked.map((partition) =>
      partitionSource(snapshot, partition, { request: { ...request, signal }, matches, pace, told }),
    ),
  ].flatMap((source) => source ?? []);
  const events: NewEvent[] = [];
  let isExhausted = true;
  try {
    for await (const hit of merged(sources, { before, pace })) {
      if (events.length === limit) {
        isExhausted = false;
        break;
      }
      events.push({ id: hit.id, document: hit.document });
      pace.wanted--;
    }
  } finally {
    ended.abort();
    for (const source of sources) await source.end();
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

/**
 * Merges the sources in order, and starts one only when its first hit may be the next; where hits are far between, the one after it as
 * well: the database reads two partitions in not much more time than one.
 */
async function* merged(
  sources: readonly Source[],
  { before, pace }: { readonly before: (a: Place, b: Place) => number; readonly pace: Pace },
): AsyncGenerator<Hit> {
  const waiting = [...sources].sort((a, b) => before(a.first, b.first));
  const heads: { hit: Hit; source: Source }[] = [];
  for (;;) {
    heads.sort((a, b) => before(a.hit, b.hit));
    const head = heads[0];
    const next = waiting[0];
    if (next !== undefined && (head === undefined || before(next.first, head.hit) <= 0)) {
      waiting.shift();
      if (pace.needsTwo()) {
        next.begin();
        waiting[0]?.begin();
      }
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
  if (first === undefined) return undefined;
  return { first, next: async () => hits[at++], begin: () => undefined, end: async () => undefined };
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
