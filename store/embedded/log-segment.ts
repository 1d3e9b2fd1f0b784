// What a start finds in a segment of the log (log.ts): its header, how far its lines are good, and which of them the disk has spoiled.
import { open } from 'node:fs/promises';
import { type PlacedLine, type RawLine, readLines } from './log-lines.ts';
import { createOffsets, type Offsets } from './log-offsets.ts';

export const LOG_FORMAT = 1;

interface Header {
  readonly firstSeq: number;
  /** Length of the header's line. */
  readonly bytes: number;
  readonly allBytes: number;
}

/** Undefined when nothing of the segment was ever acknowledged. Throws on another format, and on a damaged header. */
export async function readHeader(path: string): Promise<Header | undefined> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    const { buffer, bytesRead } = await file.read(Buffer.alloc(1_024), 0, 1_024, 0);
    const start = buffer.subarray(0, bytesRead);
    const headerEnd = start.indexOf(0x0a);
    const { version, firstSeq } = parseHeader(start.toString('latin1', 0, headerEnd < 0 ? bytesRead : headerEnd)) ?? {};
    if (version !== undefined && version !== LOG_FORMAT) {
      throw new Error(`${path} has format ${version}, and this version of Vedette reads format ${LOG_FORMAT}`);
    }
    if (firstSeq !== undefined && headerEnd >= 0) return { firstSeq, bytes: headerEnd + 1, allBytes: size };
    // With lines after it, this one is damaged, not torn.
    if (headerEnd < 0 || headerEnd === size - 1) return undefined;
    throw new Error(`${path} has no readable header, and events after it; move it away to start without them`);
  } finally {
    await file.close();
  }
}

/** Of another version only that much is read: what else its header holds is not known here. */
function parseHeader(text: string): { version: number; firstSeq: number | undefined } | undefined {
  const version = /^\{"vedette":"event-log","version":([0-9]{1,6})[,}]/.exec(text)?.[1];
  if (version === undefined) return undefined;
  const firstSeq = /^\{"vedette":"event-log","version":[0-9]{1,6},"firstSeq":([0-9]{1,15})\}$/.exec(text)?.[1];
  return { version: Number(version), firstSeq: firstSeq === undefined ? undefined : Number(firstSeq) };
}

export async function scanSegment(
  path: string,
  header: Header,
  { endSeq, onLines }: { readonly endSeq: number; readonly onLines: (lines: readonly RawLine[]) => void },
): Promise<{ readonly offsets: Offsets; readonly goodBytes: number; readonly damagedLines: number }> {
  const offsets = createOffsets();
  let goodBytes = header.bytes;
  /** Lines in a row that cannot be read: damage, once a good one follows. */
  let badLines = 0;
  let damagedLines = 0;
  const take = ({ line, at }: PlacedLine): boolean => {
    if (line.seq >= endSeq) return false;
    offsets.push(line.seq, at);
    goodBytes = at + line.length;
    return true;
  };
  const bad = (): void => {
    badLines++;
  };
  for await (const lines of readLines({ path, from: header.bytes, to: header.allBytes }, bad)) {
    // A block's good lines follow its bad ones, or the next block's do: only bad ones at the file's end are not damage.
    const kept = lines.filter(take);
    if (kept.length > 0) onLines(kept.map(({ line }) => line));
  }
  damagedLines = badLines === 0 ? 0 : await damagedBefore(path, { from: header.bytes, to: goodBytes });
  return { offsets, goodBytes, damagedLines };
}

/** Lines that cannot be read in a part that ends with a good one. */
async function damagedBefore(path: string, { from, to }: { from: number; to: number }): Promise<number> {
  let damaged = 0;
  const bad = (): void => {
    damaged++;
  };
  for await (const _ of readLines({ path, from, to }, bad));
  return damaged;
}
