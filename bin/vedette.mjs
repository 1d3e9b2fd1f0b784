#!/usr/bin/env -S node --max-semi-space-size=16
// The `vedette` command: starts cli/main.ts under a Node that can run it. With less memory for what is young (cli/up/child.ts).
import { fileURLToPath } from 'node:url';
import { useCompileCache } from './compile-cache.mjs';
import { isNewEnough, runUnderInstalledNode } from './node24.mjs';

useCompileCache();
const main = new URL('../cli/main.ts', import.meta.url);
if (isNewEnough) await import(main.href);
else runUnderInstalledNode([...process.execArgv, fileURLToPath(main), ...process.argv.slice(2)]);
