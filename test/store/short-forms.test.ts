// What the rest of a row tells is not stored, and nobody can tell: every id, entity id and raw record comes back as it went in, is found,
// counted and selected as in the store that keeps events as they are, hot and cold.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { EventDocument, NewEvent } from '../../event/document.ts';
import { fieldOf } from '../../event/document.ts';
import { LAYOUT, toRow } from '../../store/embedded/columns.ts';
import { type EmbeddedStore, openEmbeddedStore } from '../../store/embedded/embedded-store.ts';
import { createIdWriter, tailOf } from '../../store/embedded/short-forms.ts';
import { openMemoryStore } from '../../store/memory/memory-store.ts';
import type { EventStore } from '../../store/port.ts';
import type { Query } from '../../store/query/query.ts';
import { START_MS } from '../contract/event-samples.ts';
import { nearlyShort } from './short-samples.ts';

const ALL = { fromMs: 0, untilMs: 1e15 };
const DAY_MS = 86_400_000;
const EVENTS = 250;
const TEXT_FIELDS = ['process.entity_id', 'process.parent.entity_id', 'event.original'];

/** The same in every run: what is random about them is in row-scan.test.ts, where it costs little. */
const events: readonly NewEvent[] = Array.from({ length: EVENTS }, (_, n) => ({
  ...(fc.sample(nearlyShort(n), { seed: n + 1, numRuns: 1 })[0] as NewEvent),
})).filter(({ id }, at, all) => !/\p{Cc}/u.test(id) && all.findIndex((other) => other.id === id) === at);

let folder: string;
let store: EmbeddedStore;
let plain: EventStore;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'vedette-short-'));
  store = await openEmbeddedStore({
    folder,
    nowMs: () => START_MS + 20 * DAY_MS,
    coldAfterMs: 0,
    limits: { loadDelayMs: 3_600_000, recentEvents: 0, countMs: Number.POSITIVE_INFINITY },
  });
  plain = openMemoryStore();
  await store.append(events);
  await plain.append(events);
  await store.flush();
});
afterAll(async () => {
  await store.close();
  rmSync(folder, { recursive: true, force: true });
});

it('most of what can be told is not stored', () => {
  const rows = events.map(({ id, document }) =>
    toRow({ seq: 1, id, document, timestampMs: Date.parse(String(document['@timestamp'])) }),
  );
  const at = (name: string): number => LAYOUT.columns.findIndex((column) => column.name === name);
  for (const [short, whole] of [
    ['_tail', '_id'],
    ['_start.process.entity_id', 'process.entity_id'],
    ['_start.process.parent.entity_id', 'process.parent.entity_id'],
  ] as const) {
    const isShort = rows.map((row) => row[at(short)] !== null && row[at(whole)] === null);
    expect(isShort.filter(Boolean).length).toBeGreaterThan(30);
    expect(rows.filter((row) => row[at(short)] === null && row[at(whole)] !== null).length).toBeGreaterThan(30);
  }
  const starts = rows.map((row) => Number(row[at('_start.process.entity_id')] ?? 0));
  expect(starts.some((start) => start > 0) && starts.some((start) => start < 0)).toBe(true);
  const originals = rows.map((row) => String(row[at('event.original')] ?? ''));
  expect(originals.filter((text) => text.includes('(\u0001)')).length).toBeGreaterThan(40);
  expect(originals.filter((text) => text.startsWith('\u0002')).length).toBeGreaterThan(10);
});

describe.each(['hot', 'cold'])('%s', (temperature) => {
  beforeAll(async () => {
    if (temperature === 'cold') expect(await store.cool()).toBeGreaterThan(0);
  });

  it('each event is there under its id, and no other', async () => {
    for (const { id, document } of events.slice(0, 60)) {
      expect(await store.get(id)).toEqual(document);
      expect(await store.get(`${id}0`)).toBeUndefined();
    }
    expect(new Set((await store.append(events)).map(({ kind }) => kind))).toEqual(new Set(['duplicate']));
  });

  it('scans give them, whole and by fields', async () => {
    const scanned = new Map<string, EventDocument>();
    for await (const batch of store.scan(ALL)) for (const { id, document } of batch) scanned.set(id, document);
    expect(scanned).toEqual(new Map(events.map(({ id, document }) => [id, document])));
    for (const field of [...TEXT_FIELDS, 'process.pid', 'event.sequence']) {
      const told: [string, unknown][] = [];
      for await (const batch of store.scan(ALL, { fields: [field] }))
        for (const { id, document } of batch) told.push([id, fieldOf(document, field)]);
      expect(told.sort(byId)).toEqual(events.map(({ id, document }) => [id, fieldOf(document, field)]).sort(byId));
    }
  });

  it('searches find the same', async () => {
    const queries: Query[] = events.slice(0, 6).flatMap(({ id, document }): Query[] => {
      const own = String(fieldOf(document, 'process.entity_id') ?? 'none');
      const original = String(fieldOf(document, 'event.original') ?? 'none');
      return [
        { kind: 'id', id },
        { kind: 'id', id: id.toUpperCase() },
        { kind: 'equals', field: 'process.entity_id', value: own },
        { kind: 'not', query: { kind: 'equals', field: 'process.entity_id', value: own.toUpperCase() } },
        { kind: 'text', text: original.slice(2, 30) || 'x' },
        { kind: 'wildcard', field: 'event.original', pattern: `*${original.slice(3, 9).replaceAll(/[*?\\]/g, '')}*` },
      ];
    });
    for (const field of TEXT_FIELDS)
      queries.push(
        { kind: 'exists', field },
        { kind: 'not', query: { kind: 'exists', field } },
        { kind: 'wildcard', field, pattern: '*0*' },
        { kind: 'regex', field, pattern: '.*[0-9].*' },
        { kind: 'range', field, min: { value: 'h1.5', isInclusive: true }, max: undefined },
      );
    for (const text of [
      'arch=',
      '1763726',
      ':700',
      '(',
      '1.0:7',
      ':',
      '\u0001',
      '\u0002',
      'audit(1',
      '(1763726400.000:700)',
    ])
      queries.push({ kind: 'text', text });
    for (const query of queries) {
      const options = { query, range: ALL, limit: 50 };
      const [found, expected] = [await store.search(options), await plain.search(options)];
      expect([query, found.events.map(({ id }) => id)]).toEqual([query, expected.events.map(({ id }) => id)]);
      if (found.isTotalExact) expect([query, found.total]).toEqual([query, expected.total]);
    }
  });

  it('groups are the same', async () => {
    for (const field of TEXT_FIELDS) {
      const request = {
        query: { kind: 'all' } as const,
        range: ALL,
        groupBy: [field],
        distinct: TEXT_FIELDS,
        limit: 500,
      };
      expect(await store.aggregate(request)).toEqual(await plain.aggregate(request));
    }
  });

  it('people select them', async () => {
    const fields = TEXT_FIELDS.map((field) => `"${field}"`).join(', ');
    const answer = await store.sql?.({
      sql: `SELECT id, ${fields} FROM events ORDER BY id`,
      range: ALL,
      rowsMax: 10_000,
      bytesMax: 10_000_000,
    });
    const expected = events.map(({ id, document }) => [
      id,
      ...TEXT_FIELDS.map((field) => fieldOf(document, field) ?? null),
    ]);
    expect([...(answer?.rows ?? [])].sort(byId)).toEqual(expected.sort(byId));
  });
});

function byId(a: readonly unknown[], b: readonly unknown[]): number {
  return String(a[0]) < String(b[0]) ? -1 : 1;
}

it('ids are put together as they were taken apart, whatever time, host and boot come after each other', () => {
  const writer = createIdWriter();
  const half = 36 ** 4;
  const facts = fc.record({
    host: fc.constantFrom('h1', 'h2', 'h.3'),
    boot: fc.constantFrom('00c0ffee-1', '00c0ffee-2', 'deadbeef'),
    timestampMs: fc.oneof(
      fc.nat(2 ** 31),
      fc.nat(40).map((n) => n * half),
      fc.nat(2_000).map((n) => 1_048_576 * half + n),
    ),
    serial: fc.nat(2 ** 32),
  });
  fc.assert(
    fc.property(facts, fc.nat(2 ** 32), fc.nat(99_999), (row, tail, pid) => {
      const head = `${row.host}.${row.boot.slice(0, 8)}.`;
      const id = `${head}${row.timestampMs.toString(36)}.${row.serial.toString(36)}.${tail.toString(36)}`;
      expect(tailOf(id, row)).toBe(tail);
      expect(writer.idOf(row, tail)).toBe(id);
      expect(writer.entityIdOf(row, pid, tail)).toBe(`${head}${pid}.${tail}`);
      expect(writer.entityIdOf(row, pid, -1)).toBe(`${head}${pid}.e${row.timestampMs.toString(36)}`);
    }),
  );
});
