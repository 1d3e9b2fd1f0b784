// Starts the reading thread and waits for its first word: that it reads, or why it cannot. What it says later goes to whoever listens.
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { makeFolder } from './durable-file.ts';
import type { LimitOptions } from './limits.ts';
import type { CollectorOptions, Refusal } from './options.ts';
import type { FromReader, ReaderOptions } from './reader-messages.ts';
import { readerProgram } from './reader-program.ts';
import { loadShipState } from './ship/ship-state.ts';
import { SPOOL_AGE_MS_MAX, SPOOL_BYTES_LEAST, SPOOL_BYTES_MAX } from './spool/spool-limits.ts';
import { type SpoolShared, spoolShared } from './spool/spool-shared.ts';

/** The reading thread's heap, MiB: a young generation this small keeps its memory flat under a flood. */
const READER_YOUNG_MIB = 8;
const NO_LIMITS: LimitOptions = { cpuShareMax: undefined, memoryBytesMax: undefined };

export type ReaderSource = ReaderOptions['source'];

export interface RunningReader {
  readonly kind: 'running';
  readonly worker: Worker;
  readonly folder: string;
  readonly shared: SpoolShared;
  readonly ready: FromReader & { kind: 'ready' };
  /** Messages that come later go here. */
  listen(onMessage: (message: FromReader) => void): void;
  readonly died: Promise<string>;
}

/** An expected failure is a value; the thread of one that was refused has ended. */
export async function startReader(
  options: CollectorOptions,
  source: ReaderSource,
): Promise<RunningReader | { readonly kind: 'refused'; readonly refusal: Refusal }> {
  const folder = join(options.dataFolder, folderOf(source));
  makeFolder(folder);
  const shared = spoolShared();
  try {
    shared.setAcknowledged(loadShipState(folder).deliveredPosition);
  } catch (error) {
    return { kind: 'refused', refusal: { kind: 'failed', reason: (error as Error).message } };
  }
  const readerOptions: ReaderOptions = {
    folder,
    source,
    rulesProfile: options.rulesProfile ?? 'default',
    rulesFiles: options.rulesFiles ?? [],
    mendsRules: options.mendsRules ?? true,
    rulesScope: options.rulesScope,
    excludePids: options.excludePids ?? [],
    inheritedDescriptors: options.inheritedDescriptors ?? [],
    notifySocket: options.notifySocket,
    ownFiles: options.ownFiles ?? [],
    spoolBytesMax: Math.max(SPOOL_BYTES_LEAST, options.spoolBytesMax ?? SPOOL_BYTES_MAX),
    spoolAgeMsMax: options.spoolAgeMsMax ?? SPOOL_AGE_MS_MAX,
    hashesExecutables: options.hashesExecutables ?? false,
    limits: options.limits ?? NO_LIMITS,
    shared: shared.memory,
  };
  const { program, isText } = readerProgram();
  const worker = new Worker(program, {
    eval: isText,
    workerData: readerOptions,
    resourceLimits: { maxYoungGenerationSizeMb: READER_YOUNG_MIB },
  });
  const early: FromReader[] = [];
  let onMessage = (message: FromReader): void => {
    early.push(message);
  };
  const died = new Promise<string>((resolve) => {
    worker.on('error', (error: Error) => resolve(error.message));
    worker.on('exit', (code) => resolve(`the reading thread ended with code ${code}`));
  });
  const first = await new Promise<FromReader | string>((resolve) => {
    worker.on('message', (message: FromReader) => {
      if (message.kind === 'ready' || message.kind === 'refused') resolve(message);
      else onMessage(message);
    });
    void died.then(resolve);
  });
  if (typeof first === 'string') return { kind: 'refused', refusal: { kind: 'failed', reason: first } };
  if (first.kind !== 'ready') {
    // The next reader wants the folder's lock, which this one's thread still holds.
    await worker.terminate();
    return {
      kind: 'refused',
      refusal: first.kind === 'refused' ? first.refusal : { kind: 'failed', reason: 'no word' },
    };
  }
  return {
    kind: 'running',
    worker,
    folder,
    shared,
    ready: first,
    died,
    listen(handler) {
      onMessage = handler;
      for (const message of early.splice(0)) handler(message);
    },
  };
}

/** Another host has its own token, positions and spool. */
function folderOf(source: ReaderSource): string {
  if (source.kind === 'recording') return 'collector-recording';
  return source.kind === 'file' && source.host !== 'this' ? `collector-files-${source.host.id}` : 'collector';
}
