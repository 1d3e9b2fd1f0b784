// Single documents of Sigma in our words: what a detection rule asks of which events, with everything around it. What is put together
// of several documents is in collection.ts.
import { fieldNamed } from '../../event/catalogue.ts';
import type { Diagnostic } from '../diagnostic.ts';
import { visible } from '../diagnostic.ts';
import type { Lists } from '../expression/syntax.ts';
import { fieldPath, not, type Written } from '../foreign/expression-writer.ts';
import type { ExampleEvents, PlainRule } from '../foreign/foreign-rule.ts';
import { diagnosticAt } from '../language/source-text.ts';
import { readDetection } from './detection.ts';
import type { ReadDetection, SigmaReader } from './document-reader.ts';
import type { SigmaFilter } from './filter.ts';
import { type LogSource, type LogSourceKeys, logSourceOf, type SourceProblem } from './log-source.ts';
import { readMetadata } from './metadata.ts';
import { ownEvents } from './own-events.ts';
import type { Search } from './search.ts';
import { memberOf, type SigmaDocument, textOf } from './sigma-document.ts';
import { joined } from './target.ts';
import { type Writing, writeSearch } from './write-search.ts';

/** Alerts show so many fields at most. */
const INCLUDE_MAX = 12;

/** `lists` are what `%name%` stands for with the modifier `expand`. */
export function createSigmaReader(lists: Lists): SigmaReader {
  return {
    lists,
    metadata: readMetadata,
    detection: (document) => readRule(document, lists),
    excluded: (filter, rule) => excludedFrom(filter, rule, lists),
  };
}

function readRule(document: SigmaDocument, lists: Lists): ReadDetection {
  const { source, root } = document;
  const metadata = readMetadata(document);
  const diagnostics: Diagnostic[] = [...metadata.diagnostics];
  const detectionNode = memberOf(root, 'detection') ?? root;
  const search = readDetection(detectionNode, { source, diagnostics, lists });
  const logSource = logSourceOfDocument(document);
  if ('kind' in logSource) diagnostics.push(refusedSource(document, logSource));
  if (search === undefined || 'kind' in logSource) {
    return { rule: undefined, match: undefined, fieldOf: () => undefined, diagnostics };
  }
  const { written, writing } = writeWith(search, logSource, document, diagnostics);
  const uncollected = logSource.remark;
  if (uncollected !== undefined) diagnostics.push(notCollected(document, uncollected));
  const fieldOf = fieldOfSource(logSource, search);
  const isWhole = !diagnostics.some(({ severity }) => severity === 'error');
  if (!isWhole) return { rule: undefined, match: undefined, fieldOf, diagnostics, uncollected };
  if (written.text === 'false') {
    diagnostics.push(neverTrue(document, detectionNode.at));
    return { rule: undefined, match: undefined, fieldOf, diagnostics, uncollected };
  }
  const { status, ...head } = metadata.keys;
  const rule: PlainRule = {
    ...head,
    ...(status === undefined ? {} : { status }),
    match: written.text,
    alert: { title: titleOf(String(head['name'])), include: includeOf(document, { logSource, writing, search }) },
  };
  const places = new Map([...metadata.places, ['', root.at] as const, ['match', detectionNode.at] as const]);
  const examples = (): ExampleEvents => ownEvents(search, logSource);
  return { rule: { rule, places, end: root.end, examples }, match: written, fieldOf, diagnostics, uncollected };
}

function logSourceOfDocument({ root }: SigmaDocument): LogSource | SourceProblem {
  const node = memberOf(root, 'logsource');
  const word = (key: string): string | undefined => textOf(memberOf(node, key))?.toLowerCase();
  const keys: LogSourceKeys = { product: word('product'), category: word('category'), service: word('service') };
  return logSourceOf(keys);
}

function refusedSource({ source, root }: SigmaDocument, { message, remedy }: SourceProblem): Diagnostic {
  const at = memberOf(root, 'logsource')?.at ?? root.at;
  return diagnosticAt(source, at, { code: 'sigma/not-collected', message, remedy });
}

function notCollected({ source, root }: SigmaDocument, message: string): Diagnostic {
  const at = memberOf(root, 'logsource')?.at ?? root.at;
  const remedy = 'See docs/ingest.md for how other shippers send logs here.';
  return diagnosticAt(source, at, { code: 'sigma/not-collected', severity: 'warning', message, remedy });
}

function neverTrue({ source }: SigmaDocument, at: number): Diagnostic {
  const message = 'no event can match this rule: its searches contradict each other, or ask for what no record has';
  const remedy = 'Look for fields of different types of records within one search.';
  return diagnosticAt(source, at, { code: 'sigma/never', message, remedy });
}

function writeWith(
  search: Search,
  logSource: LogSource,
  { source }: SigmaDocument,
  diagnostics: Diagnostic[],
): { readonly written: Written; readonly writing: Writing } {
  const writing: Writing = {
    sorts: logSource.sorts(search),
    keywords: logSource.keywords,
    problems: [],
    fields: new Set(),
  };
  const written = writeSearch(search, writing);
  for (const { at, severity, message, remedy } of writing.problems) {
    diagnostics.push(diagnosticAt(source, at, { code: 'sigma/not-expressible', severity, message, remedy }));
  }
  return { written, writing };
}

/**
 * What the filter takes out, asked of the events of the rule's log source; or why it cannot be asked there. Of an event with several
 * records it takes out those whose every record that the rule means is filtered, as on a log where each is an event.
 */
function excludedFrom(
  filter: SigmaFilter,
  rule: SigmaDocument,
  lists: Lists,
): readonly Written[] | readonly Diagnostic[] {
  const logSource = logSourceOfDocument(rule);
  if ('kind' in logSource) return [refusedSource(filter.document, logSource)];
  const diagnostics: Diagnostic[] = [];
  const written = filter.excluded.map((search) => {
    const plain = writeWith(search, logSource, filter.document, diagnostics).written;
    const node = memberOf(rule.root, 'detection');
    if (node === undefined || logSource.sorts(search).length === 1) return plain;
    const meant = readDetection(node, { source: rule.source, diagnostics: [], lists });
    if (meant === undefined) return plain;
    const left: Search = { kind: 'and', of: [meant, { kind: 'not', of: search }] };
    return not(writeWith(left, logSource, filter.document, []).written);
  });
  const errors = diagnostics.filter(({ severity }) => severity === 'error');
  return errors.length > 0 ? errors : written.filter(({ text }) => text !== 'false');
}

/** A field that holds the value whole and once; a line of arguments is in one of its own. */
function fieldOfSource(logSource: LogSource, search: Search): (name: string) => string | undefined {
  const sorts = logSource.sorts(search);
  return (name) => {
    const names = sorts.flatMap((sort) => {
      const target = sort.target(name);
      if (target?.kind !== 'field' || target.name === undefined) return [];
      const line = target.text === joined(target.name).text ? shownName(target.name) : target.name;
      const isWhole = line !== target.name || target.text === fieldPath(target.name);
      return isWhole && fieldNamed(line)?.isArray !== true ? [line] : [undefined];
    });
    const [only, second] = new Set(names);
    return second === undefined ? only : undefined;
  };
}

/** `{{` in a title would name a field. */
function titleOf(name: string): string {
  return name.includes('{{') || name.includes('}}') ? 'Sigma rule on {{host.name}}' : `${name} on {{host.name}}`;
}

/** What the rule's author wants to see, what the rule asks for, and what its log source is about. */
function includeOf(
  { root }: SigmaDocument,
  { logSource, writing, search }: { readonly logSource: LogSource; readonly writing: Writing; readonly search: Search },
): readonly string[] {
  const node = memberOf(root, 'fields');
  const asked = node?.kind === 'list' ? node.items.flatMap((item) => textOf(item) ?? []) : [];
  const fieldOf = fieldOfSource(logSource, search);
  const named = asked.flatMap((name) => fieldOf(name) ?? []);
  const shown = [...logSource.include, ...named, ...writing.fields].map(shownName);
  return [...new Set(shown)]
    .filter((name) => /^[A-Za-z@_][A-Za-z0-9@_.-]{0,199}$/.test(visible(name)))
    .slice(0, INCLUDE_MAX);
}

const LINES: Readonly<Record<string, string>> = {
  'process.args': 'process.command_line',
  'process.parent.args': 'process.parent.command_line',
};

function shownName(name: string): string {
  return LINES[name] ?? name;
}
