// A file's text with its places: offsets become line and column, problems become diagnostics that show the line.
import type { Diagnostic } from '../diagnostic.ts';

export interface SourceText {
  readonly file: string;
  readonly text: string;
  /** Offset of each line's first character. */
  readonly lineStarts: readonly number[];
}

/** A problem at an offset of a source. */
export interface Problem {
  readonly code: string;
  readonly severity?: Diagnostic['severity'];
  readonly message: string;
  readonly remedy: string;
}

export function sourceText(file: string, text: string): SourceText {
  const lineStarts = [0];
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) lineStarts.push(at + 1);
  return { file, text, lineStarts };
}

/** Line (from 1) and column (from 1, in UTF-16 units) of an offset. */
export function placeOf(source: SourceText, offset: number): { readonly line: number; readonly column: number } {
  let low = 0;
  let high = source.lineStarts.length - 1;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if ((source.lineStarts[middle] ?? 0) <= offset) low = middle;
    else high = middle - 1;
  }
  return { line: low + 1, column: offset - (source.lineStarts[low] ?? 0) + 1 };
}

/** The text of a line, without its line break; '' when there is none. */
export function lineOf(source: SourceText, line: number): string {
  const start = source.lineStarts[line - 1];
  if (start === undefined) return '';
  const end = source.lineStarts[line];
  return source.text.slice(start, end === undefined ? undefined : end - 1).replace(/\r$/, '');
}

export function diagnosticAt(source: SourceText, offset: number, problem: Problem): Diagnostic {
  const { line, column } = placeOf(source, offset);
  const { code, severity = 'error', message, remedy } = problem;
  return { code, severity, message, remedy, file: source.file, line, column, sourceLine: lineOf(source, line) };
}

/** A diagnostic about a file as a whole. */
export function diagnosticOfFile(file: string, problem: Problem): Diagnostic {
  const { code, severity = 'error', message, remedy } = problem;
  return { code, severity, message, remedy, file, line: 0, column: 0, sourceLine: '' };
}

/** The most problems that are told of one file. */
export const PROBLEMS_PER_FILE_MAX = 200;

/** In order of their lines, at most {@link PROBLEMS_PER_FILE_MAX} of them, errors before warnings where there are more. */
export function told(diagnostics: readonly Diagnostic[]): readonly Diagnostic[] {
  const isError = (diagnostic: Diagnostic): number => (diagnostic.severity === 'error' ? 0 : 1);
  const first = diagnostics.toSorted((a, b) => isError(a) - isError(b)).slice(0, PROBLEMS_PER_FILE_MAX);
  return first.toSorted((a, b) => a.line - b.line || a.column - b.column);
}
