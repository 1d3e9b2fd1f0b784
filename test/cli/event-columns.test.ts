// The usual columns read no field that is not asked for.
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { eventColumns, TABLE_FIELDS } from '../../cli/search/event-columns.ts';
import type { EventDocument } from '../../event/document.ts';
import { viewOf } from '../../server/field-view.ts';
import { VIEW_FIELDS_MAX } from '../../server/routes-search.ts';
import { documents, hostileEvents, sampleEvent } from '../contract/event-samples.ts';

const rowOf = (document: EventDocument): readonly string[] =>
  eventColumns(undefined).map(({ read }) => read({ id: 'a', document }));

/** Of lists of objects a view tells more. */
function expectSame(document: EventDocument): void {
  const [whole, shown] = [rowOf(document), rowOf(viewOf(document, TABLE_FIELDS))];
  expect(shown.map((text, at) => (whole[at] === '-' ? '-' : text))).toEqual(whole);
}

it('a row is the same of a whole event and of the fields that are asked for', () => {
  expect(TABLE_FIELDS.length).toBeLessThanOrEqual(VIEW_FIELDS_MAX);
  for (const { document } of [...hostileEvents(), ...Array.from({ length: 20 }, (_, n) => sampleEvent(n))])
    expectSame(document);
  const names = fc.constantFrom(...TABLE_FIELDS);
  fc.assert(fc.property(fc.dictionary(names, fc.oneof(fc.string(), fc.integer())), expectSame));
  fc.assert(fc.property(documents, expectSame));
});
