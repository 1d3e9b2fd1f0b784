import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LOOK_EVERY_MS, loadKernelRules } from '../../collector/audit-rules/kernel-rules.ts';
import { readRuleFiles } from '../../collector/audit-rules/rule-files.ts';
import { RULE_MENDS_MAX, ruleGuard } from '../../collector/audit-rules/rule-guard.ts';
import { noteOwnRules, ownRuleTest } from '../../collector/audit-rules/rule-ledger.ts';
import { planLoad } from '../../collector/audit-rules/rule-loader.ts';
import {
  createExclusions,
  exclusionRule,
  type FileOwner,
  mayExcludeExecutable,
} from '../../collector/audit-rules/self-exclusion.ts';
import { removeOwnRules } from '../../collector/kernel-state.ts';
import type { AuditControl } from '../../collector/netlink/audit-control.ts';
import { ERRNO } from '../../collector/netlink/libc.ts';
import { type CompiledRule, encodeRule, PREPEND, ruleIdentity } from '../../collector/netlink/rule-data.ts';

const rule = (pid: number, more: Partial<CompiledRule> = {}): Buffer =>
  encodeRule({
    action: 'always',
    isFirst: false,
    syscalls: 'all',
    fields: [{ name: 'pid', operator: '=', value: pid }],
    ...more,
  });
const never = (pid: number, isFirst = false): Buffer => rule(pid, { action: 'never', isFirst });
const identities = (rules: readonly Buffer[]): string[] => rules.map(ruleIdentity);

/** A kernel that keeps rules as the real one does: by list, first match wins, no rule twice, “first” forgotten. */
function kernel(before: readonly Buffer[] = []) {
  let rules = [...before];
  const log: string[] = [];
  const control: AuditControl = {
    status: () => ({ kind: 'errno', errno: -1 }),
    change: () => ({ kind: 'ok', value: undefined }),
    addRule(added) {
      if (rules.some((one) => ruleIdentity(one) === ruleIdentity(added)))
        return { kind: 'errno', errno: -ERRNO.EEXIST };
      const kept = Buffer.from(added);
      const isFirst = (kept.readUInt32LE(0) & PREPEND) !== 0;
      kept.writeUInt32LE(kept.readUInt32LE(0) & ~PREPEND, 0);
      rules = isFirst ? [kept, ...rules] : [...rules, kept];
      log.push('add');
      return { kind: 'ok', value: undefined };
    },
    removeRule(removed) {
      const count = rules.length;
      rules = rules.filter((one) => ruleIdentity(one) !== ruleIdentity(removed));
      if (rules.length === count) return { kind: 'errno', errno: -2 };
      log.push('remove');
      return { kind: 'ok', value: undefined };
    },
    listRules: () => ({ kind: 'ok', value: rules }),
    trimTrees: () => ({ kind: 'ok', value: undefined }),
    makeEquivalent: (mount, subtree) => {
      log.push(`${mount} ${subtree}`);
      return { kind: 'errno', errno: -2 };
    },
    close() {},
  };
  return { control, log, rules: () => rules, set: (changed: readonly Buffer[]) => (rules = [...changed]) };
}

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vedette-rules-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('the plan of a load', () => {
  const NONE = () => false;

  it('adds what is missing and removes only what is ours and not wanted', () => {
    const own = new Set(identities([rule(1), rule(2)]));
    const plan = planLoad([rule(2), rule(3)], [rule(1), rule(2), rule(9)], (one) => own.has(ruleIdentity(one)));
    expect([plan.remove, plan.add].map(identities)).toEqual([identities([rule(1)]), identities([rule(3)])]);
  });

  it('leaves a wanted rule that others have loaded as theirs', () => {
    const plan = planLoad([rule(1)], [rule(1)], NONE);
    expect(plan).toMatchObject({ remove: [], add: [] });
    expect(identities(plan.theirs)).toEqual(identities([rule(1)]));
  });

  it('ends with the wanted order wherever a never is among the rules, from any state that a kill left', () => {
    const some = fc.uniqueArray(fc.integer({ min: 1, max: 8 }), { maxLength: 8 });
    fc.assert(
      fc.property(some, some, some, (wantedPids, ownPids, foreignPids) => {
        const of = (pid: number): Buffer => (pid % 2 === 0 ? never(pid, pid % 4 === 0) : rule(pid));
        const firsts = wantedPids.filter((pid) => pid % 4 === 0);
        const wanted = [...firsts, ...wantedPids.filter((pid) => pid % 4 !== 0)].map(of);
        const foreign = foreignPids.filter((pid) => !wantedPids.includes(pid) && !ownPids.includes(pid)).map(of);
        const own = new Set(identities(ownPids.map(of)));
        const host = kernel();
        for (const one of [...foreign, ...ownPids.map(of)]) host.control.addRule(one);
        const plan = planLoad(wanted, host.rules(), (one) => own.has(ruleIdentity(one)));
        for (const one of plan.remove) host.control.removeRule(one);
        for (const one of plan.add) host.control.addRule(one);
        const mine = new Set(identities(wanted));
        const after = identities(host.rules());
        expect([...after].sort()).toEqual([...identities(foreign), ...mine].sort());
        if (wantedPids.some((pid) => pid % 2 === 0)) {
          expect(after.filter((one) => mine.has(one))).toEqual(identities(wanted));
        }
      }),
    );
  });

  it('touches nothing when all is there: no moment goes unwatched', () => {
    const wanted = [never(4, true), never(2), rule(1)];
    const host = kernel();
    for (const one of wanted) host.control.addRule(one);
    expect(planLoad(wanted, host.rules(), () => true)).toMatchObject({ remove: [], add: [] });
  });
});

describe('the list of our rules', () => {
  it('tells ours from others’ after a kill, and forgets nothing that was noted before the load', () => {
    noteOwnRules(folder, [rule(1), never(2)]);
    const isOwn = ownRuleTest(folder);
    const exclusion = encodeRule(exclusionRule({ pid: 7, ppid: 1, uid: 0 }));
    expect([rule(1), never(2), rule(3), exclusion].map(isOwn)).toEqual([true, true, false, true]);
  });

  it('is empty of what is ours no more: an equal rule of an administrator is theirs', () => {
    noteOwnRules(folder, [rule(1)]);
    const host = kernel([rule(1), rule(3)]);
    removeOwnRules(host.control, folder);
    expect(identities(host.rules())).toEqual(identities([rule(3)]));
    host.set([rule(1)]);
    removeOwnRules(host.control, folder);
    expect(identities(host.rules())).toEqual(identities([rule(1)]));
  });

  it('owns nothing by it when it is missing or no list', () => {
    expect(ownRuleTest(folder)(rule(1))).toBe(false);
    writeFileSync(join(folder, 'kernel-rules.json'), '{"formatVersion":1,"digests":"no"}');
    expect(ownRuleTest(folder)(rule(1))).toBe(false);
  });
});

describe('rules that are looked after', () => {
  const isOwn = (one: Buffer): boolean => identities([rule(1), rule(2)]).includes(ruleIdentity(one));
  const actions = (found: { readonly tampers: readonly { readonly action: string }[] }): string[] =>
    found.tampers.map(({ action }) => action);

  it('are quiet while nothing changes', () => {
    expect(ruleGuard([rule(1), rule(9)], isOwn, true).look([rule(1), rule(9)], 0)).toEqual({
      tampers: [],
      mustMend: false,
    });
  });

  it('tell a deleted rule in words, and want ours back, not others’', () => {
    const guard = ruleGuard([rule(1), rule(2), rule(9)], isOwn, true);
    const found = guard.look([rule(2)], 0);
    expect(found.mustMend).toBe(true);
    expect(found.tampers.map(({ action, facts }) => [action, facts['own'], facts['rule']])).toEqual([
      ['audit-rule-deleted', true, '-a always,exit -S all -F pid=1'],
      ['audit-rule-deleted', false, '-a always,exit -S all -F pid=9'],
    ]);
    guard.accept([rule(1), rule(2)]);
    expect(guard.look([rule(1), rule(2)], 1)).toEqual({ tampers: [], mustMend: false });
  });

  it('tell a never, an exclude and another rule of others each as what it is', () => {
    const guard = ruleGuard([rule(1)], isOwn, true);
    expect(actions(guard.look([rule(1), never(5)], 0))).toEqual(['audit-exclusion-added']);
    const exclude = rule(6, { list: 'exclude' });
    expect(actions(guard.look([rule(1), never(5), exclude], 0))).toEqual(['audit-exclusion-added']);
    expect(actions(guard.look([rule(1), never(5), exclude, rule(7)], 0))).toEqual(['audit-rule-added']);
  });

  it('are told once and not wanted back where that is off', () => {
    const guard = ruleGuard([rule(1)], isOwn, false);
    expect(guard.look([], 0)).toMatchObject({ mustMend: false, tampers: [{ facts: { put_back: false } }] });
    expect(guard.look([], 1)).toEqual({ tampers: [], mustMend: false });
  });

  it(`come back ${RULE_MENDS_MAX} times an hour at the most`, () => {
    const guard = ruleGuard([rule(1)], isOwn, true);
    const mends = (fromMs: number): number => {
      let count = 0;
      for (let at = 0; at < RULE_MENDS_MAX + 5; at += 1) {
        if (guard.look([], fromMs + at).mustMend) count += 1;
        guard.accept([rule(1)]);
      }
      return count;
    };
    expect([mends(0), mends(1_000), mends(3_600_100)]).toEqual([RULE_MENDS_MAX, 0, RULE_MENDS_MAX]);
  });
});

describe('the rules of a host', () => {
  const exclusions = () => createExclusions(host.control, undefined);
  let host: ReturnType<typeof kernel>;
  const rulesOf = (rulesFiles: readonly string[], mendsRules = true) =>
    loadKernelRules(host.control, {
      folder,
      rulesProfile: 'none',
      rulesFiles,
      scope: [],
      features: 0,
      exclusions: exclusions(),
      mendsRules,
    });

  it('are loaded from files, come back when deleted, and are told', () => {
    host = kernel([rule(9)]);
    const file = join(folder, 'x.rules');
    writeFileSync(
      file,
      '-b 99\n-q /a,/b\n-a nonsense\n-a never,exit -S all -F pid=5\n-a always,exit -S all -F pid=1\n',
    );
    chmodSync(file, 0o600);
    const rules = rulesOf([file]);
    const notices: { code: string; text: string }[] = [];
    expect(rules.load(notices as never)).toBe(2);
    expect(notices.map(({ code }) => code)).toEqual(['audit-rule', 'rule-refused']);
    expect(notices[1]?.text).toContain('-q /a,/b');
    expect([rules.backlogLimit, rules.backlogWaitTime]).toEqual([99, undefined]);
    expect(notices[0]?.text).toContain(`${file}:3: `);
    const loaded = identities(host.rules());
    expect(rules.look(0)).toEqual([]);
    host.set([rule(9)]);
    expect(rules.look(1)).toEqual([]);
    rules.sawChange();
    expect(rules.look(2).map(({ action, facts }) => [action, facts['rules']])).toEqual([
      ['audit-rule-deleted', 2],
      ['audit-rules-mended', 2],
    ]);
    expect(identities(host.rules())).toEqual(loaded);
    host.set([rule(9)]);
    expect(rules.look(LOOK_EVERY_MS + 3).map(({ action }) => action)).toEqual([
      'audit-rule-deleted',
      'audit-rules-mended',
    ]);
  });

  it('leave out a process and not whoever has its pid: parent and user stand beside it, and follow the process', async () => {
    host = kernel();
    const own = exclusions();
    const child = spawn('sleep', ['1000']);
    const { pid = 0 } = child;
    own.replace([pid]);
    const uid = process.getuid?.() ?? -1;
    const rules = () => identities(host.rules());
    expect(rules()).toEqual(identities([encodeRule(exclusionRule({ pid, ppid: process.pid, uid }))]));
    const [mine] = host.rules();
    const [others] = [encodeRule(exclusionRule({ pid, ppid: process.pid + 1, uid }))];
    expect([mine, others].map((one) => one !== undefined && own.holds(one))).toEqual([true, false]);
    own.settle();
    expect(rules()).toHaveLength(1);
    const ended = once(child, 'exit');
    child.kill();
    await ended;
    own.settle();
    expect(rules()).toEqual([]);
  });

  it('put an own exclusion back that somebody deleted, without being told to mend', () => {
    host = kernel();
    const own = exclusions();
    own.replace([process.pid]);
    const before = identities(host.rules());
    expect(before).toHaveLength(1);
    host.set([]);
    own.restore(host.rules());
    expect(identities(host.rules())).toEqual(before);
  });
});

describe('leaving out by executable', () => {
  const owners =
    (table: Readonly<Record<string, number>>): FileOwner =>
    (path) => ({ uid: 0, mode: table[path] ?? 0o755 });

  it.each([
    ['the packaged executable', '/usr/bin/vedette', true, {}, true],
    ['a run-time that everybody’s programs use', '/usr/bin/node', false, {}, false],
    ['a file that its group can write', '/usr/bin/vedette', true, { '/usr/bin/vedette': 0o775 }, false],
    ['a file in a folder that all can write', '/tmp/vedette', true, { '/tmp': 0o1777 }, false],
    ['a file that was replaced', '/usr/bin/vedette (deleted)', true, {}, false],
  ])('%s', (_, path, isSingle, table, may) => {
    expect(mayExcludeExecutable(path, isSingle, owners(table))).toBe(may);
  });

  it('refuses a file of another user, or none', () => {
    expect(mayExcludeExecutable('/usr/bin/vedette', true, () => ({ uid: 1000, mode: 0o755 }))).toBe(false);
    expect(mayExcludeExecutable('/usr/bin/vedette', true, () => undefined)).toBe(false);
  });
});

describe('files of audit rules', () => {
  const write = (name: string, text: string): void => {
    writeFileSync(join(folder, name), text);
    chmodSync(join(folder, name), 0o600);
  };
  const lines = (): string[] =>
    readRuleFiles([folder], process.getuid?.() ?? 0)
      .sources.flatMap((source) => source.lines)
      .filter((line) => line !== '');

  it('of a folder are merged as augenrules merges them', () => {
    write('9-late.rules', '-w /nine\n-e 2\n-b 10');
    write('10-later.rules', '-w /ten\n-D\n-b 20\n-f 1\n-e 1');
    write('notes.txt', '-w /not-a-rule');
    expect(lines()).toEqual(['-D', '-b 20', '-f 1', '-w /nine', '-w /ten', '-e 1']);
  });

  it('keep their line numbers when they are merged', () => {
    write('a.rules', '# one\n-w /two\n-b 3');
    const { sources } = readRuleFiles([folder], process.getuid?.() ?? 0);
    expect(sources.map(({ lines: all }) => all)).toEqual([
      ['', '', '-b 3'],
      ['# one', '-w /two', ''],
    ]);
  });

  it('that cannot be read, or that others can write, are told', () => {
    write('a.rules', '-w /a');
    chmodSync(join(folder, 'a.rules'), 0o666);
    const { diagnostics } = readRuleFiles([folder, join(folder, 'missing')], process.getuid?.() ?? 0);
    expect(diagnostics.map(({ code, severity }) => [code, severity])).toEqual([
      ['audit/open-to-others', 'warning'],
      ['audit/unreadable', 'error'],
    ]);
  });

  it('larger than a rule file can be are refused', () => {
    write('a.rules', '#'.repeat(4 * 1024 * 1024 + 1));
    mkdirSync(join(folder, 'b.rules'));
    expect(readRuleFiles([folder], 0).diagnostics.map(({ code }) => code)).toContain('audit/too-large');
    expect(lines()).toEqual([]);
  });
});
