// Suppression: the fold over the detections of one rule and key, in reference order. Pure: (windows, candidate) → (windows,
// decision). The first detection opens an alert, whose window lasts `forMs`; what comes within joins it; what comes after opens
// the next. With `growMs` the next window is twice as long when it opens within twice the last one's span.
//
//     opened           until            opened + 2 × span
//       |---- joins ----|---- opens, doubled ----|---- opens, forgotten: as if new ----
//
// A late detection (behind one that was folded already) never changes what was decided about on-time ones: it joins the window
// that covers it, else it opens an alert of its own, marked late, whose window takes in the late ones that follow.
import type { Alert } from '../event/detection.ts';
import { compareOrder, type OrderKey } from '../event/order.ts';

export interface Windows {
  /** The greatest order that was folded. */
  readonly last: OrderKey;
  /** The newest alert that was opened in time. */
  readonly current: Alert;
  /** Windows before it and late ones, by `openedMs`; at most {@link EARLIER_WINDOWS_MAX}. */
  readonly earlier: readonly Alert[];
}

/** How many past windows of a key late detections can still join. */
export const EARLIER_WINDOWS_MAX = 4;

/** What is folded: where it stands, and the alert that it makes if it opens one (`count` 1, without a window). */
export interface Folding {
  readonly order: OrderKey;
  readonly draft: Alert;
  readonly forMs: number;
  readonly growMs: number | undefined;
}

export interface Folded {
  readonly windows: Windows;
  readonly decision: 'opened' | 'joined';
  readonly alert: Alert;
  readonly isLate: boolean;
}

export function fold(windows: Windows | undefined, folding: Folding): Folded {
  const { order, draft, forMs } = folding;
  if (windows === undefined) {
    const alert = opened(draft, forMs, 0);
    return { windows: { last: order, current: alert, earlier: [] }, decision: 'opened', alert, isLate: false };
  }
  return compareOrder(order, windows.last) < 0 ? foldLate(windows, folding) : foldInTime(windows, folding);
}

/** From this `event.created` on, the key behaves as if it had never been seen. */
export function forgottenFromMs(windows: Windows): number {
  return windows.current.openedMs + 2 * spanOf(windows.current);
}

function foldInTime(windows: Windows, { order, draft, forMs, growMs }: Folding): Folded {
  const { current } = windows;
  if (covers(current, order)) {
    const alert = joined(current, order);
    return { windows: { ...windows, last: order, current: alert }, decision: 'joined', alert, isLate: false };
  }
  const follows = growMs !== undefined && order.createdMs < forgottenFromMs(windows);
  const spanMs = follows ? Math.min(2 * spanOf(current), Math.max(growMs, forMs)) : forMs;
  const alert = opened(draft, spanMs, follows ? current.growth + 1 : 0);
  const earlier = kept([...windows.earlier, current]);
  return { windows: { last: order, current: alert, earlier }, decision: 'opened', alert, isLate: false };
}

function foldLate(windows: Windows, { order, draft, forMs }: Folding): Folded {
  if (covers(windows.current, order)) {
    const alert = joined(windows.current, order);
    return { windows: { ...windows, current: alert }, decision: 'joined', alert, isLate: true };
  }
  const covering = windows.earlier.findLast((alert) => covers(alert, order));
  if (covering !== undefined) {
    const alert = joined(covering, order);
    const earlier = windows.earlier.map((other) => (other === covering ? alert : other));
    return { windows: { ...windows, earlier }, decision: 'joined', alert, isLate: true };
  }
  const alert: Alert = { ...opened(draft, forMs, 0), isLate: true };
  return {
    windows: { ...windows, earlier: kept([...windows.earlier, alert]) },
    decision: 'opened',
    alert,
    isLate: true,
  };
}

function covers(alert: Alert, order: OrderKey): boolean {
  return alert.openedMs <= order.createdMs && order.createdMs < alert.suppressedUntilMs;
}

function spanOf(alert: Alert): number {
  return alert.suppressedUntilMs - alert.openedMs;
}

function opened(draft: Alert, spanMs: number, growth: number): Alert {
  return { ...draft, suppressedUntilMs: draft.openedMs + spanMs, growth };
}

function joined(alert: Alert, order: OrderKey): Alert {
  const isLast = order.createdMs >= alert.lastMs;
  return {
    ...alert,
    count: alert.count + 1,
    lastMs: isLast ? order.createdMs : alert.lastMs,
    lastEventId: isLast ? order.id : alert.lastEventId,
  };
}

function kept(alerts: readonly Alert[]): readonly Alert[] {
  return [...alerts].sort((a, b) => a.openedMs - b.openedMs).slice(-EARLIER_WINDOWS_MAX);
}
