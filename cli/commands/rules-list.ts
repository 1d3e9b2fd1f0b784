// `vedette rules list`: every rule in one line, with what it says in a sentence.
import { visible } from '../../rules/diagnostic.ts';
import { treesOf } from '../../rules/explain/rule-trees.ts';
import { ruleSentence } from '../../rules/explain/sentence.ts';
import { type Command, isGiven, printJson } from '../command.ts';
import { CONFIG_OPTIONS } from '../config.ts';
import { EXIT } from '../failure.ts';
import { readAskedRules } from '../rule-paths.ts';
import { counted, renderTable } from '../table.ts';

const PATHS_MAX = 1000;
const COLUMNS = [
  { title: 'RULE' },
  { title: 'KIND' },
  { title: 'SEVERITY' },
  { title: 'STATUS' },
  { title: 'NAME' },
] as const;

export const rulesList: Command = {
  name: 'rules list',
  synopsis: '[PATH…] [--sentences]',
  description:
    'Lists rules: id, kind, severity, status, and with --sentences what each alerts on, as a sentence made of the rule itself. Without PATH: all rules that the configuration names. Needs no server. Broken files are left out; `vedette rules lint` tells of them.',
  positionals: { least: 0, most: PATHS_MAX },
  options: { sentences: { description: 'Each with what it alerts on.' }, ...CONFIG_OPTIONS },
  examples: [
    ['vedette rules list', 'All rules in use.'],
    ['vedette rules list my-rules/ --sentences', 'What do these rules say?'],
  ],
  async run(invocation) {
    const read = await readAskedRules(invocation);
    if (!read.isOk) return read.failure;
    const { rules, diagnostics } = read.value;
    const rows = rules.map((rule) => ({ rule, sentence: ruleSentence(rule, treesOf(rule)) }));
    const { stdout, stderr } = invocation.context;
    if (invocation.isJson) {
      printJson(invocation, {
        rules: rows.map(({ rule: { id, version, name, kind, severity, status, file, mitre, tags }, sentence }) => {
          return { id, version, name, kind: kind.kind, severity, status, sentence, file, mitre, tags };
        }),
      });
      return EXIT.fine;
    }
    if (isGiven(invocation, 'sentences')) {
      for (const { rule, sentence } of rows)
        stdout.write(
          `${visible(`${rule.id} (${rule.severity}, ${rule.status}): ${rule.name}`)}\n  ${visible(sentence)}\n\n`,
        );
    } else {
      const cells = rules.map(({ id, kind, severity, status, name }) => [id, kind.kind, severity, status, name]);
      if (cells.length > 0) stdout.write(renderTable(COLUMNS, cells, stdout.columns));
    }
    const errors = diagnostics.filter(({ severity }) => severity === 'error').length;
    const broken = errors === 0 ? '' : `; ${counted(errors, 'error')} in files (vedette rules lint)`;
    stderr.write(`${counted(rules.length, 'rule')}${broken}\n`);
    return EXIT.fine;
  },
};
