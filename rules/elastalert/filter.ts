// Elasticsearch's query DSL, as an ElastAlert rule's `filter` has it → an expression on one event. What has no meaning for one event by itself
// (scripts, scores, other documents) is refused at its place.
import { allOf, anyOf, not, type Written } from '../foreign/expression-writer.ts';
import type { YamlNode } from '../language/yaml-tree.ts';
import { readBool } from './bool-query.ts';
import {
  type Bound,
  type Comparison,
  foreignField,
  isLike,
  isMatch,
  isOneOf,
  isRegex,
  isThere,
  isWithin,
  startsWith,
} from './field-conditions.ts';
import {
  entryOf,
  membersOf,
  onlyEntry,
  type Part,
  partOf,
  placeOfPart,
  refuse,
  type Scalar,
  scalarOf,
  textOf,
} from './notes.ts';
import { readQueryString } from './query-string.ts';

const DEPTH_MAX = 20;

/** All of the list's members. */
export function readFilter(part: Part): Written | undefined {
  return joined(part, part.node, 'all', 0);
}

function joined(part: Part, node: YamlNode, how: 'all' | 'any', depth: number): Written | undefined {
  const conditions = membersOf(node).map((member) => readQuery(partOf(part, member), depth));
  const known = conditions.filter((condition) => condition !== undefined);
  if (known.length < conditions.length) return undefined;
  return how === 'all' ? allOf(known) : anyOf(known);
}

function readQuery(part: Part, depth: number): Written | undefined {
  const { node } = part;
  if (depth > DEPTH_MAX) return refuse(part, `queries nest deeper than ${DEPTH_MAX}`, 'Simplify the filter.');
  const entry = onlyEntry(node);
  if (entry === undefined) {
    return refuse(
      part,
      'a query is a map with one word, such as `term`',
      'Write one query for each member of `filter`, or a `bool`.',
    );
  }
  const read = Object.hasOwn(QUERIES, entry.key) ? QUERIES[entry.key] : undefined;
  const inner = partOf(part, entry.value);
  if (read !== undefined) return read(inner, depth + 1);
  const why = (Object.hasOwn(REFUSED, entry.key) ? REFUSED[entry.key] : undefined) ?? 'is not known';
  const remedy = 'Say it with term, terms, range, bool, exists, wildcard, prefix, regexp, match or query_string.';
  return refuse(inner, `\`${entry.key}\` ${why}`, remedy);
}

type ReadQuery = (part: Part, depth: number) => Written | undefined;

const QUERIES: Readonly<Record<string, ReadQuery>> = {
  // ElastAlert takes `query` off before it asks.
  query: readQuery,
  constant_score: (part, depth) => readInner(part, 'filter', depth),
  function_score: (part, depth) => readInner(part, 'query', depth),
  bool: (part, depth) => readBool(part, (inner) => readQuery(inner, depth)),
  and: (part, depth) => joined(part, listIn(part.node), 'all', depth),
  or: (part, depth) => joined(part, listIn(part.node), 'any', depth),
  dis_max: (part, depth) => joined(part, entryOf(part.node, 'queries') ?? part.node, 'any', depth),
  not: (part, depth) =>
    negated(
      readQuery(
        onlyEntry(part.node)?.key === 'query' ? partOf(part, entryOf(part.node, 'query') ?? part.node) : part,
        depth,
      ),
    ),
  match_all: () => allOf([]),
  match_none: () => anyOf([]),
  exists: (part) => {
    const name = textOf(entryOf(part.node, 'field'));
    if (name === undefined) return refuse(part, '`exists` needs `field`', 'Write `exists: { field: process.name }`.');
    const field = foreignField(part, name);
    return field === undefined ? undefined : isThere(field);
  },
  term: onField(['value', 'term'], (part, field, value, options) =>
    textOf(options('case_insensitive')) === 'true'
      ? isLike(field, String(value).replace(/[\\*?]/g, '\\$&'), true)
      : isOneOf(part, field, [value]),
  ),
  terms: readTerms,
  range: readRange,
  wildcard: onField(['value', 'wildcard'], (_part, field, value, options) =>
    isLike(field, String(value), textOf(options('case_insensitive')) === 'true'),
  ),
  prefix: onField(['value', 'prefix'], (_part, field, value, options) =>
    startsWith(field, String(value), textOf(options('case_insensitive')) === 'true'),
  ),
  regexp: onField(['value'], (part, field, value, options) =>
    isRegex(part, field, String(value), textOf(options('case_insensitive')) === 'true'),
  ),
  match: onField(['query'], (part, field, value, options) => {
    for (const word of ['fuzziness', 'minimum_should_match', 'analyzer'] as const) {
      if (options(word) !== undefined)
        return refuse(part, `\`${word}\` of a \`match\` cannot be said`, 'Leave it out, or write a `bool`.');
    }
    return isMatch(part, field, value, /^and$/i.test(textOf(options('operator')) ?? '') ? 'and' : 'or');
  }),
  match_phrase: onField(['query'], (part, field, value, options) =>
    (textOf(options('slop')) ?? '0') === '0'
      ? isMatch(part, field, value, 'phrase')
      : refuse(part, '`slop` of a `match_phrase` cannot be said', 'Leave it out, or write a `regexp`.'),
  ),
  query_string: readQueryStringNode,
};

const REFUSED: Readonly<Record<string, string>> = {
  script: 'runs a script in the cluster, which nothing does here',
  script_score: 'runs a script in the cluster, which nothing does here',
  nested:
    'asks of one object of a list, which a filter cannot say here: write the rule in our own words, `$exists(list[a = 1 and b = 2])`',
  has_child: 'asks of other documents',
  has_parent: 'asks of other documents',
  parent_id: 'asks of other documents',
  more_like_this: 'is a score, and no event is like another by itself',
  fuzzy: 'matches by edit distance, which nothing does here',
  ids: 'names single documents',
  geo_distance: 'asks for places on earth, which nothing does here',
  geo_bounding_box: 'asks for places on earth, which nothing does here',
  eql: 'is a rule in EQL, another language',
  simple_query_string: 'is read otherwise than `query_string`: write that',
  multi_match: 'scores several fields: write a `bool` with a `should` for each',
};

function readInner(part: Part, key: string, depth: number): Written | undefined {
  const inner = entryOf(part.node, key);
  if (inner === undefined) return refuse(part, `\`${key}\` is missing here`, `Write what it is about as \`${key}\`.`);
  return joined(part, inner, 'all', depth);
}

function listIn(node: YamlNode): YamlNode {
  return entryOf(node, 'filters') ?? node;
}

function negated(condition: Written | undefined): Written | undefined {
  return condition === undefined ? undefined : not(condition);
}

type Field = NonNullable<ReturnType<typeof foreignField>>;

/** `word: { field: value }`, or `word: { field: { value: …, options } }`. */
function onField(
  names: readonly string[],
  read: (
    part: Part,
    field: Field,
    value: Scalar,
    options: (name: string) => YamlNode | undefined,
  ) => Written | undefined,
): ReadQuery {
  return (part) => {
    const entry = withoutBoost(part.node);
    if (entry === undefined) return refuse(part, 'this names one field', 'Write `field: value`.');
    const { value: of } = entry;
    const values = names.map((name) => entryOf(of, name)).filter((node) => node !== undefined);
    const value = scalarOf(of.kind === 'map' ? values[0] : of);
    const inner = partOf(part, of);
    if (value === undefined || value === null)
      return refuse(inner, `\`${entry.key}\` has no value here`, 'Write one value.');
    const field = foreignField(inner, entry.key);
    return field === undefined ? undefined : read(inner, field, value, (name) => entryOf(of, name));
  };
}

/** The entry that names a field. */
function withoutBoost(node: YamlNode): { readonly key: string; readonly value: YamlNode } | undefined {
  if (node.kind !== 'map') return undefined;
  const named = node.entries.filter(({ key }) => key !== 'boost' && key !== '_name');
  return named.length === 1 ? named[0] : undefined;
}

function readTerms(part: Part): Written | undefined {
  const entry = withoutBoost(part.node);
  if (entry === undefined) return refuse(part, '`terms` names one field', 'Write `terms: { field: [a, b] }`.');
  const inner = partOf(part, entry.value);
  if (entry.value.kind !== 'list')
    return refuse(inner, '`terms` with a look-up in an index cannot be said', 'Write the values out.');
  const values = entry.value.items.map(scalarOf);
  if (values.includes(undefined)) return refuse(inner, '`terms` has plain values', 'Write texts or numbers.');
  const field = foreignField(inner, entry.key);
  return field === undefined
    ? undefined
    : isOneOf(
        inner,
        field,
        values.filter((value) => value !== undefined),
      );
}

function readRange(part: Part): Written | undefined {
  const entry = withoutBoost(part.node);
  if (entry === undefined || entry.value.kind !== 'map')
    return refuse(part, '`range` names one field', 'Write `range: { field: { gte: 5 } }`.');
  const inner = partOf(part, entry.value);
  const field = foreignField(inner, entry.key);
  if (field === undefined) return undefined;
  const isIncluded = (name: string): boolean => textOf(entryOf(entry.value, name)) !== 'false';
  const bounds: Bound[] = [];
  for (const { key, value: node } of entry.value.entries) {
    if (['include_lower', 'include_upper', 'boost', '_name', 'relation'].includes(key)) continue;
    const comparison: Comparison | undefined =
      key === 'from'
        ? isIncluded('include_lower')
          ? 'gte'
          : 'gt'
        : key === 'to'
          ? isIncluded('include_upper')
            ? 'lte'
            : 'lt'
          : comparisonOf(key);
    const value = scalarOf(node);
    if (comparison === undefined || value === undefined) {
      return refuse(
        partOf(part, node),
        `\`${key}\` of a range cannot be said`,
        'Write gt, gte, lt, lte with a value; times in UTC.',
      );
    }
    if (value !== null) bounds.push({ comparison, value });
  }
  if (bounds.length === 0) return isThere(field);
  if (field.name === '@timestamp') {
    part.notes.remark(
      placeOfPart(inner),
      'a range over `@timestamp` is asked of each event as it comes',
      'A rule looks at all events anyway; leave it out.',
    );
  }
  return isWithin(inner, field, bounds);
}

function comparisonOf(key: string): Comparison | undefined {
  return key === 'gt' || key === 'gte' || key === 'lt' || key === 'lte' ? key : undefined;
}

const QUERY_STRING_WORDS: ReadonlySet<string> = new Set([
  ...['query', 'default_field', 'fields', 'default_operator', 'analyze_wildcard', 'allow_leading_wildcard', 'lenient'],
  ...[
    'boost',
    'lowercase_expanded_terms',
    'enable_position_increments',
    'auto_generate_synonyms_phrase_query',
    'rewrite',
  ],
]);

function readQueryStringNode(part: Part): Written | undefined {
  const { node } = part;
  const query = node.kind === 'scalar' ? textOf(node) : textOf(entryOf(node, 'query'));
  if (query === undefined) return refuse(part, '`query_string` needs `query`', 'Write `query_string: { query: "…" }`.');
  const odd = node.kind === 'map' ? node.entries.find(({ key }) => !QUERY_STRING_WORDS.has(key)) : undefined;
  if (odd !== undefined)
    return refuse(partOf(part, odd.value), `\`${odd.key}\` of a \`query_string\` cannot be said`, 'Leave it out.');
  const [one, many] = [textOf(entryOf(node, 'default_field')), entryOf(node, 'fields')];
  const named =
    many === undefined
      ? one === undefined
        ? undefined
        : [one]
      : membersOf(many).map((member) => (textOf(member) ?? '').replace(/\^.*$/, ''));
  const fields = named?.some((name) => name === '*' || name === '_all') === true ? undefined : named;
  const operator = /^and$/i.test(textOf(entryOf(node, 'default_operator')) ?? '') ? 'and' : 'or';
  return readQueryString(partOf(part, entryOf(node, 'query') ?? node), query, { fields, operator });
}
