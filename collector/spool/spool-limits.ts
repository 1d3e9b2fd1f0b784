// Every size of the spool in one place.

/** All segments together, bytes, unless configured. */
export const SPOOL_BYTES_MAX: number = 1024 ** 3;
/** The least cap that is accepted: two segments of each class must fit. */
export const SPOOL_BYTES_LEAST: number = 1024 * 1024;
const SEGMENT_BYTES_MAX = 16 * 1024 * 1024;
const SEGMENT_BYTES_LEAST = 64 * 1024;
/** Share of the cap that a class may always fill, whatever the other one does. */
export const CLASS_SHARE = { keep: 0.5, bulk: 0.5 } as const;
/** One frame, bytes; a longer event is refused and counted. Ingest's longest line and a little. */
export const FRAME_BYTES_MAX: number = 17 * 1024 * 1024;
/** Frames in memory while the disk takes none, bytes; of the two, *keep* goes on when *bulk* is already refused. */
export const PENDING_BYTES_MAX = { keep: 32 * 1024 * 1024, bulk: 16 * 1024 * 1024 } as const;

/** A segment is closed at this size, bytes: small against the cap, so that an eviction gives up little. */
export function segmentBytesFor(spoolBytesMax: number): number {
  return Math.min(SEGMENT_BYTES_MAX, Math.max(SEGMENT_BYTES_LEAST, Math.floor(spoolBytesMax / 64)));
}
