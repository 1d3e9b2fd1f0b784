// Sets of capabilities, which records write as hexadecimal bits, by name.
import { CAPABILITIES } from './tables/argument-names.ts';

const NAMES: readonly string[] = CAPABILITIES.split(' ').filter((word) => word.startsWith('CAP_'));
const EVERY = (1n << BigInt(NAMES.length)) - 1n;

/**
 * `CAP_SYS_ADMIN` of `0000000000200000`; `all` of a set that has every capability known here, nothing of an empty set, and of bits
 * without a name the bits. A text that is no set has no names.
 */
export function capabilityNames(set: string): readonly string[] {
  if (!/^[0-9a-f]{1,16}$/.test(set)) return [];
  const bits = BigInt(`0x${set}`);
  if (bits === 0n) return [];
  if ((bits & EVERY) === EVERY) return ['all'];
  const found = NAMES.filter((_, bit) => (bits & (1n << BigInt(bit))) !== 0n);
  const left = bits & ~EVERY;
  return left === 0n ? found : [...found, `0x${left.toString(16)}`];
}
