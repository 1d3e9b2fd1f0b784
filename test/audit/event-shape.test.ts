// What a shape takes for a place whose text is only repeated must be one: of each call and argument, with and without success.
import { describe, expect, it } from 'vitest';
import { createEcsMapper } from '../../audit/ecs.ts';
import type { AuditEvent } from '../../audit/event.ts';
import { createEventBytes } from '../../audit/event-bytes.ts';
import { createShapeReader, HOLE, PASSED_ON } from '../../audit/event-shape.ts';
import { createReassembler } from '../../audit/reassembler.ts';
import { recordFrom } from '../../audit/record.ts';
import { CWD, EOE, PATH, SOCKADDR, SYSCALL } from '../../audit/tables/record-type.ts';
import { syscallName } from '../../audit/tables/syscall.ts';
import { madeEvent, type Part, pathBody, syscallBody } from './event-variations.ts';
import { HOST } from './samples.ts';

const ARCHITECTURES = ['c000003e', '40000003', 'c00000b7'] as const;
const NUMBERS = 512;

const calls = ARCHITECTURES.flatMap((architecture) =>
  Array.from({ length: NUMBERS }, (_, number) => ({
    architecture,
    number,
    name: syscallName(architecture, number) ?? '',
  })).filter(({ name }) => PASSED_ON.has(name)),
);
const ARGUMENTS: readonly (readonly [string, string, number, number])[] = calls.flatMap(
  ({ architecture, number, name }) =>
    (PASSED_ON.get(name) ?? []).map((argument) => [architecture, name, number, argument] as const),
);

/** Numbers that mean something to one call or another: none, flags, modes, AT_FDCWD, families, limits. */
const VALUES = [
  '0',
  '1',
  '2',
  '3',
  '10',
  '40',
  '41',
  '200',
  '241',
  '1b6',
  '80000',
  '410000',
  'ffffff9c',
  'ffffffffffffff9c',
  'ffffffff',
  '7ffd5061e98c',
  '',
] as const;
const MARK = 'd0c5a3f1e7';

const mapper = createEcsMapper(HOST);

function eventOf(
  call: string,
  of: {
    readonly argument: number;
    readonly value: string;
    readonly outcome: string;
    readonly names: readonly string[];
  },
): AuditEvent {
  const head = syscallBody(call, { items: of.names.length })
    .replace(new RegExp(` a${of.argument}=\\w+`), ` a${of.argument}=${of.value}`)
    .replace('success=yes exit=3', of.outcome);
  const [before, after] = of.names;
  const parts: Part[] = [
    { type: SYSCALL, body: head },
    { type: SOCKADDR, body: 'saddr=0200115C7F0000010000000000000000' },
    { type: CWD, body: 'cwd="/srv/w"' },
    { type: PATH, body: pathBody(0, `"${before}"`, 'DELETE') },
    { type: PATH, body: pathBody(1, `"${after}"`, 'CREATE') },
  ];
  return madeEvent(parts, 7);
}

/** The document, with the argument's text taken out where it is repeated. */
function without(json: string, argument: number, value: string): string {
  return json
    .replace(` a${argument}=${value} `, ` a${argument}=${MARK} `)
    .replace(`"a${argument}":"${value}"`, `"a${argument}":"${MARK}"`);
}

function differing(call: string, argument: number): readonly string[] {
  return ['success=yes exit=3', 'success=no exit=-13', 'success=no exit=0'].flatMap((outcome) =>
    [
      ['/srv/a', '/srv/b'],
      ['a', 'b'],
    ].flatMap((names) => {
      const texts = VALUES.map((value) =>
        without(mapper.toJson(eventOf(call, { argument, value, outcome, names })), argument, value),
      );
      return VALUES.filter((_, index) => texts[index] !== texts[0]);
    }),
  );
}

describe('an argument that is passed on', () => {
  it('of every call of the table is there to be tried', () => {
    expect(new Set(calls.map(({ name }) => name))).toEqual(new Set(PASSED_ON.keys()));
  });

  it.each(ARGUMENTS)(
    '%s %s (%i): a%i changes nothing but itself in the document',
    (architecture, _, number, argument) => {
      expect(differing(`arch=${architecture} syscall=${number}`, argument)).toEqual([]);
    },
  );

  it.each([
    ['openat', 257, 0],
    ['openat', 257, 2],
    ['openat', 257, 3],
    ['mkdir', 83, 1],
    ['chmod', 90, 1],
    ['unlinkat', 263, 0],
    ['unlinkat', 263, 2],
    ['kill', 62, 1],
  ])('would be found out if %s (%i) had a%i among them', (name, number, argument) => {
    expect(PASSED_ON.get(name) ?? []).not.toContain(argument);
    expect(differing(`arch=c000003e syscall=${number}`, argument)).not.toEqual([]);
  });
});

describe('a shape', () => {
  const shapeOf = (...parts: readonly Part[]): string | undefined => {
    const reader = createShapeReader();
    return reader.read(madeEvent(parts, 5)) ? reader.shape.key.toString('latin1', 0, reader.shape.keyBytes) : undefined;
  };
  const call = (more = ''): Part => ({
    type: SYSCALL,
    body: syscallBody('arch=c000003e syscall=87', { items: 1 }) + more,
  });
  const path = (name: string): Part => ({ type: PATH, body: pathBody(0, name, 'NORMAL') });

  it('is one of names that are told alike: with an extension or without, at the root or not, a directory or not', () => {
    expect(shapeOf(call(), path('"/a/b"'))).toBe(shapeOf(call(), path('"/xyz/.zshrc"')));
    expect(shapeOf(call(), path('"/a/b"'))).toBe(shapeOf(call(), path('"/x.y/z."')));
    expect(shapeOf(call(), path('"/a/b.c"'))).toBe(shapeOf(call(), path('"/x.y/..z"')));
    const kinds = [
      '"/a/b"',
      '"/a/b.c"',
      '"/a"',
      '"/a.c"',
      '"/a/b/"',
      '"/a/b.c/"',
      '"/a/"',
      '"a"',
      '"/a//b"',
      '"/a/./b"',
      '"/a/.."',
      '(null)',
    ];
    expect(new Set(kinds.map((name) => shapeOf(call(), path(name)))).size).toBe(kinds.length);
  });

  it('does not run from one record into the next', () => {
    const cwd = (body: string): Part => ({ type: CWD, body });
    const glued = `cwd="/a"${String.fromCharCode(0xfe, CWD & 0xff, CWD >> 8)}cwd="/b"`;
    expect(shapeOf(call(), cwd('cwd="/a"'), cwd('cwd="/b"'))).toBeUndefined();
    expect(shapeOf(call(), cwd(glued))).toBeUndefined();
    expect(shapeOf(call(' x\x16\x05item=0'))).not.toBe(shapeOf(call(' x'), path('"/a/b"')));
  });

  it('is none of text that is more than ASCII, of another record, of a node, of a fragment, of what is too long', () => {
    expect(shapeOf(call(), path('"/ä"'))).toBeUndefined();
    expect(shapeOf(call(), { type: 1400, body: 'x=1' })).toBeUndefined();
    expect(shapeOf(call(), path(`"/${'x'.repeat(9000)}"`))).toBeUndefined();
    expect(shapeOf(...Array.from({ length: 13 }, () => call()))).toBeUndefined();
    const event = madeEvent([call()], 5);
    const reader = createShapeReader();
    expect(reader.read(event)).toBe(true);
    expect(reader.read({ ...event, isFragment: true })).toBe(false);
    expect(reader.read({ ...event, incomplete: ['timeout'] })).toBe(false);
    expect(
      reader.read({ ...event, records: event.records.map((record) => ({ ...record, text: record.text, node: 'n' })) }),
    ).toBe(false);
  });

  it('is the same where the reassembler has left the records, whichever event it closed since', () => {
    const gathered = createEventBytes();
    const [shared, own] = [createShapeReader({ gathered }), createShapeReader()];
    const reassembler = createReassembler({ gathered });
    const made = [5, 6, 7, 8].map((serial) => madeEvent([call(), path(`"/srv/${serial}.x"`)], serial));
    const closed = made.flatMap(({ records }) => {
      const [first] = records;
      const end = recordFrom(EOE, `${first?.text.split(' ', 1)[0]} `);
      return [...records, ...(end === undefined ? [] : [end])].flatMap((record) => reassembler.push(record, 0));
    });
    expect(closed).toHaveLength(made.length);
    const told = ({ read, shape }: ReturnType<typeof createShapeReader>, event: AuditEvent) => {
      expect(read(event)).toBe(true);
      const { bytes, holes, key, keyBytes, size } = shape;
      return [bytes.toString('latin1', 0, size), [...holes], key.toString('latin1', 0, keyBytes), shape.hash];
    };
    // The last one closed is the one whose records lie there; the others are gathered again.
    for (const event of [...closed].reverse()) expect(told(shared, event)).toEqual(told(own, event));
  });

  it('tells the place of each hole', () => {
    const reader = createShapeReader();
    expect(reader.read(madeEvent([call(), path('"/srv/x.tar.gz"')], 5))).toBe(true);
    const { bytes, holes } = reader.shape;
    const text = (hole: number): string => bytes.toString('latin1', holes[hole * 2], holes[hole * 2 + 1]);
    const told = [
      HOLE.exit,
      HOLE.ppid,
      HOLE.pid,
      HOLE.path,
      HOLE.path + 1,
      HOLE.path + 2,
      HOLE.path + 3,
      HOLE.path + 4,
    ];
    expect(told.map(text)).toEqual(['3', '100', '200', '/srv/x.tar.gz', '/srv', 'x.tar.gz', 'gz', '1000']);
  });
});
