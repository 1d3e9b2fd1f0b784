// Rows of a shape that is known become the documents that they become when they are parsed: the same values, names, order of names and
// prototypes, whatever they say and whatever their shapes were learned from.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { EventDocument } from '../../event/document.ts';
import { LAYOUT, toRow } from '../../store/embedded/columns.ts';
import { documentMaker, placeKey } from '../../store/embedded/document-maker.ts';
import { createRestShapes, REST_MAX, type RestShapes } from '../../store/embedded/rest-shapes.ts';
import { createRowReader } from '../../store/embedded/row-reading.ts';
import { createRowShapes, PLAIN_ROWS } from '../../store/embedded/row-shapes.ts';
import { HOSTILE_DOCUMENTS, START_MS, sampleEvent } from '../contract/event-samples.ts';
import { packedRows } from './packed-rows.ts';

/** What the shapes make of a text, by each value's place; undefined where it is of none. */
function placed(shapes: RestShapes, text: string): ReadonlyMap<string, unknown> | undefined {
  const bytes = Buffer.from(`before${text}behind`);
  const shape = shapes.shapeOf(bytes, 6, bytes.length - 6);
  if (shape === undefined) return undefined;
  const values: unknown[] = [];
  shapes.putValues(values, 0);
  return new Map(shape.paths.map((path, at) => [placeKey(path), values[at]]));
}

/** Texts and numbers of a value by their place, and the value without them. */
function plain(value: unknown): { readonly at: ReadonlyMap<string, unknown>; readonly frame: string } {
  const at = new Map<string, unknown>();
  const walk = (inner: unknown, path: readonly (string | number)[]): unknown => {
    if (Array.isArray(inner)) return inner.map((member, index) => walk(member, [...path, index]));
    if (typeof inner === 'object' && inner !== null)
      return Object.entries(inner).map(([name, member]) => [name, walk(member, [...path, name])]);
    if (typeof inner !== 'string' && typeof inner !== 'number') return inner;
    at.set(placeKey(path), inner);
    return typeof inner;
  };
  return { frame: JSON.stringify(walk(value, [])), at };
}

const texts = fc.oneof(
  fc.string(),
  fc.string({ unit: 'binary' }),
  fc.constantFrom(
    '',
    '"',
    '\\',
    '\\"',
    'a\\',
    '\u0000',
    '\u001f',
    '\u007f',
    'ü',
    '\u2028',
    '","x":"',
    '":{',
    '}',
    '\ud800',
    '12',
    '-0',
  ),
);
const numbers = fc.oneof(
  fc.integer(),
  fc.double(),
  fc.constantFrom(0, -0, -1, 1e15, 999_999_999_999_999, 9_007_199_254_740_991, 1e21, 0.5, 1e-7, -12),
);
const leaves = fc.oneof(texts, numbers, fc.boolean(), fc.constant(null));
const names = fc.constantFrom(
  'a',
  'b',
  'process',
  'data',
  '__proto__',
  'constructor',
  '1',
  '0',
  '',
  'a.b',
  'q"',
  'ü',
  'name',
  'x y',
);
const { tree } = fc.letrec((tie) => ({
  tree: fc.oneof(
    { maxDepth: 4 },
    leaves,
    fc.array(tie('tree'), { maxLength: 3 }),
    fc.array(fc.tuple(names, tie('tree')), { maxLength: 5 }).map(made),
  ),
}));

function made(members: readonly (readonly [string, unknown])[]): Record<string, unknown> {
  const object: Record<string, unknown> = {};
  for (const [name, value] of members)
    Object.defineProperty(object, name, { value, enumerable: true, configurable: true, writable: true });
  return object;
}

/** The same with other texts and numbers, in turn. */
function changed(value: unknown, drawn: readonly unknown[]): unknown {
  let next = 0;
  const walk = (inner: unknown): unknown => {
    if (Array.isArray(inner)) return inner.map(walk);
    if (typeof inner === 'object' && inner !== null)
      return made(Object.entries(inner).map(([name, member]) => [name, walk(member)] as const));
    return typeof inner === 'string' || typeof inner === 'number' ? drawn[next++ % drawn.length] : inner;
  };
  return drawn.length === 0 ? value : walk(value);
}

describe('the shapes of rests', () => {
  it('give what JSON.parse gives, or nothing', () => {
    let found = 0;
    fc.assert(
      fc.property(
        fc.array(tree, { minLength: 1, maxLength: 4 }),
        fc.array(leaves, { maxLength: 6 }),
        (trees, drawn) => {
          const shapes = createRestShapes();
          for (const one of trees) shapes.learn(JSON.stringify(one));
          for (const one of trees) {
            for (const text of [JSON.stringify(one), JSON.stringify(changed(one, drawn))]) {
              const values = placed(shapes, text);
              if (values === undefined) continue;
              found++;
              expect(values).toEqual(plain(JSON.parse(text)).at);
            }
          }
        },
      ),
      { numRuns: 1_000 },
    );
    expect(found).toBeGreaterThan(500);
  });

  it('know texts that differ in texts and whole numbers, and no others', () => {
    const shapes = createRestShapes();
    const learned = '{"a":"x","b":[1,{"c":"y","d":true}],"e":{}}';
    shapes.learn(learned);
    const same = [
      '{"a":"","b":[-12,{"c":"a \\"longer\\" one","d":true}],"e":{}}',
      '{"a":"\\u00e9","b":[0,{"c":"\\\\","d":true}],"e":{}}',
    ];
    for (const text of [learned, ...same]) expect(placed(shapes, text)).toEqual(plain(JSON.parse(text)).at);
    const others = [
      '{"a":"x","b":[1,{"c":"y","d":false}],"e":{}}',
      '{"a":"x","b":["1",{"c":"y","d":true}],"e":{}}',
      '{"a":1,"b":[1,{"c":"y","d":true}],"e":{}}',
      '{"a":"x","b":[1.5,{"c":"y","d":true}],"e":{}}',
      '{"a":"x","b":[1e3,{"c":"y","d":true}],"e":{}}',
      '{"a":"x","b":[01,{"c":"y","d":true}],"e":{}}',
      '{"a":"x","b":[-0,{"c":"y","d":true}],"e":{}}',
      '{"a":"x","b":[,{"c":"y","d":true}],"e":{}}',
      '{"a":"x","b":[1234567890123456,{"c":"y","d":true}],"e":{}}',
      '{"a":"é","b":[1,{"c":"y","d":true}],"e":{}}',
      '{"a":"\t","b":[1,{"c":"y","d":true}],"e":{}}',
      `${learned} `,
      ...Array.from({ length: learned.length }, (_, length) => learned.slice(0, length)),
    ];
    for (const text of others) expect([text, placed(shapes, text)]).toEqual([text, undefined]);
  });

  it.each([
    ['a name twice', '{"a":"x","a":"y"}'],
    ['a name that is the prototype’s', '{"__proto__":"x"}'],
    ['the same, escaped', '{"__\\u0070roto__":"x"}'],
    ['depth', `${'['.repeat(40)}"x"${']'.repeat(40)}`],
    ['many values', JSON.stringify(Array.from({ length: 300 }, () => 'x'))],
    ['length', JSON.stringify('x'.repeat(REST_MAX))],
    ['spaces', '{"a": "x"}'],
    ['other letters', '{"é":"x"}'],
  ])('are not learned from %s', (_, text) => {
    const shapes = createRestShapes();
    shapes.learn(text);
    expect(placed(shapes, text)).toBeUndefined();
  });

  it('stay few, however many there are', () => {
    const shapes = createRestShapes();
    for (let n = 0; n < 40_000; n++) shapes.learn(`{"n${n % 10}":{"m${n}":"x","k":["a","b"]}}`);
    expect(placed(shapes, '{"n0":{"m0":"z","k":["a","b"]}}')?.size).toBe(3);
    expect(placed(shapes, '{"n9":{"m39999":"z","k":["a","b"]}}')).toBeUndefined();
  });
});

describe('documents after a sample', () => {
  const sample = {
    process: { name: 'x', 'it"s': { "]}; throw '": ['y', true, null, {}, []] } },
    'auditd.data': [{ item: 'z' }],
    toString: 'no',
  };
  const places = [['process', 'name'], ['process', 'it"s', "]}; throw '", 0], ['auditd.data', 0, 'item'], ['toString']];
  const slots = new Map(places.map((path, at) => [placeKey(path), at]));

  it('have its names, whatever they are, and the values of their slots', () => {
    const make = documentMaker(sample, { whole: new Map(), single: slots });
    const document = make?.(['a', 'b', 'c', 'd']);
    expect(JSON.stringify(document)).toBe(
      JSON.stringify({
        process: { name: 'a', 'it"s': { "]}; throw '": ['b', true, null, {}, []] } },
        'auditd.data': [{ item: 'c' }],
        toString: 'd',
      }),
    );
    expect(make?.(['a', 'b', 'c', 'd'])).not.toBe(document);
  });

  it('are not made where a value of it is nobody’s', () => {
    expect(documentMaker({ ...sample, more: 1 }, { whole: new Map(), single: slots })).toBeUndefined();
  });
});

describe('the shapes of rows', () => {
  const rest = Buffer.from('{"auditd":{"data":{"a0":"1"}}}');
  const other = Buffer.from('{"auditd":{"data":{"a0":"other"}}}');
  const name = { path: ['process', 'name'] };
  const put = (shapes: ReturnType<typeof createRowShapes>, sources: readonly number[]): void => {
    shapes.begin();
    for (const source of sources) shapes.mark(source);
  };

  it('are those of what says something and of the rest, once enough rows were read', () => {
    const shapes = createRowShapes(70);
    const document = { auditd: { data: { a0: '1' } }, process: { name: 'x' } };
    for (let n = 1; n <= PLAIN_ROWS; n++) {
      put(shapes, [66]);
      expect(shapes.make(rest, 0, rest.length, ['x'], 1)).toBeUndefined();
      shapes.learn(rest, 0, rest.length, rest.toString(), document, [name]);
    }
    put(shapes, [66]);
    expect(shapes.make(other, 0, other.length, ['y'], 1)).toEqual({
      auditd: { data: { a0: 'other' } },
      process: { name: 'y' },
    });
    for (const sources of [[], [2], [2, 66], [65]]) {
      put(shapes, sources);
      expect(shapes.make(other, 0, other.length, ['y'], 1)).toBeUndefined();
    }
    put(shapes, [66]);
    expect(shapes.make(other, 0, 0, ['y'], 1)).toBeUndefined();
  });
});

describe('a reader that knows shapes', () => {
  const usual = sampleEvent(1).document;
  const row = (document: EventDocument) => toRow({ seq: 1, id: 'x', timestampMs: START_MS + 1_000, document });
  const warmed = () => {
    const open = createRowReader(LAYOUT);
    const warm = open(packedRows([row(usual)]));
    for (let n = 0; n <= PLAIN_ROWS; n++) warm.read(0);
    return open;
  };
  const same = (documents: readonly EventDocument[]): void => {
    const open = warmed();
    const rows = documents.map((document) => packedRows([row(document)]));
    // Twice: each after its own shape too.
    for (const packed of [...rows, ...rows]) {
      const [known, parsed] = [open(packed).read(0), createRowReader(LAYOUT)(packed).read(0)];
      expect(JSON.stringify(known)).toBe(JSON.stringify(parsed));
      expect(Object.getPrototypeOf(known.document)).toBe(Object.prototype);
    }
  };

  it('reads hostile events as one that knows none', () => {
    same(HOSTILE_DOCUMENTS);
    // With what the table's own columns tell: others are parsed.
    same(HOSTILE_DOCUMENTS.map((document) => ({ ...usual, odd: document })));
  });

  it('reads any events as one that knows none', () => {
    const parts = fc.record(
      { process: tree, auditd: tree, host: tree, tags: tree, event: tree, 'process.name': leaves, data: tree },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(parts, fc.array(leaves, { maxLength: 6 }), (part, drawn) => {
        const { event, host, ...others } = part;
        const documents = [part, { ...usual, ...others }, { ...usual, auditd: part }].map(
          (document) => JSON.parse(JSON.stringify(document)) as Record<string, unknown>,
        );
        same([...documents, ...documents.map((document) => JSON.parse(JSON.stringify(changed(document, drawn))))]);
      }),
      { numRuns: 150 },
    );
  });
});
