// Long answers as they come: NDJSON, one object with one key a line. The last line is `result` or `error`; where neither comes, the
// connection was cut, and the answer is not whole.
//
//   {"progress":0.25}   {"event":{"id":…,"document":{…}}}   {"cursor":"…"}   {"result":{…}}   {"error":{"code":…}}
import type { FastifyReply, FastifyRequest } from 'fastify';
import { apiErrorOf, problemOf } from './api-error.ts';
import { tellIfUnforeseen } from './http.ts';

const MEDIA_TYPE = 'application/x-ndjson';
/** Progress is told when it grew by so much. */
const PROGRESS_STEP = 0.01;

/** True when the client asked for lines. */
export function wantsLines(request: FastifyRequest): boolean {
  return request.headers.accept?.includes(MEDIA_TYPE) === true;
}

export interface Lines {
  /** Writes one line; resolves when the client can take more. Throws when it is gone. */
  write(line: Readonly<Record<string, unknown>>): Promise<void>;
  /** Tells how much is done, 0 to 1; never waits. */
  readonly progress: (part: number) => void;
}

/** Answers in lines: what `work` writes, then its result or what went wrong. */
export async function answerInLines(
  reply: FastifyReply,
  { signal, failureOf }: { readonly signal: AbortSignal; readonly failureOf: (error: unknown) => unknown },
  work: (lines: Lines) => Promise<unknown>,
): Promise<void> {
  reply.hijack();
  const { raw } = reply;
  raw.writeHead(200, { ...reply.getHeaders(), 'content-type': MEDIA_TYPE } as Record<string, string>);
  raw.flushHeaders();
  let told = 0;
  const put = (line: unknown): boolean => raw.writable && raw.write(`${JSON.stringify(line)}\n`);
  const lines: Lines = {
    async write(line) {
      signal.throwIfAborted();
      if (!put(line)) await drained(raw, signal);
    },
    progress(part) {
      if (!(part >= told + PROGRESS_STEP) || raw.writableNeedDrain || signal.aborted) return;
      told = Math.min(part, 1);
      put({ progress: Math.round(told * 1_000) / 1_000 });
    },
  };
  try {
    put({ result: await work(lines) });
  } catch (error) {
    const told = problemOf(failureOf(error));
    // Who has gone is the cause of whatever failed then.
    if (!signal.aborted) tellIfUnforeseen(told, error, reply.request);
    put(apiErrorOf(told));
  } finally {
    raw.end();
  }
}

function drained(raw: FastifyReply['raw'], signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const done = (): void => {
      raw.off('drain', done);
      raw.off('close', done);
      signal.removeEventListener('abort', done);
      if (signal.aborted || raw.destroyed) reject(signal.reason instanceof Error ? signal.reason : new Error('gone'));
      else resolve();
    };
    raw.once('drain', done);
    raw.once('close', done);
    signal.addEventListener('abort', done, { once: true });
  });
}
