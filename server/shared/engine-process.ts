// A process that evaluates rules and does nothing else: it takes its share of the rule groups by leases, and what a dead or sleeping
// process held (docs/decisions/0042). Rules, settings and the hosts' progress come from what the server publishes; alerts go into the
// groups' journals, from where the server shows them.
import { setTimeout as sleep } from 'node:timers/promises';
import { type SeenGroup, seeGroups, takeGroup } from '../../store/shared/group-journal.ts';
import type { SharedDocuments } from '../../store/shared/shared-documents.ts';
import { failureText } from '../failure-text.ts';
import type { ChannelOptions, ServerNotice } from '../options.ts';
import { createControlMirror } from './control-mirror.ts';
import { type FollowedStore, type GroupRunner, runGroup } from './group-runner.ts';
import { type Layout, readLayout } from './layout.ts';
import { type LeaseSight, planLeases } from './lease-plan.ts';
import { createMemberBook } from './member-book.ts';
import { PROGRESS_ID, readSnapshot, type SharedSettings } from './progress-snapshot.ts';
import { createSharedRules } from './shared-rules.ts';
import { createSharedTail } from './shared-tail.ts';
import { readShown } from './shown-places.ts';

/** How often leases are looked at, and renewed. */
const LOOK_EVERY_MS = 1_000;
/** After so many looks without a server that is said. */
const WAITS_SAID = 5;
/** How often the hosts' progress is looked at. */
const PROGRESS_EVERY_MS = 350;
/** A group that could not be run is left to others for so long. */
const AVOIDED_MS = 30_000;

export interface RunningEngine {
  readonly name: string;
  /** The groups that it runs now. */
  held(): readonly number[];
  /** Writes what there is, gives its groups up, closes the store and the documents. */
  close(): Promise<void>;
}

export interface EngineProcessOptions {
  /** Unlike any other process's, also of a former life. */
  readonly name: string;
  readonly documents: SharedDocuments;
  readonly store: FollowedStore;
  readonly channels: ChannelOptions;
  readonly now: () => number;
  /** Milliseconds on a clock that nobody sets. */
  readonly monotonicMs: () => number;
  readonly onNotice: (notice: ServerNotice) => void;
  readonly lookEveryMs?: number;
}

export function startEngine(options: EngineProcessOptions): RunningEngine {
  const { name, documents, store, channels, now, monotonicMs, onNotice, lookEveryMs = LOOK_EVERY_MS } = options;
  const abort = new AbortController();
  const tail = createSharedTail(store);
  const mirror = createControlMirror(documents);
  const members = createMemberBook({ documents, name, monotonicMs });
  const runners = new Map<number, GroupRunner>();
  /** Groups that could not be run here, and until when they are left to others. */
  const avoided = new Map<number, number>();
  const sights = new Map<number, { version: string; sinceMs: number }>();
  let settings: SharedSettings | undefined;
  let snapshotVersion: string | undefined;
  let waited = 0;
  const rules = createSharedRules({ mirror, sinceMs: () => now() - (settings?.horizonMs ?? 0), onNotice });
  mirror.onChange(() => {
    for (const runner of runners.values()) runner.controlChanged();
  });
  const trouble = oncePerSpell((message) => onNotice({ kind: 'error', message }));

  const sightOf = (group: number, seen: SeenGroup | undefined): LeaseSight => {
    const version = seen?.version ?? '';
    const before = sights.get(group);
    const nowMs = monotonicMs();
    const sight = before?.version === version ? before : { version, sinceMs: nowMs };
    sights.set(group, sight);
    if (nowMs < (avoided.get(group) ?? 0)) return { group, owner: '', unchangedMs: 0 };
    return { group, owner: seen?.record.owner ?? null, unchangedMs: nowMs - sight.sinceMs };
  };

  const drop = async (group: number): Promise<void> => {
    const runner = runners.get(group);
    runners.delete(group);
    await runner?.close();
  };

  const take = async (
    group: number,
    seen: SeenGroup | undefined,
    { layout, of }: { layout: Layout; of: SharedSettings },
  ) => {
    const held = await takeGroup(documents, group, { seen, owner: name, monotonicMs });
    if (held === undefined) return;
    const running = runGroup({
      ...{ held, documents, layout, mirror, rules, settings: of, channels, now, monotonicMs, onNotice },
      store: { next: tail.next, scan: store.scan, hasPassed: store.hasPassed },
      onLost: () => {
        onNotice({ kind: 'warning', message: `rule group ${group} was taken over by another process` });
        // Not from within the runner's own write.
        setImmediate(() => void drop(group).catch(() => undefined));
      },
    });
    const runner = await running.catch(async (error: unknown) => {
      await held.release().catch(() => undefined);
      throw error;
    });
    runners.set(group, runner);
    snapshotVersion = undefined;
    if (runner.isLost()) return drop(group);
    const former = seen?.record.owner;
    const from = former === null || former === undefined ? '' : `, which ${former} held`;
    onNotice({ kind: 'rules', message: `evaluates rule group ${group} of ${layout.groups}${from}` });
  };

  const look = async (): Promise<void> => {
    const layout = await readLayout(documents);
    if (layout === undefined || settings === undefined || mirror.entries().length === 0) {
      await mirror.refresh();
      waited += 1;
      if (waited === WAITS_SAID) onNotice({ kind: 'warning', message: 'waits for a server that publishes rules' });
      return;
    }
    const shown = await readShown(documents);
    await Promise.all([...runners.values()].map((runner) => runner.renew(shown.get(runner.group) ?? 0)));
    const { groups } = layout;
    const [seen, alive] = [await seeGroups(documents, groups), await members.look([...runners.keys()])];
    const leases = Array.from({ length: groups }, (_, group) => sightOf(group, seen.get(group)));
    const plan = planLeases({ me: name, held: [...runners.keys()].sort((a, b) => a - b), leases, members: alive });
    for (const group of plan.release) {
      await drop(group);
      onNotice({ kind: 'rules', message: `hands rule group ${group} over` });
    }
    await mirror.refresh();
    for (const group of plan.take) {
      if (abort.signal.aborted) return;
      try {
        await take(group, seen.get(group), { layout, of: settings });
      } catch (error) {
        // Another, of a newer version perhaps, may be able to.
        avoided.set(group, monotonicMs() + AVOIDED_MS);
        onNotice({ kind: 'error', message: `rule group ${group} cannot be evaluated here: ${failureText(error)}` });
      }
    }
  };

  const learn = async (): Promise<void> => {
    const document = (await documents.get([PROGRESS_ID])).get(PROGRESS_ID);
    if (document === undefined || document.version === snapshotVersion) return;
    const snapshot = readSnapshot(document.text);
    if (snapshot.number === 0) return;
    // Asked for after the progress was read: everything that it promises is before this place.
    const horizon = await store.horizon();
    snapshotVersion = document.version;
    if (JSON.stringify(settings) !== JSON.stringify(snapshot.settings)) {
      // The server was started with others: what runs is taken anew with them.
      settings = snapshot.settings;
      await Promise.all([...runners.keys()].map(drop));
    }
    for (const runner of runners.values()) runner.learn({ snapshot, horizon });
  };

  const every = async (ms: number, work: () => Promise<void>): Promise<void> => {
    while (!abort.signal.aborted) {
      const beganMs = monotonicMs();
      await work().then(trouble.over, trouble.tell);
      const restMs = Math.max(50, ms - (monotonicMs() - beganMs));
      await sleep(restMs, undefined, { signal: abort.signal }).catch(() => undefined);
    }
  };
  const working = Promise.all([every(PROGRESS_EVERY_MS, learn), every(lookEveryMs, look)]);

  return {
    name,
    held: () => [...runners.keys()].sort((a, b) => a - b),
    async close() {
      abort.abort();
      await working;
      await Promise.all([...runners.keys()].map(drop));
      await members.leave().catch(() => undefined);
      await store.close();
      await documents.close();
    },
  };
}

/** Says a trouble once, until it is another or it was over. */
function oncePerSpell(say: (message: string) => void): { over(): void; tell(error: unknown): void } {
  let last: string | undefined;
  let soundRuns = 0;
  return {
    over() {
      soundRuns += 1;
      if (soundRuns > 5) last = undefined;
    },
    tell(error) {
      soundRuns = 0;
      const message = failureText(error);
      if (message !== last) say(message);
      last = message;
    },
  };
}
