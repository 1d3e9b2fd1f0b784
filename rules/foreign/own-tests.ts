// Tests of an imported rule, made of what it asks: events that it alerts on, and others that are nearly the same on which it does not. Only
// those that the rule itself answers so; a rule without any is told by the lint, as one of ours.
import { toNested } from '../../event/document.ts';
import { treesOf } from '../explain/rule-trees.ts';
import type { Rule } from '../rule.ts';
import type { ExampleEvents, PlainValue } from './foreign-rule.ts';
import type { ImportedRule } from './imported-rules.ts';
import type { ProposedTest } from './wished-tests.ts';
import { proposalOf } from './wished-traffic.ts';
import { writeYaml } from './yaml-writer.ts';

/** Some rules ask what no example answers. */
const TRIES_MAX = 200;
/** Ways of taking alternatives. */
const WAYS = 12;
/** Runs through the engine for one rule on many events. */
const RUNS_MAX = 12;
const NOW_MS = Date.UTC(2026, 0, 5);

/** Whether the rule in this text, one of ours, passes its tests: asked of whoever has an engine. */
export type PassesTests = (imported: ImportedRule, text: string) => boolean;

/** The rule's text with tests, where some can be made. */
export function withOwnTests(imported: ImportedRule, passes: PassesTests): ImportedRule {
  const { rule, entry } = imported;
  if (rule === undefined || entry.rule === undefined || Object.hasOwn(entry.rule.rule, 'tests')) return imported;
  const plain = entry.rule.rule;
  const withTests = (tests: readonly ProposedTest[]): ImportedRule | undefined => {
    const told = tests.map(
      ({ name, events, alerts, progress }): PlainValue => ({
        ...{ name: name.slice(0, 300), events, alerts },
        ...(progress === undefined ? {} : { progress }),
      }),
    );
    const text = writeYaml({ ...plain, tests: told });
    return passes(imported, text) ? { ...imported, text } : undefined;
  };
  if (rule.kind.kind === 'single') {
    const tests =
      (entry.rule.examples === undefined ? undefined : ofExamples(rule, entry.rule.examples())) ?? ofOneEvent(rule);
    return (tests === undefined ? undefined : withTests(tests)) ?? imported;
  }
  return ofManyEvents(rule, withTests) ?? imported;
}

function ofExamples(rule: Rule, examples: ExampleEvents): readonly ProposedTest[] | undefined {
  let tries = 0;
  for (const { event, others } of examples) {
    tries += 1;
    if (tries > TRIES_MAX) return undefined;
    if (!alertsOn(rule, event)) continue;
    const near = others.find(([, other]) => !alertsOn(rule, other));
    if (near === undefined) continue;
    const [field, other] = near;
    return [
      { name: 'what it asks for', events: [event], alerts: 1 },
      { name: `the same with another ${field}`, events: [other], alerts: 0 },
    ];
  }
  return undefined;
}

function ofOneEvent(rule: Rule): readonly ProposedTest[] | undefined {
  const trees = treesOf(rule);
  for (let way = 0; way < WAYS; way += 1) {
    const proposal = proposalOf(rule, trees, way);
    const isAlerting = proposal?.alerting.events.every((event) => alertsOn(rule, event)) === true;
    const near = proposal?.silent.find(({ events }) => !events.some((event) => alertsOn(rule, event)));
    if (proposal !== undefined && isAlerting && near !== undefined) return [proposal.alerting, near];
  }
  return undefined;
}

function ofManyEvents(
  rule: Rule,
  withTests: (tests: readonly ProposedTest[]) => ImportedRule | undefined,
): ImportedRule | undefined {
  const trees = treesOf(rule);
  const proposed = new Set<string>();
  let runs = 0;
  for (let way = 0; way < WAYS; way += 1) {
    const proposal = proposalOf(rule, trees, way);
    const alerting = JSON.stringify(proposal?.alerting);
    if (proposed.has(alerting)) continue;
    proposed.add(alerting);
    for (const silent of proposal === undefined ? [] : proposal.silent) {
      runs += 1;
      if (runs > RUNS_MAX) return undefined;
      const tested = proposal === undefined ? undefined : withTests([proposal.alerting, silent]);
      if (tested !== undefined) return tested;
    }
  }
  return undefined;
}

function alertsOn(rule: Rule, event: Readonly<Record<string, PlainValue>>): boolean {
  const document = toNested(event);
  try {
    return rule.match(document, NOW_MS) && !rule.except.some(({ match }) => match(document, NOW_MS));
  } catch {
    return false;
  }
}
