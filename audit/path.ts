// PATH records: what they say, which of them a syscall acted on, and the absolute path where it can honestly be told.
// A relative name is joined to the current directory only where it was relative to that: calls of the `*at` family name a
// directory by a descriptor that no record explains, and the kernel then writes the current directory into the PARENT record.
import { fieldsOfText } from './fields.ts';
import { escapedAscii, flat, isPlain, jsonText, member } from './json.ts';
import { createMemo } from './memo.ts';
import { labelMembers } from './selinux.ts';
import { PATH } from './tables/record-type.ts';

export interface PathRecord {
  /** As the syscall named it; undefined where the kernel had no name (`name=(null)`: a descriptor was given). */
  readonly name: string | undefined;
  readonly inode: string | undefined;
  readonly attributes: PathAttributes;
  /** All fields as members of a JSON object, without `item`. */
  readonly members: string;
  /** The text as the inside of a JSON string; undefined where it is not ASCII. */
  readonly escaped: string | undefined;
}

/** What a PATH record says besides name and inode; the same object for the same text, as long as that is remembered. */
export interface PathAttributes {
  /** NORMAL, PARENT, CREATE, DELETE, UNKNOWN; '' where the record does not say (before kernel 3.x). */
  readonly nametype: string;
  readonly device: string | undefined;
  readonly mode: number | undefined;
  readonly uid: string | undefined;
  readonly gid: string | undefined;
  /** The security module's label. */
  readonly label: string | undefined;
  readonly members: string;
  readonly escaped: string | undefined;
}

/** Reads the text of a PATH record after `item=N `. */
export type PathReader = (text: string) => PathRecord;

/** Distinct sets of attributes (device, mode, owner, kind, label) that are remembered. */
const ATTRIBUTES_MAX = 2048;

/**
 * A reader that remembers. Names and inodes come once, but what follows them is the same for most files, so it is that which is
 * decoded once: `name="/etc/passwd" inode=1234 ` and then `dev=fe:00 mode=0100644 ouid=0 …`.
 */
export function createPathReader(): PathReader {
  const attributesOf = createMemo(ATTRIBUTES_MAX, attributesOfText);
  return (text) => {
    if (!text.startsWith('name="')) return pathOfText(text);
    const close = text.indexOf('"', NAME_AT);
    if (close < 0 || !text.startsWith(' inode=', close + 1)) return pathOfText(text);
    const inodeAt = close + ' inode='.length + 1;
    let inodeEnd = inodeAt;
    for (let code = text.charCodeAt(inodeAt); code >= 48 && code <= 57; code = text.charCodeAt(++inodeEnd));
    if (inodeEnd === inodeAt || text.charCodeAt(inodeEnd) !== 32) return pathOfText(text);
    const name = text.slice(NAME_AT, close);
    const attributes = attributesOf(text.slice(inodeEnd + 1));
    if (attributes.escaped === undefined || !isPlain(name)) return pathOfText(text);
    const inode = text.slice(inodeAt, inodeEnd);
    return {
      name,
      inode,
      attributes,
      members: `,"name":"${name}","inode":"${inode}"${attributes.members}`,
      escaped: `name=\\"${name}\\" inode=${inode} ${attributes.escaped}`,
    };
  };
}

const NAME_AT = 'name="'.length;

/** A PATH record's text after `item=N `. */
export function pathOfText(text: string): PathRecord {
  const fields = fieldsOfText(text, PATH);
  const name = text.startsWith('name=(null)') ? undefined : fields.get('name');
  const attributes = attributesOfFields(fields, undefined);
  return {
    name,
    inode: fields.get('inode'),
    attributes,
    members: `${member('name', fields.get('name'))}${member('inode', fields.get('inode'))}${attributes.members}`,
    escaped: escapedAscii(text),
  };
}

function attributesOfText(text: string): PathAttributes {
  return attributesOfFields(fieldsOfText(text, PATH), escapedAscii(text));
}

function attributesOfFields(fields: ReadonlyMap<string, string>, escaped: string | undefined): PathAttributes {
  const mode = fields.get('mode');
  let members = '';
  for (const [name, value] of fields) {
    const parts = name === 'obj' ? labelMembers(value, 'obj_') : '';
    if (parts !== '') members += parts;
    else if (/^[a-z_]+$/.test(name) && name !== 'item' && name !== 'name' && name !== 'inode')
      members += `,"${name}":${jsonText(value)}`;
  }
  return {
    nametype: fields.get('nametype') ?? fields.get('objtype') ?? '',
    device: fields.get('dev'),
    mode: mode === undefined || !/^[0-7]{1,11}$/.test(mode) ? undefined : Number.parseInt(mode, 8),
    uid: fields.get('ouid'),
    gid: fields.get('ogid'),
    label: fields.get('obj'),
    members: flat(members),
    escaped,
  };
}

/** The item's number and the rest of a PATH record's text. */
export function splitItem(text: string, from: number): { readonly item: string; readonly rest: string } {
  let at = from;
  while (text.charCodeAt(at) === 32) at++;
  if (!text.startsWith('item=', at)) return { item: '', rest: text.slice(at) };
  const space = text.indexOf(' ', at);
  return space < 0
    ? { item: text.slice(at + 5), rest: '' }
    : { item: text.slice(at + 5, space), rest: text.slice(space + 1) };
}

/** What a call acts on among its paths. */
export interface Target {
  readonly path: PathRecord;
  /** Which of the call's two descriptors its name is relative to. */
  readonly which: 'first' | 'second';
}

const isActedOn = (path: PathRecord): boolean =>
  path.attributes.nametype !== 'PARENT' && path.attributes.nametype !== 'UNKNOWN';

// An overlay file system (every container has one) does each call again on the layers below, and the kernel adds records of
// those without names, after the ones of the call: they never displace a record with a name.
const isOnlyNamed = (path: PathRecord, other: PathRecord): boolean =>
  path.name !== undefined && other.name === undefined;
/** The later of two wins, unless only the earlier has a name. */
const displaces = (before: PathRecord | undefined, path: PathRecord): boolean =>
  before === undefined || !isOnlyNamed(before, path);

/** The program of an exec: the first item; those after it are its interpreter and loader. */
export function executedPath(paths: readonly PathRecord[]): Target | undefined {
  const path = paths[0];
  return path === undefined || path.attributes.nametype === 'PARENT' ? undefined : { path, which: 'first' };
}

/**
 * What was created or deleted, else the first existing file, never a PARENT. UNKNOWN, a name that led nowhere, counts only
 * for a failed call that has nothing better: it is what the call asked for.
 */
export function actedOnPath(paths: readonly PathRecord[], hasFailed: boolean): Target | undefined {
  let normal: PathRecord | undefined;
  let unknown: PathRecord | undefined;
  let changed: PathRecord | undefined;
  for (const path of paths) {
    if (path.attributes.nametype === 'CREATE' || path.attributes.nametype === 'DELETE')
      changed = displaces(changed, path) ? path : changed;
    else if (path.attributes.nametype === 'UNKNOWN') unknown ??= path;
    else if (isActedOn(path)) normal = normal === undefined || isOnlyNamed(path, normal) ? path : normal;
  }
  const isInner = changed !== undefined && normal !== undefined && isOnlyNamed(normal, changed);
  const path = (isInner ? undefined : changed) ?? normal ?? (hasFailed ? unknown : undefined);
  return path === undefined ? undefined : { path, which: 'first' };
}

const isMoved = (path: PathRecord, now: PathRecord | undefined): boolean =>
  path.attributes.nametype === 'DELETE' &&
  path.name !== undefined &&
  path.inode !== undefined &&
  path.inode === now?.inode;

/** A call with an old and a new name (rename, link): the new one, and the old one. */
export function oldAndNewPath(
  paths: readonly PathRecord[],
  hasFailed: boolean,
): { readonly old: Target | undefined; readonly now: Target | undefined } {
  let old: PathRecord | undefined;
  let now: PathRecord | undefined;
  for (const path of paths) {
    if (path.attributes.nametype === 'CREATE') now = now === undefined || isOnlyNamed(path, now) ? path : now;
    else if (isActedOn(path)) old = old === undefined || isOnlyNamed(path, old) ? path : old;
  }
  // A file that is replaced is deleted too; the one that moved has the new name's inode.
  old = paths.find((path) => isMoved(path, now)) ?? old;
  if (hasFailed && now === undefined) {
    for (const path of paths) {
      if (path.attributes.nametype === 'PARENT') continue;
      if (old === undefined) old = path;
      else if (path !== old) now ??= path;
    }
  }
  return {
    old: old === undefined ? undefined : { path: old, which: 'first' },
    now: now === undefined ? undefined : { path: now, which: 'second' },
  };
}

/** Where a relative name starts from. */
export interface Base {
  readonly cwd: string | undefined;
  /** False where the call gave a directory descriptor, or may have. */
  readonly isRelativeToCwd: boolean;
  /** The PARENT record's name, if the event has exactly the one. */
  readonly parent: string | undefined;
}

/** The absolute path, `.`, `..` and `//` resolved as text, or undefined where it cannot be told. */
export function absolutePath(name: string, base: Base): string | undefined {
  if (name.startsWith('/')) return normalized(name);
  const { cwd, parent } = base;
  if (base.isRelativeToCwd) return cwd?.startsWith('/') && name !== '' ? normalized(`${cwd}/${name}`) : undefined;
  // A PARENT other than the current directory was named by the call itself, in full.
  if (parent?.startsWith('/') && parent !== cwd && name !== '') return normalized(`${parent}/${baseName(name)}`);
  return undefined;
}

/** The last part of a path: `/etc/passwd` → `passwd`; a final slash does not count. */
export function baseName(path: string): string {
  const end = path.length > 1 && path.endsWith('/') ? path.length - 1 : path.length;
  return path.slice(path.lastIndexOf('/', end - 1) + 1, end);
}

const NEEDS_NORMALIZING = /\/(?:\/|\.\.?(?:\/|$))|.\/$/;

function normalized(path: string): string {
  if (!NEEDS_NORMALIZING.test(path)) return path;
  const parts: string[] = [];
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue;
    if (part === '..') parts.pop();
    else parts.push(part);
  }
  return `/${parts.join('/')}`;
}

const TYPES: ReadonlyMap<number, string> = new Map([
  [0o010000, 'fifo'],
  [0o020000, 'device'],
  [0o040000, 'dir'],
  [0o060000, 'device'],
  [0o100000, 'file'],
  [0o120000, 'symlink'],
  [0o140000, 'socket'],
]);

/** `file`, `dir`, … of a mode. */
export function fileType(mode: number): string | undefined {
  return TYPES.get(mode & 0o170000);
}

/** Four octal digits: SUID, SGID and sticky first. */
export function modeText(mode: number): string {
  return (mode & 0o7777).toString(8).padStart(4, '0');
}
