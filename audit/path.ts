// PATH records: what they say, which of them a syscall acted on, and the absolute path where it can honestly be told.
// A relative name is joined to the current directory only where it was relative to that: calls of the `*at` family name a
// directory by a descriptor that no record explains, and the kernel then writes the current directory into the PARENT record.
import { fieldsOfText } from './fields.ts';
import { escapedAscii, flat, jsonText } from './json.ts';
import { labelMembers } from './selinux.ts';
import { PATH } from './tables/record-type.ts';

export interface PathRecord {
  /** As the syscall named it; undefined where the kernel had no name (`name=(null)`: a descriptor was given). */
  readonly name: string | undefined;
  /** NORMAL, PARENT, CREATE, DELETE, UNKNOWN; '' where the record does not say (before kernel 3.x). */
  readonly nametype: string;
  readonly inode: string | undefined;
  readonly device: string | undefined;
  readonly mode: number | undefined;
  readonly uid: string | undefined;
  readonly gid: string | undefined;
  /** The security module's label. */
  readonly label: string | undefined;
  /** All fields as members of a JSON object, without `item`. */
  readonly members: string;
  /** The text as the inside of a JSON string; undefined where it is not ASCII. */
  readonly escaped: string | undefined;
}

/** A PATH record's text after `item=N `. Pure, so that it can be remembered. */
export function pathOfText(text: string): PathRecord {
  const fields = fieldsOfText(text, PATH);
  const mode = fields.get('mode');
  const isNameless = text.startsWith('name=(null)');
  let members = '';
  for (const [name, value] of fields) {
    const parts = name === 'obj' ? labelMembers(value, 'obj_') : '';
    if (parts !== '') members += parts;
    else if (/^[a-z_]+$/.test(name) && name !== 'item') members += `,"${name}":${jsonText(value)}`;
  }
  return {
    name: isNameless ? undefined : fields.get('name'),
    nametype: fields.get('nametype') ?? fields.get('objtype') ?? '',
    inode: fields.get('inode'),
    device: fields.get('dev'),
    mode: mode === undefined || !/^[0-7]{1,11}$/.test(mode) ? undefined : Number.parseInt(mode, 8),
    uid: fields.get('ouid'),
    gid: fields.get('ogid'),
    label: fields.get('obj'),
    members: flat(members),
    escaped: escapedAscii(text),
  };
}

/** What a call acts on among its paths. */
export interface Target {
  readonly path: PathRecord;
  /** Which of the call's two descriptors its name is relative to. */
  readonly which: 'first' | 'second';
}

const isActedOn = (path: PathRecord): boolean => path.nametype !== 'PARENT' && path.nametype !== 'UNKNOWN';

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
  return path === undefined || path.nametype === 'PARENT' ? undefined : { path, which: 'first' };
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
    if (path.nametype === 'CREATE' || path.nametype === 'DELETE') changed = displaces(changed, path) ? path : changed;
    else if (path.nametype === 'UNKNOWN') unknown ??= path;
    else if (isActedOn(path)) normal = normal === undefined || isOnlyNamed(path, normal) ? path : normal;
  }
  const isInner = changed !== undefined && normal !== undefined && isOnlyNamed(normal, changed);
  const path = (isInner ? undefined : changed) ?? normal ?? (hasFailed ? unknown : undefined);
  return path === undefined ? undefined : { path, which: 'first' };
}

const isMoved = (path: PathRecord, now: PathRecord | undefined): boolean =>
  path.nametype === 'DELETE' && path.name !== undefined && path.inode !== undefined && path.inode === now?.inode;

/** A call with an old and a new name (rename, link): the new one, and the old one. */
export function oldAndNewPath(
  paths: readonly PathRecord[],
  hasFailed: boolean,
): { readonly old: Target | undefined; readonly now: Target | undefined } {
  let old: PathRecord | undefined;
  let now: PathRecord | undefined;
  for (const path of paths) {
    if (path.nametype === 'CREATE') now = now === undefined || isOnlyNamed(path, now) ? path : now;
    else if (isActedOn(path)) old = old === undefined || isOnlyNamed(path, old) ? path : old;
  }
  // A file that is replaced is deleted too; the one that moved has the new name's inode.
  old = paths.find((path) => isMoved(path, now)) ?? old;
  if (hasFailed && now === undefined) {
    for (const path of paths) {
      if (path.nametype === 'PARENT') continue;
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
