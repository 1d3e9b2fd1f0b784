// The process: the only place of the command line that reads argv, the environment and the clock.
import type { Context } from './command.ts';
import { runCommandLine } from './command-line.ts';

/** What is still being written may be, so long, ms. */
const EXIT_GRACE_MS = 1_000;
/**
 * libuv's threads, of this process and its children. DuckDB's calls take up to five of them at once (two readers, a writer, a
 * look-up, one that attaches), for seconds: with the usual four an fdatasync, and so an acknowledgement, waits behind a search.
 */
const THREADS = 12;

function outputOf(stream: NodeJS.WriteStream): Context['stdout'] {
  // `vedette search … | head` closes the pipe early: that is no failure, and nothing more can be said there.
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
  return {
    stream,
    write: (text) => {
      stream.write(text);
    },
    isTTY: stream.isTTY === true,
    columns: stream.columns ?? 0,
  };
}

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
