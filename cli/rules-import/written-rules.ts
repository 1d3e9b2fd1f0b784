// Imported rules as files of ours, one a rule. The first line of a file says where it comes from and the digest of what follows, so that a second import
// writes again what nobody touched, and leaves alone what somebody changed.
import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { visible } from '../../rules/diagnostic.ts';
import type { ImportedRule } from '../../rules/foreign/imported-rules.ts';

/** `changed`: somebody changed it since, and it was left as it is; `foreign`: no import wrote it. */
export type Written = 'written' | 'updated' | 'unchanged' | 'changed' | 'foreign' | 'failed';

export interface WrittenRule {
  readonly imported: ImportedRule;
  readonly path: string;
  readonly written: Written;
  readonly error?: string;
}

/** How a file begins that an import wrote. */
export const IMPORTED: RegExp = /^# imported from (.*), sha256 ([0-9a-f]{64})\n/;

export function writeRules(
  rules: readonly ImportedRule[],
  { folder, force }: { readonly folder: string; readonly force: boolean },
): readonly WrittenRule[] {
  mkdirSync(folder, { recursive: true });
  return rules.flatMap((imported) => {
    const { rule, text, entry, lists } = imported;
    if (rule === undefined || text === undefined) return [];
    // Ids are lower-case letters, digits, `-` and `_`: no path.
    const path = join(folder, `${rule.id}.yaml`);
    const from = `${entry.file}:${entry.line}`;
    if (lists.length > 0) mkdirSync(join(folder, 'lists'), { recursive: true });
    return [
      ...lists.map((list) => ({ path: join(folder, 'lists', `${list.name}.yaml`), content: list.text })),
      { path, content: text },
    ].map((file) => ({ imported, path: file.path, ...writeRule(file.path, fileText(from, file.content), force) }));
  });
}

function writeRule(path: string, wanted: string, force: boolean): Pick<WrittenRule, 'written' | 'error'> {
  try {
    const before = existing(path);
    if (before === wanted) return { written: 'unchanged' };
    const state = before === undefined ? 'none' : stateOf(before);
    if (!force && (state === 'changed' || state === 'foreign')) return { written: state };
    replaceFile(path, wanted);
    return { written: before === undefined ? 'written' : 'updated' };
  } catch (error) {
    return { written: 'failed', error: (error as NodeJS.ErrnoException).code ?? String(error) };
  }
}

function fileText(from: string, text: string): string {
  return `# imported from ${visible(from)}, sha256 ${digestOf(text)}\n${text}`;
}

function stateOf(text: string): 'untouched' | 'changed' | 'foreign' {
  const head = IMPORTED.exec(text);
  if (head === null) return 'foreign';
  return digestOf(text.slice(head[0].length)) === head[2] ? 'untouched' : 'changed';
}

function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function existing(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Whole or not at all: a server may be watching the folder. */
function replaceFile(path: string, text: string): void {
  const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`;
  writeFileSync(temporary, text, { flag: 'wx' });
  try {
    renameSync(temporary, path);
  } catch (error) {
    unlinkSync(temporary);
    throw error;
  }
}
