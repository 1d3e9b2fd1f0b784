// How far each followed log was read, kept over restarts and kills. Only what is in the spool's files counts as read: after a kill some lines
// are read twice, and their events, having the same ids, are stored once.
//
//   files.json   {"formatVersion":1,"keptMs":…,"files":{"/var/log/audit/audit.log":{"device","inode","offset","headBytes","headCrc"}}}
import { join } from 'node:path';
import { readState, replaceFile } from './durable-file.ts';
import type { FilePosition } from './file-source-archive.ts';

const FORMAT_VERSION = 1;

export interface KeptPositions {
  readonly keptMs: number;
  readonly files: ReadonlyMap<string, FilePosition>;
}

export function savePositions(folder: string, { keptMs, files }: KeptPositions): void {
  const state = { formatVersion: FORMAT_VERSION, keptMs, files: Object.fromEntries(files) };
  replaceFile(join(folder, 'files.json'), `${JSON.stringify(state)}\n`, true);
}

/** What was kept; nothing where there is nothing that can be read. */
export function loadPositions(folder: string): KeptPositions {
  const kept = readState(join(folder, 'files.json'), FORMAT_VERSION);
  const files = new Map<string, FilePosition>();
  const given = kept?.['files'];
  if (typeof given === 'object' && given !== null) {
    for (const [path, value] of Object.entries(given)) {
      const position = positionOf(value);
      if (position !== undefined) files.set(path, position);
    }
  }
  const keptMs = kept?.['keptMs'];
  return { keptMs: typeof keptMs === 'number' ? keptMs : 0, files };
}

function positionOf(value: unknown): FilePosition | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { device, inode, offset, headBytes, headCrc } = value as Readonly<Record<string, unknown>>;
  const numbers = [device, inode, offset, headBytes, headCrc];
  if (!numbers.every((each) => typeof each === 'number' && Number.isSafeInteger(each) && each >= 0)) return undefined;
  return value as FilePosition;
}
