// `vedette export`: stored events into an archive, a folder of packed parts. Interrupted, it goes on after the last whole part, so
// that nothing is missing in it and nothing twice.
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type EventDocument, isPlainObject } from '../../event/document.ts';
import { orderKeyOf } from '../../event/order.ts';
import type { ExportApiRequest, ExportResult } from '../../server/api.ts';
import { type Archive, ArchiveDamaged, readArchive, writeArchive } from '../archive/archive.ts';
import { openPart, type PartWriter } from '../archive/part-writer.ts';
import { CLIENT_OPTIONS, type Client, openClient } from '../client.ts';
import { type Command, type Invocation, isGiven, optionValue, printJson } from '../command.ts';
import { reasonOf } from '../config.ts';
import { EXIT, type Failure, fail, type Outcome, succeed } from '../failure.ts';
import { listenForInterrupt } from '../interrupt.ts';
import type { Line } from '../lines.ts';
import { usage } from '../options.ts';
import { type ProgressBar, startProgressBar } from '../progress-bar.ts';
import { counted, formatBytes, isoTime } from '../table.ts';
import { RANGE_OPTIONS, readRange } from '../time-range.ts';

/** A part ends at the first new millisecond after so many bytes, before packing. */
const PART_BYTES: number = 64 * 1024 * 1024;
const IDLE_MS = 120_000;
/** Attempts in a row that bring no new part, and the longest wait between two. */
const TRIES_MAX = 6;
const WAIT_MAX_MS = 30_000;
/** Failures that may be over soon. */
const PASSING = /^(client\/(cut-off|timeout|unreachable)|store-|too-many-exports$|internal$|http\/5)/;

export const exportEvents: Command = {
  name: 'export',
  synopsis: '--since 30d --out FOLDER [--query QUERY]',
  description:
    'Writes the stored events of a time range into a folder, as packed NDJSON in parts of about 64 MiB before packing, with a list of their digests; `vedette import FOLDER` stores them again, under the same ids. The range is of event.created, as that of backtests: when the event was complete on its host. Interrupted, the same command goes on after the last whole part.',
  positionals: { least: 0, most: 0 },
  options: {
    ...RANGE_OPTIONS,
    query: { value: 'QUERY', description: 'Only events that match, in the language of `vedette search`.' },
    out: { value: 'FOLDER', description: 'Where to; it is made, or holds an export that was interrupted.' },
    ...CLIENT_OPTIONS,
  },
  examples: [
    ['vedette export --since 30d --out archive', 'The last thirty days.'],
    [
      "vedette export --since 2026-05-01 --until 2026-06-01 --query 'host.name:web-7' --out web-7-may",
      'What one host did in May.',
    ],
  ],
  run: (invocation) => exportInParts(invocation, PART_BYTES),
};

/** `partBytes` is smaller in tests. */
export async function exportInParts(invocation: Invocation, partBytes: number) {
  const folder = optionValue(invocation, 'out');
  if (folder === undefined) return usage(exportEvents, '--out is missing', 'Say where to: `--out FOLDER`.').failure;
  const client = await openClient(invocation, 'reader');
  if (!client.isOk) return client.failure;
  let archive: Archive;
  try {
    const begun = await beginning(invocation, folder);
    if (!begun.isOk) return begun.failure;
    archive = begun.value;
  } catch (error) {
    return unusable(folder, error);
  }
  if (archive.isComplete) return told(invocation, archive);
  const interrupt = listenForInterrupt();
  const bar = startProgressBar(invocation.context.stderr, isUnicode(invocation));
  try {
    const job = { client: client.value, folder, partBytes, bar, signal: interrupt.signal };
    const done = await exportAll(job, archive);
    if (!done.isOk) return done.failure;
    bar.end();
    return told(invocation, done.value);
  } catch (error) {
    return unusable(folder, error);
  } finally {
    bar.end();
    interrupt.release();
  }
}

/** The archive as it is so far: an empty one, or what an interruption left. */
async function beginning(invocation: Invocation, folder: string): Promise<Outcome<Archive>> {
  const query = optionValue(invocation, 'query') ?? '*';
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const names = await readdir(folder);
  const found = await readArchive(folder);
  if (found !== undefined) {
    if (found.query !== query)
      return fail('export/other', {
        message: `${folder} holds an export of another query: ${found.query}`,
        remedy: 'Choose another folder, or give that query.',
        exitCode: EXIT.usage,
      });
    for (const name of names)
      if (/^(part-[0-9]{6}\.ndjson\.zst|archive\.json)\.new$/.test(name)) await rm(join(folder, name));
    if (!found.isComplete)
      invocation.context.stderr.write(
        `goes on after ${counted(found.parts.length, 'part')}, with ${isoTime(found.sinceMs)} to ${isoTime(found.untilMs)}\n`,
      );
    return succeed(found);
  }
  if (names.length > 0)
    return fail('export/folder', {
      message: `${folder} is not empty`,
      remedy: 'Choose a folder that does not exist yet.',
      exitCode: EXIT.usage,
    });
  if (!isGiven(invocation, 'since'))
    return usage(exportEvents, '--since is missing', 'Say from when on: `--since 30d`, or a time.');
  const range = readRange(invocation, '0s');
  if (!range.isOk) return range;
  const sinceMs = Math.floor(range.value.sinceMs);
  const untilMs = Math.max(sinceMs, Math.floor(range.value.untilMs ?? invocation.context.now()));
  const archive = { query, sinceMs, untilMs, isComplete: false, parts: [] };
  await writeArchive(folder, archive);
  return succeed(archive);
}

interface Job {
  readonly client: Client;
  readonly folder: string;
  readonly partBytes: number;
  readonly bar: ProgressBar;
  readonly signal: AbortSignal;
}

/** Tries again where the connection or the server fails, for as long as there is progress. */
async function exportAll(job: Job, archive: Archive): Promise<Outcome<Archive>> {
  let current = archive;
  for (let attempt = 1; ; attempt += 1) {
    const before = current.parts.length;
    const outcome = await exportOnce(job, current, (changed) => {
      current = changed;
    });
    if (outcome.isOk) return succeed(current);
    const { failure } = outcome;
    if (current.parts.length > before) attempt = 1;
    // A server that was never there is told at once; one that is gone may be starting again.
    const isAbsent = failure.code === 'client/unreachable' && current === archive;
    if (!PASSING.test(failure.code) || isAbsent || job.signal.aborted || attempt >= TRIES_MAX) return goesOn(failure);
    await sleep(Math.min(250 * 2 ** attempt, WAIT_MAX_MS), undefined, { signal: job.signal }).catch(() => undefined);
  }
}

function goesOn(failure: Failure): Outcome<never> {
  const remedy = `${failure.remedy}\nThe same command goes on where it was.`;
  return { isOk: false, failure: { ...failure, remedy } };
}

/** One request: everything after the parts that are there. */
async function exportOnce(
  { client, folder, partBytes, bar, signal }: Job,
  archive: Archive,
  keep: (archive: Archive) => void,
): Promise<Outcome<undefined>> {
  let current = archive;
  const endMs = (): number => current.parts.at(-1)?.untilMs ?? current.sinceMs;
  const request: ExportApiRequest = { query: archive.query, sinceMs: endMs(), untilMs: archive.untilMs };
  let part: PartWriter | undefined;
  let lastMs = endMs();
  let events = 0;
  /** What went wrong here, not there. */
  let broken: unknown;

  const finish = async (untilMs: number, isComplete: boolean): Promise<void> => {
    const finished = await part?.finish(untilMs);
    part = undefined;
    const parts = finished === undefined ? current.parts : [...current.parts, finished];
    current = { ...current, parts, isComplete };
    await writeArchive(folder, current);
    keep(current);
  };

  const take = async (line: Line): Promise<void> => {
    const event = eventOf(line['event']);
    if (event === undefined) return;
    const createdMs = Math.floor(orderKeyOf(event.id, event.document).createdMs);
    if (part !== undefined && part.bytes >= partBytes && createdMs > lastMs) await finish(createdMs, false);
    part ??= await openPart(folder, current.parts.length + 1, endMs());
    lastMs = createdMs;
    events += 1;
    await part.write(`{"_id":${JSON.stringify(event.id)},"_source":${JSON.stringify(event.document)}}\n`);
    bar.told((createdMs - archive.sinceMs) / Math.max(1, archive.untilMs - archive.sinceMs));
  };

  try {
    const onLine = (line: Line): Promise<void> =>
      take(line).catch((error: unknown) => {
        broken = error;
        throw error;
      });
    const answer = await client.lines<ExportResult>('/api/v1/export', request, { signal, idleMs: IDLE_MS, onLine });
    if (broken !== undefined) throw broken;
    if (!answer.isOk) return answer;
    if (answer.value.events !== events) {
      const message = `the server says that it sent ${answer.value.events} events, and ${events} came`;
      return fail('export/count', { message, remedy: 'See what the server printed.' });
    }
    await finish(archive.untilMs, true);
    return succeed(undefined);
  } finally {
    await part?.abandon();
  }
}

function eventOf(value: unknown): { readonly id: string; readonly document: EventDocument } | undefined {
  if (!isPlainObject(value)) return undefined;
  const { id, document } = value;
  return typeof id === 'string' && isPlainObject(document) ? { id, document } : undefined;
}

function told(invocation: Invocation, archive: Archive) {
  const events = archive.parts.reduce((sum, part) => sum + part.events, 0);
  const bytes = archive.parts.reduce((sum, part) => sum + part.packedBytes, 0);
  const parts = archive.parts.length;
  if (invocation.isJson)
    printJson(invocation, {
      events,
      parts,
      bytes,
      since: isoTime(archive.sinceMs),
      until: isoTime(archive.untilMs),
      query: archive.query,
    });
  else
    invocation.context.stdout.write(
      `${counted(events, 'event')} in ${counted(parts, 'part')}, ${formatBytes(bytes)}: ${isoTime(archive.sinceMs)} to ${isoTime(archive.untilMs)}\n`,
    );
  return EXIT.fine;
}

function unusable(folder: string, error: unknown): Failure {
  const reason = error instanceof ArchiveDamaged ? error.message : reasonOf(error);
  const remedy = 'Check the folder, and the room on its disk. The same command goes on where it was.';
  return fail('export/folder', { message: `${folder}: ${reason}`, remedy, exitCode: EXIT.usage }).failure;
}

function isUnicode({ context: { env } }: Invocation): boolean {
  return /utf-?8/i.test(env['LC_ALL'] ?? env['LC_CTYPE'] ?? env['LANG'] ?? '');
}
