import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BULK_LIMITS, LINE_VALUES_MAX, NoRoom, readBulk } from '../../server/bulk-reader.ts';
import { weigh } from '../../server/json-bounds.ts';

const WIDE = { valuesMax: 1_000, depthMax: 50 };
const weightOf = (json: string, limits = WIDE) => weigh(Buffer.from(json), limits);

/** Every object, list and scalar of a value. */
function valuesIn(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 1;
  return Object.values(value).reduce((sum: number, member) => sum + valuesIn(member), 1);
}

describe('the weight of a line', () => {
  it('is never less than what the line holds by half, nor more than twice that, whatever its strings look like', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6 }), (value) => {
        const weight = weightOf(JSON.stringify(value));
        const count = valuesIn(value);
        expect(weight.kind).toBe('within');
        if (weight.kind !== 'within') return;
        expect(weight.values).toBeGreaterThanOrEqual(count / 2);
        expect(weight.values).toBeLessThanOrEqual(count * 2);
      }),
    );
  });

  it.each([
    ['"[[[[{{{{,,,,"', 2],
    ['"a\\"[,{\\\\"', 2],
    ['{"a":[1,2,3]}', 3],
  ])('of %s counts no text', (json, valuesMax) => {
    expect(weightOf(json, { valuesMax: valuesMax + 2, depthMax: 3 }).kind).toBe('within');
  });

  it('says when there are too many values, or too many levels', () => {
    expect(weightOf('[1,2,3]', { valuesMax: 4, depthMax: 1 })).toEqual({ kind: 'within', values: 4 });
    expect(weightOf('[1,2,3]', { valuesMax: 3, depthMax: 1 }).kind).toBe('too-many');
    expect(weightOf('[[1]]', { valuesMax: 9, depthMax: 1 }).kind).toBe('too-deep');
    expect(weightOf('"unclosed \\').kind).toBe('within');
  });
});

describe('a _bulk body of small bytes and large objects', () => {
  async function* once(text: string): AsyncGenerator<Buffer> {
    yield Buffer.from(text);
  }
  const lines = (id: string, document: string) => `{"create":{"_id":"${id}"}}\n${document}\n`;
  const statusesOf = async (text: string) => {
    const body = await readBulk(once(text));
    return body.kind === 'read'
      ? body.items.map((item) => (item.kind === 'refused' ? item.status : item.id))
      : body.kind;
  };

  it('loses the event that is one, and no other', async () => {
    const wide = `{"a":[${'{},'.repeat(LINE_VALUES_MAX)}{}]}`;
    const deep = `{"a":${'['.repeat(100_000)}${']'.repeat(100_000)}}`;
    const tall = `{"a":${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}}`;
    expect(
      await statusesOf(lines('a', '{}') + lines('b', wide) + lines('c', deep) + lines('d', tall) + lines('e', '{}')),
    ).toEqual(['a', 413, 400, 400, 'e']);
  });

  it('is refused as a whole when many events are so, and weighs more than its bytes', async () => {
    const document = `{"a":[${'{},'.repeat(100)}{}]}`;
    const text = lines('a', document).repeat(20);
    const limits = { ...BULK_LIMITS, valuesMax: 6_000 };
    expect((await readBulk(once(text), limits)).kind).toBe('read');
    expect((await readBulk(once(text), { ...limits, valuesMax: 2_000 })).kind).toBe('too-large');
    const reserve = (most: number) => {
      let left = most;
      return (bytes: number) => {
        left -= bytes;
        return left >= 0;
      };
    };
    await expect(readBulk(once(text), { ...limits, reserve: reserve(text.length) })).rejects.toBeInstanceOf(NoRoom);
    expect((await readBulk(once(text), { ...limits, reserve: reserve(text.length * 10) })).kind).toBe('read');
  });
});
