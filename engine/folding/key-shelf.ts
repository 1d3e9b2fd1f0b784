// The live keys, by id and by who owns them, and which of them gives way when there are too many: of one rule on one host, or
// across hosts, the longest unused in reference order, so that what a full quota forgets is a function of the events; in all, one
// of whoever has most.
import type { EngineLimits } from '../limits.ts';
import type { FoldLedger } from './fold-ledger.ts';
import type { Owner, Queue, Slot } from './fold-queue.ts';
import type { FoldedRule } from './folded-rule.ts';
import { emptyKey, type LiveKey } from './live-key.ts';
import type { MatchRecord } from './match-record.ts';

export interface KeyShelf {
  get(keyId: string): Slot | undefined;
  /** The key of a match: the known one, or a new one, for which others may have to give way. */
  slotOf(record: MatchRecord, folded: FoldedRule, queue: Queue): Slot;
  /** A key as it was read from the state. */
  restore(
    key: LiveKey,
    place: { readonly folded: FoldedRule; readonly queue: Queue; readonly isStored: boolean },
  ): Slot;
  /** Before the key gets a state: within its owner's quota. */
  makeRoom(slot: Slot): void;
  /** After any change: whether it has a state, and, when it was seen, that it is the last that may go. */
  arrange(slot: Slot, isSeen: boolean): void;
  drop(slot: Slot): void;
  /** So many matches more (less) are kept of its keys. */
  keeps(count: number): void;
  kept(): number;
  size(): number;
  all(): readonly Slot[];
}

export function createKeyShelf(options: {
  readonly limits: EngineLimits;
  readonly ledger: FoldLedger;
  readonly onEvicted: (ruleId: string) => void;
}): KeyShelf {
  const { limits, ledger, onEvicted } = options;
  const slots = new Map<string, Slot>();
  const owners = new Map<string, Owner>();
  /** Who had most keys when it was last looked, and how many: nobody is looked at for each key that goes. */
  let heaviest: { readonly owner: Owner; readonly size: number } | undefined;
  let kept = 0;

  const ownerOf = ({ ruleVersion, hostId }: LiveKey): Owner => {
    const name = `${ruleVersion} ${hostId}`;
    let owner = owners.get(name);
    if (owner === undefined) {
      owner = { name, live: new Set(), bare: new Set() };
      owners.set(name, owner);
    }
    return owner;
  };

  const leave = (slot: Slot): void => {
    const { owner } = slot;
    owner.live.delete(slot);
    owner.bare.delete(slot);
    if (sizeOf(owner) === 0) owners.delete(owner.name);
  };

  const drop = (slot: Slot): void => {
    const { key } = slot;
    slot.isGone = true;
    slots.delete(key.id);
    slot.queue.late.delete(slot);
    leave(slot);
    kept -= key.kept.length;
    for (const record of key.kept) ledger.gone(record);
    for (const record of key.late) ledger.gone(record);
    ledger.keyChanged(slot);
  };

  const evict = (slot: Slot): void => {
    onEvicted(slot.folded.rule.id);
    drop(slot);
  };

  const mostOwning = (): Owner => {
    if (heaviest !== undefined && sizeOf(heaviest.owner) * 2 > heaviest.size) return heaviest.owner;
    let owner = firstOf(owners.values());
    for (const other of owners.values()) if (sizeOf(other) > sizeOf(owner)) owner = other;
    heaviest = { owner, size: sizeOf(owner) };
    return owner;
  };

  /** Of the one who asks for more, where that one has its share; else of whoever has most. */
  const firstToGo = (asking: Owner): Slot => {
    const share = limits.foldedKeysMax / Math.max(1, owners.size);
    const { bare, live } = sizeOf(asking) > 0 && sizeOf(asking) >= share ? asking : mostOwning();
    return firstOf(bare.size > 0 ? bare : live);
  };

  const put = (key: LiveKey, { folded, queue, isStored }: { folded: FoldedRule; queue: Queue; isStored: boolean }) => {
    const owner = ownerOf(key);
    const slot: Slot = {
      key,
      folded,
      owner,
      queue,
      dueMs: Number.POSITIVE_INFINITY,
      isSettling: false,
      isGone: false,
      isStored,
      lateSinceMs: undefined,
    };
    slots.set(key.id, slot);
    owner.bare.add(slot);
    return slot;
  };

  return {
    get: (keyId) => slots.get(keyId),
    slotOf(record, folded, queue) {
      const known = slots.get(record.keyId);
      if (known !== undefined) return known;
      const { keyId: id, key, ruleVersion } = record;
      const empty = emptyKey({ id, key, ruleVersion, hostId: queue.hostId });
      while (slots.size >= limits.foldedKeysMax) evict(firstToGo(ownerOf(empty)));
      return put(empty, { folded, queue, isStored: false });
    },
    restore: put,
    makeRoom({ owner, folded }) {
      const max = folded.isHostBound ? limits.keysPerRuleAndHostMax : limits.keysPerRuleMax;
      while (owner.live.size >= max) evict(firstOf(owner.live));
    },
    arrange(slot, isSeen) {
      const { live, bare } = slot.owner;
      if (slot.key.state === undefined) {
        if (live.delete(slot)) bare.add(slot);
        return;
      }
      if (isSeen) live.delete(slot);
      bare.delete(slot);
      live.add(slot);
    },
    drop,
    keeps(count) {
      kept += count;
    },
    kept: () => kept,
    size: () => slots.size,
    all: () => [...slots.values()],
  };
}

function sizeOf({ live, bare }: Owner): number {
  return live.size + bare.size;
}

function firstOf<Member>(members: Iterable<Member>): Member {
  for (const member of members) return member;
  throw new Error('There is nothing to remove.');
}
