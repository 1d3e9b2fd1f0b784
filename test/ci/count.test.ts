// What CI says last: how many tests passed, and of each that did not, why. Only the end of its output may be kept.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';

const CI = join(import.meta.dirname, '../../.ci');
const VITEST = join(import.meta.dirname, '../../node_modules/vitest');

let folder: string;
let reports: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vedette-count-'));
  reports = join(folder, 'reports');
  mkdirSync(reports);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function count(...failedSteps: readonly string[]): {
  readonly status: number | null;
  readonly lines: readonly string[];
} {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(CI, 'count.mjs'), reports, ...failedSteps], {
    encoding: 'utf8',
  });
  expect(stderr).toBe('');
  return { status, lines: stdout.trimEnd().split('\n') };
}

/** A real run of vitest over these files, whose report is what CI would have. */
function run(files: Readonly<Record<string, string>>): void {
  for (const [name, text] of Object.entries(files))
    writeFileSync(
      join(folder, name),
      `import { beforeAll, describe, expect, it } from '${VITEST}/dist/index.js';\n${text}`,
    );
  const words = [`${VITEST}/vitest.mjs`, 'run', '--root', folder, '--reporter', join(CI, 'report.mjs')];
  spawnSync(process.execPath, words, {
    cwd: folder,
    stdio: 'ignore',
    env: { PATH: process.env['PATH'], TEST_REPORT: join(reports, 'unit.json') },
  });
}

it('tells of a failure what differs and where, of what failed around tests too, and counts what was skipped', () => {
  run({
    'a.test.ts': `it('holds', () => {});
it('differs', () => {
  expect([{ missing: 17 }]).toEqual([]);
});
it.skip('is skipped', () => {});`,
    'b.test.ts': `describe('with a stage', () => {
  beforeAll(() => { throw new Error('no stage'); });
  it('plays', () => {});
});`,
    'c.test.ts': `it('goes on alone', () => { setTimeout(() => { throw new Error('left behind'); }, 0); });
it('waits', () => new Promise((resolve) => setTimeout(resolve, 100)));`,
    'd.test.ts': `throw new Error('cannot be read');`,
  });
  const { status, lines } = count('unit');
  const text = lines.join('\n');
  expect(text).toContain('missing": 17');
  expect(text).toContain('differs a.test.ts:4');
  expect(text).toContain('no stage');
  expect(text).toContain('left behind');
  expect(text).toContain('cannot be read');
  expect(lines).toContain('failed: a.test.ts: differs');
  expect(lines).toContain('skipped: a.test.ts: is skipped');
  expect(lines).toContain('skipped: b.test.ts: with a stage > plays');
  expect(lines.at(-1)).toBe('3 passed, 6 failed');
  expect(status).toBe(1);
});

const report = (name: string, tests: readonly object[], errors: readonly object[] = []): void =>
  writeFileSync(join(reports, `${name}.json`), JSON.stringify({ tests, errors }));
const passing = { file: 'x', name: 'x', state: 'passed', failures: [] };

it('says little of much that failed, and nothing that a terminal would obey', () => {
  const text = `\u001b]0;title\u0007${'long '.repeat(1_000)}\u202e`;
  const failures = [{ text, at: 'x.ts:1' }];
  report(
    'unit',
    Array.from({ length: 200 }, (_, at) => ({ ...passing, name: `no ${at}`, state: 'failed', failures })),
  );
  const { lines } = count();
  const said = lines.join('\n');
  expect(said.length).toBeLessThan(9_000);
  expect(said).not.toMatch(/[^\P{C}\n]/u);
  expect(said).toContain('no 0 x.ts:1');
  expect(lines.at(-1)).toBe('0 passed, 200 failed');
});

it('is content when all passed, and not when none did or a step failed, whose last words it tells', () => {
  expect(count()).toMatchObject({ status: 1 });
  report('unit', [passing]);
  expect(count()).toEqual({ status: 0, lines: ['1 passed, 0 failed'] });
  writeFileSync(join(reports, 'lint.log'), `first\n${'-'.repeat(3_000)}\nlast words`);
  const { status, lines } = count('lint');
  expect(status).toBe(1);
  expect(lines).toContain('failed step: lint');
  expect(lines).toContain('  last words');
  expect(lines).not.toContain('  first');
  expect(lines.at(-1)).toBe('1 passed, 1 failed');
});
