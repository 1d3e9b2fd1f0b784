// Log sources of Sigma in our events: which events they are and what their fields are called. A source that nobody sends us is told;
// one whose fields nobody can know here is refused.
import { visible } from '../diagnostic.ts';
import { allOf, anyOf, call, literals, not, operand, type Written } from '../foreign/expression-writer.ts';
import { CALL_SORTS, leadingSort, otherLeading, withEcs } from './audit-records.ts';
import { itemsOf, type Search } from './search.ts';
import { ecsField, type FieldTarget, field, joined, never, type Sort, type Target } from './target.ts';

/** What `logsource` says, in lower case. */
export interface LogSourceKeys {
  readonly product: string | undefined;
  readonly category: string | undefined;
  readonly service: string | undefined;
}

export interface LogSource {
  /** What a rule of this source is asked of. */
  readonly sorts: (search: Search) => readonly Sort[];
  /** Where keywords are looked for. */
  readonly keywords: readonly FieldTarget[];
  /** Shown in alerts beside the fields that the rule asks for. */
  readonly include: readonly string[];
  /** Said of every rule of this source. */
  readonly remark: string | undefined;
}

export interface SourceProblem {
  readonly kind: 'problem';
  readonly message: string;
  readonly remedy: string;
}

const ORIGINAL = field('event.original');
/** The records as they came, and the arguments as they were before the kernel wrote those with spaces in hexadecimal. */
const AUDIT_KEYWORDS = [ORIGINAL, joined('process.args'), field('auditd.data.cmd')];
const LOG_KEYWORDS = [field('message'), ORIGINAL];

const PROCESS: Readonly<Record<string, Target>> = {
  Image: field('process.executable'),
  CommandLine: joined('process.args'),
  CurrentDirectory: field('process.working_directory'),
  ParentImage: field('process.parent.executable'),
  ParentCommandLine: joined('process.parent.args'),
  ProcessId: field('process.pid'),
  ParentProcessId: field('process.parent.pid'),
  ProcessGuid: field('process.entity_id'),
  ParentProcessGuid: field('process.parent.entity_id'),
  User: field('user.name'),
  LogonId: field('auditd.session'),
  TerminalSessionId: field('auditd.session'),
  sha256: field('process.hash.sha256'),
  UtcTime: field('@timestamp'),
  Computer: field('host.name'),
  ...nevers(
    'programs of Linux hold no such words',
    'OriginalFileName',
    'Description',
    'Product',
    'Company',
    'FileVersion',
  ),
  ...nevers('processes of Linux have no such level', 'IntegrityLevel', 'ParentIntegrityLevel'),
  ...nevers(
    'of a file only its SHA-256 is made (`sha256`), where the collector is told to',
    'Hashes',
    'md5',
    'sha1',
    'Imphash',
  ),
  ...nevers('of a parent only its program and its arguments are known', 'ParentUser'),
  ...nevers('of a login only its number is known (`LogonId`)', 'LogonGuid'),
};

const FILE: Readonly<Record<string, Target>> = {
  TargetFilename: field('file.path'),
  SourceFilename: field('file.Ext.original.path'),
  Image: field('process.executable'),
  ParentImage: field('process.parent.executable'),
  ProcessId: field('process.pid'),
  ProcessGuid: field('process.entity_id'),
  User: field('user.name'),
  UtcTime: field('@timestamp'),
  Computer: field('host.name'),
  ...nevers('events on files name the program, not its arguments', 'CommandLine', 'ParentCommandLine'),
  ...nevers('the kernel does not tell when a file was made', 'CreationUtcTime'),
  ...nevers('of what files hold nothing is known', 'Contents', 'Hashes', 'MagicHeader'),
};

const NAMES_ARE_UNKNOWN = 'the kernel sees addresses, and names are resolved before the call';
const NETWORK: Readonly<Record<string, Target>> = {
  Image: field('process.executable'),
  ParentImage: field('process.parent.executable'),
  ProcessId: field('process.pid'),
  ProcessGuid: field('process.entity_id'),
  User: field('user.name'),
  DestinationIp: field('destination.ip'),
  DestinationPort: field('destination.port'),
  SourceIp: field('source.ip'),
  SourcePort: field('source.port'),
  Protocol: field('network.transport'),
  Initiated: field('network.direction', {
    values: new Map([
      ['true', 'egress'],
      ['false', 'ingress'],
    ]),
  }),
  DestinationIsIpv6: field('network.type', { values: versions() }),
  SourceIsIpv6: field('network.type', { values: versions() }),
  UtcTime: field('@timestamp'),
  Computer: field('host.name'),
  ...nevers(NAMES_ARE_UNKNOWN, 'DestinationHostname', 'SourceHostname'),
  ...nevers('events on connections name the program, not its arguments', 'CommandLine', 'ParentCommandLine'),
};

function versions(): ReadonlyMap<string, string> {
  return new Map([
    ['true', 'ipv6'],
    ['false', 'ipv4'],
  ]);
}

function nevers(why: string, ...names: readonly string[]): Readonly<Record<string, Target>> {
  return Object.fromEntries(names.map((name) => [name, never(why)]));
}

const SUCCEEDED = not(operand('event.outcome = "failure"'));
/** A connection that is on its way fails with this, so that the caller need not wait. */
const CONNECTED = anyOf([SUCCEEDED, operand('error.code = "EINPROGRESS"')]);
const OPENED_TO_MAKE = allOf([
  operand('event.action = "opened-file"'),
  call('is', 'auditd.data.open_flags', literals(['O_CREAT', 'O_TRUNC'])),
]);

const PROCESS_INCLUDE = ['user.name', 'process.executable', 'process.command_line', 'process.parent.command_line'];
const FILE_INCLUDE = ['user.name', 'file.path', 'process.executable', 'process.title'];

const CATEGORIES: Readonly<Record<string, LogSource>> = {
  process_creation: source([operand('event.action = "executed"'), SUCCEEDED], PROCESS, PROCESS_INCLUDE),
  file_event: source(
    [
      SUCCEEDED,
      operand('"file" in event.category'),
      anyOf([
        operand('"creation" in event.type'),
        OPENED_TO_MAKE,
        operand(`event.action in ${literals(['renamed', 'linked', 'symlinked', 'copied-file-content'])}`),
      ]),
    ],
    FILE,
    FILE_INCLUDE,
  ),
  file_delete: source([SUCCEEDED, operand('event.action = "deleted"')], FILE, FILE_INCLUDE),
  file_rename: source([SUCCEEDED, operand('event.action = "renamed"')], FILE, FILE_INCLUDE),
  file_access: source([SUCCEEDED, operand('event.action = "opened-file"')], FILE, FILE_INCLUDE),
  network_connection: source(
    [
      operand(`event.action in ${literals(['connected-to', 'accepted-connection-from'])}`),
      CONNECTED,
      anyOf([call('exists', 'destination.ip'), call('exists', 'source.ip')]),
    ],
    NETWORK,
    ['user.name', 'process.executable', 'destination.ip', 'destination.port', 'source.ip'],
  ),
};

function source(
  presence: readonly Written[],
  targets: Readonly<Record<string, Target>>,
  include: readonly string[],
): LogSource {
  const sort: Sort = {
    presence: allOf(presence),
    target: (name) => (Object.hasOwn(targets, name) ? targets[name] : ecsField(name)),
  };
  return { sorts: () => [sort], keywords: AUDIT_KEYWORDS, include, remark: undefined };
}

const ANY_EVENT: Sort = { presence: operand('true'), target: ecsField };

/** A line of a log that a program writes itself. */
const OTHER_LOG: Sort = {
  presence: operand('true'),
  target: (name) => ecsField(name) ?? never('this log is neither collected nor taken apart; keywords can be asked for'),
};

const AUDITD: LogSource = {
  sorts: auditSorts,
  keywords: AUDIT_KEYWORDS,
  include: ['user.name', 'process.executable', 'process.command_line', 'file.path', 'auditd.data.syscall'],
  remark: undefined,
};

/** The sorts of record that the rule may mean: those that its searches name by `type`, and those that lead no event. */
function auditSorts(search: Search): readonly Sort[] {
  const items = itemsOf(search);
  const onFields = items.filter(({ field: name }) => name !== undefined && ecsField(name) === undefined);
  if (onFields.length === 0) return [{ presence: operand('event.module = "auditd"'), target: ecsField }];
  const known = new Set(CALL_SORTS.map(({ type }) => type));
  const named = new Set<string>();
  for (const { field: name, test } of items) {
    if (name !== 'type' || test.kind !== 'text') continue;
    for (const pattern of test.patterns) {
      const [only] = pattern;
      if (pattern.length === 1 && typeof only === 'object') named.add(only.text.toLowerCase());
    }
  }
  const leading = [...named].filter((type) => !known.has(type));
  return [...CALL_SORTS, ...leading.map(leadingSort), otherLeading(leading)].map(withEcs);
}

/** Logs that programs write themselves, as the services of Sigma's Linux rules are called. */
const NOT_COLLECTED = 'is not collected by Vedette; the rule sees what another shipper sends, as `message`';

/** The log source of a rule, or why there is none here. */
export function logSourceOf(keys: LogSourceKeys): LogSource | SourceProblem {
  const { product, category, service } = keys;
  if (product !== undefined && product !== 'linux') {
    const message = `Vedette watches Linux hosts: there are no events of \`${visible(product)}\``;
    return { kind: 'problem', message, remedy: 'Leave the rule out.' };
  }
  if (category !== undefined) {
    const known = Object.hasOwn(CATEGORIES, category) ? CATEGORIES[category] : undefined;
    if (known !== undefined && (service === undefined || service === 'auditd' || service === 'sysmon')) return known;
    const known_ = Object.keys(CATEGORIES).join(', ');
    const message = `the log source \`${visible([category, service ?? ''].join(' ').trim())}\` is not collected`;
    return { kind: 'problem', message, remedy: `Collected are the categories ${known_}, and the service auditd.` };
  }
  if (service === 'auditd') return AUDITD;
  if (product === undefined && service === undefined) {
    const message = '`logsource` names neither product, category nor service';
    return { kind: 'problem', message, remedy: 'Write `product: linux` and a category or a service.' };
  }
  if (service === undefined) {
    const keywords = [...LOG_KEYWORDS, joined('process.args'), field('auditd.data.cmd')];
    return { sorts: () => [ANY_EVENT], keywords, include: PROCESS_INCLUDE, remark: undefined };
  }
  return {
    sorts: () => [OTHER_LOG],
    keywords: LOG_KEYWORDS,
    include: ['message'],
    remark: `the log of \`${visible(service)}\` ${NOT_COLLECTED}`,
  };
}
