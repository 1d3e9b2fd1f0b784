// What is known of audit records and of the schema that users query, one claim a case, where no other test of this room is named
// after it: values, arguments, paths, who acted, addresses. One table, therefore long.
import { describe, expect, it } from 'vitest';
import { createEcsMapper } from '../../audit/ecs.ts';
import type { HostKnowledge } from '../../audit/event.ts';
import { createReassembler } from '../../audit/reassembler.ts';
import { fieldOf } from '../../event/document.ts';
import { eventOf, eventsOf, HOST, recordsOf } from './samples.ts';

const NAMES = new Map([
  [0, 'root'],
  [33, 'www-data'],
  [1000, 'alice'],
]);
const knowledge: HostKnowledge = {
  userName: (uid) => NAMES.get(uid),
  groupName: (gid) => NAMES.get(gid),
  lineage: () => undefined,
};
const mapper = createEcsMapper(HOST, knowledge);
const rec = (type: string, text: string) => `type=${type} msg=audit(1.000:1): ${text}`;

interface Call {
  readonly arch?: string;
  readonly result?: string;
  readonly args?: string;
  readonly ids?: string;
  readonly rest?: string;
  readonly items?: number;
}
const IDS = 'auid=1000 uid=0 gid=0 euid=0 suid=0 fsuid=0 egid=0 sgid=0 fsgid=0';
const call = (number: number, of: Call = {}) => {
  const { arch = 'c000003e', result = 'success=yes exit=0', args = 'a0=3 a1=0 a2=0 a3=0', ids = IDS, items = 0 } = of;
  const rest = of.rest ?? 'comm="x" exe="/bin/x" key=(null)';
  return rec(
    'SYSCALL',
    `arch=${arch} syscall=${number} ${result} ${args} items=${items} ppid=10 pid=11 ${ids} tty=pts0 ses=3 ${rest}`,
  );
};
const path = (item: number, name: string, nametype: string, mode = '0100644') =>
  rec(
    'PATH',
    `item=${item} name="${name}" inode=${item + 5} dev=fe:00 mode=${mode} ouid=0 ogid=0 rdev=00:00 nametype=${nametype}`,
  );
const CWD = rec('CWD', 'cwd="/srv"');
const PEER = rec('SOCKADDR', 'saddr=0200115C0A0000090000000000000000');
const UNIX = rec('SOCKADDR', `saddr=0100${Buffer.from('/run/x.sock').toString('hex').toUpperCase()}00`);
const pam = (type: string, said: string, auid = '1000') =>
  rec(type, `pid=9 uid=0 auid=${auid} ses=3 msg='${said} exe="/x" hostname=? addr=10.0.0.9 terminal=ssh res=success'`);

type Case = readonly [claim: string, lines: readonly string[], expected: Readonly<Record<string, unknown>>];

const VALUES: readonly Case[] = [
  [
    'an argument is hexadecimal where it is bare, literal where it is quoted, whatever it looks like',
    [call(59), rec('EXECVE', 'argc=3 a0=3005 a1="3005" a2="DEADBEEF"'), CWD],
    { 'process.args': ['0\x05', '3005', 'DEADBEEF'], 'process.args_count': 3 },
  ],
  [
    'the title is never the source of arguments: it is cut at 128 bytes',
    [
      call(59),
      rec('EXECVE', `argc=2 a0="x" a1="${'y'.repeat(300)}"`),
      CWD,
      rec('PROCTITLE', `proctitle=7800${'79'.repeat(126)}`),
    ],
    { 'process.args': ['x', 'y'.repeat(300)], 'process.title': `x ${'y'.repeat(126)}` },
  ],
  [
    'without EXECVE there are no arguments, though there is a title',
    [call(59), CWD, rec('PROCTITLE', 'proctitle=6C73002D6C')],
    { 'process.args': undefined, 'process.title': 'ls -l', 'vedette.incomplete': ['missing-execve'] },
  ],
  ['key=(null) is none', [call(39)], { tags: undefined, 'auditd.data.key': undefined }],
  [
    'several keys are joined by 0x01',
    [call(39, { rest: 'comm="x" exe="/bin/x" key=776562017368656C6C' })],
    { tags: ['web', 'shell'] },
  ],
  [
    'comm may hold any byte, and as many as fit',
    [call(39, { rest: `comm=${'20'.repeat(15)} exe=2F746D702F6120FF key=(null)` })],
    { 'process.name': ' '.repeat(15), 'process.executable': '/tmp/a %FF' },
  ],
  [
    'ids that are unset, as 4294967295 or -1, are left out',
    [call(39, { ids: 'auid=-1 uid=0 gid=0 euid=0 suid=4294967295 fsuid=-1 egid=0 sgid=-1 fsgid=4294967295' })],
    { 'user.audit': undefined, 'user.saved': undefined, 'user.filesystem': undefined, 'user.id': '0' },
  ],
  [
    'the interpretations of an address hold spaces, and are none of its fields',
    [
      call(42),
      rec('SOCKADDR', 'saddr=0200115C0A0000090000000000000000\x1dSADDR={ saddr_fam=inet laddr=9.9.9.9 lport=1 }'),
    ],
    { 'destination.ip': '10.0.0.9', 'auditd.data.laddr': undefined, 'auditd.data.SADDR': undefined },
  ],
  [
    'also where the separator was lost',
    [call(42), rec('SOCKADDR', 'saddr=0200115C0A0000090000000000000000SADDR={ saddr_fam=inet laddr=9.9.9.9 lport=1 }')],
    { 'destination.ip': '10.0.0.9', 'destination.port': 4444, 'auditd.data.laddr': undefined },
  ],
  [
    'a call of i386 has numbers of its own',
    [call(11, { arch: '40000003' }), rec('EXECVE', 'argc=1 a0="x"')],
    { 'event.action': 'executed', 'auditd.data.arch': 'i386', 'auditd.data.syscall': 'execve' },
  ],
  [
    'socketcall of i386 is the call that it carries',
    [call(102, { arch: '40000003' }), rec('SOCKETCALL', 'nargs=3 a0=3 a1=bffff010 a2=10'), PEER],
    { 'event.action': 'connected-to', 'destination.ip': '10.0.0.9', 'auditd.data.command': 'connect' },
  ],
  [
    'one without its address is flagged as connect is',
    [call(102, { arch: '40000003' }), rec('SOCKETCALL', 'nargs=3 a0=3 a1=bffff010 a2=10')],
    { 'vedette.incomplete': ['missing-address'] },
  ],
  [
    'flags of open have other bits on aarch64',
    [call(56, { arch: 'c00000b7', args: 'a0=ffffffffffffff9c a1=7f a2=84000 a3=0' }), CWD],
    { 'auditd.data.open_flags': ['O_RDONLY', 'O_CLOEXEC', 'O_DIRECTORY'] },
  ],
];

const PATHS: readonly Case[] = [
  [
    'a relative path is made absolute by the current directory',
    [call(2, { args: 'a0=7f a1=0 a2=0 a3=0', items: 1 }), CWD, path(0, '../etc/./passwd', 'NORMAL')],
    { 'file.path': '/etc/passwd', 'file.directory': '/etc', 'file.name': 'passwd' },
  ],
  [
    'one relative to a descriptor is not',
    [call(257, { args: 'a0=7 a1=7f a2=0 a3=0', items: 1 }), CWD, path(0, 'passwd', 'NORMAL')],
    { 'file.path': undefined, 'file.name': 'passwd', 'auditd.data.unresolved_path': 'passwd' },
  ],
  [
    'the file is the one made, not its directory',
    [
      call(2, { args: 'a0=7f a1=41 a2=1b6 a3=0', items: 2 }),
      CWD,
      path(0, '/srv', 'PARENT'),
      path(1, 'x.tar.gz', 'CREATE'),
    ],
    { 'file.path': '/srv/x.tar.gz', 'file.extension': 'gz', 'event.type': ['creation'], 'file.inode': '6' },
  ],
  [
    'a mode has four digits, with SUID, SGID and sticky',
    [call(90, { args: 'a0=7f a1=1ed a2=0 a3=0', items: 1 }), CWD, path(0, '/tmp', 'NORMAL', '041777')],
    { 'file.mode': '1777', 'file.type': 'dir', 'auditd.data.mode': '0755' },
  ],
  [
    'a rename has both names, relative ones too',
    [
      call(82, { items: 4 }),
      CWD,
      path(0, '/srv', 'PARENT'),
      path(1, '/srv', 'PARENT'),
      path(2, 'old', 'DELETE'),
      path(3, 'new', 'CREATE'),
    ],
    { 'file.path': '/srv/new', 'file.Ext.original.path': '/srv/old', 'event.type': ['change'] },
  ],
];

const WHO: readonly Case[] = [
  [
    'each id has its place, and names stand in related.user',
    [call(39, { ids: 'auid=1000 uid=33 gid=33 euid=0 suid=33 fsuid=0 egid=33 sgid=33 fsgid=33' })],
    {
      'user.id': '33',
      'user.name': 'www-data',
      'user.group.id': '33',
      'user.group.name': 'www-data',
      'user.effective.id': '0',
      'user.effective.name': 'root',
      'user.audit.name': 'alice',
      'user.saved.id': '33',
      'user.filesystem.id': '0',
      'related.user': ['alice', 'root', 'www-data'],
    },
  ],
  ['an effective id that is the same is not repeated', [call(39)], { 'user.effective': undefined, 'user.id': '0' }],
  [
    'of PAM the user is who logged in, and the account is the effective one',
    [pam('USER_START', 'op=PAM:session_open acct="root"')],
    { 'user.name': 'alice', 'user.effective.name': 'root', 'event.category': ['session'], 'event.type': ['start'] },
  ],
  [
    'of a new password the account is the target',
    [pam('USER_CHAUTHTOK', 'op=PAM:chauthtok acct="www-data"')],
    { 'user.name': 'alice', 'user.target.name': 'www-data' },
  ],
];

const ADDRESSES: readonly Case[] = [
  ...(
    [
      ['connect', 42],
      ['sendto', 44],
      ['sendmsg', 46],
    ] as const
  ).map(
    ([name, number]): Case => [
      `${name} goes out`,
      [call(number), PEER],
      {
        'network.direction': 'egress',
        'destination.ip': '10.0.0.9',
        'destination.port': 4444,
        'network.type': 'ipv4',
        source: undefined,
        'related.ip': ['10.0.0.9'],
      },
    ],
  ),
  ...(
    [
      ['accept', 43],
      ['accept4', 288],
      ['recvfrom', 45],
    ] as const
  ).map(
    ([name, number]): Case => [
      `${name} comes in`,
      [call(number), PEER],
      { 'network.direction': 'ingress', 'source.ip': '10.0.0.9', 'source.port': 4444, destination: undefined },
    ],
  ),
  [
    'an address of one’s own is neither source nor destination',
    [call(49), PEER],
    {
      'event.action': 'bound-socket',
      'auditd.data.socket.addr': '10.0.0.9',
      source: undefined,
      destination: undefined,
    },
  ],
  [
    'a Unix socket is an address without an ip',
    [call(42), UNIX],
    { 'destination.address': '/run/x.sock', 'destination.ip': undefined, 'network.type': undefined },
  ],
  [
    'a login comes from its address',
    [pam('USER_LOGIN', 'op=login id=1000')],
    { 'source.ip': '10.0.0.9', 'network.direction': 'ingress', 'event.action': 'logged-in' },
  ],
];

const REST: readonly Case[] = [
  [
    'openat2 says how far it was allowed to look',
    [call(437, { items: 1 }), rec('OPENAT2', 'oflag=02 mode=0 resolve=0xc'), CWD, path(0, '/etc/passwd', 'NORMAL')],
    { 'auditd.data.resolve': ['RESOLVE_NO_SYMLINKS', 'RESOLVE_BENEATH'], 'auditd.data.open_flags': ['O_RDWR'] },
  ],
  [
    'a file opened by its handle has the flags of an open',
    [call(304, { args: 'a0=3 a1=7f a2=1 a3=0', items: 1 }), CWD, path(0, '/etc/passwd', 'NORMAL')],
    { 'auditd.data.open_flags': ['O_WRONLY'], 'event.action': 'opened-file' },
  ],
  [
    'the signal that a queue tells by is named',
    [call(244), rec('MQ_NOTIFY', 'mqdes=3 sigev_signo=10')],
    { 'auditd.data.sigev_signo': 'SIGUSR1', 'auditd.data.mqdes': '3' },
  ],
  ['exit_group ends with a code', [call(231, { args: 'a0=102 a1=0 a2=0 a3=0' })], { 'process.exit_code': 2 }],
  ['numbers are numbers', [call(39)], { 'process.pid': 11, 'process.parent.pid': 10, 'event.sequence': 1 }],
  [
    'the time has its milliseconds',
    ['type=KERN_MODULE msg=audit(1700000000.007:9): name="x"'],
    { '@timestamp': '2023-11-14T22:13:20.007Z', 'event.sequence': 9 },
  ],
  [
    'an event without a result has the outcome unknown',
    [rec('BPF', 'prog-id=1 op=LOAD')],
    { 'event.outcome': 'unknown' },
  ],
  [
    'a name with - uses _',
    [rec('BPF', 'prog-id=1 op=LOAD')],
    { 'auditd.data.prog_id': '1', 'auditd.data.prog-id': undefined },
  ],
  ['the host says which boot', [call(39)], { 'host.boot.id': HOST.bootId, 'host.id': HOST.id, 'event.kind': 'event' }],
  [
    'a service is named',
    [pam('SERVICE_START', 'unit=cron comm="systemd"')],
    { 'service.name': 'cron', 'event.type': ['start'] },
  ],
  [
    'the command line is as a shell would need it',
    [call(59), rec('EXECVE', 'argc=3 a0="sh" a1="-c" a2=6563686F202761206227')],
    { 'process.command_line': `sh -c 'echo '\\''a b'\\'''` },
  ],
];

describe.each([
  ['values', VALUES],
  ['paths', PATHS],
  ['who acted', WHO],
  ['addresses', ADDRESSES],
  ['the rest of the schema', REST],
] as const)('%s:', (_, cases) => {
  it.each(cases)('%s', (_claim, lines, expected) => {
    const document = mapper.toDocument(eventOf(...lines));
    const found = Object.fromEntries(Object.keys(expected).map((field) => [field, fieldOf(document, field)]));
    expect(found).toEqual(expected);
  });
});

describe('records between each other:', () => {
  const of = (serial: number, lines: readonly string[]) => lines.map((line) => line.replace(':1)', `:${serial})`));

  it('an argument in three pieces is whole, with another exec between them', () => {
    const half = (letter: string) => letter.repeat(7000);
    const one = of(1, [
      call(59),
      rec('EXECVE', `argc=2 a0="one" a1_len=21000 a1[0]="${half('a')}"`),
      rec('EXECVE', `a1[1]="${half('b')}"`),
      rec('EXECVE', `a1[2]="${half('c')}"`),
      CWD,
    ]);
    const two = of(2, [call(59), rec('EXECVE', 'argc=2 a0="two" a1=""'), CWD]);
    const order = [0, 1].flatMap((at) => [one[at]!, two[at]!]);
    const [first, second] = eventsOf([...order, one[2]!, two[2]!, one[3]!, one[4]!]).map((event) =>
      mapper.toDocument(event),
    );
    expect(fieldOf(first!, 'process.args')).toEqual(['one', half('a') + half('b') + half('c')]);
    expect(fieldOf(first!, 'vedette.incomplete')).toBeUndefined();
    expect(fieldOf(second!, 'process.args')).toEqual(['two', '']);
  });

  it('an event of the last serial before the wrap and one of the first after it are two', () => {
    const lines = [...of(4_294_967_295, [call(39)]), ...of(0, [call(39)])];
    expect(eventsOf(lines).map(({ serial }) => serial)).toEqual([4_294_967_295, 0]);
  });

  it('a record that comes late makes no second event, and its document names the first', () => {
    const reassembler = createReassembler();
    const [first, end, late] = recordsOf([call(42), rec('EOE', ''), PEER]);
    const events = [first!, end!, late!].flatMap((record) => [...reassembler.push(record, record.timeMs)]);
    const all = [...events, ...reassembler.end()].map((event) => mapper.toDocument(event));
    expect(all.map((document) => typeof fieldOf(document, 'vedette.fragment_of'))).toEqual(['undefined', 'string']);
    expect(fieldOf(all[1]!, 'auditd.data.socket.addr')).toBe('10.0.0.9');
  });
});
