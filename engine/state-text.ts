// The fold's durable state: small entries of text, each with its format version.
//
//   pending:DETECTION     {"v":1,"candidate":{…}}               a detection that waits for its watermark
//   windows:SUPPRESSION   {"v":1,"group":{…},"windows":{…}}     the suppression windows of one rule and key
//
// The keys of rules on many events, and groups, have entries of their own (folding/folding-text.ts, groups-text.ts).
import type { SuppressedDetection } from './candidate-detection.ts';
import { isOfFolding } from './folding/folding-text.ts';
import { isOfGroups } from './groups-text.ts';
import { StateUnreadable } from './state-unreadable.ts';
import type { Windows } from './suppression.ts';

const STATE_FORMAT = 1;

/** The keys that share a quota: those of one rule on one host, or of one rule across hosts. */
export interface KeyGroup {
  readonly ruleId: string;
  readonly scope: 'host' | 'all';
  /** '' across hosts. */
  readonly hostId: string;
}

export interface RestoredState {
  readonly pending: readonly SuppressedDetection[];
  readonly windows: readonly { readonly id: string; readonly group: KeyGroup; readonly windows: Windows }[];
}

export function pendingKey(detectionId: string): string {
  return `pending:${detectionId}`;
}

export function windowsKey(suppressionId: string): string {
  return `windows:${suppressionId}`;
}

export function pendingText(candidate: SuppressedDetection): string {
  return JSON.stringify({ v: STATE_FORMAT, candidate });
}

export function windowsText(group: KeyGroup, windows: Windows): string {
  return JSON.stringify({ v: STATE_FORMAT, group, windows });
}

/** Throws {@link StateUnreadable}. */
export function readState(state: ReadonlyMap<string, string>): RestoredState {
  const pending: SuppressedDetection[] = [];
  const windows: { id: string; group: KeyGroup; windows: Windows }[] = [];
  for (const [key, text] of state) {
    if (isOfFolding(key) || isOfGroups(key)) continue;
    const entry = readEntry(key, text);
    if (key.startsWith('pending:') && isRecord(entry['candidate'])) {
      pending.push(entry['candidate'] as unknown as SuppressedDetection);
    } else if (key.startsWith('windows:') && isRecord(entry['group']) && isRecord(entry['windows'])) {
      const group = entry['group'] as unknown as KeyGroup;
      windows.push({ id: key.slice('windows:'.length), group, windows: entry['windows'] as unknown as Windows });
    } else {
      throw new StateUnreadable(key, 'it is of no known kind');
    }
  }
  return { pending, windows };
}

function readEntry(key: string, text: string): Record<string, unknown> {
  let entry: unknown;
  try {
    entry = JSON.parse(text);
  } catch {
    throw new StateUnreadable(key, 'it is not JSON');
  }
  if (!isRecord(entry)) throw new StateUnreadable(key, 'it is not an object');
  if (entry['v'] !== STATE_FORMAT) {
    throw new StateUnreadable(key, `it has format ${String(entry['v'])}, this version reads ${STATE_FORMAT}`);
  }
  return entry;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
