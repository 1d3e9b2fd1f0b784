// The way out: from a new alert to the notifications that are queued for it, and from the outbox to the configured channels.
import type { Channel } from '../alerts/channel.ts';
import { createEmailChannel } from '../alerts/channels/email.ts';
import { createSlackChannel } from '../alerts/channels/slack.ts';
import { createTerminalChannel } from '../alerts/channels/terminal.ts';
import { createWebhookChannel } from '../alerts/channels/webhook.ts';
import { notificationsOf } from '../alerts/notification.ts';
import { createSender } from '../alerts/sender.ts';
import type { Alert, Notification } from '../event/detection.ts';
import type { OutboxPort } from '../store/state/state-port.ts';
import type { ChannelOptions, ServerNotice } from './options.ts';

/** So long a sending under way may take when the server stops; it is still in the outbox if it takes longer. */
const CLOSE_GRACE_MS = 800;

export interface AlertOutlet {
  readonly channelNames: readonly string[];
  notificationsOf(alert: Alert): readonly Notification[];
  /** A server without a terminal leaves that one out, unless it is the only way: then its failure is on the alert's record. */
  reachable(all: readonly Notification[]): readonly Notification[];
  /** Something was put into the outbox. */
  wake(): void;
  close(): Promise<void>;
}

export function createAlertOutlet(options: {
  readonly options: ChannelOptions;
  readonly outbox: OutboxPort;
  readonly now: () => number;
  readonly onNotice: (notice: ServerNotice) => void;
}): AlertOutlet {
  const { outbox, now, onNotice } = options;
  const channels = channelsOf(options.options, now);
  const channelNames = channels.map(({ name }) => name);
  const sender = createSender({
    outbox,
    channels,
    now,
    onNotice: (message) => onNotice({ kind: 'alerts', message }),
  });
  const reachable = (all: readonly Notification[]): readonly Notification[] => {
    const some = all.filter(({ channel }) => channelNames.includes(channel));
    return some.length > 0 ? some : all;
  };
  return {
    channelNames,
    notificationsOf: (alert) => reachable(notificationsOf(alert, channelNames)),
    reachable,
    wake: sender.wake,
    async close() {
      await sender.close(CLOSE_GRACE_MS);
      await Promise.all(channels.map((channel) => channel.close()));
    },
  };
}

function channelsOf({ terminal, slack, email, webhook }: ChannelOptions, now: () => number): readonly Channel[] {
  const channels: Channel[] = [];
  if (terminal !== undefined) channels.push(createTerminalChannel(terminal));
  if (slack !== undefined) channels.push(createSlackChannel(slack));
  if (email !== undefined) channels.push(createEmailChannel({ ...email, now }));
  if (webhook !== undefined) channels.push(createWebhookChannel({ ...webhook, now }));
  return channels;
}
