// What a `_bulk` answer says of one event, in Elasticsearch's words. Pure.
import type { AppendResult } from '../store/port.ts';
import type { BulkItem } from './bulk-reader.ts';

/** What an answer calls an event's index where the sender named none. */
const INDEX_NAME = 'vedette-events';

export interface ItemAnswer {
  readonly _index: string;
  readonly _id: string | null;
  readonly status: number;
  readonly result?: 'created' | 'noop';
  readonly error?: { readonly type: string; readonly reason: string };
}

export function nameOf(
  item: BulkItem,
  request: { readonly index: string | undefined },
): { readonly _index: string; readonly _id: string | null } {
  return { _index: item.index ?? request.index ?? INDEX_NAME, _id: item.id ?? null };
}

export function answerOf(
  { action, id }: BulkItem,
  name: { readonly _index: string; readonly _id: string | null },
  result: AppendResult,
): ItemAnswer {
  switch (result.kind) {
    case 'created':
      return { ...name, status: 201, result: 'created' };
    case 'duplicate': {
      // Its id was made of what it holds, so what is stored is what was to be written: to `index` that is no conflict.
      if (action === 'index' && id === undefined) return { ...name, status: 200, result: 'noop' };
      const reason = `[${name._id}]: version conflict, document already exists`;
      return { ...name, status: 409, error: { type: 'version_conflict_engine_exception', reason } };
    }
    case 'rejected':
      return { ...name, status: 400, error: { type: 'document_parsing_exception', reason: result.reason } };
  }
}
