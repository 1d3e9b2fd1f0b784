// The mapper with a memory of shapes: documents of events that are alike are written from templates, straight into bytes. Templates
// are bounded in number and bytes, in two generations, and made for the second event of a shape only: most one-off events never
// come again.
import { createClockText } from './clock-text.ts';
import { fillTemplate, isDoubtful, LINEAGE_STAND_IN, makeTemplate, type Template } from './document-template.ts';
import { createEcsMapper, type EcsMapper } from './ecs.ts';
import type { Stamp } from './ecs-document.ts';
import { createLineageWriter, standInLineage } from './ecs-process.ts';
import type { AuditEvent, AuditRecord, HostIdentity, HostKnowledge } from './event.ts';
import { createShapeReader, HOLE } from './event-shape.ts';
import { isInterpreter } from './script.ts';
import { createSyscallReader, type SyscallReader, type SyscallRecord } from './syscall-record.ts';

/** Templates of one generation, and their bytes: both generations together hold twice that. */
const TEMPLATES_MAX = 1_024;
export const TEMPLATE_BYTES_MAX = 4 * 1024 * 1024;
/** Shapes that were seen once, by hash. */
const SEEN_MAX = 8_192;

export interface QuickMapper extends EcsMapper {
  /** The call of an event that there is a template for, with its own pids, until the next is asked for; undefined for others. */
  find(event: AuditEvent): SyscallRecord | undefined;
  /** Writes the document of the event that was found last; its end, or -1 where it has no room: then `toJson` has it. */
  write(event: AuditEvent, stamp: Required<Stamp>, place: { readonly out: Buffer; readonly at: number }): number;
}

interface Known {
  readonly template: Template;
  /** The call of the event that the template was made of: whatever is not a hole is the same in all. */
  readonly call: { -readonly [Name in keyof SyscallRecord]: SyscallRecord[Name] };
}

export function createQuickMapper(
  host: HostIdentity,
  knowledge: HostKnowledge,
  syscalls: SyscallReader = createSyscallReader(),
): QuickMapper {
  const mapper = createEcsMapper(host, knowledge, { syscalls });
  const standIn = createEcsMapper(host, knowledge, { lineage: standInLineage(LINEAGE_STAND_IN) });
  const lineage = createLineageWriter(knowledge);
  const shapes = createShapeReader();
  const clock = createClockText();
  const seen = new Int32Array(SEEN_MAX);
  let young = new Map<number, Known | 'none'>();
  let old = new Map<number, Known | 'none'>();
  let youngBytes = 0;
  let version = knowledge.namesVersion?.();
  let found: Template | undefined;

  const forget = (): void => {
    young = new Map();
    old = new Map();
    youngBytes = 0;
    seen.fill(0);
  };

  const remember = (hash: number, known: Known | 'none'): void => {
    const bytes = known === 'none' ? 64 : known.template.bytes;
    if (young.size >= TEMPLATES_MAX || youngBytes + bytes > TEMPLATE_BYTES_MAX) {
      old = young;
      young = new Map();
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
    found = template;
    call.pid = shape.pid;
    call.ppid = shape.ppid;
    return call;
  };

  const write: QuickMapper['write'] = (event, stamp, place) => {
    if (found === undefined) return -1;
    const at = fill(found, event, stamp, place);
    if (at >= 0 && shapes.shape.isExec) knowledge.execed?.(argumentsOf(), undefined);
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
      time: clock(event.timeMs),
      created: clock(stamp.createdMs),
      position: stamp.position,
      lineage: lineage.textOf(shape.pid, shape.ppid),
    };
    return fillTemplate(template, shape, { texts, ...place });
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
    const call = syscalls.read(event.records[0] as AuditRecord);
    const { exe, comm } = call.image;
    const isTold = exe !== undefined && comm !== undefined && !(shape.isExec && isInterpreter(exe));
    const template = isTold ? makeTemplate(event, shape, standIn.toJson) : undefined;
    const isUsable = template !== undefined && isExact(template, event);
    remember(shape.hash, isUsable ? { template, call: { ...call } } : 'none');
  };

  /** True when the template gives what the mapper gives: asked of the event it was made of, with the stand-in's lineage. */
  const isExact = (template: Template, event: AuditEvent): boolean => {
    const { shape } = shapes;
    const stamp = { createdMs: event.timeMs + 1, position: 1 };
    const out = Buffer.allocUnsafe(TEMPLATE_BYTES_MAX / 8);
    const texts = {
      time: clock(event.timeMs),
      created: clock(stamp.createdMs),
      position: stamp.position,
      lineage: { ...LINEAGE_STAND_IN, parentPid: shape.ppid },
    };
    const end = fillTemplate(template, shape, { texts, out, at: 0 });
    return end >= 0 && out.toString('utf8', 0, end) === standIn.toJson(event, stamp);
  };

  return { ...mapper, find, write };
}
