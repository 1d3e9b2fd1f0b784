// The process: the only place of the command line that reads argv, the environment and the clock.
import { runCommandLine } from './command-line.ts';
import { outputOf } from './output.ts';

/** What is still being written may be, so long, ms. */
const EXIT_GRACE_MS = 1_000;
/**
 * libuv's threads, of this process and its children. DuckDB's calls take up to five of them at once (two readers, a writer, a
 * look-up, one that attaches), for seconds: with the usual four an fdatasync, and so an acknowledgement, waits behind a search.
 */
const THREADS = 12;

// Whatever is written is its owner's alone, also what libraries write (DuckDB's files, SQLite's).
process.umask(0o077);
process.env['UV_THREADPOOL_SIZE'] ??= String(THREADS);

process.exitCode = await runCommandLine(process.argv.slice(2), {
  env: process.env,
  cwd: process.cwd(),
  stdout: outputOf(process.stdout),
  stderr: outputOf(process.stderr),
  now: () => Date.now(),
});
// The command is done: neither the channel to a parent nor a handle that a failure left open may keep the process.
process.channel?.unref();
setTimeout(() => process.exit(), EXIT_GRACE_MS).unref();
