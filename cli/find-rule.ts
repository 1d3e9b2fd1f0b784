// The file of a rule that a command names: a path, or the id of a rule in use.
import { stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Invocation } from './command.ts';
import { loadConfig } from './config.ts';
import { EXIT, fail, type Outcome, succeed } from './failure.ts';
import { ruleFoldersOf } from './server-settings.ts';
import { suggestion } from './suggestion.ts';

/** As it was named, or by the rule's id in the folders in use, where a file is named after its rule. */
export async function findRuleFile(invocation: Invocation, name: string): Promise<Outcome<string>> {
  const asFile = resolve(invocation.context.cwd, name);
  if (await isFile(asFile)) return succeed(asFile);
  const config = await loadConfig(invocation);
  if (!config.isOk) return config;
  const folders = ruleFoldersOf(config.value).toReversed();
  if (/^[\w.-]+$/.test(name)) {
    for (const { path } of folders) {
      const candidate = join(path, `${name}.yaml`);
      if (await isFile(candidate)) return succeed(candidate);
    }
  }
  const { readRuleFolders } = await import('../rules/rule-folders.ts');
  const { rules } = readRuleFolders(folders);
  const found = rules.find(({ id }) => id === name);
  if (found !== undefined) return succeed(found.file);
  const ids = rules.map(({ id }) => id);
  const remedy = suggestion(name, ids, 'Name a file, or the id of a rule in use (`vedette rules list`).');
  const message = `\`${name}\` is neither a file nor a rule’s id`;
  return fail('cli/no-rule', { message, remedy, exitCode: EXIT.usage });
}

async function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    (status) => status.isFile(),
    () => false,
  );
}
