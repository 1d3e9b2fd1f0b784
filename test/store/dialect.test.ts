// The embedded dialect, case by case: the text of its conditions, and what they hold for. Beside it, what the exactness rests on:
// that DuckDB folds letters as our own folding does.
import { DuckDBInstance } from '@duckdb/node-api';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createChunkWriter } from '../../store/embedded/chunk-writer.ts';
import { LAYOUT, toRow } from '../../store/embedded/columns.ts';
import { compileQuery } from '../../store/embedded/dialect.ts';
import { insertRows } from '../../store/embedded/insert.ts';
import { RowTable } from '../../store/embedded/row-table.ts';
import { isFoldedAlike } from '../../store/embedded/text-test.ts';
import { fold } from '../../store/query/fold.ts';
import { matchesQuery } from '../../store/query/matches.ts';
import { parseQuery } from '../../store/query/parse.ts';
import type { Query } from '../../store/query/query.ts';
import { documents, HOSTILE_DOCUMENTS, queries, START_MS } from '../contract/event-samples.ts';
import { CASE_EVENTS } from '../contract/query-cases.ts';
import { DIALECT_CASES } from './dialect-cases.ts';

const OWN_DOCUMENTS: readonly Record<string, unknown>[] = [
  { process: { name: 'ΣΑΣ', tty: 'BASH' }, source: { ip: '10.0.0.1' }, related: { ip: ['::1', '10.9.8.7'] } },
  { process: { name: 'σας', tty: 5 }, source: { ip: '::ffff:10.15.255.255' }, user: { id: '05' } },
  { process: { name: '\u019b', tty: ['bash'] }, source: { ip: '10.16.0.0' }, user: { id: '-7' } },
  { process: { name: '\ua7dc' }, source: { ip: 'fe80::1' }, user: { id: 'five' } },
  { process: { name: '\ufeffbash', pid: '100' }, source: { ip: 'X' }, user: { id: '5.5' } },
  { process: { name: 'bXs🦊ha', 'exit.code': 1 }, 'process.tty': 'bash', event: { created: 'x' } },
  { process: { name: '🦊'.repeat(3) }, auditd: { data: { a0: '5\ud800' } }, event: { created: 1_795_262_400_000 } },
  { process: [{ tty: 'bash' }], auditd: { 'data.a0': '5' }, message: 'DROP TABLE students' },
  { process: { name: 'b1s22hK', pid: 150 }, auditd: { data: { a0: 55 } }, 'event.original': 'drop table' },
];
const EVENTS = [...CASE_EVENTS.map((event) => event.document), ...HOSTILE_DOCUMENTS, ...OWN_DOCUMENTS].map(
  (document, n) => ({
    seq: n + 1,
    id: `d${n}`,
    timestampMs: START_MS + n,
    document: { '@timestamp': new Date(START_MS + n).toISOString(), ...document },
  }),
);

async function insert(events: typeof EVENTS, isNew: boolean): Promise<void> {
  const table = new RowTable();
  for (const event of events) table.add(toRow(event), event.id, event.timestampMs);
  const rows = events.map((_, row) => row);
  await insertRows(connection, 'p', { table, rows }, { isNew, writer: createChunkWriter() });
}

let instance: DuckDBInstance;
let connection: Awaited<ReturnType<DuckDBInstance['connect']>>;
beforeAll(async () => {
  instance = await DuckDBInstance.create(':memory:', { threads: '1' });
  connection = await instance.connect();
  await connection.run(`ATTACH ':memory:' AS p`);
  await insert(EVENTS, true);
});
afterAll(() => {
  connection.closeSync();
  instance.closeSync();
});

/** The numbers of the events that each side holds for. */
async function ask(query: Query): Promise<{ superset: number[]; subset: number[] }> {
  const { sql, values } = compileQuery(query, LAYOUT, { firstParameter: 1, sides: ['superset', 'subset'] });
  const reader = await connection.runAndReadAll(`SELECT _seq, ${sql.join(', ')} FROM p.events ORDER BY _seq`, [
    ...values,
  ]);
  const rows = reader.getRows();
  const [superset, subset] = [1, 2].map((at) => rows.filter((row) => row[at] === true).map((row) => Number(row[0])));
  expect(rows.every((row) => row[1] !== null && row[2] !== null)).toBe(true);
  return { superset: superset ?? [], subset: subset ?? [] };
}

function meantBy(query: Query): number[] {
  return EVENTS.filter((event) => matchesQuery(query, event.document)).map((event) => event.seq);
}

describe('the embedded dialect', () => {
  it.each(DIALECT_CASES)('$name', async ({ text, superset, subset, values }) => {
    const parsed = parseQuery(text, START_MS);
    if (!parsed.ok) throw new Error(parsed.diagnostic.message);
    const compiled = compileQuery(parsed.query, LAYOUT, { firstParameter: 1, sides: ['superset', 'subset'] });
    expect(compiled).toEqual({ sql: [superset, subset], values });
    const held = await ask(parsed.query);
    const meant = meantBy(parsed.query);
    expect(held.superset).toEqual(expect.arrayContaining(meant));
    expect(meant).toEqual(expect.arrayContaining(held.subset));
  });

  it('leaves no usual event open', async () => {
    const usual = EVENTS.slice(0, CASE_EVENTS.length).map((event) => event.seq);
    const open: string[] = [];
    for (const { text } of DIALECT_CASES) {
      const parsed = parseQuery(text, START_MS);
      if (!parsed.ok) throw new Error(parsed.diagnostic.message);
      const { superset, subset } = await ask(parsed.query);
      if (usual.some((seq) => superset.includes(seq) && !subset.includes(seq))) open.push(text);
    }
    // Those of these events that have no `event.created`; and what SQL has no words for.
    expect(open).toEqual([
      'process.name:"\u019b"',
      'event.created:"2026-11-21T12:00:00Z"',
      'process.name:/\\pL+/',
      'event.created:>="2026-11-21T12:00:00Z"',
      '"quo\'te":a',
      'process:*',
    ]);
  });

  it('is a superset and a subset for any query and any document', async () => {
    await insert(
      fc.sample(documents, 60).map((document, n) => {
        const event = {
          seq: EVENTS.length + 1,
          id: `r${n}`,
          timestampMs: START_MS + 1_000 + n,
          document: { '@timestamp': new Date(START_MS + 1_000 + n).toISOString(), ...document },
        };
        EVENTS.push(event);
        return event;
      }),
      false,
    );
    await fc.assert(
      fc.asyncProperty(queries, async (query) => {
        const { superset, subset } = await ask(query);
        const meant = new Set(meantBy(query));
        expect([...meant].filter((seq) => !superset.includes(seq))).toEqual([]);
        expect(subset.filter((seq) => !meant.has(seq))).toEqual([]);
      }),
      { numRuns: 120 },
    );
  });

  it('rests on a folding that DuckDB shares, but for the letters that it is not asked for', async () => {
    const reader = await connection.runAndReadAll(
      `SELECT n::INTEGER, replace(lower(chr(n::INTEGER)), '\u03c2', '\u03c3') FROM range(1, 1114112) t(n)
        WHERE (n < 55296 OR n > 57343) AND lower(chr(n::INTEGER)) <> chr(n::INTEGER)`,
    );
    const theirs = new Map(reader.getRows().map(([code, folded]) => [Number(code), String(folded)]));
    const disputed: (readonly [string, string])[] = [];
    for (let code = 1; code < 0x110000; code++) {
      if (code >= 0xd800 && code < 0xe000) continue;
      const own = String.fromCodePoint(code);
      const ours = fold(own);
      const their = theirs.get(code) ?? own.replace('\u03c2', '\u03c3');
      if (ours !== their) disputed.push([ours, their]);
    }
    expect(disputed.length).toBeGreaterThan(0);
    expect(disputed.filter((pair) => pair.some(isFoldedAlike))).toEqual([]);
  });
});
