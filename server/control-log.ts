// Which rules were in force from which event time on. An entry is appended when the loaded set differs from the last one's; old
// versions are made again from their stored source, so that an event that comes late meets the rules of its own time.
//
// From when an entry holds: the first from 0, for there was nothing before; each later one from just past the server's clock and
// past every `event.created` that the engine has read. So no event that was judged already falls under the new rules, and (as
// ingest lets no `event.created` lie ahead of the clock) every event that is still to be made does.
import type { Quarantine } from '../engine/containment.ts';
import type { RuleEpoch } from '../engine/engine.ts';
import type { Rule } from '../rules/rule.ts';
import type { ControlEntry, ControlLogPort } from '../store/state/state-port.ts';
import type { FormerRule } from './kept-rules.ts';

/** So many changes of the rules are kept apart by a running engine; older events meet the oldest of these. */
const EPOCHS_MAX = 64;
/** A clock that is further ahead than this moves no entry: an event of the year 2099 must not postpone a rule for so long. */
export const CREATED_AHEAD_MS_MAX = 60_000;

export interface JudgedTimes {
  /** The server's clock, epoch ms. */
  readonly nowMs: number;
  /** The greatest `event.created` that the engine has read. */
  readonly greatestCreatedMs: number;
}

/** Appends an entry if the set changed. Answers whether it did. */
export function recordRules(log: ControlLogPort, rules: readonly Rule[], times: JudgedTimes): boolean {
  const last = rulesEntries(log).at(-1);
  if (last !== undefined && isSameSet(last.rules, rules)) return false;
  const sources = new Map(rules.map((rule) => [rule.version, rule.sourceJson]));
  for (const version of sources.keys()) if (log.source(version) !== undefined) sources.delete(version);
  const entry = {
    fromMs: last === undefined ? 0 : Math.max(pastAllJudgedMs(times), last.fromMs + 1),
    kind: 'rules' as const,
    rules: rules.map(({ id, version }) => ({ id, version })),
  };
  log.append(entry, sources);
  return true;
}

/**
 * The epochs that cover every event with `event.created` at or after `sinceMs`; the first begins at 0. Rules that cannot be made
 * again from their source are left out and named in `unreadable`.
 */
export function epochsOf(
  log: Pick<ControlLogPort, 'entries' | 'source'>,
  options: {
    readonly sinceMs: number;
    /** Rules that are compiled already. */
    readonly loaded: readonly Rule[];
    readonly remake: (sourceJson: string) => Rule | undefined;
    readonly epochsMax?: number;
  },
): { readonly epochs: readonly RuleEpoch[]; readonly unreadable: readonly string[] } {
  const { sinceMs, loaded, remake, epochsMax = EPOCHS_MAX } = options;
  const entries = rulesEntries(log);
  const firstNeeded = Math.max(
    0,
    entries.findLastIndex((entry) => entry.fromMs <= sinceMs),
    entries.length - epochsMax,
  );
  const byVersion = new Map<string, Rule | undefined>(loaded.map((rule) => [rule.version, rule]));
  const unreadable = new Set<string>();
  const ruleOf = ({ id, version }: { readonly id: string; readonly version: string }): readonly Rule[] => {
    if (!byVersion.has(version)) {
      const source = log.source(version);
      byVersion.set(version, source === undefined ? undefined : remake(source));
    }
    const rule = byVersion.get(version);
    if (rule === undefined) unreadable.add(`${id} ${version}`);
    return rule === undefined ? [] : [rule];
  };
  const epochs = entries
    .slice(firstNeeded)
    .map((entry, at) => ({ fromMs: at === 0 ? 0 : entry.fromMs, rules: entry.rules.flatMap(ruleOf) }));
  return { epochs, unreadable: [...unreadable] };
}

/** The rules of the last entry, each to be made again from its source. */
export function lastRules(
  log: ControlLogPort,
  remake: (sourceJson: string) => Rule | undefined,
): readonly FormerRule[] {
  const last = rulesEntries(log).at(-1);
  return (last?.rules ?? []).map(({ id, version }) => ({
    id,
    file: undefined,
    rule: () => {
      const source = log.source(version);
      return source === undefined ? undefined : remake(source);
    },
  }));
}

/**
 * Without the rules on many events while they are quarantined for all hosts: once released they come into force anew, with their windows
 * filled from before. (Rules on single events catch up instead: rule-catch-up.ts.)
 */
export function withoutQuarantined(
  epochs: readonly RuleEpoch[],
  quarantines: readonly Quarantine[],
): readonly RuleEpoch[] {
  const folded = new Set(
    epochs.flatMap(({ rules }) => rules).flatMap(({ version, kind }) => (kind.kind === 'single' ? [] : [version])),
  );
  const whole = quarantines.filter(({ hostId, ruleVersion }) => hostId === undefined && folded.has(ruleVersion));
  if (whole.length === 0) return epochs;
  const first = epochs[0]?.fromMs ?? 0;
  const cuts = whole.flatMap(({ fromMs, untilMs }) => [fromMs, untilMs ?? fromMs]).filter((cut) => cut > first);
  return [...new Set([...epochs.map(({ fromMs }) => fromMs), ...cuts])]
    .sort((a, b) => a - b)
    .map((fromMs) => {
      const { rules = [] } = epochs.findLast((epoch) => epoch.fromMs <= fromMs) ?? {};
      const isKept = ({ id, version }: Rule): boolean =>
        !whole.some(
          (one) =>
            one.ruleId === id &&
            one.ruleVersion === version &&
            one.fromMs <= fromMs &&
            fromMs < (one.untilMs ?? Number.POSITIVE_INFINITY),
        );
      return { fromMs, rules: rules.filter(isKept) };
    });
}

/** Just past the server's clock and all that was judged: from when a change holds that is made now. */
export function pastAllJudgedMs({ nowMs, greatestCreatedMs }: JudgedTimes): number {
  return Math.max(nowMs, Math.min(greatestCreatedMs, nowMs + CREATED_AHEAD_MS_MAX)) + 1;
}

function rulesEntries(
  log: Pick<ControlLogPort, 'entries'>,
): readonly Extract<ControlEntry, { readonly kind: 'rules' }>[] {
  return log.entries().filter((entry) => entry.kind === 'rules');
}

function isSameSet(
  one: readonly { readonly id: string; readonly version: string }[],
  other: readonly { readonly id: string; readonly version: string }[],
): boolean {
  const names = new Set(one.map(({ id, version }) => `${id}\n${version}`));
  const others = new Set(other.map(({ id, version }) => `${id}\n${version}`));
  return names.size === others.size && [...names].every((name) => others.has(name));
}
