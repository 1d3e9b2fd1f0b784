// Events that the server will never take are set aside in a file that people can look at, with the reason. Bounded: when it
// is full it becomes `rejected.1.ndjson`, in place of the one before. What was set aside is told as a loss in any case.
//
//   rejected.ndjson   {"rejected":"<time>","position":…,"status":…,"reason":"…","lines":"<the two _bulk lines>"}
import { appendFileSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Loss } from '../loss-ledger.ts';
import type { SetAside } from './shipper.ts';

export const REJECTED_BYTES_MAX: number = 16 * 1024 * 1024;
const REASON_CHARS_MAX = 300;

/** Appends to the file; what cannot be written is in the loss record all the same. */
export function setAside(folder: string, events: readonly SetAside[], nowMs: number): void {
  const path = join(folder, 'rejected.ndjson');
  const text = events
    .map(({ position, status, reason, lines }) =>
      JSON.stringify({
        rejected: new Date(nowMs).toISOString(),
        position,
        status,
        reason,
        lines: lines.toString('utf8'),
      }),
    )
    .join('\n');
  try {
    const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
    if (size > 0 && size + text.length > REJECTED_BYTES_MAX) renameSync(path, join(folder, 'rejected.1.ndjson'));
    appendFileSync(path, `${text.slice(0, REJECTED_BYTES_MAX)}\n`, { mode: 0o600 });
  } catch {
    // A full disk: the loss record counts them, and that is what must not fail.
  }
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
