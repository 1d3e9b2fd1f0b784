import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { formatFor, type MetricsFormat, metricsText } from '../../server/openmetrics.ts';
import { type RuleFigures, ruleMetrics } from '../../server/rule-metrics.ts';
import { eventually, execEvent, START_MS, ship, startTestServer, type TestServer } from './server-under-test.ts';

/** The reference parsers of both formats, which are strict: python3-prometheus-client. */
const PARSE = `
import json, sys
from prometheus_client.openmetrics import parser as openmetrics
from prometheus_client import parser as text
families = (openmetrics if sys.argv[1] == 'openmetrics' else text).text_string_to_metric_families(sys.stdin.read())
print(json.dumps([[s.name, s.labels, float(s.value)] for f in families for s in f.samples]))
`;
/** Debian's, for which Debian's package is. */
const PYTHON = '/usr/bin/python3';
const hasParser = spawnSync(PYTHON, ['-c', 'import prometheus_client']).status === 0;

type Samples = readonly (readonly [string, Readonly<Record<string, string>>, number])[];

function parsed(text: string, format: MetricsFormat): Samples {
  const { status, stdout, stderr } = spawnSync(PYTHON, ['-c', PARSE, format], { input: text, encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(stdout);
}

const figures = (id: string): RuleFigures => ({ id, health: undefined, isQuarantined: false, unseenFields: 0 });

let server: TestServer | undefined;
afterEach(async () => {
  await server?.end();
  server = undefined;
});

describe('the metrics text', () => {
  it('is of the format that the scraper asks for', () => {
    const prometheus =
      'application/openmetrics-text;version=1.0.0;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,*/*;q=0.1';
    expect([formatFor(prometheus), formatFor('*/*'), formatFor(undefined)]).toEqual(['openmetrics', 'text', 'text']);
  });

  it('names a counter as each format wants it, and leaves out what is not known', () => {
    const families = [
      { name: 'a', type: 'counter' as const, help: 'H.', samples: [{ labels: { b: 'c' }, value: 1 }] },
      { name: 'd', type: 'gauge' as const, help: 'H.', samples: [{ value: undefined }] },
    ];
    expect(metricsText(families, 'openmetrics')).toBe('# HELP a H.\n# TYPE a counter\na_total{b="c"} 1\n# EOF\n');
    expect(metricsText(families, 'text')).toBe('# HELP a_total H.\n# TYPE a_total counter\na_total{b="c"} 1\n');
  });

  it('gives no more rules series of their own than it may, and sums up the others', () => {
    const many = ruleMetrics(Array.from({ length: 2_500 }, (_, at) => ({ ...figures(`r${at}`), isQuarantined: true })));
    const quarantined = many.find(({ name }) => name === 'vedette_rule_quarantined')?.samples ?? [];
    expect(quarantined).toHaveLength(2_001);
    expect(quarantined.at(-1)).toEqual({ labels: { rule: '(others)' }, value: 500 });
  });

  it.skipIf(!hasParser).each(['openmetrics', 'text'] as const)(
    'keeps what a rule is called in its label, whatever that holds (%s; needs python3-prometheus-client)',
    (format) => {
      const ids = ['plain', 'a"b', 'a\\b', 'a\nvedette_up 1', 'ends with \\', '{x="y"} 1 # EOF', 'ü🙂', '\\n'];
      const names = parsed(metricsText(ruleMetrics(ids.map(figures)), format), format).flatMap(
        ([name, { rule = '' }]) => (name === 'vedette_rule_quarantined' ? [rule] : []),
      );
      expect(names.sort()).toEqual(ids.sort());
    },
  );
});

describe('GET /metrics', () => {
  const scrape = (at: TestServer, accept?: string, token?: string) =>
    at.call('GET', '/metrics', { token: token ?? at.tokens.reader, headers: accept === undefined ? {} : { accept } });

  it('wants a token that may read', async () => {
    server = await startTestServer();
    expect((await server.call('GET', '/metrics')).status).toBe(401);
    expect((await scrape(server, undefined, server.tokens.importer)).status).toBe(403);
    expect((await scrape(server)).status).toBe(200);
  });

  it.skipIf(!hasParser).each([
    ['openmetrics', 'application/openmetrics-text; version=1.0.0'],
    ['text', '*/*'],
  ] as const)('is read by the reference parser (%s; needs python3-prometheus-client)', async (format, accept) => {
    const at = await startTestServer();
    server = at;
    writeFileSync(join(at.rulesFolder, 'broken.yaml'), 'id: broken\n');
    await at.running.reloadRules();
    const token = await at.enrol('h1');
    await ship(at, token, [execEvent('h1', 1), execEvent('h1', 2)], { position: 2, createdMs: START_MS });
    await ship(at, token, [execEvent('h1', 1)]);
    const answer = await eventually(async () => {
      const scraped = await scrape(at, accept);
      return String(scraped.body).includes('vedette_engine_events_total 2\n') ? scraped : undefined;
    });
    expect(answer.headers['content-type']).toContain(format === 'openmetrics' ? 'openmetrics-text' : 'text/plain');
    const samples = parsed(String(answer.body), format);
    const value = (name: string, labels: Readonly<Record<string, string>> = {}) =>
      samples.find(([found, own]) => found === name && JSON.stringify(own) === JSON.stringify(labels))?.[2];
    expect(value('vedette_build_info', { version: '0.0.0-test' })).toBe(1);
    expect(value('vedette_ingest_events_total', { result: 'stored' })).toBe(2);
    expect(value('vedette_ingest_events_total', { result: 'duplicate' })).toBe(1);
    expect(value('vedette_hosts', { state: 'live' })).toBe(1);
    expect(value('vedette_store_events')).toBe(2);
    expect(value('vedette_rule_file_errors')).not.toBe(0);
    const rule = { rule: 'web-server-spawns-shell' };
    expect(value('vedette_rule_matches_total', rule)).toBe(2);
    expect(value('vedette_rule_quarantined', rule)).toBe(0);
    expect(value('vedette_rule_last_match_timestamp_seconds', rule)).toBe((START_MS - 998) / 1_000);
    const names = samples.map(([name, labels]) => JSON.stringify([name, labels]));
    expect(new Set(names).size).toBe(names.length);
  });
});
