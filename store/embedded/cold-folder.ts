// A cold partition: a folder of Parquet files that never changes again, and a list of what is in it. Any program that reads Parquet can
// read `part-*.parquet` meanwhile.
//
//   events-2026-11-21.1.parquet/part-0001.parquet   at most PART_ROWS events in the order of their numbers, sorted within
//   events-2026-11-21.1.parquet/contents.json       {"vedette":"cold-partition","version":1,"layout":[…],"span":{…},"parts":[…]}
//
// The columns are those of the hot table with every value whole (columns.ts): who else reads the files need not know our short forms.
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type Layout, parseLayout, quoted } from './columns.ts';
import type { Span } from './span.ts';

const CONTENTS_FORMAT = 1;
export const CONTENTS = 'contents.json';
/** Few enough that sorting and writing one fits into the worker's memory (cold-worker.ts). */
export const PART_ROWS = 40_960;

export interface ColdPart {
  readonly name: string;
  readonly rows: number;
  readonly bytes: number;
  /** Of the file, in hexadecimal. */
  readonly sha256: string;
}

export interface ColdContents {
  readonly layout: Layout;
  readonly span: Span;
  readonly parts: readonly ColdPart[];
}

/** Not damage: written by another version of Vedette. */
export class OtherColdFormat extends Error {}

export function formatContents({ layout, span, parts }: ColdContents): string {
  const columns: unknown = JSON.parse(layout.text);
  return `${JSON.stringify({ vedette: 'cold-partition', version: CONTENTS_FORMAT, layout: columns, span, parts }, undefined, 1)}\n`;
}

/** Reads a folder's list. Throws on one that cannot be read, and {@link OtherColdFormat}. */
export async function readContents(folder: string): Promise<ColdContents> {
  const saved: unknown = JSON.parse(await readFile(join(folder, CONTENTS), 'utf8'));
  const { vedette, version, layout, span, parts } = Object(saved) as Record<string, unknown>;
  if (vedette !== 'cold-partition') throw new Error(`its ${CONTENTS} is no list of a cold partition`);
  if (version !== CONTENTS_FORMAT) {
    throw new OtherColdFormat(`it has format ${version}, and this version of Vedette reads format ${CONTENTS_FORMAT}`);
  }
  if (!Array.isArray(parts) || parts.length === 0 || !parts.every(isPart) || !isSpan(span))
    throw new Error(`its ${CONTENTS} is incomplete`);
  return { layout: parseLayout(JSON.stringify(layout)), span, parts };
}

/** What a look at names and sizes tells to be wrong with the parts; nothing read, nothing hashed. */
export async function partProblems(
  folder: string,
  parts: readonly ColdPart[],
): Promise<readonly { readonly part: ColdPart; readonly problem: string }[]> {
  const problems: { part: ColdPart; problem: string }[] = [];
  for (const part of parts) {
    const size = await stat(join(folder, part.name)).then(
      (found) => found.size,
      () => undefined,
    );
    if (size === undefined) problems.push({ part, problem: 'is missing' });
    else if (size !== part.bytes) problems.push({ part, problem: `has ${size} bytes instead of ${part.bytes}` });
  }
  return problems;
}

/** The table's columns in their order, which Parquet holds as they are: texts, lists of texts, whole numbers, doubles. */
export function columnsOf(layout: Layout): string {
  return layout.columns.map(({ name }) => quoted(name)).join(', ');
}

export async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk);
  return hash.digest('hex');
}

function isPart(value: unknown): value is ColdPart {
  const { name, rows, bytes, sha256 } = Object(value) as Record<string, unknown>;
  return (
    typeof name === 'string' &&
    /^part-[0-9]{4,6}\.parquet$/.test(name) &&
    Number.isSafeInteger(rows) &&
    Number.isSafeInteger(bytes) &&
    typeof sha256 === 'string' &&
    /^[0-9a-f]{64}$/.test(sha256)
  );
}

function isSpan(value: unknown): value is Span {
  const span = Object(value) as Record<string, unknown>;
  return ['rows', 'minSeq', 'maxSeq', 'minTs', 'maxTs', 'minCreated', 'maxCreated'].every(
    (name) => typeof span[name] === 'number',
  );
}
