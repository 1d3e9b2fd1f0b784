// Logs that another program writes (auditd's audit.log, go-audit's or laurel's JSON), followed as a source of records. Promises: each
// line is read once, over rotations, restarts and kills; what is gone unread is a loss record; the logs wait where the spool is
// half full, since a file keeps better than memory; and they speak for the one host that the configuration names.
import { globSync, statSync } from 'node:fs';
import type { AuditRecord } from '../audit/event.ts';
import { readForeignLine } from '../audit/foreign-line.ts';
import { parseLine } from '../audit/record.ts';
import type { FilePosition } from './file-source-archive.ts';
import type { LearntNames } from './file-source-names.ts';
import { loadPositions, savePositions } from './file-source-positions.ts';
import { createTail, type Tail } from './file-source-tail.ts';
import type { Loss } from './loss-ledger.ts';
import type { Notice } from './options.ts';
import type { Drained, RecordSource, SourceStart } from './source.ts';

/** Logs that are followed at once. */
export const FOLLOWED_MAX = 64;
/** Bytes of each log in one drain. */
const DRAIN_BYTES = 128 * 1024;
/** Patterns are looked up again so often, ms. */
const GLOB_EVERY_MS = 10_000;
/** Places between what was read and what is known to be kept. */
const MARKS_MAX = 4_096;
/** Refusals told one by one; the others are counted in the status document. */
const REFUSALS_TOLD_MAX = 5;

export interface FileSourceParts {
  readonly files: readonly string[];
  readonly start: 'beginning' | 'end';
  /** Where the positions are kept. */
  readonly folder: string;
  /** What `node=` may say; lines of other hosts are refused. */
  readonly nodes: readonly string[];
  readonly names: LearntNames;
  /** True while no more should be read. */
  readonly isHeldBack: () => boolean;
  readonly onNotice: (notice: Notice) => void;
  readonly now: () => number;
}

/** A place in a log that is done with once so many records are. */
interface Mark {
  readonly records: number;
  readonly path: string;
  readonly position: FilePosition;
}

export function openFileSource(parts: FileSourceParts): SourceStart {
  const { folder, now, names, onNotice } = parts;
  if (parts.files.length === 0) {
    return { kind: 'refused', refusal: { kind: 'failed', reason: 'no file is configured (collector.files)' } };
  }
  const earlier = loadPositions(folder);
  const kept = new Map(earlier.files);
  const nodes = new Set(parts.nodes.flatMap((name) => [name, name.split('.')[0] ?? name]));
  const tails = new Map<string, Tail>();
  const marks: Mark[] = [];
  let losses: Loss[] = [];
  let globbedMs = Number.NEGATIVE_INFINITY;
  let given = 0;
  let refusals = 0;
  let unreadable = 0;
  let lossCounter = 0;
  let isQuiet = false;
  let hasNewPositions = false;

  function follow(nowMs: number): void {
    const isFirst = globbedMs === Number.NEGATIVE_INFINITY;
    globbedMs = nowMs;
    for (const path of pathsOf(parts.files)) {
      if (tails.has(path)) continue;
      if (tails.size >= FOLLOWED_MAX) {
        if (isFirst) tell('warning', 'too-many-files', `More than ${FOLLOWED_MAX} logs: ${path} is not followed.`);
        break;
      }
      const position = kept.get(path);
      const tail = createTail({
        path,
        kept: position === undefined ? undefined : { position, keptMs: earlier.keptMs },
        // What appears later began later.
        start: isFirst ? parts.start : 'beginning',
      });
      tails.set(path, tail);
      const begun = position ?? tail.position();
      if (begun === undefined || begun === position) continue;
      kept.set(path, begun);
      hasNewPositions = true;
    }
  }

  function tell(level: Notice['level'], code: string, text: string): void {
    onNotice({ level, code, text });
  }

  function refuse(path: string, reason: string): void {
    unreadable += 1;
    refusals += 1;
    if (refusals <= REFUSALS_TOLD_MAX) tell('warning', 'line-refused', `A line of ${path} is refused: ${reason}.`);
  }

  /** The records of a line. Only forms that a program writes into its own log: what anybody may send to syslog is not believed here. */
  function recordsOf(path: string, line: string | undefined): readonly AuditRecord[] {
    if (line === undefined) {
      refuse(path, 'it is too long');
      return [];
    }
    const record = parseLine(line.endsWith('\r') ? line.slice(0, -1) : line);
    if (record !== undefined) return isOwn(path, record.node) ? [record] : [];
    if (line.trim() === '') return [];
    const read = line.startsWith('{') ? readForeignLine(line) : undefined;
    if (read?.kind === 'records' && read.origin?.machineId === undefined)
      return isOwn(path, read.origin?.name) ? read.records : [];
    refuse(path, read?.kind === 'refused' ? read.reason : 'it is no audit record, and no event of go-audit or laurel');
    return [];
  }

  function isOwn(path: string, node: string | undefined): boolean {
    if (node === undefined || nodes.has(node) || nodes.has(node.split('.')[0] ?? node)) return true;
    refuse(path, `it is of the host ${node}, and these logs are ${parts.nodes[0]}'s`);
    return false;
  }

  function drainTail(tail: Tail, nowMs: number, onRecord: (record: AuditRecord) => void): boolean {
    let last: FilePosition | undefined;
    const hasMore = tail.read(DRAIN_BYTES, nowMs, (line, position) => {
      last = position;
      for (const record of recordsOf(tail.path, line)) {
        names.learn(record);
        given += 1;
        onRecord(record);
      }
    });
    if (last !== undefined) mark({ records: given, path: tail.path, position: last });
    for (const reason of tail.takeGaps()) losses.push(lossOfFile(reason, nowMs));
    return hasMore;
  }

  function mark(one: Mark): void {
    const latest = marks.at(-1);
    if (marks.length >= MARKS_MAX && latest?.path === one.path) marks[marks.length - 1] = one;
    else marks.push(one);
  }

  function lossOfFile(reason: string, nowMs: number): Loss {
    lossCounter = Math.max(lossCounter + 1, nowMs);
    return {
      source: 'file',
      kind: 'file',
      counter: lossCounter,
      atLeast: 0,
      atMost: undefined,
      fromMs: earlier.keptMs === 0 ? undefined : earlier.keptMs,
      toMs: nowMs,
      reason,
      isPlanned: false,
    };
  }

  function save(): void {
    if (!hasNewPositions) return;
    savePositions(folder, { keptMs: now(), files: kept });
    hasNewPositions = false;
  }

  const source: RecordSource = {
    mode: { kind: 'file', files: parts.files },
    drain(onRecord): Drained {
      const nowMs = now();
      if (isQuiet || parts.isHeldBack()) return { records: 0, overflows: 0, unreadable: 0, hasMore: false };
      if (nowMs - globbedMs >= GLOB_EVERY_MS || nowMs < globbedMs) follow(nowMs);
      const before = given;
      let hasMore = false;
      for (const tail of tails.values()) if (drainTail(tail, nowMs, onRecord)) hasMore = true;
      const refused = unreadable;
      unreadable = 0;
      return { records: given - before, overflows: 0, unreadable: refused, hasMore };
    },
    isEnded: () => false,
    check: () => undefined,
    keep(settledRecords) {
      for (let first = marks[0]; first !== undefined && first.records <= settledRecords; first = marks[0]) {
        kept.set(first.path, first.position);
        hasNewPositions = true;
        marks.shift();
      }
      save();
    },
    takeLosses() {
      const told = losses;
      losses = [];
      return told;
    },
    excludePids() {},
    quiesce() {
      isQuiet = true;
    },
    close() {
      isQuiet = true;
      for (const tail of tails.values()) tail.close();
    },
  };
  follow(now());
  try {
    // Where reading begins is known from now on, whatever becomes of the log before the first line is kept.
    save();
  } catch (error) {
    source.close();
    return { kind: 'refused', refusal: { kind: 'failed', reason: (error as Error).message } };
  }
  const notices: Notice[] = [];
  for (const path of tails.keys()) {
    if (statSync(path, { throwIfNoEntry: false }) === undefined)
      notices.push({ level: 'warning', code: 'no-file', text: `${path} is not there yet: it is waited for.` });
  }
  return { kind: 'open', source, notices };
}

/** A rotated file is read where its log is followed, never as a log of its own. */
const ROTATED = /(?:[.-][0-9]{1,14})(?:\.(?:gz|zst|xz|bz2))?$|\.(?:gz|zst|xz|bz2)$/;

function pathsOf(files: readonly string[]): readonly string[] {
  return files.flatMap((file) =>
    /[*?]/.test(file)
      ? globSync(file)
          .filter((path) => !ROTATED.test(path) && isFile(path))
          .sort()
      : [file],
  );
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true;
}
