// Files of Elastic Security → rules as they run, by the import's own way.
import { elasticFrontEnd } from '../../../rules/eql/front-end.ts';
import { type ImportedRule, importedRules } from '../../../rules/foreign/imported-rules.ts';
import { NO_MACROS } from '../../../rules/language/macro-reader.ts';
import type { Rule } from '../../../rules/rule.ts';

const NAMES = { lists: new Map(), macros: NO_MACROS };

export interface Imported {
  readonly documents: readonly ImportedRule[];
  /** `file:line:column message`. */
  readonly told: readonly string[];
}

export function importElastic(files: Readonly<Record<string, string>>): Imported {
  const given = Object.entries(files).map(([file, text]) => ({ file, text }));
  const reading = elasticFrontEnd(given, NAMES);
  const documents = importedRules(given, reading, NAMES);
  const diagnostics = [...reading.diagnostics, ...documents.flatMap((one) => one.diagnostics)];
  return {
    documents,
    told: diagnostics.map(({ file, line, column, message }) => `${file}:${line}:${column} ${message}`),
  };
}

/** The rule of a query by itself. */
export function ruleOfEql(query: string): Rule {
  const { documents, told } = importElastic({ 'q.eql': query });
  const rule = documents[0]?.rule;
  if (rule === undefined) throw new Error(`${query}\n${told.join('\n')}`);
  return rule;
}
