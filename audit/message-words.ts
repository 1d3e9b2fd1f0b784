// What the message says of a record whose action in words would not be true or not be readable: ECS names one action for all that a
// record type tells (`loaded-firewall-rule-to`, also where a rule was removed), and people read what was done.
//
// A phrase stands between who and with what: `root` removed firewall chain in filter `using /usr/sbin/nft`.
import { present } from './fields.ts';
import { recordTypeNumber } from './tables/record-type.ts';

type Fields = ReadonlyMap<string, string>;
type Say = (fields: Fields) => string | undefined;

/** What the record says was done; undefined where its action says it well enough. `fields` are the record's, decoded. */
export function wordsOf(type: number, fields: Fields): string | undefined {
  return SAYS.get(type)?.(fields);
}

const SETTINGS =
  'audit_enabled audit_pid audit_backlog_limit audit_backlog_wait_time audit_failure audit_rate_limit lost'.split(' ');

function configuration(fields: Fields): string | undefined {
  const setting = SETTINGS.find((name) => fields.has(name));
  if (setting !== undefined) return `set ${setting} to ${fields.get(setting)}${was(fields.get('old'))}`;
  const op = fields.get('op') ?? '';
  const key = present(fields.get('key'));
  const path = present(fields.get('path')) ?? present(fields.get('dir'));
  const rest = (path === undefined ? '' : ` of ${path}`) + (key === undefined ? '' : ` with key ${key}`);
  if (/^add[ _]rule/.test(op)) return `added audit rule${rest}`;
  if (/^remove[ _]rule/.test(op)) return `removed audit rule${rest}`;
  if (/^updated[ _]rules/.test(op)) return `updated audit rules${rest}`;
  return undefined;
}

function was(old: string | undefined): string {
  return old === undefined ? '' : `, was ${old}`;
}

const DONE: Readonly<Record<string, string>> = {
  register: 'added',
  unregister: 'removed',
  replace: 'replaced',
  reset: 'reset',
};

/** `nft_unregister_chain`, `xt_replace`, before 5.9 `replace`; older kernels tell no operation. */
function firewall(fields: Fields): string | undefined {
  const [, verb, what] =
    /^(?:nft_|xt_)?(register|unregister|replace|reset)(?:_(\w+))?$/.exec(fields.get('op') ?? '') ?? [];
  const table = fields.get('table');
  if (verb === undefined || table === undefined) return undefined;
  return what === undefined || what === 'table'
    ? `${DONE[verb]} firewall table ${table}`
    : `${DONE[verb]} firewall ${what.replaceAll('_', ' ')} in ${table}`;
}

function byOperation(words: Readonly<Record<string, string>>, ...names: readonly string[]): Say {
  return (fields) => {
    const verb = words[fields.get('op') ?? ''];
    if (verb === undefined) return undefined;
    for (const name of names) {
      const value = present(fields.get(name));
      if (value !== undefined) return `${verb} ${value}`;
    }
    return verb;
  };
}

function membership(fields: Fields): string | undefined {
  const [op = '', account, group] = [fields.get('op'), present(fields.get('acct')), present(fields.get('grp'))];
  if (account === undefined || group === undefined || account === group) return undefined;
  if (/^add/.test(op)) return `added ${account} to group ${group}`;
  if (/^(?:del|rem)/.test(op)) return `removed ${account} from group ${group}`;
  return undefined;
}

function violation(fields: Fields): string | undefined {
  const target = present(fields.get('path')) ?? present(fields.get('name')) ?? present(fields.get('capname'));
  const on = target === undefined ? '' : ` on ${target}`;
  const permissions = present(fields.get('seperms'));
  if (fields.has('seresult')) {
    const verb = fields.get('seresult') === 'granted' ? 'was allowed by selinux policy' : 'violated selinux policy';
    return `${verb}${permissions === undefined ? '' : ` to ${permissions}`}${on}`;
  }
  const [apparmor, operation, profile] = [fields.get('apparmor'), fields.get('operation'), fields.get('profile')];
  if (apparmor === undefined || apparmor === 'STATUS' || apparmor === 'ERROR') return undefined;
  return `violated apparmor policy${by(' of ', profile)}${by(' by ', operation)}${on}`;
}

function by(word: string, value: string | undefined): string {
  const said = present(value);
  return said === undefined ? '' : word + said;
}

function told(verb: string): Say {
  return (fields) => verb + by(': ', fields.get('op'));
}

const VM_VERBS: Readonly<Record<string, string>> = { start: 'started vm', stop: 'stopped vm', init: 'set up vm' };
const DENIED: Readonly<Record<string, string>> = { '1': 'allowed file access', '2': 'denied file access' };

const ROWS: readonly (readonly [types: string, say: Say])[] = [
  ['CONFIG_CHANGE', configuration],
  ['NETFILTER_CFG', firewall],
  [
    'NETFILTER_PKT',
    (fields) => `filtered packet${by(' from ', fields.get('saddr'))}${by(' to ', fields.get('daddr'))}`,
  ],
  ['BPF', byOperation({ LOAD: 'loaded bpf program', UNLOAD: 'unloaded bpf program' }, 'prog-id')],
  [
    'EVENT_LISTENER',
    byOperation({ connect: 'began to listen to audit events', disconnect: 'stopped listening to audit events' }),
  ],
  [
    'MAC_STATUS USER_MAC_STATUS',
    (fields) => setTo('mac enforcement', fields.get('enforcing'), fields.get('old_enforcing')),
  ],
  ['MAC_CONFIG_CHANGE', (fields) => setTo(fields.get('bool'), fields.get('val'), fields.get('old_val'))],
  ['FANOTIFY', (fields) => DENIED[fields.get('resp') ?? '']],
  ['DAEMON_START', () => 'started audit'],
  ['DAEMON_END', () => 'shut down audit'],
  ['DAEMON_ROTATE', () => 'rotated audit logs'],
  ['DAEMON_CONFIG DAEMON_RECONFIG', () => 'changed auditd configuration'],
  ['DAEMON_ACCEPT', (fields) => `accepted a remote audit connection${by(' from ', fields.get('addr'))}`],
  ['DAEMON_CLOSE', (fields) => `lost a remote audit connection${by(' from ', fields.get('addr'))}`],
  ['CRYPTO_KEY_USER', byOperation({ destroy: 'destroyed crypto key' }, 'fp')],
  [
    'CRYPTO_SESSION',
    (fields) => `started crypto session${by(' with ', fields.get('addr'))}${by(' port ', fields.get('rport'))}`,
  ],
  ['VIRT_CONTROL', byOperation(VM_VERBS, 'vm')],
  [
    'VIRT_RESOURCE',
    (fields) =>
      fields.get('reason') === 'detach'
        ? `took ${fields.get('resrc') ?? 'resource'} from vm${by(' ', fields.get('vm'))}`
        : `assigned ${fields.get('resrc') ?? 'resource'} to vm${by(' ', fields.get('vm'))}`,
  ],
  ['USER_MGMT GRP_MGMT USER_CHAUTHTOK', membership],
  ['USER_ROLE_CHANGE', (fields) => `changed role${by(' to ', fields.get('selected-context'))}`],
  [
    'ANOM_ABEND',
    (fields) => `crashed program${by(' ', fields.get('exe') ?? fields.get('comm'))}${by(' by ', fields.get('sig'))}`,
  ],
  ['AVC', violation],
  ['USER_AVC', (fields) => violation(fields) ?? told('told of a policy')(fields)],
  ['USER TRUSTED_APP', told('sent message')],
  ['USYS_CONFIG', told('changed system configuration')],
];

function setTo(what: string | undefined, value: string | undefined, old: string | undefined): string | undefined {
  return what === undefined || value === undefined ? undefined : `set ${what} to ${value}${was(old)}`;
}

const SAYS: ReadonlyMap<number, Say> = new Map(
  ROWS.flatMap(([types, say]) =>
    types.split(' ').map((name): readonly [number, Say] => [recordTypeNumber(name) ?? 0, say]),
  ),
);
