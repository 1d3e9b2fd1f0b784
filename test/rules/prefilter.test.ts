// No event is kept from a rule that would match it: random conditions, ours and JSONata's, on random events that nearly match; what the
// expression says of the event is the oracle, the index and its look through the bytes have to follow. The official engine is asked in
// expression-oracle.test.ts. `VEDETTE_PROPERTY_RUNS=1000000 npx vitest run --project unit test/rules/prefilter.test.ts` for a night.
import fc from 'fast-check';
import { RE2JS } from 're2js';
import { describe, expect, it } from 'vitest';
import { candidateQuery } from '../../backtest/candidate-query.ts';
import { indexRules } from '../../engine/candidates.ts';
import type { EventDocument } from '../../event/document.ts';
import { compilePredicate } from '../../rules/expression/compile.ts';
import { necessaryClause } from '../../rules/expression/necessary.ts';
import { parseExpression } from '../../rules/expression/parse.ts';
import { globNeeds, regexNeeds } from '../../rules/expression/regex-parts.ts';
import { matchesQuery } from '../../store/query/matches.ts';
import { ruleWith } from '../engine/making.ts';
import { expression, LISTS, event as officialEvent } from './random-expressions.ts';

const RUNS = Number(process.env['VEDETTE_PROPERTY_RUNS'] ?? 2_500);
const LIMIT_MS = Math.max(300_000, RUNS * 20);

const TEXTS = [
  'bash',
  'BASH',
  'sh',
  '/usr/bin/bash',
  '/tmp/.x/sh',
  'curl http://x | sh',
  'CURL x|BASH',
  '-c',
  '',
  '0',
  '22',
  'ba\u017fh',
  '\u212aill',
  'kill',
  '\u0130d',
  'id',
  'straße',
  'STRASSE',
  'ünïcode',
  '日本語',
  '10.1.2.3',
  '::ffff:10.1.2.3',
  'a\\b"c',
  'a\nb',
] as const;
const text = fc.constantFrom(...TEXTS);
const scalar = fc.oneof(
  { weight: 8, arbitrary: text },
  { weight: 1, arbitrary: fc.tuple(text, text).map(([a, b]) => a + b) },
  { weight: 2, arbitrary: fc.constantFrom<unknown>(0, 22, -1, 1.5, true, null) },
);
const NAMES = ['process', 'name', 'parent', 'ancestors', 'args', 'user'] as const;

const { object: wildEvent } = fc.letrec<{ object: Record<string, unknown>; value: unknown }>((tie) => ({
  object: fc.dictionary(fc.constantFrom(...NAMES), tie('value'), { minKeys: 1, maxKeys: 4, noNullPrototype: true }),
  value: fc.oneof(
    { depthSize: 'small', maxDepth: 3 },
    { weight: 6, arbitrary: scalar },
    { weight: 4, arbitrary: tie('object') },
    { weight: 2, arbitrary: fc.array(tie('value'), { maxLength: 3 }) },
  ),
}));

const oneOrMore = fc.oneof(
  { weight: 3, arbitrary: scalar },
  { weight: 1, arbitrary: fc.array(scalar, { maxLength: 3 }) },
);
const named = fc.record({ name: oneOrMore });
const likelyEvent = fc.record(
  {
    process: fc.record(
      {
        name: oneOrMore,
        args: fc.array(scalar, { maxLength: 3 }),
        parent: named,
        ancestors: fc.oneof(fc.array(named, { maxLength: 2 }), named),
      },
      { requiredKeys: ['name', 'args'] },
    ),
    user: fc.oneof(oneOrMore, named),
  },
  { requiredKeys: ['process'] },
);
const event = fc.oneof({ weight: 4, arbitrary: likelyEvent }, { weight: 1, arbitrary: wildEvent });

const field = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.constantFrom('process', 'user', 'process.name', 'process.args', 'process.parent.name', 'user.name'),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      'process[name]',
      'process.args[0]',
      '(process).name',
      '$$.user',
      'process[$exists(parent)].name',
    ),
  },
);
const literal = text.map((value) => JSON.stringify(value));
const literals = fc.array(literal, { minLength: 1, maxLength: 3 }).map((all) => all.join(', '));
const REGEXES = [
  'bash',
  'ba(s|z)h',
  '(ba|da|z)?sh$',
  '^/usr',
  '^(bash|sh)$',
  'curl.*\\|\\s*(ba)?sh',
  'k[iI]ll',
  'stra(ß|ss)e',
  '[^a-z]',
  '\\d+',
  '^$',
  'a\\\\b',
  'sh|^$',
  '(a|b)*sh',
  'x{0}sh',
  'l{2}$',
  '\\bsh\\b',
  'id',
  'ss?',
  '(?:ku|cu)rl',
  'ünï',
  'a\\nb',
  '\\u0062ash',
] as const;
const regex = fc
  .tuple(fc.constantFrom(...REGEXES), fc.constantFrom('', 'i', 'm', 'im'))
  .map(([source, flags]) => `/${source.replaceAll('/', '\\/')}/${flags}`);
const glob = fc
  .constantFrom('*', '*.sh', '/tmp/*', 'b?sh', '*bash*', 'bash', '/usr/*/ba*', '\\\\*', '日*')
  .map((value) => JSON.stringify(value));

const joinedLiterals = fc
  .array(
    fc.oneof(
      text,
      fc.tuple(text, text).map(([a, b]) => `${a} ${b}`),
      fc.constantFrom('*bash *', '* -c*', ' ?s'),
    ),
    { minLength: 1, maxLength: 2 },
  )
  .map((all) => all.map((one) => JSON.stringify(one)).join(', '));

const { condition } = fc.letrec<{ condition: string; leaf: string }>((tie) => ({
  leaf: fc.oneof(
    fc
      .tuple(field, fc.constantFrom('=', '!='), fc.oneof(literal, fc.constantFrom('22', 'null', 'true')))
      .map((all) => all.join(' ')),
    fc.tuple(field, literals).map(([of, values]) => `${of} in [${values}, 22]`),
    fc.tuple(literal, field).map(([value, of]) => `${value} in ${of}`),
    fc
      .tuple(fc.constantFrom('is', 'startswith', 'endswith', 'glob', 'like', 'matches'), field, literals)
      .map(([name, of, values]) => `$${name}(${of}, ${name === 'matches' ? '"sh"' : values})`),
    fc.tuple(field, regex).map(([of, tested]) => `$matches(${of}, ${tested})`),
    fc.tuple(field, regex).map(([of, tested]) => `$contains($lowercase(${of}), ${tested})`),
    fc.tuple(field, glob).map(([of, pattern]) => `$glob(${of}, ${pattern})`),
    fc.tuple(field, glob).map(([of, pattern]) => `$like(${of}, ${pattern})`),
    fc
      .tuple(fc.constantFrom('is', 'startswith', 'like', 'glob'), fc.constantFrom(' ', 's', ''), joinedLiterals)
      .map(
        ([name, separator, values]) => `$${name}($join(process.args[$type($) = "string"], "${separator}"), ${values})`,
      ),
    fc
      .tuple(field, field, fc.constantFrom('is', 'like', 'endswith'), literals)
      .map(([one, other, name, values]) => `$${name}([${one}, ${other}], ${values})`),
    regex.map((tested) => `$matches($join(process.args[$type($) = "string"], " "), ${tested})`),
    fc.tuple(field, literal).map(([of, part]) => `$contains(${of}, ${part})`),
    fc.tuple(field, literal).map(([of, part]) => `$contains($lowercase(${of}), ${part})`),
    fc.tuple(field, literals).map(([of, values]) => `$lowercase(${of}) in [${values}]`),
    fc.tuple(field, literals).map(([of, values]) => `$basename(${of}) in [${values}]`),
    fc.tuple(fc.constantFrom('process', '$'), literals).map(([of, values]) => `$descends_from(${of}, ${values}, 22)`),
    field.map((of) => `$has(${of})`),
    field.map((of) => `$cidr(${of}, "10.0.0.0/8")`),
    field.map((of) => `$entropy(${of}) > 1`),
    fc.tuple(field, literal).map(([of, value]) => `process.args[$contains(${value})] = ${of}`),
    fc.tuple(field, regex).map(([of, tested]) => `${of}.$contains(${tested})`),
    fc.tuple(field, literal).map(([of, value]) => `$exists(${of}[$ = ${value}])`),
    field,
  ),
  condition: fc.oneof(
    { maxDepth: 3, depthSize: 'small' },
    { weight: 5, arbitrary: tie('leaf') },
    {
      weight: 2,
      arbitrary: fc
        .tuple(tie('condition'), fc.constantFrom('and', 'or'), tie('condition'))
        .map(([a, op, b]) => `(${a} ${op} ${b})`),
    },
    { weight: 1, arbitrary: tie('condition').map((inner) => `$not(${inner})`) },
    {
      weight: 1,
      arbitrary: fc
        .tuple(tie('condition'), tie('condition'), tie('condition'))
        .map(([a, b, c]) => `(${a} ? ${b} : ${c})`),
    },
    { weight: 1, arbitrary: fc.tuple(field, tie('condition')).map(([of, inner]) => `${of}[${inner}] = "bash"`) },
    {
      weight: 1,
      arbitrary: fc
        .tuple(fc.constantFrom('exists', 'has'), field, tie('condition'))
        .map(([name, of, inner]) => `$${name}(${of}[${inner}])`),
    },
    {
      weight: 1,
      arbitrary: fc
        .tuple(fc.constantFrom('process.ancestors', 'process', 'missing'), fc.constantFrom('like', 'is'), literals)
        .map(([of, name, values]) => `$exists(${of}[$${name}(name, ${values})])`),
    },
    { weight: 1, arbitrary: tie('condition').map((inner) => `$boolean((user; ${inner}))`) },
  ),
}));

/** How often each side was met, so that the property is known to have said something. */
interface Tally {
  matched: number;
  kept: number;
  unread: number;
  unasked: number;
}

function check(source: string, events: readonly EventDocument[], tally: Tally): void {
  const read = parseExpression(source, LISTS);
  if (read.kind === 'refused') return;
  const necessary = necessaryClause(read.expression);
  if (necessary === undefined) return;
  const matches = compilePredicate(read.expression);
  const rule = ruleWith({ necessary });
  const index = indexRules([rule], Number.MAX_SAFE_INTEGER);
  const query = candidateQuery([{ fromMs: 0, rules: [rule] }]);
  for (const document of events) {
    const json = JSON.stringify(document);
    const bytes = Buffer.from(json);
    const isMatch = holds(() => matches(document, 0));
    const isCandidate = index.candidates(document).length > 0;
    const isRead = index.hasCandidates({ bytes, from: 0, to: bytes.length, createdMs: 0 });
    const isAsked = query === undefined || matchesQuery(query, document);
    if (isMatch) tally.matched += 1;
    if (!isCandidate) tally.kept += 1;
    if (!isRead) tally.unread += 1;
    if (!isAsked) tally.unasked += 1;
    if (isMatch)
      expect({ isCandidate, isRead, isAsked }, `${source} on ${json}`).toEqual({
        isCandidate: true,
        isRead: true,
        isAsked: true,
      });
    if (isCandidate) expect(isRead, `${source} on ${json}`).toBe(true);
  }
}

function holds(evaluate: () => boolean): boolean {
  try {
    return evaluate();
  } catch {
    return false;
  }
}

describe('what keeps events from rules', { timeout: LIMIT_MS }, () => {
  it('keeps none that would match: conditions as people write them', () => {
    const tally: Tally = { matched: 0, kept: 0, unread: 0, unasked: 0 };
    fc.assert(
      fc.property(condition, fc.array(event, { minLength: 4, maxLength: 4 }), (source, events) =>
        check(source, events, tally),
      ),
      { numRuns: RUNS },
    );
    for (const count of Object.values(tally)) expect(count, JSON.stringify(tally)).toBeGreaterThan(RUNS / 20);
  });

  it('keeps none that would match: any expression', () => {
    const tally: Tally = { matched: 0, kept: 0, unread: 0, unasked: 0 };
    fc.assert(
      fc.property(expression, fc.array(officialEvent, { minLength: 4, maxLength: 4 }), (source, events) =>
        check(source, events, tally),
      ),
      { numRuns: RUNS },
    );
    expect(tally.kept, JSON.stringify(tally)).toBeGreaterThan(RUNS / 10);
  });

  it('knows of a regular expression only what RE2 and JavaScript both need', () => {
    const piece = fc.constantFrom(
      'a',
      'b',
      'k',
      's',
      'ß',
      '\\.',
      '.',
      '\\d',
      '[ab]',
      '[^a]',
      '(a|bk)',
      '(?:s|)',
      '(k(a|b))',
      '^',
      '$',
      '\\b',
      '|',
      'ab',
      '\\x61',
      '{',
      '(?i:a)',
      '\\Qa\\E',
      '[a-z]',
      '[\\w]',
    );
    const quantifier = fc.constantFrom('', '', '', '?', '*', '+', '{2}', '{0,1}', '{1,}', '??', '{1}');
    const pattern = fc
      .array(fc.tuple(piece, quantifier), { maxLength: 6 })
      .map((all) => all.map(([a, b]) => a + b).join(''));
    const subject = fc.string({
      unit: fc.constantFrom('a', 'b', 'A', 'k', '\u212a', 's', '\u017f', 'ß', 'ẞ', '.', '1', '\n'),
      maxLength: 6,
    });
    let told = 0;
    fc.assert(
      fc.property(
        pattern,
        fc.constantFrom('', 'i', 'm', 'im'),
        fc.array(subject, { minLength: 4, maxLength: 4 }),
        (source, flags, subjects) => {
          const need = regexNeeds('a', source, flags);
          const tests = [javaScriptTest(source, flags), re2Test(source, flags)];
          if (need === undefined || tests.every((test) => test === undefined)) return;
          told += 1;
          const index = indexRules([ruleWith({ necessary: need })]);
          for (const of of subjects) {
            const isFound = tests.some((test) => test?.(of) === true);
            if (isFound)
              expect(index.candidates({ a: of }), `/${source}/${flags} on ${JSON.stringify(of)}`).toHaveLength(1);
          }
        },
      ),
      { numRuns: RUNS },
    );
    expect(told).toBeGreaterThan(RUNS / 10);
  });
});

describe('what a pattern needs', () => {
  it.each<[string, string, unknown]>([
    ['curl', '', 'curl'],
    ['(ba|da)?sh', '', ['bash', 'dash', 'sh']],
    ['^/usr/(local/)?bin/', '', ['^/usr/local/bin/', '^/usr/bin/']],
    ['\\.(sh|py)$', '', ['.sh$', '.py$']],
    ['^(nc|ncat)$', '', ['=nc', '=ncat']],
    ['curl.+[|]\\s*sh', '', { all: ['curl', '|', 'sh'] }],
    ['ünï-code', 'i', '-code'],
    ['a*', '', undefined],
    ['(?=a)b', '', undefined],
    ['a|.*', '', undefined],
  ])('/%s/%s', (source, flags, expected) => {
    expect(shortened(regexNeeds('f', source, flags))).toEqual(expected);
  });

  it.each<[string, unknown]>([
    ['/etc/cron.*/*', { all: ['^/etc/cron.', '/'] }],
    ['*.sh', '.sh$'],
    ['/bin/sh', '=/bin/sh'],
    ['*', undefined],
  ])('%s', (pattern, expected) => {
    expect(shortened(globNeeds('f', pattern))).toEqual(expected);
  });
});

function shortened(need: ReturnType<typeof regexNeeds>): unknown {
  if (need === undefined) return undefined;
  switch (need.kind) {
    case 'all':
      return { all: need.of.map(shortened) };
    case 'any':
      return need.of.map(shortened);
    case 'equals': {
      const values = [...need.values].map((value) => `=${value}`);
      return values.length === 1 ? values[0] : values;
    }
    case 'part':
      return `${need.place === 'start' ? '^' : ''}${need.part}${need.place === 'end' ? '$' : ''}`;
    default:
      return need.kind;
  }
}

type TextTest = ((text: string) => boolean) | undefined;

function javaScriptTest(source: string, flags: string): TextTest {
  try {
    const compiled = new RegExp(source, flags);
    return (text) => compiled.test(text);
  } catch {
    return undefined;
  }
}

function re2Test(source: string, flags: string): TextTest {
  try {
    const options = (flags.includes('i') ? RE2JS.CASE_INSENSITIVE : 0) | (flags.includes('m') ? RE2JS.MULTILINE : 0);
    const compiled = RE2JS.compile(RE2JS.translateRegExp(source), options);
    return (text) => compiled.test(text);
  } catch {
    return undefined;
  }
}
