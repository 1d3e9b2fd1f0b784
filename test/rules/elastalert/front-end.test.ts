// Files of ElastAlert as a whole: each of the twelve types as its users write it, options and alerters, the global configuration, what is imported and listed,
// and files that mean harm. For the types on traffic see test/engine/kinds/elastalert.test.ts.
import { describe, expect, it } from 'vitest';
import { elastAlertFrontEnd } from '../../../rules/elastalert/front-end.ts';
import type { PlainRule } from '../../../rules/foreign/foreign-rule.ts';
import type { ForeignReading } from '../../../rules/foreign/front-end.ts';
import { NO_MACROS } from '../../../rules/language/macro-reader.ts';
import { imported } from '../../engine/kinds/elastalert-case.ts';

const NAMES = { lists: new Map(), macros: NO_MACROS };

function read(files: Readonly<Record<string, string>>): ForeignReading {
  return elastAlertFrontEnd(
    Object.entries(files).map(([file, text]) => ({ file, text })),
    NAMES,
  );
}

function rulesOf(text: string, others: Readonly<Record<string, string>> = {}): readonly PlainRule[] {
  const { entries } = read({ 'rules/r.yaml': text, ...others });
  return entries.map(({ rule }) => rule?.rule).filter((rule) => rule !== undefined);
}

function ruleOf(text: string, others: Readonly<Record<string, string>> = {}): PlainRule {
  const [rule] = rulesOf(text, others);
  if (rule === undefined) throw new Error(problems(text, others).join('\n'));
  return rule;
}

function problems(text: string, others: Readonly<Record<string, string>> = {}): readonly string[] {
  const { entries, diagnostics } = read({ 'rules/r.yaml': text, ...others });
  return [...diagnostics, ...entries.flatMap((entry) => entry.diagnostics)].map(
    ({ file, line, severity, message }) => `${file}:${line} ${severity} ${message}`,
  );
}

const HEAD = 'name: A rule\nindex: auditbeat-*\nalert: [debug]\n';

describe('the twelve types', () => {
  it.each<readonly [string, string, PlainRule]>([
    ['any', 'type: any\nfilter:\n- term: {process.name: nc}\n', { match: 'process.name = "nc"' }],
    [
      'blacklist',
      'type: blacklist\ncompare_key: user.name\nblacklist: [mallory, eve]\n',
      { match: 'user.name in ["mallory", "eve"]' },
    ],
    [
      'whitelist',
      'type: whitelist\ncompare_key: user.name\nignore_null: true\nwhitelist: [alice]\n',
      { match: '$not(user.name = null) and $exists(user.name) and $not(user.name = "alice")' },
    ],
    [
      'change',
      'type: change\ncompare_key: source.ip\nquery_key: user.name\nignore_null: true\ntimeframe: {days: 1}\n',
      { by: ['user.name'], change: { fields: ['source.ip'], within: '1d', missing: 'skip' } },
    ],
    [
      'frequency',
      'type: frequency\nnum_events: 50\ntimeframe: {hours: 4}\nquery_key: [host.id, user.name]\n',
      { by: ['host.id', 'user.name'], threshold: { count: 50, within: '4h', mode: 'restart' } },
    ],
    [
      'spike',
      'type: spike\nspike_height: 3\nspike_type: up\ntimeframe: {minutes: 10}\nthreshold_ref: 5\nthreshold_cur: 20\n',
      { spike: { factor: 3, within: '10m', direction: 'up', mode: 'restart', now_at_least: 20, before_at_least: 5 } },
    ],
    [
      'flatline',
      'type: flatline\nthreshold: 1\ntimeframe: {days: 1}\nquery_key: host.id\n',
      { by: ['host.id'], absence: { fewer_than: 1, within: '1d' } },
    ],
    [
      'new_term',
      'type: new_term\nfields: [[host.id, process.name]]\nterms_window_size: {days: 14}\nquery_key: host.id\n',
      { new_value: { fields: ['host.id', 'process.name'], learn: '14d', remember: '365d' } },
    ],
    [
      'cardinality',
      'type: cardinality\ncardinality_field: destination.port\nmax_cardinality: 20\ntimeframe: {minutes: 1}\nquery_key: host.id\n',
      { by: ['host.id'], distinct: { field: 'destination.port', above: 20, within: '1m' } },
    ],
    [
      'metric_aggregation',
      'type: metric_aggregation\nmetric_agg_key: process.args_count\nmetric_agg_type: percentiles\npercentile_range: 95\nmax_threshold: 200\nmin_doc_count: 10\nbuffer_time: {minutes: 15}\n',
      { metric: { percentile: { rank: 95, field: 'process.args_count' }, above: 200, at_least: 10, within: '15m' } },
    ],
    [
      'spike_aggregation',
      'type: spike_aggregation\nmetric_agg_key: process.args_count\nmetric_agg_type: avg\nspike_height: 2\nspike_type: both\ntimeframe: {hours: 1}\n',
      { spike: { factor: 2, within: '1h', direction: 'both', mode: 'restart', avg: 'process.args_count' } },
    ],
    [
      'percentage_match',
      'type: percentage_match\nmatch_bucket_filter:\n- term: {event.outcome: failure}\nmax_percentage: 60\nmin_denominator: 10\nbuffer_time: {minutes: 15}\n',
      { ratio: { of: 'event.outcome = "failure"', above: 0.6, at_least: 10, within: '15m' } },
    ],
  ])('%s', (_type, text, expected) => {
    const rule = ruleOf(`${HEAD}${text}`);
    expect(rule).toMatchObject({ id: 'a-rule', name: 'A rule', severity: 'medium', ...expected });
    // It is read as it runs and as it is written, and both are the same.
    expect(imported(`${HEAD}${text}`).rules.length).toBe(1);
  });

  it('several rules come of one where it asks several things', () => {
    const terms = rulesOf(`${HEAD}type: new_term\nfields: [user.name, process.name]\nalert_on_missing_field: true\n`);
    expect(terms.map(({ id }) => id)).toEqual([
      ...['a-rule-user-name', 'a-rule-user-name-missing', 'a-rule-process-name', 'a-rule-process-name-missing'],
    ]);
    const both = rulesOf(
      `${HEAD}type: cardinality\ncardinality_field: user.name\nmax_cardinality: 5\nmin_cardinality: 2\ntimeframe: {hours: 1}\n`,
    );
    expect(both.map(({ distinct }) => distinct)).toMatchObject([{ above: 5 }, { below: 2 }]);
  });

  it.each([
    ['a type of one’s own', 'type: my_module.MyRule\n', 'none of ElastAlert’s twelve'],
    ['a type with a slip', 'type: frequancy\n', 'none of ElastAlert’s twelve'],
    ['a number too few', 'type: frequency\ntimeframe: {hours: 1}\n', 'needs `num_events`'],
    ['no span', 'type: frequency\nnum_events: 5\ntimeframe: 5m\n', '`timeframe` is no span of time'],
    ['a window of years', 'type: frequency\nnum_events: 5\ntimeframe: {weeks: 60}\n', 'longer than 30 days'],
    [
      'new keys of a spike',
      'type: spike\nspike_height: 2\nspike_type: up\ntimeframe: {hours: 1}\nquery_key: user.name\nalert_on_new_data: true\n',
      '`alert_on_new_data`',
    ],
    [
      'no window',
      'type: metric_aggregation\nmetric_agg_key: x\nmetric_agg_type: avg\nmax_threshold: 1\n',
      'how long the window is',
    ],
    [
      'a script',
      'type: metric_aggregation\nmetric_agg_key: x\nmetric_agg_type: avg\nmax_threshold: 1\nmetric_agg_script: {}\nbuffer_time: {hours: 1}\n',
      'a script',
    ],
    ['an enhancement', 'type: any\nmatch_enhancements: [mine.Drop]\n', 'a program in Python'],
    [
      'an alerter',
      'type: any\nalert: [email, {pagerduty: {pagerduty_service_key: SECRET}}]\n',
      'no channel here is like the alerter `pagerduty`',
    ],
    [
      'hours that are left out',
      'type: any\nlimit_execution: "* 8-18 * * *"\nlimit_execution_coverage: true\n',
      'hours that are left out',
    ],
  ])('refused whole: %s', (_name, text, message) => {
    const file = `name: A rule\nindex: x\n${text.includes('alert:') ? '' : 'alert: debug\n'}${text}`;
    expect(rulesOf(file)).toEqual([]);
    const told = problems(file);
    expect(told.join('\n')).toContain(message);
    expect(told.some((one) => /^rules\/r\.yaml:[1-9]\d* error /.test(one))).toBe(true);
    expect(told.join('\n')).not.toContain('SECRET');
  });
});

describe('what is done with what is found', () => {
  const alertOf = (more: string, others = {}): PlainRule =>
    ruleOf(`${HEAD}type: any\n${more}`, others)['alert'] as PlainRule;

  it('realert: a minute where it is not said, none with aggregation, by query_key, growing', () => {
    expect(alertOf('')['suppress']).toEqual({ for: '1m' });
    expect(alertOf('query_key: user.name\nrealert: {hours: 2}\nexponential_realert: {days: 1}\n')['suppress']).toEqual({
      for: '2h',
      by: ['user.name'],
      grow: '1d',
    });
    expect(alertOf('realert: {minutes: 0}\n')['suppress']).toBeUndefined();
    expect(alertOf('aggregation: {minutes: 5}\n')['suppress']).toBeUndefined();
    // The configuration's realert is of no rule's: ElastAlert has set its own before it looks there.
    expect(alertOf('', { 'config.yaml': 'rules_folder: rules\nrealert: {hours: 9}\n' })['suppress']).toEqual({
      for: '1m',
    });
  });

  it('aggregation: by span, by schedule, by key, with a table; the configuration’s too', () => {
    expect(
      alertOf('aggregation: {minutes: 5}\naggregation_key: host.id\nsummary_table_fields: [user.name]\n')['group'],
    ).toEqual({
      for: '5m',
      by: ['host.id'],
      table: ['user.name'],
    });
    expect(alertOf('aggregation: {schedule: "2 4 * * mon,fri"}\n')['group']).toEqual({ schedule: '2 4 * * mon,fri' });
    expect(alertOf('', { 'config.yaml': 'rules_folder: rules\naggregation: {hours: 1}\n' })['group']).toEqual({
      for: '1h',
    });
    expect(alertOf('limit_execution: "* 8-18 * * 1-5"\n')['group']).toEqual({ schedule: '* 8-18 * * 1-5' });
  });

  it.each([
    [
      'alert_subject: "Login of {0} from {1}"\nalert_subject_args: [user.name, source.ip]\n',
      'Login of {{user.name}} from {{source.ip}}',
    ],
    [
      'alert_subject: "{} of {}, {{kept}}"\nalert_subject_args: [name, user.name.keyword]\n',
      'A rule of {{user.name}}, {kept}',
    ],
    [
      "alert_subject: \"It says {{ process.name }} and {{ _data['user']['name'] }}\"\nalert_text_type: alert_text_jinja\n",
      'It says {{process.name}} and {{user.name}}',
    ],
    ['alert_subject: "Plain {{ text }}"\n', 'Plain { { text } }'],
    ['alert_subject: "{0} hits"\nalert_subject_args: [num_hits]\n', undefined],
    ['alert_subject: "{% if x %}{{ y }}{% endif %}"\nalert_text_type: alert_text_jinja\n', undefined],
  ])('a subject: %s', (text, title) => {
    expect(alertOf(text)['title']).toBe(title);
    expect(imported(`${HEAD}type: any\n${text}`).rules.length).toBe(1);
  });

  it('a spike’s figures have names of their own', () => {
    const text =
      'type: spike\nspike_height: 2\nspike_type: up\ntimeframe: {hours: 1}\nalert_subject: "{0} after {1}"\nalert_subject_args: [spike_count, reference_count]\n';
    expect((ruleOf(`${HEAD}${text}`)['alert'] as PlainRule)['title']).toBe('{{value}} after {{reference}}');
  });

  it('shows the fields that the rule names; a text that is always the same is the description', () => {
    const shown = alertOf(
      'include: [process.name, "_id"]\nalert_text: "{0}"\nalert_text_args: [user.name]\ntop_count_keys: [host.name]\n',
    )['include'];
    expect(shown).toEqual(['process.name', 'user.name', 'host.name']);
    expect(ruleOf(`${HEAD}type: any\ndescription: Why.\nalert_text: Call the owner.\n`)['description']).toBe(
      'Why.\n\nCall the owner.',
    );
  });

  it('alerters become channels, and the configuration is printed without secrets', () => {
    const text = `name: A rule\nindex: x\ntype: any\nemail: [a@example.org]\nalert:\n- email\n- slack: {slack_webhook_url: "https://hooks.example/SECRET", slack_channel_override: "#ops"}\n- post2: {http_post2_url: "https://user:SECRET@example.org/x?token=SECRET"}\n- post: {http_post_url: "https://hooks.example/services/SECRETSECRETSECRET"}\n- pagerduty\npagerduty_service_key: SECRET\n`;
    const config =
      'rules_folder: rules\nsmtp_host: mail.example.org\nfrom_addr: elastalert@example.org\nvedette_alerters: {pagerduty: webhook}\n';
    const { entries, notes = [] } = read({ 'rules/r.yaml': text, 'config.yaml': config });
    expect(entries.map(({ kind }) => kind)).toEqual(['rule']);
    expect(entries[0]?.rule?.rule['alert']).toMatchObject({ to: ['email', 'slack', 'webhook'] });
    expect(notes.join('\n')).toContain('host: mail.example.org');
    expect(notes.join('\n')).toContain('channel: "#ops"');
    expect(notes.join('\n')).toMatch(/url: "?https:\/\/example\.org\/"?\n/);
    expect(JSON.stringify([entries, notes])).not.toContain('SECRET');
  });

  it('status, severity, owner, category, lateness', () => {
    const rule = ruleOf(
      `${HEAD}type: any\nis_enabled: no\npriority: 1\nowner: ops\ncategory: linux\nquery_delay: {minutes: 2}\n`,
    );
    expect(rule).toMatchObject({ status: 'off', severity: 'high', author: 'ops', tags: ['linux'], lateness: '2m' });
  });

  it('remarks say what differs, where it stands', () => {
    const told = problems(
      'name: A rule\nindex: winlogbeat-*\nalert: debug\ntype: flatline\nthreshold: 1\ntimeframe: {hours: 1}\ntimestamp_field: ts\nrealrt: {hours: 1}\n',
    );
    expect(told).toEqual([
      'rules/r.yaml:8 warning `realrt` is no option of ElastAlert’s',
      'rules/r.yaml:7 warning windows go by `event.created`, not by `ts`',
      'rules/r.yaml:4 warning a silence is told once, when it begins; ElastAlert tells it again at each run',
      'rules/r.yaml:5 warning silence is found once an event has come; ElastAlert also finds it where none ever came',
      'rules/r.yaml:2 warning `index: winlogbeat-*` chose documents; a rule here meets every event',
    ]);
  });
});

describe('files together', () => {
  it('a rule has what it imports, its own going before, and filters of both', () => {
    const base =
      'index: x\nalert: debug\ntype: frequency\nnum_events: 5\ntimeframe: {hours: 1}\nfilter:\n- term: {user.name: root}\n';
    const { entries } = read({
      'rules/r.yaml': 'name: A rule\nimport: base/b.yaml\nnum_events: 7\nfilter:\n- term: {process.name: sh}\n',
      'rules/base/b.yaml': base.replace('type', 'kind_of: x\ntype'),
    });
    const rule = entries.find(({ file }) => file === 'rules/r.yaml')?.rule?.rule;
    expect(rule).toMatchObject({
      match: 'process.name = "sh" and user.name = "root"',
      threshold: { count: 7, within: '1h' },
    });
  });

  it('a rule whose mails will reach more people than it names says so', () => {
    const mailing = (name: string, to: string): string =>
      `name: ${name}\nindex: auditbeat-*\ntype: any\nalert: [email]\nemail: ${to}\nfilter:\n- term: {user.name: root}\n`;
    const { entries } = read({
      'a.yaml': mailing('A', '[a@example.org]'),
      'b.yaml': mailing('B', '[a@example.org, b@example.org]'),
    });
    expect(entries.map(({ diagnostics }) => diagnostics.map(({ line, message }) => `${line} ${message}`))).toEqual([
      ['5 its mails go to all recipients of the configuration: 1 more than it names'],
      [],
    ]);
  });

  it('what is only imported is a part; a mistake in it is told there', () => {
    const { entries } = read({
      'r.yaml': 'name: A rule\nimport: b.yaml\ntype: any\nindex: x\nalert: debug\n',
      'b.yaml': 'filter:\n- trem: {user.name: root}\n',
    });
    expect(entries.map(({ file, kind }) => [file, kind])).toEqual([
      ['r.yaml', 'refused'],
      ['b.yaml', 'part'],
    ]);
    expect(entries[0]?.diagnostics[0]).toMatchObject({ file: 'b.yaml', line: 2 });
  });

  it('the configuration gives what a rule does not say', () => {
    const text = `${HEAD}type: metric_aggregation\nmetric_agg_key: process.pid\nmetric_agg_type: max\nmax_threshold: 1\n`;
    const config = 'rules_folder: rules\nbuffer_time: {minutes: 20}\n';
    expect(ruleOf(text, { 'config.yaml': config })['metric']).toEqual({ max: 'process.pid', above: 1, within: '20m' });
  });

  it('lists come from files that are given, and from no others', () => {
    const text = `${HEAD}type: blacklist\ncompare_key: user.name\nblacklist: ["!file /etc/elastalert/bad.txt", eve]\n`;
    expect(ruleOf(text, { '/etc/elastalert/bad.txt': 'mallory\n\ntrudy  \n' })['match']).toBe(
      'user.name in ["mallory", "trudy", "eve"]',
    );
    expect(problems(text.replace('bad.txt', 'shadow')).join('\n')).toContain(
      'not among the files that the import was given',
    );
    expect(problems(`${HEAD}type: any\nimport: ../../../etc/passwd\n`).join('\n')).toContain('not among the files');
  });

  it('more than a hundred values become a list of ours, beside the rule', () => {
    const lines = Array.from({ length: 10_000 }, (_, at) => `user-${at}`);
    const listed = (type: string, field: string, more = ''): ReturnType<typeof imported> =>
      imported(`${HEAD}type: ${type}\ncompare_key: ${field}\n${type}: ["!file bad.txt"]\n${more}`, {
        'bad.txt': lines.join('\n'),
      });
    const [black] = listed('blacklist', 'user.name').rules;
    expect(black?.matchSource).toBe('user.name in $elastalert_a_rule');
    expect([black?.match({ user: { name: 'user-9999' } }, 0), black?.match({ user: { name: 'x' } }, 0)]).toEqual([
      true,
      false,
    ]);
    const [many] = listed('blacklist', 'custom.names').rules;
    expect([['x', 'user-7'], ['x'], 'user-8'].map((names) => many?.match({ custom: { names } }, 0))).toEqual([
      true,
      false,
      true,
    ]);
    const [white] = listed('whitelist', 'custom.names', 'ignore_null: false\n').rules;
    expect([['x', 'user-7'], ['user-7'], undefined].map((names) => white?.match({ custom: { names } }, 0))).toEqual([
      true,
      false,
      true,
    ]);
  });

  it('lists of rules with names that are nearly alike are two', () => {
    const lines = Array.from({ length: 200 }, (_, at) => `user-${at}`).join('\n');
    const listOf = (name: string): unknown =>
      imported(
        `name: ${name}\n${HEAD.replace(/^name:.*\n/m, '')}type: blacklist\ncompare_key: user.name\nblacklist: ["!file bad.txt"]\n`,
        {
          'bad.txt': lines,
        },
      ).rules[0]?.matchSource;
    const names = ['a.b', 'a_b', 'a b', `${'x'.repeat(80)}1`, `${'x'.repeat(80)}2`];
    expect(new Set(names.map(listOf)).size).toBe(names.length);
  });

  it('rules that import each other end', () => {
    const told = problems(`${HEAD}type: any\nimport: r.yaml\n`);
    expect(told.join('\n')).toContain('more than 16 imported files');
  });
});

describe('files that mean harm', () => {
  const big = (count: number): string => Array.from({ length: count }, (_, at) => `value-${at}`).join(', ');

  it.each<readonly [string, string, string]>([
    ['10 MB', `${HEAD}type: any\ndescription: ${'x'.repeat(10_000_000)}\n`, 'the file is larger than 256 KiB'],
    ['aliases', `${HEAD}type: any\na: &a [1, 1]\nb: &b [*a, *a]\n`, 'are not supported'],
    [
      '10,001 values',
      `${HEAD}type: blacklist\ncompare_key: user.name\nblacklist: [${big(10_001)}]\n`,
      'more than 10000 values',
    ],
    [
      'a condition of 10,000 values',
      `${HEAD}type: any\nfilter:\n- terms: {user.name: [${big(10_000)}]}\n`,
      'longer than 32768 characters',
    ],
    ['11,000 values', `${HEAD}type: any\nfilter:\n- terms: {user.name: [${big(11_000)}]}\n`, 'more than 10000 values'],
    ['brackets', `${HEAD}type: any\nfilter: ${'['.repeat(5_000)}\n`, 'nested too deeply'],
    ['queries in queries', `${HEAD}type: any\nfilter: [${'{bool: {must: '.repeat(22)}{}${'}}'.repeat(22)}]\n`, 'nest'],
    [
      'parentheses',
      `${HEAD}type: any\nfilter:\n- query_string: {query: "${'('.repeat(2_000)}"}\n`,
      'nest deeper than 32',
    ],
    [
      'a query of 20,000 characters',
      `${HEAD}type: any\nfilter:\n- query_string: {query: "${'a '.repeat(10_000)}"}\n`,
      'longer than 16384',
    ],
    ['two documents', `${HEAD}type: any\n---\n${HEAD}`, 'holds one rule'],
    ['a list', '- a\n- b\n', 'no map of options'],
    ['a tag', `${HEAD}type: any\nx: !!python/object/apply:os.system ["id"]\n`, 'Unresolved tag'],
  ])('%s: refused, with the reason', (_name, text, message) => {
    expect(rulesOf(text)).toEqual([]);
    expect(problems(text).join('\n')).toContain(message);
  });

  it('a regular expression that explodes elsewhere is linear here', () => {
    const { rules } = imported(`${HEAD}type: any\nfilter:\n- regexp: {user.name: "(a+)+b"}\n`);
    expect(rules[0]?.match({ user: { name: 'a'.repeat(50_000) } }, 0)).toBe(false);
    expect(imported(`${HEAD}type: any\nfilter:\n- regexp: {user.name: "((a{900}){900}){900}"}\n`).rules).toEqual([]);
  });

  it('names of prototypes are names like others', () => {
    const text = `${HEAD}type: any\n__proto__: {filter: [], polluted: true}\nconstructor: {prototype: {polluted: true}}\nfilter:\n- term: {__proto__.polluted: "true"}\n- terms: {constructor: [a]}\n`;
    const [rule] = imported(text).rules;
    expect(rule?.match({ process: {} }, 0)).toBe(false);
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
    for (const type of ['__proto__', 'constructor', 'toString']) expect(rulesOf(`${HEAD}type: ${type}\n`)).toEqual([]);
    expect(problems(`${HEAD}type: any\nfilter:\n- toString: {}\n`).join('\n')).toContain('`toString` is not known');
  });
});
