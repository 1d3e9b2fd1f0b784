import { describe, expect, it } from 'vitest';
import { createEcsMapper, toEcs } from '../../audit/ecs.ts';
import { ANCESTORS_MAX } from '../../audit/ecs-process.ts';
import type { AuditEvent, HostKnowledge, ProcessInfo } from '../../audit/event.ts';
import { fieldNamed } from '../../event/catalogue.ts';
import { type EventDocument, fieldOf } from '../../event/document.ts';
import { eventOf, HOST, SAMPLE_NAMES, sampleEvents, sampleLines } from './samples.ts';

const NAMES = new Map([
  [0, 'root'],
  [4242, 'audittest'],
]);
const knowledge: HostKnowledge = {
  userName: (uid) => NAMES.get(uid),
  groupName: (gid) => NAMES.get(gid),
  lineage: () => undefined,
};

const document = (event: AuditEvent): EventDocument => toEcs(event, HOST, knowledge);
const sample = (name: string, serial: number): EventDocument =>
  document(sampleEvents(name).find((event) => event.serial === serial)!);
const pick = (from: EventDocument, ...fields: readonly string[]) =>
  Object.fromEntries(fields.map((field) => [field, fieldOf(from, field)]));

const SYSCALL_TAIL =
  'ppid=10 pid=11 auid=4294967295 uid=0 gid=0 euid=0 suid=0 fsuid=0 egid=0 sgid=0 fsgid=0 tty=(none) ses=4294967295 comm="x" exe="/bin/x" key=(null)';
const syscall = (number: number, parts = 'success=yes exit=0 a0=0 a1=0 a2=0 a3=0 items=0', arch = 'c000003e') =>
  `type=SYSCALL msg=audit(1.000:1): arch=${arch} syscall=${number} ${parts} ${SYSCALL_TAIL}`;
const line = (type: string, text: string) => `type=${type} msg=audit(1.000:1): ${text}`;

describe('an exec', () => {
  it('has process, parent, user, file and its arguments', () => {
    expect(sample('execve_user', 2_713_788)).toMatchObject({
      '@timestamp': '2026-11-21T19:47:03.936Z',
      event: {
        kind: 'event',
        category: ['process'],
        type: ['start'],
        action: 'executed',
        outcome: 'success',
        sequence: 2_713_788,
        code: 'execve',
      },
      host: { id: 'h1', name: 'host1', boot: { id: HOST.bootId } },
      tags: ['exec'],
      process: {
        pid: 12_227,
        parent: { pid: 12_224 },
        name: 'true',
        executable: '/usr/bin/true',
        args_count: 13,
        args: [
          '/bin/true',
          'arg with spaces',
          'quote"inside',
          'back\\slash',
          'tab\tand\nnewline',
          'café',
          '日本',
          'a=b',
          'x=1 y=2',
          '0123456789ABCDEF',
          '(null)',
          '--',
          'é',
        ],
        command_line: `/bin/true 'arg with spaces' 'quote"inside' 'back\\slash' 'tab\tand\nnewline' 'café' '日本' a=b 'x=1 y=2' 0123456789ABCDEF '(null)' -- 'é'`,
        working_directory: '/srv/app/audit/work',
      },
      user: { id: '4242', name: 'audittest', group: { id: '0', name: 'root' } },
      related: { user: ['audittest'] },
      file: {
        path: '/bin/true',
        name: 'true',
        directory: '/bin',
        mode: '0755',
        type: 'file',
        owner: 'root',
        inode: '247849',
        device: 'fe:00',
      },
      auditd: { message_type: 'syscall', result: 'success', data: { syscall: 'execve', arch: 'x86_64', argc: '13' } },
    });
  });

  it('of a script is about the script, not its interpreter', () => {
    expect(fieldOf(sample('execve_script', 2_713_828), 'file.path')).toBe('/srv/app/audit/work/s.sh');
  });

  it('that failed says why', () => {
    expect(sample('execve_user', 2_713_790)).toMatchObject({
      event: { outcome: 'failure', reason: 'ENOENT' },
      error: { code: 'ENOENT' },
      auditd: { result: 'fail', data: { exit: 'ENOENT' } },
      file: { path: '/no/such/binary' },
    });
  });

  it('is told by the architecture’s own numbers', () => {
    expect(fieldOf(document(eventOf(syscall(11, undefined, '40000003'))), 'event.action')).toBe('executed');
    expect(fieldOf(document(eventOf(syscall(221, undefined, 'c00000b7'))), 'event.action')).toBe('executed');
    expect(fieldOf(document(eventOf(syscall(11))), 'event.action')).toBe('munmap');
  });

  it('whose EXECVE or PATH is missing is flagged', () => {
    const lost = document(
      eventOf(
        syscall(59, 'success=yes exit=0 a0=0 a1=0 a2=0 a3=0 items=2'),
        line('PATH', 'item=0 name="/bin/x" nametype=NORMAL'),
      ),
    );
    expect(fieldOf(lost, 'vedette.incomplete')).toEqual(['missing-execve', 'missing-path']);
    const cut = document(eventOf(syscall(59), line('EXECVE', 'argc=2 a0="x"')));
    expect(fieldOf(cut, 'vedette.incomplete')).toEqual(['missing-argument']);
  });
});

describe('a call on files', () => {
  it.each([
    [
      'files_syscalls',
      2_713_896,
      { 'event.action': 'created-directory', 'file.path': '/srv/app/audit/work/w', 'auditd.data.mode': '0755' },
    ],
    [
      'files_syscalls',
      2_713_897,
      {
        'event.action': 'opened-file',
        'event.type': ['creation'],
        'file.path': '/srv/app/audit/work/w/secret.txt',
        'auditd.data.open_flags': ['O_WRONLY', 'O_CREAT'],
        'auditd.data.mode': '0640',
      },
    ],
    [
      'files_syscalls',
      2_713_898,
      { 'event.type': ['info'], 'file.extension': 'txt', 'auditd.data.open_flags': ['O_RDONLY'] },
    ],
    [
      'files_syscalls',
      2_713_899,
      {
        'event.action': 'renamed',
        'file.path': '/srv/app/audit/work/w/renamed file.txt',
        'file.Ext.original.path': '/srv/app/audit/work/w/secret.txt',
      },
    ],
    [
      'files_syscalls',
      2_713_900,
      { 'event.action': 'changed-file-permissions-of', 'auditd.data.mode': '0600', 'file.mode': '0640' },
    ],
    [
      'files_syscalls',
      2_713_902,
      { 'event.action': 'symlinked', 'file.path': '/srv/app/audit/work/w/ln', 'file.target_path': 'renamed file.txt' },
    ],
    [
      'files_syscalls',
      2_713_903,
      {
        'event.action': 'linked',
        'file.path': '/srv/app/audit/work/w/hard',
        'file.target_path': '/srv/app/audit/work/w/renamed file.txt',
      },
    ],
    [
      'openat2',
      2_713_940,
      { 'event.action': 'opened-file', 'file.path': '/etc/hostname', 'auditd.data.open_flags': ['O_RDONLY'] },
    ],
    [
      'mount',
      2_713_991,
      { 'event.action': 'mounted', 'event.category': ['file'], 'file.path': '/srv/app/audit/work/mnt' },
    ],
    ['mount', 2_713_992, { 'event.action': 'unmounted', 'event.type': ['deletion'] }],
  ])('%s %i', (name, serial, expected) => {
    expect(pick(sample(name, serial), ...Object.keys(expected))).toEqual(expected);
  });

  it('with a directory descriptor does not guess the path', () => {
    const event = eventOf(
      syscall(263, 'success=yes exit=0 a0=5 a1=0 a2=0 a3=0 items=2'),
      line('CWD', 'cwd="/root"'),
      line('PATH', 'item=0 name="/root" nametype=PARENT'),
      line('PATH', 'item=1 name="shadow" nametype=DELETE'),
    );
    expect(pick(document(event), 'file.path', 'file.name', 'auditd.data.unresolved_path')).toEqual({
      'file.path': undefined,
      'file.name': 'shadow',
      'auditd.data.unresolved_path': 'shadow',
    });
  });

  it('sees SUID in what a chmod asks for', () => {
    const event = eventOf(
      syscall(90, 'success=yes exit=0 a0=1 a1=9ed a2=0 a3=0 items=1'),
      line('CWD', 'cwd="/"'),
      line('PATH', 'item=0 name="/tmp/x" mode=0100755 nametype=NORMAL'),
    );
    expect(pick(document(event), 'auditd.data.mode', 'file.mode')).toEqual({
      'auditd.data.mode': '4755',
      'file.mode': '0755',
    });
  });
});

describe('a call on sockets', () => {
  it.each([
    [
      'connect_v4',
      2_713_847,
      {
        'event.action': 'connected-to',
        'event.type': ['connection', 'start'],
        'destination.ip': '127.0.0.1',
        'destination.port': 4444,
        'network.direction': 'egress',
        'network.type': 'ipv4',
        'related.ip': ['127.0.0.1'],
        'error.code': 'ECONNREFUSED',
      },
    ],
    ['connect_unix', 2_713_868, { 'destination.address': '@abstract-name', 'destination.ip': undefined }],
    [
      'server_bind_listen_accept',
      2_713_878,
      {
        'event.action': 'bound-socket',
        'destination.ip': undefined,
        'auditd.data.socket.addr': '127.0.0.1',
        'auditd.data.socket.port': '47123',
      },
    ],
    [
      'server_bind_listen_accept',
      2_713_879,
      { 'event.action': 'listen-for-connections', 'event.category': ['network'] },
    ],
    ['config_change', 2_714_117, { 'event.action': 'changed-audit-configuration', 'network.direction': undefined }],
  ])('%s %i', (name, serial, expected) => {
    expect(pick(sample(name, serial), ...Object.keys(expected))).toEqual(expected);
  });

  it('accept has the peer as source', () => {
    const accept = sampleEvents('server_bind_listen_accept')
      .map(document)
      .find((each) => fieldOf(each, 'event.action') === 'accepted-connection-from')!;
    expect(pick(accept, 'source.ip', 'network.direction', 'destination.ip')).toEqual({
      'source.ip': '127.0.0.1',
      'network.direction': 'ingress',
      'destination.ip': undefined,
    });
  });
});

describe('a call on processes', () => {
  it.each([
    [
      'kill',
      2_713_970,
      {
        'event.action': 'killed-pid',
        'auditd.data.signal': 'SIGTERM',
        'auditd.data.opid': '13090',
        'auditd.data.ocomm': 'acts',
      },
    ],
    [
      'ptrace',
      2_713_960,
      {
        'event.action': 'traced-process',
        'event.type': ['access'],
        'auditd.data.request': 'PTRACE_ATTACH',
        'auditd.data.ouid': '0',
      },
    ],
    [
      'setuid',
      2_713_981,
      { 'event.action': 'changed-identity-of', 'event.outcome': 'failure', 'auditd.summary.how': 'setuid' },
    ],
    [
      'module',
      2_713_949,
      { 'event.action': 'loaded-kernel-module', 'event.category': ['driver'], 'event.type': ['start'] },
    ],
    ['module', 2_713_951, { 'event.action': 'unloaded-kernel-module', 'event.type': ['end'] }],
    ['capset', 2_714_068, { 'event.action': 'changed-capabilities-of', 'auditd.data.cap_pe': '000001fffeffffff' }],
    ['fd_pair', 2_714_058, { 'event.action': 'created-pipe', 'auditd.data.fd0': '3' }],
  ])('%s %i', (name, serial, expected) => {
    expect(pick(sample(name, serial), ...Object.keys(expected))).toEqual(expected);
  });

  it('with several OBJ_PID records counts them all', () => {
    const target = (pid: number) => line('OBJ_PID', `opid=${pid} oauid=-1 ouid=0 oses=-1 ocomm="a"`);
    const killed = document(
      eventOf(syscall(62, 'success=yes exit=0 a0=0 a1=9 a2=0 a3=0 items=0'), target(5), target(6), target(7)),
    );
    expect(pick(killed, 'auditd.data.opid', 'auditd.data.ocomm')).toEqual({
      'auditd.data.opid': ['5', '6', '7'],
      'auditd.data.ocomm': 'a',
    });
  });

  it('exit_group has the exit code', () => {
    expect(fieldOf(document(eventOf(syscall(231, 'a0=2 a1=0 a2=0 a3=0 items=0'))), 'process.exit_code')).toBe(2);
  });

  it('by io_uring is named as the call it stands for, and a relative path is not guessed', () => {
    const event = eventOf(
      line(
        'URINGOP',
        'uring_op=18 success=yes exit=0 items=1 ppid=1 pid=2 uid=0 gid=0 euid=0 suid=0 fsuid=0 egid=0 sgid=0 fsgid=0 key="io"',
      ),
      line('CWD', 'cwd="/root"'),
      line('PATH', 'item=0 name="x" nametype=NORMAL'),
    );
    expect(
      pick(
        document(event),
        'event.action',
        'auditd.data.uring_op',
        'auditd.data.unresolved_path',
        'tags',
        'process.pid',
      ),
    ).toEqual({
      'event.action': 'opened-file',
      'auditd.data.uring_op': 'openat',
      'auditd.data.unresolved_path': 'x',
      tags: ['io'],
      'process.pid': 2,
    });
  });
});

describe('other records', () => {
  it.each([
    [
      'login_uid',
      2_714_659,
      {
        'event.action': 'changed-login-id-to',
        'auditd.message_type': 'login',
        'user.id': '4242',
        'user.audit.name': 'audittest',
        'user.effective.id': '0',
        'process.name': 'bash',
        'auditd.session': '4',
        'auditd.data.old_auid': '4294967295',
      },
    ],
    [
      'user_sshd',
      2_714_836,
      {
        'event.action': 'was-authorized',
        'event.category': ['authentication'],
        'user.effective.name': 'audittest',
        'source.ip': '127.0.0.1',
        'process.executable': '/usr/sbin/sshd',
        'auditd.summary.object.primary': 'ssh',
      },
    ],
    [
      'user_sshd',
      2_714_839,
      {
        'event.action': 'started-session',
        'event.category': ['session'],
        'user.id': '4242',
        'user.effective': undefined,
      },
    ],
    [
      'user_mgmt',
      2_714_778,
      {
        'event.action': 'added-group-account-to',
        'event.category': ['iam'],
        'event.type': ['group', 'creation'],
        'user.target.name': 'labuser',
      },
    ],
    [
      'user_mgmt',
      2_714_779,
      { 'event.action': 'added-user-account', 'user.target.id': '4243', 'user.effective.id': '0' },
    ],
    [
      'user_su',
      2_714_754,
      { 'event.action': 'authenticated', 'event.outcome': 'failure', 'user.effective.name': 'root' },
    ],
    [
      'seccomp',
      2_714_010,
      {
        'event.action': 'violated-seccomp-policy',
        'auditd.data.syscall': 'getppid',
        'auditd.data.sig': 'SIGSYS',
        'process.pid': 13_404,
      },
    ],
    ['anom_abend', 2_714_029, { 'event.action': 'crashed-program', 'auditd.data.sig': 'SIGSEGV' }],
    [
      'anom_link',
      2_714_692,
      {
        'event.action': 'used-suspicious-link',
        'event.outcome': 'failure',
        'file.path': '/srv/app/audit/work/sticky/l',
      },
    ],
    [
      'promisc',
      2_714_000,
      {
        'event.action': 'changed-promiscuous-mode-on-device',
        'auditd.data.dev': 'lo',
        'auditd.summary.object.primary': 'lo',
      },
    ],
    ['bpf', 2_714_020, { 'event.action': 'changed-bpf-program', 'auditd.data.prog_id': '97', tags: ['bpf'] }],
    ['config_change', 2_714_116, { 'auditd.data.key': 'k with space', tags: undefined, 'auditd.data.op': 'add_rule' }],
    ['daemon_takeover', 2_714_733, { 'event.outcome': 'failure', 'auditd.data.audit_pid': '15541' }],
    ['netfilter', 2_714_861, { 'event.action': 'loaded-firewall-rule-to', 'auditd.data.table': 'labt:2' }],
    [
      'user_msg',
      2_714_888,
      { 'user.id': undefined, 'auditd.data.text': 'uid=0', 'process.executable': '/usr/sbin/auditctl' },
    ],
  ])('%s %i', (name, serial, expected) => {
    expect(pick(sample(name, serial), ...Object.keys(expected))).toEqual(expected);
  });

  it('SERVICE_START names the service', () => {
    const started = document(
      eventOf(
        line(
          'SERVICE_START',
          `pid=1 uid=0 auid=4294967295 ses=4294967295 msg='unit=ssh comm="systemd" exe="/usr/lib/systemd/systemd" hostname=? addr=? terminal=? res=success'`,
        ),
      ),
    );
    expect(pick(started, 'service.name', 'event.action', 'event.type')).toEqual({
      'service.name': 'ssh',
      'event.action': 'started-service',
      'event.type': ['start'],
    });
  });

  it('TTY is decoded', () => {
    const typed = document(
      eventOf(line('TTY', 'tty pid=5 uid=0 auid=1000 ses=1 major=136 minor=0 comm="bash" data=6C73202D6C0D')),
    );
    expect(pick(typed, 'auditd.data.data', 'process.name', 'event.action')).toEqual({
      'auditd.data.data': 'ls -l\r',
      'process.name': 'bash',
      'event.action': 'typed',
    });
  });

  it('SELinux denials and AppArmor’s are told apart', () => {
    const selinux = document(
      eventOf(line('AVC', 'avc:  denied  { read } for  pid=13010 comm="pickup" name="maildrop" tclass=dir')),
    );
    expect(pick(selinux, 'event.action', 'event.outcome', 'auditd.data.seperms')).toEqual({
      'event.action': 'violated-selinux-policy',
      'event.outcome': 'failure',
      'auditd.data.seperms': 'read',
    });
    const apparmor = document(
      eventOf(line('AVC', 'apparmor="DENIED" operation="open" profile="p" name="/etc/shadow" pid=5 comm="x"')),
    );
    expect(pick(apparmor, 'event.action', 'auditd.summary.object.primary')).toEqual({
      'event.action': 'violated-apparmor-policy',
      'auditd.summary.object.primary': '/etc/shadow',
    });
  });

  it('a SYSCALL without a number has an action all the same', () => {
    const made = document(eventOf(line('SYSCALL', 'pid=5 uid=0')));
    expect(pick(made, 'event.action', 'event.code')).toEqual({ 'event.action': 'unknown', 'event.code': 'unknown' });
  });

  it('of a type never seen before are decoded all the same', () => {
    const unknown = document(eventOf(line('UNKNOWN[1999]', 'pid=5 uid=0 new-thing="x" comm=6120622063')));
    expect(unknown).toMatchObject({
      event: { action: 'unknown1999' },
      auditd: { message_type: 'unknown[1999]', data: { new_thing: 'x' } },
      process: { pid: 5, name: 'a b c' },
    });
  });
});

describe('a group', () => {
  const change = (type: string, said: string) =>
    pick(
      toEcs(
        eventOf(
          line(type, `pid=1 uid=0 auid=4242 ses=1 msg='${said} exe="/x" hostname=? addr=? terminal=? res=success'`),
        ),
        HOST,
        { ...knowledge, userId: () => 77 },
      ),
      'group',
      'user.target.id',
    );

  it('that is made or removed is no user, whatever its id or name', () => {
    expect(change('ADD_GROUP', 'op=adding group acct="labuser"')).toEqual({
      group: { name: 'labuser' },
      'user.target.id': undefined,
    });
    expect(change('DEL_GROUP', 'op=removing group from /etc/group id=4242')).toEqual({
      group: { id: '4242', name: 'audittest' },
      'user.target.id': undefined,
    });
    expect(change('GRP_MGMT', 'op=add-user-to-group grp="sudo" acct="anna"')).toEqual({
      group: { name: 'sudo' },
      'user.target.id': undefined,
    });
  });
});

describe('a packet', () => {
  it('has both its ends', () => {
    const of = (text: string) => document(eventOf(line('NETFILTER_PKT', text)));
    expect(of('mark=0x0 saddr=10.0.0.1 daddr=fe80::1 proto=17')).toMatchObject({
      source: { ip: '10.0.0.1' },
      destination: { ip: 'fe80::1' },
      network: { transport: 'udp' },
      related: { ip: ['10.0.0.1', 'fe80::1'] },
    });
    expect(fieldOf(of('mark=0x0 saddr=nowhere daddr=::1 proto=17'), 'source')).toBeUndefined();
  });
});

describe('an event whose SYSCALL is missing', () => {
  it('tells the arguments, the directory, the title and the address all the same', () => {
    const made = document(
      eventOf(
        line('EXECVE', 'argc=3 a0="sh" a1="-c" a2=6120622063'),
        line('CWD', 'cwd="/root"'),
        line('PATH', 'item=0 name="/bin/sh" nametype=NORMAL'),
        line('SOCKADDR', 'saddr=0200115C7F0000010000000000000000'),
        line('PROCTITLE', 'proctitle=7368002D63'),
      ),
    );
    expect(made).toMatchObject({
      process: {
        args: ['sh', '-c', 'a b c'],
        command_line: "sh -c 'a b c'",
        working_directory: '/root',
        title: 'sh -c',
      },
      auditd: { data: { socket: { addr: '127.0.0.1', port: '4444' } }, paths: [{ name: '/bin/sh' }] },
    });
    expect(pick(made, 'destination', 'source')).toEqual({ destination: undefined, source: undefined });
  });
});

describe('who acted', () => {
  const who = (ids: string) => {
    const event = eventOf(
      `type=SYSCALL msg=audit(1.000:1): arch=c000003e syscall=105 success=yes exit=0 a0=0 a1=0 a2=0 a3=0 items=0 ppid=1 pid=2 ${ids} tty=(none) ses=1 comm="x" exe="/bin/x" key=(null)`,
    );
    return fieldOf(document(event), 'user');
  };

  it('has saved and filesystem ids always, effective ones where they differ, unset ones never', () => {
    expect(who('auid=4294967295 uid=0 gid=0 euid=0 suid=0 fsuid=0 egid=0 sgid=0 fsgid=0')).toEqual({
      id: '0',
      name: 'root',
      group: { id: '0', name: 'root' },
      saved: { id: '0', name: 'root', group: { id: '0', name: 'root' } },
      filesystem: { id: '0', name: 'root', group: { id: '0', name: 'root' } },
    });
    expect(who('auid=4242 uid=4242 gid=7 euid=0 suid=0 fsuid=0 egid=7 sgid=7 fsgid=7')).toMatchObject({
      id: '4242',
      effective: { id: '0', name: 'root', group: { id: '7' } },
      audit: { id: '4242', name: 'audittest' },
    });
    expect(who('auid=-1 uid=4242 gid=7 euid=4242 suid=4242 fsuid=4242 egid=0 sgid=0 fsgid=0')).toMatchObject({
      effective: { group: { id: '0' } },
    });
  });

  it('has an SELinux label taken apart, and nothing of other security modules', () => {
    const of = (label: string) =>
      fieldOf(
        document(
          eventOf(`${syscall(90)} subj=${label}`, line('PATH', `item=0 name="/x" obj=${label} nametype=NORMAL`)),
        ),
        'user.selinux',
      );
    expect(of('system_u:system_r:sshd_t:s0-s0:c0.c1023')).toEqual({
      user: 'system_u',
      role: 'system_r',
      domain: 'sshd_t',
      level: 's0-s0',
      category: 'c0.c1023',
    });
    expect(of('/usr/sbin/chronyd')).toBeUndefined();
    expect(of('unconfined')).toBeUndefined();
  });

  it('an account that a program names has its id where the host knows it', () => {
    const known = { ...knowledge, userId: (name: string) => (name === 'root' ? 0 : undefined) };
    const auth = (account: string) =>
      eventOf(
        line(
          'USER_AUTH',
          `pid=1 uid=0 auid=4242 ses=1 msg='op=PAM:authentication acct="${account}" exe="/bin/su" hostname=? addr=? terminal=pts/0 res=failed'`,
        ),
      );
    expect(fieldOf(toEcs(auth('root'), HOST, known), 'user.effective')).toEqual({ id: '0', name: 'root' });
    expect(fieldOf(toEcs(auth('nobody'), HOST, known), 'user.effective')).toEqual({ name: 'nobody' });
  });

  it('a record that names no account tells the program’s', () => {
    const started = line(
      'SERVICE_START',
      `pid=1 uid=0 auid=4294967295 ses=4294967295 msg='unit=x comm="systemd" exe="/x" hostname=? addr=? terminal=? res=success'`,
    );
    expect(fieldOf(document(eventOf(started)), 'user')).toEqual({ effective: { id: '0', name: 'root' } });
  });
});

describe('auditd.summary', () => {
  it('of a script names the script, not its interpreter', () => {
    const by = (exe: string) => syscall(90).replace('exe="/bin/x"', `exe="${exe}"`);
    expect(fieldOf(document(eventOf(by('/usr/bin/python3.11'))), 'auditd.summary.how')).toBe('x');
    expect(fieldOf(document(eventOf(by('/usr/sbin/sshd'))), 'auditd.summary.how')).toBe('/usr/sbin/sshd');
  });

  it.each([
    ['CONFIG_CHANGE', 'audit_backlog_limit=64 old=8192 auid=0 ses=1 res=1', '64'],
    ['CONFIG_CHANGE', 'auid=0 ses=1 op=add_rule key="k" list=4 res=1', 'add_rule'],
    [
      'USER_ROLE_CHANGE',
      `pid=1 uid=0 auid=0 ses=1 msg='newrole: default-context=a selected-context=b exe="/x" hostname=? addr=? terminal=tty res=success'`,
      'b',
    ],
  ])('of %s names its object: %s', (type, text, object) => {
    expect(fieldOf(document(eventOf(line(type, text))), 'auditd.summary.object.primary')).toBe(object);
  });
});

describe('event.original', () => {
  it.each(SAMPLE_NAMES)('of %s is the records byte for byte', (name) => {
    const lines = new Set(
      sampleLines(name).map((each) =>
        Buffer.from(each.replace('UNKNOWN[2500]', 'VIRT_CONTROL'), 'latin1').toString('utf8'),
      ),
    );
    for (const event of sampleEvents(name)) {
      const original = String(fieldOf(document(event), 'event.original')).split('\n');
      expect(original).toHaveLength(event.records.length);
      for (const each of original) expect(lines).toContain(each);
    }
  });

  it('that is not UTF-8 is readable there and exact in vedette.original_base64', () => {
    const text = `type=USER msg=audit(1.000:1): pid=1 msg='caf\xe9 \xff'`;
    const made = document(eventOf(text));
    expect(fieldOf(made, 'event.original')).toContain('caf\ufffd');
    expect(Buffer.from(String(fieldOf(made, 'vedette.original_base64')), 'base64').toString('latin1')).toBe(text);
  });
});

describe('lineage', () => {
  const info = (pid: number, name: string, args?: readonly string[]): ProcessInfo => ({
    pid,
    entityId: `h1.${pid}.9`,
    name,
    executable: `/usr/bin/${name}`,
    args,
  });
  const withLineage = (ancestors: readonly ProcessInfo[], isComplete = true): HostKnowledge => ({
    ...knowledge,
    lineage: (pid) => ({ process: info(pid, 'x'), ancestors, isComplete }),
  });
  const [event] = sampleEvents('execve_user').filter(({ serial }) => serial === 2_713_789);

  it('gives entity ids, the parent and the ancestors, nearest first', () => {
    const made = toEcs(
      event!,
      HOST,
      withLineage([info(12_224, 'apache2', ['apache2', '-k', 'a b']), info(1, 'systemd')]),
    );
    expect(made['process']).toMatchObject({
      entity_id: 'h1.12228.9',
      name: 'echo',
      parent: {
        pid: 12_224,
        entity_id: 'h1.12224.9',
        name: 'apache2',
        executable: '/usr/bin/apache2',
        args: ['apache2', '-k', 'a b'],
        command_line: "apache2 -k 'a b'",
      },
      ancestors: [
        { pid: 12_224, entity_id: 'h1.12224.9', name: 'apache2', executable: '/usr/bin/apache2' },
        { pid: 1, entity_id: 'h1.1.9', name: 'systemd', executable: '/usr/bin/systemd' },
      ],
      ancestors_complete: true,
    });
  });

  it('of another parent than the record’s is not taken for it', () => {
    expect(toEcs(event!, HOST, withLineage([info(99, 'other')]))).toMatchObject({
      process: { parent: { pid: 12_224 } },
    });
    expect(fieldOf(toEcs(event!, HOST, withLineage([info(99, 'other')])), 'process.parent.name')).toBeUndefined();
  });

  it('is cut at a bounded number of ancestors, and says so', () => {
    const chain = Array.from({ length: ANCESTORS_MAX + 8 }, (_, index) => info(index + 1, `p${index}`));
    const made = toEcs(event!, HOST, withLineage(chain));
    expect(fieldOf(made, 'process.ancestors')).toHaveLength(ANCESTORS_MAX);
    expect(fieldOf(made, 'process.ancestors_complete')).toBe(false);
  });
});

describe('the mapper', () => {
  it('stamps created and position where they are given', () => {
    const mapper = createEcsMapper(HOST, knowledge);
    const [event] = sampleEvents('kill');
    expect(mapper.toDocument(event!, { createdMs: 1_795_290_500_001, position: 7 })).toMatchObject({
      event: { created: '2026-11-21T19:48:20.001Z' },
      vedette: { position: 7 },
    });
    expect(pick(mapper.toDocument(event!), 'event.created', 'vedette')).toEqual({
      'event.created': undefined,
      vedette: undefined,
    });
  });

  it('that remembers writes what one that does not would', () => {
    const mapper = createEcsMapper(HOST, knowledge);
    for (const name of SAMPLE_NAMES) {
      for (const event of sampleEvents(name)) expect(mapper.toDocument(event)).toEqual(document(event));
    }
  });

  it('asks for names again: an account may be renamed', () => {
    const names = new Map([[4242, 'before']]);
    const mapper = createEcsMapper(HOST, { ...knowledge, userName: (uid) => names.get(uid) });
    const [event] = sampleEvents('execve_user');
    expect(fieldOf(mapper.toDocument(event!), 'user.name')).toBe('before');
    names.set(4242, 'after');
    expect(fieldOf(mapper.toDocument(event!), 'user.name')).toBe('after');
  });

  it('writes only fields that the catalogue has', () => {
    const unknown = new Set<string>();
    const visit = (value: unknown, path: string): void => {
      if (path !== '' && fieldNamed(path) !== undefined) return;
      if (Array.isArray(value)) for (const each of value) visit(each, path);
      else if (typeof value === 'object' && value !== null)
        for (const [key, inner] of Object.entries(value)) visit(inner, path === '' ? key : `${path}.${key}`);
      else unknown.add(path);
    };
    for (const name of SAMPLE_NAMES) for (const event of sampleEvents(name)) visit(document(event), '');
    expect([...unknown]).toEqual([]);
  });

  it('an event of which only the end arrived is a document too', () => {
    const empty: AuditEvent = {
      timeMs: 1000,
      serial: 1,
      node: undefined,
      records: [],
      crc: 0,
      incomplete: ['missing-records'],
      isFragment: false,
    };
    expect(document(empty)).toMatchObject({
      event: { original: '', action: 'eoe' },
      vedette: { incomplete: ['missing-records'] },
    });
  });

  it('a fragment names the event it belongs to', () => {
    const fragment: AuditEvent = { ...sampleEvents('kill')[0]!, isFragment: true, fragmentOf: 35 };
    expect(fieldOf(document(fragment), 'vedette.fragment_of')).toMatch(/^h1\.0f1e2d3c\.[0-9a-z]+\.[0-9a-z]+\.z$/);
  });
});
