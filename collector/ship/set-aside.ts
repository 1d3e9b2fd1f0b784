// Events that the server will never take are set aside in a file that people can look at, with the reason. Bounded: when it
// is full it becomes `rejected.1.ndjson`, in place of the one before. What was set aside is told as a loss in any case.
//
//   rejected.ndjson   {"rejected":"<time>","position":…,"status":…,"reason":"…","cut":true?,"lines":"<the two _bulk lines>"}
import { closeSync, fstatSync, ftruncateSync, openSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Loss } from '../loss-ledger.ts';
import type { SetAside } from './attempt.ts';

export const REJECTED_BYTES_MAX: number = 16 * 1024 * 1024;
/** Of one event, before it is escaped. */
const LINES_BYTES_MAX: number = REJECTED_BYTES_MAX / 2;
const REASON_CHARS_MAX = 300;

/** Appends to the file; what cannot be written is in the loss record all the same. */
export function setAside(folder: string, events: readonly SetAside[], nowMs: number): void {
  const path = join(folder, 'rejected.ndjson');
  try {
    for (const event of events) append(path, lineOf(event, nowMs), join(folder, 'rejected.1.ndjson'));
  } catch {
    // A full disk: the loss record counts them, and that is what must not fail.
  }
}

function append(path: string, line: Buffer, pathBefore: string): void {
  const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  if (size > 0 && size + line.length > REJECTED_BYTES_MAX) renameSync(path, pathBefore);
  const fd = openSync(path, 'a', 0o600);
  try {
    const before = fstatSync(fd).size;
    try {
      writeFileSync(fd, line);
    } catch (error) {
      // Half a line would spoil the next one.
      ftruncateSync(fd, before);
      throw error;
    }
  } finally {
    closeSync(fd);
  }
}

/** Of an event that does not fit the beginning is kept, and it says so. */
function lineOf({ position, status, reason, lines }: SetAside, nowMs: number): Buffer {
  const upTo = (bytes: number): Buffer => {
    const line = {
      rejected: new Date(nowMs).toISOString(),
      position,
      status,
      reason,
      ...(bytes < lines.length ? { cut: true } : {}),
      lines: lines.toString('utf8', 0, bytes),
    };
    return Buffer.from(`${JSON.stringify(line)}\n`);
  };
  const line = upTo(LINES_BYTES_MAX);
  // Each control character is six in JSON.
  return line.length <= REJECTED_BYTES_MAX ? line : upTo(LINES_BYTES_MAX / 6);
}

/** What was set aside, as a loss. */
export function lossOfRejection(events: readonly SetAside[], nowMs: number): Loss {
  const positions = events.map(({ position }) => position);
  const first = events[0];
  return {
    source: 'server',
    kind: 'rejected',
    counter: Math.min(...positions),
    atLeast: events.length,
    atMost: events.length,
    fromMs: undefined,
    toMs: nowMs,
    firstPosition: Math.min(...positions),
    lastPosition: Math.max(...positions),
    reason: `The server refused ${events.length} event(s) for good, the first with: ${(first?.reason ?? '').slice(0, REASON_CHARS_MAX)}`,
    isPlanned: false,
  };
}
