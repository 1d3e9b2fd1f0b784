import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createTokenSource } from '../../collector/ship/token-source.ts';

describe('the token of a host', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'vedette-token-'));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  function source(tokenFile?: string) {
    const server = { url: 'http://127.0.0.1:1', ...(tokenFile === undefined ? {} : { tokenFile }) };
    return createTokenSource({ dataFolder: folder, server, source: { kind: 'kernel' }, now: () => 5 }, folder, {
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
    expect(await tokens.token()).toBe('vdt_h_old');
    writeFileSync(file, 'vdt_h_new\n');
    expect(await tokens.token()).toBe('vdt_h_old');
    tokens.forget();
    expect(await tokens.token()).toBe('vdt_h_new');
  });
});
