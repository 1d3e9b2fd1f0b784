import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { CollectorOptions } from '../../collector/options.ts';
import type { HttpClient } from '../../collector/ship/http-client.ts';
import { createTokenSource } from '../../collector/ship/token-source.ts';

describe('the token of a host', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'vedette-token-'));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  let nowMs = 5;
  const notices: string[] = [];
  function source(
    tokenFile?: string,
    more: Partial<CollectorOptions['server']> = {},
    post: HttpClient['post'] = async () => ({ kind: 'unreachable', reason: 'no server' }),
  ) {
    const server = { url: 'http://127.0.0.1:1', ...(tokenFile === undefined ? {} : { tokenFile }), ...more };
    return createTokenSource({ dataFolder: folder, server, source: { kind: 'kernel' }, now: () => nowMs }, folder, {
      host: { id: 'h', name: 'h' },
      client: { post, close() {} },
      notify: ({ text }) => notices.push(text),
    });
  }

  it.each([
    ['of the collector’s folder', 'token', false],
    ['of a named file', 'named', true],
  ])('%s that was replaced is taken up as soon as the server has refused the old one', async (_, name, isNamed) => {
    const file = join(folder, name);
    writeFileSync(file, 'vdt_h_old\n');
    const tokens = source(isNamed ? file : undefined);
    expect(await tokens.authorization()).toBe('Bearer vdt_h_old');
    writeFileSync(file, 'vdt_h_new\n');
    expect(await tokens.authorization()).toBe('Bearer vdt_h_old');
    tokens.forget();
    expect(await tokens.authorization()).toBe('Bearer vdt_h_new');
  });

  it('is an API key for Elasticsearch, from a file that may be replaced at any time', async () => {
    const file = join(folder, 'key');
    const keys = source(undefined, { destination: 'elasticsearch', apiKeyFile: file });
    expect(await keys.authorization()).toBeUndefined();
    writeFileSync(file, 'b2xk\n');
    expect(await keys.authorization()).toBe('ApiKey b2xk');
    writeFileSync(file, 'bmV3\n');
    nowMs += 1_000;
    expect(await keys.authorization()).toBe('ApiKey bmV3');
    rmSync(file);
    nowMs += 1_000;
    expect(await keys.authorization()).toBe('ApiKey bmV3');
    expect(await source(undefined, { destination: 'elasticsearch', apiKey: 'a2V5' }).authorization()).toBe(
      'ApiKey a2V5',
    );
  });
  /** A server that enrols a host once, and refuses it from then on. */
  function enrolling(before: () => void = () => {}) {
    let asked = 0;
    const post: HttpClient['post'] = async () => {
      before();
      asked += 1;
      const [status, body] = asked === 1 ? [201, '{"token":"vdt_h_once"}'] : [403, '{"error":"known"}'];
      return { kind: 'answer', status, body, retryAfterMs: undefined };
    };
    return { post, asked: () => asked };
  }

  it('is not asked for while the disk would not take it: a host gets one only', async () => {
    const { post, asked } = enrolling();
    const tokens = source(undefined, { enrollmentSecret: 's' }, post);
    mkdirSync(join(folder, 'token.try.new'));
    expect(await tokens.authorization()).toBeUndefined();
    expect([asked(), notices.at(-1)]).toEqual([0, expect.stringContaining('could not be kept (EISDIR)')]);
    rmdirSync(join(folder, 'token.try.new'));
    nowMs += 1_000;
    expect(await tokens.authorization()).toBe('Bearer vdt_h_once');
    expect(readFileSync(join(folder, 'token'), 'utf8')).toBe('vdt_h_once\n');
  });

  it('is the one that was asked for first, however often the answer is lost, also over a restart', async () => {
    const asked: unknown[] = [];
    const post: HttpClient['post'] = async ({ body }) => {
      const { token } = JSON.parse(String(body)) as { token: string };
      asked.push(token);
      if (asked.length < 3) return { kind: 'unreachable', reason: 'no answer' };
      return { kind: 'answer', status: 201, body: JSON.stringify({ token }), retryAfterMs: undefined };
    };
    const tokens = source(undefined, { enrollmentSecret: 's' }, post);
    expect(await tokens.authorization()).toBeUndefined();
    nowMs += 1_000;
    expect(await tokens.authorization()).toBeUndefined();
    const restarted = source(undefined, { enrollmentSecret: 's' }, post);
    expect(await restarted.authorization()).toBe(`Bearer ${asked[0]}`);
    expect(new Set(asked).size).toBe(1);
    expect(readFileSync(join(folder, 'token'), 'utf8')).toBe(`${asked[0]}\n`);
    expect(existsSync(join(folder, 'token.try'))).toBe(false);
  });

  it('that the disk did not take after all is used, and kept as soon as it does', async () => {
    const { post, asked } = enrolling(() => mkdirSync(join(folder, 'token.new')));
    const tokens = source(undefined, { enrollmentSecret: 's' }, post);
    expect(await tokens.authorization()).toBe('Bearer vdt_h_once');
    expect(notices.at(-1)).toContain('cannot be kept (EISDIR)');
    tokens.forget();
    expect(await tokens.authorization()).toBe('Bearer vdt_h_once');
    rmdirSync(join(folder, 'token.new'));
    nowMs += 1_000;
    expect(await tokens.authorization()).toBe('Bearer vdt_h_once');
    expect(readFileSync(join(folder, 'token'), 'utf8')).toBe('vdt_h_once\n');
    expect(asked()).toBe(1);
  });

  it('is asked for again at once by a clock that was set back', async () => {
    const file = join(folder, 'late');
    const tokens = source(file);
    expect(await tokens.authorization()).toBeUndefined();
    writeFileSync(file, 'vdt_h_late\n');
    nowMs -= 86_400_000;
    expect(await tokens.authorization()).toBe('Bearer vdt_h_late');
  });
});
