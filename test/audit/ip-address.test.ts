import { isIP } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isIp } from '../../audit/ip-address.ts';

describe('isIp', () => {
  it.each([
    ['127.0.0.1', true],
    ['255.255.255.255', true],
    ['::', true],
    ['::1', true],
    ['fe80::1', true],
    ['1:2:3:4:5:6:7:8', true],
    ['1:2:3:4:5:6:7::', true],
    ['::ffff:1.2.3.4', true],
    ['1:2:3:4:5:6:1.2.3.4', true],
    ['', false],
    ['?', false],
    ['1.2.3', false],
    ['1.2.3.4.', false],
    ['01.2.3.4', false],
    ['256.1.1.1', false],
    [':::', false],
    ['a:b:c', false],
    ['1::2::3', false],
    ['1:2:3:4:5:6:7:8:9', false],
    ['::12345', false],
    ['fe80::1%eth0', false],
    ['web-7.example', false],
  ])('%s: %s', (text, expected) => {
    expect(isIp(text)).toBe(expected);
  });

  it('says what the system’s own parser says', () => {
    const piece = fc.constantFrom('0', '1', '12', 'ffff', '255', '256', ':', '::', '.', '1.2.3.4', 'g', '00');
    const text = fc.oneof(
      fc.ipV4(),
      fc.ipV6(),
      fc.array(piece, { maxLength: 18 }).map((parts) => parts.join('')),
    );
    fc.assert(
      fc.property(text, (each) => {
        expect(isIp(each)).toBe(isIP(each) !== 0);
      }),
      { numRuns: 5000 },
    );
  });
});
