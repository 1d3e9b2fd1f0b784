// Bounds of what one key's state holds, where the rule's own numbers give none.

/** Moments of a key's window that are told apart. Beyond, neighbours are put together (counts and sums stay exact, their times
 *  get coarser; the finding says `grain_ms`), or, where each value is needed, the oldest are given up (`cut_before`). */
export const SAMPLES_MAX = 2_048;

/** Values that a key of `new_value` remembers. Beyond, the one longest not seen is forgotten, and would be new again. */
export const KNOWN_VALUES_MAX = 5_000;

/** The newest events of a window that a finding names, where the window itself keeps only figures. */
export const RECENT_MAX = 20;
