import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const VEDETTE = fileURLToPath(new URL('../../bin/vedette.mjs', import.meta.url));
const isRoot = process.geteuid?.() === 0;

describe('the cache of compiled code', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'vedette-cache-'));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  function start(cacheHome: string): void {
    const { NODE_COMPILE_CACHE: _, ...env } = process.env;
    const help = execFileSync(process.execPath, [VEDETTE, '--help'], {
      env: { ...env, XDG_CACHE_HOME: cacheHome },
      timeout: 50_000,
    });
    expect(help.toString()).toContain('vedette');
  }
  const cached = (cacheHome: string): number => {
    const path = join(cacheHome, 'vedette');
    return existsSync(path) ? readdirSync(path).length : 0;
  };

  it('is made for its user alone, and filled', () => {
    const home = join(folder, 'not', 'there');
    start(home);
    expect(cached(home)).toBeGreaterThan(0);
    expect(statSync(join(home, 'vedette')).mode & 0o777).toBe(0o700);
  });

  it('is not taken from a folder that others may write to', () => {
    mkdirSync(join(folder, 'vedette'));
    chmodSync(join(folder, 'vedette'), 0o777);
    start(folder);
    expect(cached(folder)).toBe(0);
  });

  it('is not made below a folder that others may write to', () => {
    const home = join(folder, 'open', 'below');
    mkdirSync(home, { recursive: true });
    chmodSync(join(folder, 'open'), 0o777);
    start(home);
    expect(cached(home)).toBe(0);
  });

  it.skipIf(!isRoot)('is not taken by root from another user’s folder (only root can make such a folder)', () => {
    mkdirSync(join(folder, 'vedette'), { mode: 0o700 });
    chownSync(join(folder, 'vedette'), 65_534, 65_534);
    start(folder);
    expect(cached(folder)).toBe(0);
    rmSync(join(folder, 'vedette'), { recursive: true });
    chownSync(folder, 65_534, 65_534);
    start(folder);
    expect(cached(folder)).toBe(0);
  });

  it('is done without where it cannot be', () => {
    start('/proc/self/no-such-folder');
  });
});
