import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { CollectorOptions } from '../../collector/options.ts';
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
  function source(tokenFile?: string, more: Partial<CollectorOptions['server']> = {}) {
    const server = { url: 'http://127.0.0.1:1', ...(tokenFile === undefined ? {} : { tokenFile }), ...more };
    return createTokenSource({ dataFolder: folder, server, source: { kind: 'kernel' }, now: () => nowMs }, folder, {
      host: { id: 'h', name: 'h' },
      client: { post: async () => ({ kind: 'unreachable', reason: 'no server' }), close() {} },
      notify() {},
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
});
