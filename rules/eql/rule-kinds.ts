// The types of Elastic Security's rules → what our rules ask of events. Types that are no question to events of their own are refused by name.
import { formatDuration } from '../../event/duration.ts';
import { readFilter } from '../elastalert/filter.ts';
import { readQueryString } from '../elastalert/query-string.ts';
import { allOf, not, type Written } from '../foreign/expression-writer.ts';
import { documentOf, type PlainRule, type PlainValue } from '../foreign/foreign-rule.ts';
import { readKuery } from './kuery.ts';
import { parseEql } from './parse.ts';
import { queryParts } from './query-parts.ts';
import { type Data, listOf, objectOf, own, textsOf } from './rule-files.ts';
import { oneText, spanMs, type Telling } from './rule-parts.ts';
import type { Writing } from './writing.ts';

const DAY_MS = 86_400_000;
const WITHIN_MAX_MS: number = 30 * DAY_MS;
const LEARN_MAX_MS: number = 365 * DAY_MS;
/** What Kibana looks back where a rule does not say. */
const LOOKBACK_MS = 360_000;

export interface Asking {
  readonly data: Data;
  /** Offsets are those of the query. */
  readonly writing: Writing;
  readonly telling: Telling;
}

/** What is asked: `match`, `by`, a word of rules on many events; with the places of parts as offsets of the query. */
export interface Asked {
  readonly rule: PlainRule;
  readonly places: ReadonlyMap<string, number>;
}

const REFUSED: Readonly<Record<string, readonly [string, string]>> = {
  esql: [
    'an ES|QL query computes tables, which no rule here does',
    'Say what it counts as `threshold`, `distinct` or `metric` (docs/rules.md).',
  ],
  machine_learning: [
    'a machine learning job runs in Elasticsearch',
    'Use `spike`, `new_value` or `metric` for what is unusual (docs/rules.md).',
  ],
  threat_match: [
    'indicators are looked up in another index',
    'Put them into a list, and write `field in $list` (docs/rules.md).',
  ],
  saved_query: ['the query is kept elsewhere, by its id', 'Write the query into the rule, and export it again.'],
};

/** Undefined where the rule cannot be said, which is told. */
export function askedOf(asking: Asking): Asked | undefined {
  const { data, telling } = asking;
  const type = oneText(data, 'type') ?? 'query';
  const text = own(data, 'query');
  const refused = Object.hasOwn(REFUSED, type) ? REFUSED[type] : undefined;
  if (refused !== undefined && !(type === 'saved_query' && typeof text === 'string')) {
    return telling.refuse('type', `the rule is of type \`${type}\`: ${refused[0]}`, refused[1]);
  }
  if (typeof text !== 'string') return telling.refuse('query', 'the rule has no query', 'Export it again.');
  const extra = filtersOf(asking);
  if (extra === undefined) return undefined;
  switch (type) {
    case 'eql':
      return eqlOf(asking, text, extra);
    case 'query':
    case 'saved_query':
      return queryOf(asking, text, extra, {});
    case 'threshold':
      return thresholdOf(asking, text, extra);
    case 'new_terms':
      return newTermsOf(asking, text, extra);
    default: {
      const remedy = 'There are eql, query, threshold and new_terms.';
      return telling.refuse('type', `the type \`${type.slice(0, 40)}\` is not known here`, remedy);
    }
  }
}

function eqlOf({ data, writing }: Asking, text: string, extra: readonly Written[]): Asked {
  const parts = queryParts(parseEql(text), writing, spanMs(oneText(data, 'from')));
  if (extra.length === 0) return parts;
  const { match, ...rest } = parts.rule;
  const own = typeof match === 'string' ? [{ text: match, binds: 'or' as const }] : [];
  return { ...parts, rule: { match: allOf([...own, ...extra]).text, ...rest } };
}

function queryOf({ data, writing }: Asking, text: string, extra: readonly Written[], kind: PlainRule): Asked {
  const language = oneText(data, 'language') ?? 'kuery';
  const read =
    language === 'lucene'
      ? (readQueryString(writing.part(0), text.trim() === '' ? '*:*' : text, { fields: undefined, operator: 'or' }) ??
        allOf([]))
      : readKuery(text, writing);
  const match = allOf([read, ...extra]);
  if (match.text === 'false' && !writing.part(0).notes.hasProblem)
    writing.refuse(0, 'no event can match this', 'Look for conditions that contradict each other.');
  return { rule: { match: match.text, ...kind }, places: new Map([['match', 0]]) };
}

function thresholdOf(asking: Asking, text: string, extra: readonly Written[]): Asked | undefined {
  const { data, telling } = asking;
  const threshold = objectOf(own(data, 'threshold'));
  const count = own(threshold, 'value');
  const by = textsOf(own(threshold, 'field')).filter((field) => field !== '');
  if (typeof count !== 'number' || !Number.isInteger(count) || count < 1 || count > 10_000) {
    return telling.refuse(
      'threshold',
      '`value` of the threshold is a number from 1 to 10,000',
      'Export the rule again.',
    );
  }
  const within = formatDuration(Math.min(spanMs(oneText(data, 'from')) ?? LOOKBACK_MS, WITHIN_MAX_MS));
  const [cardinality, second] = listOf(own(threshold, 'cardinality')).map(objectOf);
  const key = by.length === 0 ? {} : { by };
  telling.remark(
    'threshold',
    `events are counted over any ${within}; there over each look back from a run`,
    'A burst is one alert, wherever it lies.',
  );
  if (cardinality === undefined) return queryOf(asking, text, extra, { ...key, threshold: { count, within } });
  const [field, least] = [oneText(cardinality, 'field'), own(cardinality, 'value')];
  if (
    second !== undefined ||
    field === undefined ||
    typeof least !== 'number' ||
    !Number.isInteger(least) ||
    least < 1
  ) {
    return telling.refuse('cardinality', 'this `cardinality` cannot be said', 'Count the values of one field.');
  }
  // So many different values are as many events.
  if (count > least) {
    const remedy = 'Write two rules, one with `threshold` and one with `distinct` (docs/rules.md).';
    return telling.refuse('cardinality', 'a number of events and a number of values together cannot be said', remedy);
  }
  return queryOf(asking, text, extra, { ...key, distinct: { field, above: least - 1, within } });
}

function newTermsOf(asking: Asking, text: string, extra: readonly Written[]): Asked | undefined {
  const { data, telling } = asking;
  const fields = textsOf(own(data, 'new_terms_fields'));
  const learnMs = spanMs(oneText(data, 'history_window_start'));
  if (fields.length === 0 || learnMs === undefined || learnMs < 1_000 || learnMs > LEARN_MAX_MS) {
    const remedy = 'Give it `new_terms_fields` and a `history_window_start` such as `now-7d`.';
    return telling.refuse('history_window_start', 'the fields or the window of `new_terms` cannot be read', remedy);
  }
  const learn = formatDuration(learnMs);
  telling.remark(
    'history_window_start',
    `nothing is new until the store has ${learn} of the past`,
    'Import older events first, or shorten `learn`.',
  );
  return queryOf(asking, text, extra, { new_value: { fields, learn, remember: learn } });
}

const FILTERS_MAX = 100;

/** Filters beside the query, as Kibana keeps them; undefined where one cannot be said. */
function filtersOf({ data, writing, telling }: Asking): readonly Written[] | undefined {
  const filters = listOf(own(data, 'filters')).map(objectOf);
  if (filters.length > FILTERS_MAX)
    return telling.refuse('filters', `more than ${FILTERS_MAX} filters`, 'Write a query.');
  const written: Written[] = [];
  for (const filter of filters) {
    const meta = objectOf(own(filter, 'meta'));
    if (own(meta, 'disabled') === true) continue;
    const query = own(filter, 'query') ?? withoutMeta(filter);
    const { root } = documentOf({ rule: { filter: query as PlainValue }, places: new Map(), end: 0 });
    const node = root.kind === 'map' ? root.entries[0]?.value : undefined;
    const part = writing.part(0);
    const read = node === undefined ? undefined : readFilter({ ...part, node: { ...node, at: part.node.at } });
    if (read === undefined) return telling.refuse('filters', 'a filter cannot be said', 'Write it into the query.');
    written.push(own(meta, 'negate') === true ? not(read) : read);
  }
  return written;
}

function withoutMeta(filter: Data | undefined): Data {
  return Object.fromEntries(Object.entries(filter ?? {}).filter(([key]) => key !== 'meta' && key !== '$state'));
}
