// Which of the fields that imported rules need no event has had: asked of the server, field by field, each once.
import { neededFields } from '../../rules/needed-fields.ts';
import type { Rule } from '../../rules/rule.ts';
import type { SearchApiRequest, SearchApiResponse } from '../../server/api.ts';
import type { Client } from '../client.ts';
import { type Outcome, succeed } from '../failure.ts';

/** More are not asked for; of those nothing is said. */
const FIELDS_MAX = 500;
/** What has not been there for so long is said to be unseen. */
const SEEN_WITHIN_MS: number = 30 * 86_400_000;

/** The fields of these rules that no stored event of the last 30 days has. */
export async function unseenFields(
  client: Client,
  rules: readonly Rule[],
  nowMs: number,
): Promise<Outcome<ReadonlySet<string>>> {
  const fields = [...new Set(rules.flatMap((rule) => [...neededFields(rule)]))].slice(0, FIELDS_MAX);
  const unseen = new Set<string>();
  for (const field of fields) {
    const request: SearchApiRequest = {
      query: `_exists_:${escaped(field)}`,
      sinceMs: nowMs - SEEN_WITHIN_MS,
      limit: 1,
    };
    const answer = await client.lines<SearchApiResponse>('/api/v1/search', request, {
      idleMs: 60_000,
      signal: AbortSignal.timeout(60_000),
      onLine: () => undefined,
    });
    if (!answer.isOk) return answer;
    if (answer.value.total === 0) unseen.add(field);
  }
  return succeed(unseen);
}

/** Names are letters, digits, dots and a few signs; nothing of them is a word of the search language. */
function escaped(field: string): string {
  return field.replace(/[^A-Za-z0-9_.@-]/g, (character) => `\\${character}`);
}
