// Runs a tool (vitest, a benchmark) under a Node that can run Vedette's TypeScript: `node bin/run.mjs FILE ARGS…`.
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { isNewEnough, runUnderInstalledNode } from './node24.mjs';

const [file, ...rest] = process.argv.slice(2);
if (file === undefined) {
  process.stderr.write('usage: node bin/run.mjs FILE [ARGS…]\n');
  process.exit(2);
}
if (isNewEnough) {
  process.argv = [process.argv[0], resolve(file), ...rest];
  await import(pathToFileURL(resolve(file)).href);
} else {
  runUnderInstalledNode([resolve(file), ...rest]);
}
