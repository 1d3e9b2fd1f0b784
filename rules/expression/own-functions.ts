// Vedette's functions, for what analysts mean: arrays are unwrapped (any member counts), a missing field is false and no
// error. What they compare with is written out or a list, so it is checked and compiled when the rule is loaded.
import { BlockList, isIP } from 'node:net';
import { type Evaluate, type Evaluation, spend, spendOnText } from './evaluation.ts';
import type { ArgumentProblem, FunctionDefinition } from './functions.ts';
import { type CompiledRegex, compileGlob, compileRegex, type TextTest } from './regex.ts';
import type { Expression } from './syntax.ts';
import { lookup } from './value.ts';

const CHARACTERS_PER_FUEL = 64;

export const OWN_FUNCTIONS: ReadonlyMap<string, FunctionDefinition> = new Map([
  ['has', ofOneField('has', (value) => value !== undefined && value !== null && value !== '' && !isEmptyArray(value))],
  ['basename', ofOneField('basename', basename)],
  ['entropy', ofOneField('entropy', entropy)],
  ['matches', ofFieldAndTexts('matches', { takesRegex: true, compile: (source) => compileRegex(source, '') })],
  ['glob', ofFieldAndTexts('glob', { compile: compileGlob })],
  ['cidr', ofFieldAndTexts('cidr', { compile: compileNetwork })],
  ['startswith', ofFieldAndTexts('startswith', { compile: (start) => plainTest((text) => text.startsWith(start)) })],
  ['endswith', ofFieldAndTexts('endswith', { compile: (end) => plainTest((text) => text.endsWith(end)) })],
  ['is', isDefinition()],
  ['descends_from', descendsFromDefinition()],
]);

function ofOneField(name: string, run: (value: unknown, evaluation: Evaluation) => unknown): FunctionDefinition {
  return {
    takesRegex: false,
    check: (args) => (args.length === 1 ? undefined : countProblem(`$${name}(field)`, args)),
    compile: ([field], compileArgument) => {
      const read = compileField(field, compileArgument);
      return (input, evaluation) => run(read(input, evaluation), evaluation);
    },
  };
}

function ofFieldAndTexts(
  name: string,
  options: { readonly takesRegex?: true; compile(text: string): CompiledRegex },
): FunctionDefinition {
  const testsOf = (argument: Expression): readonly CompiledRegex[] => {
    if (argument.kind === 'regex') return [compileRegex(argument.source, argument.flags)];
    return (staticValues(argument) ?? []).map((value) => options.compile(String(value)));
  };
  return {
    takesRegex: options.takesRegex === true,
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
      const tests = rest.flatMap(testsOf).map((test) => {
        if (test.kind === 'refused') throw new Error(test.message);
        return test.test;
      });
      return (input, evaluation) =>
        someText(read(input, evaluation), evaluation, (text) => tests.some((test) => test(text, evaluation)));
    },
  };
}

/** `$is(field, value, …)`: equal without regard to case; numbers and their text are the same. */
function isDefinition(): FunctionDefinition {
  return {
    takesRegex: false,
    check: (args) => (args.length < 2 ? countProblem('$is(field, value, …)', args) : checkStatic('is', args, false)),
    compile: ([field, ...rest], compileArgument) => {
      const read = compileField(field, compileArgument);
      const values = new Set(
        rest.flatMap((argument) => staticValues(argument) ?? []).map((value) => String(value).toLowerCase()),
      );
      return (input, evaluation) =>
        someText(read(input, evaluation), evaluation, (text) => values.has(text.toLowerCase()));
    },
  };
}

/** `$descends_from(process, $list, …)`: the parent or any further ancestor has one of these names. */
function descendsFromDefinition(): FunctionDefinition {
  return {
    takesRegex: false,
    check: (args) =>
      args.length < 2
        ? countProblem('$descends_from(process, "name", …)', args)
        : checkStatic('descends_from', args, false),
    compile: ([process, ...rest], compileArgument) => {
      const read = compileField(process, compileArgument);
      const names = new Set(rest.flatMap((argument) => staticValues(argument) ?? []).map(String));
      return (input, evaluation) => {
        const of = read(input, evaluation);
        const has = (name: string): boolean => names.has(name);
        const parent = lookup(lookup(of, 'parent', evaluation), 'name', evaluation);
        if (someText(parent, evaluation, has)) return true;
        return someText(lookup(lookup(of, 'ancestors', evaluation), 'name', evaluation), evaluation, has);
      };
    },
  };
}

function compileField(field: Expression | undefined, compileArgument: (argument: Expression) => Evaluate): Evaluate {
  if (field === undefined) throw new Error('a function without its field passed its check');
  return compileArgument(field);
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
    if (staticValues(argument) !== undefined) continue;
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
  return value.some((member) => someText(member, evaluation, test));
}

function plainTest(test: (text: string) => boolean): CompiledRegex {
  return { kind: 'regex', test };
}

/** Networks: `10.0.0.0/8`, `fe80::/10`, or a single address. IPv4 addresses written as IPv6 (`::ffff:…`) count as IPv4. */
function compileNetwork(network: string): CompiledRegex {
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
