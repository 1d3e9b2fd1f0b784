// What an event is to a rule on many events: under which key, as which step, with which values.
import { describe, expect, it } from 'vitest';
import { partsOf } from '../../../engine/kinds/fold-of.ts';
import { compareRoles, UNTIL } from '../../../engine/kinds/kind-fold.ts';
import type { EventDocument } from '../../../event/document.ts';
import { ruleOf } from './rule-run.ts';

function parts(
  text: string,
  document: EventDocument,
): readonly (readonly [role: number, by: string, values: string])[] {
  return partsOf(ruleOf(text))(document, (predicate) => predicate(document, 0)).map(({ role, by, values }) => [
    role,
    by.join(),
    JSON.stringify(values),
  ]);
}

const SEQUENCE = `by: [host.id, file.path]
sequence:
  within: 1m
  steps:
    - match: event.action = "a" or event.action = "both"
    - absent: event.action = "x"
    - match: event.action = "b" or event.action = "both"
      by: [host.id, process.executable]
  until: event.action = "end" or event.action = "both"
`;

describe('the parts of an event', () => {
  it('a plain kind: the rule’s key, and the values that it asks for, missing ones as null', () => {
    const text = 'match: 1 = 1\nby: [host.id]\nchange: { fields: [user.name, process.args, process.pid] }\n';
    expect(parts(text, { user: { name: 'al' }, process: { args: ['a', 1] } })).toEqual([
      [0, 'host.id', '["al","[\\"a\\",1]",null]'],
    ]);
  });

  it('distinct: each member of a list is a value, once, and not more of them than a list may have', () => {
    const text = 'match: 1 = 1\ndistinct: { field: dns.resolved_ip, above: 3, within: 1m }\n';
    const values = (resolved: unknown) => parts(text, { dns: { resolved_ip: resolved } }).map(([, , value]) => value);
    expect(values(['a', 'b', 'a', { c: 1 }])).toEqual(['["a"]', '["b"]', '["{\\"c\\":1}"]']);
    expect(values('a')).toEqual(['["a"]']);
    expect(values(undefined)).toEqual(['[null]']);
    expect(values([])).toEqual([]);
    expect(values(Array.from({ length: 100_000 }, (_, n) => n))).toHaveLength(64);
  });

  it('long values are cut, with a digest that keeps them apart', () => {
    const text = 'match: 1 = 1\nchange: { fields: [user.name] }\n';
    const [one, other] = ['a', 'b'].map(
      (end) => parts(text, { user: { name: `${'x'.repeat(10_000)}${end}` } })[0]?.[2],
    );
    expect(one?.length).toBeLessThan(400);
    expect(one).not.toBe(other);
  });

  it('ratio: whether `of` holds', () => {
    const text = 'match: 1 = 1\nratio: { of: event.outcome = "failure", above: 0.5, within: 1m }\n';
    expect(parts(text, { event: { outcome: 'failure' } })[0]?.[0]).toBe(1);
    expect(parts(text, { event: { outcome: 'success' } })[0]?.[0]).toBe(0);
  });

  it('a sequence: each step under its own key; the end first, then the later steps', () => {
    const document = { event: { action: 'both' }, file: { path: '/f' }, process: { executable: '/p' } };
    const found = parts(SEQUENCE, document);
    expect(found).toEqual([
      [UNTIL, 'host.id,file.path', '[]'],
      [2, 'host.id,process.executable', '[]'],
      [0, 'host.id,file.path', '[]'],
    ]);
    expect(found.map(([role]) => role).toSorted(compareRoles)).toEqual(found.map(([role]) => role));
  });

  it('a missing value joins nothing; what is no join may be missing', () => {
    expect(parts(SEQUENCE, { event: { action: 'a' } })).toEqual([]);
    expect(parts(SEQUENCE, { event: { action: 'b' }, file: { path: '/f' } })).toEqual([]);
    expect(parts(SEQUENCE, { event: { action: 'a' }, file: { path: '/f' } }).length).toBe(1);
  });

  it('a step that fails is no step, and stops no other', () => {
    const text = 'sequence: { within: 1m, steps: [{ match: process.pid > "a" }, { match: event.action = "b" }] }\n';
    const document = { event: { action: 'b' }, process: { pid: 1 } };
    const holds = (predicate: (event: EventDocument, nowMs: number) => boolean): boolean => {
      try {
        return predicate(document, 0);
      } catch {
        return false;
      }
    };
    expect(partsOf(ruleOf(text))(document, holds).map(({ role }) => role)).toEqual([1]);
  });

  it('together: events have no part', () => {
    expect(parts('together: { rules: [a, b], within: 1m }\n', {})).toEqual([]);
  });
});
