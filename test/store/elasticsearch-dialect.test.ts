// What the Elasticsearch dialect asks, case by case, and what needs no node: names of indices, forms of documents, bounds of losses.
import { describe, expect, it } from 'vitest';
import { conditionOf } from '../../store/elasticsearch/dialect.ts';
import { documentOf, storedForm, wrappedForm } from '../../store/elasticsearch/form.ts';
import { placeOf, placesOf, spanOf } from '../../store/elasticsearch/index-names.ts';
import { lossEvent, unreadOf } from '../../store/elasticsearch/lost-index.ts';
import { luceneOf } from '../../store/elasticsearch/regex-expression.ts';
import { parseQuery } from '../../store/query/parse.ts';
import { hostileEvents, sampleEvent } from '../contract/event-samples.ts';
import { FILTER_CASES, LARGE_QUERIES } from './elasticsearch-dialect-cases.ts';

const NOW = Date.UTC(2026, 10, 21, 12);
const DAY = 86_400_000;

describe('the Elasticsearch dialect', () => {
  it.each(FILTER_CASES)('asks for $name', ({ text, superset, subset }) => {
    const parsed = parseQuery(text, 0);
    if (!parsed.ok) throw new Error(parsed.diagnostic.message);
    const condition = conditionOf(parsed.query);
    expect(JSON.stringify(condition.superset)).toBe(superset);
    expect(JSON.stringify(condition.subset)).toBe(subset);
  });

  it('is never deeper than a cluster takes, however wide or deep the query is', () => {
    for (const { name, text } of LARGE_QUERIES) {
      const parsed = parseQuery(text, 0);
      if (!parsed.ok) throw new Error(parsed.diagnostic.message);
      const { superset, subset } = conditionOf(parsed.query);
      // 30 less what is put around it.
      expect(Math.max(boolDepth(superset), boolDepth(subset)), name).toBeLessThan(25);
    }
  });

  it.each([
    '\\w',
    '[^a]',
    'a^',
    '(?-i)a',
    'é',
    'a**',
    '\\x41',
    '[[:alpha:]]',
    'a{2,1}',
    'a{999}',
    '(',
    ')',
    '[',
    'a|*',
  ])('leaves %s to RE2', (pattern) => expect(luceneOf(pattern)).toBeUndefined());
});

describe('where an event goes', () => {
  it.each([
    [0, '2026.11.21', '2026.11.21.12'],
    [-2 * DAY, '2026.11.19', '2026.11.19.12'],
    [-3 * DAY, '2026.11.18', '2026.11.18'],
    [-44 * DAY, '2026.10.08', '2026.10.08'],
    [-45 * DAY, '2026.10', '2026.10'],
    [-730 * DAY, '2024', '2024'],
    [2 * DAY, '2026.11.23', '2026.11.23.12'],
    [3 * DAY, '2026', '2026'],
    [-NOW, '1970', '1970'],
  ])('%d ms from now: by day %s, by hour %s', (fromNowMs, day, hour) => {
    expect(placeOf(NOW + fromNowMs, NOW, 'day')).toBe(day);
    expect(placeOf(NOW + fromNowMs, NOW, 'hour')).toBe(hour);
    expect(placesOf(NOW + fromNowMs)).toContain(day);
    for (const place of placesOf(NOW + fromNowMs)) {
      const span = spanOf(`p-${place}`, 'p');
      expect(span?.fromMs).toBeLessThanOrEqual(NOW + fromNowMs);
      expect(span?.untilMs).toBeGreaterThan(NOW + fromNowMs);
    }
  });

  it('makes few indices of a clock that lies', () => {
    const places = new Set<string>();
    for (let at = 0; at < Date.UTC(2200, 0, 1); at += DAY / 2) places.add(placeOf(at, NOW, 'day'));
    expect(places.size).toBeLessThan(330);
  });

  it('takes no other index for its own', () => {
    for (const name of ['p-x', 'q-2026.11.21', 'p-2026.11.21.5', 'p-2026.11.21-1', 'p-20261']) {
      expect(spanOf(name, 'p')).toBeUndefined();
    }
  });
});

describe('the form of a document', () => {
  const isWrapped = (document: Record<string, unknown>): boolean => {
    const whole = { '@timestamp': new Date(NOW).toISOString(), ...document };
    const form = storedForm('x', whole, JSON.stringify(whole), NOW);
    expect(documentOf(JSON.parse(form))).toEqual(JSON.parse(JSON.stringify(whole)));
    return 'vedette_wrapped' in JSON.parse(form);
  };

  it('is its own where the index understands it', () => {
    const { id, document } = sampleEvent(1);
    const json = JSON.stringify(document);
    expect(storedForm(id, document, json, NOW)).toBe(json);
    expect(isWrapped({ 'process.name': 'x', host: { ip: ['10.0.0.1', '::1'] }, own: [[1, 1], { a: [{}] }] })).toBe(
      false,
    );
    expect(isWrapped({ process: { pid: '5', name: 7, args: [] }, auditd: { paths: [{ a: 1 }, { a: 1 }] } })).toBe(
      false,
    );
  });

  it.each([
    ['a name that means two things', { 'process.name': 'a', process: { name: 'b' } }],
    ['several values where there is one', { process: { name: ['a', 'b'] } }],
    ['objects in a list', { process: [{ name: 'a' }, { name: 'b' }] }],
    ['a number twice', { process: { ancestors: { pid: [1, 1] } } }],
    ['more values than an event counts in', { process: { args: Array.from({ length: 1_001 }, (_, n) => `${n}`) } }],
    ['an address with a zone', { source: { ip: 'fe80::1%eth0' } }],
    ['an address in another form', { source: { ip: '0:0:0:0:0:0:0:1' } }],
    ['an IPv4 address as IPv6', { source: { ip: '::ffff:10.0.0.1' } }],
    ['a time that others read otherwise', { event: { created: '2026-11-21T12:00:00' } }],
    ['a word that the index would cut', { event: { original: `a ${'x'.repeat(10_923)} b` } }],
    ['half a character', { message: '\ud800' }],
  ])('is text for %s', (_, document) => expect(isWrapped(document)).toBe(true));

  it('comes back as it was, however hostile', () => {
    for (const { id, document } of hostileEvents()) {
      const json = JSON.stringify(document);
      for (const form of [storedForm(id, document, json, NOW), wrappedForm(id, document, json, NOW)]) {
        expect(JSON.stringify(documentOf(JSON.parse(form)))).toBe(json);
      }
    }
  });
});

describe('what was lost with an index', () => {
  const dropped = { uuid: 'u', name: 'p-2026.11.21', events: 10, numbers: [4, 5, -1] };
  it.each([
    ['all of it', [], { atLeast: 10, atMost: 10 }],
    ['none of it', [4, 5], { atLeast: 0, atMost: 0 }],
    ['part of it; a number may be no event', [1, 5], { atLeast: 2, atMost: 3 }],
  ])('%s', (_, read, unread) => expect(unreadOf(dropped, read)).toEqual(unread));

  it('is told once under one id', () => {
    const lost = {
      index: 'p-2026.11.21',
      uuid: 'u',
      read: [1],
      atLeast: 3,
      atMost: 4,
      span: { fromMs: 0, untilMs: 1 },
      why: 'gone',
    } as const;
    expect(lossEvent(lost, 5).id).toBe(lossEvent(lost, 6).id);
    expect(lossEvent({ ...lost, read: [2] }, 5).id).not.toBe(lossEvent(lost, 5).id);
    expect(lossEvent(lost, 5).document).toMatchObject({
      vedette: { loss: { at_least: 3, at_most: 4, source: 'store' } },
    });
  });
});

function boolDepth(filter: unknown): number {
  if (typeof filter !== 'object' || filter === null) return 0;
  const inner = Math.max(0, ...Object.values(filter).map(boolDepth));
  return 'bool' in filter ? inner + 1 : inner;
}
