// What an ElastAlert rule does with what it found → the `alert` of our rule: who is told, how often, several in one message, with which title and fields.
import { formatDuration } from '../../event/duration.ts';
import type { PlainRule, PlainValue } from '../foreign/foreign-rule.ts';
import { fieldsOfText, fixedText, isFieldName, titleOf } from './alert-texts.ts';
import { plainName } from './kind-options.ts';
import { entryOf, textOf } from './notes.ts';
import type { Options } from './options.ts';

const DAY_MS = 86_400_000;
const INCLUDE_MAX = 40;
const TABLE_MAX = 8;

export interface AlertContext {
  readonly options: Options;
  /** The rule's `by`: what a silence is about where nothing else is said. */
  readonly by: readonly string[];
  readonly to: readonly string[];
}

export function readAlert({ options, by, to }: AlertContext): PlainRule {
  const title = titleOf(options);
  const include = fieldsShown(options, by);
  const suppress = readRealert(options, by);
  const group = readAggregation(options);
  tellTexts(options);
  return {
    ...(title === undefined ? {} : { title }),
    ...(include.length === 0 ? {} : { include }),
    ...(suppress === undefined ? {} : { suppress }),
    ...(group === undefined ? {} : { group }),
    to,
  };
}

/** A description: the rule's, then a text of its alerts that is the same for each. */
export function descriptionOf(options: Options): string | undefined {
  const parts = [options.text('description')?.trim(), fixedText(options)].filter(
    (part) => part !== undefined && part !== '',
  );
  return parts.length === 0 ? undefined : parts.join('\n\n').slice(0, 10_000);
}

function fieldsShown(options: Options, by: readonly string[]): readonly string[] {
  const all = [
    ...by,
    ...(options.texts('compare_key') ?? []),
    ...(options.texts('include') ?? []),
    ...fieldsOfText(options),
    ...(options.texts('top_count_keys') ?? []),
  ].map(plainName);
  const fields = [...new Set(all)].filter(
    (name) => isFieldName(name) && !name.startsWith('_') && name !== '@timestamp',
  );
  if (fields.length > INCLUDE_MAX) {
    options.notes.remark(
      options.placeOf('include'),
      `a message shows at most ${INCLUDE_MAX} fields`,
      'Name those that matter.',
    );
  }
  return fields.slice(0, INCLUDE_MAX);
}

/** `realert`, a minute where it is not said: silence for one key, from the alert on. */
function readRealert(options: Options, by: readonly string[]): PlainValue | undefined {
  const option = options.option('realert');
  const isGrouped = options.lists('aggregation').some(({ origin }) => origin !== 'config');
  // ElastAlert takes `realert` of its configuration for no rule: it has set its own before.
  const isSaid = option !== undefined && option.origin !== 'config';
  const forMs = isSaid ? options.spanMs('realert') : isGrouped ? 0 : 60_000;
  if (options.option('realert_key') !== undefined && options.text('realert_key') !== options.text('name')) {
    options.notes.remark(
      options.placeOf('realert_key'),
      'rules do not share their silence',
      'Put what belongs together into one message with `alert.group`.',
    );
  }
  if (forMs === undefined || forMs === 0) return undefined;
  if (forMs < 1_000 || forMs > 365 * DAY_MS) {
    return options.notes.problem(
      options.placeOf('realert'),
      '`realert` must be between a second and a year',
      'Choose another span.',
    );
  }
  const growMs =
    options.option('exponential_realert') === undefined ? undefined : options.spanMs('exponential_realert');
  if (growMs !== undefined && growMs > 365 * DAY_MS) {
    return options.notes.problem(
      options.placeOf('exponential_realert'),
      '`exponential_realert` must be at most a year',
      'Choose another span.',
    );
  }
  return {
    for: formatDuration(forMs),
    ...(by.length === 0 ? {} : { by }),
    ...(growMs === undefined || growMs < forMs ? {} : { grow: formatDuration(growMs) }),
  };
}

/** `aggregation`, by span or by schedule, and `limit_execution`. */
function readAggregation(options: Options): PlainValue | undefined {
  const { notes } = options;
  const option = options.option('aggregation');
  const schedule = option === undefined ? undefined : textOf(entryOf(option.node, 'schedule'));
  const limit = options.text('limit_execution');
  const by = (options.texts('aggregation_key') ?? []).map(plainName);
  const table = (options.texts('summary_table_fields') ?? []).map(plainName).filter(isFieldName);
  const shared = {
    ...(by.length === 0 ? {} : { by }),
    ...(table.length === 0 ? {} : { table: table.slice(0, TABLE_MAX) }),
  };
  if (options.isOn('limit_execution_coverage')) {
    return notes.problem(
      options.placeOf('limit_execution_coverage'),
      'hours that are left out of what is found cannot be said',
      'Add a condition on the time to `match`, or leave it out.',
    );
  }
  if (limit !== undefined && option !== undefined) {
    return notes.problem(
      options.placeOf('limit_execution'),
      '`limit_execution` beside `aggregation` cannot be said',
      'Keep the one that says when messages leave.',
    );
  }
  if (limit !== undefined) {
    notes.remark(
      options.placeOf('limit_execution'),
      'the rule always looks; what it finds is sent at the next of these times (UTC), in one message',
      'Leave it out if alerts shall come at once.',
    );
    return { schedule: limit, ...shared };
  }
  if (option === undefined) return undefined;
  if (table.length > TABLE_MAX)
    notes.remark(
      options.placeOf('summary_table_fields'),
      `a table has at most ${TABLE_MAX} fields`,
      'Name those that matter.',
    );
  if (schedule !== undefined) return { schedule, ...shared };
  const forMs = options.spanMs('aggregation');
  if (forMs === undefined || forMs === 0) return undefined;
  if (forMs < 1_000 || forMs > 31 * DAY_MS) {
    return notes.problem(option, '`aggregation` must be between a second and 31 days', 'Choose another span.');
  }
  return { for: formatDuration(forMs), ...shared };
}

function tellTexts(options: Options): void {
  const { notes } = options;
  if (options.option('alert_text') !== undefined && fixedText(options) === undefined) {
    notes.remark(
      options.placeOf('alert_text'),
      'the text of messages is ours; the fields that this one names are shown',
      'Look at `alert.include`; a fixed text can be the `description`.',
    );
  }
  if (options.option('top_count_keys') !== undefined) {
    notes.remark(
      options.placeOf('top_count_keys'),
      'the most frequent values are not counted; the fields are shown',
      '`alert.group` with `table` counts them over several alerts.',
    );
  }
}
