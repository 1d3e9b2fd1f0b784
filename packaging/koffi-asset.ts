// Stands in for the package koffi inside the one-file collector: its native part lies in the executable, and the dynamic linker
// wants a file. Promise: that file never has a name, so nobody can put another in its place and nothing is left behind.
import { closeSync, constants, openSync, writeSync } from 'node:fs';
import { getRawAsset } from 'node:sea';
import type koffiApi from 'koffi';

/** Linux's O_TMPFILE, which Node does not name: a file without a name, that is gone with its last descriptor. */
const O_TMPFILE = 0o20000000 | constants.O_DIRECTORY;
/** Folders that may allow both writing and mapping code, in this order; the unit gives the service its own /tmp. */
const FOLDERS = ['/dev/shm', '/tmp', '/run', '/var/tmp', '.'] as const;

function load(): typeof koffiApi {
  const bytes = new Uint8Array(getRawAsset('koffi.node') as ArrayBuffer);
  const reasons: string[] = [];
  for (const folder of FOLDERS) {
    try {
      return loadThrough(folder, bytes);
    } catch (error) {
      reasons.push(`${folder}: ${(error as Error).message}`);
    }
  }
  throw new Error(`the collector found no folder to load its own native code through (${reasons.join('; ')})`);
}

function loadThrough(folder: string, bytes: Uint8Array): typeof koffiApi {
  const fd = openSync(folder, O_TMPFILE | constants.O_RDWR | constants.O_EXCL, 0o600);
  try {
    for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done);
    const module: { exports: unknown } = { exports: {} };
    process.dlopen(module, `/proc/self/fd/${fd}`);
    return module.exports as typeof koffiApi;
  } finally {
    // What is mapped stays; the descriptor is no longer needed.
    closeSync(fd);
  }
}

const koffi: typeof koffiApi = load();
export default koffi;
