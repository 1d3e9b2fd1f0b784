// What is wrong with a file of audit rules, where, and what to do. The same shape as the rest of the product's diagnostics, so that
// the command line prints all alike. Causes are told in auditctl's terms.

export interface RuleDiagnostic {
  /** Stable, for searching and for tests: `audit/unknown-field`. */
  readonly code: string;
  readonly severity: 'error' | 'warning';
  readonly message: string;
  /** What to do about it, one sentence. */
  readonly remedy: string;
  readonly file: string;
  /** From 1; 0 when it concerns the file as a whole. */
  readonly line: number;
  readonly column: number;
  /** The line itself; '' when there is none. */
  readonly sourceLine: string;
}

/** A line of a rule file, as it is pointed at. */
export interface RuleLine {
  readonly file: string;
  readonly line: number;
  /** latin1: one character a byte, so that paths that are not UTF-8 stay exact. */
  readonly text: string;
}

/** What is wrong, without its place. */
export interface Finding {
  readonly code: string;
  readonly severity?: 'error' | 'warning';
  readonly message: string;
  readonly remedy: string;
}

/** Characters of a text of others that a message repeats. */
const QUOTED_CHARACTERS_MAX = 80;

/** A finding at a byte of a line (from 0). */
export function diagnosticAt(line: RuleLine, at: number, finding: Finding): RuleDiagnostic {
  return {
    severity: 'error',
    ...finding,
    file: line.file,
    line: line.line,
    column: fromBytes(line.text.slice(0, at)).length + 1,
    sourceLine: fromBytes(line.text),
  };
}

/** The text as people read it. */
export function fromBytes(text: string): string {
  return Buffer.from(text, 'latin1').toString('utf8');
}

/** A value of the file inside a message, cut. */
export function quoted(text: string): string {
  const shown = fromBytes(text);
  return shown.length > QUOTED_CHARACTERS_MAX ? `“${shown.slice(0, QUOTED_CHARACTERS_MAX)}…”` : `“${shown}”`;
}
