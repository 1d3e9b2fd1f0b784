// The rules of this host's kernel while a collector runs: loaded once, looked after, and told about. Holds the threads of the loading
// together; each step stands in a file of its own.
import type { AuditControl } from '../netlink/audit-control.ts';
import { decodeRule, type RuleField, ruleIdentity } from '../netlink/rule-data.ts';
import type { Notice } from '../options.ts';
import type { Tamper } from '../tamper.ts';
import type { RulesProfile } from './default-rules.ts';
import { fromBytes } from './rule-diagnostic.ts';
import { mendedTamper, type RuleGuard, ruleGuard } from './rule-guard.ts';
import { noteOwnRules, type OwnRule, ownRuleTest } from './rule-ledger.ts';
import { type LoadReport, load, planLoad } from './rule-loader.ts';
import type { Exclusions } from './self-exclusion.ts';
import { errorsOf, wantedRules } from './wanted-rules.ts';

const NOTICES_MAX = 20;
/** Without a sign of a change the rules are looked through so often: a millisecond for a hundred of them. */
export const LOOK_EVERY_MS = 30_000;
const EINVAL = 22;

export interface KernelRules {
  /** What the files say of the kernel's queue; undefined where they are silent. */
  readonly backlogLimit: number | undefined;
  readonly backlogWaitTime: number | undefined;
  /** Loads what is wanted and removes what was; the number of rules in force. */
  load(notices: Notice[]): number;
  /** `never` rules of others hide what we are here to see: said, not changed. */
  foreignExclusions(): readonly Notice[];
  /** A record said that the configuration was changed: the next `look` asks the kernel. */
  sawChange(): void;
  /** What happened to the rules since the last look. */
  look(nowMs: number): readonly Tamper[];
  /** From now on the changes are ours. */
  end(): void;
}

export function loadKernelRules(
  control: AuditControl,
  options: {
    readonly folder: string;
    readonly rulesProfile: RulesProfile;
    readonly rulesFiles: readonly string[];
    readonly scope: readonly RuleField[];
    readonly features: number;
    readonly exclusions: Exclusions;
    /** Whether rules of ours that somebody deleted come back. */
    readonly mendsRules: boolean;
  },
): KernelRules {
  const { folder, exclusions } = options;
  const isOurs = (): OwnRule => ownRuleTest(folder);
  let guard: RuleGuard | undefined;
  let inForce: readonly Buffer[] = [];
  let hasChanged = false;
  let lookedMs = 0;

  const listed = (): readonly Buffer[] | undefined => {
    const rules = control.listRules();
    return rules.kind === 'errno' ? undefined : rules.value;
  };
  const withoutExclusions = (rules: readonly Buffer[]): readonly Buffer[] =>
    rules.filter((rule) => !exclusions.holds(rule));

  function mend(present: readonly Buffer[]): readonly Tamper[] {
    const plan = planLoad(inForce, present, isOurs());
    load(control, plan, inForce);
    const after = withoutExclusions(listed() ?? []);
    guard?.accept(after);
    const there = new Set(after.map(ruleIdentity));
    const count = plan.add.filter((rule) => there.has(ruleIdentity(rule))).length;
    return count === 0 ? [] : [mendedTamper(count)];
  }

  const wanted = wantedRules({ ...options, profile: options.rulesProfile, files: options.rulesFiles });
  const { backlogLimit, backlogWaitTime } = wanted.files;
  return {
    backlogLimit,
    backlogWaitTime,
    load(notices) {
      for (const { file, line, message } of errorsOf(wanted.files.diagnostics).slice(0, NOTICES_MAX)) {
        const text = `${file}${line > 0 ? `:${line}` : ''}: ${message}; the line is left out. \`vedette audit check\` says more.`;
        notices.push({ level: 'error', code: 'audit-rule', text });
      }
      const present = withoutExclusions(listed() ?? []);
      const isOwn = isOurs();
      const plan = planLoad(wanted.rules, present, isOwn);
      noteOwnRules(folder, [...present.filter(isOwn), ...plan.add]);
      const report = load(control, plan, wanted.rules);
      if (wanted.files.trims) control.trimTrees();
      for (const { mount, subtree } of wanted.files.equivalents) {
        const answer = control.makeEquivalent(mount, subtree);
        if (answer.kind === 'ok') continue;
        const text = `The kernel refused -q ${fromBytes(mount)},${fromBytes(subtree)} with errno ${-answer.errno}.`;
        notices.push({ level: 'warning', code: 'rule-refused', text });
      }
      notices.push(...noticesOf(report, wanted.rules.length));
      const first = withoutExclusions(listed() ?? []);
      const there = new Set(first.map(ruleIdentity));
      inForce = wanted.rules.filter((rule) => there.has(ruleIdentity(rule)));
      const theirs = new Set(plan.theirs.map(ruleIdentity));
      noteOwnRules(
        folder,
        inForce.filter((rule) => !theirs.has(ruleIdentity(rule))),
      );
      guard = ruleGuard(first, isOurs(), options.mendsRules);
      return report.loaded;
    },
    foreignExclusions() {
      const rules = control.listRules();
      if (rules.kind === 'errno') return [];
      const isOwn = isOurs();
      const foreign = rules.value.filter((rule) => decodeRule(rule)?.action === 'never' && !isOwn(rule));
      if (foreign.length === 0) return [];
      const text = `${foreign.length} audit rule(s) of others say "never": what they leave out is not seen.`;
      return [{ level: 'warning', code: 'foreign-exclusion', text }];
    },
    sawChange() {
      hasChanged = true;
    },
    look(nowMs) {
      if (guard === undefined || (!hasChanged && nowMs - lookedMs < LOOK_EVERY_MS && nowMs >= lookedMs)) return [];
      hasChanged = false;
      lookedMs = nowMs;
      const rules = listed();
      if (rules === undefined) return [];
      exclusions.restore(rules);
      const present = withoutExclusions(rules);
      const found = guard.look(present, nowMs);
      return found.mustMend ? [...found.tampers, ...mend(present)] : found.tampers;
    },
    end() {
      guard = undefined;
    },
  };
}

function noticesOf({ refused, missing }: LoadReport, wanted: number): readonly Notice[] {
  const notices: Notice[] = [];
  const isUring = ({ words, errno }: LoadReport['refused'][number]): boolean =>
    errno === EINVAL && words.includes(',io_uring ');
  if (refused.some(isUring)) {
    const text = 'This kernel has no list for io_uring: what programs do through it is not seen.';
    notices.push({ level: 'info', code: 'no-io-uring-list', text });
  }
  const others = refused.filter((rule) => !isUring(rule));
  for (const errno of new Set(others.map((rule) => rule.errno))) {
    const group = others.filter((rule) => rule.errno === errno);
    const text = `The kernel refused ${group.length} of ${wanted} audit rules with errno ${errno}: what they ask for is not seen. The first is: ${group[0]?.words}`;
    notices.push({ level: 'warning', code: 'rule-refused', text });
  }
  if (missing.length > 0) {
    const text = `${missing.length} audit rules were taken by the kernel and are not listed by it. The first is: ${missing[0]}`;
    notices.push({ level: 'warning', code: 'rule-missing', text });
  }
  return notices;
}
