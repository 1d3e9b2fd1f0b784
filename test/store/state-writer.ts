// A child process for sqlite-state.test.ts: commits step after step until it is killed, and prints each step it has committed.
import { openSqliteState } from '../../store/state/sqlite-state.ts';
import { sampleAlert, sampleDetection, sampleNotification } from './state-samples.ts';

const file = process.argv[2] ?? '';
const state = openSqliteState(file);
const first = Number(state.engine.loadCursor() ?? '0') + 1;
for (let step = first; step < first + 100_000; step++) {
  state.engine.commit({
    cursor: String(step),
    state: new Map([
      [`key-${step % 7}`, String(step)],
      [`once-${step - 1}`, undefined],
      [`once-${step}`, 'x'],
    ]),
    detections: [sampleDetection(step)],
    alerts: [sampleAlert(step)],
    outbox: [sampleNotification(step)],
  });
  process.stdout.write(`${step}\n`);
}
