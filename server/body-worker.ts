// The thread that reads bodies of `_bulk` requests: unpacks each and looks through it, one after another. It holds one body at a time,
// and its heap is small, so that collecting what was unpacked costs little.
import { parentPort } from 'node:worker_threads';
import type { BodyAnswer, BodyQuestion } from './body-messages.ts';
import { createBodyScan } from './body-scan.ts';
import { unpackWhole } from './bulk-stream.ts';

const port = parentPort;
if (port === null) throw new Error('this is the program of a thread');
const scan = createBodyScan();

port.on('message', ({ number, body, encoding, bytesMax }: BodyQuestion) => {
  const bytes = unpackWhole(body, encoding, bytesMax);
  const scanned = bytes === undefined ? undefined : scan(bytes);
  if (scanned === undefined) {
    port.postMessage({ number, scanned } satisfies BodyAnswer);
    return;
  }
  const answer: BodyAnswer = { number, scanned };
  const { buffer } = scanned.bytes;
  // A small body lies in a buffer that is shared with others.
  port.postMessage(answer, buffer.byteLength > 2 * Buffer.poolSize ? [buffer as ArrayBuffer] : []);
});
