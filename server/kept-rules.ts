// A rule whose file breaks while it is in force stays in force as it was, and that is told: a slip of the keyboard must not switch
// detection off. One that was taken out of its file, or whose file is gone, is gone.
import type { Diagnostic } from '../rules/diagnostic.ts';
import type { Rule, RuleSet } from '../rules/rule.ts';

/** What was in force; `rule` makes it again where it is not at hand. */
export interface FormerRule {
  readonly id: string;
  /** Where it stood, if that is known without making it. */
  readonly file: string | undefined;
  readonly rule: () => Rule | undefined;
}

/**
 * The set with the former versions of what broke. `textOf` reads a rule file, undefined where it cannot be read.
 */
export function withKeptRules(
  set: RuleSet,
  former: readonly FormerRule[],
  textOf: (file: string) => string | undefined,
): RuleSet {
  const errors = set.diagnostics.filter(({ severity }) => severity === 'error');
  if (errors.length === 0) return set;
  const byId = new Map(set.rules.map((rule) => [rule.id, rule]));
  const kept = former.flatMap(({ id, file, rule: make }): readonly Rule[] => {
    const now = byId.get(id);
    // A shipped rule comes forward where the own one that replaces it breaks.
    if (now !== undefined && (file === undefined || now.file === file)) return [];
    const rule = make();
    return rule !== undefined && isBroken(rule, errors, textOf) ? [rule] : [];
  });
  const keptIds = new Set(kept.map(({ id }) => id));
  return {
    rules: [...set.rules.filter(({ id }) => !keptIds.has(id)), ...kept],
    diagnostics: [...set.diagnostics, ...kept.map(told)],
  };
}

/** Nothing is known of what the file says now. */
const UNREAD: ReadonlySet<string> = new Set(['rule/unreadable', 'yaml/not-utf8', 'yaml/too-large']);

function isBroken(rule: Rule, errors: readonly Diagnostic[], textOf: (file: string) => string | undefined): boolean {
  const own = errors.filter(({ file }) => file === rule.file || rule.file.startsWith(`${file}/`));
  if (own.length === 0) return false;
  if (own.some(({ code }) => UNREAD.has(code))) return true;
  const text = textOf(rule.file);
  // Its id still stands there: it is meant to be in force.
  return text === undefined || new RegExp(`\\bid["']?\\s*:\\s*["']?${rule.id}\\b`).test(text);
}

function told(rule: Rule): Diagnostic {
  return {
    code: 'rule/kept',
    severity: 'warning',
    message: `\`${rule.id}\` is broken; the version before (${rule.version}) stays in force`,
    remedy: 'Mend the file; to switch the rule off, write `status: off`.',
    file: rule.file,
    line: 0,
    column: 0,
    sourceLine: '',
  };
}
