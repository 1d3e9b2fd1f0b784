// Which indices there are, and which of their fields are mapped as ours: of any other field the index tells nothing for certain. That
// is so in an index that somebody made otherwise, that a collector made before the cluster was set up, or that an older version made.
import type { Client } from '@elastic/elasticsearch';
import { FIELDS } from '../../event/catalogue.ts';
import type { Query } from '../query/query.ts';
import { ALL, type Condition, conditionOf, fieldsOf, NONE } from './dialect.ts';
import { mappingOf, WRAPPED_FIELD, WRAPPED_MARK } from './mapping.ts';

/** Mappings that are fetched in one request. */
const FETCHED_AT_ONCE = 25;
/** Indices of which the verdict is kept. */
const KNOWN_MAX = 20_000;

/** More are not named one by one in a request's path. */
const NAMED_MAX = 60;

/** Indices that are asked alike. */
export interface Target {
  readonly index: string[];
  readonly condition: Condition;
}

export interface IndexBook {
  /** Where to look for a query's events, and what to ask there. `fields`: further ones that the answer is made of. */
  targets(
    query: Query,
    options?: { readonly fields?: readonly string[]; readonly signal?: AbortSignal | undefined },
  ): Promise<readonly Target[]>;
}

/** Fields that are not mapped as ours; `all` where nothing can be relied on. */
type Misfits = ReadonlySet<string> | 'all';

export function createIndexBook(client: Client, pattern: string, warn: (text: string) => void): IndexBook {
  const known = new Map<string, Misfits>();

  const learn = async (indices: readonly (readonly [name: string, uuid: string])[]): Promise<void> => {
    for (let at = 0; at < indices.length; at += FETCHED_AT_ONCE) {
      const some = indices.slice(at, at + FETCHED_AT_ONCE);
      const mappings = await client.indices.getMapping({
        index: some.map(([name]) => name),
        ignore_unavailable: true,
      });
      for (const [name, uuid] of some) {
        const mapping = mappings[name]?.mappings as Entry | undefined;
        if (mapping === undefined) continue;
        const misfits = misfitsOf(mapping);
        if (known.size >= KNOWN_MAX) known.clear();
        known.set(uuid, misfits);
        if (misfits === 'all') {
          warn(
            `the index ${name} was not made by Vedette’s template: it is read in full by every search (run \`vedette store init\`)`,
          );
        }
      }
    }
  };

  const unfit = async (fields: readonly string[], signal: AbortSignal | undefined): Promise<readonly string[]> => {
    const indices = await uuidsOf(client, pattern, signal);
    const unknown = [...indices].filter(([, uuid]) => !known.has(uuid));
    if (unknown.length > 0) await learn(unknown);
    return [...indices].flatMap(([name, uuid]) => {
      const misfits = known.get(uuid) ?? 'all';
      return misfits === 'all' || fields.some((field) => misfits.has(rootOf(field))) ? [name] : [];
    });
  };

  return {
    async targets(query, { fields = [], signal } = {}) {
      const others = await unfit([...fieldsOf(query), ...fields], signal);
      if (others.length > NAMED_MAX) return [{ index: [pattern], condition: UNKNOWN }];
      const ours = { index: [pattern, ...others.map((name) => `-${name}`)], condition: conditionOf(query) };
      return others.length === 0 ? [ours] : [ours, { index: [...others], condition: UNKNOWN }];
    },
  };
}

/** Anything may be meant: it has to be read. */
const UNKNOWN: Condition = { superset: ALL, subset: NONE };

/** The open and closed indices of a pattern with their UUIDs: from the cluster’s state, so also while their shards are away. */
export async function uuidsOf(
  client: Client,
  pattern: string,
  signal?: AbortSignal,
): Promise<ReadonlyMap<string, string>> {
  const answer = await client.indices.getSettings(
    { index: pattern, expand_wildcards: 'all', filter_path: '*.settings.index.uuid', allow_no_indices: true },
    signal === undefined ? {} : { signal },
  );
  return new Map(Object.entries(answer).map(([name, { settings }]) => [name, settings?.index?.uuid ?? '']));
}

interface Entry {
  readonly [name: string]: unknown;
  readonly properties?: Readonly<Record<string, Entry>>;
}

function misfitsOf(mapping: Entry): Misfits {
  const entryOf = (name: string): Entry | undefined => {
    let entry: Entry | undefined = mapping;
    for (const part of name.split('.')) {
      const properties: Readonly<Record<string, Entry>> = entry?.properties ?? {};
      entry = Object.hasOwn(properties, part) ? properties[part] : undefined;
    }
    return entry;
  };
  if (entryOf(WRAPPED_MARK)?.['type'] !== 'keyword' || entryOf(WRAPPED_FIELD) === undefined) return 'all';
  const misfits = new Set(
    FIELDS.filter((field) => !isOurs(entryOf(field.name), mappingOf(field))).map(({ name }) => name),
  );
  return misfits.has('@timestamp') || misfits.has('event.created') ? 'all' : misfits;
}

function isOurs(entry: Entry | undefined, ours: Entry): boolean {
  if (entry === undefined) return false;
  for (const name of new Set([...Object.keys(entry), ...Object.keys(ours)])) {
    // Left out where it is what the index mode does anyway; what is ignored is named in any case.
    if (name === 'norms' || name === 'ignore_malformed' || (name === 'ignore_above' && ours['type'] === 'keyword'))
      continue;
    if (entry[name] !== ours[name]) return false;
  }
  return true;
}

/** The catalogue’s field that a field is, or is inside of. */
function rootOf(field: string): string {
  if (NAMES.has(field)) return field;
  for (let end = field.lastIndexOf('.'); end > 0; end = field.lastIndexOf('.', end - 1)) {
    if (NAMES.has(field.slice(0, end))) return field.slice(0, end);
  }
  return field;
}

const NAMES: ReadonlySet<string> = new Set(FIELDS.map(({ name }) => name));
