// The acting process in ECS: its ids, its parent and its ancestors, as the host's lineage knows them.

import type { Draft } from './draft.ts';
import type { HostKnowledge, ProcessInfo } from './event.ts';
import { commandLineOf } from './exec.ts';
import { arrayMember, flat, jsonText, member } from './json.ts';

/** The chain of ancestors is cut here; then `process.ancestors_complete` is false. */
export const ANCESTORS_MAX = 32;

/** These run scripts: the script's own name stands in comm. */
const INTERPRETERS = /^\/usr\/bin\/(?:python|perl|bash|sh)/;

/** By which program something was done, for `auditd.summary.how`: its file, or a script's name. */
export function programOf(exe: string | undefined, comm: string | undefined): string | undefined {
  return exe === undefined || (comm !== undefined && INTERPRETERS.test(exe)) ? comm : exe;
}

export interface LineageWriter {
  /** Fills process ids, parent and ancestors. Returns what lineage knows of the process itself. */
  write(draft: Draft, pid: number | undefined, ppid: number | undefined): ProcessInfo | undefined;
}

/**
 * Writes lineage. The JSON of a parent and of a chain is remembered by identity, as long as they live: a ProcessInfo and an
 * `ancestors` array must not change once given.
 */
export function createLineageWriter(knowledge: HostKnowledge | undefined): LineageWriter {
  const parents = new WeakMap<ProcessInfo, string>();
  const chains = new WeakMap<readonly ProcessInfo[], string>();
  const parentMembers = (parent: ProcessInfo): string => {
    const known = parents.get(parent);
    if (known !== undefined) return known;
    const members = flat(membersOfParent(parent));
    parents.set(parent, members);
    return members;
  };
  const chainJson = (ancestors: readonly ProcessInfo[]): string => {
    const known = chains.get(ancestors);
    if (known !== undefined) return known;
    const json = flat(ancestors.slice(0, ANCESTORS_MAX).map(ancestorJson).join(','));
    chains.set(ancestors, json);
    return json;
  };
  return {
    write: (draft, pid, ppid) => {
      draft.pid = pid;
      draft.ppid = ppid;
      if (pid === undefined || knowledge === undefined) return undefined;
      const lineage = knowledge.lineage(pid, ppid ?? 0);
      if (lineage === undefined) return undefined;
      const { process, ancestors, isComplete } = lineage;
      if (process !== undefined) draft.process += `,"entity_id":${jsonText(process.entityId)}`;
      const parent = ancestors[0];
      if (parent !== undefined && (ppid === undefined || parent.pid === ppid)) {
        draft.ppid = parent.pid;
        draft.parent += parentMembers(parent);
      }
      if (ancestors.length > 0) draft.process += `,"ancestors":[${chainJson(ancestors)}]`;
      draft.process += `,"ancestors_complete":${isComplete && ancestors.length <= ANCESTORS_MAX}`;
      return process;
    },
  };
}

function membersOfParent(parent: ProcessInfo): string {
  const { entityId, name, executable, args } = parent;
  const line = args === undefined || args.length === 0 ? undefined : commandLineOf(args);
  return (
    member('entity_id', entityId) +
    member('name', name) +
    member('executable', executable) +
    arrayMember('args', args ?? []) +
    member('command_line', line)
  );
}

function ancestorJson({ pid, entityId, name, executable }: ProcessInfo): string {
  return `{"pid":${pid}${member('entity_id', entityId)}${member('name', name)}${member('executable', executable)}}`;
}
