// One YAML document → one rule. Every mistake of the document is told; with any error there is no rule, never half of one.

import type { Severity } from '../../event/detection.ts';
import { type EventDocument, fieldOf, toNested } from '../../event/document.ts';
import { formatDuration } from '../../event/duration.ts';
import type { Diagnostic } from '../diagnostic.ts';
import { compilePredicate } from '../expression/compile.ts';
import { necessaryClause } from '../expression/necessary.ts';
import { parseExpression } from '../expression/parse.ts';
import type { Expression, Lists, ListValues } from '../expression/syntax.ts';
import type { Rule, RuleException, RuleTest, Suppression } from '../rule.ts';
import { offsetInFile } from './expression-place.ts';
import { lintRule } from './lint.ts';
import {
  date,
  duration,
  integer,
  listOf,
  oneOf,
  type Placed,
  pattern,
  placed,
  plainValue,
  type Reader,
  type Reading,
  readMap,
  report,
  text,
} from './readers.ts';
import { ruleVersion } from './rule-version.ts';
import { placeOf, type SourceText } from './source-text.ts';
import { titleProblems } from './title-template.ts';
import type { YamlDocument } from './yaml-tree.ts';

/** Decision words of later versions: a rule that has one is refused, since without it it would mean something else. */
export const LATER_KEYS: readonly string[] = [
  ...['threshold', 'distinct', 'new_value', 'change', 'spike', 'absence', 'ratio', 'metric', 'sequence', 'together'],
  'lateness',
];

export interface RuleContext {
  readonly lists: Lists;
  /** For the lint of expired exceptions; undefined: not checked. */
  readonly nowMs: number | undefined;
}

const DAY_MS = 86_400_000;
/** Where a test's events begin when they say no time: each comes a second after the one before. */
const TEST_START_MS: number = Date.UTC(2026, 0, 1);
const field = pattern(
  /^[A-Za-z@_][A-Za-z0-9@_.-]{0,199}$/,
  'a field name',
  'Write a dotted name such as process.parent.name.',
);
const url = pattern(/^https?:\/\/[^\s"'<>]{1,1900}$/, 'a web address', 'Write https://….');
const channel = pattern(
  /^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/,
  'a channel’s name',
  'Use the name from the configuration.',
);
const id = pattern(
  /^[a-z0-9][a-z0-9_-]{0,99}$/,
  'a rule id',
  'Use lower-case letters, digits, `-` and `_`; at most 100.',
);
const expression: Reader<Placed<string>> = placed(text(65_536));

interface SuppressKeys {
  readonly for: number;
  readonly by: readonly Placed<string>[];
  readonly grow: number;
}

interface AlertKeys {
  readonly title: Placed<string>;
  readonly include: readonly Placed<string>[];
  readonly suppress: Partial<SuppressKeys>;
  readonly to: readonly string[];
  readonly runbook: string;
}

interface ExceptionKeys {
  readonly match: Placed<string>;
  readonly reason: string;
  readonly owner: string;
  readonly expires: number;
}

interface TestKeys {
  readonly name: string;
  readonly events: readonly EventDocument[];
  readonly alerts: number;
}

/** A rule’s keys as they stand in the file. */
export interface RuleKeys {
  readonly id: Placed<string>;
  readonly name: string;
  readonly description: string;
  readonly severity: Severity;
  readonly risk: number;
  readonly tags: readonly string[];
  readonly mitre: readonly Placed<string>[];
  readonly author: string;
  readonly references: readonly string[];
  readonly false_positives: readonly string[];
  readonly status: Rule['status'];
  readonly match: Placed<string>;
  readonly by: readonly Placed<string>[];
  readonly except: readonly Placed<Partial<ExceptionKeys>>[];
  readonly alert: Partial<AlertKeys>;
  readonly tests: readonly Placed<TestKeys>[];
}

const suppress: Reader<Partial<SuppressKeys>> = (node, reading) => {
  const readers = { for: duration(365 * DAY_MS), by: listOf(placed(field), 16), grow: duration(365 * DAY_MS) };
  const { values, isComplete } = readMap<SuppressKeys>(
    node,
    { what: '`suppress`', readers, required: ['for'] },
    reading,
  );
  const { for: forMs, grow } = values;
  if (forMs !== undefined && grow !== undefined && grow < forMs) {
    const remedy = 'It is the longest span that `for` may double to; make it longer or leave it out.';
    return report(reading, node.at, {
      code: 'rule/wrong-duration',
      message: `\`grow\` is shorter than \`for\` (${formatDuration(forMs)})`,
      remedy,
    });
  }
  return isComplete ? values : undefined;
};

const alert: Reader<Partial<AlertKeys>> = (node, reading) => {
  const readers = {
    title: placed(text(500)),
    include: listOf(placed(field), 40),
    suppress,
    to: listOf(channel, 20),
    runbook: url,
  };
  const { values } = readMap<AlertKeys>(node, { what: '`alert`', readers, required: [], later: ['group'] }, reading);
  return values;
};

const exception: Reader<Partial<ExceptionKeys>> = (node, reading) => {
  const readers = { match: expression, reason: text(2_000), owner: text(200), expires: date };
  const { values, isComplete } = readMap<ExceptionKeys>(
    node,
    { what: 'an exception', readers, required: ['match'] },
    reading,
  );
  return isComplete ? values : undefined;
};

const testEvent: Reader<EventDocument> = (node, reading) => {
  if (node.kind === 'map') return toNested(plainValue(node) as EventDocument);
  return report(reading, node.at, {
    code: 'rule/wrong-type',
    message: 'a test’s event must be a map',
    remedy: 'Write `process.name: bash` and the like.',
  });
};

const test: Reader<TestKeys> = (node, reading) => {
  const readers = { name: text(300), events: listOf(testEvent, 1_000), alerts: integer(0, 1_000) };
  const shape = { what: 'a test', readers, required: ['name', 'events', 'alerts'] as const };
  const { values, isComplete } = readMap<TestKeys>(node, shape, reading);
  const { name, events, alerts } = values;
  return isComplete && name !== undefined && events !== undefined && alerts !== undefined
    ? { name, events, alerts }
    : undefined;
};

const READERS: { readonly [K in keyof RuleKeys]: Reader<RuleKeys[K]> } = {
  id: placed(id),
  name: text(200),
  description: text(10_000),
  severity: oneOf(['informational', 'low', 'medium', 'high', 'critical']),
  risk: integer(0, 100),
  tags: listOf(text(100), 100),
  mitre: listOf(placed(text(40)), 100),
  author: text(500),
  references: listOf(url, 100),
  false_positives: listOf(text(1_000), 100),
  status: oneOf(['off', 'test', 'stable']),
  match: expression,
  by: listOf(placed(field), 16),
  except: listOf(placed(exception), 1_000),
  alert,
  tests: listOf(placed(test), 200),
};

/** Reads a rule; `rule` is undefined when there is any error. Warnings come with it either way. */
export function readRule(
  source: SourceText,
  document: YamlDocument,
  context: RuleContext,
): { readonly rule: Rule | undefined; readonly diagnostics: readonly Diagnostic[] } {
  const reading: Reading = { source, diagnostics: [] };
  const shape = {
    what: 'a rule',
    readers: READERS,
    required: ['id', 'name', 'severity', 'match'] as const,
    later: LATER_KEYS,
  };
  const { values } = readMap<RuleKeys>(document.root, shape, reading);
  const match = values.match === undefined ? undefined : readExpression(values.match, context.lists, reading);
  const exceptions = (values.except ?? []).map((entry) => readException(entry, context.lists, reading));
  const title = values.alert?.title;
  if (title !== undefined) {
    for (const problem of titleProblems(title.value)) {
      report(reading, offsetInFile(source, title.node, problem.at), problem);
    }
  }
  const expressions = [match, ...exceptions.map((entry) => entry?.parsed)];
  const exceptionTrees = exceptions.map((entry) => entry?.parsed.expression);
  lintRule(
    { values, root: document.root, match: match?.expression, exceptions: exceptionTrees, nowMs: context.nowMs },
    reading,
  );
  const hasError = reading.diagnostics.some((diagnostic) => diagnostic.severity === 'error');
  const { id: ruleId, name, severity } = values;
  if (hasError || ruleId === undefined || name === undefined || severity === undefined || match === undefined) {
    return { rule: undefined, diagnostics: reading.diagnostics };
  }
  const by = (values.by ?? []).map((entry) => entry.value);
  const meaning = {
    id: ruleId.value,
    name,
    description: values.description ?? '',
    severity,
    risk: values.risk,
    tags: values.tags ?? [],
    mitre: (values.mitre ?? []).map((entry) => entry.value),
    references: values.references ?? [],
    status: values.status ?? 'stable',
    by,
    alert: alertOf(values.alert ?? {}, name, by),
  } as const;
  const known = exceptions.filter((entry) => entry !== undefined);
  const rule: Rule = {
    ...meaning,
    version: ruleVersion(
      meaning,
      match.expression,
      known.map((entry) => ({ match: entry.parsed.expression, expiresMs: entry.exception.expiresMs })),
    ),
    author: values.author,
    falsePositives: values.false_positives ?? [],
    match: compilePredicate(match.expression),
    matchSource: match.source,
    necessary: necessaryClause(match.expression),
    except: known.map((entry) => entry.exception),
    tests: (values.tests ?? []).map((entry) => testOf(entry, source)),
    file: source.file,
    sourceJson: sourceJson(source.file, document.text, listsUsed(expressions, context.lists)),
  };
  return { rule, diagnostics: reading.diagnostics };
}

interface ReadExpression {
  readonly expression: Expression;
  readonly source: string;
  readonly lists: ReadonlySet<string>;
}

function readExpression(at: Placed<string>, lists: Lists, reading: Reading): ReadExpression | undefined {
  const parsed = parseExpression(at.value, lists);
  if (parsed.kind === 'parsed') return { expression: parsed.expression, source: at.value.trim(), lists: parsed.lists };
  for (const problem of parsed.problems) report(reading, offsetInFile(reading.source, at.node, problem.at), problem);
  return undefined;
}

function readException(
  entry: Placed<Partial<ExceptionKeys>>,
  lists: Lists,
  reading: Reading,
): { readonly exception: RuleException; readonly parsed: ReadExpression } | undefined {
  const { match, reason = '', owner = '', expires } = entry.value;
  const parsed = match === undefined ? undefined : readExpression(match, lists, reading);
  if (parsed === undefined) return undefined;
  const predicate = compilePredicate(parsed.expression);
  return { exception: { match: predicate, source: parsed.source, reason, owner, expiresMs: expires }, parsed };
}

function alertOf(values: Partial<AlertKeys>, name: string, by: readonly string[]): Rule['alert'] {
  const suppression = values.suppress;
  return {
    title: values.title?.value ?? name,
    include: (values.include ?? []).map((entry) => entry.value),
    suppress: suppression?.for === undefined ? undefined : suppressionOf(suppression, suppression.for, by),
    to: values.to,
    runbook: values.runbook,
  };
}

function suppressionOf(values: Partial<SuppressKeys>, forMs: number, by: readonly string[]): Suppression {
  return { forMs, by: values.by?.map((entry) => entry.value) ?? by, growMs: values.grow };
}

function testOf(entry: Placed<TestKeys>, source: SourceText): RuleTest {
  const { name, events, alerts } = entry.value;
  return { name, events: events.map(withTime), alerts, line: placeOf(source, entry.node.at).line };
}

function withTime(event: EventDocument, index: number): EventDocument {
  if (fieldOf(event, 'event.created') !== undefined) return event;
  const inner = typeof event['event'] === 'object' && event['event'] !== null ? event['event'] : {};
  return { ...event, event: { ...inner, created: new Date(TEST_START_MS + index * 1_000).toISOString() } };
}

function listsUsed(
  expressions: readonly (ReadExpression | undefined)[],
  lists: Lists,
): Readonly<Record<string, ListValues>> {
  const names = [...new Set(expressions.flatMap((entry) => [...(entry?.lists ?? [])]))].toSorted();
  return Object.fromEntries(names.map((name) => [name, lists.get(name) ?? []]));
}

/** Version of the source’s form in the control log. */
export const SOURCE_FORMAT = 1;

function sourceJson(file: string, documentText: string, lists: Readonly<Record<string, ListValues>>): string {
  return JSON.stringify({ format: SOURCE_FORMAT, file, text: documentText, lists });
}
