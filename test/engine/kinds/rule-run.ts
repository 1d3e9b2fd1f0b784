// Runs a rule on many events, as text, over events: its YAML is read, its parts taken, each key folded in order. What the engine does
// without waiting, lateness, suppression and ids.

import { keyOf } from '../../../engine/key.ts';
import { foldOf, partsOf } from '../../../engine/kinds/fold-of.ts';
import type { Found } from '../../../engine/kinds/kind-fold.ts';
import type { EventDocument } from '../../../event/document.ts';
import { formatDiagnostic } from '../../../rules/diagnostic.ts';
import type { Rule } from '../../../rules/rule.ts';
import { readRuleText } from '../../../rules/rule-files.ts';

interface RunEvent {
  readonly ms: number;
  readonly id: string;
  readonly document: EventDocument;
}

export interface RuleRun {
  /** Folds everything before this time, and tells that it has come. */
  passTo(ms: number): void;
  see(event: RunEvent): void;
  /** Of all keys so far. */
  readonly found: readonly (Found & { readonly key: string })[];
  /** Keys in which an episode lasts. */
  inForce(): readonly string[];
}

export function ruleOf(text: string): Rule {
  const { rules, diagnostics } = readRuleText('case.yaml', `id: case\nname: Case\nseverity: low\n${text}`, new Map());
  const [rule] = rules;
  if (rule === undefined) throw new Error(diagnostics.map(formatDiagnostic).join('\n'));
  return rule;
}

export function startRule(rule: Rule): RuleRun {
  const fold = foldOf(rule.kind);
  const parts = partsOf(rule);
  const states = new Map<string, unknown>();
  const found: (Found & { readonly key: string })[] = [];
  let position = 0;

  const keep = (key: string, state: unknown, more: readonly Found[]): void => {
    if (state === undefined) states.delete(key);
    else states.set(key, JSON.parse(JSON.stringify(state)));
    found.push(...more.map((one) => ({ ...one, key })));
  };
  const passTo = (ms: number): void => {
    if (fold === undefined) return;
    for (const [key, state] of states) {
      if (fold.dueMs(state) > ms) continue;
      const passed = fold.pass(state, ms);
      keep(key, passed.state, passed.found);
    }
  };
  return {
    passTo,
    found,
    inForce: () =>
      [...states]
        .filter(([, state]) => {
          const { isFound, found: direction } = state as { isFound?: boolean; found?: string };
          return isFound === true || (direction !== undefined && direction !== 'none');
        })
        .map(([key]) => key),
    see({ ms, id, document }) {
      passTo(ms);
      position += 1;
      const order = { createdMs: ms, hostId: 'h', bootId: 'b', position, id };
      if (!rule.match(document, ms)) return;
      if (fold === undefined) {
        found.push({ at: order, identity: id, eventIds: [id], firstMs: ms, facts: {}, key: '[]' });
        return;
      }
      for (const { by, role, values } of parts(document, (predicate) => predicate(document, ms))) {
        const key = keyOf(document, by);
        const seen = fold.see(states.get(key), { order, role, values });
        keep(key, seen.state, seen.found);
      }
    },
  };
}
