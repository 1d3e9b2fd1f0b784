// How much may be computed again because events came late: so many matches for each rule version in a minute of event time. A key
// that is alone more than that may be computed once in the minute.

const SPAN_MS = 60_000;

export interface RecomputeBudget {
  /** False when it is spent. `nowMs`: event time; before all times: there is one budget. */
  take(ruleVersion: string, matches: number, nowMs: number): boolean;
}

export function createRecomputeBudget(matchesMax: number): RecomputeBudget {
  const spentBy = new Map<string, { readonly span: number; readonly matches: number }>();
  return {
    take(ruleVersion, matches, nowMs) {
      const span = Math.floor(Math.max(nowMs, 0) / SPAN_MS);
      const known = spentBy.get(ruleVersion);
      const spent = known?.span === span ? known.matches : 0;
      if (spent > 0 && spent + matches > matchesMax) return false;
      spentBy.set(ruleVersion, { span, matches: spent + matches });
      return true;
    },
  };
}
