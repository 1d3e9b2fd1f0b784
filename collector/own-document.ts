// Documents that the collector makes about itself and its host: losses, status, clock steps, tampering. One shape, one place for ids.
import type { HostIdentity } from '../audit/event.ts';
import { bulkLines } from '../event/bulk.ts';
import { ownEventId } from '../event/id.ts';
import type { Loss } from './loss-ledger.ts';
import { FACT_CHARACTERS_MAX, TAMPER_ACTIONS, type Tamper } from './tamper.ts';

const ECS_VERSION = '8.17.0';

/** A document without what only the spool knows. */
export interface OwnDocument {
  /** With `counter` the document's id within the host and boot: the same fact told twice is one document. */
  readonly kind: string;
  readonly counter: number;
  readonly timeMs: number;
  readonly event: Readonly<Record<string, unknown>>;
  readonly vedette: Readonly<Record<string, unknown>>;
  readonly message: string;
}

/** The two lines of a document of ours (event/bulk.ts). */
export function ownLines(
  host: HostIdentity,
  document: OwnDocument,
  stamp: { readonly createdMs: number; readonly position: number },
): string {
  const { host: more = {}, agent } = host;
  const body = {
    '@timestamp': new Date(document.timeMs).toISOString(),
    ecs: { version: ECS_VERSION },
    event: {
      module: 'vedette',
      created: new Date(stamp.createdMs).toISOString(),
      ...document.event,
    },
    message: document.message,
    host: { id: host.id, name: host.name, boot: { id: host.bootId }, ...more },
    ...(agent === undefined ? {} : { agent }),
    vedette: { position: stamp.position, ...document.vedette },
  };
  return bulkLines(ownEventId(host.id, host.bootId, document.kind, document.counter), JSON.stringify(body));
}

/** The document of a loss. Bounds that are not known are left out. */
export function lossDocument(loss: Loss, nowMs: number): OwnDocument {
  const iso = (timeMs: number | undefined): string | undefined =>
    timeMs === undefined ? undefined : new Date(timeMs).toISOString();
  return {
    kind: `loss-${loss.kind}`,
    counter: loss.counter,
    timeMs: loss.toMs ?? nowMs,
    event: {
      kind: 'pipeline_error',
      dataset: 'vedette.loss',
      category: ['host'],
      type: ['info'],
      action: loss.isPlanned ? 'was-not-watching' : 'lost-events',
      reason: loss.reason,
      outcome: 'unknown',
    },
    message: loss.reason,
    vedette: {
      loss: {
        source: loss.source,
        at_least: loss.atLeast,
        at_most: loss.atMost,
        from: iso(loss.fromMs),
        to: iso(loss.toMs),
        first_sequence: loss.firstSequence,
        last_sequence: loss.lastSequence,
        first_position: loss.firstPosition,
        last_position: loss.lastPosition,
        owner: loss.owner,
        class: loss.spoolClass,
      },
    },
  };
}

/** The document of the collector's own figures. */
export function statusDocument(
  counter: number,
  nowMs: number,
  figures: Readonly<Record<string, unknown>>,
): OwnDocument {
  return {
    kind: 'status',
    counter,
    timeMs: nowMs,
    event: { kind: 'metric', dataset: 'vedette.status', category: ['host'], type: ['info'], action: 'reported-status' },
    message: 'The collector’s own figures.',
    vedette: { status: figures },
  };
}

/** What a clock did; a host that slept did nothing that could be seen meanwhile. */
export type ClockEvent = 'clock-stepped-back' | 'clock-stepped-forward' | 'host-was-suspended';

/** The document of a clock that jumped, by how much. */
export function clockDocument(counter: number, nowMs: number, action: ClockEvent, byMs: number): OwnDocument {
  const reasons = {
    'clock-stepped-back': `The clock of the host went back by ${byMs} ms; event.created stays where it was until it catches up.`,
    'clock-stepped-forward': `The clock of the host went forward by ${byMs} ms.`,
    'host-was-suspended': `The host was suspended for ${byMs} ms.`,
  } as const satisfies Record<ClockEvent, string>;
  return {
    kind: 'clock',
    counter,
    timeMs: nowMs,
    event: {
      kind: 'event',
      dataset: 'vedette.clock',
      category: ['host'],
      type: ['change'],
      action,
      reason: reasons[action],
    },
    message: reasons[action],
    vedette: { clock: { step_ms: action === 'clock-stepped-back' ? -byMs : byMs } },
  };
}

/** The document of what somebody did to the watching. `counter`: the spool position, so that each telling is one of its own. */
export function tamperDocument(counter: number, nowMs: number, tamper: Tamper): OwnDocument {
  const { category, type } = TAMPER_ACTIONS[tamper.action];
  const facts = Object.entries(tamper.facts).map(([name, value]) => [
    name,
    typeof value === 'string' ? value.slice(0, FACT_CHARACTERS_MAX) : value,
  ]);
  return {
    kind: 'tamper',
    counter,
    timeMs: nowMs,
    event: {
      kind: 'event',
      dataset: 'vedette.tamper',
      category,
      type,
      action: tamper.action,
      reason: tamper.reason,
      outcome: 'unknown',
    },
    message: tamper.reason,
    vedette: { tamper: Object.fromEntries(facts) },
  };
}
