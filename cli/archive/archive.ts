// An archive: a folder of events in reference order, cut into parts, and the list of them. It says nothing that is not checked when it
// is read: somebody else may have written it.
//
//   FOLDER/archive.json                 {"vedette":"archive","version":1,"query","since","until","complete","events","parts":[PART]}
//   FOLDER/part-000001.ndjson.zst       a line each: {"_id":"…","_source":{…}}
//   FOLDER/part-000002.ndjson.zst.new   being written; begun again after an interruption
//
// A PART is {"name","from","until","events","bytes","packed_bytes","sha256"}: a range of `event.created`, which ends where the next one
// begins; bytes before packing; the digest of the packed file. The parts in the list are whole and on disk.
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { lstat, open, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { isPlainObject } from '../../event/document.ts';

const ARCHIVE_LIST = 'archive.json';
const FORMAT_VERSION = 1;
const LIST_BYTES_MAX: number = 64 * 1024 * 1024;
const PARTS_MAX = 200_000;
const TIME_MS_MAX = 8.64e15;

export interface ArchivePart {
  readonly name: string;
  /** Of `event.created`, epoch ms; the end is exclusive. */
  readonly fromMs: number;
  readonly untilMs: number;
  readonly events: number;
  readonly bytes: number;
  readonly packedBytes: number;
  readonly sha256: string;
}

export interface Archive {
  readonly query: string;
  readonly sinceMs: number;
  readonly untilMs: number;
  /** False while an export is not at its end. */
  readonly isComplete: boolean;
  readonly parts: readonly ArchivePart[];
}

/** What is wrong with an archive, as the end of a sentence that begins with its name. */
export class ArchiveDamaged extends Error {}

export function partName(number: number): string {
  return `part-${String(number).padStart(6, '0')}.ndjson.zst`;
}

/** The list of an archive; undefined where the folder holds none. Throws {@link ArchiveDamaged}. */
export async function readArchive(folder: string): Promise<Archive | undefined> {
  const path = join(folder, ARCHIVE_LIST);
  const kind = await lstat(path).catch(() => undefined);
  if (kind === undefined) return undefined;
  if (!kind.isFile() || kind.size > LIST_BYTES_MAX)
    throw new ArchiveDamaged(`${ARCHIVE_LIST} is no list of an archive`);
  let list: unknown;
  try {
    list = JSON.parse(await readFile(path, 'utf8'));
  } catch {
    throw new ArchiveDamaged(`${ARCHIVE_LIST} cannot be read`);
  }
  if (!isPlainObject(list) || list['vedette'] !== 'archive') return undefined;
  if (list['version'] !== FORMAT_VERSION)
    throw new ArchiveDamaged(`has format ${String(list['version'])}, and this version reads format ${FORMAT_VERSION}`);
  const parts = list['parts'];
  if (!Array.isArray(parts) || parts.length > PARTS_MAX) throw new ArchiveDamaged(`${ARCHIVE_LIST} lists no parts`);
  const archive: Archive = {
    query: textIn(list, 'query'),
    sinceMs: timeIn(list, 'since'),
    untilMs: timeIn(list, 'until'),
    isComplete: list['complete'] === true,
    parts: parts.map(partOf),
  };
  let endMs = archive.sinceMs;
  for (const part of archive.parts) {
    if (part.fromMs !== endMs || part.untilMs < part.fromMs)
      throw new ArchiveDamaged(`${ARCHIVE_LIST} has a gap before ${part.name}`);
    endMs = part.untilMs;
  }
  return archive;
}

function partOf(value: unknown, at: number): ArchivePart {
  const part = isPlainObject(value) ? value : {};
  const name = textIn(part, 'name');
  const sha256 = textIn(part, 'sha256');
  // The name is never more than what we would have called it: no path leads out of the folder.
  if (name !== partName(at + 1) || !/^[0-9a-f]{64}$/.test(sha256))
    throw new ArchiveDamaged(`${ARCHIVE_LIST}: part ${at + 1} is none`);
  return {
    name,
    fromMs: timeIn(part, 'from'),
    untilMs: timeIn(part, 'until'),
    events: countIn(part, 'events'),
    bytes: countIn(part, 'bytes'),
    packedBytes: countIn(part, 'packed_bytes'),
    sha256,
  };
}

/** Writes the list so that it is whole at any moment, and on disk when this resolves. */
export async function writeArchive(folder: string, archive: Archive): Promise<void> {
  const list = {
    vedette: 'archive',
    version: FORMAT_VERSION,
    query: archive.query,
    since: new Date(archive.sinceMs).toISOString(),
    until: new Date(archive.untilMs).toISOString(),
    complete: archive.isComplete,
    events: archive.parts.reduce((sum, part) => sum + part.events, 0),
    parts: archive.parts.map((part) => ({
      name: part.name,
      from: new Date(part.fromMs).toISOString(),
      until: new Date(part.untilMs).toISOString(),
      events: part.events,
      bytes: part.bytes,
      packed_bytes: part.packedBytes,
      sha256: part.sha256,
    })),
  };
  const path = join(folder, ARCHIVE_LIST);
  const file = await open(`${path}.new`, 'w', 0o600);
  try {
    await file.writeFile(`${JSON.stringify(list, undefined, 1)}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(`${path}.new`, path);
  await syncFolder(folder);
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Throws {@link ArchiveDamaged} unless the part's file is just what the list says. */
export async function checkPart(folder: string, part: ArchivePart): Promise<void> {
  const path = join(folder, part.name);
  const kind = await lstat(path).catch(() => undefined);
  if (kind === undefined) throw new ArchiveDamaged(`${part.name} is missing`);
  if (!kind.isFile()) throw new ArchiveDamaged(`${part.name} is no file`);
  if (kind.size !== part.packedBytes)
    throw new ArchiveDamaged(`${part.name} has ${kind.size} bytes instead of ${part.packedBytes}`);
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  if (hash.digest('hex') !== part.sha256) throw new ArchiveDamaged(`${part.name} is damaged: its digest is another`);
}

function textIn(object: Readonly<Record<string, unknown>>, key: string): string {
  const value = Object.hasOwn(object, key) ? object[key] : undefined;
  if (typeof value !== 'string') throw new ArchiveDamaged(`${ARCHIVE_LIST}: \`${key}\` is no text`);
  return value;
}

function timeIn(object: Readonly<Record<string, unknown>>, key: string): number {
  const ms = Date.parse(textIn(object, key));
  if (!(Math.abs(ms) <= TIME_MS_MAX)) throw new ArchiveDamaged(`${ARCHIVE_LIST}: \`${key}\` is no time`);
  return ms;
}

function countIn(object: Readonly<Record<string, unknown>>, key: string): number {
  const value = Object.hasOwn(object, key) ? object[key] : undefined;
  if (!Number.isSafeInteger(value) || Number(value) < 0)
    throw new ArchiveDamaged(`${ARCHIVE_LIST}: \`${key}\` is no count`);
  return Number(value);
}
