// How the work is cut up, written once for good: how many rule groups there are, and where the store is followed from.
//
//   layout   {"v":1,"groups":4,"cursor":…}
import { type SharedDocuments, SharedStateDamaged } from '../../store/shared/shared-documents.ts';

const LAYOUT_ID = 'layout';
const FORMAT = 1;

export interface Layout {
  readonly groups: number;
  /** Events up to here were judged before there were groups. */
  readonly cursor?: string;
}

export async function readLayout(documents: Pick<SharedDocuments, 'get'>): Promise<Layout | undefined> {
  const document = (await documents.get([LAYOUT_ID])).get(LAYOUT_ID);
  if (document === undefined) return undefined;
  const { v, ...layout } = JSON.parse(document.text) as Layout & { readonly v: unknown };
  if (v !== FORMAT)
    throw new SharedStateDamaged(`the shared layout has format ${String(v)}, this version reads ${FORMAT}`);
  return layout;
}

/** The layout that holds: this one, where there was none before. */
export async function settleLayout(documents: SharedDocuments, layout: Layout): Promise<Layout> {
  const found = await readLayout(documents);
  if (found !== undefined) return found;
  await documents.create(new Map([[LAYOUT_ID, JSON.stringify({ v: FORMAT, ...layout })]]));
  return (await readLayout(documents)) ?? layout;
}
