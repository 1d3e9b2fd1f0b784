// Admits what collectors send without taking it apart: ingest adds one field to it, `event.ingested`, and that goes between the sender's
// own bytes. Where admission.ts would do anything else, or refuse, it is left to that. So what is stored is the same either way.
import type { EventDocument, NewEvent } from '../event/document.ts';
import { belongsToHost } from '../event/id.ts';
import { type Admission, SERVER_BOOT_ID } from './admission.ts';
import type { ScannedDocument } from './document-scan.ts';

/** A document's line, looked through. */
export interface ScannedLine extends ScannedDocument {
  readonly line: Buffer;
}

export type QuickAdmission = (id: string, scanned: ScannedLine) => NewEvent | undefined;

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
    const json = Buffer.allocUnsafe(line.length + ingested.length);
    line.copy(json, 0, 0, eventEnd);
    ingested.copy(json, eventEnd);
    line.copy(json, eventEnd + ingested.length, eventEnd);
    return new EncodedEvent(id, json, timestampMs);
  };
}

/** Parsed only where somebody asks for the document. */
class EncodedEvent implements NewEvent {
  readonly id: string;
  readonly encoded: { readonly json: Buffer; readonly timestampMs: number };
  #document: EventDocument | undefined;

  constructor(id: string, json: Buffer, timestampMs: number) {
    this.id = id;
    this.encoded = { json, timestampMs };
  }
  get document(): EventDocument {
    this.#document ??= JSON.parse(this.encoded.json.toString('utf8')) as EventDocument;
    return this.#document;
  }
}
