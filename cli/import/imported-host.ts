// Which host imported lines belong to: the one that they name, else the one that the person names. Never this one by itself.
import { createHash } from 'node:crypto';
import type { HostIdentity } from '../../audit/event.ts';
import type { LogOrigin } from '../../audit/foreign-line.ts';
import { hostIdOf } from '../../collector/host-identity.ts';
import { HOST_ID_PATTERN } from '../../event/id.ts';

const NAME_LENGTH_MAX = 255;
const READABLE_LENGTH_MAX = 40;
/** Names whose ids are remembered. */
const IDS_MAX = 8192;
/** Boots of one list. */
const BOOTS_MAX = 100_000;

/** A boot and its first moment. */
export interface Boot {
  readonly bootId: string;
  readonly fromMs: number;
}

/** What the person says of the host whose lines say nothing of it, or only its name. */
export interface GivenHost {
  readonly name: string | undefined;
  /** Its `host.id`, where a collector runs on it too: then an event has one id, whichever way it came. */
  readonly id: string | undefined;
  /** Its boots, the earliest first. */
  readonly boots: readonly Boot[];
}

export interface HostNaming {
  hostOf(origin: LogOrigin, timeMs: number): HostIdentity;
  /** True once a line named no host, and nobody else did. */
  isHostMissing(): boolean;
}

export function createHostNaming(given: GivenHost): HostNaming {
  const ids = new Map<string, string>();
  let isMissing = false;
  const idOf = (name: string): string => {
    const known = ids.get(name);
    if (known !== undefined) return known;
    const id = hostIdOfName(name);
    if (ids.size >= IDS_MAX) ids.delete(ids.keys().next().value ?? '');
    ids.set(name, id);
    return id;
  };
  return {
    hostOf(origin, timeMs) {
      const name = origin.name ?? origin.id ?? given.name ?? given.id;
      if (name === undefined) isMissing = true;
      const isGiven = origin.id === undefined && origin.machineId === undefined && name === (given.name ?? given.id);
      const named = isGiven ? given.id : origin.machineId === undefined ? origin.id : hostIdOf(origin.machineId);
      const bootId = origin.bootId ?? (isGiven ? bootAt(given.boots, timeMs) : '');
      return { id: idOf(named ?? name ?? 'unknown'), name: (name ?? 'unknown').slice(0, NAME_LENGTH_MAX), bootId };
    },
    isHostMissing: () => isMissing,
  };
}

/** The name where it can be an id; else its readable part and a digest, so that two names never share an id. */
export function hostIdOfName(name: string): string {
  if (HOST_ID_PATTERN.test(name)) return name;
  const readable = name.replace(/[^A-Za-z0-9_-]+/g, '-').slice(0, READABLE_LENGTH_MAX);
  return `${readable}-${createHash('sha256').update(name).digest('hex').slice(0, 8)}`;
}

/** A boot id with its dashes, or undefined when the text is none. */
export function bootIdOfText(text: string): string | undefined {
  const hex = text.trim().replaceAll('-', '').toLowerCase();
  if (!/^[0-9a-f]{32}$/.test(hex)) return undefined;
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

/** The list that `journalctl --list-boots -o json` prints, earliest first; undefined when the text is no such list. */
export function bootsOfText(text: string): readonly Boot[] | undefined {
  let list: unknown;
  try {
    list = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!Array.isArray(list) || list.length === 0 || list.length > BOOTS_MAX) return undefined;
  const boots: Boot[] = [];
  for (const entry of list as readonly unknown[]) {
    const { boot_id: id, first_entry: first } = (entry ?? {}) as {
      readonly boot_id?: unknown;
      readonly first_entry?: unknown;
    };
    const bootId = typeof id === 'string' ? bootIdOfText(id) : undefined;
    if (bootId === undefined || typeof first !== 'number' || !Number.isFinite(first)) return undefined;
    boots.push({ bootId, fromMs: Math.floor(first / 1000) });
  }
  return boots.sort((a, b) => a.fromMs - b.fromMs);
}

function bootAt(boots: readonly Boot[], timeMs: number): string {
  return boots.findLast(({ fromMs }) => fromMs <= timeMs)?.bootId ?? '';
}
