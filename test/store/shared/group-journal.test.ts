// A rule group's journal: who may write it, what is read back, what is kept. (That nothing is lost or doubled however processes die is
// the property of test/engine/exactness-of-processes.test.ts.)
import { describe, expect, it } from 'vitest';
import { type HeldGroup, readOutcomes, seeGroups, takeGroup } from '../../../store/shared/group-journal.ts';
import { NO_FIGURES, type PackedOutcome, unpackOutcome } from '../../../store/shared/group-outcome.ts';
import type { SharedDocuments } from '../../../store/shared/shared-documents.ts';
import { unreliableDocuments } from './unreliable-documents.ts';

const outcome = (id: string): PackedOutcome => ({
  steps: [],
  sent: [{ id, outcome: { kind: 'sent', atMs: 1 } }],
  control: [],
  health: [],
});

async function taken(documents: SharedDocuments, owner: string): Promise<HeldGroup> {
  const seen = (await seeGroups(documents, 1)).get(0);
  const held = await takeGroup(documents, 0, { seen, owner, monotonicMs: () => 7, snapshotAfter: 4 });
  if (held === undefined) throw new Error('somebody else was first');
  await held.load();
  return held;
}

const write = (held: HeldGroup, key: string, text: string | undefined) =>
  held.commit(new Map([[key, text]]), outcome(`${key} ${text?.slice(0, 5)}`), NO_FIGURES);

async function shown(documents: SharedDocuments): Promise<readonly string[]> {
  const record = (await seeGroups(documents, 1)).get(0)?.record;
  if (record === undefined) return [];
  const outcomes = await readOutcomes(documents, 0, { record, first: record.outcomesFrom, limit: 1_000 });
  return outcomes.flatMap(({ text }) => unpackOutcome(text).sent.map(({ id }) => id));
}

describe('a rule group’s journal', () => {
  it('gives back the state as the last generation left it, through snapshots and owners', async () => {
    const documents = unreliableDocuments();
    const one = await taken(documents, 'one');
    for (let at = 0; at < 10; at += 1) expect(await write(one, `key ${at % 3}`, `text ${at}`)).toBe(true);
    await write(one, 'key 1', undefined);
    const two = await taken(documents, 'two');
    expect([...(await two.load())].sort()).toEqual([
      ['key 0', 'text 9'],
      ['key 2', 'text 8'],
    ]);
    expect(await shown(documents)).toHaveLength(11);
    const states = [...documents.documents.keys()].filter((id) => id.endsWith('.state.0'));
    expect(states.length).toBeLessThan(4);
  });

  it('a former owner can write nothing more, and what it tried is nowhere', async () => {
    const documents = unreliableDocuments();
    const one = await taken(documents, 'one');
    await write(one, 'a', 'first');
    const two = await taken(documents, 'two');
    expect(await write(one, 'a', 'too late')).toBe(false);
    expect(await one.renew(NO_FIGURES)).toBe(false);
    expect(await write(two, 'b', 'next')).toBe(true);
    expect(await shown(documents)).toEqual(['a first', 'b next']);
    expect([...(await two.load())]).toEqual([
      ['a', 'first'],
      ['b', 'next'],
    ]);
  });

  it('of two who see the same lease run out one takes it', async () => {
    const documents = unreliableDocuments();
    await taken(documents, 'one');
    const seen = (await seeGroups(documents, 1)).get(0);
    const take = (owner: string) => takeGroup(documents, 0, { seen, owner, monotonicMs: () => 0 });
    const both = await Promise.all([take('two'), take('three')]);
    expect(both.filter((held) => held !== undefined)).toHaveLength(1);
  });

  it('a write whose answer was lost counts once', async () => {
    const documents = unreliableDocuments();
    const one = await taken(documents, 'one');
    documents.plan(['happens', 'happens, and the answer is lost']);
    await expect(write(one, 'a', 'text')).rejects.toThrow('no answer');
    expect(await write(one, 'a', 'text')).toBe(true);
    expect(await shown(documents)).toEqual(['a text']);
    expect(one.record().generation).toBe(1);
  });

  it('long texts are kept in parts, and all parts go with them', async () => {
    const documents = unreliableDocuments();
    const one = await taken(documents, 'one');
    const long = 'x'.repeat(4_500_000);
    await write(one, 'long', long);
    expect([...documents.documents.keys()].filter((id) => id.startsWith('journal.0.1.1.state')).length).toBe(3);
    expect((await (await taken(documents, 'two')).load()).get('long')).toBe(long);
  });

  it('outcomes that were shown are removed, and the others stay', async () => {
    const documents = unreliableDocuments();
    const one = await taken(documents, 'one');
    for (let at = 0; at < 6; at += 1) await write(one, `key ${at}`, 'text');
    await one.forgetOutcomes(5);
    expect(await shown(documents)).toEqual(['key 4 text', 'key 5 text']);
    expect([...documents.documents.keys()].filter((id) => id.includes('.out.'))).toHaveLength(2);
    const two = await taken(documents, 'two');
    expect((await two.load()).size).toBe(6);
    await write(two, 'key 6', 'text');
    expect(await shown(documents)).toHaveLength(3);
  });

  it('a document that is missing is told, not overlooked', async () => {
    const documents = unreliableDocuments();
    const one = await taken(documents, 'one');
    await write(one, 'a', 'text');
    documents.documents.delete('journal.0.1.1.state.0');
    await expect(taken(documents, 'two')).rejects.toThrow('the document journal.0.1.1.state.0 is missing');
  });
});
