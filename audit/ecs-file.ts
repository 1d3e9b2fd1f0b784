// `file.*` of calls that act on files, from their PATH records; flags and modes of the call in `auditd.data`.
import { addData, type Draft } from './draft.ts';
import { arrayMember, flat, isPlain, jsonText, member, objectMember } from './json.ts';
import {
  absolutePath,
  actedOnPath,
  type Base,
  baseName,
  executedPath,
  fileType,
  modeText,
  oldAndNewPath,
  type PathAttributes,
  type PathRecord,
  type Target,
} from './path.ts';
import { labelMembers } from './selinux.ts';
import type { SyscallRecord } from './syscall-record.ts';
import { RESOLVE_FLAGS } from './tables/argument-names.ts';
import { O_CREAT, O_TMPFILE, openFlagsJson } from './tables/open-flags.ts';
import type { SyscallAction } from './tables/syscall-action.ts';
import type { IdNames } from './user.ts';

export interface FileCall {
  readonly syscall: SyscallRecord;
  readonly action: SyscallAction;
  readonly paths: readonly PathRecord[];
  readonly cwd: string | undefined;
}

export interface FileWriter {
  /** Fills `file` from the path that the call acts on. */
  write(draft: Draft, call: FileCall): void;
}

/** Members of `file` of one PATH record at one place. */
type MembersOf = (target: PathRecord, path: string | undefined) => string;

/** Writes files; what it made of a file's attributes is kept as long as those are remembered and the owners have the same names. */
export function createFileWriter(names: IdNames): FileWriter {
  const known = new WeakMap<PathAttributes, KnownAttributes>();
  const textOf = (attributes: PathAttributes): KnownAttributes => {
    const version = names.version();
    let before = known.get(attributes);
    if (before !== undefined && before.version === version && version !== undefined) return before;
    const { uid, gid } = attributes;
    const owner = uid === undefined ? undefined : names.user(uid);
    const group = gid === undefined ? undefined : names.group(gid);
    const owners = `${owner}/${group}`;
    if (before?.owners === owners) {
      before.version = version;
      return before;
    }
    before = {
      version,
      owners,
      device: flat(member('device', attributes.device)),
      members: flat(
        attributeMembers(attributes, owner, group) + objectMember('selinux', labelMembers(attributes.label)),
      ),
    };
    known.set(attributes, before);
    return before;
  };
  const membersOf: MembersOf = (target, path) => {
    const { device, members } = textOf(target.attributes);
    return placeMembers(target, path) + member('inode', target.inode) + device + members;
  };
  return { write: (draft, call) => writeFile(draft, call, membersOf) };
}

interface KnownAttributes {
  version: number | undefined;
  readonly owners: string;
  readonly device: string;
  readonly members: string;
}

function writeFile(draft: Draft, call: FileCall, membersOf: MembersOf): void {
  const { action, paths, syscall } = call;
  const hasFailed = syscall.success === false;
  if (action.subject === 'exec') {
    writeTarget(draft, executedPath(paths), call, membersOf);
  } else if (action.subject === 'old-and-new') {
    writeOldAndNew(draft, call, membersOf);
  } else {
    const target = actedOnPath(paths, hasFailed);
    if (action.subject === 'open' && (target?.path.attributes.nametype === 'CREATE' || isMadeNameless(syscall)))
      draft.type = CREATION;
    writeTarget(draft, target, call, membersOf);
  }
}

const CREATION: readonly string[] = ['creation'];

function writeTarget(draft: Draft, target: Target | undefined, call: FileCall, membersOf: MembersOf): void {
  if (target === undefined) return;
  const path = resolved(target, call);
  const { name } = target.path;
  draft.file += membersOf(target.path, path);
  if (path === undefined && name !== undefined && name !== '') addData(draft, 'unresolved_path', name);
  draft.object = path ?? (name === '' ? undefined : name);
  draft.objectType = 'file';
}

/** rename: `file.path` is the new name, `file.Ext.original.path` the old. link, symlink: `file.target_path` is what it points to. */
function writeOldAndNew(draft: Draft, call: FileCall, membersOf: MembersOf): void {
  const { name } = call.syscall;
  const { old, now } = oldAndNewPath(call.paths, call.syscall.success === false);
  writeTarget(draft, now ?? old, call, membersOf);
  if (name.startsWith('symlink')) {
    // The link's text is stored as it was given; it is relative to the link, not to anyone's directory.
    draft.file += member('target_path', call.paths.find((path) => path.attributes.nametype === 'UNKNOWN')?.name);
    return;
  }
  if (old === undefined || now === undefined) return;
  const oldPath = resolved(old, call);
  if (oldPath === undefined && old.path.name !== undefined) addData(draft, 'unresolved_old_path', old.path.name);
  if (name.startsWith('link')) draft.file += member('target_path', oldPath);
  else draft.file += objectMember('Ext', objectMember('original', member('path', oldPath)));
}

/** AT_FDCWD, as 32 or 64 bits. */
const isAtFdCwd = (argument: string | undefined): boolean => argument === 'ffffff9c' || argument === 'ffffffffffffff9c';

function resolved(target: Target, call: FileCall): string | undefined {
  const { name } = target.path;
  if (name === undefined) return undefined;
  const { syscall, action, paths } = call;
  const descriptor = action.descriptors[target.which === 'first' ? 0 : 1];
  const isRelativeToCwd = syscall.isUring ? false : descriptor === undefined || isAtFdCwd(syscall.args[descriptor]);
  const base: Base = { cwd: call.cwd, isRelativeToCwd, parent: isRelativeToCwd ? undefined : onlyParent(paths) };
  return absolutePath(name, base);
}

function onlyParent(paths: readonly PathRecord[]): string | undefined {
  const parents = paths.filter((path) => path.attributes.nametype === 'PARENT' && path.name !== undefined);
  return parents.length === 1 ? parents[0]?.name : undefined;
}

/** The name alone where the place is not known. */
function placeMembers({ name }: PathRecord, path: string | undefined): string {
  if (path !== undefined) return pathMembers(path);
  return member('name', name === undefined || name === '' ? undefined : baseName(name));
}

/** `path`, `name`, `directory` and `extension` as members. */
export function pathMembers(path: string): string {
  const name = baseName(path);
  const slash = path.lastIndexOf('/');
  const dot = name.lastIndexOf('.');
  const directory = slash <= 0 ? '/' : path.slice(0, slash);
  const extension = dot > 0 && dot < name.length - 1 ? name.slice(dot + 1) : undefined;
  // Its parts are plain where the whole is.
  const quote = isPlain(path) ? quoted : jsonText;
  return (
    `,"path":${quote(path)}${name === '' ? '' : `,"name":${quote(name)}`},"directory":${quote(directory)}` +
    (extension === undefined ? '' : `,"extension":${quote(extension)}`)
  );
}

function quoted(text: string): string {
  return `"${text}"`;
}

function attributeMembers(
  { mode, uid, gid }: PathAttributes,
  owner: string | undefined,
  group: string | undefined,
): string {
  return (
    (mode === undefined ? '' : `,"mode":"${modeText(mode)}"${member('type', fileType(mode))}`) +
    member('uid', uid) +
    member('owner', owner) +
    member('gid', gid) +
    member('group', group)
  );
}

/** Where the mode and the flags stand among a call's arguments. */
const MODE_ARGUMENT: Readonly<Record<string, number>> = {
  chmod: 1,
  fchmod: 1,
  fchmodat: 2,
  fchmodat2: 2,
  mkdir: 1,
  mkdirat: 2,
  mknod: 1,
  mknodat: 2,
  creat: 1,
};
const FLAGS_ARGUMENT: Readonly<Record<string, number>> = { open: 1, openat: 2, open_by_handle_at: 2 };

/** True of an open that made a file without a name, of which the records name only the directory. */
function isMadeNameless({ name, args, success }: SyscallRecord): boolean {
  const flags = success === true ? hexNumber(args[FLAGS_ARGUMENT[name] ?? -1]) : undefined;
  return flags !== undefined && (flags & O_TMPFILE) !== 0;
}

/** `auditd.data.open_flags` (how a file was opened) and `auditd.data.mode` (the mode that a call asked for, in octal). */
export function writeArguments(
  draft: Draft,
  syscall: SyscallRecord,
  openHow: ReadonlyMap<string, string> | undefined,
): void {
  const { name, args } = syscall;
  let flags: number | undefined;
  let mode = hexNumber(args[MODE_ARGUMENT[name] ?? -1]);
  if (openHow !== undefined) {
    flags = octalNumber(openHow.get('oflag'));
    mode = octalNumber(openHow.get('mode'));
    draft.data += resolveMember(openHow.get('resolve'));
  } else if (FLAGS_ARGUMENT[name] !== undefined) {
    flags = hexNumber(args[FLAGS_ARGUMENT[name]]);
    mode = hexNumber(args[FLAGS_ARGUMENT[name] + 1]);
  } else if (name === 'creat') {
    flags = 0x241;
  }
  if (flags !== undefined) {
    draft.data += `,"open_flags":${openFlagsJson(flags, syscall.architecture)}`;
    if ((flags & (O_CREAT | O_TMPFILE)) === 0) return;
  }
  if (mode !== undefined) draft.data += `,"mode":"${modeText(mode)}"`;
}

const RESOLVE_NAMES: readonly (readonly [number, string])[] = RESOLVE_FLAGS.split(' ').flatMap((word, at, words) =>
  at % 2 === 0 ? [[Number.parseInt(word, 16), words[at + 1] ?? ''] as const] : [],
);

/** `auditd.data.resolve`: how far openat2 was allowed to look. */
function resolveMember(text: string | undefined): string {
  const flags = text === undefined || !/^0x[0-9a-f]{1,8}$/.test(text) ? 0 : Number.parseInt(text, 16);
  return arrayMember(
    'resolve',
    RESOLVE_NAMES.filter(([bit]) => (flags & bit) !== 0).map(([, name]) => name),
  );
}

function hexNumber(text: string | undefined): number | undefined {
  // Registers hold garbage above the 32 bits that the kernel reads.
  return text === undefined || !/^[0-9a-f]{1,16}$/.test(text) ? undefined : Number.parseInt(text.slice(-8), 16);
}

function octalNumber(text: string | undefined): number | undefined {
  return text === undefined || !/^[0-7]{1,11}$/.test(text) ? undefined : Number.parseInt(text, 8);
}
