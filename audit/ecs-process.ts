// The acting process in ECS: its ids, its parent and ancestors, its session and container, as the host's lineage knows them.

import type { Draft } from './draft.ts';
import type { ContainerInfo, HostKnowledge, Lineage, ProcessInfo } from './event.ts';
import { commandLineOf } from './exec.ts';
import { arrayMember, flat, jsonText, member, objectMember } from './json.ts';

/** The chain of ancestors is cut here; then `process.ancestors_complete` is false. */
export const ANCESTORS_MAX = 32;

/** These run scripts: the script's own name stands in comm. */
const INTERPRETERS = /^\/usr\/bin\/(?:python|perl|bash|sh)/;

/** By which program something was done, for `auditd.summary.how`: its file, or a script's name. */
export function programOf(exe: string | undefined, comm: string | undefined): string | undefined {
  return exe === undefined || (comm !== undefined && INTERPRETERS.test(exe)) ? comm : exe;
}

export interface LineageWriter {
  /** Fills what lineage knows of the acting process. Returns the process itself. */
  write(draft: Draft, pid: number | undefined, ppid: number | undefined): ProcessInfo | undefined;
  /** The text of what lineage knows of a process; undefined where there is none. */
  textOf(pid: number, ppid: number): LineageText | undefined;
  /** Tells lineage what the exec of the process written last brought. */
  execed(args: readonly string[], script: string | undefined): void;
}

/** The JSON of one Lineage. */
export interface LineageText {
  /** Members of `process`. */
  readonly process: string;
  readonly parentPid: number | undefined;
  /** Members of `process.parent`. */
  readonly parent: string;
  /** Members of the document: `container`, `orchestrator`. */
  readonly surroundings: string;
  /** `process.Ext.script` as a member; an exec tells its own. */
  readonly script: string;
}

interface KnownText extends LineageText {
  process: string;
  /** True once `process` is in one piece: most processes have one event only, and are spared that. */
  isFlat: boolean;
}

/**
 * Writes lineage. The JSON of a Lineage, a parent, a chain and a container is remembered by identity, as long as they live: none
 * of them may change once given. So the next event of a process costs one look-up and three joins of text.
 */
export function createLineageWriter(knowledge: HostKnowledge | undefined): LineageWriter {
  const texts = new WeakMap<Lineage, KnownText>();
  const parents = remembered(membersOfParent);
  const chains = remembered(chainJson);
  const leaders = remembered(leaderMember);
  const containers = remembered(containerMembers);

  const makeText = (lineage: Lineage): KnownText => {
    const { process, ancestors, isComplete, sessionLeader, previous, container } = lineage;
    const parent = lineage.parent ?? ancestors[0];
    let members = process === undefined ? '' : ownMembers(process);
    if (previous !== undefined && previous.length > 0)
      members += `,"previous":[${previous.map(previousJson).join(',')}]`;
    if (sessionLeader !== undefined) members += leaders(sessionLeader);
    if (ancestors.length > 0) members += `,"ancestors":[${chains(ancestors)}]`;
    members += `,"ancestors_complete":${isComplete && ancestors.length <= ANCESTORS_MAX}`;
    return {
      process: members,
      parentPid: parent?.pid,
      parent: parent === undefined ? '' : parents(parent),
      surroundings: container === undefined ? '' : containers(container),
      // Without a name nothing is known of its program.
      script: process?.name === '' ? '' : scriptMember(process?.script),
      isFlat: false,
    };
  };

  const known = (lineage: Lineage): KnownText => {
    let text = texts.get(lineage);
    if (text === undefined) {
      text = makeText(lineage);
      texts.set(lineage, text);
    } else if (!text.isFlat) {
      text.process = flat(text.process);
      text.isFlat = true;
    }
    return text;
  };

  return {
    textOf: (pid, ppid) => {
      const lineage = knowledge?.lineage(pid, ppid);
      return lineage === undefined ? undefined : known(lineage);
    },
    write: (draft, pid, ppid) => {
      draft.pid = pid;
      draft.ppid = ppid;
      if (pid === undefined || knowledge === undefined) return undefined;
      const lineage = knowledge.lineage(pid, ppid);
      if (lineage === undefined) return undefined;
      const text = known(lineage);
      draft.process += text.process;
      if (text.parentPid !== undefined && (ppid === undefined || text.parentPid === ppid)) {
        draft.ppid = text.parentPid;
        draft.parent += text.parent;
      }
      draft.surroundings = text.surroundings;
      // Without a name nothing is known of its program.
      return lineage.process?.name === '' ? undefined : lineage.process;
    },
    execed: (args, script) => knowledge?.execed?.(args, script),
  };
}

/** Writes the same text for every process. */
export function standInLineage(text: LineageText): LineageWriter {
  return {
    textOf: () => text,
    write(draft, pid, ppid) {
      draft.pid = pid;
      draft.ppid = ppid;
      draft.process += text.process;
      draft.parent += text.parent;
      draft.surroundings = text.surroundings;
      return undefined;
    },
    execed() {},
  };
}

function remembered<Key extends object>(textOf: (key: Key) => string): (key: Key) => string {
  const known = new WeakMap<Key, string>();
  return (key) => {
    let text = known.get(key);
    if (text === undefined) {
      text = flat(textOf(key));
      known.set(key, text);
    }
    return text;
  };
}

function ownMembers({ entityId, startMs, sha256 }: ProcessInfo): string {
  return (
    `,"entity_id":${jsonText(entityId)}` +
    (startMs === undefined ? '' : `,"start":"${new Date(startMs).toISOString()}"`) +
    (sha256 === undefined ? '' : `,"hash":{"sha256":"${sha256}"}`)
  );
}

/** `process.Ext.script.path`: which script an interpreter runs. */
export function scriptMember(script: string | undefined): string {
  return script === undefined ? '' : `,"Ext":{"script":{"path":${jsonText(script)}}}`;
}

function membersOfParent(parent: ProcessInfo): string {
  const { entityId, name, executable, args, script } = parent;
  const line = args === undefined || args.length === 0 ? undefined : commandLineOf(args);
  return (
    member('entity_id', entityId) +
    member('name', name) +
    member('executable', executable) +
    arrayMember('args', args ?? []) +
    member('command_line', line) +
    scriptMember(script)
  );
}

function chainJson(ancestors: readonly ProcessInfo[]): string {
  return ancestors.slice(0, ANCESTORS_MAX).map(ancestorJson).join(',');
}

function ancestorJson({ pid, entityId, name, executable }: ProcessInfo): string {
  return `{"pid":${pid}${member('entity_id', entityId)}${member('name', name)}${member('executable', executable)}}`;
}

function leaderMember(leader: ProcessInfo): string {
  return `,"session_leader":${ancestorJson(leader)}`;
}

function previousJson({ name, executable, args = [] }: ProcessInfo): string {
  return `{"name":${jsonText(name)}${member('executable', executable)}${arrayMember('args', args)}}`;
}

function containerMembers({ id, runtime, name, imageName, pod }: ContainerInfo): string {
  const container = objectMember(
    'container',
    member('id', id) +
      member('runtime', runtime) +
      member('name', name) +
      objectMember('image', member('name', imageName)),
  );
  if (pod === undefined) return container;
  return (
    `${container},"orchestrator":{"type":"kubernetes"${member('namespace', pod.namespace)}` +
    `,"resource":{"type":"pod"${member('name', pod.name)},"id":${jsonText(pod.uid)}}}` +
    `,"kubernetes":{"pod":{"uid":${jsonText(pod.uid)}${member('name', pod.name)}}${member('namespace', pod.namespace)}}`
  );
}
