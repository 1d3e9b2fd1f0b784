// What EQL's conditions and sequences mean, beside a plain second reading; what cannot be said, with its place.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { indexRules } from '../../../engine/candidates.ts';
import { toNested } from '../../../event/document.ts';
import { startRule } from '../../engine/kinds/rule-run.ts';
import { importElastic, ruleOfEql } from './one-import.ts';
import { holds, plainSequences } from './plain-eql.ts';
import { conditions, events, textOf } from './random-eql.ts';

const NOW_MS = Date.UTC(2026, 0, 5, 12);

function present(flat: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(flat).filter(([, value]) => value !== undefined));
}

describe('conditions', () => {
  it('are true of the events of which a plain reading has them true', () => {
    fc.assert(
      fc.property(conditions, fc.array(events, { minLength: 8, maxLength: 8 }), (condition, given) => {
        // A rule that no event can match is refused; `or false` changes nothing.
        const text = `any where user.id == "never" or (${textOf(condition)})`;
        const rule = ruleOfEql(text);
        const index = indexRules([rule]);
        for (const event of given) {
          const is = rule.match(toNested(present(event)), NOW_MS);
          const meant = holds(condition, event, true);
          // What keeps events from rules keeps none from this one that it matches.
          if (meant && index.candidates(toNested(present(event))).length === 0)
            throw new Error(`${text} is passed over`);
          if (is !== meant)
            throw new Error(`${text}\n${rule.matchSource}\n${JSON.stringify(event)}: ${is}, meant ${meant}`);
        }
      }),
      { numRuns: 600 },
    );
  });

  const SHELL = toNested({
    'event.category': ['process'],
    'event.action': 'executed',
    'process.name': 'Bash',
    'process.args': ['bash', '-c', 'id'],
    'process.pid': 42,
    'destination.ip': '10.1.2.3',
    'file.path': '/tmp/a.SH',
    'odd-name': 'x',
  });

  it.each<readonly [string, boolean]>([
    ['process where true', true],
    ['file where true', false],
    ['any where true', true],
    ['"process" where process.name == "Bash"', true],
    ['process where process.name == "bash"', false],
    ['process where process.name : "bash"', true],
    ['process where process.name : ("zsh", "BA*")', true],
    ['process where process.name == "B*"', false],
    ['process where process.name like "B?sh"', true],
    ['process where process.name like "b?sh"', false],
    ['process where process.name like~ ("b?sh", "x")', true],
    ['process where process.name regex "B[a-z]{3}"', true],
    ['process where process.name regex "as"', false],
    ['process where process.name regex~ ("x", "b.*h")', true],
    ['process where process.args == "-c"', true],
    ['process where process.args : "-C" and process.args : "id"', true],
    ['process where process.name in ("sh", "Bash")', true],
    ['process where process.name not in ("sh", "bash")', true],
    ['process where process.name not in~ ("sh", "bash")', false],
    ['process where cidrMatch(destination.ip, "10.0.0.0/8", "fe80::/10")', true],
    ['process where cidrmatch(destination.ip, "192.168.0.0/16") == false', true],
    ['process where not cidrmatch(source.ip, "10.0.0.0/8")', true],
    ['process where user.name == null', true],
    ['process where user.name != null', false],
    ['process where not user.name == "root"', true],
    ['process where user.name != "root"', true],
    ['process where not process.parent.pid > 5', false],
    ['process where process.parent.pid > 5 or process.pid == 42', true],
    ['process where user.name == null and ?no.such == null', true],
    ['any where `odd-name` == "x"', true],
    ['process where length(file.path) == 9', true],
    ['process where substring(file.path, -3) : ".sh"', true],
    ['process where endsWith~(file.path, ".sh") and not endsWith(file.path, ".sh")', true],
    ['process where concat(process.name, ":", user.name) == "Bash:"', true],
    ['process where process.pid / 5 == 8 and process.pid % 5 == 2 and divide(process.pid, 4.0) == 10.5', true],
    ['process where 40 < process.pid', true],
    ['process where number("0x2a") == process.pid', true],
    ['process where string(process.pid) == "42"', true],
    ['process where indexOf(file.path, "/", 1) == 4', true],
    ['process where between(file.path, "/", "/") == "tmp"', true],
    ['process where event.action == "exec"', true],
    ['process where process.name == "Bash" // a comment\n /* and another */ and true', true],
    ['process where """Bash""" == process.name', true],
    ['process where not not process.name == "Bash"', true],
  ])('%s: %s', (query, expected) => {
    expect(ruleOfEql(query).match(SHELL, NOW_MS)).toBe(expected);
  });

  it.each<readonly [string, string]>([
    ['process where process.name = "x"', '1:28 `=` compares nothing'],
    ["process where\n  process.name == 'x'", "2:19 `'` is not expected here"],
    [
      'process where process.name == "x" | tail 5',
      '1:35 the pipe `tail` cuts the results of a search, and a rule has none: it looks at each event as it comes',
    ],
    [
      'sample by host.id [process where true] [file where true]',
      '1:1 `sample` looks for events of a key in any order and without a span, however far apart',
    ],
    ['join [process where true] [file where true]', '1:1 `join` is no longer part of EQL'],
    ['process', '1:8 `where` is expected here'],
    ['process where', '1:14 the query ends too early'],
    ['process where process.name', '1:15 `process.name` is neither true nor false'],
    ['process where process.name : "x" and', '1:37 the query ends too early'],
    ['process where unheard(process.name) == 1', '1:15 `unheard` is no function whose value is known here'],
    ['process where unheard(process.name)', '1:15 `unheard` is no condition that is known here'],
    ['process where process.name regex "a~b"', '1:15 `~` in a regular expression of Lucene has no counterpart'],
    ['process where "a" ', '1:15 a value by itself is no condition'],
    ['process where user.name == "\\q"', '1:29 `\\q` is no escape'],
    ['process where length(user.name, 2) == 1', '1:15 `length` has 2 arguments'],
    ['process where null', '1:1 no event can match this'],
    ['sequence [process where true]', '1:1 a sequence has two steps at least'],
    ['sequence with maxspan=1 [process where true] [file where true]', '1:23 this is no span'],
    [
      'sequence with maxspan=1m ![process where true] [file where true]',
      '1:26 a sequence here cannot begin with what did not come',
    ],
    [
      'sequence with maxspan=1m [process where true] by a [file where true]',
      '1:52 this step is joined by another number of fields',
    ],
    ['sequence with maxspan=1m [process where true] with runs=20', '1:1 20 steps, `runs` counted, are more than 16'],
  ])('%s is refused', (query, problem) => {
    const { documents, told } = importElastic({ 'q.eql': query });
    expect(documents.map(({ status }) => status)).toEqual(['refused']);
    expect(told).toContain(`q.eql:${problem}`);
  });

  it('what nests, repeats or is long without end is refused, and soon', () => {
    const hostile = [
      `any where ${'('.repeat(50_000)}`,
      `any where ${'not '.repeat(10_000)}true`,
      `any where ${'-'.repeat(10_000)}1 == 1`,
      `any where 1${' + 1'.repeat(9_000)} == 1`,
      `any where ${'length('.repeat(9_000)}`,
      `any where a == "${'x'.repeat(70_000)}"`,
      `any where a : (${'"x", '.repeat(9_000)}"y")`,
    ];
    for (const query of hostile) {
      expect(importElastic({ 'q.eql': query }).documents.map(({ status }) => status)).toEqual(['refused']);
    }
  });

  it('nothing in a text or a name becomes part of an expression', () => {
    const evil = [
      '") or true or ("',
      '`) or true',
      '{{host.name}}',
      '\\" or true',
      '\u2028',
      '__proto__',
      '$eval("1")',
      '/* ',
    ];
    for (const word of evil) {
      const rule = ruleOfEql(`any where process.name == ${JSON.stringify(word).replaceAll('\u2028', '\\u{2028}')}`);
      expect(rule.match(toNested({ 'process.name': word }), NOW_MS)).toBe(true);
      expect(rule.match(toNested({ 'process.name': 'other' }), NOW_MS)).toBe(false);
    }
    expect(importElastic({ 'q.eql': 'any where `a``) or (true` == "x"' }).documents[0]?.status).toBe('refused');
  });
});

describe('other agents’ words', () => {
  it.each<readonly [string, Readonly<Record<string, unknown>>, boolean]>([
    ['event.action == "exec"', { 'event.action': 'executed' }, true],
    ['event.action in ("exec", "executed")', { 'event.action': 'executed' }, true],
    ['event.action != "exec"', { 'event.action': 'executed' }, false],
    ['event.action == "connection_attempted"', { 'event.action': 'connected-to' }, true],
    ['event.action == "creation"', { 'event.action': 'opened-file', 'auditd.data.open_flags': ['O_CREAT'] }, true],
    ['event.action == "creation"', { 'event.action': 'opened-file', 'auditd.data.open_flags': ['O_RDONLY'] }, false],
    ['event.action in ("rename", "creation")', { 'event.category': ['file'], 'event.type': ['creation'] }, true],
    ['event.action == "modification"', { 'event.action': 'opened-file', 'auditd.data.open_flags': ['O_WRONLY'] }, true],
    ['process.name == "exec"', { 'process.name': 'executed' }, false],
  ])('%s of %j: %s', (condition, event, expected) => {
    expect(ruleOfEql(`any where ${condition}`).match(toNested(event), NOW_MS)).toBe(expected);
  });
});

describe('sequences', () => {
  const letters = fc.constantFrom('a', 'b', 'c', 'u', 'x');
  const traffic = fc.array(fc.tuple(letters, fc.integer({ min: 1, max: 3 })), { maxLength: 25 });

  function foundIn(query: string, given: readonly (readonly [string, number])[]): readonly string[] {
    const run = startRule(ruleOfEql(query));
    let seconds = 0;
    for (const [place, [letter, gap]] of given.entries()) {
      seconds += gap;
      const document = toNested({ 'host.id': 'h', 'custom.letter': letter, 'custom.key': 'k' });
      run.see({ ms: NOW_MS + seconds * 1_000, id: `e${place}`, document });
    }
    run.passTo(NOW_MS + 3_600_000);
    return run.found.map(({ identity, at }) => `${identity}-${at.id}`);
  }

  it('are those that Elasticsearch finds: the latest beginning, each once', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom('a', 'b', 'c'), { minLength: 2, maxLength: 4 }),
        fc.integer({ min: 1, max: 12 }),
        fc.boolean(),
        traffic,
        (steps, span, hasUntil, given) => {
          const written = steps.map((letter) => `[any where custom.letter == "${letter}"]`).join(' ');
          const until = hasUntil ? ' until [any where custom.letter == "u"]' : '';
          const found = foundIn(`sequence by custom.key with maxspan=${span}s ${written}${until}`, given);
          let seconds = 0;
          const plain = given.map(([letter, gap], place) => {
            seconds += gap;
            return { ms: seconds * 1_000, id: `e${place}`, letter };
          });
          expect(found).toEqual(
            plainSequences(plain, { steps, spanMs: span * 1_000, until: hasUntil ? 'u' : undefined }),
          );
        },
      ),
      { numRuns: 200 },
    );
  });

  it('are asked only of events that may be a step, though all have the keys', () => {
    const index = indexRules([
      ruleOfEql(
        'sequence by host.id, process.entity_id with maxspan=1s [process where host.os.type == "linux" and process.name == "cat"] [network where destination.ip != null and process.name : "cat*"]',
      ),
    ]);
    const named = (name: string): number =>
      index.candidates(
        toNested({
          'event.category': ['process'],
          'host.id': 'h',
          'host.os.type': 'linux',
          'process.entity_id': 'e',
          'process.name': name,
        }),
      ).length;
    expect([named('sh'), named('cat')]).toEqual([0, 1]);
  });

  const of = (text: string): readonly (readonly [string, number])[] => [...text].map((letter) => [letter, 1]);

  it('runs are as many events, and what must not come must not', () => {
    const runs =
      'sequence by custom.key with maxspan=1m [any where custom.letter == "a"] with runs=3 [any where custom.letter == "b"]';
    expect(foundIn(runs, of('aab'))).toEqual([]);
    expect(foundIn(runs, of('aaab'))).toEqual(['e0-e3']);
    const absent =
      'sequence by custom.key with maxspan=1m [any where custom.letter == "a"] ![any where custom.letter == "x"] [any where custom.letter == "b"]';
    expect(foundIn(absent, of('axb'))).toEqual([]);
    expect(foundIn(absent, of('acb'))).toEqual(['e0-e2']);
  });

  it('join by different fields, and by what is there', () => {
    const rule = ruleOfEql(
      'sequence by host.id with maxspan=1m [file where true] by file.path [process where true] by process.executable',
    );
    expect(rule.by).toEqual(['host.id', 'file.path']);
    const run = startRule(rule);
    const see = (ms: number, fields: Readonly<Record<string, unknown>>): void =>
      run.see({ ms, id: `e${ms}`, document: toNested({ 'host.id': 'h', ...fields }) });
    see(1, { 'event.category': ['file'], 'file.path': '/tmp/x' });
    see(2, { 'event.category': ['process'] });
    see(3, { 'event.category': ['process'], 'process.executable': '/tmp/y' });
    expect(run.found).toEqual([]);
    see(4, { 'event.category': ['process'], 'process.executable': '/tmp/x' });
    expect(run.found.map(({ identity }) => identity)).toEqual(['e1']);
  });

  it('without a key that is optional nothing is joined, with one missing is a value', () => {
    const found = (key: string): number => {
      const run = startRule(ruleOfEql(`sequence by ${key} with maxspan=1m [file where true] [process where true]`));
      run.see({ ms: 1, id: 'e1', document: toNested({ 'event.category': ['file'] }) });
      run.see({ ms: 2, id: 'e2', document: toNested({ 'event.category': ['process'] }) });
      return run.found.length;
    };
    expect([found('user.name'), found('?user.name')]).toEqual([0, 1]);
  });
});
