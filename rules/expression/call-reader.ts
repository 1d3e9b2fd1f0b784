// Calls of the official tree: by a function's name, with the arguments checked as far as they are written out; of any other value,
// which is only known when the call is made; with `?` for what is still to come.
import { nearest } from '../../event/nearest-name.ts';
import { FUNCTION_NAMES, type FunctionDefinition, REFUSED_FUNCTIONS, SEQUENCE_FUNCTIONS } from './functions.ts';
import { readVariable } from './name-reader.ts';
import { type Node, startOf } from './official-tree.ts';
import { type Reading, readAll, refuse, refuseAt } from './reading.ts';
import type { Expression } from './syntax.ts';

/** A call; `first` is an argument before those that are written in it (`first ~> f(x)`). */
export function readCall(node: Node, reading: Reading, depth: number, first?: Node): Expression | undefined {
  const { procedure } = node;
  if (procedure === undefined) return undefined;
  const args = [...(first === undefined ? [] : [first]), ...(node.arguments ?? [])];
  const definition = staticFunction(procedure, reading);
  return definition === undefined
    ? readInvoke({ procedure, args }, reading, depth)
    : readStaticCall({ procedure, args, definition }, reading, depth);
}

/** The function that the name always means here; undefined of what is only known when the call is made. */
function staticFunction(procedure: Node, reading: Reading): FunctionDefinition | undefined {
  if (procedure.type !== 'variable' || procedure.predicate !== undefined || procedure.group !== undefined)
    return undefined;
  const name = String(procedure.value);
  const isOther = reading.bound.has(name) || reading.lists.has(name) || reading.macros.has(name);
  return isOther ? undefined : reading.functionNamed(name);
}

function readStaticCall(
  call: { readonly procedure: Node; readonly args: readonly Node[]; readonly definition: FunctionDefinition },
  reading: Reading,
  depth: number,
): Expression | undefined {
  const { procedure, definition } = call;
  const at = startOf(procedure, reading.source);
  const args = readAll(call.args, reading, depth);
  if (args === undefined) return undefined;
  const wrong = reading.isPlain ? undefined : definition.check(args);
  if (wrong === undefined) return { kind: 'call', at, name: String(procedure.value), args };
  const { message, remedy } = wrong;
  refuseAt(reading, wrong.at ?? at, { message, remedy, code: 'expression/wrong-arguments' });
  return undefined;
}

function readInvoke(
  call: { readonly procedure: Node; readonly args: readonly Node[] },
  reading: Reading,
  depth: number,
): Expression | undefined {
  const procedure = readProcedure(call.procedure, reading, depth);
  const args = readAll(call.args, reading, depth);
  if (procedure === undefined || args === undefined) return undefined;
  const missing = isForgotten(call.procedure, reading) ? 'T1005' : 'T1006';
  return { kind: 'invoke', at: procedure.at, procedure, args, missing };
}

/** What is called, when it is no function of its own name; refused where it can be none. */
function readProcedure(node: Node, reading: Reading, depth: number): Expression | undefined {
  if (reading.isPlain) return reading.read(node, reading, depth + 1);
  const name = nameOf(node);
  if (node.type === 'path') {
    return refuse(reading, node, {
      message: isForgotten(node, reading) ? `\`${name}\` is called without its $` : 'a field is no function',
      remedy: isForgotten(node, reading) ? `Write $${name}(…).` : 'Call $name(…), or a function of your own.',
      code: 'expression/unknown-function',
    });
  }
  const isKnown = reading.bound.has(name) || reading.functionNamed(name) !== undefined;
  if (node.type !== 'variable' || name === '' || isKnown) return reading.read(node, reading, depth + 1);
  const reason = REFUSED_FUNCTIONS.get(name);
  if (reason !== undefined) {
    return refuse(reading, node, {
      message: `the function $${name} is refused: it ${reason}`,
      remedy: 'docs/rules.md lists the functions that there are.',
      code: 'expression/refused-function',
    });
  }
  if (reading.lists.has(name) || reading.macros.has(name)) {
    const remedy = `Write $${name} without parentheses.`;
    const message = `$${name} is ${reading.lists.has(name) ? 'a list' : 'a macro'}, no function`;
    return refuse(reading, node, { message, remedy, code: 'expression/unknown-function' });
  }
  const guess = nearest(name, [...FUNCTION_NAMES, ...reading.bound]);
  return refuse(reading, node, {
    message: `the function $${name} is not known`,
    remedy: guess === undefined ? 'docs/rules.md lists the functions that there are.' : `Did you mean $${guess}?`,
    code: 'expression/unknown-function',
  });
}

function nameOf(node: Node): string {
  return String(node.type === 'path' ? node.steps?.[0]?.value : node.value);
}

/** True of a field where there is a function of that name. */
function isForgotten(node: Node, reading: Reading): boolean {
  const name = nameOf(node);
  return node.type === 'path' && (reading.functionNamed(name) !== undefined || reading.bound.has(name));
}

/**
 * A call that is the last thing a lambda does. It waits until the lambda has come back, and takes its context from the lambda's
 * caller, who also gets a sequence as it is; where none of this can be seen, it is a call like any other.
 */
export function readTail(node: Node, reading: Reading, depth: number): Expression | undefined {
  const { procedure } = node;
  if (procedure === undefined) return undefined;
  const given = node.arguments ?? [];
  const definition = staticFunction(procedure, reading);
  if (definition !== undefined && isAlike(String(procedure.value), definition, given.length)) {
    return readStaticCall({ procedure, args: given, definition }, reading, depth);
  }
  const callee = definition === undefined ? readProcedure(procedure, reading, depth) : readVariable(procedure, reading);
  const args = readAll(given, reading, depth);
  if (callee === undefined || args === undefined) return undefined;
  const wrong = reading.isPlain ? undefined : definition?.check(args);
  if (wrong === undefined) return { kind: 'tail', at: callee.at, procedure: callee, args };
  const { message, remedy } = wrong;
  refuseAt(reading, wrong.at ?? callee.at, { message, remedy, code: 'expression/wrong-arguments' });
  return undefined;
}

function isAlike(name: string, definition: FunctionDefinition, given: number): boolean {
  const parameters = definition.procedure.signature?.parameters ?? [];
  const needed = parameters.filter(({ isContext, isOptional }) => isContext || !isOptional).length;
  return given >= needed && !SEQUENCE_FUNCTIONS.has(name);
}

export function readPartial(node: Node, reading: Reading, depth: number): Expression | undefined {
  const { procedure } = node;
  if (procedure === undefined) return undefined;
  const callee =
    procedure.type === 'variable' && staticFunction(procedure, reading) !== undefined
      ? readVariable(procedure, reading)
      : readProcedure(procedure, reading, depth);
  const args = (node.arguments ?? []).map((argument) =>
    argument.type === 'operator' ? ('?' as const) : reading.read(argument, reading, depth + 1),
  );
  if (callee === undefined || !args.every((argument) => argument !== undefined)) return undefined;
  const missing = isForgotten(procedure, reading) ? 'T1007' : 'T1008';
  const open = args.map((argument) => (argument === '?' ? undefined : argument));
  return { kind: 'partial', at: callee.at, procedure: callee, args: open, missing };
}
