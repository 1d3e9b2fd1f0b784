// Auditbeat's documents back into audit records, where `include_raw_message` kept them: `event.original` is the raw lines, a list or
// one text. Our own documents are left as they are.
import { type EventDocument, fieldOf, textOf } from '../event/document.ts';
import type { AuditRecord } from './event.ts';
import type { LogOrigin } from './foreign-line.ts';
import { parseLine } from './record.ts';

/** Raw lines of one document. */
const LINES_MAX = 65_536;

/** The records of a document and whose they are, or undefined when it brings no raw records, or not only such. */
export function auditbeatRecords(
  document: EventDocument,
): { readonly records: readonly AuditRecord[]; readonly origin: LogOrigin } | undefined {
  const original = fieldOf(document, 'event.original');
  if (fieldOf(document, 'auditd') === undefined && textOf(document, 'event.module') !== 'auditd') return undefined;
  if (fieldOf(document, 'vedette') !== undefined || textOf(document, 'agent.type') === 'vedette') return undefined;
  const lines = typeof original === 'string' ? original.split('\n') : original;
  if (!Array.isArray(lines) || lines.length === 0 || lines.length > LINES_MAX) return undefined;
  const records: AuditRecord[] = [];
  for (const line of lines as readonly unknown[]) {
    const record = typeof line === 'string' ? parseLine(Buffer.from(line, 'utf8').toString('latin1')) : undefined;
    if (record === undefined) return undefined;
    records.push(record);
  }
  const id = textOf(document, 'host.id');
  const name = textOf(document, 'host.name') ?? textOf(document, 'host.hostname') ?? textOf(document, 'agent.hostname');
  return { records, origin: { id, name } };
}
