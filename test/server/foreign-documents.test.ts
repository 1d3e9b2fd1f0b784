import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createImporter } from '../../audit/import.ts';
import type { EventDocument } from '../../event/document.ts';
import { admit } from '../../server/admission.ts';
import type { BulkDocument } from '../../server/bulk-reader.ts';
import { createForeignDocuments } from '../../server/foreign-documents.ts';
import { DESK_LIMITS } from '../../server/record-desk.ts';
import type { OpenRecordsPart, OpenRecordsPort } from '../../store/state/state-port.ts';
import { sampleLines } from '../audit/samples.ts';
import { START_MS, startTestServer, statusesOf, type TestServer } from './server-under-test.ts';

/** What `vedette import` makes of the lines: the measure. */
function imported(
  lines: readonly string[],
  host = { id: 'web-1', name: 'web-1', bootId: '' },
): Map<string, EventDocument> {
  const importer = createImporter({ hostOf: () => host });
  const made = [...lines.flatMap((line) => importer.push(line)), ...importer.end()];
  return new Map(made.flatMap((each) => (each.kind === 'document' ? [[each.id, each.document]] : [])));
}

/** As rsyslog's template writes it. */
const document = (line: string, fields: object = {}) =>
  JSON.stringify({
    '@timestamp': '2026-03-01T11:59:59.123456+00:00',
    host: 'web-1.example.com',
    message: line,
    ...fields,
  });
const bulk = (lines: readonly string[], fields: object = {}) =>
  lines.map((line) => `{"create":{"_index":"audit"}}\n${document(line, fields)}\n`).join('');

const EXEC = [
  'type=SYSCALL msg=audit(1772366399.100:71): arch=c000003e syscall=59 success=yes exit=0 a0=55d a1=55e a2=55f a3=8 items=2 ppid=700 pid=701 auid=1000 uid=33 gid=33 euid=33 suid=33 fsuid=33 egid=33 sgid=33 fsgid=33 tty=(none) ses=1 comm="sh" exe="/usr/bin/dash" key="exec"',
  'type=EXECVE msg=audit(1772366399.100:71): argc=3 a0="sh" a1="-c" a2=6964203B20756E616D65',
  'type=CWD msg=audit(1772366399.100:71): cwd="/var/www"',
  'type=PATH msg=audit(1772366399.100:71): item=0 name="/bin/sh" inode=1 dev=08:01 mode=0100755 ouid=0 ogid=0 rdev=00:00 nametype=NORMAL',
  'type=PATH msg=audit(1772366399.100:71): item=1 name="/lib64/ld-linux-x86-64.so.2" inode=2 dev=08:01 mode=0100755 ouid=0 ogid=0 rdev=00:00 nametype=NORMAL',
  'type=PROCTITLE msg=audit(1772366399.100:71): proctitle=7368002D63006964',
];
const withSerial = (serial: number) => EXEC.map((line) => line.replace(':71)', `:${serial})`));

describe('raw audit lines of other shippers', () => {
  let server: TestServer;
  let token: string;
  beforeEach(async () => {
    server = await startTestServer();
    token = await server.enrol('web-1', 'web-1');
  });
  afterEach(() => server.end());

  const send = (raw: string) => server.call('POST', '/_bulk', { token, raw });
  const stored = async (): Promise<Map<string, EventDocument>> => {
    const body = { query: '*', sinceMs: 0, limit: 1_000 };
    const answer = await server.call('POST', '/api/v1/search', { token: server.tokens.reader, body });
    const events: { id: string; document: EventDocument }[] = answer.body.events;
    return new Map(events.map(({ id, document: found }) => [id, found]));
  };
  /** Without what only the server knows. */
  const comparable = (events: Map<string, EventDocument>) =>
    new Map(
      [...events].map(([id, found]) => {
        const { created: _created, ingested: _ingested, ...event } = found['event'] as Record<string, unknown>;
        return [id, { ...found, event }];
      }),
    );
  const until = async (count: number) => {
    for (let turn = 0; turn < 400; turn++) {
      const events = await stored();
      if (events.size >= count) return events;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    return stored();
  };

  it('of an event that a kill cuts in two are kept, and found again by the rest', async () => {
    await server.end();
    server = await startTestServer({ store: { kind: 'embedded' } });
    token = await server.enrol('web-1', 'web-1');
    expect(statusesOf(await send(bulk(EXEC.slice(0, 3))))).toEqual([201, 201, 201]);
    expect((await stored()).size).toBe(0);
    server = await server.restart();
    expect(statusesOf(await send(bulk(EXEC.slice(3))))).toEqual([201, 201, 201]);
    // Lines that the server did not take may be on their way behind others.
    expect((await stored()).size).toBe(0);
    server.clock.ms += 26_000;
    expect(comparable(await until(1))).toEqual(comparable(imported(EXEC)));
    // The answer was lost: the same again, from where the sender believes it is, and from the beginning.
    expect(new Set(statusesOf(await send(bulk(EXEC.slice(3)))))).toEqual(new Set([409]));
    server = await server.restart();
    expect(new Set(statusesOf(await send(bulk(EXEC))))).toEqual(new Set([409]));
    expect((await stored()).size).toBe(1);
  });

  it('whose rest never comes are stored after a while, and flagged', async () => {
    await send(bulk(EXEC.slice(1, 3)));
    server.clock.ms += 14_000;
    await send(bulk([...EXEC.slice(1, 2), ...withSerial(72)]));
    expect((await stored()).size).toBe(1);
    server.clock.ms += 26_000;
    const [, event] = [...(await until(2))].find(([id]) => id.includes('.1z.')) ?? [];
    expect(event?.['vedette']).toMatchObject({ incomplete: ['missing-syscall'] });
    // And what comes later still is its fragment.
    await send(bulk([EXEC[0] ?? '']));
    server.clock.ms += 26_000;
    const events = await until(3);
    const [id] = [...events].find(([, each]) => each === event) ?? [];
    expect(
      [...events.values()].map((each) => (each['vedette'] as EventDocument | undefined)?.['fragment_of']),
    ).toContain(id);
  });

  it('of another host are refused and counted, whoever says so', async () => {
    const [line = ''] = EXEC;
    const lines = [
      document(`node=db-1 ${line}`),
      document(line, { host: 'db-1' }),
      document(line, { host: { name: 'db-1' } }),
      JSON.stringify({ ID: '1772366399.100:71', NODE: 'db-1', SYSCALL: { syscall: 59 } }),
    ];
    const answer = await send(lines.map((each) => `{"create":{}}\n${each}\n`).join(''));
    expect(statusesOf(answer)).toEqual([403, 403, 403, 403]);
    expect(answer.body.items[0].create.error.reason).toBe('the record is of the host db-1, and the token is of web-1');
    const own = [
      document(`node=web-1.example.com ${line}`),
      document(withSerial(72)[0] ?? '', { host: 'WEB-1' }),
      document(withSerial(73)[0] ?? '', { host: { name: 'web-1' } }),
    ];
    expect(statusesOf(await send(own.map((each) => `{"create":{}}\n${each}\n`).join('')))).toEqual([201, 201, 201]);
  });

  it('are not taken from a program that is not audit’s, and go-audit’s, laurel’s, Auditbeat’s and the journal’s forms are', async () => {
    const forged = `{"create":{}}\n${document(EXEC[0] ?? '', { programname: 'mallory' })}\n`;
    await send(forged);
    expect([...(await stored()).values()][0]).toMatchObject({ message: EXEC[0], programname: 'mallory' });
    const text = (EXEC[0] ?? '').slice('type=SYSCALL msg=audit(1772366399.100:71): '.length);
    const forms = [
      {
        sequence: 80,
        timestamp: '1772366399.100',
        messages: [{ type: 1300, data: text }],
        uid_map: { '33': 'www-data' },
      },
      { ID: '1772366399.100:81', NODE: 'web-1', SYSCALL: { syscall: 59, exe: '/bin/dash', pid: 7 } },
      {
        message: JSON.stringify({ ID: '1772366399.100:82', SYSCALL: { syscall: 59, exe: '/bin/dash', pid: 7 } }),
        programname: 'laurel',
      },
      {
        '@timestamp': '2026-03-01T12:00:00Z',
        event: { module: 'auditd', original: [EXEC[0]?.replace(':71)', ':83)')] },
        auditd: {},
      },
      {
        __REALTIME_TIMESTAMP: '1772366399100000',
        _BOOT_ID: 'a'.repeat(32),
        _HOSTNAME: 'web-1',
        _AUDIT_TYPE: '1326',
        _AUDIT_ID: '84',
        _SOURCE_REALTIME_TIMESTAMP: '1772366399100000',
        MESSAGE: `SECCOMP ${text}`,
      },
    ];
    const answer = await send(forms.map((form) => `{"create":{}}\n${JSON.stringify(form)}\n`).join(''));
    expect(new Set(statusesOf(answer))).toEqual(new Set([201]));
    const serials = [...(await stored()).keys()].map((id) => Number.parseInt(id.split('.')[3] ?? '', 36));
    expect(serials.filter((serial) => serial < 100).sort()).toEqual([80, 81, 82, 83, 84]);
  });
});

describe('documents of other shippers', () => {
  let server: TestServer;
  let token: string;
  beforeEach(async () => {
    server = await startTestServer();
    token = await server.enrol('web-1', 'web one');
  });
  afterEach(() => server.end());
  const keep = async (given: object, id?: string) => {
    const raw = `${JSON.stringify({ create: id === undefined ? {} : { _id: id } })}\n${JSON.stringify(given)}\n`;
    const { status, _id } = (await server.call('POST', '/_bulk', { token, raw })).body.items[0].create;
    const path = `/api/v1/events/${encodeURIComponent(_id ?? '')}`;
    const { document: found } = (await server.call('GET', path, { token: server.tokens.reader })).body;
    return { status, id: _id, document: found };
  };

  it('that are not ECS are kept as they are, what stands in ECS’s way beside them', async () => {
    const odd = await keep({
      '@timestamp': 'yesterday',
      host: 'web',
      event: 'login',
      vedette: [1],
      list: [[1, 'a'], { b: null }],
      text: '{"no":"records"}',
    });
    expect(odd.status).toBe(201);
    expect(odd.document).toMatchObject({
      '@timestamp': new Date(START_MS).toISOString(),
      host: { id: 'web-1', name: 'web' },
      list: [[1, 'a'], { b: null }],
      text: '{"no":"records"}',
      vedette: { unmapped: { '@timestamp': 'yesterday', event: 'login', vedette: [1] } },
    });
    const numbers = await keep({ host: { id: 7, name: 'x' }, event: { created: 'soon', kind: 'event' } });
    expect(numbers.document).toMatchObject({
      host: { id: 'web-1', name: 'x' },
      event: { kind: 'event' },
      vedette: { unmapped: { host_id: 7, event_created: 'soon' } },
    });
    expect((await keep({ host: { id: 'db-1' } })).status).toBe(403);
  });

  it('keep their own ids, under their host’s', async () => {
    expect(await keep({ a: 1 }, 'order-17')).toMatchObject({ status: 201, id: 'web-1.x.order-17' });
    expect(await keep({ a: 2 }, 'order-17')).toMatchObject({ status: 409 });
    expect(await keep({ a: 3 }, 'f'.repeat(512))).toMatchObject({
      status: 201,
      id: expect.stringMatching(/^web-1\.x\..{43}$/),
    });
    expect((await keep({ a: 4 }, 'db-1.0c3f6a52.t.s.c')).status).toBe(403);
  });

  it('may be called anything', async () => {
    for (const name of ['__proto__', 'constructor', 'host.__proto__', 'event.constructor.prototype']) {
      const raw = `{"create":{}}\n{"${name}":{"polluted":1},"host":{"__proto__":{"polluted":1}},"message":"type=SYSCALL msg=audit("}\n`;
      expect(statusesOf(await server.call('POST', '/_bulk', { token, raw }))).toEqual([201]);
    }
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });
});

/** What survives a kill: the kept records and the stored events. */
function durable() {
  const rows: (OpenRecordsPart & { hostId: string })[] = [];
  const events = new Map<string, EventDocument>();
  const port: OpenRecordsPort = {
    hosts: () => [...new Set(rows.map(({ hostId }) => hostId))],
    of: (hostId) => rows.filter((row) => row.hostId === hostId).map((row) => ({ ...row })),
    change(hostId, { added, stored, removed }) {
      const left = rows.filter((row) => row.hostId !== hostId || !removed.includes(row.key));
      const next = [...left, ...added.map((part) => ({ ...part, hostId, isStored: false }))];
      rows.splice(
        0,
        rows.length,
        ...next.map((row) => ({
          ...row,
          isStored: row.isStored || (row.hostId === hostId && stored.includes(row.key)),
        })),
      );
    },
  };
  return { port, rows, events };
}

/** The document but for when it was made. */
const textOf = (given: EventDocument | undefined) =>
  JSON.stringify(given, (name, value: unknown) => (name === 'created' ? undefined : value));

describe('records in requests', () => {
  const lines = [
    'execve_user',
    'interleaved_2cpu',
    'files_at',
    'connect_v4',
    'fd_pair',
    'config_change',
    'user_mgmt',
  ].flatMap((name) => sampleLines(name));
  const host = { id: 'web-1', name: 'web-1' };
  const itemsOf = (some: readonly string[]): BulkDocument[] =>
    some.map((line) => ({
      kind: 'document',
      action: 'create',
      index: undefined,
      id: undefined,
      document: { message: line },
      source: Buffer.from(line),
    }));

  it('property: are stored once and whole, however they are cut, repeated, and killed between two steps', () => {
    const expected = imported(lines);
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 3, maxLength: 12 }),
        fc.array(
          fc.constantFrom('fine', 'answer lost', 'killed before', 'killed between', 'killed after', 'store busy'),
          { minLength: 5, maxLength: 20 },
        ),
        (sizes, fates) => {
          const { port, events, rows } = durable();
          let foreign = createForeignDocuments(port);
          let nowMs = START_MS;
          /** One request; true when its sender got an answer. */
          const request = (some: readonly string[], fate: string): boolean => {
            const taking = foreign.take(host, itemsOf(some), nowMs);
            if (taking === undefined) return true;
            if (fate === 'killed before') foreign = createForeignDocuments(port);
            if (fate === 'store busy') taking.drop();
            if (fate === 'killed before' || fate === 'store busy') return false;
            for (const { item } of taking.documents)
              if (!events.has(item.id ?? '')) events.set(item.id ?? '', item.document);
            if (fate !== 'killed between') taking.settle(taking.documents.map(() => ({ kind: 'created' })));
            if (fate.startsWith('killed')) foreign = createForeignDocuments(port);
            return fate === 'fine';
          };
          for (let at = 0, turn = 0; at < lines.length; turn++) {
            const some = lines.slice(at, at + (sizes[turn % sizes.length] ?? 1));
            at += some.length;
            nowMs += 100;
            if (!request(some, fates[turn % fates.length] ?? 'fine')) request(some, 'fine');
          }
          nowMs += 120_000;
          request([], 'fine');
          expect([...events.keys()].sort()).toEqual([...expected.keys()].sort());
          for (const [id, found] of expected) expect(textOf(events.get(id))).toBe(textOf(found));
          nowMs += 700_000;
          request(['type=USER_LOGIN msg=audit(1.001:1): x'], 'fine');
          expect(rows).toEqual([]);
        },
      ),
      { numRuns: 12, endOnFailure: true },
    );
  });

  it('property: of one event are whole in any order, and the same event', () => {
    const [id] = [...imported(EXEC).keys()];
    fc.assert(
      fc.property(fc.shuffledSubarray(EXEC, { minLength: EXEC.length }), fc.nat(EXEC.length), (shuffled, cut) => {
        const foreign = createForeignDocuments(durable().port);
        const pieces = [shuffled.slice(0, cut), shuffled.slice(cut)].filter((some) => some.length > 0);
        const ids = [...pieces, []].flatMap((some) => {
          const taking = foreign.take(host, itemsOf(some), START_MS + (some.length === 0 ? 30_000 : 0));
          taking?.settle([]);
          return taking?.documents.map(({ item }) => item.id) ?? [];
        });
        expect(ids).toEqual([id]);
      }),
    );
  });

  it('property: of a sender that puts what was not taken at the end of its queue are stored once and whole', () => {
    const log = ['execve_user', 'connect_v4', 'fd_pair', 'config_change', 'auditd_raw']
      .flatMap((name) => sampleLines(name))
      .filter((line) => !line.startsWith('type=EOE'));
    const expected = [...imported(log).keys()].sort();
    fc.assert(
      fc.property(
        fc.integer({ min: 2, max: 30 }),
        fc.array(fc.constantFrom('taken', 'taken', 'put off', 'store busy', 'server away'), { maxLength: 30 }),
        (size, fates) => {
          const { port, events } = durable();
          let foreign = createForeignDocuments(port);
          let nowMs = START_MS;
          const request = (some: readonly string[]) => {
            const taking = foreign.take(host, itemsOf(some), nowMs);
            for (const { item } of taking?.documents ?? []) events.set(item.id ?? '', item.document);
            taking?.settle(taking.documents.map(() => ({ kind: 'created' })));
          };
          // Something of this host came before.
          request(EXEC.slice(0, 3));
          request(EXEC.slice(3));
          const queue = [...log];
          for (let turn = 0; queue.length > 0; turn++) {
            const some = queue.splice(0, size);
            const fate = fates[turn] ?? 'taken';
            if (fate === 'taken') request(some);
            else queue.push(...some);
            if (fate === 'put off') foreign.putOff(host.id, nowMs);
            if (fate === 'store busy') foreign.take(host, itemsOf(some), nowMs)?.drop();
            if (fate === 'server away') foreign = createForeignDocuments(port);
            nowMs += fate === 'taken' ? 10 : 1_000;
          }
          nowMs += 120_000;
          request([]);
          expect([...events.keys()].filter((id) => !imported(EXEC).has(id)).sort()).toEqual(expected);
        },
      ),
      { numRuns: 40 },
    );
  });

  it('wait for what no record announces only while their order is in doubt', () => {
    const lines = ['CONFIG_CHANGE', 'SYSCALL', 'SOCKADDR', 'PROCTITLE'].map(
      (type) =>
        sampleLines('auditd_raw').find((line) => line.includes(`type=${type} `) && line.includes(':2714946)')) ?? '',
    );
    const [announced = '', call = '', address = '', title = ''] = lines;
    const foreign = createForeignDocuments(durable().port);
    let nowMs = START_MS;
    const idsOf = (some: readonly string[]) => {
      const taking = foreign.take(host, itemsOf(some), nowMs);
      taking?.settle([]);
      return taking?.documents.map(({ item }) => item.id) ?? [];
    };
    const ids = [...imported(lines).keys()];
    // In order nothing waits, however it is cut.
    expect([...idsOf([announced, call]), ...idsOf([address])]).toEqual([]);
    expect(idsOf([title])).toEqual(ids);
    const later = (line: string) => line.replace(':2714946)', ':2714999)');
    const laterIds = [...imported(lines.map(later)).keys()];
    foreign.putOff(host.id, nowMs);
    expect(idsOf([announced, call, title].map(later))).toEqual([]);
    nowMs += 14_000;
    expect(idsOf([later(address)])).toEqual([]);
    // What came in one piece behind another's line is whole all the same.
    const last = lines.map((line) => line.replace(':2714946)', ':2715000)'));
    expect(idsOf([EXEC[0] ?? '', ...last])).toEqual([...imported(last).keys()]);
    nowMs += 26_000;
    expect(idsOf([])).toEqual(expect.arrayContaining(laterIds));
  });

  it('property: may be anything, and are never thrown at', () => {
    const texts = fc.oneof(
      fc.string(),
      fc.constantFrom(...lines.slice(0, 40)),
      fc.string().map((text) => `type=SYSCALL msg=audit(1.001:1): ${text}\n{"ID":"1.001:1"`),
      fc.constantFrom(
        'audit('.repeat(5_000),
        `${'#035A='.repeat(5_000)}x`,
        `${' '.repeat(50_000)}audit(`,
        '<13>'.repeat(20_000),
      ),
    );
    const documents = fc.oneof(
      fc.object({ maxDepth: 3 }),
      fc.record(
        {
          message: fc.oneof(texts, fc.object()),
          host: fc.oneof(fc.string(), fc.object(), fc.integer()),
          event: fc.anything({ maxDepth: 1 }),
          messages: fc.array(fc.object()),
          sequence: fc.anything({ maxDepth: 1 }),
          ID: texts,
          programname: texts,
          '@timestamp': fc.anything({ maxDepth: 1 }),
        },
        { requiredKeys: [] },
      ),
    );
    const foreign = createForeignDocuments(durable().port);
    fc.assert(
      fc.property(fc.array(documents, { maxLength: 5 }), (given) => {
        const items = given.map((each): BulkDocument => {
          const source = Buffer.from(JSON.stringify(each));
          return {
            kind: 'document',
            action: 'index',
            index: undefined,
            id: undefined,
            document: JSON.parse(String(source)),
            source,
          };
        });
        const taking = foreign.take(host, items, START_MS);
        const admission = { hostId: 'web-1', hostName: 'web-1', nowMs: START_MS, stampMs: START_MS };
        for (const { item } of taking?.documents ?? []) admit(item, admission);
        taking?.settle(taking.documents.map(() => ({ kind: 'created' })));
      }),
      { numRuns: 150 },
    );
  });

  it('of one host are bounded, and what is over is stored as it is', () => {
    const { port, events } = durable();
    const foreign = createForeignDocuments(port);
    const many = Array.from({ length: DESK_LIMITS.maxOpenEvents + 10 }, (_, serial) =>
      (EXEC[0] ?? '').replace(':71)', `:${serial})`),
    );
    const taking = foreign.take(host, itemsOf(many), START_MS);
    for (const { item } of taking?.documents ?? []) events.set(item.id ?? '', item.document);
    expect(events.size).toBe(10);
  });
});
