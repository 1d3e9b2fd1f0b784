// Which files an import reads, and in which order: folders and patterns become the logs in them, each file is read once, and
// rotated sets are read oldest first, whatever their names: by the time of their first line.
import { globSync, readdirSync, realpathSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { readForeignLine } from '../../audit/foreign-line.ts';
import { timeOf } from '../../event/document.ts';
import { readLines } from './lines.ts';

export const FILES_MAX = 10_000;
/** How far a first time is looked for. */
const LOOK_LINES_MAX = 200;
const LOOK_LINE_BYTES_MAX = 1024 * 1024;
/** What counts for a log in a folder: `audit.log`, `audit.log.3`, `audit.log-20260301.gz`, `laurel.json`, … */
const LOG_NAME = /(?:\.(?:log|json|jsonl|ndjson|txt)|^audit)(?:[.-][0-9]{1,14})*(?:\.(?:gz|zst))?$/;

/** The files that are meant by a command line's arguments; throws the system's error for one that is not there. */
export function expandFiles(arguments_: readonly string[]): readonly string[] {
  const files: string[] = [];
  const seen = new Set<string>();
  const add = (file: string): void => {
    const identity = file === '-' ? file : realpathSync(file);
    if (seen.has(identity)) return;
    seen.add(identity);
    files.push(file);
  };
  for (const argument of arguments_) {
    if (argument === '-') {
      add(argument);
      continue;
    }
    const kind = statSync(argument, { throwIfNoEntry: false });
    if (kind === undefined) {
      const found = /[*?[{]/.test(argument) ? globSync(argument).sort() : [];
      // Asked for again, so that the error is the system's own.
      if (found.length === 0) statSync(argument);
      for (const file of found) if (statSync(file).isFile()) add(file);
    } else if (kind.isDirectory()) {
      const logs = readdirSync(argument)
        .filter((name) => LOG_NAME.test(name))
        .map((name) => join(argument, name))
        .filter((file) => statSync(file, { throwIfNoEntry: false })?.isFile() === true);
      if (logs.length === 0) throw new Error('holds no log');
      for (const file of logs.sort()) add(file);
    } else add(argument);
    if (files.length > FILES_MAX) throw new RangeError(`is one of more than ${FILES_MAX} files`);
  }
  return files;
}

/** What a folder among the arguments holds besides logs: rotated files in another packing, folders, … Hidden files are not meant. */
export function leftOutOf(arguments_: readonly string[]): readonly string[] {
  return arguments_
    .filter((argument) => argument !== '-' && statSync(argument, { throwIfNoEntry: false })?.isDirectory() === true)
    .flatMap((folder) =>
      readdirSync(folder, { withFileTypes: true })
        .filter((entry) => !entry.name.startsWith('.') && (entry.isDirectory() || !LOG_NAME.test(entry.name)))
        .map((entry) => join(folder, entry.name))
        .sort(),
    );
}

export interface LogFile {
  readonly file: string;
  /** The time of its first line that has one, epoch ms; infinite where none has. */
  readonly firstMs: number;
  /** The beginning of that line. */
  readonly firstLine: string;
}

/** Oldest first; files that tell no time, and what comes by stdin, stay behind in the order given. */
export async function inOrderOfTime(files: readonly string[]): Promise<readonly LogFile[]> {
  const looked: LogFile[] = [];
  for (const file of files) looked.push({ file, ...(file === '-' ? UNTIMED : await firstOf(file)) });
  return looked
    .map((each, index) => ({ each, age: ageOf(each.file), index }))
    .sort((a, b) => compared(a.each.firstMs, b.each.firstMs) || compared(a.age, b.age) || a.index - b.index)
    .map(({ each }) => each);
}

function compared(a: number, b: number): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Where two begin in the same millisecond, the name tells: `audit.log.2` before `audit.log.1`, dated ones by date, the log itself last. */
function ageOf(file: string): number {
  const digits = /[.-]([0-9]{1,14})(?:\.(?:gz|zst))?$/.exec(file)?.[1];
  if (digits === undefined) return 0;
  return digits.length >= 8 ? Number(digits) - 1e15 : -Number(digits);
}

type First = Omit<LogFile, 'file'>;
const UNTIMED: First = { firstMs: Number.POSITIVE_INFINITY, firstLine: '' };
const FIRST_LINE_CHARS = 512;

async function firstOf(file: string): Promise<First> {
  let looked = 0;
  try {
    for await (const lines of readLines(file, LOOK_LINE_BYTES_MAX)) {
      for (const { bytes } of lines) {
        const line = bytes?.toString('latin1') ?? '';
        const timeMs = timeOfLine(line);
        if (timeMs !== undefined) return { firstMs: timeMs, firstLine: line.slice(0, FIRST_LINE_CHARS) };
        if (++looked >= LOOK_LINES_MAX) return UNTIMED;
      }
    }
  } catch {
    // What is wrong with the file is told when it is read.
  }
  return UNTIMED;
}

function timeOfLine(line: string): number | undefined {
  const read = readForeignLine(line);
  if (read.kind === 'records') return read.records[0]?.timeMs;
  return read.kind === 'document' ? timeOf(read.document, '@timestamp') : undefined;
}
