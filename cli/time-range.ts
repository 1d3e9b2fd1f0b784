// `--since 1h`, `--until 2026-05-01T10:00:00Z`: what people type, as epoch milliseconds.
import { parseDuration } from '../event/duration.ts';
import { type Invocation, type OptionTable, optionValue } from './command.ts';
import { EXIT, fail, type Outcome, succeed } from './failure.ts';

export const RANGE_OPTIONS = {
  since: { value: 'TIME', description: 'From when on: so long ago (30m, 24h, 7d), or a UTC time (2026-05-01T10:00Z).' },
  until: { value: 'TIME', description: 'Until when, in the same forms; now when absent.' },
} as const satisfies OptionTable;

const DATE = /^\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?)?(?:Z|[+-]\d{2}:?\d{2})?$/;

export interface Range {
  readonly sinceMs: number;
  readonly untilMs: number | undefined;
}

/** The range asked for; `otherwise` stands for an absent --since. */
export function readRange(invocation: Invocation, otherwise: string): Outcome<Range> {
  const since = readTime(invocation, 'since', optionValue(invocation, 'since') ?? otherwise);
  if (!since.isOk) return since;
  const untilText = optionValue(invocation, 'until');
  if (untilText === undefined) return succeed({ sinceMs: since.value, untilMs: undefined });
  const until = readTime(invocation, 'until', untilText);
  if (!until.isOk) return until;
  if (until.value > since.value) return succeed({ sinceMs: since.value, untilMs: until.value });
  const message = '--until is not after --since';
  return fail('cli/usage', { message, remedy: 'Swap them, or leave --until out.', exitCode: EXIT.usage });
}

function readTime(invocation: Invocation, name: string, text: string): Outcome<number> {
  const durationMs = parseDuration(text);
  if (durationMs !== undefined) return succeed(Math.max(0, invocation.context.now() - durationMs));
  // A time without a zone is UTC, as everything that Vedette prints is.
  const zoned = /(?:Z|[+-]\d{2}:?\d{2})$/.test(text.slice(10)) || text.length === 10 ? text : `${text}Z`;
  const ms = DATE.test(text) ? Date.parse(zoned.replace(' ', 'T')) : Number.NaN;
  if (!Number.isNaN(ms) && ms >= 0) return succeed(ms);
  const remedy = 'Write how long ago (30m, 24h, 7d), or a time (2026-05-01T10:00Z).';
  return fail('cli/usage', { message: `--${name}: \`${text}\` is not a time`, remedy, exitCode: EXIT.usage });
}
