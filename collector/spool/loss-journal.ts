// What evictions gave up and no loss record in the spool's files tells yet. Written before each eviction, so that a kill
// between giving up and telling forgets nothing, and added up by owner, class and reason, so that an hour of flood is a handful
// of records. Told twice after a kill it is told under the same number, which stores it once.
//
//   evicted-NNN.json   two lines that are the same: CRC-32 in eight hex digits, then
//                      {"formatVersion":1,"groups":[{"number","losses":[…]}],"intent":{…}?}
//
// Each time a new file is written and the one two before it removed: replacing a file makes file systems wait for the disk. The one
// with the highest number counts. Torn, it was never relied on, and the one before it holds. Damaged in both of its lines the one
// before it holds as well, but what came after that is not known: which is told, without a bound.
import { crc32 } from 'node:zlib';
import { type Disk, writeOnDisk } from './disk.ts';
import { NOBODY } from './owner.ts';
import type { SpoolClass } from './segment.ts';
import { joinedLoss, type SpoolLoss } from './spool-loss.ts';

const JOURNAL_NAME = /^evicted-([0-9]{1,15})\.json$/;
const FORMAT_VERSION = 1;
const JOURNAL_BYTES_MAX = 1024 * 1024;
/** Losses told at once; more owners are added up as several. */
export const GROUP_LOSSES_MAX = 64;
/** Groups that wait to be told: each kill before the telling makes one more. */
const GROUPS_MAX = 16;
/** Between two groups of loss records, ms: the first is told at once. */
const LOSSES_EVERY_MS = 10_000;

/** A segment that is about to be replaced or removed. */
export interface Intent {
  readonly class: SpoolClass;
  readonly number: number;
  /** Of what replaces it. */
  readonly generation: number;
  readonly losses: readonly SpoolLoss[];
}

interface Group {
  /** A position of the spool: higher than that of any group before. */
  readonly number: number;
  readonly losses: readonly SpoolLoss[];
}

export interface LossJournal {
  /** Before an eviction. Throws what the disk throws; then nothing may be given up. */
  intend(intent: Intent): void;
  /** The eviction is done. `isCertain`: nobody can have read what was given up. */
  done(isCertain: boolean): void;
  /** The disk did not let it happen. */
  cancel(): void;
  /** What was lost without an eviction. */
  add(losses: readonly SpoolLoss[]): void;
  /** What is to be told now; empty while the last group is not kept, or too soon after it. */
  take(nowMs: number): readonly SpoolLoss[];
  /** What was taken is in the spool's files. */
  kept(): void;
  /** What was taken could not be told: it is given again. */
  untold(): void;
}

/** `didHappen`: whether the eviction that was intended last left its segment so. */
export function openLossJournal(
  disk: Disk,
  nextPosition: () => number,
  didHappen: (intent: Intent) => boolean,
): LossJournal {
  const found = load(disk);
  let { files, number } = found;
  /** Told and not known to be kept, then those still to be told; the last one grows. */
  let groups: readonly Group[] = found.groups;
  let intent = found.intent !== undefined && didHappen(found.intent) ? found.intent : undefined;
  let telling: Group | undefined;
  let toldMs = Number.NEGATIVE_INFINITY;
  /** It may have been told before the kill: what is added to it now would not be told. */
  let sealed: Group | undefined;
  if (intent !== undefined) done(false);
  groups = groups.filter(({ losses }) => losses.length > 0);
  sealed = groups.at(-1);
  if (found.isDamaged) add([UNKNOWN]);
  // An intention that came to nothing must not be taken for done when its segment is delivered and removed.
  if (found.intent !== undefined || found.isDamaged) saveIfPossible();

  function save(): void {
    const text = JSON.stringify({ formatVersion: FORMAT_VERSION, groups, intent });
    const name = `evicted-${number + 1}.json`;
    number += 1;
    const line = Buffer.from(`${checksumOf(text)}${text}\n`);
    writeOnDisk(disk, name, [line, line], 'never');
    const gone = files.slice(0, -1);
    files = [...files.slice(-1), name];
    for (const before of gone) disk.remove(before);
  }

  function saveIfPossible(): void {
    try {
      save();
    } catch {
      // What is then told again after a kill is told under the same number.
    }
  }

  /** The group that grows. Its number is on the disk before anything is given up for it. */
  function openGroup(): Group {
    const last = groups.at(-1);
    if (last !== undefined && (groups.length >= GROUPS_MAX || (last !== telling && last !== sealed))) return last;
    const group = { number: nextPosition(), losses: [] };
    groups = [...groups, group];
    return group;
  }

  function add(losses: readonly SpoolLoss[]): void {
    if (losses.length === 0) return;
    const group = openGroup();
    groups = [...groups.slice(0, -1), { ...group, losses: joined(group.losses, losses) }];
  }

  function done(isCertain: boolean): void {
    if (intent === undefined) return;
    const { losses } = intent;
    intent = undefined;
    add(isCertain ? losses : losses.map((loss) => ({ ...loss, atLeast: 0 })));
  }

  return {
    intend(next) {
      openGroup();
      intent = next;
      try {
        save();
      } catch (error) {
        intent = undefined;
        throw error;
      }
    },
    done,
    cancel() {
      if (intent === undefined) return;
      intent = undefined;
      saveIfPossible();
    },
    add,
    take(nowMs) {
      const first = groups[0];
      if (first === undefined || first.losses.length === 0 || telling !== undefined) return [];
      if (nowMs >= toldMs && nowMs - toldMs < LOSSES_EVERY_MS) return [];
      toldMs = nowMs;
      telling = first;
      return first.losses.map((loss, index) => ({ ...loss, counter: first.number * GROUP_LOSSES_MAX + index }));
    },
    kept() {
      if (telling === undefined) return;
      groups = groups.slice(1);
      telling = undefined;
      saveIfPossible();
    },
    untold() {
      telling = undefined;
      toldMs = Number.NEGATIVE_INFINITY;
    },
  };
}

function joined(losses: readonly SpoolLoss[], more: readonly SpoolLoss[]): readonly SpoolLoss[] {
  const all = [...losses];
  for (const loss of more) {
    const isSame = (other: SpoolLoss): boolean =>
      other.owner === loss.owner && other.spoolClass === loss.spoolClass && other.reason === loss.reason;
    let at = all.findIndex(isSame);
    // The last place of a full group takes whatever comes; whose it was is then not told.
    if (at < 0 && all.length >= GROUP_LOSSES_MAX) at = GROUP_LOSSES_MAX - 1;
    const known = all[at];
    if (known === undefined) all.push(loss);
    else all[at] = isSame(known) ? joinedLoss(known, loss) : { ...joinedLoss(known, loss), owner: NOBODY };
  }
  return all;
}

interface Found {
  readonly groups: readonly Group[];
  readonly intent: Intent | undefined;
  /** What stays of them, oldest first: one at the most. */
  readonly files: readonly string[];
  /** The highest number that was ever seen. */
  readonly number: number;
  /** One that was whole once, and newer than what counts, cannot be read. */
  readonly isDamaged: boolean;
}

function load(disk: Disk): Found {
  const names = disk
    .list()
    .map((name) => ({ name, number: Number(JOURNAL_NAME.exec(name)?.[1] ?? Number.NaN) }))
    .filter(({ number }) => !Number.isNaN(number))
    .sort((a, b) => b.number - a.number);
  let found: Found = { groups: [], intent: undefined, files: [], number: names[0]?.number ?? 0, isDamaged: false };
  for (const { name } of names) {
    const read = found.files.length === 0 ? readJournal(disk, name) : 'torn';
    if (typeof read === 'object') found = { ...found, ...read, files: [name] };
    else {
      if (read === 'damaged') found = { ...found, isDamaged: true };
      removeIfPossible(disk, name);
    }
  }
  return found;
}

type Journal = Pick<Found, 'groups' | 'intent'>;

function readJournal(disk: Disk, name: string): Journal | 'torn' | 'damaged' {
  let file: ReturnType<Disk['open']>;
  try {
    file = disk.open(name, 'read');
    if (file === undefined) return 'torn';
    if (file.size() > JOURNAL_BYTES_MAX) return 'damaged';
    const bytes = Buffer.alloc(file.size());
    file.read(bytes, 0, bytes.length, 0);
    // A kill may have left one line and a part; damage may have taken its end, but then they are as long as each other. Files of
    // before had one, without an end.
    const half = bytes.length / 2;
    const end = bytes.indexOf(LINE_END);
    const whole = [bytes.subarray(0, end + 1), bytes.subarray(0, half), bytes.subarray(half), bytes]
      .map((line) => journalOf(line.at(-1) === LINE_END ? line.subarray(0, -1) : line))
      .find((journal) => journal !== undefined);
    return whole ?? (isTorn(bytes) ? 'torn' : 'damaged');
  } catch {
    return 'damaged';
  } finally {
    file?.close();
  }
}

/** What is left of a write that was not finished: its first line has no end yet. What was not synced may be empty, or zeros. */
function isTorn(bytes: Buffer): boolean {
  return !bytes.includes(LINE_END) && (bytes.every((byte) => byte === 0) || HEAD.test(bytes.toString('latin1', 0, 9)));
}

/** Undefined for what is no journal, or a damaged one. */
function journalOf(line: Buffer): Journal | undefined {
  const text = line.toString('utf8', CHECKSUM_CHARS);
  if (line.toString('latin1', 0, CHECKSUM_CHARS) !== checksumOf(text)) return undefined;
  const parsed = JSON.parse(text) as Record<string, unknown>;
  if (parsed['formatVersion'] !== FORMAT_VERSION || !Array.isArray(parsed['groups'])) return undefined;
  const intent = parsed['intent'];
  return {
    groups: parsed['groups'].filter(isGroup).slice(0, GROUPS_MAX),
    intent: isIntent(intent) ? intent : undefined,
  };
}

function removeIfPossible(disk: Disk, name: string): void {
  try {
    disk.remove(name);
  } catch {
    // The next start removes it.
  }
}

const CHECKSUM_CHARS = 8;
const LINE_END = 10;
const HEAD = /^[0-9a-f]{0,8}\{?$/;

/** What a damaged journal may have told of. */
const UNKNOWN: SpoolLoss = {
  reason: 'evicted',
  atLeast: 0,
  atMost: undefined,
  fromMs: undefined,
  toMs: undefined,
  firstPosition: undefined,
  lastPosition: undefined,
};

function checksumOf(text: string): string {
  return crc32(text).toString(16).padStart(CHECKSUM_CHARS, '0');
}

function isGroup(value: unknown): value is Group {
  const group = value as Partial<Group> | null;
  return typeof group?.number === 'number' && Array.isArray(group.losses) && group.losses.every(isLoss);
}

function isIntent(value: unknown): value is Intent {
  const intent = value as Partial<Intent> | null | undefined;
  if (typeof intent?.number !== 'number' || typeof intent.generation !== 'number') return false;
  return (
    (intent.class === 'keep' || intent.class === 'bulk') && Array.isArray(intent.losses) && intent.losses.every(isLoss)
  );
}

function isLoss(value: unknown): value is SpoolLoss {
  const loss = value as Partial<SpoolLoss> | null;
  return typeof loss?.reason === 'string' && typeof loss.atLeast === 'number';
}
