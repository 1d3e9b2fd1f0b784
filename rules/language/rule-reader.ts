// One YAML document → one rule. Every mistake of the document is told; with any error there is no rule, never half of one.

import { type EventDocument, fieldOf } from '../../event/document.ts';
import type { Diagnostic } from '../diagnostic.ts';
import { compilePredicate } from '../expression/compile.ts';
import { necessaryClause } from '../expression/necessary.ts';
import { parseExpression } from '../expression/parse.ts';
import type { Expression, Lists, ListValues } from '../expression/syntax.ts';
import { lintRule } from '../lint/lint-rule.ts';
import type { Rule, RuleException, RuleTest, Suppression } from '../rule.ts';
import { offsetInFile } from './expression-place.ts';
import { type Placed, type Reading, readMap, report } from './readers.ts';
import {
  type AlertKeys,
  type ExceptionKeys,
  RULE,
  type RuleKeys,
  type SuppressKeys,
  type TestKeys,
} from './rule-keys.ts';
import { ruleVersion } from './rule-version.ts';
import { placeOf, type SourceText } from './source-text.ts';
import { titleProblems } from './title-template.ts';
import type { YamlDocument } from './yaml-tree.ts';

export interface RuleContext {
  readonly lists: Lists;
  /** For the lint of expired exceptions; undefined: not checked. */
  readonly nowMs: number | undefined;
}

/** How long a fold across hosts waits where the rule does not say. */
const LATENESS_MS = 10_000;

/** Where a test's events begin when they say no time: each comes a second after the one before. */
const TEST_START_MS: number = Date.UTC(2026, 0, 1);

/** Reads a rule; `rule` is undefined when there is any error. Warnings come with it either way. */
export function readRule(
  source: SourceText,
  document: YamlDocument,
  context: RuleContext,
): { readonly rule: Rule | undefined; readonly diagnostics: readonly Diagnostic[] } {
  const reading: Reading = { source, diagnostics: [] };
  const { values } = readMap<RuleKeys>(document.root, RULE, reading);
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
    kind: { kind: 'single' },
    latenessMs: LATENESS_MS,
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
