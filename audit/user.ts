// Who acted: ids and their names as ECS `user`, `related.user` and the actor of `auditd.summary`. Unset ids are left out.
import type { HostKnowledge } from './event.ts';
import { flat, jsonArray, jsonText, member, objectMember } from './json.ts';
import { labelMembers } from './selinux.ts';
import type { Ids } from './syscall-record.ts';

/** The JSON of an event's user, made once for the same ids as long as the same names stand for them. */
export interface UserText {
  /** `,"user":{…}`, or nothing. */
  readonly object: string;
  /** `["…"]` of distinct names for `related.user`, or nothing. */
  readonly related: string;
  /** `,"related":{"user":[…]}`, or nothing. */
  readonly relatedMember: string;
  readonly actor: string;
  readonly actorAs: string | undefined;
  /** `"actor":{…}` of `auditd.summary`. */
  readonly actorMember: string;
}

/** `"actor":{…}` */
export function actorMember(actor: string, actorAs: string | undefined): string {
  return `"actor":{"primary":${jsonText(actor)}${member('secondary', actorAs)}}`;
}

/** True of 4294967295 and -1, the kernel's "no id", and of auditd's `?`. */
export function isUnset(id: string | undefined): boolean {
  return id === undefined || id === '' || id === '?' || id === '4294967295' || id === '-1' || id === 'unset';
}

/** Names of ids, by the host that the event came from. */
export interface IdNames {
  user(id: string): string | undefined;
  group(id: string): string | undefined;
  /** The id of a user's name. */
  userId(name: string): string | undefined;
  /** A number that changes when a name may have; undefined where names must be asked for each time. */
  version(): number | undefined;
}

/** Asks the host's knowledge; without it no id has a name. */
export function idNamesOf(knowledge: HostKnowledge | undefined): IdNames {
  if (knowledge === undefined)
    return { user: () => undefined, group: () => undefined, userId: () => undefined, version: () => 0 };
  return {
    user: (id) => knowledge.userName(Number(id)),
    group: (id) => knowledge.groupName(Number(id)),
    userId: (name) => knowledge.userId?.(name)?.toString(),
    version: () => knowledge.namesVersion?.(),
  };
}

/** `,"id":"0","name":"root"` */
export function userMembers(id: string | undefined, name: string | undefined): string {
  return member('id', id) + member('name', name);
}

/** What the ids of a syscall say. `effective` is told where it differs, with its group, which then may be the same. */
export function userTextOf(ids: Ids, names: IdNames, label?: string): UserText {
  const { uid, gid } = ids;
  const found: string[] = [];
  const user = (id: string): string => {
    const name = names.user(id);
    if (name !== undefined && !found.includes(name)) found.push(name);
    return userMembers(id, name);
  };
  const group = (id: string): string => objectMember('group', userMembers(id, names.group(id)));
  const other = (name: string, userId: string | undefined, groupId: string | undefined): string =>
    objectMember(name, (isUnset(userId) ? '' : user(userId ?? '')) + (isUnset(groupId) ? '' : group(groupId ?? '')));
  const isOtherUser = ids.euid !== uid;
  const members =
    (isUnset(uid) ? '' : user(uid ?? '')) +
    (isUnset(gid) ? '' : group(gid ?? '')) +
    other('effective', isOtherUser ? ids.euid : undefined, isOtherUser || ids.egid !== gid ? ids.egid : undefined) +
    (isUnset(ids.auid) ? '' : objectMember('audit', user(ids.auid ?? ''))) +
    other('saved', ids.suid, ids.sgid) +
    other('filesystem', ids.fsuid, ids.fsgid) +
    objectMember('selinux', labelMembers(label));
  const related = found.length === 0 ? '' : flat(jsonArray(found.sort()));
  const actor = labelOf(ids.auid, names);
  const actorAs = isUnset(uid) ? undefined : labelOf(uid, names);
  return {
    object: flat(objectMember('user', members)),
    related,
    relatedMember: related === '' ? '' : flat(`,"related":{"user":${related}}`),
    actor,
    actorAs,
    actorMember: flat(actorMember(actor, actorAs)),
  };
}

/** The name of an id, else the id, else `unset`. */
export function labelOf(id: string | undefined, names: IdNames): string {
  return isUnset(id) ? 'unset' : (names.user(id ?? '') ?? id ?? 'unset');
}

interface KnownText {
  text: UserText;
  label: string | undefined;
  version: number | undefined;
  signature: string;
}

/** {@link userTextOf} with a memory, asked again when a name has changed. */
export function createUserTexts(names: IdNames): (ids: Ids, label: string | undefined) => UserText {
  const texts = new WeakMap<Ids, KnownText>();
  return (ids, label) => {
    const known = texts.get(ids);
    const version = names.version();
    if (known !== undefined && known.label === label && known.version === version && version !== undefined)
      return known.text;
    const signature = signatureOf(ids, names);
    if (known !== undefined && known.signature === signature && known.label === label) {
      known.version = version;
      return known.text;
    }
    const text = userTextOf(ids, names, label);
    texts.set(ids, { text, label, version, signature });
    return text;
  };
}

function signatureOf(ids: Ids, names: IdNames): string {
  const { auid, uid, euid, suid, fsuid, gid, egid, sgid, fsgid } = ids;
  const user = (id: string | undefined): string => (isUnset(id) ? '' : (names.user(id ?? '') ?? ''));
  const group = (id: string | undefined): string => (isUnset(id) ? '' : (names.group(id ?? '') ?? ''));
  let signature = `${user(uid)}/${group(gid)}/${user(auid)}`;
  // The same id has the same name: only others need be asked for.
  if (euid !== uid) signature += `/${user(euid)}`;
  if (suid !== uid) signature += `/${user(suid)}`;
  if (fsuid !== uid) signature += `/${user(fsuid)}`;
  if (egid !== gid) signature += `/${group(egid)}`;
  if (sgid !== gid) signature += `/${group(sgid)}`;
  if (fsgid !== gid) signature += `/${group(fsgid)}`;
  return signature;
}
