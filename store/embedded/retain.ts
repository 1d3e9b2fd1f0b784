// Retention of the partition files: what each takes on disk, whether a hold is on it, and its removal while nothing is loaded.
import { stat } from 'node:fs/promises';
import { parseCursor } from '../cursor.ts';
import type { RetainRequest, RetainResponse } from '../port.ts';
import { carryOut, type Droppable, planRetention } from '../retain.ts';
import type { Loader } from './loader.ts';
import type { Partition, Partitions } from './partitions.ts';

export async function retain(
  {
    partitions,
    loader,
    logBytes,
  }: { readonly partitions: Partitions; readonly loader: Loader; readonly logBytes: number },
  request: RetainRequest,
): Promise<RetainResponse> {
  const readSeq = request.follower === undefined ? Number.POSITIVE_INFINITY : parseCursor(request.follower.cursor);
  const droppable: (Droppable & { readonly partition: Partition })[] = [];
  for (const partition of partitions.all()) {
    const { span, name } = partition;
    if (span === undefined) continue;
    const bytes = await bytesOf(partition);
    // `event.created` is never ahead of the server's clock: what a wild clock dated into the future grows old by that.
    const ageMs = Math.min(span.maxTs, span.maxCreated);
    const isUnread = span.maxSeq > readSeq;
    droppable.push({
      partition,
      name,
      events: span.rows,
      bytes,
      fromMs: span.minTs,
      toMs: span.maxTs,
      ageMs,
      isUnread,
    });
  }
  const storeBytes = droppable.reduce((sum, { bytes }) => sum + bytes, logBytes);
  const plan = await planRetention(droppable, storeBytes, {
    ...request,
    isHeld: ({ partition }, hold) => isHeld(partitions, partition, hold),
  });
  return carryOut(plan, request, ({ partition, events }) =>
    loader.exclusively(() => partitions.drop(partition, events)),
  );
}

async function isHeld(
  partitions: Partitions,
  partition: Partition,
  { fromMs, untilMs, hostId }: NonNullable<RetainRequest['holds']>[number],
): Promise<boolean> {
  const { span } = partition;
  if (span === undefined) return false;
  const overlaps = (least: number, greatest: number): boolean => greatest >= fromMs && least < untilMs;
  if (!overlaps(span.minTs, span.maxTs) && !overlaps(span.minCreated, span.maxCreated)) return false;
  const rows = await partitions.read(partition, (session) =>
    session.rows(
      `SELECT 1 FROM ${session.schema}.events
        WHERE ((_ts >= $1::DOUBLE AND _ts < $2::DOUBLE) OR (_created >= $1::DOUBLE AND _created < $2::DOUBLE))
          ${hostId === undefined ? '' : 'AND _host = $3'} LIMIT 1`,
      [finite(fromMs), finite(untilMs), ...(hostId === undefined ? [] : [hostId])],
    ),
  );
  // What cannot be asked is not dropped.
  return rows === undefined || rows.length > 0;
}

/** What a partition takes on disk, with its open log. */
export async function bytesOf({ path, temperature, bytes: coldBytes }: Partition): Promise<number> {
  // A cold one never changes.
  if (temperature === 'cold') return coldBytes;
  let bytes = 0;
  for (const file of [path, `${path}.wal`]) {
    bytes += await stat(file).then(
      ({ size }) => size,
      () => 0,
    );
  }
  return bytes;
}

function finite(ms: number): number {
  return Math.max(-Number.MAX_VALUE, Math.min(ms, Number.MAX_VALUE));
}
