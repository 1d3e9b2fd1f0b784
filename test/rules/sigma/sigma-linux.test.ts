// SigmaHQ's Linux rules: each loads, or is listed here with the reason. For each that loads, events are made of its own searches:
// they match, and with one value changed they match exactly where the rule read plainly does (plain-sigma.ts).
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { passingTests } from '../../../cli/rules-import/passing-tests.ts';
import { indexRules } from '../../../engine/candidates.ts';
import { createEngine } from '../../../engine/create-engine.ts';
import { EVERYTHING_PASSED } from '../../../engine/watermark.ts';
import type { EventDocument, NewEvent } from '../../../event/document.ts';
import { withOwnTests } from '../../../rules/foreign/own-tests.ts';
import { NO_MACROS } from '../../../rules/language/macro-reader.ts';
import { readRules } from '../../../rules/rule-files.ts';
import { listedValues } from './listed-values.ts';
import { changedOnce, documentOf, OTHERWISE } from './own-events.ts';
import { holdsOf, type PlainRule } from './plain-sigma.ts';
import { SIGMA_FILES as files, SIGMA_FOLDER } from './sigma-folder.ts';
import { importSigma } from './sigma-run.ts';

const NOT_EXPRESSIBLE: Readonly<Record<string, RegExp>> = {
  'net_connection_lnx_crypto_mining_indicators.yml': /no event has `DestinationHostname`: the kernel sees addresses/,
};
const NOT_COLLECTED = ['lnx_clamav_relevant_message.yml', 'lnx_guacamole_susp_guacamole.yml', 'lnx_sshd_susp_ssh.yml'];

describe.skipIf(files.length === 0)('SigmaHQ’s Linux rules (skipped where they are not at hand)', () => {
  const texts = new Map(files.map((name) => [name, readFileSync(join(SIGMA_FOLDER, name), 'utf8')]));
  const set = readRules([...texts].map(([file, text]) => ({ file, kind: 'own', content: 'rules', text })));
  const byFile = new Map(set.rules.map((rule) => [rule.file, rule]));

  it('each loads, or is not expressible for the reason that is listed', () => {
    for (const name of files) {
      const reason = Object.entries(NOT_EXPRESSIBLE).find(([file]) => name.endsWith(file))?.[1];
      const errors = set.diagnostics.filter(({ file, severity }) => file === name && severity === 'error');
      const told = errors.map(({ message, line }) => `${line}: ${message}`).join('; ');
      if (reason === undefined) expect(told, name).toBe('');
      else expect(told).toMatch(reason);
      expect(byFile.has(name), name).toBe(reason === undefined);
    }
  });

  it('those of logs that are not collected say so, and nothing else is remarked', () => {
    const remarks = set.diagnostics.filter(({ severity }) => severity === 'warning');
    expect(remarks.map(({ file }) => file.split('/').at(-1)).toSorted()).toEqual(NOT_COLLECTED);
    for (const { code } of remarks) expect(code).toBe('sigma/not-collected');
  });

  it('each is in the index, so that it costs nothing on other events', () => {
    for (const rule of set.rules) expect(rule.necessary, rule.file).toBeDefined();
  });

  it('each is imported with tests of its own', () => {
    const { documents } = importSigma(Object.fromEntries(texts));
    const passes = passingTests({ lists: new Map(), macros: NO_MACROS });
    const without = documents
      .map((imported) => withOwnTests(imported, passes))
      .filter(({ text }) => text !== undefined && !text.includes('\ntests:\n'));
    expect(without.map(({ entry: { file } }) => file.split('/').at(-1)).toSorted()).toEqual([]);
  });

  it('each keeps its id, author and level', () => {
    for (const rule of set.rules) {
      const plain = parse(texts.get(rule.file) ?? '') as { id: string; author: string; level: string; title: string };
      expect(rule).toMatchObject({ id: plain.id, severity: plain.level, name: plain.title });
      expect(rule.author?.replaceAll(' ', '')).toBe(String(plain.author).replaceAll(' ', ''));
      expect(rule.origin).toMatchObject({ format: 'sigma', id: plain.id });
    }
  });

  it.each(files.filter((name) => byFile.has(name)))(
    '%s finds what it describes, and nothing that differs in what it asks',
    (name) => {
      const rule = byFile.get(name);
      if (rule === undefined) throw new Error(name);
      const plain = parse(texts.get(name) ?? '') as PlainRule;
      const index = indexRules([rule], Number.MAX_SAFE_INTEGER);
      const tally = { matched: 0, missed: 0 };
      fc.assert(
        fc.property(fc.infiniteStream(fc.nat(1_000)), (stream) => {
          const pick = <T>(of: readonly T[]): T => of[(stream.next().value ?? 0) % of.length] as T;
          const document = documentOf(plain, pick);
          const isMatch = holdsOf(plain, document);
          expect(rule.match(document, 0), JSON.stringify(document)).toBe(isMatch);
          if (!isMatch) return;
          tally.matched += 1;
          expect(index.candidates(document)).toHaveLength(1);
          for (const changed of changedOnce(document)) {
            const isStill = holdsOf(plain, changed);
            expect(rule.match(changed, 0), JSON.stringify(changed)).toBe(isStill);
            tally.missed += Number(!isStill);
          }
        }),
        { numRuns: 8 },
      );
      expect(tally.matched).toBeGreaterThan(0);
      expect(tally.missed).toBeGreaterThan(0);
    },
  );

  it('each value that one lists finds its event in the engine with all rules, and changed in turn only what still holds', () => {
    const engine = createEngine({ epochs: [{ fromMs: 0, rules: set.rules }], state: new Map() });
    const events: NewEvent[] = [];
    const wanted = new Map<string, { readonly ruleId: string; readonly isWanted: boolean; readonly told: string }>();
    const add = (rule: { readonly id: string }, document: EventDocument, isWanted: boolean, told: string): void => {
      const id = `e${String(events.length).padStart(6, '0')}`;
      const event = { ...(document['event'] as object), created: '2026-01-05T00:00:00.000Z' };
      events.push({ id, document: { ...document, event, host: { id: 'h1' } } });
      wanted.set(id, { ruleId: rule.id, isWanted, told });
    };
    const without: string[] = [];
    for (const rule of set.rules) {
      const plain = parse(texts.get(rule.file) ?? '') as PlainRule;
      for (const { told, document } of listedValues(plain)) {
        if (document === undefined) without.push(`${rule.file.split('/').at(-1)} ${told}`);
        else {
          add(rule, document, true, told);
          for (const changed of changedOnce(document, OTHERWISE))
            add(rule, changed, holdsOf(plain, changed), `${told}, as ${JSON.stringify(changed)}`);
        }
      }
    }
    expect(without).toEqual([]);
    const found = new Set(
      engine.step(events, EVERYTHING_PASSED).detections.map(({ ruleId, eventId }) => `${ruleId} ${eventId}`),
    );
    const wrong = [...wanted].flatMap(([id, { ruleId, isWanted, told }]) =>
      found.has(`${ruleId} ${id}`) === isWanted ? [] : [`${ruleId} ${isWanted ? 'misses' : 'finds'} ${told}`],
    );
    expect(wrong).toEqual([]);
  });
});
