// A shipper's document that brings audit records: whole (go-audit, laurel, the journal, Auditbeat with raw messages) or as raw lines in
// one text, as rsyslog, Filebeat, Vector and Fluent Bit hand on what they read. Everything else is none of ours and stays as it is.
// Pure, and safe with any document.
import { type EventDocument, fieldOf } from '../event/document.ts';
import type { AuditRecord } from './event.ts';
import { withSeparator } from './foreign-enrichment.ts';
import { isProgramOfAudit, type LogOrigin, readForeignLine, readForeignValue } from './foreign-line.ts';
import { EOE } from './tables/record-type.ts';

export interface ForeignRecords {
  readonly records: readonly AuditRecord[];
  /** What the lines, or else the document, say of the host that they are from. */
  readonly origin: LogOrigin;
}

/** Where shippers put the line that they read; the first that is text is it. */
const LINE_FIELDS: readonly string[] = ['message', 'msg', 'MESSAGE', 'log', 'event.original'];
/** Where they say which program wrote it. */
const PROGRAM_FIELDS: readonly string[] = [
  'programname',
  'syslogtag',
  'app-name',
  'appname',
  'ident',
  'process.name',
  'log.syslog.appname',
  'SYSLOG_IDENTIFIER',
];
/** Where they say whose it is. */
const NAME_FIELDS: readonly string[] = [
  'host.name',
  'host.hostname',
  'hostname',
  'host',
  'agent.hostname',
  '_HOSTNAME',
];
/** Lines of one document. */
const LINES_MAX = 65_536;
const NAME_CHARS_MAX = 255;

/** The records of a document; undefined for one that is not, as a whole, audit records. */
export function recordsOfDocument(document: EventDocument): ForeignRecords | undefined {
  const whole = readForeignValue(document);
  if (whole.kind === 'records') return { records: whole.records, origin: whole.origin ?? nameIn(document) };
  const text = firstText(document, LINE_FIELDS);
  if (text === undefined || !mayHoldRecords(text)) return undefined;
  const program = firstText(document, PROGRAM_FIELDS);
  if (program !== undefined && !isProgramOfAudit(program)) return undefined;
  const records: AuditRecord[] = [];
  let origin: LogOrigin | undefined;
  let found = 0;
  const lines = text.split('\n');
  if (lines.length > LINES_MAX) return undefined;
  for (const line of lines) {
    if (line === '' || line === '\r') continue;
    const read = readForeignLine(withSeparator(Buffer.from(line.trim(), 'utf8').toString('latin1')));
    if (read.kind !== 'records') return undefined;
    origin ??= read.origin;
    found += 1;
    for (const record of read.records) {
      // An end that came by itself says nothing where lines keep no order; kernel-order.ts knows a whole event.
      if (record.type !== EOE || read.records.length > 1) records.push(record);
    }
  }
  return found === 0 ? undefined : { records, origin: origin ?? nameIn(document) };
}

/** Cheap, for all the documents that are none: no regular expression meets a stranger's text before it. */
function mayHoldRecords(text: string): boolean {
  return text.includes('audit(') || (text.trimStart().startsWith('{') && /"(?:messages|ID|_AUDIT_ID)"/.test(text));
}

function nameIn(document: EventDocument): LogOrigin {
  return { name: firstText(document, NAME_FIELDS)?.slice(0, NAME_CHARS_MAX) };
}

function firstText(document: EventDocument, fields: readonly string[]): string | undefined {
  for (const field of fields) {
    const value = fieldOf(document, field);
    if (typeof value === 'string' && value !== '') return value;
  }
  return undefined;
}
