// A rule group's operational state in memory, written behind to its journal: the engine steps without waiting for the network, and
// nothing of a step is shown or sent before the journal has it. Steps that come while a write is under way go together into the next
// generation. When another process took the group over, everything since the last generation is thrown away: it was never anybody's.
//
//   shared:cursor           the follower's place
//   shared:remembered:KEY   what the runner of the group keeps (server/shared/group-quarantines.ts)
//   shared:outbox:ID        {"number":…,"state":"pending","attempts":…,"dueMs":…,"notification":{…}}; of an ended one, what the channel calls it
import type { Notification } from '../../event/detection.ts';
import type {
  Commit,
  ControlChange,
  EngineStatePort,
  OutboxEntry,
  OutboxPort,
  SendOutcome,
} from '../state/state-port.ts';
import type { HeldGroup } from './group-journal.ts';
import { type GroupFigures, NO_FIGURES, type OutcomeStep, type PackedOutcome } from './group-outcome.ts';
import { SharedStateDamaged } from './shared-documents.ts';

const CURSOR = 'shared:cursor';
const OUTBOX_PREFIX = 'shared:outbox:';
const REMEMBERED_PREFIX = 'shared:remembered:';
/** Ids of notifications that ended are remembered while there are no more. */
const ENDED_MAX = 5_000;
/** Steps that may wait to be written; then the engine waits. */
const WAITING_MAX = 64;
/** The first pause after a write that failed; each further one doubles it. */
const RETRY_MS = 200;
const RETRY_MS_MAX = 5_000;

export interface JournaledState {
  readonly engine: EngineStatePort;
  readonly outbox: OutboxPort;
  /** Goes into the next generation. */
  askControl(change: ControlChange): void;
  /** What the owner of the group, whoever that is, is to know: text by key; undefined removes. Written with the next generation. */
  remember(key: string, text: string | undefined): void;
  remembered(): ReadonlyMap<string, string>;
  /** Resolves when so little waits to be written that the engine may go on; at once when the group is lost. */
  room(): Promise<void>;
  /** Resolves when all that was committed until now is written, or the group is lost. */
  written(): Promise<void>;
  /** Writes a renewal where nothing else is to be written; `shown`: what generations before this one found is not needed any more. */
  renew(shown?: number): Promise<void>;
  isLost(): boolean;
  /** Writes what there is, while that succeeds at once, and gives the group up. */
  release(): Promise<void>;
  /** Stops at once: what is not written is not written. */
  abandon(): void;
}

interface OutboxRow {
  readonly number: number;
  readonly state: 'pending' | 'sent' | 'failed';
  readonly attempts: number;
  readonly dueMs: number;
  readonly notification?: Notification;
  /** What the channel calls it, once it was sent. */
  readonly reference?: string;
}

/** What is not in the journal yet. */
interface Unwritten {
  readonly state: Map<string, string | undefined>;
  readonly steps: OutcomeStep[];
  readonly sent: PackedOutcome['sent'][number][];
  readonly control: ControlChange[];
  readonly health: Map<string, string>;
}

/** `held` must have been loaded just now, into `state`. */
export function createJournaledState(options: {
  readonly held: HeldGroup;
  readonly state: ReadonlyMap<string, string>;
  /** Where a group begins that never committed. */
  readonly firstCursor?: string | undefined;
  /** Entries under this prefix are told to people too. */
  readonly healthPrefix: string;
  readonly figures?: () => GroupFigures;
  /** False when the lease may have run out: then nothing is sent. */
  readonly isProven: () => boolean;
  /** A generation that has something to send is written. */
  readonly onOutbox: () => void;
  readonly onLost: () => void;
  readonly onTrouble: (error: unknown) => void;
  readonly sleep: (ms: number) => Promise<void>;
}): JournaledState {
  const { held, healthPrefix, figures = () => NO_FIGURES, isProven, onOutbox, onLost, onTrouble, sleep } = options;
  const state = new Map(options.state);
  const rows = new Map<string, OutboxRow>();
  /** Pending ones that are in the journal, by id. */
  const sendable = new Set<string>();
  let nextNumber = 1;
  let unwritten = nothing();
  /** Steps in `unwritten` and under way. */
  let waiting = 0;
  let isUnderWay: Promise<void> | undefined;
  let [isLost, isAbandoned] = [false, false];
  let resting: (() => void)[] = [];

  for (const [key, text] of [...state].filter(([name]) => name.startsWith(OUTBOX_PREFIX))) {
    const row = rowOf(key, text);
    rows.set(key.slice(OUTBOX_PREFIX.length), row);
    if (row.state === 'pending') sendable.add(key.slice(OUTBOX_PREFIX.length));
    nextNumber = Math.max(nextNumber, row.number + 1);
  }
  /** Oldest first. */
  const ended = [...rows]
    .filter(([, row]) => row.state !== 'pending')
    .sort(([, a], [, b]) => a.number - b.number)
    .map(([id]) => id);

  const change = (key: string, text: string | undefined): void => {
    if (text === undefined) state.delete(key);
    else state.set(key, text);
    unwritten.state.set(key, text);
  };

  const putRow = (id: string, row: OutboxRow): void => {
    rows.set(id, row);
    change(OUTBOX_PREFIX + id, JSON.stringify(row));
  };

  const write = async (): Promise<void> => {
    let failures = 0;
    while (!isLost && !isAbandoned && hasAny(unwritten)) {
      const part = unwritten;
      const steps = waiting;
      unwritten = nothing();
      const outcome: PackedOutcome = {
        steps: part.steps,
        sent: part.sent,
        control: part.control,
        health: [...part.health],
      };
      const now = figures();
      for (let isWritten = false; !isWritten && !isLost && !isAbandoned; ) {
        try {
          if (await held.commit(part.state, outcome, now)) isWritten = true;
          else lose();
          failures = 0;
        } catch (error) {
          failures += 1;
          if (failures === 1) onTrouble(error);
          await sleep(Math.min(RETRY_MS_MAX, RETRY_MS * 2 ** Math.min(failures, 10)));
        }
      }
      waiting -= steps;
      const wokenUp = resting;
      resting = [];
      for (const wake of wokenUp) wake();
      if (isLost || isAbandoned) return;
      const queued = part.steps.flatMap((step) => step.outbox).filter(({ id }) => rows.get(id)?.state === 'pending');
      for (const { id } of queued) sendable.add(id);
      if (queued.length > 0) onOutbox();
    }
  };

  const wake = (): void => {
    isUnderWay ??= write().finally(() => {
      isUnderWay = undefined;
      if (!isLost && !isAbandoned && hasAny(unwritten)) wake();
    });
  };

  const lose = (): void => {
    if (isLost) return;
    isLost = true;
    sendable.clear();
    onLost();
  };

  const commit = ({ cursor, state: changes, outbox, isRepeatable: _, ...outcome }: Commit): void => {
    if (isLost) return;
    for (const [key, text] of changes) {
      change(key, text);
      if (text !== undefined && key.startsWith(healthPrefix)) unwritten.health.set(key, text);
    }
    if (state.get(CURSOR) !== cursor) change(CURSOR, cursor);
    const fresh = outbox.filter(({ id }) => !rows.has(id));
    for (const notification of fresh) {
      putRow(notification.id, { number: nextNumber, state: 'pending', attempts: 0, dueMs: 0, notification });
      nextNumber += 1;
    }
    const step: OutcomeStep = { ...outcome, outbox: fresh };
    if (Object.values(step).some((part) => part.length > 0)) unwritten.steps.push(step);
    waiting += 1;
    wake();
  };

  const due = (channel: string, nowMs: number, limit: number): readonly OutboxEntry[] => {
    if (isLost || isAbandoned || !isProven()) return [];
    const entries: OutboxEntry[] = [];
    for (const id of sendable) {
      const row = rows.get(id);
      if (row?.notification?.channel !== channel || row.dueMs > nowMs) continue;
      const { notification, attempts, dueMs } = row;
      const { about } = notification;
      const told = about?.kind === 'follow-up' ? rows.get(about.inReplyTo) : undefined;
      if (told?.state === 'pending') continue;
      const repliesTo = { isSent: told?.state === 'sent', reference: told?.reference };
      entries.push({ notification, attempts, dueMs, ...(about?.kind === 'follow-up' ? { repliesTo } : {}) });
      if (entries.length >= limit) break;
    }
    return entries;
  };

  const record = (id: string, outcome: SendOutcome): void => {
    const row = rows.get(id);
    if (row?.state !== 'pending' || isLost) return;
    const attempts = row.attempts + 1;
    if (outcome.kind === 'retry') putRow(id, { ...row, attempts, dueMs: outcome.dueMs });
    else {
      const { notification: _sent, ...rest } = row;
      const reference =
        outcome.kind === 'sent' && outcome.reference !== undefined ? { reference: outcome.reference } : {};
      putRow(id, { ...rest, ...reference, attempts, state: outcome.kind });
      sendable.delete(id);
      ended.push(id);
      for (const old of ended.splice(0, ended.length - ENDED_MAX)) {
        rows.delete(old);
        change(OUTBOX_PREFIX + old, undefined);
      }
    }
    unwritten.sent.push({ id, outcome });
    wake();
  };

  const pendingRows = (): readonly OutboxRow[] => [...rows.values()].filter((row) => row.state === 'pending');

  return {
    engine: {
      loadCursor: () => state.get(CURSOR) ?? options.firstCursor,
      loadState: () => new Map([...state].filter(([key]) => !key.startsWith('shared:'))),
      commit,
    },
    outbox: {
      due,
      record,
      pendingChannels: () => {
        if (!isProven()) return [];
        const channels = [...sendable].flatMap((id) => rows.get(id)?.notification?.channel ?? []);
        return [...new Set(channels)].sort();
      },
      counts: () => ({
        pending: pendingRows().length,
        sent: [...rows.values()].filter((row) => row.state === 'sent').length,
        failed: [...rows.values()].filter((row) => row.state === 'failed').length,
      }),
    },
    askControl(entry) {
      unwritten.control.push(entry);
      wake();
    },
    remember(key, text) {
      change(REMEMBERED_PREFIX + key, text);
      wake();
    },
    remembered: () =>
      new Map(
        [...state].flatMap(([key, text]) =>
          key.startsWith(REMEMBERED_PREFIX) ? [[key.slice(REMEMBERED_PREFIX.length), text] as const] : [],
        ),
      ),
    async room() {
      while (waiting > WAITING_MAX && !isLost && !isAbandoned) {
        await new Promise<void>((resolve) => resting.push(resolve));
      }
    },
    async written() {
      while (isUnderWay !== undefined && !isAbandoned) await isUnderWay;
    },
    async renew(shown = 0) {
      if (isUnderWay !== undefined || isLost || isAbandoned) return;
      isUnderWay = held
        .renew(figures())
        .then(async (isHeld) => {
          if (!isHeld) lose();
          else if (shown > 0) await held.forgetOutcomes(shown);
        })
        .catch(() => undefined)
        .finally(() => {
          isUnderWay = undefined;
          if (hasAny(unwritten)) wake();
        });
      await isUnderWay;
    },
    isLost: () => isLost,
    async release() {
      while (isUnderWay !== undefined) await isUnderWay;
      isAbandoned = true;
      if (!isLost) await held.release();
    },
    abandon() {
      isAbandoned = true;
      sendable.clear();
      for (const wokenUp of resting) wokenUp();
      resting = [];
    },
  };
}

function nothing(): Unwritten {
  return { state: new Map(), steps: [], sent: [], control: [], health: new Map() };
}

function hasAny({ state, steps, sent, control }: Unwritten): boolean {
  return state.size + steps.length + sent.length + control.length > 0;
}

function rowOf(key: string, text: string): OutboxRow {
  try {
    return JSON.parse(text) as OutboxRow;
  } catch {
    throw new SharedStateDamaged(`the entry ${key} cannot be read`);
  }
}
