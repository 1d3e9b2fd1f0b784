// `vedette server`: starts server/server.ts with what the configuration says, and stays until it is told to stop.
import { type Diagnostic, formatDiagnostic } from '../../rules/diagnostic.ts';
import { type RunningServer, type ServerNotice, ServerStartError } from '../../server/options.ts';
import { callOf } from '../call.ts';
import { type Command, type Invocation, isGiven, printJson } from '../command.ts';
import type { Config } from '../config/settings.ts';
import { CONFIG_OPTIONS, loadConfig } from '../config.ts';
import { makeDataFolder } from '../data-folder.ts';
import { EXIT, fail, type Outcome, succeed } from '../failure.ts';
import { productVersion } from '../product-version.ts';
import { removeServerAddress, writeServerAddress } from '../server-address.ts';
import { ruleFoldersOf, serverOptionsOf } from '../server-settings.ts';
import { counted } from '../table.ts';
import type { ServerReady } from '../up/child-message.ts';
import { portOwner } from '../up/port-owner.ts';
import { beginSupervision, type Supervision } from '../up/supervised.ts';

export const server: Command = {
  name: 'server',
  synopsis: '[--host ADDRESS] [--port N]',
  description:
    'Runs the server: takes events, stores them, evaluates the rules, sends alerts. Prints alerts on stdout. SIGHUP reads the rules again; SIGINT and SIGTERM stop it cleanly.',
  positionals: { least: 0, most: 0 },
  options: {
    host: { value: 'ADDRESS', description: 'Address to listen on, instead of the configured one (127.0.0.1).' },
    port: { value: 'N', description: 'Port to listen on, instead of the configured one (8686); 0 takes a free one.' },
    ...CONFIG_OPTIONS,
    supervised: { description: 'Run as a child of `vedette up`.', isInternal: true },
    colour: { description: 'The parent prints on a terminal.', isInternal: true },
  },
  examples: [
    ['vedette server', 'With ./vedette.yaml or /etc/vedette/vedette.yaml, or without any.'],
    ['vedette server --data /var/lib/vedette --port 9000', 'Another data folder, another port.'],
  ],
  async run(invocation) {
    const supervision = beginSupervision(invocation, 'vedette-server');
    const started = await start(invocation, supervision);
    if (!started.isOk) return supervision.refuse(started.failure);
    const { config, running } = started.value;
    await writeServerAddress(config.dataFolder, running.url);
    process.on('SIGHUP', () => void reload(running, supervision));
    const ready = readiness(config, running);
    supervision.send(ready);
    if (!supervision.isSupervised) tell(invocation, ready);
    await supervision.told;
    await removeServerAddress(config.dataFolder);
    await running.close();
    return EXIT.fine;
  },
};

async function start(
  invocation: Invocation,
  supervision: Supervision,
): Promise<Outcome<{ readonly config: Config; readonly running: RunningServer }>> {
  const config = await loadConfig(invocation, [
    { option: 'host', path: 'server.host' },
    { option: 'port', path: 'server.port' },
  ]);
  if (!config.isOk) return config;
  const folder = await makeDataFolder(config.value.dataFolder);
  if (!folder.isOk) return folder;
  const { stdout, now } = invocation.context;
  const { program, clientOptions } = callOf(invocation.context, config.value);
  let isStarted = false;
  const options = await serverOptionsOf(config.value, {
    version: await productVersion(),
    now,
    onNotice: (notice) => {
      // Said by `tell`, or by the parent's screen, in more words.
      const isCovered = notice.kind === 'listening' || (notice.kind === 'rules' && !isStarted);
      if (!isCovered) supervision.notice(levelOf(notice), notice.message);
    },
    terminal: {
      writable: stdout.stream,
      isTty: stdout.isTTY || isGiven(invocation, 'colour'),
      isJson: invocation.isJson,
      commandOf: (alertId) => `${program} alerts show ${alertId}${clientOptions}`,
    },
  });
  if (!options.isOk) return options;
  try {
    const { startServer } = await import('../../server/server.ts');
    const running = await startServer(options.value);
    isStarted = true;
    return succeed({ config: config.value, running });
  } catch (error) {
    if (!(error instanceof ServerStartError)) throw error;
    const owner = error.code === 'port-taken' ? await portOwner(config.value.server.port) : undefined;
    const message = owner === undefined ? error.message : `${error.message}: ${owner} listens there`;
    return fail(`server/${error.code}`, { message, remedy: error.remedy });
  }
}

function readiness(config: Config, running: RunningServer): ServerReady {
  const { loaded, diagnostics } = running.rules();
  const { slack, email, webhook } = config.alerts;
  const channels = { terminal: true, slack, email, webhook };
  return {
    kind: 'server-ready',
    url: running.url,
    enrollmentSecretFile: running.secretFiles.enrollmentSecret,
    store: config.store.kind === 'embedded' ? 'embedded' : `Elasticsearch at ${config.store.nodes.join(', ')}`,
    ruleFolders: ruleFoldersOf(config).map(({ path }) => path),
    rulesLoaded: loaded,
    diagnostics,
    channels: Object.entries(channels).flatMap(([name, channel]) => (channel === undefined ? [] : [name])),
  };
}

function tell(invocation: Invocation, ready: ServerReady): void {
  if (invocation.isJson) {
    printJson(invocation, ready);
    return;
  }
  const { stderr } = invocation.context;
  for (const diagnostic of ready.diagnostics) stderr.write(`${formatDiagnostic(diagnostic)}\n`);
  const channels = ready.channels.join(', ');
  stderr.write(`vedette server at ${ready.url}: ${counted(ready.rulesLoaded, 'rule')}, alerts to ${channels}\n`);
}

async function reload(running: RunningServer, supervision: Supervision): Promise<void> {
  try {
    const { diagnostics } = await running.reloadRules();
    for (const diagnostic of diagnostics) {
      supervision.notice(diagnostic.severity, oneLine(diagnostic));
    }
  } catch (error) {
    supervision.notice('error', `the rules could not be read again: ${(error as Error).message}`);
  }
}

/** Where, what and what to do; `vedette rules lint` shows the line itself. */
function oneLine({ file, line, column, message, remedy }: Diagnostic): string {
  return `${file}:${line}:${column}: ${message}. ${remedy}`;
}

function levelOf({ kind }: ServerNotice): 'info' | 'warning' | 'error' {
  // Of the alerts it only says what could not be sent.
  return kind === 'error' ? 'error' : kind === 'warning' || kind === 'alerts' ? 'warning' : 'info';
}
