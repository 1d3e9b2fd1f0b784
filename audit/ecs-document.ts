// The last step to a document: what the families of records filled in, the host, and the raw records as proof, as one line
// of JSON that stays below the longest line that ingest reads.
import { BULK_LINE_BYTES_MAX } from '../event/bulk.ts';
import { toNested } from '../event/document.ts';
import { isUtf8 } from './bytes.ts';
import { createClockText } from './clock-text.ts';
import { fragmentOfId } from './document-id.ts';
import { type Draft, fieldMembers } from './draft.ts';
import type { AuditEvent, AuditRecord, HostIdentity } from './event.ts';
import { arrayMember, jsonArray, jsonText, member, objectMember } from './json.ts';
import { lineOf } from './record.ts';

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
/** Events with less raw text than this cannot come near the longest line. */
const CAREFUL_FROM_CHARS = 512 * 1024;

/** Makes the JSON of a host's drafts. */
export function createDocumentWriter(host: HostIdentity): (draft: Draft, event: AuditEvent, stamp?: Stamp) => string {
  const frame: Frame = { host, clock: createClockText(), constant: constantMembers(host), arrays: createArrayTexts() };
  return (draft, event, stamp) => documentText(draft, event, stamp, frame);
}

interface Frame {
  readonly host: HostIdentity;
  readonly clock: (timeMs: number) => string;
  readonly constant: string;
  readonly arrays: (texts: readonly string[]) => string;
}

function documentText(draft: Draft, event: AuditEvent, stamp: Stamp | undefined, frame: Frame): string {
  const { clock, arrays } = frame;
  const original = originalOf(event.records);
  let incomplete = event.incomplete;
  if (draft.incomplete.length > 0) incomplete = [...incomplete, ...draft.incomplete];
  if (original.text.length >= CAREFUL_FROM_CHARS) incomplete = [...incomplete, ...fitInto(draft, original.text)];
  const result =
    draft.outcome === 'unknown' ? '' : draft.outcome === 'success' ? ',"result":"success"' : ',"result":"fail"';
  return (
    `{"@timestamp":"${clock(event.timeMs)}","ecs":{"version":"${ECS_VERSION}"},` +
    `"event":{"kind":"event","module":"auditd","dataset":"auditd.log","category":${arrays(draft.category)},` +
    `"type":${arrays(draft.type)},"action":${jsonText(draft.action)},"outcome":"${draft.outcome}",` +
    `"code":${jsonText(draft.code)},"sequence":${event.serial}` +
    (stamp === undefined ? '' : `,"created":"${clock(stamp.createdMs)}"`) +
    member('reason', draft.errno) +
    `,"original":${JSON.stringify(original.text)}}` +
    objectMember('error', member('code', draft.errno)) +
    arrayMember('tags', draft.keys) +
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
    relatedText(draft) +
    `,"auditd":{"message_type":${jsonText(draft.messageType)}` +
    (draft.session === undefined || draft.session === '4294967295' || draft.session === '-1'
      ? ''
      : member('session', draft.session)) +
    result +
    summaryText(draft) +
    dataText(draft) +
    (draft.paths === '' ? '' : `,"paths":[${draft.paths}]`) +
    `}${objectMember('vedette', vedetteMembers({ event, incomplete, base64: original.base64, stamp, frame }))}}`
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
  const members = draft.data + fieldMembers(draft.fields);
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
  const { actor, object } = draft;
  const about =
    object === undefined
      ? objectMember('object', member('type', draft.objectType))
      : `,"object":{"primary":${jsonText(object)}${member('secondary', draft.objectAs)}${member('type', draft.objectType)}}`;
  const members = about + member('how', draft.how);
  if (actor === undefined) return objectMember('summary', members);
  return `,"summary":{"actor":{"primary":${jsonText(actor)}${member('secondary', draft.actorAs)}}${members}}`;
}

function vedetteMembers(of: {
  readonly event: AuditEvent;
  readonly incomplete: readonly string[];
  readonly base64: string | undefined;
  readonly stamp: Stamp | undefined;
  readonly frame: Frame;
}): string {
  const position = of.stamp?.position;
  return (
    (position === undefined ? '' : `,"position":${position}`) +
    arrayMember('incomplete', of.incomplete) +
    member('fragment_of', fragmentOfId(of.event, of.frame.host)) +
    member('original_base64', of.base64)
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

/** The raw records stay; what repeats them goes, the command line first. Returns what went. */
function fitInto(draft: Draft, original: string): readonly string[] {
  const left = BULK_LINE_BYTES_MAX - REST_BYTES_MAX - Buffer.byteLength(JSON.stringify(original));
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
