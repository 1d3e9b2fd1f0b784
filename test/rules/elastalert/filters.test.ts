// Filters of ElastAlert rules, imported: what each query means of an event, said again plainly; what cannot be said, with its place; and that nothing in a
// file becomes part of an expression.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { EventDocument } from '../../../event/document.ts';
import { imported } from '../../engine/kinds/elastalert-case.ts';

function fileWith(filter: unknown): string {
  return JSON.stringify({ name: 'Case', type: 'any', index: '*', alert: 'debug', filter });
}

function matchOf(filter: unknown): (event: EventDocument) => boolean {
  const { rules, told } = imported(fileWith(filter));
  const [rule] = rules;
  if (rule === undefined) throw new Error(told.join('\n'));
  return (event) => rule.match(event, Date.UTC(2026, 0, 5, 12));
}

const SHELL = {
  process: { name: 'bash', pid: 42, args: ['bash', '-c', 'id'], executable: '/usr/bin/bash' },
  user: { name: 'root', id: '0' },
  source: { ip: '10.1.2.3' },
  message: 'Failed password for root from 10.1.2.3',
  event: { created: '2026-01-05T12:00:00.000Z', category: ['process'] },
  custom: { flag: true, count: 7, tags: ['a', 'b'] },
};

describe('what a query means', () => {
  it.each<readonly [string, unknown, boolean]>([
    ['term', { term: { 'process.name': 'bash' } }, true],
    ['term of another case', { term: { 'process.name': 'Bash' } }, false],
    ['term without regard to case', { term: { 'process.name': { value: 'BASH', case_insensitive: true } } }, true],
    ['term of its keyword form', { term: { 'process.name.keyword': 'bash' } }, true],
    ['term of a list', { term: { 'process.args': '-c' } }, true],
    ['term of a number in quotes', { term: { 'process.pid': '42' } }, true],
    ['term of an id without quotes', { term: { 'user.id': 0 } }, true],
    ['term of an unknown field', { term: { 'custom.count': '7' } }, true],
    ['term of an unknown list', { term: { 'custom.tags': 'b' } }, true],
    ['term of a truth', { term: { 'custom.flag': true } }, true],
    ['term of a network', { term: { 'source.ip': '10.0.0.0/8' } }, true],
    ['term of a missing field', { term: { 'file.path': 'x' } }, false],
    ['terms', { terms: { 'process.name': ['sh', 'bash'] } }, true],
    ['terms of a list', { terms: { 'process.args': ['x', 'id'] } }, true],
    ['terms of none', { terms: { 'process.name': [] } }, false],
    ['range', { range: { 'process.pid': { gte: 42, lt: 43 } } }, true],
    ['range beyond', { range: { 'process.pid': { gt: 42 } } }, false],
    ['range of an unknown number', { range: { 'custom.count': { from: 5, to: 7 } } }, true],
    ['range that leaves its end out', { range: { 'custom.count': { from: 5, to: 7, include_upper: false } } }, false],
    ['range of texts', { range: { 'process.name': { gte: 'ba', lte: 'bz' } } }, true],
    ['range of times', { range: { 'event.created': { gte: '2026-01-05', lte: '2026-01-05' } } }, true],
    ['range up to now', { range: { 'event.created': { gte: 'now-1h', lte: 'now' } } }, true],
    ['range of a missing field', { range: { 'process.parent.pid': { gte: 1 } } }, false],
    [
      'not in a range of a missing field',
      { bool: { must_not: { range: { 'process.parent.pid': { gte: 1 } } } } },
      true,
    ],
    ['exists', { exists: { field: 'user.name' } }, true],
    ['exists of what is missing', { exists: { field: 'file.path' } }, false],
    ['wildcard', { wildcard: { 'process.executable': '/usr/*/ba?h' } }, true],
    [
      'wildcard, another case',
      { wildcard: { 'process.executable': { value: '/USR/*', case_insensitive: true } } },
      true,
    ],
    ['wildcard that is escaped', { wildcard: { 'process.name': 'ba\\*' } }, false],
    ['prefix', { prefix: { 'process.executable': '/usr/' } }, true],
    ['prefix of another case', { prefix: { 'process.executable': '/USR/' } }, false],
    ['regexp is about the whole value', { regexp: { 'process.name': 'ba' } }, false],
    ['regexp', { regexp: { 'process.name': 'ba(s|z)h' } }, true],
    ['regexp with any string', { regexp: { 'process.executable': '/usr/@sh' } }, true],
    ['match of a keyword', { match: { 'process.name': 'bash' } }, true],
    ['match of a text: any word', { match: { message: 'accepted password' } }, true],
    ['match of a text: all words', { match: { message: { query: 'accepted password', operator: 'and' } } }, false],
    ['match_phrase', { match_phrase: { message: 'FAILED password' } }, true],
    ['match_phrase in another order', { match_phrase: { message: 'password failed' } }, false],
    ['a word is whole', { match: { message: 'pass' } }, false],
    ['match_all', { match_all: {} }, true],
    [
      'bool',
      { bool: { must: [{ term: { 'user.name': 'root' } }], must_not: { term: { 'process.name': 'sh' } } } },
      true,
    ],
    [
      'should alone needs one',
      { bool: { should: [{ term: { 'user.name': 'x' } }, { term: { 'process.name': 'bash' } }] } },
      true,
    ],
    [
      'should beside must needs none',
      { bool: { filter: { match_all: {} }, should: { term: { 'user.name': 'x' } } } },
      true,
    ],
    [
      'two of three',
      {
        bool: {
          minimum_should_match: 2,
          should: [{ term: { 'user.name': 'x' } }, { term: { 'process.pid': 42 } }, { exists: { field: 'message' } }],
        },
      },
      true,
    ],
    [
      'all but one',
      {
        bool: {
          minimum_should_match: -1,
          should: [{ term: { 'user.name': 'x' } }, { term: { 'process.pid': 1 } }, { exists: { field: 'message' } }],
        },
      },
      false,
    ],
    [
      'seventy percent of three are two',
      {
        bool: {
          minimum_should_match: '70%',
          should: [{ term: { 'user.name': 'x' } }, { term: { 'process.pid': 42 } }, { exists: { field: 'message' } }],
        },
      },
      true,
    ],
    ['the old `not`', { not: { term: { 'user.name': 'root' } } }, false],
    ['the old `or`', { or: [{ term: { 'user.name': 'root' } }, { term: { 'user.name': 'x' } }] }, true],
    ['query, which ElastAlert takes off', { query: { query_string: { query: 'user.name:root' } } }, true],
    ['constant_score', { constant_score: { filter: { term: { 'user.name': 'root' } } } }, true],
  ])('%s', (_name, query, isMatch) => {
    expect(matchOf([query])(SHELL)).toBe(isMatch);
    expect(matchOf([{ bool: { must_not: [query] } }])(SHELL)).toBe(!isMatch);
  });

  it.each<readonly [string, boolean]>([
    ['process.name:bash', true],
    ['process.name:bash AND user.name:root', true],
    ['process.name:sh OR user.name:root', true],
    ['process.name:sh user.name:root', true],
    ['NOT process.name:sh', true],
    ['-process.name:bash', false],
    ['!process.name:bash', false],
    ['+process.name:bash -user.name:root', false],
    ['process.name:(sh OR bash)', true],
    ['process.name:(+ba* -bad)', true],
    ['process.executable:"/usr/bin/bash"', true],
    ['process.executable:\\/usr\\/bin\\/bash', true],
    ['process.executable:\\/usr*', true],
    ['process.name:/ba(s|z)h/', true],
    ['process.pid:[40 TO 50]', true],
    ['process.pid:{42 TO 50]', false],
    ['process.pid:>=42', true],
    ['process.pid:(>40 AND <42)', false],
    ['process.pid:[* TO 50}', true],
    ['source.ip:"10.0.0.0/8"', true],
    ['_exists_:user.name', true],
    ['NOT _exists_:file.path', true],
    ['file.path:*', false],
    ['user.name:*', true],
    ['*:*', true],
    ['message:password', true],
    ['message:"failed password"', true],
    ['message:(accepted AND password)', false],
    ['user.name:root^2', true],
    // Lucene: what AND joins is needed, and then the other adds nothing.
    ['user.name:root OR user.name:x AND process.name:sh', false],
    ['process.name:bash AND user.name:root OR user.name:x', true],
    ['user.name:x && process.name:bash || user.name:root', false],
  ])('query_string %s', (query, isMatch) => {
    expect(matchOf([{ query_string: { query } }])(SHELL)).toBe(isMatch);
  });

  it('default_operator and, default_field', () => {
    const and = (query: string, more = {}): boolean =>
      matchOf([{ query_string: { query, default_operator: 'AND', ...more } }])(SHELL);
    expect(and('process.name:bash user.name:x')).toBe(false);
    expect(and('process.name:bash user.name:root')).toBe(true);
    expect(and('root', { default_field: 'user.name' })).toBe(true);
    expect(and('root', { fields: ['process.name', 'user.name^2'] })).toBe(true);
  });

  it('whitelists and blacklists: numbers are no texts, a list counts by its members, what is missing is on no list', () => {
    const ofType = (type: string, more: object): ((event: EventDocument) => boolean) => {
      const [rule] = imported(JSON.stringify({ name: 'Case', type, index: '*', alert: 'debug', ...more })).rules;
      return (event) => rule?.match(event, 0) === true;
    };
    const black = ofType('blacklist', { compare_key: 'custom.x', blacklist: ['1', 'a'] });
    expect([{ x: '1' }, { x: 1 }, { x: ['b', 'a'] }, {}].map((custom) => black({ custom }))).toEqual([
      true,
      false,
      true,
      false,
    ]);
    const white = ofType('whitelist', { compare_key: 'custom.x', whitelist: ['a', 'b'], ignore_null: false });
    expect(
      [{ x: 'a' }, { x: 'c' }, { x: ['a', 'b'] }, { x: ['a', 'c'] }, {}].map((custom) => white({ custom })),
    ).toEqual([false, true, false, true, true]);
    const known = ofType('whitelist', { compare_key: 'user.name', whitelist: ['a'], ignore_null: true });
    expect([{ name: 'a' }, { name: 'c' }, {}].map((user) => known({ user }))).toEqual([false, true, false]);
  });
});

describe('what cannot be said', () => {
  it.each<readonly [string, unknown, string]>([
    ['a script', { script: { script: 'x' } }, '`script` runs a script'],
    ['a nested query', { nested: { path: 'a', query: {} } }, '`nested` asks of one object'],
    ['another language', { eql: 'process where true' }, '`eql` is a rule in EQL'],
    ['an unknown word', { trem: { a: 1 } }, '`trem` is not known'],
    ['two words', { term: { a: 1 }, terms: { a: [1] } }, 'a query is a map with one word'],
    ['the id of a document', { term: { _id: 'x' } }, '`_id` is no field'],
    ['many fields', { term: { 'process.*': 'x' } }, 'stands for many fields'],
    ['a number that is none', { term: { 'process.pid': 'many' } }, '`many` is none'],
    ['a look-up', { terms: { 'user.name': { index: 'x' } } }, 'look-up'],
    ['fuzziness', { match: { message: { query: 'x', fuzziness: 2 } } }, '`fuzziness`'],
    ['rounded times', { range: { '@timestamp': { gte: 'now/d' } } }, 'this time cannot be said'],
    ['a range of addresses', { range: { 'source.ip': { gte: '10.0.0.1' } } }, 'which is an address'],
    ['a complement', { regexp: { 'user.name': '~x' } }, 'has no counterpart'],
    ['words near each other', { query_string: { query: 'message:"a b"~2' } }, 'near to each other'],
    ['a fuzzy word', { query_string: { query: 'user.name:rot~' } }, 'fuzzy'],
    ['an open parenthesis', { query_string: { query: '(a:b' } }, 'never closed'],
    ['a parenthesis too many', { query_string: { query: 'a:b)' } }, 'a `)` too many'],
    ['an open quote', { query_string: { query: 'a:"b' } }, 'never closed'],
    ['an operator at the end', { query_string: { query: 'a:b AND' } }, 'ends too early'],
    ['an option of query_string', { query_string: { query: 'a', fuzziness: 1 } }, '`fuzziness`'],
  ])('%s', (_name, query, message) => {
    const { rules, told } = imported(fileWith([{ match_all: {} }, query]));
    expect(rules).toEqual([]);
    expect(told.join('\n')).toContain(message);
    expect(told.every((one) => /^case\.yaml:\d+:\d+: /.test(one))).toBe(true);
  });
});

describe('what files hold stays what it is', () => {
  const hostile = fc.oneof(
    fc.string({ unit: 'binary', minLength: 1, maxLength: 20 }),
    fc.constantFrom(
      '"',
      '\\',
      '`',
      '/',
      '$eval("1")',
      '" or true or "',
      '*/',
      '[',
      '(?',
      '{{x}}',
      '__proto__',
      '\u2028',
      '$HOME',
    ),
  );

  it('a term matches its own text, and no other', () => {
    fc.assert(
      fc.property(hostile, hostile, (value, other) => {
        fc.pre(value !== other);
        for (const field of ['process.name', 'custom.x']) {
          const isMatch = matchOf([{ term: { [field]: value } }]);
          const [outer = '', inner = ''] = field.split('.');
          expect(isMatch({ [outer]: { [inner]: value } })).toBe(true);
          expect(isMatch({ [outer]: { [inner]: other } })).toBe(false);
        }
      }),
      { numRuns: 150 },
    );
  });

  it('a wildcard, a prefix and a phrase in quotes match their own text', () => {
    fc.assert(
      fc.property(hostile, (value) => {
        const event = { process: { name: value }, custom: { x: value } };
        const escaped = value.replace(/[\\*?]/g, '\\$&');
        expect(matchOf([{ wildcard: { 'process.name': escaped } }])(event)).toBe(true);
        expect(matchOf([{ wildcard: { 'process.name': { value: escaped, case_insensitive: true } } }])(event)).toBe(
          true,
        );
        expect(matchOf([{ prefix: { 'process.name': value } }])(event)).toBe(true);
        expect(matchOf([{ query_string: { query: `process.name:"${value.replace(/["\\]/g, '\\$&')}"` } }])(event)).toBe(
          true,
        );
      }),
      { numRuns: 150 },
    );
  });

  it('any query string is a rule or a problem', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.constantFrom(
            'a:',
            'process.name:',
            '(',
            ')',
            '"',
            'x',
            ' AND ',
            ' OR ',
            ' NOT ',
            '[',
            ' TO ',
            ']',
            '*',
            '\\',
            '/',
            '~',
            '^2',
            '>',
            '-',
            '+',
          ),
          { maxLength: 14 },
        ),
        (parts) => {
          const { rules, told } = imported(fileWith([{ query_string: { query: `${parts.join('')} ` } }]));
          expect(rules.length + told.length).toBeGreaterThan(0);
        },
      ),
      { numRuns: 400 },
    );
  });

  it('any name of a field is a path to it, or refused', () => {
    fc.assert(
      fc.property(hostile, (name) => {
        const { rules, told } = imported(fileWith([{ term: { [`custom.${name}`]: 'x' } }]));
        if (rules.length === 0) expect(told.length).toBeGreaterThan(0);
        else expect(rules[0]?.match({ custom: {} }, 0)).toBe(false);
      }),
      { numRuns: 150 },
    );
  });
});
