// vedette.yaml → its settings, each with its place; whatever is wrong becomes a diagnostic with file, line, column and
// remedy, all of them at once. Pure: never reads a file. Promises that no literal secret is taken from the file, nor repeated.
import type { LineCounter, Node, YAMLMap } from 'yaml';
import type { Diagnostic } from '../../rules/diagnostic.ts';
import { suggestion } from '../suggestion.ts';
import { CONFIG_KEYS, type ConfigKey, variableOf } from './keys.ts';

const CONFIG_BYTES_MAX = 256 * 1024;
const DIAGNOSTICS_MAX = 50;
/** A line that is not shown again: it may hold a secret that was written where none belongs. */
const LOOKS_SECRET = /(token|password|secret|api_key)["']?\s*:/i;

/** Where a setting stands, for what is found wrong with it later. */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly sourceLine: string;
}

export interface Setting {
  readonly key: ConfigKey;
  readonly texts: readonly string[];
  readonly place: Place;
}

export interface ConfigSource {
  readonly settings: readonly Setting[];
  readonly diagnostics: readonly Diagnostic[];
}

const KEY_BY_PATH: ReadonlyMap<string, ConfigKey> = new Map(CONFIG_KEYS.map((key) => [key.path, key]));
const SECTIONS: ReadonlySet<string> = new Set([...CONFIG_KEYS.flatMap((key) => prefixesOf(key.path))]);

/** Reads the text of a configuration file; `yaml` is the package, loaded by the caller only when there is a file. */
export function readConfigSource(file: string, text: string, yaml: Yaml): ConfigSource {
  if (Buffer.byteLength(text) > CONFIG_BYTES_MAX) {
    const place = { file, line: 0, column: 0, sourceLine: '' };
    const message = `the file is larger than ${CONFIG_BYTES_MAX / 1024} KiB`;
    return { settings: [], diagnostics: [problem(place, 'config/too-large', message, 'Is it a configuration file?')] };
  }
  const counter = new yaml.LineCounter();
  const walk: Walk = {
    yaml,
    placeAt: placeFinder(file, text.split('\n'), counter),
    settings: [],
    diagnostics: [],
    embeddedAt: [],
  };
  const document = yaml.parseDocument(text, { lineCounter: counter, uniqueKeys: true, schema: 'core' });
  for (const error of document.errors) {
    report(
      walk,
      error.pos[0],
      'config/yaml',
      firstLine(error.message),
      'Correct the YAML; indent by spaces, never by tabs.',
    );
  }
  if (document.errors.length === 0) readRoot(walk, document.contents);
  const [embeddedAt] = walk.embeddedAt;
  if (embeddedAt !== undefined && walk.settings.some(({ key }) => key.path.startsWith('store.elasticsearch.'))) {
    report(walk, embeddedAt, 'config/two-stores', 'both `embedded` and `elasticsearch` are given', 'Keep one of them.');
  }
  return { settings: walk.settings, diagnostics: walk.diagnostics.slice(0, DIAGNOSTICS_MAX) };
}

/** A diagnostic about the configuration. */
export function problem(place: Place, code: string, message: string, remedy: string): Diagnostic {
  return { code, severity: 'error', message, remedy, ...place };
}

type Yaml = typeof import('yaml');

interface Walk {
  readonly yaml: Yaml;
  readonly placeAt: (offset: number) => Place;
  readonly settings: Setting[];
  readonly diagnostics: Diagnostic[];
  /** Where `store.embedded` stands. */
  readonly embeddedAt: number[];
}

function report(walk: Walk, offset: number, code: string, message: string, remedy: string): void {
  walk.diagnostics.push(problem(walk.placeAt(offset), code, message, remedy));
}

function readRoot(walk: Walk, root: Node | null): void {
  if (root === null || isEmpty(walk, root)) return;
  if (walk.yaml.isMap(root)) readSection(walk, '', root);
  else
    report(walk, offsetOf(root), 'config/not-a-map', 'the file is not a map', 'Start with a key, such as `server:`.');
}

function readSection(walk: Walk, prefix: string, map: YAMLMap): void {
  for (const pair of map.items) {
    const keyNode = pair.key as Node;
    const name = walk.yaml.isScalar(keyNode) ? String(keyNode.value) : '';
    const path = prefix === '' ? name : `${prefix}.${name}`;
    const node = pair.value as Node | null;
    const key = KEY_BY_PATH.get(path);
    if (key !== undefined) readSetting(walk, key, keyNode, node);
    else if (SECTIONS.has(path)) readInner(walk, path, node);
    else reportUnknown(walk, prefix, name, offsetOf(keyNode));
  }
}

function readInner(walk: Walk, path: string, node: Node | null): void {
  if (path === 'store.embedded') walk.embeddedAt.push(offsetOf(node));
  if (node === null || isEmpty(walk, node)) return;
  if (walk.yaml.isMap(node)) {
    readSection(walk, path, node);
    return;
  }
  const known = childrenOf(path);
  const remedy = known.length === 0 ? 'Write `{}`.' : `Write its keys below it, indented: ${known.join(', ')}.`;
  report(walk, offsetOf(node), 'config/not-a-map', `\`${path}\` is a section, not a value`, remedy);
}

function readSetting(walk: Walk, key: ConfigKey, keyNode: Node, node: Node | null): void {
  const offset = offsetOf(node ?? keyNode);
  if (key.kind === 'secret') {
    const file = `${key.path}_file`;
    const other = KEY_BY_PATH.has(file)
      ? `, or put it into a file with mode 0600 and write \`${leafOf(file)}: PATH\``
      : '';
    const remedy = `Give it as ${variableOf(key)}${other}; and change it, for this file may have been read.`;
    report(
      walk,
      offsetOf(keyNode),
      'config/literal-secret',
      `a secret does not belong into this file: \`${key.path}\``,
      remedy,
    );
    return;
  }
  const isList = key.kind === 'paths' || key.kind === 'texts';
  const texts = isList || !walk.yaml.isSeq(node) ? textsOf(walk, node) : undefined;
  if (texts !== undefined) {
    walk.settings.push({ key, texts, place: walk.placeAt(offset) });
    return;
  }
  const message = `\`${key.path}\` is not a ${isList ? 'list of values' : 'single value'}`;
  report(walk, offset, 'config/wrong-type', message, isList ? 'Write [a, b].' : 'Write one value.');
}

/** The scalar texts of a node as they are written, or undefined when it holds anything else. */
function textsOf(walk: Walk, node: Node | null): readonly string[] | undefined {
  if (node === null) return [''];
  if (walk.yaml.isScalar(node)) return [node.value === null ? '' : (node.source ?? String(node.value))];
  if (!walk.yaml.isSeq(node)) return undefined;
  const inner = node.items.map((item) => (walk.yaml.isScalar(item) ? textsOf(walk, item) : undefined));
  return inner.includes(undefined) ? undefined : inner.flatMap((texts) => texts ?? []);
}

function reportUnknown(walk: Walk, prefix: string, name: string, offset: number): void {
  const siblings = childrenOf(prefix);
  const elsewhere = CONFIG_KEYS.find((key) => key.kind !== 'secret' && leafOf(key.path) === name)?.path;
  const otherwise =
    elsewhere === undefined ? `Known here: ${siblings.join(', ')}.` : `It is known as \`${elsewhere}\`.`;
  const where = prefix === '' ? '' : ` in \`${prefix}\``;
  report(walk, offset, 'config/unknown-key', `unknown key \`${name}\`${where}`, suggestion(name, siblings, otherwise));
}

function isEmpty(walk: Walk, node: Node): boolean {
  return walk.yaml.isScalar(node) && node.value === null;
}

/** Variables that look like ours and are none: a typing error would otherwise go unseen. */
export function unknownVariables(
  env: Readonly<Record<string, string | undefined>>,
  known: ReadonlySet<string>,
): readonly Diagnostic[] {
  return Object.keys(env)
    .filter((name) => name.startsWith('VEDETTE_') && !known.has(name))
    .slice(0, DIAGNOSTICS_MAX)
    .map((name) => {
      const remedy = suggestion(name, known, 'docs/configuration.md lists them all.');
      const place = { file: `environment variable ${name}`, line: 0, column: 0, sourceLine: '' };
      return {
        ...problem(place, 'config/unknown-variable', 'unknown, and ignored', remedy),
        severity: 'warning' as const,
      };
    });
}

function placeFinder(file: string, lines: readonly string[], counter: LineCounter): (offset: number) => Place {
  return (offset) => {
    const { line, col } = counter.linePos(offset);
    const sourceLine = (lines[line - 1] ?? '').replace(/\r$/, '');
    return { file, line, column: col, sourceLine: LOOKS_SECRET.test(sourceLine) ? '' : sourceLine };
  };
}

function childrenOf(prefix: string): readonly string[] {
  const start = prefix === '' ? '' : `${prefix}.`;
  const children = [...KEY_BY_PATH.values()].filter((key) => key.kind !== 'secret').map((key) => key.path);
  const names = children
    .filter((path) => path.startsWith(start))
    .map((path) => path.slice(start.length).split('.')[0] ?? '');
  return [...new Set(names)];
}

function prefixesOf(path: string): readonly string[] {
  const parts = path.split('.');
  return parts.slice(1).map((_, index) => parts.slice(0, index + 1).join('.'));
}

function leafOf(path: string): string {
  return path.slice(path.lastIndexOf('.') + 1);
}

function offsetOf(node: Node | null): number {
  return node?.range?.[0] ?? 0;
}

function firstLine(message: string): string {
  // The package adds its own place and excerpt to the first line; ours are enough.
  return (message.split('\n')[0] ?? message).replace(/ at line \d+, column \d+:?$/, '');
}
