#!/usr/bin/env node
// The `vedette` command: starts cli/main.ts under a Node that can run it.
import { fileURLToPath } from 'node:url';
import { useCompileCache } from './compile-cache.mjs';
import { isNewEnough, runUnderInstalledNode } from './node24.mjs';

useCompileCache();
const main = new URL('../cli/main.ts', import.meta.url);
if (isNewEnough) await import(main.href);
else runUnderInstalledNode([fileURLToPath(main), ...process.argv.slice(2)]);
