// Shared documents in memory (store/shared/shared-documents.ts) that fail in every way that the promises allow: a call may throw before it
// happened, after it happened, or happen only when others have long gone on.
import type { SharedDocument, SharedDocuments } from '../../../store/shared/shared-documents.ts';

type Fate = 'happens' | 'fails' | 'happens, and the answer is lost' | 'happens later, and fails for now';

export interface UnreliableDocuments extends SharedDocuments {
  readonly documents: Map<string, { readonly text: string; readonly number: number }>;
  /** What becomes of the next writes; reads and further writes happen. */
  plan(fates: readonly Fate[]): void;
  /** What was to happen later happens. */
  settle(): void;
}

/** @param comparesNot a planted fault: the last writer wins. */
export function unreliableDocuments({
  comparesNot = false,
}: {
  readonly comparesNot?: boolean;
} = {}): UnreliableDocuments {
  const documents = new Map<string, { readonly text: string; readonly number: number }>();
  let writes = 0;
  let fates: Fate[] = [];
  let later: (() => void)[] = [];

  const put = (id: string, text: string): string => {
    writes += 1;
    documents.set(id, { text, number: writes });
    return String(writes);
  };

  const write = async <T>(work: () => T): Promise<T> => {
    // As a network does: what was asked later may happen earlier.
    await Promise.resolve();
    switch (fates.shift() ?? 'happens') {
      case 'happens':
        return work();
      case 'fails':
        throw new Error('refused');
      case 'happens, and the answer is lost':
        work();
        throw new Error('no answer');
      case 'happens later, and fails for now':
        later.push(work);
        throw new Error('no answer');
    }
  };

  return {
    documents,
    plan(next) {
      fates = [...next];
    },
    settle() {
      const due = later;
      later = [];
      for (const work of due) work();
    },
    async get(ids) {
      const found = new Map<string, SharedDocument>();
      for (const id of ids) {
        const document = documents.get(id);
        if (document !== undefined) found.set(id, { text: document.text, version: String(document.number) });
      }
      return found;
    },
    create: (some) =>
      write(() => {
        for (const [id, text] of some) if (!documents.has(id)) put(id, text);
      }),
    replace: (id, text, expected) =>
      write(() => {
        const number = documents.get(id)?.number;
        const isExpected = expected === (number === undefined ? undefined : String(number));
        return isExpected || comparesNot ? put(id, text) : undefined;
      }),
    remove: (ids) =>
      write(() => {
        for (const id of ids) documents.delete(id);
      }),
    close: async () => undefined,
  };
}

export const FATES: readonly Fate[] = [
  'happens',
  'happens',
  'happens',
  'fails',
  'happens, and the answer is lost',
  'happens later, and fails for now',
];
