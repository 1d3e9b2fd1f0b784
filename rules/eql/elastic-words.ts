// Elastic Defend's and other agents' words for what happened, and ours: rules that ask for theirs find what the audit records say of the same.
import { allOf, anyOf, call, operand, type Written } from '../foreign/expression-writer.ts';
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

/** Of files that other agents tell of as made or written the kernel sees opens, and what for. */
const OPENED = operand('event.action = "opened-file"');
const EVENTS: ReadonlyMap<string, Written> = new Map([
  [
    'creation',
    anyOf([
      allOf([operand('"file" in event.category'), operand('"creation" in event.type')]),
      allOf([OPENED, call('is', 'auditd.data.open_flags', '"O_CREAT"')]),
    ]),
  ],
  [
    'modification',
    allOf([OPENED, call('is', 'auditd.data.open_flags', '"O_WRONLY"', '"O_RDWR"', '"O_TRUNC"', '"O_APPEND"')]),
  ],
]);

/** The condition on a field, or where one of the values is another agent's word that is no word of ours, what it means here. */
export function withOurEvents(
  field: string,
  values: readonly Scalar[],
  at: number,
  written: Written,
  writing: Writing,
): Written {
  if (field !== 'event.action') return written;
  const words = values.filter((value) => typeof value === 'string' && EVENTS.has(value));
  if (words.length === 0) return written;
  const message = `\`${words.join('`, `')}\` of \`event.action\` is another agent’s word: opens of files for that are taken for it, too`;
  writing.remark(at, message, 'Look at which opens the audit rules record (docs/audit-rules.md).');
  return anyOf([written, ...words.flatMap((word) => EVENTS.get(String(word)) ?? [])]);
}
