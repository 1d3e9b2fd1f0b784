// A collector in a process of its own, so that a test can kill it. Options come as JSON in argv; notices go out as JSON lines.
import { startCollector } from '../../collector/collector.ts';
import type { CollectorOptions } from '../../collector/options.ts';

const options = JSON.parse(process.argv[2] as string) as Omit<CollectorOptions, 'now' | 'onNotice'>;
const say = (message: unknown): void => {
  process.stdout.write(`${JSON.stringify(message)}\n`);
};
const started = await startCollector({ ...options, now: Date.now, onNotice: (notice) => say({ notice }) });
if (started.kind === 'refused') {
  say({ refused: started.refusal });
  process.exitCode = 1;
} else {
  process.on('SIGTERM', () => {
    void started.collector.close().then(() => process.exit(0));
  });
  // Whoever reads this may send the signal at once.
  say({ mode: started.collector.mode, host: started.collector.host });
}
