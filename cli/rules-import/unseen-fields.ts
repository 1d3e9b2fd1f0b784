// Which of the fields that imported rules need no event has had. The server is asked for many at once: the newest events that have any of them tell
// most, and what those do not have is asked again, until no event has any of the rest.
import { neededFields } from '../../rules/needed-fields.ts';
import type { Rule } from '../../rules/rule.ts';
import type { FoundEvent, SearchApiRequest, SearchApiResponse } from '../../server/api.ts';
import type { Client } from '../client.ts';
import { type Outcome, succeed } from '../failure.ts';

/** More are not asked for; of those nothing is said. */
const FIELDS_MAX = 500;
/** What has not been there for so long is said to be unseen. */
const SEEN_WITHIN_MS: number = 30 * 86_400_000;
/** As many as an answer shows of an event, in as many characters as a query has (docs/search.md). */
const TOGETHER_MAX = 40;
const QUERY_CHARS_MAX = 4_000;
const EVENTS_MAX = 200;

/** The fields of these rules that no stored event of the last 30 days has. */
export async function unseenFields(
  client: Client,
  rules: readonly Rule[],
  nowMs: number,
): Promise<Outcome<ReadonlySet<string>>> {
  const fields = [...new Set(rules.flatMap((rule) => [...neededFields(rule)]))].slice(0, FIELDS_MAX);
  const unseen = new Set<string>();
  const waiting = batchesOf(fields);
  for (let asked = waiting.pop(); asked !== undefined; asked = waiting.pop()) {
    const answer = await eventsWithAny(client, asked, nowMs);
    if (!answer.isOk) return answer;
    const { total, events } = answer.value;
    const had = new Set(events.flatMap(({ document }) => Object.keys(document)));
    const others = asked.filter((field) => !had.has(field));
    if (total === 0) for (const field of asked) unseen.add(field);
    else if (others.length < asked.length) waiting.push(...batchesOf(others));
    else if (asked.length > 1) {
      // There, and nothing to show: each half is asked, down to the field itself.
      const half = Math.ceil(asked.length / 2);
      waiting.push(asked.slice(0, half), asked.slice(half));
    }
  }
  return succeed(unseen);
}

function batchesOf(fields: readonly string[]): (readonly string[])[] {
  const batches: string[][] = [];
  let chars = 0;
  for (const field of fields) {
    const clause = clauseOf(field).length;
    chars += clause + ' OR '.length;
    const batch = batches.at(-1);
    if (batch === undefined || batch.length === TOGETHER_MAX || chars > QUERY_CHARS_MAX) {
      batches.push([field]);
      chars = clause;
    } else batch.push(field);
  }
  return batches;
}

async function eventsWithAny(
  client: Client,
  fields: readonly string[],
  nowMs: number,
): Promise<Outcome<{ readonly total: number; readonly events: readonly FoundEvent[] }>> {
  const query = fields.map(clauseOf).join(' OR ');
  const request: SearchApiRequest = { query, sinceMs: nowMs - SEEN_WITHIN_MS, limit: EVENTS_MAX, fields };
  const events: FoundEvent[] = [];
  const answer = await client.lines<SearchApiResponse>('/api/v1/search', request, {
    idleMs: 60_000,
    signal: AbortSignal.timeout(60_000),
    onLine: (line) => {
      if (line['event'] !== undefined) events.push(line['event'] as FoundEvent);
    },
  });
  return answer.isOk ? succeed({ total: answer.value.total, events }) : answer;
}

/** Names are letters, digits, dots and a few signs; nothing of them is a word of the search language. */
function clauseOf(field: string): string {
  return `_exists_:${field.replace(/[^A-Za-z0-9_.@-]/g, (character) => `\\${character}`)}`;
}
