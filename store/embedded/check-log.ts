// The log's part of a check: every segment's header, every line's checksum, and that no number is missing between them.
import { open, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { CheckFinding } from '../port.ts';
import { readLines } from './log-lines.ts';

const HEADER_BYTES_MAX = 200;
const KEEP =
  'Copy it away before the next start, which counts these as lost; a host that still spools them sends them again.';

/** How many events the log holds, and the number of the first one; partitions may hold them too, until their segment is removed. */
export interface LoggedEvents {
  readonly events: number;
  readonly firstSeq: number;
}

export async function checkLog(
  folder: string,
  { isLive, find }: { readonly isLive: boolean; readonly find: (finding: CheckFinding) => void },
): Promise<LoggedEvents> {
  const names = (await readdir(folder).catch(() => [])).sort();
  const segments = names.filter((name) => /^log-[0-9]{15}\.ndjson$/.test(name));
  for (const name of names) {
    if (segments.includes(name)) continue;
    const set = name.endsWith('.damaged');
    const what = set ? 'was set aside as damaged' : 'is not a file of the log';
    find({
      kind: 'note',
      file: `log/${name}`,
      what,
      events: undefined,
      remedy: set ? 'Keep it for its lines.' : 'Move it elsewhere.',
    });
  }
  let events = 0;
  let firstSeq = Number.POSITIVE_INFINITY;
  let lastSeq: number | undefined;
  for (const [at, name] of segments.entries()) {
    const file = `log/${name}`;
    const path = join(folder, name);
    const isLast = at === segments.length - 1;
    const damage = (what: string, count: number | undefined, remedy = KEEP): void =>
      find({ kind: 'damage', file, what, events: count, remedy });
    try {
      const { size } = await stat(path);
      const header = await headerOf(path);
      if (header === undefined) {
        // A kill may have ended the making of the newest.
        if (isLast && size < HEADER_BYTES_MAX) continue;
        damage(
          'has no readable header, and the store does not start with it',
          undefined,
          'Set it aside: vedette store check --repair, while no server runs.',
        );
        continue;
      }
      if (lastSeq !== undefined && header.firstSeq > lastSeq + 1)
        damage(
          'does not follow the segment before',
          header.firstSeq - lastSeq - 1,
          'Bring the missing segment back, if events of it are not in partitions yet.',
        );
      let [bad, missing, isTorn] = [0, 0, false];
      let next = header.firstSeq;
      const part = { path, from: header.bytes, to: size };
      const lines = readLines(part, (isEnd) => {
        if (isEnd) isTorn = true;
        else bad++;
      });
      for await (const block of lines) {
        for (const { line } of block) {
          if (line.seq > next) missing += line.seq - next;
          next = Math.max(next, line.seq + 1);
          firstSeq = Math.min(firstSeq, line.seq);
          events++;
        }
      }
      lastSeq = next - 1;
      if (bad > 0 && !(isLast && missing === 0))
        damage(`has ${bad} lines that are not what was written`, Math.max(bad, missing));
      else if (missing > 0) damage('misses numbers', missing);
      else if ((isTorn || bad > 0) && !isLive) {
        const remedy = 'Nothing, if the process was killed: what it had not acknowledged is cut off at the next start.';
        find({
          kind: isLast ? 'note' : 'damage',
          file,
          what: 'ends in the middle of a line, or with lines that are not what was written',
          events: Math.max(bad, 1),
          remedy,
        });
      }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') continue;
      damage(`cannot be read: ${error instanceof Error ? error.message : String(error)}`, undefined);
    }
  }
  return { events, firstSeq };
}

async function headerOf(path: string): Promise<{ readonly firstSeq: number; readonly bytes: number } | undefined> {
  const file = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(HEADER_BYTES_MAX), 0, HEADER_BYTES_MAX, 0);
    const end = buffer.subarray(0, bytesRead).indexOf(0x0a);
    const text = buffer.toString('latin1', 0, Math.max(0, end));
    const firstSeq = /^\{"vedette":"event-log","version":[0-9]{1,6},"firstSeq":([0-9]{1,15})\}$/.exec(text)?.[1];
    return firstSeq === undefined ? undefined : { firstSeq: Number(firstSeq), bytes: end + 1 };
  } finally {
    await file.close();
  }
}
