// `vedette up`, which is `npm start`: everything that watches this machine, in one terminal.
import { relative } from 'node:path';
import { callOf } from '../call.ts';
import { configuredUrl } from '../client.ts';
import { type Command, type Invocation, isGiven, optionValue } from '../command.ts';
import type { Config } from '../config/settings.ts';
import { CONFIG_OPTIONS, loadConfig } from '../config.ts';
import { fail, type Outcome, succeed } from '../failure.ts';
import { productVersion } from '../product-version.ts';
import { SHIPPED_RULES } from '../server-settings.ts';
import { startChild } from '../up/child.ts';
import { SUPERVISED } from '../up/child-message.ts';
import { holdFolder } from '../up/folder-lock.ts';
import { CHILD_DESCRIPTOR, holdAuditSocket } from '../up/held-socket.ts';
import { runUp } from '../up/run-up.ts';
import { renderScreen } from '../up/screen.ts';
import { makeVoice } from '../up/voice.ts';

const SAMPLE_RULE = `${SHIPPED_RULES}/web-server-spawned-shell.yaml`;

export const up: Command = {
  name: 'up',
  synopsis: '[--demo] [--port N] [--data FOLDER]',
  description:
    'Runs the server and the collector of this host, restarts either should it die, and prints alerts as they come. Needs root to load audit rules; beside auditd it listens and changes nothing; with neither it plays a recorded host, and says so. Ctrl-C stops everything and leaves the kernel’s audit state as it was.',
  positionals: { least: 0, most: 0 },
  options: {
    demo: { description: 'Play the recorded host, whatever this machine allows: needs no root.' },
    port: { value: 'N', description: 'Port to listen on, instead of the configured one (8686); 0 takes a free one.' },
    ...CONFIG_OPTIONS,
  },
  examples: [
    ['sudo vedette up', 'Watch this machine. `npm start` is the same.'],
    ['vedette up --demo', 'See it alert on a recorded host: “apache spawned bash”.'],
    ['vedette up --port 9000 --data /tmp/vedette', 'A second one beside the first.'],
  ],
  async run(invocation) {
    const config = await loadConfig(invocation, [{ option: 'port', path: 'server.port' }]);
    if (!config.isOk) return config.failure;
    const remote = checkLocal(config.value);
    if (!remote.isOk) return remote.failure;
    process.title = 'vedette-up';
    const told = untilSignalled();
    const lock = await holdFolder(config.value.dataFolder);
    if (!lock.isOk) return lock.failure;
    try {
      return await run(invocation, config.value, told);
    } finally {
      lock.value.release();
    }
  },
};

async function run(invocation: Invocation, config: Config, told: Promise<void>): ReturnType<Command['run']> {
  const { context, isJson } = invocation;
  const version = await productVersion();
  const { program, clientOptions, isHere } = callOf(context, config);
  const voice = makeVoice(context, {
    isJson,
    render: (server, collector) =>
      renderScreen({
        version,
        server,
        collector,
        dataFolder: config.dataFolder,
        configFile: config.file,
        program,
        clientOptions,
        sampleRule: isHere ? relative(context.cwd, SAMPLE_RULE) : SAMPLE_RULE,
      }),
  });
  const shared = [
    `--${SUPERVISED}`,
    ...(config.file === undefined ? [] : ['--config', config.file]),
    '--data',
    config.dataFolder,
  ];
  const port = optionValue(invocation, 'port') ?? String(config.server.port);
  const isDemo = isGiven(invocation, 'demo');
  const watches = !isDemo && config.collector.source !== 'recording' && config.collector.source !== 'multicast';
  const held = watches && process.getuid?.() === 0 ? await holdAuditSocket() : undefined;
  return runUp({
    context,
    voice,
    dataFolder: config.dataFolder,
    alerts: context.stdout.stream,
    told,
    processes: {
      startChild,
      ...(held === undefined ? {} : { heldSocket: held }),
      restoreKernel: async (folder) => (await import('../../collector/kernel-state.ts')).restoreKernel(folder),
    },
    serverWords: ({ url }) => [
      'server',
      ...shared,
      '--port',
      url === undefined ? port : new URL(url).port || port,
      ...(context.stdout.isTTY && !isJson ? ['--colour'] : []),
      ...(isJson ? ['--json'] : []),
    ],
    collectorWords: ({ url, serverPid, mode }) => [
      'collector',
      ...shared,
      '--server',
      url,
      ...(serverPid === undefined ? [] : ['--exclude-pid', String(serverPid)]),
      ...(held === undefined ? [] : ['--audit-socket', String(CHILD_DESCRIPTOR)]),
      // A host that was watched must never, after a restart, look watched while a recording plays.
      ...(isDemo || mode?.kind === 'recording'
        ? ['--source', 'recording']
        : mode === undefined
          ? ['--or-recording']
          : []),
    ],
  });
}

/** `up` runs both ends on this machine; with a server elsewhere it would be a collector with extra steps. */
function checkLocal(config: Config): Outcome<undefined> {
  const { server } = config.collector;
  if (server === undefined || server === configuredUrl(config)) return succeed(undefined);
  const message = `\`collector.server\` names another server (${server}), and \`up\` runs its own`;
  return fail('up/other-server', {
    message,
    remedy: `Take the key out, or run \`vedette collector\` alone.`,
    exitCode: 2,
  });
}

/** Settles at the first signal to stop; those that follow change nothing: stopping is bounded, and hurry would be paid by the kernel. */
function untilSignalled(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => resolve());
  });
}
