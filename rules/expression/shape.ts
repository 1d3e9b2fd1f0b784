// What compiling asks of a tree before there is an event.
import { bareOf, type Expression, partsOf } from './syntax.ts';

/** Whether a value of this kind can be a sequence that is not collapsed yet. */
export function isEverSequence(expression: Expression): boolean {
  switch (expression.kind) {
    case 'path':
      // Plain names are read the short way, which unwraps what it finds.
      return !isPlainPath(expression);
    case 'name':
    case 'pipeline':
    case 'macro':
    case 'filter':
    case 'keep':
    case 'wildcard':
    case 'descendants':
    case 'parent':
    case 'variable':
    case 'call':
    case 'invoke':
    case 'apply':
    case 'range':
    // What only hands a value on unwraps it once more.
    case 'context':
    case 'condition':
    case 'block':
    case 'bind':
      return true;
    default:
      return false;
  }
}

function isPlainPath({ steps }: Expression & { readonly kind: 'path' }): boolean {
  return steps.every((step) => step.of.kind === 'name' && step.filters.length === 0);
}

/** A path that starts so is about that one value, whatever the input is. */
export function startsAtVariable(first: Expression | undefined): boolean {
  const kind = first === undefined ? undefined : bareOf(first).kind;
  return ['list', 'macro', 'context', 'root', 'variable', 'function'].includes(kind ?? '');
}

/** What takes more of the stack than a closure that calls another. */
const LEVELS: Readonly<Partial<Record<Expression['kind'], number>>> = {
  path: 4,
  pipeline: 6,
  filter: 4,
  group: 3,
  object: 3,
  call: 2,
  transform: 3,
};

/** How deep a body nests: what a call of it costs in depth. */
export function levelsOf(expression: Expression): number {
  const own = LEVELS[expression.kind] ?? 1;
  if (expression.kind === 'macro') return own + levelsOf(expression.of);
  let deepest = 0;
  for (const part of partsOf(expression)) deepest = Math.max(deepest, levelsOf(part));
  return deepest + own;
}
