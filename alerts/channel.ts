// The port of a channel: one method that says whether a failure is worth another try.
import type { Notification } from '../event/detection.ts';

export type SendResult =
  /** `reference`: what the channel calls the message, for one that answers it. */
  | { readonly kind: 'sent'; readonly reference?: string }
  /** Try again; `afterMs` when the other side said how long to wait (Retry-After). */
  | { readonly kind: 'retryable'; readonly error: string; readonly afterMs?: number }
  /** Will never work: wrong token, unknown address. */
  | { readonly kind: 'permanent'; readonly error: string };

export interface Channel {
  /** The name that `alert.to` uses. */
  readonly name: string;
  /** `repliesTo`: the reference of the message that it answers. Never throws; errors hold no secret. Bounded in time by the channel itself. */
  send(notification: Notification, repliesTo?: string): Promise<SendResult>;
  close(): Promise<void>;
}
