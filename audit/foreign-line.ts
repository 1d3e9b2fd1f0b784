// One line of somebody's log, recognised by itself and read into audit records where it holds any:
//
//   [node=NAME ]type=… msg=audit(…): …            auditd's audit.log, raw or enriched; ausearch's raw and default output
//   Nov 22 10:00:00 web-7 audispd: type=…          the same behind a syslog head; the kernel's `audit: type=1400 audit(…): …`
//   {"sequence":…,"timestamp":"…","messages":[…]}  go-audit              {"ID":"…","SYSCALL":{…}}        laurel
//   {"_TRANSPORT":"audit","_AUDIT_TYPE":"1300",…}  the journal            {"@timestamp":…,"auditd":{…}}   Auditbeat
//   {"@timestamp":…}, {"create":{…}}               ECS documents, bare or as the body of Elasticsearch's _bulk
//
// Pure, and safe with any bytes: what it cannot read it refuses with a reason.
import { type EventDocument, isPlainObject } from '../event/document.ts';
import type { AuditRecord } from './event.ts';
import { auditbeatRecords } from './foreign-auditbeat.ts';
import { goAuditRecords, isGoAudit } from './foreign-go-audit.ts';
import { isJournal, journalRecord } from './foreign-journal.ts';
import { isLaurel, laurelRecords } from './foreign-laurel.ts';
import { parseLine, recordFrom } from './record.ts';
import { EOE, isAlone } from './tables/record-type.ts';

/** What a line says of the host that it is from. */
export interface LogOrigin {
  readonly name?: string | undefined;
  /** `host.id` of a document. */
  readonly id?: string | undefined;
  readonly machineId?: string | undefined;
  readonly bootId?: string | undefined;
}

export type ForeignLine =
  /** `origin` where the line says more of its host than `node=`. */
  | { readonly kind: 'records'; readonly records: readonly AuditRecord[]; readonly origin?: LogOrigin }
  /** An ECS document without raw records. */
  | { readonly kind: 'document'; readonly document: EventDocument }
  /** The first of two lines of a `_bulk` body. */
  | { readonly kind: 'action'; readonly id: unknown }
  /** Nothing to be read, and nothing missed: an empty line, a separator of ausearch. */
  | { readonly kind: 'nothing' }
  | { readonly kind: 'refused'; readonly reason: string };

/** Objects and arrays of a line may nest so deep; a dotted name counts as its parts. Ingest asks for less and says so itself. */
export const NESTING_MAX = 100;

const NOTHING: ForeignLine = { kind: 'nothing' };
const EXPECTED = 'not an audit record: `type=NAME msg=audit(SECONDS.MS:SERIAL): …` expected';
const INTERPRETED =
  'interpreted output of `ausearch -i`: it no longer holds what the kernel wrote. Export it by `ausearch --raw` instead';

/** Reads a line in latin1 (one character a byte) without its line ending. */
export function readForeignLine(line: string): ForeignLine {
  const record = parseLine(line);
  if (record !== undefined) return { kind: 'records', records: [record] };
  if (line.startsWith('{')) return readJson(line);
  if (isBlank(line) || line === '----' || line === '<no matches>' || /^time->.{1,64}$/.test(line)) return NOTHING;
  if (IS_INTERPRETED.test(line)) return refused(INTERPRETED);
  return readSyslog(line) ?? refused(EXPECTED);
}

/** `msg=audit(11/21/2026 10:00:00.123:456)`, in whatever order the locale has. */
const IS_INTERPRETED =
  /^(?:node=\S{1,255} )?type=\S{1,32} msg=audit\([0-9.-]{2,}[/.-][0-9]{2,4}[^)]{0,64}:[0-9]{1,10}\) ?:/;

function isBlank(line: string): boolean {
  return line.length < 1024 && line.trim() === '';
}

function refused(reason: string): ForeignLine {
  return { kind: 'refused', reason };
}

function readJson(line: string): ForeignLine {
  const value = parsed(line);
  if (!isPlainObject(value)) return refused('not a JSON object');
  if (isDeeperThan(value, NESTING_MAX)) return refused(`nested deeper than ${NESTING_MAX}`);
  const action = value['create'] ?? value['index'];
  if (isPlainObject(action) && Object.keys(value).length === 1) return { kind: 'action', id: action['_id'] };
  return readForeignValue(value);
}

/** Reads a JSON object of one event: a whole line, or the document that a shipper made of it. */
export function readForeignValue(value: EventDocument): ForeignLine {
  if (isGoAudit(value)) {
    const records = goAuditRecords(value);
    const reason = 'not a go-audit event: `timestamp`, `sequence` and `messages` of type and data expected';
    return records === undefined ? refused(reason) : { kind: 'records', records: ended(records) };
  }
  if (isLaurel(value)) {
    const records = laurelRecords(value);
    if (records === undefined) return refused('not a laurel event: no record in it');
    return { kind: 'records', records: ended(records), ...originOf(value['NODE']) };
  }
  if (isJournal(value)) return readJournal(value);
  const raw = auditbeatRecords(value);
  if (raw !== undefined) return { kind: 'records', records: ended(raw.records), origin: raw.origin };
  return { kind: 'document', document: value };
}

function readJournal(entry: EventDocument): ForeignLine {
  if (entry['_AUDIT_TYPE'] === undefined) return NOTHING;
  const read = journalRecord(entry);
  if (read === undefined) return refused('not an audit entry of the journal: type, id, stamp and message expected');
  return { kind: 'records', records: [read.record], origin: read.origin };
}

function originOf(node: unknown): { readonly origin?: LogOrigin } {
  return typeof node === 'string' && node !== '' ? { origin: { name: node.slice(0, 255) } } : {};
}

/** The records of whole events with the end that the kernel gives them, so that none of them waits for more. */
function ended(records: readonly AuditRecord[]): readonly AuditRecord[] {
  const ends = new Map<string, AuditRecord>();
  for (const record of records) {
    if (isAlone(record.type)) continue;
    const head = record.text.slice(0, record.text.indexOf(')') + 1);
    const key = `${record.node ?? ''} ${head}`;
    if (record.type === EOE || !ends.has(key)) ends.set(key, { ...record, type: EOE, text: `${head}: ` });
  }
  return [...records.filter(({ type }) => type !== EOE), ...ends.values()];
}

/** Programs that hand on audit records by syslog. Anybody on a host can write in their name: docs/operations.md says so. */
const TAGS = 'audispd|audisp-syslog|audisp-remote|auditd|audit|kernel';
const PROGRAM = new RegExp(`^(?:${TAGS}|laurel|go-audit)(?:\\[[0-9]{1,10}\\])?:?$`);

/** True of the name (or syslog tag) of a program that hands on audit records. */
export function isProgramOfAudit(name: string): boolean {
  return name.length <= 64 && PROGRAM.test(name.trim());
}

/** `<13>Nov 22 10:00:00 web-7 tag[1]: ` or `2026-11-22T10:00:00.1+00:00 web-7 tag: `, with or without priority and version. */
const SYSLOG = new RegExp(
  `^(?:<[0-9]{1,3}>[0-9]? ?)?(?:[A-Z][a-z]{2} [ 0-9][0-9] [0-9:]{8}|[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9:.,]{8,18}(?:Z|[+-][0-9:]{4,6})?) ([A-Za-z0-9_.:-]{1,255}) (?:${TAGS})(?:\\[[0-9]{1,10}\\])?: `,
);
/** `[   12.345] audit: type=1400 audit(…): …`: what the kernel prints where nobody listens. */
const PRINTED = /^(?:\[ *[0-9]+\.[0-9]+\] )?audit: type=([0-9]{1,5}) (audit\(.*)$/s;

function readSyslog(line: string): ForeignLine | undefined {
  const head = SYSLOG.exec(line.slice(0, 512));
  const rest = head === null ? line : line.slice(head[0].length);
  const printed = PRINTED.exec(rest);
  const origin = originOf(head?.[1]);
  if (printed !== null) {
    const record = recordFrom(Number(printed[1]), printed[2] ?? '');
    return record === undefined || Number(printed[1]) > 0xffff
      ? undefined
      : { kind: 'records', records: [record], ...origin };
  }
  if (head === null) return undefined;
  // Some relays drop the `type=` line's leading node, some put a blank before it.
  const record = parseLine(rest.trimStart());
  if (record === undefined) return undefined;
  return { kind: 'records', records: [record], ...(record.node === undefined ? origin : {}) };
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(Buffer.from(line, 'latin1').toString('utf8'));
  } catch {
    return undefined;
  }
}

function isDeeperThan(value: unknown, depth: number): boolean {
  if (depth < 0) return true;
  if (Array.isArray(value)) return value.some((each) => isDeeperThan(each, depth - 1));
  if (!isPlainObject(value)) return false;
  return Object.entries(value).some(([name, inner]) => isDeeperThan(inner, depth - name.split('.').length));
}
