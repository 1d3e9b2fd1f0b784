// The events of the store's benchmark: what the collectors of some two hundred hosts would send, in the form that audit/ gives
// them. Event n is a function of n alone, so that every run and every peer has the same.
import type { NewEvent } from '../event/document.ts';

/** 10 M events in six days: about 70,000 an hour. */
export const EVENTS_PER_HOUR = 70_000;
const HOSTS = 200;

const PROGRAMS: readonly (readonly [name: string, folder: string, ...args: readonly string[]])[] = [
  ['sh', '/usr/bin', '-c', 'test -f /run/lock/job.#'],
  ['ls', '/usr/bin', '-la', '/var/lib/app/#'],
  ['cat', '/usr/bin', '/proc/#/stat'],
  ['grep', '/usr/bin', '-q', 'pattern-#', '/var/log/app/current.log'],
  ['date', '/usr/bin', '+%s'],
  ['python3', '/usr/bin', '/opt/app/bin/worker.py', '--shard', '#'],
  ['node', '/usr/bin', '/srv/api/server.mjs', '--port', '8#'],
  ['sed', '/usr/bin', '-n', '#p', '/etc/app/config.ini'],
  ['awk', '/usr/bin', '{print $#}'],
  ['git', '/usr/bin', 'fetch', '--depth=1', 'origin', 'release-#'],
  ['curl', '/usr/bin', '-sS', 'https://api.example.org/v1/items/#'],
  ['bash', '/usr/bin', '/opt/backup/run.sh', '--slot=#'],
  ['rsync', '/usr/bin', '-a', '/srv/data/#/', 'backup::data/#/'],
  ['systemctl', '/usr/bin', 'is-active', 'app-#.service'],
  ['sudo', '/usr/bin', 'systemctl', 'restart', 'app-#'],
  ['ssh', '/usr/bin', '-o', 'BatchMode=yes', 'node-#', 'uptime'],
  ['openssl', '/usr/bin', 's_client', '-connect', '10.0.0.#:443'],
  ['tar', '/usr/bin', 'czf', '/var/backups/daily-#.tgz', '/srv'],
  ['wget', '/usr/bin', '-q', 'https://mirror.example.net/pool/#.deb'],
  ['apt-get', '/usr/bin', '-s', 'upgrade'],
];
const RARE: readonly (readonly [name: string, folder: string, ...args: readonly string[]])[] = [
  ['nc', '/usr/bin', '-lvp', '4#'],
  ['base64', '/usr/bin', '-d', '/tmp/.x#'],
  ['xmrig', '/tmp/.cache', '-o', 'pool.example.com:3333', '--rig-id=#'],
  ['chattr', '/usr/bin', '+i', '/etc/passwd'],
];
const USERS = ['root', 'www-data', 'postgres', 'deploy', 'backup', 'alice', 'bob', 'carol', 'dave', 'eve', 'monitor'];
const PARENTS = ['systemd', 'cron', 'sshd', 'bash', 'apache2', 'postgres', 'containerd-shim', 'node'];
const FOLDERS = ['/', '/var/www', '/srv/api', '/opt/app', '/home/alice', '/root', '/var/lib/postgresql', '/tmp'];
const FILES = ['/etc/passwd', '/etc/shadow', '/etc/ssh/sshd_config', '/etc/crontab', '/var/log/app/current.log'];
const PORTS = [443, 443, 443, 80, 5432, 6379, 22, 53, 8080, 9200];

/** How one event draws its values: a few words of xorshift, begun by its number. */
class Draw {
  #state: number;
  constructor(seed: number) {
    this.#state = (Math.imul(seed, 0x9e3779b1) ^ (seed >>> 15) ^ 0x5bd1e995) | 1;
    for (let round = 0; round < 3; round++) this.next();
  }
  next(): number {
    let state = this.#state;
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    this.#state = state;
    return (state >>> 0) / 2 ** 32;
  }
  below(end: number): number {
    return Math.floor(this.next() * end);
  }
  /** The first ones much more often than the last. */
  skewed<T>(of: readonly T[]): T {
    return of[Math.floor(of.length * this.next() ** 2)] as T;
  }
}

export function eventTimeMs(n: number, startMs: number): number {
  return startMs + Math.floor((n * 3_600_000) / EVENTS_PER_HOUR);
}

export function storeEvent(n: number, startMs: number): NewEvent {
  const draw = new Draw(n + 1);
  const createdMs = eventTimeMs(n, startMs);
  // The call began a little before its event was complete.
  const atMs = createdMs - (draw.next() < 0.02 ? draw.below(2_000) : draw.below(3));
  const number = Math.floor(HOSTS * draw.next() ** 2);
  const host = `${['web', 'db', 'app', 'build'][number % 4]}-${String(number).padStart(3, '0')}`;
  const boot = `${(number * 7919 + 65_536).toString(16).padStart(8, '0')}-5d0c-4c1e-9f0e-2f1d3c4b5a69`;
  const pid = 300 + draw.below(32_000);
  const parentPid = 1 + draw.below(pid);
  const user = draw.skewed(USERS);
  const uid = String(user === 'root' ? 0 : 900 + USERS.indexOf(user));
  const login = draw.next() < 0.7 ? '4294967295' : uid;
  const session = login === uid ? String(1 + draw.below(4_000)) : '4294967295';
  const fill = (text: string): string => text.replaceAll('#', String(draw.below(997)));
  const chance = draw.next();
  const [name, folder, ...rest] = chance < 0.00004 ? draw.skewed(RARE) : draw.skewed(PROGRAMS);
  const executable = `${folder}/${name}`;
  const parent = draw.skewed(PARENTS);
  const cwd = draw.skewed(FOLDERS);
  const isFailed = draw.next() < 0.06;
  const sequence = 100_000 + n;
  const stamp = `msg=audit(${(atMs / 1_000).toFixed(3)}:${sequence})`;
  const pointers = [0, 1, 2, 3].map(() => (0x7f0000000000 + draw.below(0xffffffff)).toString(16));
  const syscall = (code: number, key: string, items: number): string =>
    `type=SYSCALL ${stamp}: arch=c000003e syscall=${code} success=${isFailed ? 'no' : 'yes'} exit=${isFailed ? -13 : 0} ` +
    `${pointers.map((pointer, at) => `a${at}=${pointer}`).join(' ')} items=${items} ppid=${parentPid} pid=${pid} auid=${login} uid=${uid} ` +
    `gid=${uid} euid=${uid} suid=${uid} fsuid=${uid} egid=${uid} sgid=${uid} fsgid=${uid} tty=(none) ses=${session} comm="${name}" exe="${executable}" key="${key}"`;
  const inode = 240_000 + draw.below(90_000);
  const path = (item: number, of: string, mode: string): string =>
    `type=PATH ${stamp}: item=${item} name="${of}" inode=${inode + item} dev=fe:00 mode=${mode} ouid=0 ogid=0 rdev=00:00 nametype=NORMAL`;
  const pathObject = (item: number, of: string, mode: string): object => ({
    item: String(item),
    name: of,
    inode: String(inode + item),
    dev: 'fe:00',
    mode,
    ouid: '0',
    ogid: '0',
    rdev: '00:00',
    nametype: 'NORMAL',
  });
  const outcome = isFailed ? 'failure' : 'success';
  // As the collector makes them (lineage/process-table.ts): with the clock ticks from the boot, some days before, to the process's start.
  const bootedMs = startMs - 864_000_000 - number * 977_000;
  const entity = (of: number, startedMs: number): string =>
    `${host}.${boot.slice(0, 8)}.${of}.${Math.floor((startedMs - bootedMs) / 10)}`;
  const common = (event: object, key: string, original: string, message: string) => ({
    '@timestamp': new Date(atMs).toISOString(),
    ecs: { version: '8.17.0' },
    ...(isFailed ? { error: { code: 'EACCES' } } : {}),
    event: {
      kind: 'event',
      module: 'auditd',
      dataset: 'auditd.log',
      ...event,
      outcome,
      sequence,
      created: new Date(createdMs).toISOString(),
      ingested: new Date(createdMs + 40 + draw.below(200)).toISOString(),
      original,
    },
    message,
    tags: [key],
    host: { id: host, name: host, boot: { id: boot } },
    user: { id: uid, name: user, audit: { id: login, ...(login === uid ? { name: user } : {}) }, group: { id: uid } },
    vedette: { position: n },
  });
  const process = {
    pid,
    entity_id: entity(pid, atMs - draw.below(90_000)),
    name,
    executable,
    title: [executable, ...rest].join(' '),
    parent: {
      pid: parentPid,
      entity_id: entity(parentPid, startMs - draw.below(864_000)),
      name: parent,
      executable: `/usr/bin/${parent}`,
    },
    ancestors: { name: [parent, 'systemd'] },
  };
  const data = (call: string) => ({ arch: 'x86_64', syscall: call, exit: isFailed ? 'EACCES' : '0', tty: '(none)' });
  const result = isFailed ? 'fail' : 'success';
  const id = `${host}.${boot.slice(0, 8)}.${atMs.toString(36)}.${sequence.toString(36)}.${draw.below(2 ** 31).toString(36)}`;
  const kind = draw.next();
  if (kind < 0.45) {
    const args = [name, ...rest.map(fill)];
    return {
      id,
      document: {
        ...common(
          { category: ['process'], type: ['start'], action: 'executed', code: 'execve' },
          'exec',
          `${syscall(59, 'exec', 2)}\ntype=EXECVE ${stamp}: argc=${args.length} ${args.map((arg, at) => `a${at}="${arg}"`).join(' ')}\n` +
            `type=CWD ${stamp}: cwd="${cwd}"\n${path(0, executable, '0100755')}\n${path(1, '/lib64/ld-linux-x86-64.so.2', '0100755')}`,
          `${user} executed ${executable}`,
        ),
        process: {
          ...process,
          args,
          args_count: args.length,
          command_line: args.join(' '),
          working_directory: cwd,
        },
        file: {
          path: executable,
          name,
          directory: folder,
          inode: String(inode),
          mode: '0755',
          type: 'file',
          uid: '0',
          gid: '0',
        },
        auditd: {
          message_type: 'syscall',
          session,
          result,
          summary: {
            actor: { primary: login, secondary: user },
            object: { primary: executable, type: 'file' },
            how: executable,
          },
          data: data('execve'),
          paths: [pathObject(0, executable, '0100755'), pathObject(1, '/lib64/ld-linux-x86-64.so.2', '0100755')],
        },
      },
    };
  }
  if (kind < 0.72) {
    const file = draw.next() < 0.1 ? draw.skewed(FILES) : `/srv/data/${draw.below(997)}/part-${draw.below(9_973)}.json`;
    return {
      id,
      document: {
        ...common(
          { category: ['file'], type: ['change'], action: 'opened-file', code: 'openat' },
          'files',
          `${syscall(257, 'files', 1)}\ntype=CWD ${stamp}: cwd="${cwd}"\n${path(0, file, '0100644')}`,
          `${user} opened file ${file} using ${executable}`,
        ),
        process: { ...process, working_directory: cwd },
        file: {
          path: file,
          name: file.slice(file.lastIndexOf('/') + 1),
          directory: file.slice(0, file.lastIndexOf('/')),
          inode: String(inode),
          mode: '0644',
          type: 'file',
          uid: '0',
          gid: '0',
        },
        auditd: {
          message_type: 'syscall',
          session,
          result,
          summary: {
            actor: { primary: login, secondary: user },
            object: { primary: file, type: 'file' },
            how: executable,
          },
          data: data('openat'),
          paths: [pathObject(0, file, '0100644')],
        },
      },
    };
  }
  if (kind < 0.93) {
    const isEgress = draw.next() < 0.7;
    const ip =
      draw.next() < 0.05
        ? `2001:db8::${draw.below(4_000).toString(16)}`
        : draw.next() < 0.6
          ? `10.${draw.below(4)}.${draw.below(8)}.${1 + draw.below(250)}`
          : `${[93, 151, 185, 203][draw.below(4)]}.${draw.below(40)}.${draw.below(200)}.${1 + draw.below(250)}`;
    const port = draw.skewed(PORTS);
    const end = { address: ip, ip, port: isEgress ? port : 1_024 + draw.below(60_000) };
    return {
      id,
      document: {
        ...common(
          {
            category: ['network'],
            type: ['connection', 'start'],
            action: isEgress ? 'connected-to' : 'accepted-connection-from',
            code: isEgress ? 'connect' : 'accept4',
          },
          'net',
          `${syscall(isEgress ? 42 : 288, 'net', 0)}\ntype=SOCKADDR ${stamp}: saddr=02000${port.toString(16).padStart(3, '0')}${pointers[0]?.slice(-8)}0000000000000000`,
          `${user} ${isEgress ? 'connected to' : 'accepted'} ${ip} port ${end.port} using ${executable}`,
        ),
        process,
        ...(isEgress ? { destination: end } : { source: end }),
        network: {
          direction: isEgress ? 'egress' : 'ingress',
          type: ip.includes(':') ? 'ipv6' : 'ipv4',
          ...(port === 53 ? { transport: 'udp' } : { transport: 'tcp' }),
        },
        related: { ip: [ip] },
        auditd: {
          message_type: 'syscall',
          session,
          result,
          summary: {
            actor: { primary: login, secondary: user },
            object: { primary: ip, secondary: String(port), type: 'socket' },
            how: executable,
          },
          data: {
            ...data(isEgress ? 'connect' : 'accept4'),
            socket: { family: ip.includes(':') ? 'ipv6' : 'ipv4', addr: ip, port: String(end.port) },
          },
        },
      },
    };
  }
  return {
    id,
    document: {
      ...common(
        { category: ['authentication'], type: ['start'], action: 'authenticated', code: 'user_auth' },
        'logins',
        `type=USER_AUTH ${stamp}: pid=${pid} uid=0 auid=${login} ses=${session} msg='op=PAM:authentication grantors=pam_unix acct="${user}" exe="/usr/sbin/sshd" hostname=10.0.3.${draw.below(250)} addr=10.0.3.1 terminal=ssh res=${result}'`,
        `${user} authenticated at /usr/sbin/sshd`,
      ),
      process: { ...process, name: 'sshd', executable: '/usr/sbin/sshd' },
      source: { ip: `10.0.3.${draw.below(250)}` },
      auditd: {
        message_type: 'user_auth',
        session,
        result,
        summary: {
          actor: { primary: login, secondary: user },
          object: { primary: 'ssh', type: 'user-session' },
          how: '/usr/sbin/sshd',
        },
        data: { op: 'PAM:authentication', grantors: 'pam_unix', terminal: 'ssh' },
      },
    },
  };
}
