// System calls by each architecture’s own number: what each is called, and what it says in ECS words.
import { describe, expect, it } from 'vitest';
import { toEcs } from '../../audit/ecs.ts';
import { fieldOf } from '../../event/document.ts';
import { eventOf, HOST } from './samples.ts';

/** name, x86_64, i386, aarch64 (`-` where there is none), action, category, type. */
const TABLE = `
execve                59  11  221 executed                    process start
execveat              322 358 281 executed                    process start
connect               42  362 203 connected-to                network connection,start
bind                  49  361 200 bound-socket                network start
listen                50  363 201 listen-for-connections      network start
accept                43  -   202 accepted-connection-from    network connection,start
accept4               288 364 242 accepted-connection-from    network connection,start
open                  2   5   -   opened-file                 file    info
openat                257 295 56  opened-file                 file    info
openat2               437 437 437 opened-file                 file    info
creat                 85  8   -   opened-file                 file    creation
mkdirat               258 296 34  created-directory           file    creation
mknodat               259 297 33  make-device                 file    creation
unlink                87  10  -   deleted                     file    deletion
unlinkat              263 301 35  deleted                     file    deletion
rmdir                 84  40  -   deleted                     file    deletion
rename                82  38  -   renamed                     file    change
renameat              264 302 38  renamed                     file    change
renameat2             316 353 276 renamed                     file    change
link                  86  9   -   linked                      file    creation
linkat                265 303 37  linked                      file    creation
symlinkat             266 304 36  symlinked                   file    creation
chmod                 90  15  -   changed-file-permissions-of file    change
fchmod                91  94  52  changed-file-permissions-of file    change
fchmodat              268 306 53  changed-file-permissions-of file    change
fchmodat2             452 452 452 changed-file-permissions-of file    change
chown                 92  182 -   changed-file-ownership-of   file    change
chown32               -   212 -   changed-file-ownership-of   file    change
fchown                93  95  55  changed-file-ownership-of   file    change
fchown32              -   207 -   changed-file-ownership-of   file    change
lchown                94  16  -   changed-file-ownership-of   file    change
lchown32              -   198 -   changed-file-ownership-of   file    change
fchownat              260 298 54  changed-file-ownership-of   file    change
setxattr              188 226 5   changed-file-attributes-of  file    change
setuid                105 23  146 changed-identity-of         process change
setuid32              -   213 -   changed-identity-of         process change
setgid                106 46  144 changed-identity-of         process change
setreuid              113 70  145 changed-identity-of         process change
setreuid32            -   203 -   changed-identity-of         process change
setregid              114 71  143 changed-identity-of         process change
setresuid             117 164 147 changed-identity-of         process change
setresuid32           -   208 -   changed-identity-of         process change
setresgid             119 170 149 changed-identity-of         process change
setfsuid              122 138 151 changed-identity-of         process change
setgroups             116 81  159 changed-identity-of         process change
kill                  62  37  129 killed-pid                  process end
tkill                 200 238 130 killed-pid                  process end
tgkill                234 270 131 killed-pid                  process end
rt_sigqueueinfo       129 178 138 killed-pid                  process end
rt_tgsigqueueinfo     297 335 240 killed-pid                  process end
pidfd_send_signal     424 424 424 killed-pid                  process end
ptrace                101 26  117 traced-process              process access
process_vm_readv      310 347 270 read-process-memory         process access
process_vm_writev     311 348 271 wrote-process-memory        process access
init_module           175 128 105 loaded-kernel-module        driver  start
finit_module          313 350 273 loaded-kernel-module        driver  start
delete_module         176 129 106 unloaded-kernel-module      driver  end
mount                 165 21  40  mounted                     file    creation
umount                -   22  -   unmounted                   file    deletion
umount2               166 52  39  unmounted                   file    deletion
move_mount            429 429 429 mounted                     file    creation
fsmount               432 432 432 mounted                     file    creation
open_tree             428 428 428 mounted                     file    creation
mount_setattr         442 442 442 mounted                     file    creation
pivot_root            155 217 41  changed-root-filesystem     file    change
chroot                161 61  51  changed-root-of             process change
unshare               272 310 97  unshared-namespace          process change
setns                 308 346 268 entered-namespace           process change
fork                  57  2   -   forked-process              process start
vfork                 58  190 -   forked-process              process start
clone                 56  120 220 forked-process              process start
clone3                435 435 435 forked-process              process start
exit                  60  1   93  ended                       process end
exit_group            231 252 94  ended                       process end
prctl                 157 172 167 controlled-process          process change
mprotect              10  125 226 changed-memory-protection   process change
bpf                   321 357 280 called-bpf                  process info
memfd_create          319 356 279 created-memory-file         process info
kexec_load            246 283 104 loaded-kernel               host    change
kexec_file_load       320 -   294 loaded-kernel               host    change
io_uring_setup        425 425 425 set-up-io-uring             process info
`;

const ROWS = TABLE.trim()
  .split('\n')
  .flatMap((row) => {
    const [name = '', x86 = '', i386 = '', arm = '', action = '', category = '', type = ''] = row.split(/ +/);
    return [
      ['c000003e', x86],
      ['40000003', i386],
      ['c00000b7', arm],
    ]
      .filter(([, number]) => number !== '-')
      .map(([arch = '', number = '']) => ({ name, arch, number, action, category, type }));
  });

const call = (arch: string, number: string, parts = 'success=yes exit=0 a0=0 a1=0 a2=0 a3=0 items=0') =>
  `type=SYSCALL msg=audit(1.000:1): arch=${arch} syscall=${number} ${parts} ppid=10 pid=11 auid=4294967295 uid=0 gid=0 euid=0 suid=0 fsuid=0 egid=0 sgid=0 fsgid=0 tty=(none) ses=4294967295 comm="x" exe="/bin/x" key=(null)`;
const told = (...lines: readonly string[]) => {
  const document = toEcs(eventOf(...lines), HOST);
  return (field: string): unknown => fieldOf(document, field);
};

describe('a syscall', () => {
  it.each(ROWS)('$name is $number on $arch: $action', ({ name, arch, number, action, category, type }) => {
    const says = told(call(arch, number));
    expect([
      says('auditd.data.syscall'),
      says('event.action'),
      says('event.category'),
      says('event.type'),
      says('event.outcome'),
    ]).toEqual([name, action, [category], type.split(','), 'success']);
  });

  it('by x32 is the call it is', () => {
    expect(told(call('c000003e', String(0x40000000 + 59)))('event.action')).toBe('executed');
    expect(told(call('c000003e', String(0x40000000 + 520)))('event.action')).toBe('executed');
  });

  it.each([
    [3, 'connected-to', { 'destination.ip': '127.0.0.1', 'network.direction': 'egress' }],
    [2, 'bound-socket', { 'destination.ip': undefined }],
    [5, 'accepted-connection-from', { 'source.ip': '127.0.0.1', 'network.direction': 'ingress' }],
    [18, 'accepted-connection-from', { 'source.ip': '127.0.0.1' }],
    [99, 'called-socket', { 'destination.ip': undefined }],
  ])('socketcall(%i) of 32-bit programs is %s', (number, action, expected) => {
    const says = told(
      call('40000003', '102', `success=yes exit=0 a0=${number.toString(16)} a1=0 a2=0 a3=0 items=0`),
      'type=SOCKADDR msg=audit(1.000:1): saddr=0200115C7F0000010000000000000000',
    );
    expect(says('event.action')).toBe(action);
    expect(Object.fromEntries(Object.keys(expected).map((field) => [field, says(field)]))).toEqual(expected);
  });
});

describe('a call on another process', () => {
  const number = { kill: '62', tgkill: '234', ptrace: '101', process_vm_readv: '310' } as const;
  const of = (name: keyof typeof number, args: string) => told(call('c000003e', number[name], `${args} items=0`));

  it.each([
    ['kill', 'success=no exit=-3 a0=f423f a1=0 a2=0 a3=0', '999999', '0'],
    ['kill', 'success=no exit=-1 a0=ffffffffffffff9c a1=9 a2=0 a3=0', '-100', 'SIGKILL'],
    ['kill', 'success=no exit=-1 a0=ffffffff a1=28 a2=0 a3=0', '-1', '40'],
    ['tgkill', 'success=no exit=-3 a0=5 a1=6 a2=f a3=0', '6', 'SIGTERM'],
    ['ptrace', 'success=yes exit=0 a0=11 a1=1b70 a2=0 a3=0', '7024', undefined],
    ['process_vm_readv', 'success=yes exit=8 a0=1b70 a1=0 a2=1 a3=0', '7024', undefined],
  ] as const)('%s names it where no OBJ_PID does', (name, args, pid, signal) => {
    const says = of(name, args);
    expect([says('auditd.data.target_pid'), says('auditd.data.signal'), says('auditd.summary.object.primary')]).toEqual(
      [pid, signal, pid],
    );
  });

  it('leaves it to OBJ_PID where there is one', () => {
    const says = told(
      call('c000003e', '62', 'success=yes exit=0 a0=5 a1=9 a2=0 a3=0 items=0'),
      'type=OBJ_PID msg=audit(1.000:1): opid=5 oauid=-1 ouid=0 oses=-1 ocomm="a"',
    );
    expect([says('auditd.data.target_pid'), says('auditd.summary.object.primary')]).toEqual([undefined, '5']);
  });
});

describe('a rename', () => {
  const path = (item: number, name: string, inode: number, nametype: string) =>
    `type=PATH msg=audit(1.000:1): item=${item} name="${name}" inode=${inode} dev=fe:00 mode=0100600 ouid=0 ogid=0 rdev=00:00 nametype=${nametype}`;
  const renamed = (...paths: readonly string[]) => {
    const says = told(
      call('c000003e', '316', 'success=yes exit=0 a0=ffffff9c a1=0 a2=ffffff9c a3=0 items=0'),
      'type=CWD msg=audit(1.000:1): cwd="/d"',
      ...paths,
    );
    return [says('file.Ext.original.path'), says('file.path')];
  };

  it('onto another file takes the one that was moved for the old name', () => {
    const moved = [path(2, 'old', 7, 'DELETE'), path(3, 'new', 9, 'DELETE'), path(4, 'new', 7, 'CREATE')];
    expect(renamed(...moved)).toEqual(['/d/old', '/d/new']);
    expect(renamed(moved[1]!, moved[0]!, moved[2]!)).toEqual(['/d/old', '/d/new']);
  });

  it('that exchanges two files tells both names', () => {
    expect(
      renamed(
        path(2, 'a', 7, 'DELETE'),
        path(3, 'b', 9, 'DELETE'),
        path(4, 'b', 7, 'CREATE'),
        path(5, 'a', 9, 'CREATE'),
      ),
    ).toEqual(['/d/a', '/d/b']);
  });
});

describe('odd calls', () => {
  it('an exec of a descriptor does not invent a path', () => {
    const says = told(
      call('c000003e', '322', 'success=yes exit=0 a0=3 a1=0 a2=0 a3=0 items=1'),
      'type=EXECVE msg=audit(1.000:1): argc=1 a0="x"',
      'type=CWD msg=audit(1.000:1): cwd="/d"',
      'type=PATH msg=audit(1.000:1): item=0 name="" inode=7 nametype=NORMAL',
    );
    expect([says('file.path'), says('auditd.summary.object.primary'), says('process.executable')]).toEqual([
      undefined,
      undefined,
      '/bin/x',
    ]);
  });

  it('a file without a name (O_TMPFILE) is created', () => {
    const says = told(
      call('c000003e', '257', 'success=yes exit=5 a0=ffffff9c a1=0 a2=490002 a3=180 items=1'),
      'type=CWD msg=audit(1.000:1): cwd="/d"',
      'type=PATH msg=audit(1.000:1): item=0 name="." inode=7 mode=0100600 nametype=NORMAL',
    );
    expect([says('event.type'), says('auditd.data.mode')]).toEqual([['creation'], '0600']);
  });

  it('a connection accepted from an unnamed Unix socket comes in', () => {
    const says = told(call('c000003e', '288'), 'type=SOCKADDR msg=audit(1.000:1): saddr=0100');
    expect([says('network.direction'), says('auditd.data.socket.family'), says('source')]).toEqual([
      'ingress',
      'unix',
      undefined,
    ]);
  });
});
