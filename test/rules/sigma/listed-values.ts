// For each value that a Sigma rule lists in its searches, an event made of that value for which the rule, read plainly, holds.
import type { EventDocument } from '../../../event/document.ts';
import { documentOf, type Pick } from './own-events.ts';
import { holdsOf, type PlainRule } from './plain-sigma.ts';

const ATTEMPTS = 60;

export interface ListedValue {
  /** The search, the field with its modifiers, and the value. */
  readonly told: string;
  /** Undefined where no event was found for which the rule holds. */
  readonly document: EventDocument | undefined;
}

/** Of lists that something is chosen from: what is to be chosen. */
type Chosen = ReadonlyMap<readonly unknown[], unknown>;

export function listedValues(rule: PlainRule): readonly ListedValue[] {
  return Object.entries(rule.detection)
    .filter(([name]) => name !== 'condition' && !name.includes('filter'))
    .flatMap(([name, search]) =>
      choicesOf(search).map(([told, chosen]) => ({ told: `${name} ${told}`, document: eventOf(rule, name, chosen) })),
    );
}

function choicesOf(search: unknown): readonly (readonly [told: string, chosen: Chosen])[] {
  if (Array.isArray(search))
    return search.flatMap((one: unknown) =>
      choicesOf(one).map(([told, chosen]) => [told, new Map([...chosen, [search, one]])] as const),
    );
  if (typeof search !== 'object' || search === null) return [[String(search), new Map()]];
  return Object.entries(search).flatMap(([key, values]) =>
    Array.isArray(values) && !key.split('|').includes('all')
      ? values.map((value: unknown) => [`${key}: ${value}`, new Map([[values, value]])] as const)
      : [[`${key}: ${values}`, new Map()] as const],
  );
}

/** With the search alone, with all of the rule's, and with some of them. */
function eventOf(rule: PlainRule, name: string, chosen: Chosen): EventDocument | undefined {
  const others = Object.keys(rule.detection).filter((other) => other !== name && other !== 'condition');
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    let seed = attempt + 1;
    const random = <T>(of: readonly T[]): T => {
      seed = (seed * 48_271) % 2_147_483_647;
      return of[seed % of.length] as T;
    };
    const beside = attempt === 0 ? [] : attempt === 1 ? others : others.filter(() => random([true, false]));
    const detection = Object.fromEntries(
      Object.entries(rule.detection).filter(([of]) => of === name || of === 'condition' || beside.includes(of)),
    );
    const pick: Pick = <T>(of: readonly T[]): T => {
      if (of[0] === true) return true as T;
      return chosen.has(of) ? (chosen.get(of) as T) : attempt < 2 ? (of[0] as T) : random(of);
    };
    const document = documentOf({ logsource: rule.logsource, detection }, pick);
    if (holdsOf(rule, document)) return document;
  }
  return undefined;
}
