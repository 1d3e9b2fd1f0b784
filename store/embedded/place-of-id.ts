// Where to look for an id, in this order. Ids of the collector's own say when the event was (event/id.ts): there first, and only around
// that time; others, and those of events whose `@timestamp` is another after all, are looked for everywhere.
import type { TimeRange } from '../port.ts';
import type { Partition } from './partitions.ts';

const AROUND_MS = 1_000;

interface Place {
  readonly partition: Partition;
  /** Of `@timestamp`; undefined: all of it. */
  readonly range: TimeRange | undefined;
}

export function placesOfId(partitions: readonly Partition[], id: string): readonly Place[] {
  const newestFirst = [...partitions].sort((a, b) => (b.span?.maxTs ?? 0) - (a.span?.maxTs ?? 0));
  const everywhere = newestFirst.map((partition): Place => ({ partition, range: undefined }));
  const timeMs = Number.parseInt(/^[^.]+\.[^.]+\.([0-9a-z]{1,11})\.[^.]+\.[^.]+$/.exec(id)?.[1] ?? '', 36);
  if (!Number.isSafeInteger(timeMs)) return everywhere;
  const range = { fromMs: timeMs - AROUND_MS, untilMs: timeMs + AROUND_MS };
  const around = newestFirst.filter(
    ({ span }) => span !== undefined && span.maxTs >= range.fromMs && span.minTs < range.untilMs,
  );
  return [...around.map((partition): Place => ({ partition, range })), ...everywhere];
}
