// What a command writes to: a stream of the process, which may be a terminal, a file or a pipe that somebody closes.
import type { Context } from './command.ts';
import { EXIT } from './failure.ts';

/** `inWords` changes each text on its way. */
export function outputOf(stream: NodeJS.WriteStream, inWords = (text: string): string => text): Context['stdout'] {
  // `vedette search … | head` closes the pipe early: that is no failure, and nothing more can be said there. A full disk is one,
  // but a server goes on without its words.
  let isTold = false;
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE' || isTold) return;
    isTold = true;
    if (stream !== process.stderr) process.stderr.write(`vedette: what was printed is not all: ${error.message}\n`);
    process.once('exit', (code) => {
      if (code === EXIT.fine) process.exitCode = EXIT.internal;
    });
  });
  return {
    stream,
    write: (text) => {
      stream.write(inWords(text));
    },
    isTTY: stream.isTTY === true,
    columns: stream.columns ?? 0,
  };
}
