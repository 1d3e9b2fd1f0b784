// The way back from a row to its document. Rows come in chunks, a column at a time (chunk-reader.ts), because what the binding does value by
// value would cost several times as much, and so would writing and parsing JSON (decision 0051); `_rest` alone is parsed. Texts that many
// rows of a chunk have are made once. What a row says comes back as it was taken apart in columns.ts; what others of
// the row tell is put together again (short-forms.ts).
import { canonicalTime } from '../../event/canonical-time.ts';
import { type EventDocument, isPlainObject } from '../../event/document.ts';
import type { OrderKey } from '../../event/order.ts';
import { FORMS, type PackedChunk } from './chunk-reader.ts';
import { type Column, DERIVED, derivedValue, type Layout, OWN_COLUMNS, toldColumns } from './columns.ts';
import { listAt, numberAt, openColumn, type PackedColumn, textAt } from './packed-columns.ts';
import type { Path } from './rest-shapes.ts';
import { createRowShapes } from './row-shapes.ts';
import {
  createIdWriter,
  ENTITY_FIELDS,
  originalOf,
  type RowFacts,
  SERIAL_FIELD,
  START_PREFIX,
  TAIL_COLUMN,
} from './short-forms.ts';

/** An event as a row tells it. */
export interface ReadEvent {
  readonly seq: number;
  readonly timestampMs: number;
  /** Its id too. */
  readonly order: OrderKey;
  readonly document: EventDocument;
}

/** Rows of a chunk; each becomes a document when it is asked for. */
export interface RowChunk {
  readonly rows: number;
  createdMsAt(row: number): number;
  seqAt(row: number): number;
  /** Throws on what is no row. */
  read(row: number): ReadEvent;
  /** Frees its memory at once: left to the collector, some 64 MiB of it would each have the whole heap collected. No row is read after. */
  close(): void;
}

/** Opens chunks whose columns are those of `valuesSql` of one layout. */
export type RowReader = (chunk: PackedChunk) => RowChunk;

const DATE_MS_MAX = 8.64e15;
const TIME_LENGTH = 24;
/** Characters of a time before its milliseconds. */
const SECOND_LENGTH = 20;
const MILLISECONDS: readonly string[] = Array.from({ length: 1_000 }, (_, ms) => `${String(ms).padStart(3, '0')}Z`);

/** Where a field's value goes. */
interface Cell {
  /** The object that it stands in, and its name there. */
  readonly branch: number;
  readonly key: string;
  readonly isTime: boolean;
  readonly path: Path;
  /** Its number among all that a row may say. */
  readonly source: number;
}

interface Branch {
  readonly parent: number;
  readonly key: string;
}

/** A column of a chunk that is at hand. */
interface Values extends PackedColumn {
  readonly cell: Cell;
}

const OWN: Cell = { branch: 0, key: '', isTime: false, path: [], source: 0 };
const NO_VALUES = { texts: Buffer.alloc(0), ends: new Uint32Array(0) };

export function createRowReader(layout: Layout): RowReader {
  const branches: Branch[] = [{ parent: 0, key: '' }];
  const branchOf = (parts: readonly string[]): number =>
    parts.reduce((parent, key) => {
      const known = branches.findIndex((branch, at) => at > 0 && branch.parent === parent && branch.key === key);
      return known > 0 ? known : branches.push({ parent, key }) - 1;
    }, 0);
  let sources = 0;
  const cellOf = (field: string, isTime: boolean): Cell => {
    const path = field.split('.');
    return { branch: branchOf(path.slice(0, -1)), key: path.at(-1) ?? '', isTime, path, source: sources++ };
  };
  const told = toldColumns(layout);
  const cells = told.map((column, at) => (at < OWN_COLUMNS.length ? OWN : cellOf(column.name, isTimeOf(column))));
  const places = ['_seq', '_id', '_ts', '_created', '_host', '_boot', '_position', '_odd', '_rest'].map((name) =>
    told.findIndex((column) => column.name === name),
  );
  const derived = [...DERIVED.keys()].map((field) => ({
    field,
    cell: cellOf(field, field === '@timestamp' || field === 'event.created'),
  }));
  const placeOf = (name: string): number => told.findIndex((column) => column.name === name);
  const [tailPlace, serialPlace] = [placeOf(TAIL_COLUMN), placeOf(SERIAL_FIELD)];
  const stampedPlace = told.findIndex(({ isStamped }) => isStamped === true);
  const entityPlaces = [...ENTITY_FIELDS].flatMap(([field, pid]) => {
    const start = placeOf(START_PREFIX + field);
    return start < 0 ? [] : [{ cell: cellOf(field, false), start, pid: placeOf(pid) }];
  });
  /** Columns whose values are no field's, or not yet. */
  const apart = new Set([tailPlace, stampedPlace, ...entityPlaces.map(({ start }) => start)]);
  for (const [at, { name }] of told.entries()) if (at < OWN_COLUMNS.length || layout.unasked?.has(name)) apart.add(at);
  const objects: (Record<string, unknown> | undefined)[] = [];
  const shapes = createRowShapes(sources);
  const idWriter = createIdWriter();
  /** What the columns of a row say, and where it goes. */
  const values: unknown[] = [];
  const goals: Cell[] = [];
  let count = 0;
  let second = '';
  let secondMs = Number.NaN;

  /** Most events are of the second of the one before. */
  const time = (ms: number): string => {
    const within = ms - secondMs;
    if (within >= 0 && within < 1_000) return second + (MILLISECONDS[within] ?? '');
    const whole = canonicalTime(ms);
    if (whole.length === TIME_LENGTH && ms >= 0) {
      second = whole.slice(0, SECOND_LENGTH);
      secondMs = ms - (ms % 1_000);
    }
    return whole;
  };

  /** The object of a branch; the way to it is free, because only a field's own value was ever taken out. */
  const objectOf = (branch: number): Record<string, unknown> => {
    const made = objects[branch];
    if (made !== undefined) return made;
    const { parent, key } = branches[branch] ?? { parent: 0, key: '' };
    const above = objectOf(parent);
    const existing = Object.hasOwn(above, key) ? above[key] : undefined;
    const object = isPlainObject(existing) ? (existing as Record<string, unknown>) : {};
    if (object !== existing) above[key] = object;
    objects[branch] = object;
    return object;
  };

  const put = (cell: Cell, value: unknown): void => {
    values[count] = value;
    goals[count++] = cell;
    shapes.mark(cell.source);
  };

  /** The document of what was put and of a rest. */
  const documentOf = (rests: Values | undefined, row: number, isOdd: boolean): EventDocument => {
    const code = rests?.codes[row] ?? -1;
    const { texts, ends } = rests ?? NO_VALUES;
    const [from, to] = code < 0 ? [0, 0] : [code === 0 ? 0 : (ends[code - 1] ?? 0), ends[code] ?? 0];
    const made = isOdd ? undefined : shapes.make(texts, from, to, values, count);
    if (made !== undefined) return made;
    const text = textAt(rests, row);
    const document: Record<string, unknown> = text === null ? {} : JSON.parse(text);
    if (!isPlainObject(document)) throw new Error('it is no row');
    objects.fill(undefined);
    objects[0] = document;
    for (let at = 0; at < count; at++) {
      const cell = goals[at];
      if (cell !== undefined) objectOf(cell.branch)[cell.key] = values[at];
    }
    if (!isOdd) shapes.learn(texts, from, to, text, document, goals.slice(0, count));
    return document;
  };

  return (chunk) => {
    if (chunk.columns !== cells.length) throw new Error('these are no rows of that layout');
    const all = cells.map((cell, column): Values => ({ ...openColumn(chunk, column), cell }));
    const [seqs, ids, timestamps, created, hosts, boots, positions, odds, rests] = places.map((at) => all[at]) as [
      Values,
      ...(Values | undefined)[],
    ];
    const filled = all.filter(({ form }, at) => form !== FORMS.nulls && !apart.has(at));
    const [tails, serials, stamped] = [all[tailPlace], all[serialPlace], all[stampedPlace]];
    const entities = entityPlaces
      .map(({ cell, start, pid }) => ({ cell, starts: all[start], pids: all[pid] }))
      .filter(({ starts }) => starts?.form !== FORMS.nulls);

    return {
      rows: chunk.rows,
      createdMsAt: (row) => numberAt(created, row) ?? 0,
      seqAt: (row) => numberAt(seqs, row) ?? 0,
      read(row) {
        const seq = numberAt(seqs, row);
        const wholeId = textAt(ids, row);
        const timestampMs = numberAt(timestamps, row);
        const createdMs = numberAt(created, row);
        const hostId = textAt(hosts, row) ?? '';
        const bootId = textAt(boots, row) ?? '';
        const position = numberAt(positions, row);
        const odd = textAt(odds, row);
        if (seq === null || timestampMs === null) throw new Error('it is no row');
        count = 0;
        shapes.begin();
        for (let at = 0; at < filled.length; at++) {
          const column = filled[at];
          if (column === undefined) continue;
          const { cell } = column;
          if (column.form === FORMS.texts) {
            const value = textAt(column, row);
            if (value !== null) put(cell, value);
          } else if (column.form === FORMS.numbers) {
            const value = numberAt(column, row);
            if (value !== null) put(cell, cell.isTime ? time(value) : value);
          } else {
            const value = listAt(column, row);
            if (value !== null) put(cell, value);
          }
        }
        const facts: RowFacts = { host: hostId, boot: bootId, timestampMs, serial: numberAt(serials, row) };
        const original = textAt(stamped, row);
        if (original !== null && stamped !== undefined) put(stamped.cell, originalOf(original, facts));
        for (let at = 0; at < entities.length; at++) {
          const entity = entities[at];
          const start = numberAt(entity?.starts, row);
          if (entity !== undefined && start !== null)
            put(entity.cell, idWriter.entityIdOf(facts, numberAt(entity.pids, row) ?? 0, start));
        }
        const tail = numberAt(tails, row);
        const id = tail === null ? (wholeId ?? '') : idWriter.idOf(facts, tail);
        const own = [timestampMs, createdMs, hostId, bootId, position];
        for (let index = 0; index < derived.length; index++) {
          const one = derived[index];
          if (one === undefined || (odd?.includes(`,${one.field},`) ?? false)) continue;
          const held = own[index] ?? null;
          const isTime =
            one.cell.isTime && typeof held === 'number' && Number.isInteger(held) && Math.abs(held) <= DATE_MS_MAX;
          put(one.cell, isTime ? time(held) : derivedValue(one.field, held));
        }
        const order = { createdMs: createdMs ?? 0, hostId, bootId, position: position ?? 0, id };
        return { seq, timestampMs, order, document: documentOf(rests, row, odd !== null) };
      },
      close() {
        chunk.memory.transfer(0);
      },
    };
  };
}

function isTimeOf({ type, isTime }: Column): boolean {
  return type === 'BIGINT' && isTime;
}
