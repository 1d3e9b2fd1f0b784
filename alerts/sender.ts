// Sends what is in the outbox: at least once, one at a time per channel, so that one channel's trouble is not another's. It
// holds nothing that the outbox does not hold, but what it could not write there yet (a full disk): killed at any moment, it
// sends the same notification again, under the same id.
import type { Notification } from '../event/detection.ts';
import { RETRY_ATTEMPTS_MAX, retryDelayMs } from './back-off.ts';
import type { Channel, SendResult } from './channel.ts';
import type { Outbox, OutboxEntry, SendOutcome } from './outbox.ts';
import { shorten, visible } from './text.ts';

export interface SenderOptions {
  readonly outbox: Outbox;
  /** Names are unique. The sender uses them, and does not close them. */
  readonly channels: readonly Channel[];
  readonly now: () => number;
  /** One line for who runs the server: a notification failed for good, or the outbox cannot be written. */
  readonly onNotice: (message: string) => void;
  /** In [0, 1): the jitter. */
  readonly random?: () => number;
}

export interface Sender {
  /** Looks into the outbox at once. Call it after a commit that queued notifications. Never throws. */
  wake(): void;
  /** Starts nothing more, and waits so long for what is under way; what was not finished is still in the outbox. */
  close(graceMs?: number): Promise<void>;
}

/** Without being woken, the outbox is looked into this often, ms: for retries that came due. */
export const POLL_MS = 5_000;
/** A channel that failed rests at most this long before it is tried with another notification, ms. */
export const CHANNEL_REST_MAX_MS = 30_000;
/** Entries of a channel that nobody configured which are refused at a time. */
const REFUSED_AT_ONCE = 64;
const CLOSE_GRACE_MS = 2_000;
const ERROR_LENGTH_MAX = 400;

interface Lane {
  readonly channel: Channel;
  sending: Promise<void> | undefined;
  restUntilMs: number;
  failuresInARow: number;
  /** What became of the last one, while the outbox cannot be written: it is not sent again for that. */
  unrecorded: { readonly notification: Notification; readonly outcome: SendOutcome } | undefined;
}

export function createSender(options: SenderOptions): Sender {
  const { outbox, channels, now, onNotice, random = Math.random } = options;
  const lanes = new Map<string, Lane>(
    channels.map((channel) => [
      channel.name,
      { channel, sending: undefined, restUntilMs: 0, failuresInARow: 0, unrecorded: undefined },
    ]),
  );
  let [isClosed, isLooking, refusedMs] = [false, false, Number.NEGATIVE_INFINITY];
  let timer: NodeJS.Timeout | undefined;

  const isFree = (lane: Lane): boolean => lane.sending === undefined && lane.restUntilMs <= now();

  function look(): void {
    if (isClosed || isLooking) return;
    isLooking = true;
    try {
      startDue();
    } catch (error) {
      onNotice(`The outbox cannot be read: ${errorText(error)}`);
    } finally {
      isLooking = false;
      rest();
    }
  }

  /** Gives every free channel its oldest due notification; the channels do not see each other's backlogs. */
  function startDue(): void {
    for (const lane of lanes.values()) {
      const entry = isFree(lane) && recordLate(lane) ? outbox.due(lane.channel.name, now(), 1)[0] : undefined;
      if (entry !== undefined) start(lane, entry);
    }
    if (now() < refusedMs + POLL_MS) return;
    refusedMs = now();
    for (const name of outbox.pendingChannels()) {
      if (!lanes.has(name)) for (const entry of outbox.due(name, now(), REFUSED_AT_ONCE)) refuse(entry);
    }
  }

  function refuse({ notification }: OutboxEntry): void {
    const error = `no channel named ${visible(notification.channel)} is configured`;
    record(notification, { kind: 'failed', atMs: now(), error });
  }

  function start(lane: Lane, entry: OutboxEntry): void {
    lane.sending = attempt(lane.channel, entry).then((result) => {
      lane.sending = undefined;
      const outcome = outcomeOf(entry, result);
      const isRecorded = record(entry.notification, outcome);
      if (!isRecorded) lane.unrecorded = { notification: entry.notification, outcome };
      lane.failuresInARow = outcome.kind === 'retry' || !isRecorded ? lane.failuresInARow + 1 : 0;
      lane.restUntilMs = lane.failuresInARow === 0 ? 0 : now() + restMs(lane.failuresInARow, result);
      look();
    });
  }

  /** Writes what could not be written before; true when nothing of that kind is left, and the lane may go on. */
  function recordLate(lane: Lane): boolean {
    if (lane.unrecorded === undefined) return true;
    if (record(lane.unrecorded.notification, lane.unrecorded.outcome)) {
      lane.unrecorded = undefined;
      lane.failuresInARow = 0;
      return true;
    }
    lane.failuresInARow += 1;
    lane.restUntilMs = now() + Math.min(retryDelayMs(lane.failuresInARow, random()), CHANNEL_REST_MAX_MS);
    return false;
  }

  function outcomeOf({ attempts }: OutboxEntry, result: SendResult): SendOutcome {
    const atMs = now();
    if (result.kind === 'sent') {
      return { kind: 'sent', atMs, ...(result.reference === undefined ? {} : { reference: result.reference }) };
    }
    const error = shorten(visible(result.error), ERROR_LENGTH_MAX);
    if (result.kind === 'permanent') return { kind: 'failed', atMs, error };
    const made = attempts + 1;
    if (made >= RETRY_ATTEMPTS_MAX) return { kind: 'failed', atMs, error: `given up after ${made} attempts: ${error}` };
    return { kind: 'retry', dueMs: atMs + retryDelayMs(made, random(), result.afterMs), error };
  }

  /** A channel that fails again and again rests longer, but never so long that its recovery goes unseen. */
  function restMs(failuresInARow: number, result: SendResult): number {
    const asked = result.kind === 'retryable' ? result.afterMs : undefined;
    const wait = Math.min(retryDelayMs(failuresInARow, random()), CHANNEL_REST_MAX_MS);
    return asked === undefined ? wait : Math.max(wait, retryDelayMs(1, 0, asked));
  }

  function record(notification: Notification, outcome: SendOutcome): boolean {
    try {
      outbox.record(notification.id, outcome);
    } catch (error) {
      onNotice(`The outbox cannot be written: ${errorText(error)}`);
      return false;
    }
    if (outcome.kind === 'failed') {
      onNotice(`Alert ${notification.alertId} did not reach ${visible(notification.channel)}: ${outcome.error}`);
    }
    return true;
  }

  /** Until a resting channel may be tried again, or a retry may have come due. */
  function rest(): void {
    clearTimeout(timer);
    if (isClosed) return;
    const waits = [...lanes.values()].map((lane) => lane.restUntilMs - now()).filter((waitMs) => waitMs > 0);
    timer = setTimeout(look, Math.min(POLL_MS, ...waits));
    timer.unref();
  }

  rest();
  return {
    wake: look,
    async close(graceMs = CLOSE_GRACE_MS) {
      isClosed = true;
      clearTimeout(timer);
      const underWay = [...lanes.values()].flatMap(({ sending }) => (sending === undefined ? [] : [sending]));
      await settledWithin(underWay, graceMs);
    },
  };
}

/** A channel never throws; one that does all the same is tried again. */
async function attempt(channel: Channel, { notification, repliesTo }: OutboxEntry): Promise<SendResult> {
  if (repliesTo?.isSent === false) return { kind: 'permanent', error: 'the message that it answers was not sent' };
  try {
    return await channel.send(notification, repliesTo?.reference);
  } catch (error) {
    return { kind: 'retryable', error: `the channel failed: ${error instanceof Error ? error.name : 'unknown'}` };
  }
}

function errorText(error: unknown): string {
  return shorten(visible(error instanceof Error ? error.message : String(error)), ERROR_LENGTH_MAX);
}

async function settledWithin(promises: readonly Promise<void>[], graceMs: number): Promise<void> {
  if (promises.length === 0) return;
  let timer: NodeJS.Timeout | undefined;
  const elapsed = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, graceMs);
  });
  await Promise.race([Promise.all(promises), elapsed]);
  clearTimeout(timer);
}
