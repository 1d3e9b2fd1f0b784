// Looks through a whole `_bulk` body as collectors send it, without making anything of its lines but numbers: where each id and document
// stands, and what ingest has to know of it. So it can be done in a thread of its own and told in one message. Of a body in which
// anything is unusual it says nothing: that one is read line by line (bulk-reader.ts), to the same end. Pure.
import { isUtf8 } from 'node:buffer';
import { BULK_LIMITS, type BulkDocument, plainIdIn, ScannedBulkDocument, VALUE_BYTES } from './bulk-reader.ts';
import { createDocumentScanner } from './document-scan.ts';

/** The events of a body, a row of {@link WHOLES} and one of {@link TIMES} each. */
export interface ScannedBody {
  readonly bytes: Buffer;
  readonly events: number;
  readonly wholes: Int32Array;
  readonly times: Float64Array;
}

/** Where the id and the line stand, then what a `ScannedDocument` says in whole numbers. */
const WHOLES = 9;
/** `@timestamp` and `event.created`. */
const TIMES = 2;
const NEWLINE = 10;
const EVENTS_FIRST = 4_096;

export type BodyScan = (bytes: Buffer) => ScannedBody | undefined;

/** A scanner; what it answers holds until it is asked again. */
export function createBodyScan(): BodyScan {
  const scanner = createDocumentScanner();
  let wholes = new Int32Array(EVENTS_FIRST * WHOLES);
  let times = new Float64Array(EVENTS_FIRST * TIMES);

  const grow = (): void => {
    const largerWholes = new Int32Array(2 * wholes.length);
    largerWholes.set(wholes);
    wholes = largerWholes;
    const largerTimes = new Float64Array(2 * times.length);
    largerTimes.set(times);
    times = largerTimes;
  };

  return (bytes) => {
    let events = 0;
    let values = 0;
    let at = 0;
    while (at < bytes.length) {
      const actionEnd = bytes.indexOf(NEWLINE, at);
      const lineEnd = actionEnd < 0 ? -1 : bytes.indexOf(NEWLINE, actionEnd + 1);
      if (lineEnd < 0 || events === BULK_LIMITS.itemsMax) return undefined;
      const id = plainIdIn(bytes, at, actionEnd);
      if (id === undefined || !scanner.look(bytes, actionEnd + 1, lineEnd)) return undefined;
      if ((events + 1) * WHOLES > wholes.length) grow();
      const row = events * WHOLES;
      wholes[row] = id.from;
      wholes[row + 1] = id.to;
      wholes[row + 2] = actionEnd + 1;
      wholes[row + 3] = lineEnd;
      wholes[row + 4] = scanner.hostIdFrom;
      wholes[row + 5] = scanner.hostIdTo;
      wholes[row + 6] = scanner.hasHostName ? 1 : 0;
      wholes[row + 7] = scanner.eventEnd;
      wholes[row + 8] = scanner.values;
      times[events * TIMES] = scanner.timestampMs;
      times[events * TIMES + 1] = scanner.createdMs;
      values += scanner.values;
      events++;
      at = lineEnd + 1;
    }
    // What has more values than its bytes tell of weighs more in memory too: that is for who counts it as it is read.
    if (values > BULK_LIMITS.valuesMax || values * VALUE_BYTES > bytes.length || !isUtf8(bytes)) return undefined;
    return { bytes, events, wholes: wholes.subarray(0, events * WHOLES), times: times.subarray(0, events * TIMES) };
  };
}

/** The events as the line-by-line reader gives them. */
export function documentsOfBody({ bytes, events, wholes, times }: ScannedBody): readonly BulkDocument[] {
  const documents: BulkDocument[] = [];
  const whole = (place: number): number => wholes[place] ?? 0;
  for (let event = 0; event < events; event++) {
    const row = event * WHOLES;
    const id = bytes.toString('latin1', whole(row), whole(row + 1));
    const scanned = {
      line: bytes.subarray(whole(row + 2), whole(row + 3)),
      timestampMs: times[event * TIMES] ?? 0,
      createdMs: times[event * TIMES + 1] ?? 0,
      hostIdFrom: whole(row + 4),
      hostIdTo: whole(row + 5),
      hasHostName: whole(row + 6) === 1,
      eventEnd: whole(row + 7),
      values: whole(row + 8),
    };
    documents.push(new ScannedBulkDocument('create', undefined, id, scanned));
  }
  return documents;
}
