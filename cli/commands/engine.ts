// `vedette engine`: evaluates a share of the rules, beside other processes that do the same; takes over what one of them leaves.
import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import type { RunningEngine } from '../../server/shared/engine-process.ts';
import { callOf } from '../call.ts';
import { type Command, type Invocation, printJson } from '../command.ts';
import { CONFIG_OPTIONS, loadConfig } from '../config.ts';
import { EXIT, fail, type Outcome, succeed } from '../failure.ts';
import { channelOptions, storeOptions } from '../server-settings.ts';
import { beginSupervision, type Supervision } from '../up/supervised.ts';

export const engine: Command = {
  name: 'engine',
  synopsis: '',
  description:
    'Evaluates rules of a server that has engine.shared: true, which publishes them in Elasticsearch. Any number may run, on any hosts: they share out the rule groups, and take over within seconds what one of them leaves. Alerts are sent from here, and shown by the server. SIGINT and SIGTERM stop it cleanly.',
  positionals: { least: 0, most: 0 },
  options: { ...CONFIG_OPTIONS },
  examples: [
    ['vedette engine', 'With the vedette.yaml of the server: the store, and the channels of alerts.'],
    ['vedette status', 'Who evaluates which rule group.'],
  ],
  async run(invocation) {
    const supervision = beginSupervision(invocation, 'vedette-engine');
    const started = await start(invocation, supervision);
    if (!started.isOk) return started.failure;
    const running = started.value;
    if (invocation.isJson) printJson(invocation, { kind: 'engine-ready', name: running.name });
    else supervision.notice('info', `vedette engine ${running.name}`);
    await supervision.told;
    await running.close();
    return EXIT.fine;
  },
};

async function start(invocation: Invocation, supervision: Supervision): Promise<Outcome<RunningEngine>> {
  const config = await loadConfig(invocation, []);
  if (!config.isOk) return config;
  if (config.value.store.kind !== 'elasticsearch') {
    return fail('engine/no-cluster', {
      message: 'engines share their work in Elasticsearch, and the configuration names no cluster',
      remedy: 'Set store.elasticsearch.node, as the server has it.',
    });
  }
  const store = await storeOptions(config.value);
  if (!store.isOk) return store;
  const { stdout, now } = invocation.context;
  const { program, clientOptions } = callOf(invocation.context, config.value);
  const channels = await channelOptions(config.value, {
    writable: stdout.stream,
    isTty: stdout.isTTY,
    isJson: invocation.isJson,
    commandOf: (alertId) => `${program} alerts show ${alertId}${clientOptions}`,
  });
  if (!channels.isOk) return channels;
  const name = `${hostname()}-${process.pid}-${randomBytes(3).toString('hex')}`;
  const { openEngine } = await import('../../server/shared/open-engine.ts');
  try {
    const running = await openEngine({
      name,
      store: store.value,
      channels: channels.value,
      now,
      monotonicMs: () => performance.now(),
      onNotice: ({ kind, message }) =>
        supervision.notice(kind === 'error' ? 'error' : kind === 'warning' ? 'warning' : 'info', message),
    });
    return succeed(running);
  } catch (error) {
    return fail('engine/store-unusable', {
      message: `the event store cannot be opened: ${(error as Error).message}`,
      remedy: 'Check the address and the credentials.',
    });
  }
}
