// The time that has passed while logs are read, told by their own stamps: so that an event is closed when the log went on without
// it, however fast the log is read. Logs follow each other, and hosts in one log have clocks of their own; so each log's stamps
// are laid beside the others', and the clock never goes back.

/** Logs (hosts) whose offset is kept; with more, the oldest is laid out anew. */
const LOGS_MAX = 8192;
/** A stamp so much behind, or ahead, begins another stretch: the next file, another boot, a clock that was set. */
const STRETCH_MS = 60_000;

export interface LogClock {
  /** The moment on the common clock, ms, at which a record of that log was written. */
  at(log: string, timeMs: number): number;
}

export function createLogClock(logsMax: number = LOGS_MAX): LogClock {
  const offsets = new Map<string, number>();
  let nowMs = 0;
  let lastLog: string | undefined;
  let lastOffset = 0;
  return {
    at(log, timeMs) {
      if (log !== lastLog) {
        const known = offsets.get(log);
        lastOffset = known ?? nowMs - timeMs;
        lastLog = log;
        if (known === undefined) {
          if (offsets.size >= logsMax) offsets.delete(offsets.keys().next().value ?? '');
          offsets.set(log, lastOffset);
        }
      }
      let atMs = timeMs + lastOffset;
      if (Math.abs(atMs - nowMs) > STRETCH_MS) {
        // A pause is a pause: everything that was open is closed, and no more is made of it.
        if (atMs > nowMs) nowMs += STRETCH_MS;
        lastOffset = nowMs - timeMs;
        offsets.set(log, lastOffset);
        atMs = nowMs;
      }
      nowMs = Math.max(nowMs, atMs);
      return nowMs;
    },
  };
}
