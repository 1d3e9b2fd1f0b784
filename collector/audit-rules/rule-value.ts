// Values of `-F` → the kernel's numbers, as auditctl reads them; where auditctl would take a wrong value silently (`12abc`, a
// `saddr_fam=inet` that becomes 0, a number past 32 bits) it is refused instead.
import { KEY_BYTES_MAX, PATH_BYTES_MAX } from '../netlink/rule-data.ts';
import { architectureNumber, errnoNumber, messageTypeNumber, type RuleMachine } from './machine.ts';
import { type Finding, quoted } from './rule-diagnostic.ts';
import { COMPARISONS_MAX, type RuleFieldName, valueKindOf } from './rule-field.ts';

export type ReadValue =
  | { readonly isOk: true; readonly value: number | string }
  | { readonly isOk: false; readonly finding: Finding };

const UNSET = 0xffff_ffff;
const UINT32_MAX = 0xffff_ffff;
const FAMILIES_MAX = 46;
const PERMISSIONS: Readonly<Record<string, number>> = { x: 1, w: 2, r: 4, a: 8 };
const FILE_TYPES: Readonly<Record<string, number>> = {
  fifo: 0x1000,
  character: 0x2000,
  dir: 0x4000,
  block: 0x6000,
  file: 0x8000,
  link: 0xa000,
  socket: 0xc000,
};
const FILE_SYSTEMS: Readonly<Record<string, number>> = { tracefs: 0x7472_6163, debugfs: 0x6462_6720 };

export function readValue(name: RuleFieldName, text: string, machine: RuleMachine): ReadValue {
  if (text === '') {
    return refuse('audit/value', `${name} has no value`, `Write the value behind the operator: ${name}=…`);
  }
  switch (valueKindOf(name)) {
    case 'number':
      return numeric(name, text, 'a number (decimal, 0x… or 0…)', readNumber(text, 0));
    case 'argument':
      return numeric(name, text, 'a number of 32 bits, such as 2, 0x40 or -1', readNumber(text, -0x8000_0000));
    case 'session':
      return numeric(name, text, 'a number or unset', text === 'unset' ? UNSET : readNumber(text, -1));
    case 'user':
      return account(name, text, machine.userId(text));
    case 'group':
      return account(name, text, machine.groupId(text));
    case 'exit':
      return numeric(name, text, 'a number or an errno, such as -13 or -EACCES', readExit(text));
    case 'message-type':
      return numeric(name, text, 'a record type, such as USER_LOGIN or 1112', messageTypeNumber(text));
    case 'architecture':
      return numeric(name, text, 'b64, b32 or a machine as `uname -m` says it', architectureNumber(text, machine));
    case 'permission':
      return numeric(name, text, 'letters of rwxa', readPermissions(text));
    case 'file-type':
      return numeric(name, text, `one of ${Object.keys(FILE_TYPES).join(', ')}`, own(FILE_TYPES, text));
    case 'file-system':
      return numeric(name, text, 'tracefs, debugfs or a number', own(FILE_SYSTEMS, text) ?? readNumber(text, 0));
    case 'family':
      return numeric(name, text, 'a number below 46: 2 is IPv4, 10 is IPv6', below(readNumber(text, 0), FAMILIES_MAX));
    case 'comparison':
      return numeric(name, text, 'a number from 1 to 25; -C is its readable form', readComparison(text));
    case 'path':
      return readPath(name, text);
    case 'label':
    case 'key':
      return readText(name, text);
  }
}

/** `rwxa` as the kernel's bits; undefined when another letter is in it. */
export function readPermissions(text: string): number | undefined {
  let bits = 0;
  for (const letter of text.toLowerCase()) {
    const bit = own(PERMISSIONS, letter);
    if (bit === undefined) return undefined;
    bits |= bit;
  }
  return bits === 0 ? undefined : bits;
}

export function permissionLetters(bits: number): string {
  return ['r', 'w', 'x', 'a'].filter((letter) => (bits & (PERMISSIONS[letter] as number)) !== 0).join('');
}

export function fileTypeName(number: number): string | undefined {
  return Object.keys(FILE_TYPES).find((name) => FILE_TYPES[name] === number);
}

export function fileSystemName(number: number): string | undefined {
  return Object.keys(FILE_SYSTEMS).find((name) => FILE_SYSTEMS[name] === number);
}

/** Decimal, 0x… or 0… (octal), modulo 2^32 where it is negative; undefined when it is none or does not fit. */
function readNumber(text: string, least: number): number | undefined {
  const match = /^(-?)(0x[0-9a-f]{1,8}|[0-9]{1,12})$/i.exec(text);
  if (match === null) return undefined;
  const [, sign, digits = ''] = match;
  const isOctal = /^0[0-9]+$/.test(digits);
  if (isOctal && /[89]/.test(digits)) return undefined;
  const size = isOctal ? Number.parseInt(digits, 8) : Number(digits);
  const number = sign === '-' ? -size : size;
  return number < least || number > UINT32_MAX ? undefined : number >>> 0;
}

function readExit(text: string): number | undefined {
  const number = readNumber(text, -0x8000_0000);
  if (number !== undefined) return number;
  const isNegative = text.startsWith('-');
  const errno = errnoNumber(isNegative ? text.slice(1) : text);
  if (errno === undefined) return undefined;
  return isNegative ? -errno >>> 0 : errno;
}

function readComparison(text: string): number | undefined {
  const number = readNumber(text, 1);
  return number !== undefined && number <= COMPARISONS_MAX ? number : undefined;
}

function below(number: number | undefined, limit: number): number | undefined {
  return number !== undefined && number < limit ? number : undefined;
}

function account(name: RuleFieldName, text: string, id: number | undefined): ReadValue {
  const isGroup = valueKindOf(name) === 'group';
  const known = isGroup ? readNumber(text, 0) : text === 'unset' ? UNSET : readNumber(text, -0x8000_0000);
  const value = known ?? id;
  if (value !== undefined) return { isOk: true, value };
  const remedy = `Name a ${isGroup ? 'group of /etc/group' : 'user of /etc/passwd'} on this host, or write the number.`;
  return refuse('audit/unknown-account', `${name}: no ${isGroup ? 'group' : 'user'} ${quoted(text)} here`, remedy);
}

function numeric(name: RuleFieldName, text: string, form: string, value: number | undefined): ReadValue {
  if (value !== undefined) return { isOk: true, value };
  return refuse('audit/value', `${name} does not take ${quoted(text)}`, `Write ${form}.`);
}

function readPath(name: RuleFieldName, text: string): ReadValue {
  if (!text.startsWith('/')) {
    return refuse('audit/relative-path', `${name} has to begin with /`, 'Write the absolute path.');
  }
  if (name === 'path' && text.endsWith('/')) {
    return refuse('audit/path', 'path names a file and ends with /', 'Drop the /, or use dir= for a folder.');
  }
  if (text.length > PATH_BYTES_MAX) {
    return refuse('audit/path', `${name} is longer than ${PATH_BYTES_MAX} bytes`, 'The kernel has no longer paths.');
  }
  return { isOk: true, value: text };
}

function readText(name: RuleFieldName, text: string): ReadValue {
  if (text.length <= KEY_BYTES_MAX) return { isOk: true, value: text };
  return refuse('audit/too-long', `${name} is longer than ${KEY_BYTES_MAX} bytes`, 'Shorten it.');
}

function refuse(code: string, message: string, remedy: string): ReadValue {
  return { isOk: false, finding: { code, message, remedy } };
}

function own(table: Readonly<Record<string, number>>, name: string): number | undefined {
  return Object.hasOwn(table, name) ? table[name] : undefined;
}
