// Whether the tests that an import made for a rule pass: as `vedette rules test` would run them, on the rule as its file says it.
import { runRuleTests } from '../../backtest/rule-tests.ts';
import type { Names } from '../../rules/foreign/front-end.ts';
import type { PassesTests } from '../../rules/foreign/own-tests.ts';
import { readRuleText } from '../../rules/rule-files.ts';

export function passingTests({ lists, macros }: Names): PassesTests {
  return ({ entry }, text) => {
    const all = new Map([...lists, ...(entry.rule?.lists ?? [])]);
    const [rule] = readRuleText(entry.file, text, all, { macros }).rules;
    return rule !== undefined && runRuleTests(rule).every(({ passed }) => passed);
  };
}
