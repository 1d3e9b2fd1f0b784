// Reading rule files: every mistake with its place, caret and remedy; versions that follow meaning; lists; hostile YAML.
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { formatDiagnostic } from '../../rules/diagnostic.ts';
import { parseExpression } from '../../rules/expression/parse.ts';
import type { Lists } from '../../rules/expression/syntax.ts';
import { LIST_VALUES_MAX } from '../../rules/language/list-reader.ts';
import { withoutPlaces } from '../../rules/language/rule-version.ts';
import { PROBLEMS_PER_FILE_MAX } from '../../rules/language/source-text.ts';
import { DOCUMENTS_PER_FILE_MAX, FILE_BYTES_MAX, YAML_DEPTH_MAX } from '../../rules/language/yaml-tree.ts';
import type { Rule, RuleSet } from '../../rules/rule.ts';
import { type RuleFile, readRuleSource, readRules, readRuleText } from '../../rules/rule-files.ts';
import { readNameFolders, readRuleFolders } from '../../rules/rule-folders.ts';
import { GOOD } from './good-rule.ts';

const LISTS: Lists = new Map([['shells', ['sh', 'bash']]]);

function read(text: string, lists: Lists = LISTS): RuleSet {
  return readRuleText('good.yaml', text, lists);
}

function only(text: string, lists: Lists = LISTS): Rule {
  const { rules, diagnostics } = read(text, lists);
  const [rule] = rules;
  if (rule === undefined) throw new Error(diagnostics.map(formatDiagnostic).join('\n'));
  return rule;
}

/** `line:column code message`, errors before warnings as they come. */
function told(set: RuleSet): readonly string[] {
  return set.diagnostics.map(({ line, column, code, message }) => `${line}:${column} ${code} ${message}`);
}

describe('mistakes', () => {
  it.each([
    ['an unknown key', 'sevrity: high', '8:1 rule/unknown-key unknown key `sevrity`'],
    [
      'grouping without an end',
      'alert: { group: { by: [host.id] } }',
      '8:17 rule/missing-key `group` needs either `for` or `schedule`',
    ],
    [
      'a schedule that never comes',
      'alert: { group: { schedule: "0 0 31 2 *" } }',
      '8:29 rule/wrong-value `0 0 31 2 *` is no time as cron writes it',
    ],
    [
      'a bad duration',
      'alert: { suppress: { for: 5 minutes } }',
      '8:27 rule/wrong-duration `5 minutes` is not a duration',
    ],
    [
      'grow below for',
      'alert: { suppress: { for: 1h, grow: 1m } }',
      '8:20 rule/wrong-duration `grow` is shorter than `for` (1h)',
    ],
    ['a wrong type', 'tags: web', '8:7 rule/wrong-type this must be a list, not a text'],
    ['a wrong type within', 'tags: [1]', '8:8 rule/wrong-type this must be text, not a number'],
    ['nothing', 'description:', '8:13 rule/wrong-type this must be text, not nothing'],
    ['a number out of bounds', 'risk: 101', '8:7 rule/wrong-value `101` is not allowed here'],
    ['an unknown word', 'status: stabel', '8:9 rule/wrong-value `stabel` is not allowed here'],
    ['no field name', 'by: [host id]', '8:6 rule/wrong-value `host id` is not a field name'],
    [
      'a script as a link',
      'references: ["javascript:alert(1)"]',
      '8:14 rule/wrong-value `javascript:alert(1)` is not a web address',
    ],
    [
      'no date',
      'except: [{ match: a = "1", reason: r, owner: o, expires: 2027-02-30 }]',
      '8:58 rule/wrong-date `2027-02-30` is not a date',
    ],
    [
      'an exception’s expression',
      'except: [{ match: a.$z, reason: r, owner: o, expires: 2027-02-03 }]',
      '8:21 expression/unknown-list unknown list $z',
    ],
    ['a title', 'alert: { title: "x {{a b}}" }', '8:22 rule/title a title’s braces must hold a field name'],
    ['a twofold key', 'name: again', '8:1 yaml/duplicate-key the key stands here twice'],
    ['an alias', 'description: *x', '8:14 yaml/unsupported aliases (`*name`) are not supported'],
    ['a tag', 'description: !!binary aGk=', '8:23 yaml/unsupported tags (`!name`) are not supported'],
    ['a prototype', '__proto__: { severity: low }', '8:1 rule/unknown-key unknown key `__proto__`'],
    ['another prototype', 'constructor: 1', '8:1 rule/unknown-key unknown key `constructor`'],
  ])('%s: the rule is refused, with the place', (_name, line, expected) => {
    const set = read(GOOD + line);
    expect(told(set).join('\n')).toContain(expected);
    expect(set.rules).toEqual([]);
    for (const diagnostic of set.diagnostics) expect(diagnostic.remedy).not.toBe('');
  });

  it('shows the line, a caret and the remedy', () => {
    const text =
      'id: x\nname: X\nseverity: high\nmatch: |\n  process.name = "bash"\n    and process.parent.name in $shels\n';
    const [error] = read(text).diagnostics.filter((diagnostic) => diagnostic.severity === 'error');
    expect(error === undefined ? '' : formatDiagnostic(error)).toBe(
      [
        'good.yaml:6:32: error: unknown list $shels [expression/unknown-list]',
        '  6 |     and process.parent.name in $shels',
        '    |                                ^',
        '  Did you mean $shells?',
      ].join('\n'),
    );
  });

  it.each([
    ['plain', 'match: a = "1" and b.$z', 22],
    ['single quotes', "match: 'a = 1 and b.$z'", 21],
    ['double quotes', 'match: "a = 1 and b.$z"', 21],
    ['a block', 'match: |\n    a = 1\n    and b.$z', 11],
    ['a stripped block with blank lines', 'match: |-\n\n\n      a = 1 and b.$z', 19],
  ])('points into an expression in %s', (_name, match, column) => {
    const [error] = read(`id: x\nname: X\nseverity: high\n${match}\n`).diagnostics.filter(
      (entry) => entry.severity === 'error',
    );
    expect(error?.message).toContain('unknown list');
    expect(error?.column).toBe(column);
    expect(error?.sourceLine[(error?.column ?? 0) - 1]).toBe('$');
  });

  it('tells all of them at once, in order of lines', () => {
    const set = read('id: A b\nname: 1\nseverity: hihg\nmatch: a.$z and $nope\nrisk: x\ncolour: red\n');
    const lines = set.diagnostics.filter((entry) => entry.severity === 'error').map((entry) => entry.line);
    expect(lines).toEqual([1, 2, 3, 4, 4, 5, 6]);
  });

  it('leaves out one document and keeps the others of the file', () => {
    const set = read(`${GOOD}---\nid: bad\nname: B\n---\n${GOOD.replace('id: good', 'id: third')}`);
    expect(set.rules.map((rule) => rule.id)).toEqual(['good', 'third']);
    expect(told(set).join('\n')).toMatch(/9:1 rule\/missing-key a rule needs `severity`/);
  });

  it('remarks a file that is not named after its rule', () => {
    expect(told(readRuleText('rules/other.yaml', GOOD, LISTS))).toEqual([
      '0:0 rule/file-name the file is not named after its rule, `good`',
    ]);
  });

  it('makes hostile names visible', () => {
    const [error] = read(`${GOOD}"\\e[31mred": 1\n`).diagnostics;
    expect(error === undefined ? '' : formatDiagnostic(error)).not.toContain('\u001b');
  });
});

describe('rules of other tools', () => {
  it.each([
    [
      'ElastAlert',
      'name: a\ntype: frequency\nindex: logs-*\nnum_events: 3\ntimeframe: { minutes: 5 }\nalert: [debug]\n',
    ],
    ['Panther', 'AnalysisType: rule\nRuleID: Some.Rule\nEnabled: true\n'],
    ['Falco', '- rule: shell\n  condition: evt.type = execve\n  output: x\n  priority: INFO\n'],
    ['Falco', '- list: shells\n  items: [sh]\n'],
  ])('%s’s is told once', (tool, text) => {
    const { rules, diagnostics } = read(text);
    expect(rules).toEqual([]);
    expect(diagnostics).toMatchObject([{ code: 'rule/of-another-tool', severity: 'error', line: 1 }]);
    expect(diagnostics[0]?.message).toBe(`this is a rule of ${tool}’s, and is not read as it is`);
  });
});

describe('lints', () => {
  it.each([
    ['event.category = "process"', 'expression/array-compared', '"process" in event.category'],
    ['process.args = "-c"', 'expression/array-compared', '$is(process.args, "-c")'],
    ['process.args in ["-c"]', 'expression/array-in', 'process.args[$ in …]'],
    ['$contains(process.args, "x")', 'expression/array-as-text', '$matches(process.args'],
    ['$lowercase(process.args) = "x"', 'expression/array-as-text', 'process.args.$lowercase($)'],
    ['process.name != "x"', 'expression/missing-unequal', '$not(process.name = …)'],
    ['$not(process.name)', 'expression/not-missing', '$not($exists(process.name))'],
    ['process.pid = "42"', 'expression/wrong-type', 'without quotes'],
    ['user.id = 0', 'expression/wrong-type', '"0" with quotes'],
    ['user.id in [0, 1]', 'expression/wrong-type', '"0" with quotes'],
    ['process.name in "bashful"', 'expression/in-text', '$contains(field'],
    ['process.name = "a" or process.name = "b" and process.pid = 1', 'expression/mixed-logic', 'parentheses'],
    ['event.action = "Executed"', 'expression/case', '"executed"'],
    ['process.nmae = "x"', 'expression/unknown-field', 'process.name'],
    [
      'auditd.paths[nmae = "x" and $.nametype = "y"].name = "z" and proces.name = "x"',
      'expression/unknown-field',
      'process.name',
    ],
    ['$not(process.name = "x")', 'rule/not-indexed', 'event.action'],
  ])('%s', (match, code, remedy) => {
    const set = read(GOOD.replace('process.name in $shells', JSON.stringify(match)));
    const found = set.diagnostics.find((diagnostic) => diagnostic.code === code);
    expect(found, told(set).join('\n')).toBeDefined();
    expect(found?.severity).toBe('warning');
    expect(found?.remedy).toContain(remedy);
    expect(set.rules, 'a lint stops no rule').toHaveLength(1);
  });

  it.each([
    'event.outcome != "failure" and process.name = "x"',
    '"process" in event.category and process.pid > 5',
    '(process.name = "a" and process.pid = 1) or process.name = "b"',
    'auditd.paths[nametype="CREATE"].name = "/x" and process.name = "a"',
    'auditd.data.anything = "x" and $exists(process.ancestors)',
    '$number(user.id) >= 1000 and process.name = "x"',
    '`@timestamp` = "x" and $$.process.name = "x" and process.name = "x"',
  ])('does not mind %s', (match) => {
    expect(told(read(GOOD.replace('process.name in $shells', JSON.stringify(match))))).toEqual([]);
  });

  it('asks for a test that must alert and a near miss', () => {
    expect(told(read(GOOD.split('tests:')[0] ?? '')).join()).toContain(
      'lacks an event that must alert and a near miss',
    );
    expect(told(read(GOOD.replace(/ {2}- \{ name: no.*\n/, ''))).join()).toContain('lacks a near miss');
  });

  it('asks of exceptions a reason, an owner and an end, and remarks one that is over', () => {
    const text = `${GOOD}except:\n  - match: user.name = "a"\n  - { match: user.name = "b", reason: r, owner: o, expires: 2026-03-01 }\n`;
    expect(told(read(text)).map((line) => line.split(' ').slice(2).join(' '))).toEqual([
      'the exception has no `reason`',
      'the exception has no `owner`',
      'the exception has no `expires`',
    ]);
    const endMs = Date.UTC(2026, 2, 1);
    const at = (nowMs: number): string => told(readRuleText('good.yaml', text, LISTS, { nowMs })).join();
    expect(at(endMs - 1)).not.toContain('expired');
    expect(at(endMs)).toContain('the exception expired on 2026-03-01');
    expect(only(text).except.map((exception) => exception.expiresMs)).toEqual([undefined, endMs]);
  });

  it('remarks what is no MITRE id, and fields that nobody writes', () => {
    const text = `${GOOD}mitre: [T1059.004, TA0002, T105]\nby: [host.idd]\nalert: { title: "{{user.nam}}", include: [process.nme], suppress: { for: 1h, by: [hots.id] } }\n`;
    expect(told(read(text)).map((line) => line.split(' ').slice(1).join(' '))).toEqual([
      'rule/mitre this is no MITRE ATT&CK id',
      'rule/unknown-field the field `host.idd` is not in the catalogue',
      'rule/unknown-field the field `user.nam` is not in the catalogue',
      'rule/unknown-field the field `process.nme` is not in the catalogue',
      'rule/unknown-field the field `hots.id` is not in the catalogue',
    ]);
  });
});

describe('versions', () => {
  const version = (text: string, lists: Lists = LISTS): string => only(text, lists).version;

  it('do not follow comments, white space, key order, quotes, tests or remarks', () => {
    const rewritten = `# a comment
name: "A good rule"
severity: high   # another
id: good

author: somebody else
false_positives: [none]
match: |
  /* why */ process.name
    in $shells
`;
    expect(version(rewritten)).toBe(version(GOOD));
    expect(version(GOOD)).toMatch(/^[0-9a-f]{16}$/);
  });

  it('follow each word of a group', () => {
    const words = ['for: 1h', 'for: 2h', 'for: 1h, by: [host.id]', 'for: 1h, table: [host.id]', 'for: 1h, first: send'];
    const schedules = ['schedule: "0 9 * * *"', 'schedule: "0 10 * * *"'];
    const all = [...words, ...schedules].map((group) => version(`${GOOD}alert: { group: { ${group} } }\n`));
    expect(new Set(all).size).toBe(all.length);
    expect(version(`${GOOD}alert: { group: { schedule: " 0  9 * * * " } }\n`)).toBe(all[words.length]);
  });

  it.each([
    ['the expression', GOOD.replace('in $shells', 'in ["sh"]')],
    ['the severity', GOOD.replace('high', 'low')],
    ['the status', `${GOOD}status: test\n`],
    ['the key', `${GOOD}by: [host.id]\n`],
    ['an exception', `${GOOD}except: [{ match: 'user.id = "0"' }]\n`],
    ['an exception’s end', `${GOOD}except: [{ match: 'user.id = "0"', expires: 2027-01-01 }]\n`],
    ['suppression', `${GOOD}alert: { suppress: { for: 1h } }\n`],
    ['grouping', `${GOOD}alert: { group: { for: 1h } }\n`],
    ['the title', `${GOOD}alert: { title: other }\n`],
  ])('follow %s', (_name, text) => {
    expect(version(text)).not.toBe(version(GOOD));
  });

  it('follow the lists that the rule names, and no others', () => {
    expect(version(GOOD, new Map([['shells', ['sh']]]))).not.toBe(version(GOOD));
    expect(version(GOOD, new Map([...LISTS, ['others', ['x']]]))).toBe(version(GOOD));
  });

  it.each([
    '{"at": 1, "b": at}.at = $$.at or -at = 3 and [at, $shells][0] = "at"',
    'a = "\\",\\"at\\":5,\\"" or a = \'"at":5,\' or `"at":7` = 1',
    'function($at) { $at }(1) ? /"at":8/ : a^(>at)[[1..3]] ~> |$|{"at": 9}|',
  ])('leave out where the parts of %s stand, and nothing else', (source) => {
    const parsed = parseExpression(source, LISTS);
    if (parsed.kind === 'refused') throw new Error(parsed.problems[0]?.message);
    const expected = JSON.stringify(parsed.expression, (key, value: unknown) => (key === 'at' ? undefined : value));
    expect(withoutPlaces(parsed.expression)).toBe(expected);
  });
});

describe('the source for the control log', () => {
  it('is one line and makes the same rule again, alone out of a file of many', () => {
    const file = `# head\n${GOOD}---\n  id: second\n  name: Indented\n  severity: low\n  match: |\n    process.name\n      in $shells\n--- { id: third, name: Flow, severity: low, match: 'process.name = "x"' }\n`;
    const { rules } = read(file);
    expect(rules.map((rule) => rule.id)).toEqual(['good', 'second', 'third']);
    for (const rule of rules) {
      expect(rule.sourceJson).not.toContain('\n');
      const again = readRuleSource(rule.sourceJson);
      expect(again?.id).toBe(rule.id);
      expect(again?.version).toBe(rule.version);
      expect(again?.sourceJson).toBe(rule.sourceJson);
      expect(again?.match({ process: { name: 'bash' } }, 0)).toBe(rule.match({ process: { name: 'bash' } }, 0));
    }
  });

  it.each([
    '',
    '{',
    'null',
    '[]',
    '{"format":2}',
    '{"format":1,"file":"x","text":"id: x","lists":null}',
    '{"format":1,"file":"x","text":"id: x","lists":{}}',
  ])('that is damaged gives no rule: %j', (json) => {
    expect(readRuleSource(json)).toBeUndefined();
  });
});

describe('tests of a rule', () => {
  it('may name fields flat or nested, and get times a second apart', () => {
    const text = GOOD.replace(
      'events: [{ process.name: bash }]',
      'events: [{ process.name: bash }, { process: { name: sh }, event.created: 2026-05-01T00:00:00Z }, { event: { kind: event } }]',
    );
    expect(only(text).tests[0]).toEqual({
      name: 'yes it is',
      progressMs: 0,
      alerts: 1,
      line: 6,
      events: [
        { process: { name: 'bash' }, event: { created: '2026-01-01T00:00:00.000Z' } },
        { process: { name: 'sh' }, event: { created: '2026-05-01T00:00:00Z' } },
        { event: { kind: 'event', created: '2026-01-01T00:00:02.000Z' } },
      ],
    });
  });
});

describe('hostile YAML', () => {
  it.each([
    ['too large', `# ${'x'.repeat(FILE_BYTES_MAX)}`, 'yaml/too-large'],
    ['too many documents', '---\nid: x\n'.repeat(DOCUMENTS_PER_FILE_MAX + 1), 'yaml/too-large'],
    ['deep lists', `tags: ${'['.repeat(20_000)}`, ''],
    ['deep maps', `tags: ${'{a: '.repeat(20_000)}1${'}'.repeat(20_000)}`, ''],
    [
      'a little too deep',
      `${GOOD}tags: ${'['.repeat(YAML_DEPTH_MAX)}1${']'.repeat(YAML_DEPTH_MAX)}`,
      'yaml/unsupported',
    ],
    ['aliases that would multiply', 'a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\nid: *c\n', 'yaml/unsupported'],
    ['merge keys', 'a: &a { id: x }\nb:\n  <<: *a\n', 'yaml/unsupported'],
    ['keys without end', Array.from({ length: 20_000 }, (_, index) => `k${index}: 1\n`).join(''), 'rule/unknown-key'],
    ['a map as a key', '? { a: b }\n: c\n', 'yaml/unsupported'],
    ['no map at all', 'just text', 'rule/wrong-type'],
    ['control characters', 'id: "a\u0000b"\n', ''],
    ['tabs', 'id: x\nalert:\n\ttitle: y\n', 'yaml/syntax'],
  ])('%s: refused in bounded time', (_name, text, code) => {
    const start = process.cpuUsage();
    const set = read(text);
    expect(set.rules).toEqual([]);
    expect(set.diagnostics.length).toBeGreaterThan(0);
    expect(set.diagnostics.length).toBeLessThanOrEqual(PROBLEMS_PER_FILE_MAX);
    if (code !== '') expect(set.diagnostics.map((entry) => entry.code)).toContain(code);
    // Of the processor, so that a busy machine makes no difference, µs.
    expect(process.cpuUsage(start).user).toBeLessThan(5_000_000);
  });

  it('never throws, whatever the text, and every diagnostic has a place in it', () => {
    const piece = fc.constantFrom(
      ...'id: ,name: ,match: ,|,>,- ,[,],{,},",\',*a,&a,!x,---\n,\n,  ,\t,#,:,?,$shells,process.name,/(/,\u0000,é'.split(
        ',',
      ),
      ',',
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.array(piece, { maxLength: 40 }).map((all) => all.join('')),
          fc.string({ unit: 'binary' }),
        ),
        (text) => {
          const lines = text.split('\n').length;
          for (const { line, column } of read(text).diagnostics) {
            expect(line).toBeLessThanOrEqual(lines);
            expect(column).toBeGreaterThanOrEqual(0);
          }
        },
      ),
      { numRuns: 1_000 },
    );
  });

  it('an empty file is no rule and no mistake', () => {
    expect(read('')).toEqual({ rules: [], diagnostics: [] });
    expect(read('# nothing yet\n')).toEqual({ rules: [], diagnostics: [] });
  });
});

describe('many files', () => {
  const rule = (file: string, text: string, kind: RuleFile['kind'] = 'own'): RuleFile => ({
    file,
    kind,
    content: 'rules',
    text,
  });
  const list = (name: string, values: string, kind: RuleFile['kind']): RuleFile => ({
    file: `${kind}/lists/${name}.yaml`,
    kind,
    content: 'lists',
    text: `name: ${name}\nowner: us\nreason: test\nvalues: ${values}\n`,
  });

  it('an own list replaces the shipped one, with a note', () => {
    const set = readRules([
      list('shells', '[sh]', 'shipped'),
      list('shells', '[fish]', 'own'),
      rule('good.yaml', GOOD),
    ]);
    expect(set.rules[0]?.match({ process: { name: 'fish' } }, 0)).toBe(true);
    expect(set.rules[0]?.match({ process: { name: 'sh' } }, 0)).toBe(false);
    expect(told(set)).toEqual(['0:0 list/replaces-shipped your list $shells replaces the shipped one']);
    expect(set.diagnostics[0]?.severity).toBe('warning');
  });

  it('an own rule replaces the shipped one of its id, with a note', () => {
    const lists = list('shells', '[sh]', 'shipped');
    const set = readRules([
      rule('shipped/good.yaml', GOOD, 'shipped'),
      lists,
      rule('own/good.yaml', `${GOOD}status: off\n`),
    ]);
    expect(set.rules.map((entry) => [entry.file, entry.status])).toEqual([['own/good.yaml', 'off']]);
    expect(set.diagnostics.map((entry) => entry.code)).toEqual(['rule/replaces-shipped']);
  });

  it('an id that two files of one kind use is an error at the second, and the first is kept', () => {
    const set = readRules([
      list('shells', '[sh]', 'own'),
      rule('a/good.yaml', GOOD),
      rule('b/good.yaml', `# x\n${GOOD}`),
    ]);
    expect(set.rules.map((entry) => entry.file)).toEqual(['a/good.yaml']);
    expect(told(set)).toEqual(['2:1 rule/duplicate-id the id `good` is taken by a/good.yaml; this rule is not loaded']);
  });

  it('are no more rules than the limit, and that is told', () => {
    const files = ['a', 'b', 'c'].map((id) => rule(`${id}.yaml`, GOOD.replace('id: good', `id: ${id}`)));
    const set = readRules([list('shells', '[sh]', 'own'), ...files], { rulesMax: 2 });
    expect(set.rules.map((entry) => entry.id)).toEqual(['a', 'b']);
    expect(told(set)).toEqual(['0:0 rule/too-many more than 2 rules; the rest is not loaded']);
  });

  it('a list of too many values is refused', () => {
    const values = `[${Array.from({ length: LIST_VALUES_MAX + 1 }, (_, index) => index).join(',')}]`;
    const set = readRules([list('shells', values, 'own')]);
    expect(set.diagnostics.map((entry) => entry.code)).toEqual(['rule/too-many']);
  });

  it.each([
    ['a list without an owner', 'name: x\nreason: r\nvalues: [a]\n', 'rule/missing-key'],
    ['the name of a function', 'name: count\nowner: o\nreason: r\nvalues: [a]\n', 'list/taken-name'],
    ['a value that is no text', 'name: x\nowner: o\nreason: r\nvalues: [a, yes, null]\n', 'list/wrong-value'],
    ['a bad name', 'name: My List\nowner: o\nreason: r\nvalues: [a]\n', 'rule/wrong-value'],
  ])('%s is refused', (_name, text, code) => {
    const set = readRules([{ file: 'lists/x.yaml', kind: 'own', content: 'lists', text }]);
    expect(set.diagnostics.map((entry) => entry.code)).toContain(code);
  });
});

describe('folders', () => {
  let folder = '';
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'vedette-rules-'));
    mkdirSync(join(folder, 'lists'));
    mkdirSync(join(folder, 'team'));
    writeFileSync(join(folder, 'good.yaml'), GOOD);
    writeFileSync(join(folder, 'team', 'second.yml'), GOOD.replace('id: good', 'id: second'));
    writeFileSync(join(folder, 'lists', 'mine.yaml'), 'name: shells\nowner: o\nreason: r\nvalues: [bash]\n');
    writeFileSync(join(folder, 'broken.yaml'), Buffer.from([0xff, 0xfe, 0x00]));
    writeFileSync(join(folder, 'large.yaml'), '#'.repeat(FILE_BYTES_MAX + 1));
    writeFileSync(join(folder, 'notes.txt'), 'not a rule');
    symlinkSync(folder, join(folder, 'loop'));
    symlinkSync('/dev/zero', join(folder, 'endless.yaml'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it('are read with their lists; what cannot be read is told and stops nothing', () => {
    const set = readRuleFolders([{ path: folder, kind: 'own' }]);
    expect(set.rules.map((entry) => entry.id)).toEqual(['good', 'second']);
    expect(set.diagnostics.map(({ file, code }) => [file.slice(folder.length + 1), code])).toEqual([
      ['broken.yaml', 'yaml/not-utf8'],
      ['large.yaml', 'yaml/too-large'],
    ]);
  });

  it('are read to a limit of files and depth, and what is left out is told', () => {
    const deep = join(folder, 'team/a/b/c/d');
    mkdirSync(deep, { recursive: true });
    const code = (options: { filesMax?: number }): readonly string[] =>
      readRuleFolders([{ path: join(folder, 'team'), kind: 'own' }], options).diagnostics.map((entry) => entry.code);
    expect(code({})).not.toContain('rule/too-deep');
    mkdirSync(join(deep, 'e'));
    expect(code({})).toContain('rule/too-deep');
    rmSync(join(folder, 'team/a'), { recursive: true });
    writeFileSync(join(folder, 'team', 'third.yml'), GOOD.replace('id: good', 'id: third'));
    expect(code({ filesMax: 1 })).toContain('rule/too-many');
    rmSync(join(folder, 'team', 'third.yml'));
  });

  it('may be one file', () => {
    const set = readRuleFolders([
      { path: join(folder, 'lists', 'mine.yaml'), kind: 'own' },
      { path: join(folder, 'good.yaml'), kind: 'own' },
    ]);
    expect(set.rules.map((entry) => entry.id)).toEqual(['good']);
  });

  it('give their lists alone, for a rule that stands in none of them', () => {
    expect([...readNameFolders([{ path: folder, kind: 'own' }]).lists]).toEqual([['shells', ['bash']]]);
  });

  it('that do not exist are told', () => {
    const set = readRuleFolders([{ path: join(folder, 'nowhere'), kind: 'own' }]);
    expect(set.diagnostics.map(({ code, message }) => [code, message])).toEqual([
      ['rule/unreadable', 'there is no such file or folder'],
    ]);
  });
});
