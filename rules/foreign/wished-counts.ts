// Tests of rules that count matches, or look at their values: as many as such a rule asks for, and one too few; and of those about silence.
import { formatDuration } from '../../event/duration.ts';
import type { Expression } from '../expression/syntax.ts';
import type { KindOf } from '../kind.ts';
import { type FlatEvent, wishedEvent } from './wished-event.ts';
import { at, EVENTS_MAX, ofOne, type Proposal, pair, SECOND_MS, times, varied, within } from './wished-tests.ts';

export interface Counted<Kind> {
  readonly kind: Kind;
  readonly base: FlatEvent;
  readonly asked: readonly Expression[];
  /** Of a ratio. */
  readonly of: Expression | undefined;
  readonly way: number;
}

export function ofChange({ fields: [field = ''] }: KindOf<'change'>, base: FlatEvent): Proposal {
  return pair([base, varied(base, field, 1)], 'another value', [base, base], 'the same value again');
}

export function ofThreshold({ count, withinMs, atMost }: KindOf<'threshold'>, base: FlatEvent): Proposal {
  const span = formatDuration(withinMs);
  const events = (number: number): readonly FlatEvent[] => within(withinMs, times(number, base));
  const after = atMost === undefined ? {} : { afterMs: withinMs + SECOND_MS };
  if (count > 1)
    return pair(events(count), `${count} within ${span}`, events(count - 1), `${count - 1} within ${span}`, after);
  const { alerting, silent } = ofOne(base);
  return {
    alerting: { ...alerting, ...(atMost === undefined ? {} : { progress: formatDuration(withinMs + SECOND_MS) }) },
    silent,
  };
}

export function ofDistinct(
  { field, above, below, withinMs }: KindOf<'distinct'>,
  base: FlatEvent,
): Proposal | undefined {
  const values = (count: number): readonly FlatEvent[] =>
    Array.from({ length: Math.min(count, EVENTS_MAX + 1) }, (_, nth) => varied(base, field, nth));
  const span = formatDuration(withinMs);
  if (above !== undefined && below === undefined) {
    if (above === 0) return undefined;
    const few = within(withinMs, [...values(above), ...values(1)]);
    return pair(
      within(withinMs, values(above + 1)),
      `${above + 1} values of ${field} within ${span}`,
      few,
      `${above} values`,
    );
  }
  if (below === undefined || above !== undefined) return undefined;
  const half = Math.floor(withinMs / 2);
  const enough = [...values(below), ...values(below).map((event) => at(half, event))];
  return pair([base, at(half, base)], `too few values of ${field}`, enough, `${below} values`, {
    afterMs: withinMs,
    silentAfterMs: half,
  });
}

export function ofNewValue({ fields, learnMs }: KindOf<'new_value'>, base: FlatEvent): Proposal {
  const [field = ''] = fields;
  const laterMs = learnMs + SECOND_MS;
  return pair(
    [base, at(laterMs, varied(base, field, 1))],
    `a value of ${field} that never was, after ${formatDuration(learnMs)}`,
    [base, at(laterMs, base)],
    'the value that was there before',
  );
}

export function ofAbsence({ fewerThan, withinMs }: KindOf<'absence'>, base: FlatEvent): Proposal {
  const events = within(withinMs, times(fewerThan, base));
  const span = formatDuration(withinMs);
  const short = Math.max(SECOND_MS, Math.floor(withinMs / 2) - events.length * SECOND_MS);
  return pair(events, `silence for ${span}`, events, 'silence for a shorter time', {
    afterMs: withinMs + SECOND_MS,
    silentAfterMs: short,
  });
}

export function ofRatio({ kind, base, asked, of, way }: Counted<KindOf<'ratio'>>): Proposal | undefined {
  const { above, atLeast, withinMs } = kind;
  const both = of === undefined ? undefined : wishedEvent([...asked, of], way);
  if (both === undefined) return undefined;
  const count = Math.max(atLeast, 1);
  const of_ = within(withinMs, times(count, { ...base, ...both }));
  const other = within(withinMs, times(count, base));
  return above === undefined
    ? pair(other, 'none of the share', of_, 'all of the share')
    : pair(of_, 'all of the share', other, 'none of the share');
}
