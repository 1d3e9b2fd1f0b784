// The suites: `unit` needs neither root nor network; the others name what they need (docs/architecture.md, "Tests").
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

// Threads and processes that tests start take compiled code from here: half of what a store's thread or a command costs.
process.env['NODE_COMPILE_CACHE'] ??= fileURLToPath(new URL('.cache/compiled', import.meta.url));

const suite = (
  name: string,
  include: readonly string[],
  options: { timeoutMs: number; serial?: boolean; isShared?: boolean },
) => ({
  test: {
    // The suites wait more than they compute: every core takes one file at a time.
    maxWorkers: '100%',
    name,
    include: [...include],
    pool: 'forks' as const,
    testTimeout: options.timeoutMs,
    hookTimeout: options.timeoutMs,
    ...(options.serial === true ? { fileParallelism: false } : {}),
    // Nothing here keeps state in a module, so files may share a process: a fifth less to compute than a process for each.
    ...(options.isShared === true ? { isolate: false } : {}),
  },
});

export default defineConfig({
  test: {
    // The suites wait more than they compute: every core takes one file at a time.
    maxWorkers: '100%',
    projects: [
      // A hang is told by this limit, and nothing else: a machine that does other things too may take ten times as long.
      suite('unit', ['test/**/*.test.ts'], { timeoutMs: 300_000, isShared: true }),
      suite('kernel', ['test/**/*.kernel.ts'], { timeoutMs: 300_000, serial: true }),
      suite('elasticsearch', ['test/**/*.elasticsearch.ts'], { timeoutMs: 300_000, serial: true }),
      suite('fault', ['test/**/*.fault.ts'], { timeoutMs: 1_800_000, serial: true }),
    ],
  },
});
