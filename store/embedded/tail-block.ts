// The lines of one append in memory: where each stands in its bytes and what is known of it, as numbers. Numbered without a gap.
//
//   places   FROM TO LENGTH of each line: its JSON, and the whole line
//   times    `@timestamp` and `event.created`, NaN where that is not known
import type { EventDocument, StoredEvent } from '../../event/document.ts';
import { timestampOf } from '../admission.ts';
import { FollowedLine, type LineSource } from './followed-line.ts';
import { headOfLine, parseLine, type RawLine } from './log-lines.ts';

export interface BlockEntry {
  readonly seq: number;
  readonly id: string;
  /** Parsed when it is first asked for. */
  readonly document: EventDocument;
  readonly timestampMs: number;
}

export interface KnownOfLine {
  readonly timestampMs: number;
  readonly createdMs?: number | undefined;
}

const PLACES = 3;
const TIMES = 2;

export class TailBlock implements LineSource {
  readonly bytes: Buffer;
  readonly firstSeq: number;
  readonly count: number;
  /** Lines at the beginning that are no longer in the tail. */
  dropped = 0;
  /** Who reads its entries for longer than a turn. */
  holders = 0;
  isGone = false;
  readonly #places: Uint32Array;
  readonly #times: Float64Array;
  /** Of those that were asked for, until they are in partitions. */
  #documents: (EventDocument | undefined)[] | undefined;

  constructor(lines: readonly RawLine[], known: readonly KnownOfLine[]) {
    this.bytes = lines[0]?.bytes ?? Buffer.alloc(0);
    this.firstSeq = lines[0]?.seq ?? 0;
    this.count = lines.length;
    this.#places = new Uint32Array(PLACES * lines.length);
    this.#times = new Float64Array(TIMES * lines.length).fill(Number.NaN);
    for (let at = 0; at < lines.length; at++) {
      const line = lines[at];
      if (line === undefined) continue;
      this.#places[PLACES * at] = line.from;
      this.#places[PLACES * at + 1] = line.to;
      this.#places[PLACES * at + 2] = line.length;
      const told = known[at];
      if (told === undefined) continue;
      this.#times[TIMES * at] = told.timestampMs;
      this.#times[TIMES * at + 1] = told.createdMs ?? Number.NaN;
    }
  }

  get endSeq(): number {
    return this.firstSeq + this.count;
  }

  lengthOf(at: number): number {
    return this.#places[PLACES * at + 2] ?? 0;
  }

  lineOf(at: number): RawLine {
    return {
      seq: this.firstSeq + at,
      bytes: this.bytes,
      from: this.#places[PLACES * at] ?? 0,
      to: this.#places[PLACES * at + 1] ?? 0,
      length: this.lengthOf(at),
    };
  }

  entryOf(at: number): BlockEntry {
    const block = this;
    const seq = this.firstSeq + at;
    const { id } = headOfLine(this.lineOf(at));
    return {
      seq,
      id,
      get document() {
        return block.#documentOf(at);
      },
      get timestampMs() {
        return block.#timestampOf(at);
      },
    };
  }

  /** Lines as a follower reads them. `isReadAtOnce`: they stand where they are, and only for this turn of the loop. */
  followed(from: number, to: number, isReadAtOnce: boolean): readonly StoredEvent[] {
    const events: StoredEvent[] = [];
    let source: LineSource = this;
    let shift = 0;
    if (!isReadAtOnce) {
      shift = this.#places[PLACES * from] ?? 0;
      source = { bytes: Buffer.from(this.bytes.subarray(shift, this.#places[PLACES * (to - 1) + 1])), isGone: false };
    }
    for (let at = from; at < to; at++) {
      const line = this.lineOf(at);
      const createdMs = this.#times[TIMES * at + 1] ?? Number.NaN;
      if (Number.isNaN(createdMs)) {
        const { id, document } = parseLine(line);
        events.push({ seq: line.seq, id, document });
        continue;
      }
      const { id, documentFrom } = headOfLine(line);
      const place = { seq: line.seq, id, from: documentFrom - shift, to: line.to - 1 - shift, createdMs };
      events.push(new FollowedLine(source, place));
    }
    return events;
  }

  /** It is in a partition: its document is seldom asked for again. */
  rest(at: number): void {
    if (this.#documents !== undefined) this.#documents[at] = undefined;
  }

  #documentOf(at: number): EventDocument {
    const before = this.#documents?.[at];
    if (before !== undefined) return before;
    if (this.isGone) throw new Error(`event ${this.firstSeq + at} is read after it was released`);
    const { document } = parseLine(this.lineOf(at));
    this.#documents ??= new Array(this.count);
    this.#documents[at] = document;
    return document;
  }

  #timestampOf(at: number): number {
    const told = this.#times[TIMES * at] ?? Number.NaN;
    if (!Number.isNaN(told)) return told;
    const timestampMs = timestampOf(this.#documentOf(at)) ?? 0;
    this.#times[TIMES * at] = timestampMs;
    return timestampMs;
  }
}
