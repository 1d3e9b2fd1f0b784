// What an aggregate means: the fold that counts events one by one. The memory store is nothing else; the others count in their
// database what it decides exactly, and give this one the events it cannot decide.
import type { EventDocument } from '../../event/document.ts';
import type { AggregateGroup, AggregateRequest, AggregateResponse } from '../port.ts';
import { scalarText } from './matches.ts';
import { valuesOf } from './values.ts';

/** Groups, and distinct combinations, that one answer may hold while it is made. */
const HELD_MAX = 1_000_000;
/** Combinations of values that one event counts in: a list of 100 arguments by a list of 100 paths must not be 10,000 groups. */
const COMBINATIONS_MAX = 1_000;

type Shape = Pick<AggregateRequest, 'groupBy' | 'bucketMs' | 'distinct' | 'limit'>;

export interface Count {
  /** Counts an event that matches. */
  event(document: EventDocument, timestampMs: number): void;
  /** Counts `count` events of one group that a database has counted. `bucketMs`: where the bucket begins. */
  group(keys: readonly (string | null)[], bucketMs: number | undefined, count: number): void;
  /** A combination of distinct values that occurs in a group; any number of times. */
  seen(keys: readonly (string | null)[], bucketMs: number | undefined, values: readonly (string | null)[]): void;
  /** The same by the combination's name: `JSON.stringify` of the values, one of which at least is not null. */
  seenNamed(keys: readonly (string | null)[], bucketMs: number | undefined, name: string): void;
  /** Events that match and were not told by `event`. */
  matched(events: number): void;
  result(): AggregateResponse;
}

interface Group {
  readonly keys: readonly (string | null)[];
  readonly bucketMs: number | undefined;
  count: number;
  readonly seen: Set<string> | undefined;
}

/** Where the bucket of a time begins. */
function bucketOf(timestampMs: number, bucketMs: number): number {
  return Math.floor(timestampMs / bucketMs) * bucketMs;
}

/** The combinations of the fields' values in a document, each once; a field without value gives null. */
export function combinationsOf(
  document: EventDocument,
  fields: readonly string[],
): readonly (readonly (string | null)[])[] {
  let combinations: (string | null)[][] = [[]];
  for (const field of fields) {
    const texts = new Set<string>();
    for (const value of valuesOf(document, field)) {
      const text = scalarText(value);
      if (text !== undefined && texts.size < COMBINATIONS_MAX) texts.add(text);
    }
    const values: (string | null)[] = texts.size === 0 ? [null] : [...texts];
    combinations = combinations.flatMap((keys) => values.map((value) => [...keys, value])).slice(0, COMBINATIONS_MAX);
  }
  return combinations;
}

export function createCount(shape: Shape): Count {
  const groups = new Map<string, Group>();
  const all = shape.distinct === undefined ? undefined : new Set<string>();
  /** What it has seen is then what all have seen. */
  const isOneGroup = shape.groupBy.length === 0 && shape.bucketMs === undefined;
  let events = 0;
  let held = 0;
  let isExact = true;

  /** The group that was asked for last. */
  let last: Group | undefined;
  const groupOf = (keys: readonly (string | null)[], bucketMs: number | undefined): Group | undefined => {
    if (last !== undefined && (isOneGroup || (last.keys === keys && last.bucketMs === bucketMs))) return last;
    const name = JSON.stringify([bucketMs ?? null, ...keys]);
    const known = groups.get(name);
    if (known !== undefined) return known;
    if (++held > HELD_MAX) {
      isExact = false;
      return undefined;
    }
    const made: Group = { keys, bucketMs, count: 0, seen: all === undefined || isOneGroup ? all : new Set() };
    groups.set(name, made);
    last = made;
    return made;
  };

  const note = (set: Set<string> | undefined, name: string): void => {
    if (set === undefined || set.has(name)) return;
    if (++held > HELD_MAX) isExact = false;
    else set.add(name);
  };

  const seenNamed = (group: Group | undefined, name: string): void => {
    note(all, name);
    if (!isOneGroup) note(group?.seen, name);
  };
  const seen = (group: Group | undefined, values: readonly (string | null)[]): void => {
    if (values.some((value) => value !== null)) seenNamed(group, JSON.stringify(values));
  };

  return {
    event(document, timestampMs) {
      events++;
      const bucketMs = shape.bucketMs === undefined ? undefined : bucketOf(timestampMs, shape.bucketMs);
      const values = shape.distinct === undefined ? [] : combinationsOf(document, shape.distinct);
      for (const keys of combinationsOf(document, shape.groupBy)) {
        const group = groupOf(keys, bucketMs);
        if (group !== undefined) group.count++;
        for (const combination of values) seen(group, combination);
      }
    },
    group(keys, bucketMs, count) {
      const group = groupOf(keys, bucketMs);
      if (group !== undefined) group.count += count;
    },
    seen: (keys, bucketMs, values) => seen(groupOf(keys, bucketMs), values),
    seenNamed: (keys, bucketMs, name) => seenNamed(groupOf(keys, bucketMs), name),
    matched(count) {
      events += count;
    },
    result() {
      const byKeys = Map.groupBy(groups.values(), ({ keys }) => JSON.stringify(keys));
      const ranked = [...byKeys.values()]
        .map((members) => ({ members, count: members.reduce((sum, { count }) => sum + count, 0) }))
        .filter(({ count }) => count > 0)
        .sort((a, b) => b.count - a.count || compareKeys(a.members[0]?.keys ?? [], b.members[0]?.keys ?? []));
      return {
        groups: ranked.slice(0, shape.limit).flatMap(({ members }) => members.sort(byBucket).map(shown)),
        combinations: ranked.length,
        events,
        ...(all === undefined ? {} : { distinct: all.size }),
        isExact,
      };
    },
  };
}

function shown({ keys, bucketMs, count, seen }: Group): AggregateGroup {
  return {
    keys,
    ...(bucketMs === undefined ? {} : { bucketMs }),
    count,
    ...(seen === undefined ? {} : { distinct: seen.size }),
  };
}

function byBucket(a: Group, b: Group): number {
  return (a.bucketMs ?? 0) - (b.bucketMs ?? 0);
}

function compareKeys(a: readonly (string | null)[], b: readonly (string | null)[]): number {
  for (const [at, left] of a.entries()) {
    const right = b[at] ?? null;
    if (left === right) continue;
    if (left === null) return -1;
    return right !== null && left < right ? -1 : 1;
  }
  return 0;
}
