// Elastic Defend's and other agents' words for what happened, and ours: rules that ask for theirs find what the audit records say of the same.
import type { Writing } from './writing.ts';

const ACTIONS: ReadonlyMap<string, string> = new Map([
  ['exec', 'executed'],
  ['exec_event', 'executed'],
  ['ProcessRollup2', 'executed'],
  ['process_started', 'executed'],
  ['connection_attempted', 'connected-to'],
  ['connection_accepted', 'accepted-connection-from'],
  ['deletion', 'deleted'],
  ['rename', 'renamed'],
  ['fork', 'forked-process'],
  ['end', 'ended'],
]);

type Scalar = string | number | boolean;

/** The values, and where one of `event.action` is another agent's word, ours beside it. */
export function withOurWords<T extends Scalar>(
  field: string,
  values: readonly T[],
  at: number,
  writing: Writing,
): readonly (T | string)[] {
  if (field !== 'event.action') return values;
  const ours = values.flatMap((value) => (typeof value === 'string' ? (ACTIONS.get(value) ?? []) : []));
  const added = [...new Set(ours)].filter((word) => !values.some((value) => value === word));
  if (added.length === 0) return values;
  const theirs = values.filter((value) => typeof value === 'string' && added.includes(ACTIONS.get(value) ?? ''));
  const message = `\`${theirs.join('`, `')}\` of \`event.action\` is another agent’s word: \`${added.join('`, `')}\` is taken for it, too`;
  writing.remark(at, message, 'Nothing is to be done.');
  return [...values, ...added];
}
