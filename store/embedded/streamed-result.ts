// A result that is read while it is computed, and whether it was read to its end. Where a statement fails half-way (a damaged file, no
// memory, a value that cannot be converted), DuckDB gives no more rows and its Node API throws nothing: without this, an answer would
// lack rows and look whole.
import type { DuckDBDataChunk, DuckDBResult } from '@duckdb/node-api';

export interface StreamedResult {
  /** The next rows; undefined after the last. */
  next(): Promise<DuckDBDataChunk | undefined>;
  /** True once rows are missing at its end. Only the statement run anew, not as a stream, says why. */
  hasFailed(): boolean;
}

export function streamedResult(result: DuckDBResult): StreamedResult {
  // A result with an error is none that streams: all that the API tells of it.
  const { isStreaming } = result;
  return {
    async next() {
      const chunk = await result.fetchChunk();
      return chunk === null || chunk.rowCount === 0 ? undefined : chunk;
    },
    hasFailed: () => isStreaming && !result.isStreaming,
  };
}
