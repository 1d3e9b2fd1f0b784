// How a partition file becomes `SCHEMA.events` for SQL: a hot one is attached, a cold one (Parquet) is shown as a view over it, with the
// same columns of the same types. So nobody who reads has to know which it is, except that a view has no `rowid`.

export const COLD_SUFFIX = '.parquet';

/**
 * A checkpoint holds whole row groups in memory, uncompressed, one for each thread. DuckDB's own 122,880 events of 2 kB do not fit
 * into its memory limit, and then nothing could be filed any more; smaller groups are also skipped more often.
 */
const ROW_GROUP_ROWS = 20_480;

/** The statements after which `SCHEMA.events` can be read; `DETACH SCHEMA` undoes them. */
export function attachStatements(path: string, schema: string): readonly string[] {
  const file = `'${path.replaceAll("'", "''")}'`;
  if (!path.endsWith(COLD_SUFFIX))
    return [`ATTACH ${file} AS ${schema} (STORAGE_VERSION 'latest', ROW_GROUP_SIZE ${ROW_GROUP_ROWS})`];
  return [
    // The footers of cold partitions stay in memory: each query would read them anew.
    'SET parquet_metadata_cache = true',
    `ATTACH ':memory:' AS ${schema}`,
    `CREATE VIEW ${schema}.events AS SELECT * FROM read_parquet(${file}, file_row_number = false)`,
  ];
}
