import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import type { Context } from '../../cli/command.ts';
import type { Child, ChildExit } from '../../cli/up/child.ts';
import type { CollectorReady, ServerReady, SupervisorMessage } from '../../cli/up/child-message.ts';
import type { KeeperOptions } from '../../cli/up/keeper.ts';
import { DELAY_MAX_MS, nextRestart, SOUND_AFTER_MS } from '../../cli/up/restart-policy.ts';
import { runUp } from '../../cli/up/run-up.ts';
import { EARLY_NOTICES_MAX, makeVoice } from '../../cli/up/voice.ts';
import { NOW_MS } from './terminal.ts';

const SERVER_READY: ServerReady = {
  kind: 'server-ready',
  url: 'http://127.0.0.1:9999',
  enrollmentSecretFile: '/x',
  store: 'embedded',
  ruleFolders: [],
  rulesLoaded: 1,
  diagnostics: [],
  channels: ['terminal'],
};
const COLLECTOR_READY: CollectorReady = {
  kind: 'collector-ready',
  mode: { kind: 'kernel', rules: 3, isLocked: false },
  refused: [],
  hostId: 'h1',
  hostName: 'web1',
};
const NOT_PERMITTED = { code: 'x', message: 'no', remedy: 'do', exitCode: 3 } as const;

interface Started {
  readonly words: readonly string[];
  readonly say: Parameters<KeeperOptions['startChild']>[1];
  readonly stdout: PassThrough;
  readonly descriptor: number | undefined;
  readonly messages: SupervisorMessage[];
  die(exit: ChildExit): void;
}

/** Everything around `runUp`, made of nothing but promises; `events` says what happened in which order. */
function stage(options: { readonly exitsCleanly?: boolean; readonly socket?: number } = {}) {
  const events: string[] = [];
  const started: Started[] = [];
  const waiters: (() => void)[] = [];
  const out: string[] = [];
  const alerts = new PassThrough();
  alerts.on('data', (chunk) => out.push(`ALERT ${chunk}`));
  const output = { stream: alerts, write: (text: string) => void out.push(text), isTTY: false, columns: 0 };
  const context: Context = { env: {}, cwd: '/', stdout: output, stderr: output, now: () => NOW_MS };
  const told = Promise.withResolvers<void>();
  const ended = runUp({
    context,
    voice: makeVoice(context, { isJson: false, render: () => 'SCREEN\n' }),
    dataFolder: '/data',
    alerts,
    told: told.promise,
    serverWords: ({ url }) => ['server', url ?? 'first'],
    collectorWords: ({ url, serverPid, mode }) => ['collector', url, String(serverPid), mode?.kind ?? 'first'],
    processes: {
      restoreKernel: async (folder) => {
        events.push(`restore ${folder}`);
        return true;
      },
      ...(options.socket === undefined
        ? {}
        : { heldSocket: { fd: options.socket, release: () => void events.push('release socket') } }),
      startChild(words, say, descriptor): Child {
        const exit = Promise.withResolvers<ChildExit>();
        const pid = 100 + started.length;
        const messages: SupervisorMessage[] = [];
        const stdout = new PassThrough();
        started.push({ words, say, stdout, messages, descriptor, die: exit.resolve });
        events.push(`start ${words[0]}`);
        for (const waiter of waiters.splice(0)) waiter();
        return {
          pid,
          stdout,
          exited: exit.promise,
          send: (message) => void messages.push(message),
          async stop() {
            events.push(`stop ${words[0]}`);
            const isClean = words[0] === 'server' || options.exitsCleanly !== false;
            exit.resolve(isClean ? { code: 0, signal: null } : { code: null, signal: 'SIGKILL' });
            return isClean;
          },
        };
      },
    },
  });
  const child = async (index: number): Promise<Started> => {
    while (started.length <= index) await new Promise<void>((resolve) => waiters.push(resolve));
    return started[index] as Started;
  };
  return { events, out, child, ended, stop: told.resolve };
}

async function bothReady(scene: ReturnType<typeof stage>): Promise<void> {
  (await scene.child(0)).say(SERVER_READY);
  (await scene.child(1)).say(COLLECTOR_READY);
}

describe('vedette up', () => {
  it('starts the server before the collector, and stops the collector before the server', async () => {
    const scene = stage();
    await bothReady(scene);
    scene.stop();
    expect(await scene.ended).toBe(0);
    expect(scene.events).toEqual(['start server', 'start collector', 'stop collector', 'stop server']);
  });

  it('gives each collector the socket that it holds, the server none, and lets go once the collector is gone', async () => {
    const scene = stage({ socket: 17, exitsCleanly: false });
    await bothReady(scene);
    (await scene.child(1)).die({ code: null, signal: 'SIGKILL' });
    const second = await scene.child(2);
    expect([(await scene.child(0)).descriptor, (await scene.child(1)).descriptor, second.descriptor]).toEqual([
      undefined,
      17,
      17,
    ]);
    scene.stop();
    await scene.ended;
    expect(scene.events.slice(-4)).toEqual(['stop collector', 'release socket', 'restore /data', 'stop server']);
  });

  it('puts the kernel back itself when the collector did not go by itself', async () => {
    const scene = stage({ exitsCleanly: false });
    await bothReady(scene);
    scene.stop();
    await scene.ended;
    expect(scene.events.slice(2)).toEqual(['stop collector', 'restore /data', 'stop server']);
  });

  it('starts a dead collector again at once, and never as a recording after it watched', async () => {
    const scene = stage();
    await bothReady(scene);
    (await scene.child(1)).die({ code: null, signal: 'SIGKILL' });
    const again = await scene.child(2);
    expect(again.words).toEqual(['collector', SERVER_READY.url, '100', 'kernel']);
    again.say(COLLECTOR_READY);
    scene.stop();
    await scene.ended;
    expect(scene.out.join('')).toContain('collector: error: died (SIGKILL); it is started again\n');
    expect(scene.out.join('')).toContain('collector: runs again: watches this host (web1)');
  });

  it('starts a dead server again under its old address, and has the collector exclude its new pid', async () => {
    const scene = stage();
    await bothReady(scene);
    (await scene.child(0)).die({ code: 1, signal: null });
    expect((await scene.child(2)).words).toEqual(['server', SERVER_READY.url]);
    expect((await scene.child(1)).messages).toEqual([{ kind: 'exclude', pids: [102] }]);
    scene.stop();
    await scene.ended;
  });

  it('holds alerts until the screen stands', async () => {
    const scene = stage();
    (await scene.child(0)).stdout.write('early\n');
    await bothReady(scene);
    await new Promise((resolve) => setImmediate(resolve));
    (await scene.child(0)).stdout.write('late\n');
    scene.stop();
    await scene.ended;
    const said = scene.out.join('');
    expect(said.indexOf('SCREEN')).toBeGreaterThanOrEqual(0);
    expect(said.indexOf('SCREEN')).toBeLessThan(said.indexOf('ALERT early'));
    expect(said).toContain('ALERT late');
  });

  it('ends with the reason when the server cannot start', async () => {
    const scene = stage();
    const server = await scene.child(0);
    server.say({ kind: 'refused', failure: NOT_PERMITTED });
    server.die({ code: 3, signal: null });
    expect(await scene.ended).toEqual(NOT_PERMITTED);
    expect(scene.events).not.toContain('start collector');
  });

  it('stops the server again when the collector cannot start, with the reason', async () => {
    const scene = stage();
    (await scene.child(0)).say(SERVER_READY);
    const collector = await scene.child(1);
    collector.say({ kind: 'refused', failure: NOT_PERMITTED });
    collector.die({ code: 3, signal: null });
    expect(await scene.ended).toEqual(NOT_PERMITTED);
    expect(scene.events.at(-1)).toBe('stop server');
  });

  it('ends when a child dies at its first start without a word', async () => {
    const scene = stage();
    (await scene.child(0)).die({ code: null, signal: 'SIGSEGV' });
    expect(await scene.ended).toMatchObject({
      code: 'up/child-died',
      message: 'the server died while it started (SIGSEGV)',
    });
  });

  it('stops cleanly when it is told to while a child still starts', async () => {
    const scene = stage();
    await scene.child(0);
    scene.stop();
    expect(await scene.ended).toBe(0);
    expect(scene.events).toEqual(['start server', 'stop server']);
  });
});

describe('notices before the screen', () => {
  it('wait for it, up to a bound, and those that the screen tells itself are left out', () => {
    const out: string[] = [];
    const output = {
      stream: new PassThrough(),
      write: (text: string) => void out.push(text),
      isTTY: false,
      columns: 0,
    };
    const context: Context = { env: {}, cwd: '/', stdout: output, stderr: output, now: () => NOW_MS };
    const voice = makeVoice(context, { isJson: false, render: () => 'SCREEN\n' });
    voice.pass('collector', { kind: 'notice', level: 'info', text: 'chatter' });
    voice.pass('collector', { kind: 'notice', level: 'warning', code: 'owned-by', text: 'auditd' });
    for (let n = 0; n < EARLY_NOTICES_MAX + 3; n += 1) voice.notice('warning', 'server', `w${n}\u001b`);
    expect(out).toEqual([]);
    voice.showScreen({ server: SERVER_READY, collector: COLLECTOR_READY });
    expect(out[0]).toBe('SCREEN\n');
    expect(out[1]).toBe('10:00:00Z server: warning: w0\\x1b\n');
    expect(out).toHaveLength(1 + EARLY_NOTICES_MAX + 1);
    expect(out.at(-1)).toContain('3 more notices');
    expect(out.join('')).not.toContain('auditd');
  });
});

describe('the restart policy', () => {
  it('restarts at once, then ever more slowly up to its bound, and forgets after a sound run', () => {
    let failures = 0;
    const delays = Array.from({ length: 9 }, () => {
      const restart = nextRestart(failures, 100);
      failures = restart.failures;
      return restart.delayMs;
    });
    expect(delays).toEqual([0, 1000, 2000, 4000, 8000, 16_000, DELAY_MAX_MS, DELAY_MAX_MS, DELAY_MAX_MS]);
    expect(nextRestart(50, SOUND_AFTER_MS)).toEqual({ delayMs: 0, failures: 1 });
    expect(nextRestart(1e9, 0).delayMs).toBe(DELAY_MAX_MS);
  });
});
