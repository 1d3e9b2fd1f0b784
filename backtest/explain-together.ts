// How far a rule on other rules' detections came: which of them detected under which key, and which did not. Their detections come out of
// the engine itself.
import { createEngine } from '../engine/create-engine.ts';
import { keyOf } from '../engine/key.ts';
import { passedUntil } from '../engine/watermark.ts';
import type { NewEvent } from '../event/document.ts';
import type { Rule } from '../rules/rule.ts';
import { asStable, withNamed } from './rule-tests.ts';

export interface TogetherKey {
  /** Values of the rule's `by` on the events of those detections, as canonical JSON. */
  readonly key: string;
  readonly rules: readonly { readonly id: string; readonly detections: number; readonly lastMs: number | undefined }[];
  /** Detections of the rule itself under the key. */
  readonly found: number;
}

const KEYS_MAX = 100;

/** Keys that most of its rules detected under first. `all`: where the rules stand that it names. */
export function explainTogether(question: {
  readonly rule: Rule;
  readonly all: readonly Rule[];
  readonly events: readonly NewEvent[];
  readonly untilMs: number;
}): readonly TogetherKey[] {
  const { rule, all, events, untilMs } = question;
  if (rule.kind.kind !== 'together') return [];
  const named = rule.kind.rules;
  const rules = withNamed(rule, all).map((one) => ({ ...asStable(one), alert: { ...one.alert, suppress: undefined } }));
  const engine = createEngine({ epochs: [{ fromMs: Number.NEGATIVE_INFINITY, rules }], state: new Map() });
  const { detections } = engine.step(events, passedUntil(untilMs));
  const documents = new Map(events.map(({ id, document }) => [id, document]));
  const byKey = new Map<string, Map<string, number[]>>();
  for (const { ruleId, eventId, order } of detections) {
    const document = documents.get(eventId);
    if (document === undefined) continue;
    const key = keyOf(document, rule.by);
    const own = byKey.get(key) ?? new Map<string, number[]>();
    byKey.set(key, own);
    own.set(ruleId, [...(own.get(ruleId) ?? []), order.createdMs]);
  }
  const keys = [...byKey].map(
    ([key, own]): TogetherKey => ({
      key,
      rules: named.map((id) => ({ id, detections: own.get(id)?.length ?? 0, lastMs: own.get(id)?.at(-1) })),
      found: own.get(rule.id)?.length ?? 0,
    }),
  );
  const came = ({ rules: parts }: TogetherKey): number => parts.filter(({ detections: count }) => count > 0).length;
  return keys.toSorted((a, b) => came(b) - came(a)).slice(0, KEYS_MAX);
}
