// The last step to a document: what the families of records filled in, the host, and the raw records as proof, as one line
// of JSON that stays below the longest line that ingest reads.
import { BULK_LINE_BYTES_MAX } from '../event/bulk.ts';
import { toNested } from '../event/document.ts';
import { isUtf8 } from './bytes.ts';
import { createClockText } from './clock-text.ts';
import { fragmentOfId } from './document-id.ts';
import { type Draft, fieldMembers } from './draft.ts';
import type { AuditEvent, AuditRecord, HostIdentity } from './event.ts';
import { arrayMember, flat, jsonArray, jsonText, member, objectMember } from './json.ts';
import { createMessageWriter } from './message.ts';
import { lineOf } from './record.ts';
import { type LeadText, sessionMember } from './syscall-record.ts';
import { actorMember } from './user.ts';

/** The version of the Elastic Common Schema that documents follow. */
const ECS_VERSION = '8.17.0';

/** What the collector knows when an event is complete. */
export interface Stamp {
  /** `event.created`. */
  readonly createdMs: number;
  /** `vedette.position`; left out where there is none (imports). */
  readonly position?: number;
}

/** Beside its long texts a document is smaller than this. */
const REST_BYTES_MAX = 1024 * 1024;
/** Events whose raw text is shorter, escaped, cannot come near the longest line. */
const CAREFUL_FROM_CHARS = 512 * 1024;

/** Makes the JSON of a host's drafts. */
export function createDocumentWriter(host: HostIdentity): (draft: Draft, event: AuditEvent, stamp?: Stamp) => string {
  const frame: Frame = {
    host,
    clock: createClockText(),
    constant: constantMembers(host),
    arrays: createArrayTexts(),
    message: createMessageWriter(),
  };
  return (draft, event, stamp) => documentText(draft, event, stamp, frame);
}

interface Frame {
  readonly host: HostIdentity;
  readonly clock: (timeMs: number) => string;
  readonly constant: string;
  readonly arrays: (texts: readonly string[]) => string;
  readonly message: (draft: Draft) => string;
}

function documentText(draft: Draft, event: AuditEvent, stamp: Stamp | undefined, frame: Frame): string {
  const { clock } = frame;
  const { call } = draft;
  let { original } = draft;
  let base64: string | undefined;
  if (original === undefined) {
    const told = originalOf(event.records);
    original = JSON.stringify(told.text).slice(1, -1);
    base64 = told.base64;
  } else {
    // The first record's line begins without the end of another.
    original = original.slice(LINE_END.length);
  }
  let incomplete = event.incomplete;
  if (draft.incomplete.length > 0) incomplete = [...incomplete, ...draft.incomplete];
  if (original.length >= CAREFUL_FROM_CHARS) incomplete = [...incomplete, ...fitInto(draft, original)];
  return (
    `{"@timestamp":"${clock(event.timeMs)}"${leadOf(draft, frame)}${event.serial}` +
    (stamp === undefined ? '' : `,"created":"${clock(stamp.createdMs)}"`) +
    `,"original":"${original}"}` +
    frame.message(draft) +
    (call === undefined ? arrayMember('tags', draft.keys) : call.record.tail.tagsMember) +
    frame.constant +
    processText(draft) +
    draft.surroundings +
    draft.user +
    objectMember('file', draft.file) +
    objectMember('source', draft.source) +
    objectMember('destination', draft.destination) +
    objectMember('network', draft.network) +
    objectMember('service', draft.service) +
    objectMember('group', draft.group) +
    (call === undefined || draft.addresses.length > 0 ? relatedText(draft) : call.user.relatedMember) +
    auditdText(draft) +
    `}${vedetteText({ event, incomplete, base64, stamp, frame })}}`
  );
}

const LINE_END = '\\n';

/** The document between its time and the event's serial: the same for every such call with such an end. */
function leadOf(draft: Draft, frame: Frame): string {
  const { call, action, type, outcome, errno } = draft;
  if (call === undefined) return flatLead(draft, frame);
  const { texts } = call.record.head;
  for (let at = 0; at < texts.length; at++) {
    const text = texts[at] as LeadText;
    if (text.type === type && text.outcome === outcome && text.errno === errno && text.action === action)
      return text.json;
  }
  const json = flat(flatLead(draft, frame));
  if (texts.length < LEADS_MAX) texts.push({ action, type, outcome, errno, json });
  return json;
}

/** Texts that are kept of one call: its outcomes, by what it made of the file, and by errno. */
const LEADS_MAX = 64;

function flatLead(draft: Draft, { arrays }: Frame): string {
  return (
    `,"ecs":{"version":"${ECS_VERSION}"}${objectMember('error', member('code', draft.errno))}` +
    `,"event":{"kind":"event","module":"auditd","dataset":"auditd.log","category":${arrays(draft.category)},` +
    `"type":${arrays(draft.type)},"action":${jsonText(draft.action)},"outcome":"${draft.outcome}",` +
    `"code":${jsonText(draft.code)}${member('reason', draft.errno)},"sequence":`
  );
}

function auditdText(draft: Draft): string {
  const { call } = draft;
  return (
    `,"auditd":{"message_type":"${call === undefined ? JSON.stringify(draft.messageType).slice(1, -1) : 'syscall'}"` +
    (call === undefined ? sessionMember(draft.session) : call.record.tail.sessionMember) +
    (draft.outcome === 'unknown' ? '' : draft.outcome === 'success' ? ',"result":"success"' : ',"result":"fail"') +
    summaryText(draft) +
    dataText(draft) +
    (draft.paths === '' ? '' : `,"paths":[${draft.paths}]`)
  );
}

// Where the first member is known to be there, it stands without a comma: cutting one off a long text copies it.

function processText(draft: Draft): string {
  const { pid, ppid } = draft;
  const parent = ppid === undefined ? objectMember('parent', draft.parent) : `,"parent":{"pid":${ppid}${draft.parent}}`;
  const members = draft.process + draft.args + draft.commandLine + parent;
  return pid === undefined ? objectMember('process', members) : `,"process":{"pid":${pid}${members}}`;
}

function dataText(draft: Draft): string {
  const members = draft.fields === undefined ? draft.data : draft.data + fieldMembers(draft.fields);
  const { architecture } = draft;
  return architecture === undefined
    ? objectMember('data', members)
    : `,"data":{"arch":${jsonText(architecture)}${members}}`;
}

function relatedText({ relatedUsers, addresses }: Draft): string {
  if (relatedUsers === '') return objectMember('related', arrayMember('ip', addresses));
  return `,"related":{"user":${relatedUsers}${arrayMember('ip', addresses)}}`;
}

function summaryText(draft: Draft): string {
  const { actor, object, call } = draft;
  const about =
    object === undefined
      ? objectMember('object', member('type', draft.objectType))
      : `,"object":{"primary":${jsonText(object)}${member('secondary', draft.objectAs)}${member('type', draft.objectType)}}`;
  const members = about + member('how', draft.how);
  if (call !== undefined) return `,"summary":{${call.user.actorMember}${members}}`;
  if (actor === undefined) return objectMember('summary', members);
  return `,"summary":{${actorMember(actor, draft.actorAs)}${members}}`;
}

function vedetteText(of: {
  readonly event: AuditEvent;
  readonly incomplete: readonly string[];
  readonly base64: string | undefined;
  readonly stamp: Stamp | undefined;
  readonly frame: Frame;
}): string {
  const { event, stamp } = of;
  const position = stamp?.position;
  if (position !== undefined && of.incomplete.length === 0 && !event.isFragment && of.base64 === undefined)
    return `,"vedette":{"position":${position}}`;
  return objectMember(
    'vedette',
    (position === undefined ? '' : `,"position":${position}`) +
      arrayMember('incomplete', of.incomplete) +
      member('fragment_of', fragmentOfId(event, of.frame.host)) +
      member('original_base64', of.base64),
  );
}

/** The records as text; in base64 besides where they are not UTF-8, since then the text only shows them. */
function originalOf(records: readonly AuditRecord[]): { readonly text: string; readonly base64: string | undefined } {
  let latin1 = '';
  for (let at = 0; at < records.length; at++) {
    const record = records[at];
    if (record !== undefined) latin1 += at === 0 ? lineOf(record) : `\n${lineOf(record)}`;
  }
  // As UTF-8 only ASCII keeps its length.
  if (Buffer.byteLength(latin1, 'utf8') === latin1.length) return { text: latin1, base64: undefined };
  const bytes = Buffer.from(latin1, 'latin1');
  if (isUtf8(bytes)) return { text: bytes.toString('utf8'), base64: undefined };
  return { text: bytes.toString('utf8'), base64: bytes.toString('base64') };
}

/** `original` is escaped. The raw records stay; what repeats them goes, the command line first. Returns what went. */
function fitInto(draft: Draft, original: string): readonly string[] {
  const left = BULK_LINE_BYTES_MAX - REST_BYTES_MAX - Buffer.byteLength(original);
  const args = Buffer.byteLength(draft.args);
  if (args + Buffer.byteLength(draft.commandLine) <= left) return [];
  draft.commandLine = '';
  if (args <= left) return ['command-line-too-long'];
  draft.args = '';
  return ['command-line-too-long', 'arguments-too-long'];
}

/** `host` and `agent`, the same in every document. */
function constantMembers(host: HostIdentity): string {
  const nested = toNested({
    ...(host.agent === undefined ? {} : { agent: host.agent }),
    host: { ...host.host, id: host.id, name: host.name, ...(host.bootId === '' ? {} : { boot: { id: host.bootId } }) },
  });
  return `,${JSON.stringify(nested).slice(1, -1)}`;
}

/** JSON of the tables' constant arrays, made once each. */
function createArrayTexts(): (texts: readonly string[]) => string {
  const known = new WeakMap<readonly string[], string>();
  return (texts) => {
    let json = known.get(texts);
    if (json === undefined) {
      json = jsonArray(texts);
      known.set(texts, json);
    }
    return json;
  };
}
