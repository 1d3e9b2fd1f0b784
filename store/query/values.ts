// The values that a search sees under a field's name: through arrays, since an event may hold a list of objects (`auditd.paths`), and
// in every form of the name at once (`a.b` beside `a: { b }`), or a second form would hide from searches what rules see. Own
// properties only; nulls are no values.
import { type EventDocument, isPlainObject } from '../../event/document.ts';

/** Every value of the field: scalars and objects; arrays give their members. Empty when the field is absent. */
export function valuesOf(document: EventDocument, field: string): readonly unknown[] {
  const values: unknown[] = [];
  collect(document, field, values);
  return values;
}

function collect(current: unknown, name: string, values: unknown[]): void {
  if (Array.isArray(current)) {
    for (const member of current) collect(member, name, values);
    return;
  }
  if (!isPlainObject(current)) return;
  if (Object.hasOwn(current, name)) addValues(current[name], values);
  for (let end = name.lastIndexOf('.'); end > 0; end = name.lastIndexOf('.', end - 1)) {
    const prefix = name.slice(0, end);
    if (Object.hasOwn(current, prefix)) collect(current[prefix], name.slice(end + 1), values);
  }
}

function addValues(value: unknown, values: unknown[]): void {
  if (Array.isArray(value)) {
    for (const member of value) addValues(member, values);
  } else if (value !== null && value !== undefined) {
    values.push(value);
  }
}
