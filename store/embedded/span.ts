// What a partition's events lie between: by number, by `@timestamp`, by `event.created`. All ends inclusive.
import type { Session } from './session.ts';

export interface Span {
  readonly rows: number;
  readonly minSeq: number;
  readonly maxSeq: number;
  readonly minTs: number;
  readonly maxTs: number;
  readonly minCreated: number;
  readonly maxCreated: number;
}

/** The span of what is stored; undefined where that is nothing. */
export async function readSpan({ schema, rows }: Pick<Session, 'schema' | 'rows'>): Promise<Span | undefined> {
  const [row] = await rows(
    `SELECT count(*), min(_seq), max(_seq), min(_ts), max(_ts), min(_created), max(_created) FROM ${schema}.events`,
  );
  const [count = 0, minSeq = 0, maxSeq = 0, minTs = 0, maxTs = 0, minCreated = 0, maxCreated = 0] = (row ?? []).map(
    Number,
  );
  return count === 0 ? undefined : { rows: count, minSeq, maxSeq, minTs, maxTs, minCreated, maxCreated };
}

/** The span of both. */
export function widened(span: Span | undefined, added: Span): Span {
  if (span === undefined) return added;
  return {
    rows: span.rows + added.rows,
    minSeq: Math.min(span.minSeq, added.minSeq),
    maxSeq: Math.max(span.maxSeq, added.maxSeq),
    minTs: Math.min(span.minTs, added.minTs),
    maxTs: Math.max(span.maxTs, added.maxTs),
    minCreated: Math.min(span.minCreated, added.minCreated),
    maxCreated: Math.max(span.maxCreated, added.maxCreated),
  };
}
