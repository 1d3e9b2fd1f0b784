// Help texts, made from the same tables that the parsing reads, so that they cannot drift apart.
import type { Command, OptionSpec } from './command.ts';
import type { CommandEntry } from './command-table.ts';
import { COMMON_OPTIONS } from './options.ts';

const WIDTH = 96;

/** `vedette --help` */
export function overviewHelp(entries: readonly CommandEntry[]): string {
  return [...INTRODUCTION, ...groupLines(entries), ...START_WITH, ''].join('\n');
}

/** `vedette rules`: the commands that share a first word. */
export function groupHelp(entries: readonly CommandEntry[]): string {
  return [...groupLines(entries), '', 'Every command has --help, with examples, and --json.', ''].join('\n');
}

const INTRODUCTION = [
  'Vedette watches Linux hosts through the kernel’s audit stream and tells you what your rules find.',
  '',
];

const START_WITH = [
  '',
  'Every command has --help, with examples, and --json. Start with:',
  '  vedette up          everything on this machine, alerts on the screen',
  '  vedette up --demo   the same with a recorded host: needs no root',
  '',
  'Exit codes: 0 fine, 1 findings, 2 usage or configuration, 3 anything else.',
];

function groupLines(entries: readonly CommandEntry[]): readonly string[] {
  const width = Math.max(...entries.map(({ name }) => name.length));
  const lines = entries.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`);
  return ['Usage: vedette COMMAND [OPTIONS]', '', 'Commands:', ...lines];
}

/** `vedette COMMAND --help` */
export function commandHelp(command: Command): string {
  const { name, synopsis, description, examples } = command;
  const specs: readonly (readonly [string, OptionSpec])[] = Object.entries({ ...command.options, ...COMMON_OPTIONS });
  const options = specs
    .filter(([, spec]) => spec.isInternal !== true)
    .map(
      ([option, spec]) => [`--${option}${spec.value === undefined ? '' : ` ${spec.value}`}`, spec.description] as const,
    );
  const width = Math.max(...options.map(([option]) => option.length));
  return [
    `Usage: vedette ${name}${synopsis === '' ? '' : ` ${synopsis}`}`,
    '',
    ...description.split('\n').flatMap((paragraph) => wrap(paragraph, WIDTH)),
    '',
    'Options:',
    ...options.flatMap(([option, text]) => {
      const [first = '', ...rest] = wrap(text, WIDTH - width - 4);
      return [`  ${option.padEnd(width)}  ${first}`, ...rest.map((line) => `  ${' '.repeat(width)}  ${line}`)];
    }),
    '',
    'Examples:',
    ...examples.flatMap(([line, meaning]) => [`  ${line}`, `      ${meaning}`]),
    '',
  ].join('\n');
}

function wrap(text: string, width: number): readonly string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  return [...lines, line];
}
