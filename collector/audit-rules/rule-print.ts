// A rule of the kernel → the line that auditctl would list for it. What is printed here reads back to the same rule, so a listing
// can be kept as a file.
import { errnoName } from '../../audit/tables/errno.ts';
import { recordTypeName } from '../../audit/tables/record-type.ts';
import { architectureName, syscallName, uringOpName } from '../../audit/tables/syscall.ts';
import type { ListedField, ListedRule } from '../netlink/rule-data.ts';
import { comparisonNames } from './rule-field.ts';
import { fileSystemName, fileTypeName, permissionLetters } from './rule-value.ts';
import { asWord } from './rule-words.ts';

const UNSET = 0xffff_ffff;
const WITH_CALLS: ReadonlySet<string> = new Set(['exit', 'io_uring']);
const INT32_MAX = 0x7fff_ffff;
const ACCOUNTS: ReadonlySet<string> = new Set(['uid', 'euid', 'suid', 'fsuid', 'auid', 'obj_uid', 'sessionid']);

/** One line; texts as latin1, one character a byte (`fromBytes` of rule-diagnostic.ts shows them). */
export function ruleInWords(rule: ListedRule): string {
  // Before the calls stands what comes before the architecture: the architecture says what their numbers mean.
  const others = rule.fields.filter(({ name, operator }) => name !== 'key' || operator !== '=');
  const upToArch = others.findIndex(({ name }) => name === 'arch') + 1;
  const hasCalls = WITH_CALLS.has(rule.list);
  const words = others.map((field) => fieldInWords(field, hasCalls));
  const keys = rule.fields.some(({ name, operator }) => name === 'key' && operator === '=')
    ? rule.keys.map((key) => `-F key=${asWord(key)}`)
    : [];
  const calls = hasCalls ? callsOf(rule) : [];
  return [
    `-a ${rule.action},${rule.list}`,
    ...words.slice(0, upToArch),
    ...calls,
    ...words.slice(upToArch),
    ...keys,
  ].join(' ');
}

function callsOf(rule: ListedRule): readonly string[] {
  const { syscalls } = rule;
  const isOfFile = rule.fields.some(({ name }) => name === 'path' || name === 'dir' || name === 'perm');
  if (syscalls === 'all') return isOfFile ? [] : ['-S all'];
  if (syscalls.length === 0) return [];
  const arch = rule.fields.find(({ name, operator }) => name === 'arch' && operator === '=')?.value;
  const nameOf = (number: number): string =>
    (rule.list === 'io_uring'
      ? uringOpName(number)
      : arch === undefined
        ? undefined
        : syscallName(Number(arch).toString(16), number)) ?? String(number);
  return [`-S ${syscalls.map(nameOf).join(',')}`];
}

function fieldInWords({ name, operator, value }: ListedField, hasCalls: boolean): string {
  if (name === 'field_compare' && hasCalls) {
    const names = comparisonNames(Number(value));
    if (names !== undefined) return `-C ${names[0]}${operator}${names[1]}`;
  }
  const text = typeof value === 'string' ? asWord(value) : numberInWords(name, value);
  return `-F ${name}${operator}${text}`;
}

function numberInWords(name: string, value: number): string {
  switch (name) {
    case 'arch':
      return architectureInWords(value);
    case 'perm':
      return permissionLetters(value);
    case 'filetype':
      return fileTypeName(value) ?? String(value);
    case 'fstype':
      return fileSystemName(value) ?? `0x${value.toString(16)}`;
    case 'msgtype':
      return recordTypeName(value);
    case 'exit':
      return exitInWords(value);
    case 'a0':
    case 'a1':
    case 'a2':
    case 'a3':
      return `0x${value.toString(16)}`;
    default:
      return value === UNSET && ACCOUNTS.has(name) ? 'unset' : String(value);
  }
}

function architectureInWords(value: number): string {
  const hex = value.toString(16);
  return architectureName(hex) === hex ? `0x${hex}` : architectureName(hex);
}

function exitInWords(value: number): string {
  if (value <= INT32_MAX) return String(value);
  const errno = UNSET + 1 - value;
  const name = errnoName(errno);
  return name === undefined || errno >= 512 ? `-${errno}` : `-${name}`;
}
