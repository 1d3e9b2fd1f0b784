// Elasticsearch's `?filter_path=errors,items.*.status`: what of an answer its asker wants to have. Shippers ask for little, since the
// answer tells of each event. `*` is any part of a name, `**` any number of levels, `-` in front leaves something out. Pure.
import { isPlainObject } from '../event/document.ts';

const PATTERNS_MAX = 32;
const PARTS_MAX = 16;
const TEXT_MAX = 1_024;

type Keep = (value: unknown) => unknown;

/** What keeps of an answer as much as was asked for; undefined where that is all of it. */
export function filterOf(filterPath: unknown): Keep | undefined {
  if (typeof filterPath !== 'string' || filterPath === '' || filterPath.length > TEXT_MAX) return undefined;
  const patterns = filterPath.split(',').slice(0, PATTERNS_MAX);
  const read = (texts: readonly string[]) => texts.map((text) => partsOf(text.trim()));
  const excluded = read(patterns.filter((text) => text.startsWith('-')).map((text) => text.slice(1)));
  const included = read(patterns.filter((text) => !text.startsWith('-')));
  return (value) => {
    const kept = included.length === 0 ? value : filtered(value, included, true);
    return (excluded.length === 0 ? kept : filtered(kept, excluded, false)) ?? {};
  };
}

/** No name is empty: a pattern that is too long matches nothing. */
function partsOf(text: string): Pattern {
  const parts = text.split('.');
  return parts.length > PARTS_MAX ? [''] : parts;
}

type Pattern = readonly string[];

/** The members that match (or, for `isKept` false, those that do not); undefined when nothing is left. */
function filtered(value: unknown, patterns: readonly Pattern[], isKept: boolean): unknown {
  if (Array.isArray(value)) {
    const members = (value as readonly unknown[]).flatMap((member) => {
      const left = filtered(member, patterns, isKept);
      return left === undefined ? [] : [left];
    });
    return members.length === 0 && isKept ? undefined : members;
  }
  if (!isPlainObject(value)) return isKept ? undefined : value;
  const members: [string, unknown][] = [];
  for (const [name, inner] of Object.entries(value)) {
    const rest = patterns.flatMap((pattern) => after(pattern, name));
    if (rest.some((pattern) => pattern.length === 0)) {
      if (isKept) members.push([name, inner]);
    } else if (rest.length === 0) {
      if (!isKept) members.push([name, inner]);
    } else {
      const left = filtered(inner, rest, isKept);
      if (left !== undefined) members.push([name, left]);
    }
  }
  return members.length === 0 && isKept ? undefined : Object.fromEntries(members);
}

/** What of a pattern is left below a member of that name. */
function after(pattern: Pattern, name: string): readonly Pattern[] {
  const [first = '', ...rest] = pattern;
  if (first === '**') return [pattern, ...(rest.length === 0 ? [rest] : after(rest, name))];
  return isNamed(name, first) ? [rest] : [];
}

/** `*` for any part of the name, without a regular expression: the pattern is a stranger's. */
function isNamed(name: string, pattern: string): boolean {
  const [head = '', ...parts] = pattern.split('*');
  const tail = parts.pop();
  if (tail === undefined) return name === pattern;
  if (!name.startsWith(head)) return false;
  let at = head.length;
  for (const part of parts) {
    const found = name.indexOf(part, at);
    if (found === -1) return false;
    at = found + part.length;
  }
  return name.length - tail.length >= at && name.endsWith(tail);
}
