// Records that lead an event in ECS: logins and PAM (USER_*), configuration changes, anomalies, policy violations. Whatever
// has no field of its own goes into `auditd.data`, so that a record type never seen before is searchable too.

import { addData, addNamed, type Draft, dataName, qualified } from './draft.ts';
import { writeGroup, writeUsers } from './ecs-account.ts';
import { writePacket } from './ecs-network.ts';
import { capabilityPairs, fanotifyResponse, writeNamedFile, writeSeccomp } from './ecs-policy.ts';
import { type LineageWriter, programOf } from './ecs-process.ts';
import type { AuditRecord } from './event.ts';
import { bodyStart, fieldsOf, fieldsOfText, present, type RecordFields } from './fields.ts';
import { isIp } from './ip-address.ts';
import { member, numberMember } from './json.ts';
import { createMemo } from './memo.ts';
import { wordsOf } from './message-words.ts';
import { keysOf, pidOf } from './syscall-record.ts';
import { signalName } from './tables/errno.ts';
import { type RecordAction, recordAction } from './tables/record-action.ts';
import { isFromUserSpace, LOGIN, recordTypeName } from './tables/record-type.ts';
import { architectureName, syscallName } from './tables/syscall.ts';
import { type IdNames, isUnset, labelOf, userTextOf } from './user.ts';

export interface RecordContext {
  readonly names: IdNames;
  readonly lineage: LineageWriter;
  /** True when a SYSCALL of the same event has filled process and user. */
  readonly hasSyscall: boolean;
}

/** `USER_LOGIN` → `user_login`; `UNKNOWN[1999]` → `unknown[1999]`. */
export function messageTypeOf(type: number): string {
  return recordTypeName(type).toLowerCase();
}

const PROCESS_INFO: readonly [readonly string[], readonly string[]] = [['process'], ['info']];

/** Fills the draft from the record that leads the event. */
export function writeLeading(draft: Draft, record: AuditRecord, context: RecordContext): void {
  const fields = fieldsOf(record);
  const action = actionOf(record.type, fields);
  draft.messageType = messageTypeOf(record.type);
  draft.code = recordTypeName(record.type);
  draft.action =
    action?.action ?? recordTypeName(record.type).toLowerCase().replaceAll('_', '-').replaceAll(/[[\]]/g, '');
  draft.category = action?.category ?? PROCESS_INFO[0];
  draft.type = action?.type ?? PROCESS_INFO[1];
  draft.objectType = action?.object;
  writeOutcome(draft, fields, context.hasSyscall);
  if (record.type === FANOTIFY) draft.outcome = fields.kernel.get('resp') === '2' ? 'failure' : 'success';
  if (isFromUserSpace(record.type)) writeMessage(draft, record, fields, action, context);
  else writeKernelRecord(draft, record, fields, action, context);
  const { kernel, user } = fields;
  draft.said = wordsOf(record.type, user.size > 0 ? user : record.type === ANOM_ABEND ? withSignal(kernel) : kernel);
}

const FANOTIFY = 1331;
const ANOM_ABEND = 1701;

function withSignal(kernel: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  return new Map(kernel).set('sig', meaningOf('sig', kernel.get('sig') ?? '', kernel));
}

/** Texts of accompanying records that are remembered: root's execs all carry the same capabilities. */
const ACCOMPANYING_ENTRIES = 1024;

/** Writes the fields of records that accompany a syscall into `auditd.data`. */
export function createAccompanyingWriter(): (draft: Draft, record: AuditRecord) => void {
  let type = 0;
  const pairsOf = createMemo(ACCOMPANYING_ENTRIES, (text) => ({ type, pairs: pairsOfText(text, type) }));
  return (draft, record) => {
    type = record.type;
    const text = record.text.slice(bodyStart(record.text));
    const known = pairsOf(text);
    // The same text may stand in records of two types, and mean two things.
    const pairs = known.type === type ? known.pairs : pairsOfText(text, type);
    for (const [name, value] of pairs) addNamed(draft, name, value);
  };
}

function pairsOfText(text: string, type: number): readonly (readonly [string, string])[] {
  const messageType = messageTypeOf(type);
  return [...fieldsOfText(text, type)].flatMap(([name, value]) => {
    if (value === '(null)') return [];
    const said = name === 'sigev_signo' ? (signalName(Number(value)) ?? value) : value;
    const pairs: (readonly [string, string])[] = [[dataName(qualified(name, messageType)), said]];
    pairs.push(...capabilityPairs(type, name, value));
    return pairs;
  });
}

/** What AppArmor writes as AVC (1400) is told by its first field. */
const APPARMOR_TYPES: ReadonlyMap<string, number> = new Map([
  ['STATUS', 1505],
  ['ERROR', 1506],
]);
const APPARMOR_DENIED = 1503;

function actionOf(type: number, { kernel, user }: RecordFields): RecordAction | undefined {
  if (type === USER_CHAUTHTOK && !isOfPassword(user.get('op'))) return recordAction(USER_MGMT);
  const apparmor = kernel.get('apparmor') ?? user.get('apparmor');
  const action = recordAction(apparmor === undefined ? type : (APPARMOR_TYPES.get(apparmor) ?? APPARMOR_DENIED));
  if (action === undefined) return undefined;
  if (action.action === 'violated-access-policy' && kernel.has('seresult'))
    return { ...action, action: kernel.get('seresult') === 'granted' ? GRANTED : 'violated-selinux-policy' };
  const software = type === SOFTWARE_UPDATE ? SOFTWARE_CHANGES.get(user.get('op') ?? '') : undefined;
  return software === undefined ? action : { ...action, action: software[0], type: [software[1]] };
}

/** SELinux tells of accesses that its policy lets pass (`auditallow`): they violate nothing. */
const GRANTED = 'allowed-by-selinux-policy';
const SOFTWARE_UPDATE = 1138;
const SOFTWARE_CHANGES: ReadonlyMap<string, readonly [action: string, type: string]> = new Map([
  ['remove', ['removed-software', 'deletion']],
  ['update', ['updated-software', 'change']],
]);

const USER_MGMT = 1102;
const USER_CHAUTHTOK = 1108;

/** usermod and its like write USER_CHAUTHTOK for every change of an account: only PAM's, and those that say so, are of a password. */
function isOfPassword(op: string | undefined): boolean {
  return op === undefined || /passw|chauthtok/i.test(op);
}

const SUCCESS: ReadonlySet<string> = new Set(['success', 'yes', '1', 'granted', 'ALLOWED']);
const FAILURE: ReadonlySet<string> = new Set(['failed', 'fail', 'no', '0', 'denied', 'DENIED']);

function writeOutcome(draft: Draft, { kernel, user }: RecordFields, hasSyscall: boolean): void {
  const own = user.get('res') ?? kernel.get('res') ?? user.get('result') ?? kernel.get('result');
  // A policy may deny and, being permissive, let pass: then the syscall's word counts.
  const result =
    own ?? (hasSyscall ? undefined : (kernel.get('seresult') ?? kernel.get('apparmor') ?? user.get('seresult')));
  if (result === undefined) return;
  if (SUCCESS.has(result)) draft.outcome = 'success';
  else if (FAILURE.has(result)) draft.outcome = 'failure';
}

/** Fields that ECS has a place for, so that `auditd.data` need not hold them. */
const PLACED: ReadonlySet<string> = new Set(
  'pid ppid uid gid euid suid fsuid egid sgid fsgid auid ses comm exe res result success'.split(' '),
);

function writeProcessAndUser(
  draft: Draft,
  kernel: ReadonlyMap<string, string>,
  exe: string | undefined,
  context: RecordContext,
): void {
  const { names, lineage } = context;
  const known = lineage.write(draft, pidOf(kernel.get('pid')), pidOf(kernel.get('ppid')));
  const comm = kernel.get('comm');
  const executable = exe ?? present(kernel.get('exe'));
  draft.process += member('name', present(comm) ?? known?.name) + member('executable', executable ?? known?.executable);
  draft.how = programOf(executable, present(comm));
  const text = userTextOf(idsOf(kernel), names, kernel.get('subj'));
  draft.user = text.object;
  draft.relatedUsers = text.related;
  draft.actor = text.actor;
  draft.actorAs = text.actorAs;
  draft.session = present(kernel.get('ses'));
}

function writeKernelRecord(
  draft: Draft,
  record: AuditRecord,
  { kernel }: RecordFields,
  action: RecordAction | undefined,
  context: RecordContext,
): void {
  if (!context.hasSyscall) {
    writeProcessAndUser(draft, kernel, undefined, context);
    draft.keys = record.type === CONFIG_CHANGE ? [] : keysOf(kernel.get('key'));
  }
  for (const [name, value] of kernel) {
    if (PLACED.has(name) || value === '(null)') continue;
    if (name === 'key' && record.type !== CONFIG_CHANGE) continue;
    if (context.hasSyscall && (name === 'tty' || name === 'subj')) continue;
    addData(draft, record.type === SECCOMP ? name : qualified(name, draft.messageType), meaningOf(name, value, kernel));
  }
  const object = firstOf(action?.primary ?? [], kernel);
  if (object !== undefined) draft.object = meaningOf(object.name, object.value, kernel);
  if (record.type === LOGIN) writeLogin(draft, kernel, context);
  if (record.type === NETFILTER_PKT) writePacket(draft, kernel);
  if (record.type === SECCOMP) writeSeccomp(draft, kernel);
  writeNamedFile(draft, record.type, kernel);
}

const CONFIG_CHANGE = 1305;
const SECCOMP = 1326;
const NETFILTER_PKT = 1324;

/** Numbers that have names: syscall, architecture, signal. */
function meaningOf(name: string, value: string, fields: ReadonlyMap<string, string>): string {
  if (name === 'arch') return architectureName(value);
  if (name === 'syscall') return syscallName(fields.get('arch') ?? '', Number(value)) ?? value;
  if (name === 'sig') return signalName(Number(value)) ?? value;
  if (name === 'resp') return fanotifyResponse(value);
  return value;
}

/** LOGIN: the account that was logged in is the user, as with every login; who wrote it is `user.effective` where it differs. */
function writeLogin(draft: Draft, kernel: ReadonlyMap<string, string>, { names }: RecordContext): void {
  const auid = kernel.get('auid') ?? kernel.get('new-auid');
  const old = kernel.get('old-auid');
  draft.session = present(kernel.get('ses') ?? kernel.get('new-ses')) ?? draft.session;
  draft.actor = labelOf(old, names);
  draft.actorAs = labelOf(kernel.get('uid'), names);
  if (isUnset(auid)) return;
  draft.object = labelOf(auid, names);
  const writer = { id: kernel.get('uid'), label: kernel.get('subj') };
  writeUsers(draft, { id: auid, target: { id: writer.id, name: undefined }, hasTarget: false }, names, writer);
}

/** PAM and its like: `user` is who logged in (auid), `user.effective` the account meant, `user.target` an account changed. */
function writeMessage(
  draft: Draft,
  record: AuditRecord,
  { kernel, user }: RecordFields,
  action: RecordAction | undefined,
  context: RecordContext,
): void {
  const { names } = context;
  const auid = kernel.get('auid');
  const isOfGroup = action?.type.includes('group') === true;
  const group = present(user.get('grp'));
  if (isOfGroup) writeGroup(draft, user, names);
  else if (group !== undefined) writeGroup(draft, new Map([['grp', group]]), names);
  const account = accountOf(user, action, isOfGroup);
  // auditd's own records have no `msg='…'`: their fields are all kernel-side.
  const said = user.size > 0 ? user : kernel;
  writeProcessAndUser(draft, kernel, present(said.get('exe')), context);
  writeUsers(draft, { id: auid, target: account, hasTarget: action?.hasTarget === true, isOfGroup }, names, {
    id: kernel.get('uid'),
    label: kernel.get('subj'),
  });
  draft.actor = labelOf(auid, names);
  draft.actorAs =
    account.name ?? (account.id === undefined ? labelOf(kernel.get('uid'), names) : labelOf(account.id, names));
  const cwd = present(user.get('cwd'));
  draft.process += member('working_directory', cwd);
  const service = serviceOf(draft, said);
  draft.service += member('name', service);
  writeSource(draft, record, said);
  for (const [name, value] of said) {
    if (name === 'exe' || name === 'res' || name === 'cwd' || value === '?' || value === '(null)' || value === '')
      continue;
    if (said === kernel && PLACED.has(name)) continue;
    if (name === 'addr' && draft.source !== '' && COMES_FROM_OUTSIDE.has(record.type)) continue;
    addData(draft, name, value);
  }
  for (const name of ['subj', 'tty']) {
    const value = said === kernel ? undefined : kernel.get(name);
    if (value !== undefined) addData(draft, name, value);
  }
  draft.object =
    firstOf(action?.primary ?? [], said)?.value ??
    draft.object ??
    service ??
    (draft.objectType === 'account' ? account.id : undefined);
  draft.objectAs =
    (record.type === CRYPTO_SESSION ? present(said.get('rport')) : undefined) ??
    present(said.get('addr')) ??
    present(said.get('hostname'));
}

/** systemd names the unit; Upstart only the program, as `comm`. */
function serviceOf(draft: Draft, said: ReadonlyMap<string, string>): string | undefined {
  if (draft.objectType !== 'service') return undefined;
  return present(said.get('unit')) ?? (draft.code.startsWith('SERVICE_') ? present(said.get('comm')) : undefined);
}

/** The account that a program means. Of a group `id` is the group's, and so is `acct` where no other names it. */
function accountOf(
  user: ReadonlyMap<string, string>,
  action: RecordAction | undefined,
  isOfGroup: boolean,
): { readonly id: string | undefined; readonly name: string | undefined } {
  const name = present(user.get('acct'));
  if (isOfGroup) return { id: undefined, name: name === present(user.get('grp')) ? undefined : name };
  // PAM modules and sshd of RHEL 5 write `uid=500: ` for it.
  const isOfAccount = action !== undefined && ACCOUNT_CATEGORIES.has(action.category[0] ?? '');
  const uid = isOfAccount ? /^([0-9]{1,10})$/.exec(user.get('uid') ?? '')?.[1] : undefined;
  return { id: present(user.get('id')) ?? (name === undefined ? uid : undefined), name };
}

const ACCOUNT_CATEGORIES: ReadonlySet<string> = new Set(['authentication', 'session', 'iam']);
const CRYPTO_SESSION = 2407;
const DAEMON_ACCEPT = 1207;
const DAEMON_CLOSE = 1208;
/** USER_START, USER_ERR, USER_LOGIN, CRYPTO_KEY_USER and others: their address is where a session comes from. */
const COMES_FROM_OUTSIDE: ReadonlySet<number> = new Set([
  1105,
  1109,
  1112,
  DAEMON_ACCEPT,
  DAEMON_CLOSE,
  2404,
  CRYPTO_SESSION,
]);
/** The port beside `addr`, by the field that has it. */
const PORT_FIELDS: ReadonlyMap<number, string> = new Map([
  [CRYPTO_SESSION, 'rport'],
  [DAEMON_ACCEPT, 'port'],
  [DAEMON_CLOSE, 'port'],
]);

function writeSource(draft: Draft, record: AuditRecord, said: ReadonlyMap<string, string>): void {
  const address = present(said.get('addr'));
  if (address === undefined || !isIp(address)) return;
  const port = portOf(said.get(PORT_FIELDS.get(record.type) ?? ''));
  draft.source += member('ip', address) + member('address', address) + numberMember('port', port);
  draft.addresses = [address];
  const local = present(said.get('laddr'));
  if (record.type === CRYPTO_SESSION && local !== undefined && isIp(local)) {
    draft.destination +=
      member('ip', local) + member('address', local) + numberMember('port', portOf(said.get('lport')));
    draft.addresses = [...new Set([address, local])];
  }
  if (COMES_FROM_OUTSIDE.has(record.type)) draft.network += member('direction', 'ingress');
}

function portOf(text: string | undefined): number | undefined {
  return text === undefined || !/^[0-9]{1,5}$/.test(text) ? undefined : Number(text);
}

function idsOf(kernel: ReadonlyMap<string, string>) {
  const id = (name: string): string | undefined => kernel.get(name);
  const [auid, uid, gid, euid, suid] = [id('auid'), id('uid'), id('gid'), id('euid'), id('suid')];
  const [fsuid, egid, sgid, fsgid] = [id('fsuid'), id('egid'), id('sgid'), id('fsgid')];
  return { auid, uid, gid, euid, suid, fsuid, egid, sgid, fsgid, tty: id('tty'), ses: id('ses') };
}

function firstOf(
  candidates: readonly string[],
  fields: ReadonlyMap<string, string>,
): { readonly name: string; readonly value: string } | undefined {
  for (const name of candidates) {
    const value = present(fields.get(name));
    if (value !== undefined) return { name, value };
  }
  return undefined;
}
