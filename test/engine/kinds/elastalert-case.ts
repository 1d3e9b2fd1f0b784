// The recorded cases of ElastAlert's own classes, and each as the rule file that it would have been, imported as any other.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { formatDiagnostic } from '../../../rules/diagnostic.ts';
import { elastAlertFrontEnd } from '../../../rules/elastalert/front-end.ts';
import { importedRules } from '../../../rules/foreign/imported-rules.ts';
import { readListText } from '../../../rules/language/list-reader.ts';
import { NO_MACROS } from '../../../rules/language/macro-reader.ts';
import type { Rule } from '../../../rules/rule.ts';
import { readRuleText } from '../../../rules/rule-files.ts';

export type Row = readonly [
  atS: number,
  id: string,
  host: string | null,
  user: string | null,
  process: string | null,
  bytes: number,
];

export interface Step {
  readonly events?: readonly Row[];
  readonly run?: number;
  readonly counts?: Readonly<Record<string, number>>;
  readonly terms?: Readonly<Record<string, readonly { readonly key: string; readonly doc_count: number }[]>>;
  readonly aggregations?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly found: readonly string[];
}

export interface Case {
  readonly id: string;
  readonly type: string;
  readonly options: Readonly<Record<string, unknown>>;
  readonly baseline?: readonly (readonly [unknown, readonly unknown[]])[];
  readonly steps: readonly Step[];
  readonly isLateDifferent?: boolean;
  /** What is found with the differences that are meant (elastalert-oracle.py), where that is something else. */
  readonly amended?: readonly string[];
}

export const START_MS: number = Date.UTC(2026, 0, 5, 12);

export function casesIn(name: string): readonly Case[] {
  return readFileSync(join(import.meta.dirname, 'cases', name), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Case);
}

export function documentOf([, , host, user, process, bytes]: Row): Readonly<Record<string, unknown>> {
  return {
    ...(host === null ? {} : { host: { id: host } }),
    ...(user === null ? {} : { user: { name: user } }),
    ...(process === null ? {} : { process: { name: process } }),
    network: { bytes },
  };
}

/** The names that the recordings have for options and fields, as rule files and our events have them. */
const NAMES: Readonly<Record<string, string>> = { compound_compare_key: 'compare_key' };
const FIELDS: Readonly<Record<string, string>> = { bytes: 'network.bytes', host: 'host.name' };

function optionsOf({ options }: Case): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    Object.entries(options).map(([name, value]) => [
      NAMES[name] ?? name,
      typeof value === 'string' && Object.hasOwn(FIELDS, value) ? FIELDS[value] : value,
    ]),
  );
}

/** A rule file of ElastAlert's: JSON is YAML. */
export function ruleFileOf(one: Case, more: Readonly<Record<string, unknown>> = {}): string {
  const type = one.type.replace(/_(?:count|terms)$/, '');
  return JSON.stringify({ name: 'Case', type, index: 'auditbeat-*', alert: 'debug', ...optionsOf(one), ...more });
}

export interface Imported {
  readonly rules: readonly Rule[];
  /** What was told: remarks of rules that run, or why there is none. */
  readonly told: readonly string[];
}

/** What the import makes of a file: each rule read as it runs here, and again as the text that it is written as; both are the same. */
export function imported(file: string, others: Readonly<Record<string, string>> = {}): Imported {
  const files = [
    { file: 'case.yaml', text: file },
    ...Object.entries(others).map(([name, text]) => ({ file: name, text })),
  ];
  const names = { lists: new Map(), macros: NO_MACROS };
  const all = importedRules(files, elastAlertFrontEnd(files, names), names);
  const rules = all.map(({ rule, text, lists, entry }) => {
    if (rule === undefined || text === undefined) return undefined;
    const read = lists.flatMap((list) => readListText(`lists/${list.name}.yaml`, list.text, true).lists);
    if (read.length !== (entry.rule?.lists?.size ?? 0)) throw new Error('a list that cannot be read');
    const known = new Map(read.map(({ name, values }) => [name, values]));
    const [written] = readRuleText(`${rule.id}.yaml`, text, known).rules;
    if (written?.version !== rule.version) throw new Error(`written otherwise than it runs:\n${text}`);
    return written;
  });
  return {
    rules: rules.filter((rule) => rule !== undefined),
    told: all.flatMap(({ diagnostics }) => diagnostics.map((one) => formatDiagnostic(one).split('\n')[0] ?? '')),
  };
}

/** The one rule of a case. */
export function importedCase(one: Case, more: Readonly<Record<string, unknown>> = {}): Rule {
  const { rules, told } = imported(ruleFileOf(one, more));
  const [rule] = rules;
  if (rule === undefined || rules.length !== 1) throw new Error(`${rules.length} rules: ${told.join('\n')}`);
  return rule;
}
