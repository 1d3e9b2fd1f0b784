// Hostile records: whatever they hold, the mapping makes a document of bounded size and never throws.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DATA_NAMES_MAX, DATA_VALUES_MAX } from '../../audit/draft.ts';
import { createEcsMapper, MEMO_ENTRIES } from '../../audit/ecs.ts';
import type { AuditEvent, AuditRecord } from '../../audit/event.ts';
import { createMemo } from '../../audit/memo.ts';
import { BULK_LINE_BYTES_MAX } from '../../event/bulk.ts';
import { fieldOf } from '../../event/document.ts';
import { HOST, SAMPLE_NAMES, sampleEvents } from './samples.ts';

const mapper = createEcsMapper(HOST, {
  userName: (uid) => `u${uid}`,
  groupName: () => undefined,
  lineage: () => undefined,
});

const event = (records: readonly AuditRecord[]): AuditEvent => ({
  timeMs: 1000,
  serial: 1,
  node: undefined,
  records,
  crc: 0,
  incomplete: [],
  isFragment: false,
});
const record = (type: number, text: string): AuditRecord => ({
  type,
  timeMs: 1000,
  serial: 1,
  text: `audit(1.000:1): ${text}`,
  node: undefined,
});

/** A document must be one line of JSON that says what came. */
function check(of: AuditEvent): void {
  const json = mapper.toJson(of, { createdMs: 1, position: 1 });
  expect(json.includes('\n')).toBe(false);
  const document = JSON.parse(json);
  const base64 = fieldOf(document, 'vedette.original_base64');
  const original =
    base64 === undefined
      ? Buffer.from(String(fieldOf(document, 'event.original')), 'utf8')
      : Buffer.from(String(base64), 'base64');
  for (const { text } of of.records) expect(original.includes(Buffer.from(text, 'latin1'))).toBe(true);
  expect(typeof fieldOf(document, 'event.action')).toBe('string');
  expect(typeof fieldOf(document, 'auditd.message_type')).toBe('string');
}

const latin1 = fc.string({
  unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)),
  maxLength: 120,
});
const word = fc.constantFrom(
  ...'arch= c000003e syscall= 59 257 42 success=no success=yes exit=-13 a0= a1=ffffff9c items=99999999 ppid=1 pid= auid= 4294967295 -1 uid=0 comm= exe= key= "x" "a\\b" (null) 00FF item=0 name= nametype=CREATE nametype=PARENT mode= 0100755 saddr= 0200 0100 argc=3 a0[0]= a0_len= a1="" msg=\' \' __proto__= constructor= toString= avc: { } for op= acct= addr= 1.2.3.4 ARCH= \x1d UID="root" old new = " \' \\ res=success proctitle= cwd= 6'.split(
    ' ',
  ),
);
const text = fc.oneof(
  latin1,
  fc.array(fc.oneof(word, latin1), { maxLength: 25 }).map((words) => words.join(' ')),
  fc.array(word, { maxLength: 30 }).map((words) => words.join('')),
);
const type = fc.oneof(
  fc.constantFrom(
    1005,
    1006,
    1100,
    1112,
    1114,
    1130,
    1300,
    1302,
    1304,
    1305,
    1306,
    1307,
    1309,
    1318,
    1319,
    1326,
    1327,
    1336,
    1337,
    1400,
    1701,
  ),
  fc.integer({ min: 0, max: 0xffff }),
);

describe('the mapping', () => {
  it('never throws, never drops: any records', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(type, text), { maxLength: 6 }), (records) => {
        check(event(records.map(([each, of]) => record(each, of))));
      }),
      { numRuns: 1500 },
    );
  });

  it('never throws, never drops: damaged samples', () => {
    const events = SAMPLE_NAMES.flatMap((name) => sampleEvents(name)).filter(({ records }) =>
      records.every((each) => each.text.length < 3000),
    );
    fc.assert(
      fc.property(fc.constantFrom(...events), fc.nat(), fc.nat(200), latin1, (of, at, cut, insert) => {
        const damaged = of.records.map((each, index) => {
          const from = (at + index * 7) % each.text.length;
          return { ...each, text: each.text.slice(0, from) + insert + each.text.slice(from + cut) };
        });
        check({ ...of, records: damaged });
      }),
      { numRuns: 800 },
    );
  });

  it('keeps names of fields from reaching a prototype', () => {
    const document = mapper.toDocument(event([record(1999, '__proto__=x constructor=y prototype=z a.b=1')]));
    expect(Object.keys(fieldOf(document, 'auditd.data') as object)).toEqual([
      'field___proto__',
      'field_constructor',
      'field_prototype',
      'a_b',
    ]);
  });
});

describe('time', () => {
  const HOSTILE: readonly (readonly [string, number, (count: number) => string])[] = [
    ['unterminated quotes', 1300, (count) => 'a="x'.repeat(count)],
    ['an unterminated quote', 1300, (count) => `a="${'x '.repeat(count)}`],
    ['equals signs', 1300, (count) => '='.repeat(count)],
    ['spaces', 1302, (count) => ' '.repeat(count)],
    ['fields', 1300, (count) => Array.from({ length: count }, (_, index) => `f${index}=1`).join(' ')],
    ['names of prototypes', 1112, (count) => `msg='${'__proto__=1 constructor=2 '.repeat(count)}'`],
    ['NULs', 1100, (count) => `msg='${'a=\0\0 '.repeat(count)}'`],
    ['apostrophes', 1123, (count) => `msg='${"op=a b ' ".repeat(count)}'`],
    ['brackets', 1112, (count) => `msg='${'(a=b,c=d) '.repeat(count)}'`],
    ['interpretations', 1300, (count) => 'ARCH=x UID="r" '.repeat(count)],
    ['markers', 1300, (count) => '\x1d'.repeat(count)],
    ['odd bytes', 1300, (count) => `comm="${'\xff%'.repeat(count)}"`],
    ['arguments', 1309, (count) => Array.from({ length: count }, (_, index) => `a${index}=""`).join(' ')],
    ['pieces of two arguments', 1309, (count) => 'a0[0]=00 a1[0]=00 '.repeat(count)],
    ['lengths of an argument', 1309, (count) => 'a0_len=5 '.repeat(count)],
    ['braces', 1400, (count) => `avc: ${'{ } '.repeat(count)}`],
    ['dots in a path', 1302, (count) => `name="${'/../a/./'.repeat(count)}"`],
    ['colons in a label', 1302, (count) => `name="x" obj=${'a:'.repeat(count)}`],
    ['dots in an address', 1112, (count) => `msg='addr=${'1.'.repeat(count)}'`],
    ['colons in an address', 1112, (count) => `msg='addr=${'a:'.repeat(count)}'`],
    ['keys', 1300, (count) => `key=${'6101'.repeat(count)}`],
  ];

  // Quadratic work on 100,000 of these would take minutes.
  it.each(HOSTILE)('goes with the size of a record of many %s', (_, kind, text) => {
    const before = process.cpuUsage().user;
    check(event([record(kind, text(100_000))]));
    expect((process.cpuUsage().user - before) / 1e6).toBeLessThan(5);
  });
});

describe('sizes', () => {
  const exec = (arg: string) => {
    const pieces = Array.from({ length: Math.ceil(arg.length / 7000) }, (_, part) =>
      record(
        1309,
        `${part === 0 ? `argc=1 a0_len=${arg.length}` : ''} a0[${part}]=${arg.slice(part * 7000, (part + 1) * 7000)}`,
      ),
    );
    return event([record(1300, 'arch=c000003e syscall=59 success=yes exit=0 items=0 pid=1'), ...pieces]);
  };

  it('an exec with 2 MiB of arguments is complete and fits into a line that ingest reads', () => {
    const json = mapper.toJson(exec('61'.repeat(2 * 1024 * 1024)));
    expect(Buffer.byteLength(json)).toBeLessThan(BULK_LINE_BYTES_MAX);
    expect(fieldOf(JSON.parse(json), 'process.args')).toEqual(['a'.repeat(2 * 1024 * 1024)]);
    expect(fieldOf(JSON.parse(json), 'vedette.incomplete')).toBeUndefined();
  });

  it.each([
    [0.7, undefined],
    [1.5, ['command-line-too-long']],
    [2.9, ['command-line-too-long', 'arguments-too-long']],
  ])(
    '%d MiB of control characters, which grow sixfold, give up what repeats the records, and say so',
    (mib, incomplete) => {
      const of = exec('01'.repeat(mib * 1024 * 1024));
      const json = mapper.toJson(of);
      expect(Buffer.byteLength(json)).toBeLessThan(BULK_LINE_BYTES_MAX);
      const document = JSON.parse(json);
      expect(fieldOf(document, 'vedette.incomplete')).toEqual(incomplete);
      expect(String(fieldOf(document, 'event.original')).length).toBeGreaterThan(mib * 2 * 1024 * 1024);
    },
  );

  it('auditd.data has a bounded number of names, and of values to a name', () => {
    const targets = Array.from({ length: DATA_VALUES_MAX + 50 }, (_, pid) => record(1318, `opid=${pid}`));
    const names = Array.from({ length: 4 }, (_, part) =>
      record(1316, Array.from({ length: 400 }, (__, index) => `f${part * 400 + index}=1`).join(' ')),
    );
    const made = mapper.toDocument(event([record(1300, 'arch=c000003e syscall=62 pid=1'), ...targets, ...names]));
    expect(fieldOf(made, 'auditd.data.opid')).toHaveLength(DATA_VALUES_MAX);
    const own = Object.keys(fieldOf(made, 'auditd.data') as object).filter((name) => /^(f[0-9]+|opid)$/.test(name));
    expect(own).toHaveLength(DATA_NAMES_MAX);
  });

  it('the same text in records of two types means two things', () => {
    const of = (type: number) =>
      fieldOf(
        mapper.toDocument(event([record(1300, 'arch=c000003e syscall=1 pid=1'), record(type, 'a0=61')])),
        'auditd.data',
      );
    expect([of(1304), of(1316), of(1304)]).toMatchObject([
      { socketcall_a0: '61' },
      { kernel_other_a0: '61' },
      { socketcall_a0: '61' },
    ]);
  });

  it('a memory never holds more than its limit, nor long keys', () => {
    const memo = createMemo(10, (key) => ({ key }));
    for (let index = 0; index < 100; index++) memo(`k${index}`);
    expect(memo.size()).toBeLessThanOrEqual(10);
    const before = memo.size();
    memo('x'.repeat(5000));
    expect(memo.size()).toBe(before);
    expect(MEMO_ENTRIES).toBeLessThanOrEqual(4096);
  });
});
