// laurel's JSON back into audit records: `{"ID":"SECONDS.MS:SERIAL","NODE":…,"SYSCALL":{…},"PATH":[…],…}`, one event a line, as
// laurel 0.5 to 0.7 writes it. Laurel decodes, splits and renames, so the kernel's bytes cannot be had back, only what they said:
//
//   ARGV of SYSCALL, EXECVE, PROCTITLE   a0=… a1=…; proctitle=HEX            "0x…", "0o…"   without the prefix, as the kernel has it
//   %0a                                  the byte                            null           (null)
//   SADDR {saddr_fam, addr, port, path}  saddr=HEX                           UPPER case     names of ids, after 0x1D
//
// Records made so say that they were: RECONSTRUCTED="laurel" stands after the 0x1D (not in EXECVE). What laurel adds of its own is left out.
import { isPlainObject } from '../event/document.ts';
import type { AuditRecord } from './event.ts';
import { isEscaped } from './fields.ts';
import { isName } from './foreign-enrichment.ts';
import { recordFrom } from './record.ts';
import { EXECVE, isFromUserSpace, PROCTITLE, recordTypeNumber, SYSCALL } from './tables/record-type.ts';

const ID = /^([0-9]{1,13}\.[0-9]{3}):([0-9]{1,10})$/;
/** Records of one event, and fields of one record. */
const RECORDS_MAX = 4096;
const FIELDS_MAX = 512;

type Values = Readonly<Record<string, unknown>>;

/** True of a line that laurel may have written. */
export function isLaurel(line: Values): boolean {
  const id = line['ID'];
  return typeof id === 'string' && ID.test(id);
}

/** The event's records, or undefined when there is none in it. */
export function laurelRecords(line: Values): readonly AuditRecord[] | undefined {
  const match = ID.exec(String(line['ID']));
  if (match === null) return undefined;
  const head = `audit(${match[1]}:${match[2]}):`;
  const records: AuditRecord[] = [];
  for (const [name, value] of Object.entries(line)) {
    const type = recordTypeNumber(name);
    if (type === undefined) continue;
    for (const fields of Array.isArray(value) ? (value as unknown[]) : [value]) {
      if (!isPlainObject(fields) || records.length >= RECORDS_MAX) continue;
      const record = recordFrom(type, `${head}${textOfFields(fields, type)}`);
      if (record === undefined) return undefined;
      records.push(record);
    }
  }
  return records.length === 0 ? undefined : records;
}

function textOfFields(fields: Values, type: number): string {
  let text = '';
  let names = '';
  let count = 0;
  const argv = argumentText(fields['ARGV'] ?? fields['ARGV_STR'], type);
  // Where the kernel has them, which is where the readers of SYSCALL look first.
  const before = type === SYSCALL && Object.hasOwn(fields, 'items') ? 'items' : undefined;
  for (const [name, value] of Object.entries(fields)) {
    if (++count > FIELDS_MAX) break;
    if (name === before) text += argv;
    if (name === 'SADDR') text += addressText(value);
    else if (name === 'ARGV' || name === 'ARGV_STR') continue;
    else if (/^[A-Z][A-Z_-]*$/.test(name)) {
      if (typeof value === 'string' && isName(value)) names += ` ${name}="${value}"`;
    } else if (/^[a-z_][a-zA-Z0-9_[\]-]{0,63}$/.test(name)) text += ` ${name}=${valueText(name, value, type)}`;
  }
  if (before === undefined) text += argv;
  // auditd interprets nothing in an EXECVE, and its readers expect nothing there.
  return type === EXECVE ? text : `${text}\x1dRECONSTRUCTED="laurel"${names}`;
}

/** The list that laurel made of a0, a1, … or of a process's title. */
function argumentText(value: unknown, type: number): string {
  if (value === undefined) return '';
  const list = (Array.isArray(value) ? (value as unknown[]) : [value]).map((each) =>
    typeof each === 'string' ? each : (JSON.stringify(each) ?? ''),
  );
  if (type === PROCTITLE)
    return ` proctitle=${Buffer.from(list.map(bytesOf).join('\0'), 'latin1').toString('hex').toUpperCase()}`;
  if (type === SYSCALL)
    return list
      .slice(0, 4)
      .map((each, index) => ` a${index}=${hexDigits(each)}`)
      .join('');
  const parts = list.map((each, index) => ` a${index}=${escaped(bytesOf(each))}`);
  return parts.join('');
}

function valueText(name: string, value: unknown, type: number): string {
  if (value === null) return '(null)';
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (Array.isArray(value)) return escaped((value as unknown[]).map((each) => bytesOf(String(each))).join('\x01'));
  if (typeof value !== 'string') return escaped(JSON.stringify(value) ?? '');
  if (name === 'msg' && isFromUserSpace(type)) return `'${bytesOf(value)}'`;
  if (name === 'saddr') return hexOf(value);
  if (/^0o[0-7]+$/.test(value)) return `0${value.slice(2)}`;
  if (/^0x[0-9a-f]+$/.test(value)) return HAS_PREFIX.has(name) ? value : value.slice(2);
  const bytes = bytesOf(value);
  if (isEscaped(name, type) && !(type === EXECVE && name === 'argc')) return escaped(bytes);
  // A plain field that laurel took for encoded text: `prog-id=97` becomes "%97".
  if (/[^\x21-\x7e]/.test(bytes)) return / /.test(bytes) ? `"${bytes.replaceAll('"', "'")}"` : hexOf(value);
  return bytes;
}

/** Fields whose numbers the kernel itself writes with 0x. */
const HAS_PREFIX: ReadonlySet<string> = new Set(['mark', 'ip', 'code', 'flags', 'resolve', 'groups']);

function hexDigits(value: string): string {
  return /^0x[0-9a-f]+$/.test(value) ? value.slice(2) : bytesOf(value).replaceAll(' ', '');
}

function hexOf(value: string): string {
  return Buffer.from(bytesOf(value), 'latin1').toString('hex').toUpperCase();
}

/** Laurel's text as bytes in latin1: UTF-8, but `%XX` is the byte. */
function bytesOf(text: string): string {
  const bytes = Buffer.from(text, 'utf8').toString('latin1');
  return bytes.replace(/%([0-9a-fA-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

/** As the kernel writes text that others chose: between quotes, or in hexadecimal when a byte is odd. */
function escaped(bytes: string): string {
  return /[^\x21-\x7e]|"/.test(bytes) ? Buffer.from(bytes, 'latin1').toString('hex').toUpperCase() : `"${bytes}"`;
}

function addressText(value: unknown): string {
  if (!isPlainObject(value)) return '';
  const { saddr_fam: family, addr, port, path, name } = value as Readonly<Record<string, unknown>>;
  const portHex = typeof port === 'number' && port >= 0 && port <= 0xffff ? port.toString(16).padStart(4, '0') : '0000';
  if (family === 'inet' && typeof addr === 'string' && IPV4.test(addr)) {
    const octets = addr.split('.').map((octet) => Number(octet).toString(16).padStart(2, '0'));
    return ` saddr=${`0200${portHex}${octets.join('')}0000000000000000`.toUpperCase()}`;
  }
  if (family === 'inet6' && typeof addr === 'string') {
    const groups = groupsOf(addr);
    if (groups !== undefined) return ` saddr=${`0A00${portHex}00000000${groups}00000000`.toUpperCase()}`;
  }
  if (family === 'local' && typeof path === 'string') return ` saddr=0100${hexOf(path)}00`;
  if (family === 'local' && typeof name === 'string') return ` saddr=010000${hexOf(name)}`;
  if (family === 'netlink') return ' saddr=100000000000000000000000';
  return ` laddr=${escaped(Buffer.from(JSON.stringify(value), 'utf8').toString('latin1'))}`;
}

const IPV4 = /^(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.(?!$)|$)){4}$/;

/** An IPv6 address as 32 hexadecimal digits. */
function groupsOf(address: string): string | undefined {
  const mapped = /^(.*:)(\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3})$/.exec(address);
  if (mapped !== null) {
    if (!IPV4.test(mapped[2] ?? '')) return undefined;
    const [a = 0, b = 0, c = 0, d = 0] = (mapped[2] ?? '').split('.').map(Number);
    return groupsOf(`${mapped[1]}${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`);
  }
  const halves = address.split('::');
  if (halves.length > 2) return undefined;
  const groups = (half: string | undefined): string[] => (half === undefined || half === '' ? [] : half.split(':'));
  const [head, tail] = [groups(halves[0]), groups(halves[1])];
  const missing = 8 - head.length - tail.length;
  if (halves.length === 2 ? missing < 0 : missing !== 0) return undefined;
  const all = [...head, ...Array.from({ length: Math.max(0, missing) }, () => '0'), ...tail];
  return all.every((group) => /^[0-9a-f]{1,4}$/i.test(group))
    ? all.map((group) => group.padStart(4, '0')).join('')
    : undefined;
}
