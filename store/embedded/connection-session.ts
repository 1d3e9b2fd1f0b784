// A connection as the store asks it: statements with plain values, answers in plain values or packed.
import {
  BIGINT,
  BOOLEAN,
  DOUBLE,
  type DuckDBConnection,
  DuckDBListValue,
  type DuckDBType,
  type DuckDBValue,
  LIST,
  listValue,
  VARCHAR,
} from '@duckdb/node-api';
import { createChunkReader, type PackedChunk } from './chunk-reader.ts';
import type { Session, SqlParameter, SqlValue } from './session.ts';
import { streamedResult } from './streamed-result.ts';

export function sessionOf(schema: string, connection: DuckDBConnection, signal?: AbortSignal): Session {
  return {
    schema,
    async rows(sql, values = []) {
      const reader = await connection.runAndReadAll(sql, values.map(boundValue), values.map(boundType) as DuckDBType[]);
      return reader.getRows().map((row) => row.map(plainValue));
    },
    async chunks(sql, values = [], areFew = false) {
      const bound = [values.map(boundValue), values.map(boundType) as DuckDBType[]] as const;
      const gathered = async (): Promise<readonly PackedChunk[]> => {
        const whole = await connection.run(sql, ...bound);
        const reader = createChunkReader(whole);
        return (await whole.fetchAllChunks()).map((chunk) => reader.pack(chunk));
      };
      if (areFew) return await gathered();
      const stream = await connection.stream(sql, ...bound);
      const result = streamedResult(stream);
      const reader = createChunkReader(stream);
      const packed: PackedChunk[] = [];
      for (let chunk = await result.next(); chunk !== undefined; chunk = await result.next()) {
        packed.push(reader.pack(chunk));
      }
      if (!result.hasFailed()) return packed;
      signal?.throwIfAborted();
      // It fails again, and says why, or what failed is over.
      return await gathered();
    },
  };
}

function boundValue(value: SqlParameter): DuckDBValue {
  return typeof value === 'object' && value !== null ? listValue([...value]) : value;
}

function boundType(value: SqlParameter): DuckDBType | undefined {
  switch (typeof value) {
    case 'number':
      return DOUBLE;
    case 'bigint':
      return BIGINT;
    case 'string':
      return VARCHAR;
    case 'boolean':
      return BOOLEAN;
    default:
      return value === null ? undefined : LIST(boundType(value[0] ?? '') ?? VARCHAR);
  }
}

function plainValue(value: DuckDBValue): SqlValue {
  if (typeof value !== 'object' || value === null) return value;
  return value instanceof DuckDBListValue ? value.items.map(plainValue) : String(value);
}
