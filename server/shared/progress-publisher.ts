// The fence of a server whose engines are other processes (delivery-fence.ts): what each host has promised is published once what it was
// delivered with is stored; whether it was read is the engines' business (remote-fence.ts).
import { NOTHING_PASSED } from '../../engine/watermark.ts';
import type { Progress } from '../../event/progress.ts';
import type { SharedDocuments } from '../../store/shared/shared-documents.ts';
import type { DeliveryFence, Standing } from '../delivery-fence.ts';
import { PROGRESS_ID, readSnapshot, type SharedSettings, snapshotText } from './progress-snapshot.ts';

/** How often what changed is published, */
const EVERY_MS = 300;
/** and what did not: time passes too. A document of many hosts is written less often. */
const AT_LEAST_EVERY_MS = 1_000;
const MS_PER_MEGABYTE = 1_000;

export interface ProgressPublisher {
  readonly fence: DeliveryFence;
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
  let isKnown = false;
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

  const write = async (): Promise<void> => {
    if (!isKnown) version = (await documents.get([PROGRESS_ID])).get(PROGRESS_ID)?.version;
    isKnown = true;
    isChanged = false;
    number += 1;
    const text = snapshotText({
      run,
      number,
      atMs: now(),
      settings,
      ownMs: own.size === 0 ? undefined : Math.min(...own.values()),
      hosts: [...hosts].flatMap(([hostId, { standing, atMs }]) =>
        standing?.kind === 'progress' ? [{ hostId, progress: standing.progress, atMs }] : [],
      ),
    });
    restMs = Math.max(EVERY_MS, (text.length / 1e6) * MS_PER_MEGABYTE);
    const written = await documents.replace(PROGRESS_ID, text, version);
    if (written !== undefined) {
      version = written;
      return;
    }
    const found = (await documents.get([PROGRESS_ID])).get(PROGRESS_ID);
    version = found?.version;
    isChanged = true;
    if (found !== undefined && readSnapshot(found.text).run !== run) {
      throw new Error('another server publishes the progress of hosts to this cluster: one of the two must stop');
    }
  };

  const publish = (): Promise<void> => {
    publishing ??= write()
      .then(
        () => {
          isTroubled = false;
          publishedMs = performance.now();
        },
        (error: unknown) => {
          isKnown = false;
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
      await publishing;
      await publish();
    },
  };
}
