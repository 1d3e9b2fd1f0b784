// What this host's kernel is to have: the rules of the files, then those of the profile, so that a `never` in a file can quiet what
// the profile asks for. Reads the files and asks the host for accounts and paths.
import { existsSync, readFileSync, statSync } from 'node:fs';
import { type CompiledRule, encodeRule, type RuleField } from '../netlink/rule-data.ts';
import { compileProfile, type RulesProfile } from './default-rules.ts';
import { machineArchitectures, type RuleMachine } from './machine.ts';
import type { RuleDiagnostic } from './rule-diagnostic.ts';
import { readRuleFiles } from './rule-files.ts';
import { type RuleReading, type RuleSet, readRuleSet } from './rule-set.ts';

const FAMILY_FILTER_FEATURE = 0x20;
const ACCOUNT_FILE_BYTES_MAX = 16 * 1024 * 1024;

export interface WantedRules {
  /** Encoded, in their order. */
  readonly rules: readonly Buffer[];
  readonly files: RuleSet;
}

export function wantedRules(options: {
  readonly profile: RulesProfile;
  readonly files: readonly string[];
  readonly scope: readonly RuleField[];
  /** Feature bits of the kernel's status. */
  readonly features: number;
}): WantedRules {
  const { profile, scope, features } = options;
  const files = readRulesOfHost(options.files);
  const ofProfile = compileProfile({
    profile,
    architectures: machineArchitectures(process.arch),
    scope,
    hasFamilyFilter: (features & FAMILY_FILTER_FEATURE) !== 0,
    exists: existsSync,
  });
  const rules = [...files.rules.map(({ rule }) => scoped(rule, scope)), ...ofProfile].map(encodeRule);
  return { rules, files };
}

/** Reads rule files for this host: its architectures, accounts and paths. */
export function readRulesOfHost(paths: readonly string[]): RuleSet {
  if (paths.length === 0) return readRuleSet([], NO_READING);
  const read = readRuleFiles(paths, process.getuid?.() ?? 0);
  const set = readRuleSet(read.sources, readingOfHost());
  return { ...set, diagnostics: [...read.diagnostics, ...set.diagnostics] };
}

/** What the reading of rules asks, answered by this host. Local accounts only: a directory service could hang us. */
function readingOfHost(): RuleReading {
  const users = idsOf('/etc/passwd');
  const groups = idsOf('/etc/group');
  const machine: RuleMachine = {
    architectures: machineArchitectures(process.arch),
    userId: (name) => users.get(name),
    groupId: (name) => groups.get(name),
  };
  return { machine, isFolder: (path) => isFolder(Buffer.from(path, 'latin1')), exists: existsSync };
}

const NO_READING: RuleReading = {
  machine: { architectures: [], userId: () => undefined, groupId: () => undefined },
  isFolder: () => false,
  exists: () => false,
};

/** The first errors, for a notice each. */
export function errorsOf(diagnostics: readonly RuleDiagnostic[]): readonly RuleDiagnostic[] {
  return diagnostics.filter(({ severity }) => severity === 'error');
}

function isFolder(path: Buffer): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}

function idsOf(file: string): ReadonlyMap<string, number> {
  try {
    if (statSync(file).size > ACCOUNT_FILE_BYTES_MAX) return new Map();
    const entries = readFileSync(file, 'latin1').split('\n').reverse();
    return new Map(
      entries
        .map((line) => line.split(':'))
        .filter(([name, , id]) => name !== undefined && name !== '' && /^[0-9]{1,10}$/.test(id ?? ''))
        .map(([name, , id]) => [name as string, Number(id)]),
    );
  } catch {
    return new Map();
  }
}

/** A scope limits rules of files too, but for whole file systems, whose rules know no processes. */
function scoped(rule: CompiledRule, scope: readonly RuleField[]): CompiledRule {
  if (scope.length === 0 || rule.list === 'filesystem') return rule;
  const at = rule.fields.findLastIndex(({ name }) => name !== 'key') + 1;
  return { ...rule, fields: [...rule.fields.slice(0, at), ...scope, ...rule.fields.slice(at)] };
}
