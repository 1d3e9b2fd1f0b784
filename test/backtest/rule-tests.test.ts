import { describe, expect, it } from 'vitest';
import { runRuleTests } from '../../backtest/rule-tests.ts';
import { fieldOf } from '../../event/document.ts';
import { ExpressionError, type RuleTest } from '../../rules/rule.ts';
import { ruleWith } from '../engine/making.ts';

const at = (createdMs: number, name: string) => ({ event: { created: createdMs }, process: { name } });
const test = (name: string, alerts: number, ...events: RuleTest['events']): RuleTest => ({
  name,
  events,
  alerts,
  progressMs: 0,
  line: 7,
});

describe('runRuleTests', () => {
  const tests = [
    test('a shell', 1, at(1, 'bash')),
    test('no shell', 0, at(1, 'cat')),
    test('a second shell joins', 1, at(1, 'bash'), at(50, 'bash')),
    test('a third comes later', 2, at(1, 'bash'), at(50, 'bash'), at(101, 'bash')),
    test('wrongly expected', 3, at(1, 'bash')),
  ];
  const rule = ruleWith({
    tests,
    match: (event) => fieldOf(event, 'process.name') === 'bash',
    alert: { suppress: { forMs: 100, by: [], growMs: undefined } },
  });

  it('counts the alerts of each test’s events, suppression included', () => {
    expect(runRuleTests(rule).map(({ name, actual, passed }) => [name, actual, passed])).toEqual([
      ['a shell', 1, true],
      ['no shell', 0, true],
      ['a second shell joins', 1, true],
      ['a third comes later', 2, true],
      ['wrongly expected', 1, false],
    ]);
    expect(runRuleTests(rule)[0]).toEqual({
      name: 'a shell',
      expected: 1,
      actual: 1,
      passed: true,
      line: 7,
      error: undefined,
    });
  });

  it.each(['off', 'test'] as const)('a rule in status %s is run as if it were stable', (status) => {
    expect(runRuleTests({ ...rule, status })[0]).toMatchObject({ actual: 1 });
  });

  it('a test whose events make the rule fail does not pass, and says why', () => {
    const failing = ruleWith({
      tests: [test('nothing', 0, at(1, 'x'))],
      match: () => {
        throw new ExpressionError('T2009', 'no');
      },
    });
    expect(runRuleTests(failing)[0]).toMatchObject({
      actual: 0,
      passed: false,
      error: 'T2009: no (event test.000000)',
    });
  });

  it('counts messages where it is asked to, those of groups that would still leave too', () => {
    const grouping = { span: { kind: 'for', forMs: 100 }, by: [], table: [], sendsFirst: false } as const;
    const events = [at(1, 'bash'), at(50, 'bash'), at(101, 'bash'), at(500, 'bash')];
    const messagesOf = (messages: number, sendsFirst = false) =>
      runRuleTests(
        ruleWith({
          tests: [{ ...test('grouped', 4, ...events), messages }],
          alert: { group: { ...grouping, sendsFirst } },
        }),
      )[0];
    expect(messagesOf(3)).toMatchObject({ actual: 4, passed: true });
    expect(messagesOf(4)).toMatchObject({ passed: false, error: 'it makes 3 messages, not 4' });
    expect(messagesOf(4, true)).toMatchObject({ actual: 4, passed: true });
  });

  it('an exception hides its event', () => {
    const exception = { match: () => true, source: '', reason: '', owner: '', expiresMs: undefined };
    expect(runRuleTests({ ...rule, except: [exception] })[0]).toMatchObject({ actual: 0 });
  });
});
