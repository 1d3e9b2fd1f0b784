// Where a character of an expression stands in its YAML file: exact for one-line texts and literal blocks (`|`), the start of
// the text where YAML folds lines or unescapes.
import { lineOf, placeOf, type SourceText } from './source-text.ts';
import type { YamlNode } from './yaml-tree.ts';

/** The file's offset of the expression's character at `at`. */
export function offsetInFile(source: SourceText, node: YamlNode, at: number): number {
  if (node.kind !== 'scalar' || typeof node.value !== 'string') return node.at;
  const { value } = node;
  if (node.style === 'literal') return offsetInBlock(source, node.at, value, at);
  const written = source.text.slice(node.at, node.end);
  const quote = node.style === 'quoted' ? 1 : 0;
  const isVerbatim = written.slice(quote, quote + value.length) === value;
  return isVerbatim ? node.at + quote + at : node.at;
}

function offsetInBlock(source: SourceText, headerAt: number, value: string, at: number): number {
  const before = value.slice(0, at);
  const row = before.split('\n').length - 1;
  const column = at - (before.lastIndexOf('\n') + 1);
  const valueLine = value.split('\n')[row] ?? '';
  const line = placeOf(source, headerAt).line + 1 + row;
  const start = source.lineStarts[line - 1];
  if (start === undefined) return headerAt;
  const written = lineOf(source, line);
  const indent = written.endsWith(valueLine) ? written.length - valueLine.length : 0;
  return start + indent + column;
}
