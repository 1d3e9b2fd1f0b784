import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type LogOrigin, NESTING_MAX } from '../../audit/foreign-line.ts';
import { createImporter, type Imported } from '../../audit/import.ts';
import { fieldOf } from '../../event/document.ts';
import { HOST, SAMPLE_NAMES, sampleEvents, sampleLines } from './samples.ts';

const hostOf = ({ name }: LogOrigin) => ({
  ...HOST,
  id: name ?? 'imported',
  name: name ?? 'imported',
  bootId: '',
});

function run(lines: readonly string[]): readonly Imported[] {
  const importer = createImporter({ hostOf });
  return [
    ...lines.flatMap((line) => [...importer.push(Buffer.from(line, 'utf8').toString('latin1'))]),
    ...importer.end(),
  ];
}

const documents = (lines: readonly string[]) => run(lines).flatMap((each) => (each.kind === 'document' ? [each] : []));
const reasons = (lines: readonly string[]) =>
  run(lines).flatMap((each) => (each.kind === 'rejected' ? [`${each.line}: ${each.reason}`] : []));

describe('audit.log', () => {
  it.each(SAMPLE_NAMES)('%s gives every event, complete', (name) => {
    const importer = createImporter({ hostOf });
    const made = [...sampleLines(name).flatMap((line) => [...importer.push(line)]), ...importer.end()];
    expect(made.every(({ kind }) => kind === 'document')).toBe(true);
    expect(made).toHaveLength(sampleEvents(name).length);
    expect(new Set(made.map((each) => (each.kind === 'document' ? each.id : ''))).size).toBe(made.length);
  });

  it('gives the same ids and documents when it is read again', () => {
    const lines = sampleLines('auditd_raw').map((line) => Buffer.from(line, 'latin1').toString('utf8'));
    expect(run(lines)).toEqual(run(lines));
  });

  it('of several hosts is told apart by node=, each with its own created', () => {
    const made = documents([
      'node=a type=USER_CMD msg=audit(10.000:1): pid=1 msg=\'cmd="x" res=success\'',
      'node=b type=USER_CMD msg=audit(5.000:1): pid=1 msg=\'cmd="x" res=success\'',
      'node=a type=USER_CMD msg=audit(9.000:2): pid=1 msg=\'cmd="x" res=success\'',
    ]);
    expect(
      made.map(({ document }) => [
        fieldOf(document, 'host.id'),
        fieldOf(document, '@timestamp'),
        fieldOf(document, 'event.created'),
      ]),
    ).toEqual([
      ['a', '1970-01-01T00:00:10.000Z', '1970-01-01T00:00:10.000Z'],
      ['b', '1970-01-01T00:00:05.000Z', '1970-01-01T00:00:05.000Z'],
      ['a', '1970-01-01T00:00:09.000Z', '1970-01-01T00:00:10.000Z'],
    ]);
    expect(String(fieldOf(made[0]!.document, 'event.original'))).toMatch(/^node=a type=USER_CMD/);
  });

  it('never gets this machine’s names; an enriched one brings its own', () => {
    const plain = 'type=USER_CMD msg=audit(1.000:1): pid=1 uid=0 auid=1000 ses=1 msg=\'cmd="x" res=success\'';
    expect(fieldOf(documents([plain])[0]!.document, 'user.name')).toBeUndefined();
    expect(fieldOf(documents([`${plain}\x1dUID="root" AUID="alice"`])[0]!.document, 'user.name')).toBe('alice');
    expect(fieldOf(documents([plain.replace('(1.000', '(2.000')])[0]!.document, 'user.name')).toBeUndefined();
  });

  it('forgets one event’s names before the next', () => {
    const line = (at: number, tail: string) =>
      `type=USER_CMD msg=audit(${at}.000:1): pid=1 uid=0 auid=1000 ses=1 msg='cmd="x" res=success'${tail}`;
    const made = documents([line(1, '\x1dUID="root" AUID="alice"'), line(2, '')]);
    expect(made.map(({ document }) => fieldOf(document, 'user.name'))).toEqual(['alice', undefined]);
  });

  it('of more hosts than are kept begins anew for the first: the memory is bounded', () => {
    const importer = createImporter({ hostOf, hostsMax: 2 });
    const created = (node: string, at: number) =>
      importer
        .push(`node=${node} type=USER_CMD msg=audit(${at}.000:1): pid=1 msg='cmd="x"'`)
        .map((each) => (each.kind === 'document' ? fieldOf(each.document, 'event.created') : undefined));
    expect([created('a', 10), created('a', 5), created('b', 1), created('c', 1), created('a', 5)].flat()).toEqual([
      '1970-01-01T00:00:10.000Z',
      '1970-01-01T00:00:10.000Z',
      '1970-01-01T00:00:01.000Z',
      '1970-01-01T00:00:01.000Z',
      '1970-01-01T00:00:05.000Z',
    ]);
  });

  it('closes events by the log’s own time', () => {
    const importer = createImporter({ hostOf });
    expect(importer.push('type=SYSCALL msg=audit(1.000:1): arch=c000003e syscall=1 pid=1')).toEqual([]);
    expect(importer.push('type=SYSCALL msg=audit(9.000:2): arch=c000003e syscall=1 pid=1')).toMatchObject([
      { kind: 'document' },
    ]);
  });
});

describe('go-audit', () => {
  const line = JSON.stringify({
    sequence: 1188,
    timestamp: '1459447820.305',
    messages: [
      {
        type: 1300,
        data: 'arch=c000003e syscall=59 success=yes exit=0 a0=1 a1=2 a2=3 a3=4 items=0 ppid=1 pid=2 auid=1000 uid=1000 gid=1000 euid=1000 suid=1000 fsuid=1000 egid=1000 sgid=1000 fsgid=1000 tty=(none) ses=1 comm="é" exe="/bin/ls" key=(null)',
      },
      { type: 1309, data: 'argc=2 a0="ls" a1=""' },
      { type: 1112, data: "pid=5 uid=0 auid=1000 ses=1 msg='op=login res=success'" },
    ],
    uid_map: { '1000': 'bob', '0': 'UNKNOWN_USER' },
  });

  it('gives its event, with the names that it brings; USER_* apart', () => {
    const made = documents([line]);
    expect(made.map(({ document }) => fieldOf(document, 'event.action'))).toEqual(['logged-in', 'executed']);
    expect(made[1]!.document).toMatchObject({
      '@timestamp': '2016-03-31T18:10:20.305Z',
      process: { args: ['ls', ''], name: 'é' },
      user: { name: 'bob' },
      event: { sequence: 1188 },
    });
  });

  it('is refused when it is damaged', () => {
    const damaged = JSON.stringify({ sequence: 1, timestamp: 'x', messages: [{ type: 1300, data: 'a' }] });
    expect(
      reasons([damaged, JSON.stringify({ sequence: 1, timestamp: '1.000', messages: [{ type: -1, data: 'a' }] })]),
    ).toHaveLength(2);
  });
});

describe('ECS documents', () => {
  it('keep their host and id; created is the running maximum', () => {
    const made = documents([
      '{"create":{"_id":"web.x.1"}}',
      '{"@timestamp":"2026-01-01T00:00:10Z","host":{"id":"web"},"process":{"name":"x"}}',
      '{"@timestamp":"2026-01-01T00:00:05Z","host.id":"web","process.name":"y"}',
      '{"@timestamp":"2026-01-01T00:00:05Z","event":{"created":"2026-01-01T00:00:07Z"}}',
    ]);
    expect(
      made.map(({ id, document }) => [
        id.slice(0, 9),
        fieldOf(document, 'host.id'),
        fieldOf(document, 'event.created'),
      ]),
    ).toEqual([
      ['web.x.1', 'web', '2026-01-01T00:00:10.000Z'],
      [`web.d.${made[1]!.id.slice(6, 9)}`, 'web', '2026-01-01T00:00:10.000Z'],
      ['imported.', 'imported', '2026-01-01T00:00:07Z'],
    ]);
  });

  it('without a time are refused, and the next line is read', () => {
    expect(reasons(['{"a":1}', '{"@timestamp":"2026-01-01T00:00:05Z"}'])).toEqual([
      '1: no `@timestamp` that is a time',
    ]);
  });
});

describe('hostile documents', () => {
  it.each(['8640000000000001', '-8640000000000001', '1e300', '"+999999-01-01T00:00:00Z"', 'true', '[]'])(
    'with the time %s are refused, and harm none after them',
    (time) => {
      const lines = [
        `{"@timestamp":${time},"host.id":"web"}`,
        `{"@timestamp":"2026-01-01T00:00:05Z","event":{"created":${time}},"host.id":"web"}`,
        '{"@timestamp":"2026-01-01T00:00:06Z","host.id":"web"}',
      ];
      expect(reasons(lines)).toEqual(['1: no `@timestamp` that is a time']);
      expect(fieldOf(documents(lines).at(-1)!.document, 'event.created')).toBe('2026-01-01T00:00:06.000Z');
    },
  );

  it.each([
    ['nested', `${'{"a":'.repeat(50_000)}1${'}'.repeat(50_000)}`],
    ['in arrays', `${'['.repeat(50_000)}${']'.repeat(50_000)}`],
    ['as dots', `{"${'a.'.repeat(50_000)}a":1}`],
  ])('that are too deep (%s) are refused', (_, deep) => {
    expect(reasons([`{"@timestamp":"2026-01-01T00:00:05Z","x":${deep}}`])).toEqual([
      `1: nested deeper than ${NESTING_MAX}`,
    ]);
  });

  it('reach no prototype', () => {
    const names = '"__proto__":{"polluted":1},"constructor.prototype.polluted":1,"a.__proto__.polluted":1';
    const made = documents([
      `{"@timestamp":"2026-01-01T00:00:05Z",${names},"host":{${names}},"event":{${names}}}`,
      `{"sequence":1,"timestamp":"1.000","messages":[{"type":1300,"data":"__proto__=1 a=2"}],"uid_map":{"__proto__":"x"},${names}}`,
    ]);
    expect(made).toHaveLength(2);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
    for (const { document } of made) {
      expect(Object.getPrototypeOf(document)).toBe(Object.prototype);
      expect(fieldOf(document, 'host.polluted')).toBeUndefined();
    }
  });

  it('never make it throw, whatever they hold', () => {
    const key = fc.oneof(
      fc.constantFrom(
        ...'@timestamp event event.created event.created.x host host.id host.name sequence timestamp messages uid_map type data create index _id __proto__ constructor a.b .. a..b'.split(
          ' ',
        ),
      ),
      fc.string({ maxLength: 8 }),
    );
    const leaf = fc.oneof(
      fc.constantFrom<unknown>('2026-01-01T00:00:00Z', '1.000', 1300, 1e300, -1, 8.64e15 + 1, 'pid=1', '0', null, true),
      fc.string({ maxLength: 12 }),
      fc.integer(),
    );
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 4 },
        leaf,
        fc.array(tie('value'), { maxLength: 3 }),
        fc.dictionary(key, tie('value'), { maxKeys: 5 }),
      ),
    }));
    fc.assert(
      fc.property(fc.array(fc.dictionary(key, value, { maxKeys: 6 }), { maxLength: 5 }), (given) => {
        for (const each of run(given.map((document) => JSON.stringify(document)))) {
          if (each.kind === 'document')
            expect(() => new Date(String(fieldOf(each.document, 'event.created')))).not.toThrow();
        }
      }),
      { numRuns: 1500 },
    );
  });
});

describe('other lines', () => {
  it('are refused with their number and the reason; empty ones are passed over', () => {
    expect(reasons(['', 'hello', '{broken', '[1]', '\r', 'type=CWD msg=audit(1.000:1): cwd="/"\r'])).toEqual([
      '2: not an audit record: `type=NAME msg=audit(SECONDS.MS:SERIAL): …` expected',
      '3: not a JSON object',
      '4: not an audit record: `type=NAME msg=audit(SECONDS.MS:SERIAL): …` expected',
    ]);
  });
});
