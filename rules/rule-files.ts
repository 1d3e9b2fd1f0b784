// Many files → one set of rules. Pure; rule-folders.ts reads the disk. A broken file stops neither the others nor the start.
import { basename } from 'node:path';
import { nearest } from '../event/nearest-name.ts';
import type { Diagnostic } from './diagnostic.ts';
import type { Lists, ListValues } from './expression/syntax.ts';
import { importedRules } from './foreign/imported-rules.ts';
import { type NamedList, readListText } from './language/list-reader.ts';
import {
  type MacroSet,
  macrosOfSources,
  type NamedMacro,
  NO_MACROS,
  parseMacros,
  readMacroText,
} from './language/macro-reader.ts';
import { otherToolsRule } from './language/other-tools.ts';
import { readRule, SOURCE_FORMAT } from './language/rule-reader.ts';
import { diagnosticAt, diagnosticOfFile, type Problem, sourceText, told } from './language/source-text.ts';
import { readYaml } from './language/yaml-tree.ts';
import type { Rule, RuleSet } from './rule.ts';
import { sigmaFrontEnd } from './sigma/front-end.ts';

/** `shipped` comes with Vedette; `own` is the user's and goes before it. */
export type FolderKind = 'shipped' | 'own';

export interface RuleFile {
  /** As people know it: shown in messages. */
  readonly file: string;
  readonly kind: FolderKind;
  readonly content: 'rules' | 'lists' | 'macros';
  readonly text: string;
}

export interface ReadOptions {
  /** For the lint of expired exceptions; without it they are not checked. */
  readonly nowMs?: number;
  /** Named expressions that the rules may use. */
  readonly macros?: MacroSet;
  /** {@link RULES_MAX} unless a test says less. */
  readonly rulesMax?: number;
  /** Files of one folder; FILES_PER_FOLDER_MAX unless a test says less. */
  readonly filesMax?: number;
}

/** The most rules that are loaded. */
const RULES_MAX = 10_000;

/** The rules of some files, with every diagnostic. An own rule or list replaces the shipped one of its name, with a note. */
export function readRules(files: readonly RuleFile[], options: ReadOptions = {}): RuleSet {
  const { rulesMax = RULES_MAX } = options;
  const diagnostics: Diagnostic[] = [];
  const lists = readLists(files, diagnostics);
  const macros = readMacros(files, lists, diagnostics);
  const byId = new Map<string, { readonly rule: Rule; readonly kind: FolderKind }>();
  const ruleFiles = ownFirst(files.filter((entry) => entry.content === 'rules'));
  const [sigma, own] = [ruleFiles.filter(isSigmaFile), ruleFiles.filter((file) => !isSigmaFile(file))];
  const foreign = readSigmaFiles(sigma, lists, macros);
  const readFiles = [
    ...own.map((file) => ({ file, ...readOwnText(file.file, file.text, lists, { ...options, macros }) })),
    ...sigma.map((file) => ({ file, ...foreign(file.file) })),
  ];
  for (const { file, ...read } of readFiles) {
    diagnostics.push(...read.diagnostics);
    for (const rule of read.rules) {
      const other = byId.get(rule.id);
      if (other === undefined) {
        if (byId.size < rulesMax) byId.set(rule.id, { rule, kind: file.kind });
        else diagnostics.push(tooManyRules(file.file, rulesMax));
      } else diagnostics.push(duplicateRule(file, rule, other));
    }
  }
  const texts = new Map(files.map(({ file, text }) => [file, text]));
  const known = withKnownRules(
    [...byId.values()].map(({ rule }) => rule),
    texts,
  );
  return { rules: known.rules, diagnostics: [...diagnostics, ...known.diagnostics] };
}

/** The rules of one file's text, ours or Sigma's, with the lists that they may name. */
export function readRuleText(file: string, text: string, lists: Lists, options: ReadOptions = {}): RuleSet {
  if (!isSigmaFile({ text })) return readOwnText(file, text, lists, options);
  return readSigmaFiles([{ file, text }], lists, options.macros ?? NO_MACROS)(file);
}

/** Sigma's rules and correlations each have one of these, and ours have neither. */
function isSigmaFile({ text }: Pick<RuleFile, 'text'>): boolean {
  return /^(?:logsource|correlation)[ \t]*:/m.test(text);
}

/** Rules of Sigma's files, which may name one another's: all are read together, and told by file. */
function readSigmaFiles(
  files: readonly Pick<RuleFile, 'file' | 'text'>[],
  lists: Lists,
  macros: MacroSet,
): (file: string) => RuleSet {
  const names = { lists, macros };
  const reading = sigmaFrontEnd(files, names);
  const imported = importedRules(files, reading, names);
  const rules = Map.groupBy(
    imported.flatMap(({ rule }) => rule ?? []),
    ({ file }) => file,
  );
  const all = [...reading.diagnostics, ...imported.flatMap(({ diagnostics }) => diagnostics)];
  const diagnostics = Map.groupBy(all, ({ file }) => file);
  return (file) => ({ rules: rules.get(file) ?? [], diagnostics: told(diagnostics.get(file) ?? []) });
}

function readOwnText(file: string, text: string, lists: Lists, options: ReadOptions): RuleSet {
  const yaml = readYaml(file, text);
  const diagnostics: Diagnostic[] = [...yaml.diagnostics];
  const rules: Rule[] = [];
  const ids = new Set<string>();
  for (const document of yaml.documents) {
    const foreign = otherToolsRule(document.root);
    if (foreign !== undefined) {
      diagnostics.push(diagnosticAt(yaml.source, document.root.at, foreign));
      continue;
    }
    const read = readRule(yaml.source, document, { lists, macros: options.macros ?? NO_MACROS, nowMs: options.nowMs });
    diagnostics.push(...read.diagnostics);
    if (read.rule === undefined) continue;
    if (ids.has(read.rule.id)) {
      const message = `a rule with the id \`${read.rule.id}\` stands earlier in this file`;
      const problem = { code: 'rule/duplicate-id', message, remedy: 'Give one of them another id.' };
      diagnostics.push(diagnosticAt(yaml.source, document.root.at, problem));
      continue;
    }
    ids.add(read.rule.id);
    rules.push(read.rule);
  }
  const [only] = rules;
  const stem = basename(file).replace(/\.ya?ml$/, '');
  if (yaml.documents.length === 1 && only !== undefined && only.id !== stem) {
    const message = `the file is not named after its rule, \`${only.id}\``;
    const problem = {
      code: 'rule/file-name',
      severity: 'warning',
      message,
      remedy: `Name it ${only.id}.yaml.`,
    } as const;
    diagnostics.push(diagnosticOfFile(file, problem));
  }
  return { rules, diagnostics: told(diagnostics) };
}

/** What a `together` among these rules needs and neither they nor the known ones have. */
export function unknownRules(asked: readonly Rule[], known: readonly Rule[]): readonly Diagnostic[] {
  const ids = new Set(asked.map(({ id }) => id));
  return withKnownRules([...asked, ...known.filter(({ id }) => !ids.has(id))]).diagnostics.filter(({ file }) =>
    asked.some((rule) => rule.file === file),
  );
}

/** The rule that a `sourceJson` came from, the same version again; undefined when it is no rule for this version any more. */
export function readRuleSource(sourceJson: string): Rule | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(sourceJson);
  } catch {
    return undefined;
  }
  const {
    format,
    file,
    text,
    lists,
    macros = {},
  } = (parsed ?? {}) as Partial<Record<'format' | 'file' | 'text' | 'lists' | 'macros', unknown>>;
  if (format !== SOURCE_FORMAT || typeof file !== 'string' || typeof text !== 'string') return undefined;
  if (typeof lists !== 'object' || lists === null) return undefined;
  if (typeof macros !== 'object' || macros === null) return undefined;
  const listMap: Lists = new Map(Object.entries(lists) as [string, ListValues][]);
  const macroSet = macrosOfSources(macros as Readonly<Record<string, string>>, listMap);
  return readRuleText(file, text, listMap, { macros: macroSet }).rules[0];
}

/** The lists of the files, own before shipped. */
export function readLists(files: readonly RuleFile[], diagnostics: Diagnostic[]): Lists {
  const byName = new Map<string, NamedList>();
  for (const file of ownFirst(files.filter((entry) => entry.content === 'lists'))) {
    const read = readListText(file.file, file.text, file.kind === 'own');
    diagnostics.push(...read.diagnostics);
    for (const list of read.lists) {
      const other = byName.get(list.name);
      if (other === undefined) byName.set(list.name, list);
      else diagnostics.push(duplicateList(list, other));
    }
  }
  return new Map([...byName].map(([name, list]) => [name, list.values]));
}

/** The macros of the files, own before shipped. A name that is a list too is not taken. */
export function readMacros(files: readonly RuleFile[], lists: Lists, diagnostics: Diagnostic[]): MacroSet {
  const byName = new Map<string, NamedMacro>();
  for (const file of ownFirst(files.filter((entry) => entry.content === 'macros'))) {
    const read = readMacroText(file.file, file.text, file.kind === 'own');
    diagnostics.push(...read.diagnostics);
    for (const macro of read.macros) {
      const other = byName.get(macro.name);
      if (lists.has(macro.name)) diagnostics.push(takenMacro(macro, 'a list has this name'));
      else if (other === undefined) byName.set(macro.name, macro);
      else if (macro.isOwn === other.isOwn) diagnostics.push(takenMacro(macro, `it is taken by ${other.file}`));
    }
  }
  const parsed = parseMacros([...byName.values()], lists);
  diagnostics.push(...parsed.diagnostics);
  return parsed.macros;
}

function takenMacro({ name, file }: NamedMacro, why: string): Diagnostic {
  const message = `the macro $${name} is not used: ${why}`;
  return diagnosticOfFile(file, { code: 'macro/duplicate-name', message, remedy: 'Give one of them another name.' });
}

/** Without the rules whose `together` names a rule that is not there, or that need each other. */
function withKnownRules(all: readonly Rule[], texts: ReadonlyMap<string, string> = new Map()): RuleSet {
  const diagnostics: Diagnostic[] = [];
  const rules = new Map(all.map((rule) => [rule.id, rule]));
  for (let isSettled = false; !isSettled; ) {
    isSettled = true;
    for (const rule of [...rules.values()]) {
      const message = whyNotTogether(rule, rules);
      if (message === undefined) continue;
      const remedy = 'Name rules that are loaded, by their ids; none may need itself.';
      diagnostics.push(atItsTogether(rule, texts, { code: 'rule/unknown-rule', message, remedy }));
      rules.delete(rule.id);
      isSettled = false;
    }
  }
  for (const rule of rules.values()) {
    const off =
      rule.kind.kind === 'together' ? rule.kind.rules.find((id) => rules.get(id)?.status === 'off') : undefined;
    if (off === undefined) continue;
    const message = `\`${rule.id}\` never finds anything: \`${off}\`, which it names, is off`;
    const remedy = 'Give that one `status: test`: then it is evaluated, and nothing is sent.';
    diagnostics.push(atItsTogether(rule, texts, { code: 'rule/never-fires', severity: 'warning', message, remedy }));
  }
  return { rules: all.filter(({ id }) => rules.has(id)), diagnostics };
}

/** Where the rule says `together`, if its text is at hand; else about its file. */
function atItsTogether(rule: Rule, texts: ReadonlyMap<string, string>, problem: Problem): Diagnostic {
  const text = texts.get(rule.file) ?? '';
  const document = JSON.parse(rule.sourceJson) as { readonly text: string };
  const begins = text.indexOf(document.text);
  const inside = document.text.search(/^together\s*:/m);
  return begins < 0 || inside < 0
    ? diagnosticOfFile(rule.file, problem)
    : diagnosticAt(sourceText(rule.file, text), begins + inside, problem);
}

function whyNotTogether(rule: Rule, rules: ReadonlyMap<string, Rule>): string | undefined {
  if (rule.kind.kind !== 'together') return undefined;
  const unknown = rule.kind.rules.find((id) => !rules.has(id));
  if (unknown !== undefined) {
    const guess = nearest(unknown, [...rules.keys()]);
    return `\`${rule.id}\` names the rule \`${unknown}\`, which is not loaded${guess === undefined ? '' : `; did you mean \`${guess}\`?`}`;
  }
  const needed = new Set<string>();
  const waiting = [...rule.kind.rules];
  for (let id = waiting.pop(); id !== undefined; id = waiting.pop()) {
    if (id === rule.id) return `\`${rule.id}\` needs itself`;
    const other = rules.get(id);
    if (needed.has(id) || other?.kind.kind !== 'together') continue;
    needed.add(id);
    waiting.push(...other.kind.rules);
  }
  return undefined;
}

function ownFirst(files: readonly RuleFile[]): readonly RuleFile[] {
  return files.toSorted((a, b) => Number(a.kind === 'shipped') - Number(b.kind === 'shipped'));
}

function duplicateRule(
  file: RuleFile,
  rule: Rule,
  other: { readonly rule: Rule; readonly kind: FolderKind },
): Diagnostic {
  if (file.kind === 'shipped' && other.kind === 'own') {
    const message = `your rule replaces the shipped one of the same id, \`${rule.id}\``;
    const remedy = `The shipped one is in ${file.file}; give yours another id to have both.`;
    return diagnosticOfFile(other.rule.file, { code: 'rule/replaces-shipped', severity: 'warning', message, remedy });
  }
  const message = `the id \`${rule.id}\` is taken by ${other.rule.file}; this rule is not loaded`;
  const problem = { code: 'rule/duplicate-id', message, remedy: 'Give one of them another id.' };
  const source = sourceText(file.file, file.text);
  const at = file.text.search(new RegExp(`^id:\\s*["']?${rule.id}`, 'm'));
  return at < 0 ? diagnosticOfFile(file.file, problem) : diagnosticAt(source, at, problem);
}

function duplicateList(list: NamedList, other: NamedList): Diagnostic {
  if (!list.isOwn && other.isOwn) {
    const message = `your list $${list.name} replaces the shipped one`;
    const remedy = `The shipped one is in ${list.file}; what you leave out of yours is gone from the shipped rules too.`;
    return diagnosticOfFile(other.file, { code: 'list/replaces-shipped', severity: 'warning', message, remedy });
  }
  const message = `the list $${list.name} is taken by ${other.file}; this one is not used`;
  return diagnosticOfFile(list.file, {
    code: 'list/duplicate-name',
    message,
    remedy: 'Give one of them another name.',
  });
}

function tooManyRules(file: string, rulesMax: number): Diagnostic {
  const message = `more than ${rulesMax} rules; the rest is not loaded`;
  return diagnosticOfFile(file, { code: 'rule/too-many', message, remedy: 'Remove rules.' });
}
