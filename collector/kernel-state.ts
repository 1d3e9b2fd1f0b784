// The kernel's audit settings before us, and how they are put back. `kernel.json` is on disk before the first change, so the
// original is known after any kill; it goes only when everything is as it was. Never touched: the failure mode, the rate limit,
// the lock, rules that are not ours.
//
//   kernel.json   {"formatVersion":1,"bootId","pid","startTicks","original":{…},"ours":{…},"registrant":{"pid","startTicks"}}
import { join } from 'node:path';
import { forgetOwnRules, ownRuleTest } from './audit-rules/rule-ledger.ts';
import { readState, removeFile, replaceFile } from './durable-file.ts';
import { bootIdOf, startTicksOf } from './lineage/proc.ts';
import { type AuditControl, openAuditControl } from './netlink/audit-control.ts';
import type { AuditStatus } from './netlink/message.ts';

const FORMAT_VERSION = 1;

/** The settings that we change. */
export interface KernelSettings {
  readonly enabled: number;
  readonly backlogLimit: number;
  readonly backlogWaitTime: number;
}

/** What kernel.json holds. */
interface KernelRecord {
  readonly bootId: string;
  readonly pid: number;
  readonly startTicks: number;
  readonly original: KernelSettings;
  readonly ours: KernelSettings;
  /** Whom the kernel names as the owner of our socket: an earlier collector, where the socket outlived it. */
  readonly registrant: ProcessMark | undefined;
}

/** A process, told apart from a later one of the same pid. */
export interface ProcessMark {
  readonly pid: number;
  readonly startTicks: number;
}

export function settingsOf(status: AuditStatus): KernelSettings {
  return { enabled: status.enabled, backlogLimit: status.backlogLimit, backlogWaitTime: status.backlogWaitTime };
}

/** Notes the original before the first change. What an earlier run of this boot noted and did not put back is the original. */
export function noteOriginal(
  folder: string,
  settings: { readonly current: KernelSettings; readonly ours: KernelSettings; readonly registrant: ProcessMark },
): KernelSettings {
  const bootId = bootIdOf();
  const earlier = readRecord(folder);
  const { current, ours, registrant } = settings;
  const original = earlier?.bootId === bootId ? earlier.original : current;
  const record: KernelRecord = { bootId, ...markOf(process.pid), original, ours, registrant };
  replaceFile(pathIn(folder), `${JSON.stringify({ formatVersion: FORMAT_VERSION, ...record })}\n`, true);
  return original;
}

/** Whom the kernel named as the owner of the socket of this boot's earlier collector, if that is known. */
export function registrantOf(folder: string): ProcessMark | undefined {
  const record = readRecord(folder);
  return record?.bootId === bootIdOf() ? record.registrant : undefined;
}

export function markOf(pid: number): ProcessMark {
  return { pid, startTicks: startTicksOf(pid) ?? 0 };
}

/** True when the process is gone, also when another has its pid now. */
export function hasEnded({ pid, startTicks }: ProcessMark): boolean {
  const now = startTicksOf(pid);
  return now === undefined || now !== startTicks;
}

/**
 * Ends the registration of a process that is gone and whose socket is closed: only a failed send does that, and this is one. False
 * while the socket lives somewhere, or its owner does.
 */
export function clearDeadOwner(control: AuditControl): boolean {
  const status = control.status();
  if (status.kind === 'errno' || status.value.pid === 0) return true;
  if (startTicksOf(status.value.pid) !== undefined) return false;
  return control.change({ pid: 0 }).kind === 'ok';
}

/** Removes every rule of ours. */
export function removeOwnRules(control: AuditControl, folder: string): void {
  const rules = control.listRules();
  if (rules.kind === 'errno') return;
  const answers = rules.value.filter(ownRuleTest(folder)).map((rule) => control.removeRule(rule));
  if (answers.every(({ kind }) => kind === 'ok')) forgetOwnRules(folder);
}

/** Puts the settings back that still are as we set them (another's later change is left). False when the kernel refused one. */
export function putSettingsBack(folder: string, control: AuditControl): boolean {
  const record = readRecord(folder);
  const status = control.status();
  if (record === undefined || record.bootId !== bootIdOf()) return true;
  if (status.kind === 'errno') return false;
  const current = settingsOf(status.value);
  let isAllBack = true;
  // Auditing is switched off first, where it was off: then the rest leaves no trail of its own.
  for (const name of ['enabled', 'backlogLimit', 'backlogWaitTime'] as const) {
    if (current[name] !== record.ours[name] || current[name] === record.original[name]) continue;
    if (control.change({ [name]: record.original[name] }).kind === 'errno') isAllBack = false;
  }
  return isAllBack;
}

/** Everything is as it was: the original is no longer owed. */
export function forgetOriginal(folder: string): void {
  removeFile(pathIn(folder));
}

/**
 * Puts the kernel back as it was before a collector that died: its rules removed, its settings undone. True when there was
 * something to put back. Does nothing while that collector lives. `dataFolder` is the installation's, as in the options.
 */
export async function restoreKernel(dataFolder: string): Promise<boolean> {
  const folder = join(dataFolder, 'collector');
  const record = readRecord(folder);
  if (record === undefined) return false;
  if (record.bootId === bootIdOf() && startTicksOf(record.pid) === record.startTicks) return false;
  const opened = openAuditControl();
  if (opened.kind === 'errno') return false;
  const control = opened.value;
  try {
    const isAllBack = putSettingsBack(folder, control);
    removeOwnRules(control, folder);
    if (isAllBack) forgetOriginal(folder);
    clearDeadOwner(control);
    return true;
  } finally {
    control.close();
  }
}

function pathIn(folder: string): string {
  return join(folder, 'kernel.json');
}

function readRecord(folder: string): KernelRecord | undefined {
  const state = readState(pathIn(folder), FORMAT_VERSION);
  if (state === undefined) return undefined;
  const original = readSettings(state['original']);
  const ours = readSettings(state['ours']);
  const { bootId, pid, startTicks } = state;
  if (original === undefined || ours === undefined || typeof bootId !== 'string') return undefined;
  if (typeof pid !== 'number' || typeof startTicks !== 'number') return undefined;
  return { bootId, pid, startTicks, original, ours, registrant: readMark(state['registrant']) };
}

function readMark(value: unknown): ProcessMark | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { pid, startTicks } = value as Record<string, unknown>;
  return typeof pid === 'number' && typeof startTicks === 'number' ? { pid, startTicks } : undefined;
}

function readSettings(value: unknown): KernelSettings | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { enabled, backlogLimit, backlogWaitTime } = value as Record<string, unknown>;
  if (typeof enabled !== 'number' || typeof backlogLimit !== 'number' || typeof backlogWaitTime !== 'number') {
    return undefined;
  }
  return { enabled, backlogLimit, backlogWaitTime };
}
