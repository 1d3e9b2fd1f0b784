// `vedette config schema`
import { type Command, printJson } from '../command.ts';
import { configJsonSchema } from '../config/json-schema.ts';
import { EXIT } from '../failure.ts';

export const configSchema: Command = {
  name: 'config schema',
  synopsis: '',
  description: 'Prints the JSON Schema of vedette.yaml: editors with YAML support complete and check the file with it.',
  positionals: { least: 0, most: 0 },
  options: {},
  examples: [
    [
      'vedette config schema > vedette.schema.json',
      'Then `# yaml-language-server: $schema=vedette.schema.json` on top of the file.',
    ],
  ],
  async run(invocation) {
    if (invocation.isJson) printJson(invocation, configJsonSchema());
    else invocation.context.stdout.write(`${JSON.stringify(configJsonSchema(), null, 2)}\n`);
    return EXIT.fine;
  },
};
