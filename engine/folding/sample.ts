// What an alert can say of an event that is gone. Most matches never come to an alert, so of each only the texts are kept that its
// rule would show, as the event had them; what people read is made of them when something is found, with the figures that only the
// fold knows (`{{count}}`). Hostile text stays text: a place is data, never text that is read again.
import type { Alert } from '../../event/detection.ts';
import { type EventDocument, fieldReader, timeFrom } from '../../event/document.ts';
import type { OrderKey } from '../../event/order.ts';
import { visible } from '../../rules/diagnostic.ts';
import type { Rule } from '../../rules/rule.ts';
import { keyReader } from '../key.ts';
import type { Found, MatchValue } from '../kinds/kind-fold.ts';
import {
  DEFAULT_INCLUDE,
  FIELD_LENGTH_MAX,
  FIELDS_MAX,
  MISSING,
  rawFieldReader,
  shorten,
  TITLE_LENGTH_MAX,
  TITLE_VALUE_LENGTH_MAX,
  titleTemplate,
} from '../rendering.ts';

export interface Sample {
  /** Of the fields that the rule's title and `alert.include` name, in the order of its teller; null where the event has none. */
  readonly texts: readonly (string | null)[];
  /** In place of texts, of a match that an earlier version of Vedette kept (format-one.ts). */
  readonly rendered?: RenderedSample;
  readonly hostName: string;
  readonly timestampMs: number;
  /** Left out where it is the rule's own key. */
  readonly suppressKey?: string;
  /** Of a rule that groups: the values of `alert.group.by`. */
  readonly groupKey?: string;
  /** The same for each `together` rule that takes this rule's detections, by that rule's version, and the key under it. */
  readonly together?: Readonly<Record<string, { readonly key: string; readonly sample: Sample }>>;
}

/** Title and fields as people read them, with places left for the figures that only the fold knows. */
export interface RenderedSample {
  readonly title: readonly (string | { readonly fact: string })[];
  readonly fields: readonly { readonly name: string; readonly value?: string | undefined }[];
}

/** What one rule version shows: takes it from an event, and says it. Which texts there are is part of a rule's version. */
export interface Teller {
  sampleOf(document: EventDocument, order: OrderKey): Sample;
  /** Title and fields with the figures filled in; figures that no place asks for follow as fields. */
  tell(sample: Sample, facts: Found['facts']): Pick<Alert, 'title' | 'fields'>;
  /** One of the fields that title, `alert.include` or `alert.group` name, or a figure, as a line of text. */
  textOf(sample: Sample, facts: Found['facts'], name: string): string;
}

const NO_TEXTS: readonly null[] = [];
const [hostNameOf, timestampOf] = [rawFieldReader('host.name'), fieldReader('@timestamp')];

/** `togethers`: the rules that take the detections of a rule, with what they show. */
export function tellerOf(
  rule: Rule,
  togethers: () => readonly { readonly rule: Rule; readonly teller: Teller }[],
): Teller {
  const { title, include, suppress, group } = rule.alert;
  const shown = rule.status === 'stable' ? (include.length > 0 ? include : DEFAULT_INCLUDE).slice(0, FIELDS_MAX) : [];
  const template = rule.status === 'stable' ? titleTemplate(title) : [];
  const named = template.flatMap((part) => (typeof part === 'string' ? [] : [part.name]));
  const names = [...new Set([...shown, ...named, ...(group?.by ?? []), ...(group?.table ?? [])])];
  const readers = names.map((name) => rawFieldReader(name));
  const suppressKeyOf = suppress === undefined || sameFields(suppress.by, rule.by) ? undefined : keyReader(suppress.by);
  const groupKeyOf = group === undefined ? undefined : keyReader(group.by);
  let taking:
    | readonly {
        readonly version: string;
        readonly keyOf: (document: EventDocument) => string;
        readonly teller: Teller;
      }[]
    | undefined;

  const textsOf = (document: EventDocument): Sample['texts'] => {
    if (readers.length === 0) return NO_TEXTS;
    const texts = new Array<string | null>(readers.length);
    for (let at = 0; at < readers.length; at += 1) texts[at] = readers[at]?.(document) ?? null;
    return texts;
  };

  return {
    sampleOf(document, order) {
      taking ??= togethers().map((other) => ({
        version: other.rule.version,
        keyOf: keyReader(other.rule.by),
        teller: other.teller,
      }));
      const sample = {
        texts: textsOf(document),
        hostName: hostNameOf(document) ?? order.hostId,
        timestampMs: timeFrom(timestampOf(document)) ?? order.createdMs,
      };
      if (suppressKeyOf === undefined && groupKeyOf === undefined && taking.length === 0) return sample;
      return {
        ...sample,
        ...(suppressKeyOf === undefined ? {} : { suppressKey: suppressKeyOf(document) }),
        ...(groupKeyOf === undefined ? {} : { groupKey: groupKeyOf(document) }),
        ...(taking.length === 0
          ? {}
          : {
              together: Object.fromEntries(
                taking.map(({ version, keyOf, teller }) => [
                  version,
                  { key: keyOf(document), sample: teller.sampleOf(document, order) },
                ]),
              ),
            }),
      };
    },
    tell({ texts, rendered }, facts) {
      if (rendered !== undefined) return toldOf(rendered, facts);
      const textOf = (name: string): string | undefined => texts[names.indexOf(name)] ?? undefined;
      const parts = template.map((part) => {
        if (typeof part === 'string') return part;
        const text = textOf(part.name);
        return text === undefined ? factText(factOf(facts, part.name)) : shorten(visible(text), TITLE_VALUE_LENGTH_MAX);
      });
      const asked = include.length > 0 ? shown : shown.filter((name) => textOf(name) !== undefined);
      const fields = asked.map((name) => {
        const text = textOf(name);
        return {
          name,
          value: text === undefined ? factText(factOf(facts, name)) : shorten(visible(text), FIELD_LENGTH_MAX),
        };
      });
      return { title: shorten(parts.join(''), TITLE_LENGTH_MAX), fields: withFacts(fields, facts) };
    },
    textOf({ texts }, facts, name) {
      const text = texts[names.indexOf(name)] ?? undefined;
      return text === undefined ? factText(factOf(facts, name)) : shorten(visible(text), FIELD_LENGTH_MAX);
    },
  };
}

function toldOf({ title, fields }: RenderedSample, facts: Found['facts']): Pick<Alert, 'title' | 'fields'> {
  const text = title.map((part) => (typeof part === 'string' ? part : factText(factOf(facts, part.fact)))).join('');
  const told = fields.map(({ name, value }) => ({ name, value: value ?? factText(factOf(facts, name)) }));
  return { title: shorten(text, TITLE_LENGTH_MAX), fields: withFacts(told, facts) };
}

/** Where a rule found something by time and the last event is forgotten. */
export function bareTold(rule: Rule, facts: Found['facts']): Pick<Alert, 'title' | 'fields'> {
  return { title: visible(rule.name), fields: withFacts([], facts) };
}

function withFacts(fields: Alert['fields'], facts: Found['facts']): Alert['fields'] {
  const told = new Set(fields.map(({ name }) => name));
  const more = Object.entries(facts)
    .filter(([name]) => !told.has(name))
    .map(([name, value]) => ({ name, value: factText(value) }));
  return [...fields, ...more].slice(0, FIELDS_MAX);
}

function factOf(facts: Found['facts'], name: string): MatchValue | undefined {
  return Object.hasOwn(facts, name) ? facts[name] : undefined;
}

function factText(value: MatchValue | undefined): string {
  if (value === undefined || value === null) return MISSING;
  const text =
    typeof value === 'number' && !Number.isInteger(value) ? String(Number(value.toPrecision(6))) : String(value);
  return shorten(visible(text), FIELD_LENGTH_MAX);
}

function sameFields(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((field, place) => field === other[place]);
}
