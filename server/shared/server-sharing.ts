// A server whose engines are other processes: what takes the place of its own engine and fence, and what it publishes for them.

import { randomUUID } from 'node:crypto';
import { type EventStore, StoreUnavailable } from '../../store/port.ts';
import type { SharedDocuments } from '../../store/shared/shared-documents.ts';
import type { SqliteState } from '../../store/state/sqlite-state.ts';
import type { OutboxPort } from '../../store/state/state-port.ts';
import { failureText } from '../failure-text.ts';
import type { ServerNotice } from '../options.ts';
import type { QuarantineBook } from '../quarantine-book.ts';
import { createControlPublisher, reconcile } from './control-publisher.ts';
import { createEngineReplica, type EngineReplica } from './engine-replica.ts';
import { settleLayout } from './layout.ts';
import { createProgressPublisher, type ProgressPublisher, RivalServer } from './progress-publisher.ts';
import type { SharedSettings } from './progress-snapshot.ts';

export interface ServerSharing {
  readonly fence: ProgressPublisher['fence'];
  readonly replica: EngineReplica;
  /** The same store, which takes no event while a change of the rules is not published. */
  readonly store: EventStore;
  start(): void;
  close(): Promise<void>;
}

/** Nothing is sent by a server whose engines send. */
export const NO_OUTBOX: OutboxPort = {
  due: () => [],
  pendingChannels: () => [],
  record: () => undefined,
  counts: () => ({ pending: 0, sent: 0, failed: 0 }),
};

/** Throws what `documents` throws, ForeignControlLog and RivalServer. */
export async function shareEngine(options: {
  readonly documents: SharedDocuments;
  readonly groups: number;
  readonly settings: SharedSettings;
  readonly state: SqliteState;
  readonly store: EventStore;
  readonly quarantines: () => QuarantineBook;
  readonly ruleIds: () => readonly string[];
  readonly now: () => number;
  readonly onNotice: (notice: ServerNotice) => void;
}): Promise<ServerSharing> {
  const { documents, settings, state, store, quarantines, ruleIds, now, onNotice } = options;
  const cursor = state.engine.loadCursor();
  const wanted = { groups: options.groups, ...(cursor === undefined ? {} : { cursor }) };
  const { groups } = await settleLayout(documents, wanted);
  if (groups !== options.groups) {
    const message = `rules are shared out in ${groups} groups, as this was begun with; engine.groups says ${options.groups}`;
    onNotice({ kind: 'warning', message });
  }
  const control = createControlPublisher({
    documents,
    log: state.controlLog,
    publishedCount: await reconcile(documents, state.controlLog),
    onTrouble: (error) =>
      onNotice({
        kind: 'error',
        message: `the rules cannot be published, and no event is taken: ${failureText(error)}`,
      }),
  });
  const replica = createEngineReplica({
    ...{ documents, groups, state, quarantines, ruleIds, onNotice },
    onControl: control.wake,
    monotonicMs: () => performance.now(),
  });
  const progress = createProgressPublisher({
    ...{ documents, settings, now },
    run: randomUUID(),
    engines: replica,
    onTrouble: (message) =>
      onNotice({
        kind: 'error',
        message: `the hosts’ progress cannot be published, and rules wait for it: ${message}`,
      }),
  });
  await progress.claim();
  return {
    fence: progress.fence,
    replica,
    store: {
      ...store,
      async append(batch) {
        await control.published();
        if (progress.isOusted()) throw new StoreUnavailable('unreachable', new RivalServer().message);
        return store.append(batch);
      },
    },
    start() {
      control.wake();
      progress.start();
    },
    async close() {
      control.close();
      await progress.close();
      await documents.close();
    },
  };
}
