// The rules' figures as metrics: rules times counters, and no more, however many rules there are.
import type { RuleHealth } from '../engine/engine.ts';
import type { MetricFamily } from './openmetrics.ts';

export interface RuleFigures {
  readonly id: string;
  readonly health: RuleHealth | undefined;
  readonly isQuarantined: boolean;
  readonly unseenFields: number;
}

/** Rules with series of their own, those that cost most; the others share one. */
const RULES_MAX = 2_000;
/** What no rule id can be. */
const OTHERS = '(others)';

type Counter = Exclude<keyof RuleHealth, 'ruleId' | 'lastError' | 'lastMatchMs' | 'cpuUs'>;

/** A counter that is missing here does not compile. */
const COUNTERS = {
  evaluations: 'Events that the rule was evaluated on.',
  matches: 'Events that the rule matched, excepted ones included.',
  excepted: 'Matches that an exception hid.',
  errors: 'Evaluations that failed: each counts as no match.',
  late: 'Detections that were decided behind a later one of their key.',
  forced: 'Detections that were decided before it was certain that nothing earlier comes, as too many waited.',
  evicted: 'Keys that were forgotten before their time, as there were too many.',
  recomputed: 'Times that a key was computed again, as events came late.',
  amended: 'Detections that were raised or withdrawn by that.',
  gaps: 'Matches that came too late to be computed with what came after them.',
  fuel: 'Units of work that evaluations spent, about 20 ns each.',
  unjudged: 'Events that the rule was kept from while quarantined.',
} as const satisfies Record<Counter, string>;

export function ruleMetrics(rules: readonly RuleFigures[]): readonly MetricFamily[] {
  const byCost = rules.toSorted((a, b) => (b.health?.cpuUs ?? 0) - (a.health?.cpuUs ?? 0) || (a.id < b.id ? -1 : 1));
  const [own, others] = [byCost.slice(0, RULES_MAX), byCost.slice(RULES_MAX)];

  const family = (
    name: string,
    [type, help]: readonly [MetricFamily['type'], string],
    figureOf: (rule: RuleFigures) => number | undefined,
  ): MetricFamily => ({
    name: `vedette_rule_${name}`,
    type,
    help,
    samples: [
      ...own.map((rule) => ({ labels: { rule: rule.id }, value: figureOf(rule) })),
      ...(others.length === 0
        ? []
        : [{ labels: { rule: OTHERS }, value: others.reduce((sum, rule) => sum + (figureOf(rule) ?? 0), 0) }]),
    ],
  });

  const lastMatches = own.map(({ id, health }) => ({
    labels: { rule: id },
    value: health?.lastMatchMs === undefined ? undefined : health.lastMatchMs / 1_000,
  }));
  return [
    ...Object.entries(COUNTERS).map(([name, help]) =>
      family(name, ['counter', help], ({ health }) => health?.[name as Counter]),
    ),
    family('cpu_seconds', ['counter', 'Processor time of the evaluations; measured of one in 64.'], ({ health }) =>
      health === undefined ? undefined : health.cpuUs / 1_000_000,
    ),
    family('quarantined', ['gauge', '1 while the rule is kept from events, as it cost too much.'], (rule) =>
      rule.isQuarantined ? 1 : 0,
    ),
    family(
      'unseen_fields',
      ['gauge', 'Fields that the rule needs and that no event has had.'],
      (rule) => rule.unseenFields,
    ),
    {
      name: 'vedette_rule_last_match_timestamp_seconds',
      type: 'gauge',
      help: 'event.created of the last event that the rule matched.',
      samples: lastMatches,
    },
  ];
}
