// Accounts in ECS as PAM, logins and account tools tell of them: `user` is who logged in (auid), `user.effective` the account meant,
// `user.target` or `group` the one that is changed.
import type { Draft } from './draft.ts';
import { present } from './fields.ts';
import { jsonArray, objectMember } from './json.ts';
import { labelMembers } from './selinux.ts';
import { type IdNames, isUnset, userMembers } from './user.ts';

interface Users {
  readonly id: string | undefined;
  readonly target: { readonly id: string | undefined; readonly name: string | undefined };
  readonly hasTarget: boolean;
  /** True where the account may be a group: then its name is no user's. */
  readonly isOfGroup?: boolean;
}

/** The program that sent the record: its uid, and its label. */
interface Sender {
  readonly id: string | undefined;
  readonly label: string | undefined;
}

/** Fills `user` and `related.user`. */
export function writeUsers(draft: Draft, users: Users, names: IdNames, sender?: Sender): void {
  const { id, hasTarget } = users;
  // Where no account is named, the one that the program runs under is what acts.
  const isNamed = users.target.id !== undefined || users.target.name !== undefined;
  const target = isNamed || hasTarget ? users.target : { id: sender?.id, name: undefined };
  const found = new Set<string>();
  const account = (accountId: string | undefined, given: string | undefined): string => {
    const name = given ?? (isUnset(accountId) ? undefined : names.user(accountId ?? ''));
    if (name !== undefined) found.add(name);
    const known = name === undefined || users.isOfGroup === true ? undefined : names.userId(name);
    return userMembers(isUnset(accountId) ? known : accountId, name);
  };
  const self = account(id, undefined);
  const isSame =
    target.name === undefined ? target.id === id : target.name === (isUnset(id) ? undefined : names.user(id ?? ''));
  const other = isSame ? '' : account(target.id, target.name);
  const changer = hasTarget && !isUnset(sender?.id) && sender?.id !== id ? account(sender?.id, undefined) : '';
  const members =
    self +
    objectMember('effective', hasTarget ? changer : other) +
    (hasTarget ? objectMember('target', account(target.id, target.name)) : '') +
    objectMember('audit', self) +
    objectMember('selinux', labelMembers(sender?.label));
  draft.user = objectMember('user', members);
  draft.relatedUsers = found.size === 0 ? '' : jsonArray([...found].sort());
}

/** The group that is changed: `grp=`; tools that make or remove one write `acct=` or `id=` for it. */
export function writeGroup(draft: Draft, user: ReadonlyMap<string, string>, names: IdNames): void {
  const id = present(user.get('id'));
  const name = present(user.get('grp')) ?? present(user.get('acct'));
  draft.group += userMembers(id, name ?? (isUnset(id) ? undefined : names.group(id ?? '')));
}
