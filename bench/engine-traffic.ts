// Events for benchmarks of the engine: those of the store's benchmark, and every twentieth a recorded one of a real kernel; parsed, as
// lines of JSON, and as the store's tail has them.
import { readdirSync, readFileSync } from 'node:fs';
import { createEngine } from '../engine/create-engine.ts';
import type { Engine } from '../engine/engine.ts';
import type { EventDocument, NewEvent, StoredEvent, UnparsedDocument } from '../event/document.ts';
import { createdMsOf } from '../event/order.ts';
import type { Rule } from '../rules/rule.ts';
import { microsSince } from './measuring.ts';
import { storeEvent } from './store-events.ts';

const SAMPLES = new URL('../test/data/audit-samples/', import.meta.url);
export const START_MS: number = Date.UTC(2026, 9, 1);
export const BATCH_EVENTS = 1_500;
export const ROUNDS = 5;

export interface Traffic {
  readonly events: readonly NewEvent[];
  readonly unparsed: readonly UnparsedDocument[];
  /** The documents as JSON, a line each. */
  readonly lines: readonly string[];
}

/** Events as a follower of the embedded store gets them: each is parsed when its document is asked for. */
export class FollowedEvent implements StoredEvent {
  readonly id: string;
  readonly seq = 1;
  readonly unparsed: UnparsedDocument;
  constructor(id: string, unparsed: UnparsedDocument) {
    this.id = id;
    this.unparsed = unparsed;
  }
  get document(): EventDocument {
    const { bytes, from, to } = this.unparsed;
    return JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset + from, to - from).toString('utf8')) as EventDocument;
  }
}

export function recordedDocuments(): readonly EventDocument[] {
  return readdirSync(SAMPLES)
    .filter((name) => name.endsWith('.golden.json'))
    .toSorted()
    .flatMap((name) => JSON.parse(readFileSync(new URL(name, SAMPLES), 'utf8')) as readonly EventDocument[]);
}

export function trafficOf(count: number, recorded: readonly EventDocument[]): Traffic {
  return linesOf(
    Array.from({ length: count }, (_, n) => {
      const document = recorded[(n / 20) % recorded.length];
      return document === undefined ? storeEvent(n, START_MS) : placedEvent(n, document);
    }),
  );
}

/** The document as the nth event, of the host that the nth is of. */
export function placedEvent(n: number, document: EventDocument): NewEvent {
  const event = storeEvent(n, START_MS);
  const { host, vedette } = event.document;
  const { created } = event.document['event'] as { readonly created: string };
  const own = { ...(document['event'] as object), created };
  return { id: event.id, document: { ...document, event: own, host, vedette } };
}

export function linesOf(made: readonly NewEvent[]): Traffic {
  const lines = made.map(({ document }) => JSON.stringify(document));
  const events = made.map(({ id }, n) => ({ id, document: JSON.parse(lines[n] ?? '{}') as EventDocument }));
  const all = Buffer.from(lines.join('\n'));
  let from = 0;
  const unparsed = lines.map((line, n): UnparsedDocument => {
    const begin = from;
    from += Buffer.byteLength(line) + 1;
    return { bytes: all, from: begin, to: from - 1, createdMs: createdMsOf(events[n]?.document ?? {}) };
  });
  return { events, lines, unparsed };
}

export function engineOf(rules: readonly Rule[]): Engine {
  return createEngine({ epochs: [{ fromMs: 0, rules }], state: new Map() });
}

/** CPU of this thread for each of `count` events, the least of {@link ROUNDS}. */
export function leastMicros(count: number, work: () => unknown): number {
  let least = Number.POSITIVE_INFINITY;
  for (let round = 0; round < ROUNDS; round += 1) least = Math.min(least, onceMicros(count, work));
  return least;
}

export function onceMicros(count: number, work: () => unknown): number {
  const begin = process.threadCpuUsage();
  work();
  return microsSince(begin) / count;
}
