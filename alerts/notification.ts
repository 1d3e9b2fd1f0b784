// Notifications: of alerts that were opened, of groups of them, and of what became of an alert that was sent. The id is a function of
// alert (or group), channel and occasion: a replay writes the same ones again, and the outbox takes each once.
import { createHash } from 'node:crypto';
import type { Alert, AlertGroup, FollowUp, Notification } from '../event/detection.ts';
import { route } from './route.ts';

/** What is sent of an alert: that it was opened; of a group: that it is whole; later, that something changed, for the n-th time. */
export type Occasion = 'opened' | 'group' | `changed ${number}`;

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

/** The same of a group; it goes where its first alert says. */
export function groupNotificationsOf(group: AlertGroup, configured: readonly string[]): readonly Notification[] {
  const why =
    group.lateFor === undefined
      ? 'the rule sends one message for many alerts'
      : 'these alerts came when the message of their time had left';
  return route(group.first, configured).map(({ channel, reason }) => ({
    id: notificationIdOf(group.id, channel, 'group'),
    alertId: group.id,
    channel,
    reason: `${why}; ${reason}`,
    alert: group.first,
    about: { kind: 'group', group },
  }));
}

/** What changed in an alert, to the channel that was told of it. `nth` counts the changes of this alert, from 1. */
export function followUpNotification(
  alert: Alert,
  told: { readonly channel: string; readonly nth: number },
  followUp: FollowUp,
): Notification {
  return {
    id: notificationIdOf(alert.id, told.channel, `changed ${told.nth}`),
    alertId: alert.id,
    channel: told.channel,
    reason: 'events that came late changed an alert that was sent',
    alert,
    about: followUp,
  };
}

export function notificationIdOf(alertId: string, channel: string, occasion: Occasion): string {
  const hex = createHash('sha256')
    .update(JSON.stringify(['notification', alertId, channel, occasion]))
    .digest('hex');
  return BigInt(`0x${hex.slice(0, 32)}`)
    .toString(36)
    .padStart(25, '0');
}
