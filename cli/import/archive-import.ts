// Imports archives (cli/archive/): each part is checked against its digest before anything of it is sent, so that a torn one is named
// and never half stored. Repeatable, and taken up again where it was interrupted.
import { lstat } from 'node:fs/promises';
import { visible } from '../../rules/diagnostic.ts';
import { type Archive, ArchiveDamaged, type ArchivePart, checkPart, readArchive } from '../archive/archive.ts';
import { openImportState } from '../archive/import-state.ts';
import { readPart } from '../archive/part-reader.ts';
import type { Client } from '../client.ts';
import { type Invocation, isGiven, printJson } from '../command.ts';
import { reasonOf } from '../config.ts';
import { EXIT, type ExitCode, type Failure, fail, type Outcome, succeed } from '../failure.ts';
import { listenForInterrupt } from '../interrupt.ts';
import { type ProgressBar, startProgressBar } from '../progress-bar.ts';
import { counted } from '../table.ts';
import { openShipment, type Rejection, type Shipment } from './shipment.ts';

/** Of a part that was imported before, so many events are sent to see whether this server has it. */
const SAMPLE_EVENTS = 100;
const REJECTIONS_TOLD = 20;
const REJECTIONS_JSON_MAX = 1_000;

export interface FoundArchive {
  readonly folder: string;
  readonly archive: Archive;
}

/** Those of the arguments that are archives. */
export async function archivesAmong(paths: readonly string[]): Promise<Outcome<readonly FoundArchive[]>> {
  const found: FoundArchive[] = [];
  for (const folder of paths) {
    const kind = folder === '-' ? undefined : await lstat(folder).catch(() => undefined);
    if (kind?.isDirectory() !== true) continue;
    try {
      const archive = await readArchive(folder);
      if (archive !== undefined) found.push({ folder, archive });
    } catch (error) {
      return { isOk: false, failure: archiveFailure(folder, error) };
    }
  }
  return succeed(found);
}

interface Tally {
  parts: number;
  skipped: number;
  damaged: string[];
  events: number;
  unread: number;
}

export async function importArchives(
  invocation: Invocation,
  client: Client,
  archives: readonly FoundArchive[],
): Promise<ExitCode | Failure> {
  const { stderr, stdout, env } = invocation.context;
  const rejections: Rejection[] = [];
  const tally: Tally = { parts: 0, skipped: 0, damaged: [], events: 0, unread: 0 };
  const onRejected = (rejection: Rejection): void => {
    if (rejections.length < REJECTIONS_JSON_MAX) rejections.push(rejection);
    if (!invocation.isJson && rejections.length <= REJECTIONS_TOLD)
      stderr.write(`${visible(`${rejection.file}:${rejection.line}: ${rejection.reason}`)}\n`);
  };
  const shipment = openShipment({ client, onRejected });
  const interrupt = listenForInterrupt();
  const bar = startProgressBar(stderr, /utf-?8/i.test(env['LC_ALL'] ?? env['LC_CTYPE'] ?? env['LANG'] ?? ''));
  const total = archives.reduce((sum, { archive }) => sum + bytesOf(archive.parts), 0);
  const work: Work = { invocation, shipment, tally, onRejected, bar, signal: interrupt.signal, total, readBytes: 0 };
  let failure: Failure | undefined;
  try {
    for (const found of archives) {
      if (!found.archive.isComplete) {
        bar.hide();
        stderr.write(`${visible(found.folder)} is not complete: its export was interrupted\n`);
      }
      failure = await importArchive(work, client.url, found);
      if (failure !== undefined) break;
    }
  } finally {
    bar.end();
    interrupt.release();
  }
  const { stored, duplicate, rejected } = shipment.counts();
  const result = {
    archives: archives.length,
    parts: tally.parts,
    skipped: tally.skipped,
    damaged: tally.damaged,
    events: tally.events,
    stored,
    duplicate,
    rejected: rejected + tally.unread,
  };
  const words = `${counted(result.parts, 'part')}, ${counted(result.events, 'event')}: ${stored} stored, ${counted(duplicate, 'duplicate')}, ${result.rejected} rejected${tally.skipped > 0 ? `; ${counted(tally.skipped, 'part')} imported before` : ''}`;
  if (failure !== undefined) {
    if (tally.events > 0) stderr.write(`until then: ${words}\n`);
    return failure;
  }
  if (invocation.isJson) printJson(invocation, { ...result, rejections });
  else stdout.write(`${words}\n`);
  return result.rejected + tally.damaged.length > 0 ? EXIT.findings : EXIT.fine;
}

interface Work {
  readonly invocation: Invocation;
  readonly shipment: Shipment;
  readonly tally: Tally;
  readonly onRejected: (rejection: Rejection) => void;
  readonly bar: ProgressBar;
  readonly signal: AbortSignal;
  readonly total: number;
  readBytes: number;
}

async function importArchive(work: Work, url: string, { folder, archive }: FoundArchive): Promise<Failure | undefined> {
  const state = await openImportState(folder, url);
  for (const part of archive.parts) {
    try {
      await checkPart(folder, part);
      const imported = await importPart(work, folder, part, state.isDone(part));
      if (!imported.isOk) return imported.failure;
    } catch (error) {
      if (!(error instanceof ArchiveDamaged) || !isGiven(work.invocation, 'skip-damaged'))
        return archiveFailure(folder, error);
      work.bar.hide();
      work.invocation.context.stderr.write(`${visible(`${folder}: ${error.message}`)}; left out\n`);
      work.tally.damaged.push(part.name);
      continue;
    } finally {
      work.readBytes += part.packedBytes;
      work.bar.told(work.readBytes / Math.max(1, work.total));
    }
    work.tally.parts += 1;
    await state.done(part);
  }
  if (work.tally.damaged.length === 0) await state.end();
  return undefined;
}

/** Everything of a part; of one that was imported before, a sample, and the rest only where the server lacks something of it. */
async function importPart(work: Work, folder: string, part: ArchivePart, isDone: boolean): Promise<Outcome<undefined>> {
  const { shipment, tally, signal } = work;
  let sent = 0;
  const before = shipment.counts();
  for await (const lines of readPart(folder, part)) {
    for (const line of lines) {
      if (signal.aborted) return calledOff();
      const origin = { file: `${folder}/${part.name}`, line: line.line };
      if (line.kind === 'rejected') {
        tally.unread += 1;
        work.onRejected({ ...origin, reason: line.reason });
        continue;
      }
      const added = await shipment.add(line.id, line.json, origin);
      if (!added.isOk) return added;
      tally.events += 1;
      sent += 1;
      if (!isDone || sent !== SAMPLE_EVENTS) continue;
      const flushed = await shipment.finish();
      if (!flushed.isOk) return flushed;
      if (shipment.counts().duplicate - before.duplicate < sent) continue;
      tally.skipped += 1;
      return succeed(undefined);
    }
  }
  // A part is noted as imported once all of it is acknowledged.
  return shipment.finish();
}

function bytesOf(parts: readonly ArchivePart[]): number {
  return parts.reduce((sum, part) => sum + part.packedBytes, 0);
}

function calledOff(): Outcome<never> {
  const remedy = 'The same command goes on where it was.';
  return fail('cli/interrupted', { message: 'called off', remedy });
}

/** An archive that cannot be used, in words. */
export function archiveFailure(folder: string, error: unknown): Failure {
  const isDamage = error instanceof ArchiveDamaged;
  const message = `${folder}${isDamage ? ':' : ''} ${isDamage ? error.message : reasonOf(error)}`;
  const remedy = isDamage
    ? 'Export that time again, or import the other parts: --skip-damaged. What was read before it is stored.'
    : 'Check the folder. Importing again stores nothing twice.';
  return fail('import/archive', { message, remedy, exitCode: EXIT.usage }).failure;
}
