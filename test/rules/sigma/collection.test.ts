// Sigma documents together: filters on the rules that they are for, files whose documents share keys, named lists, ids; and what becomes of each
// document, hostile ones too.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readRuleText } from '../../../rules/rule-files.ts';
import { alertsOf, type Given, importSigma } from './sigma-run.ts';

const RULE_ID = '11111111-0000-4000-8000-000000000001';
const RULE = `title: A program of the temporary folder
id: ${RULE_ID}
name: from_tmp
logsource: { product: linux, category: process_creation }
detection:
  selection: { Image|startswith: /tmp/ }
  condition: selection
level: high
`;

function filter(words: string, logSource = '{ product: linux, category: process_creation }'): string {
  return `title: Our updater\nid: 22222222-0000-4000-8000-000000000002\nlogsource: ${logSource}\nfilter:\n${words.replace(/^/gm, '  ')}\n`;
}

const UPDATER = "selection: { Image|endswith: '/updater', User: backup }\ncondition: not selection";
const started = (at: number, path: string, user = 'bob'): Given => ({
  at,
  'process.executable': path,
  'user.name': user,
});
const EVENTS = [started(0, '/tmp/x'), started(1, '/tmp/updater', 'backup'), started(2, '/tmp/updater')];

describe('filters', () => {
  it.each([
    ['any rule', 'rules: any', undefined],
    ['no rules named', '', undefined],
    ['the rule by its id', `rules: [${RULE_ID}]`, undefined],
    ['the rule by its name', 'rules: [from_tmp]', undefined],
    ['a wider log source', 'rules: any', '{ product: linux }'],
  ])('take out what they select: %s', (_name, rules, logSource) => {
    const imported = importSigma({ 'rule.yml': RULE, 'filter.yml': filter(`${rules}\n${UPDATER}`.trim(), logSource) });
    expect(imported.told).toEqual([]);
    expect(imported.documents.map(({ status }) => status)).toEqual(['runs', 'filter']);
    expect(alertsOf(imported, EVENTS).length).toBe(2);
    const [exception] = imported.documents[0]?.rule?.except ?? [];
    expect(exception).toMatchObject({
      reason: 'Sigma filter: Our updater',
      owner: '22222222-0000-4000-8000-000000000002',
    });
  });

  it('of another log source change nothing', () => {
    const other = filter(`rules: any\n${UPDATER}`, '{ product: linux, category: file_event }');
    expect(alertsOf(importSigma({ 'rule.yml': RULE, 'filter.yml': other }), EVENTS).length).toBe(3);
    const named = filter(`rules: [from_tmp]\n${UPDATER}`, '{ product: linux, category: file_event }');
    expect(importSigma({ 'rule.yml': RULE, 'filter.yml': named }).told).toEqual([
      'filter.yml:5:11 `from_tmp` is no rule of the filter’s log source [sigma/filter]',
      'filter.yml:1:1 there is no rule here that it is for [sigma/filter]',
    ]);
  });

  it('hold within correlations too', () => {
    const count = `title: Three\nid: 33333333-0000-4000-8000-000000000003\ncorrelation:
  type: event_count
  rules: [from_tmp]
  group-by: [ComputerName]
  timespan: 5m
  condition: { gte: 3 }
`;
    const without = importSigma({ 'a.yml': `${RULE}---\n${count}` });
    expect(alertsOf(without, EVENTS).length).toBe(1);
    const filtered = importSigma({ 'a.yml': `${RULE}---\n${count}`, 'filter.yml': filter(`rules: any\n${UPDATER}`) });
    expect(alertsOf(filtered, EVENTS).length).toBe(0);
  });

  it('with several things to take out', () => {
    const words = `rules: any\nupdater: { User: backup }\nbuild: { Image: /tmp/x }\ncondition: not updater and not build`;
    const imported = importSigma({ 'rule.yml': RULE, 'filter.yml': filter(words) });
    expect(imported.documents[0]?.rule?.except.length).toBe(2);
    expect(alertsOf(imported, EVENTS).length).toBe(1);
  });

  it('with what has to come together to be taken out', () => {
    const words = `rules: any\nuser: { User: backup }\nprogram: { Image|endswith: /updater }\ncondition: not user or not program`;
    const imported = importSigma({ 'rule.yml': RULE, 'filter.yml': filter(words) });
    expect(imported.told).toEqual([]);
    expect(alertsOf(imported, EVENTS).length).toBe(2);
  });

  it('that would narrow a rule are refused, and the rule is left whole', () => {
    const words = 'rules: any\nselection: { User: backup }\ncondition: selection';
    const imported = importSigma({ 'rule.yml': RULE, 'filter.yml': filter(words) });
    expect(imported.documents.map(({ status }) => status)).toEqual(['runs', 'refused']);
    expect(imported.told.join()).toContain('this filter would narrow the rules to what it selects');
    expect(alertsOf(imported, EVENTS).length).toBe(3);
  });

  it('leave a rule whole that they cannot be asked of, and say so', () => {
    const network = RULE.replace('process_creation', 'network_connection').replaceAll('1111', '7777');
    const words = `rules: any\nselection: { CommandLine|contains: inventory }\ncondition: not selection`;
    const wide = filter(words, '{ product: linux }');
    const both = importSigma({ 'rule.yml': RULE, 'network.yml': network, 'filter.yml': wide });
    expect(both.documents.map(({ status }) => status)).toEqual(['runs', 'runs', 'filter']);
    expect(both.documents.map(({ rule }) => rule?.except.length)).toEqual([1, 0, undefined]);
    expect(both.told.join()).toContain('it is not in 1 of 2 rules that it is for');
    const alone = importSigma({ 'network.yml': network, 'filter.yml': wide });
    expect(alone.documents.map(({ status }) => status)).toEqual(['runs', 'refused']);
    expect(importSigma({ 'filter.yml': wide }).told).toEqual([
      'filter.yml:1:1 there is no rule here that it is for [sigma/filter]',
    ]);
  });

  it('of rules that are not there are told', () => {
    const { told } = importSigma({ 'rule.yml': RULE, 'f.yml': filter(`rules: [nowhere]\n${UPDATER}`) });
    expect(told).toEqual([
      'f.yml:5:11 there is no rule `nowhere` [sigma/unknown-rule]',
      'f.yml:1:1 there is no rule here that it is for [sigma/filter]',
    ]);
  });
});

describe('documents that share keys', () => {
  const GLOBAL = `action: global
title: Two ways
id: 44444444-0000-4000-8000-000000000004
logsource: { product: linux, category: process_creation }
detection:
  condition: selection
---
detection:
  selection: { Image: /tmp/x }
---
detection:
  selection: { Image: /tmp/y }
`;

  it('action: global is in each that follows, up to a reset', () => {
    const imported = importSigma(`${GLOBAL}---\naction: reset\n---\n${RULE}`);
    expect(imported.told).toEqual([]);
    expect(imported.documents.map(({ entry }) => entry.title)).toEqual([
      'Two ways',
      'Two ways',
      'A program of the temporary folder',
    ]);
    const ids = imported.documents.map(({ rule }) => rule?.id ?? '');
    expect(new Set(ids).size).toBe(3);
    expect(ids[0]).toBe('44444444-0000-4000-8000-000000000004');
    expect(ids[1]).toMatch(/^44444444-0000-4000-8000-000000000004-[0-9a-f]{8}$/);
    expect(alertsOf(imported, [started(0, '/tmp/y')]).toSorted()).toEqual([RULE_ID, ids[1]]);
  });

  it('action: repeat is the document before with other words', () => {
    const repeated = `${RULE}---\naction: repeat\nid: 55555555-0000-4000-8000-000000000005\ndetection:\n  selection: { Image|startswith: /dev/shm/ }\n`;
    const imported = importSigma(repeated);
    expect(imported.told).toEqual([]);
    expect(alertsOf(imported, [started(0, '/dev/shm/x'), started(1, '/tmp/x')])).toEqual([
      '55555555-0000-4000-8000-000000000005',
      RULE_ID,
    ]);
  });

  it('what is nothing of Sigma is told with its place', () => {
    const { documents, told } = importSigma(
      'title: a list of things\nvalues: [1]\n---\n- 1\n---\naction: again\ntitle: x\n',
    );
    expect(documents).toEqual([]);
    expect(told).toEqual([
      'rules.yml:1:1 this is no Sigma rule, correlation or filter [sigma/document]',
      'rules.yml:4:1 a Sigma document is a map [sigma/document]',
      'rules.yml:6:9 this `action` has no meaning here [sigma/document]',
    ]);
  });
});

describe('placeholders', () => {
  const expanding = (name: string): string => RULE.replace('Image|startswith: /tmp/', `User|expand: "%${name}%"`);

  it('are our lists of that name', () => {
    const imported = importSigma(expanding('admins'));
    expect(imported.told).toEqual([]);
    expect(alertsOf(imported, [started(0, '/bin/x', 'Backup'), started(1, '/bin/x')]).length).toBe(1);
  });

  it.each([
    ['%admins% to %admins%', ['root to backup', 'backup to backup', 'Root to root'], ['root to bob', 'root']],
    ['*-u %admins%*', ['su -u root x', '-u backup'], ['su -u bob', 'su -u %admins%']],
    ['?%admins%', ['xroot'], ['root', 'xxroot']],
  ])('are found within texts, each by itself: %s', (text, found, passed) => {
    const imported = importSigma(RULE.replace('Image|startswith: /tmp/', `CommandLine|expand: "${text}"`));
    expect(imported.told).toEqual([]);
    const run = (line: string): Given => ({ at: 0, 'process.args': line.split(' ') });
    for (const line of found) expect([line, alertsOf(imported, [run(line)]).length]).toEqual([line, 1]);
    for (const line of passed) expect([line, alertsOf(imported, [run(line)]).length]).toEqual([line, 0]);
  });

  it('a list that is not there is told', () => {
    const { documents, told } = importSigma(expanding('nobody'));
    expect(documents[0]?.status).toBe('refused');
    expect(told.join()).toContain('nobody');
  });
});

describe('what an import says', () => {
  it('reads back as the very rule that runs', () => {
    const imported = importSigma({ 'rule.yml': RULE, 'filter.yml': filter(`rules: any\n${UPDATER}`) });
    const [only] = imported.documents;
    const { rules } = readRuleText(`${RULE_ID}.yaml`, only?.text ?? '', new Map());
    expect(rules.map(({ id, version }) => [id, version])).toEqual([[RULE_ID, only?.rule?.version]]);
  });

  it('an id that two files have is told, and neither is half', () => {
    const { documents, told } = importSigma({ 'a.yml': RULE, 'b.yml': RULE });
    expect(documents.map(({ status }) => status)).toEqual(['runs', 'refused']);
    expect(told.join()).toContain('is taken by a.yml');
  });

  it('whatever stands in them, documents are whole or refused with a reason', () => {
    const word = fc.constantFrom(
      'su',
      'any',
      'User',
      '5m',
      'temporal',
      'event_count',
      'value_sum',
      'not selection',
      'selection',
      '__proto__',
      '',
    );
    const leaf = fc.oneof(
      word,
      fc.integer({ min: -3, max: 20_000 }),
      fc.boolean(),
      fc.constant(null),
      fc.string({ maxLength: 6 }),
    );
    const value = fc.oneof(
      { weight: 3, arbitrary: leaf },
      fc.array(leaf, { maxLength: 3 }),
      fc.dictionary(fc.constantFrom('gte', 'lt', 'eq', 'field', 'percentile', 'su', 'selection', 'constructor'), leaf, {
        maxKeys: 3,
      }),
    );
    const keys = ['type', 'rules', 'group-by', 'timespan', 'condition', 'aliases', 'generate', 'selection'];
    const map = fc.dictionary(fc.constantFrom(...keys), value, { maxKeys: 8 });
    const document = fc.record(
      {
        id: leaf,
        name: leaf,
        title: leaf,
        level: leaf,
        tags: value,
        logsource: value,
        action: fc.constantFrom('global', 'repeat', 'x'),
        correlation: map,
        filter: map,
      },
      { requiredKeys: [] },
    );
    const su = RULE.replace('from_tmp', 'su');
    const check = fc.property(fc.array(document, { minLength: 1, maxLength: 4 }), (documents) => {
      const text = documents.map((one) => JSON.stringify(one)).join('\n---\n');
      const { documents: read, told } = importSigma({ 'a.yml': text, 'su.yml': su });
      for (const { status, rule, diagnostics } of read) {
        if (status === 'runs' || status === 'remarks') expect(rule).toBeDefined();
        if (status === 'refused') expect(diagnostics.some(({ severity }) => severity === 'error')).toBe(true);
      }
      expect(read.length > 1 || told.length > 0 || documents.every((one) => one.action === 'global')).toBe(true);
    });
    fc.assert(check, { numRuns: 400 });
  });

  const many = (count: number): string => Array.from({ length: count }, (_, at) => `/bin/${at}`).join(', ');
  it.each([
    ['10,000 values', RULE.replace('/tmp/', `[${many(10_000)}]`)],
    ['10 MB', RULE.replace('/tmp/', 'x'.repeat(10_000_000))],
    ['deep nesting', RULE.replace('/tmp/', '['.repeat(5_000) + ']'.repeat(5_000))],
    ['an alias', `x: &a [1]\n${RULE.replace('/tmp/', '*a')}`],
    ['billions of laughs', `a: &a [x, x]\nb: &b [*a, *a]\n${RULE}`],
    ['a key of prototypes', RULE.replace('Image|startswith', '__proto__')],
    ['an id of prototypes', RULE.replace('name: from_tmp', 'name: __proto__')],
    ['a long chain of filters', RULE.replace('condition: selection', `condition: ${'not '.repeat(2_000)}selection`)],
    ['500 documents', Array.from({ length: 500 }, () => RULE).join('---\n')],
    ['no text at all', ''],
    ['bytes', '\u0000\u0001\u{10ffff}'],
  ])('bounded or refused: %s', (_name, text) => {
    const { documents, told } = importSigma({ 'hostile.yml': text, 'good.yml': RULE.replaceAll('1111', '9999') });
    expect(documents.at(-1)?.status).toBe('runs');
    for (const { status, diagnostics } of documents) {
      if (status === 'refused') expect(diagnostics.some(({ severity }) => severity === 'error')).toBe(true);
    }
    expect(told.every((one) => one.length < 3_000)).toBe(true);
  });
});
