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
      'system packet filtered 10.0.0.2',
    ],
  ])('%s', (_, lines, expected) => {
    expect(messageOf(...lines)).toBe(expected);
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
