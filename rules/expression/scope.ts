// Scopes: what `:=` binds, for whom, and how a name finds its binding.
import { createFrame, type Evaluate, UNBOUND } from './evaluation.ts';
import { type Expression, partsOf } from './syntax.ts';

/** The innermost binding of a name, else what the name means without one. */
export function readFrame(name: string, otherwise: Evaluate): Evaluate {
  return (input, evaluation) => {
    const value = evaluation.frame === undefined ? UNBOUND : evaluation.frame.lookup(name);
    return value === UNBOUND ? otherwise(input, evaluation) : value;
  };
}

/** With a scope of its own, which `:=` binds in. */
export function inScope(of: Evaluate): Evaluate {
  return (input, evaluation) => {
    const outer = evaluation.frame;
    evaluation.frame = createFrame(outer);
    const value = of(input, evaluation);
    evaluation.frame = outer;
    return value;
  };
}

/** Binds in the innermost scope. */
export function compileBind(name: string, of: Evaluate): Evaluate {
  return (input, evaluation) => {
    const value = of(input, evaluation);
    evaluation.frame?.bind(name, value);
    return value;
  };
}

/** True when evaluating binds a name in the scope around it. */
export function bindsHere(expression: Expression): boolean {
  if (expression.kind === 'bind') return true;
  if (expression.kind === 'block' || expression.kind === 'lambda') return false;
  return partsOf(expression).some(bindsHere);
}
