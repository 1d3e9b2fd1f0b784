// Lines of rule files → one ordered set of rules for the kernel, and everything that is wrong with them. Pure. A line that cannot be
// followed is left out and told; the others hold: a host with one rule fewer sees more than one without any.
import { type CompiledRule, encodeRule, ruleIdentity } from '../netlink/rule-data.ts';
import { diagnosticAt, type Finding, type RuleDiagnostic, type RuleLine } from './rule-diagnostic.ts';
import { type LineReading, readRuleLine, type Statement } from './rule-line.ts';
import { reviewRules } from './rule-review.ts';

/** A file of rules. Lines are latin1. */
export interface RuleSource {
  readonly file: string;
  readonly lines: readonly string[];
}

interface OriginRule {
  readonly rule: CompiledRule;
  readonly line: RuleLine;
}

export interface RuleSet {
  /** In the kernel's order within each list. */
  readonly rules: readonly OriginRule[];
  readonly backlogLimit: number | undefined;
  readonly backlogWaitTime: number | undefined;
  readonly equivalents: readonly { readonly mount: string; readonly subtree: string }[];
  readonly trims: boolean;
  readonly diagnostics: readonly RuleDiagnostic[];
}

export interface RuleReading extends LineReading {
  readonly exists: (path: string) => boolean;
}

/** More rules than this are refused: each costs every system call that its mask names. */
export const RULES_MAX = 4_096;

export function readRuleSet(sources: readonly RuleSource[], reading: RuleReading): RuleSet {
  const set = new Growing();
  for (const source of sources) {
    source.lines.forEach((text, index) => {
      const line: RuleLine = { file: source.file, line: index + 1, text };
      const read = readRuleLine(line, reading);
      set.diagnostics.push(...read.diagnostics);
      if (read.statement !== undefined) set.follow(read.statement, line);
    });
  }
  const { rules, backlogLimit, backlogWaitTime, equivalents, trims } = set;
  const diagnostics = [...set.diagnostics, ...reviewRules(rules, reading)];
  return { rules, backlogLimit, backlogWaitTime, equivalents, trims, diagnostics: inOrder(diagnostics, sources) };
}

class Growing {
  rules: OriginRule[] = [];
  backlogLimit: number | undefined;
  backlogWaitTime: number | undefined;
  equivalents: { mount: string; subtree: string }[] = [];
  trims = false;
  diagnostics: RuleDiagnostic[] = [];
  identities: Set<string> = new Set();

  follow(statement: Statement, line: RuleLine): undefined {
    switch (statement.kind) {
      case 'rule':
        return statement.operation === 'add' ? this.add(statement.rule, line) : this.delete(statement.rule, line);
      case 'delete-all':
        return this.deleteAll(statement.key);
      case 'backlog-limit':
        this.backlogLimit = statement.value;
        return;
      case 'backlog-wait-time':
        this.backlogWaitTime = statement.value;
        return;
      case 'equivalent':
        this.equivalents.push({ mount: statement.mount, subtree: statement.subtree });
        return;
      case 'trim':
        this.trims = true;
        return;
    }
  }

  tell(line: RuleLine, finding: Finding): undefined {
    this.diagnostics.push(diagnosticAt(line, Math.max(0, line.text.search(/\S/)), finding));
  }

  add(rule: CompiledRule, line: RuleLine): undefined {
    const identity = identityOf(rule);
    if (this.identities.has(identity)) {
      const first = this.rules.find((other) => identityOf(other.rule) === identity)?.line;
      const message = `the same rule again, as in ${first?.file}:${first?.line}`;
      this.tell(line, { code: 'audit/duplicate', severity: 'warning', message, remedy: 'Drop one of them.' });
      return;
    }
    if (this.rules.length >= RULES_MAX) {
      const remedy = 'Join rules that differ only in their calls.';
      this.tell(line, { code: 'audit/too-many-rules', message: `more than ${RULES_MAX} rules`, remedy });
      return;
    }
    this.identities.add(identity);
    if (rule.isFirst) this.rules.unshift({ rule, line });
    else this.rules.push({ rule, line });
  }

  delete(rule: CompiledRule, line: RuleLine): undefined {
    const identity = identityOf(rule);
    if (!this.identities.delete(identity)) {
      const remedy = 'Drop the line: only rules of these files can be taken back, those of others are left alone.';
      const message = 'no rule before this line is the same';
      this.tell(line, { code: 'audit/nothing-to-delete', severity: 'warning', message, remedy });
      return;
    }
    this.rules = this.rules.filter((other) => identityOf(other.rule) !== identity);
  }

  deleteAll(key: string | undefined): undefined {
    const keysOf = ({ fields }: CompiledRule): readonly string[] =>
      fields.filter(({ name }) => name === 'key').flatMap(({ value }) => String(value).split('\u0001'));
    this.rules = key === undefined ? [] : this.rules.filter(({ rule }) => !keysOf(rule).includes(key));
    this.identities = new Set(this.rules.map(({ rule }) => identityOf(rule)));
  }
}

function identityOf(rule: CompiledRule): string {
  return ruleIdentity(encodeRule(rule));
}

/** As a reader goes through the files. */
function inOrder(diagnostics: readonly RuleDiagnostic[], sources: readonly RuleSource[]): readonly RuleDiagnostic[] {
  const places = new Map(sources.map(({ file }, index) => [file, index]));
  const place = ({ file }: RuleDiagnostic): number => places.get(file) ?? sources.length;
  return [...diagnostics].sort((a, b) => place(a) - place(b) || a.line - b.line || a.column - b.column);
}
