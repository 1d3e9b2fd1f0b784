// Notifications of alerts that were opened. The id is a function of alert, channel and occasion: a replay writes the same ones
// again, and the outbox takes each once.
import { createHash } from 'node:crypto';
import type { Alert, Notification } from '../event/detection.ts';
import { route } from './route.ts';

/** What is sent of an alert so far: that it was opened. Part of the id. */
export type Occasion = 'opened';

/** One notification per channel, in the route's order. `configured`: the names of the channels that exist. */
export function notificationsOf(alert: Alert, configured: readonly string[]): readonly Notification[] {
  return route(alert, configured).map(({ channel, reason }) => ({
    id: notificationIdOf(alert.id, channel, 'opened'),
    alertId: alert.id,
    channel,
    reason: `first notification of this alert${alert.isLate ? ', opened by an event that came late' : ''}; ${reason}`,
    alert,
  }));
}

export function notificationIdOf(alertId: string, channel: string, occasion: Occasion): string {
  const hex = createHash('sha256')
    .update(JSON.stringify(['notification', alertId, channel, occasion]))
    .digest('hex');
  return BigInt(`0x${hex.slice(0, 32)}`)
    .toString(36)
    .padStart(25, '0');
}
