// The texts of ElastAlert's alerts: Python's and Jinja's places for values → `{{field}}` of our titles, and the fields that a text shows.

import { plainName } from './kind-options.ts';
import type { Options } from './options.ts';

const TITLE_MAX = 500;
const FIELD = /^[A-Za-z@_][A-Za-z0-9@_.-]{0,199}$/;

/** What ElastAlert adds to matches, by the name of our figure for it. */
const FIGURES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  spike: { spike_count: 'value', reference_count: 'reference' },
  spike_aggregation: { spike_count: 'value', reference_count: 'reference' },
  flatline: { count: 'count' },
  change: { old_value: 'before', new_value: 'after' },
  percentage_match: { percentage: 'value', denominator: 'count' },
  metric_aggregation: { metric_agg_value: 'value' },
};

/** The title, or undefined where the rule's name stands for it. */
export function titleOf(options: Options): string | undefined {
  const subject = options.text('alert_subject');
  if (subject === undefined) return undefined;
  const args = options.texts('alert_subject_args');
  const isJinja = args === undefined && options.text('alert_text_type') === 'alert_text_jinja';
  if (args === undefined && !isJinja) return plain(subject);
  const title = isJinja ? jinjaTitle(options, subject) : pythonTitle(options, subject, args ?? []);
  if (title === undefined) {
    const remedy = 'Write `alert.title` in our rule: text with {{field.name}} in it.';
    options.notes.remark(
      options.placeOf('alert_subject'),
      'this subject cannot be said; the title is the rule’s name',
      remedy,
    );
    return undefined;
  }
  return title;
}

function pythonTitle(options: Options, subject: string, args: readonly string[]): string | undefined {
  let next = 0;
  let isWhole = true;
  const parts = subject.split(/(\{\{|\}\}|\{[^{}]*\})/).map((part, at) => {
    if (at % 2 === 0) return plain(part);
    if (part === '{{' || part === '}}') return part.slice(1);
    const place = /^\{([0-9]*)(?:![rsa])?(?::[^{}]*)?\}$/.exec(part)?.[1];
    const arg = place === undefined ? undefined : args[place === '' ? next++ : Number(place)];
    const shown = arg === undefined ? undefined : shownFor(options, arg);
    if (shown === undefined) isWhole = false;
    return shown ?? '';
  });
  return isWhole ? fitting(parts.join('')) : undefined;
}

function jinjaTitle(options: Options, subject: string): string | undefined {
  if (/\{[%#]/.test(subject)) return undefined;
  let isWhole = true;
  const parts = subject.split(/(\{\{.*?\}\})/).map((part, at) => {
    if (at % 2 === 0) return plain(part);
    const name = jinjaName(part);
    const shown = name === undefined ? undefined : shownFor(options, name);
    if (shown === undefined) isWhole = false;
    return shown ?? '';
  });
  return isWhole ? fitting(parts.join('')) : undefined;
}

/** `{{ process.name }}`, `{{ _data["process"]["name"] }}`. */
function jinjaName(part: string): string | undefined {
  const inner = part
    .slice(2, -2)
    .trim()
    .replace(/^_data\b\.?/, '');
  const dotted = inner
    .replace(/\[\s*(?:"([^"\]]*)"|'([^'\]]*)')\s*\]/g, (_all, a?: string, b?: string) => `.${a ?? b ?? ''}`)
    .replace(/^\./, '');
  return FIELD.test(dotted) ? dotted : undefined;
}

/** A figure, a text that the rule has, or the field. */
function shownFor(options: Options, name: string): string | undefined {
  const type = options.text('type') ?? '';
  const figures = Object.hasOwn(FIGURES, type) ? FIGURES[type] : undefined;
  const figure = figures !== undefined && Object.hasOwn(figures, name) ? figures[name] : undefined;
  if (figure !== undefined) return `{{${figure}}}`;
  const [key] = options.texts('query_key') ?? [];
  if (type === 'flatline' && name === 'key' && key !== undefined) return `{{${plainName(key)}}}`;
  if (/^metric_.+_[a-z_]+$/.test(name) && type === 'metric_aggregation') return '{{value}}';
  const own = options.option(name);
  if (own?.node.kind === 'scalar' && own.origin !== 'config') return plain(String(own.node.value));
  const field = plainName(name);
  return FIELD.test(field) && !NOT_HERE.has(field) ? `{{${field}}}` : undefined;
}

/** Counts that belong to a run of ElastAlert. */
const NOT_HERE: ReadonlySet<string> = new Set([
  'num_hits',
  'num_matches',
  '_id',
  '_index',
  '_type',
  'related_events',
  'new_field',
  'missing_field',
]);

/** Braces that a title would take for a field. */
function plain(text: string): string {
  return text.replace(/\{(?=\{)/g, '{ ').replace(/\}(?=\})/g, '} ');
}

function fitting(title: string): string | undefined {
  return title.trim() === '' ? undefined : title.slice(0, TITLE_MAX);
}

/** The fields that the alert's text shows, in their order. */
export function fieldsOfText(options: Options): readonly string[] {
  const args = [...(options.texts('alert_text_args') ?? [])];
  const words = options.option('alert_text_kw')?.node;
  if (words?.kind === 'map') args.push(...words.entries.map(({ key }) => key));
  if (options.text('alert_text_type') === 'alert_text_jinja') {
    const found = (options.text('alert_text') ?? '').match(/\{\{.*?\}\}/g) ?? [];
    args.push(...found.map(jinjaName).filter((name) => name !== undefined));
  }
  return args.filter((name) => options.option(name) === undefined);
}

/** A text without places for values: then it is a description. */
export function fixedText(options: Options): string | undefined {
  const text = options.text('alert_text');
  const isFixed = text !== undefined && fieldsOfText(options).length === 0 && !/\{[{%]/.test(text);
  return isFixed && text.trim() !== '' ? text.trim() : undefined;
}

export function isFieldName(name: string): boolean {
  return FIELD.test(name);
}
