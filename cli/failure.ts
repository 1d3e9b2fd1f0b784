// A failure that a person is told about: what, where, and what to do. Expected failures travel as values of this shape;
// with --json they are printed as the API prints its own: {"error":{"code","message","remedy"}}.
import { type Diagnostic, formatDiagnostic, visible } from '../rules/diagnostic.ts';

/** 0 fine, 1 findings (a rule is broken, a test failed), 2 usage or configuration, 3 everything else. */
export const EXIT = { fine: 0, findings: 1, usage: 2, internal: 3 } as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

export interface Failure {
  /** Stable: `client/unreachable`. */
  readonly code: string;
  readonly message: string;
  /** What to do, one sentence or a few lines. */
  readonly remedy: string;
  readonly exitCode: ExitCode;
  /** Where a file is at fault, every place of it. */
  readonly diagnostics?: readonly Diagnostic[];
}

/** A result, or why there is none. */
export type Outcome<T> =
  | { readonly isOk: true; readonly value: T }
  | { readonly isOk: false; readonly failure: Failure };

export function succeed<T>(value: T): Outcome<T> {
  return { isOk: true, value };
}

export function fail(
  code: string,
  parts: { readonly message: string; readonly remedy: string; readonly exitCode?: ExitCode },
): { readonly isOk: false; readonly failure: Failure } {
  const { message, remedy, exitCode = EXIT.internal } = parts;
  return { isOk: false, failure: { code, message, remedy, exitCode } };
}

/** As people read it; several lines, each ended by a newline. */
export function formatFailure(failure: Failure): string {
  const places = (failure.diagnostics ?? []).map((diagnostic) => `${formatDiagnostic(diagnostic)}\n`).join('');
  const remedy = failure.remedy
    .split('\n')
    .map((line) => `  ${visible(line)}\n`)
    .join('');
  return `${places}vedette: ${visible(failure.message)} [${failure.code}]\n${remedy}`;
}

/** As programs read it: one line of JSON. */
export function failureJson(failure: Failure): string {
  const { code, message, remedy, diagnostics } = failure;
  return `${JSON.stringify({ error: { code, message, remedy, ...(diagnostics === undefined ? {} : { diagnostics }) } })}\n`;
}
