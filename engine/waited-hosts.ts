// The hosts that are waited for, kept in the order of their progress, so that watermarks cost by what changed and not by how many
// hosts there are: who is overdue stands before the rest, and the first behind them holds all others up.
import { compareOrder, type OrderKey } from '../event/order.ts';
import type { Progress } from '../event/progress.ts';
import type { Watermarks } from './engine.ts';
import { createDueHeap } from './folding/due-heap.ts';
import { frontierOf } from './watermark.ts';

export interface WaitedHosts {
  /** The host's progress, which arrived at a time of the server's clock, epoch ms. */
  set(hostId: string, progress: Progress, arrivedMs: number): void;
  /** Nobody waits for the host. */
  delete(hostId: string): void;
  /** What holds until the next change. Hosts whose progress is too old are left out from then on, until they tell another. */
  watermarks(at: WaitedAt): Watermarks;
}

interface WaitedAt {
  /** Up to here everything was read: the clock by which hosts are overdue. */
  readonly readUntilMs: number;
  /** A host that is further behind holds nobody up, where a rule does not say otherwise. */
  readonly latenessMs: number;
  /** `event.created` of a document of the server's own that is not read yet. */
  readonly ownMs: number | undefined;
}

interface Row {
  readonly hostId: string;
  progress: Progress;
  /** The least that may still come from it. */
  frontier: OrderKey;
  arrivedMs: number;
  /** Where it stands in the heap; Infinity: nowhere. */
  agingMs: number;
  isIn: boolean;
  isGone: boolean;
}

/** The server's own documents take part under this name, which no host can have. */
const SERVER_ITSELF = '';
const NEVER = Number.NEGATIVE_INFINITY;

/** @param staleAfterMs who has told no progress for so long is not waited for. */
export function createWaitedHosts(staleAfterMs: number): WaitedHosts {
  const rows = new Map<string, Row>();
  /** Those that are in, by frontier. */
  const inOrder: Row[] = [];
  /** Each that is in, by the arrival that it had at some time. */
  const aging = createDueHeap<Row>(
    ({ hostId }) => hostId,
    ({ isGone }) => isGone,
  );

  /** The place of the first row that does not sort before. */
  const placeOf = (frontier: OrderKey): number => {
    let [low, high] = [0, inOrder.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (compareOrder((inOrder[middle] as Row).frontier, frontier) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  };

  const leave = (row: Row): void => {
    if (row.isIn) inOrder.splice(placeOf(row.frontier), 1);
    row.isIn = false;
  };

  const age = (row: Row): void => {
    if (row.arrivedMs >= row.agingMs) return;
    row.agingMs = row.arrivedMs;
    aging.push(row.arrivedMs, row);
  };

  const dropStale = (readUntilMs: number): void => {
    for (;;) {
      const atMs = aging.firstMs();
      const row = readUntilMs - atMs > staleAfterMs ? aging.take(atMs) : undefined;
      if (row === undefined) return;
      if (row.isGone || row.agingMs !== atMs) continue;
      row.agingMs = Number.POSITIVE_INFINITY;
      if (readUntilMs - row.arrivedMs > staleAfterMs) leave(row);
      else age(row);
    }
  };

  return {
    set(hostId, progress, arrivedMs) {
      const frontier = frontierOf(hostId, progress);
      let row = rows.get(hostId);
      if (row === undefined) {
        const agingMs = Number.POSITIVE_INFINITY;
        row = { hostId, progress, frontier, arrivedMs, agingMs, isIn: false, isGone: false };
        rows.set(hostId, row);
      }
      leave(row);
      row.progress = progress;
      row.frontier = frontier;
      row.arrivedMs = arrivedMs;
      row.isIn = true;
      const last = inOrder.at(-1);
      if (last === undefined || compareOrder(last.frontier, frontier) < 0) inOrder.push(row);
      else inOrder.splice(placeOf(frontier), 0, row);
      age(row);
    },
    delete(hostId) {
      const row = rows.get(hostId);
      if (row === undefined) return;
      leave(row);
      row.isGone = true;
      rows.delete(hostId);
    },
    watermarks({ readUntilMs, latenessMs, ownMs }) {
      dropStale(readUntilMs);
      const own = ownMs === undefined ? undefined : { bootId: '', position: -1, createdMs: ownMs };
      const ownFrontier = own && frontierOf(SERVER_ITSELF, own);
      const progressOf = (hostId: string): Progress | undefined => {
        const row = rows.get(hostId);
        if (row?.isIn === true) return row.progress;
        return hostId === SERVER_ITSELF ? own : undefined;
      };
      /** By lateness: there are as many as the rules name different ones. */
      const leastBy = new Map<number, OrderKey | undefined>();
      const leastOf = (behindMs: number = latenessMs): OrderKey | undefined => {
        if (leastBy.has(behindMs)) return leastBy.get(behindMs);
        const first = inOrder[placeOf(beginningOf(readUntilMs - behindMs))]?.frontier;
        const isOwn = ownFrontier !== undefined && (first === undefined || compareOrder(ownFrontier, first) < 0);
        const least = isOwn ? ownFrontier : first;
        leastBy.set(behindMs, least);
        return least;
      };
      return {
        hostPassed(order) {
          const progress = progressOf(order.hostId);
          if (progress === undefined || order.createdMs < progress.createdMs) return true;
          return order.bootId === progress.bootId && order.position <= progress.position;
        },
        allPassed(order, behindMs) {
          const least = leastOf(behindMs);
          return least === undefined || compareOrder(order, least) < 0;
        },
        hostTimeMs: (hostId) => progressOf(hostId)?.createdMs ?? NEVER,
        allTimeMs: (behindMs) => leastOf(behindMs)?.createdMs ?? readUntilMs - latenessMs,
        latestMs: () => Math.max(inOrder.at(-1)?.frontier.createdMs ?? NEVER, ownMs ?? NEVER),
      };
    },
  };
}

/** Before all that is of this time. */
function beginningOf(createdMs: number): OrderKey {
  return { createdMs, hostId: '', bootId: '', position: NEVER, id: '' };
}
