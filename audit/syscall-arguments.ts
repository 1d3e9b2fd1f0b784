// The arguments of a call in words, as members of `auditd.data`: `option: PR_SET_NO_NEW_PRIVS`, `protection: [PROT_READ, PROT_EXEC]`.
// Programs repeat themselves, so each argument's text is read once and remembered: a call that was seen costs a look-up an argument.
import { flat, jsonArray, jsonText, member } from './json.ts';
import { createMemo, type Memo } from './memo.ts';
import { familyName } from './tables/address-family.ts';
import {
  CAPABILITIES,
  CLONE_FLAGS,
  IP_OPTIONS,
  IP_PROTOCOLS,
  IPV6_OPTIONS,
  NETLINK_OPTIONS,
  NETLINK_PROTOCOLS,
  PACKET_OPTIONS,
  PERSONALITIES,
  PERSONALITY_FLAGS,
  PRCTL_AMBIENT,
  PRCTL_SECCOMP_MODES,
  SOCKET_OPTIONS,
  SOCKET_TYPE_FLAGS,
  SOCKET_TYPES,
  TCP_OPTIONS,
  UDP_OPTIONS,
} from './tables/argument-names.ts';
import { signalName } from './tables/errno.ts';
import { openFlagsJson } from './tables/open-flags.ts';
import { type ArgumentMeaning, argumentMeanings, EXPLAINED_SYSCALLS, type Reading } from './tables/syscall-argument.ts';

/** Texts that are remembered of one argument of one call. */
const ARGUMENT_MEMO_ENTRIES = 64;

/** What a call's arguments say, as members (`,"name":value`); nothing for a call that is not in the table. */
export type ArgumentTexts = (syscall: string, args: readonly (string | undefined)[]) => string;

export function createArgumentTexts(): ArgumentTexts {
  // Of each call when it is met first: most hosts meet few, and all tables together take longer to read than a short import.
  const readers = new Map<string, readonly Reader[] | undefined>(EXPLAINED_SYSCALLS.map((name) => [name, undefined]));
  const met = (syscall: string): readonly Reader[] | undefined => {
    if (!readers.has(syscall)) return undefined;
    const made = readersOf(argumentMeanings(syscall) ?? []);
    readers.set(syscall, made);
    return made;
  };
  return (syscall, args) => {
    const known = readers.get(syscall) ?? met(syscall);
    if (known === undefined) return '';
    let members = '';
    for (const { first, others, read } of known) {
      let text = args[first];
      if (text === undefined) continue;
      for (const other of others) text += ` ${args[other] ?? ''}`;
      members += read(text);
    }
    return members;
  };
}

interface Reader {
  readonly first: number;
  readonly others: readonly number[];
  readonly read: Memo<string>;
}

function readersOf(meanings: readonly ArgumentMeaning[]): readonly Reader[] {
  return meanings.map(({ args, field, reading }) => {
    const textOf = textualOf(reading);
    const read = createMemo(ARGUMENT_MEMO_ENTRIES, (text) => {
      const numbers = text.split(' ').map(numberOf);
      if (numbers.length !== args.length) return '';
      const [first = -1, second = -1, third = -1] = numbers;
      const value = textOf(first, second, third);
      return value === undefined ? '' : flat(`,"${field}":${value}`);
    });
    return { first: args[0] ?? 0, others: args.slice(1), read };
  });
}

/** Registers hold garbage above the 32 bits that these calls read. */
function numberOf(text: string): number {
  return /^[0-9a-f]{1,16}$/.test(text) ? Number.parseInt(text.slice(-8), 16) : -1;
}

/** A JSON value for one number or more (−1: none), or undefined where there is nothing to say. */
type Textual = (first: number, second: number, third: number) => string | undefined;

function textualOf(reading: Reading): Textual {
  switch (reading.kind) {
    case 'one-of': {
      const names = namesOf(reading.names);
      const { mask = 0xffff_ffff, shift = 0 } = reading;
      return (value) => (value < 0 ? undefined : nameIn(names, (value & mask) >>> shift));
    }
    case 'flags': {
      const names = namesOf(reading.names);
      const { mask } = reading;
      return (value) => flagsText(names, value < 0 || mask === undefined ? value : (value & mask) >>> 0, reading.none);
    }
    case 'clone':
      return cloneText;
    case 'personality':
      return personalityText;
    case 'option-value':
      return optionValueText;
    case 'socket-option':
      return (level, option) => socketOptionText(level, option);
    case 'socket-option-asked':
      // Netfilter's numbers mean other things to getsockopt.
      return (level, option) =>
        NETFILTER_OPTIONS.has(option) && level !== SOL_SOCKET ? numberText(option) : socketOptionText(level, option);
    case 'open-flags':
      return (value) => (value < 0 ? undefined : openFlagsJson(value, undefined));
    case 'permissions':
      return (value) => (value < 0 ? undefined : `"${(value & 0o777).toString(8).padStart(4, '0')}"`);
    case 'mode':
      return (value) => (value < 0 ? undefined : `"${(value & 0o7777).toString(8).padStart(4, '0')}"`);
    case 'id':
      // −1 leaves an id as it is.
      return (value) => (value === 0xffff_ffff ? undefined : numberText(value));
    case 'signed':
      return (value) => (value < 0 ? undefined : `"${value | 0}"`);
    case 'number':
      return numberText;
    case 'socket':
      return socketText;
  }
}

function namesOf(table: string): ReadonlyMap<number, string> {
  const words = table.split(' ');
  const names = new Map<number, string>();
  for (let at = 0; at + 1 < words.length; at += 2) names.set(Number.parseInt(words[at] ?? '', 16), words[at + 1] ?? '');
  return names;
}

const CLONE_NAMES = namesOf(CLONE_FLAGS);
const CAPABILITY_NAMES = namesOf(CAPABILITIES);
const AMBIENT_NAMES = namesOf(PRCTL_AMBIENT);
const SECCOMP_MODE_NAMES = namesOf(PRCTL_SECCOMP_MODES);
const PERSONALITY_NAMES = namesOf(PERSONALITIES);
const PERSONALITY_FLAG_NAMES = namesOf(PERSONALITY_FLAGS);
const SOCKET_OPTION_NAMES = namesOf(SOCKET_OPTIONS);
const TYPE_NAMES = namesOf(SOCKET_TYPES);
const TYPE_FLAG_NAMES = namesOf(SOCKET_TYPE_FLAGS);
const IP_NAMES = namesOf(IP_PROTOCOLS);
const NETLINK_NAMES = namesOf(NETLINK_PROTOCOLS);
const SOL_SOCKET = 1;
/** Options by level: SOL_IP 0, SOL_TCP 6, IPPROTO_UDP 17, SOL_IPV6 41, SOL_PACKET 263, SOL_NETLINK 270. */
const OPTION_NAMES: ReadonlyMap<number, ReadonlyMap<number, string>> = new Map([
  [0, namesOf(IP_OPTIONS)],
  [SOL_SOCKET, SOCKET_OPTION_NAMES],
  [6, namesOf(TCP_OPTIONS)],
  [17, namesOf(UDP_OPTIONS)],
  [41, namesOf(IPV6_OPTIONS)],
  [263, namesOf(PACKET_OPTIONS)],
  [270, namesOf(NETLINK_OPTIONS)],
]);
const NETFILTER_OPTIONS: ReadonlySet<number> = new Set([64, 65]);

function socketOptionText(level: number, option: number): string | undefined {
  const names = OPTION_NAMES.get(level);
  if (level === SOL_SOCKET && names !== undefined) return nameIn(names, option);
  const name = names?.get(option);
  return name === undefined ? numberText(option) : jsonText(name);
}

function numberText(value: number): string | undefined {
  return value < 0 ? undefined : `"${value}"`;
}

function hexText(value: number): string {
  return `0x${(value >>> 0).toString(16)}`;
}

function nameIn(names: ReadonlyMap<number, string>, value: number): string | undefined {
  return value < 0 ? undefined : jsonText(names.get(value) ?? hexText(value));
}

function flagsText(names: ReadonlyMap<number, string>, value: number, none?: string): string | undefined {
  if (value < 0) return undefined;
  if (value === 0) return none === undefined ? undefined : jsonArray([none]);
  return jsonArray(flagsIn(names, value));
}

/** The names of the bits that are set; bits without a name as one number. */
function flagsIn(names: ReadonlyMap<number, string>, value: number): readonly string[] {
  const found: string[] = [];
  let left = value;
  for (const [bits, name] of names) {
    if (bits !== 0 && (value & bits) >>> 0 === bits) {
      found.push(name);
      left &= ~bits;
    }
  }
  return left === 0 ? found : [...found, hexText(left)];
}

function signalText(value: number): string | undefined {
  return value < 0 ? undefined : jsonText(signalName(value) ?? String(value));
}

const CSIGNAL = 0xff;

/** The flags of clone(2), and the signal that tells the parent of the child's end. */
function cloneText(value: number): string | undefined {
  if (value < 0) return undefined;
  const found = flagsIn(CLONE_NAMES, (value & ~CSIGNAL) >>> 0);
  const signal = value & CSIGNAL;
  return jsonArray(signal === 0 ? found : [...found, signalName(signal) ?? String(signal)]);
}

function personalityText(value: number): string | undefined {
  if (value < 0 || value === 0xffff_ffff) return undefined;
  const whole = PERSONALITY_NAMES.get(value);
  if (whole !== undefined) return jsonArray([whole]);
  const domain = PERSONALITY_NAMES.get(value & CSIGNAL) ?? hexText(value & CSIGNAL);
  return jsonArray([domain, ...flagsIn(PERSONALITY_FLAG_NAMES, (value & ~CSIGNAL) >>> 0)]);
}

const PR_SET_PDEATHSIG = 1;
const PR_SET_SECCOMP = 22;
const PR_CAPBSET_READ = 23;
const PR_CAPBSET_DROP = 24;
const PR_CAP_AMBIENT = 47;
/** Options whose value is a number that means itself: 0 and 1, mostly. */
const HAS_NUMBER: ReadonlySet<number> = new Set([4, 8, 28, 29, 36, 38, 41, 57, 65, 67]);

/** The second argument of prctl(2), where the first says that it is no pointer. */
function optionValueText(option: number, value: number): string | undefined {
  switch (option) {
    case PR_SET_PDEATHSIG:
      return signalText(value);
    case PR_SET_SECCOMP:
      return nameIn(SECCOMP_MODE_NAMES, value);
    case PR_CAPBSET_READ:
    case PR_CAPBSET_DROP:
      return nameIn(CAPABILITY_NAMES, value);
    case PR_CAP_AMBIENT:
      return nameIn(AMBIENT_NAMES, value);
    default:
      return HAS_NUMBER.has(option) ? numberText(value) : undefined;
  }
}

const AF_INET = 2;
const AF_INET6 = 10;
const AF_NETLINK = 16;
const AF_PACKET = 17;
const TYPE_MASK = 0xf;

/** `{"family":"ipv4","type":["SOCK_STREAM","SOCK_CLOEXEC"],"protocol":"IPPROTO_TCP"}` */
function socketText(family: number, type: number, protocol: number): string | undefined {
  if (family < 0 || type < 0) return undefined;
  const kind = TYPE_NAMES.get(type & TYPE_MASK) ?? hexText(type & TYPE_MASK);
  const types = [kind, ...flagsIn(TYPE_FLAG_NAMES, (type & ~TYPE_MASK) >>> 0)];
  return `{"family":${jsonText(familyName(family))},"type":${jsonArray(types)}${member('protocol', protocolOf(family, protocol))}}`;
}

function protocolOf(family: number, protocol: number): string | undefined {
  if (protocol < 0) return undefined;
  if (family === AF_NETLINK) return NETLINK_NAMES.get(protocol) ?? String(protocol);
  if (protocol === 0) return undefined;
  if (family === AF_INET || family === AF_INET6) return IP_NAMES.get(protocol) ?? String(protocol);
  // In the network's byte order: 0x0300 is ETH_P_ALL.
  return family === AF_PACKET ? hexText(((protocol & 0xff) << 8) | ((protocol >> 8) & 0xff)) : String(protocol);
}
