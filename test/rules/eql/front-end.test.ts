// Rules of Elastic Security as files: exports, TOML, saved objects; what each type becomes, what travels along, what is told and where, and files that mean
// harm.
import { describe, expect, it } from 'vitest';
import { toNested } from '../../../event/document.ts';
import { importElastic } from './one-import.ts';

type Data = Readonly<Record<string, unknown>>;

const HEAD = { rule_id: 'r-1', name: 'A rule', severity: 'high', risk_score: 73 };

function exported(...documents: readonly Data[]): Readonly<Record<string, string>> {
  return { 'export.ndjson': documents.map((one) => JSON.stringify(one)).join('\n') };
}

function ruleOf(data: Data, ...others: readonly Data[]) {
  const { documents, told } = importElastic(exported({ ...HEAD, ...data }, ...others));
  const plain = documents[0]?.entry.rule?.rule;
  const rule = documents[0]?.rule;
  if (plain === undefined || rule === undefined) throw new Error(told.join('\n'));
  return { plain, rule, told };
}

const kuery = (query: string): Data => ({ type: 'query', language: 'kuery', query });

describe('what each type becomes', () => {
  it.each<readonly [string, Data, Data]>([
    ['eql', { type: 'eql', language: 'eql', query: 'process where true' }, { match: '"process" in event.category' }],
    ['query', kuery('process.name: nc'), { match: 'process.name = "nc"' }],
    [
      'query in lucene',
      { type: 'query', language: 'lucene', query: 'process.name:nc*' },
      { match: '$glob(process.name, "nc*")' },
    ],
    [
      'saved query with its text',
      { ...kuery('process.name: nc'), type: 'saved_query' },
      { match: 'process.name = "nc"' },
    ],
    [
      'threshold',
      {
        ...kuery('event.outcome: failure'),
        type: 'threshold',
        threshold: { field: ['source.ip'], value: 5 },
        from: 'now-10m',
      },
      { match: 'event.outcome = "failure"', by: ['source.ip'], threshold: { count: 5, within: '10m' } },
    ],
    [
      'threshold of values',
      {
        ...kuery('event.outcome: failure'),
        type: 'threshold',
        threshold: { field: 'source.ip', value: 1, cardinality: [{ field: 'user.name', value: 3 }] },
      },
      { by: ['source.ip'], distinct: { field: 'user.name', above: 2, within: '6m' } },
    ],
    [
      'new terms',
      { ...kuery('*'), type: 'new_terms', new_terms_fields: ['host.id', 'user.name'], history_window_start: 'now-14d' },
      { match: 'true', new_value: { fields: ['host.id', 'user.name'], learn: '14d', remember: '14d' } },
    ],
    [
      'a sequence without a span takes as long as its search looked back',
      { type: 'eql', language: 'eql', query: 'sequence [process where true] [file where true]', from: 'now-9m' },
      {
        sequence: {
          within: '9m',
          steps: [{ match: '"process" in event.category' }, { match: '"file" in event.category' }],
        },
      },
    ],
    [
      'a sample is a combination, as long as its search looked back',
      {
        type: 'eql',
        language: 'eql',
        query: 'sample by host.id [process where true] by user.name [file where true] by file.owner',
        from: 'now-9m',
      },
      {
        by: ['host.id', 'user.name'],
        combination: { within: '9m', steps: [{}, { by: ['host.id', 'file.owner'] }] },
      },
    ],
    [
      'filters beside the query',
      {
        ...kuery('process.name: nc'),
        filters: [
          { meta: { negate: true }, query: { match_phrase: { 'user.name': 'root' } } },
          { meta: { disabled: true }, query: { odd: 1 } },
        ],
      },
      { match: 'process.name = "nc" and $not(user.name = "root")' },
    ],
  ])('%s', (_, data, expected) => {
    expect(ruleOf(data).plain).toMatchObject(expected);
  });

  it.each<readonly [string, Data, string]>([
    [
      'ES|QL',
      { type: 'esql', query: 'from x' },
      'the rule is of type `esql`: an ES|QL query computes tables, which no rule here does',
    ],
    [
      'machine learning',
      { type: 'machine_learning' },
      'the rule is of type `machine_learning`: a machine learning job runs in Elasticsearch',
    ],
    [
      'indicators',
      { type: 'threat_match', query: '*' },
      'the rule is of type `threat_match`: indicators are looked up in another index',
    ],
    ['what nobody knows', { type: 'odd', query: '*' }, 'the type `odd` is not known here'],
    ['no query', { type: 'query' }, 'the rule has no query'],
    ['words in all fields', kuery('netcat'), '`netcat` is looked for in all fields, which a rule cannot do'],
    ['objects of a list', kuery('a: { b: 1 }'), '`{ … }` asks of one object of a list'],
    ['a parenthesis that is open', kuery('a: (b or c'), '`)` is expected here'],
    [
      'both of a threshold',
      { ...kuery('*'), type: 'threshold', threshold: { value: 9, cardinality: [{ field: 'a', value: 2 }] } },
      'a number of events and a number of values together cannot be said',
    ],
    ['an odd severity', { ...kuery('*'), severity: 'urgent' }, '`urgent` is no severity'],
    ['a filter that runs a script', { ...kuery('*'), filters: [{ query: { script: {} } }] }, 'a filter cannot be said'],
  ])('%s is refused', (_, data, problem) => {
    const { documents, told } = importElastic(exported({ ...HEAD, ...data }));
    expect(documents.map(({ status }) => status)).toEqual(['refused']);
    expect(told.join('\n')).toContain(problem);
  });
});

describe('a query in KQL', () => {
  const EVENT = toNested({
    'process.name': 'nc',
    'process.args': ['nc', '-l', '4444'],
    'process.pid': 42,
    'user.name': 'alice smith',
    message: 'Failed password for root',
    'source.ip': '10.1.2.3',
    'file.path': '/tmp/a?b',
  });

  it.each<readonly [string, boolean]>([
    ['process.name: nc', true],
    ['process.name: NC', false],
    ['process.name: "nc"', true],
    ['process.name: n*', true],
    ['process.name: "n*"', false],
    ['process.args: -l and process.args: "4444"', true],
    ['process.name: (ncat or nc) AND NOT user.name: root', true],
    ['process.name: (ncat or not nc)', false],
    ['process.name: nc or process.name: x and process.pid: 1', true],
    ['(process.name: nc or process.name: x) and process.pid: 1', false],
    ['process.pid >= 42 and process.pid < 43', true],
    ['process.pid > 42', false],
    ['not process.parent.name: sh', true],
    ['user.name: *', true],
    ['process.parent.name: *', false],
    ['user.name: alice smith', true],
    ['message: password', true],
    ['message: "password for"', true],
    ['message: "for password"', false],
    ['source.ip: "10.0.0.0/8"', true],
    ['file.path: \\/tmp\\/a?b', true],
    ['file.path: /tmp/x?b', false],
    ['*', true],
    ['', true],
    ['*:*', true],
  ])('%s: %s', (query, expected) => {
    expect(ruleOf(kuery(query)).rule.match(EVENT, 0)).toBe(expected);
  });
});

describe('what travels along', () => {
  const TOML = `[metadata]
creation_date = "2024/01/02"
maturity = "production"
updated_date = "2024/03/04"

[rule]
author = ["Ann", "Bob"]
description = """
Somebody listens.
"""
false_positives = ["Tests."]
from = "now-9m"
index = ["logs-endpoint.events.*"]
language = "eql"
license = "A licence"
name = "Netcat listens"
note = "Look at the port."
references = ["https://example.org/x", "a book"]
risk_score = 47
rule_id = "11111111-2222-3333-4444-555555555555"
severity = "medium"
tags = ["OS: Linux"]
type = "eql"
query = '''
process where event.type == "start" and
  process.name : "nc" and process.args == "-l" and unheard(process.name)
'''

[[rule.threat]]
framework = "MITRE ATT&CK"
[[rule.threat.technique]]
id = "T1059"
[[rule.threat.technique.subtechnique]]
id = "T1059.004"
[rule.threat.tactic]
id = "TA0002"
[[rule.threat]]
[rule.threat.tactic]
id = "TA0011"
`;

  it('of a TOML rule: authors, licence, ATT&CK, references, dates', () => {
    const { documents } = importElastic({ 'rules/nc.toml': TOML.replace(' and unheard(process.name)', '') });
    expect(documents[0]?.entry.rule?.rule).toMatchObject({
      id: '11111111-2222-3333-4444-555555555555',
      name: 'Netcat listens',
      description: 'Somebody listens.\n\nLook at the port.\n\nSee also: a book',
      severity: 'medium',
      risk: 47,
      tags: ['OS: Linux'],
      mitre: ['T1059.004', 'TA0011'],
      references: ['https://example.org/x'],
      author: 'Ann, Bob',
      license: 'A licence',
      false_positives: ['Tests.'],
      origin: { format: 'elastic', status: 'production', date: '2024/01/02', modified: '2024/03/04' },
      alert: {
        title: 'Netcat listens on {{host.name}}',
        include: ['user.name', 'process.name', 'process.command_line'],
      },
    });
    expect(documents.map(({ status }) => status)).toEqual(['runs']);
  });

  it('new terms and thresholds as TOML names their parts', () => {
    const head = '[rule]\nname = "T"\nrule_id = "t"\nseverity = "low"\nlanguage = "kuery"\nquery = "process.name: *"\n';
    const terms = `${head}type = "new_terms"\n[rule.new_terms]\nfield = "new_terms_fields"\nvalue = ["user.name"]\n[[rule.new_terms.history_window_start]]\nfield = "history_window_start"\nvalue = "now-5d"\n`;
    const threshold = `${head}type = "threshold"\n[rule.threshold]\nfield = ["host.id"]\nvalue = 25\n[rule.alert_suppression.duration]\nvalue = 10\nunit = "m"\n`;
    const rules = [terms, threshold].map((text) => importElastic({ 'x.toml': text }).documents[0]?.entry.rule?.rule);
    expect(rules).toMatchObject([
      { new_value: { fields: ['user.name'], learn: '5d' } },
      { threshold: { count: 25, within: '6m' }, alert: { suppress: { for: '10m', by: ['host.id'] } } },
    ]);
  });

  it('the place of what cannot be said: in TOML and in JSON, through its escapes', () => {
    const line = TOML.split('\n').findIndex((one) => one.includes('unheard')) + 1;
    const { told } = importElastic({ 'rules/nc.toml': TOML });
    expect(told).toEqual([`rules/nc.toml:${line}:52 \`unheard\` is no condition that is known here`]);
    const query = 'any where a == "\\u{41}\\n" and unheard(b)';
    const files = exported({ ...HEAD, type: 'eql', language: 'eql', query });
    const [problem = ''] = importElastic(files).told;
    const column = Number(/:1:(\d+) /.exec(problem)?.[1]);
    expect(files['export.ndjson']?.slice(column - 1)).toMatch(/^unheard\(b\)/);
  });

  it('suppression, exceptions that stand on other lines, what is off', () => {
    const { plain, rule, told } = ruleOf(
      {
        ...kuery('process.name: nc'),
        enabled: false,
        alert_suppression: {
          group_by: ['host.id'],
          duration: { value: 2, unit: 'h' },
          missing_fields_strategy: 'suppress',
        },
        exceptions_list: [{ list_id: 'l1' }, { list_id: 'gone' }],
      },
      {
        list_id: 'l1',
        name: 'Nightly',
        created_by: 'bob',
        expire_time: '2027-01-01T00:00:00Z',
        entries: [
          { field: 'process.name', type: 'match_any', operator: 'included', value: ['nc', 'ncat'] },
          { field: 'user.name', type: 'exists', operator: 'excluded' },
          { field: 'file.path', type: 'wildcard', operator: 'included', value: '/tmp/*' },
        ],
      },
      { list_id: 'l1', name: 'the list itself', type: 'detection' },
      { exported_count: 3, missing_rules: [] },
    );
    expect(plain).toMatchObject({
      status: 'off',
      except: [{ reason: 'Nightly', owner: 'bob', expires: '2027-01-01' }],
      alert: { suppress: { for: '2h', by: ['host.id'] } },
    });
    const [except] = rule.except;
    expect(except?.match(toNested({ 'process.name': 'nc', 'file.path': '/tmp/x' }), 0)).toBe(true);
    expect(except?.match(toNested({ 'process.name': 'nc', 'file.path': '/tmp/x', 'user.name': 'a' }), 0)).toBe(false);
    expect(told.join('\n')).toContain('its exceptions are not in the file (gone)');
    expect(told.join('\n')).toContain('the rule was not enabled: it is off');
  });

  it('a rule with an exception that cannot be said is refused', () => {
    const { documents } = importElastic(
      exported(
        { ...HEAD, ...kuery('a: b'), exceptions_list: [{ list_id: 'l' }] },
        { list_id: 'l', entries: [{ field: 'a', type: 'list', operator: 'included' }] },
      ),
    );
    expect(documents.map(({ status }) => status)).toEqual(['refused']);
  });

  it('a saved object of Kibana, and a list of rules in one file', () => {
    const saved = {
      type: 'alert',
      attributes: {
        name: 'Saved',
        enabled: true,
        tags: ['x'],
        schedule: { interval: '5m' },
        params: {
          ruleId: 's-1',
          severity: 'low',
          riskScore: 21,
          type: 'query',
          language: 'kuery',
          query: 'process.name: nc',
          falsePositives: ['y'],
        },
      },
    };
    expect(importElastic(exported(saved)).documents[0]?.entry.rule?.rule).toMatchObject({
      id: 's-1',
      name: 'Saved',
      severity: 'low',
      risk: 21,
      tags: ['x'],
      false_positives: ['y'],
    });
    const many = JSON.stringify(
      [
        { ...HEAD, ...kuery('process.pid: 1') },
        { ...HEAD, rule_id: 'r-2', ...kuery('process.pid: 2') },
      ],
      null,
      2,
    );
    expect(importElastic({ 'rules.json': many }).documents.map(({ status }) => status)).toEqual(['runs', 'runs']);
  });

  it('rules about other systems are told apart, by their tags or by what they ask for', () => {
    const statusOf = (data: Data): string | undefined =>
      importElastic(exported({ ...HEAD, ...data })).documents[0]?.status;
    expect([
      statusOf({ ...kuery('process.name: x'), tags: ['OS: Windows'] }),
      statusOf(kuery('host.os.type: windows and process.name: x')),
      statusOf({ ...kuery('process.name: x'), tags: ['OS: Windows', 'OS: Linux'] }),
    ]).toEqual(['no-source', 'no-source', 'runs']);
  });

  it('actions, mapped severities, unknown keys and other systems’ indices are told', () => {
    const { told } = ruleOf({
      ...kuery('process.name: nc'),
      index: ['winlogbeat-*'],
      actions: [{ id: 'x' }],
      severity_mapping: [{ field: 'event.severity' }],
      brand_new: 1,
    });
    const all = told.join('\n');
    for (const words of [
      'no events of winlogbeat-*',
      'actions are not taken over',
      '`severity_mapping` takes',
      'left out: brand_new',
    ])
      expect(all).toContain(words);
  });
});

describe('files that mean harm', () => {
  it.each<readonly [string, string, string]>([
    ['deep.ndjson', `{"a":${'['.repeat(100_000)}${']'.repeat(100_000)}}`, 'this line is no JSON object'],
    ['long.ndjson', `{"query":"${'x'.repeat(2_000_000)}"}`, 'the line is longer than 1 MiB'],
    ['text.ndjson', 'process where true', 'this line is no JSON object'],
    ['deep.toml', `[rule]\na = ${'['.repeat(5_000)}`, 'this is no TOML'],
    ['large.toml', `# ${'x'.repeat(1_100_000)}`, 'the file is larger than 1 MiB'],
    ['hunt.toml', '[hunt]\nname = "x"\n', 'this is a query to hunt with, no rule'],
    ['none.toml', '[metadata]\na = 1\n', 'no `[rule]` is in it'],
  ])('%s', (file, text, problem) => {
    const { documents, told } = importElastic({ [file]: text });
    expect(documents).toEqual([]);
    expect(told.join('\n')).toContain(problem);
  });

  it('keys of every object are no keys of a rule, and values of other types stop nothing', () => {
    const { documents } = importElastic({
      'odd.ndjson': [
        '{"__proto__":{"query":"a: b","type":"query"},"name":"proto"}',
        '{"constructor":1,"toString":2,"name":5,"severity":{},"tags":{"a":1},"threat":[1,null,{"technique":5}],"type":"query","query":"a: b"}',
        '{"rule_id":"x","type":["eql"],"query":{"a":1},"threshold":5}',
      ].join('\n'),
    });
    expect(documents.map(({ status }) => status)).toEqual(['refused', 'remarks', 'refused']);
  });

  it('conditions nest and follow each other only so far', () => {
    for (const query of ['('.repeat(20_000), `a: ${'('.repeat(20_000)}`, 'a: b and '.repeat(5_000).concat('a: b')]) {
      expect(importElastic(exported({ ...HEAD, ...kuery(query) })).documents.map(({ status }) => status)).toEqual([
        'refused',
      ]);
    }
  });

  it('nothing in a value becomes part of an expression', () => {
    for (const word of ['") or true or ("', '{{user.name}}', '`', '\u2028']) {
      const { rule } = ruleOf(kuery(`process.name: ${JSON.stringify(word)}`));
      expect(rule.match(toNested({ 'process.name': word }), 0)).toBe(true);
      expect(rule.match(toNested({ 'process.name': 'x' }), 0)).toBe(false);
    }
  });
});
