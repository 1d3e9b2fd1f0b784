// What is wrong with a file that a person wrote, where, and what to do: rules, lists, configuration, queries.

export interface Diagnostic {
  /** Stable, for searching and for tests: `rule/unknown-key`. */
  readonly code: string;
  readonly severity: 'error' | 'warning';
  readonly message: string;
  /** What to do about it, one sentence. */
  readonly remedy: string;
  readonly file: string;
  /** From 1; 0 when it concerns the file as a whole. */
  readonly line: number;
  readonly column: number;
  /** The line itself, without its newline; '' when there is none. */
  readonly sourceLine: string;
}

/**
 * A diagnostic as people read it:
 *
 *     rules/x.yaml:4:9: error: unknown key `sevrity` [rule/unknown-key]
 *       4 | sevrity: high
 *         | ^
 *       Did you mean `severity`?
 *
 * Control characters of hostile files are made visible, never sent to the terminal.
 */
export function formatDiagnostic(diagnostic: Diagnostic): string {
  const { file, line, column, severity, message, code, remedy, sourceLine } = diagnostic;
  const place = line > 0 ? `${file}:${line}:${column}` : file;
  const head = `${visible(place)}: ${severity}: ${visible(message)} [${code}]`;
  if (line === 0 || sourceLine === '') return `${head}\n  ${visible(remedy)}`;
  const number = String(line);
  const { text, caret } = excerpt(sourceLine, column);
  return `${head}\n  ${number} | ${text}\n  ${' '.repeat(number.length)} | ${' '.repeat(caret)}^\n  ${visible(remedy)}`;
}

/** Text with control characters (and bidirectional overrides) shown as escapes. */
export function visible(text: string): string {
  return text.replace(
    /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g,
    (character) => {
      const code = character.charCodeAt(0);
      return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u${code.toString(16).padStart(4, '0')}`;
    },
  );
}

const EXCERPT_COLUMNS = 120;

function excerpt(line: string, column: number): { text: string; caret: number } {
  const at = Math.max(0, column - 1);
  const start = at > EXCERPT_COLUMNS - 20 ? at - 60 : 0;
  const before = visible(line.slice(start, at));
  const after = visible(line.slice(at, start + EXCERPT_COLUMNS));
  return { text: before + after, caret: before.length };
}
