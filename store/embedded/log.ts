// The log that acknowledges: events are durable when their lines are. Append-only segments, removed once all their events are
// in partitions.
//
//   log-000000000000001.ndjson        named by the first number it may hold
//   {"vedette":"event-log","version":1,"firstSeq":1}
//   CRC SEQ {"id":…,"document":…}     CRC-32 of the rest of the line after the space, 8 hex digits
//
// A line whose CRC is wrong was never acknowledged, if it is the last; it is cut. Elsewhere it is damage: counted, told, kept.
import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import type { EventDocument } from '../../event/document.ts';
import type { FilePort, LogFile } from './files.ts';

const LOG_FORMAT = 1;

export interface LogEntry {
  readonly seq: number;
  readonly id: string;
  readonly document: EventDocument;
  /** Length of the line. */
  readonly bytes: number;
}

interface LogLine {
  readonly id: string;
  readonly json: string;
}

export interface EventLog {
  /** The number that the next event will get. */
  readonly nextSeq: number;
  /** Writes the lines durably; answers the number of the first. When it throws, nothing was stored. */
  append(lines: readonly LogLine[]): Promise<number>;
  /** Removes segments all of whose events have a number up to `seq`. */
  removeUpTo(seq: number): Promise<void>;
  /** Ends the current segment, so that the next `removeUpTo` may remove it. */
  rotate(): Promise<void>;
  bytes(): number;
  close(): Promise<void>;
}

export interface OpenedLog {
  readonly log: EventLog;
  /** What the log holds, in order. */
  readonly entries: readonly LogEntry[];
  /** Lines that can no longer be read, though others follow them: the disk has failed us. */
  readonly damagedLines: number;
}

interface Segment {
  readonly path: string;
  readonly firstSeq: number;
  bytes: number;
}

/** `minNextSeq`: no event gets a lower number, whatever the log says. */
export async function openLog(
  folder: string,
  options: { readonly files: FilePort; readonly segmentBytesMax: number; readonly minNextSeq: number },
): Promise<OpenedLog> {
  const { files, segmentBytesMax, minNextSeq } = options;
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const names = (await readdir(folder)).filter((name) => /^log-[0-9]{15}\.ndjson$/.test(name)).sort();
  const segments: Segment[] = [];
  const entries: LogEntry[] = [];
  let damagedLines = 0;
  let nextSeq = minNextSeq;
  for (const [at, name] of names.entries()) {
    const path = join(folder, name);
    const content = readSegment(await readFile(path), path);
    if (content === undefined) {
      // Not even its header is whole. Only the newest can be so, and then nothing in it was acknowledged.
      if (at < names.length - 1) throw new Error(`${path} has no readable header; it is in the way of newer events`);
      await rm(path);
      continue;
    }
    damagedLines += content.damagedLines;
    // What a later segment numbers again was written, but never acknowledged, before that segment was begun.
    while ((entries.at(-1)?.seq ?? 0) >= content.firstSeq) entries.pop();
    for (const entry of content.entries) entries.push(entry);
    nextSeq = Math.max(nextSeq, content.firstSeq, (content.entries.at(-1)?.seq ?? 0) + 1);
    segments.push({ path, firstSeq: content.firstSeq, bytes: content.goodBytes });
    if (at === names.length - 1 && content.goodBytes < content.allBytes) await cut(files, path, content.goodBytes);
  }
  const log = createLog({ folder, files, segmentBytesMax, segments, nextSeq });
  return { log, entries, damagedLines };
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
  readonly segments: Segment[];
  nextSeq: number;
}): EventLog {
  const { folder, files, segmentBytesMax, segments } = options;
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
    const segment: Segment = { path, firstSeq: nextSeq, bytes: header.length };
    segments.push(segment);
    return segment;
  };

  const writable = async (): Promise<Segment> => {
    const last = segments.at(-1);
    if (last === undefined) return startSegment();
    if (isTorn) await mend(last);
    // A segment without events is used again: only one that follows it could keep the number that it stands for.
    if ((mustRotate || last.bytes >= segmentBytesMax) && last.firstSeq < nextSeq) return startSegment();
    file ??= await files.open(last.path, false);
    return last;
  };

  const mend = async (segment: Segment): Promise<void> => {
    file ??= await files.open(segment.path, false);
    await file.truncate(segment.bytes);
    isTorn = false;
  };

  return {
    get nextSeq() {
      return nextSeq;
    },
    async append(lines) {
      const segment = await writable();
      const first = nextSeq;
      const bytes = Buffer.from(lines.map((line, at) => formatLine(first + at, line)).join(''));
      if (file === undefined) throw new Error('the log has no open segment');
      isTorn = true;
      try {
        await file.write(bytes, segment.bytes);
        await file.sync();
      } catch (error) {
        // After a failed sync the kernel may call lost pages clean: cut, and go on in a new file.
        mustRotate = true;
        await mend(segment).catch(() => undefined);
        throw error;
      }
      isTorn = false;
      segment.bytes += bytes.length;
      nextSeq += lines.length;
      return first;
    },
    async removeUpTo(seq) {
      let removed = 0;
      while (segments.length > 1 && (segments[1]?.firstSeq ?? Number.POSITIVE_INFINITY) <= seq + 1) {
        const oldest = segments.shift();
        if (oldest !== undefined) await rm(oldest.path, { force: true });
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

function formatLine(seq: number, { id, json }: LogLine): string {
  const body = `${seq} {"id":${JSON.stringify(id)},"document":${json}}`;
  return `${crc32(body).toString(16).padStart(8, '0')} ${body}\n`;
}

interface SegmentContent {
  readonly firstSeq: number;
  readonly entries: readonly LogEntry[];
  readonly damagedLines: number;
  /** Up to the end of the last good line. */
  readonly goodBytes: number;
  readonly allBytes: number;
}

function readSegment(bytes: Buffer, path: string): SegmentContent | undefined {
  const headerEnd = bytes.indexOf(0x0a);
  const header = headerEnd < 0 ? undefined : parseHeader(bytes.subarray(0, headerEnd).toString());
  if (header !== undefined && header.version !== LOG_FORMAT) {
    throw new Error(`${path} has format ${header.version}, and this version of Vedette reads format ${LOG_FORMAT}`);
  }
  if (header?.firstSeq === undefined) {
    // A header is durable before an event follows it: with lines after it, this one is damaged, not torn.
    if (headerEnd < 0 || headerEnd === bytes.length - 1) return undefined;
    throw new Error(`${path} has no readable header, and events after it; move it away to start without them`);
  }
  const { firstSeq } = header;
  const entries: LogEntry[] = [];
  let goodBytes = headerEnd + 1;
  let badLines = 0;
  let damagedLines = 0;
  for (let at = headerEnd + 1; at < bytes.length; ) {
    const newline = bytes.indexOf(0x0a, at);
    const end = newline < 0 ? bytes.length : newline;
    const entry = newline < 0 ? undefined : parseLine(bytes.subarray(at, end));
    at = end + 1;
    if (entry === undefined) {
      badLines++;
      continue;
    }
    entries.push(entry);
    damagedLines += badLines;
    badLines = 0;
    goodBytes = at;
  }
  return { firstSeq, entries, damagedLines, goodBytes, allBytes: bytes.length };
}

/** Of another version only that much is read: what else its header holds is not known here. */
function parseHeader(text: string): { version: number; firstSeq: number | undefined } | undefined {
  const version = /^\{"vedette":"event-log","version":([0-9]{1,6})[,}]/.exec(text)?.[1];
  if (version === undefined) return undefined;
  const firstSeq = /^\{"vedette":"event-log","version":[0-9]{1,6},"firstSeq":([0-9]{1,15})\}$/.exec(text)?.[1];
  return { version: Number(version), firstSeq: firstSeq === undefined ? undefined : Number(firstSeq) };
}

function parseLine(line: Buffer): LogEntry | undefined {
  const space = line.indexOf(0x20, 9);
  if (line[8] !== 0x20 || space < 0) return undefined;
  const crc = line.toString('latin1', 0, 8);
  const seq = Number(line.toString('latin1', 9, space));
  if (crc32(line.subarray(9)).toString(16).padStart(8, '0') !== crc || !Number.isSafeInteger(seq)) return undefined;
  const { id, document } = JSON.parse(line.toString('utf8', space + 1)) as { id: string; document: EventDocument };
  return { seq, id, document, bytes: line.length };
}
