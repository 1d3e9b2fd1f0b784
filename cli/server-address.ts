// Where the running server of a data folder listens, and which process it is: written by `vedette server`, read by the commands
// and by a collector beside it. A file that a killed server left behind is told by the process's start time.
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { startTicksOf } from '../collector/lineage/proc.ts';
import { writePrivateFile } from './private-file.ts';

const FORMAT_VERSION = 1;

export interface ServerAddress {
  readonly url: string;
  /** Undefined when the process that wrote it is gone. */
  readonly pid: number | undefined;
}

export async function writeServerAddress(dataFolder: string, url: string): Promise<void> {
  const address = { formatVersion: FORMAT_VERSION, url, pid: process.pid, startTicks: startTicksOf(process.pid) };
  await writePrivateFile(fileIn(dataFolder), `${JSON.stringify(address)}\n`);
}

export async function removeServerAddress(dataFolder: string): Promise<void> {
  await rm(fileIn(dataFolder), { force: true });
}

/** The address, or undefined when no server said one, or not in a way that this version reads. */
export async function readServerAddress(dataFolder: string): Promise<ServerAddress | undefined> {
  try {
    const read = JSON.parse(await readFile(fileIn(dataFolder), 'utf8')) as Record<string, unknown>;
    const { formatVersion, url, pid, startTicks } = read;
    if (formatVersion !== FORMAT_VERSION || typeof url !== 'string' || !URL.canParse(url)) return undefined;
    const isRunning = typeof pid === 'number' && startTicks !== undefined && startTicksOf(pid) === startTicks;
    return { url, pid: isRunning ? pid : undefined };
  } catch {
    return undefined;
  }
}

function fileIn(dataFolder: string): string {
  return join(dataFolder, 'server', 'address.json');
}
