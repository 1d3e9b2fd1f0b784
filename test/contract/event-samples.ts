// Events for the store contract: plain ones, hostile ones, and generators of documents and queries that tend to meet.
import fc from 'fast-check';
import type { NewEvent } from '../../event/document.ts';
import type { AggregateRequest } from '../../store/port.ts';
import type { Query } from '../../store/query/query.ts';

export const START_MS: number = Date.UTC(2026, 10, 21, 12, 0, 0);

/** An event as the collector makes them, `n` seconds after START_MS. */
export function sampleEvent(n: number, over: Record<string, unknown> = {}): NewEvent {
  const at = new Date(START_MS + n * 1_000).toISOString();
  return {
    id: `h1.b00t.${(START_MS + n * 1_000).toString(36)}.${n.toString(36)}.x`,
    document: {
      '@timestamp': at,
      ecs: { version: '9.0.0' },
      event: {
        kind: 'event',
        category: ['process'],
        type: ['start'],
        action: 'executed',
        created: at,
        original: `type=SYSCALL n=${n}`,
      },
      host: { id: 'h1', name: 'web-1', boot: { id: 'b00t' } },
      process: { pid: 1_000 + n, name: n % 2 === 0 ? 'bash' : 'curl', args: ['a', `b${n}`], parent: { name: 'sshd' } },
      user: { id: '0', name: 'root' },
      vedette: { position: n + 1 },
      ...over,
    },
  };
}

/** Documents that a careless store would lose, change or stumble over. Each gets its own time. */
export const HOSTILE_DOCUMENTS: readonly Record<string, unknown>[] = [
  JSON.parse('{"__proto__":{"polluted":true},"constructor":{"prototype":{"x":1}},"toString":"no"}'),
  JSON.parse('{"process":{"__proto__":"x","name":"y","constructor":1}}'),
  { "quo'te": 'a', 'dou"ble': "it's", 'back\\slash': '\\', '%': '%_', ';--': "'); DROP TABLE events; --" },
  { process: { name: "'; DROP TABLE events; --", command_line: 'a"b\\c*d?e%f_g' } },
  { process: { name: 'with\u0000nul', title: 'tab\tnewline\nbell\u0007', args: ['\u0000', '\u001b[31m', '\u202e'] } },
  { process: { name: '\ud800 lone', args: ['\udfff'] }, message: '\ud83d' },
  { process: { command_line: 'x'.repeat(40_000), args: Array.from({ length: 2_000 }, (_, n) => `arg${n}`) } },
  { event: { original: `${'é'.repeat(40_000)}\nend` } },
  { process: { pid: '12', args: 'not an array', name: ['an', 'array'], parent: 'not an object' } },
  { process: { pid: 1.5, name: 7, args: [1, 'two', null, ['three']], executable: null } },
  { process: { pid: 9_007_199_254_740_991, args: [] }, destination: { port: -1 } },
  { process: { pid: 1e300 }, source: { port: 18_446_744_073_709_552_000 }, event: { sequence: 4_294_967_295 } },
  { process: {}, user: { name: '' }, tags: [], empty: {}, list: [[], [[]], {}], nothing: null },
  { 'process.name': 'flat', 'process.args': ['flat'], user: { 'effective.id': '0' }, 'host.id': 'h9' },
  { process: { name: 'nested' }, 'process.name': 'and flat' },
  { event: { created: 'not a time', category: [] }, tags: [''] },
  { event: { created: '2026-11-21T12:00:00Z', ingested: '2026-11-21T12:00:00.123456Z' } },
  {
    event: { created: '2026-11-21T13:00:00+01:00' },
    source: { ip: '10.0.0.1' },
    destination: { ip: 'not an address' },
  },
  {
    auditd: { paths: [{ name: '/etc/passwd', nametype: 'NORMAL' }, { name: '/tmp/x' }], data: { 'a.b': 'c', a0: '5' } },
  },
  { ключ: 'значение', 日本: '語', '🦊': ['🦊'] },
  { host: { id: 'h2', boot: { id: '' } }, vedette: { position: -5 } },
  { a: { b: { c: { d: { e: [{ f: [{ g: 'deep' }] }] } } } } },
];

/** The hostile documents as events. */
export function hostileEvents(): readonly NewEvent[] {
  return HOSTILE_DOCUMENTS.map((document, n) => ({
    id: `h1.hostile'"%_\\.${n}`,
    document: { '@timestamp': new Date(START_MS + n).toISOString(), ...document },
  }));
}

const words = fc.constantFrom(
  'bash',
  'BASH',
  'Bash',
  'sh',
  'a*b',
  'a?b',
  '',
  '5',
  '05',
  '-1',
  'İ',
  'ß',
  'ΣΑΣ',
  'σας',
  'K',
  'x y',
  '%',
  '_',
  '\\',
  '"',
  "'",
  'true',
  'null',
  '🦊',
);
const addresses = fc.constantFrom(
  '10.0.0.1',
  '10.1.2.3',
  '192.168.0.1',
  '::1',
  '0:0:0:0:0:0:0:1',
  '::ffff:10.0.0.1',
  'fe80::1',
  'x',
);
const times = fc.constantFrom(
  '2026-11-21T12:00:00.000Z',
  '2026-11-21T12:00:00Z',
  '2026-11-21T13:00:00+01:00',
  '2026-11-22T00:00:00.000Z',
  'soon',
);
const numbers = fc.oneof(fc.integer({ min: -3, max: 12 }), fc.constantFrom(5.5, 1e21, 443));
const scalars: fc.Arbitrary<unknown> = fc.oneof(words, numbers, fc.boolean(), addresses);
const odd: fc.Arbitrary<unknown> = fc.oneof(
  scalars,
  fc.array(scalars, { maxLength: 3 }),
  fc.constant(null),
  fc.constant({ x: 'bash' }),
);

/** Mostly of the field's type, sometimes anything. */
const usually = (value: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> =>
  fc.oneof({ weight: 5, arbitrary: value }, { weight: 1, arbitrary: odd });

const maybe = (shape: Record<string, fc.Arbitrary<unknown>>): fc.Arbitrary<Record<string, unknown>> =>
  fc.record(shape, { requiredKeys: [] });

/** Documents over a few fields of every type: columns, other fields, unknown ones; nested and flat. */
export const documents: fc.Arbitrary<Record<string, unknown>> = maybe({
  process: fc.oneof(
    {
      weight: 6,
      arbitrary: maybe({
        name: usually(words),
        pid: usually(numbers),
        args: usually(fc.array(words, { maxLength: 3 })),
        tty: usually(words),
        exit_code: usually(numbers),
      }),
    },
    { weight: 1, arbitrary: odd },
  ),
  'process.name': usually(words),
  source: maybe({ ip: usually(addresses), port: usually(numbers) }),
  related: maybe({ ip: usually(fc.array(addresses, { maxLength: 2 })) }),
  event: maybe({
    original: usually(words),
    created: usually(times),
    category: usually(fc.array(words, { maxLength: 2 })),
  }),
  vedette: maybe({ loss: maybe({ from: usually(times) }) }),
  auditd: maybe({ data: maybe({ a0: usually(words) }), paths: fc.array(maybe({ name: words }), { maxLength: 2 }) }),
  message: usually(words),
  custom: maybe({ thing: odd, 'dotted.name': odd }),
});

const FIELD_NAMES = [
  '@timestamp',
  'process.name',
  'process.pid',
  'process.args',
  'process.tty',
  'process.exit_code',
  'process',
  'source.ip',
  'source.port',
  'related.ip',
  'event.original',
  'event.created',
  'event.category',
  'vedette.loss.from',
  'auditd.data.a0',
  'auditd.data',
  'auditd.paths.name',
  'message',
  'custom.thing',
  'custom.dotted.name',
  'custom.thing.x',
  'absent',
  '__proto__',
  "quo'te",
  'process.name.x',
];
const fields = fc.constantFrom(...FIELD_NAMES);
const rangeEnd = fc.option(
  fc.record({ value: fc.oneof(words, addresses, times, numbers.map(String)), isInclusive: fc.boolean() }),
  { nil: undefined },
);
const patterns = fc.constantFrom(
  '*',
  'b*',
  '*s*',
  '?ash',
  'b??h',
  '*\\**',
  '5*',
  '*.0.0.1',
  '??',
  '*α?',
  '*i*',
  '"*',
  '\\\\',
  '*20*Z',
  'tru?',
  '',
);

const expressions = fc.constantFrom(
  '.*',
  '',
  'b.*',
  '(ba)?sh',
  '[a-f0-9:.]+',
  '\\d+',
  '.*\\*.*',
  'k.*',
  '.*[α-ω]',
  '(?-i)B.*',
  '\\x00?.',
  'a|b|.*h',
);

/** What is counted of them: groups, buckets and distinct values. */
export const shapes: fc.Arbitrary<Pick<AggregateRequest, 'groupBy' | 'bucketMs' | 'distinct' | 'limit'>> = fc
  .record({
    groupBy: fc.array(fields, { maxLength: 3 }),
    bucketMs: fc.option(fc.constantFrom(1, 60_000, 3_600_000, 86_400_000, 604_800_000), { nil: undefined }),
    distinct: fc.option(fc.array(fields, { minLength: 1, maxLength: 2 }), { nil: undefined }),
    limit: fc.constantFrom(1, 3, 1_000),
  })
  .map(({ groupBy, bucketMs, distinct, limit }) => ({
    groupBy,
    limit,
    ...(bucketMs === undefined ? {} : { bucketMs }),
    ...(distinct === undefined ? {} : { distinct }),
  }));

/** Which of an event's fields are asked for: some, or all. */
export const views: fc.Arbitrary<readonly string[] | undefined> = fc.option(
  fc.array(fc.oneof({ weight: 4, arbitrary: fields }, fc.constantFrom('process', 'process.name.x', 'custom')), {
    maxLength: 4,
  }),
  { nil: undefined },
);

/** Queries over the same fields and values. */
export const queries: fc.Arbitrary<Query> = fc.letrec<{ query: Query; leaf: Query }>((tie) => ({
  leaf: fc.oneof(
    fc.constant<Query>({ kind: 'all' }),
    fc.record({ kind: fc.constant('exists' as const), field: fields }),
    fc.record({
      kind: fc.constant('equals' as const),
      field: fields,
      value: fc.oneof(words, addresses, times, numbers.map(String), fc.constantFrom('10.0.0.0/8', '::/0')),
    }),
    fc.record({ kind: fc.constant('wildcard' as const), field: fields, pattern: patterns }),
    fc.record({ kind: fc.constant('regex' as const), field: fields, pattern: expressions }),
    fc.record({ kind: fc.constant('range' as const), field: fields, min: rangeEnd, max: rangeEnd }),
    fc.record({ kind: fc.constant('text' as const), text: words }),
  ),
  query: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    tie('leaf'),
    fc.record({ kind: fc.constantFrom('and' as const, 'or' as const), left: tie('query'), right: tie('query') }),
    fc.record({ kind: fc.constant('not' as const), query: tie('query') }),
  ),
})).query;
