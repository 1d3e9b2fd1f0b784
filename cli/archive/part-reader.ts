// Reads the events of one part of an archive, line by line. A part may come from anywhere: lines are bounded, the unpacked size is that
// of the list, and whatever is no event is told by its place.
import { join } from 'node:path';
import { BULK_LINE_BYTES_MAX } from '../../event/bulk.ts';
import { type EventDocument, isPlainObject } from '../../event/document.ts';
import { readLines } from '../import/lines.ts';
import { ArchiveDamaged, type ArchivePart } from './archive.ts';

/** What stands around a document in its line. */
const ENVELOPE_BYTES_MAX = 8 * 1024;

export type ArchiveLine =
  | {
      readonly kind: 'event';
      readonly line: number;
      readonly id: string;
      readonly document: EventDocument;
      readonly json: string;
    }
  | { readonly kind: 'rejected'; readonly line: number; readonly reason: string };

/** The events of a part, in batches. Throws {@link ArchiveDamaged} where it does not hold what the list says. */
export async function* readPart(folder: string, part: ArchivePart): AsyncGenerator<readonly ArchiveLine[]> {
  let [bytes, lines] = [0, 0];
  try {
    for await (const batch of readLines(join(folder, part.name), BULK_LINE_BYTES_MAX + ENVELOPE_BYTES_MAX)) {
      const read: ArchiveLine[] = [];
      for (const { number, bytes: line } of batch) {
        lines += 1;
        bytes += (line?.length ?? BULK_LINE_BYTES_MAX) + 1;
        if (bytes > part.bytes || lines > part.events)
          throw new ArchiveDamaged(`${part.name} holds more than the list says (${part.events} events)`);
        read.push(
          line === undefined ? { kind: 'rejected', line: number, reason: 'is too long' } : lineOf(line, number),
        );
      }
      yield read;
    }
  } catch (error) {
    if (error instanceof ArchiveDamaged) throw error;
    throw new ArchiveDamaged(
      `${part.name} cannot be unpacked: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
  if (lines !== part.events) throw new ArchiveDamaged(`${part.name} holds ${lines} events instead of ${part.events}`);
}

function lineOf(bytes: Buffer, line: number): ArchiveLine {
  const text = bytes.toString('utf8');
  try {
    const value: unknown = JSON.parse(text);
    const id = isPlainObject(value) && Object.hasOwn(value, '_id') ? value['_id'] : undefined;
    const document = isPlainObject(value) && Object.hasOwn(value, '_source') ? value['_source'] : undefined;
    if (typeof id !== 'string' || !isPlainObject(document))
      return { kind: 'rejected', line, reason: 'is no event: {"_id":"…","_source":{…}} is expected' };
    return { kind: 'event', line, id, document, json: JSON.stringify(document) };
  } catch {
    // No JSON, or nested so deep that nobody can write it again.
    return { kind: 'rejected', line, reason: 'is no JSON' };
  }
}
