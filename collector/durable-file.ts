// Small state files that are replaced as a whole: a reader sees the old content or the new, never half of one.
import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

/** State files are small; a bigger one is not ours. */
const FILE_BYTES_MAX = 16 * 1024 * 1024;

/**
 * Writes `text` with mode 0600. `mustSurvivePowerLoss` also waits for the disk; without it the file survives the death of
 * the process, not that of the machine. Throws what the file system throws (a full or read-only disk).
 */
export function replaceFile(path: string, text: string, mustSurvivePowerLoss: boolean): void {
  const temporary = `${path}.new`;
  const fd = openSync(temporary, 'w', 0o600);
  try {
    // A disk that is all but full takes a part without complaint: this goes on until all is written, or throws.
    writeFileSync(fd, text);
    if (mustSurvivePowerLoss) fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  renameSync(temporary, path);
  if (mustSurvivePowerLoss) syncFolder(dirname(path));
}

/** A file that a newer release wrote. Taken for missing it would be overwritten, and what it says lost. */
export function newerFormat(path: string, found: number, known: number): Error {
  return new Error(
    `${path} has format ${found}, and this version of Vedette reads format ${known}: use the version that wrote it`,
  );
}

/**
 * The parsed JSON object of a state file, or undefined when it is missing, torn, or of no format that ever was. Throws when it
 * is of a newer one.
 */
export function readState(path: string, formatVersion: number): Readonly<Record<string, unknown>> | undefined {
  const state = parsed(path);
  const version = state?.['formatVersion'];
  if (typeof version === 'number' && version > formatVersion) throw newerFormat(path, version, formatVersion);
  return version === formatVersion ? state : undefined;
}

function parsed(path: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const text = readFileSync(path, 'utf8');
    if (text.length > FILE_BYTES_MAX) return undefined;
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

export function removeFile(path: string): void {
  rmSync(path, { force: true });
}

/** The collector's own folder, readable by its owner only. */
export function makeFolder(path: string): void {
  mkdirSync(path, { recursive: true, mode: 0o700 });
}

function syncFolder(path: string): void {
  const fd = openSync(path, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
