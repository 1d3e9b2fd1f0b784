// Compiles the tests' small C programs into a folder that any user may execute from.
import { execFileSync } from 'node:child_process';
import { chmodSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Compiles `source` (relative to test/) to `target`, mode 0755. */
export function compile(source: string, target: string, ...flags: readonly string[]): void {
  const file = fileURLToPath(new URL(`../${source}`, import.meta.url));
  execFileSync('cc', ['-O2', '-Wall', ...flags, '-o', target, file], { stdio: 'inherit' });
  chmodSync(target, 0o755);
}
