// Where the reading thread's program is: a file beside this one, or, in the one-file collector, a text inside the executable.
import { extname } from 'node:path';
import { getAsset, isSea } from 'node:sea';

/** Under this name the packaging puts it into the executable. */
const READER_ASSET = 'reader-worker.js';

/** For `new Worker(program, { eval: isText })`. */
export function readerProgram(): { readonly program: URL | string; readonly isText: boolean } {
  if (isSea()) return { program: getAsset(READER_ASSET, 'utf8'), isText: true };
  return { program: new URL(`./reader-worker${extname(import.meta.filename)}`, import.meta.url), isText: false };
}
