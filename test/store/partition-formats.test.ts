// Partitions of earlier formats are read as they are: a hot one and a cold one of format 1, as that release wrote them, with the
// documents that went in.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type EmbeddedStore, openEmbeddedStore } from '../../store/embedded/embedded-store.ts';
import { parseQuery } from '../../store/query/parse.ts';
import { START_MS } from '../contract/event-samples.ts';

const ALL = { fromMs: 0, untilMs: 1e15 };

interface Sample {
  readonly files: Readonly<Record<string, string>>;
  readonly events: readonly { readonly id: string; readonly json: string }[];
}

const { files, events }: Sample = JSON.parse(
  gunzipSync(readFileSync(join(import.meta.dirname, '../data/partitions-format-1.json.gz'))).toString(),
);
const folder = mkdtempSync(join(tmpdir(), 'vedette-format-'));
let store: EmbeddedStore;

beforeAll(async () => {
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), Buffer.from(content, 'base64'));
  }
  store = await openEmbeddedStore({ folder, nowMs: () => START_MS });
});

afterAll(async () => {
  await store.close();
  rmSync(folder, { recursive: true, force: true });
});

async function found(text: string): Promise<readonly string[]> {
  const parsed = parseQuery(text, 0);
  if (!parsed.ok) throw new Error(parsed.diagnostic.message);
  const { events: hits } = await store.search({ query: parsed.query, range: ALL, limit: 100 });
  return hits.map(({ id }) => id).sort();
}

it('gives back each document of format 1 under its id, hot and cold', async () => {
  expect(events).toHaveLength(28);
  for (const { id, json } of events) expect(await store.get(id)).toEqual(JSON.parse(json));
});

it('scans and follows them', async () => {
  const scanned: string[] = [];
  for await (const batch of store.scan(ALL)) for (const event of batch) scanned.push(event.id);
  expect(scanned.sort()).toEqual(events.map(({ id }) => id).sort());
});

it('finds them by what format 2 keeps in another form', async () => {
  const collected = events.filter(({ id }) => id.startsWith('h1.5a3c9f10.')).map(({ id }) => id);
  const [first = ''] = collected;
  expect(collected).toHaveLength(7);
  for (const [text, expected] of [
    ['process.entity_id:"h1.5a3c9f10.4001.98766"', [first]],
    ['process.entity_id:H1.5A3C9F10.4001.98766', [first]],
    ['process.parent.entity_id:h1.5a3c9f10.900.e*', collected],
    ['"arch=c000003e"', collected],
    ['":701)"', [first]],
    ['event.original:*exe*ls*', collected],
    ['destination.ip:10.2.0.0/15', collected],
    ['related.ip:"2001:db8::/32"', collected],
  ] as const)
    expect([text, await found(text)]).toEqual([text, [...expected].sort()]);
});

it('knows them again, and writes beside them', async () => {
  const again = events.map(({ id, json }) => ({ id, document: JSON.parse(json) }));
  expect(new Set((await store.append(again)).map(({ kind }) => kind))).toEqual(new Set(['duplicate']));
});
