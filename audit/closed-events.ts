// Which events were closed, so that a late record is known for a fragment. In flat memory for a host's own events: an object for
// each, living just long enough to grow old, is what a garbage collector does worst. Serials follow each other, so each has
// its slot by its lowest bits, and the slot's next owner comes `CLOSED_EVENTS_MAX` serials later.

/** Closed events that are remembered: those of the last so many serials; for lines with a `node`, the last so many. */
export const CLOSED_EVENTS_MAX = 8192;

export interface ClosedEvents {
  /** `key`: the serial, or node and serial. */
  add(key: string | number, timeMs: number, crc: number): void;
  /** The checksum of the closed event, or undefined when none of that key and time is remembered. */
  crcOf(key: string | number, timeMs: number): number | undefined;
}

export function createClosedEvents(): ClosedEvents {
  /** Made when the first event of this host is closed: requests of other shippers often hold a few records. */
  let slots: ReturnType<typeof createSlots> | undefined;
  const named = new Map<string, { readonly timeMs: number; readonly crc: number }>();
  return {
    add(key, timeMs, crc) {
      if (typeof key === 'number') {
        const slot = key % CLOSED_EVENTS_MAX;
        slots ??= createSlots();
        slots.times[slot] = timeMs;
        slots.serials[slot] = key;
        slots.checksums[slot] = crc;
        return;
      }
      named.delete(key);
      named.set(key, { timeMs, crc });
      if (named.size > CLOSED_EVENTS_MAX) named.delete(named.keys().next().value ?? '');
    },
    crcOf(key, timeMs) {
      if (typeof key === 'number') {
        const slot = key % CLOSED_EVENTS_MAX;
        if (slots === undefined) return undefined;
        return slots.serials[slot] === key && slots.times[slot] === timeMs ? slots.checksums[slot] : undefined;
      }
      const known = named.get(key);
      return known?.timeMs === timeMs ? known.crc : undefined;
    },
  };
}

function createSlots() {
  return {
    times: new Float64Array(CLOSED_EVENTS_MAX).fill(Number.NaN),
    serials: new Uint32Array(CLOSED_EVENTS_MAX),
    checksums: new Uint32Array(CLOSED_EVENTS_MAX),
  };
}
