// The order of a load's rows: all of them, alike ones together, and those as they came.
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { toRow } from '../../store/embedded/columns.ts';
import { orderedRows } from '../../store/embedded/row-order.ts';
import { RowTable } from '../../store/embedded/row-table.ts';
import { START_MS } from '../contract/event-samples.ts';

interface Said {
  readonly executable: string;
  readonly name: string;
  readonly host: string;
}

function orderOf(all: readonly Said[]): readonly number[] {
  const table = new RowTable();
  for (const [seq, { executable, name, host }] of all.entries()) {
    const document = { process: { executable }, user: { name }, host: { id: host } };
    table.add(toRow({ seq, id: String(seq), document, timestampMs: START_MS }), String(seq), START_MS);
  }
  return orderedRows(
    table,
    all.map((_, row) => row),
  );
}

const events = (text: fc.Arbitrary<string>): fc.Arbitrary<Said[]> =>
  fc.array(fc.record({ executable: text, name: text, host: text }), { maxLength: 60 });

it('puts alike rows together, in the order in which they came', () => {
  fc.assert(
    fc.property(events(fc.constantFrom('/bin/sh', '/bin/ls', 'ü')), (all) => {
      const keys = orderOf(all).map((row) => ({ row, key: JSON.stringify(all[row]) }));
      const groups = keys.filter(({ key }, at) => key !== keys[at - 1]?.key);
      expect(groups).toHaveLength(new Set(groups.map(({ key }) => key)).size);
      for (const [at, { row, key }] of keys.entries())
        if (keys[at - 1]?.key === key) expect(keys[at - 1]?.row).toBeLessThan(row);
    }),
    { numRuns: 200 },
  );
});

it('keeps every row once, whatever hosts sent', () => {
  fc.assert(
    fc.property(
      events(fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('', 'x'.repeat(500), '\u0000'))),
      (all) => {
        expect([...orderOf(all)].sort((a, b) => a - b)).toEqual(all.map((_, row) => row));
      },
    ),
    { numRuns: 200 },
  );
});
