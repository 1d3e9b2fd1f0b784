// Other people's goldens: Auditbeat's documents for audit.log lines, go-libaudit's coalesced events and parsed records, each field by
// field. Where ours differ on purpose, the field stands here with the reason, as narrow as it is true; an excuse that no golden
// needs fails. The files are not ours to ship: without them the tests are skipped.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import { createEcsMapper } from '../../audit/ecs.ts';
import type { HostKnowledge } from '../../audit/event.ts';
import { type EventDocument, fieldOf } from '../../event/document.ts';
import { eventsOf, HOST } from './samples.ts';

const GOLDENS =
  process.env['VEDETTE_AUDIT_GOLDEN'] ?? new URL('../../../shared/data/audit-golden', import.meta.url).pathname;
const isPresent = existsSync(GOLDENS);
const reason = isPresent ? '' : ' (skipped: no goldens; VEDETTE_AUDIT_GOLDEN names their folder)';

const USERS = new Map([
  [0, 'root'],
  [1000, 'vagrant'],
  [1001, 'alice'],
  [1002, 'oldbob'],
  [1003, 'charlie'],
  [1004, 'testuser'],
  [9999, 'bob'],
]);
const GROUPS = new Map([
  [0, 'root'],
  [1000, 'vagrant'],
  [1004, 'testgroup'],
]);
const knowledge: HostKnowledge = {
  userName: (uid) => USERS.get(uid),
  groupName: (gid) => GROUPS.get(gid),
  userId: (wanted) => [...USERS].find(([, name]) => name === wanted)?.[0],
  lineage: () => undefined,
};
const named = createEcsMapper(HOST, knowledge);
const nameless = createEcsMapper(HOST);

interface Difference {
  readonly field: string;
  readonly golden: unknown;
  readonly own: unknown;
  readonly ours: EventDocument;
  readonly messageType: unknown;
}
type Excuse = readonly [field: RegExp, why: string, isTrue?: (difference: Difference) => boolean];

const ownIs =
  (field: string) =>
  ({ golden, ours }: Difference): boolean =>
    fieldOf(ours, field) === golden;
const isOf =
  (...types: readonly string[]) =>
  ({ messageType }: Difference): boolean =>
    types.includes(String(messageType));
const isDevice = ({ golden, own }: Difference): boolean =>
  golden === '00:00' && typeof own === 'string' && own !== golden;

const AUDITBEAT: readonly Excuse[] = [
  [/^auditd\.sequence$/, 'event.sequence, once', ({ golden, ours }) => fieldOf(ours, 'event.sequence') === golden],
  [
    /^event\.original$/,
    'one text, the records joined by a newline',
    ({ golden, own }) => (golden as readonly string[]).join('\n') === own,
  ],
  [/^service\.type$/, 'event.module says it', ownIs('event.module')],
  [
    /^file\.path$|^auditd\.summary\.object\.primary$/,
    'absolute, theirs is relative',
    ({ golden, own }) => !String(golden).startsWith('/') && String(own).endsWith(`/${golden}`),
  ],
  [/^file\.device$/, 'the device that the file is on; theirs is rdev', isDevice],
  [/^auditd\.data\.selected-context$/, 'names with - use _', ownIs('auditd.data.selected_context')],
  [/^event\.category$/, 'mac is no ECS category', isOf('user_role_change')],
  [/^user\.(id|name)$/, 'user is who did it; the account whose role it is is user.target', isOf('user_role_change')],
];

const AUCOALESCE: readonly Excuse[] = [
  [/^category$/, 'their own categories, beside those of ECS'],
  [
    /^(session|ecs\.user\.id|user\.ids\.(auid|old-auid))$/,
    'unset ids are left out',
    ({ golden }) => golden === 'unset',
  ],
  [
    /^tags$/,
    'a rule that is changed is no rule that asked: auditd.data.key',
    ({ golden, ours, messageType }) =>
      messageType === 'config_change' && fieldOf(ours, 'auditd.data.key') === String(golden),
  ],
  [
    /^tags$/,
    'their defect: the interpretations glued to key=(null)',
    ({ golden }) => JSON.stringify(golden) === '["x86_64"]',
  ],
  [
    /^user\.ids\.(uid|suid)$/,
    'records of programs: the user is the auid, and the uid that of the program',
    (difference) => !isOf('syscall')(difference),
  ],
  [/^user\.ids\.e(uid|gid)$/, 'effective ids are told where they differ', ({ own }) => own === undefined],
  [
    /^ecs\.user\.effective\.id$/,
    'LOGIN: the account is user, who wrote it user.effective',
    ({ golden, ours, messageType }) => messageType === 'login' && fieldOf(ours, 'user.id') === golden,
  ],
  [
    /^ecs\.user\.effective\.id$/,
    'the same as user',
    ({ golden, own, ours }) => own === undefined && fieldOf(ours, 'user.id') === golden,
  ],
  [/^data\.old-ses$/, 'names with - use _', ownIs('auditd.data.old_ses')],
  [/^data\.items$/, 'auditd.paths are the items', ({ golden }) => golden === '0'],
  [
    /^data\.socket_/,
    'an object, as Auditbeat writes it',
    ({ field, golden, ours }) => fieldOf(ours, `auditd.${field.replace('socket_', 'socket.')}`) === golden,
  ],
  [
    /^summary\.object\.primary$|^file\.(path|inode|mode)$/,
    'mknod: theirs is the directory',
    ({ ours }) => fieldOf(ours, 'event.code') === 'mknod',
  ],
  [
    /^summary\.object\.primary$|^file\.path$/,
    'rename: the new name; theirs is the old',
    ownIs('file.Ext.original.path'),
  ],
  [/^file\.device$/, 'the device that the file is on; theirs is rdev', isDevice],
  [
    /^ecs\.event\.category$/,
    'a call on sockets that theirs has no word for',
    ({ ours }) => /^get(sock|peer)name$/.test(String(fieldOf(ours, 'event.code'))),
  ],
  [/^user\.selinux\.user$/, 'an AppArmor profile is no SELinux user', ({ golden }) => golden === '/usr/sbin/chronyd'],
  [
    /^data\.(new|old|op)$/,
    'two records say it; theirs keeps one',
    ({ golden, own }) => Array.isArray(own) && own.includes(golden),
  ],
];

const AUPARSE: readonly Excuse[] = [
  [/^data\.(auid|ses)$/, 'unset ids are left out', ({ golden }) => golden === 'unset'],
  [/^data\.e(uid|gid)$/, 'effective ids are told where they differ', ({ own }) => own === undefined],
  [/^data\.items$/, 'auditd.paths are the items', isOf('syscall')],
  [/^data\.addr$/, 'where a session comes from is its source', ownIs('source.ip')],
  [/^data\.uid$/, 'records of programs: the user is the auid', (difference) => !isOf('syscall')(difference)],
];

const used = new Set<Excuse>();

function differencesOf(
  golden: unknown,
  ours: EventDocument,
  {
    excuses,
    messageType,
    nameOf,
  }: { excuses: readonly Excuse[]; messageType: unknown; nameOf: (field: string) => string },
): readonly Difference[] {
  return flat(golden).flatMap(([field, value]) => {
    const own = fieldOf(ours, nameOf(field));
    if (stable(own) === stable(value)) return [];
    const difference: Difference = { field, golden: value, own, ours, messageType };
    const excuse = excuses.find(([pattern, , isTrue]) => pattern.test(field) && isTrue?.(difference) !== false);
    if (excuse === undefined) return [{ ...difference, ours: {} }];
    used.add(excuse);
    return [];
  });
}

function flat(value: unknown, path = ''): [string, unknown][] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [[path, value]];
  return Object.entries(value).flatMap(([key, inner]) => flat(inner, path === '' ? key : `${path}.${key}`));
}

/** The order of an object's members means nothing, nor does a number written as text, nor the final zeros of a time. */
function stable(value: unknown): string {
  return JSON.stringify(value, (_, each) =>
    typeof each === 'object' && each !== null && !Array.isArray(each)
      ? Object.fromEntries(Object.entries(each).sort(([a], [b]) => (a < b ? -1 : 1)))
      : typeof each === 'number'
        ? String(each)
        : typeof each === 'string'
          ? each.replace(/^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:(\.\d*?)0*)?Z$/, '$1$2Z').replace('.Z', 'Z')
          : each,
  );
}

function filesOf(folder: string, ending: string): readonly string[] {
  const names = isPresent ? readdirSync(`${GOLDENS}/${folder}`).filter((name) => name.endsWith(ending)) : [];
  return names.length > 0 ? names : ['none'];
}

const linesOf = (path: string): readonly string[] =>
  readFileSync(`${GOLDENS}/${path}`, 'latin1').split('\n').filter(Boolean);

describe(`Auditbeat’s goldens${reason}`, () => {
  it.skipIf(!isPresent).each(filesOf('auditbeat', '.log'))(
    '%s: every field is there, but for the named ones',
    (name) => {
      const expected = JSON.parse(
        readFileSync(`${GOLDENS}/auditbeat/${name}-expected.json`, 'utf8'),
      ) as EventDocument[];
      const events = eventsOf(linesOf(`auditbeat/${name}`));
      const ours = new Map(events.map((event) => [event.serial, named.toDocument(event)]));
      expect(ours.size).toBe(expected.length);
      const different = expected.flatMap((golden) =>
        differencesOf(golden, ours.get(Number(fieldOf(golden, 'auditd.sequence'))) ?? {}, {
          excuses: AUDITBEAT,
          messageType: fieldOf(golden, 'auditd.message_type'),
          nameOf: (field) => field,
        }),
      );
      expect(different).toEqual([]);
    },
  );
});

/** Where ours says what a coalesced event's field says. */
const COALESCED: ReadonlyMap<string, string> = new Map([
  ['sequence', 'event.sequence'],
  ['record_type', 'auditd.message_type'],
  ['result', 'auditd.result'],
  ['session', 'auditd.session'],
  ['paths', 'auditd.paths'],
  ['summary.action', 'event.action'],
  ['process.ppid', 'process.parent.pid'],
  ['process.exe', 'process.executable'],
  ['process.cwd', 'process.working_directory'],
  ['ecs.event.category', 'event.category'],
  ['ecs.event.type', 'event.type'],
  ['ecs.user.id', 'user.id'],
  ['ecs.user.effective.id', 'user.effective.id'],
  ['ecs.user.effective.name', 'user.effective.name'],
  ['ecs.user.target.name', 'user.target.name'],
  ['user.ids.uid', 'user.id'],
  ['user.ids.gid', 'user.group.id'],
  ['user.ids.euid', 'user.effective.id'],
  ['user.ids.egid', 'user.effective.group.id'],
  ['user.ids.auid', 'user.audit.id'],
  ['user.ids.suid', 'user.saved.id'],
  ['user.ids.sgid', 'user.saved.group.id'],
  ['user.ids.fsuid', 'user.filesystem.id'],
  ['user.ids.fsgid', 'user.filesystem.group.id'],
]);
const coalescedName = (field: string): string =>
  COALESCED.get(field) ?? (/^(summary|data)\./.test(field) ? `auditd.${field}` : field);

describe(`go-libaudit’s goldens${reason}`, () => {
  it.skipIf(!isPresent).each(filesOf('aucoalesce', '.golden'))(
    '%s: every field is there, but for the named ones',
    (name) => {
      const texts = linesOf(`aucoalesce/${name.replace('.json.golden', '.yaml')}`);
      const events = eventsOf(texts.flatMap((line) => (/^ {4}type=/.test(line) ? [line.trim()] : [])));
      const ours = new Map(events.map((event) => [event.serial, nameless.toDocument(event)]));
      const goldens = JSON.parse(readFileSync(`${GOLDENS}/aucoalesce/${name}`, 'utf8')) as { event: EventDocument }[];
      expect(ours.size).toBe(goldens.length);
      const different = goldens.flatMap(({ event }) =>
        differencesOf(event, ours.get(Number(event['sequence'])) ?? {}, {
          excuses: AUCOALESCE,
          messageType: event['record_type'],
          nameOf: coalescedName,
        }),
      );
      expect(different).toEqual([]);
    },
  );

  it.skipIf(!isPresent).each(filesOf('auparse', '.log'))('%s: every record is read as theirs', (name) => {
    const lines = linesOf(`auparse/${name}`);
    const goldens = JSON.parse(readFileSync(`${GOLDENS}/auparse/${name}.golden`, 'utf8')) as EventDocument[];
    expect(goldens).toHaveLength(lines.length);
    const different = goldens.flatMap((golden, index) => {
      const [event] = eventsOf([lines[index] ?? '']);
      const document = nameless.toDocument(event!);
      const [path] = (fieldOf(document, 'auditd.paths') ?? []) as readonly object[];
      const own =
        path === undefined ? document : { ...document, auditd: { ...(document['auditd'] as object), data: path } };
      const data = Object.fromEntries(Object.entries(golden['data'] as object));
      return differencesOf({ record_type: golden['record_type'], sequence: golden['sequence'], data }, own, {
        excuses: AUPARSE,
        messageType: golden['record_type'],
        nameOf: parsedName,
      });
    });
    expect(different).toEqual([]);
  });
});

/** Where a document of a single record says what the parsed record's field says. */
const PARSED: ReadonlyMap<string, string> = new Map([
  ['pid', 'process.pid'],
  ['ppid', 'process.parent.pid'],
  ['comm', 'process.name'],
  ['exe', 'process.executable'],
  ['result', 'auditd.result'],
  ['ses', 'auditd.session'],
  ['cwd', 'process.working_directory'],
]);

function parsedName(field: string): string {
  if (!field.startsWith('data.')) return coalescedName(field);
  const name = field.slice(5);
  const subject = /^subj_(user|role|domain|level|category)$/.exec(name)?.[1];
  if (subject !== undefined) return `user.selinux.${subject}`;
  return PARSED.get(name) ?? COALESCED.get(`user.ids.${name}`) ?? `auditd.data.${name}`;
}

describe(`the excuses${reason}`, () => {
  afterAll(() => used.clear());
  it.skipIf(!isPresent)('are all needed', () => {
    const idle = [...AUDITBEAT, ...AUCOALESCE, ...AUPARSE].filter((excuse) => !used.has(excuse));
    expect(idle.map(([field, why]) => `${field}: ${why}`)).toEqual([]);
  });
});
