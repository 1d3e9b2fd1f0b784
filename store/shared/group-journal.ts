// The durable state of one rule group, as a journal that one process at a time may write.
//
//   group.G              {"v":1,"owner":…,"token":…,"beat":…,"generation":…,"chain":[[TOKEN,FIRST],…],"snapshot":…}
//   journal.G.N.T.state  what generation N, written under token T, changed in the state
//   journal.G.N.T.out    what it brought about: detections, alerts, notifications (group-outcome.ts)
//   state.G.N.T          the whole state after generation N
//
// A generation's documents are written first, under names that nobody else uses; then `group.G` is replaced by compare-and-set, and
// only that makes them count. Whoever takes the group over replaces `group.G` too, with the next token, so of two processes that
// think they own it one can never commit again, however long it slept in between. Documents of a generation that never came to count
// have a token that the chain does not name there, and nobody reads them.
import { type GroupFigures, NO_FIGURES, type PackedOutcome, packOutcome } from './group-outcome.ts';
import { partIds, partsOf, readTexts } from './parts.ts';
import { type SharedDocuments, SharedStateDamaged } from './shared-documents.ts';

const FORMAT = 1;
/** A snapshot of the whole state is made after so many generations, or so many characters of changes. */
const SNAPSHOT_GENERATIONS = 500;
const SNAPSHOT_CHARS = 8_000_000;
/** Documents that are removed by one request. */
const REMOVED_AT_ONCE = 200;
/** Outcomes that are read by one request, to know how many documents each is. */
const READ_AT_ONCE = 20;

interface Snapshot {
  readonly generation: number;
  readonly token: number;
  readonly parts: number;
}

export interface GroupRecord {
  /** The process that holds the lease; null: nobody does. */
  readonly owner: string | null;
  /** Counts owners: a higher one has taken over from all lower ones. */
  readonly token: number;
  /** Counts what the owner wrote, so that others see that it lives. */
  readonly beat: number;
  /** The last one that counts; 0: none yet. */
  readonly generation: number;
  /** Which token wrote the generations from which on, ascending. */
  readonly chain: readonly (readonly [token: number, first: number])[];
  readonly snapshot: Snapshot | null;
  /** Outcomes of earlier generations are gone. */
  readonly outcomesFrom: number;
  readonly figures: GroupFigures;
}

export interface SeenGroup {
  readonly record: GroupRecord;
  readonly version: string;
}

/** A group that this process owns, until `commit` or `renew` answer false: then another does. */
export interface HeldGroup {
  readonly group: number;
  readonly token: number;
  /** The state as the last generation left it. */
  load(): Promise<ReadonlyMap<string, string>>;
  /**
   * One more generation. Throws where it is not known whether it counts: then call it again with the same, and nothing else. One
   * call at a time.
   */
  commit(
    changes: ReadonlyMap<string, string | undefined>,
    outcome: PackedOutcome,
    figures: GroupFigures,
  ): Promise<boolean>;
  /** Tells the others that the owner lives. */
  renew(figures: GroupFigures): Promise<boolean>;
  /** Gives it up: another may take it at once. */
  release(): Promise<void>;
  /** Removes outcomes of generations before this one. */
  forgetOutcomes(before: number): Promise<void>;
  /** As it was last written. */
  record(): GroupRecord;
  /** When the last write began that is known to count: the lease was held then, on the clock that was given. */
  provenMs(): number;
}

function groupId(group: number): string {
  return `group.${group}`;
}

/** Throws {@link SharedStateDamaged}. */
function readGroup(text: string): GroupRecord {
  const { v, ...record } = JSON.parse(text) as GroupRecord & { readonly v: unknown };
  if (v !== FORMAT) throw new SharedStateDamaged(`a rule group has format ${String(v)}, this version reads ${FORMAT}`);
  return record;
}

/** Groups by number; those that nobody ever held are left out. */
export async function seeGroups(
  documents: Pick<SharedDocuments, 'get'>,
  groups: number,
): Promise<ReadonlyMap<number, SeenGroup>> {
  const found = await documents.get(Array.from({ length: groups }, (_, group) => groupId(group)));
  const seen = new Map<number, SeenGroup>();
  for (let group = 0; group < groups; group += 1) {
    const document = found.get(groupId(group));
    if (document !== undefined) seen.set(group, { record: readGroup(document.text), version: document.version });
  }
  return seen;
}

/** Outcomes of the generations from `first` on, at most `limit` of them, in order. */
export async function readOutcomes(
  documents: Pick<SharedDocuments, 'get'>,
  group: number,
  { record, first, limit }: { readonly record: GroupRecord; readonly first: number; readonly limit: number },
): Promise<readonly { readonly generation: number; readonly text: string }[]> {
  const until = Math.min(record.generation, first + limit - 1);
  const ids = new Map<number, string>();
  for (let generation = first; generation <= until; generation += 1) {
    ids.set(generation, outcomeId(group, generation, record));
  }
  const texts = await readTexts(documents, [...ids.values()]);
  return [...ids].map(([generation, id]) => ({ generation, text: texts.get(id) ?? '' }));
}

/**
 * Takes a group that nobody holds, or whose owner is believed dead. `seen`: how it stood when that was decided (undefined: never held).
 * Undefined where somebody else was first.
 */
export async function takeGroup(
  documents: SharedDocuments,
  group: number,
  options: {
    readonly seen: SeenGroup | undefined;
    readonly owner: string;
    readonly monotonicMs: () => number;
    /** A snapshot of the state after so many generations. */
    readonly snapshotAfter?: number;
  },
): Promise<HeldGroup | undefined> {
  const { seen, owner, monotonicMs, snapshotAfter = SNAPSHOT_GENERATIONS } = options;
  const before: GroupRecord = seen?.record ?? NEVER_HELD;
  const token = before.token + 1;
  const first = before.generation + 1;
  const record: GroupRecord = {
    ...before,
    owner,
    token,
    beat: before.beat + 1,
    chain: [...before.chain.filter(([, began]) => began < first), [token, first]],
  };
  const beganMs = monotonicMs();
  const version = await documents.replace(groupId(group), textOf(record), seen?.version);
  if (version === undefined) return undefined;
  return heldGroup(documents, group, { record, version, provenMs: beganMs, monotonicMs, snapshotAfter });
}

const NEVER_HELD: GroupRecord = {
  owner: null,
  token: 0,
  beat: 0,
  generation: 0,
  chain: [],
  snapshot: null,
  outcomesFrom: 1,
  figures: NO_FIGURES,
};

function heldGroup(
  documents: SharedDocuments,
  group: number,
  taken: {
    record: GroupRecord;
    version: string;
    provenMs: number;
    readonly monotonicMs: () => number;
    readonly snapshotAfter: number;
  },
): HeldGroup {
  let { record, version, provenMs } = taken;
  const { monotonicMs, snapshotAfter } = taken;
  const { token } = record;
  /** What counts, so that a snapshot of it can be made. */
  let durable = new Map<string, string>();
  let charsSince = 0;
  /** Parts of the state documents since the last snapshot, to be removed after the next. */
  let stateParts: string[] = [];

  let isBusy = false;

  /** True when it counts; false when the group is another's. Throws when that is not known. */
  const replace = async (next: GroupRecord): Promise<boolean> => {
    if (isBusy) throw new Error('a rule group is written by one call at a time');
    isBusy = true;
    try {
      return await replaceAlone(next);
    } finally {
      isBusy = false;
    }
  };

  const replaceAlone = async (next: GroupRecord): Promise<boolean> => {
    for (;;) {
      const beganMs = monotonicMs();
      const written = await documents.replace(groupId(group), textOf(next), version);
      if (written === undefined) {
        // Another owner's write; or one of our own, whose answer was lost: that says the same as this one, or less.
        const found = (await documents.get([groupId(group)])).get(groupId(group));
        if (found === undefined || readGroup(found.text).token !== token) return false;
        version = found.version;
        if (found.text !== textOf(next)) continue;
      } else version = written;
      record = next;
      provenMs = beganMs;
      return true;
    }
  };

  const removeAll = async (ids: readonly string[]): Promise<void> => {
    for (let at = 0; at < ids.length; at += REMOVED_AT_ONCE) {
      // What stays is read by nobody.
      await documents.remove(ids.slice(at, at + REMOVED_AT_ONCE)).catch(() => undefined);
    }
  };

  const makeSnapshot = async (): Promise<boolean> => {
    const { generation, snapshot: former } = record;
    const parts = partsOf(snapshotId(group, generation, token), JSON.stringify([...durable]));
    await documents.create(parts);
    const snapshot = { generation, token, parts: parts.size };
    if (!(await replace({ ...record, beat: record.beat + 1, snapshot }))) return false;
    const obsolete = stateParts;
    stateParts = [];
    charsSince = 0;
    await removeAll(obsolete);
    if (former !== null && former.generation !== generation) {
      const id = snapshotId(group, former.generation, former.token);
      await removeAll(partIds(id, former.parts));
    }
    return true;
  };

  return {
    group,
    token,
    async load() {
      const { snapshot, generation } = record;
      durable = new Map<string, string>();
      if (snapshot !== null) {
        const id = snapshotId(group, snapshot.generation, snapshot.token);
        for (const [key, text] of entriesOf(id, (await readTexts(documents, [id])).get(id))) {
          if (text !== null) durable.set(key, text);
        }
      }
      const ids: string[] = [];
      for (let at = (snapshot?.generation ?? 0) + 1; at <= generation; at += 1) {
        ids.push(stateId(group, at, tokenOf(record, at)));
      }
      const texts = await readTexts(documents, ids);
      for (const id of ids) {
        const text = texts.get(id);
        charsSince += text?.length ?? 0;
        stateParts.push(...partsOf(id, text ?? '').keys());
        apply(durable, entriesOf(id, text));
      }
      return new Map(durable);
    },
    async commit(changes, outcome, figures) {
      const generation = record.generation + 1;
      const entries = [...changes].map(([key, text]) => [key, text ?? null] as const);
      const stateText = JSON.stringify(entries);
      const state = partsOf(stateId(group, generation, token), stateText);
      const out = partsOf(outcomeId(group, generation, { ...record, chain: [[token, 0]] }), packOutcome(outcome));
      await documents.create(new Map([...state, ...out]));
      if (!(await replace({ ...record, beat: record.beat + 1, generation, figures }))) return false;
      apply(durable, entries);
      charsSince += stateText.length;
      stateParts.push(...state.keys());
      if (generation - (record.snapshot?.generation ?? 0) < snapshotAfter && charsSince < SNAPSHOT_CHARS) {
        return true;
      }
      // The generation counts already; a snapshot that fails is made after the next one.
      return await makeSnapshot().catch(() => true);
    },
    renew: (figures) => replace({ ...record, beat: record.beat + 1, figures }),
    async release() {
      await replace({ ...record, beat: record.beat + 1, owner: null });
    },
    async forgetOutcomes(before) {
      const until = Math.min(before, record.generation + 1);
      const ids: string[] = [];
      for (let at = record.outcomesFrom; at < until; at += 1) ids.push(outcomeId(group, at, record));
      if (ids.length === 0 || !(await replace({ ...record, beat: record.beat + 1, outcomesFrom: until }))) return;
      for (let at = 0; at < ids.length; at += READ_AT_ONCE) {
        const texts = await readTexts(documents, ids.slice(at, at + READ_AT_ONCE)).catch(
          () => new Map<string, string>(),
        );
        await removeAll([...texts].flatMap(([id, text]) => [...partsOf(id, text).keys()]));
      }
    },
    record: () => record,
    provenMs: () => provenMs,
  };
}

function tokenOf({ chain }: Pick<GroupRecord, 'chain'>, generation: number): number {
  const token = chain.findLast(([, first]) => first <= generation)?.[0];
  if (token === undefined) throw new SharedStateDamaged(`no process is known that wrote generation ${generation}`);
  return token;
}

function stateId(group: number, generation: number, token: number): string {
  return `journal.${group}.${generation}.${token}.state`;
}

function outcomeId(group: number, generation: number, record: Pick<GroupRecord, 'chain'>): string {
  return `journal.${group}.${generation}.${tokenOf(record, generation)}.out`;
}

function snapshotId(group: number, generation: number, token: number): string {
  return `state.${group}.${generation}.${token}`;
}

type Entry = readonly [key: string, text: string | null];

function apply(state: Map<string, string>, entries: readonly Entry[]): void {
  for (const [key, text] of entries) {
    if (text === null) state.delete(key);
    else state.set(key, text);
  }
}

function entriesOf(id: string, text: string | undefined): readonly Entry[] {
  try {
    return JSON.parse(text ?? '') as readonly Entry[];
  } catch {
    throw new SharedStateDamaged(`the document ${id} cannot be read`);
  }
}

function textOf(record: GroupRecord): string {
  return JSON.stringify({ v: FORMAT, ...record });
}
