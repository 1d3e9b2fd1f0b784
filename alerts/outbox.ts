// The outbox as the sender sees it: what is due, and how an attempt went. The state's port has the same shape
// (store/state/state-port.ts); alerts state it for themselves, since they know of events only.
import type { Notification } from '../event/detection.ts';

export interface OutboxEntry {
  readonly notification: Notification;
  /** Attempts so far. */
  readonly attempts: number;
  /** Not before, epoch ms. */
  readonly dueMs: number;
  /** Of a follow-up: how the notification stands that it answers. */
  readonly repliesTo?: { readonly isSent: boolean; readonly reference: string | undefined };
}

export type SendOutcome =
  | { readonly kind: 'sent'; readonly atMs: number; readonly reference?: string }
  | { readonly kind: 'retry'; readonly dueMs: number; readonly error: string }
  | { readonly kind: 'failed'; readonly atMs: number; readonly error: string };

export interface Outbox {
  /** Unsent notifications of one channel that are due at `nowMs`, oldest first; without those that answer an unsent one. */
  due(channel: string, nowMs: number, limit: number): readonly OutboxEntry[];
  /** The channels that have unsent notifications, configured or not. */
  pendingChannels(): readonly string[];
  /** Durable when it returns; counts the attempt. */
  record(notificationId: string, outcome: SendOutcome): void;
}
