// A child process for embedded-steps.fault.ts: does a little of everything, prints each id that was acknowledged, and kills itself
// before or after the durable step whose number it is given. Prints `steps N` when it came to the end.
import { writeSync } from 'node:fs';
import { openEmbeddedStore } from '../../store/embedded/embedded-store.ts';
import { NODE_FILES } from '../../store/embedded/files.ts';
import { openMendingDatabase } from '../../store/embedded/mending-database.ts';
import { START_MS, sampleEvent } from '../contract/event-samples.ts';

const [folder = '', killAt = '0'] = process.argv.slice(2);
let steps = 0;
const step = (): void => {
  steps++;
  if (steps === Number(killAt)) process.kill(process.pid, 'SIGKILL');
};
const around = async <T>(work: () => Promise<T>): Promise<T> => {
  step();
  const result = await work();
  step();
  return result;
};

const store = await openEmbeddedStore({
  folder,
  nowMs: () => START_MS,
  limits: { loadDelayMs: 3_600_000, segmentBytesMax: 4_000, partitionRowsMax: 30 },
  files: {
    async open(path, isNew) {
      const file = await around(() => NODE_FILES.open(path, isNew));
      return {
        write: (bytes, at) => around(() => file.write(bytes, at)),
        sync: () => around(() => file.sync()),
        truncate: (length) => around(() => file.truncate(length)),
        close: () => file.close(),
      };
    },
    syncFolder: (path) => around(() => NODE_FILES.syncFolder(path)),
    remove: (path) => around(() => NODE_FILES.remove(path)),
  },
  openDatabase: async (limits, warn) => {
    const database = await openMendingDatabase(limits, warn);
    return {
      ...database,
      prepare: (load) => around(() => database.prepare(load)),
      insert: (share) => around(() => database.insert(share)),
      release: (path) => around(() => database.release(path)),
      close: () => around(() => database.close()),
    };
  },
});

const append = async (from: number, count: number): Promise<void> => {
  // Two days, so that a load has two shares, each a transaction.
  const events = Array.from({ length: count }, (_, at) => sampleEvent(from + at - (at % 2) * 86_400));
  const results = await store.append(events);
  writeSync(1, events.map((event, at) => `${event.id} ${results[at]?.kind}\n`).join(''));
};
for (let n = 0; n < 120; n += 40) {
  await append(n, 20);
  // Half of these are there already.
  await append(n + 10, 20);
  if (n === 40) await store.flush();
}
await store.close();
writeSync(1, `steps ${steps}\n`);
