// What a field of a Sigma log source is in our events.
import { fieldNamed } from '../../event/catalogue.ts';
import { call, fieldPath, type Written } from '../foreign/expression-writer.ts';

export type Target =
  | FieldTarget
  /** The first where it is there, else the other. */
  | { readonly kind: 'else'; readonly first: FieldTarget; readonly otherwise: FieldTarget }
  /** One of several. */
  | { readonly kind: 'some'; readonly of: readonly FieldTarget[] }
  /** No event has it; why completes "because". */
  | { readonly kind: 'never'; readonly why: string }
  /** Events have it in a form in which the rule's question cannot be asked. */
  | { readonly kind: 'unsaid'; readonly why: string; readonly remedy: string };

export interface FieldTarget {
  readonly kind: 'field';
  /** An operand of an expression: the value, or the values. */
  readonly text: string;
  /** What is asked for its being there; `text` where it is not said. */
  readonly thereText?: string;
  /** The field's name for messages and `alert.include`; undefined where it is none of its own. */
  readonly name: string | undefined;
  /** All that the value can consist of: patterns with anything else never match. */
  readonly characters?: RegExp;
  /** Its values as the log has them (lower case) and as we have them. */
  readonly values?: ReadonlyMap<string, string>;
  /** Texts of the log for which events have another. */
  readonly names?: ReadonlyMap<string, string>;
  /** Texts that stand for its not being there. */
  readonly absent?: ReadonlySet<string>;
  /** The number that the log has where events have nothing. */
  readonly absentNumber?: string;
}

type Options = Pick<FieldTarget, 'characters' | 'values' | 'names' | 'absent' | 'absentNumber'>;

/** A field of the catalogue's names. */
export function field(name: string, options: Options = {}): FieldTarget {
  const text = fieldPath(name);
  if (text === undefined) throw new Error(`no field can be called ${name}`);
  return { kind: 'field', text, name, ...options };
}

/** The field's members with a space between each: a command line as the process itself sees it, without quotes. */
export function joined(name: string): FieldTarget {
  const { text } = field(name);
  return { kind: 'field', text: call('join', text, '" "').text, thereText: text, name };
}

export function never(why: string): Target {
  return { kind: 'never', why };
}

/** Names of ECS are themselves in any log source. */
export function ecsField(name: string): FieldTarget | undefined {
  return name.includes('.') || name === '@timestamp' ? catalogued(name) : undefined;
}

function catalogued(name: string): FieldTarget | undefined {
  return fieldNamed(name) === undefined || fieldPath(name) === undefined ? undefined : field(name);
}

/**
 * Events, or parts of them, of one sort: what a log source's records are here. A rule is asked of each sort by itself, so that all
 * that it says of one record holds of the same one.
 */
export interface Sort {
  /** What holds of an event that has such a record. */
  readonly presence: Written;
  /** The array whose members are the records; undefined: an event has one at most. */
  readonly members?: string;
  /** Undefined: such a record has no field of that name. */
  readonly target: (name: string) => Target | undefined;
  /** What the field `type` of such a record is, in lower case; undefined where it has none. */
  readonly type?: string;
}
