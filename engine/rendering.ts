// What people read of an event in an alert: the title with its `{{field}}` places filled in, and the included fields. The
// values are hostile: control characters are made visible and every length is bounded.
import { type EventDocument, fieldOf, fieldReader, isPlainObject } from '../event/document.ts';
import { visible } from '../rules/diagnostic.ts';
import { canonicalJson } from './key.ts';

export const TITLE_LENGTH_MAX = 300;
export const TITLE_VALUE_LENGTH_MAX = 120;
export const FIELD_LENGTH_MAX = 1_000;
export const FIELDS_MAX = 32;
/** What stands for a field that the event lacks. */
export const MISSING = '-';

/** Shown, where the event has them, for a rule that does not say what to include. */
export const DEFAULT_INCLUDE: readonly string[] = [
  'user.name',
  'process.executable',
  'process.command_line',
  'process.parent.executable',
  'file.path',
  'destination.ip',
];

export function renderTitle(template: string, document: EventDocument): string {
  const parts = titleTemplate(template).map((part) => {
    if (typeof part === 'string') return part;
    const text = fieldText(document, part.name);
    return text === undefined ? MISSING : shorten(text, TITLE_VALUE_LENGTH_MAX);
  });
  return shorten(parts.join(''), TITLE_LENGTH_MAX);
}

/** A title taken apart: its own text, and places by the name that each asks for. */
export function titleTemplate(template: string): readonly (string | { readonly name: string })[] {
  const parts: (string | { readonly name: string })[] = [];
  let end = 0;
  for (const place of template.matchAll(/\{\{\s*([^{}\s]{1,200})\s*\}\}/g)) {
    parts.push(visible(template.slice(end, place.index)), { name: String(place[1]) });
    end = place.index + place[0].length;
  }
  parts.push(visible(template.slice(end)));
  return parts.filter((part) => part !== '');
}

/** The rule's included fields in its order; one that the event lacks is shown as missing. */
export function renderFields(
  include: readonly string[],
  document: EventDocument,
): readonly { readonly name: string; readonly value: string }[] {
  const names =
    include.length > 0 ? include : DEFAULT_INCLUDE.filter((name) => fieldText(document, name) !== undefined);
  return names.slice(0, FIELDS_MAX).map((name) => ({
    name,
    value: shorten(fieldText(document, name) ?? MISSING, FIELD_LENGTH_MAX),
  }));
}

/**
 * A field's value as one line of visible text: arrays joined by `, `, processes by ` < `, objects as JSON; undefined where there is none. A name
 * may lead into an array of objects (`process.ancestors.name`), as it does in a rule's expressions.
 */
export function fieldText(document: EventDocument, field: string): string | undefined {
  const text = textOf(fieldOf(document, field) ?? gathered(document, field));
  return text === undefined ? undefined : visible(text);
}

/** {@link fieldText} of one field and many documents, before its control characters are made visible. */
export function rawFieldReader(field: string): (document: EventDocument) => string | undefined {
  const read = fieldReader(field);
  return (document) => textOf(read(document) ?? gathered(document, field));
}

/** Cut before it is escaped: a value may be megabytes long. */
function textOf(value: unknown): string | undefined {
  if (value === undefined || value === null) return undefined;
  if (!Array.isArray(value)) return cut(memberText(value));
  if (value.length === 0) return undefined;
  const members: readonly unknown[] = value.slice(0, FIELD_LENGTH_MAX);
  return cut(chainText(members) ?? members.map(memberText).join(', '));
}

function cut(text: string): string {
  return (text.length <= FIELD_LENGTH_MAX ? text : text.slice(0, FIELD_LENGTH_MAX + 1)).toWellFormed();
}

/** A chain of processes, the nearest first, as `apache2 (15281) < systemd (1)`; undefined of anything else. */
function chainText(members: readonly unknown[]): string | undefined {
  const processes: string[] = [];
  for (const member of members) {
    if (!isPlainObject(member) || typeof member['name'] !== 'string') return undefined;
    const pid = member['pid'];
    processes.push(typeof pid === 'number' ? `${member['name']} (${pid})` : member['name']);
  }
  return processes.join(' < ');
}

function gathered(document: EventDocument, field: string): unknown {
  for (let end = field.lastIndexOf('.'); end > 0; end = field.lastIndexOf('.', end - 1)) {
    const members = fieldOf(document, field.slice(0, end));
    if (!Array.isArray(members)) continue;
    const name = field.slice(end + 1);
    return members
      .slice(0, FIELD_LENGTH_MAX)
      .flatMap((member: unknown) => (isPlainObject(member) ? [fieldOf(member, name)] : []))
      .filter((value) => value !== undefined && value !== null);
  }
  return undefined;
}

/** At most `lengthMax` code units, never half a character; the ellipsis says that something is missing. */
export function shorten(text: string, lengthMax: number): string {
  if (text.length <= lengthMax) return text;
  return `${text.slice(0, lengthMax - 1).replace(/[\ud800-\udbff]$/, '')}…`;
}

function memberText(value: unknown): string {
  return Array.isArray(value) || isPlainObject(value) ? canonicalJson(value) : String(value);
}
