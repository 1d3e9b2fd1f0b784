// JSONata's own functions, with the argument checks of the official engine (T0410: wrong type, T0411: wrong context, T0412:
// wrong array). How many arguments a call has is known when it is loaded, so a wrong number is refused then.
import { ExpressionError } from '../rule.ts';
import { type Evaluate, type Evaluation, spendOnText } from './evaluation.ts';
import type { ArgumentProblem, FunctionDefinition } from './functions.ts';
import { compileRegex, type TextTest } from './regex.ts';
import type { Expression } from './syntax.ts';
import { kindOf, stringOf, truthOf } from './value.ts';

const CHARACTERS_PER_FUEL = 64;

/** One letter for each type, as in JSONata's signatures: s n b l(null) a o; `x` any; a missing value always passes. */
interface Parameter {
  readonly types: string;
  /** Takes the context value when the argument is left out. */
  readonly isContext?: true;
  readonly isOptional?: true;
  /** `a<s>`: an array of texts, a lone text too. */
  readonly isTextArray?: true;
}

interface Builtin {
  readonly parameters: readonly Parameter[];
  run(args: readonly unknown[], evaluation: Evaluation): unknown;
}

const TEXT: Parameter = { types: 's', isContext: true };
const ANY: Parameter = { types: 'x', isContext: true };

const BUILTINS: Readonly<Record<string, Builtin>> = {
  boolean: { parameters: [ANY], run: ([value], evaluation) => truthOf(value, evaluation) },
  not: {
    parameters: [ANY],
    run: ([value], evaluation) => (value === undefined ? undefined : truthOf(value, evaluation) !== true),
  },
  exists: { parameters: [{ types: 'x' }], run: ([value]) => value !== undefined },
  count: {
    parameters: [{ types: 'x' }],
    run: ([value]) => (value === undefined ? 0 : Array.isArray(value) ? value.length : 1),
  },
  lowercase: { parameters: [TEXT], run: onText((text) => text.toLowerCase()) },
  uppercase: { parameters: [TEXT], run: onText((text) => text.toUpperCase()) },
  length: { parameters: [TEXT], run: onText((text) => [...text].length) },
  base64decode: { parameters: [TEXT], run: onText((text) => Buffer.from(text, 'base64').toString('latin1')) },
  string: { parameters: [ANY], run: ([value], evaluation) => stringOf(value, evaluation) },
  number: { parameters: [{ types: 'nsb', isContext: true }], run: ([value]) => numberOf(value) },
  join: {
    parameters: [
      { types: 'x', isTextArray: true },
      { types: 's', isOptional: true },
    ],
    run: ([texts, separator], evaluation) => join(texts, separator, evaluation),
  },
  substringBefore: {
    parameters: [TEXT, { types: 's' }],
    run: (args, evaluation) => partOf(args, 'before', evaluation),
  },
  substringAfter: { parameters: [TEXT, { types: 's' }], run: (args, evaluation) => partOf(args, 'after', evaluation) },
  now: { parameters: [], run: (_args, evaluation) => new Date(evaluation.nowMs).toISOString() },
  millis: { parameters: [], run: (_args, evaluation) => evaluation.nowMs },
};

export const BUILTIN_FUNCTIONS: ReadonlyMap<string, FunctionDefinition> = new Map([
  ...Object.entries(BUILTINS).map(([name, builtin]) => [name, definitionOf(name, builtin)] as const),
  ['contains', containsDefinition()],
]);

function definitionOf(name: string, builtin: Builtin): FunctionDefinition {
  const { parameters } = builtin;
  return {
    takesRegex: false,
    check: (args) => checkCount(name, parameters, args),
    compile: (args, compileArgument) => {
      const compiled = args.map(compileArgument);
      const usesContext = parameters[0]?.isContext === true && args.length < parameters.length;
      return (input, evaluation) => {
        const values = compiled.map((argument) => argument(input, evaluation));
        const given = usesContext ? [input, ...values] : values;
        for (const [index, parameter] of parameters.entries()) {
          const value = given[index];
          validate({
            name,
            index: usesContext ? index : index + 1,
            parameter,
            value,
            isContext: usesContext && index === 0,
          });
        }
        return builtin.run(given, evaluation);
      };
    },
  };
}

function containsDefinition(): FunctionDefinition {
  const parameters: readonly Parameter[] = [TEXT, { types: 's' }];
  return {
    takesRegex: true,
    check: (args) => {
      const first = args.length === 2 ? args[0] : undefined;
      if (first?.kind === 'regex') {
        return { at: first.at, message: '$contains takes the text first', remedy: 'Write $contains(field, /…/).' };
      }
      return checkCount('contains', parameters, args);
    },
    compile: (args, compileArgument) => {
      const text: Evaluate = args.length === 2 && args[0] !== undefined ? compileArgument(args[0]) : (input) => input;
      const isContext = args.length === 1;
      const token = args.at(-1);
      if (token === undefined) throw new Error('$contains without arguments passed its check');
      if (token.kind === 'regex') return containsRegex(text, regexOf(token), isContext);
      const compiled = compileArgument(token);
      return (input, evaluation) => {
        const value = text(input, evaluation);
        const part = compiled(input, evaluation);
        validate({ name: 'contains', index: 1, parameter: TEXT, value, isContext });
        validate({ name: 'contains', index: 2, parameter: { types: 's' }, value: part, isContext: false });
        if (typeof value !== 'string' || typeof part !== 'string') return undefined;
        spendOnText(evaluation, value, CHARACTERS_PER_FUEL);
        return value.includes(part);
      };
    },
  };
}

function containsRegex(text: Evaluate, test: TextTest, isContext: boolean): Evaluate {
  return (input, evaluation) => {
    const value = text(input, evaluation);
    validate({ name: 'contains', index: 1, parameter: TEXT, value, isContext });
    return typeof value === 'string' ? test(value, evaluation) : undefined;
  };
}

/** The test of a regular expression that has passed {@link compileRegex} when it was read. */
function regexOf(expression: Expression & { readonly kind: 'regex' }): TextTest {
  const compiled = compileRegex(expression.source, expression.flags);
  if (compiled.kind === 'refused') throw new Error(compiled.message);
  return compiled.test;
}

function checkCount(
  name: string,
  parameters: readonly Parameter[],
  args: readonly Expression[],
): ArgumentProblem | undefined {
  const isContext = parameters[0]?.isContext === true;
  const least = parameters.filter((parameter) => parameter.isOptional !== true).length - (isContext ? 1 : 0);
  if (args.length >= least && args.length <= parameters.length) return undefined;
  const wanted = least === parameters.length ? `${least}` : `${least} to ${parameters.length}`;
  return {
    message: `$${name} takes ${wanted} arguments, not ${args.length}`,
    remedy: 'See “Functions” in docs/rules.md.',
  };
}

function validate(argument: {
  readonly name: string;
  readonly index: number;
  readonly parameter: Parameter;
  readonly value: unknown;
  readonly isContext: boolean;
}): void {
  const { name, index, parameter, value, isContext } = argument;
  if (value === undefined) return;
  if (parameter.isTextArray === true) {
    const texts = Array.isArray(value) ? value : [value];
    if (texts.every((text) => typeof text === 'string')) return;
    throw new ExpressionError('T0412', `T0412: argument ${index} of $${name} must be an array of texts`);
  }
  if (parameter.types === 'x' || parameter.types.includes(symbolOf(value))) return;
  if (isContext) throw new ExpressionError('T0411', `T0411: the context of $${name}() is ${kindOf(value)}`);
  throw new ExpressionError('T0410', `T0410: argument ${index} of $${name} is ${kindOf(value)}`);
}

function symbolOf(value: unknown): string {
  if (value === null) return 'l';
  if (Array.isArray(value)) return 'a';
  return typeof value === 'object' ? 'o' : typeof value === 'string' ? 's' : typeof value === 'number' ? 'n' : 'b';
}

function onText(run: (text: string) => unknown): Builtin['run'] {
  return ([text], evaluation) => {
    if (typeof text !== 'string') return undefined;
    spendOnText(evaluation, text, CHARACTERS_PER_FUEL);
    return run(text);
  };
}

function numberOf(value: unknown): number | undefined {
  if (value === undefined) return undefined;
  if (typeof value === 'number') return value;
  if (typeof value === 'boolean') return value ? 1 : 0;
  if (typeof value === 'string') {
    if (/^-?[0-9]+(\.[0-9]+)?([Ee][-+]?[0-9]+)?$/.test(value) && Number.isFinite(Number(value)))
      return Number.parseFloat(value);
    // The official pattern's alternatives are not grouped; so are ours, or the two would differ on such text.
    if (/^(0[xX][0-9A-Fa-f]+)|(0[oO][0-7]+)|(0[bB][0-1]+)$/.test(value)) return Number(value);
  }
  throw new ExpressionError('D3030', `D3030: $number cannot read ${kindOf(value)}`);
}

function join(texts: unknown, separator: unknown, evaluation: Evaluation): string | undefined {
  if (texts === undefined) return undefined;
  const all = Array.isArray(texts) ? (texts as readonly string[]) : [texts as string];
  for (const text of all) spendOnText(evaluation, text, CHARACTERS_PER_FUEL);
  return all.join(typeof separator === 'string' ? separator : '');
}

function partOf(args: readonly unknown[], side: 'before' | 'after', evaluation: Evaluation): string | undefined {
  const [text, mark] = args;
  if (typeof text !== 'string') return undefined;
  spendOnText(evaluation, text, CHARACTERS_PER_FUEL);
  const found = text.indexOf(String(mark));
  if (found < 0) return text;
  return side === 'before' ? text.slice(0, found) : text.slice(found + String(mark).length);
}
