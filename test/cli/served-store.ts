// A real server in this process around a store that the test made, for commands to talk to.
import { PassThrough } from 'node:stream';
import type { RunningServer } from '../../server/options.ts';
import { startServer } from '../../server/server.ts';
import type { EventStore } from '../../store/port.ts';

export function serveStore(
  store: EventStore,
  dataFolder: string,
  now: () => number = Date.now,
): Promise<RunningServer> {
  return startServer({
    version: '0.0.0',
    dataFolder,
    port: 0,
    store: { kind: 'given', store },
    ruleFolders: [],
    channels: { terminal: { writable: new PassThrough().resume() } },
    now,
    onNotice: () => {},
  });
}
