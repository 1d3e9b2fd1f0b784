// Files of ElastAlert 2, as an import is given them: rules, what they import, lists that they name, and `config.yaml`. Only files that are given are read: a
// rule cannot make anybody read another one.
import { dirname, join, normalize } from 'node:path';
import type { Diagnostic } from '../diagnostic.ts';
import type { ForeignEntry, ForeignFile, FrontEnd } from '../foreign/front-end.ts';
import { diagnosticAt, placeOf } from '../language/source-text.ts';
import { type ChannelNeeds, configurationText, mergedNeeds } from './alerters.ts';
import { readElastAlertRules } from './elastalert-rules.ts';
import { entryOf, membersOf, scalarOf, textOf } from './notes.ts';
import { type NamedFile, type OptionFile, readOptionFile } from './options.ts';

/** Our own key in `config.yaml` or a rule: channels for alerters that have none here. */
const ALERTERS_KEY = 'vedette_alerters';
const CHANNELS: ReadonlySet<string> = new Set(['email', 'slack', 'webhook', 'terminal']);

export const elastAlertFrontEnd: FrontEnd = (files) => {
  const diagnostics: Diagnostic[] = [];
  const yaml = files.filter(({ file }) => /\.ya?ml$/i.test(file));
  const read = yaml.map((file) => {
    const own: Diagnostic[] = [];
    const options = readOptionFile(file.file, file.text, own);
    return { file, options, own, kind: options === undefined ? 'broken' : kindOf(options) };
  });
  const [config, second] = read.filter(({ kind }) => kind === 'config');
  if (config?.options !== undefined && second?.options !== undefined) {
    const message = `only one configuration counts: ${config.file.file}`;
    const problem = {
      code: 'elastalert/config',
      message,
      remedy: 'Import the rules of each installation by themselves.',
    };
    diagnostics.push(diagnosticAt(second.options.source, 0, problem));
  }
  const imported = new Set(read.flatMap(({ file, options }) => importedBy(file.file, options)));
  const needs: ChannelNeeds[] = [];
  const mailed = new Map<string, Mailed>();
  const entries = read.flatMap(({ file, options, own, kind }): readonly ForeignEntry[] => {
    const entry = { file: file.file, line: 1, title: titleOf(file, options), rule: undefined, uncollected: undefined };
    if (kind === 'config') return [];
    if (kind === 'broken') return [{ ...entry, kind: 'refused', diagnostics: own }];
    if (kind === 'part' && [...imported].some((path) => isFile(file.file, path)))
      return [{ ...entry, kind: 'part', diagnostics: [] }];
    const rules = readElastAlertRules(file.file, file.text, {
      config: config?.options,
      readNamed: (path, from) => namedAmong(files, path, from),
      alerters: new Map([...channelsIn(config?.options, diagnostics), ...channelsIn(options, diagnostics)]),
    });
    if (rules.needs !== undefined) needs.push(rules.needs);
    if (rules.needs !== undefined && options !== undefined) mailed.set(file.file, { options, to: rules.needs.email });
    if (rules.rules.length === 0) return [{ ...entry, kind: 'refused', diagnostics: rules.diagnostics }];
    return rules.rules.map((rule, at) => ({
      ...entry,
      kind: 'rule',
      title: String(rule.rule['name'] ?? entry.title),
      rule,
      diagnostics: at === 0 ? rules.diagnostics : [],
      line: options === undefined ? 1 : placeOf(options.source, rule.places.get('name') ?? 0).line,
    }));
  });
  const all = mergedNeeds(needs);
  const configuration = configurationText(all);
  const notes = configuration === '' ? [] : [`For vedette.yaml (docs/configuration.md):\n\n${configuration}`];
  const told = entries.map((entry, at) => {
    const own = entry.rule === undefined || entries[at - 1]?.file === entry.file ? undefined : mailed.get(entry.file);
    return own === undefined ? entry : { ...entry, diagnostics: [...entry.diagnostics, ...tellRecipients(own, all)] };
  });
  return { entries: told, diagnostics, notes };
};

interface Mailed {
  readonly options: OptionFile;
  readonly to: ReadonlySet<string>;
}

/** Who is mailed by other rules is mailed by this one too. */
function tellRecipients({ options, to }: Mailed, { email }: ChannelNeeds): readonly Diagnostic[] {
  const others = [...email].filter((one) => !to.has(one)).length;
  if (to.size === 0 || others === 0) return [];
  const { source, document } = options;
  const problem = {
    code: 'elastalert/differs',
    severity: 'warning',
    message: `its mails go to all recipients of the configuration: ${others} more than it names`,
    remedy: 'Take out of `alerts.email.to` who should not have them, or give the rule another channel in `alert.to`.',
  } as const;
  return [diagnosticAt(source, entryOf(document.root, 'email')?.at ?? document.root.at, problem)];
}

function kindOf({ document: { root } }: OptionFile): 'rule' | 'config' | 'part' {
  if (entryOf(root, 'type') !== undefined) return 'rule';
  const isConfig = ['rules_folder', 'writeback_index', 'run_every', 'rules_loader'].some(
    (key) => entryOf(root, key) !== undefined,
  );
  // A rule may take its type from what it imports.
  return isConfig ? 'config' : entryOf(root, 'import') === undefined ? 'part' : 'rule';
}

function titleOf({ file }: ForeignFile, options: OptionFile | undefined): string {
  return textOf(entryOf(options?.document.root, 'name')) ?? file.replace(/^.*\//, '');
}

function importedBy(file: string, options: OptionFile | undefined): readonly string[] {
  const node = entryOf(options?.document.root, 'import');
  if (node === undefined) return [];
  return membersOf(node).map((member) => normalize(join(dirname(file), textOf(member) ?? '')));
}

/** By its way from the rule that names it, by its way as it is written, or by its end, where that is one file alone. */
function namedAmong(files: readonly ForeignFile[], path: string, from: string): NamedFile {
  const beside = normalize(join(dirname(from), path));
  const exact = files.find(({ file }) => isFile(file, beside) || isFile(file, path));
  const ends = files.filter(
    ({ file }) => file.endsWith(`/${path.replace(/^.*\//, '')}`) || file === path.replace(/^.*\//, ''),
  );
  const found = exact ?? (ends.length === 1 ? ends[0] : undefined);
  if (found !== undefined) return { kind: 'text', ...found };
  return {
    kind: 'refused',
    why:
      ends.length > 1
        ? 'several of the given files have this name'
        : 'it is not among the files that the import was given',
  };
}

function isFile(file: string, path: string): boolean {
  return normalize(file) === normalize(path);
}

function channelsIn(
  options: OptionFile | undefined,
  diagnostics: Diagnostic[],
): readonly (readonly [string, string])[] {
  const node = entryOf(options?.document.root, ALERTERS_KEY);
  if (options === undefined || node?.kind !== 'map') return [];
  return node.entries.flatMap(({ key, value }) => {
    const channel = String(scalarOf(value));
    if (CHANNELS.has(channel)) return [[key, channel] as const];
    const message = `\`${ALERTERS_KEY}\` names no channel for \`${key}\``;
    diagnostics.push(
      diagnosticAt(options.source, value.at, {
        code: 'elastalert/config',
        message,
        remedy: 'Use email, slack, webhook or terminal.',
      }),
    );
    return [];
  });
}
