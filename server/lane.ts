// One lane per host: what concerns a host happens one after another, so that its events' times never decrease and its deliveries
// keep their order. Work may let the next such work begin while it only waits for a disk. Bounded: a host that sends faster than it
// is served is told so.

/** How many of a host's requests may wait for the one being served. */
export const LANE_WAITING_MAX = 8;

/** The turn of a work that others may overlap. */
export interface Turn {
  /** Lets the host's next work of this kind begin; without it that begins when this one has ended. */
  pass(): void;
  /** Resolves when all earlier work of the host has ended, and never rejects; undefined where there is none. */
  readonly earlier: Promise<unknown> | undefined;
}

export interface Lanes {
  /** Runs `work` after all earlier work of the host, and before all later; undefined at once when too many wait. */
  run<T>(hostId: string, work: () => Promise<T>): Promise<T> | undefined;
  /** The same, but that it begins when the turn before is passed on, and may pass on its own. */
  runPassing<T>(hostId: string, work: (turn: Turn) => Promise<T>): Promise<T> | undefined;
  /** Resolves when nothing runs or waits. */
  idle(): Promise<void>;
}

interface Lane {
  /** When the next that may overlap begins; never later than `tail`. */
  passed: Promise<unknown>;
  /** When all have ended. */
  tail: Promise<unknown>;
  count: number;
}

export function createLanes(waitingMax: number = LANE_WAITING_MAX): Lanes {
  const lanes = new Map<string, Lane>();

  const enter = <T>(hostId: string, begin: (lane: Lane) => Promise<T>): Promise<T> | undefined => {
    const lane = lanes.get(hostId) ?? { passed: Promise.resolve(), tail: Promise.resolve(), count: 0 };
    if (lane.count > waitingMax) return undefined;
    lanes.set(hostId, lane);
    lane.count += 1;
    const earlier = lane.tail;
    const result = begin(lane);
    lane.tail = Promise.all([earlier, result.catch(() => undefined)]).then(() => {
      lane.count -= 1;
      if (lane.count === 0) lanes.delete(hostId);
    });
    return result;
  };

  return {
    run: (hostId, work) =>
      enter(hostId, (lane) => {
        const result = lane.tail.then(work);
        lane.passed = result.catch(() => undefined);
        return result;
      }),
    runPassing: (hostId, work) =>
      enter(hostId, (lane) => {
        const begins = lane.passed;
        const earlier = lane.count > 1 ? lane.tail : undefined;
        const { promise, resolve: pass } = Promise.withResolvers<void>();
        lane.passed = promise;
        return begins.then(() => work({ pass, earlier })).finally(pass);
      }),
    async idle() {
      while (lanes.size > 0) await Promise.all([...lanes.values()].map((lane) => lane.tail));
    },
  };
}
