// Tests of an imported rule, made of what it asks: an event that it alerts on, and the same with one value changed on which it does not. Only
// those that the rule itself answers so; a rule without any is told by the lint, as one of ours.
import { toNested } from '../../event/document.ts';
import type { Rule } from '../rule.ts';
import type { PlainValue } from './foreign-rule.ts';
import type { ImportedRule } from './imported-rules.ts';
import { writeYaml } from './yaml-writer.ts';

/** Some rules ask what no example answers. */
const TRIES_MAX = 200;
const NOW_MS = Date.UTC(2026, 0, 5);

/** The rule's text with tests, where some can be made. */
export function withOwnTests(imported: ImportedRule): ImportedRule {
  const { rule, entry } = imported;
  const examples = entry.rule?.examples;
  if (rule === undefined || entry.rule === undefined || examples === undefined) return imported;
  if (rule.kind.kind !== 'single' || Object.hasOwn(entry.rule.rule, 'tests')) return imported;
  let tries = 0;
  for (const { event, others } of examples()) {
    tries += 1;
    if (tries > TRIES_MAX) break;
    if (!alertsOn(rule, event)) continue;
    const near = others.find(([, other]) => !alertsOn(rule, other));
    if (near === undefined) continue;
    const [field, other] = near;
    const tests: PlainValue = [
      { name: 'what it asks for', events: [event], alerts: 1 },
      { name: `the same with another ${field}`, events: [other], alerts: 0 },
    ];
    return { ...imported, text: writeYaml({ ...entry.rule.rule, tests }) };
  }
  return imported;
}

function alertsOn(rule: Rule, event: Readonly<Record<string, PlainValue>>): boolean {
  const document = toNested(event);
  try {
    return rule.match(document, NOW_MS) && !rule.except.some(({ match }) => match(document, NOW_MS));
  } catch {
    return false;
  }
}
