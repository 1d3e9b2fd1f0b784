// `vedette import`: other people's logs into the store, by the server's ingest. Repeatable: ids are functions of the content.
import { readFile } from 'node:fs/promises';
import { createImporter, type Importer } from '../../audit/import.ts';
import { BULK_LINE_BYTES_MAX } from '../../event/bulk.ts';
import { HOST_ID_PATTERN } from '../../event/id.ts';
import { visible } from '../../rules/diagnostic.ts';
import { CLIENT_OPTIONS, openClient } from '../client.ts';
import { type Command, type Invocation, optionValue, printJson } from '../command.ts';
import { reasonOf } from '../config.ts';
import { EXIT, type Failure, fail, type Outcome, succeed } from '../failure.ts';
import { archivesAmong, importArchives } from '../import/archive-import.ts';
import { bootIdOfText, bootsOfText, createHostNaming, type HostNaming } from '../import/imported-host.ts';
import { readLines } from '../import/lines.ts';
import { expandFiles, FILES_MAX, inOrderOfTime, leftOutOf } from '../import/log-files.ts';
import { openShipment, type Rejection, type Shipment } from '../import/shipment.ts';
import { usage } from '../options.ts';
import { counted } from '../table.ts';

/** Rejections that are told one by one; the others are counted. */
const REJECTIONS_TOLD = 20;
const LEFT_OUT_TOLD = 5;
const REJECTIONS_JSON_MAX = 1000;
const PROGRESS_EVERY_MS = 500;
/** Records of different events come so far out of order, ms. */
const OVERLAP_MS = 1_000;

export const importFiles: Command = {
  name: 'import',
  synopsis: 'FILE… [--host NAME]',
  description:
    'Stores events that were written elsewhere: auditd’s audit.log (raw or enriched), ausearch’s output, audit records behind a syslog head or in the journal, JSON of go-audit, laurel and Auditbeat, ECS documents one a line; plain, gzip or zstd; `-` is stdin; and archives of `vedette export`, checked part by part. Every line is recognised by itself. A folder means the logs in it; rotated files are read oldest first, whatever their order here. A repeated import stores nothing twice. Exit code 1 when lines were rejected. Imported events meet no live rule unless server.alert_on_imports is set.',
  positionals: { least: 1, most: FILES_MAX },
  options: {
    host: {
      value: 'NAME',
      description: 'The host of lines that name none (audit.log without node=, go-audit, laurel).',
    },
    'host-id': {
      value: 'ID',
      description: 'Its host.id, where a collector runs on it too: what both saw is then stored once.',
    },
    'boot-id': { value: 'ID', description: 'Its boot, for the same; the content of /proc/sys/kernel/random/boot_id.' },
    boots: { value: 'FILE', description: 'Its boots, where the log spans several: `journalctl --list-boots -o json`.' },
    'skip-damaged': { description: 'Of an archive: leave damaged parts out and import the others.' },
    ...CLIENT_OPTIONS,
  },
  examples: [
    ['vedette import archive', 'What `vedette export --out archive` wrote, under the same ids.'],
    ['vedette import /var/log/audit --host web-7', 'What auditd wrote on web-7, all of it.'],
    ['vedette import export.ndjson.gz', 'ECS documents; each names its host.'],
  ],
  async run(invocation) {
    const client = await openClient(invocation, 'importer');
    if (!client.isOk) return client.failure;
    const archives = await archivesAmong(invocation.positionals);
    if (!archives.isOk) return archives.failure;
    if (archives.value.length === invocation.positionals.length)
      return importArchives(invocation, client.value, archives.value);
    if (archives.value.length > 0)
      return usage(importFiles, 'archives and logs in one call', 'Import them one after the other.').failure;
    const rejections: Rejection[] = [];
    const naming = await hostNaming(invocation);
    if (!naming.isOk) return naming.failure;
    const tally = { files: 0, lines: 0, events: 0, unread: 0 };
    const onRejected = (rejection: Rejection): void => {
      if (rejections.length < REJECTIONS_JSON_MAX) rejections.push(rejection);
      if (!invocation.isJson && rejections.length <= REJECTIONS_TOLD) tellRejection(invocation, rejection);
    };
    const shipment = openShipment({ client: client.value, onRejected });
    const failure = await importAll(invocation, { shipment, tally, onRejected, naming: naming.value });
    const counts = shipment.counts();
    const rejected = counts.rejected + tally.unread;
    const result = {
      files: tally.files,
      lines: tally.lines,
      events: tally.events,
      stored: counts.stored,
      duplicate: counts.duplicate,
      rejected,
    };
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
  readonly naming: HostNaming;
  readonly tally: { files: number; lines: number; events: number; unread: number };
  readonly onRejected: (rejection: Rejection) => void;
}

interface Place {
  readonly file: string;
  readonly line: number;
}

async function hostNaming(invocation: Invocation): Promise<Outcome<HostNaming>> {
  const usage = (message: string, remedy: string): Outcome<HostNaming> =>
    fail('import/host', { message, remedy, exitCode: EXIT.usage });
  const id = optionValue(invocation, 'host-id');
  if (id !== undefined && !HOST_ID_PATTERN.test(id))
    return usage(`--host-id ${id} is no host id`, '`vedette hosts` tells the ids of the hosts that are known.');
  const [bootText, bootsFile] = [optionValue(invocation, 'boot-id'), optionValue(invocation, 'boots')];
  const bootId = bootText === undefined ? undefined : bootIdOfText(bootText);
  if (bootText !== undefined && bootId === undefined)
    return usage(
      `--boot-id ${bootText} is no boot id`,
      'It is what /proc/sys/kernel/random/boot_id holds on that host.',
    );
  let boots = bootId === undefined ? [] : [{ bootId, fromMs: Number.NEGATIVE_INFINITY }];
  if (bootsFile !== undefined) {
    let listed: ReturnType<typeof bootsOfText>;
    try {
      listed = bootsOfText(await readFile(bootsFile, 'utf8'));
    } catch (error) {
      return usage(`${bootsFile} ${reasonOf(error)}`, 'Check the file.');
    }
    if (listed === undefined)
      return usage(`${bootsFile} holds no list of boots`, 'Make it on that host: journalctl --list-boots -o json.');
    boots = [...boots, ...listed];
  }
  return succeed(createHostNaming({ name: optionValue(invocation, 'host'), id, boots }));
}

async function importAll(invocation: Invocation, work: Work): Promise<Failure | undefined> {
  const importer = createImporter({ hostOf: work.naming.hostOf });
  const progress = progressLine(invocation);
  let place: Place = { file: invocation.positionals[0] ?? '', line: 0 };
  try {
    for (const argument of invocation.positionals) {
      place = { file: argument, line: 0 };
      expandFiles([argument]);
    }
    tellLeftOut(invocation, leftOutOf(invocation.positionals));
    const begun = new Set<string>();
    for (const { file, firstMs, firstLine } of await inOrderOfTime(expandFiles(invocation.positionals))) {
      // The next file of a rotated set goes on with the events of the one before; a copy of it, or another log, does not.
      if (begun.has(firstLine) || firstMs < importer.lastMs - OVERLAP_MS) {
        const rest = await take(work, importer.end(), place);
        if (!rest.isOk) return rest.failure;
      }
      begun.add(firstLine);
      work.tally.files += 1;
      place = { file, line: 0 };
      for await (const lines of readLines(file, BULK_LINE_BYTES_MAX)) {
        for (const { bytes, number } of lines) {
          work.tally.lines += 1;
          place = { file, line: number };
          if (bytes === undefined) reject(work, { ...place, reason: `longer than ${BULK_LINE_BYTES_MAX} bytes` });
          const imported = bytes === undefined ? [] : importer.push(bytes.toString('latin1'));
          if (imported.length === 0) continue;
          const taken = await take(work, imported, place);
          if (work.naming.isHostMissing()) return noHost(place);
          if (!taken.isOk) return taken.failure;
        }
        progress.show(work);
      }
    }
    const rest = await take(work, importer.end(), place);
    if (work.naming.isHostMissing()) return noHost(place);
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

async function take(work: Work, imported: ReturnType<Importer['push']>, place: Place): Promise<Outcome<undefined>> {
  if (work.naming.isHostMissing()) return succeed(undefined);
  for (const one of imported) {
    if (one.kind === 'rejected') {
      reject(work, { ...place, reason: one.reason });
      continue;
    }
    work.tally.events += 1;
    const added = await work.shipment.add(one.id, one.json, place);
    if (!added.isOk) return added;
  }
  return succeed(undefined);
}

function reject(work: Work, rejection: Rejection): void {
  work.tally.unread += 1;
  work.onRejected(rejection);
}

function noHost(place: Place): Failure {
  const message = `${place.file}:${place.line}: the line names no host`;
  return fail('import/no-host', { message, remedy: 'Say whose log it is: --host NAME.', exitCode: EXIT.usage }).failure;
}

function tellLeftOut(invocation: Invocation, paths: readonly string[]): void {
  if (paths.length === 0) return;
  const more = paths.length > LEFT_OUT_TOLD ? `, and ${paths.length - LEFT_OUT_TOLD} more` : '';
  const names = visible(paths.slice(0, LEFT_OUT_TOLD).join(', '));
  invocation.context.stderr.write(`left out, not being named as a log: ${names}${more}. Name it to import it.\n`);
}

function tellRejection(invocation: Invocation, { file, line, reason }: Rejection): void {
  invocation.context.stderr.write(`${visible(`${file}:${line}: ${reason}`)}\n`);
}

function inWords(result: {
  readonly files: number;
  readonly lines: number;
  readonly events: number;
  readonly stored: number;
  readonly duplicate: number;
  readonly rejected: number;
}): string {
  const { files, lines, events, stored, duplicate, rejected } = result;
  return `${counted(files, 'file')}, ${counted(lines, 'line')}, ${counted(events, 'event')}: ${stored} stored, ${counted(duplicate, 'duplicate')}, ${rejected} rejected`;
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
