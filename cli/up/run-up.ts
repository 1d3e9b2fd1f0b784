// `vedette up` at work: the server first, then the collector, one screen, alerts; at the end the collector first, so that the
// kernel is as it was before anything else can go wrong. Promises that whatever dies, the kernel is put back by somebody:
// the collector itself, the next collector, or this process.

import { modeInWords } from '../collector-words.ts';
import type { Context } from '../command.ts';
import { EXIT, type ExitCode, type Failure, fail } from '../failure.ts';
import type { Child, ChildExit } from './child.ts';
import type { ChildMessage, CollectorReady, ServerReady } from './child-message.ts';
import type { HeldSocket } from './held-socket.ts';
import { type Keeper, type KeeperOptions, keep } from './keeper.ts';
import type { Voice } from './voice.ts';

/** The server may flush for so long before it is killed, ms. */
const SERVER_GRACE_MS = 8_000;
/** By its own promise the collector stops within 3 s. */
const COLLECTOR_GRACE_MS = 6_000;

export interface UpOptions {
  readonly context: Context;
  readonly voice: Voice;
  readonly dataFolder: string;
  /** Command lines of the children: what each start needs to know. */
  readonly serverWords: (known: { readonly url: string | undefined }) => readonly string[];
  readonly collectorWords: (known: {
    readonly url: string;
    readonly serverPid: number | undefined;
    /** What the first start came to; undefined at the first start. */
    readonly mode: CollectorReady['mode'] | undefined;
  }) => readonly string[];
  /** Where alerts are printed. */
  readonly alerts: NodeJS.WritableStream;
  /** Settles when a signal tells to stop. */
  readonly told: Promise<void>;
  readonly processes: Processes;
}

/** What reaches outside: the children, and the kernel of a collector that died. */
interface Processes {
  /** `descriptor`: one of this process's, which the child gets too. */
  readonly startChild: (...parts: [...Parameters<KeeperOptions['startChild']>, descriptor?: number]) => Child;
  /** The audit socket that outlives a collector, where one is held. */
  readonly heldSocket?: HeldSocket;
  /** True when there was something to put back. */
  readonly restoreKernel: (dataFolder: string) => Promise<boolean>;
}

type End = { readonly kind: 'told' } | { readonly kind: 'broken'; readonly failure: Failure };

export async function runUp(options: UpOptions): Promise<ExitCode | Failure> {
  const told = options.told.then((): End => ({ kind: 'told' }));
  const server = runServer(options);
  const first = await Promise.race([server.first, told]);
  if (first.kind !== 'server-ready') {
    options.voice.flush();
    await server.keeper.stop();
    return first.kind === 'broken' ? first.failure : EXIT.fine;
  }
  const collector = runCollector(options, first.url, server.keeper);
  server.onStart((child) => {
    if (child.pid !== undefined) collector.keeper.current()?.send({ kind: 'exclude', pids: [child.pid] });
  });
  const watching = await Promise.race([collector.first, told]);
  let end: End;
  if (watching.kind === 'collector-ready') {
    options.voice.showScreen({ server: first, collector: watching });
    server.showAlerts();
    end = await told;
  } else {
    options.voice.flush();
    end = watching;
  }
  options.voice.notice('info', 'up', 'stopping; the collector first, which puts the kernel back');
  const wasClean = await collector.keeper.stop();
  options.processes.heldSocket?.release();
  if (!wasClean) await restoreKernelAfterDeath(options);
  await server.keeper.stop();
  options.voice.notice('info', 'up', 'stopped');
  return end.kind === 'broken' ? end.failure : EXIT.fine;
}

interface ServerRun {
  readonly keeper: Keeper;
  readonly first: Promise<ServerReady | Extract<End, { kind: 'broken' }>>;
  onStart(listener: (child: Child) => void): void;
  /** From now on alerts go to the screen; before, the child keeps them. */
  showAlerts(): void;
}

function runServer(options: UpOptions): ServerRun {
  const first = Promise.withResolvers<ServerReady | Extract<End, { kind: 'broken' }>>();
  let url: string | undefined;
  let isShown = false;
  let listener: (child: Child) => void = () => {};
  const show = (child: Child | undefined): void => {
    if (child === undefined) return;
    child.stdout.pipe(options.alerts, { end: false });
    // Where nobody reads the alerts any more (a closed pipe), the server must not wait for a reader.
    options.alerts.once('error', () => child.stdout.resume());
  };
  const keeper = keep({
    startChild: options.processes.startChild,
    words: () => options.serverWords({ url }),
    graceMs: SERVER_GRACE_MS,
    now: options.context.now,
    onStart(child) {
      listener(child);
      if (isShown) show(child);
    },
    onMessage(message) {
      if (message.kind === 'notice') options.voice.pass('server', message);
      if (message.kind === 'server-ready') {
        if (url !== undefined) options.voice.notice('info', 'server', `runs again at ${message.url}`);
        url = message.url;
        first.resolve(message);
      }
      if (message.kind === 'refused') first.resolve(tellRefusal(options, 'server', message, url === undefined));
    },
    onDeath: (exit, delayMs) => {
      first.resolve({ kind: 'broken', failure: diedAtStart('server', exit) });
      tellDeath(options, 'server', exit, delayMs);
    },
  });
  return {
    keeper,
    first: first.promise,
    onStart(next) {
      listener = next;
    },
    showAlerts() {
      isShown = true;
      show(keeper.current());
    },
  };
}

interface CollectorRun {
  readonly keeper: Keeper;
  readonly first: Promise<CollectorReady | Extract<End, { kind: 'broken' }>>;
}

function runCollector(options: UpOptions, url: string, server: Keeper): CollectorRun {
  const first = Promise.withResolvers<CollectorReady | Extract<End, { kind: 'broken' }>>();
  let mode: CollectorReady['mode'] | undefined;
  const keeper = keep({
    startChild: (words, onMessage) => options.processes.startChild(words, onMessage, options.processes.heldSocket?.fd),
    words: () => options.collectorWords({ url, serverPid: server.current()?.pid, mode }),
    graceMs: COLLECTOR_GRACE_MS,
    now: options.context.now,
    onStart: () => {},
    onMessage(message) {
      if (message.kind === 'notice') options.voice.pass('collector', message);
      if (message.kind === 'collector-ready') {
        if (mode !== undefined)
          options.voice.notice('info', 'collector', `runs again: ${modeInWords(message)[0] ?? ''}`);
        mode ??= message.mode;
        first.resolve(message);
      }
      if (message.kind === 'refused') first.resolve(tellRefusal(options, 'collector', message, mode === undefined));
    },
    onDeath: (exit, delayMs) => {
      first.resolve({ kind: 'broken', failure: diedAtStart('collector', exit) });
      tellDeath(options, 'collector', exit, delayMs);
    },
  });
  return { keeper, first: first.promise };
}

function tellRefusal(
  options: UpOptions,
  who: string,
  message: Extract<ChildMessage, { kind: 'refused' }>,
  isFirst: boolean,
): Extract<End, { kind: 'broken' }> {
  // At the first start the failure ends `up` and is told by the end; later it is one more reason for another try.
  if (!isFirst) options.voice.notice('error', who, `${message.failure.message}. ${message.failure.remedy}`);
  return { kind: 'broken', failure: message.failure };
}

function tellDeath(options: UpOptions, who: string, exit: ChildExit, delayMs: number): void {
  const again = delayMs === 0 ? 'it is started again' : `it is started again in ${delayMs / 1000} s`;
  options.voice.notice('error', who, `died (${exitInWords(exit)}); ${again}`);
}

function diedAtStart(who: string, exit: ChildExit): Failure {
  const message = `the ${who} died while it started (${exitInWords(exit)})`;
  return fail('up/child-died', { message, remedy: `What it printed stands above; \`vedette ${who}\` runs it alone.` })
    .failure;
}

function exitInWords({ code, signal }: ChildExit): string {
  return signal === null ? `exit code ${code ?? 'unknown'}` : signal;
}

async function restoreKernelAfterDeath(options: UpOptions): Promise<void> {
  try {
    if (!(await options.processes.restoreKernel(options.dataFolder))) return;
    options.voice.notice('warning', 'up', 'the collector had died; the kernel’s audit state is put back in its stead');
  } catch (error) {
    const remedy = 'look at `auditctl -s` and `auditctl -l`; the next start puts it back';
    options.voice.notice(
      'error',
      'up',
      `the kernel’s audit state could not be put back: ${(error as Error).message}; ${remedy}`,
    );
  }
}
