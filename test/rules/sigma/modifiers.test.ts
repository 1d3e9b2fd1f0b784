// Every modifier, value and form of a condition by itself, what is refused and where it is told, and hostile files.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { errnoName } from '../../../audit/tables/errno.ts';
import { syscallName } from '../../../audit/tables/syscall.ts';
import type { EventDocument } from '../../../event/document.ts';
import type { Lists } from '../../../rules/expression/syntax.ts';
import type { RuleSet } from '../../../rules/rule.ts';
import { readRuleText } from '../../../rules/rule-files.ts';
import { EXIT_NAMES, SYSCALL_NAMES } from '../../../rules/sigma/kernel-numbers.ts';
import { DEFAULT_ONE } from './one-rule.ts';

const LISTS: Lists = new Map([
  ['admins', ['root', 'Alice', 'a*']],
  ['empty', []],
]);

function setOf(detection: unknown, logsource: unknown = DEFAULT_ONE.logsource): RuleSet {
  return readRuleText('rule.yml', stringify({ ...DEFAULT_ONE, logsource, detection }, { lineWidth: 0 }), LISTS);
}

/** Whether a rule of this one search matches an exec with this command line and these fields. */
function matches(search: unknown, process: Readonly<Record<string, unknown>>, more: EventDocument = {}): boolean {
  const { rules, diagnostics } = setOf({ sel: search, condition: 'sel' });
  const [rule] = rules;
  if (rule === undefined) throw new Error(diagnostics.map(({ message }) => message).join('; '));
  const event = { ...more, event: { action: 'executed', outcome: 'success', ...(more['event'] as object) }, process };
  return rule.match(event, 0);
}

function errorsOf({ rules, diagnostics }: RuleSet): readonly string[] {
  expect(rules).toEqual([]);
  return diagnostics
    .filter(({ severity }) => severity === 'error')
    .map(({ line, column, message }) => `${line}:${column} ${message}`);
}

const base64 = (text: string): string => Buffer.from(text).toString('base64');

describe('values', () => {
  it.each<[unknown, string, boolean]>([
    ['nc', 'nc', true],
    ['nc', 'NC', true],
    ['nc', 'ncat', false],
    ['n*', 'ncat', true],
    ['n?', 'nc', true],
    ['n?', 'n', false],
    ['n\\*', 'n*', true],
    ['n\\*', 'nc', false],
    ['n\\?', 'n?', true],
    ['C:\\dir', 'c:\\DIR', true],
    ['C:\\\\dir', 'c:\\dir', true],
    ['a\\\\*', 'a\\bc', true],
    ['a\\\\\\*', 'a\\*', true],
    ['a\\\\\\*', 'a\\b', false],
    ['', '', true],
    ['', 'x', false],
    [42, '42', true],
    [42, '420', false],
    ['STRASSE', 'Straße', false],
    ['straße', 'STRAßE', true],
    ['kelvin', '\u212aelvin', true],
    ['ΟΔΟΣ', 'οδος', true],
    ['*ΟΔΟΣ*', 'xοδοσx', true],
    [['a', 'b*'], 'bcd', true],
    [['a', 'b*'], 'c', false],
    ['a\nb', 'A\nB', true],
  ])('%j and %j: %s', (value, text, expected) => {
    expect(matches({ Image: value }, { executable: text })).toBe(expected);
  });

  it('null is what is not there, and an empty text is not null', () => {
    expect(matches({ Image: null }, {})).toBe(true);
    expect(matches({ Image: null }, { executable: null })).toBe(true);
    expect(matches({ Image: null }, { executable: '' })).toBe(false);
    expect(matches({ Image: [null, 'x'] }, { executable: 'x' })).toBe(true);
    expect(matches({ Image: '' }, {})).toBe(false);
  });

  it('a number of the event is its text', () => {
    expect(matches({ ProcessId: '4*' }, { pid: 42 })).toBe(true);
    expect(matches({ ProcessId: 42 }, { pid: 42 })).toBe(true);
  });
});

describe('modifiers', () => {
  it.each<[string, unknown, string, boolean]>([
    ['contains', '-e', 'nc -E sh', true],
    ['startswith', 'nc', 'NC -e', true],
    ['startswith', 'nc', 'ncat', true],
    ['endswith', 'sh', 'nc -e SH', true],
    ['endswith', 'sh', 'sh -c', false],
    ['contains|all', ['nc', '-e'], 'nc -e', true],
    ['contains|all', ['nc', '-e'], 'nc -l', false],
    ['contains', ['nc', '-e'], 'nc -l', true],
    ['contains|cased', 'NC', 'nc', false],
    ['cased', 'nc -e', 'nc -e', true],
    ['cased', 'nc -e', 'nc -E', false],
    ['cased', 'nc *', 'nc -E', true],
    ['neq', 'nc', 'sh', true],
    ['neq', ['nc', 'sh'], 'sh', false],
    ['neq|contains', '-e', 'nc -l', true],
    ['re', 'n[cd]$', 'x nc', true],
    ['re', 'NC', 'nc', false],
    ['re|i', 'NC', 'nc', true],
    ['re|i|m', '^B$', 'a\nb', true],
    ['re|s', 'a.b', 'a\nb', true],
    ['re', 'a.b', 'a\nb', false],
    ['re', ['x', 'y$'], 'y', true],
    ['re', '\\Anc\\z', 'nc', true],
    ['re', '^[[:alpha:]]+$', 'nc', true],
    ['re', '[[:digit:]_]', 'n_', true],
    ['re', '(?P<name>n)c', 'nc', true],
    ['re', '[]x]', ']', true],
    ['re', '(?i)NC', 'nc', true],
    ['exists', true, 'x', true],
    ['exists', false, 'x', false],
    ['base64', 'id;', base64('id;'), true],
    ['base64|contains', 'sh -i', `x${base64('sh -i')}`, true],
    ['wide|base64', 'sh', Buffer.from('sh', 'utf16le').toString('base64'), true],
    ['utf16le|base64', 'sh', Buffer.from('sh', 'utf16le').toString('base64'), true],
    ['utf16be|base64', 'sh', Buffer.from('sh', 'utf16le').swap16().toString('base64'), true],
    ['utf16|base64', 'sh', Buffer.from('\ufeffsh', 'utf16le').toString('base64'), true],
    ['windash|contains', ' -e ', 'nc /e sh', true],
    ['windash|contains', ' -e ', 'nc \u2013e sh', true],
    ['contains|windash', ' -e ', 'nc \u2015e sh', true],
    ['windash|contains', ' -e ', 'nc e sh', false],
    ['windash', 'a-b', 'a/b', false],
    ['windash|contains|all', ['-a', '-b'], '/a \u2014b', true],
    ['windash|contains|all', ['-a', '-b'], '/a b', false],
    ['expand', '%admins%', 'alice', true],
    ['expand', '%admins%', 'bob', false],
    ['expand', '%admins%', 'axx', false],
    ['expand', '%admins%', 'A*', true],
    ['expand|contains', '%ADMINS%', 'su alice now', true],
    ['expand', 'su %admins%', 'su root', true],
    ['expand', 'su %admins%', 'su rooty', false],
  ])('CommandLine|%s: %j and %j: %s', (modifiers, value, text, expected) => {
    expect(matches({ [`CommandLine|${modifiers}`]: value }, { args: text.split(' ') })).toBe(expected);
  });

  it('cidr, on both families', () => {
    const of = (net: unknown, ip: string): boolean => {
      const detection = { sel: { 'DestinationIp|cidr': net }, condition: 'sel' };
      const [rule] = setOf(detection, { product: 'linux', category: 'network_connection' }).rules;
      return rule?.match({ event: { action: 'connected-to' }, destination: { ip } }, 0) === true;
    };
    expect(of('10.0.0.0/8', '10.1.2.3')).toBe(true);
    expect(of('10.0.0.0/8', '11.1.2.3')).toBe(false);
    expect(of(['192.168.0.0/16', 'fe80::/10'], 'fe80::1')).toBe(true);
    expect(of('10.0.0.0/8', '::ffff:10.1.2.3')).toBe(true);
  });

  it('numbers are compared as numbers, also where the log has them as text', () => {
    expect(matches({ 'ProcessId|gt': 9 }, { pid: 10 })).toBe(true);
    expect(matches({ 'ProcessId|gte': '10' }, { pid: 10 })).toBe(true);
    expect(matches({ 'ProcessId|lt': 10 }, { pid: 10 })).toBe(false);
    expect(matches({ 'LogonId|lte': 10.5 }, {}, { auditd: { session: '9' } })).toBe(true);
    expect(matches({ 'User|lt': 10 }, {}, { user: { name: 'nobody' } })).toBe(false);
  });

  it('parts of a time, in UTC', () => {
    const at = { '@timestamp': '2026-11-22T23:05:59.000Z' };
    for (const [part, value] of [
      ['minute', 5],
      ['hour', 23],
      ['day', 22],
      ['week', 47],
      ['month', 11],
      ['year', 2026],
    ] as const) {
      expect(matches({ [`UtcTime|${part}`]: value }, {}, at), part).toBe(true);
      expect(matches({ [`UtcTime|${part}`]: value + 1 }, {}, at), part).toBe(false);
    }
    expect(matches({ 'UtcTime|hour|gte': 22 }, {}, at)).toBe(true);
    expect(matches({ 'UtcTime|hour|lt': 22 }, {}, at)).toBe(false);
    expect(matches({ 'User|hour': 1 }, {}, { user: { name: 'x' } })).toBe(false);
  });

  it('fields of the same event are compared', () => {
    const process = { executable: '/bin/SH', parent: { executable: '/bin/sh' }, working_directory: '/bin' };
    expect(matches({ 'Image|fieldref': 'ParentImage' }, process)).toBe(true);
    expect(matches({ 'Image|fieldref|cased': 'ParentImage' }, process)).toBe(false);
    expect(matches({ 'Image|fieldref|startswith': 'CurrentDirectory' }, process)).toBe(true);
    expect(matches({ 'Image|fieldref|endswith': 'CurrentDirectory' }, process)).toBe(false);
    expect(matches({ 'Image|fieldref|contains': 'CurrentDirectory' }, process)).toBe(true);
    expect(matches({ 'Image|fieldref': 'User' }, process)).toBe(false);
    expect(matches({ 'Image|fieldref': 'ParentImage' }, { executable: '', parent: { executable: '' } })).toBe(true);
    expect(matches({ 'Image|fieldref|endswith': 'ParentImage' }, { executable: 'x', parent: { executable: '' } })).toBe(
      true,
    );
  });

  it('a value is found in Base64 whatever stands before and behind it', () => {
    const bytes = fc.uint8Array({ maxLength: 7 }).map((all) => Buffer.from(all));
    fc.assert(
      fc.property(
        bytes,
        fc.string({ minLength: 3, maxLength: 12 }).filter((text) => !/[*?\\%]/.test(text)),
        bytes,
        (before, text, behind) => {
          const encoded = Buffer.concat([before, Buffer.from(text), behind]).toString('base64');
          expect(matches({ 'CommandLine|base64offset|contains': text }, { args: [`x${encoded}`] })).toBe(true);
          const wide = Buffer.concat([before, Buffer.from(text, 'utf16le'), behind]).toString('base64');
          expect(matches({ 'CommandLine|wide|base64offset|contains': text }, { args: [wide] })).toBe(true);
        },
      ),
      { numRuns: 40 },
    );
    expect(matches({ 'CommandLine|base64offset|contains': 'secret' }, { args: [base64('another')] })).toBe(false);
  });

  it('names of ECS are fields of any log source', () => {
    expect(matches({ 'process.entity_id': 'x' }, { entity_id: 'X' })).toBe(true);
  });
});

describe('records of one audit event', () => {
  const auditd = { product: 'linux', service: 'auditd' };
  const matchesRecords = (detection: unknown, event: EventDocument): boolean => {
    const [rule] = setOf(detection, auditd).rules;
    return rule?.match({ event: { module: 'auditd', action: 'opened-file' }, ...event }, 0) === true;
  };

  it('values of one search hold of the same PATH', () => {
    const detection = { sel: { type: 'PATH', name: '/etc/x', nametype: 'CREATE' }, condition: 'sel' };
    const paths = (...all: readonly (readonly [string, string])[]): EventDocument => ({
      auditd: { paths: all.map(([name, nametype]) => ({ name, nametype })) },
    });
    expect(matchesRecords(detection, paths(['/etc/x', 'NORMAL'], ['/etc/y', 'CREATE']))).toBe(false);
    expect(matchesRecords(detection, paths(['/etc/y', 'NORMAL'], ['/etc/x', 'CREATE']))).toBe(true);
  });

  it('a filter is about the record that the selection found', () => {
    const detection = {
      sel: { type: 'PATH', 'name|contains': '/.' },
      filter: { 'name|contains': '/.cache/' },
      condition: 'sel and not filter',
    };
    const paths = (...names: readonly string[]): EventDocument => ({
      auditd: { paths: names.map((name) => ({ name })) },
    });
    expect(matchesRecords(detection, paths('/h/.cache/x', '/h/.x'))).toBe(true);
    expect(matchesRecords(detection, paths('/h/.cache/x', '/h/x'))).toBe(false);
  });

  it('a filter on another record is told: it leaves nothing out; one by names of ECS does', () => {
    const detection = (filter: object): unknown => ({
      sel: { type: 'PATH', name: '/etc/x' },
      filter,
      condition: 'sel and not filter',
    });
    const by = (executable: string): EventDocument => ({
      process: { executable },
      auditd: { paths: [{ name: '/etc/x' }] },
    });
    const byRecord = setOf(detection({ exe: '/usr/bin/apt' }), auditd);
    expect(byRecord.diagnostics.map(({ line, severity, message }) => `${line} ${severity} ${message}`)).toEqual([
      '13 warning this leaves nothing out: the records that the rule finds have no such `exe`',
    ]);
    const byEvent = detection({ 'process.executable': '/usr/bin/apt' });
    expect(setOf(byEvent, auditd).diagnostics).toEqual([]);
    expect([matchesRecords(byEvent, by('/usr/bin/apt')), matchesRecords(byEvent, by('/bin/vi'))]).toEqual([
      false,
      true,
    ]);
  });

  it('no record is of two types', () => {
    const detection = { a: { type: 'PATH', name: '/etc/x' }, b: { type: 'EXECVE', a0: 'x' }, condition: 'a and b' };
    expect(errorsOf(setOf(detection, auditd)).join()).toMatch(/no event can match/);
  });

  it('EXECVE’s arguments are the process’s, SYSCALL’s are registers', () => {
    const event = {
      event: { action: 'executed' },
      process: { args: ['7', 'b'] },
      auditd: { data: { syscall: 'execve', a0: 'ffaa' } },
    };
    expect(matchesRecords({ sel: { type: 'EXECVE', a0: 7 }, condition: 'sel' }, event)).toBe(true);
    expect(matchesRecords({ sel: { type: 'SYSCALL', a0: 7 }, condition: 'sel' }, event)).toBe(false);
    expect(matchesRecords({ sel: { type: 'syscall', a0: 'FFAA' }, condition: 'sel' }, event)).toBe(true);
    expect(matchesRecords({ sel: { a1: 'b' }, condition: 'sel' }, event)).toBe(true);
  });

  it('calls go by name or by their number on x86_64', () => {
    const event = { auditd: { data: { syscall: 'execve' } } };
    expect(matchesRecords({ sel: { type: 'SYSCALL', syscall: 59 }, condition: 'sel' }, event)).toBe(true);
    expect(matchesRecords({ sel: { type: 'SYSCALL', syscall: ['60', 'EXECVE'] }, condition: 'sel' }, event)).toBe(true);
    expect(matchesRecords({ sel: { type: 'SYSCALL', syscall: 58 }, condition: 'sel' }, event)).toBe(false);
    for (let number = 0; number < 1_000; number += 1)
      expect(SYSCALL_NAMES.get(String(number))).toBe(syscallName('c000003e', number));
  });

  it('errors go by the number that raw records have, or by their names', () => {
    const event = { auditd: { data: { syscall: 'openat', exit: 'EACCES' } } };
    expect(matchesRecords({ sel: { type: 'SYSCALL', exit: [-1, -13] }, condition: 'sel' }, event)).toBe(true);
    expect(matchesRecords({ sel: { type: 'SYSCALL', exit: 'EACCES' }, condition: 'sel' }, event)).toBe(true);
    expect(matchesRecords({ sel: { type: 'SYSCALL', exit: -2 }, condition: 'sel' }, event)).toBe(false);
    for (let number = 1; number <= EXIT_NAMES.size; number += 1)
      expect(EXIT_NAMES.get(String(-number))).toBe(errnoName(number));
  });

  it('numbers of raw records are compared as they stand there, also where events have names or nothing', () => {
    const of = (selection: object, exit: string, user: EventDocument = {}): boolean =>
      matchesRecords(
        { sel: { type: 'SYSCALL', ...selection }, condition: 'sel' },
        { user, auditd: { data: { syscall: 'openat', exit } } },
      );
    expect(of({ 'exit|lt': 0 }, 'EACCES')).toBe(true);
    expect(of({ 'exit|startswith': '-1' }, 'EACCES')).toBe(true);
    expect(of({ 'exit|startswith': '-2' }, 'EACCES')).toBe(false);
    expect(of({ 'exit|gte': 0 }, 'EACCES')).toBe(false);
    expect(of({ 'exit|gte': 0 }, '3')).toBe(true);
    expect(of({ 'syscall|re': '^25[0-9]$' }, '3')).toBe(true);
    expect(of({ 'syscall|re': '^24[0-9]$' }, '3')).toBe(false);
    expect(of({ 'auid|gte': 1000 }, '3')).toBe(true);
    expect(of({ 'auid|gte': 1000, 'auid|neq': 4294967295 }, '3')).toBe(false);
    expect(of({ 'auid|lt': 1000 }, '3')).toBe(false);
    expect(of({ 'auid|gte': 1000 }, '3', { audit: { id: '7' } })).toBe(false);
  });

  it('keywords are found in the raw records and in arguments that the kernel wrote in hexadecimal', () => {
    const detection = { words: ['history -c'], condition: 'words' };
    expect(matchesRecords(detection, { event: { module: 'auditd', original: 'type=X msg=… HISTORY -C' } })).toBe(true);
    expect(matchesRecords(detection, { process: { args: ['sh', '-c', 'history -c'] } })).toBe(true);
    expect(matchesRecords(detection, { auditd: { data: { cmd: 'history -c' } } })).toBe(true);
    expect(matchesRecords(detection, { process: { args: ['history'] } })).toBe(false);
  });

  it('euid is told only where it differs, unset ids not at all', () => {
    const of = (selection: object, user: EventDocument): boolean =>
      matchesRecords(
        { sel: { type: 'SYSCALL', ...selection }, condition: 'sel' },
        { user, auditd: { data: { syscall: 'x' } } },
      );
    expect(of({ euid: 0 }, { id: '0' })).toBe(true);
    expect(of({ euid: 0 }, { id: '0', effective: { id: '7' } })).toBe(false);
    expect(of({ euid: 0 }, { id: '7', effective: { id: '0' } })).toBe(true);
    expect(of({ auid: [4294967295, -1] }, { id: '7' })).toBe(true);
    expect(of({ auid: 'unset' }, { audit: { id: '0' } })).toBe(false);
    expect(of({ success: 'yes' }, {})).toBe(false);
  });
});

describe('what is refused', () => {
  const sel = (search: unknown): unknown => ({ sel: search, condition: 'sel' });
  it.each<[string, unknown, string]>([
    ['an unknown modifier', sel({ 'Image|endwith': 'x' }), '10:5 unknown modifier `endwith`'],
    ['modifiers that exclude each other', sel({ 'Image|re|contains': 'x' }), '10:5 `contains` does not go with `re`'],
    ['two meanings', sel({ 'Image|re|cidr': 'x' }), '10:5 `cidr` does not go with `re`'],
    ['flags without a regular expression', sel({ 'Image|i': 'x' }), '10:5 `i` does not go with these modifiers'],
    ['a condition on nothing', { sel: { Image: 'x' }, condition: 'other' }, '11:14 no detection is called `other`'],
    [
      'a pattern that names nothing',
      { sel: { Image: 'x' }, condition: '1 of a*' },
      '11:14 no detection is called `a*`',
    ],
    ['an open parenthesis', { sel: { Image: 'x' }, condition: '(sel' }, '11:14 this parenthesis is not closed'],
    ['two of them', { sel: { Image: 'x' }, condition: '2 of them' }, '11:14 `2 of` is no part of Sigma'],
    [
      'an aggregation',
      { sel: { Image: 'x' }, condition: 'sel | count() > 3' },
      '11:18 aggregations behind `|` are not part of Sigma any more',
    ],
    ['no condition', { sel: { Image: 'x' } }, '9:3 there is no condition'],
    ['an empty list', sel({ Image: [] }), '10:12 there is no value'],
    ['an empty search', sel({}), '9:8 the search is empty'],
    ['a map as value', sel({ Image: { a: 1 } }), '11:7 a map is no value'],
    ['text to compare as number', sel({ 'ProcessId|gt': 'x' }), '10:19 `x` is no number'],
    ['UTF-16 alone', sel({ 'Image|wide': 'x' }), '10:17 UTF-16 without Base64: events hold text, not bytes'],
    ['Base64 of wildcards', sel({ 'Image|base64': 'x*' }), '10:19 wildcards have no Base64'],
    [
      'too many dashes',
      sel({ 'Image|windash': '-a -b -c -d -e' }),
      '10:20 too many dashes: each may be written in five ways',
    ],
    [
      'a placeholder without a list',
      sel({ 'Image|expand': '%nobody%' }),
      '10:19 nothing says what `%nobody%` stands for',
    ],
    [
      'look-ahead',
      sel({ 'Image|re': 'a(?=b)' }),
      '10:5 the regular expression cannot be said: look-ahead and look-behind are not possible',
    ],
    [
      'a back-reference',
      sel({ 'Image|re': '(a)\\1' }),
      '10:5 the regular expression cannot be said: back-references (\\1) are not possible',
    ],
    [
      'a possessive repetition',
      sel({ 'Image|re': 'a++b' }),
      '10:5 the regular expression cannot be said: possessive repetitions (`++`) are not possible',
    ],
    [
      'an atomic group',
      sel({ 'Image|re': '(?>a)b' }),
      '10:5 the regular expression cannot be said: atomic groups (`(?>…)`) are not possible',
    ],
    [
      'an escape of PCRE',
      sel({ 'Image|re': 'a\\Kb' }),
      '10:5 the regular expression cannot be said: \\K is not possible',
    ],
    [
      'a field that no event has',
      sel({ OriginalFileName: 'x' }),
      '10:5 no event has `OriginalFileName`: programs of Linux hold no such words',
    ],
    ['a field of nobody', sel({ Foo: 'x' }), '10:5 no event has `Foo`: events of this log source have no such field'],
  ])('%s', (_, detection, message) => {
    expect(errorsOf(setOf(detection))).toContain(message);
  });

  it.each<[unknown, RegExp]>([
    [{ product: 'windows', category: 'process_creation' }, /there are no events of `windows`/],
    [{ product: 'linux', category: 'dns_query' }, /`dns_query` is not collected/],
    [{}, /names neither product, category nor service/],
  ])('the log source %j', (logsource, message) => {
    expect(errorsOf(setOf(sel({ Image: 'x' }), logsource)).join()).toMatch(message);
  });

  it('what cannot be asked of a field with few values, also beside what can be', () => {
    for (const [key, value, message] of [
      ['Initiated|gte', 1, '`Initiated` has a few texts as values, and cannot be compared like this'],
      ['Initiated|fieldref', 'Image', '`Initiated` has a few texts as values, and cannot be compared like this'],
      ['Initiated|re', '(?=t)true', 'look-ahead'],
    ] as const) {
      const detection = { sel: { [key]: value }, other: { Image: '/x' }, condition: 'sel or other' };
      const logsource = { product: 'linux', category: 'network_connection' };
      expect(errorsOf(setOf(detection, logsource)).join()).toContain(message);
    }
  });

  it('all mistakes are told, and the other documents of the file are read', () => {
    const wrong = stringify({ ...DEFAULT_ONE, level: 'hihg', detection: sel({ 'Image|x': 1, Foo: 2 }) });
    const right = stringify({ ...DEFAULT_ONE, id: 'another', detection: sel({ Image: 'x' }) });
    const { rules, diagnostics } = readRuleText('rules.yml', `${wrong}---\n${right}`, LISTS);
    expect(rules.map(({ id }) => id)).toEqual(['another']);
    expect(diagnostics.map(({ message }) => message)).toEqual(
      expect.arrayContaining(['`hihg` is no level', 'unknown modifier `x`']),
    );
  });

  it('each search that no condition names is told', () => {
    const { rules, diagnostics } = setOf({ a: { Image: 'x' }, b: { User: 'x' }, c: { User: 'y' }, condition: 'a' });
    expect(rules.length).toBe(1);
    expect(diagnostics.map(({ message }) => message)).toEqual(
      ['b', 'c'].map((name) => `\`${name}\` is used by no condition`),
    );
  });

  it('a field that no event has is told and passed over where it only takes something out', () => {
    const detection = { sel: { Image: 'x' }, filter: { ParentUser: 'root' }, condition: 'sel and not filter' };
    const { rules, diagnostics } = setOf(detection);
    expect(diagnostics.map(({ severity, message }) => `${severity} ${message}`)).toEqual([
      'warning no event has `ParentUser`: of a parent only its program and its arguments are known',
    ]);
    expect(rules[0]?.match({ event: { action: 'executed' }, process: { executable: 'x' } }, 0)).toBe(true);
  });
});

describe('hostile files', () => {
  const wrap = (detection: string): string =>
    `title: x\nid: ${DEFAULT_ONE.id}\nlevel: low\nlogsource:\n  product: linux\n  category: process_creation\ndetection:\n${detection}`;
  const messages = (text: string): string =>
    readRuleText('x.yml', text, LISTS)
      .diagnostics.map(({ message }) => message)
      .join('; ');

  it('ten megabytes are not parsed', () => {
    expect(messages(wrap(`  sel:\n    Image: ${'x'.repeat(10_000_000)}\n  condition: sel\n`))).toMatch(/larger than/);
  });

  it('ten thousand values are one test, or too long to be one', () => {
    const list = (count: number, length: number): string =>
      wrap(`  sel:\n    Image:\n${`      - ${'v'.repeat(length)}\n`.repeat(count)}  condition: sel\n`);
    expect(readRuleText('x.yml', list(1_000, 10), LISTS).rules).toHaveLength(1);
    expect(messages(list(10_000, 10))).toMatch(/longer than/);
  });

  it('few bytes that ask for millions of values, and thousands of searches', () => {
    const dashes = wrap(
      `  sel:\n    CommandLine|windash:\n${'      - -a -b -c -d\n'.repeat(10_000)}  condition: sel\n`,
    );
    expect(messages(dashes)).toMatch(/more than 10000 values/);
    const lines = Array.from({ length: 5_000 }, (_, n) => `  sel_${n}:\n    CommandLine|windash: -a -b -c -d\n`).join(
      '',
    );
    expect(messages(wrap(`${lines}  condition: 1 of sel_*\n`))).toMatch(/more than 10000 values/);
    const searches = Array.from({ length: 5_000 }, (_, n) => `  sel_${n}:\n    Image: x${n}\n`).join('');
    expect(messages(wrap(`${searches}  condition: 1 of sel_*\n`))).toMatch(/longer than|too large/);
    const often = Array.from({ length: 900 }, () => '1 of sel_*')
      .join(' or ')
      .slice(0, 9_990);
    expect(messages(wrap(`${searches}  condition: ${often.slice(0, often.lastIndexOf(' or '))}\n`))).toMatch(
      /more than 10000 tests/,
    );
  });

  it('aliases, deep nesting, long conditions', () => {
    expect(messages(wrap('  sel: &a\n    Image: x\n  other: *a\n  condition: sel\n'))).toMatch(/anchors/);
    expect(messages(wrap(`  sel: ${'['.repeat(5_000)}\n  condition: sel\n`))).toMatch(/nested too deeply/);
    const parentheses = `${'('.repeat(500)}sel${')'.repeat(500)}`;
    expect(messages(wrap(`  sel:\n    Image: x\n  condition: ${parentheses}\n`))).toMatch(/nested too deeply/);
    expect(messages(wrap(`  sel:\n    Image: x\n  condition: ${'not '.repeat(500)}sel\n`))).toMatch(
      /nested too deeply/,
    );
    expect(messages(wrap(`  sel:\n    Image: x\n  condition: ${'sel or '.repeat(5_000)}sel\n`))).toMatch(/longer than/);
  });

  it('a regular expression that explodes elsewhere is linear', () => {
    const set = setOf({ sel: { 'CommandLine|re': '^(a+)+$' }, condition: 'sel' });
    const event = { event: { action: 'executed' }, process: { args: [`${'a'.repeat(50_000)}b`] } };
    expect(set.rules[0]?.match(event, 0)).toBe(false);
    expect(messages(wrap(`  sel:\n    Image|re: '(a{1000}){1000}'\n  condition: sel\n`))).not.toBe('');
  });

  it('names of prototypes are names', () => {
    const set = setOf({
      __proto__x: { Image: 'x' },
      constructor: { Image: 'y' },
      condition: '__proto__x or constructor',
    });
    expect(set.rules).toHaveLength(1);
    const text = wrap('  __proto__:\n    Image: x\n  condition: __proto__\n');
    expect(readRuleText('x.yml', text, LISTS).rules).toHaveLength(1);
    expect(messages(wrap('  sel:\n    __proto__: x\n    toString: x\n  condition: sel\n'))).toMatch(
      /no event has `__proto__`.*no event has `toString`/,
    );
    expect(messages(text.replace('category: process_creation', 'category: __proto__'))).toMatch(/is not collected/);
    expect(({} as Record<string, unknown>)['Image']).toBeUndefined();
  });

  it('texts cannot become syntax', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 20 }), (text) => {
        const plain = text.replace(/[\\*?]/g, '\\$&');
        if (text.trim() === '') return;
        const title = `${text} {{user.name}}`;
        const detection = { sel: { Image: plain }, condition: 'sel' };
        const written = stringify({ ...DEFAULT_ONE, title, description: text, detection });
        const [rule] = readRuleText('x.yml', written, LISTS).rules;
        expect(rule?.match({ event: { action: 'executed' }, process: { executable: text } }, 0)).toBe(true);
        expect(rule?.match({ event: { action: 'executed' }, process: { executable: `${text}x` } }, 0)).toBe(false);
        expect(rule?.alert.title).toBe('Sigma rule on {{host.name}}');
      }),
      { numRuns: 200 },
    );
  });
});
