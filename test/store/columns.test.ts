// Rows of the embedded store: any JSON document comes back the same, and what columns hold is not held twice.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FIELDS } from '../../event/catalogue.ts';
import { LAYOUT, toRow } from '../../store/embedded/columns.ts';
import { createRowReader } from '../../store/embedded/row-reading.ts';
import { documents, HOSTILE_DOCUMENTS, START_MS, sampleEvent } from '../contract/event-samples.ts';
import { packedRows } from './packed-rows.ts';

/** One for all: what it keeps of one document must not get into another. */
const open = createRowReader(LAYOUT);
const roundTrip = (document: Record<string, unknown>): unknown =>
  open(packedRows([toRow({ seq: 1, id: 'x', timestampMs: START_MS, document })])).read(0).document;

describe('rows', () => {
  it.each(HOSTILE_DOCUMENTS.map((document) => [document]))('keep %j', (document) => {
    expect(JSON.stringify(sorted(roundTrip(document)))).toBe(JSON.stringify(sorted(document)));
  });

  it('keep any document: names of the catalogue in any mixture of nested and dotted form, values of any type', () => {
    const leaf = fc.jsonValue({ maxDepth: 2 });
    const names = fc.constantFrom(
      ...FIELDS.map((field) => field.name),
      'process',
      'event',
      'x',
      '__proto__',
      'a..b',
      '.',
      '',
    );
    const nested = fc.array(fc.tuple(names, leaf), { maxLength: 8 }).map((entries) => {
      const document: Record<string, unknown> = {};
      for (const [name, value] of entries) {
        // Half of them nested, as far as the way is free.
        const parts = name.length % 2 === 0 ? name.split('.') : [name];
        let target = document;
        for (const part of parts.slice(0, -1)) {
          const next = Object.hasOwn(target, part) ? target[part] : {};
          if (typeof next !== 'object' || next === null || Array.isArray(next)) break;
          define(target, part, next);
          target = next as Record<string, unknown>;
        }
        define(target, parts.at(-1) ?? '', value);
      }
      return document;
    });
    fc.assert(
      fc.property(fc.oneof(nested, documents), (document) => {
        const plain = JSON.parse(JSON.stringify(document));
        expect(JSON.stringify(sorted(roundTrip(plain)))).toBe(JSON.stringify(sorted(plain)));
      }),
      { numRuns: 1_000 },
    );
  });

  it('hold a usual event without a rest for what columns tell', () => {
    const event = sampleEvent(1);
    const row = toRow({ seq: 7, timestampMs: START_MS + 1_000, ...event });
    const value = (name: string): unknown => row[LAYOUT.columns.findIndex((column) => column.name === name)];
    expect(value('_odd')).toBeNull();
    expect(JSON.parse(String(value('_rest')))).toEqual({ ecs: { version: '9.0.0' } });
    expect(value('process.args')).toEqual(['a', 'b1']);
    expect(value('_created')).toBe(START_MS + 1_000);
  });
});

/** Keys in order, own `__proto__` included. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.entries(value)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, inner]) => [key, sorted(inner)]);
}

function define(target: Record<string, unknown>, key: string, value: unknown): void {
  Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true });
}
