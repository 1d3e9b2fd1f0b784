// Elasticsearch's `bool`, with as many of its `should` clauses as `minimum_should_match` says.
import { allOf, anyOf, not, operand, type Written } from '../foreign/expression-writer.ts';
import type { YamlNode } from '../language/yaml-tree.ts';
import { entryOf, membersOf, type Part, partOf, refuse, textOf } from './notes.ts';

export function readBool(part: Part, read: (part: Part) => Written | undefined): Written | undefined {
  const { node } = part;
  if (node.kind !== 'map')
    return refuse(part, '`bool` is a map', 'Write `must`, `filter`, `should` or `must_not` in it.');
  const known = [
    'must',
    'filter',
    'should',
    'must_not',
    'minimum_should_match',
    'boost',
    '_name',
    'adjust_pure_negative',
  ];
  const odd = node.entries.find(({ key }) => !known.includes(key));
  if (odd !== undefined)
    return refuse(
      partOf(part, odd.value),
      `\`${odd.key}\` is no part of a \`bool\``,
      'It has must, filter, should, must_not.',
    );
  const listed = (key: string): (Written | undefined)[] => {
    const value = entryOf(node, key);
    if (value === undefined || (value.kind === 'scalar' && value.value === null)) return [];
    return membersOf(value).map((member) => read(partOf(part, member)));
  };
  const needed = [...listed('must'), ...listed('filter')];
  const banned = listed('must_not').map((condition) => (condition === undefined ? undefined : not(condition)));
  const should = listed('should');
  const given = entryOf(node, 'minimum_should_match');
  const asked = leastOf(given, should.length, needed.length === 0 ? 1 : 0);
  // Without anything that is needed one of them is, whatever `minimum_should_match` says; where there is nothing but `must_not` it says nothing.
  const isAlone = needed.length === 0;
  const least = asked === undefined || !isAlone ? asked : should.length === 0 ? 0 : Math.max(asked, 1);
  const all = [...needed, ...banned, ...should];
  if (least === undefined) {
    return refuse(
      partOf(part, given ?? node),
      'this `minimum_should_match` cannot be said',
      'Write a number or a percentage.',
    );
  }
  const conditions = all.filter((condition) => condition !== undefined);
  if (conditions.length < all.length) return undefined;
  const said = should.filter((condition) => condition !== undefined);
  return allOf([...conditions.slice(0, needed.length + banned.length), ...atLeast(least, said)]);
}

/** How many of the `should` clauses; undefined: not to be read. */
function leastOf(given: YamlNode | undefined, count: number, otherwise: number): number | undefined {
  if (given === undefined) return Math.min(otherwise, count);
  const [, number, percent] = /^(-?[0-9]{1,4})(%)?$/.exec(textOf(given) ?? '') ?? [];
  if (number === undefined) return undefined;
  const part = percent === undefined ? Number(number) : Math.trunc((Number(number) * count) / 100);
  return Math.max(0, part < 0 || Object.is(part, -0) ? count + part : part);
}

function atLeast(least: number, conditions: readonly Written[]): readonly Written[] {
  if (least === 0) return [];
  if (least === 1) return [anyOf(conditions)];
  if (least === conditions.length) return conditions;
  if (least > conditions.length) return [anyOf([])];
  const ones = conditions.map(({ text }) => `((${text}) ? 1)`).join(', ');
  return [anyOf(conditions), operand(`$count([${ones}]) >= ${least}`)];
}
