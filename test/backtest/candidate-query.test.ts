import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { candidateQuery } from '../../backtest/candidate-query.ts';
import { runBacktest } from '../../backtest/run-backtest.ts';
import { indexRules } from '../../engine/candidates.ts';
import type { NewEvent } from '../../event/document.ts';
import { readRuleFolders } from '../../rules/rule-folders.ts';
import type { EventStore } from '../../store/port.ts';
import { matchesQuery } from '../../store/query/matches.ts';
import { ruleWith } from '../engine/making.ts';

const needing = (field: string, ...values: string[]) =>
  ruleWith({ id: field, necessary: { kind: 'equals', field, values: new Set(values) } });
const library = fileURLToPath(new URL('../../rules/library', import.meta.url));
const { rules: shipped } = readRuleFolders([{ path: library, kind: 'shipped' }]);

describe('the query of a backtest', () => {
  it('is nothing where a rule may match any event, where there is no rule, or where there are too many values', () => {
    const many = Array.from({ length: 257 }, (_, n) => `v${n}`);
    expect(candidateQuery([])).toBeUndefined();
    expect(candidateQuery([{ fromMs: 0, rules: [needing('a', 'x'), ruleWith()] }])).toBeUndefined();
    expect(candidateQuery([{ fromMs: 0, rules: [needing('a', ...many)] }])).toBeUndefined();
  });

  it('asks for the values of every rule that is on, of every epoch, once', () => {
    const epochs = [
      { fromMs: 0, rules: [needing('a', 'x')] },
      { fromMs: 9, rules: [needing('a', 'x'), needing('b', 'y'), { ...needing('c', 'z'), status: 'off' as const }] },
    ];
    expect(candidateQuery(epochs)).toEqual({
      kind: 'or',
      left: { kind: 'equals', field: 'a', value: 'x' },
      right: { kind: 'equals', field: 'b', value: 'y' },
    });
  });

  it('holds for every event that a rule is evaluated on', () => {
    const value = fc.oneof(
      fc.constantFrom('x', 'X', '\u212a', 'k', '', '10.0.0.1', '10.0.0.0/8', '::ffff:10.0.0.1', '2026-01-01', '7'),
      fc.string({ maxLength: 3, unit: 'binary' }),
    );
    const leaf = fc.oneof(value, fc.integer(), fc.constant(null), fc.array(value, { maxLength: 2 }));
    const names = fc.constantFrom('a', 'b', 'c', 'a.b', 'b.c', 'a.b.c', 'source', 'ip', 'source.ip', '__proto__');
    const { document } = fc.letrec((tie) => ({
      document: fc.dictionary(names, tie('value'), { maxKeys: 4 }),
      value: fc.oneof({ maxDepth: 4 }, leaf, tie('document'), fc.array(tie('document'), { maxLength: 2 })),
    }));
    const fields = fc.constantFrom('a', 'a.b', 'a.b.c', 'source.ip', 'event.created', 'b.c');
    const rules = fc.array(fc.tuple(fields, fc.array(value, { minLength: 1, maxLength: 3 })), {
      minLength: 1,
      maxLength: 3,
    });
    let evaluated = 0;
    fc.assert(
      fc.property(
        fc.array(document as fc.Arbitrary<Record<string, unknown>>, { maxLength: 5 }),
        rules,
        (events, made) => {
          const all = made.map(([field, values]) => needing(field, ...values));
          const query = candidateQuery([{ fromMs: 0, rules: all }]);
          const index = indexRules(all);
          const [[field, [first]] = ['a', ['x']]] = made;
          for (const event of [...events, { [field]: first }]) {
            if (index.candidates(event).length === 0) continue;
            evaluated += 1;
            expect(query !== undefined && matchesQuery(query, event)).toBe(true);
          }
        },
      ),
      { numRuns: 120 },
    );
    expect(evaluated).toBeGreaterThan(0);
  });

  it('changes neither detections nor alerts nor the rules’ figures', async () => {
    const events = shipped.flatMap(({ id, tests }) =>
      tests.flatMap(({ events: documents }, test) =>
        documents.map((document, place): NewEvent => ({ id: `${id}.${test}.${place}`, document })),
      ),
    );
    const storeOf = (isNarrowing: boolean): Pick<EventStore, 'scan'> => ({
      async *scan(_range, { query } = {}) {
        yield events.filter(({ document }) => !isNarrowing || query === undefined || matchesQuery(query, document));
      },
    });
    const range = { fromMs: 0, untilMs: Number.MAX_SAFE_INTEGER };
    let left = 0;
    for (const rules of [shipped, ...shipped.map((rule) => [rule])]) {
      const epochs = [{ fromMs: 0, rules }];
      const all = await runBacktest({ store: storeOf(false), epochs, range });
      const narrowed = await runBacktest({ store: storeOf(true), epochs, range });
      left += all.eventsRead - narrowed.eventsRead;
      expect({ ...narrowed, eventsRead: 0 }).toEqual({ ...all, eventsRead: 0 });
    }
    expect(left).toBeGreaterThan(events.length);
  });
});
