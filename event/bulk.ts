// The wire format: Elasticsearch's `_bulk` body, `create` only. Two lines an event, each ended by a newline:
//
//   {"create":{"_id":"HOST.BOOT.TIME.SERIAL.CRC"}}
//   {"@timestamp":"…", …}
//
// The collector writes it, the server's ingest reads it, and so can any shipper that speaks to Elasticsearch.

/** The longest line that ingest reads, bytes: an exec with 2 MiB of arguments, hex-encoded, thrice told, fits. */
export const BULK_LINE_BYTES_MAX: number = 16 * 1024 * 1024;
/** The largest `_bulk` body that ingest reads after decompression, bytes. */
export const BULK_BODY_BYTES_MAX: number = 64 * 1024 * 1024;

/** The two lines of one event. `documentJson` is one line of JSON without a newline. */
export function bulkLines(id: string, documentJson: string): string {
  return `{"create":{"_id":${JSON.stringify(id)}}}\n${documentJson}\n`;
}

/** {@link bulkLines} for an id that needs no escaping, as audit events' ids do not (event/id.ts). */
export function bulkLinesOfPlainId(id: string, documentJson: string): string {
  return `{"create":{"_id":"${id}"}}\n${documentJson}\n`;
}
