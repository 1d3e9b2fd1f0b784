#!/usr/bin/env node
// The `vedette` command: starts cli/main.ts under a Node that can run it.
import { fileURLToPath } from 'node:url';
import { isNewEnough, runUnderInstalledNode } from './node24.mjs';

const main = new URL('../cli/main.ts', import.meta.url);
if (isNewEnough) await import(main.href);
else runUnderInstalledNode([fileURLToPath(main), ...process.argv.slice(2)]);
