// Variations of real events for the properties of document templates: the same event with other numbers, names, titles, addresses
// and arguments, as a kernel and as a liar would write them, and with a change elsewhere. Longer than 300 lines: most of it is what may stand in an event.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import type { AuditEvent } from '../../audit/event.ts';
import { createFrameReader, FRAME_HEAD_BYTES, recordFrom } from '../../audit/record.ts';
import { CWD, EXECVE, PATH, PROCTITLE, SOCKADDR, SYSCALL } from '../../audit/tables/record-type.ts';
import { eventsOf, SAMPLE_NAMES, sampleEvents } from './samples.ts';

export interface Part {
  readonly type: number;
  /** A record's text after its stamp. */
  readonly body: string;
}
export type Generator = fc.GeneratorValue;

const TAIL = 'gid=0 euid=0 suid=0 fsuid=0 egid=0 sgid=0 fsgid=0 tty=(none) ses=3';

/** A SYSCALL record's body; `call` is `arch=… syscall=…`, `image` is `comm=… exe=… key=…`. */
export function syscallBody(call: string, of: { readonly items: number; readonly image?: string }): string {
  const image = of.image ?? 'comm="tool" exe="/opt/tool" key="k"';
  return `${call} success=yes exit=3 a0=5 a1=7ffd01 a2=241 a3=1b6 items=${of.items} ppid=100 pid=200 auid=1000 uid=0 ${TAIL} ${image}`;
}

export function pathBody(item: number, name: string, nametype: string, inode = 1000 + item): string {
  return `item=${item} name=${name} inode=${inode} dev=fe:00 mode=0100644 ouid=0 ogid=0 rdev=00:00 nametype=${nametype} cap_fp=0 cap_fi=0 cap_fe=0 cap_fver=0 cap_frootid=0`;
}

export function hexOf(text: string): string {
  return Buffer.from(text, 'latin1').toString('hex').toUpperCase();
}

/** As the kernel writes an untrusted string. */
function encoded(text: string): string {
  return /^[!#-~]*$/.test(text) ? `"${text}"` : hexOf(text);
}

const cwd = (path: string): Part => ({ type: CWD, body: `cwd="${path}"` });
const title = (...words: readonly string[]): Part => ({
  type: PROCTITLE,
  body: `proctitle=${hexOf(words.join('\0'))}`,
});
const call = (body: string, ...parts: readonly Part[]): readonly Part[] => [{ type: SYSCALL, body }, ...parts];
const path = (item: number, name: string, nametype: string, inode?: number): Part => ({
  type: PATH,
  body: pathBody(item, name, nametype, inode),
});
const X64 = 'arch=c000003e syscall=';

/** What the samples lack. */
const MADE_BASES: readonly (readonly Part[])[] = [
  call(
    syscallBody(`${X64}2`, { items: 2 }),
    cwd('/srv/w'),
    path(0, '"/srv/w/"', 'PARENT'),
    path(1, '"/srv/w/n.txt"', 'CREATE'),
    title('tool', 'x'),
  ),
  call(
    syscallBody(`${X64}263`, { items: 2 }),
    cwd('/srv/w'),
    path(0, '"/srv/sub"', 'PARENT'),
    path(1, '"n"', 'DELETE'),
    title('tool', 'x'),
  ),
  call(
    syscallBody(`${X64}87`, { items: 1, image: 'comm="/etc/passwd" exe="/usr/bin/python3" key=(null)' }),
    path(0, '"/etc/shadow"', 'NORMAL'),
  ),
  call(
    syscallBody(`${X64}87`, { items: 1, image: 'comm="x" exe=2F6F70742F746F6F6C key=(null)' }),
    path(0, '"/etc/shadow"', 'NORMAL'),
  ),
  call(
    syscallBody(`${X64}87`, { items: 1, image: `comm="x" exe="/${'long/'.repeat(190)}tool" key=(null)` }),
    path(0, '"/etc/shadow"', 'NORMAL'),
  ),
  call(
    syscallBody(`${X64}82`, { items: 4 }),
    cwd('/srv/w'),
    path(0, '"/srv/a"', 'PARENT'),
    path(1, '"/srv/b"', 'PARENT'),
    path(2, '"/srv/a/one"', 'DELETE', 7),
    path(3, '"/srv/b/two"', 'CREATE', 7),
    title('mv', 'a', 'b'),
  ),
  call(
    syscallBody(`${X64}316`, { items: 5 }),
    cwd('/srv/w'),
    path(0, '"/srv/a"', 'PARENT'),
    path(1, '"/srv/b"', 'PARENT'),
    path(2, hexOf('/srv/a/o ne'), 'DELETE', 7),
    path(3, '"/srv/b/two"', 'DELETE', 8),
    path(4, '"/srv/b/two"', 'CREATE', 7),
  ),
  call(
    syscallBody(`${X64}82`, { items: 3 }),
    path(0, '"/srv/a"', 'DELETE', 7),
    path(1, '(null)', 'DELETE', 8),
    path(2, '"/srv/b"', 'CREATE', 7),
  ),
  call(
    syscallBody(`${X64}86`, { items: 2 }),
    cwd('/srv/w'),
    path(0, '"/srv/a"', 'NORMAL'),
    path(1, '"/srv/b.c.d"', 'CREATE'),
  ),
  call(
    syscallBody(`${X64}88`, { items: 2 }),
    cwd('/srv/w'),
    path(0, '"/srv/a"', 'UNKNOWN'),
    path(1, '"/srv/b"', 'CREATE'),
  ),
  call(
    syscallBody(`${X64}42`, { items: 0 }),
    { type: SOCKADDR, body: 'saddr=0200115C7F0000010000000000000000' },
    title('curl', 'x'),
  ),
  call(syscallBody(`${X64}43`, { items: 0 }), { type: SOCKADDR, body: 'saddr=0200115C7F0000010000000000000000' }),
  call(syscallBody('arch=40000003 syscall=5', { items: 1 }), cwd('/'), path(0, '"/etc/hosts"', 'NORMAL'), title('x')),
  call(syscallBody('arch=c00000b7 syscall=56', { items: 1 }), cwd('/'), path(0, '"/etc/hosts"', 'NORMAL'), title('x')),
  call(syscallBody('arch=c000003e syscall=1073741826', { items: 1 }), cwd('/'), path(0, '"/etc/hosts"', 'NORMAL')),
  call(
    syscallBody(`${X64}59`, { items: 2, image: 'comm="s.awk" exe="/usr/bin/mawk" key="exec"' }),
    { type: EXECVE, body: 'argc=3 a0="/usr/bin/awk" a1="-f" a2="/srv/w/t.awk"' },
    cwd('/srv/w'),
    path(0, '"/srv/w/s.awk"', 'NORMAL'),
    path(1, '"/usr/bin/awk"', 'NORMAL'),
    title('awk', '-f'),
  ),
  call(
    syscallBody(`${X64}59`, { items: 1, image: `comm=${hexOf('a b.awk')} exe="/usr/bin/mawk" key="exec"` }),
    { type: EXECVE, body: `argc=2 a0="/usr/bin/awk" a1=${hexOf('/srv/w/o b.awk')}` },
    cwd('/srv/w'),
    path(0, hexOf('/srv/w/a b.awk'), 'NORMAL'),
    path(1, '"/usr/bin/awk"', 'NORMAL'),
  ),
  call(
    syscallBody(`${X64}59`, { items: 1, image: 'comm="ls" exe="/usr/bin/ls" key="exec"' }).replace(
      'success=yes exit=3',
      'success=no exit=-7',
    ),
    { type: EXECVE, body: 'argc=2 a0="ls" a1="-l"' },
    cwd('/'),
    path(0, '"/usr/bin/ls"', 'NORMAL'),
  ),
  call(
    syscallBody(`${X64}59`, { items: 1, image: 'comm="ls" exe="/usr/bin/ls" key="exec"' }),
    { type: EXECVE, body: `argc=24 ${Array.from({ length: 24 }, (_, at) => `a${at}="w${at}"`).join(' ')}` },
    cwd('/'),
    path(0, '"/usr/bin/ls"', 'NORMAL'),
  ),
];

const partsOf = ({ records }: AuditEvent): readonly Part[] =>
  records.map(({ type, text }) => ({ type, body: text.slice(text.indexOf(' ') + 1) }));
const isShort = ({ records }: AuditEvent): boolean =>
  records[0]?.type === SYSCALL && records.reduce((sum, { text }) => sum + text.length, 0) < 6000;

/** Other people's lines, where they are; nothing else is known of them here. */
const GOLDENS =
  process.env['VEDETTE_AUDIT_GOLDEN'] ?? new URL('../../../shared/data/audit-golden', import.meta.url).pathname;
const golden = (): readonly AuditEvent[] =>
  !existsSync(GOLDENS)
    ? []
    : ['auditbeat', 'aucoalesce', 'auparse'].flatMap((folder) =>
        readdirSync(`${GOLDENS}/${folder}`).flatMap((name) => {
          const lines = readFileSync(`${GOLDENS}/${folder}/${name}`, 'latin1').match(/type=[A-Z_]+ msg=audit\([^\n]*/g);
          return /\.(?:log|yaml)$/.test(name) && lines !== null ? eventsOf(lines) : [];
        }),
      );

/** Events to vary: led by a SYSCALL, one of each kind (calls, outcomes and records). */
export const BASES: readonly (readonly Part[])[] = [
  ...new Map(
    [...SAMPLE_NAMES.flatMap((name) => sampleEvents(name)), ...golden()]
      .filter(isShort)
      .map(partsOf)
      .map((parts) => [
        `${parts.map(({ type }) => type).join(' ')} ${/arch=\w+ syscall=\d+/.exec(parts[0]?.body ?? '')} ${/success=\w+/.exec(parts[0]?.body ?? '')}`,
        parts,
      ]),
  ).values(),
  ...MADE_BASES,
];
const HELD: ReadonlySet<number> = new Set([SYSCALL, EXECVE, CWD, PATH, SOCKADDR, PROCTITLE]);
/** Those of records that a template may be made of; the others are the mapper's alone. */
export const PLAIN_BASES: readonly (readonly Part[])[] = BASES.filter((parts) =>
  parts.every(({ type }) => HELD.has(type)),
);

const PRINTABLE = fc.string({
  unit: fc.integer({ min: 33, max: 126 }).map((code) => String.fromCharCode(code)),
  maxLength: 40,
});
const BYTES = fc.string({
  unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)),
  maxLength: 12,
});
const WORDS = [
  '/',
  '/a',
  '/a/',
  '/a/b',
  '/a/b/',
  '/a/b.c',
  '/a/b.c.d',
  '/a/.b',
  '/a/.b.c',
  '/a/b.',
  '/a/..b',
  '/.a/b',
  '/a//b',
  '/a/./b',
  '/a/../b',
  '/a/b/..',
  '/a/b/.',
  '/..',
  '/.',
  'a',
  'a/b',
  './a',
  '../a',
  '.',
  '..',
  '',
  '-f',
  '-c',
  '-l',
  "it's",
  'a b',
  'a"b',
  'a\\b',
  '$x',
  '/a.b/c',
  '/a/b c',
  '/ä',
  '/opt/tool',
  '/usr/bin/ls',
  '/srv/w',
  '/srv/w/s.awk',
  '/srv/w/a b.awk',
  '/etc/passwd',
  `/${'n'.repeat(253)}`,
  `/${'n'.repeat(254)}`,
  `/${'d/'.repeat(126)}e`,
  `/${'n'.repeat(255)}`,
  `/${'n'.repeat(256)}`,
  `/x/${'n'.repeat(200)}.txt`,
  '730029917',
  '840029917',
  '/pd0d07731/pb0b07731',
  'Tq0Title7731',
  'pa0a00a7731',
] as const;
const NUMBERS = [
  '0',
  '00',
  '01',
  '007',
  '1',
  '2',
  '9',
  '10',
  '99',
  '100',
  '200',
  '1000',
  '65535',
  '2147483647',
  '2147483648',
  '4294967295',
  '4294967296',
  '-1',
  '-13',
  '-2',
  '12345678901234567890',
  '123456789012345678901',
  '',
  'x',
  '730029917',
  '73002',
  '1"',
  '1\\',
] as const;
const REGISTERS = [
  '0',
  '1',
  '3',
  '241',
  '80000',
  '410000',
  'ffffff9c',
  'ffffffffffffff9c',
  '7ffd1',
  '00',
  '',
  'X',
  '9"',
  'fffffffffffffffff',
] as const;
const INODES = [
  '0',
  '1',
  '7',
  '8',
  '01',
  '1000',
  '1001',
  '1002',
  '18446744073709551615',
  '999999999999999999999',
  '',
  '-1',
] as const;
const PLAIN_INODES = ['0', '1', '7', '8', '1000', '1001', '1002', '18446744073709551615'] as const;
const ADDRESSES = [
  '0200000000000000',
  '0200FFFFFFFFFFFF',
  '020000007F000001',
  '0200115CC0A80001',
  '02000050CB00714D',
  '020000350A0A0A0A',
  '0200d657cb00714d',
  '0A00115C00000000',
  '0100',
] as const;
const SUFFIXES = [
  '0000000000000000',
  '0000000000000000',
  '0000000000000000',
  '',
  '0000000000000001',
  '00000000',
] as const;
/** Changes of what is no hole: what a shape must tell apart, or refuse. */
const ELSEWHERE: readonly (readonly [RegExp, readonly string[]])[] = [
  [/success=\w+/, ['success=yes', 'success=no', 'success=yxx', '']],
  [
    /syscall=\d+/,
    ['2', '87', '257', '263', '82', '59', '322', '42', '49', '0', '62', '1073741826', '0087'].map(
      (number) => `syscall=${number}`,
    ),
  ],
  [/arch=\w+/, ['arch=c000003e', 'arch=40000003', 'arch=c00000b7', 'arch=c000003E', 'arch=1']],
  [/items=\d+/, ['items=0', 'items=1', 'items=2', 'items=9', 'items=']],
  [/ exit=/, [' per=8 exit=', ' exit=-', ' Exit=']],
  [
    /comm=\S+/,
    [
      'comm="tool"',
      'comm="/a/b"',
      'comm="s.awk"',
      'comm=',
      '',
      'comm="/etc/passwd"',
      `comm=${hexOf('/a/b')}`,
      `comm=${hexOf('a b.awk')}`,
    ],
  ],
  [
    /exe=\S+/,
    [
      'exe="/a/b"',
      'exe="/opt/tool"',
      'exe=(null)',
      '',
      'exe="/usr/bin/python3"',
      `exe=${hexOf('/a/b')}`,
      `exe="/${'l/'.repeat(480)}e"`,
      'exe="/usr/bin/mawk"',
    ],
  ],
  [/ uid=\d+/, [' uid=0', ' uid=1', ' uid=4294967295', ' uid=1000']],
  [/auid=\d+/, ['auid=0', 'auid=1000', 'auid=4294967295']],
  [/key=\S+/, ['key=(null)', 'key="k"', `key=${hexOf('a\x01b')}`, 'key="k" subj=unconfined']],
  [/nametype=\w+/, ['NORMAL', 'PARENT', 'CREATE', 'DELETE', 'UNKNOWN'].map((type) => `nametype=${type}`)],
  [/item=\d+/, ['item=0', 'item=1', 'item=', 'item=01']],
  [
    /cwd=\S+/,
    [
      'cwd="/a"',
      'cwd="/"',
      'cwd="/srv/w"',
      `cwd=${hexOf('/a b')}`,
      'cwd="a"',
      'cwd="/a/b"',
      'cwd="/a"\x1b\x05cwd="/b"',
    ],
  ],
  [/mode=\d+/, ['mode=040755', 'mode=0100644', 'mode=0', 'mode=x']],
  [/argc=\d+/, ['argc=1', 'argc=25', 'argc=03', 'argc=']],
  [/dev=\S+/, ['dev=fe:01', 'dev="x"', 'inode=5 dev=fe:00']],
  [/=/, ['= ', '==', '="', '\xff=', '\x7f=']],
  [/$/, [' ', ' x', '"', ' inode=9', '00', '\xe4']],
];

const indexBelow = (length: number): fc.Arbitrary<number> =>
  fc.constantFrom(...Array.from({ length }, (_, index) => index));

/** One of them. A generator compares its arguments with all that it had before, so it is given how many there are, not which. */
function pick<const Value>(g: Generator, values: readonly Value[]): Value {
  return values[g(indexBelow, values.length)] as Value;
}

const NAME_STYLES = ['kernel', 'kernel', 'kernel', 'quoted', 'hex', 'null'] as const;

function nameOf(g: Generator, words: readonly string[]): string {
  const of = g(fc.nat, 9) < 8 ? pick(g, [...words, ...WORDS]) : g(() => PRINTABLE);
  switch (pick(g, NAME_STYLES)) {
    case 'kernel':
      return encoded(of);
    case 'quoted':
      return `"${of}"`;
    case 'hex':
      return hexOf(of);
    default:
      return '(null)';
  }
}

/** A name that may be held: like the one it stands for, or like another of the event. */
function plainNameOf(g: Generator, words: readonly string[], before: string): string {
  const plain = words.filter((word) => word.startsWith('/'));
  const named = g(fc.nat, 2) === 0 ? pick(g, ['/a/b', ...plain]) : before.replaceAll('"', '');
  const at = g(fc.nat, named.length);
  const isMade = g(fc.boolean) && /^[a-z]{2}$/.test(named.slice(at, at + 2));
  return `"${isMade ? `${named.slice(0, at)}${pick(g, ['q', 'qqqq', 'z9', '%'])}${named.slice(at + 1)}` : named}"`;
}

function argumentOf(g: Generator, words: readonly string[]): string {
  return g(fc.nat, 5) === 0 ? `"${g(() => PRINTABLE)}"` : encoded(pick(g, [...words, ...WORDS]));
}

const FIELD = / (?:exit|a[0-3]|ppid|pid)=\S*/g;
const PLAIN_NUMBERS = ['0', '1', '2', '3', '4', '5', '6', '7', '100', '200', '65535', '2147483647'] as const;
const PLAIN_REGISTERS = [
  '0',
  '1',
  '3',
  '241',
  '80000',
  '410000',
  'ffffff9c',
  'ffffffffffffff9c',
  '7ffd1',
  '00',
] as const;

/** The record with other text in some of its holes; `isWild`: such as no kernel writes there, too. */
function heldVaried(g: Generator, { type, body }: Part, words: readonly string[], isWild: boolean): Part {
  const changed = (pattern: RegExp, make: (before: string) => string): string =>
    body.replace(pattern, (whole: string) => {
      const equals = whole.indexOf('=') + 1;
      return g(fc.boolean) ? whole.slice(0, equals) + make(whole.slice(equals)) : whole;
    });
  switch (type) {
    case SYSCALL:
      return { type, body: changed(FIELD, (before) => numberOf(g, before, isWild)) };
    case PATH: {
      const named = changed(/ name=(?:"[^"]*"|\S+)/, (before) =>
        isWild ? nameOf(g, words) : plainNameOf(g, words, before),
      );
      const inodes = isWild ? INODES : PLAIN_INODES;
      return {
        type,
        body: named.replace(/(?<= inode=)\d*/, (before) => (g(fc.boolean) ? pick(g, inodes) : before)),
      };
    }
    case PROCTITLE:
      return { type, body: changed(/proctitle=.*/, () => titleOf(g, words, isWild)) };
    case SOCKADDR:
      return {
        type,
        body: changed(/saddr=.*/, () =>
          isWild ? pick(g, ADDRESSES) + pick(g, SUFFIXES) : pick(g, ADDRESSES.slice(0, 6)) + SUFFIXES[0],
        ),
      };
    case EXECVE:
      return {
        type,
        body: changed(/ a\d+=(?:"[^"]*"|\S+)/g, (before) =>
          isWild ? argumentOf(g, words) : likeArgumentOf(g, words, before),
        ),
      };
    default:
      return { type, body };
  }
}

function numberOf(g: Generator, before: string, isWild: boolean): string {
  if (isWild) return pick(g, g(fc.boolean) ? NUMBERS : REGISTERS);
  if (/^-/.test(before)) return before;
  return before.length > 8 || g(fc.boolean)
    ? pick(g, PLAIN_REGISTERS.slice(0, before.length > 5 ? undefined : 3))
    : pick(g, PLAIN_NUMBERS);
}

/** An argument in the same writing. */
function likeArgumentOf(g: Generator, words: readonly string[], before: string): string {
  const like = words.filter((word) => encoded(word).startsWith('"') === before.startsWith('"'));
  return like.length === 0 ? before : encoded(pick(g, like));
}

function titleOf(g: Generator, words: readonly string[], isWild: boolean): string {
  switch (isWild ? g(fc.nat, 4) : 9) {
    case 0:
      return hexOf(g(() => BYTES));
    case 1:
      return `"${pick(g, WORDS)}"`;
    case 2:
      return `${hexOf(pick(g, [...words, ...WORDS]))}${pick(g, ['', '00', '0', '002D', '0000'])}`;
    default:
      return hexOf([pick(g, words), pick(g, WORDS)].join('\0'));
  }
}

const OTHERS: readonly Part[] = [
  { type: 1400, body: 'apparmor="DENIED" operation="open"' },
  { type: 1318, body: 'opid=77 oauid=0 ouid=0 oses=1 ocomm="x"' },
  { type: 1321, body: 'fver=0' },
  cwd('/second'),
  title('second'),
  { type: SOCKADDR, body: 'saddr=0200115C7F0000020000000000000000' },
  { type: EXECVE, body: 'argc=1 a0="second"' },
  { type: SYSCALL, body: syscallBody(`${X64}87`, { items: 0 }) },
  path(9, '"/second"', 'NORMAL'),
  { type: 1112, body: "pid=1 uid=0 msg='op=login'" },
];

/** The event with one change of what is no hole, or of its records. */
function elsewhereVaried(g: Generator, parts: readonly Part[]): readonly Part[] {
  const at = g(fc.nat, parts.length - 1);
  const changed = [...parts];
  const part = parts[at] as Part;
  switch (g(fc.nat, 7)) {
    case 0:
      changed.splice(at, 1);
      return changed.length === 0 ? parts : changed;
    case 1:
      changed.splice(at, 0, part);
      return changed;
    case 2:
      changed.splice(at + 1, 0, pick(g, OTHERS));
      return changed;
    case 3:
      return [...changed.slice(0, at), ...changed.slice(at + 1), part];
    default: {
      const [pattern, values] = pick(g, ELSEWHERE);
      changed[at] = { ...part, body: part.body.replace(pattern, () => pick(g, values)) };
      return changed;
    }
  }
}

/** What names of an event may be confused with. */
function wordsOf(parts: readonly Part[]): readonly string[] {
  const quoted = parts.flatMap(({ body }) =>
    [...body.matchAll(/ ?(?:exe|comm|cwd|name)="([^"]*)"/g)].map((match) => match[1] ?? ''),
  );
  const hex = parts.flatMap(({ body }) =>
    [...body.matchAll(/ ?(?:exe|comm|cwd|name)=((?:[0-9A-F]{2})+)(?= |$)/g)].map((match) =>
      Buffer.from(match[1] ?? '', 'hex').toString('latin1'),
    ),
  );
  const words = [...quoted, ...hex].filter((word) => word.length > 0);
  return ['x', ...words, ...words.map((word) => `${word}/`)];
}

/** Events that are alike: the first two are one event at two times, most others differ in the holes only, some elsewhere too. */
export function alikeEvents(g: Generator, base: readonly Part[], count: number): readonly AuditEvent[] {
  const start = g(fc.nat, 3) === 0 ? elsewhereVaried(g, base) : base;
  return Array.from({ length: count }, (_, index) => {
    const how = pick(g, ['text', 'held', 'detached']);
    const parts = index < 2 ? start : varied(g, start);
    return madeEvent(parts, g(fc.nat, 2_000_000_000), how);
  });
}

function varied(g: Generator, start: readonly Part[]): readonly Part[] {
  const wildness = g(fc.nat, 7);
  const parts = wildness === 0 ? elsewhereVaried(g, start) : start;
  const words = wordsOf(parts);
  return parts.map((part) => (g(fc.nat, 3) === 0 ? part : heldVaried(g, part, words, wildness === 1 && g(fc.boolean))));
}

/** The event of these records; `how`: as texts, as bytes in a buffer, or as bytes of a buffer that was used again. */
export function madeEvent(
  parts: readonly Part[],
  number: number,
  how: 'text' | 'held' | 'detached' = 'text',
): AuditEvent {
  const timeMs = 1_000_000_000_000 + number * 7;
  const serial = number + 1;
  const stamp = `audit(${Math.floor(timeMs / 1000)}.${String(timeMs % 1000).padStart(3, '0')}:${serial}): `;
  const records = parts.map(({ type, body }) => {
    const text = stamp + body;
    const record =
      how === 'text' || text.endsWith('\0') ? recordFrom(type, text) : receivedRecord(type, text, how === 'detached');
    if (record === undefined) throw new Error(`not a record: ${text}`);
    return record;
  });
  return { timeMs, serial, node: undefined, records, crc: number, incomplete: [], isFragment: false };
}

const readFrame = createFrameReader();

function receivedRecord(type: number, text: string, isDetached: boolean) {
  const buffer = Buffer.alloc(FRAME_HEAD_BYTES + text.length);
  buffer.writeUInt16LE(type, 4);
  buffer.write(text, FRAME_HEAD_BYTES, 'latin1');
  const record = readFrame(buffer, 0, buffer.length);
  if (isDetached) {
    record?.detach();
    buffer.fill('#');
  }
  return record;
}
