// The words of `vedette-collector`, as the package runs it: no command of the server is there, and what is there is told.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { EXIT } from '../../cli/failure.ts';

const MAIN = fileURLToPath(new URL('../../cli/collector/main.ts', import.meta.url));
const run = (...words: readonly string[]) => spawnSync(process.execPath, [MAIN, ...words], { encoding: 'utf8' });

it('names its other words in the help', () => {
  const { status, stdout } = run('--help');
  expect(status).toBe(EXIT.fine);
  expect(stdout).toContain('Usage: vedette-collector [--server URL]');
  expect(stdout).toContain('vedette-collector check');
  expect(stdout).not.toContain('vedette collector');
});

it('knows what a slip of the keyboard meant, and starts nothing', () => {
  const { status, stderr } = run('chek');
  expect(status).toBe(EXIT.usage);
  expect(stderr).toContain('unknown word `chek`');
  expect(stderr).toContain('Did you mean `check`?');
});
