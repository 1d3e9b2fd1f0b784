// The meaning of rules on many events, written a second time as plainly as can be: sort all events, go through them once, keep one
// state per rule and key, let time pass before each. It shares with the engine the folds of the kinds (which have a naive meaning of
// their own in their tests), keys and ids.
import { foldedKeyIdOf, windowDetectionIdOf } from '../../engine/identity.ts';
import { keyOf } from '../../engine/key.ts';
import { foldOf, partsOf } from '../../engine/kinds/fold-of.ts';
import type { NewEvent } from '../../event/document.ts';
import { compareOrder, orderKeyOf } from '../../event/order.ts';
import type { Rule } from '../../rules/rule.ts';

/** Ids of the detections of one rule; `endMs`: the time at the end. */
export function referenceKinds(events: readonly NewEvent[], rule: Rule, endMs: number): ReadonlySet<string> {
  const fold = foldOf(rule.kind);
  if (fold === undefined) throw new Error('a rule on single events has no keys');
  const parts = partsOf(rule);
  const states = new Map<string, { key: string; state: unknown }>();
  const found = new Set<string>();
  const tell = (key: string, some: readonly { readonly identity: string }[]): void => {
    for (const { identity } of some) {
      found.add(windowDetectionIdOf({ ruleId: rule.id, ruleVersion: rule.version, key }, identity));
    }
  };
  const passAll = (nowMs: number): void => {
    for (const slot of states.values()) {
      while (slot.state !== undefined) {
        const dueMs = fold.dueMs(slot.state);
        if (dueMs > nowMs) break;
        const passed = fold.pass(slot.state, dueMs);
        if (passed.state !== undefined && !(fold.dueMs(passed.state) > dueMs)) {
          throw new Error(`time stands still in ${rule.kind.kind} at ${dueMs}: ${JSON.stringify(slot.state)}`);
        }
        slot.state = passed.state;
        tell(slot.key, passed.found);
      }
    }
  };
  const sorted = events
    .map(({ id, document }) => ({ document, order: orderKeyOf(id, document) }))
    .sort((a, b) => compareOrder(a.order, b.order));
  for (const { document, order } of sorted) {
    passAll(order.createdMs);
    if (!rule.match(document, order.createdMs)) continue;
    for (const { by, role, values } of parts(document, (predicate) => predicate(document, order.createdMs))) {
      const key = keyOf(document, by);
      const id = foldedKeyIdOf(rule.id, rule.version, key);
      const slot = states.get(id) ?? { key, state: undefined };
      const seen = fold.see(slot.state, { order, role, values });
      states.set(id, { key, state: seen.state });
      tell(key, seen.found);
    }
  }
  passAll(endMs);
  return found;
}
