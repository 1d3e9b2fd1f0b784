// Values as attackers encode them: UTF-16, Base64 at any offset, and the dashes that Windows takes for one another.
import { type Pattern, plainPattern, plainText } from './pattern.ts';

export type Utf16 = 'utf16' | 'utf16le' | 'utf16be' | 'wide';

export function utf16Bytes(text: string, encoding: Utf16): Buffer {
  const little = Buffer.from(text, 'utf16le');
  if (encoding === 'utf16be') return little.swap16();
  return encoding === 'utf16' ? Buffer.concat([Buffer.from([0xff, 0xfe]), little]) : little;
}

/** What does not depend on the bytes before and behind, at each of the three offsets at which the value may stand. */
export function base64AtAnyOffset(bytes: Buffer): readonly string[] {
  const starts = [0, 2, 3];
  const ends = [0, 3, 2];
  return starts.map((start, offset) => {
    const encoded = Buffer.concat([Buffer.alloc(offset, 0x20), bytes]).toString('base64');
    return encoded.slice(start, encoded.length - (ends[(bytes.length + offset) % 3] ?? 0));
  });
}

const DASHES = ['-', '/', '\u2013', '\u2014', '\u2015'] as const;
/** Values with more dashes would be too many. */
const VARIANTS_MAX = 625;

/** Each way to write the dashes and slashes that begin a flag; undefined where they are too many. */
export function withAllDashes(pattern: Pattern): readonly Pattern[] | undefined {
  let variants: readonly Pattern[] = [[]];
  for (const token of pattern) {
    const texts = typeof token === 'string' ? undefined : dashed(token.text);
    if (texts === undefined && typeof token !== 'string') return undefined;
    const ends: readonly Pattern[] = texts === undefined ? [[token]] : texts.map(plainPattern);
    variants = variants.flatMap((variant) => ends.map((end) => [...variant, ...end]));
    if (variants.length > VARIANTS_MAX) return undefined;
  }
  return variants;
}

function dashed(text: string): readonly string[] | undefined {
  // Not within a word: `-x` and `/x`, and not `a-b`.
  const parts = text.split(/(?<![A-Za-z0-9_])[-/](?=[A-Za-z0-9_])/);
  if (DASHES.length ** (parts.length - 1) > VARIANTS_MAX) return undefined;
  const [first = '', ...rest] = parts;
  return rest.reduce<readonly string[]>(
    (starts, part) => starts.flatMap((start) => DASHES.map((dash) => `${start}${dash}${part}`)),
    [first],
  );
}

/** The bytes of a value that has no wildcards. */
export function plainBytes(pattern: Pattern): Buffer | undefined {
  const text = plainText(pattern);
  return text === undefined ? undefined : Buffer.from(text, 'utf8');
}
