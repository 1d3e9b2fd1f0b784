// A child process for cooling.test.ts: makes a store's partitions cold, or drops the old ones, and kills itself at a durable step.
import { openEmbeddedStore } from '../../store/embedded/embedded-store.ts';
import { type FilePort, NODE_FILES } from '../../store/embedded/files.ts';
import { START_MS } from '../contract/event-samples.ts';

const DAY_MS = 86_400_000;
const [folder = '', work = 'cool', step = '1'] = process.argv.slice(2);
let steps = 0;
let isArmed = false;
const files: FilePort = {
  ...NODE_FILES,
  async syncFolder(path) {
    await NODE_FILES.syncFolder(path);
    if (isArmed && ++steps === Number(step)) process.kill(process.pid, 'SIGKILL');
  },
};
const nowMs = (): number => START_MS + DAY_MS;
const store = await openEmbeddedStore({ folder, files, nowMs, coldAfterMs: DAY_MS });
isArmed = true;
process.stdout.write('armed\n');
if (work === 'cool') await store.cool();
else await store.retain({ beforeMs: START_MS - 5 * DAY_MS });
// Whoever means to kill it later must find it.
setInterval(() => undefined, 1_000);
