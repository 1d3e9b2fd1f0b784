// The fence of a server whose engines are other processes (delivery-fence.ts): what each host has promised is published once what it was
// delivered with is stored; whether it was read is the engines' business (remote-fence.ts).
import { NOTHING_PASSED } from '../../engine/watermark.ts';
import type { Progress } from '../../event/progress.ts';
import type { SharedDocuments } from '../../store/shared/shared-documents.ts';
import type { DeliveryFence, Standing } from '../delivery-fence.ts';
import {
  PROGRESS_ID,
  type ProgressSnapshot,
  readSnapshot,
  type SharedSettings,
  snapshotText,
} from './progress-snapshot.ts';

/** How often what changed is published, */
const EVERY_MS = 300;
/** and what did not: time passes too. A document of many hosts is written less often. */
const AT_LEAST_EVERY_MS = 1_000;
const MS_PER_MEGABYTE = 1_000;
/** Within this time a server that lives has published something. */
const RIVAL_SHOWS_MS = 2_500;
/** In place of a run: the server has stopped. */
const NOBODY = '';

/** The progress of hosts is published by another server. */
export class RivalServer extends Error {
  constructor() {
    super('another server shares this cluster’s engines: of two, one must stop');
    this.name = 'RivalServer';
  }
}

export interface ProgressPublisher {
  readonly fence: DeliveryFence;
  /** Takes the place of a server that is gone. Throws {@link RivalServer} where one is there. */
  claim(): Promise<void>;
  /** Another server has taken its place: what it takes now would be waited for by nobody. */
  isOusted(): boolean;
  start(): void;
  /** Publishes now. */
  publish(): Promise<void>;
  close(): Promise<void>;
}

interface HostState {
  standing: Standing | undefined;
  lastProgress: Progress | undefined;
  atMs: number;
}

export function createProgressPublisher(options: {
  readonly documents: SharedDocuments;
  readonly settings: SharedSettings;
  /** Unlike any other process's, also of a former life. */
  readonly run: string;
  readonly now: () => number;
  /** How far the engines are. */
  readonly engines: { settledMs(): number; lagMs(): number };
  readonly onTrouble: (message: string) => void;
}): ProgressPublisher {
  const { documents, settings, run, now, engines, onTrouble } = options;
  const hosts = new Map<string, HostState>();
  /** `event.created` of the server's own documents that are being stored. */
  const own = new Map<object, number>();
  let number = 0;
  let version: string | undefined;
  let isOusted = false;
  let isTroubled = false;
  let publishing: Promise<void> | undefined;
  let timer: NodeJS.Timeout | undefined;
  let [isChanged, publishedMs, restMs] = [true, Number.NEGATIVE_INFINITY, EVERY_MS];

  const hostOf = (hostId: string): HostState => {
    let host = hosts.get(hostId);
    if (host === undefined) {
      host = { standing: undefined, lastProgress: undefined, atMs: 0 };
      hosts.set(hostId, host);
    }
    return host;
  };

  const textNow = (hostRows: ProgressSnapshot['hosts']): string =>
    snapshotText({
      run,
      number,
      atMs: now(),
      settings,
      ownMs: own.size === 0 ? undefined : Math.min(...own.values()),
      hosts: hostRows,
    });

  const write = async (): Promise<void> => {
    isChanged = false;
    number += 1;
    const rows = [...hosts].flatMap(([hostId, { standing, atMs }]) =>
      standing?.kind === 'progress' ? [{ hostId, progress: standing.progress, atMs }] : [],
    );
    const text = textNow(rows);
    restMs = Math.max(EVERY_MS, (text.length / 1e6) * MS_PER_MEGABYTE);
    const written = await documents.replace(PROGRESS_ID, text, version);
    if (written !== undefined) {
      version = written;
      return;
    }
    isChanged = true;
    const found = (await documents.get([PROGRESS_ID])).get(PROGRESS_ID);
    // A write of ours whose answer was lost, or another server's.
    if (found !== undefined && readSnapshot(found.text).run === run) version = found.version;
    else isOusted = true;
    if (isOusted) throw new RivalServer();
  };

  const publish = (): Promise<void> => {
    if (isOusted) return Promise.resolve();
    publishing ??= write()
      .then(
        () => {
          isTroubled = false;
          publishedMs = performance.now();
        },
        (error: unknown) => {
          if (!isTroubled) onTrouble(error instanceof Error ? error.message : 'unknown failure');
          isTroubled = true;
        },
      )
      .finally(() => {
        publishing = undefined;
      });
    return publishing;
  };

  const change = (): void => {
    isChanged = true;
  };

  const fence: DeliveryFence = {
    restore(hostId, progress, { nowMs, isAbsent }) {
      const standing: Standing = isAbsent ? { kind: 'absent' } : { kind: 'progress', progress };
      hosts.set(hostId, { standing, lastProgress: progress, atMs: nowMs });
      change();
    },
    dismiss(hostId) {
      hostOf(hostId).standing = { kind: 'absent' };
      change();
    },
    begin(hostId, _ids, { nowMs, ownCreatedMs }) {
      const host = hostOf(hostId);
      // Whoever speaks again may bring what is older than all that was read: wait for it from where it stood.
      if (host.standing?.kind === 'absent' && host.lastProgress !== undefined) {
        host.standing = { kind: 'progress', progress: host.lastProgress };
        host.atMs = nowMs;
        change();
      }
      const delivery = { hostId, begunMs: nowMs };
      if (ownCreatedMs !== undefined) {
        own.set(delivery, ownCreatedMs);
        change();
      }
      return delivery;
    },
    settle(delivery, _notStored, standing) {
      own.delete(delivery);
      change();
      if (standing === undefined) return;
      const host = hostOf(delivery.hostId);
      host.standing = standing;
      if (standing.kind !== 'progress') return;
      host.lastProgress = standing.progress;
      host.atMs = delivery.begunMs;
    },
    read: () => undefined,
    mark: () => 0,
    caughtUp: () => undefined,
    needsCatchUp: () => false,
    holdAll: () => undefined,
    watermarks: () => NOTHING_PASSED,
    settledMs: () => engines.settledMs(),
    unread: () => 0,
    lagMs: () => engines.lagMs(),
  };

  return {
    fence,
    isOusted: () => isOusted,
    async claim() {
      const before = (await documents.get([PROGRESS_ID])).get(PROGRESS_ID);
      if (before !== undefined && readSnapshot(before.text).run !== NOBODY) {
        await new Promise((resolve) => setTimeout(resolve, RIVAL_SHOWS_MS));
        if ((await documents.get([PROGRESS_ID])).get(PROGRESS_ID)?.version !== before.version) throw new RivalServer();
      }
      version = await documents.replace(PROGRESS_ID, textNow([]), before?.version);
      if (version === undefined) throw new RivalServer();
    },
    start() {
      timer = setInterval(() => {
        const sinceMs = performance.now() - publishedMs;
        if ((isChanged && sinceMs >= restMs) || sinceMs >= Math.max(restMs, AT_LEAST_EVERY_MS)) void publish();
      }, EVERY_MS / 3);
      timer.unref();
    },
    publish,
    async close() {
      clearInterval(timer);
      await publish();
      // Whoever comes next need not wait to see whether this one lives.
      if (isOusted || version === undefined) return;
      const last = (await documents.get([PROGRESS_ID])).get(PROGRESS_ID);
      if (last === undefined || last.version !== version) return;
      await documents.replace(PROGRESS_ID, snapshotText({ ...readSnapshot(last.text), run: NOBODY }), version);
    },
  };
}
