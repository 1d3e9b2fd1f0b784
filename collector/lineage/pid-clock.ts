// When a pid can have come round again. Pids are given out in a circle, and /proc/loadavg tells the last one: so the way that the
// circle has gone since a process was certain tells whether its pid may be another's by now, for all processes at the price of
// one small read a drain. A circle that root turns by hand
// (ns_last_pid) is not seen to: then an exec, before which /proc is asked, or the sweep tells.
//
//   position = pids given out so far, modulo the greatest pid: the pid that was given out last

export interface PidClock {
  /** Looks at the circle if the last look was some time before `eventMs`. */
  look(eventMs: number, nowMs: number): void;
  /** The position at the last look that was before `eventMs`: what happened then came no earlier on the circle. */
  positionAt(eventMs: number): number;
  /** The position when `pid`, which was first heard of at `bornMs`, was given out; as `positionAt` where that was before the looks. */
  positionOfBirth(pid: number, bornMs: number, eventMs: number): number;
  /** True when `pid` can have been given out anew since `position`. */
  mayHaveReused(pid: number, position: number): boolean;
  /** A pid cannot come round faster, ms, at the highest rate that kernels give them out. */
  readonly roundMs: number;
}

/** What the circle is read from: the last pid, and the greatest. */
export interface PidView {
  lastPid(): number | undefined;
  pidMax(): number;
}

/** No kernel gives out pids faster than that for long, per second. */
const PIDS_PER_SECOND_MAX = 20_000;
/** A look holds for so long: what may be given out meanwhile is allowed for. */
const LOOK_MS = 20;
const PIDS_PER_LOOK_MAX = (PIDS_PER_SECOND_MAX * LOOK_MS) / 1_000;

export function createPidClock(view: PidView): PidClock {
  let pidMax = view.pidMax();
  const roundMs = (pidMax / PIDS_PER_SECOND_MAX) * 1_000;
  let last = { position: view.lastPid() ?? 0, atMs: Number.NEGATIVE_INFINITY };
  let earlier = last;

  return {
    look(eventMs, nowMs) {
      if (eventMs < last.atMs + LOOK_MS) return;
      const pid = view.lastPid();
      let step = pid === undefined ? pidMax : (pid - (last.position % pidMax) + pidMax) % pidMax;
      // Not looked at for longer than a round can take: any number of rounds may have gone.
      if (nowMs - last.atMs > roundMs) step += pidMax;
      if (pid !== undefined && pid >= pidMax) {
        pidMax = view.pidMax();
        // Counted by another measure from here on: everything before may have come round.
        last = { position: (Math.floor(last.position / pidMax) + 3) * pidMax + pid, atMs: nowMs };
        earlier = last;
        return;
      }
      earlier = last;
      last = { position: last.position + step, atMs: nowMs };
    },
    positionAt: (eventMs) => (eventMs >= last.atMs ? last.position : earlier.position),
    positionOfBirth(pid, bornMs, eventMs) {
      const look = eventMs >= last.atMs ? last : earlier;
      if (bornMs < look.atMs) return look.position;
      // Its birth is what the circle came by there for.
      const birth = look.position + ((pid - (look.position % pidMax) + pidMax) % pidMax);
      return birth <= last.position + PIDS_PER_LOOK_MAX ? birth : look.position;
    },
    mayHaveReused(pid, position) {
      if (!Number.isFinite(position)) return true;
      const distance = (pid - (position % pidMax) + pidMax) % pidMax;
      return last.position + PIDS_PER_LOOK_MAX - position >= (distance === 0 ? pidMax : distance);
    },
    roundMs,
  };
}
