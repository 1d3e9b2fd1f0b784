// Documents by example: the second event of a shape (event-shape.ts) is not mapped again. Its document is the first one's with other
// text in the holes. A template is made by the mapper itself: it maps the event twice with different stand-ins in the holes, and
// where they come out, there the holes are. It is kept only if both agree, and if it gives, byte for byte, the document that
// the mapper gives for the event itself; so the mapper stays the only place that knows what records mean.

import { type Place, writeNumber } from './byte-writer.ts';
import type { Stamp } from './ecs-document.ts';
import type { LineageText } from './ecs-process.ts';
import type { AuditEvent, AuditRecord } from './event.ts';
import { TYPE_BYTES } from './event-bytes.ts';
import { type EventShape, HOLE, HOLES, PATH_HOLES } from './event-shape.ts';
import { bodyStart } from './fields.ts';
import { pathOfText, splitItem } from './path.ts';
import { type StandIn, standInsOf } from './stand-in.ts';
import { PATH } from './tables/record-type.ts';

/** Holes that no record has. */
const TIME = HOLES;
const CREATED = HOLES + 1;
const POSITION = HOLES + 2;
const LINEAGE: { readonly process: number; readonly parent: number; readonly surroundings: number } = {
  process: HOLES + 3,
  parent: HOLES + 4,
  surroundings: HOLES + 5,
};
/** What stands in for lineage in the documents that templates are made of. */
export const LINEAGE_STAND_IN: LineageText = {
  process: ',"stand_in_process":7731',
  parentPid: undefined,
  parent: ',"stand_in_parent":7731',
  surroundings: ',"stand_in_surroundings":7731',
  script: '',
};

/** The document of a shape: text, hole, text, hole, …, text. */
export interface Template {
  readonly key: Buffer;
  readonly literals: readonly Uint8Array[];
  readonly holes: readonly number[];
  /** The program by which it is done: an object of that name is told otherwise. */
  readonly program: Uint8Array;
  /** The name of the file that an exec asked for: an argument like it is a script. */
  readonly script: Uint8Array | undefined;
  /** How often a hole comes, at most. */
  readonly repeats: number;
  /** What it holds of memory, and more than its own text takes in a document. */
  readonly bytes: number;
}

/** Maps an event as if its process had {@link LINEAGE_STAND_IN}. */
export type StandInMapper = (event: AuditEvent, stamp: Stamp) => string;

/** The template of `event`, whose shape was read just now; undefined where its holes cannot be told apart from the rest. */
export function makeTemplate(
  event: AuditEvent,
  shape: EventShape,
  by: { readonly map: StandInMapper; readonly program: string },
): Template | undefined {
  // A stand-in that happens to be a part of the rest spoils its pair: there is another.
  return fromPair(event, shape, { ...by, variants: [0, 1] }) ?? fromPair(event, shape, { ...by, variants: [2, 3] });
}

function fromPair(
  event: AuditEvent,
  shape: EventShape,
  by: { readonly map: StandInMapper; readonly program: string; readonly variants: readonly [number, number] },
): Template | undefined {
  const { map, program, variants } = by;
  const one = piecesOf(event, shape, map, variants[0]);
  const two = piecesOf(event, shape, map, variants[1]);
  if (one.holes.length !== two.holes.length || one.holes.some((hole, index) => hole !== two.holes[index]))
    return undefined;
  if (one.literals.some((literal, index) => literal !== two.literals[index])) return undefined;
  const key = Buffer.from(shape.key.subarray(0, shape.keyBytes));
  const literals = literalsOf(one.literals);
  return {
    key,
    literals,
    holes: one.holes,
    program: Buffer.from(program, 'utf8'),
    script: shape.isExec ? firstName(event) : undefined,
    repeats: repeatsOf(one.holes),
    bytes: literals.reduce(
      (sum, literal) => sum + literal.length + VIEW_BYTES,
      key.length + one.holes.length * 8 + 256,
    ),
  };
}

/** What a view of bytes takes of memory itself. */
const VIEW_BYTES = 128;

/** Views of one piece of memory. */
function literalsOf(texts: readonly string[]): readonly Uint8Array[] {
  const whole = Buffer.from(texts.join(''), 'utf8');
  const held = new Uint8Array(whole);
  let at = 0;
  return texts.map((text) => {
    const from = at;
    at += Buffer.byteLength(text);
    return held.subarray(from, at);
  });
}

/** The name in the first PATH record. */
function firstName({ records }: AuditEvent): Uint8Array | undefined {
  const text = records.find(({ type }) => type === PATH)?.text;
  const name = text === undefined ? undefined : pathOfText(splitItem(text, bodyStart(text)).rest).name;
  return name === undefined ? undefined : Buffer.from(name, 'utf8');
}

/** Stamp and serial are short, and counted apart. */
function repeatsOf(holes: readonly number[]): number {
  const counts = new Int32Array(HOLES);
  for (const hole of holes) if (hole < HOLES && hole !== HOLE.stamp) counts[hole] = (counts[hole] as number) + 1;
  return Math.max(...counts);
}

/** True where the event's holes hold what the template was not made for. */
export function isDoubtful(template: Template, shape: EventShape): boolean {
  const { program, script } = template;
  for (let path = 0; path < shape.paths; path++) {
    // Without the slash at its end.
    const at = HOLE.path + path * PATH_HOLES;
    if (isText(shape, { from: at, to: at + 2, text: program })) return true;
  }
  if (script === undefined) return false;
  for (let argument = 1; argument <= 2 && argument < shape.arguments; argument++) {
    const at = HOLE.exec + argument * 2 + 1;
    if (isText(shape, { from: at, to: at, text: script })) return true;
  }
  return false;
}

/** True when `text` stands from the start of one hole to the end of another. */
function isText(
  { bytes, holes }: EventShape,
  { from, to, text }: { readonly from: number; readonly to: number; readonly text: Uint8Array },
): boolean {
  const start = holes[from * 2] as number;
  if (start < 0 || (holes[to * 2 + 1] as number) - start !== text.length) return false;
  for (let at = 0; at < text.length; at++) if (bytes[start + at] !== text[at]) return false;
  return true;
}

/** More than a time, a stamp or a number takes. */
const SPECIAL_BYTES_MAX = 64;
/** A byte of an event stands in so many holes at most: a name, its base and its extension. */
const OVERLAPS_MAX = 3;

/** Fewer bytes are copied one by one: a call costs as much as that. */
const LOOP_BYTES_MAX = 16;

/** The texts of an event that do not stand in its records. */
export interface EventTexts {
  readonly timeMs: number;
  readonly createdMs: number;
  readonly position: number;
  readonly lineage: LineageText | undefined;
}

/** Writers of the two times (clock-text.ts). */
export interface EventClocks {
  readonly time: (timeMs: number, place: Place) => number;
  readonly created: (timeMs: number, place: Place) => number;
}

/** Writes a document into `out` from `at`; its end, or -1 where it does not fit. */
export function fillTemplate(
  template: Template,
  shape: EventShape,
  {
    texts,
    clocks,
    out,
    at: from,
  }: { readonly texts: EventTexts; readonly clocks: EventClocks; readonly out: Buffer; readonly at: number },
): number {
  const { literals, holes } = template;
  const { bytes, holes: places } = shape;
  const { lineage } = texts;
  const lineageChars =
    lineage === undefined
      ? 0
      : lineage.process.length + lineage.parent.length + lineage.surroundings.length + lineage.script.length;
  const heldBytes = OVERLAPS_MAX * template.repeats * shape.size;
  if (from + template.bytes + lineageChars * 3 + holes.length * SPECIAL_BYTES_MAX + heldBytes > out.length) return -1;
  let at = from;
  for (let index = 0; index < holes.length; index++) {
    const literal = literals[index] as Uint8Array;
    const { length } = literal;
    if (length > LOOP_BYTES_MAX) out.set(literal, at);
    else for (let byte = 0; byte < length; byte++) out[at + byte] = literal[byte] as number;
    at += length;
    const hole = holes[index] as number;
    if (hole < HOLES) {
      const start = places[hole * 2] as number;
      const end = places[hole * 2 + 1] as number;
      if (end - start > 48) at += bytes.copy(out, at, start, end);
      else for (let byte = start; byte < end; byte++) out[at++] = bytes[byte] as number;
    } else {
      switch (hole) {
        case TIME:
          at = clocks.time(texts.timeMs, { out, at });
          break;
        case CREATED:
          at = clocks.created(texts.createdMs, { out, at });
          break;
        case POSITION:
          at = writeNumber(texts.position, 10, { out, at });
          break;
        case LINEAGE.process:
          if (lineage !== undefined && lineage.process !== '') at += out.write(lineage.process, at);
          if (lineage !== undefined && lineage.script !== '' && !shape.isExec) at += out.write(lineage.script, at);
          break;
        case LINEAGE.parent:
          if (lineage !== undefined && lineage.parentPid === shape.ppid) at += out.write(lineage.parent, at);
          break;
        default:
          if (lineage !== undefined && lineage.surroundings !== '') at += out.write(lineage.surroundings, at);
      }
    }
  }
  const last = literals[holes.length] as Uint8Array;
  out.set(last, at);
  return at + last.length;
}

interface Pieces {
  readonly literals: readonly string[];
  readonly holes: readonly number[];
}

function piecesOf(event: AuditEvent, shape: EventShape, map: StandInMapper, variant: number): Pieces {
  const standIns = standInsOf(shape, variant);
  const time = timeStandIn(variant, 15);
  const created = timeStandIn(variant, 16);
  const position = 77_310_000_123 + variant;
  const serial = `31000000${variant}9`;
  const stamp = `${String(time / 1000)}:${serial}`;
  const told: (readonly [string, number])[] = [
    [stamp, HOLE.stamp],
    [serial, HOLE.serial],
    [new Date(time).toISOString(), TIME],
    [new Date(created).toISOString(), CREATED],
    [String(position), POSITION],
    [LINEAGE_STAND_IN.process, LINEAGE.process],
    [LINEAGE_STAND_IN.parent, LINEAGE.parent],
    [LINEAGE_STAND_IN.surroundings, LINEAGE.surroundings],
  ];
  for (const standIn of standIns.values()) told.push(...standIn.told);
  const records = standInRecords(event.records, shape, { standIns, stamp, time, serial: Number(serial) });
  const json = map({ ...event, records, timeMs: time, serial: Number(serial) }, { createdMs: created, position });
  return cut(json, told);
}

function timeStandIn(variant: number, begin: number): number {
  return Number(`${begin}${variant}4000007123`);
}

/** Cuts a document at the stand-ins, longest first. */
function cut(json: string, told: readonly (readonly [string, number])[]): Pieces {
  const holeOf = new Map(told);
  const texts = [...holeOf.keys()].sort((a, b) => b.length - a.length);
  const pattern = new RegExp(texts.map((text) => text.replaceAll(/[^\w]/g, '\\$&')).join('|'), 'g');
  const literals: string[] = [];
  const holes: number[] = [];
  let at = 0;
  for (const match of json.matchAll(pattern)) {
    literals.push(json.slice(at, match.index));
    holes.push(holeOf.get(match[0]) ?? 0);
    at = match.index + match[0].length;
  }
  literals.push(json.slice(at));
  return { literals, holes };
}

/** The event's records with the stand-ins in their holes. */
function standInRecords(
  records: readonly AuditRecord[],
  shape: EventShape,
  by: {
    readonly standIns: ReadonlyMap<number, StandIn>;
    readonly stamp: string;
    readonly time: number;
    readonly serial: number;
  },
): readonly AuditRecord[] {
  const { holes } = shape;
  const places = [...by.standIns]
    .map(([hole, { raw }]) => ({ start: holes[hole * 2] as number, end: holes[hole * 2 + 1] as number, raw }))
    .sort((a, b) => a.start - b.start);
  let offset = 0;
  return records.map((record) => {
    const { text } = record;
    offset += TYPE_BYTES;
    let made = '';
    let at = 0;
    for (const { start, end, raw } of places) {
      if (start < offset || end > offset + text.length) continue;
      made += text.slice(at, start - offset) + raw;
      at = end - offset;
    }
    made += text.slice(at);
    const from = text.indexOf(')');
    offset += text.length;
    return {
      type: record.type,
      timeMs: by.time,
      serial: by.serial,
      text: `audit(${by.stamp}${made.slice(from)}`,
      node: undefined,
    };
  });
}
