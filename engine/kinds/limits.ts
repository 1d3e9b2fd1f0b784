// Bounds of what one key's state holds, where the rule's own numbers give none.

/** Moments of a key's window that are told apart. Beyond, neighbours are put together: counts and sums stay exact, their times get
 *  coarser, and the finding says `grain_ms`. Each match looks at all of them. */
export const SAMPLES_MAX = 1_024;

/** Values of a key's window where each is needed. Beyond, the oldest are given up, and the finding says `cut_before`. */
export const VALUES_MAX = 512;

/** Values that a key of `new_value` remembers, in so many groups by their hash: what a new value costs is bounded by a group. Beyond, the
 *  one of its group that was longest not seen is forgotten, and would be new again. */
export const KNOWN_GROUPS = 64;
export const KNOWN_PER_GROUP_MAX = 80;

/** The newest events of a window that a finding names, where the window itself keeps only figures. */
export const RECENT_MAX = 20;
