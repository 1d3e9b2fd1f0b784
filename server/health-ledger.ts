// The rules' figures over reloads and restarts: an engine counts from nothing each time it is made, this adds up. Saved in the engine's
// own commits, every few seconds, as one entry a rule; a kill costs what was counted since.
//
//   runner:health:RULE   {"v":1,"sinceMs":…,"row":{…}}
import type { RuleHealth } from '../engine/engine.ts';

export const HEALTH_PREFIX = 'runner:health:';
const FORMAT = 1;
/** Rules that are no longer loaded keep their figures while there are no more than this. */
const ROWS_MAX = 12_000;

export interface LedgerRow extends RuleHealth {
  /** Since when it is counted, by the server's clock, epoch ms. */
  readonly sinceMs: number;
}

export interface HealthLedger {
  /** Of the rules that the engine has, all that was ever counted. */
  totals(counted: readonly RuleHealth[]): readonly LedgerRow[];
  /** An engine ends: what it counted is kept. */
  absorb(counted: readonly RuleHealth[]): void;
  /** What changed since the last time, as entries of the state. */
  entries(counted: readonly RuleHealth[]): ReadonlyMap<string, string | undefined>;
}

export function createHealthLedger(saved: ReadonlyMap<string, string>, now: () => number): HealthLedger {
  const beganMs = now();
  const kept = new Map<string, LedgerRow>();
  const texts = new Map<string, string>();
  for (const [key, text] of saved) {
    if (!key.startsWith(HEALTH_PREFIX)) continue;
    const row = readRow(text);
    if (row !== undefined) kept.set(key.slice(HEALTH_PREFIX.length), row);
    texts.set(key, text);
  }

  const totals = (counted: readonly RuleHealth[]): readonly LedgerRow[] =>
    counted.map((row) => {
      const before = kept.get(row.ruleId);
      return before === undefined ? { ...row, sinceMs: beganMs } : sumOf(before, row);
    });

  const absorb = (counted: readonly RuleHealth[]): void => {
    for (const row of totals(counted)) {
      // The newest last: what is dropped is what was loaded the longest ago.
      kept.delete(row.ruleId);
      kept.set(row.ruleId, row);
    }
    for (const ruleId of kept.keys()) {
      if (kept.size <= ROWS_MAX) break;
      kept.delete(ruleId);
    }
  };

  return {
    totals,
    absorb,
    entries(counted) {
      const changes = new Map<string, string | undefined>();
      const rows = new Map(kept);
      for (const row of totals(counted)) {
        rows.set(row.ruleId, row);
        // Since when it is counted is fixed by the first look.
        if (!kept.has(row.ruleId)) kept.set(row.ruleId, { ...emptied(row), sinceMs: row.sinceMs });
      }
      for (const [ruleId, row] of rows) {
        const { sinceMs, ...counters } = row;
        const text = JSON.stringify({ v: FORMAT, sinceMs, row: counters });
        const key = HEALTH_PREFIX + ruleId;
        if (texts.get(key) === text) continue;
        texts.set(key, text);
        changes.set(key, text);
      }
      for (const key of [...texts.keys()]) {
        if (rows.has(key.slice(HEALTH_PREFIX.length))) continue;
        texts.delete(key);
        changes.set(key, undefined);
      }
      return changes;
    },
  };
}

/** The saved figures of these rules, of those that have any. */
export function readHealth(saved: ReadonlyMap<string, string>, ruleIds: readonly string[]): readonly LedgerRow[] {
  return ruleIds.flatMap((id) => readRow(saved.get(HEALTH_PREFIX + id) ?? '') ?? []);
}

type Figures = { [name: string]: unknown };

/** Counters are added; of times the later counts, of texts the newer. */
function sumOf(before: LedgerRow, counted: RuleHealth): LedgerRow {
  const sum: Figures = { ...before };
  for (const [name, value] of Object.entries(counted)) {
    const former = sum[name];
    if (typeof value === 'number' && typeof former === 'number')
      sum[name] = name.endsWith('Ms') ? Math.max(value, former) : value + former;
    else if (value !== undefined) sum[name] = value;
  }
  return sum as unknown as LedgerRow;
}

function emptied(row: RuleHealth): RuleHealth {
  const empty: Figures = { ...row };
  for (const [name, value] of Object.entries(row)) {
    if (typeof value === 'number') empty[name] = name.endsWith('Ms') ? undefined : 0;
    else if (name !== 'ruleId') empty[name] = undefined;
  }
  return empty as unknown as RuleHealth;
}

/** Figures of another format, or damaged ones, begin anew: nothing decides by them. */
function readRow(text: string): LedgerRow | undefined {
  try {
    const { v, sinceMs, row } = JSON.parse(text) as { v?: unknown; sinceMs?: unknown; row?: unknown };
    if (v !== FORMAT || typeof sinceMs !== 'number' || typeof row !== 'object' || row === null) return undefined;
    return { ...(row as RuleHealth), sinceMs };
  } catch {
    return undefined;
  }
}
