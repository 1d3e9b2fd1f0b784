// A rule that no clause lets the engine skip costs on every event; one that nothing can match costs nothing, and finds nothing.
import { report } from '../language/readers.ts';
import type { Lint } from './lint-rule.ts';

export const lintIndex: Lint = ({ values, match, necessary }, reading) => {
  if (match === undefined || values.match === undefined) return;
  if (necessary === undefined) {
    report(reading, values.match.node.at, {
      code: 'rule/not-indexed',
      severity: 'warning',
      message: 'nothing in `match` lets the engine skip events: the rule is evaluated on every one',
      remedy: 'Add a clause such as event.action = "executed" and …, or process.name in $list and ….',
    });
  }
  if (necessary?.kind === 'any' && necessary.of.length === 0) {
    report(reading, values.match.node.at, {
      code: 'rule/never',
      severity: 'warning',
      message: 'no event can match this rule',
      remedy: 'Look for a clause that is never true: a constant, an empty list.',
    });
  }
};
