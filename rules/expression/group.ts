// Objects: `{key: value}` on its own and behind an expression, where members with the same key are gathered. The object made has
// no prototype, so that any key is data.
import { ExpressionError } from '../rule.ts';
import { type Evaluate, type Evaluation, spend } from './evaluation.ts';
import { onTuple } from './path.ts';
import { type Tuple, tupleOf } from './tuple.ts';
import { append, kindOf, MARK, marksOf } from './value.ts';

export interface CompiledPair {
  readonly key: Evaluate;
  readonly value: Evaluate;
}

interface Group {
  readonly pair: number;
  of: unknown;
}

/** Names by which the official engine knows its functions. */
const RESERVED: ReadonlySet<string> = new Set(['_jsonata_lambda', '_jsonata_function']);

/** Groups members (or bindings) by the pairs' keys and evaluates each group's value. */
export function groupBy(pairs: readonly CompiledPair[], input: unknown, evaluation: Evaluation): unknown {
  const isTuples = (marksOf(input) & MARK.tuples) !== 0;
  const given: readonly unknown[] = Array.isArray(input) ? input : [input];
  // An object is made of nothing, too.
  const members = given.length === 0 && !isTuples ? [undefined] : given;
  const groups = gather(pairs, { members, isTuples }, evaluation);
  const result = Object.create(null) as Record<string, unknown>;
  for (const key of Object.keys(groups)) {
    const group = groups[key] as Group;
    const pair = pairs[group.pair] as CompiledPair;
    const value = isTuples
      ? onTuple(pair.value, joined(group.of, evaluation), evaluation)
      : pair.value(group.of, evaluation);
    if (value !== undefined) result[key] = value;
  }
  return result;
}

function gather(
  pairs: readonly CompiledPair[],
  from: { readonly members: readonly unknown[]; readonly isTuples: boolean },
  evaluation: Evaluation,
): Record<string, Group> {
  const groups = Object.create(null) as Record<string, Group>;
  spend(evaluation, 1 + from.members.length * pairs.length);
  for (const member of from.members) {
    for (const [index, pair] of pairs.entries()) {
      const key = from.isTuples ? onTuple(pair.key, member as Tuple, evaluation) : pair.key(member, evaluation);
      if (key === undefined) continue;
      if (typeof key !== 'string') {
        throw new ExpressionError('T1003', `T1003: a key of an object is ${kindOf(key)}`);
      }
      if (RESERVED.has(key)) throw new ExpressionError('D1013', 'D1013: a key of an object is reserved');
      const group = groups[key];
      if (group === undefined) groups[key] = { pair: index, of: member };
      else if (group.pair !== index) throw new ExpressionError('D1009', 'D1009: two keys of an object are the same');
      else group.of = append(group.of, member, evaluation);
    }
  }
  return groups;
}

/** The bindings of a group as one: each name with the values of all. */
function joined(of: unknown, evaluation: Evaluation): Tuple {
  if (!Array.isArray(of)) return of as Tuple;
  const [first, ...others] = of as readonly Tuple[];
  const all = tupleOf(first ?? {});
  for (const tuple of others) {
    for (const name of Object.keys(tuple)) all[name] = append(all[name], tuple[name], evaluation);
  }
  return all;
}
