// The numbers, spans and names that ElastAlert's types need, within the bounds of our rules; and what a type becomes.
import type { Written } from '../foreign/expression-writer.ts';
import type { PlainRule } from '../foreign/foreign-rule.ts';
import type { Options, ReadNamed } from './options.ts';

export const DAY_MS = 86_400_000;
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
  /** Lists that it names and that come with it. */
  readonly lists?: ReadonlyMap<string, readonly string[]>;
}

export interface KindContext {
  readonly options: Options;
  readonly filter: Written;
  readonly by: readonly string[];
  readonly readNamed: ReadNamed;
}

export function asked(match: Written, kind: PlainRule, from: Asked['from'] = {}, suffix = ''): Asked {
  return { match, kind, from, suffix };
}

/** A span between a second and the longest window. */
export function span(options: Options, key: string, mostMs = WITHIN_MAX_MS): number | undefined {
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

export function need(options: Options, key: string): number | undefined {
  if (options.option(key) === undefined)
    return options.notes.problem(options.placeOf('type'), `this type needs \`${key}\``, 'Write a number.');
  return options.number(key);
}

export function whole(options: Options, key: string, least: number, most: number): number | undefined {
  const value = need(options, key);
  if (value === undefined) return undefined;
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  return options.notes.problem(
    options.placeOf(key),
    `\`${key}\` must be a whole number from ${least} to ${most}`,
    'Choose another number.',
  );
}

export function needTexts(options: Options, key: string): readonly string[] | undefined {
  if (options.option(key) === undefined)
    return options.notes.problem(options.placeOf('type'), `this type needs \`${key}\``, 'Name the field.');
  return options.texts(key)?.map(plainName);
}

/** A field without the name of its keyword form. */
export function plainName(name: string): string {
  return name.replace(/\.(?:keyword|raw)$/, '');
}
