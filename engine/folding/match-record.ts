// One event as one rule on many events will need it: where it stands, its key, its values, and what an alert can say of it once
// the event is gone. Small and bounded: it waits for its watermark, and is kept a while after that, so that
// what comes late can be computed again. Durable as one entry of the state (folding-text.ts).
import { compareOrder, type OrderKey } from '../../event/order.ts';
import type { Match } from '../kinds/kind-fold.ts';
import type { Sample } from './sample.ts';

export interface MatchRecord extends Match {
  readonly ruleVersion: string;
  /** Of rule, version and key: what is folded together. */
  readonly keyId: string;
  /** The values of the key, as canonical JSON. */
  readonly key: string;
  /** Of several that one event makes under one key, which: they are folded in this order. */
  readonly place: number;
  readonly sample: Sample;
  /** Of `together`: the detection that this stands for. */
  readonly detectionId: string | undefined;
  /** As what the state has it; undefined: not at all (fold-ledger.ts keeps this). */
  storedAs: RecordPlace | undefined;
}

/** Where a match stands among all of its rule, but for its key. */
export interface MatchPlace {
  readonly order: OrderKey;
  readonly place: number;
  readonly detectionId: string | undefined;
}

/** Where a match is: it waits for its watermark, was folded, or came late and is not computed yet. */
export type RecordPlace = 'waits' | 'kept' | 'late';

export function compareRecords(a: MatchRecord, b: MatchRecord): number {
  return comparePlaces(a, b) || compareText(a.keyId, b.keyId);
}

/** Of the matches of one event under several keys too: which is folded first. Those of one place are folded in the order of their keys. */
export function comparePlaces(a: MatchPlace, b: MatchPlace): number {
  return compareOrder(a.order, b.order) || a.place - b.place || compareText(a.detectionId ?? '', b.detectionId ?? '');
}

/** What tells a match from all others of its key: the same event (or detection) in the same place makes the same one. */
export function nameOfRecord({ order, place, detectionId }: MatchRecord): string {
  return detectionId === undefined ? `${order.id} ${place}` : `${order.createdMs} ${order.id} ${detectionId}`;
}

/** Of two under one key. */
export function isSameRecord(a: MatchRecord, b: MatchRecord): boolean {
  return (
    a.order.id === b.order.id && a.place === b.place && a.detectionId === b.detectionId && compareRecords(a, b) === 0
  );
}

function compareText(a: string, b: string): number {
  return a === b ? 0 : a < b ? -1 : 1;
}
