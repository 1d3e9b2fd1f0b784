// How far the live window of a key is, in words for people: what counts now, and when that changes if nothing more comes. Decides
// nothing. What a state holds is its fold's own business; of one that is not known here nothing is said.
import { formatDuration } from '../../event/duration.ts';
import type { KindOf, RuleKind } from '../../rules/kind.ts';
import type { ChangeState } from './change.ts';
import type { CountState } from './count-fold.ts';
import type { GaugeState } from './gauge.ts';
import type { NewValueState } from './new-value.ts';
import type { SequenceState } from './sequence.ts';
import { measure } from './series.ts';
import type { SpikeState } from './spike.ts';

/** Names that are listed at most. */
const NAMES_MAX = 5;

/** Sentences without a full stop; `nowMs`: event time. */
export function standingOf(kind: RuleKind, state: unknown, nowMs: number): readonly string[] {
  switch (kind.kind) {
    case 'single':
      return [];
    case 'threshold': {
      const asked = kind.atMost === undefined ? `${kind.count}` : `${kind.count} to ${kind.atMost}`;
      const of = { asked, least: kind.count, spanMs: kind.withinMs, nowMs, isWhole: kind.atMost !== undefined };
      return counted(kind, state as CountState, of);
    }
    case 'distinct': {
      const asked = [
        kind.above === undefined ? '' : `more than ${kind.above}`,
        kind.below === undefined ? '' : `fewer than ${kind.below}`,
      ].filter((bound) => bound !== '');
      const spanMs = kind.withinMs + 1;
      const isWhole = asked.length > 1;
      const least = kind.above === undefined ? 0 : kind.above + 1;
      const of = { asked: asked.join(' and '), least, spanMs, nowMs, isWhole };
      return [
        ...counted(kind, state as CountState, of),
        ...valuesLine(kind.field, isWhole ? (state as CountState).sights : inside(state as CountState, spanMs, nowMs)),
      ];
    }
    case 'absence':
      return counted(kind, state as CountState, {
        asked: `fewer than ${kind.fewerThan}`,
        least: 0,
        spanMs: kind.withinMs,
        nowMs,
      });
    case 'combination':
      return counted(kind, state as CountState, {
        asked: `${kind.atLeast} steps`,
        least: kind.atLeast,
        spanMs: kind.withinMs + 1,
        nowMs,
      });
    case 'together': {
      if (kind.isOrdered) return chained(state as SequenceState, kind.rules.length, kind.withinMs);
      const { count, rules, withinMs } = kind;
      const least = count ?? rules.length;
      const asked = `${least} ${count === undefined ? 'rules' : 'detections'}`;
      const spanMs = count === undefined ? withinMs + 1 : withinMs;
      return [
        ...counted(kind, state as CountState, { asked, least, spanMs, nowMs }),
        ...rulesLine(kind, inside(state as CountState, spanMs, nowMs)),
      ];
    }
    case 'sequence':
      return chained(state as SequenceState, kind.steps.filter(({ isAbsent }) => !isAbsent).length, kind.withinMs);
    case 'metric':
    case 'ratio':
      return gauged(kind, state as GaugeState, nowMs);
    case 'spike':
      return spiked(kind, state as SpikeState, nowMs);
    case 'new_value': {
      const { known, sinceMs } = state as NewValueState;
      const count = known.reduce((sum, group) => sum + group.length, 0);
      const learnedMs = sinceMs + kind.learnMs;
      const learning = learnedMs > nowMs ? `; the key is learned until ${time(learnedMs)}` : '';
      return [`${count} known ${count === 1 ? 'value' : 'values'} of ${kind.fields.join(', ')}${learning}`];
    }
    case 'change': {
      const { values, last } = state as ChangeState;
      const until = kind.withinMs === undefined ? '' : `, compared until ${time(last[0] + kind.withinMs)}`;
      return [`the last values of ${kind.fields.join(', ')}: ${values}, seen ${time(last[0])}${until}`];
    }
  }
}

type Sights = CountState['sights'];

function inside({ sights }: CountState, spanMs: number, nowMs: number): Sights {
  return sights.filter(([ms]) => ms + spanMs > nowMs);
}

function counted(
  kind: RuleKind & { readonly withinMs: number },
  state: CountState,
  asking: {
    readonly asked: string;
    /** Fewer than this, and an episode that was found has ceased. */
    readonly least: number;
    readonly spanMs: number;
    readonly nowMs: number;
    /** Windows are looked at when they are over. */
    readonly isWhole?: boolean;
  },
): readonly string[] {
  const { asked, least, spanMs, nowMs, isWhole = false } = asking;
  const { sights, isFound } = state;
  const within = formatDuration(kind.withinMs);
  if (kind.kind === 'absence') {
    const last = sights.at(-1);
    const seen = last === undefined ? '' : `the last was seen ${time(last[0])}; `;
    return [`${seen}${asked} within ${within} are found${isFound ? ': it was told' : ''}`];
  }
  if (isWhole) {
    const [first] = sights;
    const over = first === undefined ? '' : `; judged when the window is over, at ${time(first[0] + spanMs)}`;
    return [`${sights.length} of ${asked} within ${within}${over}`];
  }
  const counting = inside(state, spanMs, nowMs);
  const [oldest] = counting;
  const leaves = oldest === undefined ? '' : `; the oldest leaves at ${time(oldest[0] + spanMs)}`;
  const found = isFound ? `; found, and ${counting.length < least ? 'over' : 'goes on'}` : '';
  return [`${counting.length} of ${asked} within ${within}${found}${leaves}`];
}

function valuesLine(field: string, sights: Sights): readonly string[] {
  const values = sights.flatMap(([, , value]) => (value === undefined ? [] : [value]));
  if (values.length === 0) return [];
  const more = values.length > NAMES_MAX ? `, the last ${NAMES_MAX} of ${values.length}` : '';
  return [`values of ${field}: ${values.slice(-NAMES_MAX).join(', ')}${more}`];
}

function rulesLine({ rules, count }: KindOf<'together'>, sights: Sights): readonly string[] {
  if (count !== undefined) return [];
  const came = new Set(sights.map(([, , role]) => rules[Number(role)]));
  const missing = rules.filter((id) => !came.has(id));
  return missing.length === 0 ? [] : [`still missing: ${missing.slice(0, NAMES_MAX).join(', ')}`];
}

function chained({ chains, waiting }: SequenceState, steps: number, withinMs: number): readonly string[] {
  const within = formatDuration(withinMs);
  if (waiting !== null) {
    return [
      `${steps} of ${steps} steps; found at ${time(waiting.start.createdMs + withinMs)} unless what must not come does`,
    ];
  }
  for (let place = chains.length - 1; place >= 0; place -= 1) {
    const chain = chains[place];
    if (chain === null || chain === undefined) continue;
    const untilMs = chain.start.createdMs + withinMs;
    return [`${place + 1} of ${steps} steps within ${within}; the rest may come until ${time(untilMs)}`];
  }
  return [`0 of ${steps} steps`];
}

function gauged(
  kind: KindOf<'metric'> | KindOf<'ratio'>,
  { series, isFound }: GaugeState,
  nowMs: number,
): readonly string[] {
  const metric = kind.kind === 'metric' ? kind.metric : ({ aggregate: 'avg', field: undefined } as const);
  const { count, value } = measure(metric, series, nowMs - kind.withinMs, nowMs);
  const bounds = [
    kind.above === undefined ? '' : `more than ${kind.above}`,
    kind.below === undefined ? '' : `less than ${kind.below}`,
    kind.kind === 'metric' ? rangeText(kind) : '',
  ].filter((bound) => bound !== '');
  const asked = bounds.length === 0 ? '' : `, ${bounds.join(' or ')} is asked`;
  const found = isFound ? '; found, and goes on' : '';
  return [
    `${figure(value)} of ${count} within ${formatDuration(kind.withinMs)}${asked}, of at least ${kind.atLeast}${found}`,
  ];
}

function rangeText({ from, to }: KindOf<'metric'>): string {
  if (from !== undefined && to !== undefined) return `${from} to ${to}`;
  return from === undefined ? (to === undefined ? '' : `at most ${to}`) : `at least ${from}`;
}

function spiked(kind: KindOf<'spike'>, { series, sinceMs }: SpikeState, nowMs: number): readonly string[] {
  const {
    withinMs,
    factor,
    direction,
    atLeast,
    restart,
    metric = { aggregate: 'count', field: undefined } as const,
  } = kind;
  const now = measure(metric, series, nowMs - withinMs, nowMs);
  const before = measure(metric, series, nowMs - 2 * withinMs, nowMs - withinMs);
  const within = formatDuration(withinMs);
  const share = { up: `${factor} times`, down: `1/${factor} of it`, both: `${factor} times or 1/${factor} of it` }[
    direction
  ];
  const least = restart === undefined && atLeast > 1 ? `, where the greater has ${atLeast} matches` : '';
  const asked = `${share} is asked${least}`;
  const silentMs = sinceMs + 2 * withinMs;
  const silent = silentMs > nowMs ? `; silent until ${time(silentMs)}` : '';
  return [
    `${figure(now.value)} in the last ${within}, ${figure(before.value)} in the ${within} before; ${asked}${silent}`,
  ];
}

function figure(value: number | undefined): string {
  return value === undefined ? 'nothing' : String(Number(value.toPrecision(6)));
}

function time(ms: number): string {
  return Number.isFinite(ms) && Math.abs(ms) <= 8.64e15 ? new Date(ms).toISOString() : 'never';
}
