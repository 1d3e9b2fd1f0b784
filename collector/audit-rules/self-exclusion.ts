// The collector, and a server on its machine, are not audited: their work on an event would make more events, without end. By the
// executable where that can be nobody's but ours (the packaged one: a single file that root alone can change); else by pid, until the
// process ends, since a pid is used again.
import { readlinkSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { startTicksOf } from '../lineage/proc.ts';
import type { AuditControl } from '../netlink/audit-control.ts';
import { ERRNO } from '../netlink/libc.ts';
import { type CompiledRule, decodeRule, encodeRule, ruleIdentity } from '../netlink/rule-data.ts';
import { KEY_PREFIX } from './default-rules.ts';

const EXCLUSION_KEY: string = `${KEY_PREFIX}exclude`;
const EXCLUDED_PIDS_MAX = 32;
const WRITABLE_BY_OTHERS = 0o022;
const FOLDERS_MAX = 64;

/** The rule that leaves a process out: before all others, and to be removed when the process ends. */
export function exclusionRule(pid: number): CompiledRule {
  return neverRule({ name: 'pid', operator: '=', value: pid });
}

/** The rule that leaves every process of an executable out. */
function executableExclusionRule(path: string): CompiledRule {
  return neverRule({ name: 'exe', operator: '=', value: Buffer.from(path).toString('latin1') });
}

function neverRule(field: CompiledRule['fields'][number]): CompiledRule {
  return {
    action: 'never',
    isFirst: true,
    syscalls: 'all',
    fields: [field, { name: 'key', operator: '=', value: EXCLUSION_KEY }],
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
  /** A pid is used again once its process is gone: an exclusion must not outlive it. */
  dropEnded(): void;
}

/** `executable`: what may be excluded as such; its processes then need no rule of their own. */
export function createExclusions(control: AuditControl, executable: string | undefined): Exclusions {
  const excluded = new Map<number, number>();
  const byExecutable = executable !== undefined && isAdded(control, executableExclusionRule(executable));
  const drop = (pid: number): void => {
    control.removeRule(encodeRule({ ...exclusionRule(pid), isFirst: false }));
    excluded.delete(pid);
  };
  return {
    replace(pids) {
      for (const pid of [...excluded.keys()]) if (!pids.includes(pid)) drop(pid);
      for (const pid of pids.slice(0, EXCLUDED_PIDS_MAX)) {
        const startTicks = startTicksOf(pid);
        if (startTicks === undefined || excluded.get(pid) === startTicks) continue;
        if (byExecutable && executableOf(pid) === executable) continue;
        if (isAdded(control, exclusionRule(pid))) excluded.set(pid, startTicks);
      }
    },
    holds(rule) {
      const decoded = decodeRule(rule);
      if (decoded?.action !== 'never' || !decoded.keys.includes(EXCLUSION_KEY)) return false;
      if (decoded.pid !== undefined) return excluded.has(decoded.pid);
      return (
        byExecutable &&
        decoded.fields.some(({ name, value }) => name === 'exe' && value === Buffer.from(executable).toString('latin1'))
      );
    },
    restore(present) {
      const there = new Set(present.map(ruleIdentity));
      const rules = [...excluded.keys()].map(exclusionRule);
      if (byExecutable) rules.push(executableExclusionRule(executable));
      for (const rule of rules) if (!there.has(ruleIdentity(encodeRule(rule)))) isAdded(control, rule);
    },
    dropEnded() {
      for (const [pid, startTicks] of excluded) if (startTicksOf(pid) !== startTicks) drop(pid);
    },
  };
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
