// Watermarks from the hosts' progress (event/progress.ts): which orders can no longer be preceded by an event still to come.
// Positions decide within one millisecond, so that an alert need not wait for its host's next event.
//
// A host's progress {boot, position, created} promises of every event E still to come from it:
//   E.created >= created, and where E is of that boot, E.position > position.
// Within a boot `event.created` never decreases with the position. So an order O of the same host is passed when
//   O.created < created, or O is of that boot and O.position <= position;
// and for O of another host when O sorts before (created, host, boot, position + 1), the least that may still come.
// Not covered: an event of another boot of that host in the very millisecond `created`, or before it by a clock that was set
// back between boots. Such an event is late: marked and counted, never lost.
import type { OrderKey } from '../event/order.ts';
import { compareOrder } from '../event/order.ts';
import type { Progress } from '../event/progress.ts';
import type { Watermarks } from './engine.ts';

/** Nothing is still to come, and it is `timeMs`: for backtests, whose events arrive in reference order. */
export function passedUntil(timeMs: number): Watermarks {
  return {
    hostPassed: () => true,
    allPassed: () => true,
    hostTimeMs: () => timeMs,
    allTimeMs: () => timeMs,
    latestMs: () => timeMs,
  };
}

/** Nothing is still to come, and time passes by the events alone. */
export const EVERYTHING_PASSED: Watermarks = passedUntil(Number.NEGATIVE_INFINITY);

/** Everything may still come. */
export const NOTHING_PASSED: Watermarks = {
  hostPassed: () => false,
  allPassed: () => false,
  hostTimeMs: () => Number.NEGATIVE_INFINITY,
  allTimeMs: () => Number.NEGATIVE_INFINITY,
  latestMs: () => Number.NEGATIVE_INFINITY,
};

/**
 * @param progress by `host.id`, of the hosts to wait for. Leave out those that are silent, signed off or never sent one:
 *   their own detections do not wait, and they hold nobody up.
 * @param overdue hosts among them that lagged for longer than the lateness: their own detections still wait for them, the
 *   other hosts' no longer do. A set, or a function of the lateness where rules differ in it.
 * @param idleMs the time where nobody is waited for.
 */
export function watermarksOf(
  progress: ReadonlyMap<string, Progress>,
  overdue: ReadonlySet<string> | ((latenessMs: number | undefined) => ReadonlySet<string>) = new Set(),
  idleMs: number = Number.NEGATIVE_INFINITY,
): Watermarks {
  /** By lateness: there are as many as the rules name different ones. */
  const leastBy = new Map<number | undefined, OrderKey | undefined>();
  let latestMs: number | undefined;
  const leastOf = (latenessMs: number | undefined): OrderKey | undefined => {
    if (leastBy.has(latenessMs)) return leastBy.get(latenessMs);
    const leftOut = typeof overdue === 'function' ? overdue(latenessMs) : overdue;
    let least: OrderKey | undefined;
    for (const [hostId, hostProgress] of progress) {
      if (hostProgress.createdMs > (least?.createdMs ?? Number.POSITIVE_INFINITY) || leftOut.has(hostId)) continue;
      const frontier = frontierOf(hostId, hostProgress);
      if (least === undefined || compareOrder(frontier, least) < 0) least = frontier;
    }
    leastBy.set(latenessMs, least);
    return least;
  };
  return {
    hostPassed(order) {
      const own = progress.get(order.hostId);
      if (own === undefined || order.createdMs < own.createdMs) return true;
      return order.bootId === own.bootId && order.position <= own.position;
    },
    allPassed(order, latenessMs) {
      const least = leastOf(latenessMs);
      return least === undefined || compareOrder(order, least) < 0;
    },
    hostTimeMs: (hostId) => progress.get(hostId)?.createdMs ?? Number.NEGATIVE_INFINITY,
    allTimeMs: (latenessMs) => leastOf(latenessMs)?.createdMs ?? idleMs,
    latestMs() {
      if (latestMs !== undefined) return latestMs;
      latestMs = Number.NEGATIVE_INFINITY;
      for (const { createdMs } of progress.values()) if (createdMs > latestMs) latestMs = createdMs;
      return latestMs;
    },
  };
}

/** The least order that an event still to come from the host may have. */
export function frontierOf(hostId: string, progress: Progress): OrderKey {
  return { createdMs: progress.createdMs, hostId, bootId: progress.bootId, position: progress.position + 1, id: '' };
}
