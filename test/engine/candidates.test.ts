import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { indexRules } from '../../engine/candidates.ts';
import { fieldOf } from '../../event/document.ts';
import type { Necessary, Scalar } from '../../rules/necessary.ts';
import type { Rule } from '../../rules/rule.ts';
import { ruleWith } from './making.ts';

const needing = (id: string, necessary: Necessary): Rule => ruleWith({ id, necessary });
const needs = (id: string, field: string, ...values: Scalar[]): Rule =>
  needing(id, { kind: 'equals', field, values: new Set(values) });

const index = indexRules([
  needs('shell', 'process.name', 'bash', 'sh'),
  ruleWith({ id: 'all' }),
  needs('start', 'event.type', 'start'),
  { ...needs('off', 'process.name', 'bash'), status: 'off' },
  needs('path', 'auditd.paths.name', '/etc/shadow'),
]);
const ids = (document: Record<string, unknown>) => index.candidates(document).map((rule) => rule.id);

describe('the candidate index', () => {
  it.each([
    ['a rule without a clause meets every event', {}, ['all']],
    ['one of the values is enough, in the order of the rules', { process: { name: 'sh' } }, ['shell', 'all']],
    ['another value is not', { process: { name: 'zsh' } }, ['all']],
    ['a flat name is found', { 'process.name': 'bash' }, ['shell', 'all']],
    ['a member of an array is found', { event: { type: ['info', 'start'] } }, ['all', 'start']],
    [
      'a field within an array of objects is found',
      { auditd: { paths: [{ name: '/' }, { name: '/etc/shadow' }] } },
      ['all', 'path'],
    ],
    ['a half-flat name is found', { auditd: { 'paths.name': '/etc/shadow' } }, ['all', 'path']],
    ['a value that is no text is none', { process: { name: 7 } }, ['all']],
    ['a prototype is not looked into', { process: Object.create({ name: 'bash' }) }, ['all']],
  ])('%s', (_claim, document, expected) => {
    expect(ids(document)).toEqual(expected);
  });

  it('never leaves out a rule whose clause holds', () => {
    const value = fc.constantFrom('bash', 'sh', 'x');
    const document = fc.record({ process: fc.record({ name: fc.oneof(value, fc.array(value)) }) });
    fc.assert(
      fc.property(document, (event) => {
        const values = [fieldOf(event, 'process.name')].flat();
        const holds = values.includes('bash') || values.includes('sh');
        expect(ids(event).includes('shell')).toBe(holds);
      }),
    );
  });

  it('bears nesting without end', () => {
    let deep: unknown = 'bash';
    for (let depth = 0; depth < 100_000; depth += 1) deep = [deep];
    expect(ids({ process: { name: deep } })).toEqual(['all']);
  });

  it.each<[string, Necessary, [document: Record<string, unknown>, isCandidate: boolean][]]>([
    [
      'a part is found anywhere, whatever the case of the text',
      { kind: 'part', field: 'a.b', part: 'Curl', place: 'anywhere', isFolded: false },
      [
        [{ a: { b: 'x Curl y' } }, true],
        [{ a: { b: ['y', ['Curl']] } }, true],
        [{ a: [{ b: 1 }, { b: 'Curl' }] }, true],
        [{ 'a.b': 'Curl' }, true],
        [{ a: { b: 'curl' } }, false],
        [{ a: { b: 'Cur' } }, false],
        [{ a: 'Curl' }, false],
      ],
    ],
    [
      'a folded part is found through what folds to ASCII',
      { kind: 'part', field: 'a', part: 'ski', place: 'anywhere', isFolded: true },
      [
        [{ a: 'SKI' }, true],
        [{ a: '\u017f\u212a\u0130' }, true],
        [{ a: 'sk\u0131' }, false],
      ],
    ],
    [
      'a start is at the start',
      { kind: 'part', field: 'a', part: '/tmp/', place: 'start', isFolded: false },
      [
        [{ a: '/tmp/x' }, true],
        [{ a: '/var/tmp/x' }, false],
      ],
    ],
    [
      'an end is at the end',
      { kind: 'part', field: 'a', part: '.sh', place: 'end', isFolded: false },
      [
        [{ a: 'x.sh' }, true],
        [{ a: 'x.sh.txt' }, false],
        [{ a: 'sh' }, false],
      ],
    ],
    [
      'a long part is looked for as a whole where case counts',
      { kind: 'part', field: 'a', part: `${'x'.repeat(100)}y`, place: 'anywhere', isFolded: false },
      [
        [{ a: `z${'x'.repeat(101)}y` }, true],
        [{ a: 'x'.repeat(200) }, false],
      ],
    ],
    [
      'a number is its text to parts and folded values',
      {
        kind: 'any',
        of: [
          { kind: 'part', field: 'a', part: '23', place: 'anywhere', isFolded: false },
          { kind: 'is', field: 'a', texts: new Set(['7']) },
        ],
      },
      [
        [{ a: 1234 }, true],
        [{ a: 7 }, true],
        [{ a: true }, false],
      ],
    ],
    [
      'values are of their type',
      { kind: 'equals', field: 'a', values: new Set([0, null, true, 'x']) },
      [
        [{ a: -0 }, true],
        [{ a: [null] }, true],
        [{ a: true }, true],
        [{ a: '0' }, false],
        [{ a: 'null' }, false],
        [{ a: {} }, false],
      ],
    ],
    [
      'what is there is there, empty or not',
      { kind: 'exists', field: 'a.b' },
      [
        [{ a: { b: null } }, true],
        [{ a: [{ b: [] }] }, true],
        [{ a: { b: {} } }, true],
        [{ a: { 'b.c': 1 } }, false],
        [{ a: 'b' }, false],
      ],
    ],
    [
      'a name of prototypes is a name',
      { kind: 'equals', field: '__proto__.constructor', values: new Set(['x']) },
      [
        [JSON.parse('{"__proto__":{"constructor":"x"}}') as Record<string, unknown>, true],
        [{}, false],
      ],
    ],
    ['nothing is enough for what never holds', { kind: 'any', of: [] }, [[{ a: 1 }, false]]],
    ['all of nothing says nothing', { kind: 'all', of: [] }, [[{}, true]]],
  ])('%s', (_claim, necessary, documents) => {
    const one = indexRules([needing('one', necessary)]);
    for (const [document, isCandidate] of documents) {
      expect(one.candidates(document).length === 1, JSON.stringify(document)).toBe(isCandidate);
    }
  });

  it('looks for what fewer events have', () => {
    const both = needing('both', {
      kind: 'all',
      of: [
        { kind: 'equals', field: 'event.action', values: new Set(['executed']) },
        { kind: 'equals', field: 'process.name', values: new Set(['xmrig']) },
      ],
    });
    const one = indexRules([both]);
    expect(one.candidates({ event: { action: 'executed' }, process: { name: 'bash' } })).toEqual([]);
    expect(one.candidates({ event: { action: 'executed' }, process: { name: 'xmrig' } })).toEqual([both]);
  });

  it('learns from the events that come, and finds the same', () => {
    const test = (field: string, value: string): Necessary => ({ kind: 'equals', field, values: new Set([value]) });
    // By the recorded events the action is rarer; here it is the name.
    const rule = needing('r', { kind: 'all', of: [test('event.action', 'mounted'), test('process.name', 'sh')] });
    const one = indexRules([rule, needs('other', 'process.name', 'zsh')], 64);
    const usual = { event: { action: 'mounted' }, process: { name: 'backup' } };
    const wanted = { event: { action: 'mounted' }, process: { name: 'sh' } };
    for (let event = 0; event < 64; event += 1) expect(one.candidates(usual)).toEqual([rule]);
    expect(one.candidates(usual)).toEqual([]);
    expect(one.candidates(wanted)).toEqual([rule]);
    expect(one.candidates({ process: { name: 'zsh' } }).map(({ id }) => id)).toEqual(['other']);
  });

  it('keeps what it learned when other rules are busy later', () => {
    const test = (field: string, value: string): Necessary => ({ kind: 'equals', field, values: new Set([value]) });
    const early = needing('early', { kind: 'all', of: [test('event.action', 'mounted'), test('process.name', 'sh')] });
    const later = needing('later', { kind: 'all', of: [test('event.action', 'renamed'), test('process.name', 'sh')] });
    const one = indexRules([early, later], 64);
    const usual = (action: string) => ({ event: { action }, process: { name: 'backup' } });
    for (let event = 0; event < 64; event += 1) one.candidates(usual('mounted'));
    for (let event = 0; event < 448; event += 1) one.candidates(usual('renamed'));
    expect(one.candidates(usual('mounted'))).toEqual([]);
    expect(one.candidates(usual('renamed'))).toEqual([]);
  });

  it('remembers only so many names of documents', () => {
    const one = indexRules([needs('r', 'a.b', 'x')]);
    for (let name = 0; name < 5_000; name += 1) one.candidates({ [`n${name}`]: 'x', [`n.${name}`]: 'x' });
    expect(one.candidates({ 'a.b': 'x' })).toHaveLength(1);
    expect(one.candidates({ zzz: 1, 'zzz.a.b': 'x' })).toEqual([]);
  });
});
