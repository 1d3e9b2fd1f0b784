// Sigma rules mean in our words what they mean read plainly (plain-sigma.ts), on documents as the mapping makes them; and the engine's
// index keeps no event from them that they would match.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { indexRules } from '../../../engine/candidates.ts';
import type { EventDocument } from '../../../event/document.ts';
import type { Rule } from '../../../rules/rule.ts';
import { readRuleSource, readRuleText } from '../../../rules/rule-files.ts';
import { holdsOf, type PlainRule } from './plain-sigma.ts';

const RUNS = Number(process.env['VEDETTE_PROPERTY_RUNS'] ?? 100);
const HEAD = { title: 'A rule', id: '7d9d7a1c-5a0e-4d0e-9d5e-0a8d6c1b2f3e', level: 'low' };

/** Words that meet one another often, in other cases and beside what patterns mean otherwise. */
const WORDS = [
  'sh',
  'SH',
  'bash',
  'nc',
  '-e',
  '/tmp/x',
  'a*b',
  'a?b',
  '\\',
  'Straße',
  '\u212a',
  'ΟΔΟΣ',
  'οδος',
  '7',
  'x y',
  '',
];
const word = fc.constantFrom(...WORDS);
const path = fc.constantFrom(
  '/usr/bin/nc',
  '/bin/sh',
  '/tmp/a',
  '/home/u/.cache/x',
  '/etc/passwd',
  'passwd',
  '/usr/bin/NC',
);
const args = fc.array(word, { minLength: 1, maxLength: 4 });

const processDocument = fc.record(
  {
    event: fc.record({
      module: fc.constant('auditd'),
      action: fc.constantFrom('executed', 'ended'),
      outcome: fc.constantFrom('success', 'failure'),
    }),
    process: fc.record(
      {
        executable: path,
        args,
        name: word,
        pid: fc.integer({ min: 1, max: 9 }),
        parent: fc.record({ executable: path, args }, { requiredKeys: [] }),
        working_directory: path,
      },
      { requiredKeys: ['pid'] },
    ),
    user: fc.record({ name: word }),
  },
  { requiredKeys: ['event', 'process'] },
);
const auditDocument = fc.record(
  {
    event: fc.record(
      {
        module: fc.constant('auditd'),
        action: fc.constantFrom('executed', 'opened-file', 'made'),
        outcome: fc.constantFrom('success', 'failure'),
        original: word,
      },
      { requiredKeys: ['module', 'action', 'outcome'] },
    ),
    process: fc.record({ executable: path, args, name: word, working_directory: path }, { requiredKeys: [] }),
    user: fc.record(
      {
        id: fc.constantFrom('0', '7'),
        effective: fc.record({ id: fc.constantFrom('0', '9') }),
        audit: fc.record({ id: fc.constantFrom('0', '7') }),
      },
      { requiredKeys: ['id'] },
    ),
    tags: fc.array(word, { minLength: 1, maxLength: 2 }),
    auditd: fc.oneof(
      fc.record(
        {
          message_type: fc.constant('syscall'),
          data: fc.record(
            {
              syscall: fc.constantFrom('mknod', 'execve'),
              a0: fc.constantFrom('7', 'ffaa'),
              a1: fc.constantFrom('0', '40000'),
            },
            { requiredKeys: ['syscall'] },
          ),
          paths: fc.array(fc.record({ name: path, nametype: fc.constantFrom('NORMAL', 'CREATE') }), { maxLength: 3 }),
        },
        { requiredKeys: ['message_type', 'data'] },
      ),
      fc.record({
        message_type: fc.constantFrom('service_stop', 'add_user'),
        data: fc.record({ unit: word, acct: word }),
      }),
    ),
  },
  { requiredKeys: ['event', 'process', 'user', 'auditd'] },
);
const networkDocument = fc.record(
  {
    event: fc.record({
      action: fc.constantFrom('connected-to', 'accepted-connection-from', 'executed'),
      outcome: fc.constantFrom('success', 'failure'),
    }),
    error: fc.record({ code: fc.constantFrom('EINPROGRESS', 'ECONNREFUSED') }),
    process: fc.record({ executable: path }),
    destination: fc.record({
      ip: fc.constantFrom('10.0.0.1', '10.9.0.1', '127.0.0.1'),
      port: fc.constantFrom(22, 443),
    }),
    source: fc.record({ ip: fc.constantFrom('10.0.0.1', '192.168.1.1') }),
    network: fc.record({ direction: fc.constantFrom('egress', 'ingress') }),
  },
  { requiredKeys: ['event'] },
);
const fileDocument = fc.record(
  {
    event: fc.record({
      action: fc.constantFrom('opened-file', 'renamed', 'deleted'),
      outcome: fc.constantFrom('success', 'failure'),
      category: fc.constantFrom(['file'], ['process']),
      type: fc.constantFrom(['creation'], ['info']),
    }),
    file: fc.record({ path }),
    process: fc.record({ executable: path }),
    auditd: fc.record({ data: fc.record({ open_flags: fc.subarray(['O_WRONLY', 'O_CREAT', 'O_TRUNC']) }) }),
  },
  { requiredKeys: ['event'] },
);

/** A value as a rule may write it: a word, or a piece of one among wildcards. */
const value = fc.oneof(
  { weight: 4, arbitrary: word },
  { weight: 2, arbitrary: path },
  {
    weight: 2,
    arbitrary: fc
      .tuple(fc.constantFrom('*', '?', '', '\\*', '\\\\', '/'), word, fc.constantFrom('*', '?', '', '\\?'))
      .map((all) => all.join('')),
  },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 9 }) },
);
const values = fc.oneof(value, fc.array(value, { minLength: 1, maxLength: 3 }));
const REGEXES = ['sh$', '^/tmp', 'n[cd]', '-e', '(?:ba)?sh', '\\d+', '^$'];

function lineOf(field: string, others: readonly string[]): fc.Arbitrary<readonly [string, unknown]> {
  const modified = (...modifiers: readonly string[]): string => [field, ...modifiers].join('|');
  const places = ['contains', 'startswith', 'endswith'];
  return fc.oneof(
    { weight: 3, arbitrary: values.map((of) => [field, of] as const) },
    {
      weight: 4,
      arbitrary: fc
        .tuple(fc.subarray(['neq', 'cased', 'all']), fc.constantFrom(...places), values)
        .map(([more, place, of]) => [modified(...more, place), of] as const),
    },
    {
      weight: 1,
      arbitrary: fc
        .tuple(fc.subarray(['i', 'm', 's']), fc.constantFrom(...REGEXES))
        .map(([flags, of]) => [modified('re', ...flags), of] as const),
    },
    { weight: 1, arbitrary: fc.boolean().map((of) => [modified('exists'), of] as const) },
    { weight: 1, arbitrary: fc.constant([field, null] as const) },
    {
      weight: 1,
      arbitrary: fc
        .tuple(fc.constantFrom('lt', 'lte', 'gt', 'gte'), fc.integer({ min: 0, max: 9 }))
        .map(([operator, of]) => [modified(operator), of] as const),
    },
    {
      weight: others.length > 0 ? 1 : 0,
      arbitrary: fc
        .tuple(fc.subarray(['cased']), fc.constantFrom('', ...places), fc.constantFrom(...others, field))
        .map(([cased, place, of]) => [modified('fieldref', ...(place === '' ? [] : [place]), ...cased), of] as const),
    },
  );
}

function searchOf(
  lines: readonly fc.Arbitrary<readonly [string, unknown]>[],
  hasKeywords: boolean,
): fc.Arbitrary<unknown> {
  const map = fc.array(fc.oneof(...lines), { minLength: 1, maxLength: 3 }).map((all) => Object.fromEntries(all));
  const texts = value.filter((one) => typeof one === 'string');
  const keywords = fc.oneof(
    fc.array(texts, { minLength: 1, maxLength: 2 }),
    fc.record({ '|all': fc.array(texts, { minLength: 1, maxLength: 2 }) }),
  );
  return fc.oneof(
    { weight: 4, arbitrary: map },
    { weight: 1, arbitrary: fc.array(map, { minLength: 1, maxLength: 2 }) },
    { weight: hasKeywords ? 1 : 0, arbitrary: keywords },
  );
}

const condition = fc.letrec<{ condition: string; leaf: string }>((tie) => ({
  leaf: fc.constantFrom(
    'sel_a',
    'sel_b',
    '_other',
    '1 of sel_*',
    'all of sel_*',
    '1 of them',
    'all of them',
    'any of *_b',
  ),
  condition: fc.oneof(
    { maxDepth: 3, depthSize: 'small' },
    { weight: 3, arbitrary: tie('leaf') },
    {
      weight: 2,
      arbitrary: fc
        .tuple(tie('condition'), fc.constantFrom('and', 'or', 'AND'), tie('condition'))
        .map((all) => all.join(' ')),
    },
    { weight: 1, arbitrary: tie('condition').map((of) => `(${of})`) },
    { weight: 1, arbitrary: tie('leaf').map((of) => `not ${of}`) },
    { weight: 1, arbitrary: tie('condition').map((of) => `not (${of})`) },
  ),
})).condition;

function ruleOf(
  logsource: Readonly<Record<string, string>>,
  lines: readonly fc.Arbitrary<readonly [string, unknown]>[],
): fc.Arbitrary<string> {
  const search = searchOf(lines, true);
  return fc
    .record({
      sel_a: search,
      sel_b: search,
      _other: search,
      condition: fc.oneof(
        { weight: 5, arbitrary: condition },
        { weight: 1, arbitrary: fc.array(condition, { minLength: 1, maxLength: 2 }) },
      ),
    })
    .map((detection) => stringify({ ...HEAD, logsource, detection }, { aliasDuplicateObjects: false }));
}

const PROCESS_FIELDS = [
  'Image',
  'CommandLine',
  'ParentImage',
  'ParentCommandLine',
  'CurrentDirectory',
  'User',
  'ProcessId',
];
const typed = (type: string, ...fields: readonly string[]): readonly fc.Arbitrary<readonly [string, unknown]>[] => [
  fc.constant(['type', type] as const),
  ...fields.map((field) => lineOf(field, [])),
];
const ofType = fc
  .constantFrom('EXECVE', 'SYSCALL', 'PATH', 'service_stop', 'ADD_USER')
  .map((type) => ['type', type] as const);
const ofId = fc
  .tuple(fc.constantFrom('uid', 'euid', 'auid'), fc.constantFrom<unknown>(0, '7', 9, 4294967295, [0, 9]))
  .map(([field, of]) => [field, of] as const);
const ofSuccess = fc.constantFrom(
  ['success', 'yes'] as const,
  ['success', 'n*'] as const,
  ['success|re', '^y'] as const,
);

const SOURCES = [
  [
    'process_creation',
    ruleOf(
      { product: 'linux', category: 'process_creation' },
      PROCESS_FIELDS.map((field) => lineOf(field, PROCESS_FIELDS)),
    ),
    processDocument,
  ],
  [
    'auditd',
    ruleOf({ product: 'linux', service: 'auditd' }, [
      ofType,
      ofId,
      ofSuccess,
      ...typed('EXECVE', 'a0', 'a1', 'a2'),
      ...typed('SYSCALL', 'SYSCALL', 'exe', 'comm', 'key'),
      ...typed('PATH', 'name', 'nametype'),
    ]),
    auditDocument,
  ],
  [
    'network_connection',
    ruleOf({ product: 'linux', category: 'network_connection' }, [
      lineOf('Image', []),
      fc.constantFrom<readonly [string, unknown]>(
        ['DestinationIp|cidr', '10.0.0.0/16'],
        ['DestinationIp', ['127.0.0.1', '10.9*']],
        ['DestinationPort', 22],
        ['Initiated', 'true'],
        ['Initiated', false],
        ['SourceIp|cidr', ['192.168.0.0/16', '10.0.0.1/32']],
        ['DestinationPort|gte', 100],
      ),
    ]),
    networkDocument,
  ],
  [
    'file_event',
    ruleOf({ product: 'linux', category: 'file_event' }, [
      lineOf('TargetFilename', []),
      lineOf('Image', ['TargetFilename']),
    ]),
    fileDocument,
  ],
] as const;

function read(text: string): { readonly rule: Rule | undefined; readonly errors: readonly string[] } {
  const set = readRuleText('rule.yml', text, new Map());
  const errors = set.diagnostics
    .filter(({ severity }) => severity === 'error')
    .map(({ code, message }) => `${code}: ${message}`);
  return { rule: set.rules[0], errors };
}

describe('a Sigma rule in our words', () => {
  it.each(SOURCES)('means what it says: %s', (_, texts, documents) => {
    const tally = { rules: 0, matched: 0, kept: 0, refused: new Map<string, number>() };
    const means = fc.property(
      texts,
      fc.array(documents as fc.Arbitrary<EventDocument>, { minLength: 4, maxLength: 4 }),
      (text, events) => {
        const { rule, errors } = read(text);
        if (rule === undefined) {
          const reason = errors[0] ?? '';
          expect(reason).toMatch(/^sigma\/(?:never|not-expressible): (?:no event can match|no event has)/);
          tally.refused.set(reason, (tally.refused.get(reason) ?? 0) + 1);
          return;
        }
        tally.rules += 1;
        const plain = parse(text) as PlainRule;
        const index = indexRules([rule], Number.MAX_SAFE_INTEGER);
        for (const event of events) {
          const isMatch = holdsOf(plain, event);
          expect(rule.match(event, 0), rule.matchSource).toBe(isMatch);
          const isCandidate = index.candidates(event).length > 0;
          if (isMatch) expect(isCandidate, rule.matchSource).toBe(true);
          tally.matched += Number(isMatch);
          tally.kept += Number(!isCandidate);
        }
      },
    );
    // How much of it matches is asked of rules that are always the same.
    fc.assert(means, { numRuns: 50, seed: 1 });
    expect(tally.rules).toBeGreaterThan(25);
    expect(tally.matched).toBeGreaterThan(5);
    expect(tally.kept).toBeGreaterThan(5);
    fc.assert(means, { numRuns: RUNS });
  });

  it('is the same rule when it is read again from what the control log keeps', () => {
    fc.assert(
      fc.property(SOURCES[1][1], (text) => {
        const { rule } = read(text);
        if (rule === undefined) return;
        const again = readRuleSource(rule.sourceJson);
        expect(again?.version).toBe(rule.version);
        expect(again?.matchSource).toBe(rule.matchSource);
        expect(again?.name).toBe(rule.name);
      }),
      { numRuns: 100 },
    );
  });
});
