// `vedette config show`: what is in force after file, environment and command line, and nothing secret.
import { type Command, printJson } from '../command.ts';
import type { SecretSource } from '../config/settings.ts';
import { CONFIG_OPTIONS, loadConfig } from '../config.ts';
import { EXIT } from '../failure.ts';

export const configShow: Command = {
  name: 'config show',
  synopsis: '',
  description:
    'Checks the configuration and prints what is in force, as JSON. A secret is shown as where it comes from, never as what it is.',
  positionals: { least: 0, most: 0 },
  options: { ...CONFIG_OPTIONS },
  examples: [
    ['vedette config show', 'What counts here and now.'],
    ['vedette config show --config /etc/vedette/vedette.yaml', 'Check a file before a restart.'],
  ],
  async run(invocation) {
    const config = await loadConfig(invocation);
    if (!config.isOk) return config.failure;
    const shown: unknown = JSON.parse(
      JSON.stringify(config.value, (_name, value: unknown) => (isSecret(value) ? secretPlace(value) : value)),
    );
    if (invocation.isJson) printJson(invocation, shown);
    else invocation.context.stdout.write(`${JSON.stringify(shown, null, 2)}\n`);
    return EXIT.fine;
  },
};

function isSecret(value: unknown): value is SecretSource {
  if (typeof value !== 'object' || value === null || !('kind' in value)) return false;
  return (value.kind === 'text' && 'variable' in value) || (value.kind === 'file' && 'path' in value);
}

function secretPlace(secret: SecretSource): string {
  return secret.kind === 'text' ? `from ${secret.variable}` : `from file ${secret.path}`;
}
