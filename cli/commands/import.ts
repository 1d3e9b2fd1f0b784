// `vedette import`: other people's logs into the store, by the server's ingest. Repeatable: ids are functions of the content.
import { createImporter, type Importer } from '../../audit/import.ts';
import { BULK_LINE_BYTES_MAX } from '../../event/bulk.ts';
import { visible } from '../../rules/diagnostic.ts';
import { CLIENT_OPTIONS, openClient } from '../client.ts';
import { type Command, type Invocation, optionValue, printJson } from '../command.ts';
import { reasonOf } from '../config.ts';
import { EXIT, type Failure, fail, type Outcome, succeed } from '../failure.ts';
import { importedHost } from '../import/imported-host.ts';
import { readLines } from '../import/lines.ts';
import { openShipment, type Rejection, type Shipment } from '../import/shipment.ts';
import { counted } from '../table.ts';

const FILES_MAX = 10_000;
/** Rejections that are told one by one; the others are counted. */
const REJECTIONS_TOLD = 20;
const REJECTIONS_JSON_MAX = 1000;
const PROGRESS_EVERY_MS = 500;

export const importFiles: Command = {
  name: 'import',
  synopsis: 'FILE… [--host NAME]',
  description:
    'Stores events that were written elsewhere: auditd’s audit.log (raw or enriched), go-audit’s JSON, ECS documents one a line; plain or gzip; `-` is stdin. Every line is recognised by itself. Name rotated files oldest first. A repeated import stores nothing twice. Exit code 1 when lines were rejected. Imported events meet no live rule unless server.alert_on_imports is set.',
  positionals: { least: 1, most: FILES_MAX },
  options: {
    host: { value: 'NAME', description: 'The host of lines that name none (audit.log without node=, go-audit).' },
    ...CLIENT_OPTIONS,
  },
  examples: [
    ['vedette import /var/log/audit/audit.log.1 /var/log/audit/audit.log --host web-7', 'What auditd wrote on web-7.'],
    ['vedette import export.ndjson.gz', 'ECS documents; each names its host.'],
  ],
  async run(invocation) {
    const client = await openClient(invocation, 'importer');
    if (!client.isOk) return client.failure;
    const rejections: Rejection[] = [];
    const tally = { lines: 0, unread: 0 };
    const onRejected = (rejection: Rejection): void => {
      if (rejections.length < REJECTIONS_JSON_MAX) rejections.push(rejection);
      if (!invocation.isJson && rejections.length <= REJECTIONS_TOLD) tellRejection(invocation, rejection);
    };
    const shipment = openShipment({ client: client.value, onRejected });
    const failure = await importAll(invocation, { shipment, tally, onRejected });
    const counts = shipment.counts();
    const rejected = counts.rejected + tally.unread;
    const result = { lines: tally.lines, stored: counts.stored, duplicate: counts.duplicate, rejected };
    if (failure !== undefined) {
      if (counts.stored > 0) invocation.context.stderr.write(`until then: ${inWords(result)}\n`);
      return failure;
    }
    if (invocation.isJson) printJson(invocation, { ...result, rejections });
    else {
      const more = Math.max(0, rejected - REJECTIONS_TOLD);
      if (more > 0) invocation.context.stderr.write(`… and ${more} more\n`);
      invocation.context.stdout.write(`${inWords(result)}\n`);
    }
    return rejected > 0 ? EXIT.findings : EXIT.fine;
  },
};

interface Work {
  readonly shipment: Shipment;
  readonly tally: { lines: number; unread: number };
  readonly onRejected: (rejection: Rejection) => void;
}

async function importAll(invocation: Invocation, work: Work): Promise<Failure | undefined> {
  const host = optionValue(invocation, 'host');
  let isHostMissing = false;
  const importer = createImporter({
    hostOf: (name) => {
      if (name === undefined && host === undefined) isHostMissing = true;
      return importedHost(name ?? host ?? 'unknown');
    },
  });
  const progress = progressLine(invocation);
  let place = { file: '', line: 0 };
  try {
    for (const file of invocation.positionals) {
      const before = work.tally.lines;
      place = { file, line: 0 };
      for await (const lines of readLines(file, BULK_LINE_BYTES_MAX)) {
        for (const { bytes, number } of lines) {
          work.tally.lines += 1;
          place = { file, line: number };
          if (bytes === undefined) reject(work, { ...place, reason: `longer than ${BULK_LINE_BYTES_MAX} bytes` });
          // Every line is pushed, an empty one for a line that is too long, so that the importer's count stays the file's.
          const taken = await take(work, importer.push(bytes?.toString('latin1') ?? ''), { file, before, place });
          if (isHostMissing) return noHost(place);
          if (!taken.isOk) return taken.failure;
        }
        progress.show(work);
      }
    }
    const rest = await take(work, importer.end(), { file: place.file, before: 0, place });
    if (isHostMissing) return noHost(place);
    if (!rest.isOk) return rest.failure;
    const finished = await work.shipment.finish();
    return finished.isOk ? undefined : finished.failure;
  } catch (error) {
    const remedy = 'Check the file. What was read before it is stored; importing again stores nothing twice.';
    const message = `${place.file} ${reasonOf(error)}`;
    return fail('import/unreadable', { message, remedy, exitCode: EXIT.usage }).failure;
  } finally {
    progress.clear();
  }
}

async function take(
  work: Work,
  imported: ReturnType<Importer['push']>,
  at: {
    readonly file: string;
    readonly before: number;
    readonly place: { readonly file: string; readonly line: number };
  },
): Promise<Outcome<undefined>> {
  for (const one of imported) {
    if (one.kind === 'rejected') {
      reject(work, { file: at.file, line: one.line - at.before, reason: one.reason });
      continue;
    }
    const added = await work.shipment.add(one.id, JSON.stringify(one.document), at.place);
    if (!added.isOk) return added;
  }
  return succeed(undefined);
}

function reject(work: Work, rejection: Rejection): void {
  work.tally.unread += 1;
  work.onRejected(rejection);
}

function noHost(place: { readonly file: string; readonly line: number }): Failure {
  const message = `${place.file}:${place.line}: the line names no host`;
  return fail('import/no-host', { message, remedy: 'Say whose log it is: --host NAME.', exitCode: EXIT.usage }).failure;
}

function tellRejection(invocation: Invocation, { file, line, reason }: Rejection): void {
  invocation.context.stderr.write(`${visible(`${file}:${line}: ${reason}`)}\n`);
}

function inWords(result: {
  readonly lines: number;
  readonly stored: number;
  readonly duplicate: number;
  readonly rejected: number;
}): string {
  const { lines, stored, duplicate, rejected } = result;
  return `${counted(lines, 'line')}: ${stored} stored, ${counted(duplicate, 'duplicate')}, ${rejected} rejected`;
}

/** On a terminal, one line that is written over; elsewhere nothing. */
function progressLine(invocation: Invocation): { show(work: Work): void; clear(): void } {
  const { stderr, now } = invocation.context;
  let shownMs = now();
  return {
    show({ tally, shipment }) {
      if (!stderr.isTTY || now() - shownMs < PROGRESS_EVERY_MS) return;
      shownMs = now();
      const { stored, duplicate } = shipment.counts();
      stderr.write(`\r\u001b[K${tally.lines} lines read, ${stored} stored, ${duplicate} duplicates`);
    },
    clear() {
      if (stderr.isTTY) stderr.write('\r\u001b[K');
    },
  };
}
