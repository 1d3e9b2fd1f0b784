// The event as every room passes it on: one ECS document in nested form, its id, and where it stands in the stream.
// Readers take fields through `fieldOf`, because a document may come from any shipper and hold anything.
import { canonicalTimeMs } from './canonical-time.ts';

/** An ECS document in nested form, as it was sent. Treat as deeply read-only: one rule must never change what the next one sees. */
export type EventDocument = { readonly [field: string]: unknown };

/** An event on its way into a store. */
export interface NewEvent {
  /** `_id`: see event/id.ts. */
  readonly id: string;
  readonly document: EventDocument;
  /** The document as it is to be kept, where that is at hand: a store then need not write or look through `document`. */
  readonly encoded?: EncodedDocument;
}

/**
 * A document as JSON in UTF-8: `line`, with `insert` put in at `insertAt`; one line. Whoever makes one answers for it: what JSON.parse makes
 * of it is the document, no bound of a store (store/admission.ts) is passed, and it is as {@link UnparsedDocument} says.
 */
export interface EncodedDocument {
  readonly line: Uint8Array;
  readonly insertAt: number;
  readonly insert: Uint8Array;
  /** `@timestamp`, whole epoch ms. */
  readonly timestampMs: number;
  /** `event.created`, epoch ms. */
  readonly createdMs: number;
}

/** An event that a store holds. */
export interface StoredEvent extends NewEvent {
  /** Place in the store's own arrival order, from 1, without repetition; gaps are allowed. */
  readonly seq: number;
  /** Absent where no more is known of the document than itself. */
  readonly unparsed?: UnparsedDocument;
}

/**
 * What is known of a document before `document` is asked for, which then parses it: parsing is the greatest part of what following a
 * store costs. Only of documents as collectors send them: no name in them has a dot or a backslash, and no importer wrote them.
 */
export interface UnparsedDocument {
  /** What its JSON, in UTF-8 and on one line, stands in. */
  readonly bytes: Uint8Array;
  readonly from: number;
  readonly to: number;
  /** `event.created`, epoch ms. */
  readonly createdMs: number;
}

/**
 * The value of an ECS field given by its dotted name: `fieldOf(document, 'process.parent.name')`.
 * Finds nested (`{process: {name}}`), flat (`{'process.name'}`) and mixed forms; own properties only.
 */
export function fieldOf(document: EventDocument, name: string): unknown {
  let current: unknown = document;
  let rest = name;
  for (;;) {
    if (typeof current !== 'object' || current === null) return undefined;
    if (Object.hasOwn(current, rest)) return (current as EventDocument)[rest];
    const found = longestOwnPrefix(current as EventDocument, rest);
    if (found === undefined) return undefined;
    current = (current as EventDocument)[found];
    rest = rest.slice(found.length + 1);
  }
}

function longestOwnPrefix(object: EventDocument, name: string): string | undefined {
  for (let end = name.lastIndexOf('.'); end > 0; end = name.lastIndexOf('.', end - 1)) {
    const prefix = name.slice(0, end);
    if (Object.hasOwn(object, prefix)) return prefix;
  }
  return undefined;
}

/** {@link fieldOf} for one name and many documents: the name is taken apart once. */
export function fieldReader(name: string): (document: EventDocument) => unknown {
  const cuts = cutsOf(name);
  return (document) => readCuts(document, cuts);
}

/** A name, and its beginnings with what is left behind them, the longest first. */
interface Cuts {
  readonly name: string;
  readonly beginnings: readonly { readonly name: string; readonly rest: Cuts }[];
}

function cutsOf(name: string): Cuts {
  const beginnings: { name: string; rest: Cuts }[] = [];
  for (let end = name.lastIndexOf('.'); end > 0; end = name.lastIndexOf('.', end - 1)) {
    beginnings.push({ name: name.slice(0, end), rest: cutsOf(name.slice(end + 1)) });
  }
  return { name, beginnings };
}

function readCuts(current: unknown, { name, beginnings }: Cuts): unknown {
  if (typeof current !== 'object' || current === null) return undefined;
  if (Object.hasOwn(current, name)) return (current as EventDocument)[name];
  for (const beginning of beginnings) {
    if (Object.hasOwn(current, beginning.name))
      return readCuts((current as EventDocument)[beginning.name], beginning.rest);
  }
  return undefined;
}

/** The field as text if it is a string, else undefined. */
export function textOf(document: EventDocument, name: string): string | undefined {
  const value = fieldOf(document, name);
  return typeof value === 'string' ? value : undefined;
}

/** The field as a finite number (a numeric string counts), else undefined. */
export function numberOf(document: EventDocument, name: string): number | undefined {
  return numberFrom(fieldOf(document, name));
}

/** A value as {@link numberOf} takes it. */
export function numberFrom(value: unknown): number | undefined {
  const number = typeof value === 'string' && value !== '' ? Number(value) : value;
  return typeof number === 'number' && Number.isFinite(number) ? number : undefined;
}

/** What a Date can hold, milliseconds to either side of the epoch. */
const TIME_MS_MAX = 8.64e15;

/** The field as epoch milliseconds: an ISO 8601 string or a number of milliseconds that a Date can hold; else undefined. */
export function timeOf(document: EventDocument, name: string): number | undefined {
  return timeFrom(fieldOf(document, name));
}

/** A value as {@link timeOf} takes it. */
export function timeFrom(value: unknown): number | undefined {
  if (typeof value === 'number') return Math.abs(value) <= TIME_MS_MAX ? value : undefined;
  if (typeof value !== 'string') return undefined;
  const canonical = canonicalTimeMs(value);
  const ms = Number.isNaN(canonical) ? Date.parse(value) : canonical;
  return Number.isNaN(ms) ? undefined : ms;
}

const FORBIDDEN_KEYS: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);

/**
 * The nested form of a document that may use dotted names: `{'process.name': 'x'}` becomes `{process: {name: 'x'}}`.
 * Names that could reach a prototype are kept as plain own properties, never followed.
 */
export function toNested(flat: EventDocument): EventDocument {
  const nested: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(flat)) {
    const inner = isPlainObject(value) ? toNested(value) : value;
    const parts = name.split('.');
    if (parts.some((part) => part === '' || FORBIDDEN_KEYS.has(part))) {
      define(nested, name, inner);
      continue;
    }
    let target = nested;
    for (const part of parts.slice(0, -1)) {
      const existing = Object.hasOwn(target, part) ? target[part] : undefined;
      const next = isPlainObject(existing) ? (existing as Record<string, unknown>) : {};
      target[part] = next;
      target = next;
    }
    const last = parts.at(-1) ?? name;
    const present = Object.hasOwn(target, last) ? target[last] : undefined;
    target[last] = isPlainObject(present) && isPlainObject(inner) ? { ...present, ...inner } : inner;
  }
  return nested;
}

/** True of objects that are neither null nor an array. */
export function isPlainObject(value: unknown): value is EventDocument {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function define(target: Record<string, unknown>, name: string, value: unknown): void {
  Object.defineProperty(target, name, { value, enumerable: true, configurable: true, writable: true });
}
