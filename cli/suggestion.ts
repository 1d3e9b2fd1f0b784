// "Did you mean": a sentence that names the nearest known name, or says something else where none is near.
import { nearest } from '../event/nearest-name.ts';

/** `Did you mean …?`, or `otherwise`. */
export function suggestion(name: string, known: Iterable<string>, otherwise: string): string {
  const found = nearest(name, [...known]);
  return found === undefined ? otherwise : `Did you mean \`${found}\`?`;
}
