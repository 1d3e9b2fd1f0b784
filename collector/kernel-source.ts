// The kernel's unicast stream: becomes its one owner, loads the rules, and puts everything back. First, do no harm: another
// owner is left alone, a locked configuration is not fought, the backlog never holds up a system call (wait time 0), the
// failure mode stays.
import { existsSync, readFileSync } from 'node:fs';
import { totalmem } from 'node:os';
import type { AuditRecord } from '../audit/event.ts';
import { syscallName } from '../audit/tables/syscall.ts';
import { compileDefaultRules, exclusionRule, KEY_PREFIX, parseScope, type RuleArchitecture } from './audit-rules.ts';
import { forgetOriginal, noteOriginal, ownRules, putSettingsBack, removeOwnRules, settingsOf } from './kernel-state.ts';
import { startTicksOf } from './lineage/proc.ts';
import { type AuditControl, openAuditControl } from './netlink/audit-control.ts';
import { auditSocket, bindNetlink, closeDescriptor, ERRNO, sendToKernel } from './netlink/libc.ts';
import { AUDIT_SET, encodeMessage, encodeStatus } from './netlink/message.ts';
import { createReceiver, growQueue, type Receiver } from './netlink/receiver.ts';
import { decodeRule, encodeRule, type RuleField, ruleIdentity } from './netlink/rule-data.ts';
import type { Notice, Refusal } from './options.ts';
import type { SourceStart } from './source.ts';

const LOCKED = 2;
/** Records that wait in the kernel when we are slow; each takes about 2 KiB. */
const BACKLOG_LIMIT = 65_536;
const BACKLOG_LIMIT_SMALL = 8_192;
const SMALL_MEMORY_BYTES = 2 * 1024 ** 3;
/** The kernel answers an AUDIT_SET within the send; records may stand before the answer. */
const ANSWER_DRAINS_MAX = 1_000;
const EXCLUDED_PIDS_MAX = 32;
const FAMILY_FILTER_FEATURE = 0x20;

export interface KernelSourceOptions {
  /** The collector's own folder. */
  readonly folder: string;
  readonly rulesProfile: 'default' | 'none';
  readonly rulesScope: string | undefined;
  readonly excludePids: readonly number[];
  readonly onNotice: (notice: Notice) => void;
}

/** Opens the unicast stream, or says why not. */
export function openKernelSource(options: KernelSourceOptions): SourceStart {
  const scope = parseScope(options.rulesScope ?? '');
  if ('error' in scope) return { kind: 'refused', refusal: { kind: 'failed', reason: scope.error } };
  const opened = openAuditControl();
  if (opened.kind === 'errno') return refused(opened.errno);
  const control = opened.value;
  const status = control.status();
  const fd = status.kind === 'ok' ? auditSocket() : status.errno;
  const bound = fd < 0 ? fd : bindNetlink(fd, 0);
  if (status.kind === 'errno' || bound < 0) {
    if (fd >= 0) closeDescriptor(fd);
    control.close();
    return refused(bound);
  }
  growQueue(fd);
  const receiver = createReceiver(fd);
  const early: AuditRecord[] = [];
  const owned = becomeOwner(fd, receiver, early);
  if (owned < 0) {
    closeDescriptor(fd);
    const owner = control.status();
    control.close();
    if (owned === -ERRNO.EEXIST)
      return { kind: 'refused', refusal: ownerOf(owner.kind === 'ok' ? owner.value.pid : 0) };
    return refused(owned);
  }
  const isLocked = status.value.enabled === LOCKED;
  const notices: Notice[] = [];
  const ours = {
    enabled: isLocked ? LOCKED : 1,
    backlogLimit: Math.max(
      status.value.backlogLimit,
      totalmem() < SMALL_MEMORY_BYTES ? BACKLOG_LIMIT_SMALL : BACKLOG_LIMIT,
    ),
    backlogWaitTime: 0,
  };
  const exclusions = createExclusions(control);
  let ruleCount = 0;
  if (isLocked) {
    notices.push({
      level: 'warning',
      code: 'locked',
      text: 'The kernel’s audit configuration is locked until the next boot: no rule is loaded, no setting changed.',
    });
  } else {
    noteOriginal(options.folder, settingsOf(status.value), ours);
    // What a killed collector left is kept where it is wanted: without its rules the kernel would see nothing meanwhile.
    const leftovers = new Map(ownRules(control).map((rule) => [ruleIdentity(rule), rule]));
    exclusions.replace([process.pid, ...options.excludePids]);
    if (options.rulesProfile === 'default')
      ruleCount = loadRules(control, { scope: scope.fields, features: status.value.features, leftovers, notices });
    for (const leftover of leftovers.values()) if (!exclusions.holds(leftover)) control.removeRule(leftover);
    for (const name of ['backlogLimit', 'backlogWaitTime', 'enabled'] as const) control.change({ [name]: ours[name] });
    const after = control.status();
    if (after.kind === 'ok' && after.value.enabled !== 1) {
      notices.push({ level: 'error', code: 'not-enabled', text: 'The kernel did not switch auditing on.' });
    }
  }
  notices.push(...foreignExclusions(control));
  let isClosed = false;
  let isAllBack = true;

  return {
    kind: 'open',
    notices,
    source: {
      mode: { kind: 'kernel', rules: ruleCount, isLocked },
      drain(onRecord) {
        for (const record of early.splice(0)) onRecord(record);
        return receiver.drain(onRecord);
      },
      isEnded: () => false,
      check() {
        if (receiver.takeReplacements() > 0) {
          options.onNotice({
            level: 'warning',
            code: 'replace-attempt',
            text: 'Another process tried to take the audit socket; the kernel refused it.',
          });
        }
        if (!isLocked) exclusions.dropEnded();
        const now = control.status();
        if (now.kind === 'errno') return undefined;
        return { lost: now.value.lost, backlog: now.value.backlog, isOwner: now.value.pid === process.pid };
      },
      excludePids(pids) {
        if (!isLocked) exclusions.replace([process.pid, ...pids]);
      },
      quiesce() {
        if (isLocked) return;
        isAllBack = putSettingsBack(options.folder, control);
        removeOwnRules(control);
      },
      close() {
        if (isClosed) return;
        isClosed = true;
        if (!isLocked) {
          isAllBack &&= putSettingsBack(options.folder, control);
          removeOwnRules(control);
          if (isAllBack) forgetOriginal(options.folder);
        }
        control.change({ pid: 0 });
        control.close();
        closeDescriptor(fd);
      },
    },
  };
}

/** Sends the SET on the very socket that is to receive. 0, or the errno, negative. What comes before the answer is kept. */
function becomeOwner(fd: number, receiver: Receiver, early: AuditRecord[]): number {
  const sent = sendToKernel(fd, encodeMessage(AUDIT_SET, 1, encodeStatus({ pid: process.pid })));
  if (sent < 0) return sent;
  for (let tries = 0; tries < ANSWER_DRAINS_MAX; tries += 1) {
    receiver.drain((record) => early.push(record));
    const answer = receiver.takeAnswer();
    if (answer !== undefined) return answer;
  }
  return -ERRNO.EAGAIN;
}

interface RuleLoading {
  readonly scope: readonly RuleField[];
  readonly features: number;
  /** Rules of ours that are there already, by identity; those that are wanted are taken out. */
  readonly leftovers: Map<string, Buffer>;
  readonly notices: Notice[];
}

function loadRules(control: AuditControl, { scope, features, leftovers, notices }: RuleLoading): number {
  const rules = compileDefaultRules({
    architectures: machineArchitectures(process.arch),
    scope,
    hasFamilyFilter: (features & FAMILY_FILTER_FEATURE) !== 0,
    exists: existsSync,
  });
  let loaded = 0;
  const errnos = new Map<number, number>();
  for (const rule of rules) {
    const encoded = encodeRule(rule);
    if (leftovers.delete(ruleIdentity(encoded))) {
      loaded += 1;
      continue;
    }
    const answer = control.addRule(encoded);
    // An equal rule is there already: the administrator asks for the same; it stays theirs.
    if (answer.kind === 'ok') loaded += 1;
    else if (answer.errno !== -ERRNO.EEXIST) errnos.set(answer.errno, (errnos.get(answer.errno) ?? 0) + 1);
  }
  for (const [errno, count] of errnos) {
    notices.push({
      level: 'warning',
      code: 'rule-refused',
      text: `The kernel refused ${count} of ${rules.length} audit rules with errno ${-errno}: what they ask for is not seen.`,
    });
  }
  return loaded;
}

/** The audit architectures whose programs run here. */
export function machineArchitectures(arch: string): readonly RuleArchitecture[] {
  const names = arch === 'arm64' ? ['c00000b7'] : ['c000003e', '40000003'];
  return names.map((name) => {
    const numbers = new Map<string, number>();
    for (let number = 0; number < 1024; number += 1) {
      const call = syscallName(name, number);
      if (call !== undefined) numbers.set(call, number);
    }
    return { auditNumber: Number.parseInt(name, 16), syscallNumber: (call) => numbers.get(call) };
  });
}

interface Exclusions {
  replace(pids: readonly number[]): void;
  /** True when the rule leaves out one of these processes. */
  holds(rule: Buffer): boolean;
  /** A pid is used again once its process is gone: an exclusion must not outlive it. */
  dropEnded(): void;
}

function createExclusions(control: AuditControl): Exclusions {
  const excluded = new Map<number, number>();
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
        const answer = control.addRule(encodeRule(exclusionRule(pid)));
        if (answer.kind === 'ok' || answer.errno === -ERRNO.EEXIST) excluded.set(pid, startTicks);
      }
    },
    holds(rule) {
      const { action, pid } = decodeRule(rule) ?? {};
      return action === 'never' && pid !== undefined && excluded.has(pid);
    },
    dropEnded() {
      for (const [pid, startTicks] of excluded) if (startTicksOf(pid) !== startTicks) drop(pid);
    },
  };
}

/** `never` rules of others hide what we are here to see: said, not changed. */
function foreignExclusions(control: AuditControl): readonly Notice[] {
  const rules = control.listRules();
  if (rules.kind === 'errno') return [];
  const foreign = rules.value
    .map(decodeRule)
    .filter((rule) => rule?.action === 'never' && !rule.keys.some((key) => key.startsWith(KEY_PREFIX)));
  if (foreign.length === 0) return [];
  const text = `${foreign.length} audit rule(s) of others say "never": what they leave out is not seen.`;
  return [{ level: 'warning', code: 'foreign-exclusion', text }];
}

function ownerOf(pid: number): Refusal {
  return { kind: 'owned-by', pid, name: processName(pid) };
}

/** The name of a process, or '' when it is gone. */
export function processName(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trimEnd();
  } catch {
    return '';
  }
}

/** What an errno of the audit socket means for the one who asked. */
export function refused(errno: number): { readonly kind: 'refused'; readonly refusal: Refusal } {
  const code = -errno;
  if (code === ERRNO.EPERM || code === ERRNO.EACCES) return { kind: 'refused', refusal: { kind: 'no-permission' } };
  if (code === ERRNO.EPROTONOSUPPORT || code === ERRNO.EAFNOSUPPORT || code === ERRNO.ECONNREFUSED) {
    return { kind: 'refused', refusal: { kind: 'no-audit' } };
  }
  return { kind: 'refused', refusal: { kind: 'failed', reason: `the audit socket said errno ${code}` } };
}
