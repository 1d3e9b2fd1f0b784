// Rules of ElastAlert 2 as rules of ours. A rule comes over whole, with remarks on what differs on purpose, or it does not come over, with the list of what
// could not be said. docs/coming-from-elastalert.md says what becomes of what.

import { SEVERITIES, type Severity } from '../../event/detection.ts';
import { formatDuration } from '../../event/duration.ts';
import { nearest } from '../../event/nearest-name.ts';
import type { Diagnostic } from '../diagnostic.ts';
import { allOf, fieldPath, type Written } from '../foreign/expression-writer.ts';
import type { ForeignRule, ForeignRules, PlainRule } from '../foreign/foreign-rule.ts';
import { idFrom } from '../foreign/rule-id.ts';
import { descriptionOf, readAlert } from './alert.ts';
import { isFieldName } from './alert-texts.ts';
import { type ChannelNeeds, readAlerters } from './alerters.ts';
import { readFilter } from './filter.ts';
import { type Asked, plainName } from './kind-options.ts';
import { TYPES } from './kinds.ts';
import { tellOptions } from './known-options.ts';
import { notesInto, scalarOf } from './notes.ts';
import { type OptionFile, type Options, type ReadNamed, readOptionFile, readOptions } from './options.ts';

export interface ElastAlertContext {
  /** ElastAlert's own configuration (`config.yaml`), where it is at hand. */
  readonly config: OptionFile | undefined;
  readonly readNamed: ReadNamed;
  /** Channels of ours for alerters that have no counterpart. */
  readonly alerters: ReadonlyMap<string, string>;
}

export interface ElastAlertRules extends ForeignRules {
  /** What its alerters need of our configuration; undefined where it did not come over. */
  readonly needs: ChannelNeeds | undefined;
}

/** The longest expression that a rule may have (docs/rules.md). */
const EXPRESSION_MAX = 32_768;
const LATENESS_MAX_MS = 86_400_000;

/** Reads one file. Never throws for what is in it. */
export function readElastAlertRules(file: string, text: string, context: ElastAlertContext): ElastAlertRules {
  const diagnostics: Diagnostic[] = [];
  const own = readOptionFile(file, text, diagnostics);
  const nothing = { rules: [], diagnostics, needs: undefined };
  if (own === undefined) return nothing;
  const notes = notesInto(diagnostics);
  const options = readOptions(own, { ...context, notes, diagnostics });
  if (options === undefined) return nothing;
  const read = readWhole(options, context);
  return read === undefined || notes.hasProblem ? nothing : { ...read, diagnostics };
}

function readWhole(options: Options, context: ElastAlertContext): Omit<ElastAlertRules, 'diagnostics'> | undefined {
  const { notes, placeOf } = options;
  tellOptions(options);
  const type = options.text('type') ?? '';
  const readType = Object.hasOwn(TYPES, type) ? TYPES[type] : undefined;
  const alerters = readAlerters(options, context.alerters);
  const filter = readFilters(options);
  const key = fieldsOf(options, 'query_key');
  if (options.option('type') === undefined)
    return notes.problem(placeOf('type'), 'the rule has no `type`', 'Say what it asks: any, frequency, …');
  if (readType === undefined) {
    const guess = nearest(type, Object.keys(TYPES));
    const remedy =
      guess === undefined
        ? 'A type of one’s own is a program in Python, which is not run.'
        : `Did you mean \`${guess}\`?`;
    return notes.problem(placeOf('type'), `the type \`${type}\` is none of ElastAlert’s twelve`, remedy);
  }
  if (filter === undefined || key === undefined) return undefined;
  // What is new is new to all: a key of new_term is for silences only.
  const by = type === 'new_term' ? [] : key;
  const all = readType({ options, filter, by, readNamed: context.readNamed });
  const alert = readAlert({ options, by: key, to: alerters?.to ?? [] });
  if (all === undefined || alerters === undefined || notes.hasProblem) return undefined;
  tellIndex(options);
  const rules = all.map((asked) => foreignRule({ options, asked, by, alert }));
  const long = all.find(({ match }) => match.text.length > EXPRESSION_MAX);
  if (long !== undefined) {
    const remedy = 'Keep values in a list of ours, lists/NAME.yaml, and name it in the rule.';
    return notes.problem(
      placeOf(long.from['match'] ?? 'filter'),
      `the condition would be longer than ${EXPRESSION_MAX} characters`,
      remedy,
    );
  }
  return { rules, needs: alerters.needs };
}

function readFilters(options: Options): Written | undefined {
  const filters = options.lists('filter');
  const read = filters
    .filter(({ origin }) => origin !== 'config' || filters.length === 1)
    .map((option) => readFilter(options.part(option)));
  const known = read.filter((condition) => condition !== undefined);
  return known.length < read.length ? undefined : allOf(known);
}

/** Names of fields; none where the option is not there, undefined after a problem. */
function fieldsOf(options: Options, key: string): readonly string[] | undefined {
  const names = options.texts(key) ?? [];
  const fields = names.map(plainName);
  const odd = fields.find((name) => !isFieldName(name) || fieldPath(name) === undefined);
  if (odd === undefined) return options.notes.hasProblem ? undefined : fields;
  return options.notes.problem(
    options.placeOf(key),
    `\`${odd}\` is no name of a field`,
    'Write a dotted name such as process.name.',
  );
}

function foreignRule({
  options,
  asked,
  by,
  alert,
}: {
  options: Options;
  asked: Asked;
  by: readonly string[];
  alert: PlainRule;
}): ForeignRule {
  const { own } = options;
  const name =
    (options.text('name') ?? own.source.file.replace(/^.*\/|\.ya?ml$/g, ''))
      .replace(/\s+/g, ' ')
      .trim()
      .slice(0, 150) || 'Rule';
  const description = descriptionOf(options);
  const category = options.text('category')?.slice(0, 100);
  const owner = options.text('owner')?.slice(0, 500);
  const delayMs = options.option('query_delay') === undefined ? undefined : options.spanMs('query_delay');
  const isEnabled = scalarOf(options.option('is_enabled')?.node) !== false;
  const rule: PlainRule = {
    id: idOf(name, asked.suffix),
    name: asked.suffix === '' ? name : `${name} (${asked.suffix})`.slice(0, 200),
    ...(description === undefined ? {} : { description }),
    severity: severityOf(options),
    ...(category === undefined || category === '' ? {} : { tags: [category] }),
    ...(owner === undefined || owner === '' ? {} : { author: owner }),
    origin: { format: 'elastalert', id: name },
    ...(isEnabled ? {} : { status: 'off' }),
    match: asked.match.text,
    ...(by.length === 0 ? {} : { by }),
    ...asked.kind,
    ...(delayMs === undefined || delayMs < 1_000 || delayMs > LATENESS_MAX_MS
      ? {}
      : { lateness: formatDuration(delayMs) }),
    alert,
  };
  return {
    rule,
    places: placesOf(options, asked),
    end: own.document.root.end,
    ...(asked.lists === undefined ? {} : { lists: asked.lists }),
  };
}

/** Where our parts come from; what another file says stands where this one imports it. */
function placesOf(options: Options, { from }: Asked): ReadonlyMap<string, number> {
  const { own } = options;
  const otherwise = options.option('import')?.at ?? own.document.root.at;
  const places = new Map([['', own.document.root.at]]);
  const put = (path: string, key: string): void => {
    const option = options.option(key);
    if (option !== undefined) places.set(path, option.source === own.source ? option.at : otherwise);
  };
  const named = {
    ...{
      id: 'name',
      name: 'name',
      description: 'description',
      severity: 'priority',
      status: 'is_enabled',
      match: 'filter',
      by: 'query_key',
    },
    ...{
      author: 'owner',
      tags: 'category',
      lateness: 'query_delay',
      alert: 'alert',
      'alert.to': 'alert',
      'alert.title': 'alert_subject',
    },
    ...{ 'alert.include': 'include', 'alert.suppress': 'realert', 'alert.group': 'aggregation', ...from },
  };
  for (const [path, key] of Object.entries(named)) put(path, key);
  return places;
}

/** A rule's name as an id: what is no letter or digit becomes `-`. */
function idOf(name: string, suffix = ''): string {
  const id = idFrom(name, suffix);
  return id === '' ? 'elastalert-rule' : id;
}

/** ElastAlert has no meaning for `priority`; 1 is read as high, 2, which is its default, as medium. */
function severityOf(options: Options): Severity {
  const priority = options.option('priority') === undefined ? undefined : options.number('priority');
  if (priority === undefined) return 'medium';
  const severity = SEVERITIES.toReversed()[Math.max(0, Math.min(4, Math.round(priority)))] ?? 'medium';
  options.notes.remark(
    options.placeOf('priority'),
    `\`priority\` ${priority} is read as ${severity}: 0 critical, 1 high, 2 medium, 3 low`,
    'Change `severity` if it is meant otherwise.',
  );
  return severity;
}

function tellIndex(options: Options): void {
  const index = options.text('index');
  if (index === undefined || /^(?:\*|_all|auditbeat-|logs-auditd|vedette)/.test(index)) return;
  options.notes.remark(
    options.placeOf('index'),
    `\`index: ${index}\` chose documents; a rule here meets every event`,
    `Add what tells those documents apart to \`filter\`, \`term: { ${dataOf(index)} }\`, if others could match.`,
  );
}

/** What events have that were sent to such an index, by the names that Elastic’s own shippers give to theirs. */
function dataOf(index: string): string {
  const dataset = /^logs-([a-z0-9_.]+)-/.exec(index)?.[1];
  if (dataset !== undefined) return `event.dataset: ${dataset}`;
  const beat = /^((?:file|packet|metric|winlog|heart|journal)beat)-/.exec(index)?.[1];
  return beat === undefined ? 'event.dataset: …' : `agent.type: ${beat}`;
}
