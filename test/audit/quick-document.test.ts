// Templates against the mapper: whatever the events, a document that is written from a template is, byte for byte, the mapper's, and
// lineage is told the same. VEDETTE_FUZZ_RUNS makes it longer
// (`VEDETTE_FUZZ_RUNS=1000000 npx vitest run --project unit test/audit/quick-document.test.ts`).
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createEcsMapper } from '../../audit/ecs.ts';
import type { AuditEvent, HostKnowledge, Lineage, ProcessInfo } from '../../audit/event.ts';
import { createShapeReader } from '../../audit/event-shape.ts';
import {
  createQuickMapper,
  EVENTS_PER_LEARNING,
  LEARNING_BURST,
  TEMPLATE_BYTES_MAX,
  TEMPLATES_MAX,
} from '../../audit/quick-document.ts';
import { ReceivedRecord } from '../../audit/record.ts';
import { alikeEvents, BASES, hexOf, madeEvent, type Part, PLAIN_BASES } from './event-variations.ts';
import { HOST } from './samples.ts';

const RUNS = Number(process.env['VEDETTE_FUZZ_RUNS'] ?? 1000);
const LIMIT_MS = Math.max(300_000, RUNS * 20);
const EVENTS = 24;

const processOf = (pid: number, more: Partial<ProcessInfo> = {}): ProcessInfo => ({
  pid,
  entityId: `e.${pid}`,
  name: 'né"me',
  executable: '/usr/bin/n',
  args: ['a b', 'c'],
  ...more,
});

/** Every form of lineage, by the pid's last digits; the same object for the same process. */
function lineages(): HostKnowledge['lineage'] {
  const known = new Map<string, Lineage | undefined>();
  const made = (pid: number, ppid: number | undefined): Lineage | undefined => {
    const container = { id: 'c1', runtime: 'docker', name: 'n"c', imageName: 'i', pod: undefined };
    const ancestors = [processOf(ppid ?? 1), processOf(1)];
    switch (pid % 8) {
      case 0:
        return undefined;
      case 1:
        return { process: undefined, ancestors: [], isComplete: false };
      case 2:
        return { process: processOf(pid, { script: '/srv/s.py' }), ancestors, isComplete: true };
      case 3:
        return {
          process: processOf(pid, { name: '', script: '/srv/s.py' }),
          ancestors: [processOf(4)],
          isComplete: true,
        };
      case 4:
        return { process: processOf(pid), ancestors, isComplete: false, sessionLeader: processOf(9), container };
      case 5:
        return {
          process: processOf(pid, { sha256: 'ab', startMs: 5 }),
          parent: processOf(ppid ?? 1, { script: '/p' }),
          ancestors,
          isComplete: true,
        };
      case 6:
        return {
          process: processOf(pid),
          parent: processOf(77),
          ancestors,
          isComplete: true,
          previous: [processOf(pid)],
        };
      default:
        return { process: processOf(pid), ancestors: [], isComplete: true };
    }
  };
  return (pid, ppid) => {
    const key = `${pid} ${ppid}`;
    if (!known.has(key)) known.set(key, made(pid, ppid));
    return known.get(key);
  };
}

/** A quick mapper and the mapper beside each other. */
function pairOf(options: Parameters<typeof createQuickMapper>[2] = {}) {
  const names = { version: 1, root: 'root' };
  const told: Record<'quick' | 'plain', string[]> = { quick: [], plain: [] };
  const lineage = lineages();
  const knowledge = (who: 'quick' | 'plain'): HostKnowledge => ({
    userName: (uid) => (uid === 0 ? names.root : uid === 1000 ? 'jo "quote"' : undefined),
    groupName: (gid) => (gid === 0 ? 'wheel' : undefined),
    namesVersion: () => names.version,
    lineage,
    execed: (args, script) => told[who].push(JSON.stringify([args, script])),
  });
  const quick = createQuickMapper(HOST, knowledge('quick'), options);
  const plain = createEcsMapper(HOST, knowledge('plain'));
  const out = Buffer.alloc(512 * 1024);
  /** True when there was a template. */
  const isSame = (event: AuditEvent, position = 1): boolean => {
    const call = quick.find(event);
    const stamp = { createdMs: event.timeMs + 3, position };
    told.quick = [];
    told.plain = [];
    const end = call === undefined ? -1 : quick.write(event, stamp, { out, at: 7 });
    if (call === undefined || end < 0) return false;
    const [written, mapped] = [out.toString('utf8', 7, end), plain.toJson(event, stamp)];
    if (written !== mapped) expect(written).toBe(mapped);
    if (String(told.quick) !== String(told.plain)) expect(told.quick).toEqual(told.plain);
    return true;
  };
  return { isSame, names, quick };
}

describe('a document from a template', () => {
  it(
    'is the one that the mapper makes, byte for byte',
    () => {
      let hits = 0;
      fc.assert(
        fc.property(
          fc.oneof(
            { arbitrary: fc.constantFrom(...BASES), weight: 1 },
            { arbitrary: fc.constantFrom(...PLAIN_BASES), weight: 9 },
          ),
          fc.gen(),
          (base, g) => {
            const { isSame } = pairOf();
            for (const event of alikeEvents(g, base, EVENTS)) if (isSame(event)) hits += 1;
          },
        ),
        { numRuns: RUNS },
      );
      expect(hits).toBeGreaterThan(RUNS * 3);
    },
    LIMIT_MS,
  );
});

const baseWith = (text: string): readonly Part[] => {
  const base = PLAIN_BASES.find((parts) => parts[0]?.body.includes(text));
  if (base === undefined) throw new Error(`no base with ${text}`);
  return base;
};
const replaced = (base: readonly Part[], from: string | RegExp, to: string): readonly Part[] =>
  base.map(({ type, body }) => ({ type, body: body.replaceAll(from, to) }));

describe('what only the mapper compares', () => {
  /** A file whose name is in hexadecimal and that replaces another. */
  const replacing = replaced(baseWith('syscall=316 success=yes exit=3'), /two" inode=7/g, 'two" inode=9');
  const movedOver = [0, 1, 2, 3, 5, 4, 6].flatMap((index) => replacing[index] ?? []);
  /** Two events of one shape, and one whose document differs in more than the holes. */
  const CASES: readonly (readonly [what: string, base: readonly Part[], from: string, to: string])[] = [
    ['an object that is the program', baseWith('comm="/etc/passwd"'), '"/etc/shadow"', '"/etc/passwd"'],
    ['a program in hexadecimal', baseWith('exe=2F6F70742F746F6F6C'), '"/etc/shadow"', '"/opt/tool"'],
    [
      'an object that is the program, with a slash',
      replaced(baseWith('exe=2F6F70742F746F6F6C'), '"/etc/shadow"', '"/etc/shadow/"'),
      '"/etc/shadow/"',
      '"/opt/tool/"',
    ],
    ['a directory that is the current one', baseWith('syscall=263 success=yes exit=3'), '"/srv/sub"', '"/srv/w"'],
    ['a sentence that is cut', baseWith('exe="/long'), '"/etc/shadow"', `"/etc/${'n'.repeat(245)}"`],
    ['the inode of a name in hexadecimal', movedOver, 'inode=9', 'inode=7'],
    ['the script that is run', baseWith('comm="s.awk"'), '"/srv/w/t.awk"', '"/srv/w/s.awk"'],
    ['a script in hexadecimal', baseWith(`comm=${hexOf('a b.awk')}`), hexOf('/srv/w/o b.awk'), hexOf('/srv/w/a b.awk')],
    ['a pid with zeros', baseWith('syscall=42 success=yes exit=3'), ' pid=200', ' pid=0200'],
    ['an exit that is no number', baseWith('syscall=42 success=yes exit=3'), 'exit=3', 'exit=3"'],
  ];

  it.each(CASES)('is left to it: %s', (_, base, from, to) => {
    const { isSame } = pairOf();
    const other = replaced(base, from, to);
    expect(other).not.toEqual(base);
    const hits = [1, 2, 3].map((time) => isSame(madeEvent(base, time)));
    for (let time = 4; time < 8; time++) isSame(madeEvent(other, time));
    expect(hits.slice(0, 2)).toEqual([false, false]);
  });

  it('is left to it: a record of which there are two, with other texts in the first', () => {
    const base = baseWith('syscall=42 success=yes exit=3');
    const twice = (title: string): readonly Part[] => [
      ...base.slice(0, 1),
      { type: 1327, body: `proctitle=${hexOf(title)}` },
      { type: 1306, body: `saddr=0200${hexOf(title).slice(2, 14)}0000000000000000` },
      ...base.slice(1),
    ];
    const { isSame } = pairOf();
    for (const title of ['first-a', 'first-b', 'first-c']) isSame(madeEvent(twice(title), title.length));
  });

  it('an exec that failed does not become the process', () => {
    const { isSame } = pairOf();
    const failed = baseWith('success=no exit=-7');
    const hits = [1, 2, 3, 4].filter((time) => isSame(madeEvent(failed, time)));
    expect(hits).toEqual([3, 4]);
  });
});

describe('names', () => {
  it('that change are seen at once, and templates with the old ones are gone', () => {
    const { isSame, names } = pairOf();
    const base = baseWith('syscall=42 success=yes exit=3');
    const isWritten = (time: number): boolean => isSame(madeEvent(base, time));
    expect([1, 2, 3, 4].map(isWritten)).toEqual([false, false, true, true]);
    names.root = 'toor';
    names.version = 2;
    expect([5, 6, 7].map(isWritten)).toEqual([false, false, true]);
  });

  it('that nobody watches are asked for each time', () => {
    const base = baseWith('syscall=42 success=yes exit=3');
    const quick = createQuickMapper(HOST, {
      userName: () => undefined,
      groupName: () => undefined,
      lineage: () => undefined,
    });
    for (let time = 0; time < 5; time++) expect(quick.find(madeEvent(base, time))).toBeUndefined();
  });
});

describe('limits', () => {
  /** An event whose shape only `number` has. */
  const shaped = (number: number, time: number): AuditEvent =>
    madeEvent(replaced(baseWith('syscall=82 success=yes exit=3'), 'key="k"', `key="k${number}"`), time);

  it('of templates hold whatever comes, and what is used stays', () => {
    const { isSame, quick } = pairOf();
    for (let time = 0; time < 3; time++) isSame(shaped(0, time));
    for (let number = 1; number < 9_000; number++) {
      const event = shaped(number, number);
      quick.find(event);
      quick.find(event);
      if (number % 500 === 0) expect(isSame(shaped(0, number))).toBe(true);
    }
    const { templates, bytes } = quick.held();
    // Fewer than were made: the oldest are gone.
    expect(templates).toBeLessThan(LEARNING_BURST + 18_000 / EVENTS_PER_LEARNING - 100);
    expect(templates).toBeLessThanOrEqual(TEMPLATES_MAX * 2);
    expect(bytes).toBeGreaterThan(TEMPLATE_BYTES_MAX / 2);
    expect(bytes).toBeLessThanOrEqual(TEMPLATE_BYTES_MAX * 2);
  });

  it('of learning: new shapes all the time make a template for one in sixteen events at most, after the first few', () => {
    const { quick } = pairOf();
    for (let time = 0; time < 8_000; time++) quick.find(shaped(time >> 1, time));
    const { templates } = quick.held();
    expect(templates).toBeGreaterThan(LEARNING_BURST);
    expect(templates).toBeLessThanOrEqual(LEARNING_BURST + 8_000 / EVENTS_PER_LEARNING);
  });

  it('of room: a document that does not fit is not written, and nothing behind its place', () => {
    const { quick } = pairOf();
    const base = baseWith('syscall=82 success=yes exit=3');
    for (let time = 0; time < 3; time++) quick.find(madeEvent(base, time));
    const event = madeEvent(base, 9);
    const stamp = { createdMs: 1, position: 1 };
    const whole = Buffer.alloc(64 * 1024);
    quick.find(event);
    const end = quick.write(event, stamp, { out: whole, at: 0 });
    expect(end).toBeGreaterThan(1000);
    for (const room of [0, 1, 1000, end - 1]) {
      quick.find(event);
      expect(quick.write(event, stamp, { out: Buffer.alloc(room), at: 0 })).toBe(-1);
    }
  });
});

describe('records in a buffer that is used again', () => {
  it('give the text that they had, in whatever batches an event came', () => {
    const { isSame } = pairOf();
    const base = baseWith('syscall=82 success=yes exit=3');
    const hits = (['text', 'held', 'detached', 'held', 'detached'] as const).map((how, time) =>
      isSame(madeEvent(base, time, how)),
    );
    expect(hits).toEqual([false, false, true, true, true]);
    const [held, detached] = [madeEvent(base, 9, 'held'), madeEvent(base, 9, 'detached')];
    const records = held.records.map((record, index) =>
      index % 2 === 0 ? record : (detached.records[index] ?? record),
    );
    expect(isSame({ ...held, records })).toBe(true);
    expect(records.map(({ text }) => text)).toEqual(madeEvent(base, 9).records.map(({ text }) => text));
  });

  it('that were released are not asked for their text again: it is gone', () => {
    const [record] = madeEvent(baseWith('syscall=82 success=yes exit=3'), 1, 'held').records;
    if (!(record instanceof ReceivedRecord)) throw new Error('not held');
    record.release();
    expect(record.text).toBe('');
  });
});

describe('an argument with a meaning that is taken for one that is only repeated', () => {
  const relative = replaced(baseWith('syscall=257 success=yes'), / name="[^"]*"/g, ' name="relative"');

  it('is found out by these tests', () => {
    const { isSame } = pairOf({ shapes: createShapeReader({ passedOn: new Map([['openat', [0, 1]]]) }) });
    expect(() => {
      for (const descriptor of ['5', '5', '6', 'ffffff9c'])
        isSame(madeEvent(replaced(relative, / a0=\w+/g, ` a0=${descriptor}`), 1));
    }).toThrow(/expected/);
  });

  it('makes no template where the stand-ins mean different things', () => {
    const { isSame } = pairOf({ shapes: createShapeReader({ passedOn: new Map([['openat', [1, 2]]]) }) });
    for (const flags of ['0', '0', '241', '80000'])
      expect(isSame(madeEvent(replaced(relative, / a2=\w+/g, ` a2=${flags}`), 1))).toBe(false);
  });
});
