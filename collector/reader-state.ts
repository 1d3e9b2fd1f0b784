// What the reading side keeps of itself, every few seconds: so that after any kill the serials that are missing and the time that
// nobody watched can still be told. Events that were spooled after the last save are read back from the spool.
//
//   reader.json   {"formatVersion":1,"bootId","position","timeMs","watchedUntilMs","isClean","ledger":{…}}
import { join } from 'node:path';
import { readState, replaceFile } from './durable-file.ts';
import type { LedgerState } from './loss-ledger.ts';
import type { Gap } from './serial-account.ts';

const FORMAT_VERSION = 1;

export interface ReaderState {
  readonly bootId: string;
  /** The ledger has seen every event up to this position. */
  readonly position: number;
  /** The latest `event.created`. */
  readonly createdMs: number;
  /** Until then everything that happened was read. */
  readonly watchedUntilMs: number;
  /** True when the collector ended in good order. */
  readonly isClean: boolean;
  readonly ledger: LedgerState;
}

export function saveReaderState(folder: string, state: ReaderState, mustSurvivePowerLoss: boolean): void {
  replaceFile(pathIn(folder), `${JSON.stringify({ formatVersion: FORMAT_VERSION, ...state })}\n`, mustSurvivePowerLoss);
}

/** The kept state, or undefined when there is none that can be read. */
export function loadReaderState(folder: string): ReaderState | undefined {
  const kept = readState(pathIn(folder), FORMAT_VERSION);
  if (kept === undefined) return undefined;
  const { bootId, position, createdMs, watchedUntilMs, isClean } = kept;
  const ledger = ledgerOf(kept['ledger']);
  if (typeof bootId !== 'string' || !isNumber(position) || !isNumber(createdMs) || !isNumber(watchedUntilMs)) {
    return undefined;
  }
  return ledger === undefined
    ? undefined
    : { bootId, position, createdMs, watchedUntilMs, isClean: isClean === true, ledger };
}

function ledgerOf(value: unknown): LedgerState | undefined {
  const ledger = objectOf(value);
  const serials = objectOf(ledger?.['serials']);
  const gaps = serials?.['gaps'];
  if (ledger === undefined || serials === undefined || !Array.isArray(gaps)) return undefined;
  const highest = objectOf(serials['highest']);
  const serial = highest?.['serial'];
  const timeMs = highest?.['timeMs'];
  const { kernelLost, checkedMs } = ledger;
  return {
    serials: {
      highest: isNumber(serial) && isNumber(timeMs) ? { serial, timeMs } : undefined,
      gaps: gaps.filter(isGap),
    },
    kernelLost: isNumber(kernelLost) ? kernelLost : undefined,
    checkedMs: isNumber(checkedMs) ? checkedMs : undefined,
  };
}

function isGap(value: unknown): value is Gap {
  const gap = objectOf(value);
  return gap !== undefined && ['first', 'last', 'fromMs', 'toMs', 'sinceMs'].every((name) => isNumber(gap[name]));
}

function objectOf(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}

function pathIn(folder: string): string {
  return join(folder, 'reader.json');
}
