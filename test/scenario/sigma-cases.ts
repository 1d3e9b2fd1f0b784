// What SigmaHQ's Linux rules about calls, files, connections and parents ask for, done; and beside each what differs in one thing. It is
// done by copies of perl under the names that the rules ask for: perl calls what it is told to, and needs nothing else.
import { type SpawnSyncOptions, spawnSync } from 'node:child_process';
import { chmodSync, chownSync, copyFileSync, existsSync, mkdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { TEST_UID } from '../harness/installation.ts';

/** One thing that is done: a program of this path below the work folder, or where it stands. */
interface Act {
  readonly program: string;
  /** What it is a copy of; perl unless said. */
  readonly copyOf?: string;
  /** For perl: what it does. */
  readonly does?: string;
  readonly args?: readonly string[];
  readonly input?: string;
  readonly asRoot?: true;
}

export interface Case {
  readonly rule: string;
  readonly found: Act;
  readonly notFound: readonly Act[];
}

interface Place {
  /** Below the temporary folder; in its own path there is nothing that a rule asks for. */
  readonly work: string;
  readonly port: number;
}

export function casesOf({ work, port }: Place): readonly Case[] {
  const make = (path: string): string => `sysopen(F, "${path}", 0101, 0600) or die $!`;
  const read = (path: string): string => `sysopen(F, "${path}", 0)`;
  const connect = (last: number): string =>
    `socket(S, 2, 1, 0); connect(S, pack("SnCCCCx8", 2, ${port}, 127, 0, 0, ${last})) or die $!`;
  const start = (program: string, ...args: readonly string[]): string =>
    `system { "${join(work, program)}" } ${args.map((arg) => `q(${arg})`).join(', ')}`;
  /** Its own command line has not the name of what it starts. */
  const startHalves = (first: string, second: string): string =>
    `my $n = "${first}" . "${second}"; system { "${work}/$n" } $n, "detect"`;
  /** What a program tells the kernel itself; the kernel adds who it was. */
  const tell = (type: number, text: string): string =>
    `socket(S, 16, 3, 9) or die $!; my $t = q(${text}); defined send(S, pack("LSSLL", 16 + length $t, ${type}, 1, 1, 0) . $t, 0) or die $!`;
  const perl = (does: string): Act => ({ program: 'perl', does });
  const root = (does: string): Act => ({ program: 'perl', does, asRoot: true });
  const nothing = (program: string, ...args: readonly string[]): Act => ({ program, copyOf: '/bin/true', args });
  const bash = (program: string, ...args: readonly string[]): Act => ({ program, copyOf: '/bin/bash', args });
  for (const name of ['whoami', 'sh', 'bash-of-rsync/bash', 'bash-of-rsync/bashful', 'gitleaks', 'gitless'])
    copy('/bin/true', join(work, name));
  return [
    {
      rule: 'auditd/lnx_auditd_disable_aslr_protection.yml',
      found: perl('syscall(135, 0x40000)'),
      notFound: [perl('syscall(135, 0)'), perl('syscall(135, 0x20000)')],
    },
    {
      rule: 'auditd/lnx_auditd_audio_capture.yml',
      found: { program: 'ecasound', does: 'my $n = "made"; syscall(319, $n, 0)' },
      notFound: [
        { program: 'ecasounds', does: 'my $n = "made"; syscall(319, $n, 0)' },
        { program: 'ecasound', does: 'syscall(135, 0)' },
      ],
    },
    {
      // It is refused, as is 10, which asks for a size: the call is what the rule is about.
      rule: 'auditd/syscall/lnx_auditd_clean_disable_dmesg_logs_via_syslog.yml',
      found: perl('syscall(103, 5, 0, 0)'),
      notFound: [perl('syscall(103, 10, 0, 0)')],
    },
    {
      rule: 'auditd/syscall/lnx_auditd_susp_special_file_creation_via_mknod_syscall.yml',
      found: perl(`my $p = "${work}/made/pipe"; syscall(133, $p, 010600, 0) == 0 or die $!`),
      notFound: [perl(`my $p = "${work}/made/other-pipe"; syscall(259, -100, $p, 010600, 0) == 0 or die $!`)],
    },
    {
      rule: 'auditd/syscall/lnx_auditd_create_account.yml',
      found: nothing('useradd'),
      notFound: [nothing('useradds'), root(tell(1116, 'op=add-group acct="x" res=success'))],
    },
    {
      rule: 'auditd/syscall/lnx_auditd_network_service_scanning.yml',
      found: { program: 'ncat', does: connect(1) },
      notFound: [
        { program: 'ncats', does: connect(1) },
        { program: 'ncat', does: '1' },
      ],
    },
    {
      rule: 'auditd/execve/lnx_auditd_binary_padding.yml',
      found: nothing('truncate', '-s', '+1M', 'program'),
      notFound: [nothing('shrink', '-s', '+1M', 'program')],
    },
    {
      rule: 'auditd/execve/lnx_auditd_find_cred_in_files.yml',
      found: nothing('grep', '-ri', 'password'),
      notFound: [nothing('grep', '-ri', 'passwort'), nothing('ripg', '-ri', 'password')],
    },
    {
      rule: 'auditd/execve/lnx_auditd_susp_histfile_operations.yml',
      found: nothing('cat', '/home/somebody/.bash_history'),
      notFound: [nothing('cat', '/home/somebody/bash_histories')],
    },
    {
      rule: 'auditd/execve/lnx_auditd_bpfdoor_port_redirect.yml',
      found: nothing('iptables', '-t', 'nat', '-A', 'PREROUTING', '--to-ports', '42391'),
      notFound: [
        nothing('iptables', '-t', 'nat', '-A', 'PREROUTING', '--to-ports', '52391'),
        nothing('iptables', '-t', 'raw', '-A', 'PREROUTING', '--to-ports', '42391'),
        nothing('iptabled', '-t', 'nat', '-A', 'PREROUTING', '--to-ports', '42391'),
      ],
    },
    {
      rule: 'process_creation/proc_creation_lnx_dd_file_overwrite.yml',
      found: { program: '/usr/bin/dd', args: ['if=/dev/null', `of=${work}/made/of-dd`] },
      notFound: [
        { program: '/usr/bin/dd', args: ['if=/etc/hostname', `of=${work}/made/not-of-dd`] },
        nothing('dd', 'if=/dev/null', `of=${work}/made/not-of-dd`),
      ],
    },
    {
      rule: 'auditd/path/lnx_auditd_bpfdoor_file_accessed.yml',
      found: perl(read('/var/run/haldrund.pid')),
      notFound: [perl(read('/var/run/haldrund.pids')), perl(read('/run/haldrund.pid'))],
    },
    {
      rule: 'auditd/path/lnx_auditd_hidden_binary_execution.yml',
      found: perl(make(`${work}/made/.hidden`)),
      notFound: [perl(make(`${work}/made/.cache/seen`)), perl(make(`${work}/made/not.hidden`))],
    },
    {
      rule: 'auditd/path/lnx_auditd_system_info_discovery2.yml',
      found: perl(read('/etc/debian_version')),
      notFound: [perl(read('/etc/hostname')), perl(read('/etc/debian_versions'))],
    },
    {
      rule: 'auditd/lnx_auditd_system_info_discovery.yml',
      found: perl(read('/etc/lsb-release')),
      notFound: [perl(read('/etc/lsb-releases'))],
    },
    {
      rule: 'auditd/lnx_auditd_password_policy_discovery.yml',
      found: perl(read('/etc/login.defs')),
      notFound: [perl(read('/etc/login.def'))],
    },
    {
      rule: 'auditd/lnx_auditd_keylogging_with_pam_d.yml',
      found: perl(read('/etc/pam.d/password-auth')),
      notFound: [perl(read('/etc/pam.d/password-auths')), root(tell(1123, 'cwd="/" cmd=6c73 res=success'))],
    },
    {
      rule: 'auditd/service_stop/lnx_auditd_disable_system_firewall.yml',
      found: root(tell(1131, 'unit=ufw comm="systemd" exe="/usr/lib/systemd/systemd" res=success')),
      notFound: [
        root(tell(1131, 'unit=ufws comm="systemd" exe="/usr/lib/systemd/systemd" res=success')),
        root(tell(1130, 'unit=ufw comm="systemd" exe="/usr/lib/systemd/systemd" res=success')),
      ],
    },
    {
      rule: 'file_event/file_event_lnx_doas_conf_creation.yml',
      found: perl(make(`${work}/made/etc/doas.conf`)),
      notFound: [perl(make(`${work}/made/etc/doas.confs`)), perl(read(`${work}/made/etc/doas.conf`))],
    },
    {
      rule: 'file_event/file_event_lnx_susp_cron_file_created.yml',
      found: perl(make(`${work}/made/etc/crontab`)),
      notFound: [perl(make(`${work}/made/etc/cron.table`))],
    },
    {
      rule: 'file_event/file_event_lnx_susp_filename_with_embedded_base64_command.yml',
      found: perl(make(`${work}/made/{echo,aGk=}`)),
      notFound: [perl(make(`${work}/made/(echo,aGk=)`))],
    },
    {
      rule: 'file_event/file_event_lnx_susp_shell_script_under_profile_directory.yml',
      found: perl(make(`${work}/made/etc/profile.d/own.sh`)),
      notFound: [perl(make(`${work}/made/etc/profile.d/own.txt`)), perl(make(`${work}/made/etc/own.sh`))],
    },
    {
      rule: 'file_event/file_event_lnx_wget_download_file_in_tmp_dir.yml',
      found: { program: 'wget', does: make(`${work}/made/download`) },
      notFound: [
        { program: 'wgets', does: make(`${work}/made/no-download`) },
        { program: 'wget', does: read(`${work}/audit.rules`) },
      ],
    },
    {
      rule: 'network_connection/net_connection_lnx_back_connect_shell_dev.yml',
      found: bash('bin/bash', '-c', `exec 3<>/dev/tcp/127.0.0.2/${port}`),
      notFound: [
        bash('bin/bash', '-c', `exec 3<>/dev/tcp/127.0.0.1/${port}`),
        bash('bin/bashful', '-c', `exec 3<>/dev/tcp/127.0.0.2/${port}`),
      ],
    },
    {
      rule: 'process_creation/proc_creation_lnx_git_shell_execution.yml',
      found: { program: 'git', does: start('sh', 'sh', 'bash 0<&1'), args: ['-p', 'help'] },
      notFound: [
        { program: 'git', does: start('sh', 'sh', 'bash 0<&1'), args: ['-p', 'status'] },
        { program: 'git', does: start('sh', 'sh', 'bash 1<&0'), args: ['-p', 'help'] },
        { program: 'gits', does: start('sh', 'sh', 'bash 0<&1'), args: ['-p', 'help'] },
      ],
    },
    {
      rule: 'process_creation/proc_creation_lnx_rsync_shell_spawn.yml',
      found: { program: 'rsync', does: start('bash-of-rsync/bash', 'bash', '-c', 'id') },
      notFound: [
        { program: 'rsync', does: start('bash-of-rsync/bash', 'bash', '-e', 'id') },
        { program: 'rsync', does: start('bash-of-rsync/bashful', 'bash', '-c', 'id') },
        { program: 'rsyncs', does: start('bash-of-rsync/bash', 'bash', '-c', 'id') },
      ],
    },
    {
      rule: 'process_creation/proc_creation_lnx_susp_interactive_bash.yml',
      found: { ...bash('bin/bash', '-i'), input: `${work}/whoami\n` },
      notFound: [
        { ...bash('bin/bash', '-s'), input: `${work}/whoami\n` },
        { ...bash('bin/bash', '-i'), input: `${work}/sh\n` },
      ],
    },
    {
      rule: 'process_creation/proc_creation_lnx_susp_script_interpretor_spawn_credential_scanner.yml',
      found: { program: 'node', does: startHalves('git', 'leaks') },
      notFound: [
        { program: 'nodes', does: startHalves('git', 'leaks') },
        { program: 'node', does: startHalves('git', 'less') },
      ],
    },
  ];
}

function copy(from: string, program: string): void {
  if (existsSync(program)) return;
  mkdirSync(dirname(program), { recursive: true });
  copyFileSync(from, program);
  chmodSync(program, 0o755);
}

export function perform(work: string, { program, copyOf, does, args = [], input, asRoot }: Act): void {
  const path = program.startsWith('/') ? program : join(work, program);
  copy(copyOf ?? '/usr/bin/perl', path);
  for (const folder of ['made', 'made/.cache', 'made/etc/profile.d']) {
    mkdirSync(join(work, folder), { recursive: true });
    chownSync(join(work, folder), TEST_UID, TEST_UID);
  }
  chownSync(join(work, 'made/etc'), TEST_UID, TEST_UID);
  const options: SpawnSyncOptions = {
    argv0: basename(path),
    cwd: '/',
    // The hidden files that a shell looks for are those that the rule on hidden files leaves out.
    env: { PATH: '/usr/bin:/bin', HOME: join(work, 'made/.cache') },
    ...(asRoot ? {} : { uid: TEST_UID, gid: TEST_UID }),
    ...(input === undefined ? {} : { input }),
    stdio: [input === undefined ? 'ignore' : 'pipe', 'ignore', 'pipe'],
  };
  const { error, status, stderr } = spawnSync(
    path,
    [...(does === undefined ? [] : ['-e', does, '--']), ...args],
    options,
  );
  if (error !== undefined) throw error;
  if (status !== 0 && input === undefined) throw new Error(`${program} ${does ?? ''}: ${String(stderr)}`);
}
