// Which folders and files `rules lint` and `rules test` read: those that were named, with the lists that their rules may use,
// or everything that the configuration names.
import { statSync } from 'node:fs';
import { dirname, relative, resolve, sep } from 'node:path';
import type { Diagnostic } from '../rules/diagnostic.ts';
import type { Rule, RuleSet } from '../rules/rule.ts';
import type { RuleFolder } from '../server/options.ts';
import type { Invocation } from './command.ts';
import { loadConfig } from './config.ts';
import { type Outcome, succeed } from './failure.ts';
import { ruleFoldersOf, SHIPPED_RULES } from './server-settings.ts';

export interface ReadRules {
  readonly rules: readonly Rule[];
  /** With those that stand around them: what a rule may name. */
  readonly known: readonly Rule[];
  readonly diagnostics: readonly Diagnostic[];
}

/** Reads the rules of the paths (those in the invocation, unless others are given), or of the configuration where there are none. */
export async function readAskedRules(
  invocation: Invocation,
  paths: readonly string[] = invocation.positionals,
): Promise<Outcome<ReadRules>> {
  const config = await loadConfig(invocation);
  if (!config.isOk) return config;
  const { readRuleFolders } = await import('../rules/rule-folders.ts');
  const { cwd, now } = invocation.context;
  const configured = ruleFoldersOf(config.value);
  const asked = paths.map((path) => resolve(cwd, path));
  const readFolders = (folders: readonly RuleFolder[]): RuleSet =>
    readRuleFolders(
      folders.map(({ path, kind }) => ({ kind, path: shortest(cwd, path) })),
      { nowMs: now() },
    );
  if (asked.length === 0) {
    const set = readFolders(configured);
    return succeed({ ...set, known: set.rules });
  }
  const alone = readFolders(foldersFor(asked, configured));
  // A rule may name others, wherever they stand.
  const needsOthers = alone.diagnostics.some(({ code }) => code === 'rule/unknown-rule');
  const set = needsOthers ? readFolders(foldersAround(asked, configured)) : alone;
  const isAsked = (file: string): boolean => asked.some((path) => isWithin(resolve(cwd, file), path));
  return succeed({
    rules: set.rules.filter(({ file }) => isAsked(file)),
    known: set.rules,
    diagnostics: set.diagnostics.filter(({ file }) => isAsked(file)),
  });
}

/** All that is configured, and the folders that the asked paths stand in. */
function foldersAround(asked: readonly string[], configured: readonly RuleFolder[]): readonly RuleFolder[] {
  const around = asked.map((path) =>
    statSync(path, { throwIfNoEntry: false })?.isDirectory() === true ? path : dirname(path),
  );
  const own = [...new Set(around)].filter(
    (path) =>
      !configured.some((folder) => isWithin(path, folder.path)) &&
      !around.some((other) => other !== path && isWithin(path, other)),
  );
  return [...configured, ...own.map((path) => ({ path, kind: 'own' as const }))];
}

/** The asked paths, and before them every folder of lists and macros that they do not hold themselves. */
function foldersFor(asked: readonly string[], configured: readonly RuleFolder[]): readonly RuleFolder[] {
  const own = [...configured.filter(({ kind }) => kind === 'own').map(({ path }) => path), ...asked.map(dirname)];
  const named: readonly RuleFolder[] = ['lists', 'macros'].flatMap((name) => {
    const shipped = `${SHIPPED_RULES}${sep}${name}`;
    return [
      { path: shipped, kind: 'shipped' as const },
      ...[...new Set(own)]
        .map((path) => ({ path: `${path}${sep}${name}`, kind: 'own' as const }))
        .filter(({ path }) => path !== shipped),
    ];
  });
  return [
    ...named.filter(({ path }) => !asked.some((one) => isWithin(path, one))),
    ...asked.map((path) => ({ path, kind: isWithin(path, SHIPPED_RULES) ? ('shipped' as const) : ('own' as const) })),
  ];
}

function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(`${folder}${sep}`);
}

/** Paths below the current folder are shown, and can be clicked, in their short form. */
function shortest(cwd: string, path: string): string {
  const short = relative(cwd, path);
  // Files are read by this name, which has to lead there from where the process stands.
  return isWithin(path, cwd) && path !== cwd && resolve(short) === path ? short : path;
}
