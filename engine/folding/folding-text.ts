// The durable form of the keys of rules on many events. A key's state is not stored where it can be computed: what is stored is
// the state that its kept matches are folded onto, and these, each an entry of its own, written once and removed once.
//
//   match:KEY NAME {"v":2,"place":"waits|kept|late","record":[ruleVersion,key,order,role,values,place,sample,detectionId?]}
//   filled:VERSION {"v":2,"fromMs":…}                                   the rule was folded over what came before that time
//   base:KEY       {"v":2,"ruleVersion":…,"key":…,"hostId":…,"base":{…},"passedMs":…,"found":[…],"last":{…}}
import type { OrderKey } from '../../event/order.ts';
import { FORMAT_ONE, nameOfFormatOne, type RecordOfFormatOne, recordOfFormatOne } from './format-one.ts';
import { emptyKey, type LiveKey } from './live-key.ts';
import { type MatchPlace, type MatchRecord, nameOfRecord, type RecordPlace } from './match-record.ts';

const FOLDING_FORMAT = 2;
const MATCH_PREFIX = 'match:';
const BASE_PREFIX = 'base:';
const FILLED_PREFIX = 'filled:';

export interface RestoredKeys {
  readonly keys: readonly {
    readonly key: LiveKey;
    readonly records: readonly MatchRecord[];
    readonly late: readonly MatchRecord[];
    /** True where an entry of its base was read. */
    readonly isStored: boolean;
  }[];
  readonly waiting: readonly MatchRecord[];
}

export function matchKey(record: MatchRecord): string {
  return `${MATCH_PREFIX}${record.keyId} ${nameOfRecord(record)}`;
}

export function baseKey(keyId: string): string {
  return `${BASE_PREFIX}${keyId}`;
}

export function filledKey(ruleVersion: string): string {
  return `${FILLED_PREFIX}${ruleVersion}`;
}

export function filledText(fromMs: number): string {
  return JSON.stringify({ v: FOLDING_FORMAT, fromMs });
}

/** By rule version: up to which time it was filled. One that cannot be read is filled again. */
export function readFilled(state: ReadonlyMap<string, string>): ReadonlyMap<string, number> {
  const filled = new Map<string, number>();
  for (const [name, text] of state) {
    if (name.startsWith(FILLED_PREFIX)) filled.set(name.slice(FILLED_PREFIX.length), Number(entryOf(text)?.['fromMs']));
  }
  return filled;
}

export function matchText(record: MatchRecord, place: RecordPlace): string {
  return JSON.stringify({ v: FOLDING_FORMAT, place, record: packed(record) });
}

/** Times before every event are left out: JSON has no infinity. */
export function baseText(key: LiveKey, keepsLast: boolean): string {
  const { ruleVersion, hostId, base, passedMs, found, removed, lastRecord } = key;
  return JSON.stringify({
    v: FOLDING_FORMAT,
    ruleVersion,
    key: key.key,
    hostId,
    base: {
      state: base.state,
      passedMs: finite(base.passedMs),
      last: base.last?.order,
      lastPlace: base.last?.place,
      lastDetectionId: base.last?.detectionId,
    },
    passedMs: finite(passedMs),
    found: [...found],
    removed: [...removed],
    lastRecord: keepsLast && lastRecord !== undefined ? packed(lastRecord) : undefined,
  });
}

/** Reads the entries that are of folding, and says of which the cause why they cannot be read. */
export function readFolding(
  state: ReadonlyMap<string, string>,
  unreadable: (key: string, cause: string) => Error,
): RestoredKeys {
  const keys = new Map<string, { key: LiveKey; records: MatchRecord[]; late: MatchRecord[]; isStored: boolean }>();
  const waiting: MatchRecord[] = [];
  const records: MatchRecord[] = [];
  for (const [name, text] of state) {
    if (!name.startsWith(MATCH_PREFIX) && !name.startsWith(BASE_PREFIX)) continue;
    const entry = entryOf(text);
    if (entry === undefined) throw unreadable(name, 'it is no JSON object');
    const { v: format } = entry;
    if (format !== FOLDING_FORMAT && format !== FORMAT_ONE) {
      throw unreadable(name, `it has format ${String(format)}, this version reads up to ${FOLDING_FORMAT}`);
    }
    if (name.startsWith(MATCH_PREFIX)) {
      const keyId = name.slice(MATCH_PREFIX.length, name.indexOf(' '));
      records.push({ ...recordFrom(keyId, format, entry['record']), storedAs: entry['place'] as RecordPlace });
      continue;
    }
    const keyId = name.slice(BASE_PREFIX.length);
    keys.set(keyId, { key: keyFrom(keyId, entry), records: [], late: [], isStored: true });
  }
  for (const record of records) {
    const { storedAs: place } = record;
    if (place === 'waits') {
      waiting.push(record);
      continue;
    }
    const { keyId: id, key, ruleVersion } = record;
    let known = keys.get(id);
    if (known === undefined) {
      // Nothing of it was settled yet.
      const { hostId } = record.order;
      known = { key: emptyKey({ id, key, ruleVersion, hostId }), records: [], late: [], isStored: false };
      keys.set(id, known);
    }
    (place === 'late' ? known.late : known.records).push(record);
  }
  return { keys: [...keys.values()], waiting };
}

export function isOfFolding(name: string): boolean {
  return [MATCH_PREFIX, BASE_PREFIX, FILLED_PREFIX].some((prefix) => name.startsWith(prefix));
}

type Packed = readonly [
  ruleVersion: string,
  key: string,
  order: readonly [createdMs: number, hostId: string, bootId: string, position: number, id: string],
  role: number,
  values: MatchRecord['values'],
  place: number,
  sample: MatchRecord['sample'],
  detectionId?: string,
];

function packed({ ruleVersion, key, order, role, values, place, sample, detectionId }: MatchRecord): Packed {
  const { createdMs, hostId, bootId, position, id } = order;
  const at = [createdMs, hostId, bootId, position, id] as const;
  return detectionId === undefined
    ? [ruleVersion, key, at, role, values, place, sample]
    : [ruleVersion, key, at, role, values, place, sample, detectionId];
}

function unpacked(keyId: string, record: Packed): MatchRecord {
  const [ruleVersion, key, [createdMs, hostId, bootId, position, id], role, values, place, sample, detectionId] =
    record;
  const order = { createdMs, hostId, bootId, position, id };
  return { order, role, values, ruleVersion, keyId, key, place, sample, detectionId, storedAs: undefined };
}

function recordFrom(keyId: string, format: unknown, record: unknown): MatchRecord {
  return format === FORMAT_ONE ? recordOfFormatOne(record as RecordOfFormatOne) : unpacked(keyId, record as Packed);
}

interface StoredBase {
  readonly state?: unknown;
  readonly passedMs?: number;
  readonly last?: OrderKey;
  /** These two are missing in what earlier versions wrote. */
  readonly lastPlace?: number;
  readonly lastDetectionId?: string;
}

function lastOf({ last: order, lastPlace, lastDetectionId }: StoredBase): MatchPlace | undefined {
  return order === undefined ? undefined : { order, place: lastPlace ?? 0, detectionId: lastDetectionId };
}

function keyFrom(id: string, entry: Record<string, unknown>): LiveKey {
  const base = (entry['base'] ?? {}) as StoredBase;
  const key = emptyKey({
    id,
    key: String(entry['key']),
    ruleVersion: String(entry['ruleVersion']),
    hostId: String(entry['hostId']),
  });
  key.base = { state: base.state, passedMs: base.passedMs ?? Number.NEGATIVE_INFINITY, last: lastOf(base) };
  key.passedMs = (entry['passedMs'] as number | undefined) ?? Number.NEGATIVE_INFINITY;
  const found = (entry['found'] ?? []) as [string, string][];
  const { v: format } = entry;
  const names = (entry['removed'] ?? []) as string[];
  const removed = format === FORMAT_ONE ? names.map((name) => nameOfFormatOne(id, name)) : names;
  if (found.length > 0) key.found = new Map(found);
  if (removed.length > 0) key.removed = new Set(removed);
  const last = entry['lastRecord'];
  if (last !== undefined) key.lastRecord = recordFrom(id, format, last);
  return key;
}

function finite(ms: number): number | undefined {
  return Number.isFinite(ms) ? ms : undefined;
}

function entryOf(text: string): Record<string, unknown> | undefined {
  try {
    const entry: unknown = JSON.parse(text);
    return typeof entry === 'object' && entry !== null && !Array.isArray(entry)
      ? (entry as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}
