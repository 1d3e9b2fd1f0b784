// Syscalls in ECS: the SYSCALL record with all that accompanies it, by what the call acts on.

import type { Draft } from './draft.ts';
import { type FileCall, type FileWriter, writeArguments } from './ecs-file.ts';
import { writeAddress } from './ecs-network.ts';
import { type LineageWriter, scriptMember } from './ecs-process.ts';
import type { AuditRecord } from './event.ts';
import { argumentsOf, commandLineOf } from './exec.ts';
import { fieldsOf } from './fields.ts';
import { arrayMember, member, numberMember } from './json.ts';
import type { PathRecord } from './path.ts';
import { scriptOf } from './script.ts';
import type { SocketAddress } from './socket-address.ts';
import type { ArgumentTexts } from './syscall-arguments.ts';
import type { Ids, SyscallRecord } from './syscall-record.ts';
import { errnoName, signalName } from './tables/errno.ts';
import { OPENAT2 } from './tables/record-type.ts';
import { socketcallAction, syscallAction } from './tables/syscall-action.ts';
import type { UserText } from './user.ts';

/** The records of an event by their part in it. */
export interface SyscallEvent {
  readonly syscall: SyscallRecord;
  /** The io_uring operation inside the call, where there is one. */
  readonly operation: SyscallRecord | undefined;
  readonly execve: readonly AuditRecord[];
  readonly paths: readonly PathRecord[];
  readonly cwd: string | undefined;
  /** `process.working_directory` and `process.title` as members. */
  readonly cwdMember: string;
  readonly titleMember: string;
  readonly address: SocketAddress | undefined;
  readonly others: readonly AuditRecord[];
}

export interface SyscallContext {
  readonly files: FileWriter;
  readonly writeAccompanying: (draft: Draft, record: AuditRecord) => void;
  readonly argumentTexts: ArgumentTexts;
  readonly lineage: LineageWriter;
  readonly userText: (ids: Ids, label: string | undefined) => UserText;
}

const GENERIC = { category: ['process'], type: ['info'] } as const;

/** Fills the draft from a syscall and its records. */
export function writeSyscall(draft: Draft, event: SyscallEvent, context: SyscallContext): void {
  const { syscall } = event;
  const acting = event.operation ?? syscall;
  const action =
    (acting.name === 'socketcall' ? socketcallAction(acting.args[0]) : undefined) ?? syscallAction(acting.name);
  draft.messageType = syscall.isUring ? 'uringop' : 'syscall';
  draft.code = acting.name;
  draft.action = action?.action ?? acting.name.replaceAll('_', '-');
  draft.category = action?.category ?? GENERIC.category;
  draft.type = action?.type ?? GENERIC.type;
  const success = acting.success ?? syscall.success;
  draft.outcome = success === undefined ? 'unknown' : success ? 'success' : 'failure';
  if (success === false) draft.errno = errnoOf(acting.exit);
  writeWho(draft, event, context);
  writeData(draft, event, acting, context);
  if (event.execve.length > 0) writeExec(draft, event, context);
  if (action !== undefined)
    writeSubject(draft, event, { syscall: acting, action, paths: event.paths, cwd: event.cwd }, context);
  draft.process += event.titleMember + event.cwdMember;
  for (const record of event.others) {
    if (record.type !== OPENAT2) context.writeAccompanying(draft, record);
  }
  draft.object ??= draft.fields?.get('opid')?.[0] ?? draft.fields?.get('name')?.[0] ?? targetOf(draft, acting);
  if (draft.action === 'killed-pid') draft.said = signalSaid(acting, draft.object);
  if (isMissingPath(event, acting)) draft.incomplete = [...draft.incomplete, 'missing-path'];
}

function writeWho(draft: Draft, event: SyscallEvent, context: SyscallContext): void {
  const { syscall } = event;
  const { ids, image } = syscall;
  const known = context.lineage.write(draft, syscall.pid, syscall.ppid);
  // An exec tells its script itself (writeExec).
  if (event.execve.length === 0) draft.process += scriptMember(known?.script);
  draft.process += image.members;
  if (image.comm === undefined) draft.process += member('name', known?.name);
  if (image.exe === undefined) draft.process += member('executable', known?.executable);
  draft.process += syscall.tail.ttyMember;
  const user = context.userText(ids, image.subj);
  if (!syscall.isUring && event.operation === undefined) draft.call = { record: syscall, user };
  draft.user = user.object;
  draft.relatedUsers = user.related;
  draft.actor = user.actor;
  draft.actorAs = user.actorAs;
  draft.how = image.how;
  draft.session = ids.ses;
  draft.keys = event.operation !== undefined && image.keys.length === 0 ? event.operation.image.keys : image.keys;
}

function writeData(draft: Draft, event: SyscallEvent, acting: SyscallRecord, context: SyscallContext): void {
  const { syscall } = event;
  draft.architecture = syscall.architecture;
  draft.data +=
    (syscall.isUring ? '' : member('syscall', syscall.name)) +
    (acting.isUring ? member('uring_op', acting.name) : '') +
    syscall.argumentMembers +
    context.argumentTexts(acting.name, acting.args) +
    syscall.tail.dataMembers;
}

function errnoOf(exit: string | undefined): string | undefined {
  return exit === undefined || !exit.startsWith('-') ? undefined : errnoName(Number(exit.slice(1)));
}

/** What the records that accompany a syscall say by themselves: a fragment, or an event whose SYSCALL was lost. */
export function writeWithoutSyscall(draft: Draft, parts: Omit<SyscallEvent, 'syscall'>, context: SyscallContext): void {
  const { execve, address, others } = parts;
  if (execve.length > 0) writeExec(draft, parts, context);
  draft.process += parts.titleMember + parts.cwdMember;
  // Whether it was reached or reached us, only the call would say.
  writeAddress(draft, address, 'local-socket');
  for (const record of others) context.writeAccompanying(draft, record);
}

function writeExec(
  draft: Draft,
  { syscall, execve, paths, cwd }: Omit<SyscallEvent, 'syscall'> & { readonly syscall?: SyscallRecord },
  context: SyscallContext,
): void {
  const { args, count, isIncomplete } = argumentsOf(execve);
  const script = scriptOf({
    comm: syscall?.image.comm,
    executable: syscall?.image.exe,
    args,
    cwd,
    paths,
  });
  if (script !== undefined) draft.process += scriptMember(script);
  if (syscall?.success === true) context.lineage.execed(args, script);
  draft.process += numberMember('args_count', count);
  draft.args = arrayMember('args', args);
  draft.commandLine = member('command_line', commandLineOf(args));
  draft.data += `,"argc":"${count}"`;
  if (isIncomplete) draft.incomplete = [...draft.incomplete, 'missing-argument'];
}

function writeSubject(draft: Draft, event: SyscallEvent, call: FileCall, context: SyscallContext): void {
  const { syscall, action } = call;
  switch (action.subject) {
    case 'exec':
      context.files.write(draft, call);
      if (syscall.success === true && event.execve.length === 0)
        draft.incomplete = [...draft.incomplete, 'missing-execve'];
      return;
    case 'open':
    case 'mode':
      context.files.write(draft, call);
      writeArguments(draft, syscall, openHowOf(event));
      return;
    case 'file':
    case 'old-and-new':
    case 'mount':
      context.files.write(draft, call);
      return;
    case 'outgoing':
    case 'incoming':
    case 'local-socket':
      writeAddress(draft, event.address, action.subject);
      if (event.address === undefined && syscall.success === true && !syscall.isUring && hasAddress(syscall))
        draft.incomplete = [...draft.incomplete, 'missing-address'];
      if (event.paths.length > 0) writeSocketFile(draft, call, context);
      return;
    case 'exit':
      if (syscall.args[0] !== undefined)
        draft.process += numberMember('exit_code', Number.parseInt(syscall.args[0].slice(-8), 16) & 0xff);
      draft.objectType = 'process';
      return;
    case 'identity':
      draft.how = syscall.name;
      draft.objectType = 'process';
      return;
    case 'target-process':
      writeSignal(draft, syscall);
      draft.objectType = 'process';
      return;
    case 'child':
    case 'process':
      draft.objectType = 'process';
      return;
    case 'module':
      draft.objectType = 'module';
      return;
    case 'system':
      draft.objectType = 'system';
      return;
  }
}

/** Calls that cannot succeed without an address, of which the kernel always writes a SOCKADDR. */
const HAS_ADDRESS: ReadonlySet<string> = new Set(['connect', 'bind']);

/** socketcall's first argument is the call: bind 2, connect 3. */
function hasAddress({ name, args }: SyscallRecord): boolean {
  return HAS_ADDRESS.has(name) || (name === 'socketcall' && (args[0] === '2' || args[0] === '3'));
}

/** A Unix socket has a file; the object stays the socket. */
function writeSocketFile(draft: Draft, call: FileCall, context: SyscallContext): void {
  const { object, objectType } = draft;
  context.files.write(draft, call);
  draft.object = object ?? draft.object;
  draft.objectType = objectType ?? draft.objectType;
}

function openHowOf(event: SyscallEvent): ReadonlyMap<string, string> | undefined {
  const record = event.others.find((other) => other.type === OPENAT2);
  return record === undefined ? undefined : fieldsOf(record).kernel;
}

const SIGNAL_ARGUMENT: Readonly<Record<string, number>> = {
  kill: 1,
  tkill: 1,
  tgkill: 2,
  rt_sigqueueinfo: 1,
  rt_tgsigqueueinfo: 2,
  pidfd_send_signal: 1,
};

function writeSignal(draft: Draft, { name, args }: SyscallRecord): void {
  const signal = args[SIGNAL_ARGUMENT[name] ?? -1];
  if (signal === undefined) return;
  const number = Number.parseInt(signal.slice(-8), 16);
  draft.data += member('signal', signalName(number) ?? String(number));
}

/** `sent SIGKILL to pid 5`; signal 0 only asks whether the process is there. */
function signalSaid({ name, args }: SyscallRecord, target: string | undefined): string | undefined {
  const signal = args[SIGNAL_ARGUMENT[name] ?? -1];
  if (signal === undefined) return undefined;
  const number = Number.parseInt(signal.slice(-8), 16);
  const whom =
    target === undefined
      ? 'process'
      : target === '-1'
        ? 'all processes'
        : target === '0' || target.startsWith('-')
          ? `process group${target === '0' ? '' : ` ${target.slice(1)}`}`
          : `pid ${target}`;
  return number === 0 ? `looked for ${whom}` : `sent ${signalName(number) ?? `signal ${number}`} to ${whom}`;
}

/** Where a call that acts on another process names its pid; below 0 it is a group, -1 every process. */
const PID_ARGUMENT: Readonly<Record<string, number>> = {
  kill: 0,
  tkill: 0,
  tgkill: 1,
  rt_sigqueueinfo: 0,
  rt_tgsigqueueinfo: 1,
  ptrace: 1,
  process_vm_readv: 0,
  process_vm_writev: 0,
};

/** The process that a call names, where no OBJ_PID tells of it: it is gone, or the kernel writes none for this call. */
function targetOf(draft: Draft, { name, args }: SyscallRecord): string | undefined {
  const digits = args[PID_ARGUMENT[name] ?? -1];
  if (digits === undefined || !/^[0-9a-f]{1,16}$/.test(digits)) return undefined;
  const pid = String(Number.parseInt(digits.slice(-8), 16) | 0);
  draft.data += member('target_pid', pid);
  return pid;
}

/** Calls on message queues look up hidden names that no PATH record tells of. */
const HAS_HIDDEN_NAMES: ReadonlySet<string> = new Set(['mq_open', 'mq_unlink']);

function isMissingPath({ syscall, paths, others }: SyscallEvent, acting: SyscallRecord): boolean {
  const items = acting.isUring && syscall.items === 0 ? acting.items : syscall.items;
  return (
    paths.length < items && !HAS_HIDDEN_NAMES.has(syscall.name) && !others.some((record) => record.type === MQ_OPEN)
  );
}
const MQ_OPEN = 1312;
