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
export const ECS_VERSION = '8.17.0';

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
  const incomplete = [...event.incomplete, ...draft.incomplete];
  fitInto(draft, original.text, incomplete);
  const result =
    draft.outcome === 'unknown' ? '' : draft.outcome === 'success' ? ',"result":"success"' : ',"result":"fail"';
  return (
    `{"@timestamp":"${clock(event.timeMs)}","ecs":{"version":"${ECS_VERSION}"},` +
    `"event":{"kind":"event","module":"auditd","dataset":"auditd.log","category":${arrays(draft.category)},` +
    `"type":${arrays(draft.type)},"action":${jsonText(draft.action)},"outcome":"${draft.outcome}",` +
    `"code":${jsonText(draft.code)},"sequence":${event.serial}` +
    (stamp === undefined ? '' : `,"created":"${clock(stamp.createdMs)}"`) +
    member('reason', draft.errno) +
    `,"original":${jsonText(original.text)}}` +
    objectMember('error', member('code', draft.errno)) +
    arrayMember('tags', draft.keys) +
    frame.constant +
    objectMember('process', draft.process + draft.args + draft.commandLine + objectMember('parent', draft.parent)) +
    objectMember('user', draft.user) +
    objectMember('file', draft.file) +
    objectMember('source', draft.source) +
    objectMember('destination', draft.destination) +
    objectMember('network', draft.network) +
    objectMember('service', draft.service) +
    objectMember('related', arrayMember('user', draft.userNames) + arrayMember('ip', draft.addresses)) +
    `,"auditd":{"message_type":${jsonText(draft.messageType)}` +
    (draft.session === undefined || draft.session === '4294967295' || draft.session === '-1'
      ? ''
      : member('session', draft.session)) +
    result +
    objectMember('summary', summaryMembers(draft)) +
    objectMember('data', draft.data + fieldMembers(draft.fields)) +
    (draft.paths === '' ? '' : `,"paths":[${draft.paths}]`) +
    `}${objectMember('vedette', vedetteMembers({ event, incomplete, base64: original.base64, stamp, frame }))}}`
  );
}

function summaryMembers(draft: Draft): string {
  return (
    objectMember('actor', member('primary', draft.actor) + member('secondary', draft.actorAs)) +
    objectMember(
      'object',
      member('primary', draft.object) + member('secondary', draft.objectAs) + member('type', draft.objectType),
    ) +
    member('how', draft.how)
  );
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

/** The raw records stay; what repeats them goes, the command line first. */
function fitInto(draft: Draft, original: string, incomplete: string[]): void {
  if (original.length < CAREFUL_FROM_CHARS) return;
  const left = BULK_LINE_BYTES_MAX - REST_BYTES_MAX - Buffer.byteLength(jsonText(original));
  const args = Buffer.byteLength(draft.args);
  if (args + Buffer.byteLength(draft.commandLine) <= left) return;
  draft.commandLine = '';
  incomplete.push('command-line-too-long');
  if (args <= left) return;
  draft.args = '';
  incomplete.push('arguments-too-long');
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
