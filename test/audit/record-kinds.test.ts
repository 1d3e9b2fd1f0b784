// What each kind of record says, in the formats of the kernels that wrote them: one named case a kind, alone or with its SYSCALL.
// One table, therefore long.
import { describe, expect, it } from 'vitest';
import { createEcsMapper } from '../../audit/ecs.ts';
import type { HostKnowledge } from '../../audit/event.ts';
import { fieldOf } from '../../event/document.ts';
import { eventsOf, HOST } from './samples.ts';

const NAMES = new Map([
  [0, 'root'],
  [1000, 'alice'],
]);
const knowledge: HostKnowledge = {
  userName: (uid) => NAMES.get(uid),
  groupName: (gid) => NAMES.get(gid),
  lineage: () => undefined,
};
const mapper = createEcsMapper(HOST, knowledge);

const call = (number: number, result = 'success=yes exit=0') =>
  `type=SYSCALL msg=audit(1.000:1): arch=c000003e syscall=${number} ${result} a0=3 a1=0 a2=0 a3=0 items=0 ppid=10 pid=11 auid=1000 uid=0 gid=0 euid=0 suid=0 fsuid=0 egid=0 sgid=0 fsgid=0 tty=pts0 ses=3 comm="x" exe="/bin/x" subj=unconfined key=(null)`;
const rec = (type: string, text: string) => `type=${type} msg=audit(1.000:1): ${text}`;
const SENT = 'pid=12 uid=0 auid=1000 ses=3';
const ENDS = 'exe="/bin/x" hostname=? addr=? terminal=? res=success';

type Case = readonly [claim: string, lines: readonly string[], expected: Readonly<Record<string, unknown>>];

const CASES: readonly Case[] = [
  [
    'URINGOP is the call that it stands for, also without a SYSCALL',
    [
      rec(
        'URINGOP',
        'uring_op=28 success=yes exit=0 items=1 ppid=10 pid=11 uid=1000 gid=1000 euid=1000 suid=1000 fsuid=1000 egid=1000 sgid=1000 fsgid=1000 key="ring"',
      ),
      rec('PATH', 'item=0 name="/etc/passwd" inode=5 dev=fe:00 mode=0100644 ouid=0 ogid=0 nametype=NORMAL'),
    ],
    {
      'event.action': 'opened-file',
      'event.outcome': 'success',
      'auditd.data.uring_op': 'openat2',
      'file.path': '/etc/passwd',
      tags: ['ring'],
      'user.name': 'alice',
      'vedette.incomplete': undefined,
    },
  ],
  [
    'SECCOMP says which call, by which architecture, and what was done about it',
    [
      rec(
        'SECCOMP',
        'auid=1000 uid=1000 gid=1000 ses=3 subj=unconfined pid=12 comm="chrome" exe="/opt/chrome" sig=31 arch=c000003e syscall=273 compat=0 ip=0x7f code=0x80000000',
      ),
    ],
    {
      'event.action': 'violated-seccomp-policy',
      'auditd.data.syscall': 'set_robust_list',
      'auditd.data.sig': 'SIGSYS',
      'auditd.data.arch': 'x86_64',
      'auditd.data.seccomp_action': 'kill_process',
      'process.executable': '/opt/chrome',
    },
  ],
  [
    'an AVC of SELinux alone is a denial, of a process by its record',
    [
      rec(
        'AVC',
        'avc:  denied  { read write } for  pid=12 comm="httpd" path="/etc/shadow" dev="sda1" ino=5 scontext=system_u:system_r:httpd_t:s0 tcontext=system_u:object_r:shadow_t:s0 tclass=file permissive=0',
      ),
    ],
    {
      'event.action': 'violated-selinux-policy',
      'event.outcome': 'failure',
      'auditd.data.seresult': 'denied',
      'auditd.data.seperms': 'read write',
      'auditd.data.tclass': 'file',
      'process.name': 'httpd',
      'process.pid': 12,
      'file.path': '/etc/shadow',
      'file.inode': '5',
    },
  ],
  [
    'an AVC before its SYSCALL leads the event, and the call says whether it was let pass',
    [
      rec(
        'AVC',
        'avc:  denied  { read } for  pid=11 comm="x" name="shadow" dev="sda1" ino=5 scontext=a:b:c:s0 tcontext=a:b:d:s0 tclass=file permissive=1',
      ),
      call(257),
    ],
    {
      'event.action': 'violated-selinux-policy',
      'event.outcome': 'success',
      'auditd.data.permissive': '1',
      'auditd.data.syscall': 'openat',
      'user.name': 'root',
      'process.executable': '/bin/x',
    },
  ],
  [
    'an AVC of AppArmor is key=value',
    [
      rec(
        'AVC',
        'apparmor="DENIED" operation="open" profile="/usr/sbin/cupsd" name="/etc/shadow" pid=12 comm="cupsd" requested_mask="r" denied_mask="r" fsuid=0 ouid=0',
      ),
    ],
    {
      'event.action': 'violated-apparmor-policy',
      'event.outcome': 'failure',
      'auditd.data.profile': '/usr/sbin/cupsd',
      'auditd.data.denied_mask': 'r',
      'file.path': '/etc/shadow',
    },
  ],
  [
    'an AVC by which AppArmor tells of a loaded profile is no denial',
    [
      rec(
        'AVC',
        'apparmor="STATUS" operation="profile_load" profile="unconfined" name="/usr/sbin/cupsd" pid=12 comm="apparmor_parser"',
      ),
    ],
    {
      'event.action': 'changed-apparmor-policy',
      'event.category': ['configuration'],
      'event.type': ['change'],
      'file.path': undefined,
    },
  ],
  [
    'APPARMOR_DENIED of old kernels says the same as an AVC',
    [rec('APPARMOR_DENIED', 'apparmor="DENIED" operation="exec" profile="p" name="/bin/ls" pid=12 comm="x"')],
    { 'event.action': 'violated-apparmor-policy', 'event.outcome': 'failure', 'file.path': '/bin/ls' },
  ],
  [
    'USER_AVC is taken apart as the kernel’s is',
    [
      rec(
        'USER_AVC',
        `pid=600 uid=81 auid=4294967295 ses=4294967295 msg='avc:  denied  { send_msg } for msgtype=method_call dest=:1.1 spid=9 tpid=8 scontext=a:b:c:s0 tcontext=a:b:d:s0 tclass=dbus permissive=0  exe="/usr/bin/dbus-daemon" sauid=81 hostname=? addr=? terminal=?'`,
      ),
    ],
    {
      'auditd.data.seresult': 'denied',
      'auditd.data.seperms': 'send_msg',
      'auditd.data.tclass': 'dbus',
      'auditd.data.op': undefined,
      'event.outcome': 'failure',
    },
  ],
  [
    'NETFILTER_CFG says table, family, operation and by whom',
    [
      rec('NETFILTER_CFG', 'table=filter:2 family=2 entries=1 op=nft_register_chain pid=12 subj=unconfined comm="nft"'),
      call(46),
    ],
    {
      'event.action': 'loaded-firewall-rule-to',
      'auditd.data.table': 'filter:2',
      'auditd.data.op': 'nft_register_chain',
      'auditd.summary.object.primary': 'filter:2',
    },
  ],
  [
    'BPF says which program was loaded',
    [rec('BPF', 'prog-id=75 op=LOAD'), call(321)],
    {
      'event.action': 'changed-bpf-program',
      'auditd.data.prog_id': '75',
      'auditd.data.op': 'LOAD',
      'auditd.data.command': 'BPF_MAP_DELETE_ELEM',
    },
  ],
  [
    'KERN_MODULE names the module of its call',
    [call(313), rec('KERN_MODULE', 'name="dummy"')],
    { 'event.action': 'loaded-kernel-module', 'auditd.data.name': 'dummy', 'auditd.summary.object.primary': 'dummy' },
  ],
  [
    'KERN_MODULE whose call was lost does not guess whether it was loaded',
    [rec('KERN_MODULE', 'name="dummy"')],
    {
      'event.action': 'changed-kernel-module',
      'event.category': ['driver'],
      'vedette.incomplete': ['missing-syscall'],
    },
  ],
  [
    'TTY is what was typed',
    [rec('TTY', 'tty pid=12 uid=0 auid=1000 ses=3 major=136 minor=0 comm="bash" data=6C73202D6C610D')],
    { 'event.action': 'typed', 'auditd.data.data': 'ls -la\r', 'process.name': 'bash', 'user.audit.name': 'alice' },
  ],
  [
    'USER_TTY of a shell is what was typed',
    [rec('USER_TTY', `${SENT} data=6C73202D6C61`)],
    { 'event.action': 'typed', 'auditd.data.data': 'ls -la', 'user.name': 'alice' },
  ],
  [
    'CONFIG_CHANGE of an old kernel says who',
    [rec('CONFIG_CHANGE', 'audit_enabled=1 old=0 by auid=1000 subj=x res=1')],
    {
      'event.action': 'changed-audit-configuration',
      'auditd.data.audit_enabled': '1',
      'auditd.data.old': '0',
      'user.audit.name': 'alice',
      'event.outcome': 'success',
    },
  ],
  [
    'CONFIG_CHANGE of a new kernel says what was set, from what',
    [rec('CONFIG_CHANGE', 'op=set audit_backlog_limit=8192 old=64 auid=1000 ses=3 subj=unconfined res=1')],
    {
      'auditd.data.op': 'set',
      'auditd.data.audit_backlog_limit': '8192',
      'auditd.data.old': '64',
      'user.audit.name': 'alice',
      tags: undefined,
    },
  ],
  [
    'CONFIG_CHANGE of a rule keeps its keys apart from tags',
    [rec('CONFIG_CHANGE', 'auid=1000 ses=3 op=add_rule key=6101620163 list=4 res=1')],
    { 'auditd.data.op': 'add_rule', 'auditd.data.key': 'a%01b%01c'.replaceAll('%01', '\u0001'), tags: undefined },
  ],
  [
    'ANOM_PROMISCUOUS names the device',
    [rec('ANOM_PROMISCUOUS', 'dev=eth0 prom=256 old_prom=0 auid=1000 uid=0 gid=0 ses=3')],
    {
      'event.action': 'changed-promiscuous-mode-on-device',
      'auditd.data.dev': 'eth0',
      'auditd.data.prom': '256',
      'user.audit.name': 'alice',
    },
  ],
  [
    'ANOM_ABEND says which signal',
    [rec('ANOM_ABEND', 'auid=1000 uid=1000 gid=1000 ses=3 pid=12 comm="x" exe="/bin/x" sig=11 res=1')],
    { 'event.action': 'crashed-program', 'auditd.data.sig': 'SIGSEGV', 'process.executable': '/bin/x' },
  ],
  [
    'INTEGRITY_DATA names the file and the cause',
    [
      rec(
        'INTEGRITY_DATA',
        'pid=12 uid=0 auid=1000 ses=3 op=appraise_data cause=invalid-hash comm="bash" name="/bin/evil" dev="sda1" ino=5 res=0 errno=0',
      ),
    ],
    {
      'event.action': 'violated-file-integrity',
      'event.outcome': 'failure',
      'auditd.data.cause': 'invalid-hash',
      'file.path': '/bin/evil',
      'file.inode': '5',
    },
  ],
  [
    'INTEGRITY_RULE names the file and its hash',
    [rec('INTEGRITY_RULE', 'file="/bin/ls" hash="sha256:aabb" ppid=1 pid=12 auid=0 uid=0 comm="x" exe="/bin/x"')],
    { 'event.action': 'measured-file', 'auditd.data.hash': 'sha256:aabb', 'file.path': '/bin/ls' },
  ],
  [
    'MAC_STATUS says what is enforced now and before',
    [
      rec('MAC_STATUS', 'enforcing=0 old_enforcing=1 auid=1000 ses=3 enabled=1 old-enabled=1 lsm=selinux res=1'),
      call(1),
    ],
    {
      'event.action': 'changed-mac-enforcement',
      'auditd.data.enforcing': '0',
      'auditd.data.old_enforcing': '1',
      'auditd.data.old_enabled': '1',
    },
  ],
  [
    'MAC_IPSEC_EVENT has an action of its own',
    [rec('MAC_IPSEC_EVENT', 'op=SAD-add auid=0 ses=1 src=10.0.0.1 dst=10.0.0.2 spi=5 res=1')],
    { 'event.action': 'changed-ipsec-policy', 'auditd.data.dst': '10.0.0.2', 'event.outcome': 'success' },
  ],
  [
    'FANOTIFY says how it was answered',
    [rec('FANOTIFY', 'resp=2 fan_type=0 fan_info=0 subj_trust=2 obj_trust=2'), call(257, 'success=no exit=-1')],
    {
      'event.action': 'decided-file-access',
      'auditd.data.resp': 'FAN_DENY',
      'event.outcome': 'failure',
      'event.reason': 'EPERM',
    },
  ],
  [
    'TIME_INJOFFSET says by how much',
    [rec('TIME_INJOFFSET', 'sec=-5 nsec=0'), call(159)],
    { 'event.action': 'changed-system-time', 'auditd.data.sec': '-5' },
  ],
  [
    'several TIME_ADJNTPVAL of one call all count, and their numbers are numbers',
    [rec('TIME_ADJNTPVAL', 'op=offset old=0 new=500'), rec('TIME_ADJNTPVAL', 'op=freq old=10 new=20'), call(159)],
    {
      'event.action': 'changed-system-time',
      'auditd.data.op': ['freq', 'offset'],
      'auditd.data.old': ['10', '0'],
      'auditd.data.new': ['20', '500'],
    },
  ],
  [
    'OPENAT2 says how the file was opened',
    [
      call(437),
      rec('OPENAT2', 'oflag=0100101 mode=0600 resolve=0x8'),
      rec('PATH', 'item=0 name="/tmp/x" inode=5 dev=fe:00 mode=0100600 ouid=0 ogid=0 nametype=CREATE'),
    ],
    {
      'event.action': 'opened-file',
      'event.type': ['creation'],
      'auditd.data.open_flags': ['O_WRONLY', 'O_CREAT', 'O_LARGEFILE'],
      'auditd.data.mode': '0600',
    },
  ],
  [
    'DM_CTRL keeps a quoted error message whole',
    [
      rec(
        'DM_CTRL',
        `module=dm-crypt op=ctr ppid=1 pid=12 auid=0 uid=0 comm="cryptsetup" exe="/sbin/cryptsetup" dev=254:0 error_msg='not enough arguments' res=0`,
      ),
      call(16, 'success=no exit=-22'),
    ],
    {
      'event.action': 'changed-device-mapper',
      'auditd.data.error_msg': 'not enough arguments',
      'auditd.data.dev': '254:0',
      'event.outcome': 'failure',
    },
  ],
  [
    'DM_EVENT has no process',
    [rec('DM_EVENT', 'module=verity op=verify-data dev=254:0 sector=8 res=0')],
    { 'event.action': 'changed-device-mapper', 'auditd.data.sector': '8', 'process.pid': undefined },
  ],
  [
    'IPE_ACCESS names the file and the rule',
    [
      rec(
        'IPE_ACCESS',
        'ipe_op=EXECUTE ipe_hook=BPRM_CHECK enforcing=1 pid=12 comm="x" path="/tmp/evil" dev="tmpfs" ino=5 rule="DEFAULT action=DENY"',
      ),
      call(59, 'success=no exit=-13'),
    ],
    {
      'event.action': 'violated-ipe-policy',
      'event.outcome': 'failure',
      'auditd.data.rule': 'DEFAULT action=DENY',
      'file.path': '/tmp/evil',
    },
  ],
  [
    'LANDLOCK_ACCESS says what was refused, and its domain by whom',
    [
      rec('LANDLOCK_ACCESS', 'domain=195ba459b blockers=fs.read_file path="/etc/hostname" dev="vda" ino=611'),
      rec(
        'LANDLOCK_DOMAIN',
        'domain=195ba459b status=allocated mode=enforcing pid=300 uid=0 exe="/bin/sandboxer" comm="sandboxer"',
      ),
      call(257, 'success=no exit=-13'),
    ],
    {
      'event.action': 'violated-landlock-policy',
      'auditd.data.blockers': 'fs.read_file',
      'auditd.data.status': 'allocated',
      'file.path': '/etc/hostname',
      'process.executable': '/bin/x',
    },
  ],
  [
    'LANDLOCK_DOMAIN that ends is an event of its own and lacks nothing',
    [rec('LANDLOCK_DOMAIN', 'domain=195ba459b status=deallocated denials=3')],
    { 'event.action': 'changed-landlock-domain', 'auditd.data.denials': '3', 'vedette.incomplete': undefined },
  ],
  [
    'FEATURE_CHANGE names the feature',
    [rec('FEATURE_CHANGE', 'auid=1000 ses=3 feature=loginuid_immutable old=0 new=1 old_lock=0 new_lock=1 res=1')],
    { 'event.action': 'changed-audit-feature', 'auditd.data.feature': 'loginuid_immutable', 'auditd.data.new': '1' },
  ],
  [
    'REPLACE names the process that tried',
    [rec('REPLACE', 'pid=222 auid=4294967295')],
    { 'event.action': 'replaced-audit-daemon', 'process.pid': 222, 'user.audit.id': undefined },
  ],
  [
    'CAPSET names capabilities',
    [call(126), rec('CAPSET', 'pid=11 cap_pi=0 cap_pp=000001ffffffffff cap_pe=0000000000202000 cap_pa=0')],
    {
      'event.action': 'changed-capabilities-of',
      'auditd.data.permitted_capabilities': 'all',
      'auditd.data.effective_capabilities': ['CAP_NET_RAW', 'CAP_SYS_ADMIN'],
      'auditd.data.inheritable_capabilities': undefined,
    },
  ],
  [
    'BPRM_FCAPS names what the file gave',
    [
      call(59),
      rec('EXECVE', 'argc=1 a0="ping"'),
      rec(
        'BPRM_FCAPS',
        'fver=2 fp=0000000000002000 fi=0 fe=1 old_pp=0 old_pi=0 old_pe=0 old_pa=0 pp=2000 pi=0 pe=2000 pa=0 frootid=0',
      ),
    ],
    {
      'event.action': 'executed',
      'auditd.data.fp': '0000000000002000',
      'auditd.data.file_capabilities': 'CAP_NET_RAW',
    },
  ],
  [
    'IPC and IPC_SET_PERM keep old and new modes apart',
    [call(31), rec('IPC', 'ouid=0 ogid=0 mode=0600'), rec('IPC_SET_PERM', 'qbytes=0 ouid=1 ogid=1 mode=0644')],
    {
      'event.action': 'controlled-ipc-object',
      'auditd.data.ipc_mode': '0600',
      'auditd.data.ipc_set_perm_mode': '0644',
      'auditd.data.ouid': ['0', '1'],
    },
  ],
  [
    'several OBJ_PID records count, with hex-encoded names',
    [
      call(62),
      rec('OBJ_PID', 'opid=20 oauid=1000 ouid=0 oses=3 ocomm="a"'),
      rec('OBJ_PID', 'opid=21 oauid=1000 ouid=0 oses=3 ocomm=612062'),
    ],
    { 'auditd.data.opid': ['20', '21'], 'auditd.data.ocomm': ['a', 'a b'], 'auditd.summary.object.primary': '20' },
  ],
  [
    'FD_PAIR has both descriptors',
    [call(293), rec('FD_PAIR', 'fd0=3 fd1=4')],
    { 'auditd.data.fd0': '3', 'auditd.data.fd1': '4' },
  ],
  [
    'SOCKETCALL keeps its arguments apart from the call’s',
    [call(1), rec('SOCKETCALL', 'nargs=3 a0=2 a1=1 a2=0')],
    { 'auditd.data.a0': '3', 'auditd.data.socketcall_a0': '2', 'auditd.data.nargs': '3' },
  ],
  [
    'CRYPTO_SESSION has the peer as its source',
    [
      rec(
        'CRYPTO_SESSION',
        `${SENT} msg='op=start direction=from-server cipher=aes ksize=256 mac=x pfs=c spid=13 suid=74 rport=5000 laddr=10.0.0.1 lport=22 exe="/usr/sbin/sshd" hostname=? addr=10.1.1.1 terminal=? res=success'`,
      ),
    ],
    { 'event.action': 'started-crypto-session', 'source.ip': '10.1.1.1', 'auditd.data.cipher': 'aes' },
  ],
  [
    'VIRT_CONTROL names the machine',
    [rec('VIRT_CONTROL', `${SENT} msg='virt=kvm op=start reason=booted vm="web" uuid=aaaa vm-pid=50 ${ENDS}'`)],
    { 'event.action': 'controlled-vm', 'auditd.data.vm': 'web', 'auditd.data.vm_pid': '50' },
  ],
  [
    'SERVICE_STOP names the service',
    [rec('SERVICE_STOP', `${SENT} msg='unit=cron comm="systemd" ${ENDS}'`)],
    { 'event.action': 'stopped-service', 'event.type': ['end'], 'service.name': 'cron' },
  ],
  [
    'SYSTEM_BOOT is the host’s start',
    [rec('SYSTEM_BOOT', `${SENT} msg=' comm="systemd-update-utmp" ${ENDS}'`)],
    { 'event.action': 'booted-system', 'event.category': ['host'], 'event.type': ['start'] },
  ],
  [
    'DAEMON_START is auditd’s, without msg',
    [
      rec(
        'DAEMON_START',
        'op=start ver=3.0.9 format=enriched kernel=6.1 auid=4294967295 pid=500 uid=0 ses=4294967295 res=success',
      ),
    ],
    { 'event.action': 'started-audit', 'process.pid': 500, 'event.outcome': 'success', 'auditd.data.ver': '3.0.9' },
  ],
  [
    'USER_CMD decodes the command',
    [rec('USER_CMD', `${SENT} msg='cwd="/home/alice" cmd=636174202F6574632F736861646F77 ${ENDS}'`)],
    { 'event.action': 'ran-command', 'auditd.data.cmd': 'cat /etc/shadow', 'process.working_directory': '/home/alice' },
  ],
  [
    'USER_CHAUTHTOK is of a password where it says so',
    [rec('USER_CHAUTHTOK', `${SENT} msg='op=PAM:chauthtok acct="bob" ${ENDS}'`)],
    { 'event.action': 'changed-password', 'user.target.name': 'bob' },
  ],
  [
    'USER_CHAUTHTOK of usermod is a change of the account',
    [rec('USER_CHAUTHTOK', `${SENT} msg='op=adding user to group acct="bob" ${ENDS}'`)],
    { 'event.action': 'modified-user-account', 'event.category': ['iam'], 'user.target.name': 'bob' },
  ],
  [
    'MAC_TASK_CONTEXTS keeps every module’s label',
    [call(2), rec('MAC_TASK_CONTEXTS', 'subj_selinux=a:b:c:s0 subj_apparmor=unconfined')],
    { 'auditd.data.subj_selinux': 'a:b:c:s0', 'auditd.data.subj_apparmor': 'unconfined' },
  ],
  [
    'a type without a name keeps its number and its fields',
    [rec('UNKNOWN[1999]', 'foo=bar pid=12 uid=0')],
    { 'auditd.message_type': 'unknown[1999]', 'auditd.data.foo': 'bar', 'process.pid': 12 },
  ],
  [
    'a connect whose address did not come is flagged',
    [call(42)],
    { 'event.action': 'connected-to', 'vedette.incomplete': ['missing-address'] },
  ],
  ['several keys are several tags', [call(1).replace('key=(null)', 'key=6101620163')], { tags: ['a', 'b', 'c'] }],
  [
    'a failed call has the errno by name',
    [call(1, 'success=no exit=-13')],
    { 'event.outcome': 'failure', 'event.reason': 'EACCES', 'auditd.data.exit': 'EACCES', 'error.code': 'EACCES' },
  ],
];

describe('a record', () => {
  it.each(CASES)('%s', (_, lines, expected) => {
    const events = eventsOf(lines);
    expect(events).toHaveLength(1);
    const document = mapper.toDocument(events[0]!);
    const told = Object.fromEntries(Object.keys(expected).map((field) => [field, fieldOf(document, field)]));
    expect(told).toEqual(expected);
  });
});
