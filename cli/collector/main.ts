// The one-file collector: `vedette-collector` is `vedette collector`, and nothing of the server is in it. The only place of it that
// reads argv, the environment and the clock.
import { AGENT_VERSION } from '../../collector/host-identity.ts';
import { nearest } from '../../event/nearest-name.ts';
import type { Command, Context } from '../command.ts';
import { collector } from '../commands/collector.ts';
import { collectorCheck } from '../commands/collector-check.ts';
import { EXIT, type ExitCode, type Failure, fail, failureJson, formatFailure } from '../failure.ts';
import { commandHelp } from '../help.ts';
import { asksForHelp, parseWords } from '../options.ts';
import { outputOf } from '../output.ts';

/** What is still being written may be, so long, ms. */
const EXIT_GRACE_MS = 1_000;
const CHECK = 'check';
const OTHER_WORDS = `
Also:
  vedette-collector check      Whether it can watch this host, and what it would miss.
  vedette-collector --version
`;

/** Help and remedies name the command as it is called here. */
function inOwnWords(text: string): string {
  return text.replaceAll('vedette collector', 'vedette-collector').replaceAll('`sudo npm start`', 'sudo');
}

async function run(words: readonly string[], context: Context): Promise<ExitCode> {
  if (words[0] === '--version' || words[0] === '-V') {
    context.stdout.write(`vedette-collector ${AGENT_VERSION}\n`);
    return EXIT.fine;
  }
  const isCheck = words[0] === CHECK;
  const isNamed = words[0] === collector.name;
  const command: Command = isCheck ? collectorCheck : collector;
  const rest = isCheck || isNamed ? words.slice(1) : words;
  if (asksForHelp(rest)) {
    context.stdout.write(commandHelp(command));
    if (!isCheck) context.stdout.write(OTHER_WORDS);
    return EXIT.fine;
  }
  if (!isCheck && rest[0] !== undefined && nearest(rest[0], [CHECK]) !== undefined) {
    const remedy = `Did you mean \`${CHECK}\`? \`vedette-collector --help\` shows examples.`;
    const message = `unknown word \`${rest[0]}\``;
    return tell(fail('cli/usage', { message, remedy, exitCode: EXIT.usage }).failure, rest, context);
  }
  const parsed = parseWords(command, rest);
  if (!parsed.isOk) return tell(parsed.failure, rest, context);
  const { positionals, options } = parsed.value;
  const result = await command.run({ context, positionals, options, isJson: options.has('json') });
  return typeof result === 'number' ? result : tell(result, rest, context);
}

function tell(failure: Failure, words: readonly string[], context: Context): ExitCode {
  if (words.includes('--json')) context.stdout.write(failureJson(failure));
  else context.stderr.write(formatFailure(failure));
  return failure.exitCode;
}

async function main(): Promise<void> {
  process.umask(0o077);
  const context: Context = {
    env: process.env,
    cwd: process.cwd(),
    stdout: outputOf(process.stdout, inOwnWords),
    stderr: outputOf(process.stderr, inOwnWords),
    now: () => Date.now(),
  };
  const words = process.argv.slice(2);
  try {
    process.exitCode = await run(words, context);
  } catch (error) {
    context.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    const remedy = 'This is a fault of Vedette itself. Please report it with the lines above.';
    process.exitCode = tell(fail('cli/internal', { message: 'unexpected failure', remedy }).failure, words, context);
  }
  setTimeout(() => process.exit(), EXIT_GRACE_MS).unref();
}

void main();
