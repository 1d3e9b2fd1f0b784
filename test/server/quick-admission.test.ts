// What is admitted without being parsed is what would have been admitted parsed: the same documents stored, none that is refused.
import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createImporter } from '../../audit/import.ts';
import { type Admission, admit } from '../../server/admission.ts';
import type { BulkDocument } from '../../server/bulk-reader.ts';
import { createDocumentScan } from '../../server/document-scan.ts';
import { quickAdmission } from '../../server/quick-admission.ts';

const NOW_MS = Date.UTC(2026, 10, 22, 4);
const ADMISSION: Admission = { hostId: 'h1', hostName: 'web-1', nowMs: NOW_MS, stampMs: NOW_MS };
const ID = 'h1.aaaaaaaa.mwr.1.x';

const scan = createDocumentScan();

/** The JSON that is stored when the line is admitted unparsed. */
function quickly(line: Buffer, id = ID, admission = ADMISSION): unknown {
  const scanned = scan(line);
  if (scanned === undefined) return undefined;
  const event = quickAdmission(admission)?.(id, scanned);
  if (event?.encoded === undefined) return undefined;
  const { line: sent, insertAt, insert } = event.encoded;
  const text = Buffer.concat([sent.subarray(0, insertAt), insert, sent.subarray(insertAt)]).toString('utf8');
  expect(event.document).toEqual(JSON.parse(text));
  const { timestampMs, createdMs } = event.encoded;
  expect(namesIn(event.document).filter((name) => /[.\\]/.test(name))).toEqual([]);
  return { id: event.id, timestampMs, createdMs, document: JSON.parse(text) };
}

function namesIn(value: unknown): readonly string[] {
  if (typeof value !== 'object' || value === null) return [];
  const names = Array.isArray(value) ? [] : Object.keys(value);
  return [...names, ...Object.values(value).flatMap(namesIn)];
}

/** The same, parsed; undefined when it is refused, or is no JSON. */
function slowly(line: Buffer, id = ID, admission = ADMISSION): unknown {
  let document: Record<string, unknown>;
  try {
    document = JSON.parse(line.toString('utf8'));
  } catch {
    return undefined;
  }
  const item: BulkDocument = { kind: 'document', action: 'create', index: undefined, id, document, source: undefined };
  const admitted = admit(item, admission);
  if (admitted.kind !== 'admitted') return undefined;
  const text = JSON.stringify(admitted.event.document);
  const stored = JSON.parse(text);
  const timestampMs = Date.parse(stored['@timestamp']);
  return { id, timestampMs, createdMs: Date.parse(stored.event.created), document: stored };
}

const plain = (over: Record<string, unknown> = {}): Record<string, unknown> => ({
  '@timestamp': '2026-11-22T03:54:10.904Z',
  event: { kind: 'event', created: '2026-11-22T03:54:11.000Z', original: 'type=SYSCALL "a" \\ é \u2028' },
  host: { id: 'h1', name: 'web-1', boot: { id: 'aaaaaaaa-0000' } },
  vedette: { position: 7 },
  process: { pid: 12, args: ['a', 'b\n', '\ud83d\ude00'], exit: -1.5 },
  ...over,
});
const lineOf = (document: unknown): Buffer => Buffer.from(JSON.stringify(document));

function samples(): readonly Buffer[] {
  const folder = new URL('../data/audit-samples/', import.meta.url);
  const importer = createImporter({ hostOf: () => ({ id: 'h1', name: 'h1', bootId: 'aaaaaaaa-0000' }) });
  const lines = readdirSync(folder)
    .filter((name) => name.endsWith('.log'))
    .flatMap((name) => readFileSync(new URL(name, folder), 'latin1').split('\n'));
  const results = [...lines.flatMap((line) => importer.push(line)), ...importer.end()];
  return results.flatMap((result) =>
    result.kind === 'document' ? [lineOf(plain({ ...result.document, ...plain() }))] : [],
  );
}

describe('a document that is admitted unparsed', () => {
  it('is what a collector sends', () => {
    const lines = samples();
    expect(lines.length).toBeGreaterThan(300);
    for (const line of lines) {
      expect(quickly(line)).toBeDefined();
      expect(quickly(line)).toEqual(slowly(line));
    }
  });

  it('is stored as it would have been parsed, whatever it holds', () => {
    const key = fc.oneof(
      fc.constantFrom(
        'id',
        'name',
        'boot',
        'created',
        'ingested',
        'imported',
        'host',
        'event',
        'vedette',
        '@timestamp',
      ),
      fc.constantFrom('__proto__', 'constructor', 'a.b', '0', '', 'a"b', 'server'),
      fc.string({ maxLength: 4 }),
    );
    const leaf = fc.oneof(
      fc.constantFrom(
        'h1',
        'h2',
        'server',
        '2026-11-22T03:54:10.904Z',
        '2027-11-22T03:54:10.904Z',
        'x',
        null,
        -0,
        1e300,
        0.1,
      ),
      fc.string({ unit: 'binary', maxLength: 6 }),
      fc.double({ noNaN: true }),
      fc.integer(),
      fc.boolean(),
    );
    const { tree } = fc.letrec((tie) => ({
      tree: fc.oneof(
        { depthSize: 'small', withCrossShrink: true },
        leaf,
        fc.array(tie('tree'), { maxLength: 3 }),
        fc.dictionary(key, tie('tree'), { maxKeys: 4 }),
      ),
    }));
    const section = (name: string) =>
      fc.dictionary(key, tree, { maxKeys: 2 }).map((more) => ({ ...(plain()[name] as object), ...more }));
    const document = fc.oneof(
      fc
        .record({ host: section('host'), event: section('event'), vedette: section('vedette') })
        .chain((sections) => fc.dictionary(key, tree, { maxKeys: 2 }).map((more) => plain({ ...sections, ...more }))),
      fc.dictionary(key, tree, { maxKeys: 3 }).map((more) => plain(more)),
    );
    let accepted = 0;
    fc.assert(
      fc.property(document, fc.integer({ min: 0, max: 2 }), (value, indent) => {
        const line = Buffer.from(JSON.stringify(value, undefined, indent).replaceAll('\n', ''));
        const quick = quickly(line);
        if (quick === undefined) return;
        accepted++;
        expect(quick).toEqual(slowly(line));
      }),
      { numRuns: 1_500 },
    );
    expect(accepted).toBeGreaterThan(200);
  });

  it('is never one that a changed byte has made something else', () => {
    const line = lineOf(plain());
    const bytes = fc.constantFrom(...Buffer.from('"\\{}[],: .-+0eE9tnu\t\r\u0000'), 0x80, 0xc3, 0xff);
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(line.length), bytes, fc.constantFrom('set', 'insert', 'remove')), {
          minLength: 1,
          maxLength: 3,
        }),
        (changes) => {
          let changed = line;
          for (const [at, byte, how] of changes) {
            const after = changed.subarray(how === 'insert' ? at : at + 1);
            changed = Buffer.concat([
              changed.subarray(0, at),
              how === 'remove' ? Buffer.alloc(0) : Buffer.from([byte]),
              after,
            ]);
          }
          const quick = quickly(changed);
          if (quick !== undefined) expect(quick).toEqual(slowly(changed));
        },
      ),
      { numRuns: 4_000 },
    );
  });

  it.each([
    ['another host', plain({ host: { id: 'h2', name: 'x' } }), ID],
    ['no name of its host', plain({ host: { id: 'h1' } }), ID],
    ['an id of another host', plain(), 'h2.a.b'],
    ['an id as the server writes', plain(), 'h1.server.silent-1'],
    ['the server’s boot', plain({ host: { id: 'h1', name: 'x', boot: { id: 'server' } } }), ID],
    ['an event.created ahead of the server', plain({ event: { created: '2026-11-22T04:00:00.001Z' } }), ID],
    ['an event.ingested of its own', plain({ event: { created: '2026-11-22T03:00:00.001Z', ingested: 'x' } }), ID],
    ['a mark of an import', plain({ vedette: { imported: true } }), ID],
    ['no event.created', plain({ event: { kind: 'event' } }), ID],
    ['a time that is none', plain({ '@timestamp': '2026-02-30T03:54:10.904Z' }), ID],
    ['dotted names', plain({ 'process.name': 'x' }), ID],
  ])('is none with %s', (_what, document, id) => {
    expect(quickly(lineOf(document), id)).toBeUndefined();
  });

  it('is none of an importer’s', () => {
    expect(quickAdmission({ ...ADMISSION, hostId: undefined })).toBeUndefined();
  });

  it('is none with a number twice, a section twice, or a nesting that is refused', () => {
    const text = JSON.stringify(plain());
    const deep = JSON.stringify(plain({ a: JSON.parse(`${'['.repeat(20)}${']'.repeat(20)}`) }));
    for (const line of [
      text.replace('"kind":"event"', '"created":"2026-11-22T03:54:11.000Z"'),
      text.replace('"process":', '"host":'),
      text.replace('"exit":-1.5', '"exit":1e999'),
      text.replace('"exit":-1.5', '"exit":-0'),
      deep,
    ])
      expect(quickly(Buffer.from(line))).toBeUndefined();
  });
});
