// Matches as the state's first format has them, which later versions still read: what an alert says had been rendered when the event
// was at hand. They are of the formats before groups; whatever is written again is written in the format of today.
import type { OrderKey } from '../../event/order.ts';
import type { MatchValue } from '../kinds/kind-fold.ts';
import type { MatchRecord } from './match-record.ts';
import type { RenderedSample, Sample } from './sample.ts';

export const FORMAT_ONE = 1;

export interface RecordOfFormatOne {
  /** The key's id, and behind a space what tells the match from others of its key. */
  readonly id: string;
  readonly ruleVersion: string;
  readonly keyId: string;
  readonly key: string;
  readonly match: { readonly order: OrderKey; readonly role: number; readonly values: readonly MatchValue[] };
  readonly place: number;
  readonly sample: SampleOfFormatOne;
}

interface SampleOfFormatOne extends RenderedSample {
  readonly hostName: string;
  readonly timestampMs: number;
  readonly suppressKey: string;
  readonly together: Readonly<Record<string, { readonly key: string; readonly sample: SampleOfFormatOne }>>;
}

export function recordOfFormatOne(record: RecordOfFormatOne): MatchRecord {
  const { id, ruleVersion, keyId, key, match, place, sample } = record;
  const { order, role, values } = match;
  const ofDetection = `${keyId} ${order.createdMs} ${order.id} `;
  const isDetection = id.startsWith(ofDetection);
  return {
    order,
    role,
    values,
    ruleVersion,
    keyId,
    key,
    place,
    sample: sampleOfFormatOne(sample),
    detectionId: isDetection ? id.slice(ofDetection.length) : undefined,
    storedAs: undefined,
  };
}

/** What tells a match from others of its key, out of its id. */
export function nameOfFormatOne(keyId: string, id: string): string {
  return id.slice(keyId.length + 1);
}

function sampleOfFormatOne({ title, fields, hostName, timestampMs, suppressKey, together }: SampleOfFormatOne): Sample {
  const taken = Object.entries(together).map(
    ([version, { key, sample }]) => [version, { key, sample: sampleOfFormatOne(sample) }] as const,
  );
  return {
    texts: [],
    rendered: { title, fields },
    hostName,
    timestampMs,
    suppressKey,
    ...(taken.length === 0 ? {} : { together: Object.fromEntries(taken) }),
  };
}
