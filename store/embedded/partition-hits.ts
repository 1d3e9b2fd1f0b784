// What of a partition a search finds, nearest first: which rows may match, on the narrow columns, window by window of time; then those
// rows, a page at once, as each fetch of whole rows has its price.
import type { NewEvent } from '../../event/document.ts';
import type { SearchRequest } from '../port.ts';
import type { Matcher } from '../query/matches.ts';
import type { Query } from '../query/query.ts';
import { type Layout, narrowLayout } from './columns.ts';
import { compileQuery } from './dialect.ts';
import { type AskedLayout, askedLayout } from './even-layout.ts';
import type { Partition, PartitionSession } from './partitions.ts';
import { handleColumn, type RowHandle, type RowName, rowsOf, type StoredRow } from './rows.ts';
import type { SqlParameter } from './session.ts';
import { finite, type Snapshot } from './snapshot.ts';

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

export interface Place {
  readonly timestampMs: number;
  readonly seq: number;
}

export interface Hit extends Place, NewEvent {}

/** A row that may match. */
interface Key extends Place, RowName {
  /** It does, and no more has to be read of it than what is asked for. */
  readonly isMeant: boolean;
}

/** How far a partition was looked at: where the next window begins (or, backwards, ends), how long it is, after which row. */
interface Reached {
  readonly edge: number;
  readonly last: Place | undefined;
  /** Undefined before the first window. */
  readonly widthMs: number | undefined;
}

interface Found {
  readonly keys: readonly Key[];
  /** How rows are read that are meant. */
  readonly narrow: Layout | undefined;
  /** There may be more in the last window. */
  readonly isFull: boolean;
  readonly reached: Reached;
}

/** Where hits come from, in the search's order. */
export interface Source {
  /** No hit of this source comes before this place. */
  readonly first: Place;
  /** The next hit, or undefined at the end. */
  next(): Promise<Hit | undefined>;
  /** Begins to look for the first hits, without being waited for. */
  begin(): void;
  /** Resolves when nothing is under way any more; whoever calls it wants no more hits. */
  end(): Promise<void>;
}

/** How far between a search's hits are, as the partitions tell that it has looked through, and so how much of the next to look at. */
export interface Pace {
  /** Hits that the search still wants. */
  wanted: number;
  /** Of a partition all of whose hits made no more than a page. */
  learn(rows: number, hits: number): void;
  /** Events of the first window of a partition: with about twice as many hits as are wanted. */
  windowRows(): number;
  /** True where one more partition will hardly have enough. */
  needsTwo(): boolean;
}

export function createPace(wanted: number): Pace {
  const seen = { partitions: 0, rows: 0, hits: 0 };
  return {
    wanted,
    learn(rows, hits) {
      seen.partitions++;
      seen.rows += rows;
      seen.hits += hits;
    },
    windowRows() {
      return Math.max(FIRST_WINDOW_ROWS, Math.ceil((2 * this.wanted * seen.rows) / Math.max(1, seen.hits)));
    },
    needsTwo() {
      return seen.hits < this.wanted * seen.partitions;
    },
  };
}

/**
 * SQL for the rows that may match, and for those of them that do and whose documents need not be read whole: where `canBeNarrow`, those of
 * which SQL decides.
 */
function conditionOf(
  query: Query,
  layout: AskedLayout,
  canBeNarrow: boolean,
): { readonly sql: { readonly mayMatch: string; readonly isMeant: string }; readonly values: readonly SqlParameter[] } {
  const judged = compileQuery(query, layout, { firstParameter: 1, sides: ['superset', 'subset'] });
  const isDecided = layout.isEven === true && judged.sql[0] === judged.sql[1];
  if (canBeNarrow && !isDecided && judged.sql[1] !== 'FALSE') {
    const [mayMatch = 'TRUE', subset = 'FALSE'] = judged.sql;
    return { sql: { mayMatch, isMeant: `(${subset} AND _odd IS NULL)` }, values: judged.values };
  }
  const { sql, values } = compileQuery(query, layout, { firstParameter: 1, sides: ['superset'], isFilter: true });
  return { sql: { mayMatch: sql[0] ?? 'TRUE', isMeant: canBeNarrow && isDecided ? 'TRUE' : 'FALSE' }, values };
}

/** The rows of keys, by number; those that are meant as the narrow layout has them. */
async function rowsOfKeys(
  session: PartitionSession,
  handle: RowHandle,
  { keys, narrow }: Pick<Found, 'keys' | 'narrow'>,
): Promise<ReadonlyMap<number, StoredRow>> {
  const of = (isMeant: boolean): readonly Key[] => keys.filter((key) => key.isMeant === isMeant);
  const whole = await rowsOf(session, handle, of(false));
  const meant = await rowsOf(session, handle, of(true), narrow);
  return meant.size === 0 ? whole : new Map([...whole, ...meant]);
}

/** The hits of a partition. */
export function partitionSource(
  snapshot: Snapshot,
  partition: Partition,
  {
    request,
    matches,
    pace,
    told,
  }: {
    readonly request: SearchRequest;
    readonly matches: Matcher;
    readonly pace: Pace;
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
  let pageRows = 0;
  let page: Hit[] = [];
  const widthOf = (rows: number): number => Math.max(1, Math.ceil(((span.maxTs - span.minTs + 1) * rows) / span.rows));
  let reached: Reached = { edge: isForward ? from : until, last: undefined, widthMs: undefined };
  let underWay: Promise<void> | undefined;
  const isAtEnd = ({ edge }: Reached): boolean => (isForward ? edge >= until : edge <= from);

  /** Rows that may match, of as many windows as it takes to have a page: documents are fetched all at once, for each fetch has its price. */
  const findKeys = async (session: PartitionSession, handle: RowHandle): Promise<Found> => {
    const layout = await askedLayout(session, partition, snapshot.loadedSeq);
    const narrow = request.fields === undefined ? undefined : narrowLayout(session.layout, request.fields);
    const { sql, values } = conditionOf(request.query, layout, narrow !== undefined);
    const keys: Key[] = [];
    for (let at = reached; ; ) {
      const { edge, last, widthMs = widthOf(pace.windowRows()) } = at;
      const [low, high] = isForward ? [edge, Math.min(until, edge + widthMs)] : [Math.max(from, edge - widthMs), edge];
      const after =
        last === undefined
          ? ''
          : `AND (_ts ${sign} ${last.timestampMs} OR (_ts = ${last.timestampMs} AND _seq ${sign} ${last.seq}))`;
      const wanted = pageRows - keys.length;
      const found = await session.rows(
        `SELECT _ts, _seq, ${handle}, ${sql.isMeant} FROM ${session.schema}.events
          WHERE _ts >= ${low} AND _ts < ${high} AND _seq <= ${snapshot.loadedSeq} ${after} AND ${sql.mayMatch}
          ORDER BY _ts ${order}, _seq ${order} LIMIT ${wanted}`,
        values,
      );
      for (const [timestampMs, seq, name = null, isMeant] of found)
        keys.push({ timestampMs: Number(timestampMs), seq: Number(seq), handle: name, isMeant: isMeant === true });
      const end = keys.at(-1);
      if (found.length >= wanted && end !== undefined) {
        return {
          keys,
          narrow,
          isFull: true,
          reached: { edge: isForward ? end.timestampMs : end.timestampMs + 1, last: end, widthMs },
        };
      }
      at = { edge: isForward ? high : low, last: undefined, widthMs: widthMs * WINDOW_GROWTH };
      tell(at);
      if (isAtEnd(at) || keys.length >= pace.wanted) return { keys, narrow, isFull: false, reached: at };
    }
  };

  const tell = ({ edge }: Reached): void =>
    told(partition, Math.min(1, (isForward ? edge - from : until - edge) / Math.max(1, until - from)));

  const fetchPage = async (): Promise<void> => {
    signal?.throwIfAborted();
    // A partition that becomes cold meanwhile has another handle, by its next page.
    const handle = handleColumn(partition);
    if (pageRows === 0) pageRows = Math.max(PAGE_ROWS_MIN, Math.min(pace.wanted, PAGE_ROWS_MAX));
    const answer = await snapshot.partitions.read(
      partition,
      async (session) => {
        const found = await findKeys(session, handle);
        return { ...found, rows: await rowsOfKeys(session, handle, found) };
      },
      signal,
    );
    if (answer === undefined) {
      reached = { ...reached, edge: isForward ? until : from };
      tell(reached);
      return;
    }
    const { keys, isFull, rows } = answer;
    page = keys.flatMap(({ timestampMs, seq, isMeant }) => {
      const row = rows.get(seq);
      return row !== undefined && (isMeant || matches(row.document, row.id))
        ? [{ timestampMs, seq, id: row.id, document: row.document }]
        : [];
    });
    const before = reached;
    reached = answer.reached;
    if (isAtEnd(reached) && before.widthMs === undefined)
      pace.learn((span.rows * (until - from)) / (span.maxTs - span.minTs + 1), page.length);
    if (isFull) {
      // There was more than a page: the next window is of about two.
      const grown = page.length < keys.length / 2 ? Math.min(pageRows * PAGE_GROWTH, DOUBTFUL_PAGE_ROWS_MAX) : pageRows;
      const twoPagesMs = Math.ceil((2 * Math.abs(reached.edge - before.edge) * grown) / pageRows);
      reached = {
        ...reached,
        widthMs: Math.max(widthOf(WINDOW_ROWS_MIN), Math.min(reached.widthMs ?? twoPagesMs, twoPagesMs)),
      };
      pageRows = Math.max(pageRows, grown);
    }
    tell(reached);
    page.reverse();
  };

  return {
    first,
    async next() {
      const begun = underWay;
      underWay = undefined;
      await begun;
      while (page.length === 0 && !isAtEnd(reached)) await fetchPage();
      return page.pop();
    },
    begin() {
      if (underWay !== undefined || page.length > 0 || isAtEnd(reached)) return;
      underWay = fetchPage();
      // Whoever asks for a hit is told.
      underWay.catch(() => undefined);
    },
    async end() {
      await underWay?.catch(() => undefined);
    },
  };
}
