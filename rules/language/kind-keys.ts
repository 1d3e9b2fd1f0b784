// The words of rules on many events and how each is read; kind-reader.ts makes a kind of them.
import { parseDuration } from '../../event/duration.ts';
import { visible } from '../diagnostic.ts';
import type { MissingField } from '../kind.ts';
import { expression, field, id } from './plain-words.ts';
import {
  duration,
  integer,
  listOf,
  type MapShape,
  mapOf,
  oneOf,
  type Placed,
  placed,
  type Reader,
  report,
  shaped,
} from './readers.ts';

const DAY_MS = 86_400_000;
/** The longest window: its matches are kept, and a new rule reads as much of the past. */
const WITHIN_MAX_MS = 30 * DAY_MS;
const REMEMBER_MAX_MS = 365 * DAY_MS;
const LATENESS_MAX_MS = DAY_MS;
/** Matches of one key that a rule may ask to be counted. */
const COUNT_MAX = 10_000;
/** Steps of a sequence, rules of `together`. */
const STEPS_MAX = 16;

interface ThresholdKeys {
  readonly count: number;
  readonly within: number;
  readonly mode: 'episode' | 'restart';
  readonly at_most: number;
}

interface BoundKeys {
  readonly above: number;
  readonly below: number;
}

interface DistinctKeys extends BoundKeys {
  readonly field: Placed<string>;
  readonly within: number;
}

interface NewValueKeys {
  readonly fields: readonly Placed<string>[];
  readonly learn: number;
  readonly remember: number;
  readonly missing: MissingField;
}

interface ChangeKeys {
  readonly fields: readonly Placed<string>[];
  readonly within: number;
  readonly missing: MissingField;
}

/** What is measured: one of these. */
export interface MeasureKeys {
  readonly avg: Placed<string>;
  readonly sum: Placed<string>;
  readonly min: Placed<string>;
  readonly max: Placed<string>;
  readonly count: Placed<string>;
  readonly distinct: Placed<string>;
  readonly p50: Placed<string>;
  readonly p90: Placed<string>;
  readonly p95: Placed<string>;
  readonly p99: Placed<string>;
  readonly percentile: PercentileKeys;
}

interface PercentileKeys {
  readonly rank: number;
  readonly field: Placed<string>;
}

interface SpikeKeys extends MeasureKeys {
  readonly factor: number;
  readonly within: number;
  readonly direction: 'up' | 'down' | 'both';
  readonly at_least: number;
  readonly mode: 'episode' | 'restart';
  readonly every: number;
  readonly now_at_least: number;
  readonly before_at_least: number;
}

interface AbsenceKeys {
  readonly fewer_than: number;
  readonly within: number;
}

interface RatioKeys extends BoundKeys {
  readonly of: Placed<string>;
  readonly at_least: number;
  readonly within: number;
}

interface MetricKeys extends MeasureKeys, BoundKeys {
  readonly from: number;
  readonly to: number;
  readonly at_least: number;
  readonly within: number;
}

export interface StepKeys {
  readonly match: Placed<string>;
  readonly absent: Placed<string>;
  readonly by: readonly Placed<string>[];
}

/** One of several sorts of events. */
export type CaseKeys = Pick<StepKeys, 'match' | 'by'>;

interface SequenceKeys {
  readonly within: number;
  readonly steps: readonly Placed<Partial<StepKeys>>[];
  readonly until: Placed<string>;
}

interface CombinationKeys {
  readonly within: number;
  readonly steps: readonly Placed<Partial<StepKeys>>[];
  readonly at_least: number;
}

interface TogetherKeys {
  readonly rules: readonly Placed<string>[];
  readonly within: number;
  readonly ordered: boolean;
  readonly count: number;
}

/** A rule has at most one of these. */
export interface KindKeys {
  readonly threshold: Placed<Partial<ThresholdKeys>>;
  readonly distinct: Placed<Partial<DistinctKeys>>;
  readonly new_value: Placed<Partial<NewValueKeys>>;
  readonly change: Placed<Partial<ChangeKeys>>;
  readonly spike: Placed<Partial<SpikeKeys>>;
  readonly absence: Placed<Partial<AbsenceKeys>>;
  readonly ratio: Placed<Partial<RatioKeys>>;
  readonly metric: Placed<Partial<MetricKeys>>;
  readonly sequence: Placed<Partial<SequenceKeys>>;
  readonly combination: Placed<Partial<CombinationKeys>>;
  readonly together: Placed<Partial<TogetherKeys>>;
}

/** Any number within bounds; `least` itself only where it says so. */
function number(least: number, greatest: number): Reader<number> {
  return shaped({ type: 'number', minimum: least, maximum: greatest }, (node, reading) => {
    const value = node.kind === 'scalar' ? node.value : undefined;
    if (typeof value === 'number' && value >= least && value <= greatest) return value;
    const given = node.kind === 'scalar' ? `\`${visible(String(node.value))}\`` : `a ${node.kind}`;
    const isAny = least === -Number.MAX_VALUE;
    const remedy = isAny ? 'Write a number.' : `Write a number from ${least} to ${greatest}.`;
    return report(reading, node.at, { code: 'rule/wrong-value', message: `${given} is not a number for this`, remedy });
  });
}

const yesOrNo: Reader<boolean> = shaped({ type: 'boolean' }, (node, reading) => {
  if (node.kind === 'scalar' && typeof node.value === 'boolean') return node.value;
  return report(reading, node.at, {
    code: 'rule/wrong-type',
    message: 'this must be true or false',
    remedy: 'Write true or false.',
  });
});

/** A map of which an incomplete one is nothing. */
function whole<S>(shape: MapShape<S>): Reader<Partial<S>> {
  return mapOf(shape, ({ values, isComplete }) => (isComplete ? values : undefined));
}

/** Any size that JSON can say. */
const figure = number(-Number.MAX_VALUE, Number.MAX_VALUE);
const within = duration(WITHIN_MAX_MS);
const fields = listOf(placed(field), 16);
const missing = oneOf<MissingField>(['skip', 'value']);

const MEASURES = {
  avg: placed(field),
  sum: placed(field),
  min: placed(field),
  max: placed(field),
  count: placed(field),
  distinct: placed(field),
  p50: placed(field),
  p90: placed(field),
  p95: placed(field),
  p99: placed(field),
  percentile: whole<PercentileKeys>({
    what: '`percentile`',
    readers: { rank: number(0, 100), field: placed(field) },
    required: ['rank', 'field'],
  }) as Reader<PercentileKeys>,
};

const step = whole<StepKeys>({
  what: 'a step',
  readers: { match: expression, absent: expression, by: fields },
  required: [],
});

export const KIND_READERS: { readonly [K in keyof KindKeys]: Reader<KindKeys[K]> } = {
  threshold: placed(
    whole<ThresholdKeys>({
      what: '`threshold`',
      readers: {
        count: integer(1, COUNT_MAX),
        within,
        mode: oneOf(['episode', 'restart']),
        at_most: integer(1, COUNT_MAX),
      },
      required: ['count', 'within'],
    }),
  ),
  distinct: placed(
    whole<DistinctKeys>({
      what: '`distinct`',
      readers: { field: placed(field), above: integer(0, COUNT_MAX - 1), below: integer(1, COUNT_MAX), within },
      required: ['field', 'within'],
    }),
  ),
  new_value: placed(
    whole<NewValueKeys>({
      what: '`new_value`',
      readers: { fields, learn: duration(REMEMBER_MAX_MS), remember: duration(REMEMBER_MAX_MS), missing },
      required: ['fields', 'learn'],
    }),
  ),
  change: placed(
    whole<ChangeKeys>({
      what: '`change`',
      readers: { fields, within: duration(REMEMBER_MAX_MS), missing },
      required: ['fields'],
    }),
  ),
  spike: placed(
    whole<SpikeKeys>({
      what: '`spike`',
      readers: {
        factor: number(1, 1_000_000),
        within,
        direction: oneOf(['up', 'down', 'both']),
        at_least: integer(1, 1_000_000_000),
        mode: oneOf(['episode', 'restart']),
        every: duration(DAY_MS),
        now_at_least: figure,
        before_at_least: figure,
        ...MEASURES,
      },
      required: ['factor', 'within'],
    }),
  ),
  absence: placed(
    whole<AbsenceKeys>({
      what: '`absence`',
      readers: { fewer_than: integer(1, COUNT_MAX), within },
      required: ['fewer_than', 'within'],
    }),
  ),
  ratio: placed(
    whole<RatioKeys>({
      what: '`ratio`',
      readers: {
        of: expression,
        above: number(0, 1),
        below: number(0, 1),
        at_least: integer(1, 1_000_000_000),
        within,
      },
      required: ['of', 'within'],
    }),
  ),
  metric: placed(
    whole<MetricKeys>({
      what: '`metric`',
      readers: {
        above: figure,
        below: figure,
        from: figure,
        to: figure,
        at_least: integer(1, 1_000_000_000),
        within,
        ...MEASURES,
      },
      required: ['within'],
    }),
  ),
  sequence: placed(
    whole<SequenceKeys>({
      what: '`sequence`',
      readers: { within, steps: listOf(placed(step), STEPS_MAX), until: expression },
      required: ['within', 'steps'],
    }),
  ),
  combination: placed(
    whole<CombinationKeys>({
      what: '`combination`',
      readers: { within, steps: listOf(placed(step), STEPS_MAX), at_least: integer(1, STEPS_MAX) },
      required: ['within', 'steps'],
    }),
  ),
  together: placed(
    whole<TogetherKeys>({
      what: '`together`',
      readers: { rules: listOf(placed(id), STEPS_MAX), within, ordered: yesOrNo, count: integer(1, COUNT_MAX) },
      required: ['rules', 'within'],
    }),
  ),
};

export const cases: Reader<readonly Placed<Partial<CaseKeys>>[]> = listOf(
  placed(whole<CaseKeys>({ what: 'a case', readers: { match: expression, by: fields }, required: ['match'] })),
  STEPS_MAX,
);

export const lateness: Reader<number> = duration(LATENESS_MAX_MS);

/** A time within a test, from its start: `0s`, `90s`, `1d`. */
export function offsetOf(value: unknown): number | undefined {
  return typeof value === 'string' ? parseDuration(value) : undefined;
}
