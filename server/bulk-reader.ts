// Reads a `_bulk` body as it streams in: pairs of lines, an action and its document (event/bulk.ts). A line that is no good costs
// only its own event; a body that is too large, or no stream of lines at all, costs the request. Memory is bounded by the limits. A little over
// 300 lines: a line's end, its bound and what is refused are one walk over the bytes.
import { isUtf8 } from 'node:buffer';
import { BULK_BODY_BYTES_MAX, BULK_LINE_BYTES_MAX } from '../event/bulk.ts';
import { isPlainObject } from '../event/document.ts';
import { createDocumentScan, type ScannedDocument } from './document-scan.ts';
import { weigh } from './json-bounds.ts';

/** The most events of one request: bounds the answer, which tells of each. */
export const BULK_ITEMS_MAX = 100_000;

/** The most values of one line: an exec with 2 MiB of one-letter arguments has 210,000. */
export const LINE_VALUES_MAX = 300_000;
/** The most values of one request; usual events have one in 25 bytes, and this is one in 16. */
const BULK_VALUES_MAX = 4_000_000;
/** Deeper than any document that is admitted: those are told in words of their own. */
const LINE_DEPTH_MAX = 100;
/** What a value costs in memory: `reserve` is told where that is more than its text. */
export const VALUE_BYTES = 12;

/** One event of a request, still as its sender wrote it. */
export interface BulkDocument {
  readonly kind: 'document';
  /** What the sender called it: `index` is taken as `create`, since nothing that is stored is ever changed. */
  readonly action: 'create' | 'index';
  readonly index: string | undefined;
  readonly id: string | undefined;
  readonly document: Record<string, unknown>;
  /** The document's line, kept only where `id` is missing: the id is then made of its bytes. */
  readonly source: Buffer | undefined;
  /** Its line, where that was looked through instead of parsed: `document` is parsed when it is asked for. */
  readonly scanned?: ScannedDocument;
}

/** An event that is refused, with Elasticsearch's name for the reason. */
interface BulkRefusal {
  readonly kind: 'refused';
  readonly action: string;
  readonly index: string | undefined;
  readonly id: string | undefined;
  readonly status: 400 | 403 | 413;
  readonly type: string;
  readonly reason: string;
}

export type BulkItem = BulkDocument | BulkRefusal;

export type BulkBody =
  | { readonly kind: 'read'; readonly items: readonly BulkItem[]; readonly bytes: number }
  | { readonly kind: 'too-large'; readonly reason: string };

export interface BulkLimits {
  readonly lineBytesMax: number;
  readonly bodyBytesMax: number;
  readonly itemsMax: number;
  readonly valuesMax: number;
  /** Called with the bytes of each piece before it is kept; false stops the reading: the caller has no room. */
  readonly reserve: (bytes: number) => boolean;
}

export const BULK_LIMITS: BulkLimits = {
  lineBytesMax: BULK_LINE_BYTES_MAX,
  bodyBytesMax: BULK_BODY_BYTES_MAX,
  itemsMax: BULK_ITEMS_MAX,
  valuesMax: BULK_VALUES_MAX,
  reserve: () => true,
};

/** Thrown when `reserve` said no. */
export class NoRoom extends Error {}

/** Reads the whole body. Throws what the stream throws (a broken gzip, a lost connection), and {@link NoRoom}. */
export async function readBulk(chunks: AsyncIterable<Buffer>, limits: BulkLimits = BULK_LIMITS): Promise<BulkBody> {
  const pairs = pairReader();
  // Blank lines count too: a body of nothing else would cost a call for each of its bytes.
  const line = lineReader({ lineBytesMax: limits.lineBytesMax, linesMax: 2 * limits.itemsMax + 2 }, pairs.line);
  let bytes = 0;
  let reservedExcess = 0;
  for await (const chunk of chunks) {
    bytes += chunk.length;
    if (bytes > limits.bodyBytesMax) {
      return { kind: 'too-large', reason: `the body is larger than ${limits.bodyBytesMax} bytes after decompression` };
    }
    if (!limits.reserve(chunk.length)) throw new NoRoom();
    if (!line.feed(chunk) || pairs.items.length > limits.itemsMax) {
      return { kind: 'too-large', reason: `the body holds more than ${limits.itemsMax} events` };
    }
    if (pairs.values > limits.valuesMax) return tooManyValues(limits);
    const excess = pairs.values * VALUE_BYTES - bytes - reservedExcess;
    if (excess > 0) {
      if (!limits.reserve(excess)) throw new NoRoom();
      reservedExcess += excess;
    }
  }
  line.end();
  pairs.end();
  if (pairs.values > limits.valuesMax) return tooManyValues(limits);
  return { kind: 'read', items: pairs.items, bytes };
}

function tooManyValues({ valuesMax }: BulkLimits): BulkBody {
  return { kind: 'too-large', reason: `the body holds more than ${valuesMax} values` };
}

/** A line's bytes, or `undefined` for one that was too long to be kept. */
type OnLine = (line: Buffer | undefined) => void;

function lineReader(limits: { readonly lineBytesMax: number; readonly linesMax: number }, onLine: OnLine) {
  const { lineBytesMax, linesMax } = limits;
  let parts: Buffer[] = [];
  let length = 0;
  let lines = 0;
  const add = (part: Buffer): void => {
    length += part.length;
    if (length > lineBytesMax) parts = [];
    else if (part.length > 0) parts.push(part);
  };
  const finish = (): void => {
    const line = length > lineBytesMax ? undefined : parts.length === 1 ? parts[0] : Buffer.concat(parts);
    parts = [];
    length = 0;
    onLine(line);
  };
  return {
    /** False when there are too many lines: what follows is not looked at. */
    feed(chunk: Buffer): boolean {
      let start = 0;
      for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, start)) {
        lines += 1;
        if (lines > linesMax) return false;
        add(chunk.subarray(start, end));
        finish();
        start = end + 1;
      }
      add(chunk.subarray(start));
      return true;
    },
    end(): void {
      if (length > 0) finish();
    },
  };
}

interface Action {
  readonly name: string;
  readonly index: string | undefined;
  readonly id: string | undefined;
  readonly refusal: string | undefined;
}

/** Puts lines together: expects an action, then (but for `delete`) its document. */
function pairReader() {
  const scan = createDocumentScan();
  const items: BulkItem[] = [];
  let values = 0;
  let open: Action | undefined;
  let mayBeSource = false;

  const refuse = (action: Action, type: string, reason: string): void => {
    items.push({ kind: 'refused', action: action.name, index: action.index, id: action.id, status: 400, type, reason });
  };

  const parse = (bytes: Buffer): ParsedLine => {
    const weight = weigh(bytes, { valuesMax: LINE_VALUES_MAX, depthMax: LINE_DEPTH_MAX });
    if (weight.kind !== 'within') return weight.kind;
    values += weight.values;
    return parseLine(bytes);
  };

  const line: OnLine = (bytes) => {
    if (open !== undefined) {
      const action = open;
      open = undefined;
      if (action.refusal !== undefined) refuse(action, 'illegal_argument_exception', action.refusal);
      else items.push(scannedOf(action, bytes) ?? documentOf(action, bytes, parse));
      return;
    }
    const plainId = bytes === undefined ? undefined : plainCreate(bytes);
    if (plainId !== undefined) {
      mayBeSource = false;
      open = { name: 'create', index: undefined, id: plainId, refusal: undefined };
      return;
    }
    if (bytes !== undefined && isBlank(bytes)) return;
    const parsed = bytes === undefined ? 'too-long' : parse(bytes);
    const action = typeof parsed === 'object' ? actionOf(parsed) : undefined;
    if (action === undefined) {
      // After a broken action line its document follows: one event, refused once.
      if (mayBeSource) mayBeSource = false;
      else {
        mayBeSource = true;
        refuse(NO_ACTION, 'illegal_argument_exception', 'the action line is no {"create":{…}} object');
      }
      return;
    }
    mayBeSource = false;
    if (action.name === 'delete') refuse(action, 'illegal_argument_exception', action.refusal ?? ONLY_CREATE);
    else open = action;
  };

  const scannedOf = (action: Action, bytes: Buffer | undefined): BulkDocument | undefined => {
    if (bytes === undefined || action.id === undefined) return undefined;
    const scanned = scan(bytes);
    if (scanned === undefined) return undefined;
    values += scanned.values;
    return new ScannedBulkDocument(action.name === 'index' ? 'index' : 'create', action.index, action.id, scanned);
  };

  const end = (): void => {
    if (open !== undefined) refuse(open, 'illegal_argument_exception', 'the document’s line is missing');
    open = undefined;
  };
  return {
    items,
    line,
    end,
    /** Of all lines that were parsed. */
    get values() {
      return values;
    },
  };
}

/** Its own properties are all that it has, as of any other item. */
export class ScannedBulkDocument implements BulkDocument {
  readonly kind = 'document';
  readonly action: 'create' | 'index';
  readonly index: string | undefined;
  readonly id: string | undefined;
  readonly source = undefined;
  readonly scanned: ScannedDocument;
  #document: Record<string, unknown> | undefined;

  constructor(action: 'create' | 'index', index: string | undefined, id: string, scanned: ScannedDocument) {
    this.action = action;
    this.index = index;
    this.id = id;
    this.scanned = scanned;
  }
  get document(): Record<string, unknown> {
    this.#document ??= JSON.parse(this.scanned.line.toString('utf8')) as Record<string, unknown>;
    return this.#document;
  }
}

const CREATE_HEAD = Buffer.from('{"create":{"_id":"');
const CREATE_TAIL = Buffer.from('"}}');
/** The most bytes of an id that is read without a parser. */
const PLAIN_ID_LENGTH_MAX = 256;

/** The id of an action line as collectors write it (event/bulk.ts); undefined for any other. */
function plainCreate(bytes: Buffer): string | undefined {
  const id = plainIdIn(bytes, 0, bytes.length);
  return id === undefined ? undefined : bytes.toString('latin1', id.from, id.to);
}

/** Where the id of such an action line stands. */
export function plainIdIn(
  bytes: Buffer,
  start: number,
  end: number,
): { readonly from: number; readonly to: number } | undefined {
  const from = start + CREATE_HEAD.length;
  const to = end - CREATE_TAIL.length;
  if (to <= from || to - from > PLAIN_ID_LENGTH_MAX) return undefined;
  for (let at = 0; at < CREATE_HEAD.length; at++) if (bytes[start + at] !== CREATE_HEAD[at]) return undefined;
  for (let at = 0; at < CREATE_TAIL.length; at++) if (bytes[to + at] !== CREATE_TAIL[at]) return undefined;
  for (let at = from; at < to; at++) {
    const byte = bytes[at] ?? 0;
    if (byte < 0x20 || byte > 0x7e || byte === 0x22 || byte === 0x5c) return undefined;
  }
  return { from, to };
}

const NO_ACTION: Action = { name: 'create', index: undefined, id: undefined, refusal: undefined };
const ONLY_CREATE = 'only create (and index, taken as create) is allowed here: what is stored is never changed';
const ACTIONS: ReadonlySet<string> = new Set(['create', 'index', 'update', 'delete']);

function actionOf(parsed: Record<string, unknown>): Action | undefined {
  const names = Object.keys(parsed);
  const name = names[0] ?? '';
  const meta = parsed[name];
  if (names.length !== 1 || !ACTIONS.has(name) || !isPlainObject(meta)) return undefined;
  const id = meta['_id'] ?? undefined;
  const index = typeof meta['_index'] === 'string' ? meta['_index'].slice(0, 255) : undefined;
  const problem = id === undefined ? undefined : problemOfId(id);
  return {
    name,
    index,
    id: problem === undefined && id !== undefined ? String(id) : undefined,
    refusal: name === 'create' || name === 'index' ? problem : ONLY_CREATE,
  };
}

function problemOfId(id: unknown): string | undefined {
  if (typeof id === 'number') return undefined;
  if (typeof id !== 'string') return '_id is neither text nor a number';
  if (id === '') return 'if _id is specified it must not be empty';
  if (Buffer.byteLength(id) > 512) return '_id is longer than 512 bytes';
  return /[\u0000-\u001f\u007f]/.test(id) || !id.isWellFormed() ? '_id holds control characters' : undefined;
}

function documentOf(action: Action, bytes: Buffer | undefined, parse: (bytes: Buffer) => ParsedLine): BulkItem {
  const { index, id } = action;
  const name = action.name === 'index' ? 'index' : 'create';
  const refused = (status: 400 | 413, reason: string): BulkRefusal => {
    return { kind: 'refused', action: name, index, id, status, type: 'document_parsing_exception', reason };
  };
  if (bytes === undefined) return refused(413, 'the document’s line is too long');
  const parsed = parse(bytes);
  if (parsed === 'too-deep') return refused(400, `the document nests deeper than ${LINE_DEPTH_MAX}`);
  if (parsed === 'too-many') return refused(413, `the document has more than ${LINE_VALUES_MAX} values`);
  if (parsed === 'not-utf8') return refused(400, 'the document is not UTF-8');
  if (parsed === 'not-json') return refused(400, 'the document is not JSON');
  if (parsed === 'not-object') return refused(400, 'the document is not a JSON object');
  const source = id === undefined ? Buffer.from(bytes) : undefined;
  return { kind: 'document', action: name, index, id, document: parsed, source };
}

type ParsedLine = Record<string, unknown> | 'too-deep' | 'too-many' | 'not-utf8' | 'not-json' | 'not-object';

function parseLine(bytes: Buffer): ParsedLine {
  if (!isUtf8(bytes)) return 'not-utf8';
  let parsed: unknown;
  try {
    parsed = JSON.parse(bytes.toString('utf8'));
  } catch {
    return 'not-json';
  }
  return isPlainObject(parsed) ? (parsed as Record<string, unknown>) : 'not-object';
}

function isBlank(bytes: Buffer): boolean {
  return bytes.every((byte) => byte === 32 || byte === 9 || byte === 13);
}
