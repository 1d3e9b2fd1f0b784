// `vedette rules schema`
import { listJsonSchema, macroJsonSchema, ruleJsonSchema } from '../../rules/language/json-schema.ts';
import { type Command, isGiven, printJson } from '../command.ts';
import { EXIT } from '../failure.ts';

export const rulesSchema: Command = {
  name: 'rules schema',
  synopsis: '[--lists|--macros]',
  description:
    'Prints the JSON Schema of rule files: editors with YAML support complete and check rules with it. It is made from the reader of this version.',
  positionals: { least: 0, most: 0 },
  options: {
    lists: { description: 'Of files below lists/ instead.' },
    macros: { description: 'Of files below macros/ instead.' },
  },
  examples: [
    [
      'vedette rules schema > vedette-rule.schema.json',
      'Then `# yaml-language-server: $schema=../vedette-rule.schema.json` on top of a rule.',
    ],
    ['vedette rules schema --lists > vedette-list.schema.json', 'For lists.'],
  ],
  async run(invocation) {
    const schema = isGiven(invocation, 'lists')
      ? listJsonSchema()
      : isGiven(invocation, 'macros')
        ? macroJsonSchema()
        : ruleJsonSchema();
    if (invocation.isJson) printJson(invocation, schema);
    else invocation.context.stdout.write(`${JSON.stringify(schema, null, 2)}\n`);
    return EXIT.fine;
  },
};
