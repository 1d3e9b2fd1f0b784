import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { Client } from '@elastic/elasticsearch';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { filterOf } from '../../server/filter-path.ts';
import { eventually, START_MS, startTestServer, type TestServer } from './server-under-test.ts';

describe('clients of Elasticsearch', () => {
  let server: TestServer;
  let token: string;
  beforeEach(async () => {
    server = await startTestServer();
    token = await server.enrol('web-1', 'web one');
  });
  afterEach(() => server.end());

  const found = async (query: string) =>
    (
      await server.call('POST', '/api/v1/search', {
        token: server.tokens.reader,
        body: { query, sinceMs: 0, limit: 1000 },
      })
    ).body.events;

  it.each([
    ['an API key', (key: string) => ({ apiKey: key })],
    ['a password', (key: string) => ({ username: 'anybody', password: key })],
    ['a bearer token', (key: string) => ({ bearer: key })],
  ])(
    '@elastic/elasticsearch’s bulk helper writes with %s, compressed, and repeats are dropped as stored',
    async (_what, auth) => {
      const client = new Client({ node: server.running.url, auth: auth(token), compression: true });
      const dropped: number[] = [];
      const datasource = Array.from({ length: 250 }, (_, number) => ({
        '@timestamp': START_MS - number,
        message: `line ${number}`,
      }));
      const run = (onDocument: () => { create: { _index: string } } | { index: { _index: string } }) =>
        client.helpers.bulk({
          datasource,
          onDocument,
          flushBytes: 4_000,
          refreshOnCompletion: true,
          onDrop: ({ status }) => dropped.push(status),
        });
      expect(await run(() => ({ create: { _index: 'logs' } }))).toMatchObject({
        total: 250,
        successful: 250,
        failed: 0,
      });
      expect(dropped).toEqual([]);
      expect(await run(() => ({ create: { _index: 'logs' } }))).toMatchObject({ successful: 0, failed: 250 });
      expect(new Set(dropped)).toEqual(new Set([409]));
      // What `index` writes again is there as it is: no conflict.
      expect(await run(() => ({ index: { _index: 'logs' } }))).toMatchObject({ successful: 250, failed: 0 });
      await client.close();
      expect(await eventually(async () => ((await found('message:line*')).length === 250 ? true : undefined))).toBe(
        true,
      );
    },
  );

  it('find what they ask for before they write, and keep their node when they look for others', async () => {
    const client = new Client({
      node: server.running.url,
      auth: { apiKey: token },
      sniffOnStart: true,
      sniffOnConnectionFault: true,
    });
    expect((await client.info()).tagline).toBe('You Know, for Search');
    expect(await client.ping()).toBe(true);
    expect((await client.cluster.health()).status).toBe('green');
    expect((await client.license.get()).license.status).toBe('active');
    expect(await client.cat.health()).toMatchObject([{ cluster: 'vedette', status: 'green' }]);
    expect((await server.call('GET', '/_cat/health', { token })).body).toMatch(/^[0-9]+ [0-9:]{8} vedette green/);
    expect(await client.indices.existsIndexTemplate({ name: 'logs' })).toBe(false);
    expect(await client.indices.putIndexTemplate({ name: 'logs', index_patterns: ['logs-*'] })).toEqual({
      acknowledged: true,
    });
    expect(await client.cluster.putComponentTemplate({ name: 'logs', template: {} })).toEqual({ acknowledged: true });
    expect(await client.ilm.putLifecycle({ name: 'logs', policy: { phases: {} } })).toEqual({ acknowledged: true });
    expect(await client.ingest.putPipeline({ id: 'logs', processors: [] })).toEqual({ acknowledged: true });
    await expect(client.ilm.getLifecycle({ name: 'logs' })).rejects.toMatchObject({ statusCode: 404 });
    expect(await client.indices.exists({ index: 'logs' })).toBe(true);
    expect(await client.indices.create({ index: 'logs' })).toMatchObject({ acknowledged: true, index: 'logs' });
    expect((await client.security.authenticate()).username).toBe('web-1');
    expect(Object.keys((await client.nodes.info()).nodes)).toEqual(['vedette']);
    expect((await client.index({ index: 'logs', document: { message: 'alone' } })).result).toBe('created');
    await expect(
      client.create({ index: 'logs', id: 'web-1.a.1', document: { message: 'named' } }),
    ).resolves.toMatchObject({ _id: 'web-1.a.1' });
    await expect(
      client.create({ index: 'logs', id: 'web-1.a.1', document: { message: 'named' } }),
    ).rejects.toMatchObject({ statusCode: 409 });
    await expect(client.delete({ index: 'logs', id: 'web-1.a.1' })).rejects.toMatchObject({ statusCode: 404 });
    await client.close();
  });

  it.each([8, 9])('are answered in the media type of version %i, which they ask for', async (version) => {
    const type = `application/vnd.elasticsearch+json;compatible-with=${version}`;
    const answer = await server.call('GET', '/', { token, headers: { accept: type } });
    expect(answer.headers['content-type']).toMatch(
      new RegExp(`^application/vnd\\.elasticsearch\\+json; ?compatible-with="?${version}`),
    );
    expect(answer.headers['x-elastic-product']).toBe('Elasticsearch');
    const bulk = await server.call('POST', '/_bulk?refresh=true&pipeline=enrich&filter_path=errors,items.*.status', {
      token,
      raw: '{"index":{}}\n{"message":"x"}\n',
      headers: { 'content-type': `application/vnd.elasticsearch+x-ndjson;compatible-with=${version}` },
    });
    expect(bulk.body).toEqual({ errors: false, items: [{ index: { status: 201 } }] });
    expect(bulk.headers['warning']).toContain('no ingest pipeline is run here');
  });

  it('that put a template are told that none is kept, and nobody without a token may ask', async () => {
    const put = await server.call('PUT', '/_index_template/logs', { token, body: { index_patterns: ['x'] } });
    expect(put.headers['warning']).toContain('no index template is kept');
    const head = await fetch(server.running.url, { method: 'HEAD', headers: { authorization: `ApiKey ${token}` } });
    expect([head.status, head.headers.get('x-elastic-product')]).toEqual([200, 'Elasticsearch']);
    for (const path of ['/_cluster/health', '/_nodes', '/_cat/health', '/_ilm/status', '/_index_template'])
      expect((await server.call('GET', path)).status).toBe(401);
    expect((await server.call('PUT', '/_index_template/x', { token: server.tokens.reader, body: {} })).status).toBe(
      403,
    );
  });

  it('are set up as the documentation has it', async () => {
    const code = /```js run-with-client\n(.*?)```/s.exec(readFileSync('docs/ingest.md', 'utf8'))?.[1] ?? '';
    const own = code.replace('http://127.0.0.1:8686', server.running.url).replace("'TOKEN'", `'${token}'`);
    const run = promisify(execFile)(process.execPath, ['--input-type=module', '-e', own]);
    expect((await run).stdout).toBe('1\n');
  });

  it('may put a template as large as they like: nothing of it is read', async () => {
    const raw = Buffer.alloc(8 * 1024 * 1024, '{');
    for (const path of ['/_index_template/x', '/_ingest/pipeline/x', '/logs'])
      expect((await server.call('PUT', path, { token, raw })).body.acknowledged).toBe(true);
  });

  it('may send one document that is too large, and lose that one alone', async () => {
    const raw = gzipSync(Buffer.concat([Buffer.from('{"a":"'), Buffer.alloc(17 * 1024 * 1024, 0x61)]), { level: 1 });
    const headers = { 'content-type': 'application/json', 'content-encoding': 'gzip' };
    expect((await server.call('POST', '/logs/_doc', { token, raw, headers })).status).toBe(413);
    expect((await server.call('POST', '/logs/_doc', { token, raw: '{"a":1}' })).status).toBe(201);
  });

  it('may send one document on many lines', async () => {
    const raw = JSON.stringify({ message: 'on many\nlines', tags: ['a'] }, undefined, 2);
    const answer = await server.call('POST', '/logs/_doc', {
      token,
      raw,
      headers: { 'content-type': 'application/json' },
    });
    expect(answer).toMatchObject({ status: 201, body: { _index: 'logs', result: 'created', _version: 1 } });
    const broken = await server.call('POST', '/logs/_doc', {
      token,
      raw: '{',
      headers: { 'content-type': 'application/json' },
    });
    expect(broken.status).toBe(400);
  });
});

describe('filter_path', () => {
  const answer = {
    took: 3,
    errors: true,
    items: [{ create: { _id: 'a', status: 201 } }, { create: { _id: 'b', status: 400, error: { type: 't' } } }],
  };
  it.each([
    ['errors', { errors: true }],
    [
      'errors,items.*.error,items.*.status',
      { errors: true, items: [{ create: { status: 201 } }, { create: { status: 400, error: { type: 't' } } }] },
    ],
    ['items.*.error', { items: [{ create: { error: { type: 't' } } }] }],
    ['**.type', { items: [{ create: { error: { type: 't' } } }] }],
    ['-items', { took: 3, errors: true }],
    ['t*k', { took: 3 }],
    ['nothing', {}],
    [`${'**.'.repeat(40)}x`, {}],
  ])('%s', (path, expected) => {
    expect(filterOf(path)?.(answer)).toEqual(expected);
  });
});
