// Live against backtest: the same events under the same control log must have made the same detections and the same decisions.
// What differs is listed; what a late event explains (live had decided before it came) is said to be explained.
import type { Detection, Gap } from '../event/detection.ts';

export interface Comparison {
  readonly compared: number;
  /** Ids of detections, at most `differencesMax` a list. */
  readonly onlyLive: readonly string[];
  readonly onlyBacktest: readonly string[];
  /** Opened in the one and joined in the other, or joined different alerts. */
  readonly otherDecision: readonly string[];
  /** Those of `otherDecision` whose rule and suppression key had a late detection live. */
  readonly explainedByLateness: readonly string[];
  /** How many there are in all, also those beyond the lists' limit. */
  readonly totals: { readonly onlyLive: number; readonly onlyBacktest: number; readonly otherDecision: number };
  /** False when there were more detections than `comparedMax`: the rest was not looked at. */
  readonly isComplete: boolean;
}

interface ComparisonLimits {
  readonly comparedMax: number;
  readonly differencesMax: number;
}

const COMPARISON_LIMITS: ComparisonLimits = { comparedMax: 1_000_000, differencesMax: 1_000 };

/**
 * Both sides of one range. Detections that still wait for a watermark live are in `onlyBacktest`: end the range where every
 * host's progress has passed.
 */
export function compareDetections(
  live: Iterable<Detection>,
  backtest: Iterable<Detection>,
  { comparedMax, differencesMax }: ComparisonLimits = COMPARISON_LIMITS,
): Comparison {
  const differences = { onlyLive: [] as string[], onlyBacktest: [] as string[], otherDecision: [] as string[] };
  const totals = { onlyLive: 0, onlyBacktest: 0, otherDecision: 0 };
  const differs = (list: keyof typeof totals, id: string): void => {
    totals[list] += 1;
    if (differences[list].length < differencesMax) differences[list].push(id);
  };

  const liveById = new Map<string, Pick<Detection, 'decision' | 'alertId'>>();
  const lateKeys = new Set<string>();
  let isComplete = true;
  for (const detection of live) {
    // What events that came late have undone, the backtest does not find.
    if (detection.amended?.as === 'withdrawn') continue;
    if (liveById.size >= comparedMax) {
      isComplete = false;
      break;
    }
    liveById.set(detection.id, { decision: detection.decision, alertId: detection.alertId });
    if (detection.isLate) lateKeys.add(keyNameOf(detection));
  }
  const explainedByLateness: string[] = [];
  let compared = 0;
  for (const detection of backtest) {
    if (compared >= comparedMax) {
      isComplete = false;
      break;
    }
    compared += 1;
    const other = liveById.get(detection.id);
    liveById.delete(detection.id);
    if (other === undefined) {
      differs('onlyBacktest', detection.id);
    } else if (other.decision !== detection.decision || other.alertId !== detection.alertId) {
      differs('otherDecision', detection.id);
      const isExplained = lateKeys.has(keyNameOf(detection));
      if (isExplained && explainedByLateness.length < differencesMax) explainedByLateness.push(detection.id);
    }
  }
  for (const id of liveById.keys()) differs('onlyLive', id);
  return { compared, ...differences, explainedByLateness, totals, isComplete };
}

function keyNameOf(detection: Detection): string {
  return JSON.stringify([detection.ruleId, detection.suppressKey]);
}

/** Ids of those that a gap explains: from what came too late to be computed on, live may have found otherwise under that key. */
export function behindGaps(
  differing: readonly Pick<Detection, 'id' | 'ruleVersion' | 'key' | 'order'>[],
  gaps: readonly Pick<Gap, 'ruleVersion' | 'key' | 'fromMs'>[],
): readonly string[] {
  const nameOf = ({ ruleVersion, key }: Pick<Gap, 'ruleVersion' | 'key'>): string => JSON.stringify([ruleVersion, key]);
  const firstMs = new Map<string, number>();
  for (const gap of gaps)
    firstMs.set(nameOf(gap), Math.min(gap.fromMs, firstMs.get(nameOf(gap)) ?? Number.POSITIVE_INFINITY));
  return differing
    .filter((one) => (firstMs.get(nameOf(one)) ?? Number.POSITIVE_INFINITY) <= one.order.createdMs)
    .map(({ id }) => id);
}
