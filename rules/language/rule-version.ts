// A rule's version: a hash of what it means. Comments, white space, key order, tests and remarks for readers do not count;
// the expression's tree with the lists in it, what the alert shows, the limits and the mapping do.
import { hash } from 'node:crypto';
import { MAPPING_VERSION } from '../../event/catalogue.ts';
import { FUEL_PER_EVALUATION } from '../expression/evaluation.ts';
import type { Expression } from '../expression/syntax.ts';
import type { Grouping, Rule } from '../rule.ts';

/** Changes when an unchanged rule file would mean something else. */
const LANGUAGE_VERSION = 1;

/** What the version is made of beside the expressions. */
export type RuleMeaning = Pick<
  Rule,
  'id' | 'name' | 'description' | 'severity' | 'risk' | 'tags' | 'mitre' | 'references' | 'status' | 'by' | 'alert'
>;

export interface ExceptionMeaning {
  readonly match: Expression;
  readonly expiresMs: number | undefined;
}

/** What it asks of many events (read with its expressions), and how long it waits; undefined of a rule on single events. */
export interface ManyMeaning {
  readonly kind: unknown;
  readonly latenessMs: number;
}

/** 16 hexadecimal digits of SHA-256. */
export function ruleVersion(
  meaning: RuleMeaning,
  expressions: { readonly match: Expression | undefined; readonly except: readonly ExceptionMeaning[] },
  many: ManyMeaning | undefined,
): string {
  const { match, except } = expressions;
  const { id, name, description, severity, risk, tags, mitre, references, status, by, alert } = meaning;
  const canonical = JSON.stringify([
    ['vedette-rule', LANGUAGE_VERSION, MAPPING_VERSION, FUEL_PER_EVALUATION],
    [id, name, description, severity, risk ?? null, tags, mitre, references, status, by],
    [alert.title, alert.include, alert.to ?? null, alert.runbook ?? null],
    alert.suppress === undefined ? null : [alert.suppress.forMs, alert.suppress.by, alert.suppress.growMs ?? null],
    match === undefined ? null : withoutPlaces(match),
    except.map((exception) => [withoutPlaces(exception.match), exception.expiresMs ?? null]),
    ...(alert.group === undefined ? [] : [groupingMeaning(alert.group)]),
    ...(many === undefined ? [] : [many.kind, many.latenessMs]),
  ]);
  return hash('sha256', canonical, 'hex').slice(0, 16);
}

function groupingMeaning({ span, by, table, sendsFirst }: Grouping): readonly unknown[] {
  return ['group', span.kind === 'for' ? span.forMs : span.schedule.text, by, table, sendsFirst];
}

/** An expression's meaning as text. */
export function withoutPlaces(expression: Expression): string {
  // Within texts quotes are escaped: what reads so is a key. A replacer would cost ten times as much.
  return JSON.stringify(expression).replace(/,"at":\d+|"at":\d+,/g, '');
}
