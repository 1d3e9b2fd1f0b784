import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { textOfHex, textOfLatin1 } from '../../audit/bytes.ts';
import { enrichmentOf, FIELDS_MAX, fieldsOf } from '../../audit/fields.ts';
import { parseLine } from '../../audit/record.ts';

const fields = (type: string, text: string) => fieldsOf(parseLine(`type=${type} msg=audit(1.000:1): ${text}`)!);
const kernel = (type: string, text: string) => Object.fromEntries(fields(type, text).kernel);
const user = (type: string, text: string) => Object.fromEntries(fields(type, text).user);

describe('values', () => {
  it('are decoded by the field’s name, not by their look', () => {
    expect(kernel('PATH', 'name=3005 inode=3005 dev=08:01')).toEqual({ name: '0\x05', inode: '3005', dev: '08:01' });
    expect(kernel('EXECVE', 'argc=2 a0="3005" a1=3005')).toEqual({ argc: '2', a0: '3005', a1: '0\x05' });
    expect(kernel('SYSCALL', 'a0=3005')).toEqual({ a0: '3005' });
  });

  it('of comm are decoded (defect of go-libaudit)', () => {
    expect(kernel('SYSCALL', 'comm=6D7920746F6F6C exe="/bin/x"')).toMatchObject({ comm: 'my tool' });
  });

  it('old= and new= are numbers where the kernel writes numbers', () => {
    expect(kernel('CONFIG_CHANGE', 'audit_backlog_limit=64 old=8192 res=1')).toMatchObject({ old: '8192' });
    expect(kernel('TIME_ADJNTPVAL', 'op=status old=8257 new=64')).toMatchObject({ old: '8257', new: '64' });
  });

  it('that look like null but are quoted are text', () => {
    expect(kernel('EXECVE', 'a0="(null)"')).toEqual({ a0: '(null)' });
  });

  it('that are not UTF-8 are kept reversibly', () => {
    expect(textOfHex('61FF25')).toBe('a%FF%25');
    expect(textOfHex('C3A925')).toBe('é%');
    expect(textOfHex('EDA080')).toBe('%ED%A0%80');
    expect(textOfHex('610062')).toBe('a%00b');
    expect(textOfLatin1('caf\xc3\xa9')).toBe('café');
  });

  it('percent-decode to the very bytes, whatever they are', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        const text = textOfHex(Buffer.from(bytes).toString('hex').toUpperCase());
        const encoded = text
          .split(/(%[0-9A-F]{2})/)
          .map((part, index) => Buffer.from(index % 2 === 1 ? part.slice(1) : part, index % 2 === 1 ? 'hex' : 'utf8'));
        const readings = [Buffer.from(text, 'utf8'), Buffer.concat(encoded)];
        expect(readings.some((reading) => reading.equals(Buffer.from(bytes)))).toBe(true);
      }),
    );
  });
});

describe('records of user space', () => {
  it('keep the kernel’s fields apart from what a program wrote', () => {
    const { kernel: outer, user: inner } = fields(
      'USER',
      `pid=1 uid=1000 auid=1000 ses=1 msg='text=uid=0 op=fake key="v" exe="/usr/sbin/auditctl" res=success'`,
    );
    expect(outer.get('uid')).toBe('1000');
    expect(inner.get('uid')).toBeUndefined();
    expect(Object.fromEntries(inner)).toMatchObject({ text: 'uid=0', op: 'fake', exe: '/usr/sbin/auditctl' });
  });

  it('may say things twice: what libaudit appends counts', () => {
    expect(user('USER', `pid=1 msg='exe="/fake" res=failed exe="/usr/sbin/auditctl" res=success'`)).toMatchObject({
      exe: '/usr/sbin/auditctl',
      res: 'success',
    });
  });

  it('may hold spaces in values', () => {
    expect(user('ADD_USER', `pid=1 msg='op=adding home directory id=4243 exe="/usr/sbin/useradd"'`)).toMatchObject({
      op: 'adding home directory',
      id: '4243',
    });
  });

  it('of old systems are read', () => {
    const text = `user pid=13015 uid=0 auid=4294967295 subj=system_u:system_r:crond_t:s0 msg='PAM: session open acct=root : exe="/usr/sbin/crond" (hostname=?, addr=?, terminal=cron res=success)'`;
    expect(kernel('USER_START', text)).toMatchObject({ pid: '13015', uid: '0' });
    expect(user('USER_START', text)).toMatchObject({
      op: 'PAM: session open',
      acct: 'root',
      hostname: '?',
      terminal: 'cron',
      res: 'success',
    });
    expect(kernel('LOGIN', 'login pid=13015 uid=0 old auid=4294967295 new auid=0')).toEqual({
      pid: '13015',
      uid: '0',
      'old-auid': '4294967295',
      'new-auid': '0',
    });
  });

  it('decode an account that is hex-encoded and never add words to it', () => {
    expect(
      user('USER_LOGIN', `pid=1 msg='op=login acct=28696E76616C6964207573657229 (x) exe="/usr/sbin/sshd"'`),
    ).toMatchObject({
      acct: '(invalid user)',
    });
  });
});

describe('enriched records', () => {
  const tail = 'ARCH=x86_64 SYSCALL=openat AUID="unset" UID="root"';

  it.each(['\x1d', ''])('end where the interpretations begin, with the marker %j (defect of go-libaudit)', (marker) => {
    expect(kernel('SYSCALL', `syscall=257 key=(null)${marker}${tail}`)).toEqual({ syscall: '257', key: '(null)' });
    expect(kernel('SYSCALL', `syscall=257 key="web"${marker}${tail}`)).toEqual({ syscall: '257', key: 'web' });
    expect(kernel('SYSCALL', `syscall=257 key=6B2031${marker}${tail}`)).toEqual({ syscall: '257', key: 'k 1' });
    expect(kernel('SOCKADDR', `saddr=020035${marker}SADDR={ saddr_fam=inet laddr=1.2.3.4 lport=53 }`)).toEqual({
      saddr: '020035',
    });
  });

  it.each(['\x1d', ''])('name ids, with the marker %j', (marker) => {
    const record = parseLine(
      `type=USER_LOGIN msg=audit(1.000:1): pid=1 uid=0 msg='op=login UID="fake" res=success'${marker}UID="root" AUID="alice"`,
    )!;
    expect(Object.fromEntries(enrichmentOf(record))).toEqual({ UID: 'root', AUID: 'alice' });
  });
});

describe('AVC', () => {
  it('of SELinux gives result and permissions', () => {
    expect(
      kernel(
        'AVC',
        'avc:  denied  { read write } for  pid=13010 comm="pickup" name="maildrop" dev=hda7 ino=1 tclass=dir',
      ),
    ).toMatchObject({
      seresult: 'denied',
      seperms: 'read write',
      comm: 'pickup',
      name: 'maildrop',
      tclass: 'dir',
    });
  });

  it('of AppArmor is key=value', () => {
    expect(
      kernel('AVC', 'apparmor="DENIED" operation="open" profile="/usr/bin/x" name="/etc/shadow" pid=5'),
    ).toMatchObject({
      apparmor: 'DENIED',
      name: '/etc/shadow',
    });
  });
});

describe('bounds', () => {
  it('a record has at most so many fields', () => {
    const text = Array.from({ length: FIELDS_MAX + 100 }, (_, index) => `f${index}=1`).join(' ');
    expect(fields('USER_CMD', text).kernel.size).toBe(FIELDS_MAX);
  });

  it('a long record of odd words is read in time', () => {
    const before = process.cpuUsage().user;
    kernel('SYSCALL', 'a '.repeat(32_000));
    user('USER', `pid=1 msg='${'x '.repeat(32_000)}`);
    kernel('SYSCALL', 'a="'.repeat(20_000));
    expect((process.cpuUsage().user - before) / 1e6).toBeLessThan(2);
  });
});
