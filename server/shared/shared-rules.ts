// The rules in force as the published control log has them, compiled once for all groups of this process.
import type { RuleEpoch } from '../../engine/engine.ts';
import type { Rule } from '../../rules/rule.ts';
import { readRuleSource } from '../../rules/rule-files.ts';
import { epochsOf, withoutQuarantined } from '../control-log.ts';
import type { ServerNotice } from '../options.ts';
import { quarantinesOf } from '../quarantine-book.ts';
import type { ControlMirror } from './control-mirror.ts';

export interface SharedRules {
  /** Those that a running engine needs. */
  epochs(): readonly RuleEpoch[];
  epochsSince(sinceMs: number): readonly RuleEpoch[];
}

/** Make it before other listeners are told of changes. */
export function createSharedRules(options: {
  readonly mirror: ControlMirror;
  readonly sinceMs: () => number;
  readonly onNotice: (notice: ServerNotice) => void;
}): SharedRules {
  const { mirror, sinceMs, onNotice } = options;
  const told = new Set<string>();
  let compiled: readonly Rule[] = [];
  let current: readonly RuleEpoch[] | undefined;
  mirror.onChange(() => {
    current = undefined;
  });

  const epochsSince = (fromMs: number): readonly RuleEpoch[] => {
    const { epochs, unreadable } = epochsOf(mirror, { sinceMs: fromMs, loaded: compiled, remake: readRuleSource });
    compiled = [...new Set([...compiled, ...epochs.flatMap(({ rules }) => rules)])];
    for (const name of unreadable) {
      if (told.has(name)) continue;
      told.add(name);
      onNotice({ kind: 'warning', message: `a rule cannot be read by this version: ${name}` });
    }
    return withoutQuarantined(epochs, quarantinesOf(mirror.entries()));
  };

  return {
    epochsSince,
    epochs() {
      current ??= epochsSince(sinceMs());
      return current;
    },
  };
}
