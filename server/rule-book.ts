// The rules in force: read from their folders, entered into the control log, given to the engine as epochs. A folder that cannot
// be read at all while the server runs leaves the rules as they are: a bad mount must not switch detection off.
import { readFileSync, statSync } from 'node:fs';
import type { RuleEpoch } from '../engine/engine.ts';
import type { Diagnostic } from '../rules/diagnostic.ts';
import { FILE_BYTES_MAX } from '../rules/language/yaml-tree.ts';
import type { Rule, RuleSet } from '../rules/rule.ts';
import { readRuleSource, readRuleText, unknownRules } from '../rules/rule-files.ts';
import { readNameFolders, readRuleFolders } from '../rules/rule-folders.ts';
import type { ControlLogPort } from '../store/state/state-port.ts';
import { epochsOf, lastRules, recordRules, withoutQuarantined } from './control-log.ts';
import { withKeptRules } from './kept-rules.ts';
import type { RuleFolder, ServerNotice } from './options.ts';
import { quarantinesOf } from './quarantine-book.ts';

export interface RuleBook {
  /** Reads the folders and enters what changed. `epochs` is undefined when the rules stay as they are. */
  load(greatestCreatedMs: number): { readonly epochs: readonly RuleEpoch[] | undefined };
  /** The epochs that a running engine needs. */
  epochs(): readonly RuleEpoch[];
  /** The epochs of events with `event.created` at or after `sinceMs`. */
  epochsSince(sinceMs: number): readonly RuleEpoch[];
  /** A rule's text, read with the lists of the folders, and held against the rules in force that it names. */
  readText(file: string, text: string): RuleSet;
  /** Those in force now. */
  rules(): readonly Rule[];
  /** A rule as it is or once was; undefined where its text is not kept, or cannot be read any more. */
  ofVersion(version: string): Rule | undefined;
  summary(): { readonly loaded: number; readonly diagnostics: readonly Diagnostic[] };
}

export function createRuleBook(options: {
  readonly folders: readonly RuleFolder[];
  readonly log: ControlLogPort;
  /** Events that are older than this have no rules of their own time any more, ms. */
  readonly horizonMs: number;
  readonly now: () => number;
  readonly onNotice: (notice: ServerNotice) => void;
}): RuleBook {
  const { folders, log, horizonMs, now, onNotice } = options;
  let rules: readonly Rule[] = [];
  let diagnostics: readonly Diagnostic[] = [];

  const epochsSince = (sinceMs: number): readonly RuleEpoch[] => {
    const { epochs, unreadable } = epochsOf(log, { sinceMs, loaded: rules, remake: readRuleSource });
    for (const name of unreadable) {
      onNotice({ kind: 'warning', message: `an earlier version of a rule cannot be read by this version: ${name}` });
    }
    return withoutQuarantined(epochs, quarantinesOf(log.entries()));
  };

  return {
    load(greatestCreatedMs) {
      const former =
        rules.length === 0
          ? lastRules(log, readRuleSource)
          : rules.map((rule) => ({ id: rule.id, file: rule.file, rule: () => rule }));
      const set = withKeptRules(readRuleFolders(folders, { nowMs: now() }), former, textOf);
      diagnostics = set.diagnostics;
      if (set.rules.length === 0 && rules.length > 0) {
        onNotice({ kind: 'warning', message: 'no rule could be read: those in force stay so' });
        return { epochs: undefined };
      }
      rules = set.rules;
      const isChanged = recordRules(log, rules, { nowMs: now(), greatestCreatedMs });
      const problems = diagnostics.filter(({ severity }) => severity === 'error').length;
      const change = isChanged ? '' : ', unchanged';
      const broken = problems === 0 ? '' : `; ${problems} ${problems === 1 ? 'error' : 'errors'} in rule files`;
      onNotice({ kind: 'rules', message: `${rules.length} rules in force${change}${broken}` });
      for (const { code, message } of diagnostics) if (code === 'rule/kept') onNotice({ kind: 'warning', message });
      return { epochs: epochsSince(now() - horizonMs) };
    },
    epochs: () => epochsSince(now() - horizonMs),
    epochsSince,
    readText: (file, text) => {
      const { lists, macros } = readNameFolders(folders);
      const set = readRuleText(file, text, lists, { macros, nowMs: now() });
      return { ...set, diagnostics: [...set.diagnostics, ...unknownRules(set.rules, rules)] };
    },
    rules: () => rules,
    ofVersion(version) {
      const source = log.source(version);
      return (
        rules.find((rule) => rule.version === version) ?? (source === undefined ? undefined : readRuleSource(source))
      );
    },
    summary: () => ({ loaded: rules.length, diagnostics }),
  };
}

function textOf(file: string): string | undefined {
  try {
    return statSync(file).size > FILE_BYTES_MAX ? undefined : readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
