// What /proc says of processes. Every read is bounded and may find nothing: processes end while one looks. The folder is a
// parameter, so that tests have a /proc of their own.
import { opendirSync, readFileSync, readlinkSync } from 'node:fs';
import { readFileStart } from '../netlink/libc.ts';
import type { PidView } from './pid-clock.ts';

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
  /** The pid of the session's leader; 0 for kernel threads, and for sessions of an outer pid namespace. */
  readonly session: number;
}

/** What /proc can be asked; absent where another host's records are played. */
export interface ProcView extends PidView {
  stat(pid: number): ProcProcess | undefined;
  executable(pid: number): string | undefined;
  arguments(pid: number): readonly string[] | undefined;
  cgroup(pid: number): string | undefined;
  /** True when the process's calls return pids of another namespace. */
  hasOtherPids(pid: number): boolean;
  pids(max: number): readonly number[];
  /** When the host was booted by its clock of now, epoch ms: with it start times become times of day. */
  bootMs(): number;
}

/** Clock ticks in a second as /proc counts them: USER_HZ, 100 on every architecture that Node runs on. */
export const TICK_MS = 10;

const STAT = Buffer.allocUnsafeSlow(2048);
const STATUS = Buffer.allocUnsafeSlow(2048);
const COMMAND_LINE = Buffer.allocUnsafeSlow(COMMAND_LINE_BYTES_MAX);

/** Name, parent, session and start of a process, or undefined when it is gone. */
export function readStat(pid: number, procFolder = '/proc'): ProcProcess | undefined {
  const length = readFileStart(`${procFolder}/${pid}/stat`, STAT);
  if (length <= 0) return undefined;
  // The name stands in parentheses and may hold parentheses and spaces itself: the last one ends it.
  const open = STAT.indexOf(OPENING);
  const close = STAT.lastIndexOf(CLOSING, length - 1);
  if (open < 0 || close < open || open >= length) return undefined;
  // Behind it: " S ppid pgrp session …"; the start is the 20th field from there.
  let ppid = -1;
  let session = -1;
  let field = 0;
  let from = close + 2;
  for (let at = from; at <= length; at++) {
    const byte = at < length ? STAT[at] : SPACE;
    if (byte !== SPACE && byte !== LINE_FEED) continue;
    if (field === 1) ppid = numberAt(from, at);
    else if (field === 3) session = numberAt(from, at);
    else if (field === 19) {
      const startTicks = numberAt(from, at);
      if (ppid < 0 || startTicks < 0) return undefined;
      return { pid, ppid, startTicks, session, name: STAT.toString('utf8', open + 1, close) };
    }
    field += 1;
    from = at + 1;
  }
  return undefined;
}

const OPENING = 40;
const CLOSING = 41;
const SPACE = 32;
const LINE_FEED = 10;

/** The decimal number in STAT, or -1. */
function numberAt(from: number, to: number): number {
  if (from >= to) return -1;
  let number = 0;
  for (let at = from; at < to; at++) {
    const digit = (STAT[at] ?? 0) - 48;
    if (digit < 0 || digit > 9) return -1;
    number = number * 10 + digit;
  }
  return number;
}

/** When a process started, in ticks since boot, or undefined when it is gone. */
export function startTicksOf(pid: number, procFolder = '/proc'): number | undefined {
  return readStat(pid, procFolder)?.startTicks;
}

/** The real user id of a process, or undefined when it is gone. */
export function readUid(pid: number, procFolder = '/proc'): number | undefined {
  const length = readFileStart(`${procFolder}/${pid}/status`, STATUS);
  const uid = length <= 0 ? undefined : /^Uid:\t([0-9]{1,10})\t/m.exec(STATUS.toString('latin1', 0, length))?.[1];
  return uid === undefined ? undefined : Number(uid);
}

/** The executable's path, or undefined for kernel threads and where it may not be read. */
function readExecutable(pid: number, procFolder = '/proc'): string | undefined {
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

const CGROUP = Buffer.allocUnsafeSlow(8192);

/** The text of the process's cgroup file, or undefined when it is gone. */
function readCgroup(pid: number, procFolder = '/proc'): string | undefined {
  const length = readFileStart(`${procFolder}/${pid}/cgroup`, CGROUP);
  return length <= 0 ? undefined : CGROUP.toString('utf8', 0, length);
}

/** True when the process sees other pids than this one does: then the pids that its calls return mean nothing here. */
function hasOtherPids(pid: number, procFolder = '/proc'): boolean {
  try {
    return readlinkSync(`${procFolder}/${pid}/ns/pid`) !== readlinkSync(`${procFolder}/self/ns/pid`);
  } catch {
    return true;
  }
}

/** Pids are given out up to this number, and then again from the start. */
function readPidMax(procFolder = '/proc'): number {
  try {
    const max = Number(readFileSync(`${procFolder}/sys/kernel/pid_max`, 'latin1'));
    if (Number.isInteger(max) && max > 0) return max;
  } catch {
    // The smallest that kernels begin with.
  }
  return 32_768;
}

/** The pid that was given out last, or undefined. */
export function readLastPid(procFolder = '/proc'): number | undefined {
  const length = readFileStart(`${procFolder}/loadavg`, STAT);
  if (length <= 0) return undefined;
  const from = STAT.lastIndexOf(SPACE, length - 1) + 1;
  const pid = numberAt(from, STAT[length - 1] === LINE_FEED ? length - 1 : length);
  return pid < 0 ? undefined : pid;
}

/** Time since boot, ms; 10 ms exact. 0 where /proc does not say. */
function readUptimeMs(procFolder = '/proc'): number {
  const length = readFileStart(`${procFolder}/uptime`, STAT);
  return length <= 0 ? 0 : Math.round(Number.parseFloat(STAT.toString('latin1', 0, length)) * 1_000);
}

/** At most `max` process ids. */
function listPids(max: number, procFolder = '/proc'): readonly number[] {
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

/** All that the process table asks of /proc. */
export function procView(now: () => number, procFolder = '/proc'): ProcView {
  return {
    stat: (pid) => readStat(pid, procFolder),
    executable: (pid) => readExecutable(pid, procFolder),
    arguments: (pid) => readArguments(pid, procFolder),
    cgroup: (pid) => readCgroup(pid, procFolder),
    hasOtherPids: (pid) => hasOtherPids(pid, procFolder),
    pids: (max) => listPids(max, procFolder),
    lastPid: () => readLastPid(procFolder),
    pidMax: () => readPidMax(procFolder),
    bootMs: () => now() - readUptimeMs(procFolder),
  };
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
