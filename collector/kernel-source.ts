// The kernel's unicast stream: becomes its one owner, loads the rules, and puts everything back. First, do no harm: another
// owner is left alone, a locked configuration is not fought, the backlog never holds up a system call (wait time 0), the
// failure mode stays.
import { existsSync } from 'node:fs';
import { totalmem } from 'node:os';
import { syscallName } from '../audit/tables/syscall.ts';
import { compileDefaultRules, exclusionRule, KEY_PREFIX, parseScope, type RuleArchitecture } from './audit-rules.ts';
import { forgetStoredSocket, storeSocket } from './inherited-socket.ts';
import { createGuard } from './kernel-guard.ts';
import {
  clearDeadOwner,
  forgetOriginal,
  markOf,
  noteOriginal,
  ownRules,
  putSettingsBack,
  removeOwnRules,
  settingsOf,
} from './kernel-state.ts';
import { claimStream } from './kernel-stream.ts';
import { kernelWatch } from './kernel-watch.ts';
import { startTicksOf } from './lineage/proc.ts';
import { openMulticastSource } from './multicast-source.ts';
import { type AuditControl, openAuditControl } from './netlink/audit-control.ts';
import { closeDescriptor, ERRNO } from './netlink/libc.ts';
import { decodeRule, encodeRule, type RuleField, ruleIdentity } from './netlink/rule-data.ts';
import type { Notice } from './options.ts';
import { processName, refused } from './refusal.ts';
import type { Drained, SourceStart } from './source.ts';
import { tamperQueue } from './tamper.ts';

const LOCKED = 2;
/** Records that wait in the kernel when we are slow; each takes about 2 KiB. */
const BACKLOG_LIMIT = 65_536;
const BACKLOG_LIMIT_SMALL = 8_192;
const SMALL_MEMORY_BYTES = 2 * 1024 ** 3;
/** How often the end of a predecessor's registration is tried, 10 ms apart: systemd closes its copy of the socket by then. */
const CLEAR_TRIES_MAX = 20;
const EXCLUDED_PIDS_MAX = 32;
const FAMILY_FILTER_FEATURE = 0x20;

export interface KernelSourceOptions {
  /** The collector's own folder. */
  readonly folder: string;
  readonly rulesProfile: 'default' | 'none';
  readonly rulesScope: string | undefined;
  readonly excludePids: readonly number[];
  /** A unicast audit socket that was handed to this process, or to its predecessor and back. */
  readonly inheritedSocket: number | undefined;
  /** systemd's notification socket, to whose store a new socket is given. */
  readonly notifySocket: string | undefined;
  /** Whether settings that somebody changes are put right again. */
  readonly mends: boolean;
  readonly now: () => number;
}

/** Opens the unicast stream, or says why not. */
export function openKernelSource(options: KernelSourceOptions): SourceStart {
  const scope = parseScope(options.rulesScope ?? '');
  if ('error' in scope) return { kind: 'refused', refusal: { kind: 'failed', reason: scope.error } };
  const opened = openAuditControl();
  if (opened.kind === 'errno') return refused(opened.errno);
  const control = opened.value;
  const status = control.status();
  const claimed = status.kind === 'errno' ? refused(status.errno) : claimStream(options, status.value.pid);
  if (status.kind === 'errno' || claimed.kind === 'refused') {
    control.close();
    return claimed.kind === 'refused' ? claimed : refused(-ERRNO.EINVAL);
  }
  const { stream } = claimed;
  const { notifySocket } = options;
  const isStored = notifySocket !== undefined && !stream.isInherited && storeSocket(notifySocket, stream.fd);
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
    const registrant = stream.predecessor ?? markOf(process.pid);
    noteOriginal(options.folder, { current: settingsOf(status.value), ours, registrant });
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
  const tampers = tamperQueue();
  const settled = control.status();
  const guard = createGuard({
    control,
    ownership: stream.ownership,
    watch: kernelWatch(
      settled.kind === 'ok' ? settled.value : { ...status.value, ...ours },
      options.mends && !isLocked,
    ),
    openBeside: () => openMulticastSource({ inheritedSocket: undefined, now: options.now }),
    nameOf: processName,
    tampers,
  });
  let isClosed = false;
  let isAllBack = true;

  return {
    kind: 'open',
    notices,
    source: {
      get mode() {
        return guard.beside()?.mode ?? { kind: 'kernel', rules: ruleCount, isLocked };
      },
      drain(onRecord) {
        for (const record of stream.early.splice(0)) onRecord(record);
        const drained = stream.receiver.drain(onRecord);
        for (const pid of stream.ownership.settle(!drained.hasMore)) guard.sawAttempt(pid);
        const beside = guard.beside()?.drain(onRecord);
        return beside === undefined ? drained : sumOf(drained, beside);
      },
      isEnded: () => false,
      keptWatching: stream.ownership.keptWatching,
      takeTampers() {
        guard.look(options.now());
        return tampers.take();
      },
      check() {
        if (!isLocked) exclusions.dropEnded();
        const now = control.status();
        if (now.kind === 'errno') return undefined;
        const isOwner = stream.ownership.standing() !== 'lost';
        return { lost: now.value.lost, backlog: now.value.backlog, isOwner };
      },
      excludePids(pids) {
        if (!isLocked) exclusions.replace([process.pid, ...pids]);
      },
      quiesce() {
        guard.end();
        if (isLocked) return;
        isAllBack = putSettingsBack(options.folder, control);
        removeOwnRules(control);
      },
      close() {
        if (isClosed) return;
        isClosed = true;
        guard.end();
        if (!isLocked) {
          isAllBack &&= putSettingsBack(options.folder, control);
          removeOwnRules(control);
          if (isAllBack) forgetOriginal(options.folder);
        }
        guard.beside()?.close();
        const isRegistrant = stream.ownership.standing() === 'ours' && stream.ownership.registrant() === process.pid;
        if (isRegistrant) control.change({ pid: 0 });
        if (notifySocket !== undefined && (isStored || stream.isInherited)) forgetStoredSocket(notifySocket);
        closeDescriptor(stream.fd);
        // The kernel names a predecessor: its registration ends when the last holder of the socket has closed it.
        for (let tries = 0; !isRegistrant && tries < CLEAR_TRIES_MAX && !clearDeadOwner(control); tries += 1) pause(10);
        control.close();
      },
    },
  };
}

function sumOf(one: Drained, other: Drained): Drained {
  return {
    records: one.records + other.records,
    overflows: one.overflows + other.overflows,
    unreadable: one.unreadable + other.unreadable,
    hasMore: one.hasMore || other.hasMore,
  };
}

const PAUSE = new Int32Array(new SharedArrayBuffer(4));

function pause(durationMs: number): void {
  Atomics.wait(PAUSE, 0, 0, durationMs);
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
