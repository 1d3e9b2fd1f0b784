// Words that stand in many places of a rule: names of fields, ids of rules, expressions.
import { type Placed, pattern, placed, type Reader, type Shape, shaped, text } from './readers.ts';

const fieldName = pattern(
  /^[A-Za-z@_][A-Za-z0-9@_.-]{0,199}$/,
  'a field name',
  'Write a dotted name such as process.parent.name.',
);
/** What the schema says of a field where the catalogue does not have it. */
export const FIELD_NAME: Shape = fieldName.shape ?? {};
export const field: Reader<string> = shaped({ $ref: '#/$defs/field' }, (node, reading) => fieldName(node, reading));
export const id: Reader<string> = pattern(
  /^[a-z0-9][a-z0-9_-]{0,99}$/,
  'a rule id',
  'Use lower-case letters, digits, `-` and `_`; at most 100.',
);
export const expression: Reader<Placed<string>> = placed(text(65_536));
