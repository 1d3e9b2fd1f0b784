// The meaning of rules with suppression, written a second time as plainly as can be: sort all events, go through them once,
// keep one window per rule and key. It shares no code with the engine but the reference order and the rules' predicates.

import type { RuleEpoch } from '../../engine/engine.ts';
import { fieldOf, type NewEvent } from '../../event/document.ts';
import { compareOrder, orderKeyOf } from '../../event/order.ts';

export interface ReferenceOutcome {
  /** `rule/version/event` → how it was decided and which event opened its alert. */
  readonly decisions: ReadonlyMap<string, string>;
  /** `rule/version/opening event` → detections in it. */
  readonly counts: ReadonlyMap<string, number>;
}

export function referenceFold(events: readonly NewEvent[], epochs: readonly RuleEpoch[]): ReferenceOutcome {
  const sorted = [...events]
    .map((event) => ({ ...event, order: orderKeyOf(event.id, event.document) }))
    .sort((a, b) => compareOrder(a.order, b.order));
  const decisions = new Map<string, string>();
  const counts = new Map<string, number>();
  const windows = new Map<string, { openedMs: number; spanMs: number; opening: string }>();
  for (const { id, document, order } of sorted) {
    const now = order.createdMs;
    const rules = epochs.filter((epoch) => epoch.fromMs <= now).at(-1)?.rules ?? [];
    for (const rule of rules) {
      if (rule.status === 'off' || !rule.match(document, now)) continue;
      const detection = `${rule.id}/${rule.version}/${id}`;
      if (rule.status === 'test') {
        decisions.set(detection, 'test');
        continue;
      }
      const { suppress } = rule.alert;
      const key = JSON.stringify([
        rule.id,
        suppress?.by,
        suppress?.by.map((field) => fieldOf(document, field) ?? null),
      ]);
      const window = suppress && windows.get(key);
      if (window !== undefined && now < window.openedMs + window.spanMs) {
        decisions.set(detection, `joined ${window.opening}`);
        counts.set(window.opening, (counts.get(window.opening) ?? 0) + 1);
        continue;
      }
      decisions.set(detection, `opened ${detection}`);
      counts.set(detection, 1);
      if (suppress === undefined) continue;
      const { forMs, growMs } = suppress;
      const grows = growMs !== undefined && window !== undefined && now < window.openedMs + 2 * window.spanMs;
      const spanMs = grows ? Math.min(growMs, 2 * window.spanMs) : forMs;
      windows.set(key, { openedMs: now, spanMs, opening: detection });
    }
  }
  return { decisions, counts };
}
