// One YAML document → one rule. Every mistake of the document is told; with any error there is no rule, never half of one.

import { type EventDocument, fieldOf } from '../../event/document.ts';
import type { Diagnostic } from '../diagnostic.ts';
import { compilePredicate } from '../expression/compile.ts';
import { necessaryClause } from '../expression/necessary.ts';
import { parseExpression } from '../expression/parse.ts';
import type { Lists, ListValues } from '../expression/syntax.ts';
import { lintRule } from '../lint/lint-rule.ts';
import { allOf, anyOf, NEVER, type Necessary } from '../necessary.ts';
import type { Grouping, Rule, RuleException, RuleTest, Suppression } from '../rule.ts';
import { offsetInFile } from './expression-place.ts';
import { type ReadExpression, type ReadKind, readKind } from './kind-reader.ts';
import type { MacroSet } from './macro-reader.ts';
import { type Placed, type Reading, readMap, report } from './readers.ts';
import {
  type AlertKeys,
  type ExceptionKeys,
  type GroupKeys,
  type OriginKeys,
  RULE,
  type RuleKeys,
  type SuppressKeys,
  type TestEvent,
  type TestKeys,
} from './rule-keys.ts';
import { ruleVersion } from './rule-version.ts';
import { placeOf, type SourceText } from './source-text.ts';
import { titleProblems } from './title-template.ts';
import type { YamlDocument, YamlNode } from './yaml-tree.ts';

export interface RuleContext {
  readonly lists: Lists;
  readonly macros: MacroSet;
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
  const read = (text: Placed<string>): ReadExpression | undefined => readExpression(text, context, reading);
  const match = values.match === undefined ? undefined : read(values.match);
  const kind = readKind({ values, reading, read });
  // What is there and could not be read has been told.
  const isMatchNeeded = !['cases', 'sequence', 'combination', 'together'].some((key) => hasKey(document.root, key));
  if (isMatchNeeded && !hasKey(document.root, 'match')) {
    const remedy = 'Add `match: …`, an expression on one event.';
    report(reading, document.root.at, { code: 'rule/missing-key', message: 'a rule needs `match`', remedy });
  }
  const exceptions = (values.except ?? []).map((entry) => readException(entry, read));
  const title = values.alert?.title;
  if (title !== undefined) {
    for (const problem of titleProblems(title.value)) {
      report(reading, offsetInFile(source, title.node, problem.at), problem);
    }
  }
  const others = kind?.expressions ?? [];
  const exceptionTrees = exceptions.map((entry) => entry?.parsed.expression);
  const necessary = match === undefined ? undefined : necessaryClause(match.expression);
  lintRule(
    {
      values,
      root: document.root,
      match: match?.expression,
      necessary,
      exceptions: exceptionTrees,
      others,
      nowMs: context.nowMs,
    },
    reading,
  );
  const hasError = reading.diagnostics.some((diagnostic) => diagnostic.severity === 'error');
  const { id: ruleId, name, severity } = values;
  if (hasError || ruleId === undefined || name === undefined || severity === undefined || kind === undefined) {
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
  const latenessMs = values.lateness ?? LATENESS_MS;
  const used = [match, ...others, ...exceptions.map((entry) => entry?.parsed)];
  const rule: Rule = {
    ...meaning,
    version: ruleVersion(
      meaning,
      {
        match: match?.expression,
        except: known.map((entry) => ({ match: entry.parsed.expression, expiresMs: entry.exception.expiresMs })),
      },
      kind.kind.kind === 'single' ? undefined : { kind: kind.meaning, latenessMs },
    ),
    author: values.author,
    license: values.license,
    origin: values.origin === undefined ? undefined : originOf(values.origin),
    falsePositives: values.false_positives ?? [],
    match: matchOf(kind, match),
    matchSource: match?.source ?? '',
    necessary: necessaryOf(kind, necessary),
    kind: kind.kind,
    ...(kind.cases === undefined ? {} : { cases: kind.cases }),
    latenessMs,
    except: known.map((entry) => entry.exception),
    tests: (values.tests ?? []).map((entry) => testOf(entry, source)),
    file: source.file,
    sourceJson: sourceJson(source.file, document.text, namesUsed(used, context)),
  };
  return { rule, diagnostics: reading.diagnostics };
}

function matchOf({ kind }: ReadKind, match: ReadExpression | undefined): Rule['match'] {
  if (match !== undefined) return compilePredicate(match.expression);
  return kind.kind === 'together' ? () => false : () => true;
}

function necessaryOf({ kind, anyOf: alternatives }: ReadKind, ofMatch: Necessary | undefined): Rule['necessary'] {
  if (kind.kind === 'together') return NEVER;
  return allOf([
    ofMatch,
    alternatives.length === 0 ? undefined : anyOf(alternatives.map((expression) => necessaryClause(expression))),
  ]);
}

function hasKey(root: YamlNode, key: string): boolean {
  return root.kind !== 'map' || root.entries.some((entry) => entry.key === key);
}

function readExpression(text: Placed<string>, context: RuleContext, reading: Reading): ReadExpression | undefined {
  const parsed = parseExpression(text.value, context.lists, context.macros.parsed);
  if (parsed.kind === 'parsed') {
    const { expression, lists, macros } = parsed;
    return { text, expression, source: text.value.trim(), lists, macros };
  }
  for (const problem of parsed.problems) report(reading, offsetInFile(reading.source, text.node, problem.at), problem);
  return undefined;
}

function readException(
  entry: Placed<Partial<ExceptionKeys>>,
  read: (text: Placed<string>) => ReadExpression | undefined,
): { readonly exception: RuleException; readonly parsed: ReadExpression } | undefined {
  const { match, reason = '', owner = '', expires } = entry.value;
  const parsed = match === undefined ? undefined : read(match);
  if (parsed === undefined) return undefined;
  const predicate = compilePredicate(parsed.expression);
  return { exception: { match: predicate, source: parsed.source, reason, owner, expiresMs: expires }, parsed };
}

function originOf({ format = '', id, status, date, modified, related = [] }: Partial<OriginKeys>): Rule['origin'] {
  return { format, id, status, date, modified, related };
}

function alertOf(values: Partial<AlertKeys>, name: string, by: readonly string[]): Rule['alert'] {
  const suppression = values.suppress;
  return {
    title: values.title?.value ?? name,
    include: (values.include ?? []).map((entry) => entry.value),
    suppress: suppression?.for === undefined ? undefined : suppressionOf(suppression, suppression.for, by),
    group: values.group === undefined ? undefined : groupingOf(values.group),
    to: values.to,
    runbook: values.runbook,
  };
}

function suppressionOf(values: Partial<SuppressKeys>, forMs: number, by: readonly string[]): Suppression {
  return { forMs, by: values.by?.map((entry) => entry.value) ?? by, growMs: values.grow };
}

function groupingOf({ for: forMs, schedule, by = [], table = [], first }: Partial<GroupKeys>): Grouping | undefined {
  const span =
    schedule !== undefined
      ? ({ kind: 'schedule', schedule } as const)
      : forMs !== undefined
        ? ({ kind: 'for', forMs } as const)
        : undefined;
  if (span === undefined) return undefined;
  const names = (fields: readonly Placed<string>[]): readonly string[] => fields.map(({ value }) => value);
  return { span, by: names(by), table: names(table), sendsFirst: first === 'send' };
}

function testOf(entry: Placed<TestKeys>, source: SourceText): RuleTest {
  const { name, events, alerts, messages, progress } = entry.value;
  const line = placeOf(source, entry.node.at).line;
  return { name, events: withTimes(events), alerts, messages, progressMs: progress ?? 0, line };
}

/** Each at its time, or a second after the one before; an event's own `event.created` stands. */
function withTimes(events: readonly TestEvent[]): readonly EventDocument[] {
  let nextMs = TEST_START_MS;
  return events.map(({ document, atMs }) => {
    const ms = atMs === undefined ? nextMs : TEST_START_MS + atMs;
    nextMs = ms + 1_000;
    if (atMs === undefined && fieldOf(document, 'event.created') !== undefined) return document;
    const inner = typeof document['event'] === 'object' && document['event'] !== null ? document['event'] : {};
    return { ...document, event: { ...inner, created: new Date(ms).toISOString() } };
  });
}

interface NamesUsed {
  readonly lists: Readonly<Record<string, ListValues>>;
  readonly macros: Readonly<Record<string, string>>;
}

function namesUsed(
  expressions: readonly (ReadExpression | undefined)[],
  { lists, macros }: Pick<RuleContext, 'lists' | 'macros'>,
): NamesUsed {
  const namesOf = (kind: 'lists' | 'macros'): readonly string[] =>
    [...new Set(expressions.flatMap((entry) => [...(entry?.[kind] ?? [])]))].toSorted();
  return {
    lists: Object.fromEntries(namesOf('lists').map((name) => [name, lists.get(name) ?? []])),
    macros: Object.fromEntries(namesOf('macros').map((name) => [name, macros.sources.get(name) ?? ''])),
  };
}

/** Version of the source’s form in the control log. */
export const SOURCE_FORMAT = 1;

function sourceJson(file: string, text: string, { lists, macros }: NamesUsed): string {
  const hasMacros = Object.keys(macros).length > 0;
  return JSON.stringify({ format: SOURCE_FORMAT, file, text, lists, ...(hasMacros ? { macros } : {}) });
}
