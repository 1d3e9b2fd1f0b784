// The search language: what is read as what, what is refused and where, and what the leaves mean.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addressNumber, parseNetwork } from '../../store/query/address.ts';
import { matchesQuery } from '../../store/query/matches.ts';
import { parseQuery, QUERY_CHARS_MAX, QUERY_CLAUSES_MAX, QUERY_DEPTH_MAX } from '../../store/query/parse.ts';
import type { Query } from '../../store/query/query.ts';
import { matchesWildcard, type WildcardPart, wildcardParts } from '../../store/query/wildcard.ts';

/** A query as text with every parenthesis, for the tables below. */
function shown(query: Query): string {
  switch (query.kind) {
    case 'and':
    case 'or':
      return `(${shown(query.left)} ${query.kind} ${shown(query.right)})`;
    case 'not':
      return `not ${shown(query.query)}`;
    case 'equals':
      return `${query.field}=${query.value}`;
    case 'wildcard':
      return `${query.field}~${query.pattern}`;
    case 'regex':
      return `${query.field}/${query.pattern}/`;
    case 'exists':
      return `${query.field}?`;
    case 'range': {
      const [min, max] = [query.min, query.max];
      return `${query.field}${min?.isInclusive === true ? '[' : '('}${min?.value ?? ''}..${max?.value ?? ''}${max?.isInclusive === true ? ']' : ')'}`;
    }
    case 'text':
      return `"${query.text}"`;
    case 'all':
      return 'all';
  }
}

function read(text: string): string {
  const parsed = parseQuery(text);
  return parsed.ok ? shown(parsed.query) : `${parsed.diagnostic.code}@${parsed.diagnostic.column}`;
}

describe('parseQuery', () => {
  it.each([
    ['', 'all'],
    ['*', 'all'],
    ['*:*', 'all'],
    ['process.name:bash AND user.name:root', '(process.name=bash and user.name=root)'],
    ['a:1 b:2', '(a=1 and b=2)'],
    ['a:1 OR b:2 AND c:3', '(a=1 or (b=2 and c=3))'],
    ['(a:1 OR b:2) AND c:3', '((a=1 or b=2) and c=3)'],
    ['a:1 && b:2 || !c:3', '((a=1 and b=2) or not c=3)'],
    ['NOT a:1 AND -b:2', '(not a=1 and not b=2)'],
    ['NOT NOT a:1', 'a=1'],
    ['NOT (a:1 OR b:2) c:3', '(not (a=1 or b=2) and c=3)'],
    ['a:(x OR "y z" OR w*)', '((a=x or a=y z) or a~w*)'],
    ['@timestamp:>=2026-01-31', '@timestamp[2026-01-31T00:00:00.000Z..)'],
    [
      '@timestamp:[2026-01-31T10:00:00 TO 2026-01-31T12:00+02:00}',
      '@timestamp[2026-01-31T10:00:00.000Z..2026-01-31T10:00:00.000Z)',
    ],
    ['process.pid:{1 TO *]', 'process.pid(1..)'],
    ['process.pid:[* TO *]', 'process.pid?'],
    ['x:["a b" TO "c"]', 'x[a b..c]'],
    ['file.path:/etc/passwd', 'file.path=/etc/passwd'],
    ['file.path:/etc/*', 'file.path~/etc/*'],
    ['source.ip:10.0.0.0/8', 'source.ip=10.0.0.0/8'],
    ['source.ip:fe80::1', 'source.ip=fe80::1'],
    ['process.args:-la', 'process.args=-la'],
    ['process.pid:007', 'process.pid=007'],
    ['a:"b*"', 'a=b*'],
    ['a:b\\*', 'a=b*'],
    ['a:b\\**', 'a~b\\**'],
    ['a:"say \\"hi\\" \\\\"', 'a=say "hi" \\'],
    ["a:'x y'", 'a=x y'],
    ['"odd field":x', 'odd field=x'],
    ['_exists_:a.b', 'a.b?'],
    ['a:*', 'a?'],
    ['curl', '"curl"'],
    ['*curl*', '"curl"'],
    ['"two words"', '"two words"'],
    ['cu*rl', '(event.original~*cu*rl* or message~*cu*rl*)'],
    ['__proto__:x', '__proto__=x'],
  ])('reads %s as %s', (text, expected) => {
    expect(read(text)).toBe(expected);
  });

  it.each([
    ['a:', 'query/value-missing@3'],
    ['a: b', 'query/value-missing@3'],
    ['a:1 AND', 'query/operand@8'],
    ['OR a:1', 'query/operand@1'],
    ['NOT', 'query/operand@4'],
    ['NOT AND a:1', 'query/operand@5'],
    ['()', 'query/operand@2'],
    ['(a:1', 'query/parenthesis@1'],
    ['a:1)', 'query/parenthesis@4'],
    ['a:1 and b:2', 'query/lower-case-operator@5'],
    ['a:/b.*c/', 'query/regex@3'],
    ['a:b~2', 'query/fuzzy@4'],
    ['a:"b"^2', 'query/fuzzy@6'],
    ['+a:1', 'query/plus@1'],
    ['a:"b', 'query/quote-open@3'],
    ['a:b"c', 'query/unquoted@4'],
    ['a:"b"c', 'query/after-quote@6'],
    ['a:[1 2]', 'query/range@3'],
    ['[1 TO 2]', 'query/range-field@1'],
    ['process.pid:>many', 'query/range-number@14'],
    ['@timestamp:>yesterday', 'query/range-time@13'],
    ['source.ip:>x', 'query/range-address@12'],
    ['proc*:x', 'query/field-wildcard@1'],
    ['a:(x process.name:y)', 'query/field-in-group@6'],
    ['a:b\\', 'query/escape@4'],
    ['x'.repeat(QUERY_CHARS_MAX + 1), 'query/long@1'],
  ])('refuses %s, and says where', (text, expected) => {
    expect(read(text)).toBe(expected);
    const parsed = parseQuery(text);
    if (!parsed.ok) expect(parsed.diagnostic.remedy).not.toBe('');
  });

  it('bounds clauses and depth, and takes as many as it says', () => {
    const clauses = (n: number): string => Array.from({ length: n }, (_, at) => `a:${at}`).join(' ');
    expect(parseQuery(clauses(QUERY_CLAUSES_MAX)).ok).toBe(true);
    expect(read(clauses(QUERY_CLAUSES_MAX + 1))).toMatch(/^query\/clauses@/);
    const nested = (n: number): string => `${'('.repeat(n)}a:1${')'.repeat(n)}`;
    expect(parseQuery(nested(QUERY_DEPTH_MAX)).ok).toBe(true);
    expect(read(nested(QUERY_DEPTH_MAX + 1))).toBe(`query/depth@${QUERY_DEPTH_MAX + 1}`);
  });

  it('never throws and never takes long, whatever is typed', () => {
    const pieces = fc.constantFrom(
      '(',
      ')',
      'AND',
      'OR',
      'NOT',
      '-',
      '"',
      "'",
      ':',
      '\\',
      '/',
      '[',
      ']',
      ' TO ',
      '*',
      '?',
      'a:b',
      ' ',
      '~',
      '@x:1',
      '\u0000',
      '\ud800',
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: 'binary' }),
          fc.array(pieces, { maxLength: 60 }).map((parts) => parts.join('')),
        ),
        (text) => {
          const parsed = parseQuery(text);
          if (!parsed.ok) expect(parsed.diagnostic.column).toBeGreaterThan(0);
        },
      ),
      { numRuns: 500 },
    );
    const started = performance.now();
    for (const text of [
      '('.repeat(4_000),
      'NOT '.repeat(1_000),
      '(a) '.repeat(128),
      `a:"${'\\'.repeat(4_000)}`,
      '\\'.repeat(4_001),
    ])
      parseQuery(text);
    expect(performance.now() - started).toBeLessThan(2_000);
  });
});

describe('what a query means', () => {
  const matches = (text: string, document: Record<string, unknown>): boolean => {
    const parsed = parseQuery(text);
    if (!parsed.ok) throw new Error(parsed.diagnostic.message);
    return matchesQuery(parsed.query, document);
  };

  it.each([
    ['process.args:two', { process: { args: ['one', ['TWO']] } }, true],
    ['process.pid:7', { process: { pid: 7 } }, true],
    ['process.pid:7', { process: { pid: '7' } }, true],
    ['process.pid:07', { process: { pid: 7 } }, false],
    ['process.pid:[5 TO 10}', { process: { pid: 10 } }, false],
    ['process.pid:[5 TO 10}', { process: { pid: '9' } }, true],
    ['a:true', { a: true }, true],
    ['a:*', { a: null }, false],
    ['a:*', { a: [] }, false],
    ['a:*', { a: {} }, true],
    ['auditd.paths.name:/etc/passwd', { auditd: { paths: [{ name: '/x' }, { name: '/etc/passwd' }] } }, true],
    ['process.name:x', { 'process.name': 'X' }, true],
    ['source.ip:10.0.0.0/8', { source: { ip: '10.9.9.9' } }, true],
    ['source.ip:10.0.0.0/8', { source: { ip: '11.0.0.1' } }, false],
    ['source.ip:"::1"', { source: { ip: '0:0:0:0:0:0:0:1' } }, true],
    ['related.ip:>=10.0.0.2', { related: { ip: ['10.0.0.1', '10.0.0.3'] } }, true],
    ['event.created:"2026-01-01T00:00:00Z"', { event: { created: '2026-01-01T01:00:00+01:00' } }, true],
    ['x:K', { x: '\u212a' }, true],
    ['x:i', { x: '\u0130' }, true],
    ['x:i?', { x: '\u0130' }, false],
    ['message:*ΟΔΟΣ', { message: 'x οδος' }, true],
    ['curl', { event: { original: 'a CURL b' } }, true],
    ['curl', { message: 'curly' }, true],
    ['curl', { process: { name: 'curl' } }, false],
    ['constructor:*', {}, false],
    ['toString:*', {}, false],
  ])('%s on %j is %s', (text, document, expected) => {
    expect(matches(text, document)).toBe(expected);
  });

  it('orders IPv4 inside IPv6, and reads every usual form of an address', () => {
    expect(addressNumber('10.0.0.1')).toBe(addressNumber('::ffff:10.0.0.1'));
    expect(addressNumber('1:2::8')).toBe(addressNumber('1:2:0:0:0:0:0:8'));
    expect(addressNumber('::')).toBe(0n);
    for (const bad of ['', '10.0.0', '10.0.0.256', 'fe80::1%eth0', '1:2:3', 'x'.repeat(100)])
      expect(addressNumber(bad)).toBeUndefined();
    expect(parseNetwork('10.1.2.3/8')).toEqual({
      first: addressNumber('10.0.0.0'),
      last: addressNumber('10.255.255.255'),
    });
    expect(parseNetwork('10.0.0.0/33')).toBeUndefined();
  });
});

describe('wildcards', () => {
  it('match like the regular expression of the same form', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'b', '*', '?', '\\', '.', '🦊'), maxLength: 12 });
    fc.assert(
      fc.property(text, text, (pattern, subject) => {
        const source = wildcardParts(pattern).map(asRegExp).join('');
        expect(matchesWildcard(wildcardParts(pattern), subject)).toBe(new RegExp(`^${source}$`, 'su').test(subject));
      }),
      { numRuns: 3_000 },
    );
  });

  it('take no time that grows out of hand', () => {
    const started = performance.now();
    expect(matchesWildcard(wildcardParts(`${'*a'.repeat(500)}b`), 'a'.repeat(40_000))).toBe(false);
    expect(performance.now() - started).toBeLessThan(1_000);
  });
});

function asRegExp(part: WildcardPart): string {
  switch (part.kind) {
    case 'run':
      return '.*';
    case 'one':
      return '.';
    case 'text':
      return part.text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  }
}
