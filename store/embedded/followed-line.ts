// A line of the log as a follower reads it: its document is parsed once, when it is asked for, or not at all.
import type { EventDocument, StoredEvent, UnparsedDocument } from '../../event/document.ts';

/** What lines stand in. */
export interface LineSource {
  readonly bytes: Buffer;
  /** True once other lines may stand there. */
  readonly isGone: boolean;
}

interface LinePlace {
  readonly seq: number;
  readonly id: string;
  /** Where the document begins and ends. */
  readonly from: number;
  readonly to: number;
  readonly createdMs: number;
}

export class FollowedLine implements StoredEvent, UnparsedDocument {
  readonly seq: number;
  readonly id: string;
  readonly from: number;
  readonly to: number;
  readonly createdMs: number;
  readonly #source: LineSource;
  #document: EventDocument | undefined;

  constructor(source: LineSource, { seq, id, from, to, createdMs }: LinePlace) {
    this.seq = seq;
    this.id = id;
    this.from = from;
    this.to = to;
    this.createdMs = createdMs;
    this.#source = source;
  }
  get bytes(): Buffer {
    // Never another event's, whoever has kept this one for longer than it holds.
    if (this.#source.isGone) throw new Error(`event ${this.seq} was to be read at once, and is read later`);
    return this.#source.bytes;
  }
  get unparsed(): UnparsedDocument {
    return this;
  }
  get document(): EventDocument {
    this.#document ??= JSON.parse(this.bytes.toString('utf8', this.from, this.to)) as EventDocument;
    return this.#document;
  }
}
