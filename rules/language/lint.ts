// Lints of a whole rule: what is allowed and yet seldom meant.
import type { Expression } from '../expression/syntax.ts';
import type { Reading } from './readers.ts';
import type { RuleKeys } from './rule-reader.ts';
import type { YamlNode } from './yaml-tree.ts';

export interface LintInput {
  readonly values: Partial<RuleKeys>;
  readonly root: YamlNode;
  /** Undefined when it did not parse. */
  readonly match: Expression | undefined;
  readonly nowMs: number | undefined;
}

export function lintRule(_input: LintInput, _reading: Reading): void {}
