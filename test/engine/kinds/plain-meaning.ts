// What each kind means, said again as plainly as can be: all matches at hand, every moment looked at, nothing kept or bounded. The
// folds have to find the same. Times are small whole milliseconds.

import { UNTIL } from '../../../engine/kinds/kind-fold.ts';
import type { KindOf, Metric } from '../../../rules/kind.ts';

export interface PlainMatch {
  readonly ms: number;
  readonly id: string;
  readonly role: number;
  readonly value: string | number | null;
}

/** `at`: the id of the match that completed it, or the moment after which time found it. */
export type PlainFinding = string | number;

/** At least `least` in the `span` before a moment; `countedOnce`: different values, not matches. */
export function plainAtLeast(
  matches: readonly PlainMatch[],
  {
    least,
    spanMs,
    countedOnce,
    mode,
  }: { least: number; spanMs: number; countedOnce: boolean; mode: 'episode' | 'restart' },
): readonly PlainFinding[] {
  const found: PlainFinding[] = [];
  let from = 0;
  let inEpisode = false;
  const count = (until: number, moment: number): number => {
    const window = matches.slice(from, until).filter(({ ms }) => ms > moment - spanMs && ms <= moment);
    return countedOnce ? new Set(window.map(({ value }) => value)).size : window.length;
  };
  matches.forEach((match, place) => {
    const before = matches[place - 1];
    for (let moment = before?.ms ?? match.ms; moment < match.ms; moment += 1) {
      if (count(place, moment) < least) inEpisode = false;
    }
    if (count(place + 1, match.ms) < least) inEpisode = false;
    else if (!inEpisode) {
      found.push(match.id);
      inEpisode = mode === 'episode';
      if (mode === 'restart') from = place + 1;
    }
  });
  return found;
}

/** Windows that begin with a match and hold no match of the one before: each with `least` to `most` at its end. */
export function plainWholeWindows(
  matches: readonly PlainMatch[],
  { least, most, spanMs, countedOnce }: { least: number; most: number; spanMs: number; countedOnce: boolean },
): readonly PlainFinding[] {
  const found: PlainFinding[] = [];
  for (let left = matches; left[0] !== undefined; ) {
    const endMs = left[0].ms + spanMs;
    const window = left.filter(({ ms }) => ms < endMs);
    const count = countedOnce ? new Set(window.map(({ value }) => value)).size : window.length;
    if (count >= least && count <= most) found.push(endMs - 1);
    left = left.filter(({ ms }) => ms >= endMs);
  }
  return found;
}

/** Fewer than `least`: judged at every moment, once a whole window of the key is over; a key of which nothing is left is forgotten. */
export function plainFewer(
  matches: readonly PlainMatch[],
  { least, spanMs, countedOnce, untilMs }: { least: number; spanMs: number; countedOnce: boolean; untilMs: number },
): readonly PlainFinding[] {
  const found: PlainFinding[] = [];
  let sinceMs: number | undefined;
  let inEpisode = false;
  for (let moment = 0; moment < untilMs; moment += 1) {
    const window = matches.filter(({ ms }) => ms > moment - spanMs && ms <= moment);
    const count = countedOnce ? new Set(window.map(({ value }) => value)).size : window.length;
    if (sinceMs === undefined && window.length > 0) sinceMs = moment;
    if (sinceMs === undefined) continue;
    if (count >= least) inEpisode = false;
    else if (!inEpisode && moment >= sinceMs + spanMs) {
      found.push(moment);
      inEpisode = true;
    }
    if (window.length === 0) {
      sinceMs = undefined;
      inEpisode = false;
    }
  }
  return found;
}

export function plainNewValue(
  matches: readonly PlainMatch[],
  { learnMs, rememberMs }: KindOf<'new_value'>,
): readonly PlainFinding[] {
  const slot = (ms: number): number => Math.floor(ms / (rememberMs / 64));
  const found: PlainFinding[] = [];
  let since = 0;
  matches.forEach((match, place) => {
    const before = matches[place - 1];
    if (before !== undefined && slot(match.ms) - slot(before.ms) > 64) since = place;
    const isKnown = matches
      .slice(since, place)
      .some(({ ms, value }) => value === match.value && slot(match.ms) - slot(ms) <= 64);
    if (!isKnown && match.ms - (matches[since]?.ms ?? match.ms) >= learnMs) found.push(match.id);
  });
  return found;
}

export function plainChange(
  matches: readonly PlainMatch[],
  { withinMs = Number.POSITIVE_INFINITY }: KindOf<'change'>,
): readonly PlainFinding[] {
  return matches
    .filter((match, place) => {
      const before = matches[place - 1];
      return before !== undefined && before.value !== match.value && match.ms - before.ms <= withinMs;
    })
    .map(({ id }) => id);
}

/** What a list of values comes to. */
function plainFigure({ aggregate }: Metric, values: readonly (string | number)[]): number | undefined {
  const numbers = values.filter((value) => typeof value === 'number');
  const sum = numbers.reduce((total, value) => total + value, 0);
  if (aggregate === 'count') return values.length;
  if (aggregate === 'distinct') return new Set(values).size;
  if (aggregate === 'sum') return sum;
  if (numbers.length === 0) return undefined;
  if (aggregate === 'avg') return sum / numbers.length;
  if (aggregate === 'min') return Math.min(...numbers);
  if (aggregate === 'max') return Math.max(...numbers);
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted.find(
    (value) => sorted.filter((other) => other <= value).length >= (aggregate.percentile / 100) * sorted.length,
  );
}

/** Matches that are measured at all. */
function plainMeasured(matches: readonly PlainMatch[], { aggregate, field }: Metric): readonly PlainMatch[] {
  if (aggregate === 'count' && field === undefined) return matches;
  const isText = aggregate === 'count' || aggregate === 'distinct';
  return matches.filter(({ value }) => (isText ? value !== null : typeof value === 'number'));
}

export function plainMetric(
  all: readonly PlainMatch[],
  { metric, above, below, from, to, atLeast, withinMs }: KindOf<'metric'>,
): readonly PlainFinding[] {
  const matches = plainMeasured(all, metric);
  const found: PlainFinding[] = [];
  const doesGrow = ['count', 'sum', 'distinct'].includes(String(metric.aggregate));
  let since = 0;
  let inEpisode = false;
  matches.forEach((match, place) => {
    const before = matches[place - 1];
    if (before !== undefined && match.ms - before.ms > withinMs) {
      since = place;
      inEpisode = false;
    }
    const window = matches.slice(0, place + 1).filter(({ ms }) => ms > match.ms - withinMs);
    const value =
      plainFigure(
        metric,
        window.map((one) => one.value ?? 0),
      ) ?? 0;
    const isKnown = match.ms - (matches[since]?.ms ?? match.ms) >= withinMs;
    const mayBeBelow = isKnown || !doesGrow;
    const isIn =
      (from !== undefined || to !== undefined) &&
      (from === undefined || value >= from) &&
      (to === undefined || (value <= to && mayBeBelow));
    const isOut =
      isIn || (above !== undefined && value > above) || (below !== undefined && value < below && mayBeBelow);
    if (window.length < atLeast || !isOut) inEpisode = false;
    else if (!inEpisode) {
      found.push(match.id);
      inEpisode = true;
    }
  });
  return found;
}

export function plainSpike(
  all: readonly PlainMatch[],
  { metric = { aggregate: 'count', field: undefined }, factor, withinMs, direction, atLeast }: KindOf<'spike'>,
  untilMs: number,
): readonly PlainFinding[] {
  const matches = plainMeasured(all, metric);
  const found: PlainFinding[] = [];
  let sinceMs: number | undefined;
  let episode = 'none';
  const judge = (until: number, moment: number): { isUp: boolean; isDown: boolean } => {
    if (sinceMs === undefined || moment - sinceMs < 2 * withinMs) return { isUp: false, isDown: false };
    const between = (afterMs: number, upToMs: number): readonly (string | number)[] =>
      matches
        .slice(0, until)
        .filter(({ ms }) => ms > afterMs && ms <= upToMs)
        .map(({ value }) => value ?? 0);
    const [current, reference] = [
      between(moment - withinMs, moment),
      between(moment - 2 * withinMs, moment - withinMs),
    ];
    const [cur, ref] = [plainFigure(metric, current), plainFigure(metric, reference)];
    if (cur === undefined || ref === undefined || Math.max(current.length, reference.length) < atLeast) {
      return { isUp: false, isDown: false };
    }
    return { isUp: direction !== 'down' && cur >= ref * factor, isDown: direction !== 'up' && cur <= ref / factor };
  };
  for (let moment = 0; moment < untilMs; moment += 1) {
    matches.forEach((match, place) => {
      if (match.ms !== moment) return;
      sinceMs ??= moment;
      const { isUp, isDown } = judge(place + 1, moment);
      if (isUp && episode !== 'up') {
        found.push(match.id);
        episode = 'up';
      } else if ((episode === 'up' && !isUp) || (episode === 'down' && !isDown)) episode = 'none';
    });
    const isLeaving = matches.some(({ ms }) => ms + withinMs === moment) || sinceMs === moment - 2 * withinMs;
    const seen = matches.filter(({ ms }) => ms <= moment).length;
    if (isLeaving && episode !== 'down' && judge(seen, moment).isDown) {
      found.push(moment);
      episode = 'down';
    }
    if (sinceMs !== undefined && !matches.some(({ ms }) => ms <= moment && ms > moment - 2 * withinMs)) {
      sinceMs = undefined;
      episode = 'none';
    }
  }
  return found;
}

/** The two lists of ElastAlert's `spike`: an entry for each match and an empty one at each full `everyMs`; what is too old for a list leaves it at its head. */
export function plainSpikeRestart(
  all: readonly PlainMatch[],
  { metric = { aggregate: 'count', field: undefined }, factor, withinMs, direction, restart }: KindOf<'spike'>,
  untilMs: number,
): readonly PlainFinding[] {
  interface Entry {
    readonly ms: number;
    readonly value: string | number | undefined;
  }
  if (restart === undefined) throw new Error('no restart');
  const matches = plainMeasured(all, metric);
  const found: PlainFinding[] = [];
  let [current, reference]: [Entry[], Entry[]] = [[], []];
  let [isKnown, firstMs]: [boolean, number | undefined] = [false, undefined];
  const push = (list: Entry[], entry: Entry): readonly Entry[] => {
    list.push(entry);
    const kept = list.findIndex(({ ms }) => entry.ms - ms < withinMs);
    return list.splice(0, kept);
  };
  const valuesOf = (list: readonly Entry[]): (string | number)[] =>
    list.map(({ value }) => value).filter((value) => value !== undefined);
  const enter = (entry: Entry, finding: PlainFinding): void => {
    firstMs ??= entry.ms;
    for (const left of push(current, entry)) push(reference, left);
    const [now, before] = [valuesOf(current), valuesOf(reference)];
    if (entry.ms - firstMs < 2 * withinMs || now.length + before.length === 0) return;
    const [cur, ref] = [plainFigure(metric, now), plainFigure(metric, before)];
    if (cur === undefined || ref === undefined || cur < restart.nowAtLeast || ref < restart.beforeAtLeast) return;
    const isUp = direction !== 'down' && cur >= ref * factor;
    const isDown = direction !== 'up' && cur <= ref / factor;
    if (!isUp && !isDown) return;
    found.push(finding);
    reference = [];
    firstMs = undefined;
  };
  for (let moment = 0; moment < untilMs; moment += 1) {
    for (const match of matches.filter(({ ms }) => ms === moment)) {
      isKnown = true;
      enter({ ms: moment, value: match.value ?? 0 }, match.id);
    }
    if (!isKnown || moment % restart.everyMs !== 0) continue;
    enter({ ms: moment, value: undefined }, moment);
    if (restart.isKept || valuesOf([...current, ...reference]).length > 0) continue;
    [current, reference, isKnown, firstMs] = [[], [], false, undefined];
  }
  return found;
}

/** `events`: each with all its roles, in order. The last step that is not absent completes. */
export function plainSequence(
  events: readonly { readonly ms: number; readonly id: string; readonly roles: readonly number[] }[],
  { absent, withinMs, untilMs }: { absent: readonly boolean[]; withinMs: number; untilMs: number },
): readonly PlainFinding[] {
  const steps = absent.flatMap((isAbsent, role) => (isAbsent ? [] : [role]));
  const has = (place: number, role: number): boolean => events[place]?.roles.includes(role) === true;
  const comesBetween = (role: number, after: number, before: number): boolean =>
    events.some((_, place) => place > after && place < before && has(place, role));
  /** The latest beginning of a chain that ends at this event with this step. */
  const startOf = (place: number, step: number): readonly number[] => {
    if (!has(place, steps[step] ?? 0)) return [];
    if (step === 0) return [place];
    const between = absent.flatMap((isAbsent, role) =>
      isAbsent && role > (steps[step - 1] ?? 0) && role < (steps[step] ?? 0) ? [role] : [],
    );
    return events.slice(0, place).flatMap((_, before) => {
      if (between.some((role) => comesBetween(role, before, place))) return [];
      return startOf(before, step - 1);
    });
  };
  const trailing = absent.flatMap((isAbsent, role) => (isAbsent && role > (steps.at(-1) ?? 0) ? [role] : []));
  const found: PlainFinding[] = [];
  let told = -1;
  let waiting: { start: number; end: number } | undefined;
  for (let moment = 0; moment < untilMs; moment += 1) {
    events.forEach((event, place) => {
      if (event.ms !== moment) return;
      if (event.roles.includes(UNTIL)) waiting = undefined;
      const starts = startOf(place, steps.length - 1).filter(
        (start) =>
          event.ms - (events[start]?.ms ?? 0) <= withinMs &&
          !events.some((_, between) => between > start && between <= place && has(between, UNTIL)),
      );
      // What must not come may be the last step too: then it came at its time.
      const isHit = waiting !== undefined && waiting.end !== place && trailing.some((role) => has(place, role));
      if (isHit) waiting = undefined;
      const start = Math.max(-1, ...starts);
      if (start <= told) return;
      if (trailing.length === 0) {
        found.push(event.id);
        told = start;
      } else waiting ??= { start, end: place };
    });
    if (waiting !== undefined && (events[waiting.start]?.ms ?? 0) + withinMs === moment) {
      found.push(moment);
      told = waiting.start;
      waiting = undefined;
    }
  }
  return found;
}
