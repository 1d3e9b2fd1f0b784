// A process tree as a terminal shows it: the way down from the root, the process, and all that came of it.
import { type Diagnostic, visible } from '../../rules/diagnostic.ts';
import type { TreeApiRequest, TreeApiResponse, TreeProcess } from '../../server/api.ts';
import { printJson, safeJson } from '../command.ts';
import { EXIT, type ExitCode, type Failure } from '../failure.ts';
import { counted, isoTime } from '../table.ts';
import { cutToWidth } from '../text-width.ts';
import { type Asking, ask } from './asking.ts';
import { csvHead, csvLine } from './csv.ts';

/** Deeper branches are drawn as if they were not deeper. */
const DEPTH_MAX = 40;
const WIDTH_DEFAULT = 160;

export async function tree(asking: Asking, id: string, isSinceGiven: boolean): Promise<ExitCode | Failure> {
  const { invocation, format, limit, range } = asking;
  const { stdout, stderr } = invocation.context;
  const request: TreeApiRequest = {
    id,
    limit,
    ...(isSinceGiven ? { sinceMs: range.sinceMs } : {}),
    ...(range.untilMs === undefined ? {} : { untilMs: range.untilMs }),
  };
  const found = await ask<TreeApiResponse & { readonly warnings?: readonly Diagnostic[] }>(
    asking,
    '/api/v1/tree',
    request,
  );
  if (!found.isOk) return found.failure;
  const { processes, isComplete } = found.value;
  if (format === 'json') {
    printJson(invocation, found.value);
    return EXIT.fine;
  }
  if (format === 'table') stdout.write(drawTree(found.value, { width: stdout.columns, isUnicode: asking.isUnicode }));
  else if (format === 'ndjson') for (const process of processes) stdout.write(`${safeJson(process)}\n`);
  else {
    stdout.write(csvHead(CSV_COLUMNS));
    for (const process of processes) stdout.write(csvLine(csvCells(process)));
  }
  const ancestors = processes.filter(({ role }) => role === 'ancestor').length;
  const descendants = processes.length - ancestors - 1;
  const more = isComplete ? '' : ', and more that are not shown (--limit, --since)';
  stderr.write(`${counted(ancestors, 'ancestor')}, ${counted(descendants, 'descendant')}${more}\n`);
  return EXIT.fine;
}

const CSV_COLUMNS = [
  'role',
  'pid',
  'name',
  'user',
  'start',
  'end',
  'exit_code',
  'command_line',
  'events',
  'entity_id',
  'parent',
] as const;

function csvCells(process: TreeProcess): readonly unknown[] {
  const { role, pid, name, user, startMs, endMs, exitCode, commandLine, executable, events, entityId, parent } =
    process;
  const time = (ms: number | undefined): string => (ms === undefined ? '' : isoTime(ms));
  return [
    role,
    pid,
    name,
    user,
    time(startMs),
    time(endMs),
    exitCode,
    commandLine ?? executable,
    events,
    entityId,
    parent,
  ];
}

interface Strokes {
  readonly tee: string;
  readonly elbow: string;
  readonly pipe: string;
  readonly blank: string;
  readonly mark: string;
}

const UNICODE: Strokes = { tee: '├─ ', elbow: '└─ ', pipe: '│  ', blank: '   ', mark: '▶ ' };
const ASCII: Strokes = { tee: '|- ', elbow: '`- ', pipe: '|  ', blank: '   ', mark: '> ' };

/** Lines, each ended by a newline. `width` 0: not a terminal. */
function drawTree(
  { host, processes, isRooted }: TreeApiResponse,
  { width, isUnicode }: { readonly width: number; readonly isUnicode: boolean },
): string {
  const strokes = isUnicode ? UNICODE : ASCII;
  const total = width || WIDTH_DEFAULT;
  const day = commonDay(processes);
  const unknown = isRooted ? '' : ' (who started the first of these is not known)';
  const lines = [`${visible(host.name ?? host.id)}${day === undefined ? '' : `, ${day} UTC`}${unknown}`];
  const children = Map.groupBy(
    processes.filter(({ role }) => role !== 'ancestor'),
    ({ parent }) => parent,
  );
  const put = (indent: string, process: TreeProcess): void => {
    const mark = process.role === 'subject' ? strokes.mark : '';
    lines.push(cutToWidth(`${indent}${mark}${describe(process, day)}`, total));
  };
  const line = processes.filter(({ role }) => role !== 'descendant');
  for (const [depth, process] of line.entries()) {
    put(
      `${strokes.blank.repeat(Math.min(Math.max(0, depth - 1), DEPTH_MAX))}${depth === 0 ? '' : strokes.elbow}`,
      process,
    );
  }
  const subject = line.at(-1);
  const base = strokes.blank.repeat(Math.min(Math.max(0, line.length - 1), DEPTH_MAX));
  // A stack and not a recursion: how deep it goes is what hosts sent.
  const stack: { readonly process: TreeProcess; readonly indent: string; readonly isLast: boolean }[] = [];
  const push = (of: TreeProcess | undefined, indent: string): void => {
    const below = (of === undefined ? [] : (children.get(of.entityId) ?? [])).filter((one) => one !== of);
    for (const [at, process] of below.toReversed().entries()) stack.push({ process, indent, isLast: at === 0 });
  };
  push(subject, base);
  for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
    const { process, indent, isLast } = next;
    put(`${indent}${isLast ? strokes.elbow : strokes.tee}`, process);
    const isDeep = indent.length >= DEPTH_MAX * strokes.blank.length;
    push(process, isDeep ? indent : `${indent}${isLast ? strokes.blank : strokes.pipe}`);
  }
  return lines.map((text) => `${text.trimEnd()}\n`).join('');
}

/** `1234 root 10:20:30.123 curl -s http://… (exit 6 after 5 s)` */
function describe(process: TreeProcess, day: string | undefined): string {
  const { pid, user, startMs, endMs, exitCode, commandLine, executable, name, events } = process;
  const time = startMs === undefined ? '-' : day === undefined ? isoTime(startMs) : isoTime(startMs).slice(11, -1);
  const parts = [pid === undefined ? '?' : String(pid), user ?? '-', time];
  const what = commandLine ?? executable ?? name ?? 'unknown';
  // The name that a process gives itself need not be its program's.
  const known = what.includes(name ?? '') ? what : `${what} [${name}]`;
  const end = endMs === undefined ? '' : ` (exit ${exitCode ?? '?'}${lasted(startMs, endMs)})`;
  const forked = events === 0 ? ' (only forked)' : '';
  return visible(`${parts.join(' ')}  ${known}${end}${forked}`);
}

/** The day on which all of them began; undefined where they began on several. */
function commonDay(processes: readonly TreeProcess[]): string | undefined {
  const days = new Set(
    processes.flatMap(({ startMs }) => (startMs === undefined ? [] : isoTime(startMs).slice(0, 10))),
  );
  const [day] = days;
  return days.size === 1 ? day : undefined;
}

function lasted(startMs: number | undefined, endMs: number): string {
  if (startMs === undefined || endMs < startMs) return '';
  const seconds = (endMs - startMs) / 1_000;
  return ` after ${seconds < 10 ? Number(seconds.toFixed(3)) : Math.round(seconds)} s`;
}
