import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { machineArchitectures } from '../../collector/audit-rules/machine.ts';
import { ruleInWords } from '../../collector/audit-rules/rule-print.ts';
import { RULES_MAX, type RuleReading, type RuleSet, readRuleSet } from '../../collector/audit-rules/rule-set.ts';
import { asWord, splitWords } from '../../collector/audit-rules/rule-words.ts';
import { type CompiledRule, decodeRule, encodeRule, ruleIdentity } from '../../collector/netlink/rule-data.ts';
import { formatDiagnostic } from '../../rules/diagnostic.ts';

const FOLDERS = ['/etc', '/etc/sudoers.d', '/'];
const reading: RuleReading = {
  machine: {
    architectures: machineArchitectures('x64'),
    userId: (name) => ({ root: 0, chrony: 20 })[name],
    groupId: (name) => ({ root: 0, shadow: 42 })[name],
  },
  isFolder: (path) => FOLDERS.includes(path),
  exists: (path) => FOLDERS.includes(path) || path === '/etc/shadow' || path === '/usr/bin/su',
};

const read = (...lines: string[]): RuleSet =>
  readRuleSet([{ file: 'x.rules', lines: lines.map((line) => Buffer.from(line).toString('latin1')) }], reading);
const codes = (...lines: string[]): string[] => read(...lines).diagnostics.map(({ code }) => code);
const wordsOf = (rule: CompiledRule): string => {
  const decoded = decodeRule(encodeRule(rule));
  return decoded === undefined ? '' : ruleInWords(decoded);
};
const printed = (...lines: string[]): string[] => read(...lines).rules.map(({ rule }) => wordsOf(rule));

describe('a line of audit rules', () => {
  it.each([
    ['-w /etc/shadow -p wa -k s', '-a always,exit -F path=/etc/shadow -F perm=wa -F key=s'],
    ['-w /etc/ -p rx', '-a always,exit -F dir=/etc -F perm=rx'],
    ['-w /etc/shadow', '-a always,exit -F path=/etc/shadow -F perm=rwxa'],
    ['-w "/with space" -k "a b"', '-a always,exit -F path=/with\\ space -F perm=rwxa -F key=a\\ b'],
    ["-w '/with space' -p r", '-a always,exit -F path=/with\\ space -F perm=r'],
    ['-w /with\\ space -p r', '-a always,exit -F path=/with\\ space -F perm=r'],
    ['  -a exit,always -F arch=b64 -S execve,59 -S execveat', '-a always,exit -F arch=x86_64 -S execve,execveat'],
    ['-aalways,exit -Farch=b32 -Sopen', '-a always,exit -F arch=i386 -S open'],
    ['-a always,exit -F auid>=1000 -F auid!=unset -S all', '-a always,exit -S all -F auid>=1000 -F auid!=unset'],
    ['-a always,exit -F loginuid=-1 -F uid=chrony', '-a always,exit -S all -F auid=unset -F uid=20'],
    ['-a always,exit -F gid=shadow -F exit=-EACCES', '-a always,exit -S all -F gid=42 -F exit=-EACCES'],
    ['-a always,exit -F exit!=-17 -F a1&=0x3', '-a always,exit -S all -F exit!=-EEXIST -F a1&=0x3'],
    ['-a always,exit -F a0=-1 -F a2=010', '-a always,exit -S all -F a0=0xffffffff -F a2=0x8'],
    [
      '-a always,exit -S all -C euid!=uid -k one -F key=two',
      '-a always,exit -S all -C uid!=euid -F key=one -F key=two',
    ],
    ['-a always,exit -F filetype=fifo -F perm=wr', '-a always,exit -F filetype=fifo -F perm=rw'],
    ['-a never,exclude -F msgtype=user_tty', '-a never,exclude -F msgtype=USER_TTY'],
    [
      '-a never,exclude -F msgtype>=1300 -F msgtype<=1399',
      '-a never,exclude -F msgtype>=SYSCALL -F msgtype<=UNKNOWN[1399]',
    ],
    ['-a never,filesystem -F fstype=tracefs', '-a never,filesystem -F fstype=tracefs'],
    ['-a never,user -F uid=0', '-a never,user -F uid=0'],
    ['-a never,task -F auid=5', '-a never,task -F auid=5'],
    ['-a always,io_uring -S openat,connect -F uid!=0', '-a always,io_uring -S connect,openat -F uid!=0'],
    [
      '-a always,exit -F subj_type=chronyd_t -F saddr_fam=10',
      '-a always,exit -S all -F subj_type=chronyd_t -F saddr_fam=10',
    ],
  ])('%s is %s', (line, words) => {
    const set = read(line);
    expect(set.diagnostics.filter(({ severity }) => severity === 'error')).toEqual([]);
    expect(set.rules.map(({ rule }) => wordsOf(rule))).toEqual([words]);
  });

  it.each([
    ['-a entry,always -S open', 'audit/entry-list', 4],
    ['-a exit,possible -S open', 'audit/possible', 4],
    ['-a always -S open', 'audit/list', 4],
    ['-F uid=0 -a always,exit', 'audit/order', 4],
    ['-a always,exit -S open -F arch=b64', 'audit/order', 27],
    ['-a always,exit -F uid=0 -k x', 'audit/order', 28],
    ['-a always,exit -F foo=1', 'audit/unknown-field', 19],
    ['-a always,exit -F __proto__=1', 'audit/unknown-field', 19],
    ['-a always,exit -F uid', 'audit/field', 19],
    ['-a always,exit -F uid&5', 'audit/operator', 22],
    ['-a always,exit -F path!=/etc/shadow', 'audit/operator', 23],
    ['-a always,exit -F msgtype=1300', 'audit/field-list', 19],
    ['-a never,exclude -F exit=0', 'audit/field-list', 21],
    ['-a always,exit -F uid=nobody-here', 'audit/unknown-account', 23],
    ['-a always,exit -F pid=12abc', 'audit/value', 23],
    ['-a always,exit -F pid=', 'audit/value', 23],
    ['-a always,exit -F exit=-EFOO', 'audit/value', 24],
    ['-a always,exit -F saddr_fam=inet', 'audit/value', 29],
    ['-a always,exit -F perm=rz', 'audit/value', 24],
    ['-a always,exit -F exe=bin/su', 'audit/relative-path', 23],
    ['-a always,exit -F path=/etc/', 'audit/path', 24],
    ['-a always,exit -F path=/a -F dir=/b', 'audit/repeated-field', 30],
    ['-a always,exit -F arch=b64 -S opne', 'audit/unknown-call', 31],
    ['-a always,exit -F arch=b64 -S open,stime', 'audit/unknown-call', 36],
    ['-a always,exit -F arch=b64 -S 2016', 'audit/unknown-call', 31],
    ['-a always,io_uring -S execve', 'audit/unknown-call', 23],
    ['-a always,exit -C uid=gid', 'audit/comparison', 19],
    ['-a always,exit -C uid<euid', 'audit/comparison', 19],
    ['-a never,task -S open', 'audit/calls', 18],
    ['-a always,exit -a never,exit', 'audit/two-rules', 19],
    ['-a always,exit -S all extra', 'audit/unknown-option', 23],
    ['-a always,exit -S', 'audit/no-value', 16],
    ['-S all', 'audit/no-rule', 1],
    ['-w etc/shadow', 'audit/relative-path', 4],
    ['-w "/etc', 'audit/unclosed-quote', 4],
    ['-w /etc \\', 'audit/continuation', 9],
    ['-p r -w /etc/shadow', 'audit/order', 1],
    [`-w /${'n'.repeat(256)}`, 'audit/path', 4],
    [`-w /etc/shadow -k ${'k'.repeat(257)}`, 'audit/too-long', 19],
    ['-e 2', 'audit/lock', 4],
    ['-f 2', 'audit/panic', 4],
    ['-f2', 'audit/panic', 3],
    ['-b many', 'audit/value', 4],
    ['-q /mnt', 'audit/value', 1],
    ['-l', 'audit/not-in-files', 1],
    ['-D -b 8192', 'audit/two-rules', 1],
    [`-w /${'a/'.repeat(9_000)}`, 'audit/line', 1],
    ['-w /etc\0', 'audit/line', 1],
  ])('%s is refused: %s at column %i', (line, code, column) => {
    const { rules, diagnostics } = read(line);
    expect(rules).toEqual([]);
    const [found] = diagnostics;
    expect([found?.code, found?.severity, found?.column, found?.line]).toEqual([code, 'error', column, 1]);
    expect(found?.remedy).toMatch(/\S/);
  });

  it.each([
    ['-a always,exit -F axe=/bin/su', 'Did you mean exe? Known are '],
    ['-a always,exit -F auidd>=1000', 'Did you mean auid? Known are '],
    ['-a always,exit -F arch=b64 -S opnat', 'Did you mean openat? Check the spelling'],
    ['-a always,io_uring -S conect', 'Did you mean connect? Name io_uring operations'],
    ['-a always,exit -F frobnicated=1', 'Known are '],
  ])('%s: %s', (line, remedy) => {
    expect(read(line).diagnostics[0]?.remedy.slice(0, remedy.length)).toBe(remedy);
  });

  it('tells everything that is wrong, not only the first', () => {
    expect(codes('-a always,exit -F foo=1 -F uid=nobody-here -S opne -F arch=b64')).toEqual([
      'audit/unknown-field',
      'audit/unknown-account',
      'audit/unknown-call',
      'audit/order',
    ]);
  });

  it('is pointed at by characters, with the text as it was written', () => {
    const [found] = read('-w /tmp/ä -p rz').diagnostics;
    expect(found && formatDiagnostic(found)).toBe(
      'x.rules:1:14: error: “rz” are no permissions [audit/value]\n  1 | -w /tmp/ä -p rz\n    |              ^\n  Write letters of rwxa.',
    );
  });

  it('may have 64 fields, and not one more', () => {
    const fields = (count: number): string => `-a always,exit ${'-F uid!=5 '.repeat(count)}`;
    expect(read(fields(64)).rules[0]?.rule.fields).toHaveLength(64);
    expect(codes(fields(65))).toContain('audit/too-many-fields');
  });

  it('keeps bytes that are not UTF-8', () => {
    const set = readRuleSet([{ file: 'x', lines: ['-w /tmp/\xff\xfe -p r'] }], reading);
    expect(set.rules[0]?.rule.fields[0]).toEqual({ name: 'path', operator: '=', value: '/tmp/\xff\xfe' });
  });

  it('never throws, whatever the bytes, and loads nothing that it also refuses', () => {
    const piece = fc.oneof(
      fc.constantFrom(
        '-a',
        'always,exit',
        '-F',
        '-S',
        '-w',
        '-k',
        '-C',
        '-p',
        'arch=b64',
        'open',
        'uid=0',
        'perm=',
        '"',
        '\\',
      ),
      fc.string({ maxLength: 12, unit: 'binary' }),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const { rules, diagnostics } = read(pieces.join(' '));
        for (const { rule } of rules) expect(encodeRule(rule).length).toBeGreaterThanOrEqual(1040);
        expect(rules.length === 0 || diagnostics.every(({ severity }) => severity === 'warning')).toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });

  it('reads back what is printed for any rule of the kernel', () => {
    const number = fc.integer({ min: 0, max: 0xffff_ffff });
    const numeric = fc.tuple(
      fc.constantFrom('a0', 'pers', 'devminor', 'uid', 'auid', 'sessionid', 'exit', 'gid', 'pid'),
      fc.constantFrom('=', '!=', '<', '>', '<=', '>='),
      number,
    );
    const text = fc.tuple(
      fc.constantFrom('subj_type', 'obj_role'),
      fc.constantFrom('=', '!='),
      fc.string({
        minLength: 1,
        maxLength: 20,
        unit: fc
          .integer({ min: 1, max: 255 })
          .filter((code) => code !== 10)
          .map((code) => String.fromCharCode(code)),
      }),
    );
    const field = fc.oneof(numeric, text).map(([name, operator, value]) => ({ name, operator, value }));
    const rule = fc.record({
      list: fc.constant('exit'),
      action: fc.constantFrom('always', 'never'),
      isFirst: fc.constant(false),
      syscalls: fc.oneof(
        fc.constant('all'),
        fc.uniqueArray(fc.integer({ min: 0, max: 2015 }), { minLength: 1, maxLength: 20 }),
      ),
      fields: fc
        .array(field, { maxLength: 6 })
        .map((fields) => [{ name: 'arch', operator: '=', value: 0xc000_003e }, ...fields]),
    }) as unknown as fc.Arbitrary<CompiledRule>;
    fc.assert(
      fc.property(rule, (any) => {
        const line = wordsOf(any);
        const again = readRuleSet([{ file: 'x', lines: [line] }], reading).rules[0];
        expect(again && ruleIdentity(encodeRule(again.rule))).toBe(ruleIdentity(encodeRule(any)));
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('words of a line', () => {
  it('come back as they were, blanks and quotes and all', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.string({ maxLength: 20 }).filter((text) => !text.includes('\n')),
          { maxLength: 6 },
        ),
        (texts) => {
          const split = splitWords(texts.map(asWord).join(' '));
          expect(split.kind === 'words' && split.words.map(({ text }) => text)).toEqual(texts);
        },
      ),
    );
  });
});

describe('a set of audit rules', () => {
  it('keeps the order of the lines, with -A before all', () => {
    expect(printed('-w /etc/shadow -p r', '-A never,exit -S all -F uid=5', '-A never,exit -S all -F uid=6')).toEqual([
      '-a never,exit -S all -F uid=6',
      '-a never,exit -S all -F uid=5',
      '-a always,exit -F path=/etc/shadow -F perm=r',
    ]);
  });

  it('takes back what -d, -W and -D name, and says when there is nothing such', () => {
    const lines = ['-w /etc/shadow -p r -k a', '-a always,exit -S all -F uid=5 -k b', '-w /etc -p w -k c'];
    expect(printed(...lines, '-W /etc/shadow -p r -k a')).toHaveLength(2);
    expect(printed(...lines, '-d always,exit -S all -F uid=5 -k b')).toHaveLength(2);
    expect(printed(...lines, '-D -k c')).toHaveLength(2);
    expect(printed(...lines, '-D')).toEqual([]);
    expect(codes('-W /etc/shadow -p r')).toEqual(['audit/nothing-to-delete']);
  });

  it('follows -b and --backlog_wait_time, -q and -t, and warns of what makes the host wait', () => {
    const set = read(
      '-D',
      '-b 8192',
      '-b 16384',
      '--backlog_wait_time 600',
      '-q /mnt,/mnt/x',
      '-t',
      '-i',
      '-c',
      '-f 1',
      '-e 1',
      '-r 0',
    );
    expect(set).toMatchObject({ backlogLimit: 16_384, backlogWaitTime: 600, trims: true, rules: [] });
    expect(set.equivalents).toEqual([{ mount: '/mnt', subtree: '/mnt/x' }]);
    expect(set.diagnostics.map(({ code }) => code)).toEqual(['audit/wait-time']);
  });

  it.each(['-f 0', '-e 0', '-r 100', '--loginuid-immutable', '--reset-lost', '--reset_backlog_wait_time_actual'])(
    'leaves the host alone where %s would change it for good, and says so',
    (line) => {
      expect(read(line).diagnostics).toMatchObject([{ code: 'audit/left-alone', severity: 'warning' }]);
    },
  );

  it('has a rule once', () => {
    const set = read('-w /etc/shadow -p r', '-a always,exit -F path=/etc/shadow -F perm=r');
    expect(set.rules).toHaveLength(1);
    expect(set.diagnostics).toMatchObject([{ code: 'audit/duplicate', line: 2 }]);
  });

  it('is bounded', () => {
    const lines = Array.from(
      { length: RULES_MAX + 1 },
      (_, index) => `-a always,exit -F arch=b64 -S open -F pid=${index}`,
    );
    const set = read(...lines);
    expect(set.rules).toHaveLength(RULES_MAX);
    expect(set.diagnostics.filter(({ code }) => code === 'audit/too-many-rules')).toHaveLength(1);
  });

  it.each([
    ['audit/no-arch', ['-a always,exit -S open']],
    ['audit/never-matches', ['-a always,exit -F arch=aarch64 -S openat']],
    ['audit/never-matches', ['-a always,exit -S all -F uid>=1000 -F uid<1000']],
    ['audit/never-matches', ['-a always,exit -S all -F uid=5 -F uid=6']],
    ['audit/never-matches', ['-a always,exit -S all -F uid=5 -F uid!=5']],
    ['audit/never-matches', ['-a always,exit -S all -F success=1 -F exit=-EACCES']],
    ['audit/never-matches', ['-a never,user -F euid=5']],
    ['audit/never-matches', ['-a never,task -F a0=1']],
    ['audit/positive-errno', ['-a always,exit -S all -F exit=EACCES']],
    ['audit/missing-path', ['-w /etc/missing -p r']],
    ['audit/missing-path', ['-a always,exit -F dir=/nowhere']],
    ['audit/hides-everything', ['-a never,task']],
    ['audit/hides-everything', ['-a never,exit -S all']],
    ['audit/flood', ['-a always,exit -S all']],
    ['audit/exclude-always', ['-a always,exclude -F msgtype=CWD']],
    ['audit/pattern', ['-w /etc/* -p r']],
    ['audit/shadowed', ['-a never,exit -S all -F uid=5', '-a always,exit -F arch=b64 -S open -F uid=5 -k x']],
    ['audit/shadowed', ['-a always,exit -F arch=b64 -S open -k x', '-a never,exit -F arch=b64 -S open -F uid=5']],
  ])('warns: %s', (code, lines) => {
    const found = read(...lines).diagnostics;
    expect(found.map((one) => one.code)).toContain(code);
    expect(found.every(({ severity }) => severity === 'warning')).toBe(true);
  });

  it.each([
    ['another list', ['-a never,user -F uid=5', '-a always,exit -F arch=b64 -S open -F uid=5']],
    ['other calls', ['-a never,exit -F arch=b64 -S close -F uid=5', '-a always,exit -F arch=b64 -S open -F uid=5']],
    ['a narrower rule', ['-a never,exit -F arch=b64 -S open -F uid=5', '-a always,exit -F arch=b64 -S open']],
    ['a watch, which the kernel looks up by its file', ['-a never,exit -S all -F perm=r', '-w /etc/shadow -p r']],
    ['a possible range', ['-a always,exit -S all -F uid>=5 -F uid<=5 -F uid!=6']],
  ])('is quiet about %s', (_, lines) => {
    expect(codes(...lines)).toEqual([]);
  });

  it('warns once when many rules are looked at in every call', () => {
    const rules = (count: number): string[] =>
      Array.from({ length: count }, (_, index) => `-a always,exit -S all -F uid=${index}`);
    expect(codes(...rules(30))).toEqual([]);
    expect(codes(...rules(31))).toEqual(['audit/slow']);
  });
});
