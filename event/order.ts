// The reference order of events: (event.created, host.id, boot, position), and the id where all four are equal.
// Rules, windows and suppression mean what they mean over this order (docs/architecture.md, promise 3).
import { type EventDocument, fieldReader, numberFrom, timeFrom } from './document.ts';

/** Where an event stands in the reference order. */
export interface OrderKey {
  /** `event.created`, epoch ms. */
  readonly createdMs: number;
  readonly hostId: string;
  /** `host.boot.id`; '' where the source has none. */
  readonly bootId: string;
  /** `vedette.position`: counts the events of one host and boot; 0 where the source has none. */
  readonly position: number;
  /** `_id`, the last tie-break. */
  readonly id: string;
}

const [createdOf, timestampOf] = [fieldReader('event.created'), fieldReader('@timestamp')];
const [hostIdOf, bootIdOf, positionOf] = [
  fieldReader('host.id'),
  fieldReader('host.boot.id'),
  fieldReader('vedette.position'),
];

/** The time that an event has in the reference order: a missing `event.created` falls back to `@timestamp`, then to 0. */
export function createdMsOf(document: EventDocument): number {
  return timeFrom(createdOf(document)) ?? timeFrom(timestampOf(document)) ?? 0;
}

/** The order key of a stored document. */
export function orderKeyOf(id: string, document: EventDocument): OrderKey {
  return {
    createdMs: createdMsOf(document),
    hostId: textFrom(hostIdOf(document)),
    bootId: textFrom(bootIdOf(document)),
    position: numberFrom(positionOf(document)) ?? 0,
    id,
  };
}

function textFrom(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** Negative when `a` comes before `b`, positive when after, 0 only for the same event. Text compares by UTF-16 code unit. */
export function compareOrder(a: OrderKey, b: OrderKey): number {
  return (
    a.createdMs - b.createdMs ||
    compareText(a.hostId, b.hostId) ||
    compareText(a.bootId, b.bootId) ||
    a.position - b.position ||
    compareText(a.id, b.id)
  );
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
