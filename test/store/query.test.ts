// The search language: what is read as what, what is refused and where, and what the leaves mean.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addressNumber, parseNetwork } from '../../store/query/address.ts';
import { matchesQuery } from '../../store/query/matches.ts';
import {
  parseQuery,
  QUERY_CHARS_MAX,
  QUERY_CLAUSES_MAX,
  QUERY_DEPTH_MAX,
  QUERY_EXPRESSIONS_MAX,
} from '../../store/query/parse.ts';
import type { Query } from '../../store/query/query.ts';
import { matchesWildcard, type WildcardPart, wildcardParts } from '../../store/query/wildcard.ts';

/** 2026-03-04T05:06:07.089Z, a Wednesday. */
const NOW_MS = Date.UTC(2026, 2, 4, 5, 6, 7, 89);

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
    case 'id':
      return `#${query.id}`;
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
  const parsed = parseQuery(text, NOW_MS);
  return parsed.ok ? shown(parsed.query) : `${parsed.diagnostic.code}@${parsed.diagnostic.column}`;
}

describe('parseQuery', () => {
  it.each([
    ['', 'all'],
    ['*', 'all'],
    ['*:*', 'all'],
    ['_id:h.b.1\\*', '#h.b.1*'],
    ['not _id:"a b"', 'not #a b'],
    ['process.name:bash AND user.name:root', '(process.name=bash and user.name=root)'],
    ['a:1 b:2', '(a=1 and b=2)'],
    ['a:1 OR b:2 AND c:3', '(a=1 or (b=2 and c=3))'],
    ['(a:1 OR b:2) AND c:3', '((a=1 or b=2) and c=3)'],
    ['a:1 and b:2 or not c:3', '((a=1 and b=2) or not c=3)'],
    ['a:(x or not "y")', '(a=x or not a=y)'],
    ['+a:1 -b:2 +(c:3)', '((a=1 and not b=2) and c=3)'],
    ['a: 1 and b : 2', '(a=1 and b=2)'],
    ['a: (x or y)', '(a=x or a=y)'],
    ['process.pid >= 5 and process.pid<10', '(process.pid[5..) and process.pid(..10))'],
    ['process.pid: > 5', 'process.pid(5..)'],
    ['x > 5', 'x(5..)'],
    ['x>5', '"x>5"'],
    ['2>/dev/null', '"2>/dev/null"'],
    ['odd\\ field:x', 'odd field=x'],
    ['a\\:b:c', 'a:b=c'],
    ['C\\:\\\\x', '"C:\\x"'],
    ['android OR nothing', '("android" or "nothing")'],
    ['process.name:/(ba|z)?sh/', 'process.name/(ba|z)?sh/'],
    ['process.name:/a b/ c', '(process.name/a b/ and "c")'],
    ['a:/\\/etc\\/.*/', 'a//etc/.*/'],
    ['/curl|wget/', '(event.original/.*(?:curl|wget).*/ or message/.*(?:curl|wget).*/)'],
    ['message:/^sent/', 'message/.*(?:^sent).*/'],
    ['a:/root OR b:/', '(a=/root or b=/)'],
    ['file.path:/home/.*/', 'file.path~/home/.*/'],
    ['message:failed', 'message~*failed*'],
    ['message:"a * b"', 'message~*a \\* b*'],
    ['event.original:*a?b', 'event.original~*a?b*'],
    ['*:x', '"x"'],
    ['process.pare*.pid:7', 'process.parent.pid=7'],
    ['*.parent.n*:sh', 'process.parent.name=sh'],
    ['@timestamp:2026-01-31', '@timestamp[2026-01-31T00:00:00.000Z..2026-01-31T23:59:59.999Z]'],
    ['@timestamp:2026-02', '@timestamp[2026-02-01T00:00:00.000Z..2026-02-28T23:59:59.999Z]'],
    ['@timestamp:"2026-01-31 10:20"', '@timestamp[2026-01-31T10:20:00.000Z..2026-01-31T10:20:59.999Z]'],
    ['@timestamp > 2026-01-31', '@timestamp(2026-01-31T23:59:59.999Z..)'],
    ['@timestamp <= 2026-01-31', '@timestamp(..2026-01-31T23:59:59.999Z]'],
    ['@timestamp < 2026-01-31T12', '@timestamp(..2026-01-31T12:00:00.000Z)'],
    ['@timestamp:>=now-1h', '@timestamp[2026-03-04T04:06:07.089Z..)'],
    ['@timestamp:now/w', '@timestamp[2026-03-02T00:00:00.000Z..2026-03-08T23:59:59.999Z]'],
    ['@timestamp:[now-1d/d TO now/d}', '@timestamp[2026-03-03T00:00:00.000Z..2026-03-04T00:00:00.000Z)'],
    ['@timestamp:2026-01-31||+1M', '@timestamp[2026-02-28T00:00:00.000Z..2026-02-28T23:59:59.999Z]'],
    ['event.created:soon', 'event.created=soon'],
    ['x:[a to c]', 'x[a..c]'],
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
    ['_id:a*', 'query/id@5'],
    ['_id:>3', 'query/id@6'],
    ['_id:/a/', 'query/id@5'],
    ['a:', 'query/value-missing@3'],
    ['a: AND b:1', 'query/value-missing@4'],
    ['a:1 AND', 'query/operand@8'],
    ['OR a:1', 'query/operand@1'],
    ['NOT', 'query/operand@4'],
    ['NOT AND a:1', 'query/operand@5'],
    ['()', 'query/operand@2'],
    ['(a:1', 'query/parenthesis@1'],
    ['a:1)', 'query/parenthesis@4'],
    ['a:1 and', 'query/operand@8'],
    ['a:/b(c/', 'query/regex@4'],
    ['a:/ab[/', 'query/regex@6'],
    ['a:/(?=b)/', 'query/regex@4'],
    ['a:/(b)\\1/', 'query/regex@7'],
    ['a:/b{1,900}/', 'query/regex@4'],
    [`a:/${'b'.repeat(600)}/`, 'query/regex@4'],
    ['a:>/b/', 'query/range@4'],
    ['a:/b/~', 'query/fuzzy@6'],
    ['auditd.paths:{ name: x }', 'query/nested@14'],
    ['@timestamp:now-1x', 'query/date-math@12'],
    ['@timestamp:>now/', 'query/date-math@13'],
    ['@timestamp:>2026-02-30', 'query/range-time@13'],
    ['_exists_:/x/', 'query/exists@10'],
    ['a:b~2', 'query/fuzzy@4'],
    ['a:"b"^2', 'query/fuzzy@6'],
    ['+a:1 OR b:2', 'query/plus@1'],
    ['a:"b', 'query/quote-open@3'],
    ['a:b"c', 'query/unquoted@4'],
    ['a:"b"c', 'query/after-quote@6'],
    ['a:[1 2]', 'query/range@3'],
    ['[1 TO 2]', 'query/range-field@1'],
    ['process.pid:>many', 'query/range-number@14'],
    ['@timestamp:>yesterday', 'query/range-time@13'],
    ['source.ip:>x', 'query/range-address@12'],
    ['nothing*:x', 'query/field-wildcard@1'],
    ['*e*:x', 'query/field-wildcard@1'],
    ['a:(x process.name:y)', 'query/field-in-group@6'],
    ['a:b\\', 'query/escape@4'],
    ['x'.repeat(QUERY_CHARS_MAX + 1), 'query/long@1'],
  ])('refuses %s, and says where', (text, expected) => {
    expect(read(text)).toBe(expected);
    const parsed = parseQuery(text, NOW_MS);
    if (!parsed.ok) expect(parsed.diagnostic.remedy).not.toBe('');
  });

  const warned = (text: string): readonly string[] => {
    const parsed = parseQuery(text, NOW_MS);
    if (!parsed.ok) throw new Error(parsed.diagnostic.message);
    return parsed.warnings.map(({ code, column, remedy }) => `${code}@${column} ${remedy}`);
  };

  it.each([
    ['event.actoin:x', 'query/unknown-field@1 Did you mean `event.action`?'],
    ['a.b:1 and evnt.action:(x or y)', 'query/unknown-field@11 Did you mean `event.action`?'],
    ['pid:7', 'query/unknown-field@1 Did you mean `process.pid`?'],
    ['process.cmdline:x', 'query/unknown-field@1 Did you mean `process.command_line`?'],
    ['http://example.org', 'query/unknown-field@1 Only events'],
    ['_exists_:user.nam', 'query/unknown-field@10 Did you mean `user.name`?'],
    ['file.path:/etc/', 'query/path-or-regex@11 For the folder, write "/etc/" in quotes.'],
    ['file.path:/home/.*/', 'query/path-or-regex@11 For an expression, put a backslash before each slash'],
    ['process.name:"b*"', 'query/quoted-wildcard@14 '],
    ['process.name=sh', 'query/equals-sign@1 For the field, write process.name:sh.'],
    ['a and user.name==root', 'query/equals-sign@7 For the field, write user.name:root.'],
    ['process.name = bash', 'query/equals-sign@1 For the field, write process.name:value, process.name:(a or b)'],
    ['a or process.name in (bash, sh)', 'query/equals-sign@6 For the field'],
    ['process.name!=bash', 'query/equals-sign@1 For the field, write not process.name:bash.'],
    ['process.name: bash, zsh', 'query/comma@15 Write (bash or …)'],
    ['process.name:(bash, zsh)', 'query/comma@15 Write (bash or …)'],
    ['user.name:root | stats count', 'query/pipe@16 Nothing is handed on'],
    ['SELECT * FROM events', 'query/sql@1 SQL is asked by `vedette sql`'],
    ['process.pid:[100 TO 50]', 'query/range-empty@13 Write [low TO high]'],
    ['process.pid:{5 TO 5]', 'query/range-empty@13 '],
    ['destination.ip:[10.0.0.9 TO 10.0.0.1]', 'query/range-empty@16 '],
    ['@timestamp:[now TO now-1h]', 'query/range-empty@12 '],
    ['process.name.keyword:bash', 'query/unknown-field@1 Did you mean `process.name`?'],
    ['process.*pid:abc', 'query/value-type@14 Write a number'],
    ['process.pid:abc', 'query/value-type@13 Write a number'],
    ['destination.ip:10.0.0.300', 'query/value-type@16 Write 10.0.0.7'],
    ['destination.ip:(10.0.0.1 or 10.0.0.0/33)', 'query/value-type@29 Write 10.0.0.7'],
    ['@timestamp:yesterday', 'query/value-type@12 Write 2026-01-31'],
    ['host.name:10.0.0.0/8', 'query/network-as-text@11 Networks are looked up in fields of addresses'],
  ])('reads %s, and warns that it is perhaps not meant so', (text, expected) => {
    expect(
      warned(text).some((warning) => warning.startsWith(expected)),
      warned(text).join(),
    ).toBe(true);
  });

  it('warns of nothing that is as it should be, and at most eight times', () => {
    for (const text of [
      'process:*',
      'auditd.data.a0:5',
      'auditd.paths.name:/x',
      '@timestamp:now',
      'a b "c:d"',
      '*:*',
      'process.*name:x',
      'exe=x a==b',
      'process.pid:7 process.pid:"7" destination.ip:10.0.* destination.ip:"::1" destination.ip:10.0.0.0/8 @timestamp:2026',
      '@timestamp:1795324102393 destination.port:*',
      'process.*:root',
      'process.pid:[5 TO 5] process.name:[b TO a] @timestamp:[2026 TO 2026] @timestamp:[now-1h TO now]',
      'message tags select from "select a from b" "a | b" process.args:","',
      'process.command_line:a,b',
    ])
      expect(warned(text), text).toEqual([]);
    expect(warned(Array.from({ length: 100 }, (_, n) => `x${n}:1`).join(' '))).toHaveLength(8);
  });

  it('bounds clauses and depth, and takes as many as it says', () => {
    const clauses = (n: number): string => Array.from({ length: n }, (_, at) => `a:${at}`).join(' ');
    expect(parseQuery(clauses(QUERY_CLAUSES_MAX), NOW_MS).ok).toBe(true);
    expect(read(clauses(QUERY_CLAUSES_MAX + 1))).toMatch(/^query\/clauses@/);
    const expressions = (n: number): string => Array.from({ length: n }, (_, at) => `a:/x${at}/`).join(' or ');
    expect(parseQuery(expressions(QUERY_EXPRESSIONS_MAX), NOW_MS).ok).toBe(true);
    expect(read(expressions(QUERY_EXPRESSIONS_MAX + 1))).toMatch(/^query\/expressions@/);
    const nested = (n: number): string => `${'('.repeat(n)}a:1${')'.repeat(n)}`;
    expect(parseQuery(nested(QUERY_DEPTH_MAX), NOW_MS).ok).toBe(true);
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
      '{',
      '}',
      '+',
      '>=',
      'now',
      '||',
      '/d',
      'and',
      ' or ',
      'proc*:',
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
          const parsed = parseQuery(text, NOW_MS);
          if (!parsed.ok) expect(parsed.diagnostic.column).toBeGreaterThan(0);
        },
      ),
      { numRuns: 300 },
    );
  });

  it.each([
    '('.repeat(4_000),
    'NOT '.repeat(1_000),
    '(a) '.repeat(128),
    `a:"${'\\'.repeat(4_000)}`,
    '\\'.repeat(4_001),
    `a:/${'(b*)*'.repeat(95)}/`,
    'x:/y '.repeat(800),
    'a.b:[ '.repeat(650),
    '@timestamp:now'.padEnd(4_000, '+1d'),
    Array.from({ length: 100 }, (_, n) => `${'q'.repeat(30)}${n}:1`).join(' '),
  ])('is read in steps that its length bounds: text %#', (text) => {
    // What is not so bounded does not come to an end within the test's time.
    const parsed = parseQuery(text, NOW_MS);
    if (parsed.ok) matchesQuery(parsed.query, { a: 'b'.repeat(40_000), message: 'b'.repeat(40_000) });
  });
});

describe('what a query means', () => {
  const matches = (text: string, document: Record<string, unknown>): boolean => {
    const parsed = parseQuery(text, NOW_MS);
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
    ['message:curl', { message: 'with CURL in it' }, true],
    ['message:"with curl"', { message: 'with CURL in it' }, true],
    ['message:"in with"', { message: 'with CURL in it' }, false],
    ['message:/^with.*it$/', { message: 'with CURL\nin it' }, true],
    ['process.name:/ba.h/', { process: { name: 'BASH' } }, true],
    ['process.name:/ba/', { process: { name: 'bash' } }, false],
    ['file.path:/\\/(etc|tmp)\\/.*/', { file: { path: '/tmp/x' } }, true],
    ['process.par*.name:sshd', { process: { parent: { name: 'sshd' } } }, true],
    ['@timestamp:2026-01-31', { '@timestamp': '2026-01-31T23:59:59.999Z' }, true],
    ['@timestamp:2026-01-31', { '@timestamp': '2026-02-01T00:00:00Z' }, false],
    ['@timestamp:[now-1h TO now]', { '@timestamp': '2026-03-04T04:06:07.088Z' }, false],
    ['source.ip:2001:db8::/32', { source: { ip: '2001:DB8:0::7' } }, true],
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
    // By trying every place for every star it would take years.
    expect(matchesWildcard(wildcardParts(`${'*a'.repeat(500)}b`), 'a'.repeat(40_000))).toBe(false);
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
