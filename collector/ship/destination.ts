// Where events go: to a Vedette server, which names the index itself and takes the host's progress, or straight to an
// Elasticsearch cluster, where the index is that of the event's day, as store/elasticsearch names it, so that a repeated event
// meets its own index and 409 is exact.
export type Destination = 'vedette' | 'elasticsearch';

const INDEX_PREFIX = 'vedette-events';
/** What is read of Elasticsearch's answer: all else in it is bytes. */
const FILTER = 'filter_path=items.create.status,items.create.error.type,items.create.error.reason';

export function bulkPath(destination: Destination, timeMs: number): string {
  if (destination === 'vedette') return '/_bulk';
  return `/${INDEX_PREFIX}-${new Date(timeMs).toISOString().slice(0, 10).replaceAll('-', '.')}/_bulk?${FILTER}`;
}

/** The day of a batch in Elasticsearch: events of another day are another request. */
export function dayOf(timeMs: number): number {
  return Math.floor(timeMs / 86_400_000);
}

/** True where an event that was refused so is not to blame: the cluster's state or the key's rights are, and both are mended. */
export function isPassing(destination: Destination, status: number, type: string | undefined): boolean {
  if (status === 429 || status >= 500) return true;
  if (destination === 'vedette') return false;
  if (status === 401 || status === 403 || status === 404) return true;
  return status === 400 && PASSING_TYPES.has(type ?? '');
}

const PASSING_TYPES: ReadonlySet<string> = new Set([
  'cluster_block_exception',
  'index_closed_exception',
  'index_not_found_exception',
  // “this action would add [2] shards, but this cluster currently has …”
  'validation_exception',
]);
