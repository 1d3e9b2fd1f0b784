// The process table on disk, so that the id that was given to a process first holds after any kill: what changed is appended
// before the events that tell of it are spooled. Small beside them, and written anew when it has grown.
//
//   lineage.log   {"formatVersion":1,"bootId":…}                    first line; of another boot: nothing of it holds
//                 ["s",id,pid,name,executable,startMs]               one who lives on in others' chains only
//                 ["p",id,pid,name,executable,startMs,ticks,bornMs,confirmedMs,endedMs,ppid,session,leader,up,complete,container]
//
// Ids without the host's and the boot's part. `up`: the parent's id when its own line came before, else the ids of all
// ancestors. A later line of an id replaces an earlier one; a torn last line is left out. Arguments are not kept.
import { closeSync, openSync, readFileSync, renameSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { ContainerInfo } from '../../audit/event.ts';
import { jsonText } from '../../audit/json.ts';
import { newerFormat } from '../durable-file.ts';
import { type Above, ANCESTORS_MAX, type Entry, NOTHING_ABOVE, type Self, UNKNOWN_ABOVE } from './process-entry.ts';
import { PROCESSES_MAX, type ProcessTable } from './process-table.ts';

const FORMAT_VERSION = 1;
/** The file is written anew when what was appended exceeds what was written then, and this. */
export const JOURNAL_GROWTH_BYTES = 2 * 1024 * 1024;
const FILE_BYTES_MAX = 32 * 1024 * 1024;
/** After a disk that took nothing, so many calls of `keep` are let go by before the whole is written again. */
const CALLS_WITHOUT_DISK = 200;

export interface LineageJournal {
  /** Takes in what an earlier collector of this boot wrote. Returns how many processes that were. */
  restore(table: ProcessTable, bootId: string): number;
  /** Appends what changed. False when the disk does not take it: it is tried again as a whole. */
  keep(table: ProcessTable): boolean;
  close(): void;
}

export function openLineageJournal(folder: string, bootId: string): LineageJournal {
  const path = join(folder, 'lineage.log');
  let fd: number | undefined;
  let writtenBytes = 0;
  let appendedBytes = 0;
  let waitCalls = 0;
  /** Ids whose lines are in the file: an `up` may name them. */
  let told = new Set<string>();

  function rewrite(table: ProcessTable): void {
    table.takeChanged();
    told = new Set();
    let text = `${JSON.stringify({ formatVersion: FORMAT_VERSION, bootId })}\n`;
    const owners = new Map<Self, Entry>();
    for (const entry of table.entries()) owners.set(entry.self, entry);
    for (const self of strangersOf(table, owners)) text += selfLine(self, table.prefix);
    for (const entry of table.entries()) text += entryLine(entry, table.prefix, told);
    const temporary = `${path}.new`;
    const opened = openSync(temporary, 'w', 0o600);
    try {
      writeSync(opened, text);
      renameSync(temporary, path);
    } catch (error) {
      closeSync(opened);
      throw error;
    }
    if (fd !== undefined) closeSync(fd);
    fd = opened;
    writtenBytes = Buffer.byteLength(text);
    appendedBytes = 0;
  }

  function append(table: ProcessTable): void {
    const changed = table.takeChanged();
    if (changed.size === 0 || fd === undefined) return;
    let text = '';
    for (const entry of changed) text += entryLine(entry, table.prefix, told);
    appendedBytes += writeSync(fd, text);
  }

  return {
    restore(table) {
      const lines = linesOf(path, bootId);
      return lines === undefined ? 0 : restoreLines(lines, table);
    },
    keep(table) {
      if (waitCalls > 0) {
        waitCalls -= 1;
        table.takeChanged();
        return false;
      }
      try {
        if (fd === undefined || appendedBytes > writtenBytes + JOURNAL_GROWTH_BYTES) rewrite(table);
        else append(table);
        return true;
      } catch {
        // Half a line may stand there now: the whole is written again with the next change.
        if (fd !== undefined) closeSync(fd);
        fd = undefined;
        waitCalls = CALLS_WITHOUT_DISK;
        return false;
      }
    },
    close() {
      if (fd !== undefined) closeSync(fd);
      fd = undefined;
    },
  };
}

/** Members of chains whose pid is not theirs any more. */
function strangersOf(table: ProcessTable, owners: ReadonlyMap<Self, Entry>): ReadonlySet<Self> {
  const strangers = new Set<Self>();
  for (const entry of table.entries()) {
    for (const self of entry.above.selves) if (!owners.has(self)) strangers.add(self);
    if (entry.leader !== undefined && !owners.has(entry.leader)) strangers.add(entry.leader);
  }
  return strangers;
}

function shortId(self: Self, prefix: string): string {
  return self.info.entityId.slice(prefix.length);
}

function selfLine(self: Self, prefix: string): string {
  const { pid, name, executable = null, startMs = null } = self.info;
  return `${JSON.stringify(['s', shortId(self, prefix), pid, name, executable, startMs])}\n`;
}

/** Joined by hand: there is one for every process. */
function entryLine(entry: Entry, prefix: string, told: Set<string>): string {
  const { self, above, container, leader, endedMs } = entry;
  const { pid, name, executable, startMs } = self.info;
  const id = shortId(self, prefix);
  told.add(id);
  return (
    `["p","${id}",${pid},${jsonText(name)},${executable === undefined ? 'null' : jsonText(executable)},${startMs ?? 'null'},` +
    `${entry.startTicks ?? 'null'},${entry.bornMs},${entry.confirmedMs},${endedMs ?? 'null'},${entry.ppid ?? 'null'},` +
    `${entry.session},${leader === undefined ? 'null' : `"${shortId(leader, prefix)}"`},${upText(above, prefix, told)},` +
    `${above.isComplete},${container === undefined ? 'null' : JSON.stringify(container)}]\n`
  );
}

function upText({ selves }: Above, prefix: string, told: ReadonlySet<string>): string {
  const first = selves[0];
  if (first === undefined) return '[]';
  const id = shortId(first, prefix);
  return told.has(id) ? `"${id}"` : JSON.stringify(selves.map((one) => shortId(one, prefix)));
}

function linesOf(path: string, bootId: string): readonly unknown[][] | undefined {
  let text: string;
  try {
    if (statSync(path).size > FILE_BYTES_MAX) return undefined;
    text = readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
  const lines = text.slice(0, text.lastIndexOf('\n') + 1).split('\n');
  const head = parsed(lines[0] ?? '') as { formatVersion?: unknown; bootId?: unknown } | undefined;
  const version = head?.formatVersion;
  if (typeof version === 'number' && version > FORMAT_VERSION) throw newerFormat(path, version, FORMAT_VERSION);
  if (version !== FORMAT_VERSION || head?.bootId !== bootId) return undefined;
  return lines.slice(1).map(parsed).filter(Array.isArray) as unknown[][];
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

interface Known {
  readonly self: Self;
  up: Above;
}

function restoreLines(lines: readonly unknown[][], table: ProcessTable): number {
  const known = new Map<string, Known>();
  const processes: { readonly line: readonly unknown[]; readonly pid: number; readonly known: Known }[] = [];
  const latest = new Map<number, { readonly line: readonly unknown[]; readonly known: Known }>();
  for (const line of lines) {
    const [kind, id, pid] = line;
    const [, , , name, executable, startMs] = line;
    if (typeof id !== 'string' || !isNumber(pid) || typeof name !== 'string') continue;
    const info = {
      pid,
      entityId: table.prefix + id,
      name,
      executable: typeof executable === 'string' ? executable : undefined,
      args: undefined,
      startMs: isNumber(startMs) ? startMs : undefined,
    };
    const one = known.get(id) ?? { self: { info, isShared: true }, up: UNKNOWN_ABOVE };
    one.self.info = info;
    known.set(id, one);
    if (kind === 'p') processes.push({ line, pid, known: one });
  }
  // An `up` by ids may name those of later lines; one by the parent's id takes what was read of the parent before.
  for (const { line, pid, known: one } of processes) {
    one.up = aboveOf(line[13], line[14] === true, known);
    latest.set(pid, { line, known: one });
  }
  // Those that had not ended come last: they are the last to be given up.
  const ended = [...latest.values()].filter(({ line }) => isNumber(line[9]));
  const running = [...latest.values()].filter(({ line }) => !isNumber(line[9])).slice(-PROCESSES_MAX);
  const kept = [...ended.slice(Math.max(0, ended.length + running.length - PROCESSES_MAX)), ...running];
  for (const { line, known: one } of kept) restoreEntry(line, one, known, table);
  return kept.length;
}

function aboveOf(up: unknown, isComplete: boolean, known: ReadonlyMap<string, Known>): Above {
  let selves: readonly Self[] = [];
  if (typeof up === 'string') {
    const parent = known.get(up);
    if (parent === undefined) return UNKNOWN_ABOVE;
    selves = [parent.self, ...parent.up.selves].slice(0, ANCESTORS_MAX);
  } else if (Array.isArray(up)) {
    const found = up.map((id) => known.get(String(id))?.self);
    const end = found.indexOf(undefined);
    selves = (end < 0 ? found : found.slice(0, end)) as Self[];
    if (end >= 0) return { selves, isComplete: false, infos: [], epoch: -1 };
  }
  if (selves.length === 0) return isComplete ? NOTHING_ABOVE : UNKNOWN_ABOVE;
  return { selves, isComplete, infos: [], epoch: -1 };
}

function restoreEntry(
  line: readonly unknown[],
  { self, up }: Known,
  known: ReadonlyMap<string, Known>,
  table: ProcessTable,
): void {
  const [ticks, bornMs, confirmedMs, endedMs, ppid, session, leader] = line.slice(6);
  if (!isNumber(bornMs) || !isNumber(confirmedMs)) return;
  const parent = up.selves[0];
  table.restore({
    pid: self.info.pid,
    self,
    startTicks: isNumber(ticks) ? ticks : undefined,
    bornMs,
    ppid: isNumber(ppid) ? ppid : undefined,
    parent: parent?.info.pid === ppid ? parent : undefined,
    above: up,
    below: undefined,
    session: isNumber(session) ? session : 0,
    leader: typeof leader === 'string' ? known.get(leader)?.self : undefined,
    container: containerOf(line[15]),
    isContainerSeen: false,
    previous: [],
    hasExeced: false,
    hasOtherPids: undefined,
    confirmedMs,
    // What the pids did meanwhile nobody saw: the first event of it asks /proc.
    position: Number.NEGATIVE_INFINITY,
    endedMs: isNumber(endedMs) ? endedMs : undefined,
    before: undefined,
    wasUsed: false,
    lineage: undefined,
    epoch: -1,
  });
}

function containerOf(value: unknown): ContainerInfo | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { id, runtime, name, imageName, pod } = value as Record<string, unknown>;
  const text = (one: unknown): string | undefined => (typeof one === 'string' ? one : undefined);
  const {
    uid,
    name: podName,
    namespace,
  } = (typeof pod === 'object' && pod !== null ? pod : {}) as Record<string, unknown>;
  return {
    id: text(id),
    runtime: text(runtime),
    name: text(name),
    imageName: text(imageName),
    pod: typeof uid === 'string' ? { uid, name: text(podName), namespace: text(namespace) } : undefined,
  };
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}
