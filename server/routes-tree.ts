// Process trees of the stored events.
import type { TreeApiResponse } from './api.ts';
import { problem } from './api-error.ts';
import { API_PREFIX, type Http } from './http.ts';
import { processTree } from './process-tree.ts';
import { fieldsOf, optionalTimeIn, optionalWholeIn, textIn } from './request-shape.ts';
import { EVENT_ID_CHARS_MAX } from './routes-around.ts';
import type { SearchContext } from './routes-search.ts';

const TREE_LIMIT = 1_000;
const TREE_LIMIT_MAX = 10_000;

export function treeRoutes({ app, needs }: Http, { store, desk, now }: SearchContext): void {
  app.post(`${API_PREFIX}/tree`, needs('read'), async (request, reply) => {
    const body = fieldsOf(request.body);
    const id = textIn(body, 'id', EVENT_ID_CHARS_MAX);
    const sinceMs = optionalTimeIn(body, 'sinceMs');
    const untilMs = optionalTimeIn(body, 'untilMs') ?? now() + 1;
    const limit = optionalWholeIn(body, 'limit', { min: 1, max: TREE_LIMIT_MAX }) ?? TREE_LIMIT;
    return desk.run({ request, reply }, async ({ signal, progress }): Promise<TreeApiResponse> => {
      const tree = await processTree(store, { id, sinceMs, untilMs, limit, signal, progress });
      if (typeof tree !== 'string') return tree;
      throw tree === 'unknown'
        ? problem(
            404,
            'no-process',
            'no stored event tells of such a process',
            'Give an entity id (process.entity_id), or the id of an event of a process: --fields _id,process.entity_id shows both.',
          )
        : problem(
            404,
            'no-lineage',
            'this event does not say of which process it is',
            'Logs that were imported have no lineage. Look for process.pid and process.parent.pid on that host.',
          );
    });
  });
}
