// The whole language in rules: what its constructs give on an event, which bounds hold whatever a rule or an event does, and that an
// event is never changed.
import { describe, expect, it } from 'vitest';
import type { EventDocument } from '../../event/document.ts';
import { compile, compilePredicate } from '../../rules/expression/compile.ts';
import { createEvaluation, FUEL_PER_EVALUATION } from '../../rules/expression/evaluation.ts';
import { parseExpression } from '../../rules/expression/parse.ts';
import type { Macro } from '../../rules/expression/syntax.ts';
import { ExpressionError } from '../../rules/rule.ts';
import { LISTS } from './random-expressions.ts';

const NOW_MS = Date.UTC(2026, 2, 1, 10, 30);

const EVENT: EventDocument = {
  event: { type: ['start'], action: 'executed' },
  process: {
    name: 'bash',
    pid: 42,
    args: ['bash', '-c', 'nc 203.0.113.7 4444'],
    executable: '/usr/bin/bash',
    parent: { name: 'apache2', pid: 7 },
  },
  user: { name: 'www-data' },
  auditd: {
    paths: [
      { name: '/etc/b', nametype: 'PARENT' },
      { name: '/etc/a', nametype: 'CREATE' },
      { name: '/tmp/x', nametype: 'CREATE' },
    ],
  },
};

function read(source: string, macros?: ReadonlyMap<string, Macro>): Macro {
  const parsed = parseExpression(source, LISTS, macros);
  if (parsed.kind === 'refused') throw new Error(JSON.stringify(parsed.problems));
  return parsed;
}

function valueFrom(source: string, event: unknown = EVENT): unknown {
  const evaluation = createEvaluation(event, NOW_MS, FUEL_PER_EVALUATION);
  return compile(read(source).expression)(event, evaluation);
}

function codeOf(source: string, event: unknown = EVENT): string {
  try {
    valueFrom(source, event);
    return 'none';
  } catch (error) {
    if (error instanceof ExpressionError) return error.code;
    throw error;
  }
}

describe('the language', () => {
  it.each([
    ['process.*[$ = "bash"]', ['bash', 'bash']],
    ['$count(**.name)', 6],
    ['auditd.paths[nametype = "CREATE"].name.%.nametype', ['CREATE', 'CREATE']],
    ['auditd.paths^(name).name', ['/etc/a', '/etc/b', '/tmp/x']],
    ['auditd.paths^(>nametype, name)[0].name', '/etc/b'],
    ['auditd.paths{nametype: $count(name)}', { PARENT: 1, CREATE: 2 }],
    ['auditd.paths#$i[nametype = "CREATE"].$i', [1, 2]],
    ['auditd.paths@$p.$$.process.args@$a[$contains($a, "nc")].($a & $p.name)[0]', 'nc 203.0.113.7 4444/etc/b'],
    ['($x := process.name; $f := function($y){ $y & "-" & $x }; $f(user.name))', 'www-data-bash'],
    ['process.args ~> $filter(function($a){ $substring($a, 0, 1) = "-" }) ~> $count()', 1],
    ['$map(process.args, $substringBefore(?, " "))', ['bash', '-c', 'nc']],
    ['$map(auditd.paths.name, $basename)', ['b', 'a', 'x']],
    ['$filter(auditd.paths.name, $glob(?, "/etc/*"))', ['/etc/b', '/etc/a']],
    ['$filter(process.args, $matches(?, /[0-9]/))', 'nc 203.0.113.7 4444'],
    ['$filter(auditd.paths.name, $startswith(?, "/x", "/y", "/tmp"))', '/tmp/x'],
    ['$map(process.args, $has)', [true, true, true]],
    ['$sort($map(process.args, $entropy))[0] > 0', true],
    ['$filter(process.parent, $descends_from({"parent": process.parent}, ?)) = nothing', false],
    ['($p := "/tmp/*"; $glob(auditd.paths.name, $p))', true],
    ['($known := ["apache2", "nginx"]; $is(process.parent.name, $known))', true],
    ['($net := "203.0.113.0/24"; $cidr($match(process.args[2], /[0-9.]+/)[0].match, $net))', true],
    ['$reduce([1..5], function($a, $b){ $a * $b })', 120],
    ['($ ~> |process|{"name": "sh"}|).process.name', 'sh'],
    ['$sort(auditd.paths, function($a, $b){ $a.name > $b.name })[0].name', '/etc/a'],
    ['$replace("a=1;b=2", /([a-z])=([0-9])/, "$2=$1")', '1=a;2=b'],
    ['$split(process.args[2], /\\s+/)[1]', '203.0.113.7'],
    ['$fromMillis($millis(), "[H01]:[m01]")', '10:30'],
    ['$now()', '2026-03-01T10:30:00.000Z'],
    ['$now("[Y]/[M01]")', '2026/03'],
    ['$toMillis("11:00", "[H01]:[m01]") - $millis()', 1_800_000],
    ['$formatNumber(process.pid, "#,##0.00")', '42.00'],
    ['$single(process.args, function($a){ $a = "-c" })', '-c'],
    ['process.nothing ?: process.name', 'bash'],
    ['(process.nothing ?? null) = null', true],
    ['{"who": user.name, "what": process.name}.who', 'www-data'],
    ['process.args[][0]', ['bash']],
    ['$length("😀x")', 2],
  ])('%s', (source, expected) => {
    expect(JSON.parse(JSON.stringify(valueFrom(source) ?? null))).toEqual(expected);
  });

  it('is refused with its reason where it is no function of the event', () => {
    for (const name of ['random', 'shuffle', 'eval']) {
      const parsed = parseExpression(`$${name}("a")`, LISTS);
      expect(parsed.kind === 'refused' ? parsed.problems[0]?.message : '').toContain(`$${name} is refused: it `);
    }
  });

  it('takes named expressions, evaluated where they stand', () => {
    const first = read('$contains($, "etc")');
    const macros = new Map([['in_etc', first]]);
    const second = read('$count(auditd.paths.name[$in_etc]) > 1 and process.name in $shells', macros);
    const parsed = read('$two_in_etc', new Map([...macros, ['two_in_etc', second]]));
    expect([...parsed.macros].toSorted()).toEqual(['in_etc', 'two_in_etc']);
    expect([...parsed.lists]).toEqual(['shells']);
    expect(compilePredicate(parsed.expression)(EVENT, NOW_MS)).toBe(true);
  });

  it('keeps a macro’s variables to the macro', () => {
    const macros = new Map([
      ['named', read('($x := "inner"; $x) = "inner"')],
      ['bare', read('$y := "inner"')],
    ]);
    expect(
      compilePredicate(read('($x := 1; $y := 2; $named and $bare = "inner" and $x + $y = 3)', macros).expression)(
        EVENT,
        0,
      ),
    ).toBe(true);
  });

  it('refuses macros that would double the tree at each level', () => {
    let macros = new Map([['m0', read('process.name = "bash" or process.name = "sh"')]]);
    for (let level = 1; level < 40; level += 1) {
      const parsed = parseExpression(`$m${level - 1} and $m${level - 1}`, LISTS, macros);
      if (parsed.kind === 'refused') {
        expect(parsed.problems[0]?.message).toMatch(/too large/);
        return;
      }
      macros = new Map([...macros, [`m${level}`, parsed]]);
    }
    throw new Error('nothing was refused');
  });
});

describe('bounds', () => {
  it.each([
    ['($f := function($n){ 1 + $f($n + 1) }; $f(0))', 'D1011'],
    ['($f := function($n){ $map([1, 2], function($x){ 1 + $f($n + 1) }) }; $f(0))', 'D1011'],
    ['($f := function($n){ (function($a){ 1 + $n($n) })(1) }; $f($f))', 'D1011'],
    ['($f := function($n){ [3, 2, 1]^($f($n + 1)) & "x" }; $f(0))', 'D1011'],
    ['($f := function($n){ ($ ~> |process|{"x": $f($n + 1)}|) & "" }; $f(0))', 'D1011'],
    ['($f := function(){ $f() }; $f())', 'fuel'],
    ['($f := function($g, $n){ $n = 0 ? $g : $f($g(?), $n - 1) }; $f($string, 50000)(1))', 'D1011'],
    ['($f := $string; $g := function($h){ $h ~> $h }; $f($g($g($g($g($g($g($g($g($g($g($g($g($f))))))))))))))', 'none'],
    ['[1..1e9]', 'D2014'],
    ['$count([1..9999999])', 'fuel'],
    ['$map([1..3000], function($i){ [1..3000] })', 'fuel'],
    ['$pad("", 1000000000)', 'fuel'],
    ['$pad("x", -1e15, "abc")', 'fuel'],
    ['($f := function($a, $n){ $n = 0 ? $a : $f($a & $a, $n - 1) }; $f("abc", 60))', 'fuel'],
    ['($f := function($a, $n){ $n = 0 ? $a : $f($append($a, $a), $n - 1) }; $f([1, 2], 60))', 'fuel'],
    ['($f := function($a, $n){ $n = 0 ? $a : $f([$a, $a], $n - 1) }; $string($f([1], 60)))', 'fuel'],
    ['$replace($pad("", 4000, "a"), "a", $pad("", 4000, "b"))', 'fuel'],
    ['$replace($pad("", 4000, "a"), /a/, $pad("", 4000, "b"))', 'fuel'],
    ['$match($pad("", 100000, "a"), /a(.*b)?/)', 'fuel'],
    ['$sort([1..300000])', 'fuel'],
    ['$distinct([1..9000].{"a": $})', 'fuel'],
    ['($f := function($a, $n){ $n = 0 ? $string($a) : $f([[$a]], $n - 1) }; $f(1, 5000))', 'depth'],
    ['($f := function($a, $n){ $n = 0 ? $clone($a) : $f({"a": $a}, $n - 1) }; $f({}, 5000))', 'depth'],
    [
      '($f := function($a, $n){ $n = 0 ? $f2($a) : $f({"a": $a}, $n - 1) }; $f2 := function($a){ $a.** }; $f(1, 5000))',
      'depth',
    ],
    ['$formatNumber(1, $pad("", 300, "0"))', 'fuel'],
    ['$fromMillis(0, "[Y,500000000-500000000]")', 'fuel'],
    ['$formatInteger(1e15, "I")', 'fuel'],
    ['$string(($ ~> |process|{"self": $}|))', 'depth'],
  ])('%s: %s', (source, code) => {
    expect(codeOf(source)).toBe(code);
  });

  it('spends the same fuel each time, so that a replay ends where the live engine did', () => {
    const { expression } = read('$count($filter(process.args, function($a){ $contains($a, "a") })) = 1');
    const spent = [0, 1, 2].map(() => {
      const meter = { spent: 0 };
      compilePredicate(expression)(EVENT, NOW_MS, meter);
      return meter.spent;
    });
    expect(new Set(spent).size).toBe(1);
  });

  it('refuses long and deep texts before the parser sees them', () => {
    for (const text of ['[', '(', '{"a":', 'a[', 'a^(', '$not(', 'function($x){']) {
      const parsed = parseExpression(text.repeat(2_000).slice(0, 16_000), LISTS);
      expect(parsed.kind === 'refused' ? parsed.problems[0]?.message : '', text).toMatch(/nested too deeply/);
    }
    const literal = parseExpression(`"${'x'.repeat(10_000_000)}"`, LISTS);
    expect(literal.kind === 'refused' ? literal.problems[0]?.code : '').toBe('expression/too-long');
  });
});

describe('events stay as they are', () => {
  const frozen = (value: unknown): unknown => {
    if (typeof value !== 'object' || value === null) return value;
    for (const inner of Object.values(value)) frozen(inner);
    return Object.freeze(value);
  };

  it.each([
    'a{"k": 1}',
    'a[]',
    'list[]{"k": $}',
    '$ ~> |$$.object|{"evil": true}|',
    '$ ~> |object|{"evil": $$.list}, ["x"]|',
    '($x := object; $ ~> |$x|{"evil": true}|)',
    '$merge([object, {"evil": 1}])',
    '$append(list, "evil")',
    '$sort(list, function($a, $b){ true })',
    '$reverse(list)',
    'list#$i.{"i": $i}',
    'list@$v.{"v": $v}',
    'list^($)',
    '($ ~> |**|{"evil": 1}|)',
    '($clone := function($x){ $x }; $ ~> |object|{"evil": 1}|)',
    '$each(object, function($v, $k, $o){ $o })',
    '$spread(object)',
  ])('%s', (source) => {
    const event = { a: [], list: ['b', 'a'], object: { x: 1, y: [] } };
    const before = JSON.stringify(event);
    valueFrom(source, frozen(event));
    valueFrom(source, event);
    expect(JSON.stringify(event)).toBe(before);
  });

  it('takes __proto__ for a name like any other', () => {
    const event = JSON.parse(
      '{"k": "__proto__", "v": {"polluted": true}, "o": {"__proto__": {"inner": 1}}}',
    ) as EventDocument;
    for (const source of [
      '{k: v}',
      '$merge([{k: v}, o])',
      '$ ~> |$|{k: v}|',
      '$ ~> |o|{}, k|',
      '$spread(o)',
      '$sift(o, function($x){ true })',
      '($`__proto__` := v; 1)',
      'v@$__proto__.{"a": $__proto__}',
      'v#$__proto__.{"a": $__proto__}',
      '(function($__proto__){ $__proto__ })(v)',
      'o{k: v}',
      '$keys([o, {k: v}])',
    ]) {
      try {
        valueFrom(source, event);
      } catch (error) {
        expect(String(error), source).toMatch(/JSONata|expression/);
      }
      expect(({} as Record<string, unknown>)['polluted'], source).toBeUndefined();
    }
    expect(valueFrom('$keys({k: v})', event)).toEqual('__proto__');
    expect(valueFrom('$lookup({k: v}, "__proto__").polluted', event)).toBe(true);
    expect(valueFrom('o.`__proto__`.inner', event)).toBe(1);
    expect(valueFrom('($ ~> |$|{k: v}|).`__proto__`.polluted', event)).toBe(true);
  });

  it('takes no object of an event for a function', () => {
    const event = {
      f: { _jsonata_function: true, _jsonata_lambda: true, implementation: 'x', arguments: [], body: {} },
    };
    expect(codeOf('($g := f; $g(1))', event)).toBe('T1006');
    expect(valueFrom('$type(f)', event)).toBe('object');
    expect(codeOf('$map([1], f)', event)).toBe('T0410');
  });
});
