// The peers: Debian's auditd in a configuration folder of its own (RAW and ENRICHED), and with laurel as its plugin. Nothing of the
// system's set-up is read or changed, and the kernel's settings are put back.
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from '../../test/harness/installation.ts';
import { folderBytes, occurrences } from './files.ts';
import type { Running, Subject } from './subject.ts';

type Format = 'RAW' | 'ENRICHED' | 'laurel';

export const AUDITD_RAW: Subject = auditd('auditd RAW', 'RAW');
export const AUDITD_ENRICHED: Subject = auditd('auditd ENRICHED', 'ENRICHED');
/** Auditd writes nothing itself, as laurel's manual has it; laurel as Debian configures it, in a folder of its own. */
export const LAUREL: Subject = auditd('auditd + laurel', 'laurel');

function auditd(name: string, format: Format): Subject {
  return {
    name,
    async start(cgroup, rules): Promise<Running> {
      const folder = mkdtempSync(join(tmpdir(), 'vedette-auditd-'));
      const before = statusNumbers();
      const log = configure(folder, format);
      const [command = '', ...wrapper] = cgroup.wrapper;
      const child = spawn(command, [...wrapper, 'auditd', '-n', '-c', folder, '-s', 'enable'], {
        stdio: ['ignore', 'ignore', 'inherit'],
      });
      const gone = new Promise((resolve) => child.on('exit', resolve));
      const stop = async (): Promise<void> => {
        execFileSync('auditctl', ['-D'], { stdio: 'ignore' });
        child.kill('SIGTERM');
        await gone;
        for (const [flag, setting] of [
          ['-b', 'backlog_limit'],
          ['--backlog_wait_time', 'backlog_wait_time'],
          ['-e', 'enabled'],
        ] as const) {
          execFileSync('auditctl', [flag, String(before[setting])], { stdio: 'ignore' });
        }
        await cgroup.remove();
        rmSync(folder, { recursive: true, force: true });
      };
      try {
        await eventually('auditd', () => (statusNumbers()['pid'] === child.pid ? true : undefined), 10_000);
        if (format === 'laurel')
          await eventually('laurel', () => (cgroup.pids().length > 1 ? true : undefined), 10_000);
        execFileSync('auditctl', ['--backlog_wait_time', '0'], { stdio: 'ignore' });
        execFileSync('auditctl', ['-b', '65536'], { stdio: 'ignore' });
        for (const rule of rules)
          execFileSync('auditctl', rule.trim().split(/\s+/), { stdio: ['ignore', 'ignore', 'inherit'] });
      } catch (error) {
        await stop();
        throw error;
      }
      const marker = format === 'laurel' ? '"SYSCALL":{' : 'type=SYSCALL msg=';
      return {
        events: async () => occurrences(log, marker),
        bytes: async () => folderBytes(log),
        stop,
      };
    },
  };
}

/** Writes the configuration; the folder in which the events will be. */
function configure(folder: string, format: Format): string {
  const log = join(folder, 'log');
  const plugins = join(folder, 'plugins.d');
  mkdirSync(log, { mode: 0o700 });
  mkdirSync(plugins, { mode: 0o750 });
  const settings: Readonly<Record<string, string | number>> = {
    log_file: `${log}/audit.log`,
    log_format: format === 'ENRICHED' ? 'ENRICHED' : 'RAW',
    write_logs: format === 'laurel' ? 'no' : 'yes',
    local_events: 'yes',
    flush: 'INCREMENTAL_ASYNC',
    freq: 50,
    max_log_file: 2000,
    max_log_file_action: 'IGNORE',
    space_left: 10,
    space_left_action: 'IGNORE',
    admin_space_left: 5,
    admin_space_left_action: 'IGNORE',
    disk_full_action: 'IGNORE',
    disk_error_action: 'IGNORE',
    name_format: 'NONE',
    plugin_dir: plugins,
    q_depth: 20_000,
    overflow_action: 'SYSLOG',
  };
  const lines = Object.entries(settings).map(([key, value]) => `${key} = ${value}`);
  writeFileSync(join(folder, 'auditd.conf'), `${lines.join('\n')}\n`, { mode: 0o640 });
  if (format !== 'laurel') return log;
  const config = join(folder, 'laurel.toml');
  writeFileSync(
    config,
    [
      `directory = "${log}"`,
      '[auditlog]',
      'file = "audit.log"',
      'size = 2000000000',
      'generations = 2',
      '[transform]',
      'execve-argv = [ "array" ]',
      '[enrich]',
      'pid = true',
      'execve-env = [ "LD_PRELOAD", "LD_LIBRARY_PATH" ]',
      'container = true',
      'script = true',
      '',
    ].join('\n'),
    { mode: 0o640 },
  );
  writeFileSync(
    join(plugins, 'laurel.conf'),
    `active = yes\ndirection = out\ntype = always\nformat = string\npath = /usr/sbin/laurel\nargs = --config ${config}\n`,
    { mode: 0o640 },
  );
  return log;
}

/** The kernel's audit settings as auditctl tells them. */
function statusNumbers(): Readonly<Record<string, number>> {
  const lines = execFileSync('auditctl', ['-s']).toString().split('\n');
  return Object.fromEntries(lines.map((line) => [line.split(' ')[0] ?? '', Number(line.split(' ')[1])]));
}
