// Files of Elastic Security → the documents in them, each with the places of its parts: exports (NDJSON, one object a line), rules of the public
// repository (TOML), queries alone (`.eql`). Whatever a file holds, only keys that are known are looked at.
import { parse as parseToml } from 'smol-toml';
import type { Diagnostic } from '../diagnostic.ts';
import type { ForeignFile } from '../foreign/front-end.ts';
import { diagnosticAt, type SourceText, sourceText } from '../language/source-text.ts';

export type Data = Readonly<Record<string, unknown>>;

export interface ElasticDocument {
  readonly source: SourceText;
  readonly at: number;
  readonly end: number;
  readonly data: Data;
  /** Where a key of it stands in the file; the document's own place where it does not. */
  placeOf(key: string): number;
  /** Where a character of the query stands. */
  queryPlace(offset: number): number;
}

export interface ElasticFile {
  readonly documents: readonly ElasticDocument[];
  readonly diagnostics: readonly Diagnostic[];
}

const TOML_LENGTH_MAX: number = 1024 * 1024;
const LINE_LENGTH_MAX: number = 1024 * 1024;
const DOCUMENTS_MAX = 10_000;
const DEPTH_MAX = 32;

export function readElasticFile({ file, text: raw }: ForeignFile): ElasticFile {
  const source = sourceText(file, raw.replace(/^\ufeff/, ''));
  const name = file.toLowerCase();
  if (name.endsWith('.toml')) return readToml(source);
  if (name.endsWith('.eql')) return { documents: [readQuery(source)], diagnostics: [] };
  return readExport(source);
}

function readQuery(source: SourceText): ElasticDocument {
  const { file, text } = source;
  const name = file.replace(/^.*[\\/]/, '').replace(/\.eql$/i, '');
  const data = { name, type: 'eql', language: 'eql', query: text };
  return { source, at: 0, end: text.length, data, placeOf: () => 0, queryPlace: (offset) => offset };
}

function readToml(source: SourceText): ElasticFile {
  const { text } = source;
  if (text.length > TOML_LENGTH_MAX) return broken(source, 0, 'the file is larger than 1 MiB', 'A rule is small.');
  try {
    const whole = objectOf(parseToml(text, { maxDepth: DEPTH_MAX }));
    const [rule, metadata] = [objectOf(own(whole, 'rule')), objectOf(own(whole, 'metadata'))];
    if (rule === undefined) {
      const kind = own(whole, 'hunt') === undefined ? 'no `[rule]` is in it' : 'this is a query to hunt with, no rule';
      return broken(source, 0, kind, 'Import the files of `rules/`.');
    }
    const data = { ...flattenedToml(rule), metadata };
    return { documents: [document(source, [0, text.length], data)], diagnostics: [] };
  } catch (error) {
    const message = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
    const line = (error as { readonly line?: unknown }).line;
    const at = typeof line === 'number' ? (source.lineStarts[line - 1] ?? 0) : 0;
    return broken(source, at, `this is no TOML: ${message}`, 'Correct it, or fetch the file again.');
  }
}

/** `new_terms` and `threshold` as the interface has them: TOML names their parts by `field` and `value`. */
function flattenedToml(rule: Data): Data {
  const terms = objectOf(own(rule, 'new_terms'));
  if (terms === undefined) return rule;
  const [start] = listOf(own(terms, 'history_window_start'));
  return {
    ...rule,
    new_terms_fields: own(terms, 'value'),
    history_window_start: own(objectOf(start), 'value') ?? own(terms, 'history_window_start'),
  };
}

function readExport(source: SourceText): ElasticFile {
  const { text, lineStarts } = source;
  const documents: ElasticDocument[] = [];
  const diagnostics: Diagnostic[] = [];
  const whole = text.length <= LINE_LENGTH_MAX ? objectsOfWhole(text) : undefined;
  if (whole !== undefined) {
    for (const data of whole.slice(0, DOCUMENTS_MAX)) documents.push(document(source, [0, text.length], data));
    return { documents, diagnostics };
  }
  for (const [index, start] of lineStarts.entries()) {
    const end = (lineStarts[index + 1] ?? text.length + 1) - 1;
    if (documents.length >= DOCUMENTS_MAX) {
      diagnostics.push(problem(source, start, `more than ${DOCUMENTS_MAX} lines; the rest is not read`, 'Split it.'));
      break;
    }
    if (end - start > LINE_LENGTH_MAX) {
      diagnostics.push(problem(source, start, 'the line is longer than 1 MiB', 'A rule is small.'));
      continue;
    }
    const line = text.slice(start, end).trim();
    if (line === '') continue;
    const data = parsedObject(line);
    if (data !== undefined) documents.push(document(source, [start, end], data));
    else {
      const remedy = 'Export rules from Elastic Security again: one object stands on each line.';
      diagnostics.push(problem(source, start, 'this line is no JSON object', remedy));
      if (diagnostics.length >= PROBLEMS_MAX) break;
    }
  }
  return { documents, diagnostics };
}

const PROBLEMS_MAX = 20;

/** A file that is one object over several lines, or a list of them. */
function objectsOfWhole(text: string): readonly Data[] | undefined {
  if (!/^\s*(?:\[|\{\s*\n)/.test(text)) return undefined;
  const parsed = parsedJson(text);
  if (!Array.isArray(parsed)) {
    const one = objectOf(parsed);
    return one === undefined ? undefined : [one];
  }
  return parsed.map(objectOf).filter((one) => one !== undefined);
}

function parsedObject(text: string): Data | undefined {
  return objectOf(parsedJson(text));
}

function parsedJson(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return isShallow(value, 0) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isShallow(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return true;
  return depth < DEPTH_MAX && Object.values(value).every((one) => isShallow(one, depth + 1));
}

function document(source: SourceText, [at, end]: readonly [number, number], given: Data): ElasticDocument {
  const data = ofSavedObject(given);
  const text = source.text.slice(at, end);
  const placeOf = (key: string): number => {
    const place = keyPlace(text, key);
    return place === undefined ? at : at + place.at;
  };
  const query = own(data, 'query');
  const literal = typeof query === 'string' ? keyPlace(text, 'query') : undefined;
  return {
    source,
    at,
    end,
    data,
    placeOf,
    queryPlace: (offset) => (literal === undefined ? at : at + placeInLiteral(text, literal.valueAt, offset)),
  };
}

/** A rule as Kibana keeps it (`type: alert`) has its parts as `params`, in another spelling. */
function ofSavedObject(given: Data): Data {
  const attributes = objectOf(own(given, 'attributes'));
  const params = objectOf(own(attributes, 'params'));
  if (attributes === undefined || params === undefined) return given;
  const parts = Object.entries(params).map(([key, value]) => [
    key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
    value,
  ]);
  const plain = Object.fromEntries(parts) as Data;
  const interval = own(objectOf(own(attributes, 'schedule')), 'interval');
  return {
    ...plain,
    name: own(attributes, 'name'),
    tags: own(attributes, 'tags'),
    enabled: own(attributes, 'enabled'),
    actions: own(attributes, 'actions'),
    interval,
  };
}

function keyPlace(text: string, key: string): { readonly at: number; readonly valueAt: number } | undefined {
  // Keys are our own words: letters and `_`.
  const found = new RegExp(`(?:^[ \\t]*|[{,]\\s*)"?${key}"?\\s*[:=]\\s*`, 'm').exec(text);
  if (found === null) return undefined;
  const at = found.index + (/[A-Za-z"]/.exec(found[0])?.index ?? 0);
  return { at, valueAt: found.index + found[0].length };
}

/** Where the n-th character of a text stands that is written as a literal of JSON or TOML. */
function placeInLiteral(text: string, valueAt: number, offset: number): number {
  const open = /^(?:'''|""")\r?\n?|^['"]/.exec(text.slice(valueAt, valueAt + 8))?.[0] ?? '';
  let at = valueAt + open.length;
  const hasEscapes = open.startsWith('"');
  for (let left = offset; left > 0 && at < text.length; left -= 1) {
    const sign = hasEscapes && text[at] === '\\' ? (text[at + 1] ?? '') : undefined;
    at += sign === undefined ? 1 : sign === 'u' ? 6 : sign === 'U' ? 10 : 2;
  }
  return Math.min(at, Math.max(0, text.length - 1));
}

/** A member of an object; nothing that it inherits. */
export function own(data: Data | undefined, key: string): unknown {
  return data !== undefined && Object.hasOwn(data, key) ? data[key] : undefined;
}

export function objectOf(value: unknown): Data | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Data) : undefined;
}

export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : value === undefined || value === null ? [] : [value];
}

export function textsOf(value: unknown): readonly string[] {
  return listOf(value).filter((one) => typeof one === 'string');
}

function broken(source: SourceText, at: number, message: string, remedy: string): ElasticFile {
  return { documents: [], diagnostics: [problem(source, at, message, remedy)] };
}

function problem(source: SourceText, at: number, message: string, remedy: string): Diagnostic {
  return diagnosticAt(source, at, { code: 'elastic/file', message, remedy });
}
