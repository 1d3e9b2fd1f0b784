// Keeps one rule from holding up the others. What a rule's work costs is measured in fuel (rules/expression/evaluation.ts), so it
// depends on the events alone. A rule that spends more than its share over a span of events is quarantined: for one host, where
// that host's events are the cause, else for all. The decision is told (`takeDecided`), goes into the control log, and is data
// from then on: who replays the log decides nothing anew.
//
// A quarantine holds from an event time past everything that was judged. What comes late, from before that time, is judged
// still, while that costs little; past that it is left out too, and counted.
//
// Keys and errors quarantine nobody: an attacker chooses keys, and whoever can make a rule fail could switch it off.
import type { OrderKey } from '../event/order.ts';
import type { Rule } from '../rules/rule.ts';

/** A rule version that does not judge events with `fromMs <= event.created < untilMs`. */
export interface Quarantine {
  readonly ruleId: string;
  readonly ruleVersion: string;
  /** Of this host alone; undefined: of every host. */
  readonly hostId: string | undefined;
  readonly fromMs: number;
  /** Undefined while it is in force. */
  readonly untilMs: number | undefined;
  readonly reason: string;
}

export interface ContainmentLimits {
  /** Fuel that a rule may spend for each event that the engine reads, whether or not the rule meets it: 2,500 are about 50 µs. */
  readonly fuelPerEvent: number;
  /** What it may spend beyond that at once: 12.5 million are about a quarter of a second. */
  readonly fuelAtOnce: number;
  /** What an alert that is opened costs beside the evaluation: ids, rows, notifications. */
  readonly fuelPerAlert: number;
}

export const CONTAINMENT_LIMITS: ContainmentLimits = {
  fuelPerEvent: 2_500,
  fuelAtOnce: 12_500_000,
  fuelPerAlert: 5_000,
};

/** Decides nothing: what the control log says is all that holds. For runs over the past. */
export const NOTHING_DECIDED: ContainmentLimits = {
  fuelPerEvent: Number.MAX_SAFE_INTEGER,
  fuelAtOnce: Number.MAX_SAFE_INTEGER,
  fuelPerAlert: 0,
};

export interface Containment {
  /** One more event, with this `event.created`, is about to be judged. */
  sees(createdMs: number): void;
  mayJudge(rule: RuleName, order: OrderKey): boolean;
  /** The same of a rule that catches up: what is over does not keep it. */
  mayCatchUp(rule: RuleName, order: OrderKey): boolean;
  /** Whether the rule says anything at this time: what it would find then may be for want of what it was kept from. */
  mayFind(rule: RuleName, at: OrderKey): boolean;
  /** What the rule just spent on the event. */
  charge(rule: RuleName, order: OrderKey, fuel: number): void;
  /** The rule opened an alert. */
  chargeAlert(rule: RuleName, order: OrderKey): void;
  /** What was decided since the last call. */
  takeDecided(): readonly Quarantine[];
  /** What is in force from now on, as the control log has it. */
  use(quarantines: readonly Quarantine[]): void;
  inForce(): readonly Quarantine[];
}

type RuleName = Pick<Rule, 'id' | 'version'>;

interface Spending {
  /** Fuel spent beyond the share, worn off by the events since. */
  level: number;
  eventsThen: number;
  /** Who it was spent on since the level was last 0; the first {@link HOSTS_MAX}. */
  readonly hosts: Map<string, number>;
  total: number;
}

/** Hosts told apart in one rule's spending. */
const HOSTS_MAX = 64;
/** A host that this share of the spending is due to is the cause. */
const CAUSE_SHARE = 0.75;
/** With so many hosts quarantined the rule is, for all. */
const HOSTS_QUARANTINED_MAX = 8;

export interface ContainmentOptions {
  readonly limits: ContainmentLimits;
  readonly quarantines: readonly Quarantine[];
  /** The greatest `event.created` that was judged before, epoch ms: no quarantine holds from before it. */
  readonly judgedMs: number;
  /** A rule was kept from an event. */
  readonly onUnjudged: (ruleId: string) => void;
}

export function createContainment({ limits, quarantines, judgedMs, onUnjudged }: ContainmentOptions): Containment {
  /** By rule version; only of rules that spent more than their share. */
  const spendings = new Map<string, Spending>();
  /** By rule version: what holds, and how much of the late comers' budget is left. */
  let byRule = new Map<string, { readonly quarantines: Quarantine[]; lateFuel: number }>();
  let decided: Quarantine[] = [];
  let events = 0;
  let greatestMs = judgedMs;

  const add = (quarantine: Quarantine): void => {
    const name = nameOf(quarantine.ruleId, quarantine.ruleVersion);
    const known = byRule.get(name) ?? { quarantines: [], lateFuel: limits.fuelAtOnce };
    known.quarantines.push(quarantine);
    byRule.set(name, known);
  };
  for (const quarantine of quarantines) add(quarantine);

  const spendingOf = (name: string): Spending => {
    const known = spendings.get(name);
    if (known === undefined) {
      const fresh = { level: 0, eventsThen: events, hosts: new Map<string, number>(), total: 0 };
      spendings.set(name, fresh);
      return fresh;
    }
    known.level = Math.max(0, known.level - (events - known.eventsThen) * limits.fuelPerEvent);
    known.eventsThen = events;
    if (known.level === 0) {
      known.hosts.clear();
      known.total = 0;
    }
    return known;
  };

  const spend = (rule: RuleName, order: OrderKey, fuel: number, isAlert: boolean): void => {
    const name = nameOf(rule.id, rule.version);
    const contained = byRule.get(name);
    if (contained?.quarantines.some((one) => isOpenFor(one, order.hostId))) {
      contained.lateFuel -= fuel;
      return;
    }
    const spending = spendingOf(name);
    spending.level += fuel;
    spending.total += fuel;
    const { hosts } = spending;
    if (hosts.size < HOSTS_MAX || hosts.has(order.hostId))
      hosts.set(order.hostId, (hosts.get(order.hostId) ?? 0) + fuel);
    if (spending.level <= limits.fuelAtOnce) return;
    spendings.delete(name);
    const quarantine: Quarantine = {
      ruleId: rule.id,
      ruleVersion: rule.version,
      hostId: causeOf(spending, contained?.quarantines ?? []),
      fromMs: greatestMs + 1,
      untilMs: undefined,
      reason: isAlert ? 'it opens an alert for nearly every event' : 'its expressions cost more than its share',
    };
    add(quarantine);
    decided.push(quarantine);
  };

  return {
    sees(createdMs) {
      events += 1;
      if (createdMs > greatestMs) greatestMs = createdMs;
    },
    mayJudge(rule, order) {
      if (byRule.size === 0) return true;
      const contained = byRule.get(nameOf(rule.id, rule.version));
      if (contained === undefined) return true;
      const isHeld = contained.quarantines.some(
        (one) => isHolding(one, order) || (isOpenFor(one, order.hostId) && contained.lateFuel <= 0),
      );
      if (isHeld) onUnjudged(rule.id);
      return !isHeld;
    },
    mayCatchUp(rule, order) {
      const contained = byRule.get(nameOf(rule.id, rule.version));
      return contained?.quarantines.some((one) => isOpenFor(one, order.hostId)) !== true;
    },
    mayFind(rule, at) {
      const contained = byRule.get(nameOf(rule.id, rule.version));
      return contained?.quarantines.some((one) => isHolding(one, at)) !== true;
    },
    charge(rule, order, fuel) {
      // Its share of this event is counted with the events, not here again.
      if (fuel > limits.fuelPerEvent) spend(rule, order, fuel, false);
    },
    chargeAlert: (rule, order) => spend(rule, order, limits.fuelPerAlert, true),
    takeDecided() {
      const taken = decided;
      decided = [];
      return taken;
    },
    use(next) {
      const late = byRule;
      byRule = new Map();
      for (const quarantine of next) add(quarantine);
      for (const [name, contained] of byRule) contained.lateFuel = late.get(name)?.lateFuel ?? contained.lateFuel;
    },
    inForce: () =>
      [...byRule.values()].flatMap((contained) => contained.quarantines.filter(({ untilMs }) => untilMs === undefined)),
  };
}

function isHolding({ hostId, fromMs, untilMs }: Quarantine, at: OrderKey): boolean {
  return (
    (hostId === undefined || hostId === at.hostId) &&
    fromMs <= at.createdMs &&
    at.createdMs < (untilMs ?? Number.POSITIVE_INFINITY)
  );
}

function isOpenFor(quarantine: Quarantine, hostId: string): boolean {
  return quarantine.untilMs === undefined && (quarantine.hostId === undefined || quarantine.hostId === hostId);
}

/** The host whose events are the cause, unless so many are that it is the rule itself. */
function causeOf(spending: Spending, known: readonly Quarantine[]): string | undefined {
  if (known.filter(({ untilMs }) => untilMs === undefined).length >= HOSTS_QUARANTINED_MAX) return undefined;
  for (const [hostId, fuel] of spending.hosts) if (fuel >= CAUSE_SHARE * spending.total) return hostId;
  return undefined;
}

function nameOf(ruleId: string, ruleVersion: string): string {
  return `${ruleId}\n${ruleVersion}`;
}
