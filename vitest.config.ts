// The suites: `unit` needs neither root nor network; the others name what they need (docs/architecture.md, "Tests").
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

// Threads and processes that tests start take compiled code from here: half of what a store's thread or a command costs.
process.env['NODE_COMPILE_CACHE'] ??= fileURLToPath(new URL('.cache/compiled', import.meta.url));

/** Small files that take long. Where no durations are known (CI), the largest file is begun first, and one core would end alone. */
const SMALL_AND_LONG =
  /\/(?:embedded-store|cold-store|cooling|expression-fuzz|evil-rules|exactness[a-z-]*|quarantine|docs|embedded-faults|check|up)\.test\.ts$/;

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    if (new Set(files.map(({ project }) => project.name)).size > 1) return sorted;
    const isLong = ({ moduleId }: TestSpecification): number => Number(SMALL_AND_LONG.test(moduleId));
    return sorted.toSorted((a, b) => isLong(b) - isLong(a));
  }
}

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
    setupFiles: ['test/harness/draws.ts'],
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
    sequence: { sequencer: LongestFirst },
    projects: [
      // A hang is told by these limits, and nothing else: a machine that does other things too may take ten times as long.
      suite('unit', ['test/**/*.test.ts'], { timeoutMs: 300_000, isShared: true }),
      suite('kernel', ['test/**/*.kernel.ts'], { timeoutMs: 900_000, serial: true }),
      suite('elasticsearch', ['test/**/*.elasticsearch.ts'], { timeoutMs: 900_000, serial: true }),
      suite('fault', ['test/**/*.fault.ts'], { timeoutMs: 1_800_000, serial: true }),
    ],
  },
});
