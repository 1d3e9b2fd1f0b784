// ElastAlert's twelve types → what our rules ask of events (docs/rules.md). One rule of ElastAlert may become several: `new_term` over several fields is
// one for each.
import { allOf, not, type Written } from '../foreign/expression-writer.ts';
import type { PlainRule, PlainValue } from '../foreign/foreign-rule.ts';
import { foreignField, hasOtherThan, isExactlyOneOf, isThere } from './field-conditions.ts';
import { readFilter } from './filter.ts';
import { listEntries } from './list-entries.ts';
import { membersOf, scalarOf, textOf } from './notes.ts';
import { durationText, type Options, type ReadNamed } from './options.ts';

const DAY_MS = 86_400_000;
const WITHIN_MAX_MS = 30 * DAY_MS;

/** What one of our rules asks: the expression, and the words of many events. */
export interface Asked {
  /** Behind the id and the name, where there are several. */
  readonly suffix: string;
  readonly match: Written;
  /** `{ threshold: … }`; empty for single events. */
  readonly kind: PlainRule;
  /** The option that each path of it comes from. */
  readonly from: Readonly<Record<string, string>>;
}

export interface KindContext {
  readonly options: Options;
  readonly filter: Written;
  readonly by: readonly string[];
  readonly readNamed: ReadNamed;
}

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

function asked(match: Written, kind: PlainRule, from: Asked['from'] = {}, suffix = ''): Asked {
  return { match, kind, from, suffix };
}

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
  if (key === 'blacklist') return [asked(allOf([filter, isExactlyOneOf(field, entries)]), {}, { match: 'blacklist' })];
  const isOther = hasOtherThan(field, entries);
  // What is missing is on no list.
  const match = options.isOn('ignore_null')
    ? allOf([isThere(field), isOther])
    : field.mayBeList
      ? anyMissing(field.path, isOther)
      : not(isExactlyOneOf(field, entries));
  return [asked(allOf([filter, match]), {}, { match: 'whitelist' })];
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
    ...(withinMs === undefined ? {} : { within: durationText(withinMs) }),
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
  const threshold = { count, within: durationText(withinMs), mode: 'restart' };
  return [asked(filter, { threshold }, { 'threshold.count': 'num_events', 'threshold.within': 'timeframe' })];
}

/** How often ElastAlert would look. */
const RUN_EVERY_MS = 60_000;

function spikeWords(options: Options): Record<string, PlainValue> | undefined {
  const factor = need(options, 'spike_height');
  const direction = options.text('spike_type');
  const withinMs = span(options, 'timeframe');
  const everyMs = options.spanMs('run_every') ?? RUN_EVERY_MS;
  if (factor === undefined || withinMs === undefined) return undefined;
  if (factor <= 1)
    return options.notes.problem(
      options.placeOf('spike_height'),
      '`spike_height` must be more than 1',
      'With 1 every window is a spike.',
    );
  if (direction !== 'up' && direction !== 'down' && direction !== 'both') {
    return options.notes.problem(
      options.placeOf('spike_type'),
      '`spike_type` is up, down or both',
      'Write one of them.',
    );
  }
  if (options.isOn('alert_on_new_data') && options.option('query_key') !== undefined) {
    const remedy = 'Leave it out, and write a `new_term` beside it for keys that are new.';
    return options.notes.problem(
      options.placeOf('alert_on_new_data'),
      '`alert_on_new_data` needs to know of all keys at once, which no key here does',
      remedy,
    );
  }
  const [now, before] = [options.number('threshold_cur'), options.number('threshold_ref')];
  return {
    factor,
    within: durationText(withinMs),
    direction,
    mode: 'restart',
    ...(everyMs === RUN_EVERY_MS ? {} : { every: durationText(Math.min(DAY_MS, Math.max(1_000, everyMs))) }),
    ...(now === undefined ? {} : { now_at_least: now }),
    ...(before === undefined ? {} : { before_at_least: before }),
  };
}

const SPIKE_FROM = {
  'spike.factor': 'spike_height',
  'spike.direction': 'spike_type',
  'spike.within': 'timeframe',
} as const;

function readSpike({ options, filter }: KindContext): readonly Asked[] | undefined {
  const words = spikeWords(options);
  const field = options.text('field_value');
  if (words === undefined) return undefined;
  if (field !== undefined) {
    options.notes.remark(
      options.placeOf('field_value'),
      'the mean of `field_value` is taken of the numbers as they are; ElastAlert cuts each to a whole one',
      'Nothing is to be done.',
    );
  }
  return [
    asked(filter, { spike: { ...words, ...(field === undefined ? {} : { avg: plainName(field) }) } }, SPIKE_FROM),
  ];
}

function readSpikeAggregation({ options, filter }: KindContext): readonly Asked[] | undefined {
  const words = spikeWords(options);
  const figure = readFigure(options);
  if (words === undefined || figure === undefined) return undefined;
  const remedy = 'Nothing is to be done; where the figure is a sum or a count, look at the thresholds again.';
  options.notes.remark(
    options.placeOf('type'),
    'the figure is taken of the events of each window; ElastAlert takes it of the figures of its runs, which overlap',
    remedy,
  );
  return [asked(filter, { spike: { ...words, ...figure } }, SPIKE_FROM)];
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
      { absence: { fewer_than: fewerThan, within: durationText(withinMs) } },
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
        { new_value: { fields, learn: durationText(learnMs), remember: '365d' } },
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
  const both = above !== undefined && below !== undefined;
  const distinct = (bound: PlainRule): PlainRule => ({
    distinct: { field: plainName(field), ...bound, within: durationText(withinMs) },
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

function readMetric({ options, filter }: KindContext): readonly Asked[] | undefined {
  const figure = readFigure(options);
  const withinMs = windowOfRuns(options);
  const [above, below] = [options.number('max_threshold'), options.number('min_threshold')];
  if (figure === undefined || withinMs === undefined) return undefined;
  if (above === undefined && below === undefined) {
    return options.notes.problem(
      options.placeOf('type'),
      '`metric_aggregation` needs `max_threshold` or `min_threshold`',
      'Add a bound.',
    );
  }
  const least = options.number('min_doc_count');
  tellEpisodes(options);
  const metric = {
    ...figure,
    ...(above === undefined ? {} : { above }),
    ...(below === undefined ? {} : { below }),
    ...(least === undefined || least < 1 ? {} : { at_least: Math.ceil(least) }),
    within: durationText(withinMs),
  };
  return [
    asked(
      filter,
      { metric },
      { 'metric.above': 'max_threshold', 'metric.below': 'min_threshold', 'metric.within': 'buffer_time' },
    ),
  ];
}

function readPercentage({ options, filter }: KindContext): readonly Asked[] | undefined {
  const of = options.option('match_bucket_filter');
  if (of === undefined)
    return options.notes.problem(
      options.placeOf('type'),
      '`percentage_match` needs `match_bucket_filter`',
      'Say which events make the share.',
    );
  const share = readFilter(options.part(of));
  const withinMs = windowOfRuns(options);
  const [above, below] = [options.number('max_percentage'), options.number('min_percentage')];
  if (share === undefined || withinMs === undefined) return undefined;
  const bounds = {
    ...(above === undefined || above >= 100 ? {} : { above: above / 100 }),
    ...(below === undefined || below <= 0 ? {} : { below: below / 100 }),
  };
  if (Object.keys(bounds).length === 0 || (above ?? 0) < 0 || (below ?? 0) > 100) {
    return options.notes.problem(
      options.placeOf('type'),
      '`percentage_match` needs `max_percentage` or `min_percentage`, between 0 and 100',
      'Add a bound that can be passed.',
    );
  }
  const least = options.number('min_denominator') ?? 0;
  tellEpisodes(options);
  const ratio = {
    of: share.text,
    ...bounds,
    ...(least > 1 ? { at_least: Math.ceil(least) } : {}),
    within: durationText(withinMs),
  };
  return [
    asked(
      filter,
      { ratio },
      {
        'ratio.of': 'match_bucket_filter',
        'ratio.above': 'max_percentage',
        'ratio.below': 'min_percentage',
        'ratio.within': 'buffer_time',
      },
    ),
  ];
}

function tellEpisodes({ notes, placeOf }: Options): void {
  notes.remark(
    placeOf('type'),
    'the window slides and is judged at each event, and what lasts is told once; ElastAlert judges the window before each run, and tells each',
    'Nothing is to be done: the alert stays open for as long as it lasts.',
  );
}

const FIGURES: Readonly<Record<string, string>> = {
  min: 'min',
  max: 'max',
  avg: 'avg',
  sum: 'sum',
  cardinality: 'distinct',
  value_count: 'count',
};

function readFigure(options: Options): PlainRule | undefined {
  const { notes, placeOf } = options;
  if (options.option('metric_agg_script') !== undefined) {
    return notes.problem(
      placeOf('metric_agg_script'),
      'a script runs in the cluster, which nothing does here',
      'Name a field in `metric_agg_key`.',
    );
  }
  const [field, type] = [options.text('metric_agg_key'), options.text('metric_agg_type')];
  if (field === undefined || type === undefined)
    return notes.problem(
      placeOf('type'),
      'this type needs `metric_agg_key` and `metric_agg_type`',
      'Say which figure of which field.',
    );
  if (type === 'percentiles') {
    const rank = options.number('percentile_range');
    if (rank === undefined || rank < 0 || rank > 100)
      return notes.problem(
        placeOf('percentile_range'),
        '`percentiles` needs `percentile_range`, 0 to 100',
        'Say which percentile.',
      );
    return { percentile: { rank, field: plainName(field) } };
  }
  const figure = Object.hasOwn(FIGURES, type) ? FIGURES[type] : undefined;
  if (figure === undefined)
    return notes.problem(
      placeOf('metric_agg_type'),
      `\`${type}\` is no figure`,
      'Use min, max, avg, sum, cardinality, value_count or percentiles.',
    );
  return { [figure]: plainName(field) };
}

/** The window that ElastAlert's queries with aggregations cover. */
function windowOfRuns(options: Options): number | undefined {
  if (options.option('bucket_interval') !== undefined) return span(options, 'bucket_interval');
  if (options.isOn('use_run_every_query_size')) {
    return options.option('run_every') === undefined ? RUN_EVERY_MS : span(options, 'run_every');
  }
  if (options.option('buffer_time') !== undefined) return span(options, 'buffer_time');
  const remedy = 'Add `buffer_time` to the rule, or name ElastAlert’s configuration: `--config config.yaml`.';
  return options.notes.problem(options.placeOf('type'), 'nothing says how long the window is', remedy);
}

/** A span between a second and the longest window. */
function span(options: Options, key: string, mostMs = WITHIN_MAX_MS): number | undefined {
  if (options.option(key) === undefined)
    return options.notes.problem(options.placeOf('type'), `this type needs \`${key}\``, 'Write `minutes: 5`.');
  const ms = options.spanMs(key);
  if (ms === undefined) return undefined;
  if (ms >= 1_000 && ms <= mostMs) return ms;
  return options.notes.problem(
    options.placeOf(key),
    `\`${key}\` is ${ms < 1_000 ? 'shorter than a second' : `longer than ${mostMs / DAY_MS} days`}`,
    'Choose another span.',
  );
}

function need(options: Options, key: string): number | undefined {
  if (options.option(key) === undefined)
    return options.notes.problem(options.placeOf('type'), `this type needs \`${key}\``, 'Write a number.');
  return options.number(key);
}

function whole(options: Options, key: string, least: number, most: number): number | undefined {
  const value = need(options, key);
  if (value === undefined) return undefined;
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  return options.notes.problem(
    options.placeOf(key),
    `\`${key}\` must be a whole number from ${least} to ${most}`,
    'Choose another number.',
  );
}

function needTexts(options: Options, key: string): readonly string[] | undefined {
  if (options.option(key) === undefined)
    return options.notes.problem(options.placeOf('type'), `this type needs \`${key}\``, 'Name the field.');
  return options.texts(key)?.map(plainName);
}

/** A field without the name of its keyword form. */
export function plainName(name: string): string {
  return name.replace(/\.(?:keyword|raw)$/, '');
}

/** Whether an option is a plain `false`, which asks for nothing. */
export function isOff(options: Options, key: string): boolean {
  return scalarOf(options.option(key)?.node) === false;
}
