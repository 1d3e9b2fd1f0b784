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

/** Nothing is still to come: for backtests, whose events arrive in reference order. */
export const EVERYTHING_PASSED: Watermarks = { hostPassed: () => true, allPassed: () => true };

/**
 * @param progress by `host.id`, of the hosts to wait for. Leave out those that are silent, signed off or never sent one:
 *   their own detections do not wait, and they hold nobody up.
 * @param overdue hosts among them that lagged for longer than the lateness: their own detections still wait for them, the
 *   other hosts' no longer do.
 */
export function watermarksOf(
  progress: ReadonlyMap<string, Progress>,
  overdue: ReadonlySet<string> = new Set(),
): Watermarks {
  let least: OrderKey | undefined;
  for (const [hostId, hostProgress] of progress) {
    if (overdue.has(hostId)) continue;
    const frontier = frontierOf(hostId, hostProgress);
    if (least === undefined || compareOrder(frontier, least) < 0) least = frontier;
  }
  return {
    hostPassed(order) {
      const own = progress.get(order.hostId);
      if (own === undefined || order.createdMs < own.createdMs) return true;
      return order.bootId === own.bootId && order.position <= own.position;
    },
    allPassed: (order) => least === undefined || compareOrder(order, least) < 0,
  };
}

/** The least order that an event still to come from the host may have. */
function frontierOf(hostId: string, progress: Progress): OrderKey {
  return { createdMs: progress.createdMs, hostId, bootId: progress.bootId, position: progress.position + 1, id: '' };
}
