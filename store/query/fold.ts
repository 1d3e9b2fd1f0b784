// Case folding of searches: what "case-insensitive" means in every store. Character by character, never by context, so that
// a store's own `lower()` agrees with it wherever the pattern is ASCII.

/** Lower case, one character for one: dotted capital I is `i`, both small sigmas are one. */
export function fold(text: string): string {
  return text.replaceAll('\u0130', 'i').toLowerCase().replaceAll('\u03c2', '\u03c3');
}
