// "Did you mean": field names that no event of Vedette's has. They are allowed, as unknown JSON is stored too; but a name that was
// mistyped finds nothing, and nobody should take that for an answer.
import { FIELDS, fieldNamed } from '../../event/catalogue.ts';
import { nearest } from '../../event/nearest-name.ts';
import type { QueryProblem } from './clause-value.ts';

/** An event's id: it is beside the document, and no field of it, and is looked for whole. */
export const ID_FIELD = '_id';

const NAMES: readonly string[] = FIELDS.map(({ name }) => name);

/** `process`, `user.group`: objects that hold fields. */
const OBJECTS: ReadonlySet<string> = new Set(
  NAMES.flatMap((name) => name.split('.').map((_, at, parts) => parts.slice(0, at).join('.'))),
);

/** The field that was probably meant by a name that the catalogue does not have. */
export function meantField(name: string): string | undefined {
  if (isKnownField(name)) return undefined;
  // Elsewhere a text may have a second form of itself: `process.name.keyword`.
  const bare = name.replace(/\.(keyword|text|caseless|raw)$/, '');
  if (bare !== name && isKnownField(bare)) return bare;
  const inner = [`process.${name}`, `user.${name}`, `event.${name}`, `host.${name}`, `file.${name}`];
  return inner.find((candidate) => NAMES.includes(candidate)) ?? nearest(name, NAMES);
}

/** True of the catalogue's fields, of those inside its open-ended objects, and of objects that hold such. */
export function isKnownField(name: string): boolean {
  return fieldNamed(name) !== undefined || (name !== '' && OBJECTS.has(name));
}

/** Warns of a name that the catalogue does not have. */
export function unknownField(name: string, at: number, warn: (problem: QueryProblem) => void): void {
  if (isKnownField(name)) return;
  const meant = meantField(name);
  const message = `no event field is called \`${name}\``;
  const remedy =
    meant === undefined
      ? 'Only events that other shippers sent could have it. Text with a colon goes in quotes.'
      : `Did you mean \`${meant}\`?`;
  warn({ code: 'query/unknown-field', at, message, remedy });
}
