// Lets go of whole indices. One that goes is closed to writers first, then noted (lost-index.ts), then deleted: what comes for it
// meanwhile is refused for the moment, and finds a new index of that name when it is sent again. A kill in between leaves an index
// that takes no events; the next run goes on with it.
import type { Client } from '@elastic/elasticsearch';
import type { Hold, RetainRequest, RetainResponse } from '../port.ts';
import { carryOut, type Droppable, planRetention } from '../retain.ts';
import { aroundRange } from './counting.ts';
import { ALL, allOf, anyOf, NONE } from './dialect.ts';
import type { IndexBook } from './index-book.ts';
import { spanOf } from './index-names.ts';
import { WRAPPED_MARK } from './mapping.ts';

interface Partition extends Droppable {
  readonly uuid: string;
}

export async function retain(
  client: Client,
  { prefix, book }: { readonly prefix: string; readonly book: IndexBook },
  request: RetainRequest,
): Promise<RetainResponse> {
  const index = `${prefix}-*`;
  await client.indices.refresh({ index, ignore_unavailable: true });
  const stats = await client.indices.stats({ index, metric: ['docs', 'store'] });
  const partitions = Object.entries(stats.indices ?? {}).flatMap(
    ([name, { uuid = '', primaries, total }]): Partition[] => {
      const span = spanOf(name, prefix);
      if (span === undefined) return [];
      const toMs = span.untilMs - 1;
      const [events, bytes] = [primaries?.docs?.count ?? 0, total?.store?.size_in_bytes ?? 0];
      return [{ name, uuid, events, bytes, fromMs: span.fromMs, toMs, ageMs: toMs }];
    },
  );
  const others = new Set(
    (await book.targets({ kind: 'all' }, { fields: ['host.id'] })).flatMap((target) =>
      target.condition.subset === NONE ? target.index : [],
    ),
  );
  const plan = await planRetention(partitions, stats._all?.total?.store?.size_in_bytes ?? 0, {
    ...request,
    isHeld: ({ name }, hold) => isHeld(client, name, hold, others.has(name) || others.has(index)),
  });
  return carryOut(plan, request, (partition) => drop(client, prefix, partition));
}

/** `isUnfit`: nothing but times can be asked of the index. */
async function isHeld(client: Client, index: string, hold: Hold, isUnfit: boolean): Promise<boolean> {
  const times = anyOf(['@timestamp', 'event.created'].map((field) => aroundRange(hold, field)));
  const hosts = [
    { term: { 'host.id': hold.hostId } },
    { term: { [WRAPPED_MARK]: 'yes' } },
    { term: { _ignored: 'host.id' } },
  ];
  const query = allOf([times, hold.hostId === undefined || isUnfit ? ALL : anyOf(hosts)]);
  return (await client.count({ index, query })).count > 0;
}

async function drop(client: Client, prefix: string, { name, uuid, events }: Partition): Promise<boolean> {
  await client.indices.addBlock({ index: name, block: 'write' });
  await client.indices.refresh({ index: name });
  const stats = await client.indices.stats({ index: name, level: 'shards', metric: 'docs' });
  const found = stats.indices?.[name];
  if (found === undefined) return false;
  if (found.uuid !== uuid || found.primaries?.docs?.count !== events) {
    // It got events since it was looked at: who asked is told of them the next time.
    await client.indices.putSettings({ index: name, settings: { 'index.blocks.write': null } });
    return false;
  }
  const numbers: number[] = [];
  for (const [shard, copies] of Object.entries(found.shards ?? {})) {
    numbers[Number(shard)] = copies.reduce((most, copy) => Math.max(most, copy.seq_no?.max_seq_no ?? -1), -1);
  }
  await client.index({ index: `${prefix}_dropped`, id: uuid, document: { name, events, numbers } });
  await client.indices.delete({ index: name });
  return true;
}
