// The forms in which others keep audit records, each read into the documents that the kernel's own records would have given.
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { eventIdOf } from '../../audit/document-id.ts';
import { payloadEnd } from '../../audit/foreign-enrichment.ts';
import type { LogOrigin } from '../../audit/foreign-line.ts';
import { createImporter, type Imported } from '../../audit/import.ts';
import { createLogClock } from '../../audit/log-clock.ts';
import { createReassembler } from '../../audit/reassembler.ts';
import { parseFrame, parseLine } from '../../audit/record.ts';
import { type EventDocument, fieldOf } from '../../event/document.ts';
import { HOST, SAMPLE_NAMES, sampleFrames, sampleLines } from './samples.ts';

type Document = Extract<Imported, { kind: 'document' }>;
type Seen = LogOrigin & { readonly timeMs: number };

function importLines(lines: readonly string[], seen: Seen[] = []): readonly Imported[] {
  const importer = createImporter({
    hostOf: (origin, timeMs) => {
      seen.push({ ...origin, timeMs });
      return HOST;
    },
  });
  return [...lines.flatMap((line) => [...importer.push(line)]), ...importer.end()];
}

function documentsOf(lines: readonly string[]): readonly Document[] {
  const made = importLines(lines);
  expect(made.filter(({ kind }) => kind === 'rejected')).toEqual([]);
  return made.filter((each) => each.kind === 'document');
}

const idsOf = (lines: readonly string[]): readonly string[] => documentsOf(lines).map(({ id }) => id);
const reasonsOf = (lines: readonly string[]): readonly string[] =>
  importLines(lines).flatMap((each) => (each.kind === 'rejected' ? [each.reason] : []));
const latin1 = (text: string): string => Buffer.from(text, 'utf8').toString('latin1');
const jsonLine = (value: unknown): string => latin1(JSON.stringify(value));

/** As auditd's log_format=ENRICHED has it: 0x1D, then names. */
function enriched(line: string, separator = '\x1d'): string {
  if (line.startsWith('type=SYSCALL'))
    return `${line}${separator}ARCH=x86_64 SYSCALL=execve AUID="unset" UID="alice" GID="root"`;
  if (line.startsWith('type=SOCKADDR')) return `${line}${separator}SADDR={ saddr_fam=inet laddr=127.0.0.1 lport=80 }`;
  if (line.startsWith('type=USER_')) return `${line}${separator}UID="root" AUID="unset"`;
  return line.startsWith('type=PATH') && line.includes('ouid=') ? `${line}${separator}OUID="root" OGID="root"` : line;
}

describe('an event has one id', () => {
  it('by the socket’s frames and by the log’s lines', () => {
    const byId = (make: (add: (record: ReturnType<typeof parseLine>) => void) => void, isEnriched: boolean) => {
      const reassembler = createReassembler({ expectsEoe: !isEnriched, isEnriched });
      const ids: string[] = [];
      make((record) => {
        if (record !== undefined) for (const event of reassembler.push(record, 0)) ids.push(eventIdOf(event, HOST));
      });
      for (const event of reassembler.end()) ids.push(eventIdOf(event, HOST));
      return ids.sort();
    };
    const frames = sampleFrames('execve_longargs');
    expect(frames.length).toBeGreaterThan(10);
    const fromSocket = byId((add) => {
      for (const frame of frames) add(parseFrame(frame, 0, frame.length));
    }, false);
    // auditd writes no EOE; what it adds in the ENRICHED format is not the kernel's.
    const lines = sampleLines('execve_longargs').filter((line) => !line.startsWith('type=EOE'));
    const fromLog = byId((add) => {
      for (const line of lines) add(parseLine(line));
    }, true);
    const fromEnriched = byId((add) => {
      for (const line of lines) add(parseLine(enriched(line)));
    }, true);
    // The frames begin with the loading of the rule, which the log leaves out.
    expect(fromSocket).toHaveLength(fromLog.length + 1);
    expect(fromLog).toHaveLength(6);
    expect(fromSocket).toEqual(expect.arrayContaining(fromLog));
    expect(fromEnriched).toEqual(fromLog);
  });

  it.each(SAMPLE_NAMES)('raw, enriched, without the separator, without EOE, and with node= (%s)', (name) => {
    const lines = sampleLines(name);
    const raw = [...idsOf(lines)].sort();
    expect(new Set(raw).size).toBe(raw.length);
    for (const each of [
      lines.map((line) => enriched(line)),
      lines.map((line) => enriched(line, '')),
      lines.filter((line) => !/^(node=\S+ )?type=EOE/.test(line)),
      lines.map((line) => (line.startsWith('node=') ? line : `node=web-7 ${line}`)),
    ]) {
      expect([...idsOf(each)].sort()).toEqual(raw);
    }
  });

  it('and a program’s own words cannot shorten what the id covers', () => {
    const ends = (line: string) => {
      const record = parseLine(line);
      return record === undefined ? -1 : record.text.length - payloadEnd(record);
    };
    expect(ends('type=SYSCALL msg=audit(1.000:1): comm="UID=" key=(null)')).toBe(0);
    expect(ends('type=SYSCALL msg=audit(1.000:1): comm="AUID=x" exe="/x"')).toBe(0);
    expect(ends(`type=USER_CMD msg=audit(1.000:1): pid=1 msg='x UID="root"'`)).toBe(0);
    expect(ends(`type=USER msg=audit(1.000:1): pid=1 msg='a\x1db c'`)).toBe(0);
    expect(ends('type=SYSCALL msg=audit(1.000:1): key=(null)\x1dUID="a b"')).toBe(10);
    expect(ends('type=SYSCALL msg=audit(1.000:1): key=(null)ARCH=x86_64 UID="a"')).toBe('ARCH=x86_64 UID="a"'.length);
  });
});

describe('a log that is read twice', () => {
  // Where an LSM's record stands alone, its repetition is not told from a second one of the event; a copy as a whole is (cli/import).
  it.each(SAMPLE_NAMES.filter((name) => name !== 'landlock'))(
    'at once, or from its middle on, gives no other events (%s)',
    (name) => {
      const lines = sampleLines(name).filter((line) => !/^(node=\S+ )?type=EOE/.test(line));
      const ids = new Set(idsOf(lines));
      expect(new Set(idsOf([...lines, ...lines]))).toEqual(ids);
      const starts = lines.flatMap((line, at) =>
        line.startsWith('type=SYSCALL') && !lines[at - 1]?.includes(/audit\(.*?\)/.exec(line)?.[0] ?? '') ? [at] : [],
      );
      const interleaves = name === 'interleaved_2cpu';
      for (const at of interleaves ? [] : starts.slice(0, 4))
        expect(new Set(idsOf([...lines, ...lines.slice(at)]))).toEqual(ids);
    },
  );
});

describe('go-audit', () => {
  /** Its line for the records of one event, as it writes them: everything after `audit(…): `. */
  function goAuditLines(lines: readonly string[]): readonly string[] {
    const events = new Map<string, { sequence: number; timestamp: string; messages: unknown[]; uid_map: unknown }>();
    for (const line of lines) {
      const record = parseLine(line);
      if (record === undefined || record.type === 1320) continue;
      const [, timestamp = '', serial = ''] = /^audit\(([0-9.]+):([0-9]+)\)/.exec(record.text) ?? [];
      const key = `${timestamp}:${serial}`;
      const event = events.get(key) ?? {
        sequence: Number(serial),
        timestamp,
        messages: [],
        uid_map: { '4242': 'alice' },
      };
      event.messages.push({ type: record.type, data: record.text.slice(record.text.indexOf(' ') + 1) });
      events.set(key, event);
    }
    return [...events.values()].map((event) => JSON.stringify(event));
  }

  it.each(['execve_user', 'files_syscalls', 'connect_v4', 'user_sshd', 'interleaved_2cpu'])(
    'gives the ids and documents of the raw log (%s)',
    (name) => {
      const lines = sampleLines(name).filter((line) => !line.startsWith('node='));
      const raw = new Map(documentsOf(lines).map(({ id, document }) => [id, document]));
      const made = documentsOf(goAuditLines(lines));
      expect(made.map(({ id }) => id).sort()).toEqual([...raw.keys()].sort());
      for (const { id, document } of made) {
        expect(fieldOf(document, 'process.args')).toEqual(fieldOf(raw.get(id) ?? {}, 'process.args'));
        expect(fieldOf(document, 'file')).toEqual(fieldOf(raw.get(id) ?? {}, 'file'));
        if (fieldOf(document, 'user.id') === '4242') expect(fieldOf(document, 'user.name')).toBe('alice');
      }
    },
  );
});

describe('laurel', () => {
  const SAMPLES =
    'execve_user execve_script user_sshd user_su connect_v4 connect_unix kill files_syscalls setuid login_uid module capset config_change';
  const raw = new Map(
    SAMPLES.split(' ')
      .flatMap((name) => documentsOf(sampleLines(name)))
      .map(({ document }) => [
        `${String(fieldOf(document, 'event.sequence'))} ${String(fieldOf(document, 'auditd.message_type'))}`,
        document,
      ]),
  );
  const linesOf = (name: string): readonly string[] =>
    readFileSync(new URL(`../data/laurel/${name}.json`, import.meta.url), 'latin1')
      .split('\n')
      .filter(Boolean);
  /** Fields that laurel's translation keeps whole. */
  const KEPT = [
    '@timestamp',
    'event.action',
    'event.outcome',
    'event.category',
    'event.type',
    'event.code',
    'process.pid',
    'process.parent.pid',
    'process.name',
    'process.executable',
    'process.args',
    'process.args_count',
    'process.command_line',
    'process.working_directory',
    'user.id',
    'user.effective.id',
    'user.audit.id',
    'file.path',
    'file.mode',
    'file.inode',
    'file.Ext',
    'destination',
    'tags',
    'source.ip',
    'error.code',
    'auditd.data.arch',
    'auditd.data.a0',
    'auditd.data.a1',
    'auditd.session',
  ];

  it.each(['plain', 'translated'])('0.5.1’s own output (%s) gives what the raw log gives', (name) => {
    const made = documentsOf(linesOf(name));
    expect(made.length).toBeGreaterThan(90);
    const differing: unknown[] = [];
    for (const { document } of made) {
      const key = `${String(fieldOf(document, 'event.sequence'))} ${String(fieldOf(document, 'auditd.message_type'))}`;
      const expected = raw.get(key) ?? {};
      for (const field of KEPT) {
        const [is, should] = [fieldOf(document, field), fieldOf(expected, field)];
        if (JSON.stringify(is) !== JSON.stringify(should)) differing.push({ key, field, is, should });
      }
    }
    expect(differing).toEqual([]);
  });

  it('says that its records were rebuilt, and keeps the names that it gave', () => {
    const [first] = documentsOf(linesOf('translated'));
    expect(fieldOf(first?.document ?? {}, 'event.original')).toContain('\x1dRECONSTRUCTED="laurel"');
    expect(fieldOf(first?.document ?? {}, 'user.group.name')).toBe('root');
    expect(fieldOf(first?.document ?? {}, 'user.name')).toBeUndefined();
  });

  it('is of the host that NODE names', () => {
    const seen: Seen[] = [];
    importLines(['{"ID":"1.000:1","NODE":"web-7","SYSCALL":{"arch":"0xc000003e","syscall":39,"pid":1}}'], seen);
    expect(seen).toEqual([{ name: 'web-7', timeMs: 1000 }]);
  });

  it('addresses come back whole', () => {
    const line = (saddr: unknown): string =>
      JSON.stringify({
        ID: '1.000:1',
        SYSCALL: {
          arch: '0xc000003e',
          syscall: 42,
          success: 'yes',
          exit: 0,
          pid: 1,
          ARGV: ['0x3', '0x1', '0x10', '0x0'],
        },
        SOCKADDR: [{ SADDR: saddr }],
      });
    const destination = (saddr: unknown) => fieldOf(documentsOf([line(saddr)])[0]?.document ?? {}, 'destination');
    expect(destination({ saddr_fam: 'inet', addr: '192.0.2.10', port: 53 })).toMatchObject({
      ip: '192.0.2.10',
      port: 53,
    });
    expect(destination({ saddr_fam: 'inet6', addr: '2001:db8::1', port: 443 })).toMatchObject({
      ip: '2001:db8::1',
      port: 443,
    });
    expect(destination({ saddr_fam: 'inet6', addr: '::1', port: 1 })).toMatchObject({ ip: '::1' });
    expect(destination({ saddr_fam: 'inet6', addr: '::ffff:1.2.3.4', port: 1 })).toMatchObject({ port: 1 });
    expect(destination({ saddr_fam: 'local', path: '/run/x%00y' })).toMatchObject({
      address: expect.stringContaining('/run/x'),
    });
    expect(destination({ saddr_fam: 'inet', addr: '999.1.1.1', port: -5 })).toBeUndefined();
    expect(destination(['x'])).toBeUndefined();
  });

  it('bytes that are not UTF-8, quotes and newlines in an argument are the same as in the raw log', () => {
    const [made] = documentsOf([
      JSON.stringify({
        ID: '1.000:1',
        SYSCALL: { arch: '0xc000003e', syscall: 59, success: 'yes', pid: 1 },
        EXECVE: { argc: 3, ARGV: ['a"b', '%ff%0a', '%25%2b'] },
      }),
    ]);
    const [expected] = documentsOf([
      'type=SYSCALL msg=audit(1.000:1): arch=c000003e syscall=59 success=yes pid=1',
      'type=EXECVE msg=audit(1.000:1): argc=3 a0=612262 a1=FF0A a2="%+"',
    ]);
    expect(fieldOf(made?.document ?? {}, 'process.args')).toEqual(fieldOf(expected?.document ?? {}, 'process.args'));
  });
});

describe('the journal', () => {
  /** An entry as `journalctl -o json` prints it. */
  function entry(line: string): Record<string, unknown> {
    const record = parseLine(line);
    const [, seconds = '', ms = '', serial = ''] =
      /^audit\(([0-9]+)\.([0-9]+):([0-9]+)\)/.exec(record?.text ?? '') ?? [];
    const [, name = ''] = /^type=(\S+)/.exec(line) ?? [];
    const message = Buffer.from(`${name} ${record?.text.slice(record.text.indexOf(' ') + 1) ?? ''}`, 'latin1');
    const isText = Buffer.from(message.toString('utf8'), 'utf8').equals(message);
    return {
      __REALTIME_TIMESTAMP: '1795290423999999',
      _TRANSPORT: 'audit',
      _AUDIT_TYPE: String(record?.type),
      _AUDIT_TYPE_NAME: name,
      _AUDIT_ID: serial,
      _SOURCE_REALTIME_TIMESTAMP: `${seconds}${ms}000`,
      _BOOT_ID: '0f1e2d3caaaabbbbcccc000000000000',
      _MACHINE_ID: '5f1e2d3caaaabbbbcccc000000000001',
      _HOSTNAME: 'web-7',
      MESSAGE: isText ? message.toString('utf8') : [...message],
    };
  }

  it.each(SAMPLE_NAMES)('gives the ids and documents of the raw log (%s)', (name) => {
    const lines = sampleLines(name).filter((line) => !line.startsWith('node='));
    const made = documentsOf(lines.map((line) => jsonLine(entry(line))));
    expect(made.map(({ id }) => id)).toEqual(idsOf(lines));
    const originals = (documents: readonly Document[]) =>
      documents.map(({ document }) => fieldOf(document, 'event.original'));
    expect(originals(made)).toEqual(originals(documentsOf(lines)));
  });

  it('tells host and boot exactly; other entries are passed over', () => {
    const seen: Seen[] = [];
    const { _AUDIT_TYPE: _, ...other } = entry('type=CWD msg=audit(1.000:1): cwd="/"');
    const made = importLines([jsonLine(other), jsonLine(entry('type=USER msg=audit(10.020:1): pid=1'))], seen);
    expect(made).toHaveLength(1);
    expect(seen).toEqual([
      {
        name: 'web-7',
        machineId: '5f1e2d3caaaabbbbcccc000000000001',
        bootId: '0f1e2d3c-aaaa-bbbb-cccc-000000000000',
        timeMs: 10_020,
      },
    ]);
  });

  it('damaged entries are refused', () => {
    const good = entry('type=USER msg=audit(1.000:1): pid=1');
    const damaged = [
      { _AUDIT_ID: 'x' },
      { _AUDIT_TYPE: '-1' },
      { _SOURCE_REALTIME_TIMESTAMP: '1' },
      { MESSAGE: [300] },
      { MESSAGE: {} },
    ];
    expect(reasonsOf(damaged.map((part) => jsonLine({ ...good, ...part })))).toHaveLength(damaged.length);
  });
});

describe('Auditbeat', () => {
  const lines = sampleLines('execve_script').filter(
    (line) => !line.startsWith('type=EOE') && !line.startsWith('node='),
  );
  const eventLines = lines.filter((line) => line.includes(/audit\([^)]*\)/.exec(lines[0] ?? '')?.[0] ?? '?'));
  const beat = {
    '@timestamp': '2026-01-01T00:00:00Z',
    auditd: { message_type: 'syscall' },
    host: { id: 'b1', name: 'web-7' },
    agent: { type: 'auditbeat' },
  };

  it.each([
    ['a list', eventLines],
    ['a text', eventLines.join('\n')],
  ])('with raw records (%s) is mapped anew, with the same id', (_, original) => {
    const seen: Seen[] = [];
    const made = importLines([jsonLine({ ...beat, event: { module: 'auditd', original } })], seen).filter(
      (each) => each.kind === 'document',
    );
    expect(made.map(({ id }) => id)).toEqual(idsOf(eventLines));
    expect(fieldOf(made[0]?.document ?? {}, 'event.original')).toBe(eventLines.join('\n'));
    expect(seen[0]).toMatchObject({ id: 'b1', name: 'web-7' });
  });

  it('without them is kept as it is', () => {
    const [made] = documentsOf([jsonLine({ ...beat, process: { name: 'x' } })]);
    expect(made?.document).toMatchObject({ ...beat, process: { name: 'x' } });
  });

  it('our own documents are not mapped again', () => {
    const own = {
      ...beat,
      vedette: { position: 3 },
      event: { original: eventLines.join('\n') },
      process: { entity_id: 'kept' },
    };
    expect(documentsOf([jsonLine(own)])[0]?.document).toMatchObject({ process: { entity_id: 'kept' } });
  });
});

describe('ausearch and syslog', () => {
  const lines = sampleLines('execve_script').filter((line) => !line.startsWith('node='));

  it('ausearch’s default output is its records, with separators between', () => {
    const events = new Map<string, string[]>();
    for (const line of lines) {
      const key = /audit\([^)]*\)/.exec(line)?.[0] ?? '';
      events.set(key, [...(events.get(key) ?? []), line]);
    }
    // It prints the records of an event last first.
    const printed = [...events.values()].flatMap((each) => ['----', 'time->Sun Nov 22 10:00:00 2026', ...each]);
    expect(idsOf(printed)).toEqual(idsOf([...events.values()].flat()));
  });

  it('interpreted output is refused with the way out', () => {
    const reasons = reasonsOf([
      'type=SYSCALL msg=audit(11/22/2026 10:00:00.123:456) : arch=x86_64 syscall=execve success=yes',
      'node=web-7 type=SYSCALL msg=audit(22.11.2026 10:00:00.123:456) : arch=x86_64',
    ]);
    expect(reasons).toEqual([expect.stringContaining('ausearch --raw'), expect.stringContaining('ausearch --raw')]);
  });

  it.each([
    ['<13>Nov 22 10:00:00 web-7 audispd[12]: ', 'web-7'],
    ['Nov  2 10:00:00 web-7 audisp-syslog: ', 'web-7'],
    ['2026-11-22T10:00:00.123456+00:00 web-7.example.org auditd: ', 'web-7.example.org'],
    ['Nov 22 10:00:00 relay audispd: node=web-7 ', 'web-7'],
  ])('behind the syslog head %s', (head, host) => {
    const seen: Seen[] = [];
    const made = importLines(
      lines.map((line) => `${head}${line}`),
      seen,
    );
    expect(made.map((each) => (each.kind === 'document' ? each.id : each.kind))).toEqual(idsOf(lines));
    expect(new Set(seen.map(({ name }) => name))).toEqual(new Set([host]));
  });

  it('what the kernel printed itself is read', () => {
    const [made] = documentsOf([
      'Nov 22 10:00:00 web-7 kernel: [   12.345678] audit: type=1400 audit(1795290423.932:27): apparmor="DENIED" operation="open" name="/x" pid=9',
    ]);
    expect(made?.document).toMatchObject({ event: { sequence: 27 }, auditd: { message_type: 'avc' } });
  });

  it('other programs’ lines are refused, whatever they say', () => {
    expect(reasonsOf([`Nov 22 10:00:00 web-7 myapp: ${lines[0]}`, `hello ${lines[0]}`])).toHaveLength(2);
  });
});

describe('hostile lines', () => {
  it('cost no more than they are long, and reach no prototype', () => {
    const long = [
      `type=SYSCALL msg=audit(1.000:1): ${'A="x" '.repeat(9_000)}`,
      `type=SYSCALL msg=audit(1.000:1): key=(null)${'UID="x" '.repeat(7_000)}!`,
      `type=SYSCALL msg=audit(1.000:1): ${'UID='.repeat(15_000)}"`,
      `type=${'x'.repeat(1e6)}`,
      ' '.repeat(1e6),
      `Nov 22 10:00:00 ${'a'.repeat(1e6)} audispd: x`,
      `type=SYSCALL msg=audit(${'1-'.repeat(5e5)}`,
      `{"ID":"1.000:1","SYSCALL":{"__proto__":{"polluted":1},"constructor":"x","ARGV":{"a":1},"key":[1,[2],null]},"__proto__":[{"polluted":1}]}`,
      `{"ID":"1.000:1","EXECVE":{"ARGV":[${'"a",'.repeat(1e5)}{}]}}`,
      `{"ID":"1.000:1","SYSCALL":{"exit":1e999,"pid":1e308,"ppid":-0.5,"a":${'9'.repeat(5000)}}}`,
      `{"ID":"1.000:1","PATH":[${'{"name":"x"},'.repeat(1e5)}{}]}`,
      '{"ID":"9999999999999.999:4294967296","SYSCALL":{}}',
      `{"sequence":1e300,"timestamp":"1.000","messages":[]}`,
      '\0\0\0\xff\xfe',
    ];
    const before = process.cpuUsage().user;
    for (const line of long) expect(() => importLines([line])).not.toThrow();
    expect((process.cpuUsage().user - before) / 1e6).toBeLessThan(5);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });

  it('never make it throw: mutated lines of every form', () => {
    const seeds = [
      ...sampleLines('execve_script')
        .slice(0, 6)
        .map((line) => enriched(line)),
      readFileSync(new URL('../data/laurel/translated.json', import.meta.url), 'latin1').split('\n')[1] ?? '',
      'Nov 22 10:00:00 web-7 audispd[12]: type=CWD msg=audit(1.000:1): cwd="/"',
      '{"sequence":1,"timestamp":"1.000","messages":[{"type":1300,"data":"pid=1 uid=0"}],"uid_map":{"0":"root"}}',
      '{"__REALTIME_TIMESTAMP":"1","_BOOT_ID":"x","_AUDIT_TYPE":"1300","_AUDIT_ID":"1","_SOURCE_REALTIME_TIMESTAMP":"1000000","MESSAGE":"SYSCALL a=1"}',
    ];
    const mutated = fc
      .tuple(fc.constantFrom(...seeds), fc.nat(), fc.nat({ max: 12 }), fc.string({ maxLength: 8 }))
      .map(
        ([seed, at, count, text]) =>
          `${seed.slice(0, at % (seed.length + 1))}${latin1(text)}${seed.slice((at % (seed.length + 1)) + count)}`,
      );
    fc.assert(
      fc.property(fc.array(mutated, { maxLength: 6 }), (lines) => {
        for (const made of importLines(lines))
          if (made.kind === 'document') JSON.parse(made.json) satisfies EventDocument;
      }),
      { numRuns: 1000 },
    );
  });
});

describe('the clock of logs', () => {
  it('goes with each log’s own stamps, never back, and takes a pause for a pause', () => {
    const clock = createLogClock();
    expect(clock.at('a', 1_000_000)).toBe(0);
    expect(clock.at('a', 1_000_500)).toBe(500);
    // Another host’s clock is an hour behind.
    expect(clock.at('b', 1_000)).toBe(500);
    expect(clock.at('b', 1_250)).toBe(750);
    expect(clock.at('a', 1_000_600)).toBe(750);
    expect(clock.at('a', 1_001_000)).toBe(1_000);
    const later = clock.at('a', 9_000_000);
    expect(later).toBe(61_000);
    // The next file is older: time goes on from where it was.
    expect(clock.at('a', 500)).toBe(later);
    expect(clock.at('a', 700)).toBe(later + 200);
  });

  it('never goes back, whatever comes', () => {
    const stamp = fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.integer({ min: 0, max: 8.64e15 }));
    fc.assert(
      fc.property(fc.array(stamp, { maxLength: 50 }), (stamps) => {
        const clock = createLogClock(2);
        let last = 0;
        for (const [log, timeMs] of stamps) {
          const nowMs = clock.at(log, timeMs);
          expect(nowMs).toBeGreaterThanOrEqual(last);
          last = nowMs;
        }
      }),
    );
  });

  it('lets an event be put together whose records lie in two files of a rotated set', () => {
    const lines = sampleLines('execve_script').filter((line) => !line.startsWith('type=EOE'));
    for (let cut = 1; cut < lines.length; cut++) {
      const importer = createImporter({ hostOf: () => HOST });
      const made = [...lines.slice(0, cut), ...lines.slice(cut)].flatMap((line) => [...importer.push(line)]);
      expect([...made, ...importer.end()]).toHaveLength(idsOf(lines).length);
    }
  });
});
