// A terminal for tests: runs the command line in this process, or as the real process, and keeps what it says.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { Context, Output } from '../../cli/command.ts';
import { runCommandLine } from '../../cli/command-line.ts';

export const MAIN: string = fileURLToPath(new URL('../../cli/main.ts', import.meta.url));
/** A fixed time, 2026-05-01T10:00:00.000Z. */
export const NOW_MS: number = Date.UTC(2026, 4, 1, 10);

export interface Said {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Surroundings {
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
  readonly columns?: number;
}

/** `vedette WORDS…` in this process, with nothing of the real environment. */
export async function runHere(words: readonly string[], surroundings: Surroundings = {}): Promise<Said> {
  const [stdout, stderr] = [capture(surroundings.columns), capture(surroundings.columns)];
  const context: Context = {
    env: surroundings.env ?? {},
    cwd: surroundings.cwd ?? '/nowhere',
    stdout: stdout.output,
    stderr: stderr.output,
    now: () => NOW_MS,
  };
  const code = await runCommandLine(words, context);
  return { code, stdout: stdout.text(), stderr: stderr.text() };
}

/** What a process of Vedette's needs from ours: its programs, and compiled code, without which each takes twice as long to start. */
export function childEnvironment(): NodeJS.ProcessEnv {
  const { PATH, NODE_COMPILE_CACHE } = process.env;
  return { PATH, NODE_COMPILE_CACHE };
}

/** `vedette WORDS…` as a process of its own. */
export function runProcess(words: readonly string[], surroundings: Surroundings = {}): Promise<Said> {
  const child = spawn(process.execPath, [MAIN, ...words], {
    cwd: surroundings.cwd,
    env: { ...childEnvironment(), ...surroundings.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const parts = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk) => {
    parts.stdout += String(chunk);
  });
  child.stderr.on('data', (chunk) => {
    parts.stderr += String(chunk);
  });
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, ...parts })));
}

export interface TestFolder {
  readonly path: string;
  remove(): void;
}

export function makeFolder(): TestFolder {
  const path = mkdtempSync(join(tmpdir(), 'vedette-cli-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

function capture(columns = 0): { readonly output: Output; text(): string } {
  const chunks: string[] = [];
  const stream = new PassThrough();
  stream.on('data', (chunk) => chunks.push(String(chunk)));
  return {
    output: { stream, write: (text) => void chunks.push(text), isTTY: false, columns },
    text: () => chunks.join(''),
  };
}
