// Takes events from the spool to the server: one request at a time, so that they arrive in order, and as many events in it as
// came while the last one was under way. Every event ends delivered (201, 409) or set aside with a reason and told; nothing is
// given up because the server is away. Longer than 300 lines, because a batch's fate (sent, put off, halved, set aside, interrupted by
// stopping) is one state machine.
import { formatProgress, PROGRESS_HEADER, type Progress } from '../../event/progress.ts';
import type { Notice } from '../options.ts';
import type { SpoolBatch, SpoolReader } from '../spool/spool-reader.ts';
import { asideOf, attempt, type Sent, type SetAside, SMALL_EVENT_BYTES } from './attempt.ts';
import { retryDelayMs } from './back-off.ts';
import { bulkPath, type Destination } from './destination.ts';
import type { HttpAnswer, HttpClient } from './http-client.ts';

/** One request before compression, bytes. */
const BATCH_BYTES: number = 2 * 1024 * 1024;
/** With nothing to send, the host's progress goes alone this often, ms. */
export const PROGRESS_EVERY_MS = 5_000;
/** Between two requests that carry events, ms: a quiet host's event goes at once, a busy one's share a request. */
const BUSY_REQUEST_EVERY_MS = 100;
/** An event that fails so often by itself (500), while others are taken, is to blame for it. */
export const FAILURES_MAX = 12;
/** A batch that loses its connection so often in a row is halved: who refuses a body before reading it may close before we hear. */
export const LOST_MAX = 4;
/** The last attempt when stopping, ms. */
const LAST_ATTEMPT_MS = 1_000;
const SIGN_OFF_HEADER = 'vedette-sign-off';

export interface ShipperOptions {
  readonly reader: SpoolReader;
  readonly client: HttpClient;
  /** A Vedette server when absent. Elasticsearch is told no progress: it would not know what to do with it. */
  readonly destination?: Destination;
  /** The Authorization header now, or undefined when there is none yet; asked before each request, so that a new one is taken up. */
  readonly authorization: () => Promise<string | undefined>;
  /** The server refused it: before the next try it is looked for again. */
  readonly onTokenRefused?: () => void;
  /** What the reading thread promised last: nothing below it is still to come; undefined before its first word. */
  readonly promised: () => Progress | undefined;
  readonly now: () => number;
  readonly random: () => number;
  /** Calls back once after so long; what it returns calls it off. */
  readonly startTimer: (durationMs: number, callback: () => void) => () => void;
  readonly onSetAside: (events: readonly SetAside[]) => void;
  /** Everything up to this position was delivered or set aside. */
  readonly onDelivered: (position: number, count: number) => void;
  readonly onNotice: (notice: Notice) => void;
}

export interface Shipper {
  /** Ships until `stop`; never throws for what a server or network does. */
  run(): Promise<void>;
  /** There may be something to ship. */
  wake(): void;
  /** Ends `run` after the request under way, ships once more within a second and signs off. */
  stop(): Promise<void>;
}

export function createShipper(options: ShipperOptions): Shipper {
  const { reader, client, now, destination = 'vedette' } = options;
  const speaksProgress = destination === 'vedette';
  let isStopping = false;
  let lastBatchMs = Number.NEGATIVE_INFINITY;
  let wasLarge = false;
  let lastSentMs = Number.NEGATIVE_INFINITY;
  let lastAnswerMs = now();
  let unreachableSince: number | undefined;
  let ended: Promise<void> | undefined;
  /** Read from the spool and not yet delivered: comes before anything that is read later. */
  let unfinished: SpoolBatch | undefined;
  let stoppedMs = 0;
  /** Attempts since the last answer that took something: the wait grows with them. */
  let attempts = 0;
  /** A wake that came while nobody waited counts for the next wait. */
  let isWoken = false;
  let endIdling: (() => void) | undefined;
  let endBackOff: (() => void) | undefined;

  function pause(durationMs: number, hold: (end: (() => void) | undefined) => void): Promise<void> {
    return new Promise((resolve) => {
      const end = (): void => {
        callOff();
        hold(undefined);
        resolve();
      };
      const callOff = options.startTimer(durationMs, end);
      hold(end);
    });
  }

  async function idle(): Promise<void> {
    if (!isWoken && !isStopping) {
      await pause(PROGRESS_EVERY_MS, (end) => {
        endIdling = end;
      });
    }
    isWoken = false;
  }

  async function backOff(durationMs: number): Promise<void> {
    await pause(durationMs, (end) => {
      endBackOff = end;
    });
  }

  async function post(
    path: string,
    body: Buffer,
    progress: Progress | undefined,
    extra: Record<string, string> = {},
  ): Promise<HttpAnswer> {
    const authorization = await options.authorization();
    if (authorization === undefined) return { kind: 'unreachable', reason: 'not enrolled yet' };
    lastSentMs = now();
    return client.post({
      path,
      headers: {
        authorization,
        'content-type': 'application/x-ndjson',
        ...(progress === undefined || !speaksProgress ? {} : { [PROGRESS_HEADER]: formatProgress(progress) }),
        ...extra,
      },
      body,
      ...(isStopping ? { timeoutMs: LAST_ATTEMPT_MS } : {}),
    });
  }

  function send(batch: SpoolBatch, indices: readonly number[], progress: Progress | undefined): Promise<Sent> {
    return attempt(batch, indices, {
      destination,
      post: (path, body) => post(path, body, progress),
      onSetAside: options.onSetAside,
      onRefusedToken: refusedToken,
    });
  }

  function refusedToken(reason: string): void {
    options.onTokenRefused?.();
    notify('error', 'token-refused', `The server refuses this host’s token (${reason}).`);
  }

  /** True when all of it is delivered or set aside; false when stopping came first. */
  async function deliver(batch: SpoolBatch, all: readonly number[], progress: Progress | undefined): Promise<boolean> {
    let indices = all;
    let hasTakenOthers = false;
    let allFailed = 0;
    let lost = 0;
    const failures = new Map<number, number>();

    const halves = async (): Promise<boolean> => {
      const middle = Math.ceil(indices.length / 2);
      // The first half promises nothing: what the progress speaks of is complete with the second.
      return (
        (await deliver(batch, indices.slice(0, middle), undefined)) &&
        (await deliver(batch, indices.slice(middle), progress))
      );
    };

    for (;;) {
      const sent = await send(batch, indices, progress);
      if (sent.kind === 'done') {
        answered();
        return true;
      }
      if (sent.kind === 'split') {
        answered();
        if (indices.length > 1) return halves();
        options.onSetAside([asideOf(batch, indices[0] as number, sent.status, sent.reason)]);
        return true;
      }
      hasTakenOthers ||= sent.isMixed;
      allFailed = sent.failed.length === sent.indices.length ? allFailed + 1 : 0;
      lost = sent.isConnectionLost ? lost + 1 : 0;
      indices = sent.indices;
      if (hasTakenOthers || indices.length === 1) {
        for (const index of sent.failed) failures.set(index, (failures.get(index) ?? 0) + 1);
        const poisonous = sent.failed.filter((index) => (failures.get(index) ?? 0) >= FAILURES_MAX);
        if (poisonous.length > 0) {
          options.onSetAside(poisonous.map((index) => asideOf(batch, index, 500, sent.reason)));
          indices = indices.filter((index) => !poisonous.includes(index));
        }
      }
      if (indices.length === 0) {
        answered();
        return true;
      }
      if (isStopping) return false;
      await waitAfter(sent);
      if (isStopping) return false;
      // Whose fault it is shows only when they go one by one.
      if (indices.length > 1 && (lost >= LOST_MAX || (!hasTakenOthers && allFailed >= FAILURES_MAX))) return halves();
      if (indices.length === 1 && lost >= FAILURES_MAX && (await isTooMuch(batch, indices[0] as number))) {
        options.onSetAside([asideOf(batch, indices[0] as number, 413, `too large, it seems: ${sent.reason}`)]);
        return true;
      }
    }
  }

  async function waitAfter(sent: Extract<Sent, { readonly kind: 'again' }>): Promise<void> {
    attempts = sent.hasOther ? 1 : attempts + 1;
    if (unreachableSince === undefined) {
      unreachableSince = now();
      notify('warning', 'not-delivered', `Events wait in the spool: ${sent.reason}.`);
    }
    const delayMs = retryDelayMs(attempts, now() - lastAnswerMs, options.random());
    // A server that puts us off speaks for itself, not for the one that is next.
    await backOff(sent.hasOther ? delayMs : Math.max(delayMs, sent.afterMs ?? 0));
  }

  /** True when the connection that a large event loses is not lost without it. */
  async function isTooMuch(batch: SpoolBatch, index: number): Promise<boolean> {
    if ((batch.payloads[index] as Buffer).length <= SMALL_EVENT_BYTES) return false;
    const answer = await post(bulkPath(destination, batch.firstTimeMs), Buffer.alloc(0), undefined);
    return answer.kind === 'answer' && (answer.status < 300 || answer.status === 400);
  }

  function answered(): void {
    lastAnswerMs = now();
    attempts = 0;
    if (unreachableSince === undefined) return;
    unreachableSince = undefined;
    notify('info', 'delivered-again', 'The server takes events again.');
  }

  function notify(level: Notice['level'], code: string, text: string): void {
    options.onNotice({ level, code, text });
  }

  /** Lets events come together while requests follow each other closely; not when there is a backlog to catch up with. */
  async function gather(): Promise<void> {
    const sinceMs = now() - lastBatchMs;
    if (isStopping || wasLarge || sinceMs < 0 || sinceMs >= BUSY_REQUEST_EVERY_MS) return;
    await backOff(BUSY_REQUEST_EVERY_MS - sinceMs);
  }

  /** Ships what is spooled now, batch by batch; false when stopping came before the end. */
  async function shipAll(): Promise<boolean> {
    for (;;) {
      await gather();
      unfinished ??= reader.next(BATCH_BYTES);
      const batch = unfinished;
      if (batch === undefined) return true;
      lastBatchMs = now();
      wasLarge = batch.bytes >= BATCH_BYTES / 2;
      const progress = { bootId: batch.bootId, position: batch.lastPosition, createdMs: batch.lastCreatedMs };
      const isDelivered = await deliver(
        batch,
        batch.payloads.map((_, index) => index),
        progress,
      );
      if (!isDelivered) return false;
      unfinished = undefined;
      options.onDelivered(batch.lastPosition, batch.payloads.length);
      if (isStopping && now() - stoppedMs > LAST_ATTEMPT_MS) return false;
    }
  }

  /** The reading thread's promise, when everything that it speaks of was delivered. */
  function idleProgress(): Progress | undefined {
    const promised = options.promised();
    return promised !== undefined && promised.position <= reader.readUpTo() ? promised : undefined;
  }

  async function sendProgressWhenDue(): Promise<void> {
    const progress = idleProgress();
    const sinceMs = now() - lastSentMs;
    // A clock that was set back must not make this host look silent.
    if (!speaksProgress || progress === undefined || (sinceMs >= 0 && sinceMs < PROGRESS_EVERY_MS)) return;
    const answer = await post('/_bulk', Buffer.alloc(0), progress);
    if (answer.kind === 'answer' && answer.status < 300) answered();
    if (answer.kind === 'answer' && (answer.status === 401 || answer.status === 403))
      refusedToken(`status ${answer.status}`);
    lastSentMs = now();
  }

  async function ship(): Promise<void> {
    while (!isStopping) {
      if (await shipAll()) {
        if (isStopping) break;
        await sendProgressWhenDue();
        await idle();
      }
    }
  }

  return {
    run() {
      ended ??= ship();
      return ended;
    },
    wake() {
      isWoken = true;
      endIdling?.();
    },
    async stop() {
      isStopping = true;
      stoppedMs = now();
      endIdling?.();
      endBackOff?.();
      const last = lastAttempt();
      let callOff = (): void => {};
      const tooLate = new Promise<void>((resolve) => {
        callOff = options.startTimer(LAST_ATTEMPT_MS, resolve);
      });
      await Promise.race([last, tooLate]);
      callOff();
      client.close();
    },
  };

  async function lastAttempt(): Promise<void> {
    await ended;
    const isAll = await shipAll();
    if (!speaksProgress) return;
    await post('/_bulk', Buffer.alloc(0), isAll ? idleProgress() : undefined, { [SIGN_OFF_HEADER]: '1' });
  }
}
