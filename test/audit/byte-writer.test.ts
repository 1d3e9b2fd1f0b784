import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createViews, VIEWS_MAX, writeAscii, writeNumber } from '../../audit/byte-writer.ts';
import { createEventIdWriter, eventIdOf } from '../../audit/document-id.ts';
import { HOST } from './samples.ts';

const number = fc.oneof(
  fc.maxSafeNat(),
  fc.nat(2000),
  fc.constantFrom(0, 35, 36, 2 ** 32 - 1, Number.MAX_SAFE_INTEGER),
);

describe('bytes', () => {
  it('of a number are its text in any radix', () => {
    const out = Buffer.alloc(80);
    fc.assert(
      fc.property(number, fc.constantFrom(2, 10, 16, 36), (value, radix) => {
        const end = writeNumber(value, radix, { out, at: 3 });
        expect(out.toString('latin1', 3, end)).toBe(value.toString(radix));
      }),
    );
  });

  it('of plain text are its characters, and nothing around them', () => {
    const out = Buffer.from('......');
    expect(writeAscii('abc', { out, at: 1 })).toBe(4);
    expect(out.toString()).toBe('.abc..');
  });

  it('of an event’s id are the id', () => {
    const write = createEventIdWriter(HOST);
    const out = Buffer.alloc(200);
    fc.assert(
      fc.property(number, fc.nat(2 ** 32 - 1), fc.nat(2 ** 32 - 1), (timeMs, serial, crc) => {
        const event = { timeMs, serial, crc, node: undefined, records: [], incomplete: [], isFragment: false };
        expect(out.toString('latin1', 5, write(event, { out, at: 5 }))).toBe(eventIdOf(event, HOST));
      }),
    );
  });

  it('of a view are the buffer’s, one view for a length, and of bounded number', () => {
    const buffer = Buffer.from('x'.repeat(VIEWS_MAX + 10));
    const viewOf = createViews(buffer);
    expect(viewOf(5)).toBe(viewOf(5));
    expect(viewOf(5).toString()).toBe('xxxxx');
    buffer[0] = 65;
    expect(viewOf(5).toString()).toBe('Axxxx');
    expect(viewOf(VIEWS_MAX)).not.toBe(viewOf(VIEWS_MAX));
    expect(viewOf(VIEWS_MAX + 9)).toHaveLength(VIEWS_MAX + 9);
  });
});
