// What every kind of search shares: the client, the range, the form of the output, Ctrl-C, and how far it is.
import type { Diagnostic } from '../../rules/diagnostic.ts';
import { formatDiagnostic, visible } from '../../rules/diagnostic.ts';
import { isKnownField, meantField } from '../../store/query/field-hint.ts';
import type { Client } from '../client.ts';
import type { Invocation } from '../command.ts';
import type { Outcome } from '../failure.ts';
import { listenForInterrupt } from '../interrupt.ts';
import type { Line } from '../lines.ts';
import { startProgressBar } from '../progress-bar.ts';
import { isoTime } from '../table.ts';
import type { Range } from '../time-range.ts';
import { ID_FIELD } from './event-columns.ts';

export const FORMATS = ['table', 'json', 'csv', 'ndjson'] as const;
export type Format = (typeof FORMATS)[number];

/** The server ends a search itself after ten minutes. */
const IDLE_MS = 630_000;

type Refused = Extract<Outcome<never>, { readonly isOk: false }>;

export interface Asking {
  readonly invocation: Invocation;
  readonly client: Client;
  readonly query: string;
  readonly range: Range;
  readonly format: Format;
  readonly limit: number;
  readonly fields: readonly string[] | undefined;
  readonly isOldestFirst: boolean;
  /** True where the terminal takes more than ASCII. */
  readonly isUnicode: boolean;
}

/** The range as requests have it. */
export function rangeOf({ range: { sinceMs, untilMs } }: Asking): {
  readonly sinceMs: number;
  readonly untilMs?: number;
} {
  return { sinceMs, ...(untilMs === undefined ? {} : { untilMs }) };
}

/** `since …`, with its end where one was asked for: figures are quoted, and mean nothing without. */
export function rangeInWords({ range: { sinceMs, untilMs } }: Asking): string {
  return `since ${isoTime(sinceMs)}${untilMs === undefined ? '' : ` until ${isoTime(untilMs)}`}`;
}

/** Asks for an answer in lines; Ctrl-C calls it off, and a terminal sees how far it is. */
export async function ask<T>(
  asking: Asking,
  path: string,
  body: unknown,
  onEvent: (line: Line) => void | Promise<void> = () => undefined,
): Promise<Outcome<T>> {
  const { stderr } = asking.invocation.context;
  const interrupt = listenForInterrupt();
  const bar = startProgressBar(stderr, asking.isUnicode);
  try {
    const answer = await asking.client.lines<T>(path, body, {
      signal: interrupt.signal,
      idleMs: IDLE_MS,
      onLine: (line) => {
        if (typeof line['progress'] === 'number') return bar.told(line['progress']);
        bar.hide();
        return onEvent(line);
      },
    });
    return answer.isOk ? answer : inWords(answer);
  } finally {
    bar.end();
    interrupt.release();
  }
}

/** A query that cannot be read is shown with its place, once. */
function inWords(told: Refused): Refused {
  const { failure } = told;
  if (failure.diagnostics === undefined || failure.diagnostics.length === 0) return told;
  const message = 'the query cannot be read';
  return { isOk: false, failure: { ...failure, message, remedy: 'docs/search.md describes the search language.' } };
}

/** What of the query is perhaps not meant as it was read: beside the answer, on stderr. */
export function tellWarnings({ invocation, format }: Asking, warnings: readonly Diagnostic[] | undefined): void {
  if (format === 'json') return;
  for (const warning of warnings ?? []) invocation.context.stderr.write(`${formatDiagnostic(warning)}\n`);
}

/** Names of `--fields` and the like that no event has, with what was probably meant. */
export function tellUnknown({ invocation, format }: Asking, names: readonly string[]): void {
  if (format === 'json') return;
  for (const name of names) {
    if (name === ID_FIELD || isKnownField(name)) continue;
    const meant = meantField(name);
    const remedy = meant === undefined ? '' : `; did you mean \`${meant}\`?`;
    invocation.context.stderr.write(`warning: no event field is called \`${visible(name)}\`${remedy}\n`);
  }
}

/** Waits until the reader of our output has taken what it was given; false when there is none any more. */
export async function taken({ invocation }: Asking): Promise<boolean> {
  const { stream } = invocation.context.stdout;
  if (stream.destroyed || stream.errored !== null) return false;
  if (!stream.writableNeedDrain) return true;
  const names = ['drain', 'close', 'error'] as const;
  await new Promise<void>((resolve) => {
    const wake = (): void => {
      for (const name of names) stream.removeListener(name, wake);
      resolve();
    };
    for (const name of names) stream.on(name, wake);
  });
  return !stream.destroyed;
}
