// Filters of ElastAlert rules, imported, match the very documents that a real Elasticsearch finds: random queries and query strings over documents with an
// ECS mapping. Each query is asked of both.
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ElasticsearchNode, startElasticsearch } from '../../elasticsearch/node.ts';
import { imported } from '../../engine/kinds/elastalert-case.ts';

const INDEX = 'elastalert-filters';
const keyword = { type: 'keyword' };
const MAPPING = {
  dynamic: false,
  properties: {
    process: { properties: { name: keyword, args: keyword, executable: keyword, pid: { type: 'long' } } },
    user: { properties: { name: keyword, id: keyword } },
    source: { properties: { ip: { type: 'ip' } } },
    event: { properties: { created: { type: 'date' } } },
    message: { type: 'text' },
    custom: { properties: { count: { type: 'long' }, tags: keyword } },
  },
};

const NAMES = ['bash', 'Bash', 'sh', 'ba*sh', 'sshd', 'a b', 'ünï', 'x/y', '1', '10'];
const WORDS = ['Failed', 'password', 'for', 'root', 'accepted', 'user_x', '10', 'ünï'];
const ADDRESSES = ['10.0.0.1', '10.0.1.1', '192.168.1.1', 'fe80::1'];
const DAYS = [
  '2026-01-04T23:59:59.999Z',
  '2026-01-05T00:00:00.000Z',
  '2026-01-05T12:00:00.000Z',
  '2026-01-06T00:00:00.000Z',
];

const names = fc.constantFrom(...NAMES);
const document = fc.record(
  {
    process: fc.record(
      {
        name: names,
        args: fc.array(names, { maxLength: 3 }),
        executable: names.map((name) => `/usr/bin/${name}`),
        pid: fc.integer({ min: 1, max: 6 }),
      },
      { requiredKeys: [] },
    ),
    user: fc.record({ name: names, id: fc.constantFrom('0', '10', '1000') }, { requiredKeys: [] }),
    source: fc.record({ ip: fc.constantFrom(...ADDRESSES) }),
    event: fc.record({ created: fc.constantFrom(...DAYS) }),
    message: fc.array(fc.constantFrom(...WORDS), { minLength: 1, maxLength: 4 }).map((words) => words.join(' ')),
    custom: fc.record(
      { count: fc.integer({ min: 0, max: 6 }), tags: fc.array(names, { maxLength: 2 }) },
      { requiredKeys: [] },
    ),
  },
  { requiredKeys: [] },
);

const texts = fc.constantFrom('process.name', 'process.args', 'process.executable', 'user.name', 'custom.tags');
const numbers = fc.constantFrom('process.pid', 'custom.count');
const fields = fc.constantFrom(
  ...[
    'process.name',
    'process.args',
    'process.pid',
    'user.id',
    'source.ip',
    'message',
    'custom.count',
    'custom.tags',
    'user.name',
    'event.created',
  ],
);
const bound = fc.constantFrom('gt', 'gte', 'lt', 'lte');

const leaf: fc.Arbitrary<unknown> = fc.oneof(
  fc.tuple(texts, names).map(([field, value]) => ({ term: { [field]: value } })),
  fc
    .tuple(texts, names)
    .map(([field, value]) => ({ term: { [field]: { value: value.toUpperCase(), case_insensitive: true } } })),
  fc.tuple(texts, fc.array(names, { maxLength: 3 })).map(([field, values]) => ({ terms: { [field]: values } })),
  fc
    .tuple(numbers, fc.integer({ min: 0, max: 6 }), fc.boolean())
    .map(([field, value, isText]) => ({ term: { [field]: isText ? String(value) : value } })),
  fc.constantFrom(
    { term: { 'user.id': 10 } },
    { term: { 'source.ip': '10.0.0.0/16' } },
    { term: { 'source.ip': 'fe80::1' } },
    { terms: { 'source.ip': ['192.168.0.0/16', '10.0.0.1'] } },
  ),
  fc
    .tuple(numbers, bound, fc.integer({ min: 0, max: 6 }))
    .map(([field, how, value]) => ({ range: { [field]: { [how]: value } } })),
  fc
    .tuple(fc.constantFrom('process.name', 'user.name', 'process.args'), bound, names)
    .map(([field, how, value]) => ({ range: { [field]: { [how]: value } } })),
  fc
    .tuple(bound, fc.constantFrom('2026-01-05', '2026-01-05T12:00:00Z'))
    .map(([how, value]) => ({ range: { 'event.created': { [how]: value } } })),
  fields.map((field) => ({ exists: { field } })),
  fc
    .tuple(texts, fc.constantFrom('ba*', '*sh', 'b?sh', '*', 'ba\\*sh', '* *', '/usr/*/sh', 'B*'))
    .map(([field, value]) => ({ wildcard: { [field]: value } })),
  fc
    .tuple(texts, fc.constantFrom('ba*', 'BA?H'))
    .map(([field, value]) => ({ wildcard: { [field]: { value, case_insensitive: true } } })),
  fc
    .tuple(texts, fc.constantFrom('ba', '/usr', 'B', 'ünï'), fc.boolean())
    .map(([field, value, isFolded]) => ({ prefix: { [field]: { value, case_insensitive: isFolded } } })),
  fc
    .tuple(
      texts,
      fc.constantFrom('ba.*', '(b|s)a?.*h', '[a-c]+sh', '/usr/bin/(sh|bash)', '"ba*sh"', '@', 'ba', '[^b].*', '\\d+'),
    )
    .map(([field, value]) => ({ regexp: { [field]: value } })),
  fc
    .tuple(fc.constantFrom('password', 'failed root', 'user', 'user_x', '10', 'Ünï'), fc.constantFrom('or', 'and'))
    .map(([query, operator]) => ({ match: { message: { query, operator } } })),
  fc.constantFrom('failed password', 'password failed', 'root').map((query) => ({ match_phrase: { message: query } })),
  fc.tuple(texts, names).map(([field, value]) => ({ match: { [field]: value } })),
  fc.constantFrom({ match_all: {} }, { bool: {} }),
);

const value = fc.constantFrom(
  'bash',
  'ba*',
  'sh',
  '"a b"',
  '"ba*sh"',
  '(bash OR sh)',
  '(+bash -sh)',
  '*',
  '/ba.*/',
  '[ba TO sh]',
  '{ba TO sh}',
  '>ba',
);
const clause = fc.oneof(
  fc.tuple(texts, value).map(([field, of]) => `${field}:${of}`),
  fc
    .tuple(numbers, fc.constantFrom('3', '>2', '<=4', '[2 TO 4]', '{2 TO *]', '(1 OR 2)', '*'))
    .map(([field, of]) => `${field}:${of}`),
  fc.constantFrom(
    'message:password',
    'message:"failed password"',
    'message:(failed AND root)',
    '_exists_:user.name',
    'source.ip:"10.0.0.0/16"',
    '*:*',
    'event.created:[2026-01-05 TO 2026-01-05]',
  ),
);
const joint = fc.constantFrom(' AND ', ' OR ', ' ', ' AND NOT ', ' OR NOT ', ' -', ' +', ' && ', ' || ', ' !');
const queryString = fc
  .tuple(
    fc.constantFrom('', 'NOT ', '+', '-'),
    clause,
    fc.array(
      fc.tuple(
        joint,
        fc.oneof(
          clause,
          fc.tuple(clause, joint, clause).map((parts) => `(${parts.join('')})`),
        ),
      ),
      { maxLength: 3 },
    ),
    fc.constantFrom('OR', 'AND'),
  )
  .map(([sign, first, rest, operator]) => ({
    query_string: { query: sign + first + rest.flat().join(''), default_operator: operator },
  }));

const query: fc.Arbitrary<unknown> = fc.letrec<{ query: unknown }>((tie) => ({
  query: fc.oneof(
    { maxDepth: 3 },
    { weight: 4, arbitrary: leaf },
    { weight: 3, arbitrary: queryString },
    {
      weight: 2,
      arbitrary: fc
        .record(
          {
            must: fc.array(tie('query'), { maxLength: 2 }),
            filter: tie('query'),
            should: fc.array(tie('query'), { minLength: 1, maxLength: 3 }),
            must_not: fc.array(tie('query'), { minLength: 1, maxLength: 2 }),
            minimum_should_match: fc.constantFrom(0, 1, 2, '60%', -1),
          },
          { requiredKeys: [] },
        )
        .map((bool) => ({ bool })),
    },
  ),
})).query;

describe('a filter, imported, and a real Elasticsearch', () => {
  let node: ElasticsearchNode;
  const documents = fc.sample(document, { numRuns: 120, seed: 20260105 });

  const ask = async (path: string, lines: readonly unknown[]): Promise<unknown> => {
    const body = `${lines.map((line) => JSON.stringify(line)).join('\n')}\n`;
    const isOne = path.split('/').length === 2;
    const type = isOne ? 'application/json' : 'application/x-ndjson';
    const answer = await fetch(`${node.url}${path}`, {
      method: isOne ? 'PUT' : 'POST',
      headers: { 'content-type': type },
      body,
    });
    return await answer.json();
  };

  beforeAll(async () => {
    node = await startElasticsearch();
    await ask(`/${INDEX}`, [{ settings: { number_of_replicas: 0 }, mappings: MAPPING }]);
    await ask(
      `/${INDEX}/_bulk?refresh=true`,
      documents.flatMap((one, at) => [{ index: { _id: String(at) } }, one]),
    );
  });

  afterAll(async () => {
    await fetch(`${node.url}/${INDEX}`, { method: 'DELETE' });
    await node.stop();
  });

  it('the same documents, for 600 random queries', async () => {
    const queries = fc.sample(query, { numRuns: 600, seed: 7 });
    const { responses } = (await ask(
      `/${INDEX}/_msearch`,
      queries.flatMap((one) => [{}, { size: documents.length, _source: false, query: { bool: { filter: [one] } } }]),
    )) as {
      responses: { readonly hits?: { readonly hits: readonly { readonly _id: string }[] }; readonly error?: unknown }[];
    };
    let some = 0;
    for (const [at, one] of queries.entries()) {
      const { hits, error } = responses[at] ?? {};
      const { rules, told } = imported(
        JSON.stringify({ name: 'Case', type: 'any', index: '*', alert: 'debug', filter: [one] }),
      );
      const [rule] = rules;
      if (hits === undefined || rule === undefined) {
        expect([JSON.stringify(one), told, error]).toEqual([]);
        continue;
      }
      const theirs = new Set(hits.hits.map(({ _id }) => _id));
      const ours = documents.flatMap((event, place) =>
        rule.match(event, Date.UTC(2026, 0, 7)) ? [String(place)] : [],
      );
      const differ = documents.flatMap((event, place) =>
        theirs.has(String(place)) === ours.includes(String(place)) ? [] : [event],
      );
      expect({
        query: JSON.stringify(one),
        match: rule.matchSource,
        differ: JSON.stringify(differ.slice(0, 2)),
      }).toMatchObject({ differ: '[]' });
      if (ours.length > 0 && ours.length < documents.length) some += 1;
    }
    expect(some).toBeGreaterThan(300);
  });
});
