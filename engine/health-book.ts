// What each rule costs and how it fares: counters since the engine was made, for people. Nothing decides by them.
import { visible } from '../rules/diagnostic.ts';
import { ExpressionError } from '../rules/rule.ts';
import type { RuleHealth } from './engine.ts';
import { shorten } from './rendering.ts';

type HealthCounter = Exclude<keyof RuleHealth, 'ruleId' | 'lastError' | 'lastMatchMs' | 'fuel' | 'cpuUs'>;

export interface HealthBook {
  count(ruleId: string, counter: HealthCounter): void;
  /** Counts an error, and keeps its text with the event that it happened on. */
  failed(ruleId: string, error: unknown, eventId: string): void;
  /** Counts an evaluation. True when it is to be measured: one of {@link MEASURED_EVERY}, and none of the first few, which are slow. */
  evaluates(ruleId: string): boolean;
  /** What one evaluation cost; `cpuUs` where it was measured. */
  spent(ruleId: string, fuel: number, cpuUs: number | undefined): void;
  matched(ruleId: string, createdMs: number): void;
  list(): readonly RuleHealth[];
}

/** Of so many evaluations of a rule one is measured. */
const MEASURED_EVERY = 64;
/** The first that is measured. */
const MEASURED_FIRST = 8;

const ERROR_LENGTH_MAX = 400;

/** Bounded by the rules: ids that are not among them (of past versions, still waiting) are counted in no row. */
export function createHealthBook(ruleIds: Iterable<string>): HealthBook {
  const rows = new Map<string, { -readonly [name in keyof RuleHealth]: RuleHealth[name] }>();
  for (const ruleId of ruleIds) rows.set(ruleId, noFigures(ruleId));
  /** Evaluations of a rule when one was measured last: it stands for those since. */
  const measuredAt = new Map<string, number>();
  return {
    count(ruleId, counter) {
      const row = rows.get(ruleId);
      if (row !== undefined) row[counter] += 1;
    },
    evaluates(ruleId) {
      const row = rows.get(ruleId);
      if (row === undefined) return false;
      row.evaluations += 1;
      return row.evaluations % MEASURED_EVERY === MEASURED_FIRST;
    },
    spent(ruleId, fuel, cpuUs) {
      const row = rows.get(ruleId);
      if (row === undefined) return;
      row.fuel += fuel;
      if (cpuUs === undefined) return;
      row.cpuUs += Math.round(cpuUs * (row.evaluations - (measuredAt.get(ruleId) ?? 0)));
      measuredAt.set(ruleId, row.evaluations);
    },
    matched(ruleId, createdMs) {
      const row = rows.get(ruleId);
      if (row === undefined) return;
      row.matches += 1;
      row.lastMatchMs = Math.max(createdMs, row.lastMatchMs ?? 0);
    },
    failed(ruleId, error, eventId) {
      const row = rows.get(ruleId);
      if (row === undefined) return;
      row.errors += 1;
      row.lastError = shorten(visible(`${errorText(error)} (event ${eventId})`), ERROR_LENGTH_MAX);
    },
    list: () => [...rows.values()].map((row) => ({ ...row })),
  };
}

/** Of a rule that has seen nothing. */
export function noFigures(ruleId: string): RuleHealth {
  return {
    ruleId,
    evaluations: 0,
    matches: 0,
    excepted: 0,
    errors: 0,
    lastError: undefined,
    late: 0,
    forced: 0,
    evicted: 0,
    recomputed: 0,
    amended: 0,
    gaps: 0,
    fuel: 0,
    cpuUs: 0,
    lastMatchMs: undefined,
    unjudged: 0,
  };
}

function errorText(error: unknown): string {
  // JSONata's own texts begin with the code already.
  if (error instanceof ExpressionError)
    return error.message.startsWith(error.code) ? error.message : `${error.code}: ${error.message}`;
  return error instanceof Error ? `${error.name}: ${error.message}` : 'something that is no error was thrown';
}
