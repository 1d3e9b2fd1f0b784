// Files of Sigma among ours: each is read for what it is, names what it needs across files, and stops nothing else when it is broken.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { formatDiagnostic } from '../../../rules/diagnostic.ts';
import { readRuleSource } from '../../../rules/rule-files.ts';
import { readRuleFolders } from '../../../rules/rule-folders.ts';
import { DEFAULT_ONE } from './one-rule.ts';

const ID = DEFAULT_ONE.id;
const OWN = `id: own-rule
name: A rule of ours
severity: low
match: process.name = "x"
tests:
  - { name: x, events: [{ process.name: x }], alerts: 1 }
  - { name: y, events: [{ process.name: y }], alerts: 0 }
`;
const sigma = (changes: object): string =>
  stringify({ ...DEFAULT_ONE, detection: { sel: { 'Image|endswith': '/nc' }, condition: 'sel' }, ...changes });

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'vedette-native-'));
});

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

function read(name: string, files: Readonly<Record<string, string>>): ReturnType<typeof readRuleFolders> {
  const path = join(folder, name);
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(join(path, file, '..'), { recursive: true });
    writeFileSync(join(path, file), text);
  }
  return readRuleFolders([{ path, kind: 'own' }]);
}

describe('files of Sigma in a folder of rules', () => {
  it('are rules like others, whatever the file is called', () => {
    const { rules, diagnostics } = read('both', {
      'own-rule.yaml': OWN,
      'sigma/proc_creation_lnx_nc.yml': sigma({
        author: 'Somebody',
        license: 'DRL-1.1',
        references: ['https://example.test/a', 'A book'],
        tags: ['attack.t1059.004', 'attack.command-and-control', 'cve.2026-1'],
        falsepositives: 'Administrators',
        fields: ['User', 'CommandLine'],
        related: [{ id: 'a5b977d6-8a81-4475-91b9-49dbfcd941f7', type: 'derived' }],
        date: '2026-01-02',
      }),
    });
    expect(diagnostics).toEqual([]);
    expect(rules.map(({ id }) => id).toSorted()).toEqual([ID, 'own-rule']);
    const rule = rules.find(({ id }) => id === ID);
    expect(rule).toMatchObject({
      name: 'A rule',
      severity: 'low',
      status: 'stable',
      author: 'Somebody',
      license: 'DRL-1.1',
      mitre: ['T1059.004', 'TA0011'],
      tags: ['cve.2026-1'],
      references: ['https://example.test/a'],
      description: 'See also: A book',
      falsePositives: ['Administrators'],
      origin: {
        format: 'sigma',
        id: ID,
        status: 'test',
        date: '2026-01-02',
        related: ['derived a5b977d6-8a81-4475-91b9-49dbfcd941f7'],
      },
      alert: { title: 'A rule on {{host.name}}' },
    });
    expect(rule?.alert.include).toContain('process.command_line');
    expect(rule?.match({ event: { action: 'executed' }, process: { executable: '/usr/bin/NC' } }, 0)).toBe(true);
    expect(rule?.match({ event: { action: 'executed', outcome: 'failure' }, process: { executable: '/nc' } }, 0)).toBe(
      false,
    );
    expect(readRuleSource(rule?.sourceJson ?? '')?.version).toBe(rule?.version);
  });

  it('name rules and lists of other files', () => {
    const { rules, diagnostics } = read('across', {
      'lists/admins.yaml': 'name: admins\ndescription: d\nowner: o\nreason: r\nvalues: [root]\n',
      'a.yml': sigma({
        name: 'nc_of_admin',
        detection: { sel: { 'User|expand': '%admins%', Image: '/bin/nc' }, condition: 'sel' },
      }),
      'b.yml': stringify({
        title: 'Many',
        id: '7d9d7a1c-5a0e-4d0e-9d5e-0a8d6c1b2f3f',
        correlation: {
          type: 'event_count',
          rules: ['nc_of_admin'],
          'group-by': ['User'],
          timespan: '5m',
          condition: { gte: 3 },
        },
        level: 'high',
      }),
    });
    expect(diagnostics.filter(({ severity }) => severity === 'error')).toEqual([]);
    expect(rules.map(({ kind }) => kind.kind)).toContain('threshold');
    const source = JSON.parse(rules[0]?.sourceJson ?? '{}') as { lists: object };
    expect(source.lists).toEqual({ admins: ['root'] });
  });

  it('stop nothing when they are broken, and say where', () => {
    const { rules, diagnostics } = read('broken', {
      'own-rule.yaml': OWN,
      'broken.yml': sigma({ detection: { sel: { 'Image|endswth': '/nc' }, condition: 'sel' } }),
      'good.yml': sigma({ id: 'good' }),
      'twice.yml': sigma({ id: 'good' }),
    });
    expect(rules.map(({ id }) => id).toSorted()).toEqual(['good', 'own-rule']);
    const told = diagnostics.map(formatDiagnostic).join('\n');
    expect(told).toMatch(
      /broken\.yml:10:5: error: unknown modifier `endswth` \[sigma\/modifier\]\n.*Image\|endswth.*\n.*\^\n.*Did you mean `endswith`/,
    );
    expect(told).toMatch(/twice\.yml.*the id `good` is taken by/);
  });

  it('are off when their authors gave them up', () => {
    const { rules, diagnostics } = read('old', { 'a.yml': sigma({ status: 'deprecated' }) });
    expect(rules[0]?.status).toBe('off');
    expect(diagnostics[0]?.message).toBe('the rule is deprecated: it is off');
  });

  it('of logs that are not collected run on what others send, and say so', () => {
    const logsource = { product: 'linux', service: 'sshd' };
    const { rules, diagnostics } = read('logs', {
      'a.yml': sigma({ logsource, detection: { words: ['error in libcrypto'], condition: 'words' } }),
      'b.yml': sigma({ id: 'b', logsource, detection: { sel: { user: 'x' }, condition: 'sel' } }),
    });
    expect(rules[0]?.match({ message: 'sshd[7]: Error in libcrypto' }, 0)).toBe(true);
    expect(diagnostics.map(({ severity, message }) => `${severity}: ${message}`)).toEqual([
      'warning: the log of `sshd` is not collected by Vedette; the rule sees what another shipper sends, as `message`',
      expect.stringMatching(/^warning: the log of `sshd`/),
      'error: no event has `user`: this log is neither collected nor taken apart; keywords can be asked for',
    ]);
  });
});

describe('a filter of an audit rule', () => {
  const logsource = { product: 'linux', service: 'auditd' };
  const filterOf = (selection: object): string =>
    stringify({
      title: 'Caches',
      id: '7d9d7a1c-5a0e-4d0e-9d5e-0a8d6c1b2f40',
      logsource,
      filter: { rules: [ID], selection, condition: 'not selection' },
    });
  const isFound = (name: string, selection: object, ...paths: readonly string[]): boolean => {
    const detection = { sel: { type: 'PATH', 'name|contains': '/.' }, condition: 'sel' };
    const { rules, diagnostics } = read(name, {
      'a.yml': sigma({ logsource, detection }),
      'f.yml': filterOf(selection),
    });
    expect(diagnostics).toEqual([]);
    const [rule] = rules;
    const event = {
      process: { executable: '/bin/x' },
      auditd: { data: { syscall: 'openat' }, paths: paths.map((path) => ({ name: path })) },
    };
    return rule?.match(event, 0) === true && !rule.except.some(({ match }) => match(event, 0));
  };

  it('takes out records, and events of which nothing else is left', () => {
    const selection = { 'name|contains': '/.cache/' };
    expect(isFound('filter-a', selection, '/h/.cache/x', '/h/x')).toBe(false);
    expect(isFound('filter-b', selection, '/h/.cache/x', '/h/.x')).toBe(true);
    expect(isFound('filter-c', selection, '/h/.x')).toBe(true);
  });
});
