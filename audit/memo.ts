// A bounded memory for pure functions of text: the same user, executable and library path stand in thousands of records, and
// decoding them once is what makes a collector cheap. Two generations: what is asked for again outlives a flood of texts that come once.

/** Longer keys are computed afresh: they seldom repeat, and would hold memory. */
const KEY_CHARS_MAX = 1024;

export interface Memo<Value> {
  (text: string): Value;
  /** How many values are held; never more than the limit. */
  size(): number;
}

/** `compute` with a memory of at most `entriesMax` texts. */
export function createMemo<Value>(entriesMax: number, compute: (text: string) => Value): Memo<Value> {
  const generationMax = Math.max(1, Math.floor(entriesMax / 2));
  let young = new Map<string, Value>();
  let old = new Map<string, Value>();
  let lastText: string | undefined;
  let lastValue: Value | undefined;
  const memo = (text: string): Value => {
    // Events come in runs: comparing is cheaper than the hash that a look-up of a new string needs.
    if (text === lastText) return lastValue as Value;
    let value = young.get(text);
    if (value === undefined) {
      value = old.get(text) ?? compute(text);
      if (text.length > KEY_CHARS_MAX) return value;
      if (young.size >= generationMax) {
        old = young;
        young = new Map();
      }
      // A slice would keep the whole record that it was cut from alive: the key is copied.
      young.set(Buffer.from(text, 'latin1').toString('latin1'), value);
    }
    lastText = text;
    lastValue = value;
    return value;
  };
  return Object.assign(memo, { size: () => young.size + old.size });
}
