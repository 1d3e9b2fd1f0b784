// Which folders and files `rules lint` and `rules test` read: those that were named, with the lists that their rules may use,
// or everything that the configuration names.
import { dirname, relative, resolve, sep } from 'node:path';
import type { Diagnostic } from '../rules/diagnostic.ts';
import type { Rule } from '../rules/rule.ts';
import type { RuleFolder } from '../server/options.ts';
import type { Invocation } from './command.ts';
import { loadConfig } from './config.ts';
import { type Outcome, succeed } from './failure.ts';
import { ruleFoldersOf, SHIPPED_RULES } from './server-settings.ts';

export interface ReadRules {
  readonly rules: readonly Rule[];
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
  const folders = asked.length === 0 ? configured : foldersFor(asked, configured);
  const set = readRuleFolders(
    folders.map(({ path, kind }) => ({ kind, path: shortest(cwd, path) })),
    { nowMs: now() },
  );
  if (asked.length === 0) return succeed(set);
  const isAsked = (file: string): boolean => asked.some((path) => isWithin(resolve(cwd, file), path));
  return succeed({
    rules: set.rules.filter(({ file }) => isAsked(file)),
    diagnostics: set.diagnostics.filter(({ file }) => isAsked(file)),
  });
}

/** The asked paths, and before them every folder of lists that they do not hold themselves. */
function foldersFor(asked: readonly string[], configured: readonly RuleFolder[]): readonly RuleFolder[] {
  const shippedLists = `${SHIPPED_RULES}${sep}lists`;
  const ownLists = [...configured.filter(({ kind }) => kind === 'own').map(({ path }) => path), ...asked.map(dirname)];
  const lists: readonly RuleFolder[] = [
    { path: shippedLists, kind: 'shipped' },
    ...[...new Set(ownLists)]
      .map((path) => ({ path: `${path}${sep}lists`, kind: 'own' as const }))
      .filter(({ path }) => path !== shippedLists),
  ];
  return [
    ...lists.filter(({ path }) => !asked.some((one) => isWithin(path, one))),
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
