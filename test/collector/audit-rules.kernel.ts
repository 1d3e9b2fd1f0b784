// Each option that auditctl documents, loaded by auditctl and by us: the kernel lists the same rule. And where auditctl refuses, we do.
// Needs root and auditctl. Every rule is scoped to a uid that nobody has (or to what nothing
// sends), stands for milliseconds, and is deleted by its own bytes, never by -D. Does not load the io_uring list by auditctl, which
// knows it from 3.1 on: there the kernel's listing is compared with what was sent.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { machineArchitectures } from '../../collector/audit-rules/machine.ts';
import { FIELD_NAMES } from '../../collector/audit-rules/rule-field.ts';
import { wordsOf } from '../../collector/audit-rules/rule-loader.ts';
import { readRuleSet } from '../../collector/audit-rules/rule-set.ts';
import { asWord } from '../../collector/audit-rules/rule-words.ts';
import { type AuditControl, openAuditControl } from '../../collector/netlink/audit-control.ts';
import { encodeRule, ruleIdentity } from '../../collector/netlink/rule-data.ts';

const U = '-F uid=64242';
const E = `-a always,exit ${U}`;
const folder = mkdtempSync('/tmp/vedette-rules-');
const file = `${folder}/file`;
const reading = {
  machine: {
    architectures: machineArchitectures(process.arch),
    userId: (name: string) => (name === 'root' ? 0 : undefined),
    groupId: (name: string) => (name === 'root' ? 0 : undefined),
  },
  isFolder: (path: string) => existsSync(path) && statSync(path).isDirectory(),
  exists: existsSync,
};
const UIDS = ['auid', 'uid', 'euid', 'suid', 'fsuid', 'obj_uid'];
const GIDS = ['gid', 'egid', 'sgid', 'fsgid', 'obj_gid'];
const pairs = (names: readonly string[]): string[] =>
  names.flatMap((a) => names.map((b) => `${E} -C ${a}!=${b}`)).concat(`${E} -C ${names[0]}=${names[1]}`);

/** Lines of the manual page of auditctl, option by option. */
const DOCUMENTED: Readonly<Record<string, readonly string[]>> = {
  '-a, -A and the lists': [
    `-a always,exit -S all ${U}`,
    `-a exit,never -S all ${U}`,
    `-A exit,always -S all ${U}`,
    `-a always,task ${U}`,
    `-a never,user ${U}`,
    `-a exclude,never -F msgtype=1999 ${U}`,
    '-a never,filesystem -F fstype=debugfs -k k',
    `-a entry,always ${U}`,
    `-a always ${U}`,
    `-a always,watch ${U}`,
    `${U} -a always,exit`,
    `-a always,exit ${U} -a never,exit`,
  ],
  '-S': [
    `-a always,exit -S open ${U}`,
    `-a always,exit -S open,openat -S 59 ${U}`,
    `-a always,exit -S open,all ${U}`,
    `-a always,exit -F arch=b32 -S open,stime ${U}`,
    `-a always,exit -F arch=b64 -S stime ${U}`,
    `-a always,exit -F arch=b64 -S 2015 ${U}`,
    `-a always,exit -S open -F arch=b64 ${U}`,
    `-a always,exit -S nosuch ${U}`,
    `-a never,task -S open ${U}`,
    `-a never,user -S open ${U}`,
    `-a never,exclude -S open ${U}`,
  ],
  '-k': [
    `${E} -S all -k one -k two -F key=three`,
    `${E} -S all -k ${'k'.repeat(256)}`,
    `${E} -S all -k ${'k'.repeat(257)}`,
    `${E} -k k`,
    `-a always,exit -F path=${file} -k k ${U}`,
    `-a always,exit -F exe=${file} -k k ${U}`,
    `-a never,exclude -F msgtype=1999 ${U} -k k`,
  ],
  '-w, -W and -p': [
    `-w ${file} -p wa -k k`,
    `-w ${file}`,
    `-w ${folder} -p rx`,
    `-w ${folder}// -p r`,
    `-w ${folder}/missing -p w`,
    `-w ${folder}/with\\ space -p a`,
    `-w ${file} -p rwxa -k a -k b`,
    `-w ${file} -p RW`,
    `-w ${file} -p rz`,
    `-w relative -p r`,
    `-p r -w ${file}`,
    `-w /${'n'.repeat(300)}`,
    `-a always,exit -F path=${file} -p r ${U}`,
  ],
  '-C': [...pairs(UIDS), ...pairs(GIDS), `${E} -C uid=gid`, `${E} -C uid<euid`, `${E} -C pid=ppid`],
  'values of -F': [
    'auid=unset auid!=unset auid=-1 auid>=1000 uid=root uid=nosuchuser gid=root gid=nosuch gid=-1 exit=EPERM exit=-EPERM',
    'exit!=-2 exit=-EFOO success=1 success=yes filetype=dir filetype=file filetype=socket filetype=link filetype=character',
    'filetype=block filetype=fifo filetype=zzz a0=0x10 a0=-1 a0=010 a0=abc a1&=0x3 a1&3 inode=0x10 inode=-1 saddr_fam=10',
    'saddr_fam=99 perm=r perm=w perm=x perm=a perm=rwxa perm=z pid=-1 sessionid=unset sessionid=-1 ppid=0 devmajor=8',
    'arch=b32 arch=b64 arch=x86_64 arch=i386 arch=i686 arch=aarch64 arch=0xc000003e arch=zzz arch!=b32 subj_type= exe=',
    `exe=relative exe=${file} exe!=${file} path=${file} path=relative path=${file}/ dir=${folder} dir=${folder}/ dir=/ foo=1 uid =5`,
    'uid==5 obj_uid=root obj_gid=root field_compare=1',
  ]
    .flatMap((line) => line.split(' '))
    .map((value) => `${E} -F ${value}`),
};

const VALUES: Readonly<Record<string, string>> = {
  arch: 'b64',
  dir: folder,
  path: file,
  exe: file,
  exit: '-EACCES',
  filetype: 'file',
  key: 'k',
  msgtype: 'USER_TTY',
  perm: 'wa',
  fstype: 'debugfs',
  field_compare: '1',
  saddr_fam: '2',
  success: '1',
};
const sampleOf = (name: string): string => VALUES[name] ?? (/^(subj|obj)_(?!.id)/.test(name) ? 'label_t' : '64242');
const OPERATORS = ['=', '!=', '<', '>', '<=', '>=', '&', '&='];

let control: AuditControl;
let before: readonly string[];
const listed = (): readonly Buffer[] => {
  const rules = control.listRules();
  if (rules.kind === 'errno') throw new Error(`the kernel does not list its rules: ${rules.errno}`);
  return rules.value;
};
/** What came while `load` ran; taken away again at once. */
function loadedBy(load: () => void): readonly string[] {
  load();
  const come = listed().filter((rule) => !before.includes(ruleIdentity(rule)));
  for (const rule of come) control.removeRule(rule);
  return come.map(ruleIdentity);
}

function byAuditctl(line: string): readonly string[] {
  const words = line.match(/(\\.|[^ ])+/g) ?? [];
  return loadedBy(() =>
    spawnSync(
      'auditctl',
      words.map((word) => word.replace(/\\(.)/g, '$1')),
    ),
  );
}

function byUs(line: string): readonly string[] {
  return loadedBy(() => {
    for (const { rule } of readRuleSet([{ file: 'x', lines: [line] }], reading).rules)
      control.addRule(encodeRule(rule));
  });
}

beforeAll(() => {
  writeFileSync(file, '');
  mkdirSync(`${folder}/sub`);
  const opened = openAuditControl();
  if (opened.kind === 'errno') throw new Error(`no audit control: ${opened.errno}`);
  control = opened.value;
  before = listed().map(ruleIdentity);
});

afterAll(() => {
  expect(listed().map(ruleIdentity)).toEqual(before);
  control.close();
  rmSync(folder, { recursive: true, force: true });
});

describe('loaded by us and by auditctl, the kernel lists the same', () => {
  it.each(Object.keys(DOCUMENTED))('%s', (option) => {
    const differences = (DOCUMENTED[option] ?? []).flatMap((line) => {
      const [theirs, ours] = [byAuditctl(line), byUs(line)];
      return theirs.join() === ours.join() ? [] : [`${line}: auditctl ${theirs.length}, we ${ours.length}`];
    });
    expect(differences).toEqual([]);
  });

  it.each(['exit', 'user', 'task', 'exclude', 'filesystem'])('every field by every operator on the %s list', (list) => {
    const action = list === 'exclude' || list === 'filesystem' ? 'never' : 'always';
    const differences: string[] = [];
    let accepted = 0;
    for (const name of FIELD_NAMES) {
      for (const operator of OPERATORS) {
        // The filesystem list takes no uid; a file system that nothing here mounts newly stands for it.
        const scope = list !== 'filesystem' ? U : name === 'fstype' ? '' : '-F fstype=debugfs';
        const calls = name === 'key' && list === 'exit' ? '-S all ' : '';
        const line = `-a ${action},${list} ${calls}${scope} -F ${name}${operator}${asWord(sampleOf(name))}`.replace(
          / +/g,
          ' ',
        );
        const [theirs, ours] = [byAuditctl(line), byUs(line)];
        if (theirs.join() !== ours.join()) differences.push(`${line}: auditctl ${theirs.length}, we ${ours.length}`);
        accepted += theirs.length;
      }
    }
    expect(differences).toEqual([]);
    expect(accepted).toBeGreaterThan(list === 'filesystem' ? 2 : 40);
  });

  it('io_uring: the kernel lists what we sent', () => {
    for (const line of [
      `-a always,io_uring -S openat,connect ${U} -k k`,
      `-a never,io_uring -S all ${U}`,
      `-a always,io_uring -S 18 -F success=1 ${U}`,
    ]) {
      const [made] = readRuleSet([{ file: 'x', lines: [line] }], reading).rules;
      expect(made && byUs(line)).toEqual(made && [ruleIdentity(encodeRule(made.rule))]);
    }
  });

  it('what we print of the kernel’s listing is what auditctl loads as the same rule', () => {
    const line = `-a always,exit -F arch=b64 -S open,openat -F auid>=1000 -F exit=-EACCES ${U} -F key=a -F key=b`;
    let words = '';
    const first = loadedBy(() => {
      for (const { rule } of readRuleSet([{ file: 'x', lines: [line] }], reading).rules)
        control.addRule(encodeRule(rule));
      words = listed()
        .filter((rule) => !before.includes(ruleIdentity(rule)))
        .map(wordsOf)
        .join('\n');
    });
    expect(first).toHaveLength(1);
    expect(byAuditctl(words)).toEqual(first);
  });
});
