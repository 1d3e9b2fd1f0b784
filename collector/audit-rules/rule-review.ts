// What each rule does right alone and the set does wrong: rules that can never match, rules that an earlier one hides, rules that make
// every system call of the host dearer. All are warnings: the kernel would take them.
import { dirname } from 'node:path';
import type { CompiledRule, RuleField } from '../netlink/rule-data.ts';
import { architectureNumber, type RuleMachine } from './machine.ts';
import {
  diagnosticAt,
  type Finding,
  fromBytes,
  quoted,
  type RuleDiagnostic,
  type RuleLine,
} from './rule-diagnostic.ts';
import { fieldNamed, isNeverSeen } from './rule-field.ts';

interface ReviewedRule {
  readonly rule: CompiledRule;
  readonly line: RuleLine;
}

interface Reviewing {
  readonly machine: RuleMachine;
  readonly exists: (path: string) => boolean;
}

/** Rules that the kernel looks at in every system call: a microsecond for about thirty of them. */
const EVERY_CALL_RULES_MAX = 30;

export function reviewRules(rules: readonly ReviewedRule[], reviewing: Reviewing): readonly RuleDiagnostic[] {
  const alone = rules.flatMap(({ rule, line }) =>
    [
      architectureFinding(rule, reviewing),
      neverSeenFinding(rule),
      contradictionFinding(rule),
      missingPathFinding(rule, reviewing),
      hidesAllFinding(rule),
      floodFinding(rule),
      wildcardFinding(rule),
    ]
      .filter((finding) => finding !== undefined)
      .map((finding) => warn(line, finding)),
  );
  return [...alone, ...shadowed(rules), ...costs(rules)];
}

function warn(line: RuleLine, finding: Finding): RuleDiagnostic {
  return diagnosticAt(line, Math.max(0, line.text.search(/\S/)), { severity: 'warning', ...finding });
}

function architectureFinding(rule: CompiledRule, { machine }: Reviewing): Finding | undefined {
  const arch = rule.fields.find(({ name }) => name === 'arch');
  if (arch === undefined) {
    const isAny = rule.list !== 'exit' || rule.syscalls === 'all' || machine.architectures.length < 2;
    if (isAny) return undefined;
    const message = 'calls without an architecture: their numbers mean other calls in the other one';
    return { code: 'audit/no-arch', message, remedy: 'Write two rules, with -F arch=b64 and -F arch=b32 before -S.' };
  }
  const runs = machine.architectures.some(({ auditNumber }) => auditNumber === arch.value);
  if (runs || arch.operator !== '=') return undefined;
  const known = ['b64', 'b32'].filter((name) => architectureNumber(name, machine) !== undefined);
  const message = 'this machine runs no programs of that architecture: the rule never matches';
  return { code: 'audit/never-matches', message, remedy: `Here there are ${known.join(' and ')}.` };
}

function neverSeenFinding(rule: CompiledRule): Finding | undefined {
  const list = rule.list ?? 'exit';
  const field = rule.fields.find(({ name }) => {
    const known = fieldNamed(name);
    return known !== undefined && isNeverSeen(list, known);
  });
  if (field === undefined) return undefined;
  const message = `the kernel does not know ${field.name} when it goes through the ${list} list: the rule never matches`;
  return { code: 'audit/never-matches', message, remedy: `Drop ${field.name}, or use the exit list.` };
}

/** Fields of a rule are joined by “and”: a range that is empty, or two values at once, can never be. */
function contradictionFinding(rule: CompiledRule): Finding | undefined {
  const names = new Set(rule.fields.map(({ name }) => name));
  for (const name of names) {
    if (isPossible(rule.fields.filter((field) => field.name === name))) continue;
    const remedy = 'The fields of a rule are joined by “and”; for “or”, make two rules.';
    return { code: 'audit/never-matches', message: `no call can have such a ${name}: the rule never matches`, remedy };
  }
  const exit = rule.fields.find((field) => field.name === 'exit' && field.operator === '=');
  const success = rule.fields.find((field) => field.name === 'success' && field.operator === '=');
  if (exit === undefined || success === undefined) return undefined;
  const hasFailed = Number(exit.value) > 0x7fff_ffff || Number(exit.value) < 0;
  if (hasFailed !== (success.value === 1)) return undefined;
  const message = 'exit and success contradict each other: the rule never matches';
  return { code: 'audit/never-matches', message, remedy: 'Drop one of them.' };
}

function isPossible(fields: readonly RuleField[]): boolean {
  const equal = new Set(fields.filter(({ operator }) => operator === '=').map(({ value }) => value));
  if (fields.some(({ operator, value }) => operator === '!=' && equal.has(value))) return false;
  if (fields[0]?.name === 'field_compare' || fields[0]?.name === 'key') return true;
  if (equal.size > 1) return false;
  const { name } = fields[0] ?? {};
  if (name === 'exit' || /^a[0-3]$/.test(name ?? '')) return true;
  let least = 0;
  let most = 0xffff_ffff;
  for (const { operator, value } of fields) {
    if (typeof value !== 'number') continue;
    if (operator === '=' || operator === '>=') least = Math.max(least, value);
    if (operator === '=' || operator === '<=') most = Math.min(most, value);
    if (operator === '>') least = Math.max(least, value + 1);
    if (operator === '<') most = Math.min(most, value - 1);
  }
  return least <= most;
}

function missingPathFinding(rule: CompiledRule, { exists }: Reviewing): Finding | undefined {
  const field = rule.fields.find(({ name }) => name === 'path' || name === 'dir' || name === 'exe');
  if (field === undefined) return undefined;
  const path = fromBytes(String(field.value));
  if (exists(path)) return undefined;
  const isRefused = field.name === 'dir' || (field.name === 'path' && !exists(dirname(path)));
  const what = isRefused ? 'the kernel will refuse the rule' : 'the rule begins to match when it is made';
  const remedy = isRefused
    ? 'Check the spelling; where it is right on other hosts, leave it: here it is left out.'
    : 'Check the spelling.';
  return { code: 'audit/missing-path', message: `there is no ${quoted(String(field.value))} here: ${what}`, remedy };
}

function narrowing(rule: CompiledRule): readonly RuleField[] {
  return rule.fields.filter(({ name }) => name !== 'key' && name !== 'arch');
}

function hidesAllFinding(rule: CompiledRule): Finding | undefined {
  const list = rule.list ?? 'exit';
  if (rule.action !== 'never' || narrowing(rule).length > 0) return undefined;
  if (list === 'task' || (list === 'exit' && rule.syscalls === 'all')) {
    const message = 'nothing of any system call is recorded under this rule';
    return { code: 'audit/hides-everything', message, remedy: 'Drop the line, or narrow it by -F.' };
  }
  if (list !== 'user' && list !== 'exclude') return undefined;
  const message = `everything on the ${list} list is left out by this rule`;
  return { code: 'audit/hides-everything', message, remedy: 'Drop the line, or narrow it by -F.' };
}

function floodFinding(rule: CompiledRule): Finding | undefined {
  const isAll = (rule.list ?? 'exit') === 'exit' && rule.syscalls === 'all' && rule.action === 'always';
  if (!isAll || narrowing(rule).length > 0) return undefined;
  const message = 'every system call of every program is recorded';
  return { code: 'audit/flood', message, remedy: 'Name calls by -S, or narrow the rule by -F.' };
}

function wildcardFinding(rule: CompiledRule): Finding | undefined {
  const field = rule.fields.find(
    ({ name, value }) => /^(path|dir|exe)$/.test(name) && /[*?]|\/\.\.?(\/|$)/.test(`${value}`),
  );
  if (field === undefined) return undefined;
  const message = `${field.name} is a name, not a pattern: * ? and .. are taken as they stand`;
  return { code: 'audit/pattern', message, remedy: 'Write the plain path; a folder is watched with all below it.' };
}

/** The kernel takes the first rule of a list that matches; rules of one file (path, inode) are looked up on their own. */
function shadowed(rules: readonly ReviewedRule[]): readonly RuleDiagnostic[] {
  const facts = rules.map(
    ({ rule }): Reach => ({
      group: `${rule.list ?? 'exit'} ${rule.fields.some(({ name }) => name === 'path' || name === 'inode')}`,
      fields: new Set(rule.fields.filter(({ name }) => name !== 'key').map((field) => JSON.stringify(field))),
      calls: rule.syscalls === 'all' ? 'all' : new Set(rule.syscalls),
    }),
  );
  return rules.flatMap(({ rule, line }, index) => {
    const own = facts[index] as Reach;
    const hider = facts.findIndex((other, at) => at < index && covers(other, own));
    if (hider < 0) return [];
    const { line: earlier, rule: first } = rules[hider] as ReviewedRule;
    const place = `${earlier.file}:${earlier.line}`;
    const message = `it never comes to this rule: ${place} takes all that it would match, and says ${first.action}`;
    const remedy =
      first.action === rule.action
        ? 'Drop one of the two, or put the narrower first for the sake of its key.'
        : 'Put the narrower rule first.';
    return [warn(line, { code: 'audit/shadowed', message, remedy })];
  });
}

interface Reach {
  readonly group: string;
  readonly fields: ReadonlySet<string>;
  readonly calls: 'all' | ReadonlySet<number>;
}

function covers(wide: Reach, narrow: Reach): boolean {
  if (wide.group !== narrow.group || wide.fields.size > narrow.fields.size) return false;
  for (const field of wide.fields) if (!narrow.fields.has(field)) return false;
  if (wide.calls === 'all') return true;
  if (narrow.calls === 'all') return false;
  for (const call of narrow.calls) if (!wide.calls.has(call)) return false;
  return true;
}

function costs(rules: readonly ReviewedRule[]): readonly RuleDiagnostic[] {
  const dear = rules.filter(({ rule }) => isLookedAtByEveryCall(rule));
  const last = dear.at(-1);
  if (dear.length <= EVERY_CALL_RULES_MAX || last === undefined) return [];
  const message = `${dear.length} rules are looked at in every system call of the host`;
  const remedy = 'Name calls by -S, or watch single files (-w, -F path=): those cost other calls nothing.';
  return [warn(last.line, { code: 'audit/slow', message, remedy })];
}

/** True for a rule that the kernel has to try at the end of each system call, whichever it is. */
function isLookedAtByEveryCall(rule: CompiledRule): boolean {
  if ((rule.list ?? 'exit') !== 'exit' || rule.syscalls !== 'all') return false;
  return !rule.fields.some(({ name }) => name === 'path' || name === 'inode');
}
