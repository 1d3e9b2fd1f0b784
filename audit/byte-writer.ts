// What stands in every document, straight into bytes: numbers and times. A native call that writes a string of twenty characters
// costs more than the characters, and the string is garbage afterwards. Views of a buffer likewise.

const DIGIT_0 = 48;
const LETTER_A = 97;

/** Writes a whole number, not below 0, in a radix up to 36; its end. */
export function writeNumber(value: number, radix: number, { out, at }: Place): number {
  let end = at + 1;
  for (let left = Math.floor(value / radix); left > 0; left = Math.floor(left / radix)) end += 1;
  let left = value;
  for (let place = end - 1; place >= at; place -= 1) {
    const next = Math.floor(left / radix);
    const digit = left - next * radix;
    out[place] = digit < 10 ? DIGIT_0 + digit : LETTER_A + digit - 10;
    left = next;
  }
  return end;
}

export interface Place {
  readonly out: Uint8Array;
  readonly at: number;
}

/** Writes plain ASCII; its end. */
export function writeAscii(text: string, { out, at }: Place): number {
  for (let index = 0; index < text.length; index += 1) out[at + index] = text.charCodeAt(index);
  return at + text.length;
}

/** Lengths of views that are kept, from 0. */
export const VIEWS_MAX = 8192;

/** The first so many bytes of a buffer: the same view for the same length. */
export function createViews(buffer: Buffer): (bytes: number) => Buffer {
  const views: (Buffer | undefined)[] = new Array(VIEWS_MAX).fill(undefined);
  return (bytes) => {
    if (bytes >= VIEWS_MAX) return buffer.subarray(0, bytes);
    views[bytes] ??= buffer.subarray(0, bytes);
    return views[bytes];
  };
}
