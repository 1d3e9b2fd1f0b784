// The documents of a Sigma file, each whole: what `action: global` has for all is in each, and each says what it is. Values keep the
// places that they came from.
import type { Diagnostic } from '../diagnostic.ts';
import { diagnosticAt, type SourceText } from '../language/source-text.ts';
import { readYaml, type YamlNode } from '../language/yaml-tree.ts';

type YamlMap = Extract<YamlNode, { readonly kind: 'map' }>;

export interface SigmaDocument {
  readonly source: SourceText;
  readonly root: YamlMap;
  readonly kind: 'detection' | 'correlation' | 'filter';
  /** As written; other documents name it by either. */
  readonly id: string | undefined;
  readonly name: string | undefined;
  readonly title: string;
}

export interface SigmaFile {
  readonly source: SourceText;
  readonly documents: readonly SigmaDocument[];
  /** What is wrong with the file, or with documents that are nothing of Sigma. */
  readonly diagnostics: readonly Diagnostic[];
}

export function sigmaDocuments(file: string, text: string): SigmaFile {
  const { source, documents, diagnostics } = readYaml(file, text);
  const found: SigmaDocument[] = [];
  const problems: Diagnostic[] = [...diagnostics];
  const wrong = (at: number, message: string, remedy: string): void => {
    problems.push(diagnosticAt(source, at, { code: 'sigma/document', message, remedy }));
  };
  let common: YamlMap | undefined;
  let last: YamlMap | undefined;
  for (const { root } of documents) {
    if (root.kind !== 'map') {
      wrong(root.at, 'a Sigma document is a map', 'Write `title: …`, `logsource: …`, `detection: …`.');
      continue;
    }
    const action = memberOf(root, 'action');
    const word = action === undefined ? undefined : textOf(action);
    const own = withoutKey(root, 'action');
    if (word === 'reset') {
      common = undefined;
      continue;
    }
    if (word === 'global') {
      common = common === undefined ? own : merged(common, own);
      continue;
    }
    if (action !== undefined && (word !== 'repeat' || last === undefined)) {
      const remedy =
        'There are `global`, `reset` and, behind a rule, `repeat`; each document may also say all by itself.';
      wrong(action.at, 'this `action` has no meaning here', remedy);
      continue;
    }
    const base = word === 'repeat' ? last : common;
    const whole = base === undefined ? own : { ...merged(base, own), at: own.at, end: own.end };
    last = whole;
    const kind = kindOf(whole);
    if (kind === undefined) {
      const remedy = 'A rule has `logsource` and `detection`, a correlation `correlation`, a filter `filter`.';
      wrong(whole.at, 'this is no Sigma rule, correlation or filter', remedy);
      continue;
    }
    const [id, name] = [ownText(whole, 'id'), ownText(whole, 'name')];
    found.push({ source, root: whole, kind, id, name, title: ownText(whole, 'title') ?? name ?? id ?? 'untitled' });
  }
  return { source, documents: found, diagnostics: problems };
}

export function memberOf(node: YamlNode | undefined, key: string): YamlNode | undefined {
  return node?.kind === 'map' ? node.entries.find((entry) => entry.key === key)?.value : undefined;
}

/** Text, or a number as it is written. */
export function textOf(node: YamlNode | undefined): string | undefined {
  if (node?.kind !== 'scalar') return undefined;
  if (typeof node.value === 'number') return String(node.value);
  return typeof node.value === 'string' && node.value.trim() !== '' ? node.value : undefined;
}

/** A text, or a list of texts; undefined where it is neither. */
export function textsOf(node: YamlNode): readonly { readonly text: string; readonly at: number }[] | undefined {
  const nodes = node.kind === 'list' ? node.items : [node];
  const texts = nodes.map((item) => ({ text: textOf(item), at: item.at }));
  return texts.every((item): item is { text: string; at: number } => item.text !== undefined) ? texts : undefined;
}

function kindOf(root: YamlMap): SigmaDocument['kind'] | undefined {
  if (memberOf(root, 'correlation') !== undefined) return 'correlation';
  if (memberOf(root, 'filter') !== undefined) return 'filter';
  return memberOf(root, 'detection') === undefined ? undefined : 'detection';
}

function ownText(root: YamlMap, key: string): string | undefined {
  return textOf(memberOf(root, key));
}

function withoutKey(root: YamlMap, key: string): YamlMap {
  return { ...root, entries: root.entries.filter((entry) => entry.key !== key) };
}

/** The second over the first: maps are put together, all else is replaced. */
function merged(base: YamlMap, over: YamlMap): YamlMap {
  const entries = base.entries.map((entry) => {
    const own = over.entries.find(({ key }) => key === entry.key);
    if (own === undefined) return entry;
    const value = entry.value.kind === 'map' && own.value.kind === 'map' ? merged(entry.value, own.value) : own.value;
    return { ...own, value };
  });
  const known = new Set(base.entries.map(({ key }) => key));
  return { ...over, entries: [...entries, ...over.entries.filter(({ key }) => !known.has(key))] };
}
