// The kernel has one audit socket. Where several runs share a machine, BENCH_AUDIT_LOCK names a file whose lock is held around each
// use of it, so that they take turns.
import { spawn } from 'node:child_process';

/** Runs `body` with the lock, or at once where none is named. */
export async function inTurn<T>(body: () => Promise<T>): Promise<T> {
  const file = process.env['BENCH_AUDIT_LOCK'];
  if (file === undefined) return body();
  const holder = spawn('flock', [file, 'sh', '-c', 'echo held && exec cat'], { stdio: ['pipe', 'pipe', 'inherit'] });
  await new Promise<void>((resolve, reject) => {
    holder.stdout.once('data', () => resolve());
    holder.once('error', reject);
    holder.once('exit', (code) => reject(new Error(`flock ended with ${code}`)));
  });
  try {
    return await body();
  } finally {
    holder.stdin.end();
  }
}
