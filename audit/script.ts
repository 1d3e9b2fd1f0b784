// Which script an exec runs. The kernel names the interpreter as the executable, and so do its records: the script is what one
// asks for. Told from the exec's own records only: `#!` by the first PATH, an interpreter's command line by its own options.
import { posix } from 'node:path';

/** Options of an interpreter that decide what its next word is. */
interface Interpreter {
  /** After these no script follows: the program stands on the command line, or is read from standard input. */
  readonly inline: RegExp;
  /** Options whose value is the next word. */
  readonly withValue: RegExp;
}

const SHELL: Interpreter = {
  inline: /^[-+][a-zA-Z]*[cs]|^--command(?:=|$)/,
  withValue: /^(?:[-+][a-zA-Z]*[oO]|--rcfile|--init-file|--init-command|-C)$/,
};
const PYTHON: Interpreter = {
  inline: /^-[bBdEhiIOPqsSuvx]*[cm]|^-$/,
  withValue: /^-[a-zA-Z]*[WX]$|^--check-hash-based-pycs$/,
};
const PERL: Interpreter = { inline: /^-[acilnpsStTuUvwWX0]*[eE]|^-$/, withValue: /^-[IM]$/ };
const RUBY: Interpreter = { inline: /^-[a-zA-Z]*e|^-$/, withValue: /^-[IrCEX]$/ };
const NODE: Interpreter = {
  inline: /^(?:(?:-[ep]|-pe|--eval|--print)(?:=.*)?|-)$/s,
  withValue: /^(?:-r|--require|--import|-C|--loader|--env-file)$/,
};
// -l reads a file for errors and does not run it.
const PHP: Interpreter = { inline: /^-[rBRFEsSial]/, withValue: /^-[cdztg]$/ };
const LUA: Interpreter = { inline: /^-e|^-$/, withValue: /^-l$/ };
const TCL: Interpreter = { inline: /^-$/, withValue: /^-encoding$/ };
const R: Interpreter = { inline: /^-e$/, withValue: /^$/ };

/** By the executable's name, without a version at its end. */
const INTERPRETERS: ReadonlyMap<string, Interpreter> = new Map([
  ...['sh', 'bash', 'dash', 'ash', 'ksh', 'mksh', 'zsh', 'rbash', 'fish', 'yash'].map((name) => [name, SHELL] as const),
  ...['python', 'pypy'].map((name) => [name, PYTHON] as const),
  ['perl', PERL],
  ['ruby', RUBY],
  ['node', NODE],
  ['nodejs', NODE],
  ['php', PHP],
  ['php-cgi', PHP],
  ['lua', LUA],
  ['luajit', LUA],
  ['tclsh', TCL],
  ['expect', TCL],
  ['Rscript', R],
]);

const COMM_BYTES = 15;
/** A script's path is looked for among so many words. */
const WORDS_MAX = 64;

export interface ExecFacts {
  readonly comm: string | undefined;
  readonly executable: string | undefined;
  readonly args: readonly string[];
  readonly cwd: string | undefined;
  /** The PATH records: first the file that was asked to be run, then what the kernel opened to run it. */
  readonly paths: readonly { readonly name: string | undefined }[];
}

/** The script's path, absolute where the current directory is known; undefined where no script is run. */
export function scriptOf(exec: ExecFacts): string | undefined {
  const { args, paths, cwd } = exec;
  const path = paths[0]?.name;
  // The kernel puts the interpreter, perhaps one option, and the script's name as it was given in front of the arguments. A program
  // that is given its own name (`/bin/cat /bin/cat`) looks the same, but the kernel opens no interpreter for it.
  if (path !== undefined && (args[1] === path || args[2] === path) && isNamedAfter(exec.comm, path)) {
    for (let at = 1; at < paths.length; at++) if (paths[at]?.name === args[0]) return absolute(path, cwd);
  }
  const interpreter = interpreterOf(exec.executable, args[0]);
  if (interpreter === undefined) return undefined;
  const word = scriptWord(interpreter, args);
  return word === undefined ? undefined : absolute(word, cwd);
}

/** comm is the script's name: of what was executed by `#!` the kernel takes the script's, not the interpreter's. */
function isNamedAfter(comm: string | undefined, path: string): boolean {
  if (comm === undefined) return false;
  const name = Buffer.from(nameIn(path), 'utf8');
  return Buffer.from(comm, 'utf8').equals(name.subarray(0, COMM_BYTES));
}

/** True of an executable whose arguments may name a script. */
export function isInterpreter(executable: string): boolean {
  return MULTIPLE.has(nameIn(executable)) || interpreterOf(executable, undefined) !== undefined;
}

/** Programs that are many in one file: which, is told by the name that they were called by. */
const MULTIPLE: ReadonlySet<string> = new Set(['busybox', 'toybox']);

function interpreterOf(executable: string | undefined, calledAs: string | undefined): Interpreter | undefined {
  if (executable === undefined) return undefined;
  let name = nameIn(executable);
  if (MULTIPLE.has(name)) name = nameIn(calledAs ?? '').replace(/^-/, '');
  return INTERPRETERS.get(name) ?? INTERPRETERS.get(name.replace(/-?[0-9][0-9.]*$/, ''));
}

function nameIn(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

function scriptWord({ inline, withValue }: Interpreter, args: readonly string[]): string | undefined {
  const end = Math.min(args.length, WORDS_MAX);
  for (let at = 1; at < end; at++) {
    const word = args[at] ?? '';
    if (word === '--') return nonEmpty(args[at + 1]);
    if (inline.test(word)) return undefined;
    if (!word.startsWith('-') && !word.startsWith('+')) return nonEmpty(word);
    if (withValue.test(word)) at++;
  }
  return undefined;
}

function nonEmpty(word: string | undefined): string | undefined {
  return word === undefined || word === '' ? undefined : word;
}

function absolute(path: string, cwd: string | undefined): string {
  if (path.startsWith('/')) return posix.normalize(path);
  return cwd?.startsWith('/') === true ? posix.join(cwd, path) : path;
}
