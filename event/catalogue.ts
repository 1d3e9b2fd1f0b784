// The field catalogue: every field that Vedette writes or knows, with its type. From it come the lint's types, the embedded
// store's columns, the Elasticsearch mapping and the field documentation. A field that is not here is stored all the same.

/** `keyword` text compared exactly; `flattened` an open-ended object. */
export type FieldType = 'keyword' | 'text' | 'long' | 'ip' | 'date' | 'boolean' | 'flattened';

export interface Field {
  readonly name: string;
  readonly type: FieldType;
  /** True when the value is an array of `type`. */
  readonly isArray: boolean;
  /** True when the embedded store keeps it in a column of its own. */
  readonly isColumn: boolean;
  readonly description: string;
}

type Flag = 'array' | 'column';

function field(name: string, type: FieldType, description: string, ...flags: readonly Flag[]): Field {
  return { name, type, isArray: flags.includes('array'), isColumn: flags.includes('column'), description };
}

export const FIELDS: readonly Field[] = [
  field('@timestamp', 'date', 'When it happened: the kernel’s stamp of the syscall’s entry.', 'column'),
  field('ecs.version', 'keyword', 'Version of the Elastic Common Schema.'),
  field('message', 'text', 'One sentence for people.'),
  field('tags', 'keyword', 'Keys of the audit rules that asked for the event.', 'array', 'column'),
  field('event.kind', 'keyword', '`event`, or `metric`, `state`, `pipeline_error` of Vedette’s own.', 'column'),
  field('event.category', 'keyword', 'ECS categories: process, network, file, authentication, …', 'array', 'column'),
  field('event.type', 'keyword', 'ECS types: start, end, change, creation, deletion, connection, …', 'array', 'column'),
  field('event.action', 'keyword', 'What was done: `executed`, `connected-to`, `opened-file`, …', 'column'),
  field('event.outcome', 'keyword', 'success, failure or unknown.', 'column'),
  field('event.sequence', 'long', 'The audit serial: 32 bits, unique within a boot.', 'column'),
  field('event.created', 'date', 'When the event was complete on its host; never decreases within a boot.', 'column'),
  field('event.ingested', 'date', 'When the server took it.', 'column'),
  field('event.original', 'text', 'The raw records, joined by a newline, byte for byte.', 'column'),
  field('event.module', 'keyword', '`auditd`, or `vedette` for its own documents.', 'column'),
  field('event.dataset', 'keyword', '`auditd.log`, `vedette.loss`, `vedette.status`, `vedette.silence`, …', 'column'),
  field('event.reason', 'keyword', 'Why, where there is a reason: the errno’s name, or a sentence.'),
  field('event.code', 'keyword', 'The syscall’s name, or the record type’s.'),
  field('error.code', 'keyword', 'The errno’s name of a failed syscall, such as EACCES.'),
  field('host.id', 'keyword', 'The host’s id: what its token says.', 'column'),
  field('host.name', 'keyword', 'The host’s name.', 'column'),
  field('host.hostname', 'keyword', 'What `hostname` says.'),
  field('host.ip', 'ip', 'The host’s addresses.', 'array'),
  field('host.architecture', 'keyword', 'x86_64, aarch64, …'),
  field('host.os.type', 'keyword', '`linux`.'),
  field('host.os.name', 'keyword', 'The distribution.'),
  field('host.os.version', 'keyword', 'The distribution’s version.'),
  field('host.os.kernel', 'keyword', 'The kernel’s release.'),
  field('host.boot.id', 'keyword', 'The kernel’s boot_id.', 'column'),
  field('agent.id', 'keyword', 'The collector’s id.'),
  field('agent.type', 'keyword', '`vedette`.'),
  field('agent.version', 'keyword', 'The collector’s version.'),
  field('process.pid', 'long', 'Process id.', 'column'),
  field('process.entity_id', 'keyword', 'Host, boot, pid and start time: immune to PID reuse.', 'column'),
  field('process.name', 'keyword', 'comm: the kernel’s 15 bytes of name.', 'column'),
  field('process.executable', 'keyword', 'Absolute path of the executable.', 'column'),
  field('process.args', 'keyword', 'The arguments, complete.', 'array', 'column'),
  field('process.args_count', 'long', 'How many arguments.'),
  field('process.command_line', 'keyword', 'The arguments quoted as a shell needs them.', 'column'),
  field('process.title', 'keyword', 'proctitle: at most 128 bytes.'),
  field('process.working_directory', 'keyword', 'The current directory.'),
  field('process.tty', 'keyword', 'The terminal.'),
  field('process.exit_code', 'long', 'Exit code, for exit calls.'),
  field('process.start', 'date', 'When the process started.'),
  field('process.parent.pid', 'long', 'Parent’s process id.', 'column'),
  field('process.parent.entity_id', 'keyword', 'Parent’s entity id.', 'column'),
  field('process.parent.name', 'keyword', 'Parent’s name.', 'column'),
  field('process.parent.executable', 'keyword', 'Parent’s executable.', 'column'),
  field('process.parent.args', 'keyword', 'Parent’s arguments.', 'array'),
  field('process.parent.command_line', 'keyword', 'Parent’s command line.', 'column'),
  field('process.ancestors.name', 'keyword', 'Names of the ancestors, the parent first, up to init.', 'array'),
  field('process.ancestors.entity_id', 'keyword', 'Their entity ids, in the same order.', 'array'),
  field('process.ancestors.pid', 'long', 'Their pids, in the same order.', 'array'),
  field('process.ancestors.executable', 'keyword', 'Their executables, in the same order.', 'array'),
  field('process.ancestors_complete', 'boolean', 'True when the chain reaches pid 1 or the kernel.'),
  field('process.session_leader.pid', 'long', 'Leader of the session: a login’s shell, a daemon.'),
  field('process.session_leader.entity_id', 'keyword', 'Its entity id.'),
  field('process.session_leader.name', 'keyword', 'Its name.'),
  field('process.session_leader.executable', 'keyword', 'Its executable.'),
  field(
    'process.previous.name',
    'keyword',
    'Names that this process had before it execed in place, oldest first.',
    'array',
  ),
  field('process.previous.executable', 'keyword', 'Executables it was before.', 'array'),
  field('process.previous.args', 'keyword', 'Arguments it had before.', 'array'),
  field('process.hash.sha256', 'keyword', 'SHA-256 of the executable, where `collector.hash_executables` is set.'),
  field('process.Ext.script.path', 'keyword', 'The script that an interpreter runs.'),
  field('process.parent.Ext.script.path', 'keyword', 'The script that the parent runs.'),
  field('user.id', 'keyword', 'uid; for logins the auid.', 'column'),
  field('user.name', 'keyword', 'Its name.', 'column'),
  field('user.group.id', 'keyword', 'gid.'),
  field('user.group.name', 'keyword', 'Its name.'),
  field('user.effective.id', 'keyword', 'euid where it differs from uid; the account that PAM events name.', 'column'),
  field('user.effective.name', 'keyword', 'Its name.', 'column'),
  field('user.effective.group.id', 'keyword', 'egid where euid or it differs.'),
  field('user.effective.group.name', 'keyword', 'Its name.'),
  field('user.audit.id', 'keyword', 'auid: who logged in.', 'column'),
  field('user.audit.name', 'keyword', 'Its name.', 'column'),
  field('user.saved.id', 'keyword', 'suid.'),
  field('user.saved.name', 'keyword', 'Its name.'),
  field('user.saved.group.id', 'keyword', 'sgid.'),
  field('user.saved.group.name', 'keyword', 'Its name.'),
  field('user.filesystem.id', 'keyword', 'fsuid.'),
  field('user.filesystem.name', 'keyword', 'Its name.'),
  field('user.filesystem.group.id', 'keyword', 'fsgid.'),
  field('user.filesystem.group.name', 'keyword', 'Its name.'),
  field('user.target.id', 'keyword', 'The account that is changed.'),
  field('user.target.name', 'keyword', 'Its name.'),
  field('user.target.group.id', 'keyword', 'The group that is changed.'),
  field('user.target.group.name', 'keyword', 'Its name.'),
  field('group.id', 'keyword', 'The group that is made, changed or removed.'),
  field('group.name', 'keyword', 'Its name.'),
  field('user.selinux.user', 'keyword', 'Label of the process: SELinux user.'),
  field('user.selinux.role', 'keyword', 'Its role.'),
  field('user.selinux.domain', 'keyword', 'Its domain.'),
  field('user.selinux.level', 'keyword', 'Its level.'),
  field('user.selinux.category', 'keyword', 'Its categories.'),
  field('related.user', 'keyword', 'Every user name of the event.', 'array'),
  field('related.ip', 'ip', 'Every address of the event.', 'array'),
  field('file.path', 'keyword', 'Absolute path of what was acted on; the new name of a rename.', 'column'),
  field('file.name', 'keyword', 'Its last part.'),
  field('file.directory', 'keyword', 'Its directory.'),
  field('file.extension', 'keyword', 'Its extension without the dot.'),
  field('file.inode', 'keyword', 'Inode.'),
  field('file.device', 'keyword', 'Device, major:minor.'),
  field('file.mode', 'keyword', 'Mode, four octal digits: SUID, SGID and sticky first.'),
  field('file.type', 'keyword', 'file, dir, symlink, device, fifo, socket.'),
  field('file.uid', 'keyword', 'Owner’s uid.'),
  field('file.gid', 'keyword', 'Group’s gid.'),
  field('file.owner', 'keyword', 'Owner’s name.'),
  field('file.group', 'keyword', 'Group’s name.'),
  field('file.target_path', 'keyword', 'Where a link points to.'),
  field('file.selinux.user', 'keyword', 'Label of the file: SELinux user.'),
  field('file.selinux.role', 'keyword', 'Its role.'),
  field('file.selinux.domain', 'keyword', 'Its type.'),
  field('file.selinux.level', 'keyword', 'Its level.'),
  field('file.selinux.category', 'keyword', 'Its categories.'),
  field('file.Ext.original.path', 'keyword', 'The old name of a rename.'),
  field('source.ip', 'ip', 'Who connected to us.', 'column'),
  field('source.port', 'long', 'Its port.', 'column'),
  field('source.address', 'keyword', 'The same as text, or a Unix socket’s path.'),
  field('destination.ip', 'ip', 'Whom we connected to.', 'column'),
  field('destination.port', 'long', 'Its port.', 'column'),
  field('destination.address', 'keyword', 'The same as text, or a Unix socket’s path.'),
  field('network.direction', 'keyword', 'egress or ingress.', 'column'),
  field('network.type', 'keyword', 'ipv4 or ipv6.'),
  field('network.transport', 'keyword', 'tcp or udp, where it is known.'),
  field('service.name', 'keyword', 'The unit that was started or stopped.'),
  field('container.id', 'keyword', 'The container’s id.'),
  field('container.name', 'keyword', 'The container’s name.'),
  field('container.runtime', 'keyword', 'docker, containerd, cri-o, podman, lxc, systemd-nspawn.'),
  field('container.image.name', 'keyword', 'Its image.'),
  field('orchestrator.type', 'keyword', '`kubernetes`.'),
  field('orchestrator.namespace', 'keyword', 'The pod’s namespace.'),
  field('orchestrator.resource.type', 'keyword', '`pod`.'),
  field('orchestrator.resource.name', 'keyword', 'The pod’s name.'),
  field('orchestrator.resource.id', 'keyword', 'The pod’s uid.'),
  field('kubernetes.pod.uid', 'keyword', 'The pod’s uid.'),
  field('kubernetes.pod.name', 'keyword', 'The pod’s name.'),
  field('kubernetes.namespace', 'keyword', 'The pod’s namespace.'),
  field(
    'auditd.message_type',
    'keyword',
    'The leading record’s type in lower case: `syscall`, `user_login`, …',
    'column',
  ),
  field('auditd.session', 'keyword', 'ses: the login session.'),
  field('auditd.result', 'keyword', 'success or fail.'),
  field('auditd.data', 'flattened', 'What no ECS field holds, decoded, under the audit field’s own name.'),
  field('auditd.paths', 'flattened', 'Every PATH record.', 'array'),
  field('auditd.summary.actor.primary', 'keyword', 'Who, as one word.'),
  field('auditd.summary.actor.secondary', 'keyword', 'As whom.'),
  field('auditd.summary.object.primary', 'keyword', 'On what.'),
  field('auditd.summary.object.secondary', 'keyword', 'Which part of it: a port, a peer’s address.'),
  field('auditd.summary.object.type', 'keyword', 'Of which kind.'),
  field('auditd.summary.how', 'keyword', 'By which program.'),
  field('vedette.position', 'long', 'Counts the events of a host and boot in the order of its spool.', 'column'),
  field('vedette.incomplete', 'keyword', 'Why the event is known to lack records.', 'array'),
  field('vedette.fragment_of', 'keyword', 'Id of the event that this late record belongs to.'),
  field('vedette.original_base64', 'keyword', 'The raw records where they are not UTF-8.'),
  field(
    'vedette.loss.source',
    'keyword',
    'Where events were lost: sequence, kernel, socket, spool, server, downtime, limits.',
  ),
  field('vedette.loss.at_least', 'long', 'So many events are certainly lost.'),
  field('vedette.loss.at_most', 'long', 'So many at the most; absent when no bound is known.'),
  field('vedette.loss.from', 'date', 'Not before this time.'),
  field('vedette.loss.to', 'date', 'Not after this time.'),
  field('vedette.loss.first_sequence', 'long', 'First missing audit serial.'),
  field('vedette.loss.last_sequence', 'long', 'Last missing audit serial.'),
  field('vedette.loss.first_position', 'long', 'First position that was given up.'),
  field('vedette.loss.last_position', 'long', 'Last position that was given up.'),
  field(
    'vedette.loss.owner',
    'keyword',
    'Whose events the spool gave up: `auid=1000`, or `uid=33` where nobody logged in.',
  ),
  field('vedette.loss.class', 'keyword', 'Of which class of the spool: `keep` or `bulk`.'),
  field('vedette.status', 'flattened', 'The collector’s own figures: CPU, memory, spool, rates, losses.'),
  field('vedette.tamper', 'flattened', 'What was done to the watching itself: pids, old and new values, files.'),
  field('vedette.limits', 'flattened', 'What the collector gave up to stay within its limits, and took up again.'),
  field('vedette.silence.since', 'date', 'Since when the host has said nothing.'),
];

const BY_NAME: ReadonlyMap<string, Field> = new Map(FIELDS.map((entry) => [entry.name, entry]));

/** The catalogue's entry for a field; also for one inside a `flattened` object (`auditd.data.a0`). */
export function fieldNamed(name: string): Field | undefined {
  const exact = BY_NAME.get(name);
  if (exact !== undefined) return exact;
  for (let end = name.lastIndexOf('.'); end > 0; end = name.lastIndexOf('.', end - 1)) {
    const parent = BY_NAME.get(name.slice(0, end));
    if (parent?.type === 'flattened') return { ...parent, name, type: 'keyword' };
  }
  return undefined;
}

/** Changes when the meaning of documents changes: a part of every rule's version. */
export const MAPPING_VERSION = 1;
