// What auditd, and who reads after it, adds to a record beside the kernel's bytes: names for ids, after 0x1D, upper case. They
// are the only names that another host's lines may have, and they are no part of an event's identity: the same event read from the
// socket, from a raw log and from an enriched one has one id.
import type { AuditRecord, HostKnowledge } from './event.ts';
import { enrichmentOf, fieldsOf } from './fields.ts';
import { isFromUserSpace } from './tables/record-type.ts';

const SEPARATOR = '\x1d';
const ESCAPED_SEPARATOR = '#035';
/** Names of one event. */
const NAMES_MAX = 1024;

/** The first interpretation where 0x1D was lost on the way: glued to the last value. */
const GLUED = /(?:ARCH|SYSCALL|SADDR|OAUID|OUID|AUID|UID|OLD-AUID)=/g;
/** Nothing but interpretations to the end of the line: kernel fields are lower case. What a value is, its first character tells. */
const INTERPRETED =
  /^[A-Z][A-Z-]{1,15}=(?:"[^"]*"|\{[^}]*\}|[^ "{}]*)(?: [A-Z][A-Z-]{1,15}=(?:"[^"]*"|\{[^}]*\}|[^ "{}]*))* ?$/;
const GLUED_TRIES_MAX = 4;

/** How much of a log line's text came from the kernel; the rest was appended by auditd. */
export function payloadEnd({ text, type }: AuditRecord): number {
  const marked = text.lastIndexOf(SEPARATOR);
  if (marked >= 0) return INTERPRETED.test(text.slice(marked + 1)) || marked === text.length - 1 ? marked : text.length;
  const last = text.charCodeAt(text.length - 1);
  // An interpretation ends in a quote, a brace or a lower-case name; most raw records end in a digit or a bracket.
  if (last !== 34 && last !== 125 && !(last >= 97 && last <= 122)) return text.length;
  GLUED.lastIndex = isFromUserSpace(type) ? text.lastIndexOf("'") + 1 : 0;
  for (let tries = 0; tries < GLUED_TRIES_MAX; tries++) {
    const match = GLUED.exec(text);
    if (match === null) return text.length;
    if (INTERPRETED.test(text.slice(match.index))) return match.index;
  }
  return text.length;
}

/** A line whose 0x1D rsyslog wrote as `#035` (it escapes control characters of what it receives), with 0x1D again. */
export function withSeparator(line: string): string {
  const at = line.lastIndexOf(ESCAPED_SEPARATOR);
  if (at < 0) return line;
  const names = line.slice(at + ESCAPED_SEPARATOR.length);
  return INTERPRETED.test(names) ? `${line.slice(0, at)}${SEPARATOR}${names}` : line;
}

/** Names of an event's ids, as its lines gave them. */
export interface LineNames {
  users: ReadonlyMap<number, string>;
  groups: ReadonlyMap<number, string>;
}

const NO_NAMES: ReadonlyMap<number, string> = new Map();
const USER_FIELDS: readonly string[] = ['auid', 'uid', 'euid', 'suid', 'fsuid', 'ouid', 'oauid', 'old-auid', 'id'];
const GROUP_FIELDS: readonly string[] = ['gid', 'egid', 'sgid', 'fsgid', 'ogid'];

/** The names that an enriched log gives beside the ids. */
export function namesOf(records: readonly AuditRecord[]): LineNames {
  let users: Map<number, string> | undefined;
  let groups: Map<number, string> | undefined;
  for (const record of records) {
    if (payloadEnd(record) === record.text.length) continue;
    const names = enrichmentOf(record);
    if (names.size === 0) continue;
    const { kernel, user } = fieldsOf(record);
    const collect = (fields: readonly string[], into: Map<number, string>): void => {
      for (const field of fields) {
        const id = kernel.get(field) ?? (field === 'id' ? user.get(field) : undefined);
        const name = names.get(field.toUpperCase());
        if (id !== undefined && name !== undefined && isName(name) && into.size < NAMES_MAX) into.set(Number(id), name);
      }
    };
    users ??= new Map();
    groups ??= new Map();
    collect(USER_FIELDS, users);
    collect(GROUP_FIELDS, groups);
  }
  return { users: users ?? NO_NAMES, groups: groups ?? NO_NAMES };
}

/** A record with names for its user ids, written as auditd would have. */
export function withUserNames(record: AuditRecord, users: ReadonlyMap<number, string>): AuditRecord {
  if (users.size === 0) return record;
  const { kernel } = fieldsOf(record);
  let added = '';
  for (const field of USER_FIELDS) {
    const name = users.get(Number(kernel.get(field) ?? Number.NaN));
    if (name !== undefined) added += `${added === '' ? '' : ' '}${field.toUpperCase()}="${name}"`;
  }
  return added === '' ? record : { ...record, text: `${record.text}${SEPARATOR}${added}` };
}

/** True of a name that can stand between quotes; auditd writes `unset` and `unknown(4242)` where there is none, go-audit `UNKNOWN_USER`. */
export function isName(name: string): boolean {
  return (
    name !== '' &&
    name.length <= 256 &&
    name !== 'unset' &&
    name !== 'UNKNOWN_USER' &&
    !name.startsWith('unknown(') &&
    !/["\u0000-\u001f]/.test(name)
  );
}

/** Another host's knowledge: the names of the event at hand, and no process. */
export function knowledgeOf(names: LineNames): HostKnowledge {
  return {
    userName: (uid) => names.users.get(uid),
    userId: (name) => firstWith(names.users, name),
    groupName: (gid) => names.groups.get(gid),
    lineage: () => undefined,
  };
}

/** The id of a name; an event brings a handful of them. */
function firstWith(users: ReadonlyMap<number, string>, name: string): number | undefined {
  for (const [id, known] of users) if (known === name) return id;
  return undefined;
}
