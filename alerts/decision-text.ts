// What became of a detection, and why, in words: made of what is stored with it.
import type { Alert, Detection } from '../event/detection.ts';
import { formatUtc } from './text.ts';

const BECAUSE_SHOWN = 3;

/** `joined alert 0abc…, which holds its key until …; an event that came late`. `alert` is the one that it opened or joined. */
export function decisionText(detection: Detection, alert: Alert | undefined): string {
  const { decision, isLate, amended: change, untilMs = alert?.suppressedUntilMs ?? 0, alertId } = detection;
  const isHeld = untilMs > detection.order.createdMs;
  const parts: string[] = [];
  if (decision === 'test') parts.push('kept and not sent: the rule is in status test');
  else if (decision === 'opened')
    parts.push(`opened alert ${alertId ?? ''}${isHeld ? `; its key is suppressed until ${formatUtc(untilMs)}` : ''}`);
  else
    parts.push(
      `suppressed: joined alert ${alertId ?? ''}${isHeld ? `, which holds its key until ${formatUtc(untilMs)}` : ''}`,
    );
  if (decision === 'opened' && alert?.group !== undefined) parts.push(groupText(alert.group));
  if (isLate) parts.push('it came late');
  if (change !== undefined) {
    const because = change.because.slice(0, BECAUSE_SHOWN).join(', ');
    const by = because === '' ? 'events that came late' : `events that came late (${because})`;
    parts.push(change.as === 'withdrawn' ? `it no longer holds, because of ${by}` : `changed by ${by}`);
  }
  return parts.join('; ');
}

/** Into which message an alert comes. */
export function groupText(group: NonNullable<Alert['group']>): string {
  if (group === 'waits') return 'it waits to be grouped with others of its time';
  const { groupId, untilMs, isSentAlone, isLate } = group;
  if (isSentAlone) return `sent by itself, as the first of group ${groupId}, which gathers until ${formatUtc(untilMs)}`;
  if (isLate) return `it came late to the alerts of its time, and is in the message of group ${groupId}`;
  return `in the message of group ${groupId}, of the alerts until ${formatUtc(untilMs)}`;
}
