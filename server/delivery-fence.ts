// Ties a host's progress to what the engine has read. A progress arrives with events that were stored a moment ago; the fold may
// trust it only once the follower has read those, and all that came before them (engine/engine.ts, Watermarks).
//
//   per host, a queue of deliveries:  [ids unread 0, settled] [ids unread 3, settled] [being appended]
//                                       └ its progress holds     └ waits                └ waits
//
// A delivery is known to be read when each id that it stored has passed by. Where ids are not known (stored before the start, or
// too many to remember) the follower must once have come to the store's end by a look that began after the delivery was stored.
import type { Watermarks } from '../engine/engine.ts';
import { createWaitedHosts } from '../engine/waited-hosts.ts';
import { watermarksOf } from '../engine/watermark.ts';
import type { Progress } from '../event/progress.ts';

/** The most unread ids that are remembered; deliveries past that wait until the follower has caught up. */
const UNREAD_IDS_MAX = 500_000;

/** What a delivery says of its host once it is read. `absent`: silent, signed off or revoked; nobody waits for it. */
export type Standing = { readonly kind: 'progress'; readonly progress: Progress } | { readonly kind: 'absent' };

interface Delivery {
  readonly hostId: string;
  readonly begunMs: number;
}

interface Entry extends Delivery {
  unread: number;
  isSettled: boolean;
  /** Set while the follower must come to the store's end, by a look begun after this many settlements. */
  catchUpAfter: number | undefined;
  /** `event.created` of the server's own document in it: holds up folds over all hosts until it is read. */
  readonly ownCreatedMs: number | undefined;
  standing: Standing | undefined;
  /** Nobody's delivery: what holds of the host does so only after it. */
  readonly isHold: boolean;
}

interface HostState {
  standing: Standing | undefined;
  /** The last progress that held, kept while the host is absent. */
  lastProgress: Progress | undefined;
  /** The server's clock when that arrived, epoch ms. */
  progressAtMs: number;
  /** `new`: never heard of before, and the first that it brings is not read; nothing is known of it, so all of it is waited for. */
  phase: 'unheard' | 'new' | 'known';
  readonly queue: Entry[];
}

export interface DeliveryFence {
  /** A host that was known before the start, with its saved progress; nobody waits for one that is absent. */
  restore(hostId: string, progress: Progress, options: { nowMs: number; isAbsent: boolean }): void;
  /** Nobody waits for the host any more: its token was revoked. */
  dismiss(hostId: string): void;
  /** Call before appending: the follower may read the events before `append` resolves. A host's deliveries begin as they are appended. */
  begin(hostId: string, ids: readonly string[], options: { nowMs: number; ownCreatedMs?: number }): Delivery;
  /** Call after appending. `notStored`: ids that were duplicates or refused, or all when the append failed. */
  settle(delivery: Delivery, notStored: readonly string[], standing: Standing | undefined): void;
  /** The follower has read these, and is at this place of the store after them. */
  read(ids: Iterable<string>, cursor?: string): void;
  /** Call before a look at the store, and give the result to {@link caughtUp} if the look found nothing. */
  mark(): number;
  caughtUp(mark: number): void;
  /** True while a look at the store's end would help: then look without waiting. */
  needsCatchUp(): boolean;
  /** Nothing holds until the follower has caught up: at the start, and after a commit that failed. */
  holdAll(nowMs: number): void;
  /** What holds now. */
  watermarks(nowMs: number): Watermarks;
  /** Up to which `event.created` everything was read and may be folded, epoch ms; at most now. */
  settledMs(nowMs: number): number;
  /** Events that are stored and not read, as far as is known. */
  unread(): number;
  /** For how long the oldest delivery that is stored has waited to be read, ms; 0 when all is read. */
  lagMs(nowMs: number): number;
}

/** What who follows the store needs of a fence. */
export type FollowerFence = Pick<
  DeliveryFence,
  'read' | 'mark' | 'caughtUp' | 'needsCatchUp' | 'holdAll' | 'watermarks' | 'settledMs'
>;

const NOTHING: Progress = { bootId: '', position: -1, createdMs: 0 };
/** The server's own documents take part in the fold over all hosts under this name, which no host can have. */
const SERVER_ITSELF = '';

export function createDeliveryFence(options: {
  readonly latenessMs: number;
  /** Who has sent no progress for so long is not waited for: it is silent, or ships by other means now. */
  readonly staleAfterMs: number;
  /** Called when a standing changed: the fold may have something to do. */
  readonly onAdvance: () => void;
  readonly unreadIdsMax?: number;
}): DeliveryFence {
  const { latenessMs, staleAfterMs, onAdvance, unreadIdsMax = UNREAD_IDS_MAX } = options;
  const hosts = new Map<string, HostState>();
  const byId = new Map<string, Entry>();
  /** All deliveries that are not read yet, in order of beginning. */
  const open = new Set<Entry>();
  /** Those of them with a document of the server's own. */
  const ownOpen = new Set<Entry>();
  const waited = createWaitedHosts(staleAfterMs);
  let settlements = 0;
  let hasCaughtUp = false;

  const hostOf = (hostId: string): HostState => {
    let host = hosts.get(hostId);
    if (host === undefined) {
      host = { standing: undefined, lastProgress: undefined, progressAtMs: 0, phase: 'unheard', queue: [] };
      hosts.set(hostId, host);
    }
    return host;
  };

  /** After each change of the host's standing. */
  const tell = (hostId: string, { standing, progressAtMs }: HostState): void => {
    if (standing?.kind === 'progress') waited.set(hostId, standing.progress, progressAtMs);
    else waited.delete(hostId);
  };

  /** Whoever speaks again may bring what is older than all that was read: wait for it from where it stood. */
  const waitAgain = (host: HostState, nowMs: number): void => {
    if (host.lastProgress === undefined) return;
    host.standing = { kind: 'progress', progress: host.lastProgress };
    host.progressAtMs = nowMs;
  };

  const pump = (hostId: string, host: HostState): void => {
    let isChanged = false;
    let isLeaving = false;
    for (let head = host.queue[0]; head !== undefined; head = host.queue[0]) {
      if (!head.isSettled || head.unread > 0 || head.catchUpAfter !== undefined) break;
      host.queue.shift();
      open.delete(head);
      ownOpen.delete(head);
      if (head.standing !== undefined || (host.phase === 'new' && !head.isHold)) {
        host.standing = head.standing;
        host.phase = 'known';
        isLeaving = head.standing?.kind === 'absent';
        if (head.standing?.kind === 'progress') {
          host.lastProgress = head.standing.progress;
          host.progressAtMs = head.begunMs;
        }
      }
      isChanged = true;
    }
    if (!isChanged) return;
    // It signed off, and had spoken again before that was read.
    const [next] = host.queue;
    if (next !== undefined && isLeaving) waitAgain(host, next.begunMs);
    tell(hostId, host);
    onAdvance();
  };

  const push = (host: HostState, entry: Entry): Entry => {
    host.queue.push(entry);
    open.add(entry);
    if (entry.ownCreatedMs !== undefined) ownOpen.add(entry);
    return entry;
  };

  const hold = (hostId: string, host: HostState, nowMs: number): void => {
    const standing = host.standing;
    if (standing?.kind !== 'progress') return;
    host.standing = { kind: 'progress', progress: NOTHING };
    tell(hostId, host);
    const entry: Entry = {
      hostId,
      begunMs: nowMs,
      unread: 0,
      isSettled: true,
      catchUpAfter: settlements,
      ownCreatedMs: undefined,
      standing: host.phase === 'new' ? undefined : standing,
      isHold: true,
    };
    host.queue.unshift(entry);
    open.add(entry);
  };

  return {
    restore(hostId, progress, { nowMs, isAbsent }) {
      const host = hostOf(hostId);
      host.progressAtMs = nowMs;
      host.standing = isAbsent ? { kind: 'absent' } : { kind: 'progress', progress };
      host.lastProgress = progress;
      host.phase = 'known';
      tell(hostId, host);
    },
    dismiss(hostId) {
      const host = hostOf(hostId);
      host.phase = 'known';
      host.standing = { kind: 'absent' };
      tell(hostId, host);
      onAdvance();
    },
    begin(hostId, ids, { nowMs, ownCreatedMs }) {
      const host = hostOf(hostId);
      if (host.standing?.kind === 'absent') {
        waitAgain(host, nowMs);
        tell(hostId, host);
      } else if (host.phase === 'unheard' && ownCreatedMs === undefined) {
        host.phase = 'new';
        host.standing = { kind: 'progress', progress: NOTHING };
        host.progressAtMs = nowMs;
        tell(hostId, host);
      }
      const isTracked = byId.size + ids.length <= unreadIdsMax;
      const entry: Entry = {
        hostId,
        begunMs: nowMs,
        unread: 0,
        isSettled: false,
        catchUpAfter: isTracked && hasCaughtUp ? undefined : Number.POSITIVE_INFINITY,
        ownCreatedMs,
        standing: undefined,
        isHold: false,
      };
      if (isTracked) {
        for (const id of ids) {
          const before = byId.get(id);
          if (before !== undefined) {
            // Sent twice at once. Should the first come to nothing, it is this one that stores the event, and nobody remembers its id.
            if (before !== entry && !before.isSettled) entry.catchUpAfter = Number.POSITIVE_INFINITY;
            continue;
          }
          byId.set(id, entry);
          entry.unread += 1;
        }
      }
      return push(host, entry);
    },
    settle(delivery, notStored, standing) {
      const entry = delivery as Entry;
      for (const id of notStored) {
        if (byId.get(id) !== entry) continue;
        byId.delete(id);
        entry.unread -= 1;
      }
      settlements += 1;
      entry.isSettled = true;
      entry.standing = standing;
      if (entry.catchUpAfter !== undefined) entry.catchUpAfter = settlements;
      pump(entry.hostId, hostOf(entry.hostId));
    },
    read(ids) {
      const touched = new Set<string>();
      for (const id of ids) {
        const entry = byId.get(id);
        if (entry === undefined) continue;
        byId.delete(id);
        entry.unread -= 1;
        if (entry.unread === 0) touched.add(entry.hostId);
      }
      for (const hostId of touched) pump(hostId, hostOf(hostId));
    },
    mark: () => settlements,
    caughtUp(mark) {
      hasCaughtUp = true;
      const touched = new Set<string>();
      for (const entry of open) {
        if (entry.catchUpAfter === undefined || entry.catchUpAfter > mark) continue;
        entry.catchUpAfter = undefined;
        touched.add(entry.hostId);
      }
      for (const hostId of touched) pump(hostId, hostOf(hostId));
    },
    needsCatchUp() {
      if (!hasCaughtUp) return true;
      for (const entry of open) if (entry.catchUpAfter !== undefined && entry.isSettled) return true;
      return false;
    },
    holdAll(nowMs) {
      hasCaughtUp = false;
      for (const [hostId, host] of hosts) hold(hostId, host, nowMs);
    },
    watermarks(nowMs) {
      // The wall clock as the engine sees it: while it has events to read, time stands still for the lateness.
      const [oldest] = open;
      const readUntilMs = Math.min(nowMs, oldest?.begunMs ?? nowMs);
      let ownMs: number | undefined;
      for (const { ownCreatedMs } of ownOpen)
        if (ownCreatedMs !== undefined) ownMs = Math.min(ownMs ?? ownCreatedMs, ownCreatedMs);
      return waited.watermarks({ readUntilMs, latenessMs, ownMs });
    },
    settledMs(nowMs) {
      const [oldest] = open;
      let settledMs = Math.min(nowMs, oldest?.begunMs ?? nowMs);
      for (const host of hosts.values()) {
        if (host.standing?.kind !== 'progress' || host.phase === 'new' || nowMs - host.progressAtMs > staleAfterMs)
          continue;
        settledMs = Math.min(settledMs, host.standing.progress.createdMs);
      }
      return settledMs;
    },
    unread: () => byId.size,
    lagMs(nowMs) {
      for (const entry of open) if (entry.isSettled) return Math.max(0, nowMs - entry.begunMs);
      return 0;
    },
  };
}

/**
 * The watermarks of the hosts that are waited for, at a time up to which everything was read. `ownMs`: `event.created` of a document of the
 * server's own that is not read yet.
 */
export function watermarksAt(
  waitedFor: ReadonlyMap<string, Progress>,
  at: { readonly readUntilMs: number; readonly latenessMs: number; readonly ownMs: number | undefined },
): Watermarks {
  const { readUntilMs, latenessMs, ownMs } = at;
  const progress = new Map(waitedFor);
  const overdue = (ruleLatenessMs: number = latenessMs): ReadonlySet<string> => {
    const behind = new Set<string>();
    for (const [hostId, { createdMs }] of progress) {
      if (createdMs < readUntilMs - ruleLatenessMs && hostId !== SERVER_ITSELF) behind.add(hostId);
    }
    return behind;
  };
  if (ownMs !== undefined) progress.set(SERVER_ITSELF, { bootId: '', position: -1, createdMs: ownMs });
  return watermarksOf(progress, overdue, readUntilMs - latenessMs);
}
