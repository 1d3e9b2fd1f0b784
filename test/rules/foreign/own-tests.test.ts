// The tests that an import writes into rules of ElastAlert and Elastic Security: of both signs, passed by the rule as its file says it, of one
// event and of many; and none where nothing can be made up, however a rule is written.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runRuleTests } from '../../../backtest/rule-tests.ts';
import { passingTests } from '../../../cli/rules-import/passing-tests.ts';
import { elastAlertFrontEnd } from '../../../rules/elastalert/front-end.ts';
import { elasticFrontEnd } from '../../../rules/eql/front-end.ts';
import type { FrontEnd } from '../../../rules/foreign/front-end.ts';
import { importedRules } from '../../../rules/foreign/imported-rules.ts';
import { withOwnTests } from '../../../rules/foreign/own-tests.ts';
import { regexExample } from '../../../rules/foreign/regex-example.ts';
import { NO_MACROS } from '../../../rules/language/macro-reader.ts';
import type { Rule } from '../../../rules/rule.ts';
import { readRuleText } from '../../../rules/rule-files.ts';

const NAMES = { lists: new Map(), macros: NO_MACROS };

/** The rule as its file says it. */
function written(frontEnd: FrontEnd, file: string, text: string): Rule {
  const files = [{ file, text }];
  const [imported] = importedRules(files, frontEnd(files, NAMES), NAMES);
  if (imported?.rule === undefined) throw new Error(JSON.stringify(imported?.diagnostics));
  const tested = withOwnTests(imported, passingTests(NAMES));
  const [rule] = readRuleText('rule.yaml', tested.text ?? '', imported.entry.rule?.lists ?? new Map()).rules;
  if (rule === undefined) throw new Error(tested.text);
  expect(rule.version).toBe(imported.rule.version);
  return rule;
}

const elastAlert = (text: string): Rule =>
  written(elastAlertFrontEnd, 'r.yaml', `name: A rule\nindex: auditbeat-*\nalert: [debug]\n${text}`);
const eql = (query: string): Rule => written(elasticFrontEnd, 'q.eql', query);

/** Of each test what it expects; fails where the rule answers otherwise. */
function expected(rule: Rule): readonly number[] {
  const results = runRuleTests(rule);
  for (const result of results) expect(result, result.name).toMatchObject({ passed: true });
  return results.map((result) => result.expected);
}

const MANY = Array.from({ length: 150 }, (_, nth) => `user${nth}`).join(', ');

describe('tests of an imported rule', () => {
  it.each([
    ['any', 'type: any\nfilter:\n- term: {process.name: nc}\n'],
    ['blacklist', 'type: blacklist\ncompare_key: user.name\nblacklist: [mallory, eve]\n'],
    ['a long blacklist', `type: blacklist\ncompare_key: user.name\nblacklist: [${MANY}]\n`],
    ['whitelist', 'type: whitelist\ncompare_key: user.name\nignore_null: true\nwhitelist: [alice]\n'],
    ['whitelist of a list', 'type: whitelist\ncompare_key: process.args\nignore_null: false\nwhitelist: [a, b]\n'],
    ['change', 'type: change\ncompare_key: source.ip\nquery_key: user.name\nignore_null: true\ntimeframe: {days: 1}\n'],
    ['frequency', 'type: frequency\nnum_events: 30\ntimeframe: {hours: 4}\nquery_key: [host.id, user.name]\n'],
    ['frequency in a moment', 'type: frequency\nnum_events: 9\ntimeframe: {seconds: 5}\n'],
    ['a spike', 'type: spike\nspike_height: 3\nspike_type: up\ntimeframe: {minutes: 10}\nthreshold_cur: 20\n'],
    ['a fall', 'type: spike\nspike_height: 3\nspike_type: down\ntimeframe: {minutes: 10}\nthreshold_ref: 5\n'],
    ['either', 'type: spike\nspike_height: 2\nspike_type: both\ntimeframe: {hours: 2}\nquery_key: host.id\n'],
    ['flatline', 'type: flatline\nthreshold: 1\ntimeframe: {days: 1}\nquery_key: host.id\n'],
    ['flatline of five', 'type: flatline\nthreshold: 5\ntimeframe: {minutes: 10}\n'],
    ['new_term', 'type: new_term\nfields: [[host.id, process.name]]\nterms_window_size: {days: 14}\n'],
    [
      'cardinality',
      'type: cardinality\ncardinality_field: destination.port\nmax_cardinality: 20\ntimeframe: {minutes: 1}\n',
    ],
    [
      'least cardinality',
      'type: cardinality\ncardinality_field: user.name\nmin_cardinality: 3\ntimeframe: {minutes: 10}\n',
    ],
    [
      'a mean',
      'type: metric_aggregation\nmetric_agg_key: process.args_count\nmetric_agg_type: avg\nmax_threshold: 200\nbuffer_time: {minutes: 5}\nmin_doc_count: 3\n',
    ],
    [
      'a sum',
      'type: metric_aggregation\nmetric_agg_key: process.args_count\nmetric_agg_type: sum\nmin_threshold: 20\nbuffer_time: {minutes: 5}\n',
    ],
    [
      'a number of values',
      'type: metric_aggregation\nmetric_agg_key: user.name\nmetric_agg_type: cardinality\nmax_threshold: 3\nbuffer_time: {minutes: 5}\n',
    ],
    [
      'a share',
      'type: percentage_match\nmatch_bucket_filter:\n- term: {event.outcome: failure}\nmax_percentage: 50\nbuffer_time: {minutes: 10}\nmin_denominator: 10\n',
    ],
    [
      'a share that is too small',
      'type: percentage_match\nmatch_bucket_filter:\n- term: {event.outcome: success}\nmin_percentage: 95\nbuffer_time: {minutes: 10}\n',
    ],
    [
      'a spike of a figure',
      'type: spike_aggregation\nmetric_agg_key: process.args_count\nmetric_agg_type: avg\nspike_height: 2\nspike_type: up\ntimeframe: {minutes: 10}\n',
    ],
    [
      'a query of all sorts',
      'type: any\nfilter:\n- bool: {must: [{wildcard: {process.executable: "/tmp/*.sh"}}, {range: {process.pid: {gt: 100, lte: 200}}}], must_not: [{terms: {user.name: [root, backup]}}], should: [{prefix: {file.path: /etc}}, {regexp: {process.name: "ba?s[hx]{2}"}}]}\n',
    ],
    [
      'words',
      'type: any\nfilter:\n- regexp: {message: "fail(ed|ure)"}\n- match: {message: "root login"}\n- exists: {field: user.name}\n',
    ],
  ])('of ElastAlert are of both signs: %s', (_name, text) => {
    expect(expected(elastAlert(text))).toEqual([1, 0]);
  });

  it.each([
    'process where process.name : ("nc", "ncat*") and process.args_count > 2',
    'process where process.args : "*-e*" and not user.name == "root"',
    'network where cidrmatch(destination.ip, "10.0.0.0/8") and destination.port in (22, 4444)',
    'process where startsWith~(process.name, "BA") or stringContains(process.command_line, "x y")',
    'any where process.pid < 3 and user.name <= "b"',
    'any where process.pid >= 3',
    'file where file.path regex~ "/etc/.*passwd" and length(file.name) > 3',
    'sequence by host.id with maxspan=5m [process where process.name == "curl"] [process where process.args : "/tmp/*"]',
    'sequence with maxspan=1m [file where file.name == "x"] by process.entity_id [process where true] by process.parent.entity_id',
    'sequence by user.name with maxspan=9m [any where event.outcome == "failure"] with runs=5 [any where event.outcome == "success"]',
    'sequence by host.id with maxspan=9m [any where process.name == "a"] ![any where process.name == "b"] [any where process.name == "c"]',
    'sequence by host.id with maxspan=1h [process where process.name == "a"] ![process where process.name == "b"]',
  ])('of Elastic Security are of both signs: %s', (query) => {
    expect(expected(eql(query))).toEqual([1, 0]);
  });

  it.each([
    ['a regular expression of signs that none expects', 'type: any\nfilter:\n- regexp: {process.name: "[^ -~]+"}\n'],
    ['more events than anybody reads', 'type: frequency\nnum_events: 5000\ntimeframe: {hours: 1}\n'],
    ['a text too long', `type: any\nfilter:\n- term: {process.name: ${'x'.repeat(5_000)}}\n`],
    ['deep nesting', `type: any\nfilter:\n- regexp: {process.name: "${'('.repeat(60)}a${')'.repeat(60)}"}\n`],
    ['what contradicts itself', 'type: any\nfilter:\n- term: {process.name: a}\n- term: {process.name: b}\n'],
  ])('are none where nothing can be made up: %s', (_name, text) => {
    expect(elastAlert(text).tests).toEqual([]);
  });

  it('reach nothing but the event, whatever a field is called', () => {
    elastAlert('type: any\nfilter:\n- term: {__proto__.polluted: x}\n');
    expect(Object.hasOwn(Object.prototype, 'polluted')).toBe(false);
  });
});

describe('an example of a regular expression', () => {
  it('is found by it, where it asks nothing of what stands around', () => {
    const piece = fc.constantFrom(
      'a',
      'é',
      '\\.',
      '.',
      '\\d',
      '\\W',
      '[ab]',
      '[^a]',
      '[^\\w]',
      '(a|bk)',
      '(?:s|)',
      '(k(a|[0-9]))',
      '\\x61',
      '\\u00e9',
      '[a-z]',
      '[\\]x]',
      '[-/]',
    );
    const quantifier = fc.constantFrom('', '', '?', '*', '+', '{2}', '{0,1}', '{3,}', '??', '+?');
    const pattern = fc
      .array(fc.tuple(piece, quantifier), { maxLength: 8 })
      .map((all) => all.map(([a, b]) => a + b).join(''));
    fc.assert(
      fc.property(fc.array(pattern, { minLength: 1, maxLength: 3 }), fc.nat(12), (patterns, way) => {
        const source = patterns.join('|');
        const example = regexExample(source, way);
        expect(example, source).toBeDefined();
        expect(new RegExp(source).test(example?.text ?? ''), `/${source}/ on ${example?.text}`).toBe(true);
      }),
    );
  });

  it.each(['(?=a)b', 'a(', '[', 'a{99999}', '(?<!x)y', '\\1', '[z-a]', `${'('.repeat(99)}a${')'.repeat(99)}`])(
    'is none of %s',
    (source) => {
      expect(regexExample(source, 0)).toBeUndefined();
    },
  );
});
