// Starts and stops the collector: a reader thread (source → spool) and, in this one, shipping (spool → server). Each lives from
// the spool's files alone, so either may be behind, and a kill of the process costs what was not yet read.
import { join } from 'node:path';
import type { Progress } from '../event/progress.ts';
import { type Loss, lossOfSpool } from './loss-ledger.ts';
import type { Collector, CollectorFigures, CollectorOptions, CollectorStart, Notice, Refusal } from './options.ts';
import type { ReadingFigures, ToReader } from './reader-messages.ts';
import { type ReaderSource, type RunningReader, startReader } from './reader-thread.ts';
import { connect } from './ship/connection.ts';
import { dayOf } from './ship/destination.ts';
import type { HttpClient } from './ship/http-client.ts';
import { lossOfRejection, setAside } from './ship/set-aside.ts';
import { loadShipState, saveShipState, withLosses } from './ship/ship-state.ts';
import { createShipper } from './ship/shipper.ts';
import { createTokenSource } from './ship/token-source.ts';
import { folderDisk } from './spool/disk.ts';
import { openSpoolReader } from './spool/spool-reader.ts';

/** The reading thread has so long to put the kernel back and flush, ms: the kernel takes 16 ms for each rule that is removed. */
const READER_CLOSE_MS = 5_000;
/** The reading thread hears of the shipping figures this often, ms. */
const SHIPPING_FIGURES_MS = 5_000;
/** How far the server has everything is saved at most this often, ms. */
const SAVE_EVERY_MS = 1_000;

const NO_FIGURES: ReadingFigures = { records: 0, events: 0, spooled: 0, spoolBytes: 0, lostAtLeast: 0, position: 0 };

/** Starts collecting. An expected failure (no permission, another owner, …) is a value; with source `auto` there is none of these. */
export async function startCollector(options: CollectorOptions): Promise<CollectorStart> {
  const refused: { source: 'kernel' | 'multicast'; refusal: Refusal }[] = [];
  const sources = sourcesOf(options);
  let client: HttpClient;
  try {
    client = connect(options);
  } catch (error) {
    return { kind: 'refused', refusal: { kind: 'failed', reason: (error as Error).message } };
  }
  for (const [index, source] of sources.entries()) {
    const started = await startReader(options, source);
    if (started.kind === 'running')
      return { kind: 'started', collector: startShipping(options, started, client, refused) };
    const isLast = index === sources.length - 1;
    if (isLast || started.refusal.kind === 'folder-in-use' || source.kind === 'recording' || source.kind === 'file')
      return started;
    refused.push({ source: source.kind, refusal: started.refusal });
  }
  return { kind: 'refused', refusal: { kind: 'failed', reason: 'there is no source to try' } };
}

function sourcesOf({ source }: CollectorOptions): readonly ReaderSource[] {
  if (source.kind === 'recording') return [{ kind: 'recording', file: source.file, speed: source.speed ?? 1 }];
  if (source.kind === 'file') return [source];
  if (source.kind !== 'auto') return [{ kind: source.kind }];
  return [{ kind: 'kernel' }, { kind: 'multicast' }, { kind: 'recording', file: undefined, speed: 1 }];
}

function startShipping(
  options: CollectorOptions,
  running: RunningReader,
  client: HttpClient,
  refused: Collector['refused'],
): Collector {
  const { worker, folder, shared, ready } = running;
  const { now } = options;
  const notify = (notice: Notice): void => options.onNotice?.(notice);
  const { destination = 'vedette' } = options.server;
  const reader = openSpoolReader({
    disk: folderDisk(join(folder, 'spool')),
    shared,
    ...(destination === 'elasticsearch' ? { partition: dayOf } : {}),
  });
  const kept = loadShipState(folder);
  let waiting: readonly Loss[] = kept.losses;
  let lossBatch = 0;
  let lossesInBatch = 0;
  let figures = NO_FIGURES;
  let promised: Progress | undefined;
  let delivered = 0;
  let rejected = 0;
  let hasSaveFailed = false;
  let savedMs = 0;
  let saveLater: NodeJS.Timeout | undefined;
  let closing: Promise<void> | undefined;
  let onClosed = (): void => {};

  const tellReader = (message: ToReader): void => worker.postMessage(message);

  function save(): void {
    clearTimeout(saveLater);
    saveLater = undefined;
    savedMs = now();
    try {
      saveShipState(folder, { deliveredPosition: shared.acknowledged(), losses: waiting });
      hasSaveFailed = false;
    } catch (error) {
      if (hasSaveFailed) return;
      hasSaveFailed = true;
      const reason = (error as NodeJS.ErrnoException).code ?? 'unknown';
      notify({
        level: 'warning',
        code: 'disk-failed',
        text: `How far the server has everything cannot be saved (${reason}).`,
      });
    }
  }

  function handOver(losses: readonly Loss[]): void {
    waiting = withLosses(waiting, losses);
    if (waiting.length === 0 || lossesInBatch > 0) return;
    lossBatch += 1;
    lossesInBatch = waiting.length;
    tellReader({ kind: 'losses', batch: lossBatch, losses: waiting });
  }

  const tokens = createTokenSource(options, folder, { host: ready.host, client, notify });
  const shipper = createShipper({
    reader,
    client,
    destination,
    authorization: tokens.authorization,
    onTokenRefused: tokens.forget,
    promised: () => promised,
    now,
    random: Math.random,
    startTimer(durationMs, callback) {
      const timer = setTimeout(callback, durationMs);
      return () => clearTimeout(timer);
    },
    onSetAside(events) {
      rejected += events.length;
      setAside(folder, events, now());
      notify({ level: 'warning', code: 'rejected', text: lossOfRejection(events, now()).reason });
      handOver([lossOfRejection(events, now())]);
      save();
    },
    onDelivered(position, count) {
      delivered += count;
      shared.setAcknowledged(position);
      const damaged = reader.takeLosses();
      if (damaged.length > 0) handOver(damaged.map((loss) => lossOfSpool(loss, position)));
      // Losing this only sends events twice, and replacing a file makes the file system wait for the disk.
      if (now() - savedMs >= SAVE_EVERY_MS || now() < savedMs) save();
      // The last delivery before an outage as well: what is evicted meanwhile must not be told as lost after a kill.
      else saveLater ??= setTimeout(save, SAVE_EVERY_MS);
    },
    onNotice: notify,
  });

  running.listen((message) => {
    switch (message.kind) {
      case 'spooled':
        promised = message.promise;
        figures = message.figures;
        shipper.wake();
        break;
      case 'losses-kept':
        if (message.batch !== lossBatch) break;
        waiting = waiting.slice(lossesInBatch);
        lossesInBatch = 0;
        save();
        handOver([]);
        break;
      case 'notice':
        notify(message.notice);
        break;
      case 'closed':
        onClosed();
        break;
      case 'ready':
      case 'refused':
        break;
    }
  });
  handOver([]);
  const figuresTimer = setInterval(() => {
    tellReader({ kind: 'shipping', figures: { delivered, rejected } });
    // What the disk did not take is handed over again.
    lossesInBatch = 0;
    handOver([]);
  }, SHIPPING_FIGURES_MS);
  const shipping = shipper.run();

  async function closeReader(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    await Promise.race([
      new Promise<void>((resolve) => {
        onClosed = resolve;
        tellReader({ kind: 'close' });
      }),
      running.died,
      new Promise<void>((resolve) => {
        timer = setTimeout(resolve, READER_CLOSE_MS);
      }),
    ]);
    clearTimeout(timer);
  }

  async function close(): Promise<void> {
    clearInterval(figuresTimer);
    await closeReader();
    await shipper.stop();
    save();
    reader.close();
    await worker.terminate();
  }

  return {
    mode: ready.mode,
    refused,
    host: ready.host,
    excludePids: (pids) => tellReader({ kind: 'exclude', pids }),
    figures: (): CollectorFigures => ({ ...figures, delivered, rejected, deliveredPosition: shared.acknowledged() }),
    failed: Promise.race([
      running.died,
      shipping.then(
        () => new Promise<string>(() => {}),
        (error: unknown) => `shipping failed: ${error instanceof Error ? error.message : String(error)}`,
      ),
    ]).then((reason) => (closing === undefined ? reason : new Promise<string>(() => {}))),
    close() {
      closing ??= close();
      return closing;
    },
  };
}
