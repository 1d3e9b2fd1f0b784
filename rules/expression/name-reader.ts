// What `$name` means: `$` and `$$`, a variable that the expression binds, a macro, a list, a function.
import { nearest } from '../../event/nearest-name.ts';
import { type Node, startOf } from './official-tree.ts';
import { EXPRESSION_NODES_MAX, type Reading, refuse, refuseSize, TOO_LARGE } from './reading.ts';
import type { Expression, Macro } from './syntax.ts';

/** The variable of a name: what binds it decides, then macros, lists and functions. */
export function readVariable(node: Node, reading: Reading): Expression | undefined {
  const at = startOf(node, reading.source);
  const name = String(node.value);
  if (name === '') return { kind: 'context', at };
  if (name === '$') return { kind: 'root', at };
  const isBound = reading.bound.has(name);
  const before = reading.problems.length;
  const meaning = meaningOf(node, name, reading);
  if (isBound || (reading.isPlain && meaning === undefined)) {
    return { kind: 'variable', at, name, otherwise: meaning };
  }
  if (meaning !== undefined || reading.problems.length > before) return meaning;
  const guess = nearest(name, [...reading.bound, ...reading.lists.keys(), ...reading.macros.keys()]);
  const remedy =
    guess === undefined
      ? 'Lists and macros are files in lists/ and macros/ beside the rules. A variable is bound with :=.'
      : `Did you mean $${guess}?`;
  return refuse(reading, node, { message: `unknown list $${name}`, remedy, code: 'expression/unknown-list' });
}

/** What a name means without being bound; undefined where it means nothing, or too much (then there is a problem). */
function meaningOf(node: Node, name: string, reading: Reading): Expression | undefined {
  const at = startOf(node, reading.source);
  const macro = reading.macros.get(name);
  if (macro !== undefined) return readMacro(node, name, macro, reading);
  const values = reading.lists.get(name);
  if (values !== undefined) {
    reading.usedLists.add(name);
    return { kind: 'list', at, name, values };
  }
  return reading.functionNamed(name) === undefined ? undefined : { kind: 'function', at, name };
}

function readMacro(node: Node, name: string, macro: Macro, reading: Reading): Expression | undefined {
  reading.nodes += macro.size;
  if (reading.nodes > EXPRESSION_NODES_MAX) {
    return refuseSize(reading, node, { ...TOO_LARGE, message: `with $${name} in it the expression is too large` });
  }
  reading.usedMacros.add(name);
  for (const used of macro.macros) reading.usedMacros.add(used);
  for (const used of macro.lists) reading.usedLists.add(used);
  return { kind: 'macro', at: startOf(node, reading.source), name, of: macro.expression };
}
