// Which of the fields that rules need the hosts' events have, and when they last had them. A rule that needs a field which no event has
// cannot fire, and nothing else would tell: a collector's setting, a log that is no longer shipped.
//
// Of the events that the engine reads a few of each step are looked through, for those fields only that were not seen lately. So
// a rare field may be overlooked: before anything is said the store is asked (`ask`), once a day.
//
//   runner:seen-fields   {"v":1,"fields":{"process.name":1790000000000}}    when each was last seen, the server's clock
import type { StoredEvent } from '../event/document.ts';
import type { Query } from '../store/query/query.ts';
import { valuesOf } from '../store/query/values.ts';

const KEY = 'runner:seen-fields';
const FORMAT = 1;
/** Fields that are kept in mind; of more nothing is said. */
const FIELDS_MAX = 4_000;
/** Events of one step that are looked through. */
const LOOKED_AT_MAX = 16;
/** A field that was seen is looked for again after so long. */
const AGAIN_MS = 3_600_000;
/** After so long without it the store is asked, and the field is said to be missing. */
export const MISSING_AFTER_MS: number = 7 * 86_400_000;
/** Fields that the store is asked for at once. */
const ASKED_MAX = 200;

export interface SeenFields {
  /** The fields that the rules in force need. */
  want(fields: Iterable<string>): void;
  look(events: readonly StoredEvent[]): void;
  /** Asks the store for what was not seen: `true` where it has events with the field. */
  ask(hasAny: (query: Query) => Promise<boolean>): Promise<void>;
  /** Since when none has had it, epoch ms, or `never`; undefined while it is seen, or nobody knows yet. */
  missingSince(field: string): number | 'never' | undefined;
  /** What changed since the last time, as entries of the state. */
  entries(): ReadonlyMap<string, string>;
}

export function createSeenFields(saved: ReadonlyMap<string, string>, now: () => number): SeenFields {
  const seen = new Map<string, number>(readSaved(saved.get(KEY)));
  /** Asked of the store, and not there. */
  const missing = new Set<string>();
  let wanted: ReadonlySet<string> = new Set();
  let isChanged = false;
  /** What is looked for now; made anew every {@link AGAIN_MS}. */
  let sought: Set<string> = new Set();
  let soughtAtMs = Number.NEGATIVE_INFINITY;

  const found = (field: string): void => {
    seen.set(field, now());
    missing.delete(field);
    isChanged = true;
  };

  const seek = (): void => {
    soughtAtMs = now();
    sought = new Set([...wanted].filter((field) => (seen.get(field) ?? 0) <= soughtAtMs - AGAIN_MS));
  };

  return {
    want(fields) {
      wanted = new Set([...fields].slice(0, FIELDS_MAX));
      for (const field of seen.keys()) if (!wanted.has(field)) seen.delete(field);
      for (const field of missing) if (!wanted.has(field)) missing.delete(field);
      isChanged = true;
      seek();
    },
    look(events) {
      if (now() - soughtAtMs >= AGAIN_MS) seek();
      if (sought.size === 0) return;
      const every = Math.max(1, Math.ceil(events.length / LOOKED_AT_MAX));
      for (let at = 0; at < events.length; at += every) {
        const document = events[at]?.document;
        if (document === undefined) continue;
        for (const field of sought) {
          if (valuesOf(document, field).length === 0) continue;
          sought.delete(field);
          found(field);
        }
      }
    },
    async ask(hasAny) {
      const untilMs = now() - MISSING_AFTER_MS;
      const unseen = [...wanted].filter((field) => (seen.get(field) ?? 0) < untilMs).slice(0, ASKED_MAX);
      for (const field of unseen) {
        if (await hasAny({ kind: 'exists', field })) found(field);
        else if ((seen.get(field) ?? 0) < untilMs) missing.add(field);
      }
    },
    missingSince: (field) => (missing.has(field) ? (seen.get(field) ?? 'never') : undefined),
    entries() {
      if (!isChanged) return new Map();
      isChanged = false;
      return new Map([[KEY, JSON.stringify({ v: FORMAT, fields: Object.fromEntries(seen) })]]);
    },
  };
}

/** What is of another format, or damaged, begins anew: nothing decides by it. */
function readSaved(text: string | undefined): readonly (readonly [string, number])[] {
  try {
    const { v, fields } = JSON.parse(text ?? '{}') as { v?: unknown; fields?: unknown };
    if (v !== FORMAT || typeof fields !== 'object' || fields === null) return [];
    return Object.entries(fields).filter((entry): entry is [string, number] => typeof entry[1] === 'number');
  } catch {
    return [];
  }
}
