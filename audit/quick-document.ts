// The mapper with a memory of shapes: documents of events that are alike are written from templates, straight into bytes. Templates
// are bounded in number and bytes, in two generations, and made for the second event of a shape only: most one-off events never
// come again.
import { createClockWriter } from './clock-text.ts';
import { fillTemplate, isDoubtful, LINEAGE_STAND_IN, makeTemplate, type Template } from './document-template.ts';
import { createEcsMapper, type EcsMapper } from './ecs.ts';
import type { Stamp } from './ecs-document.ts';
import { createLineageWriter, standInLineage } from './ecs-process.ts';
import type { AuditEvent, AuditRecord, HostIdentity, HostKnowledge } from './event.ts';
import { createShapeReader, HOLE, NAME_BYTES_MAX, type ShapeReader } from './event-shape.ts';
import { MESSAGE_CHARS_MAX } from './message.ts';
import { isInterpreter } from './script.ts';
import { createSyscallReader, type SyscallReader, type SyscallRecord } from './syscall-record.ts';

/** Templates of one generation, and their bytes: both generations together hold twice that. */
export const TEMPLATES_MAX = 1_024;
export const TEMPLATE_BYTES_MAX = 4 * 1024 * 1024;
/** Shapes that were seen once, by hash. */
const SEEN_MAX = 8_192;
/** Making a template costs as much as mapping a few dozen events. So many may be made at once, then one for so many events: who makes a new
 * shape twice, again and again, gains nothing by it. */
export const LEARNING_BURST = 256;
export const EVENTS_PER_LEARNING = 16;
/** Longer documents are left to the mapper. */
const DOCUMENT_BYTES_MAX = 128 * 1024;
/** ` 255.255.255.255 port 65535` and what is around it. */
const SOCKET_CHARS_MAX = 40;

export interface QuickMapper extends EcsMapper {
  /** The call of an event that there is a template for, with its own pids, until the next is asked for; undefined for others. */
  find(event: AuditEvent): SyscallRecord | undefined;
  /** Writes the document of the event that was found last; its end, or -1 where it has no room: then `toJson` has it. */
  write(event: AuditEvent, stamp: Required<Stamp>, place: { readonly out: Buffer; readonly at: number }): number;
  /** What both generations hold. */
  held(): { readonly templates: number; readonly bytes: number };
}

interface Known {
  readonly template: Template;
  /** The call of the event that the template was made of: whatever is not a hole is the same in all. */
  readonly call: { -readonly [Name in keyof SyscallRecord]: SyscallRecord[Name] };
}

export interface QuickParts {
  /** Whoever reads SYSCALL records too passes its own reader, so that they are read once. */
  readonly syscalls?: SyscallReader;
  readonly shapes?: ShapeReader;
}

export function createQuickMapper(
  host: HostIdentity,
  knowledge: HostKnowledge,
  { syscalls = createSyscallReader(), shapes = createShapeReader() }: QuickParts = {},
): QuickMapper {
  const mapper = createEcsMapper(host, knowledge, { syscalls });
  const standIn = createEcsMapper(host, knowledge, { lineage: standInLineage(LINEAGE_STAND_IN) });
  const lineage = createLineageWriter(knowledge);
  const clocks = { time: createClockWriter(), created: createClockWriter() };
  const seen = new Int32Array(SEEN_MAX);
  let young = new Map<number, Known | 'none'>();
  let old = new Map<number, Known | 'none'>();
  let youngBytes = 0;
  let oldBytes = 0;
  let version = knowledge.namesVersion?.();
  let found: Known | undefined;
  /** Templates that may be made now, in events. */
  let credit = LEARNING_BURST * EVENTS_PER_LEARNING;
  const scratch = Buffer.allocUnsafeSlow(DOCUMENT_BYTES_MAX);

  const forget = (): void => {
    young = new Map();
    old = new Map();
    youngBytes = 0;
    oldBytes = 0;
    seen.fill(0);
  };

  const remember = (hash: number, known: Known | 'none'): void => {
    const bytes = known === 'none' ? 64 : known.template.bytes;
    if (young.size >= TEMPLATES_MAX || youngBytes + bytes > TEMPLATE_BYTES_MAX) {
      old = young;
      young = new Map();
      oldBytes = youngBytes;
      youngBytes = 0;
    }
    youngBytes += bytes;
    young.set(hash, known);
  };

  const knownOf = (hash: number): Known | 'none' | undefined => {
    const found = young.get(hash);
    if (found !== undefined) return found;
    const before = old.get(hash);
    if (before !== undefined) remember(hash, before);
    return before;
  };

  const find = (event: AuditEvent): SyscallRecord | undefined => {
    found = undefined;
    const now = knowledge.namesVersion?.();
    // Without a version any name may have changed.
    if (now === undefined || !shapes.read(event)) return undefined;
    if (now !== version) {
      version = now;
      forget();
    }
    if (credit < LEARNING_BURST * EVENTS_PER_LEARNING) credit += 1;
    const { shape } = shapes;
    const known = knownOf(shape.hash);
    if (known === 'none') return undefined;
    if (known === undefined) {
      learn(event);
      return undefined;
    }
    const { template, call } = known;
    if (shape.key.compare(template.key, 0, template.key.length, 0, shape.keyBytes) !== 0) return undefined;
    if (isDoubtful(template, shape)) return undefined;
    found = known;
    call.pid = shape.pid;
    call.ppid = shape.ppid;
    return call;
  };

  const write: QuickMapper['write'] = (event, stamp, place) => {
    if (found === undefined) return -1;
    const at = fill(found.template, event, stamp, place);
    if (at >= 0 && shapes.shape.isExec && found.call.success === true) knowledge.execed?.(argumentsOf(), undefined);
    return at;
  };

  const fill = (
    template: Template,
    event: AuditEvent,
    stamp: Required<Stamp>,
    place: { readonly out: Buffer; readonly at: number },
  ): number => {
    const { shape } = shapes;
    const texts = {
      timeMs: event.timeMs,
      createdMs: stamp.createdMs,
      position: stamp.position,
      lineage: lineage.textOf(shape.pid, shape.ppid),
    };
    return fillTemplate(template, shape, { texts, clocks, out: place.out, at: place.at });
  };

  /** The decoded arguments of the exec that was read last. */
  const argumentsOf = (): readonly string[] => {
    const { bytes, holes, arguments: count } = shapes.shape;
    return Array.from({ length: count }, (_, index) => {
      const at = (HOLE.exec + index * 2 + 1) * 2;
      return bytes.toString('latin1', holes[at] as number, holes[at + 1] as number);
    });
  };

  const learn = (event: AuditEvent): void => {
    const { shape } = shapes;
    const slot = (shape.hash >>> 0) % SEEN_MAX;
    if (seen[slot] !== shape.hash) {
      seen[slot] = shape.hash;
      return;
    }
    if (credit < EVENTS_PER_LEARNING) return;
    credit -= EVENTS_PER_LEARNING;
    const call = syscalls.read(event.records[0] as AuditRecord);
    const { exe, comm, how } = call.image;
    const isTold = exe !== undefined && comm !== undefined && !(shape.isExec && isInterpreter(exe));
    const template = isTold ? makeTemplate(event, shape, { map: standIn.toJson, program: how ?? '' }) : undefined;
    const isUsable = template !== undefined && isExact(template, event);
    remember(shape.hash, isUsable ? { template, call: { ...call } } : 'none');
  };

  /** True when the template gives what the mapper gives: asked of the event it was made of, with the stand-in's lineage. */
  const isExact = (template: Template, event: AuditEvent): boolean => {
    const { shape } = shapes;
    const stamp = { createdMs: event.timeMs + 1, position: 1 };
    const texts = {
      timeMs: event.timeMs,
      createdMs: stamp.createdMs,
      position: stamp.position,
      lineage: { ...LINEAGE_STAND_IN, parentPid: shape.ppid },
    };
    const end = fillTemplate(template, shape, { texts, clocks, out: scratch, at: 0 });
    const json = standIn.toJson(event, stamp);
    return end >= 0 && scratch.toString('utf8', 0, end) === json && !isLong(json);
  };

  const held = () => ({ templates: young.size + old.size, bytes: youngBytes + oldBytes });

  return { ...mapper, find, write, held };
}

/** True where the sentence may have to be cut: with the longest name it would be too long. */
function isLong(json: string): boolean {
  const { message } = JSON.parse(json) as { readonly message: string };
  return message.length > MESSAGE_CHARS_MAX - NAME_BYTES_MAX - SOCKET_CHARS_MAX;
}
