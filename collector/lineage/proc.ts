// What /proc says of processes. Every read is bounded and may find nothing: processes end while one looks. The folder is a
// parameter, so that tests have a /proc of their own.
import { opendirSync, readFileSync, readlinkSync } from 'node:fs';
import { readFileStart } from '../netlink/libc.ts';

/** argv is kept up to this size, bytes; what a process says beyond is cut. */
const COMMAND_LINE_BYTES_MAX = 4096;
const ARGUMENTS_MAX = 64;

/** One process as /proc shows it at one moment. */
export interface ProcProcess {
  readonly pid: number;
  readonly ppid: number;
  /** comm: at most 15 bytes, any bytes. */
  readonly name: string;
  /** Field 22 of stat: clock ticks since boot; with the pid it names the process for good. */
  readonly startTicks: number;
}

const STAT = Buffer.allocUnsafeSlow(2048);
const COMMAND_LINE = Buffer.allocUnsafeSlow(COMMAND_LINE_BYTES_MAX);

/** Name, parent and start of a process, or undefined when it is gone. */
export function readStat(pid: number, procFolder = '/proc'): ProcProcess | undefined {
  const length = readFileStart(`${procFolder}/${pid}/stat`, STAT);
  if (length <= 0) return undefined;
  const text = STAT.toString('latin1', 0, length);
  // The name stands in parentheses and may hold parentheses and spaces itself: the last one ends it.
  const open = text.indexOf('(');
  const close = text.lastIndexOf(')');
  if (open < 0 || close < open) return undefined;
  const fields = text.slice(close + 2).split(' ', 20);
  const ppid = Number(fields[1]);
  const startTicks = Number(fields[19]);
  if (!Number.isInteger(ppid) || !Number.isInteger(startTicks)) return undefined;
  return { pid, ppid, startTicks, name: Buffer.from(text.slice(open + 1, close), 'latin1').toString('utf8') };
}

/** When a process started, in ticks since boot, or undefined when it is gone. */
export function startTicksOf(pid: number, procFolder = '/proc'): number | undefined {
  return readStat(pid, procFolder)?.startTicks;
}

/** The executable's path, or undefined for kernel threads and where it may not be read. */
export function readExecutable(pid: number, procFolder = '/proc'): string | undefined {
  try {
    const path = readlinkSync(`${procFolder}/${pid}/exe`);
    return path.endsWith(' (deleted)') ? path.slice(0, -' (deleted)'.length) : path;
  } catch {
    return undefined;
  }
}

/** The arguments as the process shows them now (a process can rewrite them), or undefined. */
export function readArguments(pid: number, procFolder = '/proc'): readonly string[] | undefined {
  const length = readFileStart(`${procFolder}/${pid}/cmdline`, COMMAND_LINE);
  if (length <= 0) return undefined;
  const end = COMMAND_LINE[length - 1] === 0 ? length - 1 : length;
  return COMMAND_LINE.toString('utf8', 0, end).split('\0', ARGUMENTS_MAX);
}

/** At most `max` process ids. */
export function listPids(max: number, procFolder = '/proc'): readonly number[] {
  const pids: number[] = [];
  try {
    const folder = opendirSync(procFolder);
    try {
      for (let entry = folder.readSync(); entry !== null && pids.length < max; entry = folder.readSync()) {
        if (/^[0-9]{1,10}$/.test(entry.name)) pids.push(Number(entry.name));
      }
    } finally {
      folder.closeSync();
    }
  } catch {
    return pids;
  }
  return pids;
}

/** The kernel's boot_id: 36 characters; a value of zeros where there is none. */
export function bootIdOf(procFolder = '/proc'): string {
  try {
    const text = readFileSync(`${procFolder}/sys/kernel/random/boot_id`, 'latin1').trim();
    if (/^[0-9a-f-]{36}$/.test(text)) return text;
  } catch {
    // A container may hide it.
  }
  return '00000000-0000-0000-0000-000000000000';
}
