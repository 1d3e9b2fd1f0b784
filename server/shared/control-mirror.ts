// The control log as engines see it: rule versions with their texts, quarantines and releases, published by the one server that has the
// rule files (control-publisher.ts). An engine reads no rule file, so two engines never differ in their rules.
//
//   control.N   {"v":1,"entry":{…},"sources":{VERSION:TEXT}}   the N-th entry, from 1; in parts (store/shared/parts.ts)
import { partsOf, readTexts } from '../../store/shared/parts.ts';
import { type SharedDocuments, SharedStateDamaged } from '../../store/shared/shared-documents.ts';
import type { ControlEntry, ControlLogPort } from '../../store/state/state-port.ts';

const FORMAT = 1;
/** Entries that are looked for at once. */
const AHEAD = 20;

export interface ControlMirror extends Pick<ControlLogPort, 'entries' | 'source'> {
  /** Everything that was published before the call is there when it resolves. Answers whether something new came. */
  refresh(): Promise<boolean>;
  /** Called after new entries came. */
  onChange(listener: () => void): void;
}

export interface PublishedEntry {
  readonly entry: ControlEntry;
  readonly sources: Readonly<Record<string, string>>;
}

export function entryParts(number: number, published: PublishedEntry): ReadonlyMap<string, string> {
  return partsOf(entryId(number), JSON.stringify({ v: FORMAT, ...published }));
}

/** Entries from number `first` on, as many as there are. */
export async function readPublished(
  documents: Pick<SharedDocuments, 'get'>,
  first: number,
): Promise<readonly PublishedEntry[]> {
  const published: PublishedEntry[] = [];
  for (;;) {
    const from = first + published.length;
    const ids = Array.from({ length: AHEAD }, (_, at) => entryId(from + at));
    const found = await documents.get(ids.map((id) => `${id}.0`));
    const gap = ids.findIndex((id) => !found.has(`${id}.0`));
    const some = gap === -1 ? ids : ids.slice(0, gap);
    const texts = some.length === 0 ? new Map<string, string>() : await readTexts(documents, some);
    published.push(...some.map((id) => entryOf(id, texts.get(id))));
    if (gap !== -1) return published;
  }
}

export function createControlMirror(documents: Pick<SharedDocuments, 'get'>): ControlMirror {
  const entries: ControlEntry[] = [];
  const sources = new Map<string, string>();
  const listeners: (() => void)[] = [];
  let looking: Promise<boolean> | undefined;
  let next: Promise<boolean> | undefined;

  const look = async (): Promise<boolean> => {
    const news = await readPublished(documents, entries.length + 1);
    for (const { entry, sources: texts } of news) {
      entries.push(entry);
      for (const [version, text] of Object.entries(texts)) sources.set(version, text);
    }
    if (news.length > 0) for (const listener of listeners) listener();
    return news.length > 0;
  };
  const begin = (): Promise<boolean> => {
    looking = look().finally(() => {
      looking = undefined;
    });
    return looking;
  };

  return {
    entries: () => entries,
    source: (version) => sources.get(version),
    refresh() {
      if (looking === undefined) return begin();
      // One that is under way may have looked too early.
      next ??= looking
        .catch(() => false)
        .then(() => {
          next = undefined;
          return looking ?? begin();
        });
      return next;
    },
    onChange: (listener) => void listeners.push(listener),
  };
}

function entryId(number: number): string {
  return `control.${number}`;
}

function entryOf(id: string, text: string | undefined): PublishedEntry {
  const { v, ...published } = JSON.parse(text ?? '{}') as PublishedEntry & { readonly v?: unknown };
  if (v !== FORMAT) throw new SharedStateDamaged(`${id} has format ${String(v)}, this version reads ${FORMAT}`);
  return published;
}
