// Rule files from the disk. A folder stands for its *.rules, merged as augenrules does it: in natural order of their names, -D first,
// then the last -b and -f, the last -e at the end. What cannot be read is told, never passed over.
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { RuleDiagnostic } from './rule-diagnostic.ts';
import type { RuleSource } from './rule-set.ts';

const FILE_BYTES_MAX = 4 * 1024 * 1024;
const FILES_MAX = 1_000;
const WRITABLE_BY_OTHERS = 0o022;

export interface ReadFiles {
  readonly sources: readonly RuleSource[];
  readonly diagnostics: readonly RuleDiagnostic[];
}

/** Reads files, and folders of them, in the order given. `ownerUid`: whose files may order what is recorded, besides root. */
export function readRuleFiles(paths: readonly string[], ownerUid: number): ReadFiles {
  const sources: RuleSource[] = [];
  const diagnostics: RuleDiagnostic[] = [];
  const tell = (file: string, code: string, message: string, remedy: string): void => {
    const severity = code === 'audit/open-to-others' ? 'warning' : 'error';
    diagnostics.push({ code, severity, message, remedy, file, line: 0, column: 0, sourceLine: '' });
  };
  const read = (file: string): RuleSource | undefined => {
    if (sources.length >= FILES_MAX) {
      tell(file, 'audit/too-many-files', `more than ${FILES_MAX} files`, 'Join some of them.');
      return undefined;
    }
    try {
      const { size, mode, uid } = statSync(file);
      if (size > FILE_BYTES_MAX) {
        tell(file, 'audit/too-large', `larger than ${FILE_BYTES_MAX} bytes`, 'A file of audit rules is smaller.');
        return undefined;
      }
      if ((mode & WRITABLE_BY_OTHERS) !== 0 || (uid !== 0 && uid !== ownerUid)) {
        const remedy = `Make it root’s alone: chown root ${file}; chmod go-w ${file}`;
        tell(file, 'audit/open-to-others', 'others than root can change what is recorded', remedy);
      }
      const lines = readFileSync(file, 'latin1').split('\n');
      return { file, lines };
    } catch (error) {
      const reason = (error as NodeJS.ErrnoException).code ?? 'unknown';
      tell(file, 'audit/unreadable', `cannot be read (${reason})`, 'Check the path and its permissions.');
      return undefined;
    }
  };
  for (const path of paths) {
    const files = filesOf(path);
    if (files === undefined) sources.push(...asList(read(path)));
    else sources.push(...merged(files.flatMap((file) => asList(read(file)))));
  }
  return { sources, diagnostics };
}

function asList<T>(value: T | undefined): readonly T[] {
  return value === undefined ? [] : [value];
}

/** The rule files of a folder, in order; undefined for a file. */
function filesOf(path: string): readonly string[] | undefined {
  try {
    if (!statSync(path).isDirectory()) return undefined;
    const names = readdirSync(path).filter((name) => name.endsWith('.rules'));
    return names.sort(naturally).map((name) => join(path, name));
  } catch {
    return undefined;
  }
}

/** `9-x` before `10-x`, as `ls -v`. */
function naturally(a: string, b: string): number {
  const parts = (name: string): readonly string[] => name.match(/[0-9]+|[^0-9]+/g) ?? [];
  const left = parts(a);
  const right = parts(b);
  for (let index = 0; index < Math.min(left.length, right.length); index += 1) {
    const [one, other] = [left[index] as string, right[index] as string];
    const difference = Number(one) - Number(other);
    if (Number.isFinite(difference) && difference !== 0) return difference;
    if (one !== other) return one < other ? -1 : 1;
  }
  return left.length - right.length;
}

/** Lines keep their numbers: what is moved leaves an empty line, and stands at its number in a source of its own. */
function merged(sources: readonly RuleSource[]): readonly RuleSource[] {
  const last = (pattern: RegExp): RuleSource | undefined => {
    for (const { file, lines } of [...sources].reverse()) {
      const at = lines.findLastIndex((line) => pattern.test(line));
      if (at >= 0) return { file, lines: lines.slice(0, at + 1).map((line, index) => (index === at ? line : '')) };
    }
    return undefined;
  };
  const rest = sources.map(({ file, lines }) => ({ file, lines: lines.map((line) => (MOVED.test(line) ? '' : line)) }));
  return [
    ...asList(last(/^\s*-D\s*$/)),
    ...asList(last(/^\s*-b/)),
    ...asList(last(/^\s*-f/)),
    ...rest,
    ...asList(last(/^\s*-e/)),
  ];
}

const MOVED = /^\s*(-D\s*$|-b|-f|-e)/;
