// The shipped rules: each reads without a remark, matches what it must and not its near misses, survives its journey through
// the control log, and stays quiet on what a machine does all day.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runRuleTests } from '../../backtest/rule-tests.ts';
import { type EventDocument, timeOf, toNested } from '../../event/document.ts';
import { formatDiagnostic } from '../../rules/diagnostic.ts';
import type { Rule } from '../../rules/rule.ts';
import { readRuleSource } from '../../rules/rule-files.ts';
import { readRuleFolders, SHIPPED_RULES } from '../../rules/rule-folders.ts';

const NOW_MS = Date.UTC(2026, 10, 21);
const set = readRuleFolders([SHIPPED_RULES], { nowMs: NOW_MS });

/** What the predicates alone say: match, and no exception that still holds. */
function detects(rule: Rule, event: EventDocument): boolean {
  const createdMs = timeOf(event, 'event.created') ?? 0;
  if (!rule.match(event, createdMs)) return false;
  return !rule.except.some(
    (exception) =>
      (exception.expiresMs === undefined || createdMs < exception.expiresMs) && exception.match(event, createdMs),
  );
}

describe('the shipped rules', () => {
  it('are at least twelve, one in each file, and read without any remark', () => {
    expect(set.diagnostics.map(formatDiagnostic)).toEqual([]);
    expect(set.rules.length).toBeGreaterThanOrEqual(12);
    const files = readdirSync(SHIPPED_RULES.path).filter((name) => name.endsWith('.yaml'));
    expect(set.rules.map((rule) => `${rule.id}.yaml`).toSorted()).toEqual(files.toSorted());
  });

  describe.each(set.rules.map((rule) => [rule.id, rule] as const))('%s', (_id, rule) => {
    it('has what an analyst needs', () => {
      expect(rule.description.length).toBeGreaterThan(60);
      expect(rule.mitre.length).toBeGreaterThan(0);
      expect(rule.alert.title).toMatch(/\{\{/);
      expect(rule.alert.include.length).toBeGreaterThan(1);
      expect(rule.alert.suppress?.by).toContain('host.id');
      expect(rule.necessary, 'the engine can skip events').toBeDefined();
      expect(rule.status).toBe('stable');
    });

    // What a rule on many events makes of its events, the engine says.
    const onOneEvent = rule.kind.kind === 'single' ? rule.tests : [];
    it.each(onOneEvent.map((test) => [test.name, test] as const))('test: %s', (_name, test) => {
      const detected = test.events.filter((event) => detects(rule, event)).length;
      if (test.alerts === 0) expect(detected).toBe(0);
      else expect(detected).toBeGreaterThanOrEqual(test.alerts);
    });

    it('makes the alerts that its tests count, in the engine', () => {
      expect(runRuleTests(rule, set.rules).filter((result) => !result.passed)).toEqual([]);
    });

    it('comes out of the control log as the same version with the same answers', () => {
      const again = readRuleSource(rule.sourceJson);
      expect(again?.version).toBe(rule.version);
      for (const test of rule.tests) {
        for (const event of test.events) expect(again?.match(event, 0)).toBe(rule.match(event, 0));
      }
    });

    it('does not match an event that lacks everything, and changes no event', () => {
      expect(rule.match({}, 0)).toBe(false);
      const [event = {}] = rule.tests[0]?.events ?? [];
      const before = JSON.stringify(event);
      rule.match(event, 0);
      expect(JSON.stringify(event)).toBe(before);
    });
  });
});

/** An ordinary night on a machine of a developer: nothing of it may alert. */
const NIGHT: readonly [name: string, event: EventDocument][] = [
  ['cron runs a script', exec('sh', ['/bin/sh', '-c', 'test -x /usr/sbin/anacron'], ['cron'])],
  ['npm starts a dev server', exec('sh', ['sh', '-c', 'vite'], ['npm run dev', 'bash'])],
  [
    'an installer of Node downloads into a file',
    exec('bash', ['bash', '-c', 'curl -o n.tgz https://nodejs.org/n.tgz'], ['make']),
  ],
  [
    'unattended upgrades run a maintainer script',
    exec('sh', ['/bin/sh', '/var/lib/dpkg/info/x.postinst'], ['dpkg', 'unattended-upgr']),
  ],
  ['a test runs from /tmp', { ...exec('conftest', ['./conftest'], ['sh']), 'process.executable': '/tmp/conftest' }],
  ['a login reads the shadow file', opened('/etc/shadow', 'sshd-session', ['O_RDONLY'])],
  [
    'logrotate renames',
    {
      'event.action': 'renamed',
      'event.outcome': 'success',
      'file.path': '/var/log/syslog.1',
      'process.name': 'logrotate',
    },
  ],
  ['systemd writes a unit', opened('/etc/systemd/system/x.timer', 'systemd', ['O_WRONLY', 'O_CREAT'])],
  ['a package writes a cron job', { ...opened('/etc/cron.d/php', 'dpkg', ['O_WRONLY', 'O_CREAT']) }],
  ['docker loads a module', module('modprobe', ['dockerd'])],
  ['bash ends', opened('/home/a/.bash_history', 'bash', ['O_WRONLY', 'O_APPEND'])],
  ['a backup of home', opened('/home/a/.ssh/authorized_keys', 'restic', ['O_RDONLY'])],
  [
    'runc starts itself from memory',
    {
      ...exec('runc', ['runc', 'init'], ['containerd-shim']),
      'process.executable': '/memfd:runc_cloned:/proc/self/exe (deleted)',
    },
  ],
  [
    'apache drops its rights',
    {
      'event.action': 'changed-identity-of',
      'event.outcome': 'success',
      'user.id': '33',
      'process.name': 'apache2',
      'process.ancestors': [{ name: 'apache2' }],
    },
  ],
  [
    'gdb on a program of one’s own',
    {
      'event.action': 'traced-process',
      'event.outcome': 'success',
      'user.id': '1000',
      'auditd.data.ouid': '1000',
      'process.name': 'gdb',
    },
  ],
  ['a status document', { 'event.dataset': 'vedette.status', 'event.kind': 'metric', 'vedette.status': { lost: 0 } }],
];

describe('an ordinary night', () => {
  it.each(NIGHT)('%s: no alert', (_name, event) => {
    const document = toNested(event);
    const onOneEvent = set.rules.filter(({ kind }) => kind.kind === 'single');
    expect(onOneEvent.filter((rule) => detects(rule, document)).map((rule) => rule.id)).toEqual([]);
  });
});

function exec(name: string, args: readonly string[], ancestors: readonly string[]): EventDocument {
  return {
    event: { action: 'executed', category: ['process'], type: ['start'], outcome: 'success' },
    'process.name': name,
    'process.executable': join('/usr/bin', name),
    'process.args': args,
    'process.command_line': args.join(' '),
    'process.parent.name': ancestors[0],
    'process.ancestors': ancestors.map((ancestor) => ({ name: ancestor })),
    'user.id': '1000',
    'user.name': 'alice',
  };
}

function opened(path: string, name: string, flags: readonly string[]): EventDocument {
  const parts = path.split('/');
  return {
    event: { action: 'opened-file', category: ['file'], type: ['info'], outcome: 'success' },
    'file.path': path,
    'file.name': parts.at(-1),
    'file.directory': parts.slice(0, -1).join('/'),
    'process.name': name,
    'process.executable': `/usr/bin/${name}`,
    'auditd.data.open_flags': flags,
    'user.id': '0',
  };
}

function module(name: string, ancestors: readonly string[]): EventDocument {
  return {
    event: { action: 'loaded-kernel-module', outcome: 'success' },
    'process.name': name,
    'process.parent.name': ancestors[0],
    'auditd.data.name': 'br_netfilter',
  };
}
