// Audit records in systemd's journal, as `journalctl -o json` prints them: one record an entry, from systemd-journald-audit.socket.
//
//   _TRANSPORT "audit" · _AUDIT_TYPE "1300" · _AUDIT_TYPE_NAME "SYSCALL" · _AUDIT_ID the serial
//   _SOURCE_REALTIME_TIMESTAMP the kernel's stamp, µs · MESSAGE `SYSCALL arch=…` · _MACHINE_ID · _BOOT_ID · _HOSTNAME
//
// What follows the type's name in MESSAGE is the kernel's text; a MESSAGE that is not UTF-8 is printed as a list of bytes.
import type { AuditRecord } from './event.ts';
import type { LogOrigin } from './foreign-line.ts';
import { recordFrom } from './record.ts';

type Values = Readonly<Record<string, unknown>>;

const MICROSECONDS = /^[0-9]{4,19}$/;
const NAME_CHARS_MAX = 255;

/** True of an entry of the journal, of whatever transport. */
export function isJournal(line: Values): boolean {
  return typeof line['__REALTIME_TIMESTAMP'] === 'string' && typeof line['_BOOT_ID'] === 'string';
}

/** The record and whose it is; undefined for an entry that is no audit record, or a damaged one. */
export function journalRecord(line: Values): { readonly record: AuditRecord; readonly origin: LogOrigin } | undefined {
  const type = Number(line['_AUDIT_TYPE'] ?? Number.NaN);
  const serial = line['_AUDIT_ID'];
  const stamp = line['_SOURCE_REALTIME_TIMESTAMP'];
  const message = bytesOf(line['MESSAGE']);
  if (!Number.isInteger(type) || type < 0 || type > 0xffff || typeof serial !== 'string') return undefined;
  if (typeof stamp !== 'string' || !MICROSECONDS.test(stamp) || message === undefined) return undefined;
  const ms = stamp.slice(0, -3);
  const space = message.indexOf(' ');
  const body = space < 0 ? '' : message.slice(space + 1);
  const seconds = ms.length > 3 ? ms.slice(0, -3) : '0';
  const record = recordFrom(type, `audit(${seconds}.${ms.slice(-3).padStart(3, '0')}:${serial}): ${body}`);
  if (record === undefined) return undefined;
  return {
    record,
    origin: {
      name: textOf(line['_HOSTNAME'], /^.+$/),
      machineId: textOf(line['_MACHINE_ID'], /^[0-9a-f]{32}$/),
      bootId: dashed(textOf(line['_BOOT_ID'], /^[0-9a-f]{32}$/)),
    },
  };
}

function bytesOf(message: unknown): string | undefined {
  if (typeof message === 'string') return Buffer.from(message, 'utf8').toString('latin1');
  if (!Array.isArray(message)) return undefined;
  const bytes = message as readonly unknown[];
  if (!bytes.every((byte) => Number.isInteger(byte) && (byte as number) >= 0 && (byte as number) <= 255))
    return undefined;
  return Buffer.from(bytes as readonly number[]).toString('latin1');
}

function textOf(value: unknown, pattern: RegExp): string | undefined {
  return typeof value === 'string' && value.length <= NAME_CHARS_MAX && pattern.test(value) ? value : undefined;
}

/** As /proc/sys/kernel/random/boot_id has it. */
function dashed(id: string | undefined): string | undefined {
  return id?.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
