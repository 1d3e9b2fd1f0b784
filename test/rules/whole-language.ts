// Random expressions over the whole language and random events for them, from a seed: every construct and every function that the
// official engine can be asked about. Most are small, many fail, on purpose: error codes are compared too.

import type { Random } from '../harness/random.ts';
import { NAMES } from './random-expressions.ts';

function below(random: Random, bound: number): number {
  return Math.floor(random() * bound);
}

function oneOf<T>(random: Random, all: readonly T[]): T {
  return all[below(random, all.length)] as T;
}

const TEXTS = [
  'bash',
  'sh',
  'apache2',
  'start',
  '/usr/bin/bash',
  '-c',
  '0',
  '12',
  '',
  'CREATE',
  'Bash',
  'a b',
  'ÄÖü',
  'ſéK',
] as const;
const NUMBERS = [0, 1, 2, 3, -1, 22, 42, 1.5, -2.5, 0.1, 1e21, 123456.789] as const;

const KNOWN = [
  'process.name',
  'process.parent.name',
  'process.args',
  'event.type',
  'process.pid',
  'auditd.paths.name',
  'auditd.paths',
  'process',
  'list',
] as const;

/** An event whose well-known fields are mostly there, of mostly the right type. */
export function randomEvent(random: Random): Record<string, unknown> {
  const value = (depth: number): unknown => {
    const choice = below(random, depth > 3 ? 8 : 12);
    if (choice < 5) return oneOf(random, TEXTS);
    if (choice < 7) return oneOf(random, NUMBERS);
    if (choice === 7) return oneOf(random, [true, false, null]);
    if (choice < 10) return Array.from({ length: below(random, 4) }, () => value(depth + 1));
    return object(depth + 1);
  };
  const object = (depth: number): Record<string, unknown> =>
    Object.fromEntries(Array.from({ length: below(random, 5) }, () => [oneOf(random, NAMES), value(depth)]));
  const some = (usual: () => unknown): unknown => (random() < 0.75 ? usual() : value(1));
  const texts = (): unknown => Array.from({ length: below(random, 4) }, () => oneOf(random, TEXTS));
  const path = (): unknown => ({
    name: some(() => oneOf(random, TEXTS)),
    nametype: oneOf(random, ['CREATE', 'DELETE', 'PARENT']),
    ...(random() < 0.3 ? { list: value(2) } : {}),
  });
  return {
    ...object(0),
    process: some(() => ({
      name: some(() => oneOf(random, TEXTS)),
      pid: some(() => oneOf(random, NUMBERS)),
      args: some(texts),
      parent: some(() => ({ name: oneOf(random, TEXTS), pid: oneOf(random, NUMBERS) })),
    })),
    event: some(() => ({ type: some(texts), name: value(2) })),
    auditd: some(() => ({ paths: some(() => Array.from({ length: below(random, 4) }, path)) })),
    list: value(0),
  };
}

const REGEXES = [
  '/bash/',
  '/^\\/usr/',
  '/B/i',
  '/^-[a-z]$/',
  '/^$/',
  '/a.*2/',
  '/(sh|zsh)$/',
  '/[0-9]+/',
  '/([a-z])([a-z])?/',
  '/[^a-z]/i',
  '/x*/',
  '/\\s|h/',
  '/(b)|(s)/',
  '/\\bsh\\b/',
  '/[aeiou]{1,2}/m',
] as const;

/** How many arguments, and which functions of the language take them; what they make of other types is part of the test. */
const FUNCTIONS: readonly (readonly [name: string, args: string])[] = [
  ['string', 'v'],
  ['string', 'vb'],
  ['length', 't'],
  ['substring', 'tn'],
  ['substring', 'tnn'],
  ['substringBefore', 'tt'],
  ['substringAfter', 'tt'],
  ['uppercase', 't'],
  ['lowercase', 't'],
  ['trim', 't'],
  ['pad', 'tn'],
  ['pad', 'tnt'],
  ['contains', 'tt'],
  ['contains', 'tr'],
  ['split', 'tt'],
  ['split', 'tr'],
  ['split', 'ttn'],
  ['split', 'trn'],
  ['join', 'a'],
  ['join', 'at'],
  ['match', 'tr'],
  ['match', 'trn'],
  ['replace', 'ttt'],
  ['replace', 'trt'],
  ['replace', 'trtn'],
  ['replace', 'trl'],
  ['base64encode', 't'],
  ['base64decode', 't'],
  ['encodeUrl', 't'],
  ['encodeUrlComponent', 't'],
  ['decodeUrl', 't'],
  ['decodeUrlComponent', 't'],
  ['number', 'v'],
  ['abs', 'n'],
  ['floor', 'n'],
  ['ceil', 'n'],
  ['round', 'n'],
  ['round', 'nn'],
  ['power', 'nn'],
  ['sqrt', 'n'],
  ['formatBase', 'n'],
  ['formatBase', 'nn'],
  ['formatNumber', 'np'],
  ['formatInteger', 'ni'],
  ['parseInteger', 'ti'],
  ['sum', 'a'],
  ['max', 'a'],
  ['min', 'a'],
  ['average', 'a'],
  ['boolean', 'v'],
  ['not', 'v'],
  ['exists', 'v'],
  ['count', 'v'],
  ['append', 'vv'],
  ['sort', 'a'],
  ['sort', 'ac'],
  ['reverse', 'a'],
  ['distinct', 'a'],
  ['zip', 'aa'],
  ['zip', 'aaa'],
  ['keys', 'v'],
  ['lookup', 'vt'],
  ['spread', 'v'],
  ['merge', 'v'],
  ['sift', 'vl'],
  ['each', 'vl'],
  ['error', 't'],
  ['assert', 'bt'],
  ['type', 'v'],
  ['map', 'al'],
  ['filter', 'al'],
  ['single', 'al'],
  ['reduce', 'a2'],
  ['reduce', 'a2v'],
  ['clone', 'v'],
  ['toMillis', 'd'],
  ['fromMillis', 'n'],
  ['uppercase', ''],
  ['string', ''],
  ['keys', ''],
  ['substring', 'n'],
  ['contains', 't'],
  ['exists', ''],
  ['lowercase', 'tt'],
];

const PROCEDURES = [
  '$uppercase',
  '$string',
  '$count',
  '$exists',
  '$number',
  '$sum',
  '$keys',
  '$type',
  '$length',
  '$boolean',
  '$not',
] as const;

class Writer {
  readonly #random: Random;
  /** Names in sight, with their `$`. */
  readonly #names: string[] = [];

  constructor(random: Random) {
    this.#random = random;
  }

  #pick(...all: readonly (() => string)[]): string {
    return oneOf(this.#random, all)();
  }

  #one(all: readonly string[]): string {
    return oneOf(this.#random, all);
  }

  text(): string {
    return JSON.stringify(oneOf(this.#random, TEXTS));
  }

  number(): string {
    return String(oneOf(this.#random, NUMBERS));
  }

  #literal(): string {
    return this.#pick(
      () => this.text(),
      () => this.text(),
      () => this.number(),
      () => this.#one(['true', 'false', 'null']),
    );
  }

  #variable(): string {
    return this.#names.length > 0 && this.#random() < 0.8
      ? this.#one(this.#names)
      : this.#one(['$', '$$', '$shells', '$ports']);
  }

  #within<T>(names: readonly string[], write: () => T): T {
    this.#names.push(...names);
    const written = write();
    this.#names.length -= names.length;
    return written;
  }

  #filter(depth: number): string {
    return this.#pick(
      () => this.#one(['[0]', '[-1]', '[1]', '[[0, -1]]', '[-2]', '[1.5]', '[pid]', '[[]]', '[[0..1]]']),
      () => this.#one(['[$ = "bash"]', '[nametype="CREATE"]', '[$ in ["-c", "sh"]]', '[name]', '[$$.process.pid]']),
      () => `[${this.condition(depth - 1)}]`,
    );
  }

  #step(depth: number): string {
    const bare = this.#pick(
      () => this.#one(NAMES),
      () => this.#one(NAMES),
      () => this.#one(NAMES),
      () => this.#one(['*', '**', '%', '`name`', '"name"', '$']),
      () =>
        depth > 1
          ? this.#pick(
              () => `(${this.value(depth - 2)})`,
              () => `{"k": ${this.value(depth - 2)}, ${this.text()}: $}`,
              () => `[${this.value(depth - 2)}, $]`,
              () => `$${this.#one(['uppercase', 'string', 'keys', 'count', 'type'])}($)`,
            )
          : this.#one(NAMES),
    );
    return bare + (depth > 0 && this.#random() < 0.3 ? this.#filter(depth - 1) : '');
  }

  #plainPath(depth: number): string {
    if (this.#random() < 0.5) return this.#one(KNOWN);
    return Array.from({ length: 1 + below(this.#random, 3) }, () => this.#step(depth)).join('.');
  }

  path(depth: number): string {
    return this.#pick(
      () => this.#plainPath(depth),
      () => this.#plainPath(depth),
      () => this.#plainPath(depth),
      () => `${this.#plainPath(depth)}[]`,
      () => `${this.#variable()}.${this.#step(depth)}`,
      () =>
        `${this.#plainPath(depth)}^(${this.#one(['', '<', '>'])}${this.#one(['name', '$', 'pid', 'nametype', '$string($)'])})`,
      () => `${this.#plainPath(depth)}^(>${this.#one(['name', 'nametype'])}, name)${this.#one(['', '[0]', '.name'])}`,
      () =>
        `${this.#plainPath(depth)}{${this.#one(['name', 'nametype', '"k"', '$string($)'])}: ${this.value(depth - 1)}}`,
      () => this.#bindingPath(depth),
      () => this.#parentPath(depth),
      () => `(${this.#plainPath(depth)})${this.#one(['[0]', '[-1]', '[]', '{"k": $}'])}`,
    );
  }

  #bindingPath(depth: number): string {
    const of = this.#one(['auditd.paths', 'process.args', 'process', 'list', 'event.type', 'process.parent']);
    return this.#pick(
      () => this.#within(['$p'], () => `${of}@$p.${this.#step(depth)}`),
      () => this.#within(['$i'], () => `${of}#$i.{"i": $i, "of": ${this.value(depth - 1)}}`),
      () =>
        this.#within(['$i'], () => `${of}#$i[$i = ${this.#one(['0', '1', '-1'])}]${this.#one(['', '.name', '[0]'])}`),
      () =>
        this.#within(
          ['$p', '$a'],
          () => `${of}@$p.$$.process.args@$a[${this.condition(depth - 1)}].{"p": $p, "a": $a}`,
        ),
      () =>
        this.#within(['$p'], () => `${of}@$p.$$.auditd.paths[name = $p.name].${this.#one(['nametype', 'name', '$p'])}`),
      () => this.#within(['$p', '$i'], () => `${of}@$p#$i.($i = 0 ? $p : ${this.value(depth - 1)})`),
      () => this.#within(['$i'], () => `${of}#$i^(${this.#one(['name', '$', '$i'])}).$string($i)`),
      () => this.#within(['$i'], () => `${of}#$i{$string($i): ${this.value(depth - 1)}}`),
      () => this.#within(['$i'], () => `${of}[${this.condition(depth - 1)}]#$i.$i`),
    );
  }

  #parentPath(depth: number): string {
    return this.#one([
      'auditd.paths.name.%.nametype',
      'auditd.paths.{"n": name, "p": %.paths[0].name}',
      'process.parent.name.(%.%.name)',
      'process.args.{"a": $, "n": %.name}',
      'process.*.name.%.pid',
      'auditd.paths[%.paths[0].name = name].name',
      'auditd.paths.(name & %.%.process.name)',
      `process.args[$ = %.name]${this.#filter(depth - 1)}`,
      'auditd.paths^(%.name, name).name',
    ]);
  }

  #lambda(parameters: number, depth: number): string {
    const names = ['$x', '$y', '$z'].slice(0, parameters);
    const signature =
      this.#random() < 0.15
        ? this.#one(
            [['<x>', '<s>', '<n:n>', '<s-:s>', '<a>'], ['<xx>', '<nn:n>', '<sx?>'], ['<xxx>']][parameters - 1] ?? [''],
          )
        : '';
    return this.#within(names, () => `function(${names.join(', ')})${signature}{${this.value(depth - 1)}}`);
  }

  #procedure(depth: number): string {
    return this.#pick(
      () => this.#lambda(1, depth),
      () => this.#lambda(1, depth),
      () => this.#lambda(2, depth),
      () => this.#lambda(3, depth),
      () => this.#one(PROCEDURES),
      () =>
        this.#one([
          '$substringBefore(?, "s")',
          '$contains(?, "a")',
          '$append(?, 1)',
          '$lookup(?, "name")',
          '$power(?, 2)',
          '$join(?, "-")',
        ]),
      () => this.#one(REGEXES.filter((regex) => regex !== '/x*/')),
    );
  }

  #argument(kind: string, depth: number): string {
    const random = this.#random();
    if (random < 0.1) return this.value(depth - 1);
    switch (kind) {
      case 't':
        return random < 0.5
          ? this.text()
          : this.#one(['process.name', 'process.parent.name', 'event.type', '$string(process.pid)']);
      case 'n':
        return random < 0.7
          ? this.number()
          : this.#one(['process.pid', '$count(process.args)', '$length(process.name)']);
      case 'b':
        return this.condition(depth - 1);
      case 'a':
        return this.#pick(
          () =>
            this.#one([
              'process.args',
              'auditd.paths',
              '[3, 1, 2]',
              '["b", "a", "b"]',
              '[0..3]',
              'event.type',
              '[[1, 2], [3]]',
            ]),
          () => this.path(depth - 1),
        );
      case 'r':
        return this.#one(REGEXES);
      case 'l':
        return this.#procedure(depth - 1);
      case 'c':
        return this.#pick(
          () => 'function($l, $r){$l > $r}',
          () => 'function($l, $r){$string($l) < $string($r)}',
          () => this.#lambda(2, depth - 1),
        );
      case '2':
        return this.#pick(
          () => 'function($i, $j){$i & $j}',
          () => this.#lambda(2, depth - 1),
          () => '$append',
        );
      case 'p':
        return this.#one(['"#,##0.00"', '"0"', '"000.0%"', '"#0.#e0"', '"x"', '"##,0"']);
      case 'i':
        return this.#one(['"w"', '"W"', '"I"', '"i"', '"A"', '"0001"', '"1st"', '"1;o"', '"#,##0"']);
      case 'd':
        return this.#one(['"2017-05-15T15:12:59.152Z"', '"2018-02"', '"2018-13-45"', '"x"', 'process.name']);
      default:
        return this.value(depth - 1);
    }
  }

  #call(depth: number): string {
    const [name, kinds] = oneOf(this.#random, FUNCTIONS);
    const args = [...kinds].map((kind) => this.#argument(kind, depth));
    const [first, ...rest] = args;
    if (first !== undefined && this.#random() < 0.15) return `(${first} ~> $${name}(${rest.join(', ')}))`;
    return `$${name}(${args.join(', ')})`;
  }

  #block(depth: number): string {
    const name = this.#one(['$v', '$w', '$u']);
    const of = this.#random() < 0.6 ? this.value(depth - 1) : this.#procedure(depth - 1);
    return this.#within([name], () =>
      this.#pick(
        () => `(${name} := ${of}; ${this.value(depth - 1)})`,
        () => `(${name} := ${of}; ${this.value(depth - 2)}; ${this.value(depth - 1)})`,
        () => `(${name} := ${of}; ${name}(${this.value(depth - 2)}))`,
        () => `(${name} := ${of}; (${name} := ${this.value(depth - 2)}; ${name}) & ${name})`,
        () =>
          `(${name} := function($n){$n <= 0 ? ${this.value(depth - 2)} : ${name}($n - 1)}; ${name}(${this.#one(['2', '3'])}))`,
      ),
    );
  }

  #object(depth: number): string {
    return this.#pick(
      () => `{"a": ${this.value(depth - 1)}}`,
      () => `{"a": ${this.value(depth - 1)}, ${this.text()}: ${this.value(depth - 2)}}`,
      () => `{${this.value(depth - 1)}: ${this.value(depth - 2)}}`,
    );
  }

  #transform(depth: number): string {
    const pattern = this.#one([
      'process',
      'auditd.paths',
      '$',
      'process.parent',
      'auditd.paths[nametype = "CREATE"]',
      'nothing',
      '**[pid]',
    ]);
    const remove = this.#one(['', ', "name"', ', ["name", "pid"]', ', pid']);
    return `(${this.#one(['$', '$$', 'process', this.path(depth - 1)])} ~> |${pattern}|${this.#object(depth - 1)}${remove}|)`;
  }

  value(depth: number): string {
    if (depth <= 0)
      return this.#pick(
        () => this.#literal(),
        () => this.#one(KNOWN),
        () => this.#variable(),
      );
    return this.#pick(
      () => this.#literal(),
      () => this.path(depth),
      () => this.path(depth),
      () => this.path(depth),
      () => this.#variable(),
      () => this.#call(depth),
      () => this.#call(depth),
      () => this.#call(depth),
      () => this.#call(depth),
      () => `(${this.value(depth - 1)} ${this.#one(['+', '-', '*', '/', '%', '&', '&'])} ${this.value(depth - 1)})`,
      () => `-${this.path(depth - 1)}`,
      () => `[${Array.from({ length: below(this.#random, 4) }, () => this.value(depth - 1)).join(', ')}]`,
      () => `[${this.#one(['0', '1', '-1', 'process.pid'])}..${this.#one(['2', '3', '$count(list)', '0'])}]`,
      () => this.#object(depth),
      () => `(${this.condition(depth - 1)} ? ${this.value(depth - 1)} : ${this.value(depth - 1)})`,
      () => `(${this.condition(depth - 1)} ? ${this.value(depth - 1)})`,
      () => `(${this.path(depth - 1)} ${this.#one(['?:', '??'])} ${this.value(depth - 1)})`,
      () => `(${this.condition(depth - 1)})`,
      () => this.#block(depth),
      () => this.#block(depth),
      () => this.#transform(depth),
      () => `(${this.value(depth - 1)} ~> ${this.#procedure(depth - 1)})`,
      () => `(${this.#procedure(depth - 1)} ~> ${this.#procedure(depth - 1)})(${this.value(depth - 1)})`,
      () => `${this.#lambda(1, depth - 1)}(${this.value(depth - 1)})`,
      () =>
        `$map(${this.#argument('a', depth)}, ${this.#procedure(depth - 1)})${this.#one(['', '[0]', '[]', '.name'])}`,
    );
  }

  condition(depth: number): string {
    if (depth <= 0) {
      return `${this.#one(KNOWN)} ${this.#one(['=', '!=', 'in'])} ${this.#literal()}`;
    }
    return this.#pick(
      () =>
        `${this.#one(KNOWN)} ${this.#one(['=', 'in'])} ${this.#pick(
          () => this.#literal(),
          () => this.#one(['$shells', '$ports', '$one']),
        )}`,
      () => `${this.#literal()} in ${this.#one(KNOWN)}`,
      () => `${this.value(depth - 1)} ${this.#one(['=', '!=', '<', '<=', '>', '>=', 'in'])} ${this.value(depth - 1)}`,
      () => `(${this.condition(depth - 1)} ${this.#one(['and', 'or'])} ${this.condition(depth - 1)})`,
      () => `$not(${this.condition(depth - 1)})`,
      () => `$exists(${this.path(depth - 1)})`,
      () =>
        `$contains(${this.path(depth - 1)}, ${this.#pick(
          () => this.text(),
          () => this.#one(REGEXES),
        )})`,
      () => `$boolean(${this.value(depth - 1)})`,
    );
  }
}

/** A random expression: one in two is a condition, the rest are any values. */
export function randomExpression(random: Random): string {
  const writer = new Writer(random);
  const depth = 1 + below(random, 4);
  return random() < 0.4 ? writer.condition(depth) : writer.value(depth);
}
