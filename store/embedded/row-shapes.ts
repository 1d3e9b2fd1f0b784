// The shapes of rows: which of its columns say something, and of which shape its rest is. Rows of one shape become documents that differ in
// values alone, so what was made of one row the plain way is what the next ones are made after (document-maker.ts). Only so many
// shapes are known, and none before a reader has read some rows: who asks for a page of events is not to pay for them.
import type { EventDocument } from '../../event/document.ts';
import { type DocumentMaker, documentMaker, placeKey } from './document-maker.ts';
import { createRestShapes, type Path, type RestShape } from './rest-shapes.ts';

export interface RowShapes {
  /** A new row; nothing is marked. */
  begin(): void;
  /** Something says a value: these are put in one order always. */
  mark(source: number): void;
  /** The document of the marked ones' values, and of the rest in these bytes (none where there are none); undefined where its shape is not known. */
  make(bytes: Buffer, from: number, to: number, values: unknown[], count: number): EventDocument | undefined;
  /** The same row, as it was read. */
  learn(
    bytes: Buffer,
    from: number,
    to: number,
    text: string | null,
    document: EventDocument,
    goals: readonly { readonly path: Path }[],
  ): void;
}

interface RowShape {
  readonly marks: Int32Array;
  readonly make: DocumentMaker;
}

/** Rows that are read before any shape is learned. */
export const PLAIN_ROWS = 256;
const SHAPES_MAX = 1_024;
/** That have one rest. */
const SHAPES_OF_REST_MAX = 32;
const NO_REST: RestShape = { paths: [] };

export function createRowShapes(sources: number): RowShapes {
  const rests = createRestShapes();
  const shapes = new Map<RestShape, RowShape[]>();
  const marks = new Int32Array((sources >> 5) + 1);
  let plainRows = 0;
  let learned = 0;

  const find = (rest: RestShape): RowShape | undefined => {
    const known = shapes.get(rest);
    if (known === undefined) return undefined;
    for (let at = 0; at < known.length; at++) {
      const shape = known[at];
      if (shape === undefined) continue;
      let word = 0;
      while (word < marks.length && shape.marks[word] === marks[word]) word++;
      if (word === marks.length) return shape;
    }
    return undefined;
  };

  return {
    begin() {
      marks.fill(0);
    },
    mark(source) {
      marks[source >> 5] = (marks[source >> 5] ?? 0) | (1 << (source & 31));
    },
    make(bytes, from, to, values, count) {
      if (learned === 0) return undefined;
      const rest = to === from ? NO_REST : rests.shapeOf(bytes, from, to);
      const shape = rest === undefined ? undefined : find(rest);
      if (shape === undefined) return undefined;
      if (rest !== NO_REST) rests.putValues(values, count);
      return shape.make(values);
    },
    learn(bytes, from, to, text, document, goals) {
      if (++plainRows < PLAIN_ROWS || learned >= SHAPES_MAX) return;
      if (text !== null) rests.learn(text);
      const rest = text === null ? NO_REST : rests.shapeOf(bytes, from, to);
      if (rest === undefined || find(rest) !== undefined) return;
      const known = shapes.get(rest) ?? [];
      if (known.length >= SHAPES_OF_REST_MAX) return;
      const make = documentMaker(document, {
        whole: new Map(goals.map(({ path }, slot) => [placeKey(path), slot])),
        single: new Map(rest.paths.map((path, at) => [placeKey(path), goals.length + at])),
      });
      if (make === undefined) return;
      known.push({ marks: marks.slice(), make });
      shapes.set(rest, known);
      learned++;
    },
  };
}
