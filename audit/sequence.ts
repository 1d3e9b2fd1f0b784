// The account of audit serials: which events of one boot were never seen. Serials are given out in order by the kernel but
// arrive out of order, so a hole counts only when it is certain; one that is filled later makes the loss smaller, never greater.
//
//   … 57 58 [59 missing] 60 61 …      59 is certain once `windowSerials` higher serials were seen, or `windowMs` has passed
//
// Serials have 32 bits and wrap; here they go on counting. Pure: the time is passed in. One account per boot.

/** Serials that are missing for certain. First and last are serials as the kernel writes them (32 bits). */
interface SequenceGap {
  readonly firstSequence: number;
  readonly lastSequence: number;
  readonly count: number;
  /** When the hole was first noticed: the event's place in time. */
  readonly noticedMs: number;
}

/** What became known: new gaps, and serials of gaps told earlier that came after all. */
export interface SequenceReport {
  readonly gaps: readonly SequenceGap[];
  readonly late: readonly number[];
}

export interface SequenceOptions {
  /** The last serial that was seen in this boot by an earlier run: what follows it and never comes is a gap too. */
  readonly lastSerial?: number;
  readonly windowSerials?: number;
  readonly windowMs?: number;
}

export interface SequenceAccount {
  /** A record of this serial came. Call it for every record. */
  see(serial: number, nowMs: number): SequenceReport;
  /** What has become certain by the time alone. */
  flush(nowMs: number): SequenceReport;
  /** Everything that is still missing is certain: the boot, or the collector, ends. */
  end(): SequenceReport;
  /** The highest serial that was seen; undefined before the first. */
  readonly lastSerial: number | undefined;
  /** Serials told as missing so far, less those that came late. */
  readonly missing: number;
}

const SEQUENCE_DEFAULTS = { windowSerials: 4096, windowMs: 5000 } as const;
/** Holes that are not certain yet; with more, the oldest is taken as certain. */
export const OPEN_GAPS_MAX = 4096;
/** Told gaps in which a late serial is still recognised. */
export const TOLD_GAPS_MAX = 4096;

interface Hole {
  readonly first: number;
  readonly last: number;
  readonly noticedMs: number;
}

const NOTHING: SequenceReport = { gaps: [], late: [] };
const WRAP = 2 ** 32;

export function createSequence(options: SequenceOptions = {}): SequenceAccount {
  const { windowSerials = SEQUENCE_DEFAULTS.windowSerials, windowMs = SEQUENCE_DEFAULTS.windowMs } = options;
  /** Counts on over the wrap. */
  let highest = options.lastSerial;
  /** Ascending, not overlapping; both bounded. */
  let open: Hole[] = [];
  let told: Hole[] = [];
  let missing = 0;

  const tell = (holes: readonly Hole[]): SequenceReport => {
    if (holes.length === 0) return NOTHING;
    for (const hole of holes) missing += hole.last - hole.first + 1;
    told = [...told, ...holes].slice(-TOLD_GAPS_MAX);
    return { gaps: holes.map(gapOf), late: [] };
  };

  const certain = (nowMs: number): SequenceReport => {
    let count = Math.max(0, open.length - OPEN_GAPS_MAX);
    for (let hole = open[count]; hole !== undefined; hole = open[count]) {
      if ((highest ?? 0) - hole.last < windowSerials && nowMs - hole.noticedMs < windowMs) break;
      count++;
    }
    return count === 0 ? NOTHING : tell(open.splice(0, count));
  };

  const fill = (serial: number): SequenceReport => {
    const rest = without(open, serial);
    if (rest !== undefined) {
      open = rest;
      return NOTHING;
    }
    const left = without(told, serial);
    if (left === undefined) return NOTHING;
    told = left.slice(-TOLD_GAPS_MAX);
    missing--;
    return { gaps: [], late: [serial % WRAP] };
  };

  const see = (serial: number, nowMs: number): SequenceReport => {
    if (highest === undefined) {
      highest = serial;
      return NOTHING;
    }
    // The signed distance in 32 bits: half of them are ahead, half behind.
    const step = (serial - (highest % WRAP)) | 0;
    if (step === 0) return NOTHING;
    if (step < 0) return fill(highest + step);
    if (step > 1) open.push({ first: highest + 1, last: highest + step - 1, noticedMs: nowMs });
    highest += step;
    return open.length === 0 ? NOTHING : certain(nowMs);
  };

  return {
    see,
    flush: (nowMs) => (open.length === 0 ? NOTHING : certain(nowMs)),
    end: () => tell(open.splice(0)),
    get lastSerial() {
      return highest === undefined ? undefined : highest % WRAP;
    },
    get missing() {
      return missing;
    },
  };
}

function gapOf({ first, last, noticedMs }: Hole): SequenceGap {
  return { firstSequence: first % WRAP, lastSequence: last % WRAP, count: last - first + 1, noticedMs };
}

/** The holes without one serial, split where it lies inside one; undefined where it lies in none. */
function without(holes: readonly Hole[], serial: number): Hole[] | undefined {
  // From the end: what comes late is seldom very late.
  for (let at = holes.length - 1; at >= 0; at--) {
    const hole = holes[at];
    if (hole === undefined || hole.last < serial) return undefined;
    if (hole.first > serial) continue;
    const { first, last, noticedMs } = hole;
    const parts: Hole[] = [];
    if (first < serial) parts.push({ first, last: serial - 1, noticedMs });
    if (serial < last) parts.push({ first: serial + 1, last, noticedMs });
    return [...holes.slice(0, at), ...parts, ...holes.slice(at + 1)];
  }
  return undefined;
}
