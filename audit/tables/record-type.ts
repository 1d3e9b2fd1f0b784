// Record types: numbers to names and back, and which of them stand alone, lead an event or accompany a syscall.
import { RECORD_TYPES } from './record-type-names.ts';

const USER = 1005;
export const LOGIN = 1006;
export const SYSCALL = 1300;
export const PATH = 1302;
export const SOCKADDR = 1306;
export const CWD = 1307;
export const EXECVE = 1309;
export const EOE = 1320;
export const PROCTITLE = 1327;
export const OPENAT2 = 1337;
export const URINGOP = 1336;

const NAMES: ReadonlyMap<number, string> = new Map(RECORD_TYPES);
const NUMBERS: ReadonlyMap<string, number> = new Map(RECORD_TYPES.map(([type, name]) => [name, type]));

/** `SYSCALL` for 1300; `UNKNOWN[1999]` where the number has no name, as auditd writes it. */
export function recordTypeName(type: number): string {
  return NAMES.get(type) ?? `UNKNOWN[${type}]`;
}

/** The number of a type as a log names it (`SYSCALL`, `UNKNOWN[1334]`, `1334`), or undefined. */
export function recordTypeNumber(name: string): number | undefined {
  const known = NUMBERS.get(name);
  if (known !== undefined) return known;
  const match = /^(?:UNKNOWN\[([0-9]{1,5})\]|([0-9]{1,5}))$/.exec(name);
  if (match === null) return undefined;
  const type = Number(match[1] ?? match[2]);
  return type <= 0xffff ? type : undefined;
}

/**
 * True of types that are an event each: what user space sends (it shares the serial of the syscall that sent it), what
 * auditd itself writes, and kernel records that no syscall ever carries on (SECCOMP, NETFILTER_PKT, ANOM_ABEND, REPLACE).
 */
export function isAlone(type: number): boolean {
  return isFromUserSpace(type) || type === 1324 || type === 1326 || type === 1329 || type === 1701 || type === 2000;
}

/** True of types that programs (or auditd) write: their text is not the kernel's beyond its first fields. */
export function isFromUserSpace(type: number): boolean {
  return type === USER || (type >= 1100 && type <= 1299) || (type >= 2100 && type <= 2999);
}

/** Types that only describe a syscall and never say by themselves what happened. */
const ACCOMPANYING: ReadonlySet<number> = new Set([
  1302, 1303, 1304, 1306, 1307, 1309, 1311, 1312, 1313, 1314, 1315, 1316, 1317, 1318, 1320, 1321, 1322, 1323, 1327,
  1330, 1337, 1402, 1425, 1426,
]);

/** True of types that describe a syscall (PATH, CWD, EXECVE, …), so that SYSCALL and EOE must be on their way. */
export function isAccompanying(type: number): boolean {
  return ACCOMPANYING.has(type);
}
