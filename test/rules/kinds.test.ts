// The words of rules on many events: what each becomes, and what cannot be, with its place. Macros and rules that name rules too.
import { describe, expect, it } from 'vitest';
import { formatDiagnostic } from '../../rules/diagnostic.ts';
import type { RuleKind } from '../../rules/kind.ts';
import type { Rule, RuleSet } from '../../rules/rule.ts';
import { type RuleFile, readRuleSource, readRules, readRuleText } from '../../rules/rule-files.ts';

const HEAD = 'id: many\nname: Many\nseverity: high\n';
const MATCH = 'match: event.action = "executed"\n';

function read(text: string): RuleSet {
  return readRuleText('many.yaml', HEAD + text, new Map());
}

function only(text: string): Rule {
  const { rules, diagnostics } = read(text);
  const [rule] = rules;
  if (rule === undefined) throw new Error(diagnostics.map(formatDiagnostic).join('\n'));
  return rule;
}

/** Without its functions. */
function plainKind(kind: RuleKind): unknown {
  return JSON.parse(JSON.stringify(kind));
}

describe('the words of a kind', () => {
  it.each<readonly [string, string, unknown]>([
    ['none', '', { kind: 'single' }],
    [
      'threshold',
      'threshold: { count: 5, within: 5m }',
      { kind: 'threshold', count: 5, withinMs: 300_000, mode: 'episode' },
    ],
    [
      'threshold that begins anew',
      'threshold: { count: 5, within: 5m, mode: restart }',
      { kind: 'threshold', count: 5, withinMs: 300_000, mode: 'restart' },
    ],
    [
      'distinct',
      'distinct: { field: destination.ip, above: 20, within: 1h }',
      { kind: 'distinct', field: 'destination.ip', above: 20, withinMs: 3_600_000 },
    ],
    [
      'new_value',
      'new_value: { fields: [process.executable], learn: 30d }',
      {
        kind: 'new_value',
        fields: ['process.executable'],
        learnMs: 2_592_000_000,
        rememberMs: 2_592_000_000,
        missing: 'skip',
      },
    ],
    [
      'change',
      'change: { fields: [user.effective.name], within: 1h, missing: value }',
      { kind: 'change', fields: ['user.effective.name'], withinMs: 3_600_000, missing: 'value' },
    ],
    [
      'spike',
      'spike: { factor: 3, within: 1h, direction: both, at_least: 20 }',
      { kind: 'spike', factor: 3, withinMs: 3_600_000, direction: 'both', atLeast: 20 },
    ],
    [
      'spike of a figure',
      'spike: { p95: network.bytes, factor: 3, within: 1h }',
      {
        kind: 'spike',
        factor: 3,
        withinMs: 3_600_000,
        direction: 'up',
        atLeast: 1,
        metric: { aggregate: { percentile: 95 }, field: 'network.bytes' },
      },
    ],
    [
      'spike as ElastAlert has it',
      'spike: { factor: 3, within: 1h, mode: restart, now_at_least: 5 }',
      {
        kind: 'spike',
        factor: 3,
        withinMs: 3_600_000,
        direction: 'up',
        atLeast: 1,
        metric: undefined,
        restart: { everyMs: 60_000, nowAtLeast: 5, beforeAtLeast: 0, isKept: true },
      },
    ],
    ['absence', 'absence: { fewer_than: 1, within: 10m }', { kind: 'absence', fewerThan: 1, withinMs: 600_000 }],
    [
      'ratio',
      'ratio: { of: event.outcome = "failure", above: 0.2, at_least: 50, within: 10m }',
      { kind: 'ratio', ofSource: 'event.outcome = "failure"', above: 0.2, atLeast: 50, withinMs: 600_000 },
    ],
    [
      'metric',
      'metric: { avg: network.bytes, above: 1e6, within: 5m }',
      {
        kind: 'metric',
        metric: { aggregate: 'avg', field: 'network.bytes' },
        above: 1_000_000,
        atLeast: 1,
        withinMs: 300_000,
      },
    ],
    [
      'metric, any percentile',
      'metric: { percentile: { rank: 97.5, field: network.bytes }, below: 3, within: 5m }',
      {
        kind: 'metric',
        metric: { aggregate: { percentile: 97.5 }, field: 'network.bytes' },
        below: 3,
        atLeast: 1,
        withinMs: 300_000,
      },
    ],
  ])('%s', (_name, line, kind) => {
    expect(plainKind(only(`${MATCH}${line}\n`).kind)).toEqual(kind);
  });

  it('sequence: steps with joins, absences and an end; `match` is what all have in common', () => {
    const rule = only(`by: [host.id, process.entity_id]
match: event.action = "executed"
sequence:
  within: 1m
  steps:
    - match: process.name = "curl"
    - absent: process.name = "sha256sum"
    - match: process.name = "sh"
      by: [host.id, process.parent.entity_id]
  until: process.name = "exit"
`);
    expect(plainKind(rule.kind)).toEqual({
      kind: 'sequence',
      withinMs: 60_000,
      steps: [
        { source: 'process.name = "curl"', by: ['host.id', 'process.entity_id'], isAbsent: false },
        { source: 'process.name = "sha256sum"', by: ['host.id', 'process.entity_id'], isAbsent: true },
        { source: 'process.name = "sh"', by: ['host.id', 'process.parent.entity_id'], isAbsent: false },
      ],
      untilSource: 'process.name = "exit"',
    });
    expect(rule.match({ event: { action: 'executed' } }, 0)).toBe(true);
  });

  it('a sequence without `match` needs one of its steps', () => {
    const rule = only(
      'sequence: { within: 1m, steps: [{ match: process.name = "a" }, { match: process.name = "b" }] }\n',
    );
    expect(rule.match({}, 0)).toBe(true);
    expect(
      JSON.stringify(rule.necessary, (_key, value: unknown) => (value instanceof Set ? [...value] : value)),
    ).toMatch(/"a".*"b"/);
  });

  it('together: of detections, so no event matches', () => {
    const rule = only('together: { rules: [a, b], within: 10m, ordered: true }\n');
    expect(plainKind(rule.kind)).toEqual({ kind: 'together', rules: ['a', 'b'], withinMs: 600_000, isOrdered: true });
    expect(rule.match({ event: { action: 'executed' } }, 0)).toBe(false);
  });

  it('lateness', () => {
    expect(only(MATCH).latenessMs).toBe(10_000);
    expect(only(`${MATCH}lateness: 2m\n`).latenessMs).toBe(120_000);
  });
});

describe('what cannot be', () => {
  it.each([
    [
      'two kinds',
      `${MATCH}threshold: { count: 5, within: 5m }\nabsence: { fewer_than: 1, within: 1m }`,
      '6:10 a rule has one of `threshold` and `absence`, not both',
    ],
    ['a window of nothing', `${MATCH}threshold: { count: 5, within: 0s }`, '5:32 `0s` is out of bounds'],
    ['a count of none', `${MATCH}threshold: { count: 0, within: 5m }`, '5:21 `0` is not allowed here'],
    ['an unknown word within', `${MATCH}threshold: { cuont: 5, within: 5m }`, '5:14 unknown key `cuont`'],
    ['a kind without its words', `${MATCH}threshold: { count: 5 }`, '5:12 `threshold` needs `within`'],
    [
      'nothing between above and below',
      `${MATCH}distinct: { field: x, above: 2, below: 3, within: 1m }`,
      '5:11 nothing is more than 2 and fewer than 3',
    ],
    [
      'at most less than at least',
      `${MATCH}threshold: { count: 5, at_most: 4, within: 1m }`,
      '5:12 `at_most` (4) is less than `count` (5)',
    ],
    [
      'an upper bound with restart',
      `${MATCH}threshold: { count: 5, at_most: 6, mode: restart, within: 1m }`,
      '5:12 `at_most` does not go with `mode: restart`',
    ],
    [
      'a range and a bound',
      `${MATCH}metric: { sum: x, from: 1, above: 2, within: 1m }`,
      '5:9 this needs `above`, `below` or both, or else `from` and `to`',
    ],
    [
      'a range of nothing',
      `${MATCH}metric: { sum: x, from: 3, to: 2, within: 1m }`,
      '5:9 nothing is at least 3 and at most 2',
    ],
    [
      'cases of what looks at each match',
      'cases: [{ match: "true" }]',
      '4:9 `cases` does not go with a rule of kind `single`',
    ],
    [
      'cases of other keys',
      'by: [host.id]\ncases: [{ match: "true", by: [a, b] }]\nthreshold: { count: 2, within: 1m }',
      "5:9 the step's `by` has 2 fields, the rule's 1",
    ],
    ['no cases', 'cases: []\nthreshold: { count: 2, within: 1m }', '`cases` is empty'],
    [
      'a combination of one',
      'combination: { within: 1m, steps: [{ match: "true" }] }',
      '4:14 a combination needs at least two steps',
    ],
    [
      'more than there are',
      'combination: { within: 1m, at_least: 3, steps: [{ match: "true" }, { match: "true" }] }',
      '4:14 there are not 3 steps, but 2',
    ],
    [
      'an absence in a combination',
      'combination: { within: 1m, steps: [{ match: "true" }, { absent: "true" }] }',
      'the steps of a combination all come; none is `absent`',
    ],
    [
      'a count in order',
      'together: { rules: [a, b], within: 1m, ordered: true, count: 2 }',
      '4:11 `count` does not go with `ordered`',
    ],
    ['neither', `${MATCH}distinct: { field: x, within: 1m }`, '5:11 this needs `above`, `below` or both'],
    ['no fields', `${MATCH}change: { fields: [] }`, '5:9 `fields` is empty'],
    ['too long to learn', `${MATCH}new_value: { fields: [x], learn: 400d }`, '5:34 `400d` is out of bounds'],
    [
      'less remembered than learned',
      `${MATCH}new_value: { fields: [x], learn: 3d, remember: 1d }`,
      '5:12 `remember` (1d) is shorter than `learn` (3d)',
    ],
    ['no factor', `${MATCH}spike: { factor: 1, within: 1m }`, '5:8 `factor` must be more than 1'],
    [
      'a word of the other mode',
      `${MATCH}spike: { factor: 2, within: 1m, every: 1m }`,
      '5:8 `every` belongs to `mode: restart`',
    ],
    [
      'a word of episodes',
      `${MATCH}spike: { factor: 2, within: 1m, mode: restart, at_least: 3 }`,
      '5:8 `at_least` does not go with `mode: restart`',
    ],
    ['two figures', `${MATCH}metric: { avg: x, sum: y, above: 1, within: 1m }`, '5:9 this takes exactly one figure'],
    ['no figure', `${MATCH}metric: { above: 1, within: 1m }`, '5:9 this takes exactly one figure'],
    [
      'a figure without a bound',
      `${MATCH}metric: { avg: x, within: 1m }`,
      '5:9 this needs `above`, `below` or both, or else `from` and `to`',
    ],
    ['a share above all', `${MATCH}ratio: { of: "true", above: 1, within: 1m }`, '5:8 no share is above 1'],
    ['a mistake in `of`', `${MATCH}ratio: { of: "x = ", above: 0.1, within: 1m }`, '5:18 Unexpected end'],
    ['one step', 'sequence: { within: 1m, steps: [{ match: "true" }] }', '4:11 a sequence needs at least two steps'],
    [
      'an absence first',
      'sequence: { within: 1m, steps: [{ absent: "true" }, { match: "true" }] }',
      '4:33 a sequence begins with an event',
    ],
    [
      'both in a step',
      'sequence: { within: 1m, steps: [{ match: "true", absent: "true" }] }',
      '4:33 a step has either `match` or `absent`',
    ],
    [
      'keys of different length',
      'by: [host.id]\nsequence: { within: 1m, steps: [{ match: "true" }, { match: "true", by: [a, b] }] }',
      "5:52 the step's `by` has 2 fields, the rule's 1",
    ],
    ['a mistake in a step', 'sequence: { within: 1m, steps: [{ match: "true" }, { match: "x in" }] }', '4:'],
    ['no match', 'threshold: { count: 5, within: 5m }', '1:1 a rule needs `match`'],
    [
      'together with a match',
      `${MATCH}together: { rules: [a, b], within: 1m }`,
      '4:8 `together` is about detections: `match` has nothing to look at',
    ],
    ['together with itself alone', 'together: { rules: [a], within: 1m }', '4:11 `together` needs at least two rules'],
    ['one rule twice', 'together: { rules: [a, a], within: 1m }', '4:24 `a` stands twice'],
    ['endless lateness', `${MATCH}lateness: 2d`, '5:11 `2d` is out of bounds'],
    [
      'a time that is none',
      `${MATCH}tests: [{ name: n, events: [{ at: soon }], alerts: 0 }]`,
      '5:35 `at` is not a duration',
    ],
  ])('%s: refused, with the place and a remedy', (_name, text, expected) => {
    const set = read(`${text}\n`);
    const told = set.diagnostics.map(({ line, column, message }) => `${line}:${column} ${message}`);
    expect(told.join('\n')).toContain(expected);
    expect(set.rules).toEqual([]);
    for (const diagnostic of set.diagnostics) expect(diagnostic.remedy).not.toBe('');
  });

  it('a sequence with a mistake in it is not told to need `match`', () => {
    const { diagnostics } = read('sequence: { within: 40d, steps: [{ match: "true" }, { absnet: "true" }] }\n');
    expect(diagnostics.map(({ code }) => code)).not.toContain('rule/missing-key');
    expect(diagnostics.map(({ code }) => code)).toContain('rule/wrong-duration');
  });
});

describe('tests with times', () => {
  it('an event comes at its time, or a second after the one before, and time may pass at the end', () => {
    const rule = only(`${MATCH}tests:
  - name: late
    events: [{ event.action: a }, { at: 5m, event.action: b }, { event.action: c }]
    alerts: 0
    progress: 10m
`);
    expect(rule.tests[0]?.progressMs).toBe(600_000);
    expect(rule.tests[0]?.events.map((event) => JSON.stringify(event))).toEqual([
      '{"event":{"action":"a","created":"2026-01-01T00:00:00.000Z"}}',
      '{"event":{"action":"b","created":"2026-01-01T00:05:00.000Z"}}',
      '{"event":{"action":"c","created":"2026-01-01T00:05:01.000Z"}}',
    ]);
  });
});

describe('the version', () => {
  const base = `${MATCH}threshold: { count: 5, within: 5m }\n`;
  it.each([
    ['the count', base.replace('5,', '6,')],
    ['the window', base.replace('5m', '6m')],
    ['the mode', base.replace('5m', '5m, mode: restart')],
    ['the kind', `${MATCH}absence: { fewer_than: 5, within: 5m }\n`],
    ['the lateness', `${base}lateness: 1m\n`],
  ])('changes with %s', (_name, text) => {
    expect(only(text).version).not.toBe(only(base).version);
  });

  it('of a sequence changes with a step, its key and its end', () => {
    const sequence = (step: string, end = ''): string =>
      only(`by: [host.id]\nsequence:\n  within: 1m\n  steps:\n    - match: "true"\n    - ${step}\n${end}`).version;
    const versions = [
      sequence('match: x = 1'),
      sequence('match: x = 2'),
      sequence('absent: x = 1'),
      sequence('{ match: x = 1, by: [host.name] }'),
      sequence('match: x = 1', '  until: x = 3\n'),
    ];
    expect(new Set(versions).size).toBe(versions.length);
  });
});

describe('macros', () => {
  const file = (content: RuleFile['content'], text: string, kind: RuleFile['kind'] = 'own'): RuleFile => ({
    file: `${content}.yaml`,
    kind,
    content,
    text,
  });
  const macro = (name: string, expression: string): string =>
    `name: ${name}\nowner: us\nreason: it is\nexpression: ${expression}\n`;
  const rule = file('rules', `${HEAD}match: $is_shell_start\n`);
  const lists = file('lists', 'name: shells\nowner: us\nreason: they are\nvalues: [sh, bash]\n');

  it('stand for their expression, with lists and other macros in it, wherever those stand', () => {
    const text = `${macro('is_shell_start', '$is_start and process.name in $shells')}---\n${macro('is_start', 'event.action = "executed"')}`;
    const set = readRules([rule, lists, file('macros', text)]);
    expect(set.diagnostics.filter(({ severity }) => severity === 'error').map(formatDiagnostic)).toEqual([]);
    const [read] = set.rules;
    const event = { event: { action: 'executed' }, process: { name: 'bash' } };
    expect(read?.match(event, 0)).toBe(true);
    expect(read?.match({ ...event, process: { name: 'ls' } }, 0)).toBe(false);
    const again = readRuleSource(read?.sourceJson ?? '');
    expect(again?.version).toBe(read?.version);
    expect(again?.match(event, 0)).toBe(true);
  });

  it('an own macro replaces the shipped one', () => {
    const set = readRules([
      rule,
      file('macros', macro('is_shell_start', '1 = 2'), 'shipped'),
      file('macros', macro('is_shell_start', '1 = 1')),
    ]);
    expect(set.rules[0]?.match({}, 0)).toBe(true);
  });

  it.each([
    ['that need each other', `${macro('a', '$b')}---\n${macro('b', '$a')}`, 'macro/circle'],
    ['of a function’s name', macro('count', '1 = 1'), 'macro/taken-name'],
    ['of a list’s name', macro('shells', '1 = 1'), 'macro/duplicate-name'],
    ['that do not parse', macro('a', 'x = '), 'expression/syntax'],
    ['without an owner', 'name: a\nreason: it is\nexpression: "true"\n', 'rule/missing-key'],
  ])('%s are left out and told', (_name, text, code) => {
    const set = readRules([lists, file('macros', text)]);
    expect(set.diagnostics.map((diagnostic) => diagnostic.code)).toContain(code);
  });
});

describe('rules that name rules', () => {
  const files = (...texts: readonly string[]): RuleSet =>
    readRules(texts.map((text, place) => ({ file: `${place}.yaml`, kind: 'own', content: 'rules', text })));
  const together = (id: string, ...rules: readonly string[]): string =>
    `id: ${id}\nname: T\nseverity: low\ntogether: { rules: [${rules.join(', ')}], within: 1m }\n`;
  const single = (id: string): string => `id: ${id}\nname: S\nseverity: low\n${MATCH}`;
  const ids = (set: RuleSet): readonly string[] => set.rules.map(({ id }) => id);

  it('are loaded with them, whatever the order; of each other’s detections too', () => {
    expect(ids(files(together('x', 'a', 'y'), together('y', 'a', 'b'), single('a'), single('b')))).toEqual([
      'x',
      'y',
      'a',
      'b',
    ]);
  });

  it('are refused where one is not there, with those that need them', () => {
    const set = files(together('x', 'a', 'y'), together('y', 'a', 'bb'), single('a'), single('b'));
    expect(ids(set)).toEqual(['a', 'b']);
    expect(set.diagnostics.map(({ code, message }) => `${code} ${message}`)).toEqual(
      expect.arrayContaining([
        'rule/unknown-rule `y` names the rule `bb`, which is not loaded; did you mean `b`?',
        expect.stringContaining('rule/unknown-rule `x` names the rule `y`, which is not loaded'),
      ]),
    );
    expect(set.diagnostics.filter(({ code }) => code === 'rule/unknown-rule').map(({ line }) => line)).toEqual([4, 4]);
  });

  it('are warned of where one is off', () => {
    const set = files(together('x', 'a', 'b'), single('a'), `${single('b')}status: off\n`);
    expect(ids(set)).toEqual(['x', 'a', 'b']);
    expect(set.diagnostics.map(({ code }) => code)).toContain('rule/never-fires');
  });

  it('are refused where they need each other', () => {
    expect(ids(files(together('x', 'a', 'y'), together('y', 'a', 'x'), single('a')))).toEqual(['a']);
  });
});

describe('the figures of a detection', () => {
  it('may stand in titles and among the fields, of the kind that has them', () => {
    const text = (kind: string): string =>
      `${MATCH}${kind}\nby: [host.id]\nalert: { title: "{{count}} on {{host.name}}", include: [count] }\n`;
    const told = (kind: string): readonly string[] =>
      read(text(kind))
        .diagnostics.map(({ code }) => code)
        .filter((code) => code === 'rule/no-figure');
    expect(told('threshold: { count: 5, within: 5m }')).toEqual([]);
    expect(told('change: { fields: [user.name] }')).toEqual(['rule/no-figure', 'rule/no-figure']);
  });
});
