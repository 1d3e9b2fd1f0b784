// Each lint finds its trap, says what to write instead, and leaves alone what merely looks like it.
import { describe, expect, it } from 'vitest';
import { recordAction } from '../../audit/tables/record-action.ts';
import { RECORD_TYPES } from '../../audit/tables/record-type-names.ts';
import { syscallAction } from '../../audit/tables/syscall-action.ts';
import { ACTIONS, CLOSED_VALUES } from '../../event/known-values.ts';
import { parseExpression } from '../../rules/expression/parse.ts';
import type { Lists } from '../../rules/expression/syntax.ts';
import { lintExpression } from '../../rules/lint/expression-lints.ts';
import { readRules, readRuleText } from '../../rules/rule-files.ts';
import { GOOD } from './good-rule.ts';

const LISTS: Lists = new Map([
  ['shells', ['sh', 'bash']],
  ['daemons', ['sshd', 'systemd-journald']],
]);

function lint(source: string): readonly string[] {
  const parsed = parseExpression(source, LISTS);
  if (parsed.kind === 'refused') throw new Error(parsed.problems.map(({ message }) => message).join());
  return lintExpression(parsed.expression).map(({ code, remedy }) => `${code.replace('expression/', '')}: ${remedy}`);
}

describe('lints of expressions', () => {
  it.each([
    ['process.name = $shells', 'compared-with-array: Write process.name in ….'],
    ['process.args = ["-c"]', 'compared-with-array: Write $is(process.args, …).'],
    ['process.pid > "5"', 'wrong-type: Write the number without quotes.'],
    ['process.ancestors_complete = "true"', 'wrong-type: Write true or false without quotes.'],
    ['user.id in [0, 1]', 'wrong-type: Write "0" with quotes; for order, $number(user.id).'],
    ['$length(process.pid) > 3', 'array-as-text: Compare the number, or write $string(process.pid).'],
    [
      '$not($contains(process.command_line, "x"))',
      'not-missing: Write $not($matches(process.command_line, /…/)): $matches is false where the field is missing.',
    ],
    ['process.name = "sh" or "bash"', 'constant: Write the comparison out: field = "bash", or field in ["…", "bash"].'],
    ['process.name = "sh" and false', 'constant: Remove it, or what it makes unreachable.'],
    ['process.name = "sh" and 1 = 1', 'constant: Remove it, or what it makes unreachable.'],
    ['"proces" in event.category', 'never-equal: Did you mean "process"?'],
    ['$is(event.type, "begin")', 'never-equal: It is one of access,'],
    ['event.outcome = "failed"', 'never-equal: It is one of success, failure, unknown.'],
    ['event.outcome = "Success"', 'case: Write "success".'],
    ['event.action = "exec"', 'unknown-action: Did you mean "executed"? Leave it if another shipper writes it.'],
    ['event.action in ["executed", "conected-to"]', 'unknown-action: Did you mean "connected-to"?'],
    ['process.name = "unattended-upgrade"', 'never-equal: Write "unattended-upgr", or compare process.executable.'],
    ['process.parent.name in $daemons', 'never-equal: Write "systemd-journal", or compare process.executable.'],
    ['user.name = "x" and user.effective.id = "root"', 'never-equal: Names stand in user.effective.name.'],
    ['file.mode = "755"', 'never-equal: Write "0755", "4755".'],
    ['process.name = "sh" and process.name = "bash"', 'contradiction: No event passes both'],
    ['process.name = "zsh" and process.name in $shells', 'contradiction: No event passes both'],
    ['process.name = "sh" and $not(process.name in $shells)', 'contradiction: No event passes both'],
    ['process.name = "sh" and $not($exists(process.name))', 'contradiction: No event passes both'],
    ['$is(process.name, "SH") and process.name = "bash"', 'contradiction: No event passes both'],
    ['process.pid > 10 and process.pid < 5', 'contradiction: No event passes both'],
    ['process.pid >= 5 and 5 > process.pid', 'contradiction: No event passes both'],
    ['process.pid = 3 and process.pid > 5', 'contradiction: No event passes both'],
    ['"sh" in process.name and process.name = "bash"', 'contradiction: No event passes both'],
    ['process.name = "sh" and (user.name = "a" or process.name = "bash")', 'contradiction: No event passes both'],
    ['process.name = "sh" and user.name = "a" and process.name = "sh"', 'repeated: One `and` of it is enough.'],
    ['process.name = "sh" or (process.name = "sh")', 'repeated: One `or` of it is enough.'],
    ['process.name = "sh" or (process.name = "sh" and user.name = "a")', 'unreachable: Remove one of the two.'],
  ])('%s', (source, told) => {
    const found = lint(source);
    expect(
      found.some((line) => line.startsWith(told)),
      found.join('\n'),
    ).toBe(true);
  });

  it.each([
    'process.name = "sh" or process.name = "bash"',
    '"process" in event.category and "network" in event.category',
    '$is(process.args, "-c") and $is(process.args, "-i")',
    '"x" in tags and "y" in tags',
    'process.pid > 5 and process.pid < 10',
    'process.pid >= 5 and process.pid <= 5',
    'process.name = "sh" and $not(process.name = "bash")',
    'auditd.data.a0 = "1" and auditd.data.a1 = "2"',
    'auditd.paths[nametype = "CREATE"].name = "/x" and auditd.paths[nametype = "DELETE"].name = "/y"',
    '(process.name = "a" and user.name = "b") or (process.name = "a" and user.name = "c")',
    'event.action = "prctl-of-another-shipper"',
    'process.name = "fifteen-letters"',
    'process.executable = "/usr/bin/unattended-upgrade"',
    'user.id = "0" and user.effective.id in ["0", "33"]',
    '$not($contains(event.action, "x"))',
    '$count($filter(process.args, function($v) { $v = "x" and $v = "y" })) > 1',
    'process.ancestors.(name = "a" or name = "b")',
    'auditd.paths[0][nametype = "CREATE"].name = "x"',
    '$exists(auditd.paths^(name)[nametype = "CREATE"])',
  ])('does not mind %s', (source) => {
    expect(lint(source)).toEqual([]);
  });

  it('compares no more operands than it has time for', () => {
    const many = Array.from({ length: 400 }, (_, at) => `process.pid = ${at}`).join(' and ');
    const parsed = parseExpression(many, LISTS);
    // Nested too deeply to be read at all, or read and looked through at once.
    if (parsed.kind === 'parsed') expect(lintExpression(parsed.expression)).toEqual([]);
    else expect(parsed.problems[0]?.code).toBe('expression/too-deep');
  });
});

describe('lints of chains', () => {
  const found = (source: string): readonly string[] => {
    const parsed = parseExpression(source, LISTS);
    if (parsed.kind === 'refused') throw new Error(parsed.problems[0]?.message);
    return lintExpression(parsed.expression).map(({ code, at }) => `${code} at ${source.slice(at, at + 5)}`);
  };

  it('tell each constant at its own place, and once how the chain binds', () => {
    expect(found('process.name = "sh" or "bash" or "dash"')).toEqual([
      'expression/constant at "bash',
      'expression/constant at "dash',
    ]);
    const mixed = 'process.name = "a" and process.pid = 1';
    expect(found(`${mixed} or ${mixed.replaceAll('1', '2')} or ${mixed.replaceAll('1', '3')}`)).toEqual([
      'expression/mixed-logic at or pr',
    ]);
  });

  it('look into each part of those with too many to compare', () => {
    const pairs = Array.from({ length: 100 }, (_, at) => `(process.pid = ${at} and process.name = "x")`).join(' or ');
    expect(found(pairs)).toEqual([]);
    const [one] = found(`${pairs} or (process.pid = 7 and process.pid = 8)`);
    expect(one).toBe('expression/contradiction at = 8)');
  });
});

describe('known values', () => {
  it('have every action that a record type or a common call is decoded to', () => {
    const records = RECORD_TYPES.map(([type]) => recordAction(type)?.action);
    const calls = [
      'execve',
      'connect',
      'openat',
      'setuid',
      'ptrace',
      'init_module',
      'unlinkat',
      'mount',
      'bpf',
      'prctl',
    ];
    const known = [...records, ...calls.map((name) => syscallAction(name)?.action)].filter(
      (action) => action !== undefined,
    );
    expect(known.length).toBeGreaterThan(100);
    expect(known.filter((action) => !ACTIONS.includes(action))).toEqual([]);
  });

  it('have every category and type of theirs', () => {
    const actions = RECORD_TYPES.flatMap(([type]) => recordAction(type) ?? []);
    const of = (field: string): readonly string[] => CLOSED_VALUES[field] ?? [];
    expect(
      actions.flatMap(({ category }) => category).filter((value) => !of('event.category').includes(value)),
    ).toEqual([]);
    expect(actions.flatMap(({ type }) => type).filter((value) => !of('event.type').includes(value))).toEqual([]);
  });
});

function told(text: string, nowMs?: number): readonly string[] {
  const set = readRuleText('good.yaml', text, LISTS, nowMs === undefined ? {} : { nowMs });
  expect(set.rules, 'a lint stops no rule').toHaveLength(1);
  return set.diagnostics.map(({ line, column, code, message }) => `${line}:${column} ${code} ${message}`);
}

describe('lints of rules', () => {
  it('remarks exceptions that soon end, each in its time', () => {
    const text = `${GOOD}except:\n  - { match: user.name = "b", reason: r, owner: web team, expires: 2026-03-15 }\n`;
    const dayMs = 86_400_000;
    const endMs = Date.UTC(2026, 2, 15);
    expect(told(text, endMs - 15 * dayMs)).toEqual([]);
    expect(told(text, endMs - 14 * dayMs)).toEqual([
      '9:5 rule/exception-expires-soon the exception expires on 2026-03-15',
    ]);
    expect(told(text, endMs)).toEqual(['9:5 rule/exception-expired the exception expired on 2026-03-15']);
  });

  it('remarks keys that never are the same twice, and objects where a field is meant', () => {
    expect(told(`${GOOD}by: [host.id, event.sequence]\nalert: { include: [process.parent] }\n`)).toEqual([
      '8:15 rule/key-never-same `event.sequence` is another with nearly every event: as a key it joins nothing',
      '9:20 rule/object-field `process.parent` is no field but an object of fields',
    ]);
  });
});

describe('lints of rules on many events', () => {
  const rule = (more: string): string => GOOD.replace('tests:', `${more}\ntests:`);

  it.each([
    ['suppress: { for: 1h, by: [host.id] }, group: { for: 5m, by: [host.id, user.name] }', true],
    ['suppress: { for: 1h, by: [host.id] }, group: { for: 1h, by: [host.id] }', true],
    ['suppress: { for: 1h, by: [host.id] }, group: { for: 2h, by: [host.id] }', false],
    ['suppress: { for: 1h, by: [host.id] }, group: { for: 5m }', false],
    ['group: { for: 5m, by: [host.id] }', false],
    ['suppress: { for: 1h, by: [host.id] }, group: { schedule: "0 9 * * *", by: [host.id] }', false],
    ['to: [], group: { for: 5m }', true],
  ])('remarks groups that gather nothing: %s', (words, isRemarked) => {
    const codes = told(`${GOOD}alert: { ${words} }\n`).map((line) => line.split(' ')[1]);
    expect(codes).toEqual(isRemarked ? ['rule/group-unused'] : []);
  });

  it('remarks a figure that the rule does not have', () => {
    const title = 'alert: { title: "{{count}} times", include: [value, user.name] }';
    expect(told(`${GOOD}${title}\n`)).toEqual([
      expect.stringMatching(/^8:20 rule\/no-figure `count` is a figure of threshold, .*nothing is shown there$/),
      expect.stringMatching(/^8:46 rule\/no-figure `value` is a figure of new_value, /),
    ]);
    expect(told(rule(`metric: { max: process.pid, above: 3, within: 5m }\n${title}`))).toEqual([]);
  });

  it('remarks unknown fields, figures of what is no number, a lateness without effect', () => {
    expect(told(rule('metric: { avg: process.nmae, above: 3, within: 5m }')).join()).toContain('rule/unknown-field');
    expect(told(rule('metric: { avg: process.name, above: 3, within: 5m }')).join()).toContain('rule/no-number');
    expect(told(rule('metric: { distinct: process.name, above: 3, within: 5m }'))).toEqual([]);
    expect(told(rule('new_value: { fields: [process.exe], learn: 1d }')).join()).toContain('rule/unknown-field');
    expect(told(rule('by: [host.id]\nlateness: 20s\nthreshold: { count: 3, within: 5m }')).join()).toContain(
      'rule/lateness-unused',
    );
    expect(told(rule('by: [user.name]\nlateness: 20s\nthreshold: { count: 3, within: 5m }'))).toEqual([]);
  });

  it('looks into every expression, in its place', () => {
    const text = rule(
      'by: [host.id]\nsequence:\n  within: 1m\n  steps:\n    - match: process.nmae = "a"\n    - absent: user.id = 0\n    - match: process.name = "b"\n  until: process.pid = "5"',
    );
    expect(told(text).map((line) => line.split(' ').slice(0, 2).join(' '))).toEqual([
      '9:14 expression/unknown-field',
      '10:23 expression/wrong-type',
      '12:22 expression/wrong-type',
    ]);
  });
});

describe('lints of macros', () => {
  it('stand at their place, and stop no rule', () => {
    const macros = 'name: odd\nowner: us\nreason: test\nexpression: process.nmae = "x"\n';
    const set = readRules([
      { file: 'macros/odd.yaml', kind: 'own', content: 'macros', text: macros },
      { file: 'good.yaml', kind: 'own', content: 'rules', text: GOOD.replace('in $shells', '= "a" and $odd') },
    ]);
    expect(set.rules).toHaveLength(1);
    expect(
      set.diagnostics.map(({ file, line, column, code, severity }) => [file, line, column, code, severity]),
    ).toEqual([['macros/odd.yaml', 4, 13, 'expression/unknown-field', 'warning']]);
  });
});

describe('vedette-lint: off', () => {
  const UNTESTED = GOOD.split('tests:')[0] ?? '';

  it('leaves out the warnings of a code, wherever in the rule the comment stands', () => {
    expect(told(UNTESTED).join()).toContain('rule/tests');
    expect(told(`# vedette-lint: off rule/tests a drill, tested by hand\n${UNTESTED}`)).toEqual([]);
    expect(told(`${UNTESTED}# vedette-lint: off rule/tests a drill\nrisk: 1\n`)).toEqual([]);
    const inMatch = UNTESTED.replace('match: ', 'match: |\n  /* vedette-lint: off rule/tests a drill */ ');
    expect(told(inMatch)).toEqual([]);
  });

  it('wants a code and a reason, and something to leave out', () => {
    expect(told(`# vedette-lint: off rule/tests\n${GOOD}`)).toEqual([
      '1:3 lint/off a lint is switched off by its code and a reason',
    ]);
    expect(told(`# vedette-lint: off rule/mitre no reason to\n${GOOD}`)).toEqual([
      '1:3 lint/off there is no warning rule/mitre to switch off',
    ]);
  });

  it('holds for its own rule only, and never for an error', () => {
    const two = `# vedette-lint: off rule/tests a drill\n${UNTESTED}---\n${UNTESTED.replace('id: good', 'id: second')}`;
    const set = readRuleText('two.yaml', two, LISTS);
    expect(set.diagnostics.map(({ code, line }) => `${line} ${code}`)).toEqual(['7 rule/tests']);
    const broken = readRuleText(
      'good.yaml',
      `# vedette-lint: off rule/unknown-key why not\nsevrity: high\n${GOOD}`,
      LISTS,
    );
    expect(broken.rules).toEqual([]);
    expect(broken.diagnostics.map(({ code }) => code)).toContain('rule/unknown-key');
  });
});
