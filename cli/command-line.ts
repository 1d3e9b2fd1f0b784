// From the words of the command line to an exit code: finds the command, parses, helps, runs, tells failures. Promises that no
// stack trace reaches a person for anything that was to be expected, and that --json holds for failures too.
import { nearest } from '../event/nearest-name.ts';
import type { Context } from './command.ts';
import { COMMANDS, type CommandEntry, findCommand } from './command-table.ts';
import { EXIT, type ExitCode, type Failure, fail, failureJson, formatFailure } from './failure.ts';
import { commandHelp, groupHelp, overviewHelp } from './help.ts';
import { asksForHelp, parseWords } from './options.ts';
import { productVersion } from './product-version.ts';
import { suggestion } from './suggestion.ts';

/** Runs `vedette WORDS…`; never throws. */
export async function runCommandLine(words: readonly string[], context: Context): Promise<ExitCode> {
  try {
    return await run(words, context);
  } catch (error) {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    const remedy = 'This is a fault of Vedette itself. Please report it with the lines above.';
    context.stderr.write(`${text}\n`);
    return tell(fail('cli/internal', { message: 'unexpected failure', remedy }).failure, words, context);
  }
}

async function run(words: readonly string[], context: Context): Promise<ExitCode> {
  const [first] = words;
  if (first === undefined || first === 'help' || first === '--help' || first === '-h') {
    const found = first === 'help' ? findCommand(words.slice(1)) : undefined;
    if (found !== undefined) context.stdout.write(commandHelp(await found.entry.load()));
    else context[first === undefined ? 'stderr' : 'stdout'].write(overviewHelp(COMMANDS));
    return first === undefined ? EXIT.usage : EXIT.fine;
  }
  if (first === '--version' || first === '-V' || first === 'version') {
    context.stdout.write(`vedette ${await productVersion()}\n`);
    return EXIT.fine;
  }
  const found = findCommand(words);
  if (found === undefined) {
    const group = COMMANDS.filter(({ name }) => name.startsWith(`${first} `));
    if (group.length > 0 && (words.length === 1 || asksForHelp(words))) {
      context[asksForHelp(words) ? 'stdout' : 'stderr'].write(groupHelp(group));
      return asksForHelp(words) ? EXIT.fine : EXIT.usage;
    }
    return tell(unknownCommand(words), words, context);
  }
  return runCommand(found.entry, found.rest, context);
}

async function runCommand(entry: CommandEntry, words: readonly string[], context: Context): Promise<ExitCode> {
  const command = await entry.load();
  if (asksForHelp(words)) {
    context.stdout.write(commandHelp(command));
    return EXIT.fine;
  }
  const parsed = parseWords(command, words);
  if (!parsed.isOk) return tell(parsed.failure, words, context);
  const { positionals, options } = parsed.value;
  const result = await command.run({ context, positionals, options, isJson: options.has('json') });
  return typeof result === 'number' ? result : tell(result, words, context);
}

function tell(failure: Failure, words: readonly string[], context: Context): ExitCode {
  if (words.includes('--json')) context.stdout.write(failureJson(failure));
  else context.stderr.write(formatFailure(failure));
  return failure.exitCode;
}

function unknownCommand(words: readonly string[]): Failure {
  const plain = words.filter((word) => !word.startsWith('-'));
  const [first = words[0] ?? '', second] = plain;
  const names = COMMANDS.map(({ name }) => name);
  const group = names.filter((name) => name.startsWith(`${first} `));
  const name = group.length > 0 && second !== undefined ? `${first} ${second}` : first;
  const firstWords = new Set(names.map((one) => one.split(' ')[0] ?? one));
  const whole = second === undefined ? undefined : nearest(`${first} ${second}`, names);
  const remedy =
    whole !== undefined
      ? `Did you mean \`${whole}\`?`
      : group.length > 0
        ? `Known: ${group.join(', ')}.`
        : suggestion(first, firstWords, '`vedette --help` lists the commands.');
  return fail('cli/unknown-command', { message: `unknown command \`${name}\``, remedy, exitCode: EXIT.usage }).failure;
}
