// One rule on one event: whether it holds, what that cost, and what it says of it. Everything is counted, measured and contained
// here; a failing expression is no match, a failing exception excepts nothing, and neither stops the step.
import type { EventDocument } from '../event/document.ts';
import type { OrderKey } from '../event/order.ts';
import type { FuelMeter, Predicate, Rule } from '../rules/rule.ts';
import type { Containment } from './containment.ts';
import type { HealthBook } from './health-book.ts';

/** What is counted, measured and contained while rules are evaluated. */
export interface Watched {
  readonly health: HealthBook;
  readonly containment: Containment;
  readonly stopwatch: (() => number) | undefined;
  readonly meter: FuelMeter;
}

export interface Judged {
  readonly rule: Rule;
  readonly document: EventDocument;
  readonly order: OrderKey;
}

/** `onMatch` may evaluate more of the rule's predicates: that is part of what the rule costs. */
export function judge(
  judged: Judged,
  { health, containment, stopwatch, meter }: Watched,
  onMatch: (holds: (predicate: Predicate) => boolean) => void,
): void {
  const { rule, document, order } = judged;
  const holds = (predicate: Predicate): boolean => {
    try {
      return predicate(document, order.createdMs, meter);
    } catch (error) {
      health.failed(rule.id, error, order.id);
      return false;
    }
  };
  const measure = health.evaluates(rule.id) ? stopwatch : undefined;
  const beganMs = measure?.() ?? 0;
  meter.spent = 0;
  if (holds(rule.match)) {
    health.matched(rule.id, order.createdMs);
    const isExcepted = rule.except.some(
      ({ expiresMs, match }) => (expiresMs === undefined || order.createdMs < expiresMs) && holds(match),
    );
    if (isExcepted) health.count(rule.id, 'excepted');
    else onMatch(holds);
  }
  health.spent(rule.id, meter.spent, measure === undefined ? undefined : (measure() - beganMs) * 1_000);
  containment.charge(rule, order, meter.spent);
}
