// A whole installation for a test: data folder, configuration, server and collector as processes of their own, which the test may
// kill. Everything is under one temporary folder, listens on loopback, and audits one throw-away uid only.
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../../bin/vedette.mjs', import.meta.url));
/** A uid that no account has: the only one that the tests' audit rules look at. */
export const TEST_UID = 64_242;

export interface InstallationOptions {
  readonly port: number;
  /** Where the collector ships to; the server itself unless a proxy stands between. */
  readonly collectorServerUrl?: string;
  /** Own rules by file name. */
  readonly rules?: Readonly<Record<string, string>>;
  readonly shippedRules?: boolean;
  /** YAML lines of the `alerts:` section, indented by two. */
  readonly alertsYaml?: string;
  /** What the audit rules are limited to, instead of the tests' uid. */
  readonly rulesScope?: string;
  /** Further YAML lines of the `collector:` section, indented by two. */
  readonly collectorYaml?: string;
  readonly environment?: Readonly<Record<string, string>>;
}

export interface Installation {
  readonly folder: string;
  readonly dataFolder: string;
  readonly url: string;
  /** Starts `vedette ROLE` and resolves when it says that it is ready. */
  start(role: 'server' | 'collector', options?: StartOptions): Promise<RunningProcess>;
  /** GET or POST on the API with the admin token. */
  api<T>(path: string, body?: unknown): Promise<T>;
  /** Runs a CLI command to its end. */
  cli(...args: readonly string[]): Promise<{ readonly code: number; readonly stdout: string; readonly stderr: string }>;
  /** Ends what still runs of it, as after a claim that failed, so that the kernel's audit state and its socket are as they were. */
  remove(): void;
}

interface StartOptions {
  /** A command that becomes the process: it gets the process's own command as further arguments and must `exec` it. */
  readonly wrapper?: readonly string[];
  /** What runs instead of Node with bin/vedette.mjs: a packaged program. */
  readonly program?: string;
  readonly environment?: Readonly<Record<string, string>>;
}

export interface RunningProcess {
  readonly pid: number;
  readonly output: () => string;
  /** SIGKILL, resolves when it is gone. */
  kill(): Promise<void>;
  /** SIGTERM, resolves when it is gone with its exit code. */
  stop(): Promise<number | null>;
  readonly isRunning: () => boolean;
}

export function makeInstallation(options: InstallationOptions): Installation {
  const folder = mkdtempSync(join(tmpdir(), 'vedette-test-'));
  const dataFolder = join(folder, 'data');
  const rulesFolder = join(folder, 'rules');
  mkdirSync(rulesFolder);
  for (const [name, text] of Object.entries(options.rules ?? {})) writeFileSync(join(rulesFolder, name), text);
  const url = `http://127.0.0.1:${options.port}`;
  const configFile = join(folder, 'vedette.yaml');
  writeFileSync(
    configFile,
    [
      `data: ${dataFolder}`,
      `server: { port: ${options.port} }`,
      `rules: { shipped: ${options.shippedRules ?? true}, folders: ['${rulesFolder}'] }`,
      `collector:\n  source: kernel\n  rules_scope: ${options.rulesScope ?? `uid=${TEST_UID}`}\n  server: ${options.collectorServerUrl ?? url}`,
      ...(options.collectorYaml === undefined ? [] : [options.collectorYaml]),
      ...(options.alertsYaml === undefined ? [] : [`alerts:\n${options.alertsYaml}`]),
      '',
    ].join('\n'),
  );
  const env = { ...process.env, ...options.environment };
  const children: ChildProcess[] = [];

  return {
    folder,
    dataFolder,
    url,
    start: (role, { wrapper = [], program, environment } = {}) =>
      startProcess(
        [...wrapper, ...(program === undefined ? [process.execPath, MAIN] : [program]), role, '--config', configFile],
        { ...env, ...environment },
        children,
      ),
    async api<T>(path: string, body?: unknown): Promise<T> {
      const token = readFileSync(join(dataFolder, 'server', 'admin.token'), 'utf8').trim();
      const response = await fetch(`${url}/api/v1${path}`, {
        method: body === undefined ? 'GET' : 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
      return (await response.json()) as T;
    },
    cli: (...args) => runToEnd([MAIN, ...args, '--config', configFile], env),
    remove() {
      endAtOnce(children.filter(isRunning));
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

const isRunning = ({ exitCode, signalCode }: ChildProcess): boolean => exitCode === null && signalCode === null;

/** SIGTERM, and SIGKILL where that does not end it within seconds; without giving way to anything that still waits for it. */
function endAtOnce(children: readonly ChildProcess[]): void {
  const lives = ({ pid }: ChildProcess): boolean => {
    try {
      return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
    } catch {
      return false;
    }
  };
  const clock = new Int32Array(new SharedArrayBuffer(4));
  for (const child of children) {
    child.kill('SIGCONT');
    child.kill('SIGTERM');
  }
  for (let looks = 0; looks < 200 && children.some(lives); looks += 1) Atomics.wait(clock, 0, 0, 50);
  for (const child of children) child.kill('SIGKILL');
}

/** For what is awaited: less than the suites' own limits, so that a hang is told by what did not come. */
const PATIENCE_MS = 300_000;

async function startProcess(
  argv: readonly string[],
  env: NodeJS.ProcessEnv,
  children: ChildProcess[],
): Promise<RunningProcess> {
  const [command = '', ...rest] = argv;
  const child = spawn(command, [...rest, '--json'], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  children.push(child);
  let output = '';
  const gone = new Promise<number | null>((resolve) => child.on('exit', (code) => resolve(code)));
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`not ready: ${output}`)), PATIENCE_MS);
    const read = (chunk: Buffer) => {
      output += chunk.toString();
      if (!output.includes('-ready"')) return;
      clearTimeout(timer);
      resolve();
    };
    child.stdout?.on('data', read);
    child.stderr?.on('data', read);
    void gone.then((code) => reject(new Error(`ended with ${code}: ${output}`)));
  });
  return {
    pid: child.pid ?? 0,
    output: () => output,
    isRunning: () => isRunning(child),
    async kill() {
      child.kill('SIGKILL');
      await gone;
    },
    async stop() {
      child.kill('SIGTERM');
      return gone;
    },
  };
}

function runToEnd(
  argv: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<{ readonly code: number; readonly stdout: string; readonly stderr: string }> {
  const child: ChildProcess = spawn(process.execPath, [...argv], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stdout?.on('data', (chunk: Buffer) => {
    stdout += chunk.toString();
  });
  child.stderr?.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  return new Promise((resolve) => child.on('close', (code) => resolve({ code: code ?? -1, stdout, stderr })));
}

/** Resolves with the first value that is not undefined; looks every 20 ms; throws with what it waited for when it never comes. */
export async function eventually<T>(
  what: string,
  look: () => Promise<T | undefined> | T | undefined,
  timeoutMs = PATIENCE_MS,
): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const value = await look();
    if (value !== undefined) return value;
    if (Date.now() > deadline) throw new Error(`never: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** The kernel's audit state as `auditctl` tells it: what a test must leave as it found it. An owner that is gone is none. */
export async function kernelAuditState(): Promise<string> {
  const run = (flag: string) =>
    new Promise<string>((resolve, reject) => {
      const child = spawn('auditctl', [flag], { stdio: ['ignore', 'pipe', 'inherit'] });
      let text = '';
      child.stdout.on('data', (chunk: Buffer) => {
        text += chunk.toString();
      });
      child.on('error', reject);
      child.on('close', () => resolve(text));
    });
  const status = (await run('-s'))
    .replace(/^(lost|backlog|backlog_wait_time_actual) .*\n/gm, '')
    // The kernel finds out that it is gone when it has something to send.
    .replace(/^pid (\d+)$/m, (line, pid) => (existsSync(`/proc/${pid}`) ? line : 'pid 0'));
  return status + (await run('-l'));
}
