// Values that a field never has, so that the comparison never holds: another word than ECS knows, a name longer than the kernel keeps,
// a name where a number stands.
import type { Field } from '../../event/catalogue.ts';
import { ACTIONS, CLOSED_VALUES } from '../../event/known-values.ts';
import { nearest } from '../../event/nearest-name.ts';
import type { Expression } from '../expression/syntax.ts';
import { type Check, fieldOfPath, sides, writtenValues } from './check.ts';

const KNOWN_ACTIONS: ReadonlySet<string> = new Set(ACTIONS);

/** Bytes of a process's name that the kernel keeps. */
const COMM_LENGTH_MAX = 15;
const COMM_FIELD = /^process\.((parent|ancestors|session_leader|previous)\.)?name$/;
/** Ids that are digits, written as text. */
const NUMBER_FIELD = /^(user|group)\.([a-z_]+\.)*id$|^file\.[ug]id$/;

/** Of a longer list the first so many are looked at. */
const VALUES_MAX = 500;

type Told = ReturnType<Check>;

/** Where a rule's own list is long, one wrong value is enough to be told. */
export const neverHasValue: Check = (expression, prefix) => {
  for (const { field, value } of compared(expression, prefix)) {
    const told = neverEqual(field, value);
    if (told !== undefined) return told;
  }
  return undefined;
};

/** Fields with the values that they are asked to equal: by `=`, `!=`, `in` and `$is`. */
function compared(expression: Expression, prefix: string | undefined): readonly { field: Field; value: string }[] {
  const pairs =
    expression.kind === 'in' || (expression.kind === 'compare' && ['=', '!='].includes(expression.operator))
      ? sides(expression, prefix)
      : expression.kind === 'call' && expression.name === 'is'
        ? expression.args.slice(1).map((other) => ({ field: fieldOfPath(expression.args[0], prefix), other }))
        : [];
  return pairs.flatMap(({ field, other }) =>
    field === undefined
      ? []
      : (writtenValues(other) ?? [])
          .slice(0, VALUES_MAX)
          .flatMap((value) => (typeof value === 'string' ? [{ field, value }] : [])),
  );
}

function neverEqual({ name }: Field, value: string): Told {
  const closed = CLOSED_VALUES[name];
  if (closed !== undefined) {
    if (closed.includes(value)) return undefined;
    if (closed.includes(value.toLowerCase()) || isLowerCaseField(name))
      return closed.includes(value.toLowerCase()) ? wrongCase(name, value) : unknown(name, value, closed);
    return unknown(name, value, closed);
  }
  if (isLowerCaseField(name) && value !== value.toLowerCase()) return wrongCase(name, value);
  if (name === 'event.action' && !KNOWN_ACTIONS.has(value)) return nearAction(value);
  if (COMM_FIELD.test(name) && Buffer.byteLength(value) > COMM_LENGTH_MAX) {
    const message = `\`${name}\` has ${COMM_LENGTH_MAX} bytes at most: it is never "${value}"`;
    const cut = Buffer.from(value).subarray(0, COMM_LENGTH_MAX).toString();
    return { code: 'expression/never-equal', message, remedy: `Write "${cut}", or compare process.executable.` };
  }
  if (NUMBER_FIELD.test(name) && !/^[0-9]+$/.test(value)) {
    const message = `\`${name}\` is a number written as text: it is never "${value}"`;
    const other = name
      .replace(/\.id$/, '.name')
      .replace(/\.uid$/, '.owner')
      .replace(/\.gid$/, '.group');
    return { code: 'expression/never-equal', message, remedy: `Names stand in ${other}.` };
  }
  if (name === 'file.mode' && !/^[0-7]{4}$/.test(value)) {
    const message = `\`file.mode\` has four octal digits: it is never "${value}"`;
    return { code: 'expression/never-equal', message, remedy: 'Write "0755", "4755".' };
  }
  return undefined;
}

function isLowerCaseField(name: string): boolean {
  return /^event\.(kind|category|type|action|outcome|module|dataset)$/.test(name);
}

function wrongCase(name: string, value: string): Told {
  const message = `\`${name}\` is written in lower case, and comparison minds the case`;
  return { code: 'expression/case', message, remedy: `Write "${value.toLowerCase()}".` };
}

function unknown(name: string, value: string, known: readonly string[]): Told {
  const guess = nearest(value, known);
  const remedy = guess === undefined ? `It is one of ${known.join(', ')}.` : `Did you mean "${guess}"?`;
  return { code: 'expression/never-equal', message: `\`${name}\` is never "${value}"`, remedy };
}

/** Calls and records without a name of their own are their own action, so only what is nearly a known one is told. */
function nearAction(value: string): Told {
  const guess =
    nearest(value, ACTIONS) ?? (value.length >= 4 ? ACTIONS.find((known) => known.startsWith(value)) : undefined);
  if (guess === undefined) return undefined;
  const message = `no event of Vedette’s has the action "${value}"`;
  return {
    code: 'expression/unknown-action',
    message,
    remedy: `Did you mean "${guess}"? Leave it if another shipper writes it.`,
  };
}
