// The command line of one command, checked against its tables: node:util's parseArgs finds the tokens, and what is wrong is
// said with the name that was probably meant.
import { parseArgs } from 'node:util';
import { nearest } from '../event/nearest-name.ts';
import type { Command, OptionSpec } from './command.ts';
import { EXIT, fail, type Outcome, succeed } from './failure.ts';

/** What every command takes. */
export const COMMON_OPTIONS = {
  json: { description: 'Print JSON, in a stable shape.' },
  help: { description: 'Print this.' },
} as const satisfies Record<string, OptionSpec>;

const SHORT_HELP = 'h';

export interface ParsedLine {
  readonly positionals: readonly string[];
  readonly options: ReadonlyMap<string, string | true>;
}

/** True when the words ask for help, however wrong the rest of them is. */
export function asksForHelp(words: readonly string[]): boolean {
  const end = words.indexOf('--');
  return words.slice(0, end < 0 ? words.length : end).some((word) => word === '--help' || word === `-${SHORT_HELP}`);
}

/** Options and positionals of `words`, or what is wrong with them. A repeated option: the last one counts. */
export function parseWords(command: Command, words: readonly string[]): Outcome<ParsedLine> {
  const specs: Readonly<Record<string, OptionSpec>> = { ...COMMON_OPTIONS, ...command.options };
  const { tokens } = parseArgs({
    args: [...words],
    options: Object.fromEntries(
      Object.entries(specs).map(([name, spec]) => [
        name,
        { type: spec.value === undefined ? 'boolean' : 'string' } as const,
      ]),
    ),
    strict: false,
    tokens: true,
    allowPositionals: true,
  });
  const positionals: string[] = [];
  const options = new Map<string, string | true>();
  for (const token of tokens) {
    if (token.kind === 'positional') positionals.push(token.value);
    if (token.kind !== 'option') continue;
    const spec = Object.hasOwn(specs, token.name) ? specs[token.name] : undefined;
    if (spec === undefined) return unknownOption(command, token.rawName, specs);
    if (spec.value !== undefined && (token.value === undefined || token.value.startsWith('--'))) {
      return usage(command, `${token.rawName} needs a value`, `Write \`${token.rawName} ${spec.value}\`.`);
    }
    if (spec.value === undefined && token.value !== undefined) {
      return usage(command, `${token.rawName} takes no value`, `Write \`${token.rawName}\` alone.`);
    }
    options.set(token.name, token.value ?? true);
  }
  const { least, most } = command.positionals;
  if (positionals.length < least)
    return usage(command, 'something is missing', `Write \`vedette ${command.name} ${command.synopsis}\`.`);
  if (positionals.length > most) {
    const extra = positionals[most] ?? '';
    const remedy = `Write \`vedette ${command.name} ${command.synopsis}\`; words that belong together go in quotes.`;
    return usage(command, `\`${extra}\` is one word too many`, remedy);
  }
  return succeed({ positionals, options });
}

/** A mistake in how a command was called. */
export function usage(command: Command, message: string, remedy: string): ReturnType<typeof fail> {
  const more = `\`vedette ${command.name} --help\` shows examples.`;
  return fail('cli/usage', {
    message: `${command.name}: ${message}`,
    remedy: `${remedy} ${more}`,
    exitCode: EXIT.usage,
  });
}

function unknownOption(
  command: Command,
  rawName: string,
  specs: Readonly<Record<string, OptionSpec>>,
): ReturnType<typeof fail> {
  const known = Object.keys(specs).filter((name) => specs[name]?.isInternal !== true);
  const meant = nearest(rawName.replace(/^-+/, ''), known);
  const remedy =
    meant === undefined ? `Known: ${known.map((name) => `--${name}`).join(', ')}.` : `Did you mean \`--${meant}\`?`;
  return usage(command, `unknown option \`${rawName}\``, remedy);
}
