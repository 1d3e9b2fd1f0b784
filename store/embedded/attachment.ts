// How a partition becomes `SCHEMA.events` for SQL: a hot one is attached, a cold one (a folder of Parquet files) is shown as a view, with
// the same columns of the same types. So nobody who reads has to know which it is, except that a view has no `rowid`.
import { join } from 'node:path';
import { columnsOf, readContents } from './cold-folder.ts';
import { PARTITION_FORMAT } from './columns.ts';

export const COLD_SUFFIX = '.parquet';

/**
 * A checkpoint holds whole row groups in memory, uncompressed, one for each thread. DuckDB's own 122,880 events of 2 kB do not fit
 * into its memory limit, and then nothing could be filed any more; smaller groups are also skipped more often.
 */
const ROW_GROUP_ROWS = 40_960;

/** The statements after which `SCHEMA.events` can be read; `DETACH SCHEMA` undoes them. Throws where a cold folder's list cannot be read. */
export async function attachStatements(path: string, schema: string, isReadOnly = false): Promise<readonly string[]> {
  if (!path.endsWith(COLD_SUFFIX)) {
    const options = isReadOnly ? 'READ_ONLY' : `STORAGE_VERSION 'latest', ROW_GROUP_SIZE ${ROW_GROUP_ROWS}`;
    return [`ATTACH ${text(path)} AS ${schema} (${options})`];
  }
  const { layout, parts } = await readContents(path);
  const files = parts.map(({ name }) => text(join(path, name))).join(', ');
  return [
    `ATTACH ':memory:' AS ${schema}`,
    `CREATE TABLE ${schema}.vedette_format AS SELECT ${PARTITION_FORMAT} AS version, ${text(layout.text)} AS layout`,
    `CREATE VIEW ${schema}.events AS SELECT ${columnsOf(layout)} FROM read_parquet([${files}])`,
  ];
}

function text(value: string): string {
  return `'${value.replaceAll("'", "''")}'`;
}
