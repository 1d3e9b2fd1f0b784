// The values that a search sees under a field's name: like `fieldOf` of event/document.ts, but through arrays too, since an
// event may hold a list of objects (`auditd.paths`). Own properties only; nulls are no values.
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
  if (Object.hasOwn(current, name)) {
    addValues(current[name], values);
    return;
  }
  for (let end = name.lastIndexOf('.'); end > 0; end = name.lastIndexOf('.', end - 1)) {
    const prefix = name.slice(0, end);
    if (Object.hasOwn(current, prefix)) {
      collect(current[prefix], name.slice(end + 1), values);
      return;
    }
  }
}

function addValues(value: unknown, values: unknown[]): void {
  if (Array.isArray(value)) {
    for (const member of value) addValues(member, values);
  } else if (value !== null && value !== undefined) {
    values.push(value);
  }
}
