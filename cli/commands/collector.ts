// `vedette collector`: starts collector/collector.ts with what the configuration says, and stays until it is told to stop.
// Alone it never plays a recording unless told to: a host that looks watched and is not would be worse than one that fails.
import type { Collector, CollectorOptions, Notice, Refusal, SourceOptions } from '../../collector/options.ts';
import { passedDescriptors } from '../../collector/passed-descriptors.ts';
import { secretFilesOf } from '../../server/options.ts';
import { serverUrlOf } from '../client.ts';
import { modeInWords, refusalInWords } from '../collector-words.ts';
import { type Command, type Invocation, isGiven, optionValue, printJson } from '../command.ts';
import type { Config } from '../config/settings.ts';
import { CONFIG_OPTIONS, loadConfig } from '../config.ts';
import { makeDataFolder } from '../data-folder.ts';
import { EXIT, fail, type Outcome, succeed } from '../failure.ts';
import { hostIdOfName } from '../import/imported-host.ts';
import { readServerAddress } from '../server-address.ts';
import type { CollectorReady, SupervisorMessage } from '../up/child-message.ts';
import { beginSupervision, type Supervision } from '../up/supervised.ts';

/** How soon a server that was started again beside a collector is noticed, ms. */
const LOCAL_SERVER_EVERY_MS = 2_000;

export const collector: Command = {
  name: 'collector',
  synopsis: '[--server URL] [--source auto|kernel|multicast|file|recording]',
  description:
    'Runs the collector: reads the kernel’s audit stream, spools it, ships it to the server. Needs root, or CAP_AUDIT_CONTROL and CAP_AUDIT_READ. Where another daemon (auditd) owns the audit socket it listens beside it and changes nothing. On SIGINT and SIGTERM the kernel’s audit state is put back as it was.',
  positionals: { least: 0, most: 0 },
  options: {
    server: { value: 'URL', description: 'The server to ship to, instead of the configured one.' },
    source: {
      value: 'SOURCE',
      description: 'auto, kernel, multicast, file or recording, instead of the configured one.',
    },
    'enrollment-secret-file': { value: 'FILE', description: 'The secret by which this host gets its token, once.' },
    ...CONFIG_OPTIONS,
    supervised: { description: 'Run as a child of `vedette up`.', isInternal: true },
    'or-recording': { description: 'Play the recorded host where nothing else can be had.', isInternal: true },
    'audit-socket': { value: 'FD', description: 'An open audit socket that this process inherited.', isInternal: true },
    'exclude-pid': { value: 'PID', description: 'The server’s process: not audited.', isInternal: true },
  },
  examples: [
    [
      'sudo vedette collector --server https://vedette.example:8686 --enrollment-secret-file /root/secret',
      'Enrol this host and watch it.',
    ],
    ['vedette collector --source recording', 'Ship the recorded host that comes with Vedette: needs no root.'],
  ],
  async run(invocation) {
    let running: Collector | undefined;
    let excluded = initiallyExcluded(invocation);
    const supervision = beginSupervision(invocation, 'vedette-collector', (message: SupervisorMessage) => {
      if (message.kind !== 'exclude') return;
      excluded = message.pids;
      running?.excludePids(excluded);
    });
    const started = await start(invocation, supervision, excluded);
    if (!started.isOk) return supervision.refuse(started.failure);
    const { refused } = started.value;
    running = started.value.running;
    running.excludePids(excluded);
    const unfollow = supervision.isSupervised ? () => {} : followLocalServer(started.value.dataFolder, running);
    const { mode, host } = running;
    const ready: CollectorReady = { kind: 'collector-ready', mode, refused, hostId: host.id, hostName: host.name };
    supervision.send(ready);
    if (!supervision.isSupervised) {
      if (invocation.isJson) printJson(invocation, ready);
      else for (const line of modeInWords(ready)) invocation.context.stderr.write(`${line}\n`);
    }
    const reason = await Promise.race([running.failed, supervision.told]);
    unfollow();
    await running.close();
    if (typeof reason !== 'string') return EXIT.fine;
    const remedy = 'Start it again; what it spooled is kept.';
    return supervision.refuse(
      fail('collector/stopped', { message: `the collector stopped: ${reason}`, remedy }).failure,
    );
  },
};

interface Started {
  readonly running: Collector;
  readonly dataFolder: string;
  /** What was tried before, and why it was not to be had. */
  readonly refused: CollectorReady['refused'];
}

async function start(
  invocation: Invocation,
  supervision: Supervision,
  excludePids: readonly number[],
): Promise<Outcome<Started>> {
  const config = await loadConfig(invocation, [
    { option: 'server', path: 'collector.server' },
    { option: 'source', path: 'collector.source' },
    { option: 'enrollment-secret-file', path: 'collector.enrollment_secret_file' },
  ]);
  if (!config.isOk) return config;
  const folder = await makeDataFolder(config.value.dataFolder);
  if (!folder.isOk) return folder;
  const { startCollector } = await import('../../collector/collector.ts');
  const options = await collectorOptions(config.value, invocation, supervision);
  const refused: { source: 'kernel' | 'multicast'; refusal: Refusal }[] = [];
  let last: Refusal = { kind: 'failed', reason: 'no source' };
  const sources = sourcesOf(config.value, invocation);
  if (!sources.isOk) return sources;
  for (const source of sources.value) {
    const result = await startCollector({ ...options, excludePids, source });
    if (result.kind === 'started')
      return succeed({ running: result.collector, dataFolder: config.value.dataFolder, refused });
    last = result.refusal;
    // Nothing else would do better: the folder is in use, whatever the source.
    if (last.kind === 'folder-in-use' || (source.kind !== 'kernel' && source.kind !== 'multicast')) break;
    refused.push({ source: source.kind, refusal: last });
    supervision.notice('warning', refusalInWords(last).message, last.kind);
  }
  return fail(`collector/${last.kind}`, refusalInWords(last));
}

/** A server on the same machine is not audited, whichever process it is now: its work on our events would make more of them. */
function followLocalServer(dataFolder: string, running: Collector): () => void {
  let excluded: number | undefined;
  const look = async (): Promise<void> => {
    const pid = (await readServerAddress(dataFolder))?.pid;
    if (pid === undefined || pid === excluded) return;
    excluded = pid;
    running.excludePids([pid]);
  };
  void look();
  const timer = setInterval(() => void look(), LOCAL_SERVER_EVERY_MS);
  return () => clearInterval(timer);
}

/** What is tried, in this order. */
function sourcesOf(config: Config, invocation: Invocation): Outcome<readonly SourceOptions[]> {
  const { source, recordingFile } = config.collector;
  const recording = { kind: 'recording', ...(recordingFile === undefined ? {} : { file: recordingFile }) } as const;
  if (source === 'recording') return succeed([recording]);
  if (source === 'file') return fileSource(config);
  if (source !== 'auto') return succeed([{ kind: source }]);
  const watching = [{ kind: 'kernel' }, { kind: 'multicast' }] as const;
  return succeed(isGiven(invocation, 'or-recording') ? [...watching, recording] : watching);
}

/** Whose logs they are has to be said: a guess would put one host's events under another's name. */
function fileSource({ collector: { files, filesHost, filesStart } }: Config): Outcome<readonly SourceOptions[]> {
  if (files.length === 0 || filesHost === undefined) {
    const key = files.length === 0 ? 'collector.files' : 'collector.files_host';
    return fail('collector/files', {
      message: `collector.source is file, and ${key} is not set`,
      remedy:
        'Name the logs in collector.files, and in collector.files_host whose they are: `this`, or the host’s name.',
      exitCode: EXIT.usage,
    });
  }
  const host = filesHost === 'this' ? 'this' : { id: hostIdOfName(filesHost), name: filesHost };
  return succeed([{ kind: 'file', files, host, start: filesStart }]);
}

async function collectorOptions(
  config: Config,
  invocation: Invocation,
  supervision: Supervision,
): Promise<Omit<CollectorOptions, 'source' | 'excludePids'>> {
  const {
    tokenFile,
    enrollmentSecret,
    rulesProfile,
    rulesFiles,
    mendsRules,
    rulesScope,
    spoolBytesMax,
    spoolAgeMsMax,
    hashesExecutables,
    server,
    limits,
  } = config.collector;
  const notifySocket = invocation.context.env['NOTIFY_SOCKET'];
  const secretFile =
    enrollmentSecret === undefined
      ? secretFilesOf(config.dataFolder).enrollmentSecret
      : enrollmentSecret.kind === 'file'
        ? enrollmentSecret.path
        : undefined;
  return {
    dataFolder: config.dataFolder,
    server: {
      url: server ?? (await serverUrlOf(config)),
      ...(tokenFile === undefined ? {} : { tokenFile }),
      ...(secretFile === undefined ? {} : { enrollmentSecretFile: secretFile }),
      ...(enrollmentSecret?.kind === 'text' ? { enrollmentSecret: enrollmentSecret.text } : {}),
      ...deliveryOptions(config.collector),
    },
    rulesProfile,
    rulesFiles,
    mendsRules,
    ...(rulesScope === undefined ? {} : { rulesScope }),
    spoolBytesMax,
    spoolAgeMsMax,
    hashesExecutables,
    limits: {
      cpuShareMax: limits.cpuPercent === undefined ? undefined : limits.cpuPercent / 100,
      memoryBytesMax: limits.memoryBytes,
    },
    onNotice: ({ level, text, code }: Notice) => supervision.notice(level, text, code),
    inheritedDescriptors: inheritedDescriptors(invocation),
    ownFiles: config.file === undefined ? [] : [config.file],
    ...(notifySocket === undefined ? {} : { notifySocket }),
    now: invocation.context.now,
  };
}

/** How the events get there. */
function deliveryOptions({ apiKey, tls, otherServers, destination, compression }: Config['collector']) {
  return {
    ...(apiKey?.kind === 'text' ? { apiKey: apiKey.text } : {}),
    ...(apiKey?.kind === 'file' ? { apiKeyFile: apiKey.path } : {}),
    others: otherServers,
    destination,
    compression,
    tls: {
      ...(tls.caFile === undefined ? {} : { caFile: tls.caFile }),
      ...(tls.certFile === undefined ? {} : { certFile: tls.certFile }),
      ...(tls.keyFile === undefined ? {} : { keyFile: tls.keyFile }),
    },
  };
}

/** What the supervisor or systemd handed over. */
function inheritedDescriptors(invocation: Invocation): readonly number[] {
  const held = Number(optionValue(invocation, 'audit-socket'));
  return Number.isSafeInteger(held) && held > 2 ? [held] : passedDescriptors(invocation.context.env, process.pid);
}

function initiallyExcluded(invocation: Invocation): readonly number[] {
  const pid = Number(optionValue(invocation, 'exclude-pid'));
  return Number.isSafeInteger(pid) && pid > 1 ? [pid] : [];
}
