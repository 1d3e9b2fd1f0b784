// `vedette store check`: through the running server, or on the data folder itself where none runs.
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { visible } from '../../rules/diagnostic.ts';
import type { CheckApiReport } from '../../server/api.ts';
import type { OfflineReport } from '../../store/embedded/check-offline.ts';
import type { CheckFinding } from '../../store/port.ts';
import { CLIENT_OPTIONS, openClient } from '../client.ts';
import { type Command, type Invocation, isGiven, printJson } from '../command.ts';
import { loadConfig } from '../config.ts';
import { EXIT, fail, type Outcome, succeed } from '../failure.ts';
import { readServerAddress } from '../server-address.ts';
import { counted, formatBytes } from '../table.ts';

/** Nothing at all comes for so long only when the server is gone: one partition may take a while. */
const IDLE_MS: number = 15 * 60_000;

export const storeCheck: Command = {
  name: 'store check',
  synopsis: '',
  description:
    'Verifies the embedded store: checksums of the log and of every partition, lists against files, spans, numbers, that no event is there twice and each can be made a document again. Names what is damaged, how many events it touches and what to do; changes nothing. Exit code 1 when there is damage. Asks the running server (needs the admin token); where none runs it reads the data folder itself.',
  positionals: { least: 0, most: 0 },
  options: {
    quick: { description: 'Only names, sizes, lists, spans and the log: seconds, whatever the size.' },
    repair: {
      description:
        'Set aside what is damaged (renamed to *.damaged, nothing is deleted), so that the rest is served. Only while no server runs.',
    },
    ...CLIENT_OPTIONS,
  },
  examples: [
    ['vedette store check --quick', 'Is everything there?'],
    ['vedette store check', 'Is every byte what was written? Reads everything.'],
  ],
  async run(invocation) {
    const report = await reportOf(invocation);
    if (!report.isOk) return report.failure;
    if (invocation.isJson) printJson(invocation, report.value);
    else print(invocation, report.value);
    return report.value.findings.some(({ kind }) => kind === 'damage') ? EXIT.findings : EXIT.fine;
  },
};

type Report = CheckApiReport & Partial<Pick<OfflineReport, 'setAside'>>;

async function reportOf(invocation: Invocation): Promise<Outcome<Report>> {
  const config = await loadConfig(invocation);
  if (!config.isOk) return config;
  const { dataFolder, store, client } = config.value;
  if (store.kind !== 'embedded') {
    const message = 'the events of this configuration are in Elasticsearch';
    return fail('store/not-embedded', { message, remedy: 'Ask it: GET _cluster/health.', exitCode: EXIT.usage });
  }
  const isAsked = invocation.options.has('server') || client.server !== undefined;
  const isServed = isAsked || (await readServerAddress(dataFolder)) !== undefined;
  if (!isServed) return offline(invocation, join(dataFolder, 'store'));
  if (!isGiven(invocation, 'repair')) return online(invocation);
  const message = 'a server runs on this data folder, and --repair needs it to itself';
  return fail('store/in-use', { message, remedy: 'Stop the server first.', exitCode: EXIT.usage });
}

async function online(invocation: Invocation): Promise<Outcome<Report>> {
  const client = await openClient(invocation, 'admin');
  if (!client.isOk) return client;
  const progress = progressLine(invocation);
  const interrupted = new AbortController();
  try {
    return await client.value.lines<CheckApiReport>(
      '/api/v1/store/check',
      { isQuick: isGiven(invocation, 'quick') },
      { signal: interrupted.signal, idleMs: IDLE_MS, onLine: (line) => progress.show(Number(line['progress'])) },
    );
  } finally {
    progress.clear();
  }
}

async function offline(invocation: Invocation, folder: string): Promise<Outcome<Report>> {
  const isThere = await stat(folder).then(
    () => true,
    () => false,
  );
  if (!isThere) {
    const remedy = 'Name the data folder (--data FOLDER).';
    return fail('store/none', { message: `there is no store in ${folder}`, remedy, exitCode: EXIT.usage });
  }
  // DuckDB is loaded only here.
  const { checkOffline } = await import('../../store/embedded/check-offline.ts');
  const progress = progressLine(invocation);
  try {
    const report = await checkOffline(folder, {
      isQuick: isGiven(invocation, 'quick'),
      mayRepair: isGiven(invocation, 'repair'),
      progress: progress.show,
    });
    return succeed(report);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return fail('store/unreadable', { message, remedy: 'Stop what uses it, and check who may read it.' });
  } finally {
    progress.clear();
  }
}

function print(invocation: Invocation, report: Report): void {
  const { stdout, stderr } = invocation.context;
  for (const finding of report.findings) stdout.write(inWords(finding));
  for (const { file, as } of report.setAside ?? []) stdout.write(`${visible(file)}: set aside, ${visible(as)}\n`);
  const { partitions, events, bytes, isQuick } = report;
  const damaged = report.findings.filter(({ kind }) => kind === 'damage').length;
  const verdict = damaged === 0 ? 'no damage found' : `damage found in ${counted(damaged, 'place')}`;
  const how = isQuick ? ', looked at quickly' : '';
  stderr.write(
    `${counted(partitions, 'partition')}, ${counted(events, 'event')}, ${formatBytes(bytes)}${how}: ${verdict}\n`,
  );
}

function inWords({ kind, file, what, events, remedy }: CheckFinding): string {
  const count = events === undefined ? '' : ` (${counted(events, 'event')})`;
  return `${kind === 'damage' ? 'DAMAGE' : 'note'}  ${visible(file)}: ${visible(what)}${count}\n        ${visible(remedy)}\n`;
}

/** On a terminal, one line that is written over; elsewhere nothing. */
function progressLine(invocation: Invocation): { readonly show: (part: number) => void; readonly clear: () => void } {
  const { stderr } = invocation.context;
  let shown = -1;
  return {
    show(part) {
      const percent = Math.floor(part * 100);
      if (!stderr.isTTY || !(percent > shown)) return;
      shown = percent;
      stderr.write(`\r\u001b[K${percent} % read`);
    },
    clear() {
      if (stderr.isTTY) stderr.write('\r\u001b[K');
    },
  };
}
