// What an alert can say of an event that is gone: its title and fields, rendered when the event was at hand, with places left
// for the figures that only the fold knows (`{{count}}`). Hostile text stays text: a place is data, never text that is read again.
import type { Alert } from '../../event/detection.ts';
import { type EventDocument, timeOf } from '../../event/document.ts';
import type { OrderKey } from '../../event/order.ts';
import { visible } from '../../rules/diagnostic.ts';
import type { Rule } from '../../rules/rule.ts';
import { keyOf } from '../key.ts';
import type { Found, MatchValue } from '../kinds/kind-fold.ts';
import {
  defaultInclude,
  FIELD_LENGTH_MAX,
  FIELDS_MAX,
  fieldText,
  MISSING,
  shorten,
  TITLE_LENGTH_MAX,
  titleParts,
} from '../rendering.ts';

/** A part of a title that the event has nothing for: a figure of the fold, if there is one of that name. */
interface Place {
  readonly fact: string;
}

export interface Sample {
  readonly title: readonly (string | Place)[];
  readonly fields: readonly { readonly name: string; readonly value: string | undefined }[];
  readonly hostName: string;
  readonly timestampMs: number;
  readonly suppressKey: string;
  /** The same for each `together` rule that takes this rule's detections, by that rule's version, and the key under it. */
  readonly together: Readonly<Record<string, { readonly key: string; readonly sample: Sample }>>;
}

/** `togethers` are the rules that take the detections of a rule. */
export function sampleOf(
  rule: Rule,
  event: { readonly document: EventDocument; readonly order: OrderKey },
  togethers: (rule: Rule) => readonly Rule[],
): Sample {
  const { document, order } = event;
  const isTold = rule.status === 'stable';
  const { include, title, suppress } = rule.alert;
  const names = include.length > 0 ? include : defaultInclude(document);
  return {
    title: isTold ? titleParts(title, document) : [],
    fields: (isTold ? names : []).slice(0, FIELDS_MAX).map((name) => {
      const text = fieldText(document, name);
      return { name, value: text === undefined ? undefined : shorten(text, FIELD_LENGTH_MAX) };
    }),
    hostName: fieldText(document, 'host.name') ?? order.hostId,
    timestampMs: timeOf(document, '@timestamp') ?? order.createdMs,
    suppressKey: keyOf(document, suppress?.by ?? rule.by),
    together: Object.fromEntries(
      togethers(rule).map((other) => [
        other.version,
        { key: keyOf(document, other.by), sample: sampleOf(other, event, togethers) },
      ]),
    ),
  };
}

/** Where a rule found something by time and the last event is forgotten. */
export function bareSample(rule: Rule, order: OrderKey, key: string): Sample {
  return {
    title: [visible(rule.name)],
    fields: [],
    hostName: order.hostId,
    timestampMs: order.createdMs,
    suppressKey: key,
    together: {},
  };
}

/** Title and fields with the figures filled in; figures that no place asks for follow as fields. */
export function toldOf(sample: Sample, found: Found): Pick<Alert, 'title' | 'fields'> {
  const title = sample.title
    .map((part) => (typeof part === 'string' ? part : factText(found.facts[part.fact])))
    .join('');
  const fields = sample.fields.map(({ name, value }) => ({
    name,
    value: value ?? (Object.hasOwn(found.facts, name) ? factText(found.facts[name]) : MISSING),
  }));
  const told = new Set(fields.map(({ name }) => name));
  const facts = Object.entries(found.facts)
    .filter(([name]) => !told.has(name))
    .map(([name, value]) => ({ name, value: factText(value) }));
  return { title: shorten(title, TITLE_LENGTH_MAX), fields: [...fields, ...facts].slice(0, FIELDS_MAX) };
}

function factText(value: MatchValue | undefined): string {
  if (value === undefined || value === null) return MISSING;
  const text =
    typeof value === 'number' && !Number.isInteger(value) ? String(Number(value.toPrecision(6))) : String(value);
  return shorten(visible(text), FIELD_LENGTH_MAX);
}
