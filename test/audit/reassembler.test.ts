import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CLOSED_EVENTS_MAX } from '../../audit/closed-events.ts';
import { eventIdOf, fragmentOfId } from '../../audit/document-id.ts';
import type { AuditEvent, AuditRecord } from '../../audit/event.ts';
import { createReassembler, type ReassemblerOptions } from '../../audit/reassembler.ts';
import { addToCrc } from '../../event/id.ts';
import { HOST, recordsOf, SAMPLE_NAMES, sampleLines } from './samples.ts';

const record = (type: string, serial: number, text = 'x=1', at = '1.000') =>
  recordsOf([`type=${type} msg=audit(${at}:${serial}): ${text}`])[0]!;

function run(records: readonly AuditRecord[], options: ReassemblerOptions = {}): readonly AuditEvent[] {
  const reassembler = createReassembler(options);
  const events = records.flatMap((each, index) => [...reassembler.push(each, index)]);
  return [...events, ...reassembler.end()];
}

const shape = (events: readonly AuditEvent[]) =>
  events.map(({ serial, records, incomplete, isFragment }) => ({
    serial,
    types: records.map(({ type }) => type),
    incomplete,
    isFragment,
  }));

describe('an event', () => {
  it('is closed by its EOE, which is no part of it', () => {
    const reassembler = createReassembler();
    expect(reassembler.push(record('SYSCALL', 7), 0)).toEqual([]);
    expect(reassembler.push(record('PROCTITLE', 7), 0)).toEqual([]);
    expect(shape(reassembler.push(record('EOE', 7, ''), 0))).toEqual([
      { serial: 7, types: [1300, 1327], incomplete: [], isFragment: false },
    ]);
    expect([reassembler.openEvents, reassembler.openBytes]).toEqual([0, 0]);
  });

  it('has the checksum that ids are made of', () => {
    const [event] = run([record('SYSCALL', 7, 'a=1'), record('CWD', 7, 'cwd="/"'), record('EOE', 7, '')]);
    const crc = event!.records.reduce(
      (sum, { type, text }) => addToCrc(sum, { type, payload: Buffer.from(text, 'latin1') }),
      0,
    );
    expect(event!.crc).toBe(crc);
  });

  it('is not closed by PROCTITLE: a PATH may follow (defect of go-libaudit)', () => {
    const events = run([record('SYSCALL', 7), record('PROCTITLE', 7), record('PATH', 7), record('EOE', 7, '')]);
    expect(shape(events)).toEqual([{ serial: 7, types: [1300, 1327, 1302], incomplete: [], isFragment: false }]);
  });

  it('is told apart from one of another boot with the same serial (defect of go-libaudit)', () => {
    const events = run([
      record('SYSCALL', 7, 'a=1', '1.000'),
      record('SYSCALL', 7, 'a=2', '9.000'),
      record('EOE', 7, '', '9.000'),
    ]);
    expect(events.map(({ timeMs, records }) => [timeMs, records.length])).toEqual([
      [1000, 1],
      [9000, 1],
    ]);
  });

  it('of the next boot is no fragment of one that was closed before it', () => {
    const boot = (at: string) => [record('SYSCALL', 7, 'a=1', at), record('EOE', 7, '', at)];
    expect(run([...boot('1.000'), ...boot('9.000')]).map(({ isFragment }) => isFragment)).toEqual([false, false]);
  });

  it('is told apart from one of another node', () => {
    const records = ['a', 'b', 'a'].flatMap((node) =>
      recordsOf([`node=${node} type=CWD msg=audit(1.000:7): cwd="/${node}"`]),
    );
    expect(run(records).map(({ node, records: { length } }) => [node, length])).toEqual([
      ['a', 2],
      ['b', 1],
    ]);
  });

  it('with only its EOE is told of, and flagged', () => {
    expect(shape(run([record('EOE', 7, '')]))).toEqual([
      { serial: 7, types: [], incomplete: ['missing-records'], isFragment: false },
    ]);
  });

  it('is not lost to the mere end of another one with its serial', () => {
    const reassembler = createReassembler();
    reassembler.push(record('SYSCALL', 7, 'a=1', '1.000'), 0);
    expect(shape(reassembler.push(record('EOE', 7, '', '9.000'), 0))).toMatchObject([
      { serial: 7, types: [1300], incomplete: ['timeout'] },
      { serial: 7, types: [], incomplete: ['missing-records'] },
    ]);
    expect([reassembler.openEvents, reassembler.openBytes]).toEqual([0, 0]);
  });

  it('without its SYSCALL is kept, and flagged (go-libaudit #127 fails on it)', () => {
    expect(shape(run([record('PATH', 7), record('EOE', 7, '')]))).toEqual([
      { serial: 7, types: [1302], incomplete: ['missing-syscall'], isFragment: false },
    ]);
  });
});

describe('USER_* records', () => {
  it('are an event each at once, also under the serial of the syscall that sent them', () => {
    const events = run([
      record('SYSCALL', 7),
      record('USER_LOGIN', 7, "msg='op=login'"),
      record('USER_START', 7, "msg='op=open'"),
      record('PATH', 7),
      record('EOE', 7, ''),
    ]);
    expect(shape(events).map(({ types }) => types)).toEqual([[1112], [1105], [1300, 1302]]);
    expect(new Set(events.map((event) => eventIdOf(event, HOST))).size).toBe(3);
  });
});

describe('leading records', () => {
  it.each(['LOGIN', 'CONFIG_CHANGE', 'ANOM_PROMISCUOUS', 'BPF', 'AVC'])(
    '%s joins the SYSCALL that follows it',
    (type) => {
      expect(run([record(type, 7), record('SYSCALL', 7), record('EOE', 7, '')])).toHaveLength(1);
    },
  );

  it('alone are closed by the short time-out and are complete', () => {
    const reassembler = createReassembler({ loneTimeoutMs: 100 });
    reassembler.push(record('LOGIN', 7), 1000);
    expect(reassembler.flush(1099)).toEqual([]);
    expect(shape(reassembler.flush(1100))).toEqual([{ serial: 7, types: [1006], incomplete: [], isFragment: false }]);
  });
});

describe('the time-out', () => {
  it('closes what expects more, counted from its last record, and flags it', () => {
    const reassembler = createReassembler({ timeoutMs: 2000, loneTimeoutMs: 1 });
    reassembler.push(record('SYSCALL', 7), 0);
    reassembler.push(record('CWD', 7), 1500);
    expect(reassembler.flush(3499)).toEqual([]);
    expect(shape(reassembler.flush(3500))).toMatchObject([{ types: [1300, 1307], incomplete: ['timeout'] }]);
    expect(reassembler.flush(9999)).toEqual([]);
  });

  it('says nothing of a log, where auditd writes no EOE', () => {
    expect(shape(run([record('SYSCALL', 7)], { expectsEoe: false }))).toMatchObject([{ incomplete: [] }]);
  });
});

describe('a late record', () => {
  const late = () => {
    const reassembler = createReassembler();
    const [event] = [record('SYSCALL', 7), record('EOE', 7, '')].flatMap((each) => [...reassembler.push(each, 0)]);
    reassembler.push(record('PATH', 7, 'item=0 name="/late"'), 10);
    return { event: event!, fragments: reassembler.flush(5000) };
  };

  it('makes a fragment that names the event it belongs to', () => {
    const { event, fragments } = late();
    expect(shape(fragments)).toEqual([{ serial: 7, types: [1302], incomplete: [], isFragment: true }]);
    expect(fragmentOfId(fragments[0]!, HOST)).toBe(eventIdOf(event, HOST));
    expect(eventIdOf(fragments[0]!, HOST)).not.toBe(eventIdOf(event, HOST));
  });

  it('a second EOE makes nothing', () => {
    const reassembler = createReassembler();
    for (const each of [record('SYSCALL', 7), record('EOE', 7, '')]) reassembler.push(each, 0);
    expect(reassembler.push(record('EOE', 7, ''), 0)).toEqual([]);
    expect(reassembler.end()).toEqual([]);
  });

  it('is recognised among the youngest closed events only: the memory is bounded', () => {
    const reassembler = createReassembler();
    for (let serial = 0; serial <= CLOSED_EVENTS_MAX; serial++) {
      reassembler.push(record('SYSCALL', serial), 0);
      reassembler.push(record('EOE', serial, ''), 0);
    }
    reassembler.push(record('PATH', 0), 0);
    reassembler.push(record('PATH', 1), 0);
    expect(shape(reassembler.end())).toMatchObject([
      { serial: 0, isFragment: false, incomplete: ['timeout', 'missing-syscall'] },
      { serial: 1, isFragment: true },
    ]);
  });
});

describe('limits', () => {
  it('close the oldest open event early and flag it; what comes after is its fragment', () => {
    const records = [
      record('SYSCALL', 1),
      record('SYSCALL', 2),
      record('SYSCALL', 3),
      record('EOE', 2, ''),
      record('PATH', 1),
      record('EOE', 1, ''),
    ];
    expect(shape(run(records, { maxOpenEvents: 2 }))).toMatchObject([
      { serial: 1, incomplete: ['evicted'], isFragment: false },
      { serial: 2, incomplete: [], isFragment: false },
      { serial: 1, types: [1302], isFragment: true },
      { serial: 3, incomplete: ['timeout'], isFragment: false },
    ]);
  });

  it('hold for bytes too', () => {
    const big = 'x'.repeat(1000);
    const reassembler = createReassembler({ maxOpenBytes: 2500 });
    const closed = [1, 2, 3, 4].flatMap((serial) => [...reassembler.push(record('SYSCALL', serial, big), 0)]);
    expect(shape(closed)).toMatchObject([
      { serial: 1, incomplete: ['evicted'] },
      { serial: 2, incomplete: ['evicted'] },
    ]);
    expect(reassembler.openBytes).toBeLessThanOrEqual(2500);
  });

  it('split an event that is too large without losing a record', () => {
    const records = Array.from({ length: 10 }, (_, index) => record('EXECVE', 7, `a${index}="${'x'.repeat(400)}"`));
    const events = run([record('SYSCALL', 7), ...records, record('EOE', 7, '')], { maxEventBytes: 2000 });
    expect(events.length).toBeGreaterThan(1);
    expect(events[0]?.incomplete).toEqual(['too-large']);
    expect(events.flatMap(({ records: { length } }) => length).reduce((sum, length) => sum + length, 0)).toBe(11);
    expect(events.slice(1).every(({ isFragment }) => isFragment)).toBe(true);
  });
});

describe('any interleaving', () => {
  it.each(SAMPLE_NAMES.filter((name) => name !== 'auditd_raw'))(
    'of %s loses no record and makes no fragment',
    (name) => {
      const records = recordsOf(sampleLines(name));
      const events = run(records);
      const kept = events.flatMap((event) => event.records);
      expect(kept).toHaveLength(records.filter(({ type }) => type !== 1320).length);
      expect(events.some(({ isFragment }) => isFragment)).toBe(false);
    },
  );

  it('gives the same events as the orderly stream', () => {
    const records = recordsOf(sampleLines('files_syscalls'));
    const bySerial = [...Map.groupBy(records, ({ serial }) => serial).values()];
    const ids = (events: readonly AuditEvent[]) => events.map((event) => eventIdOf(event, HOST)).sort();
    const expected = ids(run(records));
    fc.assert(
      fc.property(fc.array(fc.nat(), { minLength: records.length, maxLength: records.length }), (picks) => {
        const queues = bySerial.map((queue) => [...queue]);
        const mixed = picks.map((pick) => {
          const left = queues.filter((queue) => queue.length > 0);
          return left[pick % left.length]!.shift()!;
        });
        expect(ids(run(mixed))).toEqual(expected);
      }),
      { numRuns: 30 },
    );
  });
});
