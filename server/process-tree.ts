// A process with its ancestors up to the root and all its descendants, out of the events of one host. Lineage stands in every event
// of a process, so a process whose start was never stored, or is long past, has its place too. Bounded in processes and events.
import { type EventDocument, fieldOf, textOf, timeOf } from '../event/document.ts';
import type { EventStore, TimeRange } from '../store/port.ts';
import type { Query } from '../store/query/query.ts';
import type { TreeApiResponse } from './api.ts';
import { blank, chainIn, type Known, tell } from './process-facts.ts';
import { withHost } from './routes-around.ts';

/** Values of the descendants' fields that are looked at. */
const GROUPS_MAX = 10_000;
/** Events of starts and ends that are read. */
const EXECS_MAX = 10_000;
/** An event holds so many ancestors; longer chains are followed from the last of them, so often. */
const CHAIN_ROUNDS_MAX = 8;
/** A process's start is known to about a second, and clocks are set. */
const START_SLACK_MS = 60_000;

const ALL_TIME: TimeRange = { fromMs: 0, untilMs: 8.64e15 };

type Store = Pick<EventStore, 'search' | 'aggregate' | 'get'>;

interface Asked {
  readonly id: string;
  readonly sinceMs: number | undefined;
  readonly untilMs: number;
  readonly limit: number;
  readonly signal: AbortSignal;
  readonly progress: (part: number) => void;
}

/** Why there is no tree: nothing stored names such a process, or the event does not say of which process it is. */
export type NoTree = 'unknown' | 'nameless';

export async function processTree(store: Store, asked: Asked): Promise<TreeApiResponse | NoTree> {
  const { signal, progress, limit } = asked;
  const found = await anchorOf(store, asked.id, signal);
  if (typeof found === 'string') return found;
  const { anchor, subject } = found;
  progress(0.2);
  const chain = await ancestorsOf(store, found, signal);
  const [self, ...ancestors] = chain.processes;
  if (self === undefined) return 'unknown';
  await addExecs(store, { anchor, processes: chain.processes, signal });
  progress(0.4);
  const fromMs = asked.sinceMs ?? (self.startMs === undefined ? 0 : self.startMs - START_SLACK_MS);
  const range = { fromMs, untilMs: asked.untilMs };
  const below = await descendantsOf(store, { anchor, self, range, signal, progress });
  const descendants = inOrder(self, below.processes);
  const room = Math.max(0, limit - chain.processes.length);
  return {
    subject,
    host: { id: textOf(anchor, 'host.id') ?? '', name: textOf(anchor, 'host.name') },
    processes: [...ancestors.toReversed(), self, ...descendants.slice(0, room)],
    isRooted: chain.isRooted,
    isComplete: below.isComplete && descendants.length <= room,
  };
}

interface Anchor {
  /** The newest event that tells of the process. */
  readonly anchor: EventDocument;
  readonly subject: string;
}

async function anchorOf(store: Store, id: string, signal: AbortSignal): Promise<Anchor | NoTree> {
  const event = await store.get(id);
  const own = event === undefined ? undefined : textOf(event, 'process.entity_id');
  if (event !== undefined) return own === undefined ? 'nameless' : { anchor: event, subject: own };
  for (const field of ['process.entity_id', 'process.parent.entity_id', 'process.ancestors.entity_id']) {
    const query: Query = { kind: 'equals', field, value: id };
    const found = await store.search({ query, range: ALL_TIME, limit: 1, signal });
    const anchor = found.events[0]?.document;
    if (anchor !== undefined) return { anchor, subject: id };
  }
  return 'unknown';
}

interface Chain {
  /** The process itself first, then its parent, and so on. */
  readonly processes: readonly Known[];
  readonly isRooted: boolean;
}

async function ancestorsOf(store: Store, { anchor, subject }: Anchor, signal: AbortSignal): Promise<Chain> {
  const processes: Known[] = [];
  const seen = new Set<string>();
  let document: EventDocument | undefined = anchor;
  let isRooted = false;
  for (let round = 0; document !== undefined && round < CHAIN_ROUNDS_MAX; round++) {
    const chain = chainIn(document);
    const from = round === 0 ? chain.findIndex(({ entityId }) => entityId === subject) : 1;
    for (const process of chain.slice(Math.max(0, from))) {
      if (seen.has(process.entityId)) continue;
      seen.add(process.entityId);
      process.role = processes.length === 0 ? 'subject' : 'ancestor';
      const below = processes.at(-1);
      if (below !== undefined) below.parent ??= process.entityId;
      processes.push(process);
    }
    isRooted = fieldOf(document, 'process.ancestors_complete') === true;
    const last = processes.at(-1);
    if (isRooted || last === undefined || last.pid === 1) break;
    const query = withHost({ kind: 'equals', field: 'process.entity_id', value: last.entityId }, anchor);
    const next: EventDocument | undefined = (await store.search({ query, range: ALL_TIME, limit: 1, signal })).events[0]
      ?.document;
    document = next !== undefined && chainIn(next).length > 1 ? next : undefined;
  }
  const top = processes.at(-1);
  return { processes, isRooted: isRooted || top?.pid === 1 };
}

const EXECUTED: Query = { kind: 'equals', field: 'event.action', value: 'executed' };
const ENDED: Query = { kind: 'equals', field: 'event.action', value: 'ended' };

/** Adds what the execs of these processes say. */
async function addExecs(
  store: Store,
  {
    anchor,
    processes,
    signal,
  }: { readonly anchor: EventDocument; readonly processes: readonly Known[]; readonly signal: AbortSignal },
): Promise<void> {
  const any = processes
    .map(({ entityId }): Query => ({ kind: 'equals', field: 'process.entity_id', value: entityId }))
    .reduce((left, right) => ({ kind: 'or', left, right }));
  const query = withHost({ kind: 'and', left: any, right: { kind: 'or', left: EXECUTED, right: ENDED } }, anchor);
  const found = await store.search({ query, range: ALL_TIME, limit: 1_000, signal });
  const byId = new Map(processes.map((process) => [process.entityId, process]));
  for (const { document } of found.events.toReversed()) tell(byId, document);
}

/** What is counted of the descendants: every process that did anything at all, whether it ever execed or not. */
const GROUP_FIELDS = [
  'process.entity_id',
  'process.parent.entity_id',
  'process.pid',
  'process.name',
  'process.executable',
  'user.name',
  'process.start',
] as const;

async function descendantsOf(
  store: Store,
  {
    anchor,
    self,
    range,
    signal,
    progress,
  }: {
    readonly anchor: EventDocument;
    readonly self: Known;
    readonly range: TimeRange;
    readonly signal: AbortSignal;
    readonly progress: (part: number) => void;
  },
): Promise<{ readonly processes: ReadonlyMap<string, Known>; readonly isComplete: boolean }> {
  const below: Query = {
    kind: 'or',
    left: { kind: 'equals', field: 'process.parent.entity_id', value: self.entityId },
    right: { kind: 'equals', field: 'process.ancestors.entity_id', value: self.entityId },
  };
  const own: Query = { kind: 'equals', field: 'process.entity_id', value: self.entityId };
  const query = withHost({ kind: 'or', left: own, right: below }, anchor);
  const counted = await store.aggregate({ query, range, groupBy: GROUP_FIELDS, limit: GROUPS_MAX, signal });
  progress(0.7);
  const processes = new Map<string, Known>();
  for (const { keys, count } of counted.groups) {
    const [entityId, parent, pid, name, executable, user, start] = keys;
    if (typeof entityId !== 'string') continue;
    const process = entityId === self.entityId ? self : (processes.get(entityId) ?? blank(entityId));
    if (process !== self) processes.set(entityId, process);
    // The groups come by size: what most of its events say stays until an exec says better.
    process.parent ??= parent ?? undefined;
    process.pid ??= pid === null || pid === undefined ? undefined : Number(pid);
    process.name ??= name ?? undefined;
    process.executable ??= executable ?? undefined;
    process.user ??= user ?? undefined;
    process.startMs ??= typeof start === 'string' ? timeOf({ start }, 'start') : undefined;
    process.events = (process.events ?? 0) + count;
  }
  self.events ??= 0;
  const starts = withHost(
    { kind: 'and', left: { kind: 'or', left: EXECUTED, right: ENDED }, right: { kind: 'or', left: own, right: below } },
    anchor,
  );
  const found = await store.search({ query: starts, range, limit: EXECS_MAX, oldestFirst: true, signal });
  for (const { document } of found.events) {
    tell(processes, document);
    addMissing(processes, document, self.entityId);
  }
  const isComplete = counted.combinations <= GROUPS_MAX && found.events.length < EXECS_MAX;
  return { processes, isComplete };
}

/** Processes between the subject and this one that did nothing themselves: they forked, and no more. */
function addMissing(processes: Map<string, Known>, document: EventDocument, subject: string): void {
  const chain = chainIn(document);
  const end = chain.findIndex(({ entityId }) => entityId === subject);
  for (const [at, process] of chain.slice(0, Math.max(0, end)).entries()) {
    const parent = chain[at + 1]?.entityId;
    const known = processes.get(process.entityId);
    if (known === undefined) processes.set(process.entityId, { ...process, parent, events: 0 });
    else known.parent ??= parent;
  }
}

/** Parents before children, siblings by start; whoever's parent is not known here hangs from the subject. */
function inOrder(self: Known, processes: ReadonlyMap<string, Known>): readonly Known[] {
  const children = new Map<string, Known[]>();
  for (const process of processes.values()) {
    const isKnown =
      process.parent !== undefined && process.parent !== process.entityId && processes.has(process.parent);
    if (!isKnown) process.parent = self.entityId;
    const siblings = children.get(process.parent ?? self.entityId) ?? [];
    siblings.push(process);
    children.set(process.parent ?? self.entityId, siblings);
  }
  const ordered: Known[] = [];
  const seen = new Set<string>([self.entityId]);
  const visit = (from: string): void => {
    // A stack and not a recursion: how deep it goes is what hosts sent.
    const stack = [...(children.get(from) ?? [])].sort(byStart).reverse();
    for (let process = stack.pop(); process !== undefined; process = stack.pop()) {
      if (seen.has(process.entityId)) continue;
      seen.add(process.entityId);
      ordered.push(process);
      stack.push(...[...(children.get(process.entityId) ?? [])].sort(byStart).reverse());
    }
  };
  visit(self.entityId);
  // What says that it descends from itself.
  for (const process of processes.values()) {
    if (seen.has(process.entityId)) continue;
    process.parent = self.entityId;
    seen.add(process.entityId);
    ordered.push(process);
    visit(process.entityId);
  }
  return ordered;
}

function byStart(a: Known, b: Known): number {
  return (a.startMs ?? Number.MAX_VALUE) - (b.startMs ?? Number.MAX_VALUE) || (a.pid ?? 0) - (b.pid ?? 0);
}
