// Bindings of one member of a path: `@` is the member, further names are what `@$v`, `#$i` and `%` have bound on the way.
import { Frame } from './evaluation.ts';

/** Without prototype: names are the rule's own. */
export type Tuple = Record<string, unknown>;

export function tupleOf(...parts: readonly Tuple[]): Tuple {
  return Object.assign(Object.create(null) as Tuple, ...parts) as Tuple;
}

/** A frame with a copy of the bindings, so that `:=` within it changes none. */
export function frameOfTuple(tuple: Tuple, parent: Frame | undefined): Frame {
  return new Frame(parent, Object.keys(tuple), Object.values(tuple));
}
