// One lane per host: what concerns a host happens one after another, so that its events' times never decrease and its deliveries
// keep their order. Bounded: a host that sends faster than it is served is told so.

/** How many of a host's requests may wait for the one being served. */
export const LANE_WAITING_MAX = 8;

export interface Lanes {
  /** Runs `work` after all earlier work of the host; undefined at once when too many wait. */
  run<T>(hostId: string, work: () => Promise<T>): Promise<T> | undefined;
  /** Resolves when nothing runs or waits. */
  idle(): Promise<void>;
}

export function createLanes(waitingMax: number = LANE_WAITING_MAX): Lanes {
  const lanes = new Map<string, { tail: Promise<unknown>; count: number }>();
  return {
    run(hostId, work) {
      const lane = lanes.get(hostId) ?? { tail: Promise.resolve(), count: 0 };
      if (lane.count > waitingMax) return undefined;
      lanes.set(hostId, lane);
      lane.count += 1;
      const result = lane.tail.then(work);
      lane.tail = result
        .catch(() => undefined)
        .then(() => {
          lane.count -= 1;
          if (lane.count === 0) lanes.delete(hostId);
        });
      return result;
    },
    async idle() {
      while (lanes.size > 0) await Promise.all([...lanes.values()].map((lane) => lane.tail));
    },
  };
}
