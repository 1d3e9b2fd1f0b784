// YAML text → a plain tree with places. Hostile files are bounded: size, documents, depth, nodes, problems. Anchors, aliases,
// tags and merge keys are refused, so a file says what it looks like and cannot grow when it is read.
import { isMap, isScalar, isSeq, type ParsedNode, parseAllDocuments } from 'yaml';
import type { Diagnostic } from '../diagnostic.ts';
import { diagnosticAt, diagnosticOfFile, PROBLEMS_PER_FILE_MAX, type SourceText, sourceText } from './source-text.ts';
import { readPlainYaml } from './yaml-plain.ts';
import { isNestedTooDeeply } from './yaml-scan.ts';

export const FILE_BYTES_MAX: number = 256 * 1024;
export const DOCUMENTS_PER_FILE_MAX = 200;
export const YAML_DEPTH_MAX = 24;

/** `at` and `end` are offsets in the file. */
export type YamlNode = { readonly at: number; readonly end: number } & (
  | { readonly kind: 'map'; readonly entries: readonly YamlEntry[] }
  | { readonly kind: 'list'; readonly items: readonly YamlNode[] }
  | {
      readonly kind: 'scalar';
      readonly value: string | number | boolean | null;
      readonly style: 'plain' | 'quoted' | 'literal' | 'folded';
    }
);

interface YamlEntry {
  readonly key: string;
  readonly keyAt: number;
  readonly value: YamlNode;
}

export interface YamlDocument {
  readonly root: YamlNode;
  /** This document's own lines, to be read again alone. */
  readonly text: string;
}

export interface YamlFile {
  readonly source: SourceText;
  readonly documents: readonly YamlDocument[];
  readonly diagnostics: readonly Diagnostic[];
}

/** Reads a file's text. Never throws. A document with an error is left out. */
export function readYaml(file: string, rawText: string): YamlFile {
  const text = rawText.startsWith('\ufeff') ? rawText.slice(1) : rawText;
  if (Buffer.byteLength(text) > FILE_BYTES_MAX) {
    const message = `the file is larger than ${FILE_BYTES_MAX / 1024} KiB`;
    const diagnostic = diagnosticOfFile(file, {
      code: 'yaml/too-large',
      message,
      remedy: 'Split it into several files.',
    });
    return { source: sourceText(file, ''), documents: [], diagnostics: [diagnostic] };
  }
  const source = sourceText(file, text);
  const plain = readPlainYaml(text);
  if (plain !== undefined) return { source, documents: [documentOf(source, plain)], diagnostics: [] };
  return readWholeYaml(source);
}

/** All of YAML. */
export function readWholeYaml(source: SourceText): YamlFile {
  if (isNestedTooDeeply(source.text)) return tooDeep(source);
  try {
    return readDocuments(source);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return tooDeep(source);
  }
}

function tooDeep(source: SourceText): YamlFile {
  const problem = {
    code: 'yaml/too-deep',
    message: 'the YAML is nested too deeply',
    remedy: 'Rules need few levels.',
  };
  return { source, documents: [], diagnostics: [diagnosticOfFile(source.file, problem)] };
}

interface Conversion {
  readonly source: SourceText;
  readonly diagnostics: Diagnostic[];
}

function readDocuments(source: SourceText): YamlFile {
  const parsed = parseAllDocuments(source.text, {
    prettyErrors: false,
    uniqueKeys: false,
    merge: false,
    schema: 'core',
  });
  const diagnostics: Diagnostic[] = [];
  const documents: YamlDocument[] = [];
  for (const [index, document] of [...parsed].entries()) {
    if (index >= DOCUMENTS_PER_FILE_MAX) {
      const message = `more than ${DOCUMENTS_PER_FILE_MAX} documents in one file`;
      diagnostics.push(
        diagnosticOfFile(source.file, { code: 'yaml/too-large', message, remedy: 'Split it into several files.' }),
      );
      break;
    }
    // Of several at one place the first says what is wrong; the others follow from it.
    const places = new Map([...document.errors, ...document.warnings].toReversed().map((one) => [one.pos[0], one]));
    const problems = [...places.values()].toReversed();
    for (const problem of problems.slice(0, PROBLEMS_PER_FILE_MAX)) {
      const { message, remedy } = explain(problem.code, problem.message);
      diagnostics.push(diagnosticAt(source, problem.pos[0], { code: 'yaml/syntax', message, remedy }));
    }
    const contents = document.contents as ParsedNode | null;
    if (problems.length > 0 || contents === null) continue;
    const conversion: Conversion = { source, diagnostics: [] };
    const root = convert(contents, conversion, 0);
    diagnostics.push(...conversion.diagnostics.slice(0, PROBLEMS_PER_FILE_MAX));
    if (root === undefined || conversion.diagnostics.length > 0) continue;
    documents.push(documentOf(source, root));
  }
  return { source, documents, diagnostics };
}

function explain(code: string, message: string): { readonly message: string; readonly remedy: string } {
  const line = message.split('\n')[0] ?? message;
  if (/call stack|stack overflow/i.test(line))
    return { message: 'the YAML is nested too deeply', remedy: 'Rules need few levels.' };
  if (code === 'TAG_RESOLVE_FAILED') return { message: line, remedy: 'Tags (`!…`) are not used here: leave it out.' };
  if (code === 'TAB_AS_INDENT') return { message: line, remedy: 'Indent with spaces.' };
  if (code === 'BLOCK_AS_IMPLICIT_KEY' || code === 'MULTILINE_IMPLICIT_KEY') {
    const remedy = 'Look at the indentation of this line and the next, and quote text that holds `: `.';
    return { message: line, remedy };
  }
  return { message: line, remedy: 'Look at the indentation, the quotes and the brackets here and on the line before.' };
}

function convert(node: ParsedNode, conversion: Conversion, depth: number): YamlNode | undefined {
  const [at, end] = node.range;
  if (depth > YAML_DEPTH_MAX) return refuse(conversion, at, 'nested too deeply', 'Rules need few levels.');
  if (!isMap(node) && !isSeq(node) && !isScalar(node)) {
    return refuse(
      conversion,
      at,
      'aliases (`*name`) are not supported',
      'Write the value out, or use a list in lists/.',
    );
  }
  if (node.anchor !== undefined) return refuse(conversion, at, 'anchors (`&name`) are not supported', 'Leave it out.');
  if (node.tag !== undefined)
    return refuse(conversion, at, 'tags (`!name`) are not supported', 'Leave it out; quote text.');
  if (isScalar(node)) return convertScalar(node, conversion);
  if (isSeq(node)) {
    const items = node.items.map((item) => convert(item as ParsedNode, conversion, depth + 1));
    return { kind: 'list', at, end, items: items.filter((item) => item !== undefined) };
  }
  const entries: YamlEntry[] = [];
  // The package's own check compares each key with all before it, which a hostile file can make last for ever.
  const keys = new Set<string>();
  for (const { key, value } of node.items) {
    const keyAt = key.range[0];
    if (!isScalar(key) || (typeof key.value !== 'string' && typeof key.value !== 'number')) {
      refuse(conversion, keyAt, 'a key must be plain text', 'Write `key: value`.');
      continue;
    }
    if (keys.has(String(key.value))) {
      const problem = { code: 'yaml/duplicate-key', message: 'the key stands here twice', remedy: 'Keep one of them.' };
      conversion.diagnostics.push(diagnosticAt(conversion.source, keyAt, problem));
    }
    keys.add(String(key.value));
    const missing: YamlNode = { kind: 'scalar', at: keyAt, end: keyAt, value: null, style: 'plain' };
    const converted = value === null ? missing : convert(value as ParsedNode, conversion, depth + 1);
    if (converted !== undefined) entries.push({ key: String(key.value), keyAt, value: converted });
  }
  return { kind: 'map', at, end, entries };
}

const STYLES = {
  PLAIN: 'plain',
  QUOTE_SINGLE: 'quoted',
  QUOTE_DOUBLE: 'quoted',
  BLOCK_LITERAL: 'literal',
  BLOCK_FOLDED: 'folded',
} as const;

function convertScalar(
  node: ParsedNode & { value: unknown; type?: string },
  conversion: Conversion,
): YamlNode | undefined {
  const [at, end] = node.range;
  const { value } = node;
  const isPlainValue = value === null || ['string', 'number', 'boolean'].includes(typeof value);
  if (!isPlainValue) return refuse(conversion, at, 'a value of this kind is not supported', 'Put it in quotes.');
  const style = STYLES[(node.type ?? 'PLAIN') as keyof typeof STYLES] ?? 'plain';
  return { kind: 'scalar', at, end, value: value as string | number | boolean | null, style };
}

function refuse(conversion: Conversion, at: number, message: string, remedy: string): undefined {
  conversion.diagnostics.push(diagnosticAt(conversion.source, at, { code: 'yaml/unsupported', message, remedy }));
  return undefined;
}

function documentOf(source: SourceText, root: YamlNode): YamlDocument {
  const lineStart = source.text.lastIndexOf('\n', root.at - 1) + 1;
  const isIndentOnly = source.text.slice(lineStart, root.at).trim() === '';
  return { root, text: source.text.slice(isIndentOnly ? lineStart : root.at, root.end) };
}
