// A cursor of the tail (shard-tail.ts): how far each shard was read. As JSON,
//
//   {"v":2,"n":EVENTS,"d":NUMBER_OF_LAST_NOTE,"at":{INDEX_UUID:[NAME,[NUMBER_OF_SHARD_0,…],[HISTORY_OF_SHARD_0,…]]}}
//
// where a history is the beginning of the shard's history UUID: numbers mean what they meant only while it stays.

interface Position {
  readonly name: string;
  /** Last number read of each shard; −1 before the first. */
  readonly numbers: readonly number[];
  readonly histories: readonly string[];
}

export interface Place {
  /** Events read so far: the number of the last one. */
  readonly count: number;
  /** Number of the last note of a dropped index; undefined where none was looked for yet. */
  readonly notes: number | undefined;
  readonly at: ReadonlyMap<string, Position>;
}

export function formatPlace({ count, notes, at }: Place): string {
  const positions = [...at].map(([uuid, { name, numbers, histories }]) => [uuid, [name, numbers, histories]]);
  return JSON.stringify({
    v: 2,
    n: count,
    ...(notes === undefined ? {} : { d: notes }),
    at: Object.fromEntries(positions),
  });
}

/** Throws on text that no such store has made: the caller's state is damaged. */
export function parsePlace(cursor: string | undefined): Place {
  if (cursor === undefined) return { count: 0, notes: undefined, at: new Map() };
  const saved: { v?: unknown; n?: unknown; d?: unknown; at?: unknown } = cursor.startsWith('{')
    ? JSON.parse(cursor)
    : {};
  const isKnown = saved.v === 1 || saved.v === 2;
  if (!isKnown || !Number.isSafeInteger(saved.n) || typeof saved.at !== 'object' || saved.at === null) {
    throw new Error(`this is not a cursor of this store: ${JSON.stringify(cursor.slice(0, 80))}`);
  }
  const at = new Map<string, Position>();
  for (const [uuid, value] of Object.entries(saved.at as Record<string, unknown>)) {
    // The first version had the numbers alone.
    const [name, numbers, histories] = saved.v === 1 ? ['', value, []] : (value as unknown[]);
    at.set(uuid, { name: String(name), numbers: numbers as number[], histories: histories as string[] });
  }
  return { count: Number(saved.n), notes: typeof saved.d === 'number' ? saved.d : undefined, at };
}

/** True when `cursor` is nowhere before `horizon`. */
export function hasPassed(cursor: string, horizon: string): boolean {
  const read = parsePlace(cursor).at;
  for (const [uuid, { numbers }] of parsePlace(horizon).at) {
    const own = read.get(uuid)?.numbers;
    if (numbers.some((number, shard) => number > (own?.[shard] ?? -1))) return false;
  }
  return true;
}
