// The tests that an import writes into a rule: of both signs, answered so by the rule itself, of whatever log source; and none that are made up
// where nothing can be.
import { describe, expect, it } from 'vitest';
import { passingTests } from '../../../cli/rules-import/passing-tests.ts';
import { withOwnTests } from '../../../rules/foreign/own-tests.ts';
import { NO_MACROS } from '../../../rules/language/macro-reader.ts';
import type { Rule } from '../../../rules/rule.ts';
import { readRuleText } from '../../../rules/rule-files.ts';
import { importSigma } from './sigma-run.ts';

const LISTS = new Map([['admins', ['root', 'backup']]]);

function rule(logsource: string, detection: string): string {
  return `title: A rule\nid: 11111111-0000-4000-8000-000000000001\nlogsource: ${logsource}\ndetection: ${detection}\n`;
}

function written(files: Parameters<typeof importSigma>[0]): Rule {
  const [imported] = importSigma(files).documents;
  if (imported?.rule === undefined) throw new Error('no rule');
  const { text = '' } = withOwnTests(imported, passingTests({ lists: LISTS, macros: NO_MACROS }));
  const [read] = readRuleText('rule.yaml', text, LISTS).rules;
  if (read === undefined) throw new Error(text);
  expect(read.version).toBe(imported.rule.version);
  return read;
}

/** What the rule's own tests expect, and what it says of their events. */
function answers({ tests, match, except }: Rule): readonly (readonly [number, boolean])[] {
  return tests.map(({ events: [event = {}], alerts }) => [
    alerts,
    match(event, 0) && !except.some((exception) => exception.match(event, 0)),
  ]);
}

const BOTH = [
  [1, true],
  [0, false],
];
const EXEC = '{ product: linux, category: process_creation }';
const AUDITD = '{ product: linux, service: auditd }';

describe('tests of an imported rule', () => {
  it.each([
    ['programs', EXEC, "{ s: { Image|endswith: /nc, CommandLine|contains|all: [' -e ', ' /bin/sh'] }, condition: s }"],
    ['what is left out', EXEC, '{ s: { Image: [/a, /b] }, f: { User: root }, condition: s and not f }'],
    ['a regular expression', EXEC, '{ s: { CommandLine|re: "x+[0-9]{2}(a|b)?$" }, condition: s }'],
    ['the second way', EXEC, '{ a: { CommandLine|re: "x+" }, b: { User|expand: "%admins%" }, condition: a or b }'],
    ['files', '{ product: linux, category: file_event }', '{ s: { TargetFilename|startswith: /etc/ }, condition: s }'],
    ['deleted files', '{ category: file_delete }', '{ s: { TargetFilename|endswith: .log }, condition: s }'],
    [
      'connections',
      '{ category: network_connection }',
      '{ s: { DestinationPort|gte: 4000, DestinationIp|cidr: 10.0.0.0/8, Initiated: true }, condition: s }',
    ],
    ['arguments', AUDITD, '{ s: { type: EXECVE, a0: chmod, a2|contains: +s }, condition: s }'],
    ['calls', AUDITD, '{ s: { type: SYSCALL, syscall: 59, exit: -13, success: "no" }, condition: s }'],
    ['paths', AUDITD, '{ s: { type: PATH, name: /etc/x, nametype: CREATE }, condition: s }'],
    ['messages', AUDITD, '{ s: { type: SERVICE_STOP, unit: auditd }, condition: s }'],
    ['keywords', AUDITD, '{ s: [history -c], condition: s }'],
    ['other logs', '{ product: linux, service: sshd }', '{ s: ["*bad*message*"], condition: s }'],
  ])('are of both signs: %s', (_name, logsource, detection) => {
    expect(answers(written(rule(logsource, detection)))).toEqual(BOTH);
  });

  it('are of the rule with its filters', () => {
    const filter =
      'title: F\nlogsource: { product: linux, category: process_creation }\nfilter: { rules: any, s: { Image: /a }, condition: not s }\n';
    const files = { 'a.yml': rule(EXEC, '{ s: { Image: [/a, /b] }, condition: s }'), 'f.yml': filter };
    const read = written(files);
    expect(answers(read)).toEqual(BOTH);
    expect(read.tests[0]?.events).toMatchObject([{ process: { executable: '/b' } }]);
  });

  it.each([
    [
      'a regular expression of signs that none expects',
      '{ s: { CommandLine|re: "[^\\\\x00-\\\\x7f]+" }, condition: s }',
    ],
    ['a text too long', `{ s: { CommandLine: ${'x'.repeat(5_000)} }, condition: s }`],
    ['an argument far behind', '{ s: { type: EXECVE, a99999: x }, condition: s }'],
  ])('are none where nothing can be made up: %s', (_name, detection) => {
    const logsource = detection.includes('EXECVE') ? AUDITD : EXEC;
    expect(written(rule(logsource, detection)).tests).toEqual([]);
  });
});
