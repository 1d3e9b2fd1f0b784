// The collector, and a server on its machine, are not audited: their work on an event would make more events, without end. By the
// executable where that can be nobody's but ours (the packaged one: a single file that root alone can change); else by pid, together
// with parent and user: a pid is used again, and whoever gets it while the rule still stands must not be hidden by it.
import { readlinkSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { readStat, readUid } from '../lineage/proc.ts';
import type { AuditControl } from '../netlink/audit-control.ts';
import { ERRNO } from '../netlink/libc.ts';
import { type CompiledRule, decodeRule, encodeRule, ruleIdentity } from '../netlink/rule-data.ts';
import { KEY_PREFIX } from './default-rules.ts';

const EXCLUSION_KEY: string = `${KEY_PREFIX}exclude`;
const EXCLUDED_PIDS_MAX = 32;
const WRITABLE_BY_OTHERS = 0o022;
const FOLDERS_MAX = 64;

/** A process as the kernel's filter can know it. The start time, which tells it from a later one of that pid, is not among that. */
export interface ExcludedProcess {
  readonly pid: number;
  readonly ppid: number;
  readonly uid: number;
}

/** The rule that leaves a process out: before all others, and to be removed when the process ends. */
export function exclusionRule({ pid, ppid, uid }: ExcludedProcess): CompiledRule {
  return neverRule([
    { name: 'pid', operator: '=', value: pid },
    { name: 'ppid', operator: '=', value: ppid },
    { name: 'uid', operator: '=', value: uid },
  ]);
}

/** The rule that leaves every process of an executable out. */
function executableExclusionRule(path: string): CompiledRule {
  return neverRule([{ name: 'exe', operator: '=', value: Buffer.from(path).toString('latin1') }]);
}

function neverRule(fields: CompiledRule['fields']): CompiledRule {
  return {
    action: 'never',
    isFirst: true,
    syscalls: 'all',
    fields: [...fields, { name: 'key', operator: '=', value: EXCLUSION_KEY }],
  };
}

/** What is asked of a file to know whose it is. */
export type FileOwner = (path: string) => { readonly uid: number; readonly mode: number } | undefined;

export const fileOwner: FileOwner = (path) => {
  try {
    const { uid, mode } = statSync(path);
    return { uid, mode };
  } catch {
    return undefined;
  }
};

/**
 * True when the executable runs nothing but Vedette and only root can replace it: then it may be excluded as such. A run-time that
 * is installed for all (`/usr/bin/node`) would leave out everybody's programs.
 */
export function mayExcludeExecutable(path: string, isSingleExecutable: boolean, ownerOf: FileOwner): boolean {
  if (!isSingleExecutable || !path.startsWith('/') || path.endsWith(' (deleted)')) return false;
  let at = path;
  for (let count = 0; count < FOLDERS_MAX; count += 1) {
    const owner = ownerOf(at);
    if (owner === undefined || owner.uid !== 0 || (owner.mode & WRITABLE_BY_OTHERS) !== 0) return false;
    if (at === '/') return true;
    at = dirname(at);
  }
  return false;
}

export interface Exclusions {
  replace(pids: readonly number[]): void;
  /** True when the rule is one of these exclusions. */
  holds(rule: Buffer): boolean;
  /** Adds those again that somebody deleted: without them our own work would be recorded, and make more of it. */
  restore(present: readonly Buffer[]): void;
  /** Removes the exclusions of processes that ended, and renews those of processes that have another parent or user by now. */
  settle(): void;
}

/** `executable`: what may be excluded as such; its processes then need no rule of their own. */
export function createExclusions(control: AuditControl, executable: string | undefined): Exclusions {
  const excluded = new Map<number, Excluded>();
  const byExecutable = executable !== undefined && isAdded(control, executableExclusionRule(executable));
  const remove = (one: Excluded): void => {
    control.removeRule(encodeRule({ ...exclusionRule(one), isFirst: false }));
  };
  const drop = (one: Excluded): void => {
    remove(one);
    excluded.delete(one.pid);
  };
  const exclude = (pid: number): void => {
    const before = excluded.get(pid);
    const now = processOf(pid);
    if (now === undefined) {
      if (before !== undefined) drop(before);
      return;
    }
    if (before !== undefined && isSame(before, now)) return;
    // The new rule first: in between, our own work would be recorded.
    if (isAdded(control, exclusionRule(now))) excluded.set(pid, now);
    if (before !== undefined) remove(before);
  };
  return {
    replace(pids) {
      for (const one of [...excluded.values()]) if (!pids.includes(one.pid)) drop(one);
      for (const pid of pids.slice(0, EXCLUDED_PIDS_MAX)) {
        if (byExecutable && executableOf(pid) === executable) continue;
        exclude(pid);
      }
    },
    holds(rule) {
      const decoded = decodeRule(rule);
      if (decoded?.action !== 'never' || !decoded.keys.includes(EXCLUSION_KEY)) return false;
      if (decoded.pid !== undefined) {
        const one = excluded.get(decoded.pid);
        return one !== undefined && ruleIdentity(rule) === ruleIdentity(encodeRule(exclusionRule(one)));
      }
      return (
        byExecutable &&
        decoded.fields.some(({ name, value }) => name === 'exe' && value === Buffer.from(executable).toString('latin1'))
      );
    },
    restore(present) {
      const there = new Set(present.map(ruleIdentity));
      const rules = [...excluded.values()].map(exclusionRule);
      if (byExecutable) rules.push(executableExclusionRule(executable));
      for (const rule of rules) if (!there.has(ruleIdentity(encodeRule(rule)))) isAdded(control, rule);
    },
    settle() {
      for (const [pid, one] of [...excluded]) {
        if (processOf(pid)?.startTicks === one.startTicks) exclude(pid);
        else drop(one);
      }
    },
  };
}

interface Excluded extends ExcludedProcess {
  readonly startTicks: number;
}

function isSame(one: Excluded, other: Excluded): boolean {
  return one.startTicks === other.startTicks && one.ppid === other.ppid && one.uid === other.uid;
}

function processOf(pid: number): Excluded | undefined {
  const stat = readStat(pid);
  const uid = readUid(pid);
  return stat === undefined || uid === undefined
    ? undefined
    : { pid, ppid: stat.ppid, uid, startTicks: stat.startTicks };
}

function isAdded(control: AuditControl, rule: CompiledRule): boolean {
  const answer = control.addRule(encodeRule(rule));
  return answer.kind === 'ok' || answer.errno === -ERRNO.EEXIST;
}

function executableOf(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/exe`);
  } catch {
    return undefined;
  }
}
