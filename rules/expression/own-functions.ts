// Vedette's functions, for what analysts mean: arrays are unwrapped (any member counts), a missing field is false and no
// error. What they compare with is written out or a list, so it is checked and compiled when the rule is loaded; only where it is a
// variable is it made ready for each event.
import { BlockList, isIP } from 'node:net';
import { ExpressionError } from '../rule.ts';
import { type Evaluate, type Evaluation, enter, leave, spend, spendOnText } from './evaluation.ts';
import type { ArgumentProblem, FunctionDefinition } from './functions.ts';
import { isProcedure, procedureOf, type Run } from './procedure.ts';
import { compileRegex, regexOf, type TextTest } from './regex.ts';
import { bareOf, type Expression } from './syntax.ts';
import { lookup } from './value.ts';
import { compileWildcards, folded } from './wildcards.ts';

const CHARACTERS_PER_FUEL = 64;

/** A test of a text, or why there is none. */
type ReadyTest =
  | { readonly kind: 'regex'; readonly test: TextTest }
  | { readonly kind: 'refused'; readonly message: string; readonly remedy: string };

export const OWN_FUNCTIONS: ReadonlyMap<string, FunctionDefinition> = new Map([
  ['has', ofOneField('has', (value) => value !== undefined && value !== null && value !== '' && !isEmptyArray(value))],
  ['basename', ofOneField('basename', basename)],
  ['entropy', ofOneField('entropy', entropy)],
  ['matches', ofFieldAndTexts('matches', { takesRegex: true, compile: (source) => compileRegex(source, '') })],
  ['glob', ofFieldAndTexts('glob', { compile: (pattern) => compileWildcards(pattern, false) })],
  ['like', ofFieldAndTexts('like', { compile: (pattern) => compileWildcards(pattern, true), prepare: folded })],
  ['cidr', ofFieldAndTexts('cidr', { compile: compileNetwork })],
  ['startswith', ofFieldAndTexts('startswith', { compile: (start) => plainTest((text) => text.startsWith(start)) })],
  ['endswith', ofFieldAndTexts('endswith', { compile: (end) => plainTest((text) => text.endsWith(end)) })],
  ['is', ofFieldAndValues('is', { values: (values) => values.map(folded), run: isOneOf })],
  ['descends_from', ofFieldAndValues('descends_from', { values: (names) => names, run: descendsFrom })],
]);

function ofOneField(name: string, run: (value: unknown, evaluation: Evaluation) => unknown): FunctionDefinition {
  return {
    check: (args) => (args.length === 1 ? undefined : countProblem(`$${name}(field)`, args)),
    compile: ([field], compileArgument) => {
      const read = compileField(field, compileArgument);
      return (input, evaluation) => run(read(input, evaluation), evaluation);
    },
    procedure: procedureOf({ arity: 1, label: name, signature: undefined }, ([value], _input, evaluation) =>
      run(value, evaluation),
    ),
  };
}

/** `$name(field, "…", …)`: some text of the field, prepared, passes one of the tests that the other arguments are made to. */
function ofFieldAndTexts(
  name: string,
  options: {
    readonly takesRegex?: true;
    compile(text: string): ReadyTest;
    readonly prepare?: (text: string) => string;
  },
): FunctionDefinition {
  const { prepare = (text) => text } = options;
  const isFor = (value: unknown, tests: readonly TextTest[], evaluation: Evaluation): boolean =>
    someText(value, evaluation, (text) => {
      const prepared = prepare(text);
      return tests.some((test) => test(prepared, evaluation));
    });
  // Checking an expression makes the same tests as compiling it.
  const made = new WeakMap<Expression, readonly ReadyTest[]>();
  const testsOf = (argument: Expression): readonly ReadyTest[] => {
    if (argument.kind === 'regex') return [regexOf(argument)];
    const known = made.get(argument);
    if (known !== undefined) return known;
    const tests = (staticValues(argument) ?? []).map((value) => options.compile(String(value)));
    made.set(argument, tests);
    return tests;
  };
  const run: Run = ([value, ...rest], _input, evaluation) => isFor(value, readyTests(rest, evaluation), evaluation);
  const readyTests = (rest: readonly unknown[], evaluation: Evaluation): readonly TextTest[] =>
    rest.flat().flatMap((given) => {
      if (options.takesRegex === true && isProcedure(given) && given.regex !== undefined) return [given.regex.test];
      if (typeof given !== 'string' && typeof given !== 'number') return [];
      spend(evaluation, READY_FUEL);
      const test = options.compile(String(given));
      if (test.kind === 'refused') throw new ExpressionError('argument', `argument: ${test.message}`);
      return [test.test];
    });
  return {
    check: (args) => {
      if (args.length < 2) return countProblem(`$${name}(field, "…", …)`, args);
      const wrong = checkStatic(name, args, options.takesRegex === true);
      if (wrong !== undefined) return wrong;
      for (const argument of args.slice(1)) {
        for (const test of testsOf(argument)) if (test.kind === 'refused') return { at: argument.at, ...test };
      }
      return undefined;
    },
    compile: ([field, ...rest], compileArgument) => {
      const read = compileField(field, compileArgument);
      if (!rest.every(isReady)) return compileDynamic(read, rest.map(compileArgument), run);
      const tests = rest.flatMap(testsOf).map((test) => {
        if (test.kind === 'refused') throw new Error(test.message);
        return test.test;
      });
      const [only] = tests;
      if (only !== undefined && tests.length === 1) {
        return (input, evaluation) =>
          someText(read(input, evaluation), evaluation, (text) => only(prepare(text), evaluation));
      }
      return (input, evaluation) => isFor(read(input, evaluation), tests, evaluation);
    },
    procedure: procedureOf({ arity: 2, label: name, signature: undefined }, run),
  };
}

/** `$name(field, value, …)`: the field has to do with one of the values that the other arguments are. */
function ofFieldAndValues(
  name: string,
  options: {
    values(texts: readonly string[]): readonly string[];
    run(value: unknown, values: ReadonlySet<string>, evaluation: Evaluation): boolean;
  },
): FunctionDefinition {
  const run: Run = ([value, ...rest], _input, evaluation) => {
    const given = rest.flat().filter((entry) => typeof entry === 'string' || typeof entry === 'number');
    spend(evaluation, 1 + given.length);
    return options.run(value, new Set(options.values(given.map(String))), evaluation);
  };
  return {
    check: (args) =>
      args.length < 2 ? countProblem(`$${name}(field, value, …)`, args) : checkStatic(name, args, false),
    compile: ([field, ...rest], compileArgument) => {
      const read = compileField(field, compileArgument);
      if (!rest.every(isReady)) return compileDynamic(read, rest.map(compileArgument), run);
      const values = new Set(options.values(rest.flatMap((argument) => staticValues(argument) ?? []).map(String)));
      return (input, evaluation) => options.run(read(input, evaluation), values, evaluation);
    },
    procedure: procedureOf({ arity: 2, label: name, signature: undefined }, run),
  };
}

/** Making a pattern ready for one event costs about as much as this. */
const READY_FUEL = 2_000;

function compileDynamic(field: Evaluate, rest: readonly Evaluate[], run: Run): Evaluate {
  return (input, evaluation) =>
    run([field(input, evaluation), ...rest.map((argument) => argument(input, evaluation))], input, evaluation);
}

/** Equal without regard to case; numbers and their text are the same. `values` are folded. */
function isOneOf(value: unknown, values: ReadonlySet<string>, evaluation: Evaluation): boolean {
  return someText(value, evaluation, (text) => values.has(folded(text)));
}

/** The parent or any further ancestor of the process has one of these names. */
function descendsFrom(process: unknown, names: ReadonlySet<string>, evaluation: Evaluation): boolean {
  const has = (name: string): boolean => names.has(name);
  const parent = lookup(lookup(process, 'parent', evaluation), 'name', evaluation);
  if (someText(parent, evaluation, has)) return true;
  return someText(lookup(lookup(process, 'ancestors', evaluation), 'name', evaluation), evaluation, has);
}

function compileField(field: Expression | undefined, compileArgument: (argument: Expression) => Evaluate): Evaluate {
  if (field === undefined) throw new Error('a function without its field passed its check');
  return compileArgument(field);
}

/** True of arguments that are known when the rule is read. */
function isReady(argument: Expression): boolean {
  return argument.kind === 'regex' || staticValues(argument) !== undefined;
}

/** The values that an argument writes out, or undefined when they are only known for an event. */
function staticValues(argument: Expression): readonly (string | number)[] | undefined {
  if (argument.kind === 'list') return argument.values;
  if (argument.kind === 'literal') {
    return typeof argument.value === 'string' || typeof argument.value === 'number' ? [argument.value] : undefined;
  }
  if (argument.kind !== 'array') return undefined;
  const values = argument.items.map(staticValues);
  return values.every((value) => value !== undefined) ? values.flat() : undefined;
}

function checkStatic(name: string, args: readonly Expression[], takesRegex: boolean): ArgumentProblem | undefined {
  for (const [index, argument] of args.entries()) {
    if (index === 0) {
      if (argument.kind !== 'regex') continue;
      return { at: argument.at, message: `$${name} takes the field first`, remedy: `Write $${name}(field, …).` };
    }
    if (takesRegex && argument.kind === 'regex') continue;
    if (staticValues(argument) !== undefined || bareOf(argument).kind === 'variable') continue;
    return {
      at: argument.at,
      message: `argument ${index + 1} of $${name} must be written out or a list`,
      remedy: 'Use a literal, an array of literals or a $list; compare two fields with `=`.',
    };
  }
  return undefined;
}

function countProblem(form: string, args: readonly Expression[]): ArgumentProblem {
  return { message: `wrong number of arguments: ${args.length}`, remedy: `Write ${form}.` };
}

/** True when the value, or any member of it, is a text (or a number, as text) that passes. */
function someText(value: unknown, evaluation: Evaluation, test: (text: string) => boolean): boolean {
  if (typeof value === 'string') {
    spendOnText(evaluation, value, CHARACTERS_PER_FUEL);
    return test(value);
  }
  if (typeof value === 'number') return test(String(value));
  if (!Array.isArray(value)) return false;
  spend(evaluation, 1 + value.length);
  enter(evaluation, 2, 'depth');
  const isAny = value.some((member) => someText(member, evaluation, test));
  leave(evaluation, 2);
  return isAny;
}

function plainTest(test: (text: string) => boolean): ReadyTest {
  return { kind: 'regex', test };
}

/** Networks: `10.0.0.0/8`, `fe80::/10`, or a single address. IPv4 addresses written as IPv6 (`::ffff:…`) count as IPv4. */
function compileNetwork(network: string): ReadyTest {
  const [address = '', prefix, ...rest] = network.split('/');
  const version = isIP(address);
  const bitsMax = version === 4 ? 32 : 128;
  const bits = prefix === undefined ? bitsMax : /^[0-9]{1,3}$/.test(prefix) ? Number(prefix) : Number.NaN;
  if (version === 0 || rest.length > 0 || !(bits <= bitsMax)) {
    return { kind: 'refused', message: `\`${network}\` is not a network`, remedy: 'Write 10.0.0.0/8 or fe80::/10.' };
  }
  const list = new BlockList();
  list.addSubnet(address, bits, version === 4 ? 'ipv4' : 'ipv6');
  const test: TextTest = (text) => {
    if (text.length > 64) return false;
    const plain = /^::ffff:[0-9.]+$/i.test(text) ? text.slice(7) : text;
    const family = isIP(plain);
    return family !== 0 && list.check(plain, family === 4 ? 'ipv4' : 'ipv6');
  };
  return { kind: 'regex', test };
}

function basename(value: unknown, evaluation: Evaluation): unknown {
  if (typeof value === 'string') {
    spendOnText(evaluation, value, CHARACTERS_PER_FUEL);
    return value.slice(value.lastIndexOf('/') + 1);
  }
  if (!Array.isArray(value)) return undefined;
  spend(evaluation, 1 + value.length);
  return value.filter((member) => typeof member === 'string').map((member) => basename(member, evaluation));
}

/** Shannon entropy in bits a character: 0 for `aaaa`, about 4 for words, near 6 for random base64. */
function entropy(value: unknown, evaluation: Evaluation): number | undefined {
  if (typeof value !== 'string' || value === '') return undefined;
  spend(evaluation, 1 + value.length);
  const counts = new Map<string, number>();
  let length = 0;
  for (const character of value) {
    counts.set(character, (counts.get(character) ?? 0) + 1);
    length += 1;
  }
  let bits = 0;
  for (const count of counts.values()) bits -= (count / length) * Math.log2(count / length);
  return bits;
}

function isEmptyArray(value: unknown): boolean {
  return Array.isArray(value) && value.length === 0;
}
