// Why a rule matches or does not: the clause that decided, what it saw, how near it came; the sentence that a rule is.
import { describe, expect, it } from 'vitest';
import type { EventDocument } from '../../event/document.ts';
import { decidingClauses, explainExpression } from '../../rules/explain/clause-tree.ts';
import { clausesOf, fieldsOf } from '../../rules/explain/clauses.ts';
import { explainRule } from '../../rules/explain/explain-rule.ts';
import { explanationLines, verdictLine } from '../../rules/explain/explanation-text.ts';
import { expressionText } from '../../rules/explain/expression-text.ts';
import { treesOf } from '../../rules/explain/rule-trees.ts';
import { ruleSentence } from '../../rules/explain/sentence.ts';
import { parseExpression } from '../../rules/expression/parse.ts';
import type { Expression, Lists } from '../../rules/expression/syntax.ts';
import type { Rule } from '../../rules/rule.ts';
import { readRuleText } from '../../rules/rule-files.ts';
import { readRuleFolders, SHIPPED_RULES } from '../../rules/rule-folders.ts';

const LISTS: Lists = new Map([['shells', ['sh', 'bash', 'zsh']]]);
const EVENT: EventDocument = {
  event: { action: 'executed', created: '2026-05-01T10:00:00Z', category: ['process'] },
  process: { name: 'Bash', pid: 7, args: ['bash', '-i'], parent: { name: 'nginx' } },
  user: { id: '0' },
};

function tree(source: string): Expression {
  const parsed = parseExpression(source, LISTS);
  if (parsed.kind === 'refused') throw new Error(parsed.problems.map(({ message }) => message).join());
  return parsed.expression;
}

function deciding(source: string, event: EventDocument = EVENT): readonly string[] {
  return decidingClauses(explainExpression(tree(source), event, 0)).map(({ text, near }) =>
    near === undefined ? text : `${text} (${near})`,
  );
}

describe('the clause that decided', () => {
  it.each([
    ['event.action = "executed" and process.pid = 8', ['process.pid = 8']],
    ['process.pid = 8 and event.action = "opened"', ['process.pid = 8']],
    ['process.name in $shells', ['process.name in $shells (only the case differs from "bash")']],
    ['process.parent.name = "ngnix"', ['process.parent.name = "ngnix" (nearly "ngnix")']],
    ['process.pid > 10', ['process.pid > 10 (3 away from 10)']],
    ['process.pid > 7', ['process.pid > 7 (it is just the bound)']],
    ['process.tty = "tty1"', ['process.tty = "tty1" (process.tty is missing)']],
    ['user.id = 0', ['user.id = 0 (the event has a text, the rule a number)']],
    ['process.pid = "7"', ['process.pid = "7" (the event has a number, the rule a text)']],
    [
      'event.category = "process"',
      ['event.category = "process" (event.category is an array, which is compared as a whole; $is(…) looks at each)'],
    ],
    ['process.pid = 8 or process.pid = 9', ['process.pid = 8', 'process.pid = 9']],
    ['process.pid = 7 or process.pid = 9', ['process.pid = 7']],
    ['process.pid = 7 and user.id = "0"', ['process.pid = 7', 'user.id = "0"']],
    [
      'process.pid = 7 and (user.id = "1" or (user.id = "0" and process.pid = 9))',
      ['user.id = "1"', 'process.pid = 9'],
    ],
    ['$not(process.pid = 7 and user.id = "0")', ['process.pid = 7', 'user.id = "0"']],
    ['$not(process.pid = 7)', ['$not(process.pid = 7)']],
  ])('of %s', (source, wanted) => {
    expect(deciding(source)).toEqual(wanted);
  });

  it('is one that failed, with its error; what follows it is not asked', () => {
    const answer = explainExpression(tree('$contains(process.args, "x") and process.pid = 7'), EVENT, 0);
    expect(answer.answer).toBe('failed');
    expect(answer.parts.map(({ answer: one, isAsked, error }) => [one, isAsked, error?.slice(0, 5)])).toEqual([
      ['failed', true, 'T0410'],
      ['true', false, undefined],
    ]);
  });

  it('agrees with the engine, whatever the expression', () => {
    const sources = [
      'process.pid',
      '$not(process.tty)',
      'process.args[$ = "-i"]',
      'process.tty',
      '(process.pid = 7)',
      '$now() = "x"',
    ];
    for (const source of sources) {
      const { rules } = readRuleText(
        'r.yaml',
        `id: r\nname: R\nseverity: low\nmatch: ${JSON.stringify(source)}\n`,
        LISTS,
      );
      expect(explainExpression(tree(source), EVENT, 0).answer === 'true', source).toBe(rules[0]?.match(EVENT, 0));
    }
  });

  it('shows values through arrays, cut, and nothing that is not the event’s own', () => {
    const event = { auditd: { paths: [{ name: 'a' }, { name: 'b'.repeat(500) }] } };
    const [value] = explainExpression(tree('auditd.paths.name = "c"'), event, 0).values;
    expect(value?.json).toMatch(/^\["a","b+…$/);
    expect(explainExpression(tree('constructor.name = "Object"'), {}, 0).values).toEqual([
      { field: 'constructor.name', json: undefined },
    ]);
    const { values } = explainExpression(tree('$not($descends_from(process, "cron"))'), EVENT, 0);
    expect(values).toEqual([
      { field: 'process.parent.name', json: '"nginx"' },
      { field: 'process.ancestors.name', json: undefined },
    ]);
  });
});

describe('an expression as text', () => {
  it.each([
    'a = 1 and (b = 2 or c in ["x", 1, true, null])',
    '$matches(process.args, /^x$/i) ? a : b',
    'auditd.paths[nametype = "CREATE"][0].name & "x"',
    'process.*.name',
    '**.name = "x"',
    '$filter(process.args, function($v) { $v = "x" })',
    '($x := a + 1; $x > 2)',
    '$count(process.args[]) > -1',
    '$count([1..5]) = 5',
    '`odd name`.x = $$.y',
  ])('is what was written: %s', (source) => {
    expect(expressionText(tree(source))).toBe(source);
  });

  it('is cut where it is long', () => {
    const long = tree(`process.name in [${Array.from({ length: 50 }, (_, at) => `"n${at}"`).join(', ')}]`);
    expect(expressionText(long)).toBe('process.name in ["n0", "n1", "n2", "n3", "n4", "n5", … 44 more]');
    expect(expressionText(tree(`a = "${'x'.repeat(1_000)}"`))).toHaveLength(300);
  });
});

describe('clauses and fields', () => {
  it('are counted through parentheses and negation', () => {
    const expression = tree('a = 1 and (b = 2 or $not(c = 3 and d = 4)) and $not(e = 5)');
    expect(clausesOf(expression).map(expressionText)).toEqual(['a = 1', 'b = 2', 'c = 3', 'd = 4', '$not(e = 5)']);
    expect(fieldsOf(expression)).toEqual(['a', 'b', 'c', 'd', 'e']);
  });

  it('are found in predicates, each with its path', () => {
    expect(fieldsOf(tree('auditd.paths[nametype = "CREATE"].name = $$.file.path'))).toEqual([
      'auditd.paths.nametype',
      'auditd.paths.name',
      'file.path',
    ]);
  });
});

const RULE = `id: r
name: R
severity: high
match: |
  event.action = "executed" and process.name in $shells
except:
  - { match: process.parent.name = "cron", reason: nightly, owner: web team, expires: 2026-06-01 }
  - { match: user.id = "33", reason: builds, owner: ci team }
alert: { suppress: { for: 1h, by: [host.id] } }
`;

function rule(text: string): Rule {
  const [only] = readRuleText('r.yaml', text, LISTS).rules;
  if (only === undefined) throw new Error('no rule');
  return only;
}

describe('the verdict on an event', () => {
  const shell = (more: EventDocument): EventDocument => ({
    event: { action: 'executed', created: '2026-05-01T10:00:00Z' },
    process: { name: 'bash', parent: { name: 'cron' } },
    ...more,
  });
  const explain = (event: EventDocument) => {
    const one = rule(RULE);
    return explainRule(one, treesOf(one), event);
  };

  it('is a match, or what hid it, by the event’s own time', () => {
    expect(verdictLine(explain(shell({})))).toBe('It matches, and is hidden by the exception of “nightly” (web team).');
    const later = shell({ event: { action: 'executed', created: '2026-06-01T00:00:00Z' } });
    expect(verdictLine(explain(later))).toBe('It matches.');
    expect(explanationLines(explain(later))).toContain('✓ exception: nightly (web team), which had ended');
  });

  it('is no match, with what decided', () => {
    expect(verdictLine(explain({ event: { action: 'opened' } }))).toBe(
      'It does not match: `event.action = "executed"` is not true: event.action is "opened".',
    );
    expect(verdictLine(explain({}))).toBe(
      'It does not match: `event.action = "executed"` is not true: event.action is missing.',
    );
  });

  it('is told with marks', () => {
    expect(explanationLines(explain({ event: { action: 'opened' }, process: { name: 'bash' } }))).toEqual([
      '✗ match',
      '  ✗ all of',
      '    ✗ event.action = "executed"  event.action is "opened"',
      '    · process.name in $shells  process.name is "bash"  (not asked; true)',
    ]);
  });
});

describe('a rule in a sentence', () => {
  it('says what it says', () => {
    const one = rule(RULE);
    expect(ruleSentence(one, treesOf(one))).toBe(
      'Alerts on an event where event.action is "executed" and process.name is one of $shells, except where process.parent.name is "cron" or where user.id is "33"; one alert in 1h for each host.id.',
    );
  });

  it.each([
    ['$not(process.name = "a")', 'process.name is not "a"'],
    ['$not($exists(process.tty))', 'process.tty is missing'],
    ['"process" in event.category', 'event.category has "process"'],
    ['process.name in ["a", "b", "c"]', 'process.name is "a", "b" or "c"'],
    ['process.name in ["a", "b", "c", "d", "e", "f"]', 'process.name is "a", "b", "c", "d" or 2 others'],
    ['process.pid >= 5', 'process.pid is at least 5'],
    ['$cidr(source.ip, "10.0.0.0/8")', 'source.ip is within "10.0.0.0/8"'],
    ['a = 1 and (b = 2 or c = 3)', 'a is 1 and (b is 2 or c is 3)'],
    ['$count(process.args) > 5', '`$count(process.args)` is above 5'],
    ['process.args[0] = "x"', '`process.args[0]` is "x"'],
    ['user.id != user.effective.id', 'user.id is not user.effective.id'],
    ['a + 1', '`a + 1`'],
  ])('%s', (match, phrase) => {
    const one = rule(RULE.split('except:')[0]?.replace(/match: \|\n.*\n/, `match: ${JSON.stringify(match)}\n`) ?? '');
    expect(ruleSentence(one, treesOf(one))).toBe(`Alerts on an event where ${phrase}.`);
  });

  it.each([
    [
      'threshold: { count: 5, within: 5m }',
      'when 5 or more events where process.name is "a" come for one host.id within 5m',
    ],
    [
      'distinct: { field: user.name, above: 3, within: 1h }',
      'when more than 3 different values of user.name come for one host.id within 1h, in events where process.name is "a"',
    ],
    [
      'new_value: { fields: [user.name], learn: 7d }',
      'when user.name has a value for one host.id that it has not had for 7d, in events where process.name is "a"',
    ],
    [
      'absence: { fewer_than: 1, within: 10m }',
      'when no event where process.name is "a" comes for one host.id for 10m',
    ],
    [
      'ratio: { of: user.name = "x", above: 0.2, at_least: 50, within: 10m }',
      'when the share of those where user.name is "x" is more than 0.2 among at least 50 events where process.name is "a" for one host.id within 10m',
    ],
    [
      'metric: { p95: process.pid, above: 3, within: 5m }',
      'when the 95th percentile of process.pid is more than 3 for one host.id within 5m, over events where process.name is "a"',
    ],
    [
      'spike: { factor: 3, within: 1h }',
      'when the number of events where process.name is "a" reaches 3 times that of the 1h before for one host.id',
    ],
    [
      'spike: { factor: 3, within: 1h, at_least: 6 }',
      'when the number of events where process.name is "a" reaches 3 times that of the 1h before for one host.id, where the greater has 6',
    ],
    [
      'spike: { factor: 3, within: 1h, mode: restart, now_at_least: 4, before_at_least: 2 }',
      'when the number of events where process.name is "a" reaches 3 times that of the 1h before for one host.id, now at least 4, before at least 2, judged anew after each, every 1m too',
    ],
    [
      'metric: { avg: process.pid, above: 3, at_least: 5, within: 5m }',
      'when the average of process.pid is more than 3 for one host.id within 5m, over at least 5 events where process.name is "a"',
    ],
    [
      'spike: { factor: 3, within: 1h, mode: restart }',
      'when the number of events where process.name is "a" reaches 3 times that of the 1h before for one host.id, judged anew after each, every 1m too',
    ],
    [
      'threshold: { count: 3, at_most: 5, within: 5m }',
      'when 3 to 5 events where process.name is "a" come for one host.id within 5m',
    ],
    [
      'threshold: { count: 3, at_most: 3, within: 5m }',
      'when exactly 3 events where process.name is "a" come for one host.id within 5m',
    ],
    [
      'distinct: { field: user.name, above: 1, below: 5, within: 1h }',
      'when more than 1 and less than 5 different values of user.name come for one host.id within 1h, in events where process.name is "a"',
    ],
    [
      'metric: { sum: process.args_count, from: 5, to: 9, within: 1h }',
      'when the sum of process.args_count is at least 5 and at most 9 for one host.id within 1h, over events where process.name is "a"',
    ],
    [
      'cases: [{ match: user.name = "b" }, { match: user.name = "c", by: [user.id] }]\nthreshold: { count: 3, within: 5m }',
      'when 3 or more events where process.name is "a", and user.name is "b" or where user.name is "c" come for one host.id within 5m',
    ],
    [
      'combination: { within: 5m, at_least: 2, steps: [{ match: a = 1 }, { match: b = 2 }, { match: c = 3 }] }',
      'when within 5m for one host.id 2 of these come in any order: (1) an event where a is 1, (2) an event where b is 2, (3) an event where c is 3, all where process.name is "a"',
    ],
  ])('of many events: %s', (words, phrase) => {
    const one = rule(`id: r\nname: R\nseverity: low\nmatch: process.name = "a"\nby: [host.id]\n${words}\n`);
    expect(ruleSentence(one, treesOf(one))).toBe(`Alerts ${phrase}.`);
  });

  it.each([
    ['for: 5m', 'one message in 5m'],
    ['for: 5m, by: [host.id, user.name]', 'one message in 5m for each host.id and user.name'],
    ['for: 1h, first: send', 'the first is sent at once, the others in one message in 1h'],
    ['schedule: "0 9 * * mon-fri"', 'one message by the schedule 0 9 * * mon-fri (UTC)'],
  ])('of a group: %s', (words, phrase) => {
    const one = rule(`id: r\nname: R\nseverity: low\nmatch: a = 1\nalert: { group: { ${words} } }\n`);
    expect(ruleSentence(one, treesOf(one))).toBe(`Alerts on an event where a is 1; ${phrase}.`);
  });

  it('of a sequence, with what must not come, and of a macro', () => {
    const one = rule(
      'id: r\nname: R\nseverity: low\nby: [host.id]\nsequence:\n  within: 1m\n  steps:\n    - match: a = 1\n    - absent: b = 2\n    - match: c = 3\n  until: d = 4\n',
    );
    const trees = treesOf(one);
    expect(ruleSentence(one, trees)).toBe(
      'Alerts when within 1m for one host.id these come in order: (1) an event where a is 1, (2) without an event where b is 2, (3) an event where c is 3, until an event where d is 4.',
    );
    expect(verdictLine(explainRule(one, trees, { c: 3 }))).toBe('It matches as step 3.');
    expect(verdictLine(explainRule(one, trees, { c: 4 }))).toBe('It does not match: it is none of 3 steps.');
  });

  it('says steps that repeat once', () => {
    const step = '    - match: a = 1\n';
    const one = rule(
      `id: r\nname: R\nseverity: low\nby: [host.id]\nsequence:\n  within: 1m\n  steps:\n${step.repeat(3)}    - match: b = 2\n`,
    );
    expect(ruleSentence(one, treesOf(one))).toBe(
      'Alerts when within 1m for one host.id these come in order: (1 to 3) 3 times an event where a is 1, (4) an event where b is 2.',
    );
  });

  it('can be made of every shipped rule, on one line', () => {
    const { rules } = readRuleFolders([SHIPPED_RULES]);
    for (const one of rules) {
      const sentence = ruleSentence(one, treesOf(one));
      expect(sentence, one.id).toMatch(/^Alerts [^\n]{20,600}$/);
      expect(sentence).not.toContain('undefined');
    }
  });
});
