// A record's text into fields. What a value means is decided by the field's name and the record's type, never by its look:
// `key=3005` is hexadecimal, `a0="3005"` is literal, `inode=3005` is a number.
//
//   kernel       name=value name="literal" name=4865780A …, sometimes with words between (`login pid=…`, `avc:  denied  { read } for`)
//   user space   … msg='op=adding user acct="x" …': the kernel's fields outside, the program's inside; values may hold spaces
//   enriched     … key=(null) 0x1D ARCH=x86_64 UID="root": interpretations, whose names are upper case; the 0x1D may be gone
import { isHex, textOfHex, textOfLatin1 } from './bytes.ts';
import type { AuditRecord } from './event.ts';
import { EXECVE, isFromUserSpace } from './tables/record-type.ts';

/** Fields kept of one record; an EXECVE has its own reader. */
export const FIELDS_MAX = 512;

/** Fields that the kernel or libaudit hex-encode when a byte is odd (audit-userspace's `typetab.h`, and lsm_audit.c). */
const ESCAPED: ReadonlySet<string> = new Set(
  'acct apparmor cgroup cmd comm cwd data denied_mask device device_rule dir exe file grp img-ctx info invalid_context key name new-chardev new-disk new-fs new-net new-rng new_group ocomm old-chardev old-disk old-fs old-net old-rng operation path peer profile proctitle requested_mask root_dir sw target terminal vm vm-ctx watch'.split(
    ' ',
  ),
);
/** `old=` and `new=` are numbers in these: CONFIG_CHANGE, FEATURE_CHANGE, TIME_*, MAC_*. */
const hasNumbersInOldAndNew = (type: number): boolean =>
  type === 1305 || type === 1328 || type === 1332 || type === 1333 || (type >= 1400 && type <= 1499);

/** True when an unquoted value of `name` in a record of `type` is hex-encoded bytes. */
export function isEscaped(name: string, type: number): boolean {
  if (ESCAPED.has(name)) return true;
  if (name === 'old' || name === 'new') return !hasNumbersInOldAndNew(type);
  return type === EXECVE && name.charCodeAt(0) === 97;
}

/** The fields of one record: decoded, by name; `(null)` and `?` stand as they are. */
export interface RecordFields {
  /** The kernel's own fields. */
  readonly kernel: ReadonlyMap<string, string>;
  /** What a program wrote inside `msg='…'`: never to be taken for the kernel's word. */
  readonly user: ReadonlyMap<string, string>;
}

/** All fields of a record. The last of a repeated name counts: libaudit appends exe, addr and res after what a program says. */
export function fieldsOf(record: AuditRecord): RecordFields {
  const kernel = new Map<string, string>();
  const user = new Map<string, string>();
  const { text, type } = record;
  const start = bodyStart(text);
  const end = enrichmentStart(text);
  if (isFromUserSpace(type)) {
    const message = text.indexOf("msg='", start);
    if (message >= 0 && message < end) {
      const close = text.lastIndexOf("'", end - 1);
      readFields(text, { start, end: message, type, isUser: false }, kernel);
      readFields(text, { start: message + 5, end: close > message + 4 ? close : end, type, isUser: true }, user);
      return { kernel, user };
    }
  }
  readFields(text, { start, end, type, isUser: false }, kernel);
  if (type === SELINUX_ERR) readPolicyError(text.slice(start, end), kernel);
  return { kernel, user };
}

const SELINUX_ERR = 1401;

/** Kernels before 5.0 begin with words: `security_compute_sid:  invalid context a:b:c for scontext=…`. */
function readPolicyError(text: string, into: Map<string, string>): void {
  const [, what, said = ''] = /^([\w-]{1,64}): +([^=]{1,512}) \w+=/.exec(text.slice(0, 1024)) ?? [];
  if (what === undefined || into.has('op')) return;
  into.set('op', what === 'SELinux' ? said.replace(/:$/, '') : what);
  const context = /^invalid context (\S+)/.exec(said)?.[1];
  if (context !== undefined) into.set('invalid_context', textOfLatin1(context));
  if (/^denied\b/.test(said)) into.set('seresult', 'denied');
}

/** A value that says something: not `?`, `(null)`, `(none)` or nothing. */
export function present(value: string | undefined): string | undefined {
  return value === undefined || value === '' || value === '?' || value === '(null)' || value === '(none)'
    ? undefined
    : value;
}

/** The fields of a piece of kernel text, such as `auid=0 uid=0`. */
export function fieldsOfText(text: string, type: number): ReadonlyMap<string, string> {
  const fields = new Map<string, string>();
  readFields(text, { start: 0, end: enrichmentStart(text), type, isUser: false }, fields);
  return fields;
}

/** What auditd appended in its ENRICHED format: names for ids, by the upper-case field name (`UID` → `root`). */
export function enrichmentOf(record: AuditRecord): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  const { text, type } = record;
  const marked = enrichmentStart(text);
  // What a program wrote inside `msg='…'` is not auditd's.
  const from = isFromUserSpace(type) ? text.lastIndexOf("'") + 1 : 0;
  const glued = text.slice(from).search(GLUED);
  const start = marked < text.length ? marked + 1 : glued < 0 ? -1 : from + glued;
  if (start < 0) return names;
  for (const match of text.slice(start, start + 4096).matchAll(/\b([A-Z][A-Z-]{1,15})="([^"]{0,256})"/g)) {
    if (names.size < 64) names.set(match[1] ?? '', match[2] ?? '');
  }
  return names;
}

/** Where the fields begin: after `audit(…): `. */
export function bodyStart(text: string): number {
  const space = text.indexOf(' ');
  return space < 0 ? text.length : space + 1;
}

function enrichmentStart(text: string): number {
  const marker = text.indexOf('\x1d');
  return marker < 0 ? text.length : marker;
}

/** The interpretations' first names, glued to the last value where the 0x1D was lost on the way. */
const GLUED = /(?:ARCH|SYSCALL|SADDR|OAUID|OUID|AUID|UID|OLD-AUID)=/;
const UPPER_NAME = /^[A-Z][A-Z_-]+$/;

interface Span {
  readonly start: number;
  readonly end: number;
  readonly type: number;
  readonly isUser: boolean;
}

/** Reads `name=value` after `name=value`; every character is looked at a bounded number of times. */
function readFields(text: string, span: Span, into: Map<string, string>): void {
  const { end, type, isUser } = span;
  let at = span.start;
  let last = '';
  let prefix = '';
  let equals = -1;
  if (text.startsWith('avc:', at)) at = readAvcHead(text, at, end, into);
  while (at < end) {
    if (text.charCodeAt(at) === 32) {
      at++;
      continue;
    }
    const space = indexWithin(text, ' ', at, end);
    if (equals < at) equals = indexWithin(text, '=', at, end);
    if (equals >= space || equals === at) {
      const word = text.slice(at, space);
      if (isUser) appendWord(into, last, word);
      // RHEL 5 and 6 write `login pid=1 … old auid=4294967295 new auid=0`.
      else prefix = word === 'old' || word === 'new' ? `${word}-` : '';
      at = space + 1;
      continue;
    }
    let name = text.slice(at, equals);
    if (!isUser && UPPER_NAME.test(name)) return;
    if (isUser && name.startsWith('(')) name = name.slice(1);
    at = equals + 1;
    let isGlued = false;
    let isPlain = false;
    let value: string;
    if (text.charCodeAt(at) === 34) {
      const close = indexWithin(text, '"', at + 1, end);
      value = textOfLatin1(text.slice(at + 1, close));
      at = close + 1;
      isGlued = !isUser && at < end && text.charCodeAt(at) !== 32;
    } else if (!isUser && text.charCodeAt(at) === 39 && indexWithin(text, "'", at + 1, end) < end) {
      // The device mapper quotes its error messages so.
      const close = indexWithin(text, "'", at + 1, end);
      value = textOfLatin1(text.slice(at + 1, close));
      at = close + 1;
    } else {
      const stop = indexWithin(text, ' ', at, end);
      let raw = text.slice(at, stop);
      at = stop + 1;
      const glued = isUser ? -1 : raw.search(GLUED);
      if (glued > 0) {
        raw = raw.slice(0, glued);
        isGlued = true;
      }
      isPlain = !isEscaped(name, type) || !isHex(raw);
      value = isPlain ? textOfLatin1(isUser ? unbracketed(raw) : raw) : textOfHex(raw);
    }
    name = prefix + name;
    prefix = '';
    if (into.size < FIELDS_MAX || into.has(name)) into.set(name, value);
    if (isGlued) return;
    last = isPlain ? name : '';
  }
}

function indexWithin(text: string, what: string, from: number, end: number): number {
  const at = text.indexOf(what, from);
  return at < 0 || at > end ? end : at;
}

/** `op=adding user`: a word without `=` goes on the value before it; the first words name the operation of old formats. */
function appendWord(into: Map<string, string>, last: string, word: string): void {
  if (word === ':') return;
  const name = last === '' ? 'op' : last;
  const before = into.get(name);
  into.set(name, before === undefined || before === '' ? textOfLatin1(word) : `${before} ${textOfLatin1(word)}`);
}

/** RHEL 5 writes `uid=500: exe="/x" (hostname=?, addr=?, terminal=cron res=success)`. */
function unbracketed(value: string): string {
  return /[,)]$|^[0-9]+:$/.test(value) ? value.slice(0, -1) : value;
}

/** `avc:  denied  { read write } for  pid=…`: result and permissions become fields of their own. */
function readAvcHead(text: string, at: number, end: number, into: Map<string, string>): number {
  const open = indexWithin(text, '{', at, end);
  const close = indexWithin(text, '}', at, end);
  if (open >= close) {
    // A decision about no permission at all: `avc:  denied  null for`.
    const [, result] = /^avc: +(\w+) +null for /.exec(text.slice(at, Math.min(end, at + 64))) ?? [];
    if (result !== undefined) into.set('seresult', result);
    return at + 4;
  }
  into.set('seresult', text.slice(at + 4, open).trim());
  into.set('seperms', text.slice(open + 1, close).trim());
  return text.startsWith(' for ', close + 1) ? close + 6 : close + 1;
}
