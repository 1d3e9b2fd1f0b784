// Tests of a rule as its file would hold them, and the few ways in which their events are put: for those that are made of what a rule asks.
import { formatDuration } from '../../event/duration.ts';
import type { PlainValue } from './foreign-rule.ts';
import { othersOf } from './other-values.ts';
import type { FlatEvent } from './wished-event.ts';
import { variedValue } from './wished-values.ts';

export interface ProposedTest {
  readonly name: string;
  readonly events: readonly FlatEvent[];
  readonly alerts: number;
  readonly progress?: string;
}

/** A test that alerts, and those of which one is taken that must not, likely ones first. */
export interface Proposal {
  readonly alerting: ProposedTest;
  readonly silent: readonly ProposedTest[];
}

/** A rule that asks for more events is without tests: nobody would read them. */
export const EVENTS_MAX = 120;

export const SECOND_MS = 1_000;

export function ofOne(event: FlatEvent, unwanted: readonly (readonly [string, PlainValue])[] = []): Proposal {
  const others = [
    ...othersOf(event, Object.keys(event)),
    ...unwanted.map(([field, value]) => [field, { ...event, [field]: value }] as const),
  ];
  return {
    alerting: { name: 'what it asks for', events: [event], alerts: 1 },
    silent: [
      ...others.map(([field, other]) => ({ name: `the same with another ${field}`, events: [other], alerts: 0 })),
      ...Object.keys(event).map((field) => ({
        name: `the same without ${field}`,
        events: [without(event, field)],
        alerts: 0,
      })),
    ],
  };
}

function without(event: FlatEvent, field: string): FlatEvent {
  return Object.fromEntries(Object.entries(event).filter(([name]) => name !== field));
}

export function pair(
  alerting: readonly FlatEvent[],
  asked: string,
  silent: readonly FlatEvent[],
  short: string,
  { afterMs, silentAfterMs = afterMs }: { readonly afterMs?: number; readonly silentAfterMs?: number | undefined } = {},
): Proposal {
  const after = (ms: number | undefined) => (ms === undefined ? {} : { progress: formatDuration(ms) });
  return {
    alerting: { name: asked, events: alerting, alerts: 1, ...after(afterMs) },
    silent: [{ name: short, events: silent, alerts: 0, ...after(silentAfterMs) }],
  };
}

export function times(count: number, event: FlatEvent): readonly FlatEvent[] {
  return Array.from({ length: Math.min(count, EVENTS_MAX + 1) }, () => event);
}

/** A second apart where the window is long enough, else at once. */
export function within(windowMs: number, events: readonly FlatEvent[]): readonly FlatEvent[] {
  return events.length * SECOND_MS < windowMs ? events : events.map((event) => at(0, event));
}

export function at(ms: number, event: FlatEvent): FlatEvent {
  return { at: formatDuration(ms), ...event };
}

export function varied(event: FlatEvent, field: string, nth: number): FlatEvent {
  return { ...event, [field]: nth === 0 ? (event[field] ?? variedValue(field, 0)) : variedValue(field, nth) };
}
