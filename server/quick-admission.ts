// Admits what collectors send without taking it apart: ingest adds one field to it, `event.ingested`, and that goes between the sender's
// own bytes. Where admission.ts would do anything else, or refuse, it is left to that. So what is stored is the same either way.
import type { EncodedDocument, EventDocument, NewEvent } from '../event/document.ts';
import { belongsToHost } from '../event/id.ts';
import { type Admission, SERVER_BOOT_ID } from './admission.ts';
import type { ScannedDocument } from './document-scan.ts';

export type QuickAdmission = (id: string, scanned: ScannedDocument) => NewEvent | undefined;

/** For the events of one request; undefined where none can be admitted so. */
export function quickAdmission({ hostId, hostName, nowMs }: Admission): QuickAdmission | undefined {
  if (hostId === undefined) return undefined;
  const hostBytes = Buffer.from(hostId);
  const ownIds = `${hostId}.${SERVER_BOOT_ID}.`;
  const ingested = Buffer.from(`,"ingested":"${new Date(nowMs).toISOString()}"`);
  return (id, { line, eventEnd, hostIdFrom, hostIdTo, hasHostName, createdMs, timestampMs }) => {
    if (!belongsToHost(id, hostId) || id.startsWith(ownIds)) return undefined;
    if (
      hostIdTo - hostIdFrom !== hostBytes.length ||
      line.compare(hostBytes, 0, hostBytes.length, hostIdFrom, hostIdTo) !== 0
    )
      return undefined;
    if ((hostName !== undefined && !hasHostName) || createdMs > nowMs) return undefined;
    return new EncodedEvent(id, { line, insertAt: eventEnd, insert: ingested, timestampMs, createdMs });
  };
}

/** Parsed only where somebody asks for the document. */
class EncodedEvent implements NewEvent {
  readonly id: string;
  readonly encoded: EncodedDocument;
  #document: EventDocument | undefined;

  constructor(id: string, encoded: EncodedDocument) {
    this.id = id;
    this.encoded = encoded;
  }
  get document(): EventDocument {
    const { line, insertAt, insert } = this.encoded;
    this.#document ??= JSON.parse(
      Buffer.concat([line.subarray(0, insertAt), insert, line.subarray(insertAt)]).toString('utf8'),
    ) as EventDocument;
    return this.#document;
  }
}
