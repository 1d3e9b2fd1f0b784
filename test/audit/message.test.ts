// The sentence that people read of an event: who, what, by which program, and whether it worked.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createEcsMapper } from '../../audit/ecs.ts';
import type { HostKnowledge } from '../../audit/event.ts';
import { MESSAGE_CHARS_MAX } from '../../audit/message.ts';
import { eventOf, eventsOf, HOST, SAMPLE_NAMES, sampleLines } from './samples.ts';

const NAMES = new Map([
  [0, 'root'],
  [1000, 'alice'],
]);
const knowledge: HostKnowledge = {
  userName: (uid) => NAMES.get(uid),
  groupName: () => undefined,
  lineage: () => undefined,
};
const mapper = createEcsMapper(HOST, knowledge);
const messageOf = (...lines: readonly string[]): unknown => mapper.toDocument(eventOf(...lines))['message'];
const call = (syscall: number, parts = '', ids = 'auid=1000 uid=0') =>
  `type=SYSCALL msg=audit(1.000:1): arch=c000003e syscall=${syscall} success=yes exit=0 a0=0 a1=0 a2=0 a3=0 ${parts} items=0 ppid=10 pid=11 ${ids} gid=0 euid=0 suid=0 fsuid=0 egid=0 sgid=0 fsgid=0 tty=(none) ses=1 comm="cat" exe="/usr/bin/cat" key=(null)`;
const failed = (line: string) => line.replace('success=yes exit=0', 'success=no exit=-13');
const pam = (type: string, said: string, auid = '1000') =>
  `type=${type} msg=audit(1.000:1): pid=1 uid=0 auid=${auid} ses=1 msg='${said} exe="/usr/sbin/sshd" hostname=? addr=10.0.0.9 terminal=ssh res=success'`;

describe('the message', () => {
  it.each([
    [
      'names who logged in and as whom they acted',
      [
        failed(call(2)),
        'type=CWD msg=audit(1.000:1): cwd="/"',
        'type=PATH msg=audit(1.000:1): item=0 name="/etc/shadow" inode=5 dev=fe:00 mode=0100640 ouid=0 ogid=0 rdev=00:00 nametype=NORMAL',
      ],
      'alice as root opened file /etc/shadow using /usr/bin/cat: failed, EACCES',
    ],
    ['names one account once', [call(41, '', 'auid=0 uid=0')], 'root created socket using /usr/bin/cat'],
    [
      'names an account without a name by its number',
      [call(41, '', 'auid=4294967295 uid=4242')],
      'uid 4242 created socket using /usr/bin/cat',
    ],
    [
      'has an address and its port',
      [call(42), 'type=SOCKADDR msg=audit(1.000:1): saddr=0200115C7F0000010000000000000000'],
      'alice as root connected to 127.0.0.1 port 4444 using /usr/bin/cat',
    ],
    ['needs no object', [call(105)], 'alice as root changed identity using setuid'],
    [
      'of a login says where and from where',
      [pam('USER_LOGIN', 'op=login acct="alice"')],
      'alice logged in on ssh from 10.0.0.9 using /usr/sbin/sshd',
    ],
    [
      'of a changed account names it as the object',
      [pam('USER_CHAUTHTOK', 'op=PAM:chauthtok acct="bob"', '4294967295')],
      '/usr/sbin/sshd changed password of bob from 10.0.0.9',
    ],
    [
      'of an event without an actor says the system',
      ['type=NETFILTER_PKT msg=audit(1.000:1): mark=0x0 saddr=10.0.0.1 daddr=10.0.0.2 proto=6'],
      'system filtered packet from 10.0.0.1 to 10.0.0.2',
    ],
    [
      'of a group has the group last',
      [pam('ADD_GROUP', 'op=adding group acct="lab"')],
      'alice added group account lab from 10.0.0.9 using /usr/sbin/sshd',
    ],
  ])('%s', (_, lines, expected) => {
    expect(messageOf(...lines)).toBe(expected);
  });

  const alone = (type: string, text: string) => [`type=${type} msg=audit(1.000:1): ${text}`];
  const told = (type: string, said: string) => [
    `type=${type} msg=audit(1.000:1): pid=1 uid=0 auid=1000 ses=1 msg='${said} exe="/x" hostname=web1 addr=? terminal=? res=success'`,
  ];

  it.each([
    [alone('CONFIG_CHANGE', 'audit_enabled=1 old=0 by auid=500 res=1'), 'uid 500 set audit_enabled to 1, was 0'],
    [alone('CONFIG_CHANGE', 'auid=0 ses=1 op="add rule" key="k" list=4 res=1'), 'root added audit rule with key k'],
    [
      alone('CONFIG_CHANGE', 'op=updated_rules path="/etc/shadow" key="k" list=4 res=1'),
      'system updated audit rules of /etc/shadow with key k',
    ],
    [alone('CONFIG_CHANGE', 'auid=0 ses=1 op=trim res=1'), 'root changed audit configuration trim'],
    [
      alone('NETFILTER_CFG', 'table=fw:3 family=1 entries=2 op=nft_unregister_chain pid=9 comm="nft"'),
      'nft removed firewall chain in fw:3',
    ],
    [
      alone('NETFILTER_CFG', 'table=filter family=2 entries=2 op=replace pid=9 comm="iptables"'),
      'iptables replaced firewall table filter',
    ],
    [alone('NETFILTER_CFG', 'table=filter family=2 entries=4'), 'system loaded firewall rule to filter'],
    [alone('BPF', 'prog-id=12 op=UNLOAD'), 'system unloaded bpf program 12'],
    [alone('MAC_STATUS', 'enforcing=0 old_enforcing=1 auid=1000 ses=2'), 'alice set mac enforcement to 0, was 1'],
    [alone('FANOTIFY', 'resp=2'), 'system denied file access: failed'],
    [alone('DAEMON_END', 'op=terminate auid=0 uid=0 ses=1 pid=1 res=success'), 'root shut down audit'],
    [alone('DAEMON_ERR', 'op=hangup auid=? pid=1 res=failed'), 'system met an audit error hangup: failed'],
    [
      alone(
        'AVC',
        'avc:  granted  { setenforce } for  pid=4 comm="x" scontext=a:b:c:s0 tcontext=a:b:d:s0 tclass=security',
      ),
      'x was allowed by selinux policy to setenforce',
    ],
    [
      alone('AVC', 'avc:  denied  { read write } for  pid=4 comm="x" name="shadow" tclass=file'),
      'x violated selinux policy to read write on shadow: failed',
    ],
    [
      alone('AVC', 'apparmor="DENIED" operation="open" profile="p" name="/etc/shadow" pid=4 comm="x"'),
      'x violated apparmor policy of p by open on /etc/shadow: failed',
    ],
    [
      alone('ANOM_ABEND', 'auid=1000 uid=1000 gid=1000 ses=1 pid=4 comm="x" sig=11'),
      'alice crashed program x by SIGSEGV',
    ],
    [
      told('CRYPTO_KEY_USER', 'op=destroy kind=server fp=SHA256:aa spid=5'),
      'alice as root destroyed crypto key SHA256:aa using /x',
    ],
    [told('VIRT_CONTROL', 'virt=kvm op=stop reason=shutdown vm="web"'), 'alice as root stopped vm web using /x'],
    [told('USER_MGMT', 'op=add-user-to-group grp="wheel" acct="bob"'), 'alice added bob to group wheel using /x'],
    [
      told('USER_MGMT', 'op=delete-user-from-group grp="wheel" acct="bob"'),
      'alice removed bob from group wheel using /x',
    ],
    [told('ADD_USER', 'op=add-user id=1001'), 'alice added user account 1001 using /x'],
    [
      told('USER_ROLE_CHANGE', 'pam: default-context=a:b:c selected-context=a:b:d'),
      'alice changed role to a:b:d using /x',
    ],
    [told('USER', 'text=hello'), 'alice as root sent message using /x'],
    [
      told('USYS_CONFIG', 'op=changing system time'),
      'alice as root changed system configuration: changing system time using /x',
    ],
  ])('says what was done where the action in words would not: %j', (lines, expected) => {
    expect(messageOf(...lines)).toBe(expected);
  });

  const kill = (pid: string, signal: string) => call(62).replace('a0=0 a1=0', `a0=${pid} a1=${signal}`);

  it.each([
    [kill('5', '9'), 'sent SIGKILL to pid 5'],
    [kill('5', '0'), 'looked for pid 5'],
    [kill('ffffffff', 'f'), 'sent SIGTERM to all processes'],
    [kill('fffffff0', '1'), 'sent SIGHUP to process group 16'],
    [kill('0', '22'), 'sent signal 34 to process group'],
  ])('of a signal says which, and to whom: %#', (line, expected) => {
    expect(messageOf(line)).toBe(`alice as root ${expected} using /usr/bin/cat`);
  });

  it('is one line of bounded length, whatever stands in names', () => {
    const path = fc
      .uint8Array({ minLength: 1, maxLength: 3000 })
      .map((bytes) => Buffer.from(bytes).toString('hex').toUpperCase());
    fc.assert(
      fc.property(path, (name) => {
        const message = messageOf(call(2), `type=PATH msg=audit(1.000:1): item=0 name=${name} nametype=NORMAL`);
        expect(typeof message).toBe('string');
        expect(String(message).length).toBeLessThanOrEqual(MESSAGE_CHARS_MAX);
        expect(String(message)).not.toMatch(/[\p{Cc}\p{Cf}]/u);
      }),
      { numRuns: 300 },
    );
  });

  it.each(SAMPLE_NAMES)('is there for every event of %s', (name) => {
    for (const event of eventsOf(sampleLines(name))) {
      expect(String(mapper.toDocument(event)['message'])).toMatch(/^\S.* \S/);
    }
  });
});
