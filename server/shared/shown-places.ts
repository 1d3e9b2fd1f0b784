// Up to which generation of each group the server has taken what was found into its own state: the groups' owners then remove it.
import type { SharedDocuments } from '../../store/shared/shared-documents.ts';

const SHOWN_ID = 'shown';

export async function readShown(documents: Pick<SharedDocuments, 'get'>): Promise<ReadonlyMap<number, number>> {
  const text = (await documents.get([SHOWN_ID])).get(SHOWN_ID)?.text;
  return new Map(text === undefined ? [] : (JSON.parse(text) as readonly [number, number][]));
}

/** One server writes it: a second one publishes nothing (control-publisher.ts). */
export async function writeShown(documents: SharedDocuments, places: ReadonlyMap<number, number>): Promise<void> {
  const before = (await documents.get([SHOWN_ID])).get(SHOWN_ID);
  const text = JSON.stringify([...places]);
  if (before?.text !== text) await documents.replace(SHOWN_ID, text, before?.version);
}
