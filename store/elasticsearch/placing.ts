// Finds the index of each event, and whether it is stored already in another that it may have had before (index-names.ts): where a late
// event's day has become a month meanwhile, where a clock ran ahead, where the period was changed. Only indices that exist are asked,
// so for nearly all events there is nothing to ask.
import type { Client } from '@elastic/elasticsearch';
import { uuidsOf } from './index-book.ts';
import { DAY_MS, type IndexPeriod, placeOf, placesOf } from './index-names.ts';

/** So long the list of indices is believed; other processes make new ones. */
const LIST_MS = 30_000;
const ASKED_AT_ONCE = 5_000;

export interface Placing {
  /** `stored`: those that another index holds. `fresh`: the others, with the index they belong to. */
  place<T extends { readonly id: string; readonly timestampMs: number }>(
    events: readonly T[],
  ): Promise<{ readonly stored: readonly T[]; readonly fresh: readonly (T & { readonly index: string })[] }>;
  /** Indices may be gone. */
  forget(): void;
}

export function createPlacing(
  client: Client,
  options: { readonly prefix: string; readonly period: IndexPeriod; readonly nowMs: () => number },
): Placing {
  const { prefix, period, nowMs } = options;
  let existing: { readonly names: Set<string>; readonly at: number; readonly day: number } | undefined;

  const list = async (now: number): Promise<Set<string>> => {
    const day = Math.floor(now / DAY_MS);
    if (existing === undefined || existing.day !== day || performance.now() - existing.at > LIST_MS) {
      const at = performance.now();
      existing = { names: new Set((await uuidsOf(client, `${prefix}-*`)).keys()), at, day };
    }
    return existing.names;
  };

  return {
    async place(events) {
      const now = nowMs();
      const names = await list(now);
      const fresh = events.map((event) => ({
        ...event,
        index: `${prefix}-${placeOf(event.timestampMs, now, period)}`,
      }));
      const asked: { readonly _index: string; readonly _id: string; readonly at: number }[] = [];
      for (const [at, { id, timestampMs, index }] of fresh.entries()) {
        for (const place of placesOf(timestampMs)) {
          const other = `${prefix}-${place}`;
          if (other !== index && names.has(other)) asked.push({ _index: other, _id: id, at });
        }
      }
      for (const { index } of fresh) names.add(index);
      const stored = new Set<number>();
      for (let from = 0; from < asked.length; from += ASKED_AT_ONCE) {
        const some = asked.slice(from, from + ASKED_AT_ONCE);
        const { docs } = await client.mget({ docs: some.map(({ _index, _id }) => ({ _index, _id, _source: false })) });
        for (const [at, doc] of docs.entries()) {
          const event = some[at]?.at;
          if (event !== undefined && 'found' in doc && doc.found === true) stored.add(event);
        }
      }
      return {
        stored: events.filter((_, at) => stored.has(at)),
        fresh: fresh.filter((_, at) => !stored.has(at)),
      };
    },
    forget() {
      existing = undefined;
    },
  };
}
