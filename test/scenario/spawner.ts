// Runs spawner.c without holding up the test's own event loop, in which the receivers listen.
import { spawn } from 'node:child_process';
import { TEST_UID } from '../harness/installation.ts';

/** Runs bash from `program` once in each directory; answers the wall clock just before each exec, epoch ms, by directory. */
export function spawnBash(
  program: string,
  directories: readonly string[],
  pauseMs: number,
): Promise<ReadonlyMap<string, number>> {
  const child = spawn(program, [String(TEST_UID), String(pauseMs), ...directories], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  child.stdout.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  return new Promise((resolve, reject) => {
    child.on('close', (code) => {
      if (code !== 0) reject(new Error(`${program} ended with ${code}`));
      else resolve(new Map(text.trim().split('\n').map(begunAt)));
    });
  });
}

function begunAt(line: string): readonly [string, number] {
  const [directory, ms] = line.split(' ');
  return [directory ?? '', Number(ms)];
}
