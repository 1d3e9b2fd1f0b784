// The same record as distributions of different years write it (RHEL 5 to 9, Ubuntu, SLES, Amazon Linux): what was said otherwise
// means the same. One table, therefore long.
import { describe, expect, it } from 'vitest';
import { createEcsMapper } from '../../audit/ecs.ts';
import type { HostKnowledge } from '../../audit/event.ts';
import { fieldOf } from '../../event/document.ts';
import { eventsOf, HOST } from './samples.ts';

const USERS = new Map([
  [0, 'root'],
  [1000, 'alice'],
]);
const knowledge: HostKnowledge = {
  userName: (uid) => USERS.get(uid),
  groupName: (gid) => USERS.get(gid),
  lineage: () => undefined,
};
const mapper = createEcsMapper(HOST, knowledge);
const rec = (type: string, text: string) => `type=${type} msg=audit(1.000:1): ${text}`;
const told = (type: string, said: string, ids = 'pid=9 uid=0 auid=1000 ses=3') =>
  rec(type, `${ids} msg='${said} exe="/x" hostname=? addr=? terminal=? res=success'`);
const PEER = 'hostname=10.0.0.9 addr=10.0.0.9';

type Case = readonly [claim: string, line: string, expected: Readonly<Record<string, unknown>>];

const CASES: readonly Case[] = [
  [
    'RHEL 5 says `by auid=`',
    rec('CONFIG_CHANGE', 'audit_enabled=1 old=0 by auid=1000 subj=kernel res=1'),
    {
      'user.audit.name': 'alice',
      'auditd.data.audit_enabled': '1',
      'auditd.data.old': '0',
      'event.outcome': 'success',
    },
  ],
  [
    'RHEL 6 quotes the operation of a rule',
    rec('CONFIG_CHANGE', 'auid=0 ses=1 op="add rule" key="passwd" list=4 res=1'),
    { 'auditd.data.op': 'add rule', 'auditd.data.key': 'passwd', tags: undefined, 'auditd.data.list': '4' },
  ],
  [
    'RHEL 5 writes a login as words, with the account as a uid',
    rec(
      'USER_LOGIN',
      `user pid=2034 uid=0 auid=1000 msg='uid=1000: exe="/usr/sbin/sshd" (${PEER.replace(' ', ', ')}, terminal=/dev/pts/0 res=success)'`,
    ),
    {
      'process.pid': 2034,
      'process.executable': '/usr/sbin/sshd',
      'user.name': 'alice',
      'user.effective': undefined,
      'source.ip': '10.0.0.9',
      'event.outcome': 'success',
      'auditd.data.terminal': '/dev/pts/0',
      'auditd.data.uid': '1000',
    },
  ],
  [
    'RHEL 5 writes PAM’s call before the account',
    rec(
      'USER_CHAUTHTOK',
      `user pid=4 uid=0 auid=500 ses=1 msg='PAM: chauthtok acct="bob" : exe="/usr/bin/passwd" (hostname=?, addr=?, terminal=pts/0 res=success)'`,
    ),
    { 'user.id': '500', 'user.target.name': 'bob', 'user.effective.name': 'root', 'event.action': 'changed-password' },
  ],
  [
    'LOGIN of RHEL 5 has no sessions',
    rec('LOGIN', 'login pid=3002 uid=0 old auid=4294967295 new auid=1000'),
    { 'user.name': 'alice', 'user.effective.name': 'root', 'process.pid': 3002 },
  ],
  [
    'LOGIN of RHEL 6 has old and new ones',
    rec('LOGIN', 'pid=3002 uid=0 old auid=4294967295 new auid=1000 old ses=4294967295 new ses=8 res=1'),
    { 'user.name': 'alice', 'auditd.session': '8', 'event.outcome': 'success' },
  ],
  [
    'LOGIN of RHEL 8 has them with a hyphen',
    rec('LOGIN', 'pid=3002 uid=0 subj=a old-auid=4294967295 auid=1000 tty=(none) old-ses=4294967295 ses=9 res=1'),
    { 'user.name': 'alice', 'auditd.session': '9', 'user.effective.name': 'root' },
  ],
  [
    'sudo of RHEL 6 writes no exe, and the command in hex',
    rec(
      'USER_CMD',
      `user pid=4 uid=1000 auid=1000 ses=1 msg='cwd="/home/alice" cmd=636174202F6574632F736861646F77 terminal=pts/0 res=success'`,
    ),
    { 'auditd.data.cmd': 'cat /etc/shadow', 'process.working_directory': '/home/alice', 'user.name': 'alice' },
  ],
  [
    'pam_faillock names the account by its uid',
    told('RESP_ACCT_LOCK', 'pam_faillock uid=1000 '),
    {
      'event.action': 'locked-account',
      'user.effective.name': 'root',
      'user.target.name': 'alice',
      'user.name': 'alice',
    },
  ],
  [
    'ANOM_LOGIN_FAILURES too',
    told('ANOM_LOGIN_FAILURES', 'pam_faillock uid=1000 ', 'pid=9 uid=0 auid=4294967295 ses=4294967295'),
    { 'user.effective.name': 'alice', 'user.id': undefined },
  ],
  [
    'a member put into a group is the account changed, and the group is told',
    told('USER_MGMT', 'op=add-user-to-group grp="wheel" acct="bob"'),
    { 'group.name': 'wheel', 'user.target.name': 'bob', 'event.category': ['iam'] },
  ],
  [
    'a group that is written as its own account is no user',
    told('GRP_MGMT', 'op=add-shadow-group grp="lab" acct="lab"'),
    { 'group.name': 'lab', 'user.target': undefined, 'related.user': ['alice', 'root'] },
  ],
  [
    'software that goes is no installation',
    told('SOFTWARE_UPDATE', 'op=remove sw="nginx-1.20-1.x86_64" sw_type=rpm key_enforce=0 gpg_res=1 root_dir="/"'),
    { 'event.action': 'removed-software', 'event.type': ['deletion'], 'event.category': ['package'] },
  ],
  [
    'software that comes is one',
    told('SOFTWARE_UPDATE', 'op=install sw="nginx-1.20-1.x86_64" sw_type=rpm key_enforce=0 gpg_res=1 root_dir="/"'),
    { 'event.action': 'installed-software', 'event.type': ['installation'], 'auditd.data.sw': 'nginx-1.20-1.x86_64' },
  ],
  [
    'a session of sshd has both ends, with ports',
    rec(
      'CRYPTO_SESSION',
      `pid=5 uid=0 auid=4294967295 ses=4294967295 msg='op=start direction=from-server cipher=aes256-gcm@openssh.com ksize=256 mac=<implicit> pfs=curve25519-sha256 spid=6 suid=74 rport=50000 laddr=10.0.0.1 lport=22  exe="/usr/sbin/sshd" hostname=? addr=10.0.0.9 terminal=? res=success'`,
    ),
    {
      'source.ip': '10.0.0.9',
      'source.port': 50000,
      'destination.ip': '10.0.0.1',
      'destination.port': 22,
      'related.ip': ['10.0.0.9', '10.0.0.1'],
      'auditd.data.mac': '<implicit>',
    },
  ],
  [
    'a remote auditd has its port',
    rec('DAEMON_ACCEPT', 'op=queue_event addr=10.0.0.9 port=60 res=success'),
    { 'source.ip': '10.0.0.9', 'source.port': 60, 'network.direction': 'ingress', 'event.outcome': 'success' },
  ],
  [
    'auditd of RHEL 5 starts with words',
    rec('DAEMON_START', 'auditd start, ver=1.7.13 format=raw kernel=2.6.18 auid=4294967295 pid=20 res=success'),
    { 'event.action': 'started-audit', 'auditd.data.ver': '1.7.13', 'process.pid': 20, 'user.audit': undefined },
  ],
  [
    'auditd does not know who sent a signal: `auid=?`',
    rec('DAEMON_ERR', 'op=hangup-config auid=? pid=1 res=failed'),
    { 'user.audit': undefined, 'auditd.summary.actor.primary': 'unset', 'event.outcome': 'failure' },
  ],
  [
    'an access that SELinux lets pass violates nothing',
    rec(
      'AVC',
      'avc:  granted  { setenforce } for  pid=4 comm="setenforce" scontext=a:b:c:s0 tcontext=a:b:d:s0 tclass=security',
    ),
    { 'event.action': 'allowed-by-selinux-policy', 'event.outcome': 'success', 'auditd.data.seperms': 'setenforce' },
  ],
  [
    'a denial of no permission is one all the same',
    rec('AVC', 'avc:  denied  null for  pid=4 comm="x" scontext=a:b:c:s0 tcontext=a:b:d:s0 tclass=file'),
    { 'event.action': 'violated-selinux-policy', 'event.outcome': 'failure', 'process.pid': 4 },
  ],
  [
    'an invalid context of old kernels is kept',
    rec(
      'SELINUX_ERR',
      'security_compute_sid:  invalid context u:r:x_t:s0 for scontext=a:b:c:s0 tcontext=a:b:d:s0 tclass=process',
    ),
    {
      'auditd.data.op': 'security_compute_sid',
      'auditd.data.invalid_context': 'u:r:x_t:s0',
      'auditd.data.scontext': 'a:b:c:s0',
      'auditd.data.tclass': 'process',
    },
  ],
  [
    'a refused transition of old kernels is a failure',
    rec(
      'SELINUX_ERR',
      'security_validate_transition:  denied for oldcontext=a newcontext=b taskcontext=c tclass=process',
    ),
    { 'event.outcome': 'failure', 'auditd.data.op': 'security_validate_transition', 'auditd.data.oldcontext': 'a' },
  ],
  [
    'AppArmor says why, with spaces',
    rec(
      'AVC',
      'apparmor="DENIED" operation="mount" info="failed flags match" error=-13 profile="docker-default" name="/proc/" pid=4 comm="mount" flags="rw, bind"',
    ),
    {
      'auditd.data.info': 'failed flags match',
      'auditd.data.flags': 'rw, bind',
      'auditd.data.error': '-13',
      'event.outcome': 'failure',
    },
  ],
  [
    'what AppArmor only complains of was let pass',
    rec(
      'AVC',
      'apparmor="ALLOWED" operation="open" profile="p" name="/x" pid=4 comm="x" requested_mask="r" denied_mask="r" fsuid=0 ouid=0',
    ),
    { 'event.action': 'violated-apparmor-policy', 'event.outcome': 'success', 'file.path': '/x' },
  ],
  [
    'fanotify refused',
    rec('FANOTIFY', 'resp=2 fan_type=1 fan_info=3137 subj_trust=3 obj_trust=5'),
    { 'event.outcome': 'failure', 'auditd.data.resp': 'FAN_DENY', 'auditd.data.fan_info': '3137' },
  ],
  ['fanotify allowed', rec('FANOTIFY', 'resp=1'), { 'event.outcome': 'success', 'auditd.data.resp': 'FAN_ALLOW' }],
  [
    'usbguard’s rule is text, also in hex',
    told('USER_DEVICE', 'op=inserted-device device="/devices/usb1" device_rule=626C6F636B20696420313A32 target=block'),
    { 'auditd.data.device_rule': 'block id 1:2', 'auditd.data.device': '/devices/usb1' },
  ],
  [
    'what libvirt names may have spaces',
    told(
      'VIRT_CONTROL',
      'virt=kvm op=start reason=booted vm="web vm" uuid=c0ffee00-0000-0000-0000-000000000001 vm-pid=4',
    ),
    { 'auditd.summary.object.primary': 'web vm', 'auditd.data.vm_pid': '4', 'auditd.data.reason': 'booted' },
  ],
  [
    'a firewall before 5.7 tells neither who nor what',
    rec('NETFILTER_CFG', 'table=filter family=2 entries=4'),
    { 'event.action': 'loaded-firewall-rule-to', 'process.pid': undefined, 'auditd.data.table': 'filter' },
  ],
  [
    'TTY of RHEL 5 begins with a word',
    rec('TTY', 'tty pid=4 uid=0 auid=1000 major=136 minor=0 comm="bash" data=6C730D'),
    { 'auditd.data.data': 'ls\r', 'user.audit.name': 'alice', 'process.name': 'bash' },
  ],
  [
    'a crash of RHEL 7 has a reason',
    rec(
      'ANOM_ABEND',
      'auid=4294967295 uid=48 gid=48 ses=4294967295 pid=4 comm="httpd" reason="memory violation" sig=11',
    ),
    {
      'auditd.data.reason': 'memory violation',
      'auditd.data.sig': 'SIGSEGV',
      'user.id': '48',
      'process.name': 'httpd',
    },
  ],
  [
    'a service of Upstart is named by comm alone',
    rec(
      'SERVICE_STOP',
      `pid=1 uid=0 auid=4294967295 ses=4294967295 msg=' comm="sshd" exe="/sbin/init" hostname=? addr=? terminal=? res=success'`,
    ),
    { 'event.action': 'stopped-service', 'service.name': 'sshd', 'auditd.summary.object.primary': 'sshd' },
  ],
  [
    'an account as long as it may be, with odd bytes, is decoded',
    told('USER_AUTH', `op=PAM:authentication acct=${'C3A9'.repeat(128)}`),
    { 'auditd.data.acct': 'é'.repeat(128), 'auditd.data.op': 'PAM:authentication' },
  ],
  [
    'an IPv6 peer is one',
    rec(
      'USER_ACCT',
      `pid=5 uid=0 auid=4294967295 ses=4294967295 msg='op=PAM:accounting grantors=pam_unix acct="alice" exe="/usr/sbin/sshd" hostname=2001:db8::9 addr=2001:db8::9 terminal=ssh res=success'`,
    ),
    { 'source.ip': '2001:db8::9', 'related.ip': ['2001:db8::9'], 'user.effective.name': 'alice' },
  ],
];

describe('a record of another distribution', () => {
  it.each(CASES)('%s', (_, line, expected) => {
    const events = eventsOf([line]);
    expect(events).toHaveLength(1);
    const document = mapper.toDocument(events[0]!);
    const found = Object.fromEntries(Object.keys(expected).map((field) => [field, fieldOf(document, field)]));
    expect(found).toEqual(expected);
  });
});
