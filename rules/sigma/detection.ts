// The `detection` of a Sigma rule or filter: its named searches, put together as the condition says.
import { visible } from '../diagnostic.ts';
import { offsetInFile } from '../language/expression-place.ts';
import { report } from '../language/readers.ts';
import type { YamlNode } from '../language/yaml-tree.ts';
import { type Condition, namesOf, parseCondition } from './condition.ts';
import { lineOf, readLine, type SigmaReading } from './modifiers.ts';
import { itemsOf, type Search, searchOf } from './search.ts';

/** What the detection asks of an event; undefined where something of it cannot be said (which is told). */
export function readDetection(node: YamlNode, reading: SigmaReading): Search | undefined {
  const before = reading.diagnostics.length;
  if (node.kind !== 'map') {
    return report(reading, node.at, {
      code: 'sigma/detection',
      message: '`detection` must be a map',
      remedy: 'Write named searches and a `condition`.',
    });
  }
  const searches = new Map<string, NamedSearch>();
  for (const { key, keyAt, value } of node.entries) {
    if (key === 'condition') continue;
    if (key === 'timeframe') {
      const remedy = 'Write a correlation rule with `timespan`.';
      report(reading, keyAt, { code: 'sigma/detection', message: '`timeframe` is not part of Sigma any more', remedy });
      continue;
    }
    const search = readSearch(value, reading);
    searches.set(key, { search, at: keyAt, items: search === undefined ? 0 : itemsOf(search).length });
  }
  const conditions = conditionsOf(node, reading);
  const used = new Set<string>();
  const size = { items: 0, isTold: false };
  const parts = conditions.map((condition) => {
    const parsed = parseCondition(condition.value);
    if (parsed.kind === 'wrong') {
      const { offset, message, remedy } = parsed.problem;
      return report(reading, placeIn(condition.node, offset, reading), { code: 'sigma/condition', message, remedy });
    }
    return resolve(parsed, { searches, used, size, reading, node: condition.node });
  });
  const isTold = reading.diagnostics.length > before;
  for (const [name, { at }] of isTold ? [] : searches) {
    if (used.has(name)) continue;
    const message = `\`${visible(name)}\` is used by no condition`;
    const remedy = 'Name it in the condition, or leave it out.';
    report(reading, at, { code: 'sigma/unused', severity: 'warning', message, remedy });
  }
  const isWhole = parts.length > 0 && parts.every((part) => part !== undefined);
  const hasError = reading.diagnostics.slice(before).some(({ severity }) => severity === 'error');
  return isWhole && !hasError ? searchOf('or', parts) : undefined;
}

interface NamedSearch {
  /** Undefined where it cannot be said. */
  readonly search: Search | undefined;
  readonly at: number;
  readonly items: number;
}

/** No expression is long enough for more. */
const ITEMS_MAX = 10_000;

interface ConditionText {
  readonly value: string;
  readonly node: YamlNode;
}

/** One condition, or several of which one must hold. */
function conditionsOf(node: YamlNode & { readonly kind: 'map' }, reading: SigmaReading): readonly ConditionText[] {
  const value = node.entries.find(({ key }) => key === 'condition')?.value;
  const nodes = value === undefined ? [] : value.kind === 'list' ? value.items : [value];
  const texts = nodes.flatMap((one) =>
    one.kind === 'scalar' && (typeof one.value === 'string' || typeof one.value === 'number')
      ? [{ value: String(one.value), node: one }]
      : [],
  );
  if (texts.length === 0 || texts.length < nodes.length) {
    const remedy = 'Write `condition: name and not other`.';
    report(reading, value?.at ?? node.at, { code: 'sigma/condition', message: 'there is no condition', remedy });
  }
  return texts;
}

interface Resolving {
  readonly searches: ReadonlyMap<string, NamedSearch>;
  readonly used: Set<string>;
  /** Tests so far: a condition may name the same searches again and again. */
  readonly size: { items: number; isTold: boolean };
  readonly reading: SigmaReading;
  readonly node: YamlNode;
}

function resolve(condition: Condition, resolving: Resolving): Search | undefined {
  switch (condition.kind) {
    case 'name':
      return named(condition.name, condition.offset, resolving);
    case 'not': {
      const of = resolve(condition.of, resolving);
      return of === undefined ? undefined : { kind: 'not', of };
    }
    case 'of': {
      // Looking through the names costs too.
      if (isTooMuch(resolving.searches.size / 100, condition.offset, resolving)) return undefined;
      const names = namesOf(condition.pattern, [...resolving.searches.keys()]);
      if (names.length === 0) return refuse(condition.pattern, condition.offset, resolving);
      const parts = names.map((name) => named(name, condition.offset, resolving));
      return parts.every((part) => part !== undefined)
        ? searchOf(condition.quantity === 'all' ? 'and' : 'or', parts)
        : undefined;
    }
    default: {
      const parts = condition.of.map((part) => resolve(part, resolving));
      return parts.every((part) => part !== undefined) ? searchOf(condition.kind, parts) : undefined;
    }
  }
}

function named(name: string, offset: number, resolving: Resolving): Search | undefined {
  const found = resolving.searches.get(name);
  if (found === undefined) return refuse(name, offset, resolving);
  resolving.used.add(name);
  return isTooMuch(found.items, offset, resolving) ? undefined : found.search;
}

/** Counts so many tests more; tells once where they are too many. */
function isTooMuch(items: number, offset: number, { size, reading, node }: Resolving): boolean {
  size.items += items;
  if (size.items <= ITEMS_MAX) return false;
  if (!size.isTold) {
    const remedy = 'Split the rule: the condition asks for the same searches too often.';
    const message = `more than ${ITEMS_MAX} tests with all that the condition names`;
    report(reading, placeIn(node, offset, reading), { code: 'sigma/condition', message, remedy });
  }
  size.isTold = true;
  return true;
}

function refuse(name: string, offset: number, { searches, reading, node }: Resolving): undefined {
  return report(reading, placeIn(node, offset, reading), {
    code: 'sigma/condition',
    message: `no detection is called \`${visible(name)}\``,
    remedy: `There are: ${[...searches.keys()].slice(0, 20).map(visible).join(', ')}.`,
  });
}

function placeIn(node: YamlNode, offset: number, { source }: SigmaReading): number {
  return offsetInFile(source, node, offset);
}

/** A map: all of it. A list: one of its maps or keywords. */
function readSearch(node: YamlNode, reading: SigmaReading): Search | undefined {
  if (node.kind === 'map') {
    if (node.entries.length === 0) return refuseEmpty(node, reading);
    const parts = node.entries.map(({ key, keyAt, value }) => {
      const line = lineOf(key, keyAt, reading);
      return line === undefined ? undefined : readLine(line, value, reading);
    });
    return parts.every((part) => part !== undefined) ? searchOf('and', parts) : undefined;
  }
  if (node.kind === 'scalar') return readLine({ field: undefined, modifiers: [], at: node.at }, node, reading);
  if (node.items.length === 0) return refuseEmpty(node, reading);
  const isOfKeywords = node.items.every((item) => item.kind === 'scalar');
  if (isOfKeywords) return readLine({ field: undefined, modifiers: [], at: node.at }, node, reading);
  const parts = node.items.map((item) => readSearch(item, reading));
  return parts.every((part) => part !== undefined) ? searchOf('or', parts) : undefined;
}

function refuseEmpty(node: YamlNode, reading: SigmaReading): undefined {
  const remedy = 'Write `field: value` lines, or a list of texts.';
  return report(reading, node.at, { code: 'sigma/detection', message: 'the search is empty', remedy });
}
