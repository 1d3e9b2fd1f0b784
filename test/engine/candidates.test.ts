import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { indexRules } from '../../engine/candidates.ts';
import { fieldOf } from '../../event/document.ts';
import type { NecessaryClause, Rule } from '../../rules/rule.ts';
import { ruleWith } from './making.ts';

const needs = (id: string, kind: NecessaryClause['kind'], field: string, ...values: string[]): Rule =>
  ruleWith({ id, necessary: { kind, field, values: new Set(values) } });

const index = indexRules([
  needs('shell', 'equals', 'process.name', 'bash', 'sh'),
  ruleWith({ id: 'all' }),
  needs('start', 'contains', 'event.type', 'start'),
  { ...needs('off', 'equals', 'process.name', 'bash'), status: 'off' },
  needs('path', 'equals', 'auditd.paths.name', '/etc/shadow'),
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
});
