// The ingest rate over HTTP with gzip, server and engine running on the embedded store: with twelve rules as fast as it goes, at 20,000
// events a second, and in bursts of 50,000 a second of one host and of several, all for a minute; and as fast as it goes with all shipped
// rules. What is told: events acknowledged a second; when all is drained, which is: every event is in a partition, none waits in the log,
// and the engine has read them all (a burst has two minutes for that, from its first request on); the server's CPU by thread, until the
// last answer and after it, its memory, and bytes an event on disk. The sender packs all before it begins, and its own CPU is told beside:
// it takes part in the cores' time, which on the senders' own machines it would not. So is what two cores could do at the server's CPU
// alone. The events are the tests' own captures, mapped once and given new times and serials. A sixth of the captures match a shipped
// rule, which is what they were made for; of the events here one in a hundred does, still far more than on a host. What parsing one costs
// is told beside, because machines differ.
import { readdirSync, readFileSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { createImporter } from '../audit/import.ts';
import { createEngine } from '../engine/create-engine.ts';
import { EVERYTHING_PASSED } from '../engine/watermark.ts';
import type { EventDocument } from '../event/document.ts';
import { readRuleFolders, SHIPPED_RULES } from '../rules/rule-folders.ts';
import type { EnrollResponse, StatusResponse } from '../server/api.ts';
import { eventually, type Installation, makeInstallation } from '../test/harness/installation.ts';
import { freePort } from '../test/harness/receivers.ts';
import { BOOT, HOST, type SendOrder, type SendReport } from './ingest-order.ts';
import { cpuMs, memoryMib, threadCpuMs } from './process-cost.ts';

const SUSTAINED_PER_SECOND = 20_000;
const BURST_PER_SECOND = 50_000;
const BURST_HOSTS = 8;

/** Of the shipped ones: seven on single events, five on many (threshold, distinct, new value, sequence). */
const TWELVE_RULES: readonly string[] = [
  'authorized-keys-written',
  'credential-file-read',
  'kernel-module-loaded',
  'reverse-shell',
  'sudoers-changed',
  'suid-file-made',
  'web-server-spawned-shell',
  'downloaded-program-run',
  'kernel-module-never-seen',
  'port-scan-from-host',
  'ssh-password-guessing',
  'sudo-password-guessing',
];

/** `part`: only those whose name holds this. */
export async function run({
  isShort,
  part: asked = '',
}: {
  readonly isShort: boolean;
  readonly part?: string | undefined;
}): Promise<readonly string[]> {
  const lines: string[] = [];
  const samples = asOnAHost(sampleDocuments());
  const count = isShort ? 40_000 : 400_000;
  const seconds = { sustained: isShort ? 3 : 60, burst: isShort ? 2 : 60 };
  const parts: readonly (readonly [name: string, part: Part])[] = [
    ['twelve rules, as fast as it goes', { count, eventsPerSecond: undefined, rules: TWELVE_RULES }],
    ['all shipped rules, as fast as it goes', { count, eventsPerSecond: undefined, rules: undefined }],
    [
      'twelve rules, sustained',
      {
        count: SUSTAINED_PER_SECOND * seconds.sustained,
        eventsPerSecond: SUSTAINED_PER_SECOND,
        rules: TWELVE_RULES,
      },
    ],
    ...[1, BURST_HOSTS].map((hosts): readonly [string, Part] => [
      `twelve rules, burst from ${hosts} host${hosts === 1 ? '' : 's'}`,
      {
        count: BURST_PER_SECOND * seconds.burst,
        eventsPerSecond: BURST_PER_SECOND,
        rules: TWELVE_RULES,
        hosts,
      },
    ]),
  ];
  for (const [name, part] of parts) {
    if (!name.includes(asked)) continue;
    for (const line of await measure(samples, part)) lines.push(`${name}: ${line}`);
  }
  return lines;
}

interface Part {
  readonly count: number;
  /** Sent so fast at the most; undefined: as fast as it is acknowledged. */
  readonly eventsPerSecond: number | undefined;
  /** Names of shipped ones; undefined: all of them. */
  readonly rules: readonly string[] | undefined;
  /** That send it, one if it is not told: what a host sends is stored a request after the other, what several send together. */
  readonly hosts?: number;
}

async function measure(samples: readonly EventDocument[], part: Part): Promise<readonly string[]> {
  const { count, eventsPerSecond, hosts: hostCount = 1 } = part;
  // As the `vedette` command and `up` start it.
  const installation = makeInstallation({
    port: await freePort(),
    environment: { NODE_OPTIONS: '--max-semi-space-size=16' },
    ...(part.rules === undefined ? {} : { shippedRules: false, rules: ruleTexts(part.rules) }),
  });
  const server = await installation.start('server');
  const sender = new Worker(new URL('./ingest-sender-worker.ts', import.meta.url), { workerData: { samples } });
  try {
    const hosts = await Promise.all(Array.from({ length: hostCount }, (_, at) => enroll(installation, at)));
    const before = { cpu: cpuMs(server.pid), threads: threadCpuMs(server.pid) };
    let behindMost = 0;
    const watch = setInterval(async () => {
      const { engine } = await installation.api<StatusResponse>('/status').catch(() => ({ engine: { behind: 0 } }));
      behindMost = Math.max(behindMost, engine.behind);
    }, 1_000);
    const sent = await send(sender, { url: installation.url, hosts, count, eventsPerSecond });
    const acknowledgedMs = sent.ms;
    const answered = threadCpuMs(server.pid);
    const begin = performance.now() - sent.ms;
    const { store } = await eventually(
      'the engine to have read all',
      async () => {
        const status = await installation.api<StatusResponse>('/status');
        const isDone = status.store.events >= count && status.store.pending === 0 && status.engine.behind === 0;
        return isDone ? status : undefined;
      },
      900_000,
    );
    const foldedMs = performance.now() - begin;
    clearInterval(watch);
    const perEvent = (ms: number): string => ((ms * 1_000) / count).toFixed(1);
    const drained = threadCpuMs(server.pid);
    const byThread = (from: ReadonlyMap<string, number>, to: ReadonlyMap<string, number>): string =>
      [...to]
        .map(([name, ms]) => ({ name, ms: ms - (from.get(name) ?? 0) }))
        .filter(({ ms }) => ms / count > 0.000_5)
        .sort((a, b) => b.ms - a.ms)
        .map(({ name, ms }) => `${name} ${perEvent(ms)}`)
        .join(', ');
    const serverMs = cpuMs(server.pid) - before.cpu;
    return [
      `${count} events of ${(sent.bytes / count).toFixed(0)} bytes, ${sent.refusals} requests put off`,
      `acknowledged ${perSecond(count, acknowledgedMs)}/s, in ${inSeconds(acknowledgedMs)}; drained ${inSeconds(foldedMs)} after the first ` +
        `request, ${inSeconds(foldedMs - acknowledgedMs)} after the last answer, ${perSecond(count, foldedMs)}/s; the engine behind by ` +
        `${behindMost} at most`,
      `server CPU ${perEvent(serverMs)} µs/event, of which two cores do ${perSecond(2 * count, serverMs)}/s; beside it the sender ` +
        `${sent.cpuUs.toFixed(1)} µs/event`,
      `by thread until the last answer: ${byThread(before.threads, answered)}; after it: ${byThread(answered, drained)}; parsing such an ` +
        `event ${sent.parseUs.toFixed(1)}; RSS at most ${memoryMib(server.pid).highest.toFixed(0)} MiB, ` +
        `${(store.bytes / store.events).toFixed(0)} bytes/event on disk`,
    ];
  } finally {
    await sender.terminate();
    await server.stop();
    installation.remove();
  }
}

function ruleTexts(names: readonly string[]): Readonly<Record<string, string>> {
  const text = (name: string): string => readFileSync(`${SHIPPED_RULES.path}/${name}.yaml`, 'utf8');
  return Object.fromEntries(names.map((name) => [`${name}.yaml`, text(name)]));
}

/** The sender is a thread of its own: making and packing requests must not wait for anything here. */
function send(sender: Worker, order: SendOrder): Promise<SendReport> {
  return new Promise((resolve, reject) => {
    sender.once('message', resolve);
    sender.once('error', reject);
    sender.postMessage(order);
  });
}

function inSeconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}

function perSecond(count: number, ms: number): string {
  return ((count / ms) * 1_000).toFixed(0);
}

function sampleDocuments(): readonly EventDocument[] {
  const folder = new URL('../test/data/audit-samples/', import.meta.url);
  return readdirSync(folder)
    .filter((name) => name.endsWith('.log') && name !== 'execve_longargs.log')
    .flatMap((name) => documentsOf(readFileSync(new URL(name, folder), 'latin1')));
}

const MATCHING_OF = 100;

/** In the order in which they are sent: again and again those that match no rule, and between them those that do. */
function asOnAHost(samples: readonly EventDocument[]): readonly EventDocument[] {
  const engine = createEngine({
    epochs: [{ fromMs: 0, rules: readRuleFolders([SHIPPED_RULES]).rules }],
    state: new Map(),
  });
  const matches = (): number => engine.health().reduce((sum, { matches }) => sum + matches, 0);
  const [quiet, matching]: [EventDocument[], EventDocument[]] = [[], []];
  for (const [at, document] of samples.entries()) {
    const before = matches();
    engine.step([{ id: `e${at}`, document }], EVERYTHING_PASSED);
    (matches() === before ? quiet : matching).push(document);
  }
  return Array.from({ length: matching.length * MATCHING_OF }, (_, at) => {
    const [from, number] = at % MATCHING_OF === 0 ? [matching, at / MATCHING_OF] : [quiet, at];
    return from[number % from.length] ?? {};
  });
}

function documentsOf(log: string): readonly EventDocument[] {
  const importer = createImporter({ hostOf: () => ({ id: HOST, name: HOST, bootId: BOOT }) });
  const imported = [...log.split('\n').flatMap((line) => importer.push(line)), ...importer.end()];
  return imported.flatMap((result) => (result.kind === 'document' ? [result.document] : []));
}

async function enroll(installation: Installation, number: number): Promise<SendOrder['hosts'][number]> {
  const id = number === 0 ? HOST : `${HOST}-${number}`;
  const secret = readFileSync(`${installation.dataFolder}/server/enrollment.secret`, 'utf8').trim();
  const request = { enrollment_secret: secret, host: { id, name: id } };
  const { token } = await installation.api<EnrollResponse>('/enroll', request);
  return { id, token };
}
