// A bounded memory for pure functions of text: the same user, executable and library path stand in thousands of records, and
// decoding them once is what makes a collector cheap.

/** Longer keys are computed afresh: they seldom repeat, and would hold memory. */
const KEY_CHARS_MAX = 1024;

export interface Memo<Value> {
  (text: string): Value;
  /** How many values are held; never more than the limit. */
  size(): number;
}

/** `compute` with a memory of `entriesMax` texts, emptied when it is full. */
export function createMemo<Value>(entriesMax: number, compute: (text: string) => Value): Memo<Value> {
  const values = new Map<string, Value>();
  const memo = (text: string): Value => {
    const known = values.get(text);
    if (known !== undefined) return known;
    const value = compute(text);
    if (text.length > KEY_CHARS_MAX) return value;
    if (values.size >= entriesMax) values.clear();
    // A slice would keep the whole record that it was cut from alive: the key is copied.
    values.set(Buffer.from(text, 'latin1').toString('latin1'), value);
    return value;
  };
  return Object.assign(memo, { size: () => values.size });
}
