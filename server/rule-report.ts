// How each rule in force stands: its figures, its quarantines, the fields that it misses, what wants a look. One report for the API, for
// `status` and for the metrics.
import { neededFields } from '../rules/needed-fields.ts';
import type { Rule } from '../rules/rule.ts';
import type { EngineRunner } from './engine-runner.ts';
import type { LedgerRow } from './health-ledger.ts';
import type { QuarantineBook, QuarantineRecord } from './quarantine-book.ts';
import type { RuleBook } from './rule-book.ts';
import { notesOf } from './rule-notes.ts';
import type { SeenFields } from './seen-fields.ts';

export interface RuleReport {
  readonly rule: Rule;
  /** Undefined of a rule that is off. */
  readonly health: LedgerRow | undefined;
  /** In force, or released and not caught up. */
  readonly quarantines: readonly QuarantineRecord[];
  readonly unseenFields: readonly UnseenField[];
  readonly notes: readonly string[];
}

export interface UnseenField {
  readonly field: string;
  /** When an event last had it, epoch ms; undefined: never. */
  readonly lastSeenMs: number | undefined;
}

export function createRuleReport(parts: {
  readonly rules: Pick<RuleBook, 'rules'>;
  readonly quarantines: Pick<QuarantineBook, 'holding'>;
  readonly runner: Pick<EngineRunner, 'statistics'>;
  readonly fields: Pick<SeenFields, 'missingSince'>;
}): () => readonly RuleReport[] {
  const { rules, quarantines, runner, fields } = parts;

  const unseenOf = (rule: Rule): readonly UnseenField[] =>
    [...neededFields(rule)].flatMap((field) => {
      const since = fields.missingSince(field);
      return since === undefined ? [] : [{ field, lastSeenMs: since === 'never' ? undefined : since }];
    });

  return () => {
    const rows = new Map(runner.statistics().health.map((row) => [row.ruleId, row]));
    const held = quarantines.holding();
    return rules.rules().map((rule) => {
      const health = rule.status === 'off' ? undefined : rows.get(rule.id);
      const own = held.filter(({ ruleId }) => ruleId === rule.id);
      const unseenFields = unseenOf(rule);
      const notes = notesOf(rule, health, { quarantines: own, unseenFields });
      return { rule, health, quarantines: own, unseenFields, notes };
    });
  };
}
