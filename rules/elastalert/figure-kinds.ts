// The types of ElastAlert that compare figures of windows: spikes, metrics and shares.
import { formatDuration } from '../../event/duration.ts';
import type { PlainRule, PlainValue } from '../foreign/foreign-rule.ts';
import { readFilter } from './filter.ts';
import { type Asked, asked, DAY_MS, type KindContext, need, plainName, span } from './kind-options.ts';
import type { Options } from './options.ts';

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
    within: formatDuration(withinMs),
    direction,
    mode: 'restart',
    ...(everyMs === RUN_EVERY_MS ? {} : { every: formatDuration(Math.min(DAY_MS, Math.max(1_000, everyMs))) }),
    ...(now === undefined ? {} : { now_at_least: now }),
    ...(before === undefined ? {} : { before_at_least: before }),
  };
}

const SPIKE_FROM = {
  'spike.factor': 'spike_height',
  'spike.direction': 'spike_type',
  'spike.within': 'timeframe',
} as const;

export function readSpike({ options, filter }: KindContext): readonly Asked[] | undefined {
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

export function readSpikeAggregation({ options, filter }: KindContext): readonly Asked[] | undefined {
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

export function readMetric({ options, filter }: KindContext): readonly Asked[] | undefined {
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
    within: formatDuration(withinMs),
  };
  return [
    asked(
      filter,
      { metric },
      { 'metric.above': 'max_threshold', 'metric.below': 'min_threshold', 'metric.within': 'buffer_time' },
    ),
  ];
}

export function readPercentage({ options, filter }: KindContext): readonly Asked[] | undefined {
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
    within: formatDuration(withinMs),
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
