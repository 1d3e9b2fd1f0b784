// Regular expressions of searches: RE2's syntax and linear time, a whole value, case-insensitive.
import { RE2JS } from 're2js';

/** A test for a whole value. Throws on an expression that RE2 does not read: the parser has refused those. */
export function compileRegex(pattern: string): (text: string) => boolean {
  const expression = RE2JS.compile(pattern, RE2JS.CASE_INSENSITIVE | RE2JS.DOTALL);
  return (text) => expression.matches(text);
}
