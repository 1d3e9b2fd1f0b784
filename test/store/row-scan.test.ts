// The short way from a line of the log to a row: where it is taken, the row is the one that parsing gives, and the database reads back
// what was written into its memory.
import { readdirSync, readFileSync } from 'node:fs';
import { DuckDBInstance } from '@duckdb/node-api';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createImporter } from '../../audit/import.ts';
import type { EventDocument } from '../../event/document.ts';
import { timestampOf } from '../../store/admission.ts';
import { createChunkWriter } from '../../store/embedded/chunk-writer.ts';
import { LAYOUT, toRow } from '../../store/embedded/columns.ts';
import { insertRows } from '../../store/embedded/insert.ts';
import { encodeLines, parseLine, type RawLine } from '../../store/embedded/log-lines.ts';
import { createRowScan } from '../../store/embedded/row-scan.ts';
import { RowTable } from '../../store/embedded/row-table.ts';
import { documents, HOSTILE_DOCUMENTS, START_MS, sampleEvent } from '../contract/event-samples.ts';
import { nearlyShort } from './short-samples.ts';

const HOST = { id: 'h1', name: 'web-1', bootId: 'b00t' };

/** A line of the log whose document is written so. */
function lineOf(json: string, id = 'h1.b00t.1.2.3'): RawLine {
  const { bytes, end } = encodeLines(7, [{ id, json }]);
  return { seq: 7, bytes, from: bytes.indexOf(0x7b), to: end - 1, length: end };
}

function parsedRow(line: RawLine): readonly unknown[] {
  const { id, document } = parseLine(line);
  return toRow({ seq: line.seq, id, document, timestampMs: timestampOf(document) ?? 0 });
}

const scan = createRowScan();
const table = new RowTable();

/** Whether the short way was taken; where it was, its row is right. */
function scanned(json: string, id?: string): boolean {
  const line = lineOf(json, id);
  table.clear();
  if (!scan(line, table)) {
    expect(table.rows).toBe(0);
    return false;
  }
  expect(table.row(0)).toEqual(parsedRow(line));
  expect(table.ids).toEqual([parseLine(line).id]);
  expect(table.timestampsMs).toEqual([timestampOf(parseLine(line).document)]);
  return true;
}

/** A usual event with other fields beside its own. */
function usual(over: Record<string, unknown> = {}): EventDocument {
  const { document } = sampleEvent(1);
  return { ...document, ...over };
}

describe('a line of the log', () => {
  it('is a row without being parsed, for nearly every event of the kernel', () => {
    const folder = new URL('../data/audit-samples/', import.meta.url);
    const importer = createImporter({ hostOf: () => HOST });
    let taken = 0;
    let all = 0;
    for (const name of readdirSync(folder).filter((one) => one.endsWith('.log'))) {
      const lines = readFileSync(new URL(name, folder), 'latin1').split('\n');
      for (const result of [...lines.flatMap((line) => importer.push(line)), ...importer.end()]) {
        if (result.kind !== 'document') continue;
        all++;
        const time = new Date(START_MS + all).toISOString();
        const document = {
          ...result.document,
          event: { ...(result.document['event'] as object), created: time },
          host: { id: 'h1', name: 'web-1', boot: { id: 'b00t' } },
          vedette: { position: all },
        };
        if (scanned(JSON.stringify(document))) taken++;
      }
    }
    expect(all).toBeGreaterThan(100);
    expect(taken / all).toBeGreaterThan(0.95);
  });

  it.each([
    ['texts with escapes', usual({ message: 'a "b" \\ c\n\t\r\b\f', event: { ...eventOf(usual()), original: '\\' } })],
    ['an empty list, and one of addresses', usual({ tags: [], related: { ip: ['10.0.0.1', '::1', 'none', ''] } })],
    ['an address', usual({ source: { ip: 'fe80::1', port: 22 }, destination: { ip: '10.0.0.1' } })],
    ['other alphabets', usual({ process: { name: 'Ж🦊é', args: ['日本', ''] }, ключ: { значение: 'ß' } })],
    ['whatever has no column', usual({ x: [1, [], {}, null, true, false, -5, 'y'], z: { a: { b: ['\\"'] } } })],
    [
      'names of every object',
      JSON.parse(JSON.stringify(usual()).replace('"ecs"', '"__proto__":{"a":1},"constructor":2,"ecs"')),
    ],
    ['no rest at all', usual({ ecs: undefined })],
    [
      'rests on both sides of fields',
      usual({ process: { a: 1, name: 'x', b: 2, c: 3, pid: 4, d: 5, parent: { pid: 1, q: 2 } } }),
    ],
  ])('may hold %s', (_, document) => {
    expect(scanned(JSON.stringify(document))).toBe(true);
  });

  it.each([
    ['a field of another type', usual({ process: { pid: '12' } })],
    ['a field that is null', usual({ process: { name: null } })],
    ['a list with a number', usual({ tags: ['a', 1] })],
    ['a list for an object', usual({ process: [{ name: 'x' }] })],
    ['an empty object of fields', usual({ process: {} })],
    ['a dotted name', usual({ 'process.name': 'x' })],
    ['a dotted name below', usual({ host: { id: 'h1', 'boot.id': 'x' } })],
    ['a fraction', usual({ x: 1.5 })],
    ['a large number', usual({ x: 1e300 })],
    ['a name that is a number', usual({ x: { b: 1, 7: 2 } })],
    ['a control character', usual({ message: '\u0000' })],
    ['half a character', usual({ message: '\ud800' })],
    ['no position', usual({ vedette: {} })],
    ['no host', usual({ host: undefined })],
    ['a time in another form', usual({ '@timestamp': '2026-11-21T12:00:00Z' })],
    ['a time far off', usual({ '@timestamp': '2300-11-21T12:00:00.000Z' })],
  ])('is parsed for %s', (_, document) => {
    expect(scanned(JSON.stringify(document))).toBe(false);
  });

  it.each([
    ['a name twice', (json: string) => json.replace('"ecs":', '"ecs":1,"ecs":')],
    ['a field twice', (json: string) => json.replace('"pid":', '"pid":1,"pid":')],
    ['an object of fields twice', (json: string) => json.replace('"process":', '"process":{"pid":1},"process":')],
    ['a name twice in the rest', (json: string) => json.replace('"version":', '"version":1,"version":')],
    ['spaces', (json: string) => json.replace('"pid":', '"pid": ')],
    ['an escaped name', (json: string) => json.replace('"pid":', '"p\\u0069d":')],
    ['another spelling of a text', (json: string) => json.replace('9.0.0', '9\\/0')],
    ['minus nothing', (json: string) => json.replace('"9.0.0"', '-0')],
    ['a number in another form', (json: string) => json.replace('"9.0.0"', '1e2')],
  ])('is parsed for %s', (_, change) => {
    expect(scanned(change(JSON.stringify(usual())))).toBe(false);
  });

  it('is parsed where its bytes are no UTF-8', () => {
    const line = lineOf(JSON.stringify(usual({ message: 'XX' })));
    line.bytes[line.bytes.indexOf('XX')] = 0xff;
    table.clear();
    expect(scan(line, table)).toBe(false);
  });

  it('gives the row that parsing gives, for any document and any id', () => {
    const ids = fc.oneof(
      fc.constant('h1.b.c'),
      fc.string({ unit: 'binary' }).filter((id) => id !== ''),
    );
    const hostile = fc.constantFrom(...HOSTILE_DOCUMENTS);
    const over = fc.oneof(documents, hostile, fc.dictionary(fc.string(), fc.jsonValue()) as fc.Arbitrary<object>);
    let taken = 0;
    fc.assert(
      fc.property(over, ids, (document, id) => {
        const whole = JSON.stringify(merged(usual(), document as Record<string, unknown>));
        if (scanned(whole, id.toWellFormed())) taken++;
      }),
      { numRuns: 1_500 },
    );
    expect(taken).toBeGreaterThan(100);
  });

  it('gives the row that parsing gives, where the rest of it tells its id, its entity ids and its stamps, or nearly does', () => {
    let taken = 0;
    fc.assert(
      fc.property(nearlyShort(3), ({ id, document }) => {
        if (scanned(JSON.stringify(document), id)) taken++;
      }),
      { numRuns: 1_500 },
    );
    expect(taken).toBeGreaterThan(100);
  });

  it('that is broken anywhere gives no row, or the row that parsing gives', () => {
    const json = JSON.stringify(usual({ x: [1, { y: 'z' }], related: { ip: ['10.0.0.1'] } }));
    const letters = fc.constantFrom('"', '\\', '{', '}', '[', ']', ',', ':', '0', '-', 'n', ' ', 'é');
    fc.assert(
      fc.property(fc.nat(json.length - 1), fc.nat(3), letters, (at, gone, letter) => {
        const changed = json.slice(0, at) + letter + json.slice(at + gone);
        // The log holds JSON only; what is none may be anything, as long as it ends.
        if (isJsonObject(changed)) scanned(changed);
        else scan(lineOf(changed), cleared());
      }),
      { numRuns: 1_500 },
    );
  });
});

describe('the rows of a table', () => {
  it('are what the database reads back: texts of all lengths, lists, numbers, NULL', async () => {
    const instance = await DuckDBInstance.create(':memory:', { threads: '1' });
    const connection = await instance.connect();
    const text = fc.oneof(
      fc.nat(40).map((length) => 'abcdefghij'.repeat(4).slice(0, length)),
      fc.string({ unit: 'grapheme', maxLength: 20 }).filter((one) => !one.includes('\u0000')),
    );
    const whole = fc.oneof(fc.maxSafeInteger(), fc.nat(70_000), fc.constantFrom(-1, 0, 2 ** 32, -(2 ** 32), 2 ** 31));
    const cell = (type: string): fc.Arbitrary<string | string[] | number> => {
      if (type === 'VARCHAR') return text;
      if (type === 'VARCHAR[]') return fc.array(text, { maxLength: 5 });
      return type === 'BIGINT' ? whole : fc.double({ noNaN: true, noDefaultInfinity: true });
    };
    const row = fc.tuple(...LAYOUT.columns.map(({ type }) => fc.option(cell(type), { freq: 2 })));
    const [few = [], more = []] = fc.sample(fc.array(row, { minLength: 30, maxLength: 60 }), 2);
    few[1]?.fill('x'.repeat(70_000), 1, 2);
    // More than a vector of them, with lists that hold more than a vector.
    const many = Array.from({ length: 4_500 }, (_, at) => more[at % more.length] ?? []);
    try {
      await connection.run(`ATTACH ':memory:' AS p`);
      const writer = createChunkWriter();
      const rows = new RowTable();
      let seq = 0;
      for (const [load, entries] of [few, many].entries()) {
        rows.clear();
        const expected = entries.map((values) => [++seq, ...values.slice(1)]);
        for (const values of expected) rows.add(values as never, `h${load}.x`, 1);
        // Every second one first, then the others: rows of one load may go to several partitions.
        for (const part of [0, 1]) {
          const picked = expected.flatMap((_, at) => (at % 2 === part ? [at] : []));
          await insertRows(connection, 'p', { table: rows, rows: picked }, { isNew: seq <= few.length, writer });
        }
        const names = LAYOUT.columns.map(({ name, type }) =>
          type === 'VARCHAR[]' ? `to_json("${name}")` : `"${name}"`,
        );
        const reader = await connection.runAndReadAll(
          `SELECT ${names.join(', ')} FROM p.events WHERE _seq > ${seq - entries.length} ORDER BY _seq`,
        );
        const found = reader.getRows().map((values) =>
          values.map((value, column) => {
            if (LAYOUT.columns[column]?.type === 'VARCHAR[]') return value === null ? null : JSON.parse(String(value));
            return typeof value === 'bigint' ? Number(value) : value;
          }),
        );
        expect(found.length).toBe(expected.length);
        for (const [at, values] of found.entries()) if (at < 200 || at > 4_300) expect(values).toEqual(expected[at]);
      }
    } finally {
      connection.closeSync();
      instance.closeSync();
    }
  });
});

function cleared(): RowTable {
  table.clear();
  return table;
}

function isJsonObject(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}

function eventOf(document: EventDocument): object {
  return document['event'] as object;
}

/** Objects within objects, as a document of both. */
function merged(a: EventDocument, b: Record<string, unknown>): Record<string, unknown> {
  const both: Record<string, unknown> = { ...a };
  for (const key of Object.keys(b)) {
    const [mine, other] = [Object.hasOwn(both, key) ? both[key] : undefined, b[key]];
    const areObjects = [mine, other].every((one) => typeof one === 'object' && one !== null && !Array.isArray(one));
    const value = areObjects ? merged(mine as EventDocument, other as Record<string, unknown>) : other;
    Object.defineProperty(both, key, { value, enumerable: true, configurable: true, writable: true });
  }
  return both;
}
