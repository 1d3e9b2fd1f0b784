// What a command is: words for its help, options, and one function. Commands see the world through the context only, so
// that tests run them without a process; cli/main.ts alone reads argv, the environment and the clock.
import type { Writable } from 'node:stream';
import type { ExitCode, Failure } from './failure.ts';

export interface Output {
  readonly stream: Writable;
  write(text: string): void;
  readonly isTTY: boolean;
  /** Width to fit tables to; 0 when it is not a terminal. */
  readonly columns: number;
}

export interface Context {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly stdout: Output;
  readonly stderr: Output;
  /** The real clock, epoch ms. */
  now(): number;
}

export interface OptionSpec {
  /** What stands for the value in the help (`DURATION`); absent for a flag. */
  readonly value?: string;
  readonly description: string;
  /** Used between Vedette's own processes, and not shown. */
  readonly isInternal?: boolean;
}
export type OptionTable = Readonly<Record<string, OptionSpec>>;

/** The command line of one command, checked against its tables. */
export interface Invocation {
  readonly context: Context;
  readonly positionals: readonly string[];
  /** Values by option name; flags are `true`. */
  readonly options: ReadonlyMap<string, string | true>;
  readonly isJson: boolean;
}

export interface Command {
  /** As typed after `vedette`: `rules lint`. */
  readonly name: string;
  /** What follows the name in the usage line. */
  readonly synopsis: string;
  readonly description: string;
  readonly positionals: { readonly least: number; readonly most: number };
  readonly options: OptionTable;
  /** Commands that work as they stand, each with what it does. */
  readonly examples: readonly (readonly [command: string, meaning: string])[];
  run(invocation: Invocation): Promise<ExitCode | Failure>;
}

/** The value of an option that takes one. */
export function optionValue(invocation: Invocation, name: string): string | undefined {
  const value = invocation.options.get(name);
  return typeof value === 'string' ? value : undefined;
}

export function isGiven(invocation: Invocation, name: string): boolean {
  return invocation.options.has(name);
}

/** One line of JSON on stdout: what `--json` prints. */
export function printJson(invocation: Invocation, value: unknown): void {
  invocation.context.stdout.write(`${safeJson(value)}\n`);
}

/** JSON that a terminal takes as text: the same value, with what JSON leaves of control characters escaped. */
export function safeJson(value: unknown): string {
  return JSON.stringify(value).replace(
    /[\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
