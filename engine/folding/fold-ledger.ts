// What of the keys and their matches is to be written with the next commit. Each match is an entry of its own: written when it comes,
// again when what it is changes, and removed once. What came and went within one step is never written.
import type { Slot } from './fold-queue.ts';
import { baseKey, baseText, matchKey, matchText } from './folding-text.ts';
import type { MatchRecord, RecordPlace } from './match-record.ts';

export interface FoldLedger {
  /** The match is in this place now. */
  put(record: MatchRecord, place: RecordPlace): void;
  /** As it was read: nothing is to be written. */
  restored(record: MatchRecord, place: RecordPlace): void;
  /** It is nowhere any more. */
  gone(record: MatchRecord): void;
  /** It is one that is known by another record of the same name: that one stays, in this place. */
  isTwinOf(record: MatchRecord, known: MatchRecord, place: RecordPlace): void;
  /** What is stored of the key besides its matches changed, or the key is gone. */
  keyChanged(slot: Slot): void;
  /** An entry that belongs to no rule any more. */
  baseGone(keyId: string): void;
  /** The matches that stand for this detection. */
  ofDetection(detectionId: string): readonly MatchRecord[];
  /** Puts there what changed since the last call. `isHeld`: of keys that are still being filled only the matches are written. */
  takeChanges(into: Map<string, string | undefined>, isHeld: (slot: Slot) => boolean): void;
}

export function createFoldLedger(): FoldLedger {
  const changed = new Map<MatchRecord, RecordPlace | undefined>();
  const changedKeys = new Set<Slot>();
  const baseless = new Set<string>();
  const byDetection = new Map<string, Set<MatchRecord>>();

  const remember = (record: MatchRecord): void => {
    const { detectionId } = record;
    if (detectionId === undefined) return;
    const known = byDetection.get(detectionId);
    if (known === undefined) byDetection.set(detectionId, new Set([record]));
    else known.add(record);
  };

  const forget = (record: MatchRecord): void => {
    const { detectionId } = record;
    const known = detectionId === undefined ? undefined : byDetection.get(detectionId);
    known?.delete(record);
    if (detectionId !== undefined && known?.size === 0) byDetection.delete(detectionId);
  };

  return {
    put(record, place) {
      remember(record);
      if (record.storedAs === place) changed.delete(record);
      else changed.set(record, place);
    },
    restored(record, place) {
      remember(record);
      record.storedAs = place;
    },
    gone(record) {
      forget(record);
      if (record.storedAs !== undefined) changed.set(record, undefined);
      else changed.delete(record);
    },
    isTwinOf(record, known, place) {
      forget(record);
      changed.delete(record);
      // What was written of the twin stands under the name of both.
      if (record.storedAs === undefined) return;
      record.storedAs = undefined;
      changed.set(known, place);
    },
    keyChanged: (slot) => void changedKeys.add(slot),
    baseGone: (keyId) => void baseless.add(keyId),
    ofDetection: (detectionId) => [...(byDetection.get(detectionId) ?? [])],
    takeChanges(changes, isHeld) {
      for (const [record, place] of changed) {
        record.storedAs = place;
        changes.set(matchKey(record), place && matchText(record, place));
      }
      for (const id of baseless) changes.set(baseKey(id), undefined);
      for (const slot of changedKeys) {
        const { key, folded, isGone, isStored } = slot;
        if (!isGone && isHeld(slot)) continue;
        if (isGone && !isStored) continue;
        // A key that came again since has written its own.
        if (isGone && changes.get(baseKey(key.id)) !== undefined) continue;
        slot.isStored = !isGone;
        changes.set(baseKey(key.id), isGone ? undefined : baseText(key, folded.findsByTime));
      }
      changed.clear();
      changedKeys.clear();
      baseless.clear();
    },
  };
}
