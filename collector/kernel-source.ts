// The kernel's unicast stream: becomes its one owner, loads the rules, and puts everything back. First, do no harm: another
// owner is left alone, a locked configuration is not fought, the backlog never holds up a system call (wait time 0), the
// failure mode stays.

import { totalmem } from 'node:os';
import { isSea } from 'node:sea';
import { parseScope, type RulesProfile } from './audit-rules/default-rules.ts';
import { loadKernelRules } from './audit-rules/kernel-rules.ts';
import { createExclusions, fileOwner, mayExcludeExecutable } from './audit-rules/self-exclusion.ts';
import { forgetStoredSocket, storeSocket } from './inherited-socket.ts';
import { createGuard } from './kernel-guard.ts';
import {
  clearDeadOwner,
  forgetOriginal,
  markOf,
  noteOriginal,
  putSettingsBack,
  removeOwnRules,
  settingsOf,
} from './kernel-state.ts';
import { claimStream } from './kernel-stream.ts';
import { kernelWatch } from './kernel-watch.ts';
import { openMulticastSource } from './multicast-source.ts';
import { openAuditControl } from './netlink/audit-control.ts';
import { closeDescriptor, ERRNO } from './netlink/libc.ts';
import { queueBytes } from './netlink/receiver.ts';
import type { Notice } from './options.ts';
import { processName, refused } from './refusal.ts';
import type { Drained, SourceStart } from './source.ts';
import { tamperQueue } from './tamper.ts';

const LOCKED = 2;
/** The record type of a change to the audit configuration. */
/** The kernel is asked for its settings and the owner this often, and at once when a record tells of a change. */
const LOOK_MS = 5_000;
const CONFIG_CHANGE = 1305;
/** Records that wait in the kernel when we are slow; each takes about 2 KiB. */
const BACKLOG_LIMIT = 65_536;
const BACKLOG_LIMIT_SMALL = 8_192;
const SMALL_MEMORY_BYTES = 2 * 1024 ** 3;
/** How often the end of a predecessor's registration is tried, 10 ms apart: systemd closes its copy of the socket by then. */
const CLEAR_TRIES_MAX = 20;

export interface KernelSourceOptions {
  /** The collector's own folder. */
  readonly folder: string;
  readonly rulesProfile: RulesProfile;
  /** Files of audit rules, and folders of them. */
  readonly rulesFiles: readonly string[];
  readonly rulesScope: string | undefined;
  readonly excludePids: readonly number[];
  /** A unicast audit socket that was handed to this process, or to its predecessor and back. */
  readonly inheritedSocket: number | undefined;
  /** systemd's notification socket, to whose store a new socket is given. */
  readonly notifySocket: string | undefined;
  /** Whether rules of ours that somebody deletes are loaded again. */
  readonly mendsRules: boolean;
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
  const executable = mayExcludeExecutable(process.execPath, isSea(), fileOwner) ? process.execPath : undefined;
  const exclusions = createExclusions(control, isLocked ? undefined : executable);
  const rules = loadKernelRules(control, {
    ...options,
    scope: scope.fields,
    features: status.value.features,
    exclusions,
  });
  const ours = {
    enabled: isLocked ? LOCKED : 1,
    backlogLimit: Math.max(
      status.value.backlogLimit,
      rules.backlogLimit ?? 0,
      totalmem() < SMALL_MEMORY_BYTES ? BACKLOG_LIMIT_SMALL : BACKLOG_LIMIT,
    ),
    backlogWaitTime: rules.backlogWaitTime ?? 0,
  };
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
    exclusions.replace([process.pid, ...options.excludePids]);
    ruleCount = rules.load(notices);
    for (const name of ['backlogLimit', 'backlogWaitTime', 'enabled'] as const) control.change({ [name]: ours[name] });
    const after = control.status();
    if (after.kind === 'ok' && after.value.enabled !== 1) {
      notices.push({ level: 'error', code: 'not-enabled', text: 'The kernel did not switch auditing on.' });
    }
  }
  notices.push(...rules.foreignExclusions());
  const tampers = tamperQueue();
  const settled = control.status();
  const guard = createGuard({
    control,
    ownership: stream.ownership,
    watch: kernelWatch(
      settled.kind === 'ok' ? settled.value : { ...status.value, ...ours },
      options.mendsRules && !isLocked,
    ),
    openBeside: () => openMulticastSource({ inheritedSocket: undefined, now: options.now }),
    nameOf: processName,
    tampers,
  });
  let isClosed = false;
  let isAllBack = true;
  let lookedMs = Number.NEGATIVE_INFINITY;
  let mustLook = false;

  return {
    kind: 'open',
    notices,
    source: {
      get mode() {
        return guard.beside()?.mode ?? { kind: 'kernel', rules: ruleCount, isLocked };
      },
      drain(onRecord) {
        for (const record of stream.early.splice(0)) onRecord(record);
        const drained = stream.receiver.drain((record) => {
          if (record.type === CONFIG_CHANGE) {
            rules.sawChange();
            mustLook = true;
          }
          onRecord(record);
        });
        for (const pid of stream.ownership.settle(!drained.hasMore)) guard.sawAttempt(pid);
        const beside = guard.beside()?.drain(onRecord);
        return beside === undefined ? drained : sumOf(drained, beside);
      },
      descriptor: () => stream.fd,
      queueBytes: () => queueBytes(stream.fd),
      prompt() {
        // The value that it has already: told as CONFIG_CHANGE all the same.
        if (!isLocked && guard.beside() === undefined) control.change({ backlogWaitTime: ours.backlogWaitTime });
      },
      isEnded: () => false,
      keptWatching: stream.ownership.keptWatching,
      takeTampers() {
        const nowMs = options.now();
        if (mustLook || guard.beside() !== undefined || nowMs - lookedMs >= LOOK_MS || nowMs < lookedMs) {
          mustLook = false;
          lookedMs = nowMs;
          guard.look(nowMs);
        }
        for (const tamper of rules.look(nowMs)) tampers.add(tamper);
        return tampers.take();
      },
      check() {
        if (!isLocked) exclusions.settle();
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
        rules.end();
        if (isLocked) return;
        isAllBack = putSettingsBack(options.folder, control);
        removeOwnRules(control, options.folder);
      },
      close() {
        if (isClosed) return;
        isClosed = true;
        guard.end();
        if (!isLocked) {
          isAllBack &&= putSettingsBack(options.folder, control);
          removeOwnRules(control, options.folder);
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
