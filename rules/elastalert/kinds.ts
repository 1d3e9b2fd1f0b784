// ElastAlert's twelve types → what our rules ask of events (docs/rules.md). One rule of ElastAlert may become several: `new_term` over several fields is
// one for each.
import { createHash } from 'node:crypto';
import { formatDuration } from '../../event/duration.ts';
import { allOf, not, operand, type Written } from '../foreign/expression-writer.ts';
import type { PlainRule } from '../foreign/foreign-rule.ts';
import { foreignField, hasOtherThan, isExactlyOneOf, isThere } from './field-conditions.ts';
import { readMetric, readPercentage, readSpike, readSpikeAggregation } from './figure-kinds.ts';
import { type Asked, asked, DAY_MS, type KindContext, needTexts, plainName, span, whole } from './kind-options.ts';
import { listEntries } from './list-entries.ts';
import { membersOf, textOf } from './notes.ts';
import type { Options } from './options.ts';

type ReadType = (context: KindContext) => readonly Asked[] | undefined;

export const TYPES: Readonly<Record<string, ReadType>> = {
  any: ({ filter }) => [{ suffix: '', match: filter, kind: {}, from: {} }],
  blacklist: (context) => readList(context, 'blacklist'),
  whitelist: (context) => readList(context, 'whitelist'),
  change: readChange,
  frequency: readFrequency,
  spike: readSpike,
  spike_aggregation: readSpikeAggregation,
  flatline: readFlatline,
  new_term: readNewTerm,
  cardinality: readCardinality,
  metric_aggregation: readMetric,
  percentage_match: readPercentage,
};

function readList(
  { options, filter, readNamed }: KindContext,
  key: 'blacklist' | 'whitelist',
): readonly Asked[] | undefined {
  const option = options.option('compare_key');
  const names = options.texts('compare_key');
  const entries = listEntries(options, key, readNamed);
  if (option === undefined)
    return options.notes.problem(options.placeOf('type'), `\`${key}\` needs \`compare_key\``, 'Name the field.');
  if (names === undefined || entries === undefined) return undefined;
  const [name] = names;
  if (name === undefined || names.length !== 1) {
    return options.notes.problem(
      option,
      `\`compare_key\` of a ${key} is one field`,
      'ElastAlert finds nothing with more; write one rule for each.',
    );
  }
  const field = foreignField(options.part(option), name);
  if (field === undefined) return undefined;
  // More than a few dozen are easier to keep in a list than in an expression.
  const list = entries.length <= WRITTEN_OUT_MAX ? undefined : listName(options, key);
  const values = list === undefined ? entries : { list };
  const lists = list === undefined ? {} : { lists: new Map([[list, entries]]) };
  if (key === 'blacklist') {
    return [{ ...asked(allOf([filter, isExactlyOneOf(field, values)]), {}, { match: 'blacklist' }), ...lists }];
  }
  const isOther = hasOtherThan(field, values);
  // What is missing is on no list.
  const match = options.isOn('ignore_null')
    ? allOf([not(operand(`${field.path} = null`)), isOther])
    : field.mayBeList
      ? anyMissing(field.path, isOther)
      : not(isExactlyOneOf(field, values));
  return [{ ...asked(allOf([filter, match]), {}, { match: 'whitelist' }), ...lists }];
}

const WRITTEN_OUT_MAX = 100;

/** `elastalert_` and the rule's name, as a list may be called; with a digest where another name would give the same. */
function listName(options: Options, key: string): string {
  const name = options.text('name') ?? key;
  const slug = name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '_')
    .replace(/^_+|_+$/g, '');
  if (/^[A-Za-z0-9]+(?: [A-Za-z0-9]+)*$/.test(name) && slug.length <= 50) return `elastalert_${slug}`;
  return `elastalert_${slug.slice(0, 40)}_${createHash('sha256').update(name).digest('hex').slice(0, 8)}`;
}

function anyMissing(path: string, isOther: Written): Written {
  return { text: `$not($exists(${path})) or (${isOther.text})`, binds: 'or' };
}

function readChange({ options, filter }: KindContext): readonly Asked[] | undefined {
  const fields = needTexts(options, 'compare_key');
  if (needTexts(options, 'query_key') === undefined || fields === undefined) return undefined;
  const withinMs = options.option('timeframe') === undefined ? undefined : span(options, 'timeframe', 365 * DAY_MS);
  if (withinMs === undefined && options.option('timeframe') !== undefined) return undefined;
  const change = {
    fields,
    ...(withinMs === undefined ? {} : { within: formatDuration(withinMs) }),
    missing: options.isOn('ignore_null') ? 'skip' : 'value',
  };
  return [asked(filter, { change }, { 'change.fields': 'compare_key', 'change.within': 'timeframe' })];
}

function readFrequency({ options, filter }: KindContext): readonly Asked[] | undefined {
  const count = whole(options, 'num_events', 1, 10_000);
  const withinMs = span(options, 'timeframe');
  if (count === undefined || withinMs === undefined) return undefined;
  if (options.isOn('use_count_query') || options.isOn('use_terms_query')) {
    const at = options.placeOf(options.isOn('use_count_query') ? 'use_count_query' : 'use_terms_query');
    options.notes.remark(
      at,
      'each event counts here; a count of ElastAlert’s is one lump, and a match drops it whole',
      'Nothing is to be done: an alert comes as soon as the count is reached.',
    );
  }
  const threshold = { count, within: formatDuration(withinMs), mode: 'restart' };
  return [asked(filter, { threshold }, { 'threshold.count': 'num_events', 'threshold.within': 'timeframe' })];
}

function readFlatline({ options, filter, by }: KindContext): readonly Asked[] | undefined {
  const fewerThan = whole(options, 'threshold', 1, 10_000);
  const withinMs = span(options, 'timeframe');
  if (fewerThan === undefined || withinMs === undefined) return undefined;
  const remedy = 'Give `alert.suppress` a span, and look at what is open in `vedette alerts list`.';
  options.notes.remark(
    options.placeOf('type'),
    'a silence is told once, when it begins; ElastAlert tells it again at each run',
    remedy,
  );
  if (by.length === 0) {
    options.notes.remark(
      options.placeOf('threshold'),
      'silence is found once an event has come; ElastAlert also finds it where none ever came',
      'Backtest the rule: it says whether anything matches.',
    );
  }
  return [
    asked(
      filter,
      { absence: { fewer_than: fewerThan, within: formatDuration(withinMs) } },
      { 'absence.fewer_than': 'threshold', 'absence.within': 'timeframe' },
    ),
  ];
}

function readNewTerm({ options, filter }: KindContext): readonly Asked[] | undefined {
  const key = options.option('fields') === undefined ? 'query_key' : 'fields';
  const option = options.option(key);
  if (option === undefined)
    return options.notes.problem(
      options.placeOf('type'),
      '`new_term` needs `fields`',
      'Name the fields whose values are watched.',
    );
  const learnMs =
    options.option('terms_window_size') === undefined ? 30 * DAY_MS : span(options, 'terms_window_size', 365 * DAY_MS);
  if (learnMs === undefined) return undefined;
  const given = membersOf(option.node).map((member) => membersOf(member).map(textOf));
  if (given.flat().includes(undefined) || given.flat().length === 0) {
    return options.notes.problem(
      option,
      `\`${key}\` must be names of fields`,
      'Write `[process.name]`, or `[[a, b]]` for a combination.',
    );
  }
  const groups = given.map((names) => names.filter((name) => name !== undefined).map(plainName));
  options.notes.remark(
    options.placeOf('terms_window_size'),
    'a value is remembered for 365 days after it was last seen; ElastAlert remembers it for as long as it runs',
    'Nothing is to be done.',
  );
  options.notes.remark(
    option,
    'nothing is new until the store has so much of the past; ElastAlert begins with what there is',
    'Import older events first, or shorten `terms_window_size`.',
  );
  const found: Asked[] = [];
  for (const fields of groups) {
    const suffix = groups.length === 1 ? '' : fields.join('-');
    found.push(
      asked(
        filter,
        { new_value: { fields, learn: formatDuration(learnMs), remember: '365d' } },
        { 'new_value.fields': key, 'new_value.learn': 'terms_window_size' },
        suffix,
      ),
    );
    if (!options.isOn('alert_on_missing_field')) continue;
    const read = fields.map((name) => foreignField(options.part(option), name));
    const missing = read.filter((field) => field !== undefined).map((field) => not(isThere(field)));
    if (missing.length < fields.length) return undefined;
    const [first, ...others] = missing;
    if (first === undefined) continue;
    const any =
      others.length === 0 ? first : { text: missing.map(({ text }) => text).join(' or '), binds: 'or' as const };
    found.push(
      asked(
        allOf([filter, any]),
        {},
        { match: 'alert_on_missing_field' },
        `${suffix === '' ? '' : `${suffix}-`}missing`,
      ),
    );
  }
  return found;
}

function readCardinality({ options, filter }: KindContext): readonly Asked[] | undefined {
  const field = options.text('cardinality_field');
  const withinMs = span(options, 'timeframe');
  const above =
    options.option('max_cardinality') === undefined ? undefined : whole(options, 'max_cardinality', 0, 9_999);
  const below =
    options.option('min_cardinality') === undefined ? undefined : whole(options, 'min_cardinality', 1, 10_000);
  if (options.notes.hasProblem || withinMs === undefined) return undefined;
  if (field === undefined)
    return options.notes.problem(options.placeOf('type'), '`cardinality` needs `cardinality_field`', 'Name the field.');
  if (above === undefined && below === undefined) {
    return options.notes.problem(
      options.placeOf('type'),
      '`cardinality` needs `max_cardinality` or `min_cardinality`',
      'Add a bound.',
    );
  }
  const remedy = 'Nothing is to be done: the alert stays open for as long as it lasts.';
  options.notes.remark(
    options.placeOf('type'),
    'what lasts is told once, when it begins; ElastAlert tells it at each event, or each run',
    remedy,
  );
  if (below !== undefined) {
    options.notes.remark(
      options.placeOf('min_cardinality'),
      'events without the field do not count; a key without any for a whole window is told, forgotten, and new when it comes again',
      'Nothing is to be done; write a `flatline` beside it for events that have to come at all.',
    );
  }
  const both = above !== undefined && below !== undefined;
  const distinct = (bound: PlainRule): PlainRule => ({
    distinct: { field: plainName(field), ...bound, within: formatDuration(withinMs) },
  });
  const from = { 'distinct.field': 'cardinality_field', 'distinct.within': 'timeframe' };
  return [
    ...(above === undefined
      ? []
      : [asked(filter, distinct({ above }), { ...from, 'distinct.above': 'max_cardinality' }, both ? 'above' : '')]),
    ...(below === undefined
      ? []
      : [asked(filter, distinct({ below }), { ...from, 'distinct.below': 'min_cardinality' }, both ? 'below' : '')]),
  ];
}
