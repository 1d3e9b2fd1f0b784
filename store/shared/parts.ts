// A long text as several documents that are written once. The first begins with how many there are.
import { type SharedDocuments, SharedStateDamaged } from './shared-documents.ts';

/** Characters of one document: far below what a request may hold. */
const PART_CHARS_MAX = 2_000_000;
/** Documents of one request. */
const ASKED_AT_ONCE = 100;

/** The documents of a text under an id: `ID.0`, `ID.1`, … */
export function partsOf(id: string, text: string): ReadonlyMap<string, string> {
  const parts = new Map<string, string>();
  const count = Math.max(1, Math.ceil(text.length / PART_CHARS_MAX));
  for (let at = 0; at < count; at += 1) {
    const part = text.slice(at * PART_CHARS_MAX, (at + 1) * PART_CHARS_MAX);
    parts.set(`${id}.${at}`, at === 0 ? `${count}:${part}` : part);
  }
  return parts;
}

/** Texts by id. Throws {@link SharedStateDamaged} where one is not all there. */
export async function readTexts(
  documents: Pick<SharedDocuments, 'get'>,
  ids: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const texts = new Map<string, string>();
  for (let at = 0; at < ids.length; at += ASKED_AT_ONCE) {
    const some = ids.slice(at, at + ASKED_AT_ONCE);
    const firsts = await documents.get(some.map((id) => `${id}.0`));
    for (const id of some) texts.set(id, await wholeText(documents, id, firsts.get(`${id}.0`)?.text));
  }
  return texts;
}

async function wholeText(
  documents: Pick<SharedDocuments, 'get'>,
  id: string,
  first: string | undefined,
): Promise<string> {
  const colon = first?.indexOf(':') ?? -1;
  const [count, begin] = [first?.slice(0, colon), first?.slice(colon + 1)];
  if (colon < 1 || begin === undefined) throw new SharedStateDamaged(`the document ${id}.0 is missing`);
  const others = Array.from({ length: Number(count) - 1 }, (_, at) => `${id}.${at + 1}`);
  const found = others.length === 0 ? new Map() : await documents.get(others);
  return others.reduce((text, other) => {
    const part = found.get(other)?.text;
    if (part === undefined) throw new SharedStateDamaged(`the document ${other} is missing`);
    return text + part;
  }, begin);
}

/** Ids of all documents that a text of `count` parts was written as. */
export function partIds(id: string, count: number): readonly string[] {
  return Array.from({ length: count }, (_, at) => `${id}.${at}`);
}
