// The log that acknowledges: events are durable when their lines are (log-lines.ts). Append-only segments, removed once all their
// events are in partitions. It is also where events wait: what is not in memory any more is read here, by number.
//
//   log-000000000000001.ndjson        named by the first number it may hold
//   {"vedette":"event-log","version":1,"firstSeq":1}
//   a line for each event
//
// A line whose CRC is wrong was never acknowledged, if it is the last; it is cut. Elsewhere it is damage: counted, told, kept.
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { FilePort, LogFile } from './files.ts';
import { createLineMemory, type LineMemory } from './line-memory.ts';
import { encodeLines, type LogLine, type RawLine, readLines } from './log-lines.ts';
import { createOffsets, type Offsets } from './log-offsets.ts';
import { LOG_FORMAT, readHeader, scanSegment } from './log-segment.ts';

/** A part of a segment's file, whole lines. */
interface LogPart {
  readonly path: string;
  readonly from: number;
  readonly to: number;
}

/** Events of the log, as a load takes them. */
export interface LogSlice {
  readonly parts: readonly LogPart[];
  /** The number of the last of them. */
  readonly lastSeq: number;
  readonly events: number;
  readonly bytes: number;
}

export interface EventLog {
  /** The number that the next event will get. */
  readonly nextSeq: number;
  /** Writes the lines durably; answers them with their numbers. When it throws, nothing was stored. */
  append(lines: readonly LogLine[]): Promise<readonly RawLine[]>;
  /** The lines after a number, in order; at least one where there is one. Undefined when they have been removed meanwhile. */
  read(
    after: number,
    atMost: { readonly events: number; readonly bytes: number },
  ): Promise<readonly RawLine[] | undefined>;
  /** `event.created` of a line, where that was told when it was appended. */
  createdMs(seq: number): number | undefined;
  /** Where the lines after a number are. */
  slice(after: number, atMost: { readonly events: number; readonly bytes: number }): LogSlice;
  /** Removes segments all of whose events have a number up to `seq`. */
  removeUpTo(seq: number): Promise<void>;
  /** Ends the current segment, so that the next `removeUpTo` may remove it. */
  rotate(): Promise<void>;
  bytes(): number;
  close(): Promise<void>;
}

export interface OpenedLog {
  readonly log: EventLog;
  /** Lines that can no longer be read, though others follow them: the disk has failed us. */
  readonly damagedLines: number;
}

interface Segment {
  readonly path: string;
  readonly firstSeq: number;
  readonly offsets: Offsets;
  bytes: number;
}

/** `minNextSeq`: no event gets a lower number, whatever the log says. `onLines`: told of all lines that it holds, in order. */
export async function openLog(
  folder: string,
  options: {
    readonly files: FilePort;
    readonly segmentBytesMax: number;
    readonly minNextSeq: number;
    readonly onLines?: (lines: readonly RawLine[]) => void;
    /** What lines are written in; whoever is answered with them gives it back. */
    readonly memory?: LineMemory;
  },
): Promise<OpenedLog> {
  const { files, segmentBytesMax, minNextSeq, onLines = () => undefined, memory = createLineMemory() } = options;
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const names = (await readdir(folder)).filter((name) => /^log-[0-9]{15}\.ndjson$/.test(name)).sort();
  const headers = await Promise.all(names.map((name) => readHeader(join(folder, name))));
  const segments: Segment[] = [];
  let damagedLines = 0;
  let nextSeq = minNextSeq;
  for (const [at, name] of names.entries()) {
    const path = join(folder, name);
    const header = headers[at];
    if (header === undefined) {
      // Not even its header is whole. Only the newest can be so, and then nothing in it was acknowledged.
      if (at < names.length - 1) throw new Error(`${path} has no readable header; it is in the way of newer events`);
      await rm(path);
      continue;
    }
    // What a later segment numbers again was written, but never acknowledged, before that segment was begun.
    const endSeq = headers[at + 1]?.firstSeq ?? Number.POSITIVE_INFINITY;
    const scanned = await scanSegment(path, header, { endSeq, onLines });
    damagedLines += scanned.damagedLines;
    nextSeq = Math.max(nextSeq, header.firstSeq, scanned.offsets.nextSeq);
    segments.push({ path, firstSeq: header.firstSeq, offsets: scanned.offsets, bytes: scanned.goodBytes });
    if (at === names.length - 1 && scanned.goodBytes < header.allBytes) await cut(files, path, scanned.goodBytes);
  }
  return { log: createLog({ folder, files, segmentBytesMax, memory, segments, nextSeq }), damagedLines };
}

async function cut(files: FilePort, path: string, length: number): Promise<void> {
  const file = await files.open(path, false);
  try {
    await file.truncate(length);
    await file.sync();
  } finally {
    await file.close();
  }
}

function createLog(options: {
  readonly folder: string;
  readonly files: FilePort;
  readonly segmentBytesMax: number;
  readonly memory: LineMemory;
  readonly segments: Segment[];
  nextSeq: number;
}): EventLog {
  const { folder, files, segmentBytesMax, memory, segments } = options;
  let nextSeq = options.nextSeq;
  /** The open file of the last segment; undefined before the first write and after a failure. */
  let file: LogFile | undefined;
  /** True when the last segment may hold bytes beyond its good length. */
  let isTorn = false;
  let mustRotate = false;

  const startSegment = async (): Promise<Segment> => {
    await file?.close();
    file = undefined;
    const path = join(folder, `log-${String(nextSeq).padStart(15, '0')}.ndjson`);
    // The same name exists only where an earlier attempt failed before its header was durable.
    await rm(path, { force: true });
    const header = Buffer.from(`${JSON.stringify({ vedette: 'event-log', version: LOG_FORMAT, firstSeq: nextSeq })}\n`);
    const made = await files.open(path, true);
    try {
      await made.write(header, 0);
      await made.sync();
      await files.syncFolder(folder);
    } catch (error) {
      await made.close();
      await rm(path, { force: true });
      throw error;
    }
    file = made;
    isTorn = false;
    mustRotate = false;
    const segment: Segment = { path, firstSeq: nextSeq, offsets: createOffsets(), bytes: header.length };
    segments.push(segment);
    return segment;
  };

  const writable = async (): Promise<Segment> => {
    const last = segments.at(-1);
    if (last === undefined) return startSegment();
    if (isTorn) await mend(last);
    const hasGap = last.offsets.nextSeq !== 0 && last.offsets.nextSeq !== nextSeq;
    // A segment without events is used again: only one that follows it could keep the number that it stands for.
    if ((mustRotate || hasGap || last.bytes >= segmentBytesMax) && last.firstSeq < nextSeq) return startSegment();
    file ??= await files.open(last.path, false);
    return last;
  };

  const mend = async (segment: Segment): Promise<void> => {
    file ??= await files.open(segment.path, false);
    await file.truncate(segment.bytes);
    isTorn = false;
  };

  const slice: EventLog['slice'] = (after, { events: eventsMax, bytes: bytesMax }) => {
    const parts: LogPart[] = [];
    let lastSeq = after;
    let events = 0;
    let bytes = 0;
    for (const { path, offsets, bytes: end } of segments) {
      if (offsets.nextSeq <= lastSeq + 1) continue;
      const found = offsets.range(lastSeq, { events: eventsMax - events, bytes: bytesMax - bytes, end });
      if (found === undefined) continue;
      parts.push({ path, from: found.from, to: found.to });
      lastSeq = found.lastSeq;
      events += found.events;
      bytes += found.to - found.from;
      if (events >= eventsMax || bytes >= bytesMax) break;
    }
    return { parts, lastSeq, events, bytes };
  };

  return {
    get nextSeq() {
      return nextSeq;
    },
    async append(lines) {
      const segment = await writable();
      if (file === undefined) throw new Error('the log has no open segment');
      const { bytes, end: length, starts } = encodeLines(nextSeq, lines, memory.take);
      isTorn = true;
      try {
        await file.write(bytes.subarray(0, length), segment.bytes);
        await file.sync();
      } catch (error) {
        memory.giveBack(bytes);
        // After a failed sync the kernel may call lost pages clean: cut, and go on in a new file.
        mustRotate = true;
        await mend(segment).catch(() => undefined);
        throw error;
      }
      isTorn = false;
      const written = starts.map((start, at): RawLine => {
        const seq = nextSeq + at;
        const end = starts[at + 1] ?? length;
        segment.offsets.push(seq, segment.bytes + start, lines[at]?.createdMs);
        return { seq, bytes, from: bytes.indexOf(0x7b, start), to: end - 1, length: end - start };
      });
      segment.bytes += length;
      nextSeq += lines.length;
      return written;
    },
    slice,
    createdMs(seq) {
      const segment = segments.findLast(({ firstSeq }) => firstSeq <= seq);
      return segment?.offsets.createdMs(seq);
    },
    async read(after, atMost) {
      const lines: RawLine[] = [];
      for (const part of slice(after, atMost).parts) {
        try {
          for await (const placed of readLines(part, () => undefined)) for (const { line } of placed) lines.push(line);
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
          throw error;
        }
      }
      return lines;
    },
    async removeUpTo(seq) {
      let removed = 0;
      while (segments.length > 1 && (segments[1]?.firstSeq ?? Number.POSITIVE_INFINITY) <= seq + 1) {
        const oldest = segments.shift();
        if (oldest !== undefined) await files.remove(oldest.path);
        removed++;
      }
      if (removed > 0) await files.syncFolder(folder);
    },
    async rotate() {
      const last = segments.at(-1);
      if (last !== undefined && last.firstSeq < nextSeq) await startSegment();
    },
    bytes: () => segments.reduce((sum, segment) => sum + segment.bytes, 0),
    async close() {
      await file?.close();
      file = undefined;
    },
  };
}
