// Finds and reads the configuration. Later wins: defaults, vedette.yaml, the environment, the command line. Whatever is wrong
// is reported at once, each with its place and remedy; nothing is guessed.
import { readFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { Diagnostic } from '../rules/diagnostic.ts';
import type { Context, Invocation, OptionTable } from './command.ts';
import { CONFIG_KEYS, type ConfigKey, variableOf } from './config/keys.ts';
import { assembleConfig, type Config, missingKeys, type SecretSource, secretPathOf } from './config/settings.ts';
import { type Place, problem, readConfigSource, type Setting, unknownVariables } from './config/source.ts';
import { type ConfigValue, readValue } from './config/value.ts';
import { EXIT, fail, type Outcome, succeed } from './failure.ts';

const FILE_NAME = 'vedette.yaml';
const SYSTEM_FILE = `/etc/vedette/${FILE_NAME}`;
const SECRET_BYTES_MAX = 64 * 1024;

/** Options that every command with a configuration takes. */
export const CONFIG_OPTIONS = {
  config: { value: 'FILE', description: `The configuration (else $VEDETTE_CONFIG, ./${FILE_NAME}, ${SYSTEM_FILE}).` },
  data: { value: 'FOLDER', description: 'The data folder, instead of the configured one (./data).' },
} as const satisfies OptionTable;

/** Variables that are read besides those of the keys. */
const OTHER_VARIABLES = ['VEDETTE_CONFIG'] as const;

/** A setting of the command line: the option as typed, the key that it stands for. */
export interface Override {
  readonly option: string;
  readonly path: string;
}

/** The configuration; warnings are told on stderr. Options in `overrides` win over everything. */
export async function loadConfig(
  invocation: Invocation,
  overrides: readonly Override[] = [],
): Promise<Outcome<Config>> {
  const { context, options } = invocation;
  const file = await findFile(context, options.get('config'));
  if (!file.isOk) return file;
  const diagnostics: Diagnostic[] = [];
  const settings: { setting: Setting; folder: string }[] = [];
  for (const key of CONFIG_KEYS) {
    if (key.default !== undefined)
      settings.push({ setting: settingOf(key, key.default, 'default'), folder: context.cwd });
  }
  if (file.value !== undefined) {
    const source = readConfigSource(file.value.path, file.value.text, await import('yaml'));
    diagnostics.push(...source.diagnostics);
    for (const setting of source.settings) settings.push({ setting, folder: dirname(file.value.path) });
  }
  settings.push(...settingsOfEnvironment(context));
  for (const { option, path } of [{ option: 'data', path: 'data' }, ...overrides]) {
    const [text, key] = [options.get(option), CONFIG_KEYS.find((one) => one.path === path)];
    if (key === undefined || text === undefined) continue;
    settings.push({ setting: settingOf(key, String(text), `--${option}`), folder: context.cwd });
  }
  diagnostics.push(...unknownVariables(context.env, new Set([...CONFIG_KEYS.map(variableOf), ...OTHER_VARIABLES])));
  return assemble(invocation, { file: file.value?.path, settings, diagnostics });
}

/** The text of a secret, without the newline at its end; says why it cannot be had, never what it is. */
export async function readSecret(source: SecretSource, what: string): Promise<Outcome<string>> {
  if (source.kind === 'text') return succeed(source.text);
  const text = await readText(source.path, SECRET_BYTES_MAX);
  const remedy = `Put it into that file, one line, readable by the user who runs this (mode 0600).`;
  if (!text.isOk)
    return fail('config/secret', { message: `${what}: ${text.failure.message}`, remedy, exitCode: EXIT.usage });
  const secret = text.value.trim();
  if (secret === '' || /[\r\n]/.test(secret)) {
    const message = `${what}: ${source.path} ${secret === '' ? 'is empty' : 'has more than one line'}`;
    return fail('config/secret', { message, remedy, exitCode: EXIT.usage });
  }
  return succeed(secret);
}

/** A text file of bounded size, or why not. */
export async function readText(path: string, bytesMax: number): Promise<Outcome<string>> {
  try {
    const bytes = await readFile(path);
    if (bytes.length > bytesMax) throw Object.assign(new Error(), { code: 'EFBIG' });
    return succeed(bytes.toString('utf8'));
  } catch (error) {
    const message = `${path} ${reasonOf(error)}`;
    return fail('file/unreadable', { message, remedy: 'Check the path and who may read it.', exitCode: EXIT.usage });
  }
}

/** A file error as the end of a sentence that starts with its path. */
export function reasonOf(error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code ?? '';
  const known: Readonly<Record<string, string>> = {
    ENOENT: 'does not exist',
    EACCES: 'cannot be read by this user',
    EISDIR: 'is a folder',
    ENOTDIR: 'goes through something that is no folder',
    EFBIG: 'is too large',
    EROFS: 'is on a read-only disk',
    ENOSPC: 'is on a full disk',
  };
  return known[code] ?? `cannot be used (${code || (error as Error).message})`;
}

async function findFile(
  context: Context,
  option: string | true | undefined,
): Promise<Outcome<{ path: string; text: string } | undefined>> {
  const asked = typeof option === 'string' ? option : context.env['VEDETTE_CONFIG'] || undefined;
  const candidates = asked === undefined ? [join(context.cwd, FILE_NAME), SYSTEM_FILE] : [resolve(context.cwd, asked)];
  for (const path of candidates) {
    const text = await readText(path, Number.MAX_SAFE_INTEGER);
    if (text.isOk) return succeed({ path, text: text.value });
    if (asked === undefined && text.failure.message.endsWith('does not exist')) continue;
    const remedy = asked === undefined ? 'Make it readable, or name another by --config.' : 'Check the path.';
    return fail('config/unreadable', {
      message: `the configuration ${text.failure.message}`,
      remedy,
      exitCode: EXIT.usage,
    });
  }
  return succeed(undefined);
}

function settingsOfEnvironment(context: Context): readonly { setting: Setting; folder: string }[] {
  return CONFIG_KEYS.flatMap((key) => {
    const variable = variableOf(key);
    const text = context.env[variable];
    return text === undefined || text === ''
      ? []
      : [{ setting: settingOf(key, text, `environment variable ${variable}`), folder: context.cwd }];
  });
}

/** A setting from elsewhere than the file; lists are parted by commas there. */
function settingOf(key: ConfigKey, text: string, from: string): Setting {
  const isList = key.kind === 'paths' || key.kind === 'texts';
  const texts = isList ? text.split(',').map((part) => part.trim()) : [text];
  return { key, texts, place: { file: from, line: 0, column: 0, sourceLine: '' } };
}

function assemble(
  invocation: Invocation,
  parts: {
    readonly file: string | undefined;
    readonly settings: readonly { setting: Setting; folder: string }[];
    readonly diagnostics: readonly Diagnostic[];
  },
): Outcome<Config> {
  const diagnostics = [...parts.diagnostics];
  const values = new Map<string, ConfigValue>();
  const secrets = new Map<string, SecretSource>();
  const given = new Map<string, Place>();
  for (const { setting, folder } of parts.settings) {
    const { key, texts, place } = setting;
    const reading = readValue(key, texts, folder);
    if (place.file !== 'default') given.set(key.path, place);
    if (!reading.isOk) {
      const shown = key.kind === 'secret' ? 'the value is not usable' : reading.message;
      diagnostics.push(problem(place, 'config/value', `\`${key.path}\`: ${shown}`, reading.remedy));
      continue;
    }
    values.set(key.path, reading.value);
    const secret = secretPathOf(key);
    if (secret === undefined) continue;
    const text = String(reading.value);
    secrets.set(
      secret,
      key.kind === 'secret' ? { kind: 'text', text, variable: variableOf(key) } : { kind: 'file', path: text },
    );
  }
  for (const { path, because } of missingKeys(new Set(given.keys()))) {
    const place = given.get(because);
    if (place === undefined) continue;
    diagnostics.push(
      problem(place, 'config/missing', `\`${because}\` needs \`${path}\` too`, `Give \`${path}\` as well.`),
    );
  }
  const errors = diagnostics.filter((diagnostic) => diagnostic.severity === 'error');
  if (errors.length === 0) {
    tellWarnings(invocation, diagnostics);
    return succeed(assembleConfig({ file: parts.file, values, secrets }));
  }
  const message = `the configuration has ${errors.length === 1 ? 'an error' : `${errors.length} errors`}`;
  const remedy = 'Nothing was started. docs/configuration.md lists every key.';
  const failure = { code: 'config/invalid', message, remedy, exitCode: EXIT.usage, diagnostics: asRead(diagnostics) };
  return { isOk: false, failure };
}

/** As a person reads the file: by place, whichever check found it. */
function asRead(diagnostics: readonly Diagnostic[]): readonly Diagnostic[] {
  const files = diagnostics.map(({ file }) => file);
  const rank = ({ file }: Diagnostic): number => files.indexOf(file);
  return diagnostics.toSorted((a, b) => rank(a) - rank(b) || a.line - b.line || a.column - b.column);
}

function tellWarnings(invocation: Invocation, diagnostics: readonly Diagnostic[]): void {
  for (const { file, message, remedy } of diagnostics) {
    invocation.context.stderr.write(`vedette: warning: ${file}: ${message}. ${remedy}\n`);
  }
}
