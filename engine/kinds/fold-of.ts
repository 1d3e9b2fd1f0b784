// A rule's kind → its fold, and what an event is to a rule on many events: under which key, as what, with which values.
import { type EventDocument, fieldOf, fieldReader } from '../../event/document.ts';
import type { RuleKind, SequenceStep } from '../../rules/kind.ts';
import type { Predicate, Rule } from '../../rules/rule.ts';
import { keyOf, plainValueFrom, plainValueOf } from '../key.ts';
import { absenceFold } from './absence.ts';
import { changeFold } from './change.ts';
import { combinationFold } from './combination.ts';
import { distinctFold } from './distinct.ts';
import { type KindFold, type MatchValue, UNTIL } from './kind-fold.ts';
import { metricFold } from './metric.ts';
import { newValueFold } from './new-value.ts';
import { ratioFold } from './ratio.ts';
import { sequenceFold } from './sequence.ts';
import { spikeFold } from './spike.ts';
import { thresholdFold } from './threshold.ts';
import { togetherFold } from './together.ts';

/** Undefined for `single`: each match is a detection, and nothing is folded. */
export function foldOf(kind: RuleKind): KindFold<unknown> | undefined {
  switch (kind.kind) {
    case 'single':
      return undefined;
    case 'threshold':
      return thresholdFold(kind);
    case 'distinct':
      return distinctFold(kind);
    case 'absence':
      return absenceFold(kind);
    case 'new_value':
      return newValueFold(kind);
    case 'change':
      return changeFold(kind);
    case 'spike':
      return spikeFold(kind);
    case 'ratio':
      return ratioFold(kind);
    case 'metric':
      return metricFold(kind);
    case 'sequence':
      return sequenceFold({ absent: kind.steps.map((step) => step.isAbsent), withinMs: kind.withinMs });
    case 'combination':
      return combinationFold(kind);
    case 'together':
      return togetherFold(kind);
  }
}

/** Members of a list that count as values of their own. */
const MEMBERS_MAX = 64;
const NO_VALUES: readonly MatchValue[] = [];

/** One part that an event has in a rule. */
interface Part {
  /** The fields whose values are the key that it is folded under (engine/key.ts). */
  readonly by: readonly string[];
  readonly role: number;
  readonly values: readonly MatchValue[];
}

/** The parts of an event in a rule whose `match` holds, in the order in which they are to be seen (see `compareRoles`). */
export type PartsOf = (document: EventDocument, holds: (predicate: Predicate) => boolean) => readonly Part[];

/**
 * What events are to a rule on many events. `holds` evaluates a predicate on the event, and counts its failure as "no match".
 * Events have no part in `together`: its matches are detections, whose role is the place of their rule in `kind.rules`.
 */
export function partsOf({ kind, by, cases }: Pick<Rule, 'kind' | 'by' | 'cases'>): PartsOf {
  const fields = foldOf(kind)?.fields ?? [];
  const valuesOf = (document: EventDocument): readonly MatchValue[] =>
    fields.length === 0 ? NO_VALUES : fields.map((field) => plainValueOf(document, field));
  switch (kind.kind) {
    case 'together':
      return () => [];
    case 'ratio':
      return (document, holds) => [{ by, role: holds(kind.of) ? 1 : 0, values: valuesOf(document) }];
    case 'sequence': {
      const { steps, until } = kind;
      const partsOfSteps = stepParts(by, steps);
      return (document, holds) => [
        ...(until !== undefined && holds(until) ? [{ by, role: UNTIL, values: NO_VALUES }] : []),
        ...partsOfSteps(document, holds),
      ];
    }
    case 'combination':
      return stepParts(by, kind.steps);
    default: {
      const valuesIn = kind.kind === 'distinct' ? memberValues(kind.field) : undefined;
      const partsUnder = (own: readonly string[], document: EventDocument): readonly Part[] =>
        (valuesIn?.(document) ?? [valuesOf(document)]).map((values) => ({ by: own, role: 0, values }));
      return cases === undefined ? (document) => partsUnder(by, document) : caseParts(by, cases, partsUnder);
    }
  }
}

/** Each member of a list is a value; undefined where the field is no list. */
function memberValues(field: string): (document: EventDocument) => readonly (readonly MatchValue[])[] | undefined {
  const read = fieldReader(field);
  return (document) => {
    const value = read(document);
    if (!Array.isArray(value)) return undefined;
    const members = new Set(value.slice(0, MEMBERS_MAX).map(plainValueFrom));
    return [...members].map((member) => [member]);
  };
}

/** An event counts under the key of each case that it is, once under each. */
function caseParts(
  by: readonly string[],
  cases: readonly SequenceStep[],
  partsUnder: (own: readonly string[], document: EventDocument) => readonly Part[],
): PartsOf {
  const partsOfCases = stepParts(by, cases);
  return (document, holds) => {
    const own = partsOfCases(document, holds);
    const keys = own.length < 2 ? own : new Map(own.map((part) => [keyOf(document, part.by), part])).values();
    return [...keys].flatMap((part) => partsUnder(part.by, document));
  };
}

/** The steps that an event is, the later ones first, each under its own key. */
function stepParts(by: readonly string[], steps: readonly SequenceStep[]): PartsOf {
  // Fields that are compared with other fields: where one is missing, it joins nothing.
  const isJoin = by.map((field, place) => steps.some((step) => step.by[place] !== field));
  const laterFirst = steps
    .map((step, role) => ({ ...step, role, joins: step.by.filter((_, place) => isJoin[place]) }))
    .reverse();
  return (document, holds) => {
    const parts: Part[] = [];
    for (const { match, by: stepBy, role, joins } of laterFirst) {
      const isWhole = joins.every((field) => (fieldOf(document, field) ?? null) !== null);
      if (isWhole && holds(match)) parts.push({ by: stepBy, role, values: NO_VALUES });
    }
    return parts;
  };
}
