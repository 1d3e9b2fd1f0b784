// Reassembly against a model: whatever the order in which records of several events come, and however late, the events are those of
// the orderly stream, no record is lost or told twice, and no loss is counted that did not happen. VEDETTE_FUZZ_RUNS makes it longer
// (`VEDETTE_FUZZ_RUNS=1000000 npx vitest run --project unit test/audit/reassembly-fuzz.test.ts`).
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { eventIdOf, fragmentOfId } from '../../audit/document-id.ts';
import { createEcsMapper } from '../../audit/ecs.ts';
import type { AuditEvent, AuditRecord } from '../../audit/event.ts';
import { createReassembler } from '../../audit/reassembler.ts';
import { parseFrame, parseLine, recordFrom } from '../../audit/record.ts';
import { CERTAIN_AFTER_MS, gapCount, serialAccount } from '../../collector/serial-account.ts';
import { HOST, SAMPLE_NAMES, sampleLines } from './samples.ts';

const RUNS = Number(process.env['VEDETTE_FUZZ_RUNS'] ?? 2000);
const LIMIT_MS = Math.max(300_000, RUNS * 10);

/** What an event's records may be, without its EOE; user space's are an event each. */
const BODIES: readonly (readonly number[])[] = [
  [1300, 1327],
  [1300, 1307, 1302, 1327],
  [1300, 1309, 1309, 1307, 1302, 1302, 1327],
  [1300, 1306, 1327],
  [1006, 1300, 1327],
  [1400, 1300, 1307, 1302, 1327],
  [1336, 1300, 1307, 1302, 1327],
  [1305],
  [1334],
];
const EOE = 1320;
const USER_LOGIN = 1112;

interface Planned {
  readonly serial: number;
  readonly types: readonly number[];
  /** Types of user-space records that share the serial. */
  readonly sent: readonly number[];
}

const plan: fc.Arbitrary<readonly Planned[]> = fc
  .tuple(
    fc.constantFrom(1, 4_294_967_290),
    fc.array(fc.record({ types: fc.constantFrom(...BODIES), sends: fc.boolean() }), { minLength: 1, maxLength: 10 }),
  )
  .map(([first, events]) =>
    events.map(({ types, sends }, index) => ({
      serial: (first + index) >>> 0,
      types,
      sent: sends ? [USER_LOGIN] : [],
    })),
  );

const recordOf = (serial: number, type: number, index: number): AuditRecord => {
  const text = type === EOE ? '' : type === USER_LOGIN ? `pid=1 msg='op=login n=${index}'` : `n=${index}`;
  const record = recordFrom(type, `audit(1.000:${serial}): ${text}`);
  if (record === undefined) throw new Error('the model writes no record');
  return record;
};

const queuesOf = (events: readonly Planned[]): AuditRecord[][] =>
  events.flatMap(({ serial, types, sent }) => [
    [...types, EOE].map((type, index) => recordOf(serial, type, index)),
    ...sent.map((type) => [recordOf(serial, type, 99)]),
  ]);

/** One of all the orders in which each queue keeps its own. */
function mixed(queues: readonly (readonly AuditRecord[])[], picks: readonly number[]): AuditRecord[] {
  const left = queues.map((queue) => [...queue]).filter((queue) => queue.length > 0);
  const order: AuditRecord[] = [];
  for (let at = 0; left.length > 0; at++) {
    const index = (picks[at % picks.length] ?? 0) % left.length;
    const record = left[index]?.shift();
    if (record !== undefined) order.push(record);
    if (left[index]?.length === 0) left.splice(index, 1);
  }
  return order;
}

const picks = fc.array(fc.nat(97), { minLength: 7, maxLength: 61 });
const ids = (events: readonly AuditEvent[]) => events.map((event) => eventIdOf(event, HOST)).sort();

function reassembled(records: readonly AuditRecord[]): readonly AuditEvent[] {
  const reassembler = createReassembler();
  const events = records.flatMap((record, index) => [...reassembler.push(record, index)]);
  const rest = reassembler.end();
  expect([reassembler.openEvents, reassembler.openBytes]).toEqual([0, 0]);
  return [...events, ...rest];
}

const told = (events: readonly AuditEvent[]) =>
  events.flatMap(({ records }) => records.map(({ type, text }) => `${type} ${text}`)).sort();
const given = (records: readonly AuditRecord[]) =>
  records.flatMap(({ type, text }) => (type === EOE ? [] : [`${type} ${text}`])).sort();

describe('reassembly', () => {
  it(
    'of any interleaving gives the events of the orderly stream, whole',
    () => {
      fc.assert(
        fc.property(plan, picks, (events, order) => {
          const queues = queuesOf(events);
          const made = reassembled(mixed(queues, order));
          expect(ids(made)).toEqual(ids(reassembled(queues.flat())));
          expect(made.every(({ incomplete, isFragment }) => incomplete.length === 0 && !isFragment)).toBe(true);
          expect(made).toHaveLength(events.length + events.filter(({ sent }) => sent.length > 0).length);
        }),
        { numRuns: RUNS },
      );
    },
    LIMIT_MS,
  );

  it(
    'of records that come after their event was closed makes fragments that name it, and no second event',
    () => {
      fc.assert(
        fc.property(plan, picks, fc.nat(6), (events, order, cut) => {
          const early: AuditRecord[][] = [];
          const late: AuditRecord[] = [];
          for (const { serial, types } of events) {
            const records = types.map((type, index) => recordOf(serial, type, index));
            const kept = Math.max(1, records.length - cut);
            early.push([...records.slice(0, kept), recordOf(serial, EOE, 0)]);
            late.push(...records.slice(kept));
          }
          const first = mixed(early, order);
          const made = reassembled([...first, ...late]);
          expect(told(made)).toEqual(given([...first, ...late]));
          const whole = made.filter(({ isFragment }) => !isFragment);
          expect(new Set(whole.map(({ serial }) => serial)).size).toBe(whole.length);
          expect(whole).toHaveLength(events.length);
          const known = new Set(ids(whole));
          for (const fragment of made.filter(({ isFragment }) => isFragment)) {
            expect(known.has(fragmentOfId(fragment, HOST) ?? '')).toBe(true);
          }
        }),
        { numRuns: RUNS },
      );
    },
    LIMIT_MS,
  );

  it(
    'of a stream with records missing keeps all others, and flags what lacks its end or its call',
    () => {
      fc.assert(
        fc.property(plan, picks, fc.array(fc.boolean(), { minLength: 5, maxLength: 41 }), (events, order, drops) => {
          const all = mixed(queuesOf(events), order);
          const left = all.filter((_, index) => drops[index % drops.length] === true);
          const made = reassembled(left);
          expect(told(made)).toEqual(given(left));
          const ended = new Set(left.filter(({ type }) => type === EOE).map(({ serial }) => serial));
          for (const { serial, incomplete, records, isFragment } of made) {
            const hasCall = records.some(({ type }) => type === 1300 || type === 1336);
            if (hasCall && !ended.has(serial) && !isFragment) expect(incomplete).toContain('timeout');
            if (records.some(({ type }) => type === 1302) && !hasCall && !isFragment)
              expect(incomplete).toContain('missing-syscall');
            if (ended.has(serial) && hasCall) expect(incomplete).toEqual([]);
          }
        }),
        { numRuns: RUNS },
      );
    },
    LIMIT_MS,
  );
});

describe('the account of losses', () => {
  it(
    'counts nothing where every event came, in whatever order, also over the wrap of serials',
    () => {
      fc.assert(
        fc.property(plan, picks, fc.array(fc.nat(40), { minLength: 3, maxLength: 17 }), (events, order, waits) => {
          const account = serialAccount({
            highest: { serial: ((events[0]?.serial ?? 0) - 1) >>> 0, timeMs: 0 },
            gaps: [],
          });
          const reassembler = createReassembler();
          let nowMs = 0;
          let lost = 0;
          mixed(queuesOf(events), order).forEach((record, index) => {
            nowMs += waits[index % waits.length] ?? 0;
            for (const { serial, timeMs } of reassembler.push(record, nowMs)) account.see(serial, timeMs, nowMs);
            for (const gap of account.takeCertain(nowMs)) lost += gapCount(gap);
          });
          for (const gap of account.takeCertain(nowMs + CERTAIN_AFTER_MS)) lost += gapCount(gap);
          expect(lost).toBe(0);
        }),
        { numRuns: RUNS },
      );
    },
    LIMIT_MS,
  );

  it(
    'counts the serials that never came, and no more',
    () => {
      fc.assert(
        fc.property(plan, picks, fc.array(fc.boolean(), { minLength: 3, maxLength: 11 }), (events, order, drops) => {
          const isLost = events.map((_, index) => drops[index % drops.length] === true);
          const account = serialAccount({
            highest: { serial: ((events[0]?.serial ?? 0) - 1) >>> 0, timeMs: 0 },
            gaps: [],
          });
          const came = events.filter((_, index) => !isLost[index]);
          for (const { serial, timeMs } of reassembled(mixed(queuesOf(came), order))) account.see(serial, timeMs, 1);
          const counted = account.takeCertain(1 + CERTAIN_AFTER_MS).reduce((sum, gap) => sum + gapCount(gap), 0);
          // Those after the last that came are not known to exist.
          expect(counted).toBe(isLost.slice(0, isLost.lastIndexOf(false) + 1).filter(Boolean).length);
        }),
        { numRuns: RUNS },
      );
    },
    LIMIT_MS,
  );
});

const LINES = SAMPLE_NAMES.flatMap((name) => sampleLines(name));

/** A change of a line's bytes: replaced, removed, doubled or inserted. */
const mutation = fc.record({
  at: fc.nat(),
  length: fc.nat(12),
  kind: fc.constantFrom('replace', 'remove', 'double', 'insert', 'cut'),
  text: fc.oneof(
    fc.constantFrom(
      '"',
      "'",
      '=',
      ' ',
      '\x1d',
      '\0',
      '(null)',
      'a0[7]=',
      'a9999999=',
      '%',
      '\\',
      '{',
      '\xff',
      'item=',
      '\n',
    ),
    fc.string({ maxLength: 6, unit: 'binary' }).map((text) => Buffer.from(text).toString('latin1')),
  ),
});

function mutated(
  line: string,
  { at, length, kind, text }: { at: number; length: number; kind: string; text: string },
): string {
  const from = at % (line.length + 1);
  const middle = line.slice(from, from + length);
  if (kind === 'cut') return line.slice(0, from);
  const inner = kind === 'remove' ? '' : kind === 'double' ? middle + middle : kind === 'insert' ? text + middle : text;
  return line.slice(0, from) + inner + line.slice(from + length);
}

describe('mutated records', () => {
  it(
    'of the samples never make anything throw, and none that is a record is dropped',
    () => {
      const mapper = createEcsMapper(HOST);
      const lines = fc.array(fc.tuple(fc.nat(), fc.array(mutation, { maxLength: 4 })), { minLength: 1, maxLength: 12 });
      fc.assert(
        fc.property(lines, (chosen) => {
          const records = chosen.flatMap(([index, changes]) => {
            const line = changes.reduce(mutated, LINES[index % LINES.length] ?? '');
            const record = parseLine(line.replaceAll('\n', ' '));
            return record === undefined ? [] : [record];
          });
          const events = reassembled(records);
          expect(told(events)).toEqual(given(records));
          for (const event of events) {
            const document = mapper.toDocument(event) as { event: { action: unknown }; message: unknown };
            expect(document.event.action).toEqual(expect.stringMatching(/./));
            expect(document.message).toEqual(expect.stringMatching(/./));
          }
        }),
        { numRuns: RUNS },
      );
    },
    LIMIT_MS,
  );

  it(
    'as frames, torn anywhere, are a record or none',
    () => {
      fc.assert(
        fc.property(fc.nat(), fc.nat(), fc.uint8Array({ minLength: 16, maxLength: 16 }), (index, cut, head) => {
          const text = Buffer.from(LINES[index % LINES.length]?.replace(/^.*?msg=/, '') ?? '', 'latin1');
          const frame = Buffer.concat([head, text]);
          const end = cut % (frame.length + 1);
          const record = parseFrame(frame, 0, end);
          if (record !== undefined) expect(Buffer.from(record.text, 'latin1')).toEqual(text.subarray(0, end - 16));
        }),
        { numRuns: RUNS },
      );
    },
    LIMIT_MS,
  );
});
