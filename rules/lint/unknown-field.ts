// A field that no document of Vedette's has: mostly a slip of the keyboard.
import { FIELDS, fieldNamed } from '../../event/catalogue.ts';
import { nearest } from '../../event/nearest-name.ts';

const FIELD_NAMES: readonly string[] = FIELDS.map((field) => field.name);
const OBJECT_NAMES: ReadonlySet<string> = new Set(
  FIELD_NAMES.flatMap((name) => {
    const parts = name.split('.');
    return parts.slice(1).map((_, at) => parts.slice(0, at + 1).join('.'));
  }),
);

/** A warning about a field that is not in the catalogue, or undefined. */
export function unknownField(name: string): { readonly message: string; readonly remedy: string } | undefined {
  if (fieldNamed(name) !== undefined || OBJECT_NAMES.has(name)) return undefined;
  const guess = nearest(name, FIELD_NAMES);
  const remedy =
    guess === undefined
      ? 'Vedette’s own collector does not write it; leave it if another shipper does.'
      : `Did you mean \`${guess}\`? Leave it if another shipper writes it.`;
  return { message: `the field \`${name}\` is not in the catalogue`, remedy };
}
