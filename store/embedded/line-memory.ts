// The memory that lines of the log are written in, and followed from: used again and again. V8 counts memory outside of its heap and
// collects the whole heap for each 64 MiB or so of it that is new; a burst would bring that twice a second.
//
//   take ─▶ written to the log ─▶ in the tail ─▶ giveBack ─▶ (next turn of the loop) ─▶ take
//
// What was read in a turn of the loop stands until that turn ends, because nothing is used again before.

export interface LineMemory {
  /** At least so many bytes, nobody else's until they are given back. */
  take(bytes: number): Buffer;
  /** What was taken, or a part of it; of other memory nothing happens. */
  giveBack(bytes: Buffer): void;
  /** Bytes that are kept to be used again. */
  freeBytes(): number;
}

/** Less is not worth keeping. */
const BYTES_LEAST: number = 64 * 1024;
/** Sizes are multiples of it, so that what is given back fits what is taken next. */
const STEP_BYTES: number = 256 * 1024;
/** What is kept for later at most. */
const FREE_BYTES_MAX: number = 32 * 1024 * 1024;

export function createLineMemory(): LineMemory {
  const taken = new WeakSet<ArrayBufferLike>();
  let free: Buffer[] = [];
  let freeBytes = 0;

  /** The smallest one in which no more than half would lie idle. */
  const fitting = (bytes: number): Buffer | undefined => {
    let found: Buffer | undefined;
    for (const one of free) {
      if (one.length < bytes || one.length > 2 * bytes + STEP_BYTES) continue;
      if (found === undefined || one.length < found.length) found = one;
    }
    return found;
  };

  return {
    take(bytes) {
      if (bytes < BYTES_LEAST) return Buffer.allocUnsafeSlow(bytes);
      let memory = fitting(bytes);
      if (memory === undefined) memory = Buffer.allocUnsafeSlow(Math.ceil(bytes / STEP_BYTES) * STEP_BYTES);
      else {
        free = free.filter((one) => one !== memory);
        freeBytes -= memory.length;
      }
      taken.add(memory.buffer);
      return memory;
    },
    giveBack({ buffer }) {
      if (!taken.delete(buffer)) return;
      setImmediate(() => {
        if (freeBytes + buffer.byteLength > FREE_BYTES_MAX) return;
        free.push(Buffer.from(buffer));
        freeBytes += buffer.byteLength;
      });
    },
    freeBytes: () => freeBytes,
  };
}
