// Weighs a line of JSON before it is parsed: three bytes may become an object of sixty, and a line may nest a million deep. A look
// at each byte costs a fifth of the parsing.

/** Why a line is not worth parsing, or how many values it holds at most. */
export type JsonWeight =
  | { readonly kind: 'within'; readonly values: number }
  | { readonly kind: 'too-deep' }
  | { readonly kind: 'too-many' };

const [QUOTE, BACKSLASH, COMMA] = [0x22, 0x5c, 0x2c];
const [OPEN_OBJECT, CLOSE_OBJECT, OPEN_LIST, CLOSE_LIST] = [0x7b, 0x7d, 0x5b, 0x5d];

/** Counts values (objects, lists, members) and levels. What is no JSON is told by the parser; until then it is bounded too. */
export function weigh(line: Uint8Array, limits: { readonly valuesMax: number; readonly depthMax: number }): JsonWeight {
  const { valuesMax, depthMax } = limits;
  let values = 1;
  let depth = 0;
  for (let at = 0; at < line.length; at++) {
    const byte = line[at];
    if (byte === QUOTE) {
      at++;
      while (at < line.length && line[at] !== QUOTE) at += line[at] === BACKSLASH ? 2 : 1;
    } else if (byte === COMMA) {
      values++;
    } else if (byte === OPEN_OBJECT || byte === OPEN_LIST) {
      values++;
      depth++;
      if (depth > depthMax) return { kind: 'too-deep' };
    } else if (byte === CLOSE_OBJECT || byte === CLOSE_LIST) {
      depth--;
    }
  }
  return values > valuesMax ? { kind: 'too-many' } : { kind: 'within', values };
}
