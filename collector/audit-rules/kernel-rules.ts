// The rules of this host's kernel while a collector runs: loaded once, looked after, and told about. Holds the threads of the loading
// together; each step stands in a file of its own.
import type { AuditControl } from '../netlink/audit-control.ts';
import { decodeRule, type RuleField } from '../netlink/rule-data.ts';
import type { Notice } from '../options.ts';
import type { RulesProfile } from './default-rules.ts';
import { noteOwnRules, type OwnRule, ownRuleTest } from './rule-ledger.ts';
import { type LoadReport, load, planLoad } from './rule-loader.ts';
import type { Exclusions } from './self-exclusion.ts';
import { errorsOf, wantedRules } from './wanted-rules.ts';

const NOTICES_MAX = 20;
const EINVAL = 22;

export interface KernelRules {
  /** Loads what is wanted and removes what was; the number of rules in force. */
  load(notices: Notice[]): number;
  /** `never` rules of others hide what we are here to see: said, not changed. */
  foreignExclusions(): readonly Notice[];
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
  },
): KernelRules {
  const { folder, exclusions } = options;
  const isOurs = (): OwnRule => ownRuleTest(folder);
  return {
    load(notices) {
      const wanted = wantedRules({ ...options, profile: options.rulesProfile, files: options.rulesFiles });
      for (const { file, line, message } of errorsOf(wanted.files.diagnostics).slice(0, NOTICES_MAX)) {
        const text = `${file}${line > 0 ? `:${line}` : ''}: ${message}; the line is left out. \`vedette audit check\` says more.`;
        notices.push({ level: 'error', code: 'audit-rule', text });
      }
      const listed = control.listRules();
      const present = (listed.kind === 'ok' ? listed.value : []).filter((rule) => !exclusions.holds(rule));
      const isOwn = isOurs();
      const plan = planLoad(wanted.rules, present, isOwn);
      noteOwnRules(folder, [...present.filter(isOwn), ...plan.add]);
      const report = load(control, plan, wanted.rules);
      notices.push(...noticesOf(report, wanted.rules.length));
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
