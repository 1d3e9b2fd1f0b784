// One event as one rule on many events will need it: where it stands, its key, its values, and what an alert can say of it once
// the event, and even the rule, is gone. Small and bounded: it waits for its watermark, and is kept a while after that, so that
// what comes late can be computed again. Durable as one entry of the state (engine/state-text.ts).
import { compareOrder } from '../../event/order.ts';
import type { Match } from '../kinds/kind-fold.ts';
import type { Sample } from './sample.ts';

export interface MatchRecord {
  /** Of key, event and place: the same event makes the same one. */
  readonly id: string;
  readonly ruleId: string;
  readonly ruleVersion: string;
  /** Of rule, version and key: what is folded together. */
  readonly keyId: string;
  /** The values of the key, as canonical JSON. */
  readonly key: string;
  readonly match: Match;
  /** Of several that one event makes under one key, which: they are folded in this order. */
  readonly place: number;
  readonly sample: Sample;
}

export function compareRecords(a: MatchRecord, b: MatchRecord): number {
  return compareOrder(a.match.order, b.match.order) || a.place - b.place || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);
}
