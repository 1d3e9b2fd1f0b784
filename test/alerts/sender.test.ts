import { afterEach, beforeEach, describe, expect, expectTypeOf, it, vi } from 'vitest';
import { RETRY_ATTEMPTS_MAX } from '../../alerts/back-off.ts';
import type { Channel, SendResult } from '../../alerts/channel.ts';
import type { Outbox, OutboxEntry, SendOutcome } from '../../alerts/outbox.ts';
import { CHANNEL_REST_MAX_MS, createSender, POLL_MS, type Sender } from '../../alerts/sender.ts';
import type { Notification } from '../../event/detection.ts';
import type {
  OutboxPort,
  OutboxEntry as StateOutboxEntry,
  SendOutcome as StateSendOutcome,
} from '../../store/state/state-port.ts';
import { notificationWith } from './making.ts';

interface Row {
  readonly notification: Notification;
  attempts: number;
  dueMs: number;
  outcome?: SendOutcome;
}

/** What the state keeps: it survives a sender that is killed. */
function memoryOutbox() {
  const rows = new Map<string, Row>();
  const reads: number[] = [];
  const outbox: Outbox = {
    due(channel, nowMs, limit) {
      reads.push(limit);
      const pending = [...rows.values()].filter((row) => row.notification.channel === channel && !isOver(row));
      return pending.filter((row) => row.dueMs <= nowMs).slice(0, limit);
    },
    pendingChannels: () => [
      ...new Set([...rows.values()].filter((row) => !isOver(row)).map((row) => row.notification.channel)),
    ],
    record(id, outcome) {
      const row = rows.get(id);
      if (row === undefined) throw new Error('no such notification');
      row.attempts += 1;
      row.outcome = outcome;
      if (outcome.kind === 'retry') row.dueMs = outcome.dueMs;
    },
  };
  const isOver = ({ outcome }: Row) => outcome?.kind === 'sent' || outcome?.kind === 'failed';
  const queue = (id: string, channel: string, attempts = 0) =>
    rows.set(id, { notification: notificationWith({ id, channel }), attempts, dueMs: 0 });
  return { outbox, rows, reads, queue, kindOf: (id: string) => rows.get(id)?.outcome?.kind };
}

/** A channel whose answers the test gives. */
function channelOf(name: string, answer: (notification: Notification) => SendResult | Promise<SendResult>) {
  const sent: string[] = [];
  const channel: Channel = {
    name,
    async send(notification) {
      sent.push(notification.id);
      return answer(notification);
    },
    close: () => Promise.resolve(),
  };
  return { channel, sent };
}

const SENT: SendResult = { kind: 'sent' };
const LATER: SendResult = { kind: 'retryable', error: 'not now' };

let senders: Sender[] = [];
let notices: string[] = [];

function senderOf(outbox: Outbox, ...channels: readonly { readonly channel: Channel }[]): Sender {
  const sender = createSender({
    outbox,
    channels: channels.map(({ channel }) => channel),
    now: () => Date.now(),
    random: () => 0,
    onNotice: (message) => notices.push(message),
  });
  senders.push(sender);
  return sender;
}

async function pass(ms: number): Promise<void> {
  await vi.advanceTimersByTimeAsync(ms);
}

beforeEach(() => {
  vi.useFakeTimers();
  senders = [];
  notices = [];
});

afterEach(async () => {
  const closed = Promise.all(senders.map((sender) => sender.close(0)));
  await pass(1);
  await closed;
  vi.useRealTimers();
});

describe('the outbox', () => {
  it('is what the state keeps: the two ports have one shape', () => {
    expectTypeOf<OutboxPort>().toExtend<Outbox>();
    expectTypeOf<OutboxEntry>().toEqualTypeOf<StateOutboxEntry>();
    expectTypeOf<SendOutcome>().toEqualTypeOf<StateSendOutcome>();
  });
});

describe('the sender', () => {
  it('sends at once when woken, one after the other, and records it', async () => {
    const { outbox, queue, kindOf } = memoryOutbox();
    const slack = channelOf('slack', () => SENT);
    queue('a', 'slack');
    queue('b', 'slack');
    senderOf(outbox, slack).wake();
    expect(slack.sent).toEqual(['a']);
    await vi.advanceTimersByTimeAsync(0);
    expect(slack.sent).toEqual(['a', 'b']);
    expect([kindOf('a'), kindOf('b')]).toEqual(['sent', 'sent']);
  });

  it('finds what a killed process left behind, and without being woken', async () => {
    const { outbox, queue, kindOf } = memoryOutbox();
    queue('a', 'slack');
    const hanging = channelOf('slack', () => new Promise<SendResult>(() => undefined));
    senderOf(outbox, hanging).wake();
    expect(hanging.sent).toEqual(['a']);
    const next = channelOf('slack', () => SENT);
    senderOf(outbox, next);
    await pass(POLL_MS);
    expect([next.sent, kindOf('a')]).toEqual([['a'], 'sent']);
  });

  it('sends never two at a time over one channel, and one channel does not wait for another', async () => {
    const { outbox, queue } = memoryOutbox();
    const slow = channelOf('slow', () => new Promise<SendResult>(() => undefined));
    const fast = channelOf('fast', () => SENT);
    for (const id of ['s1', 's2']) queue(id, 'slow');
    for (const id of ['f1', 'f2']) queue(id, 'fast');
    const sender = senderOf(outbox, slow, fast);
    sender.wake();
    sender.wake();
    await pass(POLL_MS * 2);
    expect([slow.sent, fast.sent]).toEqual([['s1'], ['f1', 'f2']]);
  });

  it('tries again with growing waits until it succeeds', async () => {
    const { outbox, queue, kindOf, rows } = memoryOutbox();
    const times: number[] = [];
    const start = Date.now();
    const slack = channelOf('slack', () => {
      times.push(Date.now() - start);
      return times.length < 4 ? LATER : SENT;
    });
    queue('a', 'slack');
    senderOf(outbox, slack).wake();
    await pass(20_000);
    expect(times).toEqual([0, 1_000, 3_000, 7_000]);
    expect([kindOf('a'), rows.get('a')?.attempts]).toEqual(['sent', 4]);
  });

  it('waits as long as the other side asks, also with the next notification', async () => {
    const { outbox, queue, rows } = memoryOutbox();
    const slack = channelOf('slack', () => ({ kind: 'retryable', error: 'slow down', afterMs: 60_000 }));
    queue('a', 'slack');
    queue('b', 'slack');
    senderOf(outbox, slack).wake();
    await pass(59_000);
    expect(slack.sent).toEqual(['a']);
    expect(rows.get('a')?.outcome).toMatchObject({ kind: 'retry', error: 'slow down' });
  });

  it('a channel that is back is noticed soon, however long it was away', async () => {
    const { outbox, queue } = memoryOutbox();
    let isBack = false;
    const slack = channelOf('slack', () => (isBack ? SENT : LATER));
    for (let number = 0; number < 50; number += 1) queue(`n${number}`, 'slack');
    senderOf(outbox, slack).wake();
    await pass(600_000);
    const tried = slack.sent.length;
    expect(tried).toBeLessThan(40);
    isBack = true;
    await pass(CHANNEL_REST_MAX_MS + POLL_MS);
    expect(slack.sent.length).toBeGreaterThan(tried + 20);
  });

  it('a final refusal is final, and said', async () => {
    const { outbox, queue, kindOf } = memoryOutbox();
    const slack = channelOf('slack', () => ({ kind: 'permanent', error: 'no such\nchannel' }));
    queue('a', 'slack');
    senderOf(outbox, slack).wake();
    await pass(60_000);
    expect([slack.sent, kindOf('a')]).toEqual([['a'], 'failed']);
    expect(notices).toEqual(['Alert 0alert did not reach slack: no such\\x0achannel']);
  });

  it('gives up after the last attempt', async () => {
    const { outbox, queue, rows } = memoryOutbox();
    queue('a', 'slack', RETRY_ATTEMPTS_MAX - 1);
    senderOf(
      outbox,
      channelOf('slack', () => LATER),
    ).wake();
    await vi.advanceTimersByTimeAsync(0);
    expect(rows.get('a')?.outcome).toMatchObject({
      kind: 'failed',
      error: `given up after ${RETRY_ATTEMPTS_MAX} attempts: not now`,
    });
  });

  it('a channel that is no longer configured ends in a failure that says so', () => {
    const { outbox, queue, kindOf } = memoryOutbox();
    queue('a', 'gone\u001b');
    senderOf(outbox).wake();
    expect(kindOf('a')).toBe('failed');
    expect(notices).toEqual(['Alert 0alert did not reach gone\\x1b: no channel named gone\\x1b is configured']);
  });

  it('an answer goes under the message that it answers, and not at all where that was not sent', async () => {
    const { outbox, rows, queue, kindOf } = memoryOutbox();
    const references: (string | undefined)[] = [];
    const channel: Channel = {
      name: 'slack',
      send: async (_, repliesTo) => {
        references.push(repliesTo);
        return { kind: 'sent', reference: '1.2' };
      },
      close: () => Promise.resolve(),
    };
    queue('n1', 'slack');
    queue('n2', 'slack');
    queue('n3', 'slack');
    Object.assign(rows.get('n2') ?? {}, { repliesTo: { isSent: true, reference: '1.2' } });
    Object.assign(rows.get('n3') ?? {}, { repliesTo: { isSent: false, reference: undefined } });
    senderOf(outbox, { channel }).wake();
    await pass(1);
    expect(references).toEqual([undefined, '1.2']);
    expect(rows.get('n1')?.outcome).toMatchObject({ kind: 'sent', reference: '1.2' });
    expect([kindOf('n2'), kindOf('n3')]).toEqual(['sent', 'failed']);
  });

  it('a channel that throws is tried again', async () => {
    const { outbox, queue, rows } = memoryOutbox();
    const slack = channelOf('slack', () => {
      throw new TypeError('token xoxb-secret');
    });
    queue('a', 'slack');
    senderOf(outbox, slack).wake();
    await vi.advanceTimersByTimeAsync(0);
    expect(rows.get('a')?.outcome).toMatchObject({ kind: 'retry', error: 'the channel failed: TypeError' });
  });

  it('a backlog of one channel neither hides nor delays another’s, and is never read as a whole', async () => {
    const { outbox, queue, reads, kindOf } = memoryOutbox();
    const slow = channelOf('slow', () => new Promise<SendResult>(() => undefined));
    const fast = channelOf('fast', () => SENT);
    for (let number = 0; number < 1_000; number += 1) queue(`s${number}`, 'slow');
    for (let number = 0; number < 50; number += 1) queue(`f${number}`, 'fast');
    senderOf(outbox, slow, fast).wake();
    await vi.advanceTimersByTimeAsync(0);
    expect(kindOf('f49')).toBe('sent');
    expect(slow.sent).toEqual(['s0']);
    expect(Math.max(...reads)).toBeLessThan(100);
  });

  it('an outbox that cannot be written is said, and makes no storm of sends', async () => {
    const { outbox, queue } = memoryOutbox();
    const slack = channelOf('slack', () => SENT);
    queue('a', 'slack');
    const broken: Outbox = {
      ...outbox,
      record: () => {
        throw new Error('disk full');
      },
    };
    senderOf(broken, slack).wake();
    await pass(10_000);
    expect(slack.sent.length).toBeLessThan(6);
    expect(notices[0]).toBe('The outbox cannot be written: disk full');
  });

  it('what was sent while the outbox cannot be written is not sent again, and is recorded when it can', async () => {
    const { outbox, queue, kindOf } = memoryOutbox();
    const slack = channelOf('slack', () => SENT);
    queue('a', 'slack');
    queue('b', 'slack');
    let isFull = true;
    const flaky: Outbox = {
      ...outbox,
      record(id, outcome) {
        if (isFull) throw new Error('disk full');
        outbox.record(id, outcome);
      },
    };
    senderOf(flaky, slack).wake();
    await pass(10 * CHANNEL_REST_MAX_MS);
    expect(slack.sent).toEqual(['a']);
    isFull = false;
    await pass(CHANNEL_REST_MAX_MS);
    expect(slack.sent).toEqual(['a', 'b']);
    expect([kindOf('a'), kindOf('b')]).toEqual(['sent', 'sent']);
  });

  it('an outbox that cannot be read is said, and looked into again', async () => {
    const { outbox, queue, kindOf } = memoryOutbox();
    queue('a', 'slack');
    let isBroken = true;
    const flaky: Outbox = {
      ...outbox,
      due: (...asked) => {
        if (isBroken) throw new Error('locked');
        return outbox.due(...asked);
      },
    };
    senderOf(
      flaky,
      channelOf('slack', () => SENT),
    ).wake();
    expect(notices).toEqual(['The outbox cannot be read: locked']);
    isBroken = false;
    await pass(POLL_MS);
    expect(kindOf('a')).toBe('sent');
  });

  it('closing lets what is under way finish, starts nothing more, and does not wait for ever', async () => {
    const { outbox, queue, kindOf } = memoryOutbox();
    let finish: (result: SendResult) => void = () => undefined;
    const slack = channelOf(
      'slack',
      () =>
        new Promise<SendResult>((resolve) => {
          finish = resolve;
        }),
    );
    queue('a', 'slack');
    queue('b', 'slack');
    const sender = senderOf(outbox, slack);
    sender.wake();
    const closed = sender.close(1_000);
    finish(SENT);
    await closed;
    sender.wake();
    expect([slack.sent, kindOf('a'), kindOf('b')]).toEqual([['a'], 'sent', undefined]);

    const stuck = senderOf(
      outbox,
      channelOf('slack', () => new Promise<SendResult>(() => undefined)),
    );
    stuck.wake();
    const over = stuck.close(1_000);
    await vi.advanceTimersByTimeAsync(1_000);
    await over;
  });
});
