// What generations of a group's journal brought about, for who shows alerts: the server's replica applies them in order
// (server/shared/engine-replica.ts). Steps stay apart: an amendment of one speaks of detections of those before it.
import type { Commit, ControlChange, EngineStatePort, OutboxPort, SendOutcome } from '../state/state-port.ts';
import { SharedStateDamaged } from './shared-documents.ts';

const FORMAT = 1;

/** Of a step's commit, what is not the engine's own. */
export type OutcomeStep = Omit<Commit, 'cursor' | 'state' | 'isRepeatable'>;

export interface PackedOutcome {
  readonly steps: readonly OutcomeStep[];
  /** What became of notifications, by id. */
  readonly sent: readonly { readonly id: string; readonly outcome: SendOutcome }[];
  /** Entries that the control log is to have: quarantines that the engine decided, rules that caught up. */
  readonly control: readonly ControlChange[];
  /** Entries of the state that are for people only: how rules fare. */
  readonly health: readonly (readonly [key: string, text: string])[];
}

/** How far a group is; nothing decides by it. */
export interface GroupFigures {
  readonly eventsFolded: number;
  readonly pending: number;
  /** Up to which `event.created` all is read and decided, by the server's clock, epoch ms. */
  readonly settledMs: number;
  readonly greatestCreatedMs: number;
}

export const NO_FIGURES: GroupFigures = { eventsFolded: 0, pending: 0, settledMs: 0, greatestCreatedMs: 0 };

export function packOutcome(outcome: PackedOutcome): string {
  return JSON.stringify({ v: FORMAT, ...outcome });
}

/** Throws {@link SharedStateDamaged}. */
export function unpackOutcome(text: string): PackedOutcome {
  const { v, ...outcome } = JSON.parse(text) as PackedOutcome & { readonly v: unknown };
  if (v !== FORMAT) throw new SharedStateDamaged(`an outcome has format ${String(v)}, this version reads ${FORMAT}`);
  return outcome;
}

/** Puts into a state what was found and sent; doing it again makes no difference. */
export function applyOutcome(
  state: { readonly engine: EngineStatePort; readonly outbox: OutboxPort },
  { steps, sent }: Pick<PackedOutcome, 'steps' | 'sent'>,
): void {
  const cursor = state.engine.loadCursor() ?? '';
  for (const step of steps) state.engine.commit({ ...step, cursor, state: new Map() });
  for (const { id, outcome } of sent) state.outbox.record(id, outcome);
}
