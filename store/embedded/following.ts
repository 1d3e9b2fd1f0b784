// Reads events in the order of their numbers, wherever they are by now: memory, partitions, the log. Followers meet each once.
import type { StoredEvent } from '../../event/document.ts';
import { FollowedLine } from './followed-line.ts';
import type { EventLog } from './log.ts';
import { headOfLine, parseLine } from './log-lines.ts';
import type { Partitions } from './partitions.ts';
import { rowsAfter } from './rows.ts';
import type { Tail } from './tail.ts';

/** Of the log, for a follower that is behind what memory holds. */
const LOG_READ_BYTES: number = 4 * 1024 * 1024;

export interface Following {
  /** Events after a number, in order: from memory where it has them all, else from partitions, else from the log. */
  read(after: number, limit: number, isReadAtOnce: boolean): Promise<readonly StoredEvent[]>;
  /** None where the lines were removed meanwhile: then they are in partitions. */
  fromLog(after: number, limit: number): Promise<readonly StoredEvent[]>;
}

export function createFollowing({
  log,
  tail,
  partitions,
}: {
  readonly log: EventLog;
  readonly tail: Tail;
  readonly partitions: Partitions;
}): Following {
  const fromPartitions = async (after: number, upTo: number, limit: number): Promise<readonly StoredEvent[]> => {
    const found: StoredEvent[] = [];
    for (const partition of partitions.all()) {
      if (partition.span === undefined || partition.span.maxSeq <= after || partition.span.minSeq > upTo) continue;
      const rows = await partitions.read(partition, (session) => rowsAfter(session, { after, upTo, limit }));
      for (const row of rows ?? []) found.push(row);
    }
    return found.sort((a, b) => a.seq - b.seq).slice(0, limit);
  };

  const read = async (after: number, limit: number, isReadAtOnce: boolean): Promise<readonly StoredEvent[]> => {
    for (;;) {
      const { coveredFrom, loadedSeq } = tail;
      if (after >= coveredFrom) return tail.follow(after, limit, isReadAtOnce);
      if (after < loadedSeq) {
        const found = await fromPartitions(after, Math.min(loadedSeq, coveredFrom), limit);
        if (found.length > 0) return found;
        // Nothing older is left; loads went on meanwhile, perhaps.
        return Math.max(loadedSeq, after) >= coveredFrom
          ? fromMemory(coveredFrom, limit, isReadAtOnce)
          : await fromLog(loadedSeq, limit);
      }
      const lines = await fromLog(after, limit);
      if (lines.length > 0) return lines;
      if (tail.loadedSeq === loadedSeq && tail.coveredFrom === coveredFrom) return [];
    }
  };

  const fromMemory = (after: number, limit: number, isReadAtOnce: boolean): readonly StoredEvent[] =>
    tail.coveredFrom > after ? [] : tail.follow(after, limit, isReadAtOnce);

  const fromLog = async (after: number, limit: number): Promise<readonly StoredEvent[]> => {
    const lines = await log.read(after, { events: limit, bytes: LOG_READ_BYTES });
    return (lines ?? []).map((line) => {
      const createdMs = log.createdMs(line.seq);
      if (createdMs === undefined) return { seq: line.seq, ...parseLine(line) };
      const { id, documentFrom } = headOfLine(line);
      const source = { bytes: line.bytes, isGone: false };
      return new FollowedLine(source, { seq: line.seq, id, from: documentFrom, to: line.to - 1, createdMs });
    });
  };

  return { read, fromLog };
}
