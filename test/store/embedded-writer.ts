// A child process for embedded-faults.test.ts: appends until it is killed, and prints every id that was acknowledged.
import { openEmbeddedStore } from '../../store/embedded/embedded-store.ts';
import { sampleEvent } from '../contract/event-samples.ts';

const [folder = '', first = '0'] = process.argv.slice(2);
const store = await openEmbeddedStore({
  folder,
  limits: { loadDelayMs: 5, segmentBytesMax: 20_000, partitionRowsMax: 300 },
});
const write = async (from: number): Promise<void> => {
  for (let n = from; ; n += 40) {
    const events = Array.from({ length: 10 }, (_, at) => sampleEvent(n + at));
    const results = await store.append(events);
    process.stdout.write(events.map((event, at) => `${event.id} ${results[at]?.kind}\n`).join(''));
  }
};
await Promise.all([0, 10, 20, 30].map((offset) => write(Number(first) + offset)));
