// Exceptions nobody answers for, and such as are over or soon will be.
import { report } from '../language/readers.ts';
import type { Lint } from './lint-rule.ts';

const SOON_MS = 14 * 86_400_000;

export const lintExceptions: Lint = ({ values, nowMs }, reading) => {
  for (const { value, node } of values.except ?? []) {
    for (const key of ['reason', 'owner', 'expires'] as const) {
      if (value[key] !== undefined) continue;
      report(reading, node.at, {
        code: 'rule/exception',
        severity: 'warning',
        message: `the exception has no \`${key}\``,
        remedy: 'Exceptions have a reason, an owner and an end, or nobody dares to remove them.',
      });
    }
    if (nowMs === undefined || value.expires === undefined || value.expires > nowMs + SOON_MS) continue;
    const day = new Date(value.expires).toISOString().slice(0, 10);
    const isOver = value.expires <= nowMs;
    report(reading, node.at, {
      code: isOver ? 'rule/exception-expired' : 'rule/exception-expires-soon',
      severity: 'warning',
      message: isOver ? `the exception expired on ${day}` : `the exception expires on ${day}`,
      remedy: isOver
        ? 'Remove it, or give it a new end.'
        : `Ask ${value.owner ?? 'its owner'} whether it is still needed.`,
    });
  }
};
