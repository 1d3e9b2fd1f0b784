// go-audit's JSON into audit records: `{"sequence":N,"timestamp":"SECONDS.MS","messages":[{"type":N,"data":"…"}],"uid_map":{…}}`, one
// event a line. `data` is what stands after `audit(…): `, so the kernel's bytes come back whole where they were UTF-8.
import { isPlainObject } from '../event/document.ts';
import type { AuditRecord } from './event.ts';
import { isName, withUserNames } from './foreign-enrichment.ts';
import { recordFrom } from './record.ts';

type Values = Readonly<Record<string, unknown>>;

const TIMESTAMP = /^[0-9]{1,13}\.[0-9]{3}$/;
const NAMES_MAX = 1024;
/** Messages of one event. */
const MESSAGES_MAX = 65_536;

/** True of a line that go-audit may have written. */
export function isGoAudit(line: Values): boolean {
  return Array.isArray(line['messages']) && line['sequence'] !== undefined;
}

/** The event's records, or undefined when the line is damaged. */
export function goAuditRecords(line: Values): readonly AuditRecord[] | undefined {
  const { timestamp, sequence, messages } = line as { timestamp?: unknown; sequence?: unknown; messages?: unknown };
  if (typeof timestamp !== 'string' || !TIMESTAMP.test(timestamp) || !Number.isInteger(sequence)) return undefined;
  if (!Array.isArray(messages) || messages.length > MESSAGES_MAX) return undefined;
  const users = userMap(line['uid_map']);
  const records: AuditRecord[] = [];
  for (const message of messages as readonly unknown[]) {
    if (!isPlainObject(message)) return undefined;
    const { type, data } = message as { type?: unknown; data?: unknown };
    if (typeof type !== 'number' || !Number.isInteger(type) || type < 0 || type > 0xffff || typeof data !== 'string')
      return undefined;
    const text = `audit(${timestamp}:${String(sequence)}): ${Buffer.from(data, 'utf8').toString('latin1')}`;
    const record = recordFrom(type, text);
    if (record === undefined) return undefined;
    records.push(withUserNames(record, users));
  }
  return records.length === 0 ? undefined : records;
}

/** `{"0":"root"}`. */
function userMap(map: unknown): ReadonlyMap<number, string> {
  const users = new Map<number, string>();
  if (!isPlainObject(map)) return users;
  for (const [id, name] of Object.entries(map)) {
    if (users.size < NAMES_MAX && /^[0-9]{1,10}$/.test(id) && typeof name === 'string' && isName(name))
      users.set(Number(id), name);
  }
  return users;
}
