// Every size of the spool in one place.

/** All segments together, bytes, unless configured. */
export const SPOOL_BYTES_MAX: number = 1024 ** 3;
/** The least cap that is accepted: several segments of each class must fit. */
export const SPOOL_BYTES_LEAST: number = 1024 * 1024;
/** Undelivered events older than this are given up, unless configured, ms. */
export const SPOOL_AGE_MS_MAX: number = 30 * 86_400_000;
const SEGMENT_BYTES_MAX = 4 * 1024 * 1024;
const SEGMENT_BYTES_LEAST = 64 * 1024;
/** Segments of a class; beyond it small neighbours are joined. */
export const SEGMENTS_MAX = 512;
/** Share of the cap that a class may always fill, whatever the other one does. */
export const CLASS_SHARE = { keep: 0.5, bulk: 0.5 } as const;
/** Beyond this share of the cap our own documents (status, losses) are given up like anybody's. */
export const OWN_SHARE = 0.25;
/** One frame, bytes; a longer event is refused and counted. Ingest's longest line and a little. */
export const FRAME_BYTES_MAX: number = 17 * 1024 * 1024;
/** Frames in memory while the disk takes none, bytes; of the two, *keep* goes on when *bulk* is already refused. */
export const PENDING_BYTES_MAX = { keep: 32 * 1024 * 1024, bulk: 16 * 1024 * 1024 } as const;

/** A segment is closed at this size, bytes: small against the cap, so that an eviction reads and gives up little. */
export function segmentBytesFor(spoolBytesMax: number): number {
  return Math.min(SEGMENT_BYTES_MAX, Math.max(SEGMENT_BYTES_LEAST, Math.floor(spoolBytesMax / 64)));
}
