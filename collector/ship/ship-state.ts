// What the shipping side keeps: how far the server has everything, and losses that it found and the spool does not hold yet.
// Replaced after each request; losing the last replacement only sends events twice, which stores them once.
//
//   ship.json   {"formatVersion":1,"deliveredPosition","losses":[…]}
import { join } from 'node:path';
import { readState, replaceFile } from '../durable-file.ts';
import type { Loss } from '../loss-ledger.ts';

const FORMAT_VERSION = 1;
/** Losses that wait to be spooled; more are merged into the last. */
const LOSSES_MAX = 256;

export interface ShipState {
  readonly deliveredPosition: number;
  readonly losses: readonly Loss[];
}

export function loadShipState(folder: string): ShipState {
  const kept = readState(pathIn(folder), FORMAT_VERSION);
  const position = kept?.['deliveredPosition'];
  const losses = kept?.['losses'];
  return {
    deliveredPosition: typeof position === 'number' && Number.isSafeInteger(position) && position >= 0 ? position : 0,
    losses: Array.isArray(losses) ? losses.filter(isLoss).slice(0, LOSSES_MAX) : [],
  };
}

/** Throws what a full or read-only disk throws. */
export function saveShipState(folder: string, state: ShipState): void {
  replaceFile(pathIn(folder), `${JSON.stringify({ formatVersion: FORMAT_VERSION, ...state })}\n`, false);
}

/** Adds losses; beyond the limit they are added up, so that none is forgotten. */
export function withLosses(losses: readonly Loss[], more: readonly Loss[]): readonly Loss[] {
  const all = [...losses, ...more];
  const last = all[LOSSES_MAX - 1];
  if (all.length <= LOSSES_MAX || last === undefined) return all;
  const rest = all.slice(LOSSES_MAX - 1);
  const merged: Loss = {
    ...last,
    atLeast: rest.reduce((sum, loss) => sum + loss.atLeast, 0),
    atMost: rest.reduce<number | undefined>(
      (sum, { atMost }) => (sum === undefined || atMost === undefined ? undefined : sum + atMost),
      0,
    ),
    toMs: all.at(-1)?.toMs,
    lastPosition: all.at(-1)?.lastPosition,
  };
  return [...all.slice(0, LOSSES_MAX - 1), merged];
}

function isLoss(value: unknown): value is Loss {
  if (typeof value !== 'object' || value === null) return false;
  const loss = value as Record<string, unknown>;
  return (
    typeof loss['source'] === 'string' &&
    typeof loss['kind'] === 'string' &&
    typeof loss['counter'] === 'number' &&
    typeof loss['atLeast'] === 'number' &&
    typeof loss['reason'] === 'string'
  );
}

function pathIn(folder: string): string {
  return join(folder, 'ship.json');
}
