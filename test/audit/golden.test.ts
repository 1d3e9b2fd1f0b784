// Other people's goldens: Auditbeat's documents for audit.log lines, and go-libaudit's coalesced events. Where ours differ on
// purpose, the field stands here with the reason. The files are not ours to ship: without them the tests are skipped.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
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
  lineage: () => undefined,
};
const mapper = createEcsMapper(HOST, knowledge);

/** Fields of Auditbeat's documents that ours say otherwise, and why. */
const DIFFERENT: readonly (readonly [RegExp, string])[] = [
  [/^auditd\.sequence$/, 'event.sequence, once'],
  [/^event\.original$/, 'one text, the records joined by a newline'],
  [/^service\.type$/, 'event.module says it'],
  [/^user\.selinux/, 'auditd.data.subj has the label whole'],
  [/^file\.selinux/, 'auditd.paths has the label whole'],
  [/^auditd\.paths/, 'labels are not taken apart'],
  [/^user\.(saved|filesystem)/, 'told where they differ from user'],
  [/^file\.path$|^auditd\.summary\.object\.primary$/, 'absolute'],
  [/^file\.device$/, 'the file’s own device, not rdev'],
  [/^user\.effective\.id$|^user\.target\.id$/, 'a name is not looked up for its id'],
  [/^user\.effective\.group/, 'told where it differs from user.group'],
  [/^auditd\.data\.selected-context$/, 'names with - use _'],
  [/^related\.user$/, 'follows from the names above'],
  [/^auditd\.summary\.how$/, 'the program; the call of identity changes'],
];

function flat(value: unknown, path = ''): [string, unknown][] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [[path, value]];
  return Object.entries(value).flatMap(([key, inner]) => flat(inner, path === '' ? key : `${path}.${key}`));
}

describe(`Auditbeat’s goldens${reason}`, () => {
  const names = isPresent ? readdirSync(`${GOLDENS}/auditbeat`).filter((name) => name.endsWith('.log')) : [];

  it.skipIf(!isPresent).each(names.length > 0 ? names : ['none'])(
    '%s: every field is there, but for the named ones',
    (name) => {
      const lines = readFileSync(`${GOLDENS}/auditbeat/${name}`, 'latin1').split('\n').filter(Boolean);
      const expected = JSON.parse(
        readFileSync(`${GOLDENS}/auditbeat/${name}-expected.json`, 'utf8'),
      ) as EventDocument[];
      const ours = new Map(eventsOf(lines).map((event) => [event.serial, mapper.toDocument(event)]));
      expect(ours.size).toBe(expected.length);
      const different = expected.flatMap((golden) => {
        const document = ours.get(Number(fieldOf(golden, 'auditd.sequence'))) ?? {};
        // Theirs has a category that is no ECS one, and takes the account for the user; ours says iam, and who changed it.
        const isRoleChange = fieldOf(golden, 'auditd.message_type') === 'user_role_change';
        return flat(golden).flatMap(([field, value]) => {
          if (DIFFERENT.some(([pattern]) => pattern.test(field))) return [];
          if (isRoleChange && /^event\.category$|^user\.(id|name)$/.test(field)) return [];
          const own = fieldOf(document, field);
          return JSON.stringify(own) === JSON.stringify(value) ? [] : [{ field, golden: value, own }];
        });
      });
      expect(different).toEqual([]);
    },
  );
});

describe(`go-libaudit’s goldens${reason}`, () => {
  const names = isPresent ? readdirSync(`${GOLDENS}/aucoalesce`).filter((name) => name.endsWith('.golden')) : [];

  it.skipIf(!isPresent).each(names.length > 0 ? names : ['none'])(
    '%s: action, category, type, result, arguments and keys agree',
    (name) => {
      const texts = readFileSync(`${GOLDENS}/aucoalesce/${name.replace('.json.golden', '.yaml')}`, 'latin1');
      const lines = texts.split('\n').flatMap((line) => (/^ {4}type=/.test(line) ? [line.trim()] : []));
      const ours = new Map(eventsOf(lines).map((event) => [event.serial, mapper.toDocument(event)]));
      const goldens = (
        JSON.parse(readFileSync(`${GOLDENS}/aucoalesce/${name}`, 'utf8')) as { event: EventDocument }[]
      ).map(({ event }) => event);
      expect(ours.size).toBe(goldens.length);
      for (const golden of goldens) {
        const own = ours.get(Number(golden['sequence'])) ?? {};
        const says = (field: string) => fieldOf(golden, field);
        // getsockname and getpeername have no action there.
        if (says('summary.action') !== undefined) {
          expect([fieldOf(own, 'event.action'), fieldOf(own, 'event.category'), fieldOf(own, 'event.type')]).toEqual([
            ACTIONS.get(String(says('summary.action'))) ?? says('summary.action'),
            says('ecs.event.category'),
            says('ecs.event.type'),
          ]);
        }
        expect(fieldOf(own, 'auditd.result')).toBe(says('result'));
        expect(fieldOf(own, 'process.args')).toEqual(says('process.args'));
        // A rule that is added is no rule that asked; and `key=(null)ARCH=x86_64` has no key (their defect).
        const hasNoKey = says('record_type') === 'config_change' || JSON.stringify(says('tags')) === '["x86_64"]';
        expect(fieldOf(own, 'tags')).toEqual(hasNoKey ? undefined : says('tags'));
        expect(fieldOf(own, 'process.pid')).toBe(
          says('process.pid') === undefined ? undefined : Number(says('process.pid')),
        );
      }
    },
  );
});

/** Their words for the same that we do not use, because they tell less. */
const ACTIONS: ReadonlyMap<string, string> = new Map([['make-device', 'made-device']]);
