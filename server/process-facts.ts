// What one event says of processes: of the one that acts, its parent and its ancestors, and of a start or an end.
import { type EventDocument, fieldOf, numberOf, textOf, timeOf } from '../event/document.ts';
import type { TreeProcess } from './api.ts';

/** What is known of a process so far. */
export type Known = { -readonly [Name in keyof TreeProcess]: TreeProcess[Name] };

/** The acting process and its ancestors, as an event tells them. */
export function chainIn(document: EventDocument): Known[] {
  const chain: Known[] = [];
  const own = textOf(document, 'process.entity_id');
  if (own !== undefined) chain.push({ ...blank(own), ...factsIn(document) });
  const parentId = textOf(document, 'process.parent.entity_id');
  const listed = fieldOf(document, 'process.ancestors');
  const ancestors = Array.isArray(listed) ? (listed as EventDocument[]) : [];
  if (parentId !== undefined && ancestors.every((entry) => textOf(entry ?? {}, 'entity_id') !== parentId))
    chain.push(blank(parentId));
  for (const entry of ancestors) {
    const entityId = textOf(entry ?? {}, 'entity_id');
    if (entityId === undefined) continue;
    chain.push({
      ...blank(entityId),
      pid: numberOf(entry, 'pid'),
      name: textOf(entry, 'name'),
      executable: textOf(entry, 'executable'),
    });
  }
  for (const process of chain) {
    if (process.entityId !== parentId) continue;
    process.pid ??= numberOf(document, 'process.parent.pid');
    process.name ??= textOf(document, 'process.parent.name');
    process.executable ??= textOf(document, 'process.parent.executable');
    process.commandLine ??= textOf(document, 'process.parent.command_line');
  }
  return chain;
}

/** A process of which the id alone is known. */
export function blank(entityId: string): Known {
  return {
    entityId,
    role: 'descendant',
    parent: undefined,
    pid: undefined,
    name: undefined,
    executable: undefined,
    commandLine: undefined,
    user: undefined,
    startMs: undefined,
    endMs: undefined,
    exitCode: undefined,
    events: undefined,
  };
}

function factsIn(document: EventDocument): Partial<Known> {
  return {
    parent: textOf(document, 'process.parent.entity_id'),
    pid: numberOf(document, 'process.pid'),
    name: textOf(document, 'process.name'),
    executable: textOf(document, 'process.executable'),
    commandLine: textOf(document, 'process.command_line'),
    user: textOf(document, 'user.name') ?? textOf(document, 'user.id'),
    startMs: timeOf(document, 'process.start'),
  };
}

/** Takes over what a start or an end says; the later of several execs has the last word. */
export function tell(byId: ReadonlyMap<string, Known>, document: EventDocument): void {
  const process = byId.get(textOf(document, 'process.entity_id') ?? '');
  if (process === undefined) return;
  const atMs = timeOf(document, '@timestamp');
  if (textOf(document, 'event.action') === 'ended') {
    process.endMs = atMs;
    process.exitCode = numberOf(document, 'process.exit_code');
    return;
  }
  if (textOf(document, 'event.outcome') === 'failure') return;
  const { name, executable, commandLine, user, startMs } = factsIn(document);
  process.name = name ?? process.name;
  process.executable = executable ?? process.executable;
  process.commandLine = commandLine ?? process.commandLine;
  process.user = user ?? process.user;
  process.startMs ??= startMs ?? atMs;
}
