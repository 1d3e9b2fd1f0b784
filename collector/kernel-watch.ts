// Compares what the kernel says of its audit with what it said before: each change that is not ours becomes an event, and, where
// that is configured, is undone. Pure. The failure mode and the rate limit are told and never touched, a lock is told and never fought.
import type { AuditStatus, AuditStatusChange } from './netlink/message.ts';
import type { Tamper } from './tamper.ts';

/** Changes are undone so often within an hour; then only told: a fight with another program would help nobody. */
export const MENDS_MAX = 10;
const MENDS_WITHIN_MS = 3_600_000;
/** Below this share of its limit a backlog that was full counts as full no more. */
const BACKLOG_CALM = 0.5;
const LOCKED = 2;
const FAILURE_PANIC = 2;

/** Settings whose changes are told, with the words for them, and whether they may be undone. */
const SETTINGS = {
  failure: { words: 'failure mode', mayMend: false },
  rateLimit: { words: 'rate limit', mayMend: false },
  backlogLimit: { words: 'backlog limit', mayMend: true },
  backlogWaitTime: { words: 'backlog waiting time', mayMend: true },
} as const satisfies Readonly<
  Partial<Record<keyof AuditStatus, { readonly words: string; readonly mayMend: boolean }>>
>;

interface KernelFinding {
  readonly tampers: readonly Tamper[];
  /** What to undo. */
  readonly mend: AuditStatusChange;
}

export interface KernelWatch {
  look(status: AuditStatus, nowMs: number): KernelFinding;
}

/** `first`: the settings that are right. `mends`: whether changes are to be undone. */
export function kernelWatch(first: AuditStatus, mends: boolean): KernelWatch {
  let before = first;
  let isFull = false;
  let mendedMs: readonly number[] = [];
  return {
    look(status, nowMs) {
      const tampers: Tamper[] = [];
      const wish: { -readonly [name in keyof AuditStatusChange]: AuditStatusChange[name] } = {};
      for (const name of Object.keys(SETTINGS) as (keyof typeof SETTINGS)[]) {
        if (status[name] === before[name]) continue;
        tampers.push(settingChanged(name, before[name], status[name]));
        if (SETTINGS[name].mayMend && status[name] !== first[name]) wish[name] = first[name];
      }
      if (status.enabled !== before.enabled) {
        tampers.push(enabledChanged(before.enabled, status.enabled));
        if (status.enabled === 0 && first.enabled !== 0) wish.enabled = first.enabled;
      }
      const isAtLimit = status.backlogLimit > 0 && status.backlog >= status.backlogLimit;
      if (isAtLimit && !isFull) tampers.push(backlogFull(status));
      isFull = isAtLimit || (isFull && status.backlog > status.backlogLimit * BACKLOG_CALM);
      before = status;
      mendedMs = mendedMs.filter((ms) => nowMs - ms < MENDS_WITHIN_MS && ms <= nowMs);
      const mayMend = mends && status.enabled !== LOCKED && mendedMs.length < MENDS_MAX && Object.keys(wish).length > 0;
      if (!mayMend) return { tampers, mend: {} };
      mendedMs = [...mendedMs, nowMs];
      // What is undone by us is no change of another's at the next look.
      before = { ...status, ...wish };
      return {
        tampers: tampers.map((tamper) => ({ ...tamper, facts: { ...tamper.facts, undone: true } })),
        mend: wish,
      };
    },
  };
}

function settingChanged(name: keyof typeof SETTINGS, old: number, now: number): Tamper {
  const panics = name === 'failure' && now === FAILURE_PANIC;
  const more = panics ? ' The next lost record halts the host.' : '';
  return {
    action: 'audit-settings-changed',
    reason: `The kernel’s audit ${SETTINGS[name].words} was changed from ${old} to ${now}.${more}`,
    facts: { setting: snakeCase(name), old, new: now },
  };
}

function enabledChanged(old: number, now: number): Tamper {
  const facts = { setting: 'enabled', old, new: now };
  if (now === 0) return { action: 'audit-disabled', reason: 'Auditing was switched off in the kernel.', facts };
  if (now === LOCKED)
    return {
      action: 'audit-locked',
      reason: 'The kernel’s audit configuration was locked until the next boot.',
      facts,
    };
  return { action: 'audit-enabled-again', reason: 'Auditing was switched on in the kernel.', facts };
}

function backlogFull({ backlog, backlogLimit, lost }: AuditStatus): Tamper {
  return {
    action: 'audit-backlog-full',
    reason: `${backlog} records wait in the kernel, which is its limit: the next ones are lost.`,
    facts: { backlog, backlog_limit: backlogLimit, lost },
  };
}

function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
