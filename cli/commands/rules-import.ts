// `vedette rules import`: rules of another language as rules of ours, and what could not be said.
import { resolve } from 'node:path';
import { type Diagnostic, formatDiagnostic } from '../../rules/diagnostic.ts';
import type { ForeignReading, Names } from '../../rules/foreign/front-end.ts';
import type { ImportedRule } from '../../rules/foreign/imported-rules.ts';
import { CLIENT_OPTIONS, openClient } from '../client.ts';
import { type Command, type Invocation, isGiven, optionValue, printJson } from '../command.ts';
import { loadConfig } from '../config.ts';
import { EXIT, fail, type Outcome, succeed } from '../failure.ts';
import { usage } from '../options.ts';
import { readForeignFiles, shownPath } from '../rules-import/foreign-files.ts';
import { LANGUAGES, type Language } from '../rules-import/front-ends.ts';
import { reportTable, summaryLine, unseenOf } from '../rules-import/import-report.ts';
import { unseenFields } from '../rules-import/unseen-fields.ts';
import { type Written, type WrittenRule, writeRules } from '../rules-import/written-rules.ts';
import { ruleFoldersOf } from '../server-settings.ts';
import { counted } from '../table.ts';

const PATHS_MAX = 1000;
const NAMES = LANGUAGES.map(({ name }) => name);

export const rulesImport: Command = {
  name: 'rules import',
  synopsis: `${NAMES.join('|')} PATH… [--out FOLDER] [--report]`,
  description:
    'Turns rules of another language into rules of ours: one file each into --out, or all to the screen. A rule is taken whole or not at all; what cannot be said is told with its file, line and column. --report lists every document with what became of it, and which fields no event has had, where a server answers. Exit code 1 when something could not be said or written.',
  positionals: { least: 2, most: PATHS_MAX },
  options: {
    out: {
      value: 'FOLDER',
      description: 'Write one file for each rule there. What somebody changed since is left alone.',
    },
    force: { description: 'With --out: write over changed files too.' },
    report: { description: 'List every document: runs, runs with remarks, not expressible, source not collected.' },
    ...CLIENT_OPTIONS,
  },
  examples: [
    ['vedette rules import sigma sigma/rules/linux --report', 'What would run of these?'],
    ['vedette rules import sigma sigma/rules/linux --out my-rules/sigma', 'Make rules of them, to read and to change.'],
    ['vedette rules import sigma one-rule.yml', 'Show one rule in our words.'],
  ],
  async run(invocation) {
    const [name, ...paths] = invocation.positionals;
    const language = LANGUAGES.find((one) => one.name === name);
    if (language === undefined) {
      const message = `no language \`${name}\` is imported`;
      return usage(rulesImport, message, `There are ${NAMES.join(', ')}.`).failure;
    }
    const out = optionValue(invocation, 'out');
    if (isGiven(invocation, 'force') && out === undefined)
      return usage(rulesImport, '--force goes with --out', 'Add --out FOLDER.').failure;
    const read = await readAll(invocation, language, paths);
    if (!read.isOk) return read.failure;
    const isReport = isGiven(invocation, 'report');
    const unseen = isReport ? await askForFields(invocation, read.value.rules) : undefined;
    const written = out === undefined ? succeed(undefined) : write(invocation, read.value.rules, out);
    if (!written.isOk) return written.failure;
    const told: Told = { ...read.value, unseen, written: written.value };
    if (invocation.isJson) tellPrograms(invocation, told);
    else tellPeople(invocation, told, { isReport, hasYaml: out === undefined && !isReport });
    const isWrong = (diagnostics: readonly Diagnostic[]): boolean =>
      diagnostics.some(({ severity }) => severity === 'error');
    const hasFindings =
      isWrong(told.diagnostics) ||
      told.rules.some(({ status, diagnostics }) => status === 'refused' || isWrong(diagnostics)) ||
      (told.written ?? []).some(({ written: state }) => LEFT_ALONE[state] !== undefined);
    return hasFindings ? EXIT.findings : EXIT.fine;
  },
};

interface Imported {
  readonly rules: readonly ImportedRule[];
  /** Of files, and of what is no rule. */
  readonly diagnostics: readonly Diagnostic[];
  readonly notes: readonly string[];
}

interface Told extends Imported {
  /** Undefined where no server was asked. */
  readonly unseen: ReadonlySet<string> | undefined;
  readonly written: readonly WrittenRule[] | undefined;
}

/** Why a file was not written; the others were. */
const LEFT_ALONE: Readonly<Partial<Record<Written, string>>> = {
  changed: 'somebody changed it since the last import',
  foreign: 'it was not written by an import',
  failed: 'it cannot be written',
};

async function readAll(
  invocation: Invocation,
  language: Language,
  paths: readonly string[],
): Promise<Outcome<Imported>> {
  const { cwd } = invocation.context;
  const config = await loadConfig(invocation);
  if (!config.isOk) return config;
  const { readNameFolders, shippedRuleIds } = await import('../../rules/rule-folders.ts');
  const { importedRules } = await import('../../rules/foreign/imported-rules.ts');
  const { withOwnTests } = await import('../../rules/foreign/own-tests.ts');
  const { passingTests } = await import('../rules-import/passing-tests.ts');
  const names: Names = readNameFolders(ruleFoldersOf(config.value));
  const asked = paths.map((path) => resolve(cwd, path));
  const { files, diagnostics } = readForeignFiles(asked, { cwd, endings: language.endings });
  const frontEnd = await language.load();
  const reading: ForeignReading = frontEnd(files, names);
  const passes = passingTests(names);
  return succeed({
    rules: importedRules(files, reading, names, shippedRuleIds()).map((imported) => withOwnTests(imported, passes)),
    diagnostics: [...diagnostics, ...reading.diagnostics],
    notes: reading.notes ?? [],
  });
}

/** Undefined where no server answers: a report is of use without. */
async function askForFields(
  invocation: Invocation,
  rules: readonly ImportedRule[],
): Promise<ReadonlySet<string> | undefined> {
  const client = await openClient(invocation, 'reader');
  const known = rules.flatMap(({ rule }) => rule ?? []);
  const unseen = client.isOk ? await unseenFields(client.value, known, invocation.context.now()) : client;
  if (unseen.isOk) return unseen.value;
  const why = `which fields events have was not asked: ${unseen.failure.message}\n`;
  if (!invocation.isJson) invocation.context.stderr.write(why);
  return undefined;
}

function write(invocation: Invocation, rules: readonly ImportedRule[], out: string): Outcome<readonly WrittenRule[]> {
  const folder = resolve(invocation.context.cwd, out);
  try {
    return succeed(writeRules(rules, { folder, force: isGiven(invocation, 'force') }));
  } catch (error) {
    const message = `${out} cannot be written: ${(error as NodeJS.ErrnoException).code ?? String(error)}`;
    return fail('import/out', { message, remedy: 'Name a folder that you may write.', exitCode: EXIT.usage });
  }
}

function tellPeople(
  { context: { stdout, stderr, cwd } }: Invocation,
  { rules, diagnostics, notes, unseen, written = [] }: Told,
  { isReport, hasYaml }: { readonly isReport: boolean; readonly hasYaml: boolean },
): void {
  for (const { text, lists } of hasYaml ? rules : []) {
    if (text !== undefined) stdout.write(`---\n${text}`);
    for (const list of lists) stdout.write(`---\n# lists/${list.name}.yaml\n${list.text}`);
  }
  const problems = hasYaml ? stderr : stdout;
  if (isReport) {
    stdout.write(reportTable(rules, unseen, stdout.columns));
    for (const diagnostic of diagnostics) problems.write(`\n${formatDiagnostic(diagnostic)}\n`);
  } else {
    const all = [...diagnostics, ...rules.flatMap((rule) => rule.diagnostics)];
    for (const diagnostic of all) problems.write(`${formatDiagnostic(diagnostic)}\n\n`);
  }
  for (const note of notes) problems.write(`${note}\n`);
  for (const { path, written: state, error } of written) {
    const why = LEFT_ALONE[state];
    if (why === undefined) continue;
    const remedy = state === 'failed' ? `: ${error}` : '; --force writes over it';
    problems.write(`${shownPath(cwd, path)} is left as it is: ${why}${remedy}\n`);
  }
  stderr.write(`${summaryLine(rules, unseen)}\n`);
  if (written.length === 0) return;
  const count = (...states: readonly Written[]): number => written.filter((one) => states.includes(one.written)).length;
  const left = count('changed', 'foreign', 'failed');
  stderr.write(
    `${counted(count('written', 'updated'), 'file')} written, ${count('unchanged')} unchanged${left === 0 ? '' : `, ${left} left as they are`}\n`,
  );
}

function tellPrograms(invocation: Invocation, told: Told): void {
  const { rules, diagnostics, notes, unseen, written } = told;
  const states = new Map(written?.map((one) => [one.imported, one]));
  printJson(invocation, {
    rules: rules.map((imported) => {
      const { entry, status, rule, text } = imported;
      const own = states.get(imported);
      return {
        file: entry.file,
        line: entry.line,
        title: entry.title,
        status,
        ...(rule === undefined
          ? {}
          : { id: rule.id, version: rule.version, kind: rule.kind.kind, severity: rule.severity, text }),
        ...(entry.uncollected === undefined ? {} : { uncollected: entry.uncollected }),
        ...(unseen === undefined ? {} : { unseenFields: unseenOf(imported, unseen) }),
        ...(own === undefined ? {} : { path: own.path, written: own.written }),
        diagnostics: imported.diagnostics,
      };
    }),
    diagnostics,
    notes,
  });
}
