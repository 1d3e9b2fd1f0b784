// Bodies of `_bulk` requests, read in a thread of their own (body-worker.ts), so that the thread that answers is free for what only it
// can do. Nothing depends on it: whatever it does not answer, for whichever reason, is read in the answering thread as ever.
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { BodyAnswer, BodyQuestion } from './body-messages.ts';
import type { ScannedBody } from './body-scan.ts';

export interface BodyThread {
  /** The events of a body that unpacks to so many bytes at most; undefined where it is not what collectors send. */
  read(body: Uint8Array, encoding: string, bytesMax: number): Promise<ScannedBody | undefined>;
  close(): Promise<void>;
}

/** A thread that ended by itself is made anew so often: what ended it may come again. */
const RESTARTS_MAX = 8;

const PROGRAM = new URL(`./body-worker${extname(import.meta.filename)}`, import.meta.url);

/** `program`: for tests of a thread that ends. */
export function createBodyThread(program: URL = PROGRAM): BodyThread {
  const waiting = new Map<number, (scanned: ScannedBody | undefined) => void>();
  let worker: Worker | undefined;
  let restarts = 0;
  let questions = 0;
  let isClosed = false;

  const giveUp = (ended: Worker): void => {
    if (worker !== ended) return;
    worker = undefined;
    restarts++;
    for (const resolve of waiting.values()) resolve(undefined);
    waiting.clear();
  };

  const start = (): Worker => {
    const started = new Worker(program, { name: 'bodies' });
    started.on('message', ({ number, scanned }: BodyAnswer) => {
      const resolve = waiting.get(number);
      waiting.delete(number);
      if (waiting.size === 0) started.unref();
      if (scanned === undefined) resolve?.(undefined);
      else {
        const { buffer, byteOffset, byteLength } = scanned.bytes;
        resolve?.({ ...scanned, bytes: Buffer.from(buffer, byteOffset, byteLength) });
      }
    });
    started.on('error', () => giveUp(started));
    started.on('exit', () => giveUp(started));
    return started;
  };

  return {
    read(body, encoding, bytesMax) {
      if (isClosed || restarts > RESTARTS_MAX) return Promise.resolve(undefined);
      worker ??= start();
      const asked = worker;
      return new Promise((resolve) => {
        const number = ++questions;
        waiting.set(number, resolve);
        asked.ref();
        asked.postMessage({ number, body, encoding, bytesMax } satisfies BodyQuestion);
      });
    },
    async close() {
      isClosed = true;
      const ended = worker;
      if (ended !== undefined) {
        giveUp(ended);
        await ended.terminate();
      }
    },
  };
}
